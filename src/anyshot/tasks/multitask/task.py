"""One task of several on the same items: classification or regression, with labels of some items."""

import json
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, Self, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from anyshot.base.columns import item_count
from anyshot.base.items import check_list
from anyshot.base.labels import (
    Classes,
    Labels,
    class_table,
    classes_in,
    from_indexes,
    label_list,
    to_indexes,
    warn_of_look_alikes,
)
from anyshot.base.messages import warn, warn_of_order
from anyshot.base.misleading_names import warn_of_joined, warn_of_missing
from anyshot.base.number_columns import target_numbers
from anyshot.base.validation import Floats, Indexes, softmax
from anyshot.data.table_vectors import as_frame
from anyshot.errors import InputError, NotEnoughClassesError, NotEnoughLabelsError

TaskKind: TypeAlias = Literal["classification", "regression"]
TaskLabels: TypeAlias = Mapping[str, Labels]  # task -> labels (n,), None or NaN for items without one

MAX_NUMBERED_CLASSES: Final = 10
"""More different whole numbers than this are numbers, not classes."""


@dataclass(frozen=True)
class Task:
    """A task and its labels."""

    name: str
    rows: Indexes  # (m,), the labeled items
    targets: NDArray[Any]  # (m,): rows of the class table, or numbers standardized to mean 0 and standard deviation 1
    weights: Floats  # (m,), how often each label counts
    classes: Classes | None = None  # None for regression
    mean: float = 0.0  # of the numbers
    std: float = 1.0
    reason: str = ""  # why it is a regression or a classification

    @property
    def kind(self) -> TaskKind:
        """Whether the task is classification or regression."""
        return "regression" if self.classes is None else "classification"

    @property
    def width(self) -> int:
        """Number of columns of scores: one for regression or two classes, else one for each class."""
        return 1 if self.classes is None or len(self.classes) == 2 else len(self.classes)

    def facts(self) -> dict[str, Any]:
        """Return the task without its labels, for JSON."""
        return {
            "name": self.name,
            "classes": self.classes,
            "level": self.mean,
            "spread": self.std,
            "reason": self.reason,
        }

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Self:
        """Return the task from its `facts`, without labels."""
        classes = None if facts["classes"] is None else class_table(facts["classes"])
        no_rows, no_weights = np.zeros(0, dtype=np.intp), np.zeros(0)
        numbers = facts["level"], facts["spread"]
        return cls(_name(facts["name"]), no_rows, no_rows, no_weights, classes, *numbers, facts.get("reason", ""))

    def probabilities(self, scores: Floats) -> Floats:
        """Return the class probabilities (n, c) for scores (n, width)."""
        if scores.shape[1] == 1:
            scores = np.column_stack([np.zeros(len(scores)), scores])
        return softmax(scores)

    def predictions(self, scores: Floats) -> NDArray[Any]:
        """Return the classes or numbers (n,) for scores (n, width)."""
        if self.classes is None:
            return self.mean + self.std * scores[:, 0]
        return from_indexes(self.probabilities(scores).argmax(axis=1), self.classes)


class FittedTasks(BaseEstimator, ABC):
    """Base class of the multitask estimators: predictions and saved facts of all tasks."""

    tasks: Mapping[str, TaskKind] | None
    tasks_: tuple[Task, ...]
    _not_saved: ClassVar[tuple[str, ...]] = ()  # parameters that are not written to a model folder

    @property
    def reasons_(self) -> tuple[str, ...]:
        """Why each task is a regression or a classification, in sentences."""
        check_is_fitted(self)
        return tuple(task.reason for task in self.tasks_ if task.reason)

    def predict(self, X: ArrayLike) -> dict[str, NDArray[Any]]:
        """Return {task: predictions (n,)}: classes, or numbers in the units of the labels."""
        scores = self._scores(X)
        return {task.name: task.predictions(scores[task.name]) for task in self.tasks_}

    def predict_proba(self, X: ArrayLike) -> dict[str, Floats]:
        """Return {task: probabilities (n, c)} of the classification tasks."""
        scores = self._scores(X)
        return {task.name: task.probabilities(scores[task.name]) for task in self.tasks_ if task.classes is not None}

    @abstractmethod
    def _scores(self, X: ArrayLike) -> dict[str, Floats]:
        """Return {task: scores (n, width)}."""

    def _facts(self) -> dict[str, Any]:
        """Return the kind, the parameters and the tasks, for JSON; task names may be of any type."""
        check_is_fitted(self)
        parameters = {name: value for name, value in self.get_params(deep=False).items() if name not in self._not_saved}
        parameters["tasks"] = None if self.tasks is None else list(self.tasks.items())
        return {"kind": type(self).__name__, "parameters": parameters, "tasks": [task.facts() for task in self.tasks_]}

    def _set_tasks(self, facts: Mapping[str, Any]) -> None:
        pairs: Any = self.tasks  # as `_facts` writes them
        self.tasks = None if pairs is None else {_name(name): kind for name, kind in pairs}
        self.tasks_ = tuple(Task.from_facts(task) for task in facts["tasks"])


def read_tasks(
    y: TaskLabels,
    *,
    n_items: int,
    kinds: Mapping[str, TaskKind] | None = None,
    items: object = None,
    weights: Floats | None = None,
) -> tuple[Task, ...]:
    """Return the tasks in `y`: {task: labels (n,)}, or a data frame with a column for each task.

    kinds: {task: "classification" or "regression"}; for other tasks the labels decide: numbers with fractions and many
    different whole numbers are a regression. items: what the labels belong to; a warning says if their pandas index has
    another order than that of the labels. weights (n,): how often each item counts, 1 by default; the labels of items
    of weight 0 are left out.

    Raises InputError if there is no task, `kinds` contains an unknown task, a label of a regression task is infinite or
    not a number, or the labels are a few whole numbers that may be numbers or classes. Raises NotEnoughLabelsError if a
    task has no labels, and NotEnoughClassesError if all its labels are the same.
    """
    y = as_frame(y)
    if not isinstance(y, Mapping | pd.DataFrame) or not len(y.keys()):
        raise InputError(f"y must be {{task: labels}} with at least one task; got a {type(y).__name__}: {y!r:.60}.")
    if repeated := [name for name, n in Counter(y.keys()).items() if n > 1]:
        raise InputError(f"y has several columns with the name {repeated[0]!r}. Give each task a name of its own.")
    if kinds is not None and not isinstance(kinds, Mapping):
        raise InputError(f"tasks must be {{task: 'classification' or 'regression'}} or None; got {kinds!r:.60}.")
    chosen = dict(kinds or {})
    unknown = [name for name in chosen if name not in y]
    if unknown:
        raise InputError(f"tasks contains {unknown[0]!r}, which is not in y. Tasks in y: {', '.join(map(str, y))}.")
    for name, labels in y.items():
        warn_of_order(items, labels, names=("X", f"y[{name!r}]"))
    counted = np.ones(n_items) if weights is None else weights
    return tuple(_task(name, labels, counted, kind=chosen.get(name)) for name, labels in y.items())


def _name(saved: Any) -> Any:
    """Return a task's name from JSON, in which that of a column with several levels, a tuple, is a list."""
    return tuple(saved) if isinstance(saved, list) else saved


def rows_of(y: TaskLabels, rows: Indexes) -> dict[str, list[Any]]:
    """Return the labels of some items."""
    listed = {name: label_list(labels) for name, labels in as_frame(y).items()}
    return {name: [labels[row] for row in rows.tolist()] for name, labels in listed.items()}


def _task(name: str, labels: Labels, weights: Floats, *, kind: TaskKind | None) -> Task:
    n_items = len(weights)
    check_list(labels, what=f"A list of labels of task {name!r}")
    if item_count(labels) != n_items:
        raise InputError(
            f"Task {name!r} has {item_count(labels)} labels for {n_items} items. Pass one for each item, None "
            "without a label."
        )
    if not weights.all():
        labels = [label if weight else None for label, weight in zip(label_list(labels), weights, strict=True)]
    if kind not in ("classification", "regression", None):
        raise InputError(f"Unknown kind {kind!r} of task {name!r}. Choose 'classification' or 'regression'.")
    if kind == "regression":
        return _regression(name, labels, weights, f"Task {name!r} is a regression, as stated.")
    try:
        found = classes_in(labels)
    except InputError as error:
        raise InputError(f"Task {name!r}: {error}") from error
    if not found:
        raise NotEnoughLabelsError(f"Task {name!r} has no labels. Add some, or leave it out of y.")
    if len(found) == 1:
        raise NotEnoughClassesError(
            f"All labels of task {name!r} are {found[0]!r}; two different ones are needed. Add labels, or leave the "
            "task out of y."
        )
    taken, reason = (kind, f"Task {name!r} is a classification, as stated.") if kind else _kind_of(name, found)
    if taken == "regression":
        return _regression(name, labels, weights, reason)
    classes = class_table(found)
    index = to_indexes(labels, classes, n_items=n_items)
    rows = np.flatnonzero(index >= 0)
    warn_of_look_alikes(found)
    if kind is None:
        warn_of_missing(found, remedy=f"pass {_as_classes(name)}")
        warn_of_joined(found)
        _warn_of_quantities(name, found, n_labels=len(rows))
    return Task(name, rows, index[rows], weights[rows], classes, reason=reason)


def _kind_of(name: str, found: Sequence[Any]) -> tuple[TaskKind, str]:
    """Return what the labels of a task are taken for, and why, in a sentence.

    Numbers with fractions, and many different whole numbers, are numbers; names, truth values, two whole numbers, and
    0 to a few, as classes are numbered, are classes.

    Raises InputError for other whole numbers, such as grades or stars from 1 to 5: they may be either.
    """
    numbers = [label for label in found if isinstance(label, int | float) and not isinstance(label, bool)]
    if any(not float(number).is_integer() for number in numbers):
        return "regression", f"Task {name!r} is a regression: its labels are numbers with fractions."
    if len(numbers) < len(found) or len(found) == 2:
        return "classification", f"Task {name!r} is a classification: it has {len(found)} classes."
    if len(found) > MAX_NUMBERED_CLASSES:
        why = f"its labels are {len(found)} different whole numbers"
        remedy = f"If they are classes, pass {_as_classes(name)}."
        return "regression", f"Task {name!r} is a regression: {why}. {remedy}"
    if [int(number) for number in numbers] == list(range(len(found))):
        why = f"its labels are the whole numbers 0 to {len(found) - 1}"
        return "classification", f"Task {name!r} is a classification: {why}."
    raise InputError(
        f"The labels of task {name!r} are {len(found)} different whole numbers, {numbers[0]} to {numbers[-1]}, which "
        f"may be numbers or classes. Pass tasks={{{name!r}: 'regression'}} or {_as_classes(name)}."
    )


def _warn_of_quantities(name: str, found: Sequence[Any], *, n_labels: int) -> None:
    """Warn if many different labels of a task are texts that begin with a number, such as "12 kg"."""
    quantities = [label for label in found if isinstance(label, str) and re.match(r"[-+]?[.,]?\d", label)]
    if len(quantities) > max(len(found) / 2, min(MAX_NUMBERED_CLASSES, n_labels / 2)):
        warn(
            f"Task {name!r} is a classification: its labels are {len(found)} different texts, such as "
            f"{quantities[0]!r}. If they are numbers, pass numbers without units; if they are classes, pass "
            f"{_as_classes(name)}."
        )


def _as_classes(name: str) -> str:
    return f"tasks={{{name!r}: 'classification'}}"


def _regression(name: str, labels: Labels, weights: Floats, reason: str) -> Task:
    numbers = target_numbers(labels, name=f"Task {name!r}")
    rows = np.flatnonzero(np.isfinite(numbers))
    if not len(rows):
        raise NotEnoughLabelsError(f"Task {name!r} has no labels. Add some, or leave it out of y.")
    known, own = numbers[rows], weights[rows]
    if known.min() == known.max():
        raise NotEnoughClassesError(
            f"All labels of task {name!r} are {known[0]:g}; two different ones are needed. Add labels, or leave the "
            "task out of y."
        )
    mean = float(np.average(known, weights=own))
    std = float(np.sqrt(np.average((known - mean) ** 2, weights=own)))
    return Task(name, rows, (known - mean) / std, own, None, mean, std, reason)


def task_card(tasks: Sequence[Task]) -> str:
    """Return the model card of a saved multitask model."""
    listed = "\n".join(f"- {json.dumps(task.name, default=str)}: {task.kind}" for task in tasks)
    return f"""---
library_name: anyshot
---

# {len(tasks)} tasks on the same items

{listed}

The folder contains the fitted model, without items and labels.

```python
from anyshot import load
load("this/folder").predict(X)
```
"""
