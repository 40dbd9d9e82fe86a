"""Does learning together help? Every task beside itself trained alone, on labels held out."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from anyshot.base.items import Items, Labels, label_list
from anyshot.base.validation import Indexes, RandomState, generator
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.tasks.multitask.task import Kind, Task, TaskLabels, read_tasks, rows_of


class MultitaskEstimator(Protocol):
    """An estimator of several tasks; it is cloned before each fit."""

    tasks: Any  # {task: kind} or None
    fit: Any

    def predict(self, X: Any) -> dict[str, NDArray[Any]]:
        """Return {task: answers (n,)}."""
        ...


@dataclass(frozen=True)
class TaskComparison:
    """Every task learned together with the others and alone, over the same folds."""

    table: pd.DataFrame
    """A row a task: kind, labels, together, alone, gain, gain_sd (over folds), verdict. Accuracy, or share of variance
    explained (R^2)."""
    folds: pd.DataFrame
    """A row a fold and task: together and alone."""

    @property
    def mean_gain(self) -> float:
        """Mean of the gain over tasks."""
        return float(self.table["gain"].mean())

    @property
    def losers(self) -> tuple[str, ...]:
        """The tasks that lose more than the spread of their gain: negative transfer."""
        return tuple(self.table.index[self.table["verdict"] == "loses"])

    def __str__(self) -> str:
        shown = self.table.to_string(float_format=lambda number: f"{100 * number:.1f}")
        harm = ", ".join(self.losers)
        last = f"Negative transfer: {harm}. Train alone." if harm else "No task loses more than the spread of its gain."
        return f"{shown}\nMean gain {100 * self.mean_gain:+.1f} points. {last}"


def compare_alone(
    model: MultitaskEstimator,
    X: Items,
    y: TaskLabels,
    *,
    n_folds: int = 5,
    repeats: int = 1,
    random_state: RandomState = 0,
) -> TaskComparison:
    """Cross-validate `model` on all tasks at once, and on each task with no other beside it.

    X (n, ...) items as an array, y {task: labels (n,)}; an item that is held out is so for every task. The model is
    the same both times, whatever it tunes inside. repeats: how often the items are dealt out anew.

    Raises
    ------
    InputError
        `n_folds` or `repeats` is too small.
    NotEnoughLabelsError
        A task has fewer than two labels a fold.
    """
    if n_folds < 2 or repeats < 1:
        raise InputError(f"n_folds must be 2 or more, and repeats 1 or more; they are {n_folds} and {repeats}.")
    table, random = np.asarray(X), generator(random_state)
    tasks = read_tasks(y, n_items=len(table), kinds=model.tasks)
    for task in tasks:
        if len(task.rows) < 2 * n_folds:
            raise NotEnoughLabelsError(
                f"Task {task.name!r} has {len(task.rows)} labels; {n_folds} folds need {2 * n_folds}. Label more, or "
                "lower n_folds."
            )
    lines = []
    for repeat in range(repeats):
        fold = random.permutation(len(table)) % n_folds
        for held in range(n_folds):
            train, test = np.flatnonzero(fold != held), np.flatnonzero(fold == held)
            lines += [
                {"repeat": repeat, "fold": held, **line} for line in _fold_lines(model, table, y, tasks, train, test)
            ]
    folds = pd.DataFrame(lines)
    return TaskComparison(_summary(folds, tasks), folds)


def task_score(labels: Labels, answers: NDArray[Any], *, kind: Kind) -> float:
    """Return accuracy, or the share of variance explained (R^2), over the items that have a label; NaN without one."""
    listed = label_list(labels)
    rows = [row for row, label in enumerate(listed) if label is not None]
    truth = [listed[row] for row in rows]
    if kind == "classification":
        return float(np.mean([answer == label for answer, label in zip(answers[rows], truth, strict=True)] or [np.nan]))
    numbers = np.array(truth, dtype=np.float64)
    if len(numbers) < 2 or not numbers.std():
        return float("nan")
    return float(1 - np.square(answers[rows] - numbers).mean() / numbers.var())


def _fold_lines(
    model: MultitaskEstimator, X: NDArray[Any], y: TaskLabels, tasks: tuple[Task, ...], train: Indexes, test: Indexes
) -> list[dict[str, Any]]:
    known, hidden = rows_of(y, train), rows_of(y, test)
    together = _fitted(model, X[train], known, tasks).predict(X[test])
    lines = []
    for task in tasks:
        alone = _fitted(model, X[train], {task.name: known[task.name]}, (task,)).predict(X[test])[task.name]
        scores = [task_score(hidden[task.name], answers, kind=task.kind) for answers in (together[task.name], alone)]
        lines.append({"task": task.name, "together": scores[0], "alone": scores[1]})
    return lines


def _fitted(model: MultitaskEstimator, X: NDArray[Any], y: TaskLabels, tasks: tuple[Task, ...]) -> MultitaskEstimator:
    """Fit a clone whose tasks are named as they were found on all labels: a fold might not show a number's fraction."""
    fresh: MultitaskEstimator = clone(model)
    fresh.tasks = {task.name: task.kind for task in tasks}
    fresh.fit(X, y)
    return fresh


def _summary(folds: pd.DataFrame, tasks: tuple[Task, ...]) -> pd.DataFrame:
    lines = {}
    for task in tasks:
        own = folds[folds["task"] == task.name]
        gain = own["together"] - own["alone"]
        mean, sd = float(gain.mean()), float(gain.std())
        verdict = "gains" if mean > sd else "loses" if mean < -sd else "level"
        lines[task.name] = {
            "kind": task.kind,
            "labels": len(task.rows),
            "together": float(own["together"].mean()),
            "alone": float(own["alone"].mean()),
            "gain": mean,
            "gain_sd": sd,
            "verdict": verdict,
        }
    return pd.DataFrame.from_dict(lines, orient="index")
