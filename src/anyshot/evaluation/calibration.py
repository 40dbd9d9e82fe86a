"""Calibrated probabilities: a temperature, or isotonic regression."""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import softmax
from sklearn.isotonic import IsotonicRegression

from anyshot.base.labels import check_indexes
from anyshot.base.validation import Floats, probability_table
from anyshot.errors import InputError
from anyshot.evaluation.conformal import with_truth

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


def matching_temperature(scores: ArrayLike, reference: ArrayLike) -> float:
    """Return the temperature at which softmax(scores / temperature) is as confident as softmax(reference).

    The mean of the highest probability becomes the same. scores (n, c), reference (m, c): -inf for a class that is
    never predicted; temperatures from 1/1000 to 1000 are tried.
    """
    wanted = _mean_of_others(reference, 1.0)

    def excess(log_t: float) -> float:
        return _mean_of_others(scores, math.exp(log_t)) - wanted

    lowest, highest = -math.log(1000), math.log(1000)
    if excess(lowest) >= 0 or excess(highest) <= 0:
        return math.exp(lowest if excess(lowest) >= 0 else highest)
    return math.exp(brentq(excess, lowest, highest, xtol=1e-6))


def _mean_of_others(scores: ArrayLike, temperature: float) -> float:
    """Return the mean of 1 - the highest probability, not rounded to 0 where the highest is rounded to 1."""
    table = np.asarray(scores, dtype=np.float64)
    odds = np.exp((table - table.max(axis=1, keepdims=True)) / temperature)  # (n, c), 1 for the highest
    odds[np.arange(len(odds)), table.argmax(axis=1)] = 0
    others = odds.sum(axis=1)  # (n,)
    return float((others / (1 + others)).mean())


def fit_isotonic(probabilities: ArrayLike, y: ArrayLike) -> IsotonicRegression:
    """Return an isotonic regression from the highest probability to the share of correct predictions.

    probabilities (n, c) of items that the model was not fitted on; y (n,) class indexes, -1 is left out. Values stay
    between 1 / (m + 2) and (m + 1) / (m + 2) for m labeled items (Laplace's rule), so that no prediction is certain.
    Zadrozny, Elkan, Transforming Classifier Scores into Accurate Multiclass Probability Estimates, KDD 2002. It needs
    some hundred items to be better than a temperature.
    """
    table, index = with_truth(probabilities, y)
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
