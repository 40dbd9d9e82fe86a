"""Few unlabeled items: accuracy with and without them, and how sure the model is of these items and of new ones.

Run: python benchmarks/small_pools.py
     python benchmarks/small_pools.py --sets ag_news snips --per-class 3 10

Protocol: the halves of train rows of `ablation.py`; no test row is read. The pool is 1, 3, 10, 30 or 100 random items
per class of one half without the labeled ones, where these are at most 3,000 and the half has as many; 0, 1 and 5
labels per class of the same half; up to 2,000 items of the other half are predicted. 3 draws, 1 without labels if the
pool has 1,000 items or more. Accuracy of new items is a mean over classes. The excess is the mean confidence minus
the share of right answers [points].
"""

import argparse
from collections import defaultdict
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np
from ablation_sets import READING, SETS, Halves, class_data, embedder, encode_train, load_halves

from anyshot.any_shot.fitting import fit_model
from anyshot.base.validation import Floats, Indexes
from anyshot.evaluation.metrics import expected_calibration_error, per_class_accuracy
from anyshot.tasks.parameters import class_shares

PER_CLASS: Final = (1, 3, 10, 30, 100)
LABELS: Final = (0, 1, 5)
MOST: Final = 3_000
PREDICTED: Final = 2_000
COLUMNS: Final = (
    "accuracy without the pool",
    "accuracy",
    "excess",
    "calibration error",
    "accuracy of the pool",
    "its excess",
    "its error",
)


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", choices=SETS, default=[name for name in SETS if name != "chest_xray"])
    parser.add_argument("--per-class", nargs="+", type=int, default=PER_CLASS)
    parser.add_argument("--folder", type=Path, default=Path("build/ablation"), help="of the vectors of ablation.py")
    options = parser.parse_args()
    for name in options.sets:
        encode_train(name, options.folder)
    found = defaultdict(list)
    for name, n, labels in product(options.sets, options.per_class, LABELS):
        figures = measure(name, options.folder, n, labels)
        if figures is not None:
            found[n, labels].append(figures)
            print(f"{name}, {n} per class, {labels} labels:", *(f"{figure:.1f}" for figure in figures), flush=True)
    print("\n| unlabeled items per class | labels | sets |", " | ".join(COLUMNS), "|")
    print("|---" * (3 + len(COLUMNS)) + "|")
    for (n, labels), rows in sorted(found.items()):
        print(f"| {n} | {labels} | {len(rows)} |", " | ".join(f"{mean:.1f}" for mean in np.mean(rows, axis=0)), "|")


def measure(name: str, folder: Path, n: int, labels: int) -> Floats | None:
    """Return the means of COLUMNS over draws, None if the half has too few items."""
    halves = load_halves(name, folder)
    size = n * len(halves.names)
    if size > min(MOST, len(halves.vectors) - max(LABELS) * len(halves.names)):
        return None
    n_draws = 1 if labels == 0 and size >= 1_000 else 3
    return np.mean([figures_of(halves, name, folder, size, labels, seed) for seed in range(n_draws)], axis=0)


def figures_of(halves: Halves, name: str, folder: Path, size: int, labels: int, seed: int) -> list[float]:
    """Return COLUMNS [%] and [points] for one draw of labels and of a pool of some size."""
    rows = halves.rows(labels, seed)
    left = np.setdiff1d(np.arange(len(halves.index)), rows)
    pool = np.random.default_rng(seed + 1).permutation(left)[:size]
    without = class_data(name, folder, READING).with_labels(halves.vectors[rows], halves.index[rows], [""] * len(rows))
    models = [
        fit_model(embedder(name, folder), data.with_class_prior(class_shares("auto", data)))
        for data in (without, without.with_unlabeled(halves.vectors[pool]))
    ]
    new, truth = halves.test_vectors[:PREDICTED], halves.truth[:PREDICTED]
    before, of_new = (model.probabilities(model.data.centered(new)) for model in models)
    of_pool = models[1].probabilities(models[1].data.centered(halves.vectors[pool]))
    accuracies = [per_class_accuracy(truth, probabilities.argmax(axis=1)) for probabilities in (before, of_new)]
    return [100 * one for one in (*accuracies, *sureness(of_new, truth)[1:], *sureness(of_pool, halves.index[pool]))]


def sureness(probabilities: Floats, truth: Indexes) -> tuple[float, float, float]:
    """Return the share of right answers, by how much the mean confidence exceeds it, and the calibration error."""
    right = float((probabilities.argmax(axis=1) == truth).mean())
    excess = float(probabilities.max(axis=1).mean()) - right
    return right, excess, float(expected_calibration_error(probabilities, truth))


if __name__ == "__main__":
    main()
