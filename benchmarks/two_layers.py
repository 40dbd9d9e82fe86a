"""What the words of a text are worth beside its sentence vector: the encoder "minilm-words" compared with "minilm".

Run: python benchmarks/two_layers.py                 # all sets of texts
     python benchmarks/two_layers.py sst2 reuters

Protocol: random train rows, 5,000 or 40 times the classes if that is more, in two halves; no test row is read. A model
gets 0, 1, 5, 10 or all labels per class of one half, without and with up to 3,000 texts of that half as the pool, and
predicts up to 2,000 texts of the other. Plain accuracy [%] with the sentence vectors alone, and its change [points];
mean over 3 draws of labels (1 without labels and with all).
"""

import sys
import warnings
from typing import Final, NamedTuple

import numpy as np
from ablation_sets import IMAGES, SETS
from numpy.typing import NDArray
from support import draw, load_train

from anyshot import AnyShotClassifier
from anyshot.base.progress import track

LABELS: Final[tuple[int | str, ...]] = (0, 1, 5, 10, "all")
DRAWS: Final = 3
MAX_ROWS: Final = 5_000
MAX_ROWS_PER_CLASS: Final = 40
MAX_POOL: Final = 3_000
MAX_PREDICTED: Final = 2_000


class Halves(NamedTuple):
    """The texts of a set in two halves: models learn from one and predict the other."""

    texts: list[str]
    y: NDArray[np.str_]
    test: list[str]
    truth: NDArray[np.str_]


def load_halves(name: str) -> Halves:
    """Return two halves of random train rows of a set."""
    items, y = load_train(name)
    labels = np.array([str(label) for label in y])
    limit = max(MAX_ROWS, MAX_ROWS_PER_CLASS * len(np.unique(labels)))
    rows = np.random.default_rng(0).permutation(len(items))[:limit]
    half = len(rows) // 2
    learn, test = rows[:half], rows[half:][:MAX_PREDICTED]
    return Halves([str(items[row]) for row in learn], labels[learn], [str(items[row]) for row in test], labels[test])


def accuracy(halves: Halves, encoder: str, labels: int | str, *, pool: bool) -> float:
    """Return the mean accuracy [%] over draws of labels."""
    names, unlabeled = np.unique(halves.y).tolist(), halves.texts[:MAX_POOL] if pool else None
    scores = []
    for seed in range(1 if labels in (0, "all") else DRAWS):
        rows = draw(halves.y, labels, seed)
        clf = AnyShotClassifier(names, encoder=encoder)
        clf.fit([halves.texts[row] for row in rows], halves.y[rows].tolist(), unlabeled=unlabeled)
        scores.append(clf.score(halves.test, halves.truth))
    return 100 * float(np.mean(scores))


def main() -> None:
    """Print a row for each set, and the mean change."""
    warnings.simplefilter("ignore")  # of rows that have two labels, and of texts in other languages
    settings = [(labels, pool) for pool in (False, True) for labels in LABELS if not (pool and labels == "all")]
    wanted, changes = sys.argv[1:] or [name for name in SETS if name not in IMAGES], []
    print("| |", " | ".join(f"{labels} pool" if pool else f"{labels}" for labels, pool in settings), "|")
    print("|---" * (len(settings) + 1) + "|")
    for name in track([(1, name) for name in wanted], total=len(wanted), description="Measuring the sets"):
        halves = load_halves(name)
        before, after = (
            np.array([accuracy(halves, encoder, labels, pool=pool) for labels, pool in settings])
            for encoder in ("minilm", "minilm-words")
        )
        changes.append(after - before)
        cells = [f"{one:.1f} {change:+.1f}" for one, change in zip(before, changes[-1], strict=True)]
        print(f"| {name} |", " | ".join(cells), "|", flush=True)
    print("| *mean* |", " | ".join(f"{change:+.1f}" for change in np.mean(changes, axis=0)), "|")


if __name__ == "__main__":
    main()
