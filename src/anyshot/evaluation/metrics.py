"""Metrics: plain functions of truth, answers and scores.

`sample_weight` (n,), wherever it is taken, says how much each item counts: 0 or more, not all 0.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm
from sklearn.metrics import (
    f1_score,
    mean_absolute_error,
    r2_score,
    recall_score,
    roc_auc_score,
    roc_curve,
    root_mean_squared_error,
)
from sklearn.metrics import log_loss as sklearn_log_loss

from anyshot.base.items import Labels, check_indexes
from anyshot.base.validation import Indexes, RandomState, generator
from anyshot.errors import InputError, NotEnoughLabelsError

Floats = NDArray[np.float64]


def accuracy(y: Labels, predicted: Labels, *, sample_weight: ArrayLike | None = None) -> float:
    """Return the share of answers (n,) that equal the truth `y` (n,)."""
    truth, answers = _coded(y, predicted)
    return float(np.average(truth == answers, weights=item_weights(sample_weight, len(truth))))


def per_class_accuracy(y: Labels, predicted: Labels, *, sample_weight: ArrayLike | None = None) -> float:
    """Return the mean, over the classes that occur in `y` (n,), of the share of each class's items answered right."""
    truth, answers = _coded(y, predicted)
    weight = item_weights(sample_weight, len(truth))
    counted = truth if weight is None else truth[weight > 0]
    return float(recall_score(truth, answers, labels=np.unique(counted), average="macro", sample_weight=weight))


def macro_f1(y: Labels, predicted: Labels, *, sample_weight: ArrayLike | None = None) -> float:
    """Return the mean F1 over the classes that occur in `y` (n,) or among the answers (n,)."""
    truth, answers = _coded(y, predicted)
    weight = item_weights(sample_weight, len(truth))
    counted = np.ones(len(truth), dtype=bool) if weight is None else weight > 0
    named = np.union1d(truth[counted], answers[counted])
    return float(f1_score(truth, answers, labels=named, average="macro", sample_weight=weight))


def harmonic_mean(unseen: float, seen: float) -> float:
    """Return 2us / (u + s) of the accuracies on unseen and on seen classes; 0 where both are 0."""
    return 2 * unseen * seen / (unseen + seen) if unseen + seen > 0 else 0.0


def seen_unseen_curve(
    scores: ArrayLike, y: ArrayLike, seen: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> tuple[Floats, Floats]:
    """Return the accuracies on unseen and on seen classes as the penalty on seen classes runs from -inf to inf.

    scores (n, c); y (n,) rows of the class table; seen (c,) bool. Both accuracies are means over classes; the first
    point is "always a seen class", the last "always an unseen one". Chao et al., An Empirical Study and Analysis of
    Generalized Zero-Shot Learning, ECCV 2016, section 3.2.
    """
    table, index = _scores_and_truth(scores, y)
    is_seen = np.asarray(seen, dtype=bool)
    if is_seen.shape != (table.shape[1],) or is_seen.all() or not is_seen.any():
        raise InputError(f"seen must mark some, not all, of the {table.shape[1]} classes; it marks {is_seen.sum()}.")
    counts = _even(sample_weight, len(index))  # (n,)
    if len(np.unique(is_seen[index[counts > 0]])) < 2:
        raise NotEnoughLabelsError("The curve needs items of seen and of unseen classes; y has only one of the two.")
    # A penalty g turns item i from its best seen class to its best unseen one at g = lead_i. So an item of a seen class
    # is right while g < lead_i, if its best seen class is right, and an item of an unseen class is right from it on.
    best = np.where(is_seen, table, -np.inf), np.where(is_seen, -np.inf, table)  # twice (n, c)
    lead = best[0].max(axis=1) - best[1].max(axis=1)  # (n,)
    right = np.where(is_seen[index], best[0].argmax(axis=1), best[1].argmax(axis=1)) == index  # (n,)
    size = np.bincount(index, weights=counts, minlength=len(is_seen))[index]  # (n,), of each item's class
    weight = np.divide(right * counts, size, out=np.zeros(len(index)), where=size > 0)  # each class weighs the same
    order, of_seen = np.argsort(lead), is_seen[index]
    last = np.append(np.diff(lead[order]) > 0, True)  # items with the same lead turn together
    gained = np.cumsum((weight * ~of_seen)[order])[last] / len(np.unique(index[~of_seen & (counts > 0)]))
    lost = np.cumsum((weight * of_seen)[order])[last] / len(np.unique(index[of_seen & (counts > 0)]))
    return np.concatenate([[0.0], gained]), np.concatenate([[lost[-1]], lost[-1] - lost])


def ausuc(scores: ArrayLike, y: ArrayLike, seen: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Return the area under `seen_unseen_curve`, 0 to 1: how well seen and unseen classes are told at every penalty."""
    unseen_accuracy, seen_accuracy = seen_unseen_curve(scores, y, seen, sample_weight=sample_weight)
    return float(np.trapezoid(seen_accuracy, unseen_accuracy))


def top_k_accuracy(scores: ArrayLike, y: ArrayLike, *, k: int, sample_weight: ArrayLike | None = None) -> float:
    """Return the share of items whose class `y` (n,) is among the `k` best of `scores` (n, c); ties go to the first."""
    table, index = _scores_and_truth(scores, y)
    best = np.argsort(-table, axis=1, kind="stable")[:, :k]  # (n, k)
    found = (best == index[:, None]).any(axis=1)  # (n,)
    return float(np.average(found, weights=item_weights(sample_weight, len(index))))


def log_loss(probabilities: ArrayLike, y: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Return the mean of -log p(y) [nats]; probabilities (n, c), y (n,) rows of the class table."""
    table, index = _probabilities_and_truth(probabilities, y)
    weight = item_weights(sample_weight, len(index))
    return float(sklearn_log_loss(index, table, labels=np.arange(table.shape[1]), sample_weight=weight))


def brier_score(probabilities: ArrayLike, y: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Return the mean squared distance of the probabilities (n, c) from certainty of the truth `y` (n,), 0 to 2."""
    table, index = _probabilities_and_truth(probabilities, y)
    distance = ((table - np.eye(table.shape[1])[index]) ** 2).sum(axis=1)  # (n,)
    return float(np.average(distance, weights=item_weights(sample_weight, len(index))))


def expected_calibration_error(
    probabilities: ArrayLike, y: ArrayLike, *, n_bins: int = 15, sample_weight: ArrayLike | None = None
) -> float:
    """Return how far the top probability is from the share of right answers, over bins of equal width, 0 to 1.

    probabilities (n, c), y (n,) rows of the class table. Guo et al., On Calibration of Modern Neural Networks,
    ICML 2017, eq. (3).
    """
    table, index = _probabilities_and_truth(probabilities, y)
    confidence, right = table.max(axis=1), table.argmax(axis=1) == index  # (n,), (n,)
    weight = _even(sample_weight, len(index))
    gap = np.bincount(confidence_bins(confidence, n_bins=n_bins), weights=weight * (confidence - right))  # (bins,)
    return float(np.abs(gap).sum() / weight.sum())


def confidence_bins(confidence: NDArray[np.floating], *, n_bins: int) -> Indexes:
    """Return the bin of each confidence (n,): bin b holds those above b / n_bins and up to (b + 1) / n_bins."""
    place: Indexes = np.ceil(confidence * n_bins).astype(np.intp) - 1  # (n,)
    return place.clip(0, n_bins - 1)


def reliability(
    probabilities: ArrayLike, y: ArrayLike, *, n_bins: int = 15, sample_weight: ArrayLike | None = None
) -> pd.DataFrame:
    """Return, for each bin of the top probability that holds an item, how often it was right.

    probabilities (n, c); y (n,) rows of the class table, -1 (no label) is left out; sample_weight (n,). Columns: low,
    high (the bin's edges), n (items), confidence (mean top probability), accuracy, lower, upper (Wilson's interval of
    the accuracy, 95 %). Bins in which nothing weighs are left out.
    """
    table = probability_table(probabilities)
    index = check_indexes(y, n_items=table.shape[0], n_classes=table.shape[1])
    given, labeled = item_weights(sample_weight, len(index)), index >= 0
    weight = (np.ones(len(index)) if given is None else given)[labeled]
    table, index = table[labeled], index[labeled]
    if not weight.any():
        raise NotEnoughLabelsError(
            "No item that counts has a label; there is nothing to compare the probabilities with."
        )
    confidence, right = table.max(axis=1), table.argmax(axis=1) == index
    place = confidence_bins(confidence, n_bins=n_bins)
    weighed, sure, n_right = (np.bincount(place, weights=weight * w, minlength=n_bins) for w in (1, confidence, right))
    bins = np.flatnonzero(weighed)
    shares = n_right[bins] / weighed[bins]
    sizes = [effective_size(weight[place == b]) for b in bins]
    intervals = [wilson_interval(share * size, size) for share, size in zip(shares, sizes, strict=True)]
    return pd.DataFrame(
        {
            "low": bins / n_bins,
            "high": (bins + 1) / n_bins,
            "n": np.bincount(place, minlength=n_bins)[bins],
            "confidence": sure[bins] / weighed[bins],
            "accuracy": shares,
            "lower": [low for low, _ in intervals],
            "upper": [high for _, high in intervals],
        }
    )


def unknown_auroc(strangeness: ArrayLike, unknown: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Return the chance that an item of no class is stranger than an item of a class; 0.5 is guessing.

    strangeness (n,): higher for items that seem to belong to no class; unknown (n,) bool: those that do belong to none.
    """
    score, truth = _scores_of_unknowns(strangeness, unknown)
    return float(roc_auc_score(truth, score, sample_weight=_weights_of_both(sample_weight, truth)))


def false_positive_rate(
    strangeness: ArrayLike,
    unknown: ArrayLike,
    *,
    true_positive_rate: float = 0.95,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Return the share of unknowns let in where `true_positive_rate` of the items that belong to a class are let in.

    strangeness (n,), unknown (n,) bool, as for `unknown_auroc`. The positives are the items that belong to a class:
    Liang, Li, Srikant, Enhancing the Reliability of Out-of-distribution Image Detection, ICLR 2018, section 4.3.
    """
    score, truth = _scores_of_unknowns(strangeness, unknown)
    let_in, kept, _ = roc_curve(
        ~truth, -score, drop_intermediate=False, sample_weight=_weights_of_both(sample_weight, truth)
    )
    return float(let_in[np.argmax(kept >= true_positive_rate - 1e-12)])  # sums of weights may fall short by rounding


def rmse(y: ArrayLike, predicted: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Return the root of the mean squared error, in the unit of `y` (n,)."""
    return float(root_mean_squared_error(y, predicted, sample_weight=_checked_for(sample_weight, y)))


def mae(y: ArrayLike, predicted: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Return the mean absolute error, in the unit of `y` (n,)."""
    return float(mean_absolute_error(y, predicted, sample_weight=_checked_for(sample_weight, y)))


def r2(y: ArrayLike, predicted: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Return the share of the variance of `y` (n,) that the answers explain; 0 is that of the mean, less is worse.

    Raises
    ------
    NotEnoughLabelsError
        All numbers are alike: there is no variance to explain.
    """
    weight, numbers = _checked_for(sample_weight, y), np.asarray(y, dtype=np.float64)
    if len(np.unique(numbers if weight is None else numbers[weight > 0])) < 2:
        raise NotEnoughLabelsError("R2 compares with the numbers' own variance, and they are all alike. Give others.")
    return float(r2_score(numbers, predicted, sample_weight=weight))


def bootstrap_interval(
    metric: Callable[..., float],
    *arrays: ArrayLike,
    n_draws: int = 1000,
    level: float = 0.95,
    random_state: RandomState = 0,
) -> tuple[float, float]:
    """Return the percentile interval of ``metric(*arrays)`` over rows drawn with replacement, all arrays alike.

    A draw for which the metric is undefined (one class only) is left out. Efron, Bootstrap Methods, Annals of
    Statistics 1979. With few items the interval is too narrow; `Evaluation` uses Wilson's for its accuracy.

    Raises
    ------
    NotEnoughLabelsError
        There are fewer than two rows, or the metric is undefined for more than half of the draws.
    """
    columns = [np.asarray(array) for array in arrays]
    lengths = {len(column) for column in columns}
    if len(lengths) != 1:
        raise InputError(f"The arrays must have one row an item, all alike; their lengths are {sorted(lengths)}.")
    n, values, random = lengths.pop(), [], generator(random_state)
    if n < 2:
        raise NotEnoughLabelsError(f"An interval needs at least two items; there are {n}. Label more.")
    for _ in range(n_draws):
        rows = random.integers(n, size=n)
        try:
            values.append(metric(*(column[rows] for column in columns)))
        except NotEnoughLabelsError:
            continue
    known = [value for value in values if not np.isnan(value)]
    if len(known) * 2 < n_draws:
        raise NotEnoughLabelsError(
            f"The metric is undefined for {n_draws - len(known)} of {n_draws} draws of the {n} items. Label more."
        )
    lower, upper = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(lower), float(upper)


def wilson_interval(n_right: float, n: float, *, level: float = 0.95) -> tuple[float, float]:
    """Return the interval of a share, sound for few items and for shares of 0 and 1. Wilson, JASA 1927.

    With weights give the weighted share times `effective_size`, and that size. Without items it is 0 to 1.
    """
    # The share p of n is at the edge of its own interval where |p - s| = z sqrt(s (1 - s) / n): a quadratic in s.
    z2, right = float(norm.ppf((1 + level) / 2)) ** 2, min(max(n_right, 0.0), n)
    reach = math.sqrt(z2 * (right * (n - right) / max(n, 1e-12) + z2 / 4))
    lower, upper = ((right + z2 / 2 + side * reach) / (n + z2) for side in (-1, 1))
    return max(lower, 0.0) if right > 0 else 0.0, min(upper, 1.0) if right < n else 1.0


def effective_size(weight: NDArray[np.floating]) -> float:
    """Return how many equally weighted items say as much as these (n,). Kish, Survey Sampling, 1965, section 8.2."""
    return float(weight.sum() ** 2 / (weight**2).sum())


def item_weights(sample_weight: ArrayLike | None, n: int) -> Floats | None:
    """Return the weights (n,) of the items, None for None.

    Raises
    ------
    InputError
        A weight is below 0 or not finite, there is not one an item, or they sum to zero.
    """
    if sample_weight is None:
        return None
    weight = np.asarray(sample_weight, dtype=np.float64)
    if weight.shape != (n,):
        raise InputError(f"One weight an item is needed: {n} items, and weights of shape {weight.shape}.")
    bad = np.flatnonzero(~np.isfinite(weight) | (weight < 0))
    if bad.size:
        raise InputError(f"A weight must be a number of 0 or more; that of row {bad[0]} is {weight[bad[0]]:g}.")
    if weight.sum() <= 0:
        raise InputError(
            f"The weights of the {n} items sum to zero: none counts. Weigh one above 0, or give no weights."
        )
    return weight


def _even(sample_weight: ArrayLike | None, n: int) -> Floats:
    weight = item_weights(sample_weight, n)
    return np.ones(n) if weight is None else weight


def _checked_for(sample_weight: ArrayLike | None, y: ArrayLike) -> Floats | None:
    return item_weights(sample_weight, len(np.asarray(y)))


def _weights_of_both(sample_weight: ArrayLike | None, unknown: NDArray[np.bool_]) -> Floats | None:
    """Return the weights, where some of both the unknown and the other items count."""
    weight = item_weights(sample_weight, len(unknown))
    if weight is not None and not (weight[unknown].any() and weight[~unknown].any()):
        raise InputError("The weights of the unknown items, or of the others, sum to zero. Weigh some of both above 0.")
    return weight


def _coded(y: Labels, predicted: Labels) -> tuple[Indexes, Indexes]:
    """Return truth and answers as numbers (n,), (n,), whatever kinds of labels they are."""
    truth, answers = list(y), list(predicted)
    if len(truth) != len(answers) or not truth:
        raise InputError(
            f"One answer is needed for each label, and at least one: {len(truth)} labels, {len(answers)} answers."
        )
    place: dict[Any, int] = {}
    coded = [[place.setdefault(label, len(place)) for label in labels] for labels in (truth, answers)]
    return np.array(coded[0], dtype=np.intp), np.array(coded[1], dtype=np.intp)


def _scores_and_truth(scores: ArrayLike, y: ArrayLike) -> tuple[Floats, Indexes]:
    """Return finite scores (n, c) and the class of every item (n,)."""
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2 or len(table) == 0 or not np.isfinite(table).all():
        raise InputError(f"Scores must be a table of finite numbers (n, c), n > 0; the shape given is {table.shape}.")
    index = check_indexes(y, n_items=table.shape[0], n_classes=table.shape[1])
    if (index < 0).any():
        raise NotEnoughLabelsError(f"{(index < 0).sum()} of {len(index)} items have no label. Leave them out.")
    return table, index


def _probabilities_and_truth(probabilities: ArrayLike, y: ArrayLike) -> tuple[Floats, Indexes]:
    table, index = _scores_and_truth(probabilities, y)
    return probability_table(table), index


def probability_table(probabilities: ArrayLike) -> Floats:
    """Return rows of probabilities (n, c) that sum to one, in float64, or name the first row that does not."""
    table = np.asarray(probabilities, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] < 2:
        raise InputError(f"Probabilities must be a table (n, c) of two classes or more; the shape is {table.shape}.")
    total = table.sum(axis=1)
    wrong = np.flatnonzero(~((table >= 0).all(axis=1) & (np.abs(total - 1) < 1e-3)))
    if wrong.size:
        raise InputError(
            f"Row {wrong[0]} holds no probabilities: they must be 0 or more and sum to 1. Use softmax_rows."
        )
    return np.asarray(table / total[:, None], dtype=np.float64)  # float32 rows sum to one only about


def _scores_of_unknowns(strangeness: ArrayLike, unknown: ArrayLike) -> tuple[Floats, NDArray[np.bool_]]:
    score, truth = np.asarray(strangeness, dtype=np.float64), np.asarray(unknown, dtype=bool)
    if score.ndim != 1 or score.shape != truth.shape:
        raise InputError(f"One score an item is needed; the shapes are {score.shape} and {truth.shape}.")
    if truth.all() or not truth.any():
        raise NotEnoughLabelsError(
            f"Items that belong to a class and items that do not are needed; {truth.sum()} of {len(truth)} do not."
        )
    return score, truth
