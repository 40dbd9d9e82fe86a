"""Calibrated probabilities, and conformal prediction sets and intervals with a stated coverage."""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import softmax
from sklearn.isotonic import IsotonicRegression

from anyshot.base.items import check_indexes
from anyshot.base.validation import Floats, Indexes, RandomState, generator, is_number
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.metrics import probability_table

ConformalScore: TypeAlias = Literal["lac", "aps"]

PRIOR_ITEMS = 1.0  # the weight of the prior on the temperature, in items


def softmax_rows(scores: ArrayLike, temperature: float = 1.0) -> Floats:
    """Return the probabilities softmax(scores / temperature) (n, c), in float64, without overflow for large scores."""
    probabilities: Floats = softmax(np.asarray(scores, dtype=np.float64) / temperature, axis=1)
    return probabilities


def fit_temperature(scores: ArrayLike, y: ArrayLike, *, toward: float = 1.0, prior_items: float = PRIOR_ITEMS) -> float:
    """Return the temperature at which softmax(scores / temperature) predicts `y` best; it is finite and above 0.

    Guo et al., On Calibration of Modern Neural Networks, ICML 2017, section 4.2, with a weak prior: with few labels, or
    if all predictions are correct, the temperature stays near `toward`; without labels it is `toward`.

    Parameters
    ----------
    scores : (n, c), of items that the model was not fitted on (out of fold)
    y : (n,) class indexes; -1, no label, is left out
    toward : mode of the prior
    prior_items : weight of the prior, in items; above 0

    Examples
    --------
    >>> round(fit_temperature([[3.0, 0.0], [3.0, 0.0], [3.0, 0.0], [3.0, 0.0]], [0, 0, 0, 1], toward=2.7), 2)
    2.71
    """
    if not (0 < toward < math.inf and 0 < prior_items < math.inf):
        raise InputError(f"toward and prior_items must be above 0 and finite; they are {toward} and {prior_items}.")
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2 or not np.isfinite(table).all():
        raise InputError(f"Scores must be a table of finite numbers (n, c); the shape is {table.shape}.")
    index = check_indexes(y, n_items=table.shape[0], n_classes=table.shape[1])
    labeled = index >= 0
    if not labeled.any():
        return toward
    behind = table - table[np.arange(len(table)), index][:, None]  # (n, c), each score minus that of the true class
    behind = behind[labeled]

    # With b = 1 / T the log-loss, sum_i log sum_j exp(b behind_ij), is convex in b, and so is the negative log-prior,
    # m (b t - log(b t)), of a Gamma density of b with mode 1 / t. The sum has one minimum, where its slope, which rises
    # from -inf to above 0, is 0.
    def slope(log_b: float) -> float:
        b = math.exp(log_b)
        expected = (softmax(b * behind, axis=1) * behind).sum()
        return float(expected + prior_items * (toward - 1 / b))

    # Below `lowest` the slope of the prior is larger than any slope of the log-loss.
    lowest = -math.log(toward + np.abs(behind).max(axis=1).sum() / prior_items)
    highest = -math.log(toward)
    while slope(highest) < 0:
        highest += 1
    return math.exp(-brentq(slope, lowest, highest, xtol=1e-10)) if slope(lowest) < 0 else math.exp(-lowest)


def fit_isotonic(probabilities: ArrayLike, y: ArrayLike) -> IsotonicRegression:
    """Return an isotonic regression from the highest probability to the share of correct predictions.

    probabilities (n, c) of items that the model was not fitted on; y (n,) class indexes, -1 is left out. Values stay
    between 1 / (m + 2) and (m + 1) / (m + 2) for m labeled items (Laplace's rule), so that no prediction is certain.
    Zadrozny, Elkan, Transforming Classifier Scores into Accurate Multiclass Probability Estimates, KDD 2002. It needs
    some hundred items to be better than a temperature.
    """
    table, index = _with_truth(probabilities, y)
    confidence, right = table.max(axis=1), table.argmax(axis=1) == index
    bound = 1 / (len(index) + 2)
    return IsotonicRegression(y_min=bound, y_max=1 - bound, out_of_bounds="clip").fit(confidence, right)


def apply_isotonic(probabilities: ArrayLike, isotonic: IsotonicRegression) -> Floats:
    """Return probabilities (n, c) with the highest one calibrated by `isotonic` and the others scaled in proportion.

    The predicted class does not change: its probability is at least 1 / c, and if another class would exceed it, the
    rest is distributed more evenly.
    """
    table = probability_table(probabilities)
    rows, top, n_others = np.arange(len(table)), table.argmax(axis=1), table.shape[1] - 1
    confidence = np.maximum(isotonic.predict(table.max(axis=1)), (1 + 1e-9) / (n_others + 1))  # (n,)
    others = table.copy()
    others[rows, top] = 0
    total = others.sum(axis=1, keepdims=True)  # (n, 1)
    shares = np.divide(others, total, out=np.full_like(others, 1 / n_others), where=total > 0)  # (n, c)
    # The second class, with share s of the rest 1 - t, stays below the first, t, if s < r = t / (1 - t). Otherwise its
    # share is reduced to r by mixing with equal shares e = 1 / (c - 1) <= r: (1 - m) s + m e = r.
    largest, bound = shares.max(axis=1), confidence / (1 - confidence) * (1 - 1e-9)
    excess = np.maximum(largest - bound, 0)  # (n,)
    mix = np.divide(excess, largest - 1 / n_others, out=np.zeros_like(excess), where=excess > 0).clip(0, 1)[:, None]
    calibrated: Floats = ((1 - mix) * shares + mix / n_others) * (1 - confidence)[:, None]
    calibrated[rows, top] = confidence
    return calibrated


@dataclass(frozen=True)
class ConformalThreshold:
    """The largest nonconformity of a class that is in an item's prediction set."""

    value: float
    """Infinite if there are so few calibration items that every set must contain all classes."""
    score: ConformalScore
    coverage: float
    """Minimum share of sets that contain the true class, over draws of items like the calibration items."""
    n: int
    """Number of calibration items."""


def conformal_threshold(
    probabilities: ArrayLike,
    y: ArrayLike,
    coverage: float,
    *,
    score: ConformalScore = "lac",
    random_state: RandomState = 0,
) -> ConformalThreshold:
    """Return the threshold at which `prediction_sets` contain the true class with probability `coverage` or more.

    The nonconformity of a class is, by `score`,

    - "lac": 1 - p. The sets are the smallest on average; those of hard items may be empty. Sadinle, Lei, Wasserman,
      Least Ambiguous Set-Valued Classifiers with Bounded Error Levels, JASA 2019.
    - "aps": the sum of the probabilities of more probable classes and a random part of its own. Hard items get larger
      sets. Romano, Sesia, Candes, Classification with Valid and Adaptive Coverage, NeurIPS 2020, eq. (5) to (8).

    With n items, the threshold is the ceil((n + 1) coverage)-th smallest nonconformity of the true classes, and the
    coverage of new items is between `coverage` and coverage + 1 / (n + 1) (Vovk et al., Algorithmic Learning in a
    Random World, 2005). This holds for new items from the same distribution as the calibration items.

    Parameters
    ----------
    probabilities : (n, c), of items that the model was not fitted on
    y : (n,) class indexes; -1, no label, is left out
    coverage : above 0 and below 1
    random_state : for "aps"
    """
    _check_coverage(coverage)
    table, index = _with_truth(probabilities, y)
    nonconformity = _nonconformity(table, score, generator(random_state))[np.arange(len(index)), index]  # (n,)
    return threshold_of(nonconformity, coverage, score=score)


def threshold_of(nonconformity: ArrayLike, coverage: float, *, score: ConformalScore) -> ConformalThreshold:
    """Return the threshold from the nonconformity of the true class of each item (n,)."""
    _check_coverage(coverage)
    ordered = np.sort(np.asarray(nonconformity, dtype=np.float64))
    rank = math.ceil((len(ordered) + 1) * coverage - 1e-9)
    value = float(ordered[rank - 1]) if rank <= len(ordered) else math.inf
    return ConformalThreshold(value=value, score=score, coverage=coverage, n=len(ordered))


def prediction_sets(
    probabilities: ArrayLike,
    threshold: ConformalThreshold,
    *,
    at_least_one: bool = False,
    random_state: RandomState = 0,
) -> NDArray[np.bool_]:
    """Return which classes are in the prediction set of each item (n, c).

    A set is empty if no class is probable enough. With `at_least_one` it then contains the most probable class, which
    can only increase the coverage. random_state: for "aps".
    """
    table = probability_table(probabilities)
    random = generator(random_state).spawn(1)[0]  # other numbers than for the threshold, even with the same seed
    members: NDArray[np.bool_] = _nonconformity(table, threshold.score, random) <= threshold.value  # (n, c)
    if at_least_one:
        members[np.arange(len(table)), table.argmax(axis=1)] = True
    return members


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
    _check_coverage(coverage)
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


def _nonconformity(probabilities: Floats, score: ConformalScore, random: np.random.Generator) -> Floats:
    """Return the nonconformity of each class for each item (n, c), 0 to 1."""
    if score == "lac":
        return 1 - probabilities
    order = np.argsort(-probabilities, axis=1, kind="stable")
    ranked = np.take_along_axis(probabilities, order, axis=1)  # (n, c), falling
    part = random.random((len(probabilities), 1))  # (n, 1), one number per item
    mass = np.empty_like(probabilities)
    np.put_along_axis(mass, order, np.cumsum(ranked, axis=1) - ranked * part, axis=1)
    return mass


def _with_truth(probabilities: ArrayLike, y: ArrayLike) -> tuple[Floats, Indexes]:
    """Return the rows of the labeled items, and their class indexes."""
    table = probability_table(probabilities)
    index = check_indexes(y, n_items=table.shape[0], n_classes=table.shape[1])
    labeled = index >= 0
    if not labeled.any():
        raise NotEnoughLabelsError(f"Calibration needs labeled items, but none of the {len(index)} items has a label.")
    return table[labeled], index[labeled]


def _check_coverage(coverage: object) -> None:
    if not (is_number(coverage) and 0 < coverage < 1):
        raise InputError(f"coverage must be above 0 and below 1; it is {coverage!r}.")
