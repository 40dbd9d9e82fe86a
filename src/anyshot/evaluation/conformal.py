"""Conformal prediction: sets of classes and intervals of numbers with a stated coverage, with numpy alone."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anyshot.base.validation import Floats, Indexes, check_fraction, check_indexes, probability_table
from anyshot.errors import NotEnoughLabelsError


@dataclass(frozen=True)
class ConformalThreshold:
    """The largest nonconformity of a class that is in an item's prediction set."""

    value: float
    """Infinite if there are so few calibration items that every set must contain all classes."""
    coverage: float
    """Minimum share of sets that contain the true class, over draws of items like the calibration items."""
    n: int
    """Number of calibration items."""


def conformal_threshold(probabilities: ArrayLike, y: ArrayLike, coverage: float) -> ConformalThreshold:
    """Return the threshold at which `prediction_sets` contain the true class with probability `coverage` or more.

    The nonconformity of a class is 1 - p: the sets are the smallest on average, and those of hard items may be empty.
    Sadinle, Lei, Wasserman, Least Ambiguous Set-Valued Classifiers with Bounded Error Levels, JASA 2019.

    With n items, the threshold is the ceil((n + 1) coverage)-th smallest nonconformity of the true classes. Then the
    coverage of new items is at least `coverage`, and at most coverage + 1 / (n + 1) if no two nonconformities are equal
    (Vovk et al., Algorithmic Learning in a Random World, 2005). This holds for new items from the same distribution as
    the calibration items.

    Parameters
    ----------
    probabilities : (n, c), of items that the model was not fitted on
    y : (n,) class indexes; -1, no label, is left out
    coverage : above 0 and below 1
    """
    check_fraction(coverage=coverage)
    table, index = with_truth(probabilities, y)
    return threshold_of(1 - table[np.arange(len(index)), index], coverage)


def threshold_of(nonconformity: ArrayLike, coverage: float) -> ConformalThreshold:
    """Return the threshold from the nonconformity of the true class of each item (n,)."""
    check_fraction(coverage=coverage)
    ordered = np.sort(np.asarray(nonconformity, dtype=np.float64))
    rank = math.ceil((len(ordered) + 1) * coverage - 1e-9)
    value = float(ordered[rank - 1]) if rank <= len(ordered) else math.inf
    return ConformalThreshold(value=value, coverage=coverage, n=len(ordered))


def prediction_sets(probabilities: ArrayLike, threshold: ConformalThreshold) -> NDArray[np.bool_]:
    """Return which classes are in the prediction set of each item (n, c), none if none is probable enough."""
    return np.asarray(1 - probability_table(probabilities) <= threshold.value)


def cross_conformal_interval(
    predicted: ArrayLike, folds: ArrayLike, residuals: ArrayLike, *, coverage: float
) -> Floats:
    """Return an interval (m, 2) for each new item that contains its number with probability of about `coverage`.

    CV+: for each labeled item, the prediction of the model fitted without its fold, minus and plus its residual; the
    ends are quantiles of these. Barber, Candes, Ramdas, Tibshirani, Predictive Inference with the Jackknife+, Annals of
    Statistics 2021, eq. (11): 2 coverage - 1 is guaranteed, `coverage` is typical.

    Parameters
    ----------
    predicted : (m, folds), predictions for the new items of the model fitted without each fold
    folds : (n,), the fold of each labeled item
    residuals : (n,), error of the model fitted without its fold for each labeled item
    coverage : above 0 and below 1; if n is too small for it, the interval is infinite
    """
    check_fraction(coverage=coverage)
    table, of_item = np.asarray(predicted, dtype=np.float64), np.asarray(folds, dtype=np.intp)
    errors = np.abs(np.asarray(residuals, dtype=np.float64))
    n = len(errors)
    rank = math.ceil((n + 1) * coverage - 1e-9)
    if rank > n:
        return np.tile([-np.inf, np.inf], (len(table), 1))
    center = table[:, of_item]  # (m, n)
    upper = np.partition(center + errors, rank - 1, axis=1)[:, rank - 1]
    lower = np.partition(center - errors, n - rank, axis=1)[:, n - rank]
    return np.stack([lower, upper], axis=1)


def with_truth(probabilities: ArrayLike, y: ArrayLike) -> tuple[Floats, Indexes]:
    """Return the rows of the labeled items, and their class indexes."""
    table = probability_table(probabilities)
    index = check_indexes(y, n_items=table.shape[0], n_classes=table.shape[1])
    labeled = index >= 0
    if not labeled.any():
        raise NotEnoughLabelsError(f"Calibration needs labeled items, but none of the {len(index)} items has a label.")
    return table[labeled], index[labeled]
