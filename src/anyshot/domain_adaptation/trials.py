"""Trial fits of adaptation methods on subsamples of two domains, and criteria of them that need no target labels."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.preprocessing import normalize

from anyshot.base.validation import Indexes
from anyshot.domain_adaptation.base import probabilities
from anyshot.domain_adaptation.domains import Domains, Floats, Table, is_sparse, statistics_of
from anyshot.domain_adaptation.label_shift import Shift, compare_predictions, prior_of_mean
from anyshot.domain_adaptation.meda import neighbors_by_cosine
from anyshot.errors import DomainError, NotEnoughLabelsError

# Each criterion can mislead, in a different way:
#
# - agreement: how often fits on two subsamples predict the same class. A calibrated model is right as often as two such
#   fits agree (Jiang, Nagarajan, Baek, Kolter. Assessing Generalization of SGD via Disagreement. ICLR 2022, theorem
#   4.2). Misled by a method that makes the same mistakes on every subsample.
# - reverse: the method is trained on the target with its own predictions as labels, with the source as its target, and
#   evaluated on held-out source items (Zhong, Fan, Yang, Verscheure, Ren. Cross Validation Framework to Choose Amongst
#   Models and Datasets for Transfer Learning. ECML 2010, section 3). Misled by label shift: balanced mistakes teach
#   better than correct predictions of other class frequencies.
# - weighted: accuracy on held-out source items, resampled to the class frequencies of the target (Sugiyama, Krauledat,
#   Mueller. Covariate Shift Adaptation by Importance Weighted Cross Validation. JMLR 2007, eq. 8). Misled by classes
#   that look different in the target.
# - neighbors: how much more often than by chance nearest neighbors in the target get the same prediction (Cohen's
#   kappa; the cluster assumption: Chapelle, Zien. Semi-Supervised Classification by Low Density Separation. AISTATS
#   2005). Misled by a method that smooths its predictions over neighbors.

TRAIN_FRACTION: Final = 0.7
"""Fraction of the source items used for training in a subsample; the others are held out."""
TARGET_FRACTION: Final = 0.8
"""Fraction of the target items in a subsample."""
N_NEIGHBORS: Final = 10  # whose classes are compared with that of an item


class Adaptation(Protocol):
    """An adaptation method or a source model."""

    classes_: NDArray[np.generic]

    def fit(self, X: ArrayLike, y: ArrayLike, *, target: ArrayLike | None = None) -> Self:
        """Fit on both domains."""

    def predict(self, X: ArrayLike) -> NDArray[np.generic]:
        """Return the predicted class of each target item (n,)."""


@dataclass(frozen=True)
class Subsample:
    """A random part of both domains, and held-out source items."""

    domains: Domains
    rows: Indexes  # (n_t,), rows of the target items in the whole target
    test: Table  # (n, ...), held-out source items
    test_index: Indexes  # (n,), their classes


@dataclass(frozen=True)
class Trial:
    """The predictions and criteria of a method on a subsample."""

    predicted: Floats  # (n_t, c), probabilities on the target
    reverse: float  # accuracy (0 to 1)
    weighted: float  # accuracy (0 to 1)
    neighbors: float  # kappa, up to 1
    seconds: float


def subsample(domains: Domains, *, n_items: int, random: np.random.Generator) -> Subsample:
    """Draw at most `n_items` training, test and target items each; the source is split within each class."""
    train, test = _split(domains.index, n_items, random)
    n_t = domains.target.shape[0]
    rows = np.sort(random.permutation(n_t)[: min(n_items, max(2, int(TARGET_FRACTION * n_t)))])
    return Subsample(domains.part(train, rows), rows, domains.source[test], domains.index[test])


def _split(index: Indexes, n_items: int, random: np.random.Generator) -> tuple[Indexes, Indexes]:
    """Return training rows and test rows, the same fraction of each class and at least one of each."""
    fraction = min(TRAIN_FRACTION, n_items / len(index))
    train, test = [], []
    for k in np.unique(index):
        rows = random.permutation(np.flatnonzero(index == k))
        size = max(1, int(np.ceil(fraction * len(rows))))
        cut = min(size, len(rows) - 1)
        train.append(rows[:cut])
        test.append(rows[cut : cut + size])
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(test))


def run_trials(
    methods: Mapping[str, Adaptation], source_model: Adaptation, sample: Subsample, *, seed: int
) -> tuple[dict[str, Trial | None], Shift]:
    """Return the trial of each method on a subsample, None if it cannot be fitted, and the kind of shift.

    seed: of the resampling for the weighted accuracy.
    """
    target, test_index = sample.domains.target, sample.test_index
    on_test, on_target = (_predict_as_target(source_model, sample, items) for items in (sample.test, target))
    shift = compare_predictions(on_test, test_index, on_target).verdict
    weights = class_weights(on_test, test_index, on_target)
    if weights.sum() <= 0:
        raise DomainError(
            "No source class seems to occur in the target, so there is nothing to transfer. Check that both have "
            "the same features."
        )
    rows = np.random.default_rng(seed).choice(len(weights), len(weights), p=weights / weights.sum())
    neighbors = target_neighbors(as_vectors(target))
    trials: dict[str, Trial | None] = {}
    for name, method in methods.items():
        try:
            trials[name] = _trial(method, sample, rows, neighbors)
        except (DomainError, NotEnoughLabelsError):
            trials[name] = None
    return trials, shift


def _trial(method: Adaptation, sample: Subsample, rows: Indexes, neighbors: Indexes) -> Trial:
    """Return the trial of a method; rows: of the test items, resampled to the class frequencies of the target."""
    start = time.perf_counter()
    predicted = _predict_as_target(method, sample, sample.domains.target)
    classes = predicted.argmax(axis=1)
    reverse = _reverse_accuracy(method, sample, classes)
    on_resampled = _predict_as_target(method, sample, sample.test[rows]).argmax(axis=1)
    weighted = float(np.mean(on_resampled == sample.test_index[rows]))
    return Trial(predicted, reverse, weighted, neighbor_kappa(classes, neighbors), time.perf_counter() - start)


def _predict_as_target(method: Adaptation, sample: Subsample, items: Table) -> Floats:
    """Return the probabilities (n, c) of a method that is fitted with `items` as its target."""
    domains = sample.domains
    fitted = clone(method).fit(domains.source, domains.index, target=items)
    return probabilities(fitted, items, domains.n_classes)


def _reverse_accuracy(method: Adaptation, sample: Subsample, classes: Indexes) -> float:
    """Return the accuracy on the source of a method that is trained on the target with the labels `classes` (n_t,)."""
    if len(np.unique(classes)) < 2:
        return float(np.mean(sample.test_index == classes[0]))
    try:
        swapped = clone(method).fit(sample.domains.target, classes, target=sample.test)
    except NotEnoughLabelsError:  # some methods need more than one item of each class
        return 0.0
    return float(np.mean(swapped.predict(sample.test) == sample.test_index))


def as_vectors(table: Table) -> Table:
    """Return items (n, ...) as vectors (n, d)."""
    return table if is_sparse(table) else table.reshape(len(table), -1)


def agreement(one: tuple[Indexes, Indexes], other: tuple[Indexes, Indexes]) -> float:
    """Return how often (0 to 1) two fits predict the same class for the items that both have; NaN if there are none.

    one, other: rows of the items (n,) and their predicted classes (n,).
    """
    _, in_one, in_other = np.intersect1d(one[0], other[0], return_indices=True)
    return float(np.mean(one[1][in_one] == other[1][in_other])) if len(in_one) else float("nan")


def target_neighbors(table: Table) -> Indexes:
    """Return the rows of the nearest neighbors of each item (n, k), by cosine of the standardized vectors (n, d)."""
    rows = normalize(statistics_of(table).standardize(table))
    return neighbors_by_cosine((rows @ rows.T).toarray() if is_sparse(rows) else rows @ rows.T, N_NEIGHBORS)


def neighbor_kappa(classes: Indexes, neighbors: Indexes) -> float:
    """Return Cohen's kappa (1 is perfect, 0 chance) between predictions (n,) and those of the neighbors (n, k)."""
    frequencies = np.bincount(classes) / len(classes)
    chance = float(frequencies @ frequencies)
    same = float(np.mean(classes[neighbors] == classes[:, None]))
    return (same - chance) / (1 - chance) if chance < 1 else 0.0


def class_weights(source_predicted: Floats, index: Indexes, target_predicted: Floats) -> Floats:
    """Return weights of the source items (n_s,) that give the classes the target's frequencies.

    source_predicted (n_s, c): by a source model on held-out items, whose classes are `index` (n_s,);
    target_predicted (n_t, c). Lipton, Wang, Smola, ICML 2018, section 4.
    """
    frequencies = np.bincount(index, minlength=source_predicted.shape[1]) / len(index)
    weights = prior_of_mean(source_predicted, index, target_predicted) / np.maximum(frequencies, 1e-12)
    return np.asarray(weights[index])
