"""Metrics as plain functions of labels, predictions and scores.

`sample_weight` (n,) is the weight of each item: 0 or more, and not all 0.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import f1_score, recall_score, roc_auc_score
from sklearn.metrics import log_loss as sklearn_log_loss

from anyshot.base.labels import Labels, label_list
from anyshot.base.number_columns import weight_numbers
from anyshot.base.validation import Floats, Indexes, check_finite, check_indexes, check_whole, probability_table
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.intervals import share_interval

MIN_RELIABLE = 5  # the figures of a class or group with fewer items are unreliable


def accuracy(y: Labels, predicted: Labels, *, sample_weight: ArrayLike | None = None) -> float:
    """Return the share of predictions (n,) that equal the labels `y` (n,)."""
    truth, answers = _coded(y, predicted)
    return float(np.average(truth == answers, weights=item_weights(sample_weight, len(truth))))


def per_class_accuracy(y: Labels, predicted: Labels, *, sample_weight: ArrayLike | None = None) -> float:
    """Return the mean recall over the classes that occur in `y` (n,)."""
    truth, answers = _coded(y, predicted)
    weight = item_weights(sample_weight, len(truth))
    classes = np.unique(truth[weight > 0])
    return float(recall_score(truth, answers, labels=classes, average="macro", sample_weight=weight))


def macro_f1(y: Labels, predicted: Labels, *, sample_weight: ArrayLike | None = None) -> float:
    """Return the mean F1 over the classes that occur in `y` (n,) or in `predicted` (n,)."""
    truth, answers = _coded(y, predicted)
    weight = item_weights(sample_weight, len(truth))
    classes = np.union1d(truth[weight > 0], answers[weight > 0])
    return float(f1_score(truth, answers, labels=classes, average="macro", sample_weight=weight))


def harmonic_mean(unseen: float, seen: float) -> float:
    """Return 2us / (u + s) of the accuracies on unseen and on seen classes; 0 if both are 0."""
    return 2 * unseen * seen / (unseen + seen) if unseen + seen > 0 else 0.0


def seen_unseen_curve(scores: ArrayLike, y: ArrayLike, seen: ArrayLike) -> tuple[Floats, Floats]:
    """Return the accuracies on unseen and on seen classes for all penalties on the scores of seen classes.

    scores (n, c); y (n,) class indexes; seen (c,) bool. Both accuracies are means over classes. At the first point only
    seen classes are predicted, at the last only unseen ones. Chao et al., An Empirical Study and Analysis of
    Generalized Zero-Shot Learning, ECCV 2016, section 3.2.
    """
    table, index = _scores_and_truth(scores, y)
    is_seen = np.asarray(seen, dtype=bool)
    if is_seen.shape != (table.shape[1],) or is_seen.all() or not is_seen.any():
        raise InputError(
            f"seen must be true for some, not all, of the {table.shape[1]} classes; it is for {is_seen.sum()}."
        )
    of_seen = is_seen[index]
    if of_seen.all() or not of_seen.any():
        raise NotEnoughLabelsError(
            "The curve needs items of seen and of unseen classes, but y has only one of the two."
        )
    # With penalty g, item i is predicted as its best seen class if g < lead_i, else as its best unseen class.
    best = np.where(is_seen, table, -np.inf), np.where(is_seen, -np.inf, table)  # twice (n, c)
    lead = best[0].max(axis=1) - best[1].max(axis=1)  # (n,)
    right = np.where(of_seen, best[0].argmax(axis=1), best[1].argmax(axis=1)) == index  # (n,)
    weight = right / np.bincount(index)[index]  # (n,), each class has the same weight
    order = np.argsort(lead)
    last = np.append(np.diff(lead[order]) > 0, True)  # items with the same lead change together
    gained = np.cumsum((weight * ~of_seen)[order])[last] / len(np.unique(index[~of_seen]))
    lost = np.cumsum((weight * of_seen)[order])[last] / len(np.unique(index[of_seen]))
    return np.concatenate([[0.0], gained]), np.concatenate([[lost[-1]], lost[-1] - lost])


def ausuc(scores: ArrayLike, y: ArrayLike, seen: ArrayLike) -> float:
    """Return the area under `seen_unseen_curve`, 0 to 1."""
    unseen_accuracy, seen_accuracy = seen_unseen_curve(scores, y, seen)
    return float(np.trapezoid(seen_accuracy, unseen_accuracy))


def log_loss(probabilities: ArrayLike, y: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Return the mean of -log p(y) [nats]; probabilities (n, c), y (n,) class indexes."""
    table, index = _probabilities_and_truth(probabilities, y)
    weight = item_weights(sample_weight, len(index))
    return float(sklearn_log_loss(index, table, labels=np.arange(table.shape[1]), sample_weight=weight))


def expected_calibration_error(
    probabilities: ArrayLike, y: ArrayLike, *, n_bins: int = 15, sample_weight: ArrayLike | None = None
) -> float:
    """Return the mean gap between confidence and accuracy, over bins of equal width, 0 to 1.

    probabilities (n, c), y (n,) class indexes. Guo et al., On Calibration of Modern Neural Networks,
    ICML 2017, eq. (3).
    """
    table, index = _probabilities_and_truth(probabilities, y)
    confidence, right = table.max(axis=1), table.argmax(axis=1) == index  # (n,), (n,)
    weight = item_weights(sample_weight, len(index))
    gap = np.bincount(confidence_bins(confidence, n_bins=n_bins), weights=weight * (confidence - right))  # (bins,)
    return float(np.abs(gap).sum() / weight.sum())


def confidence_bins(confidence: NDArray[np.floating], *, n_bins: int) -> Indexes:
    """Return the bin of each confidence (n,): bin b holds those above b / n_bins and up to (b + 1) / n_bins."""
    check_whole(1, n_bins=n_bins)
    number: Indexes = np.ceil(confidence * n_bins).astype(np.intp) - 1  # (n,)
    return number.clip(0, n_bins - 1)


def reliability(
    probabilities: ArrayLike, y: ArrayLike, *, n_bins: int = 15, sample_weight: ArrayLike | None = None
) -> pd.DataFrame:
    """Return the accuracy of the items in each bin of confidence.

    probabilities (n, c); y (n,) class indexes, -1 for no label (left out); sample_weight (n,). Columns low, high (the
    edges of the bin), n (items), confidence (mean), accuracy, lower, upper (Wilson's 95 % interval of the accuracy).
    Bins without weight are left out.
    """
    table = probability_table(probabilities)
    index = check_indexes(y, n_items=table.shape[0], n_classes=table.shape[1])
    labeled = index >= 0
    weight, table, index = item_weights(sample_weight, len(index))[labeled], table[labeled], index[labeled]
    if not weight.any():
        raise NotEnoughLabelsError("No labeled item has weight, so there is nothing to compare the probabilities with.")
    confidence, right = table.max(axis=1), table.argmax(axis=1) == index
    bin_of = confidence_bins(confidence, n_bins=n_bins)
    total, sure, n_right = (np.bincount(bin_of, weights=weight * w, minlength=n_bins) for w in (1, confidence, right))
    bins = np.flatnonzero(total)
    shares = n_right[bins] / total[bins]
    intervals = [share_interval(share, weight[bin_of == b]) for share, b in zip(shares, bins, strict=True)]
    return pd.DataFrame(
        {
            "low": bins / n_bins,
            "high": (bins + 1) / n_bins,
            "n": np.bincount(bin_of, minlength=n_bins)[bins],
            "confidence": sure[bins] / total[bins],
            "accuracy": shares,
            "lower": [low for low, _ in intervals],
            "upper": [high for _, high in intervals],
        }
    )


def unknown_auroc(scores: ArrayLike, unknown: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Return the probability that an unknown item has a higher score than a known one; 0.5 is chance.

    scores (n,): higher for items that seem to belong to no class; unknown (n,) bool: items that belong to none.
    """
    score, truth = np.asarray(scores, dtype=np.float64), np.asarray(unknown, dtype=bool)
    if score.ndim != 1 or score.shape != truth.shape:
        raise InputError(f"One score per item is needed; the shapes are {score.shape} and {truth.shape}.")
    if truth.all() or not truth.any():
        raise NotEnoughLabelsError(f"Known and unknown items are needed; {truth.sum()} of {len(truth)} are unknown.")
    check_finite(score, name="scores")
    weight = item_weights(sample_weight, len(truth))
    if not (weight[truth].any() and weight[~truth].any()):
        raise InputError("The weights of the unknown or the known items sum to zero. Give some of both a positive one.")
    return float(roc_auc_score(truth, score, sample_weight=weight))


def rmse(y: ArrayLike, predicted: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Return the root of the mean squared error, in the unit of `y` (n,)."""
    return math.sqrt(_mean(_errors(y, predicted) ** 2, sample_weight))


def mae(y: ArrayLike, predicted: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Return the mean absolute error, in the unit of `y` (n,)."""
    return _mean(np.abs(_errors(y, predicted)), sample_weight)


def bias(y: ArrayLike, predicted: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Return the mean of the predictions (n,) minus the labels `y` (n,): above 0, predictions are too high."""
    return _mean(_errors(y, predicted), sample_weight)


def r2(y: ArrayLike, predicted: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Return the share of the variance of `y` (n,) that the predictions explain; predicting the mean gives 0.

    Raises NotEnoughLabelsError if all numbers are equal, so there is no variance to explain.
    """
    error, numbers = _errors(y, predicted), np.asarray(y, dtype=np.float64)
    counted = numbers[item_weights(sample_weight, len(numbers)) > 0]
    if (counted == counted[:1]).all():
        raise NotEnoughLabelsError("R2 is undefined because all numbers are equal.")
    apart = numbers - _mean(numbers, sample_weight)
    return 1 - _mean(error**2, sample_weight) / _mean(apart**2, sample_weight)


def _errors(y: ArrayLike, predicted: ArrayLike) -> Floats:
    """Return the predictions (n,) minus the labels (n,). Not by scikit-learn, whose checks take most of a bootstrap."""
    truth, answers = (np.asarray(column, dtype=np.float64) for column in (y, predicted))
    if truth.shape != answers.shape or truth.ndim != 1:
        raise InputError(f"One prediction per label is needed; the shapes are {answers.shape} and {truth.shape}.")
    if not len(truth):
        raise InputError("Labels and predictions are empty; at least one of each is needed.")
    error = answers - truth
    if not np.isfinite(error).all():
        row = np.flatnonzero(~np.isfinite(error))[0]
        raise InputError(f"Labels and predictions must be finite; row {row} has {truth[row]} and {answers[row]}.")
    return error


def _mean(values: Floats, sample_weight: ArrayLike | None) -> float:
    return float(np.average(values, weights=item_weights(sample_weight, len(values))))


def item_weights(sample_weight: ArrayLike | None, n: int) -> Floats:
    """Return the weights (n,) of the items, ones for None.

    Raises InputError if a weight is negative or not finite, there is not one per item, or they sum to zero.
    """
    if sample_weight is None:
        return np.ones(n)
    weight = weight_numbers(sample_weight)
    if weight.shape != (n,):
        raise InputError(f"One weight per item is needed; there are {n} items and weights of shape {weight.shape}.")
    bad = np.flatnonzero(~np.isfinite(weight) | (weight < 0))
    if bad.size:
        raise InputError(f"Weights must be 0 or more; row {bad[0]} has {weight[bad[0]]:g}.")
    if weight.sum() <= 0:
        raise InputError(f"The weights of the {n} items sum to zero. Give at least one a weight above 0.")
    return weight


def _coded(y: Labels, predicted: Labels) -> tuple[Indexes, Indexes]:
    """Return labels and predictions of any kind as numbers (n,), (n,)."""
    truth, answers = label_list(y), label_list(predicted)
    if len(truth) != len(answers) or not truth:
        raise InputError(f"One prediction per label is needed; there are {len(truth)} and {len(answers)}.")
    if (row := next((row for row, label in enumerate(truth) if label is None), None)) is not None:
        raise InputError(f"The label in row {row} is missing. Leave items without a label out.")
    refuse_other_types(truth, answers)
    codes: dict[Any, int] = {}
    coded = [[codes.setdefault(label, len(codes)) for label in labels] for labels in (truth, answers)]
    return np.array(coded[0], dtype=np.intp), np.array(coded[1], dtype=np.intp)


def refuse_other_types(truth: Sequence[Any], answers: Sequence[Any]) -> None:
    """Raise InputError if no prediction equals a label, but some are written as one, such as 1 and "1".

    truth: None for items without a label.
    """
    labels, predictions = set(truth) - {None}, set(answers)
    if labels & predictions:
        return
    written = {str(label): label for label in labels}
    alike = [(written[str(answer)], answer) for answer in predictions if str(answer) in written]
    if alike:
        label, answer = min(alike, key=str)
        raise InputError(
            f"The labels are of type {type(label).__name__}, such as {label!r}, and the predictions of type "
            f"{type(answer).__name__}, such as {answer!r}, so that none is equal. Write both as texts: [str(label) for "
            "label in y]."
        )


def _scores_and_truth(scores: ArrayLike, y: ArrayLike) -> tuple[Floats, Indexes]:
    """Return finite scores (n, c) and the class of every item (n,)."""
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2 or len(table) == 0:
        raise InputError(f"Scores must be a table (n, c) with at least one row; the shape is {table.shape}.")
    check_finite(table, name="scores")
    index = check_indexes(y, n_items=table.shape[0], n_classes=table.shape[1])
    if (index < 0).any():
        raise NotEnoughLabelsError(f"{(index < 0).sum()} of {len(index)} items have no label. Leave them out.")
    return table, index


def _probabilities_and_truth(probabilities: ArrayLike, y: ArrayLike) -> tuple[Floats, Indexes]:
    table, index = _scores_and_truth(probabilities, y)
    return probability_table(table), index


def percent(share: float | None) -> str:
    """Return a share in percent with one decimal, "-" for none."""
    return "-" if share is None or math.isnan(share) else f"{100 * share:.1f}"


def percents(lower: float, upper: float) -> str:
    """Return an interval of shares in percent, such as "70.1 to 80.0"."""
    return f"{percent(lower)} to {percent(upper)}"


def with_spread(mean: float, sd: float) -> str:
    """Return a mean share in percent with its standard deviation, if there is one."""
    return percent(mean) if math.isnan(sd) else f"{percent(mean)} ± {percent(sd)}"


def number(value: float | None) -> str:
    """Return a number with four digits, a large one without decimals, "-" for none."""
    if value is None or math.isnan(value):
        return "-"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e15 else f"{value:.4g}"


def span(lower: float, upper: float) -> str:
    """Return an interval as text."""
    return "too few items for an interval" if math.isnan(lower) else f"{number(lower)} to {number(upper)}"
