"""Whether tuning the encoder pays with 8 labels a class, and what a distilled student keeps.

    python benchmarks/few_label_tuning.py [contrastive] [distillation] [--draws 3]

Contrastive: ContrastiveClassifier beside the any-shot head and plain logistic regression on the frozen vectors, on the
same draws, MiniLM, accuracy (%) on at most 1,000 test texts, CPU seconds of fitting. banking77 is cut to its first 20
classes. Nothing is chosen on test texts. Reference: SetFit's defaults take 500 times as long as logistic
regression on frozen vectors.

Distillation: the teacher is the any-shot head with 8 labels a class on MiniLM's six layers; the student, its first two
layers, sees what the teacher says of 2,000 train texts without labels. Beside it stands the any-shot head on the
untrained student's vectors: the labels alone.
"""

import argparse
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from support import Texts, draw, load_text

from anyshot import AnyShotClassifier
from anyshot.base.protocols import Encoder
from anyshot.encoders.first_layers import FirstLayers
from anyshot.encoders.registry import load_encoder
from anyshot.fine_tuning.contrastive import ContrastiveClassifier
from anyshot.fine_tuning.distillation import distill

SETS = ("sst2", "sst5", "ag_news", "banking77")
N_TEST, N_UNLABELED, SHOTS, EPOCHS = 1000, 2000, 8, 5


def some(name: str) -> Texts:
    """Return a data set, small enough for many fits; which texts and classes are kept is fixed."""
    data = load_text(name)
    names = data.classes[:20]
    random = np.random.default_rng(0)
    kept = [random.permutation(np.flatnonzero(np.isin(y, names))) for y in (data.y, data.y_test)]
    train, test = kept[0], kept[1][:N_TEST]
    texts = [[part[int(row)] for row in rows] for part, rows in ((data.train, train), (data.test, test))]
    return Texts(name, texts[0], data.y[train], texts[1], data.y_test[test])


def timed(model: Any, X: Sequence[Any], y: Sequence[str]) -> float:
    """Fit a model, and return the CPU seconds that it took."""
    began = time.process_time()
    model.fit(X, y)
    return time.process_time() - began


def contrastive(draws: int) -> None:
    """Print accuracy and time of each way."""
    print("\n## 8 labels a class: accuracy (CPU s to fit)\n")
    print("| | logistic regression on frozen vectors | any-shot head | contrastive |\n|---|---|---|---|")
    encoder = load_encoder("minilm")
    for name in SETS:
        data = some(name)
        tested = encoder.encode(data.test)
        figures = []
        for seed in range(draws):
            rows = draw(data.y, SHOTS, seed)
            X, y = [data.train[int(row)] for row in rows], data.y[rows].tolist()
            began = time.process_time()
            vectors = encoder.encode(X)
            encoding = time.process_time() - began
            plain = LogisticRegression(C=10, max_iter=1000)
            spent = [encoding + timed(plain, vectors, y)]
            right = [plain.predict(tested) == data.y_test]
            for model in (
                AnyShotClassifier(data.classes, encoder=encoder),
                ContrastiveClassifier(encoder, classes=data.classes, random_state=seed),
            ):
                spent.append(timed(model, X, y))
                right.append(model.predict(data.test) == data.y_test)
            figures.append([[100 * one.mean() for one in right], spent])
        accuracy, seconds = np.mean(figures, axis=0)
        cells = [f"{a:.1f} ({s:.1f})" for a, s in zip(accuracy, seconds, strict=True)]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def distillation(draws: int) -> None:
    """Print the accuracy of teacher and student, and how much faster the student answers."""
    print("\n## Distillation, MiniLM's six layers into its first two: accuracy, and speed beside the teacher's\n")
    print("| | teacher | student | student on the labels alone | speed |\n|---|---|---|---|---|")
    encoder, student = load_encoder("minilm"), FirstLayers(load_encoder("minilm"), 2)
    for name in ("ag_news", "banking77"):
        data = some(name)
        unlabeled = data.train[:N_UNLABELED]
        figures = []
        for seed in range(draws):
            rows = draw(data.y, SHOTS, seed)
            X, y = [data.train[int(row)] for row in rows], data.y[rows].tolist()
            teacher = AnyShotClassifier(data.classes, encoder=encoder).fit(X, y)
            learned = distill(teacher, student, unlabeled, epochs=EPOCHS, random_state=seed)
            alone = AnyShotClassifier(data.classes, encoder=student).fit(X, y)
            right = [np.mean(one.predict(data.test) == data.y_test) for one in (teacher, learned, alone)]
            figures.append([100 * one for one in right])
        told = " | ".join(f"{one:.1f}" for one in np.mean(figures, axis=0))
        print(f"| {name} | {told} | {speed_ratio(encoder, student, data.test):.1f} times |", flush=True)


def speed_ratio(encoder: Encoder, student: Encoder, texts: Sequence[str]) -> float:
    """Return how many times as fast the student encodes: CPU seconds, alternately, the median of three."""
    ratios = []
    for _ in range(3):
        spent = []
        for one in (encoder, student):
            began = time.process_time()
            one.encode(texts)
            spent.append(time.process_time() - began)
        ratios.append(spent[0] / spent[1])
    return float(np.median(ratios))


if __name__ == "__main__":
    asked = argparse.ArgumentParser()
    asked.add_argument("parts", nargs="*", default=["contrastive", "distillation"])
    asked.add_argument("--draws", type=int, default=3)
    given = asked.parse_args()
    if "contrastive" in given.parts:
        contrastive(given.draws)
    if "distillation" in given.parts:
        distillation(given.draws)
