"""Calibration: probabilities that mean what they say, and sets or intervals that hold the truth as often as stated."""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import softmax
from sklearn.isotonic import IsotonicRegression

from anyshot.base.items import check_indexes
from anyshot.base.validation import Indexes, RandomState, generator, is_number
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.metrics import Floats, probability_table

ConformalScore: TypeAlias = Literal["lac", "aps"]

PRIOR_ITEMS = 1.0  # the weight of the prior on the temperature, in items


def softmax_rows(scores: ArrayLike, temperature: float = 1.0) -> Floats:
    """Return the probabilities softmax(scores / temperature) (n, c), in float64; scores of any size stay finite."""
    probabilities: Floats = softmax(np.asarray(scores, dtype=np.float64) / temperature, axis=1)
    return probabilities


def fit_temperature(scores: ArrayLike, y: ArrayLike, *, toward: float = 1.0, prior_items: float = PRIOR_ITEMS) -> float:
    """Return the temperature at which softmax(scores / temperature) predicts `y` best; it is finite and above 0.

    Guo et al., On Calibration of Modern Neural Networks, ICML 2017, section 4.2, with a weak prior: with few labels, or
    with scores that are right every time, the answer stays near `toward`; without labels it is `toward`.

    Parameters
    ----------
    scores : (n, c), of items that the model was not fitted on (out of fold)
    y : (n,) rows of the class table; -1, no label, is left out
    toward : the temperature that the prior prefers
    prior_items : the prior's weight, in items; above 0

    Examples
    --------
    >>> round(fit_temperature([[3.0, 0.0], [3.0, 0.0], [3.0, 0.0], [3.0, 0.0]], [0, 0, 0, 1], toward=2.7), 2)
    2.71
    """
    if not (0 < toward < math.inf and 0 < prior_items < math.inf):
        raise InputError(f"toward and prior_items must be above 0 and finite; they are {toward} and {prior_items}.")
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2 or not np.isfinite(table).all():
        raise InputError(f"Scores must be a table of finite numbers (n, c); the shape given is {table.shape}.")
    index = check_indexes(y, n_items=table.shape[0], n_classes=table.shape[1])
    labeled = index >= 0
    if not labeled.any():
        return toward
    behind = table - table[np.arange(len(table)), index][:, None]  # (n, c), each score less the true class's
    behind = behind[labeled]

    # With b = 1 / T the log-loss, sum_i log sum_j exp(b behind_ij), is convex in b, and so is the prior,
    # m (b t - log(b t)): a Gamma density of b with its mode at 1 / t, infinite at b = 0, growing without end. The sum
    # has one minimum, where its slope, which rises from -inf to above 0, crosses 0.
    def slope(log_b: float) -> float:
        b = math.exp(log_b)
        expected = (softmax(b * behind, axis=1) * behind).sum()
        return float(expected + prior_items * (toward - 1 / b))

    # Below `lowest` the prior outweighs the largest slope that the items can have.
    lowest = -math.log(toward + np.abs(behind).max(axis=1).sum() / prior_items)
    highest = -math.log(toward)
    while slope(highest) < 0:
        highest += 1
    return math.exp(-brentq(slope, lowest, highest, xtol=1e-10)) if slope(lowest) < 0 else math.exp(-lowest)


def fit_isotonic(probabilities: ArrayLike, y: ArrayLike) -> IsotonicRegression:
    """Return the rising step function from the top probability to the share of right answers.

    probabilities (n, c) of items that the model was not fitted on; y (n,) rows of the class table, -1 is left out. The
    function stays between 1 / (m + 2) and (m + 1) / (m + 2) for m labeled items (Laplace's rule): m right answers are
    no proof of certainty. Zadrozny, Elkan, Transforming Classifier Scores into Accurate Multiclass Probability
    Estimates, KDD 2002. It takes some hundred items to be better than a temperature.
    """
    table, index = _with_truth(probabilities, y)
    confidence, right = table.max(axis=1), table.argmax(axis=1) == index
    bound = 1 / (len(index) + 2)
    return IsotonicRegression(y_min=bound, y_max=1 - bound, out_of_bounds="clip").fit(confidence, right)


def apply_isotonic(probabilities: ArrayLike, isotonic: IsotonicRegression) -> Floats:
    """Return probabilities (n, c) whose top one is read off `isotonic`; the others share the rest in their order.

    The likeliest class stays the likeliest: its probability is 1 / c or more, and where the runner-up would overtake it
    the rest is shared more evenly.
    """
    table = probability_table(probabilities)
    rows, top, n_others = np.arange(len(table)), table.argmax(axis=1), table.shape[1] - 1
    confidence = np.maximum(isotonic.predict(table.max(axis=1)), (1 + 1e-9) / (n_others + 1))  # (n,)
    others = table.copy()
    others[rows, top] = 0
    total = others.sum(axis=1, keepdims=True)  # (n, 1)
    shares = np.divide(others, total, out=np.full_like(others, 1 / n_others), where=total > 0)  # (n, c)
    # The runner-up, with share s of the rest 1 - t, stays below the top t while s < r = t / (1 - t). Where it does not,
    # mixing the shares with even ones, e = 1 / (c - 1) <= r, brings it down to r: (1 - m) s + m e = r.
    largest, bound = shares.max(axis=1), confidence / (1 - confidence) * (1 - 1e-9)
    excess = np.maximum(largest - bound, 0)  # (n,)
    mix = np.divide(excess, largest - 1 / n_others, out=np.zeros_like(excess), where=excess > 0).clip(0, 1)[:, None]
    calibrated: Floats = ((1 - mix) * shares + mix / n_others) * (1 - confidence)[:, None]
    calibrated[rows, top] = confidence
    return calibrated


@dataclass(frozen=True)
class ConformalThreshold:
    """How strange a class may be for an item and still belong to its prediction set."""

    value: float
    """The largest strangeness allowed; infinite where so few items calibrate that only all classes will do."""
    score: ConformalScore
    coverage: float
    """The share of sets that hold the true class, at least, over draws of items like those given."""
    n: int
    """Items that the threshold was found on."""


def conformal_threshold(
    probabilities: ArrayLike,
    y: ArrayLike,
    coverage: float,
    *,
    score: ConformalScore = "lac",
    random_state: RandomState = 0,
) -> ConformalThreshold:
    """Return the threshold at which `prediction_sets` hold the true class with probability `coverage` or more.

    The strangeness of a class is, by `score`,

    - "lac": 1 - p. The smallest sets on average; hard items may get none. Sadinle, Lei, Wasserman, Least Ambiguous
      Set-Valued Classifiers with Bounded Error Levels, JASA 2019.
    - "aps": the probability of the likelier classes and a random part of its own. Hard items get larger sets. Romano,
      Sesia, Candes, Classification with Valid and Adaptive Coverage, NeurIPS 2020, eq. (5) to (8).

    With n items the truth of a new one is as likely the k-th strangest of n + 1 for every k (Vovk et al., Algorithmic
    Learning in a Random World, 2005): the ceil((n + 1) coverage)-th smallest strangeness covers with a probability
    between `coverage` and coverage + 1 / (n + 1). That holds for items like those given: where the ones to come are
    harder, as a test split that was collected apart may be, sets hold the truth less often. Take items as they come in.

    Parameters
    ----------
    probabilities : (n, c), of items that the model was not fitted on
    y : (n,) rows of the class table; -1, no label, is left out
    coverage : above 0 and below 1
    random_state : tosses the coins of "aps"
    """
    _check_coverage(coverage)
    table, index = _with_truth(probabilities, y)
    strangeness = _strangeness(table, score, generator(random_state))[np.arange(len(index)), index]  # (n,)
    return threshold_of(strangeness, coverage, score=score)


def threshold_of(strangeness: ArrayLike, coverage: float, *, score: ConformalScore) -> ConformalThreshold:
    """Return the same threshold from how strange the true class of each item was found (n,)."""
    _check_coverage(coverage)
    ordered = np.sort(np.asarray(strangeness, dtype=np.float64))
    place = math.ceil((len(ordered) + 1) * coverage - 1e-9)
    value = float(ordered[place - 1]) if place <= len(ordered) else math.inf
    return ConformalThreshold(value=value, score=score, coverage=coverage, n=len(ordered))


def prediction_sets(
    probabilities: ArrayLike,
    threshold: ConformalThreshold,
    *,
    at_least_one: bool = False,
    random_state: RandomState = 0,
) -> NDArray[np.bool_]:
    """Return which classes belong to each item's set (n, c).

    A set may be empty: no class is likely enough. With `at_least_one` it holds the likeliest class then; sets so
    changed hold the truth more often than stated, never less. random_state tosses the coins of "aps".
    """
    table = probability_table(probabilities)
    coins = generator(random_state).spawn(1)[0]  # not those tossed for the threshold, though the seed be the same
    members: NDArray[np.bool_] = _strangeness(table, threshold.score, coins) <= threshold.value  # (n, c)
    if at_least_one:
        members[np.arange(len(table)), table.argmax(axis=1)] = True
    return members


def cross_conformal_interval(answers: ArrayLike, folds: ArrayLike, residuals: ArrayLike, *, coverage: float) -> Floats:
    """Return the interval (m, 2) of each new item's number that holds it with probability `coverage`, about.

    CV+: for each labeled item, the answer of the model fitted without its fold, less and plus its residual; the ends
    are quantiles of these. Barber, Candes, Ramdas, Tibshirani, Predictive Inference with the Jackknife+, Annals of
    Statistics 2021, eq. (11): at least 2 coverage - 1 is certain, `coverage` is what is usual.

    Parameters
    ----------
    answers : (m, folds), of the model fitted without each fold, to the new items
    folds : (n,), the fold of each labeled item
    residuals : (n,), how far each labeled item is from the answer of the model fitted without its fold
    coverage : above 0 and below 1; where n items are too few for it, the interval is infinite
    """
    _check_coverage(coverage)
    table, of_item = np.asarray(answers, dtype=np.float64), np.asarray(folds, dtype=np.intp)
    miss = np.abs(np.asarray(residuals, dtype=np.float64))
    n = len(miss)
    place = math.ceil((n + 1) * coverage - 1e-9)
    if place > n:
        return np.tile([-np.inf, np.inf], (len(table), 1))
    around = table[:, of_item]  # (m, n)
    upper = np.partition(around + miss, place - 1, axis=1)[:, place - 1]
    lower = np.partition(around - miss, n - place, axis=1)[:, n - place]
    return np.stack([lower, upper], axis=1)


def _strangeness(probabilities: Floats, score: ConformalScore, random: np.random.Generator) -> Floats:
    """Return how strange each class is for each item (n, c), 0 to 1."""
    if score == "lac":
        return 1 - probabilities
    order = np.argsort(-probabilities, axis=1, kind="stable")
    ranked = np.take_along_axis(probabilities, order, axis=1)  # (n, c), falling
    part = random.random((len(probabilities), 1))  # (n, 1), one coin an item
    mass = np.empty_like(probabilities)
    np.put_along_axis(mass, order, np.cumsum(ranked, axis=1) - ranked * part, axis=1)
    return mass


def _with_truth(probabilities: ArrayLike, y: ArrayLike) -> tuple[Floats, Indexes]:
    """Return the rows that have a label, and their classes."""
    table = probability_table(probabilities)
    index = check_indexes(y, n_items=table.shape[0], n_classes=table.shape[1])
    labeled = index >= 0
    if not labeled.any():
        raise NotEnoughLabelsError(f"None of the {len(index)} items has a label; there is nothing to calibrate on.")
    return table[labeled], index[labeled]


def _check_coverage(coverage: object) -> None:
    if not (is_number(coverage) and 0 < coverage < 1):
        raise InputError(f"coverage must lie between 0 and 1, without them; it is {coverage!r}.")
