"""Contrastive fine-tuning with 8 labels per class, and the accuracy and speed of a distilled student.

    python benchmarks/few_label_tuning.py [contrastive] [distillation] [--draws 3]

Contrastive: ContrastiveClassifier, the any-shot head and logistic regression on frozen vectors, on the same random
labels, with MiniLM: accuracy (%) on at most 1,000 test texts, and CPU seconds of fitting. banking77 has its first 20
classes only. Nothing is chosen on test texts. For comparison: SetFit with default settings takes 500 times as long as
logistic regression on frozen vectors.

Distillation: the teacher is the any-shot head with 8 labels per class on the six layers of MiniLM. The student has the
first two layers, and is trained on the teacher's probabilities for 2,000 unlabeled texts. The baseline is the any-shot
head on the vectors of the untrained student, with the same labels.
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
    """Return a part of a data set that is small enough for many fits, always the same."""
    data = load_text(name)
    names = data.classes[:20]
    random = np.random.default_rng(0)
    kept = [random.permutation(np.flatnonzero(np.isin(y, names))) for y in (data.y, data.y_test)]
    train, test = kept[0], kept[1][:N_TEST]
    texts = [[part[int(row)] for row in rows] for part, rows in ((data.train, train), (data.test, test))]
    return Texts(name, texts[0], data.y[train], texts[1], data.y_test[test])


def timed(model: Any, X: Sequence[Any], y: Sequence[str]) -> float:
    """Fit a model, and return its CPU seconds."""
    began = time.process_time()
    model.fit(X, y)
    return time.process_time() - began


def contrastive(draws: int) -> None:
    """Print the accuracy and the time of each method."""
    print("\n## 8 labels per class: accuracy (CPU s to fit)\n")
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
            correct = [plain.predict(tested) == data.y_test]
            for model in (
                AnyShotClassifier(data.classes, encoder=encoder),
                ContrastiveClassifier(encoder, classes=data.classes, random_state=seed),
            ):
                spent.append(timed(model, X, y))
                correct.append(model.predict(data.test) == data.y_test)
            figures.append([[100 * one.mean() for one in correct], spent])
        accuracy, seconds = np.mean(figures, axis=0)
        cells = [f"{a:.1f} ({s:.1f})" for a, s in zip(accuracy, seconds, strict=True)]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def distillation(draws: int) -> None:
    """Print the accuracy of teacher and student, and the speed of the student."""
    print("\n## Distillation, MiniLM's six layers into its first two: accuracy, and speed relative to the teacher\n")
    print("| | teacher | student | untrained student with labels | speed |\n|---|---|---|---|---|")
    encoder, student = load_encoder("minilm"), FirstLayers(load_encoder("minilm"), 2)
    for name in ("ag_news", "banking77"):
        data = some(name)
        unlabeled = data.train[:N_UNLABELED]
        figures = []
        for seed in range(draws):
            rows = draw(data.y, SHOTS, seed)
            X, y = [data.train[int(row)] for row in rows], data.y[rows].tolist()
            teacher = AnyShotClassifier(data.classes, encoder=encoder).fit(X, y)
            distilled = distill(teacher, student, unlabeled, epochs=EPOCHS, random_state=seed)
            baseline = AnyShotClassifier(data.classes, encoder=student).fit(X, y)
            models = teacher, distilled, baseline
            figures.append([100 * np.mean(model.predict(data.test) == data.y_test) for model in models])
        cells = " | ".join(f"{one:.1f}" for one in np.mean(figures, axis=0))
        print(f"| {name} | {cells} | {speed_ratio(encoder, student, data.test):.1f} times |", flush=True)


def speed_ratio(encoder: Encoder, student: Encoder, texts: Sequence[str]) -> float:
    """Return the encoding time of the teacher over that of the student: CPU seconds, alternately, median of three."""
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
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", default=["contrastive", "distillation"])
    parser.add_argument("--draws", type=int, default=3)
    options = parser.parse_args()
    if "contrastive" in options.parts:
        contrastive(options.draws)
    if "distillation" in options.parts:
        distillation(options.draws)
