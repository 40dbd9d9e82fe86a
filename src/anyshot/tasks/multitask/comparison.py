"""Comparison of multitask learning with learning each task alone, by cross-validation."""

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import has_fit_parameter

from anyshot.base.columns import numeric_array
from anyshot.base.estimator import fresh_copy
from anyshot.base.items import Items
from anyshot.base.labels import Labels, label_list
from anyshot.base.validation import Floats, Indexes, RandomState, check_whole, generator
from anyshot.base.weighted_items import checked_weights
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.metrics import accuracy, r2
from anyshot.tasks.multitask.task import Task, TaskKind, TaskLabels, read_tasks, rows_of


class MultitaskEstimator(Protocol):
    """An estimator of several tasks."""

    tasks: Any  # {task: kind} or None
    fit: Any

    def predict(self, X: Any) -> dict[str, NDArray[Any]]:
        """Return {task: predictions (n,)}."""
        ...


@dataclass(frozen=True)
class TaskComparison:
    """Scores of every task learned together with the others and alone, on the same folds."""

    table: pd.DataFrame  # a row for each task: kind, labels, together, alone (accuracy or R^2), gain, gain_sd, verdict
    folds: pd.DataFrame  # a row for each fold and task: together and alone

    @property
    def mean_gain(self) -> float:
        """Mean gain over tasks."""
        return float(self.table["gain"].mean())

    @property
    def losers(self) -> tuple[str, ...]:
        """Tasks whose loss is larger than the standard deviation of their gain: negative transfer."""
        return tuple(self.table.index[self.table["verdict"] == "loses"])

    def __str__(self) -> str:
        table = self.table.to_string(float_format=lambda number: f"{100 * number:.1f}")
        losers = ", ".join(self.losers)
        negative = f"Negative transfer: {losers}. Train these alone." if losers else "There is no negative transfer."
        return f"{table}\nMean gain {100 * self.mean_gain:+.1f} points. {negative}"


def compare_with_single_tasks(
    model: MultitaskEstimator,
    X: Items,
    y: TaskLabels,
    *,
    sample_weight: ArrayLike | None = None,
    n_folds: int = 5,
    repeats: int = 1,
    random_state: RandomState = 0,
) -> TaskComparison:
    """Cross-validate `model` on all tasks together, and on each task alone.

    X (n, ...) items as an array, y {task: labels (n,)}; a held-out item is held out for every task. sample_weight (n,):
    how often each item counts, in `fit` and in the scores. repeats: number of times that the items are split into
    folds.

    Raises
    ------
    InputError
        `n_folds` or `repeats` is too small, `model` is no estimator of several tasks, or takes no weights, or a weight
        is out of range.
    NotEnoughLabelsError
        A task has fewer than two labels for each fold.
    """
    if isinstance(model, type) or not hasattr(model, "tasks"):
        kind = f"the class {model.__name__}" if isinstance(model, type) else f"a {type(model).__name__}"
        raise InputError(f"model must be an estimator of several tasks, such as MultitaskModel(); it is {kind}.")
    if sample_weight is not None and not has_fit_parameter(model, "sample_weight"):
        raise InputError(f"model must take sample_weight in fit, as MultitaskModel() does; it is {model!r:.60}.")
    check_whole(2, n_folds=n_folds)
    check_whole(1, repeats=repeats)
    table, random = numeric_array(X), generator(random_state)
    weights = None if sample_weight is None else checked_weights(X, sample_weight, len(table))
    tasks = read_tasks(y, n_items=len(table), kinds=model.tasks, weights=weights)
    for task in tasks:
        if len(task.rows) < 2 * n_folds:
            raise NotEnoughLabelsError(
                f"Task {task.name!r} has {len(task.rows)} labels; {n_folds} folds need {2 * n_folds}. Add labels, or "
                "lower n_folds."
            )
    lines = []
    for repeat in range(repeats):
        fold = random.permutation(len(table)) % n_folds
        for number in range(n_folds):
            train, test = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
            found = _fold_lines(model, table, y, weights, tasks, train, test)
            lines += [{"repeat": repeat, "fold": number, **line} for line in found]
    folds = pd.DataFrame(lines)
    return TaskComparison(_summary(folds, tasks), folds)


def task_score(labels: Labels, predicted: NDArray[Any], *, kind: TaskKind, weights: Floats | None = None) -> float:
    """Return accuracy or R^2 on the items with a label; NaN if there are none, or R^2 is undefined.

    weights (n,): how often each item counts, 1 by default.
    """
    listed = label_list(labels)
    counts = np.ones(len(listed)) if weights is None else weights
    rows = [row for row, label in enumerate(listed) if label is not None and counts[row]]
    truth = [listed[row] for row in rows]
    if not rows:
        return math.nan
    try:
        if kind == "classification":
            return accuracy(truth, predicted[rows], sample_weight=counts[rows])
        return r2(np.array(truth, dtype=np.float64), predicted[rows], sample_weight=counts[rows])
    except NotEnoughLabelsError:  # all numbers are equal
        return math.nan


def _fold_lines(
    model: MultitaskEstimator,
    X: NDArray[Any],
    y: TaskLabels,
    weights: Floats | None,
    tasks: tuple[Task, ...],
    train: Indexes,
    test: Indexes,
) -> list[dict[str, Any]]:
    train_labels, test_labels = rows_of(y, train), rows_of(y, test)
    of_train, of_test = (None, None) if weights is None else (weights[train], weights[test])
    together = _fitted(model, X[train], train_labels, of_train, tasks).predict(X[test])
    lines = []
    for task in tasks:
        own = {task.name: train_labels[task.name]}
        alone = _fitted(model, X[train], own, of_train, (task,)).predict(X[test])[task.name]
        scores = [
            task_score(test_labels[task.name], one, kind=task.kind, weights=of_test)
            for one in (together[task.name], alone)
        ]
        lines.append({"task": task.name, "together": scores[0], "alone": scores[1]})
    return lines


def _fitted(
    model: MultitaskEstimator, X: NDArray[Any], y: TaskLabels, weights: Floats | None, tasks: tuple[Task, ...]
) -> MultitaskEstimator:
    """Fit a clone with the kinds found on all labels: the numbers of one fold might all be whole."""
    fitted: MultitaskEstimator = fresh_copy(model)
    fitted.tasks = {task.name: task.kind for task in tasks}
    fitted.fit(X, y, **({} if weights is None else {"sample_weight": weights}))
    return fitted


def _summary(folds: pd.DataFrame, tasks: tuple[Task, ...]) -> pd.DataFrame:
    lines = {}
    for task in tasks:
        own = folds[folds["task"] == task.name]
        gain = own["together"] - own["alone"]
        mean, sd = float(gain.mean()), float(gain.std())
        verdict = "gains" if mean > sd else "loses" if mean < -sd else "level"
        scores = {what: float(own[what].mean()) for what in ("together", "alone")}
        facts = {"kind": task.kind, "labels": len(task.rows), **scores}
        lines[task.name] = {**facts, "gain": mean, "gain_sd": sd, "verdict": verdict}
    return pd.DataFrame.from_dict(lines, orient="index")
