"""One task of several on the same items: classification or regression, with labels of some items."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from anyshot.base.labels import Classes, Labels, class_table, classes_in, from_indexes, label_list, to_indexes
from anyshot.base.validation import Floats, Indexes
from anyshot.errors import InputError, NotEnoughClassesError, NotEnoughLabelsError

TaskKind: TypeAlias = Literal["classification", "regression"]
TaskLabels: TypeAlias = Mapping[str, Labels]  # task -> labels (n,), None or NaN for items without one


@dataclass(frozen=True)
class Task:
    """A task and its labels."""

    name: str
    rows: Indexes  # (m,), the labeled items
    targets: NDArray[Any]  # (m,): rows of the class table, or numbers standardized to mean 0 and standard deviation 1
    classes: Classes | None = None  # None for regression
    mean: float = 0.0  # of the numbers
    std: float = 1.0

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
        return {"name": self.name, "classes": self.classes, "level": self.mean, "spread": self.std}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Self:
        """Return the task from its `facts`, without labels."""
        classes = None if facts["classes"] is None else class_table(facts["classes"])
        none = np.zeros(0, dtype=np.intp)
        return cls(facts["name"], none, none, classes, facts["level"], facts["spread"])

    def probabilities(self, scores: Floats) -> Floats:
        """Return the class probabilities (n, c) for scores (n, width)."""
        if scores.shape[1] == 1:
            scores = np.column_stack([np.zeros(len(scores)), scores])
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True), dtype=np.float64)

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
        self.tasks = None if self.tasks is None else dict(self.tasks)
        self.tasks_ = tuple(Task.from_facts(task) for task in facts["tasks"])


def read_tasks(y: TaskLabels, *, n_items: int, kinds: Mapping[str, TaskKind] | None = None) -> tuple[Task, ...]:
    """Return the tasks in `y`: {task: labels (n,)}, or a data frame with a column for each task.

    kinds: {task: "classification" or "regression"}; a task that is not in it is regression if one of its labels is a
    number with a fraction, else classification.

    Raises
    ------
    InputError
        There is no task, `kinds` contains an unknown task, or a label of a regression task is infinite or not a number.
    NotEnoughLabelsError, NotEnoughClassesError
        A task has no labels, or all its labels are the same.
    """
    if not isinstance(y, Mapping | pd.DataFrame) or not len(y.keys()):
        raise InputError(f"y must be {{task: labels}} with at least one task; got a {type(y).__name__}: {y!r:.60}.")
    chosen = dict(kinds or {})
    unknown = [name for name in chosen if name not in y]
    if unknown:
        raise InputError(f"tasks contains {unknown[0]!r}, which is not in y. Tasks in y: {', '.join(map(str, y))}.")
    return tuple(_task(name, labels, n_items=n_items, kind=chosen.get(name)) for name, labels in y.items())


def rows_of(y: TaskLabels, rows: Indexes) -> dict[str, list[Any]]:
    """Return the labels of some items."""
    listed = {name: label_list(labels) for name, labels in y.items()}
    return {name: [labels[row] for row in rows.tolist()] for name, labels in listed.items()}


def _task(name: str, labels: Labels, *, n_items: int, kind: TaskKind | None) -> Task:
    if len(labels) != n_items:
        raise InputError(
            f"Task {name!r} has {len(labels)} labels for {n_items} items. Pass one for each item, None without a label."
        )
    found = classes_in(labels)
    if not found:
        raise NotEnoughLabelsError(f"Task {name!r} has no labels. Add some, or leave it out of y.")
    if len(found) == 1:
        raise NotEnoughClassesError(
            f"All labels of task {name!r} are {found[0]!r}; two different ones are needed. Add labels, or leave the "
            "task out of y."
        )
    if kind not in ("classification", "regression", None):
        raise InputError(f"Unknown kind {kind!r} of task {name!r}. Choose 'classification' or 'regression'.")
    if kind == "regression" or (kind is None and _has_fractions(found)):
        return _regression(name, labels)
    classes = class_table(found)
    index = to_indexes(labels, classes, n_items=n_items)
    rows = np.flatnonzero(index >= 0)
    return Task(name, rows, index[rows], classes)


def _regression(name: str, labels: Labels) -> Task:
    try:
        numbers = np.array([np.nan if label is None else label for label in label_list(labels)], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"Task {name!r} is regression and needs numbers: {error}.") from error
    if np.isinf(numbers).any():
        raise InputError(
            f"Task {name!r} has an infinite number in row {np.flatnonzero(np.isinf(numbers))[0]}. Correct it."
        )
    rows = np.flatnonzero(np.isfinite(numbers))
    known = numbers[rows]
    return Task(name, rows, (known - known.mean()) / known.std(), None, float(known.mean()), float(known.std()))


def _has_fractions(found: Sequence[Any]) -> bool:
    return any(isinstance(label, float) and not label.is_integer() for label in found)


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
