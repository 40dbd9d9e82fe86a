"""Labels that contradict the names of the classes: how many it takes until the names no longer count.

Run: python benchmarks/exchanged_names.py

Protocol: the halves of `two_layers.py`; no test row is read. The name of each class is exchanged for that of the next
one, so that names are right about as often as by chance or less. A model gets 2, 5, 10 or 20 labels per class (three
draws) of one half, without and with up to 1,000 texts of that half as the pool, and predicts up to 2,000 texts of the
other. Plain accuracy [%], that of logistic regression (C = 10) on the same labels, and that of a model with the right
names. The encoder is the default one.
"""

from typing import Final

import numpy as np
from sklearn.linear_model import LogisticRegression
from support import draw
from two_layers import Halves, load_halves

from anyshot import AnyShotClassifier, load_encoder

SETS: Final = ("ag_news", "snips", "reuters", "sms_spam", "subjectivity", "customer_reviews")
LABELS: Final = (2, 5, 10, 20)
DRAWS: Final = 3
MAX_POOL: Final = 1_000
ENCODER: Final = load_encoder("minilm-words")


def measure(halves: Halves, labels: int, seed: int) -> list[float]:
    """Return accuracies [%] of logistic regression, then names exchanged and right, without and with pool."""
    names, rows = np.unique(halves.y), draw(halves.y, labels, seed)
    texts, found = [halves.texts[row] for row in rows], []
    X, test = (ENCODER.encode(some) for some in (texts, halves.test))
    found.append(LogisticRegression(C=10, max_iter=1000).fit(X, halves.y[rows]).score(test, halves.truth))
    for step in (1, 0):
        named = dict(zip(names.tolist(), np.roll(names, step).tolist(), strict=True))
        y, truth = ([named[label] for label in some.tolist()] for some in (halves.y[rows], halves.truth))
        for pool in (None, halves.texts[:MAX_POOL]):
            clf = AnyShotClassifier(names.tolist()).fit(texts, y, unlabeled=pool)
            found.append(clf.score(halves.test, truth))
    return [100 * one for one in found]


def main() -> None:
    """Print the table."""
    heads = "logistic regression", "names exchanged", "the same, pool", "right names", "the same, pool"
    print(f"| | labels per class | {' | '.join(heads)} |\n" + "|---" * (len(heads) + 2) + "|")
    for name in SETS:
        halves = load_halves(name)
        for labels in LABELS:
            means = np.mean([measure(halves, labels, seed) for seed in range(DRAWS)], axis=0)
            print(f"| {name} | {labels} | " + " | ".join(f"{mean:.1f}" for mean in means) + " |", flush=True)


if __name__ == "__main__":
    main()
