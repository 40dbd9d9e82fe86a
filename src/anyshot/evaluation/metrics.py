"""Metrics: plain functions of truth, answers and scores."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest
from sklearn.metrics import (
    f1_score,
    recall_score,
    roc_auc_score,
    roc_curve,
    root_mean_squared_error,
)
from sklearn.metrics import log_loss as sklearn_log_loss

from anyshot.checks import Indexes, RandomState, generator, indexes
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.labels import Labels

Floats = NDArray[np.float64]


def accuracy(y: Labels, predicted: Labels) -> float:
    """Return the share of answers (n,) that equal the truth `y` (n,)."""
    truth, answers = _coded(y, predicted)
    return float(np.mean(truth == answers))


def per_class_accuracy(y: Labels, predicted: Labels) -> float:
    """Return the mean, over the classes that occur in `y` (n,), of the share of each class's items answered right."""
    truth, answers = _coded(y, predicted)
    return float(recall_score(truth, answers, labels=np.unique(truth), average="macro"))


def macro_f1(y: Labels, predicted: Labels) -> float:
    """Return the mean F1 over the classes that occur in `y` (n,) or among the answers (n,)."""
    truth, answers = _coded(y, predicted)
    return float(f1_score(truth, answers, average="macro"))


def harmonic_mean(unseen: float, seen: float) -> float:
    """Return 2us / (u + s) of the accuracies on unseen and on seen classes; 0 where both are 0."""
    return 2 * unseen * seen / (unseen + seen) if unseen + seen > 0 else 0.0


def seen_unseen_curve(scores: ArrayLike, y: ArrayLike, seen: ArrayLike) -> tuple[Floats, Floats]:
    """Return the accuracies on unseen and on seen classes as the penalty on seen classes runs from -inf to inf.

    scores (n, c); y (n,) rows of the class table; seen (c,) bool. Both accuracies are means over classes; the first
    point is "always a seen class", the last "always an unseen one". Chao et al., An Empirical Study and Analysis of
    Generalized Zero-Shot Learning, ECCV 2016, section 3.2.
    """
    table, index = _scores_and_truth(scores, y)
    is_seen = np.asarray(seen, dtype=bool)
    if is_seen.shape != (table.shape[1],) or is_seen.all() or not is_seen.any():
        raise InputError(f"seen must mark some, not all, of the {table.shape[1]} classes; it marks {is_seen.sum()}.")
    if len(np.unique(is_seen[index])) < 2:
        raise NotEnoughLabelsError("The curve needs items of seen and of unseen classes; y has only one of the two.")
    # A penalty g turns item i from its best seen class to its best unseen one at g = lead_i. So an item of a seen class
    # is right while g < lead_i, if its best seen class is right, and an item of an unseen class is right from it on.
    best = np.where(is_seen, table, -np.inf), np.where(is_seen, -np.inf, table)  # twice (n, c)
    lead = best[0].max(axis=1) - best[1].max(axis=1)  # (n,)
    right = np.where(is_seen[index], best[0].argmax(axis=1), best[1].argmax(axis=1)) == index  # (n,)
    weight = right / np.bincount(index, minlength=len(is_seen))[index]  # (n,), each class weighs the same
    order, of_seen = np.argsort(lead), is_seen[index]
    last = np.append(np.diff(lead[order]) > 0, True)  # items with the same lead turn together
    gained = np.cumsum((weight * ~of_seen)[order])[last] / len(np.unique(index[~of_seen]))
    lost = np.cumsum((weight * of_seen)[order])[last] / len(np.unique(index[of_seen]))
    return np.concatenate([[0.0], gained]), np.concatenate([[lost[-1]], lost[-1] - lost])


def ausuc(scores: ArrayLike, y: ArrayLike, seen: ArrayLike) -> float:
    """Return the area under `seen_unseen_curve`, 0 to 1: how well seen and unseen classes are told at every penalty."""
    unseen_accuracy, seen_accuracy = seen_unseen_curve(scores, y, seen)
    return float(np.trapezoid(seen_accuracy, unseen_accuracy))


def top_k_accuracy(scores: ArrayLike, y: ArrayLike, *, k: int) -> float:
    """Return the share of items whose class `y` (n,) is among the `k` best of `scores` (n, c); ties go to the first."""
    table, index = _scores_and_truth(scores, y)
    best = np.argsort(-table, axis=1, kind="stable")[:, :k]  # (n, k)
    return float(np.mean((best == index[:, None]).any(axis=1)))


def log_loss(probabilities: ArrayLike, y: ArrayLike) -> float:
    """Return the mean of -log p(y) [nats]; probabilities (n, c), y (n,) rows of the class table."""
    table, index = _probabilities_and_truth(probabilities, y)
    return float(sklearn_log_loss(index, table, labels=np.arange(table.shape[1])))


def brier_score(probabilities: ArrayLike, y: ArrayLike) -> float:
    """Return the mean squared distance of the probabilities (n, c) from certainty of the truth `y` (n,), 0 to 2."""
    table, index = _probabilities_and_truth(probabilities, y)
    return float(np.mean(((table - np.eye(table.shape[1])[index]) ** 2).sum(axis=1)))


def expected_calibration_error(probabilities: ArrayLike, y: ArrayLike, *, n_bins: int = 15) -> float:
    """Return how far the top probability is from the share of right answers, over bins of equal width, 0 to 1.

    probabilities (n, c), y (n,) rows of the class table. Guo et al., On Calibration of Modern Neural Networks,
    ICML 2017, eq. (3).
    """
    table, index = _probabilities_and_truth(probabilities, y)
    confidence, right = table.max(axis=1), table.argmax(axis=1) == index  # (n,), (n,)
    gap = np.bincount(confidence_bins(confidence, n_bins=n_bins), weights=confidence - right)  # (bins,)
    return float(np.abs(gap).sum() / len(index))


def confidence_bins(confidence: NDArray[np.floating], *, n_bins: int) -> Indexes:
    """Return the bin of each confidence (n,): bin b holds those above b / n_bins and up to (b + 1) / n_bins."""
    place: Indexes = np.ceil(confidence * n_bins).astype(np.intp) - 1  # (n,)
    return place.clip(0, n_bins - 1)


def unknown_auroc(strangeness: ArrayLike, unknown: ArrayLike) -> float:
    """Return the chance that an item of no class is stranger than an item of a class; 0.5 is guessing.

    strangeness (n,): higher for items that seem to belong to no class; unknown (n,) bool: those that do belong to none.
    """
    score, truth = _scores_of_unknowns(strangeness, unknown)
    return float(roc_auc_score(truth, score))


def false_positive_rate(strangeness: ArrayLike, unknown: ArrayLike, *, true_positive_rate: float = 0.95) -> float:
    """Return the share of unknowns let in where `true_positive_rate` of the items that belong to a class are let in.

    strangeness (n,), unknown (n,) bool, as for `unknown_auroc`. The positives are the items that belong to a class:
    Liang, Li, Srikant, Enhancing the Reliability of Out-of-distribution Image Detection, ICLR 2018, section 4.3.
    """
    score, truth = _scores_of_unknowns(strangeness, unknown)
    let_in, kept, _ = roc_curve(~truth, -score, drop_intermediate=False)
    return float(let_in[np.argmax(kept >= true_positive_rate)])


def rmse(y: ArrayLike, predicted: ArrayLike) -> float:
    """Return the root of the mean squared error, in the unit of `y` (n,)."""
    return float(root_mean_squared_error(y, predicted))


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


def wilson_interval(n_right: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Return the interval of a share, sound for few items and for shares of 0 and 1. Wilson, JASA 1927."""
    interval = binomtest(n_right, n).proportion_ci(confidence_level=level, method="wilson")
    return float(interval.low), float(interval.high)


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
    index = indexes(y, n_items=table.shape[0], n_classes=table.shape[1])
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
