"""What each task asks of the same items: a class or a number, for those items that have its label."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anyshot.base.items import Classes, Labels, class_table, classes_in, from_indexes, label_list, to_indexes
from anyshot.base.validation import Indexes
from anyshot.errors import InputError, NotEnoughClassesError, NotEnoughLabelsError

Kind: TypeAlias = Literal["classification", "regression"]
TaskLabels: TypeAlias = Mapping[str, Labels]  # task -> one label an item (n,), None or NaN where it has none
Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Task:
    """One task: which items have its label, and what that is."""

    name: str
    rows: Indexes  # (m,), the labeled items
    targets: NDArray[Any]  # (m,): rows of the class table, or numbers brought to mean 0 and deviation 1
    classes: Classes | None = None  # None: a regression
    level: float = 0.0  # mean of the numbers
    spread: float = 1.0  # their deviation

    @property
    def kind(self) -> Kind:
        """Whether a class or a number is asked for."""
        return "regression" if self.classes is None else "classification"

    @property
    def width(self) -> int:
        """How many columns of scores the task needs: one for a number or two classes, else one a class."""
        return 1 if self.classes is None or len(self.classes) == 2 else len(self.classes)

    def facts(self) -> dict[str, Any]:
        """Return what answering needs, as JSON has it: the labels themselves are left out."""
        return {"name": self.name, "classes": self.classes, "level": self.level, "spread": self.spread}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Self:
        """Return the task whose `facts` these are, without a label."""
        classes = None if facts["classes"] is None else class_table(facts["classes"])
        nobody = np.zeros(0, dtype=np.intp)
        return cls(facts["name"], nobody, nobody, classes, facts["level"], facts["spread"])

    def probabilities(self, scores: Floats) -> Floats:
        """Return the probability of each class (n, c) for scores (n, width)."""
        if scores.shape[1] == 1:
            scores = np.column_stack([np.zeros(len(scores)), scores])
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True), dtype=np.float64)

    def answers(self, scores: Floats) -> NDArray[Any]:
        """Return what scores (n, width) answer: classes, or numbers in the units given (n,)."""
        if self.classes is None:
            return self.level + self.spread * scores[:, 0]
        return from_indexes(self.probabilities(scores).argmax(axis=1), self.classes)


def read_tasks(y: TaskLabels, *, n_items: int, kinds: Mapping[str, Kind] | None = None) -> tuple[Task, ...]:
    """Return the tasks in the order given: {task: labels (n,)}, or a data frame with a column a task.

    kinds: {task: "classification" or "regression"}; what it does not name is a regression where a label is a number
    with a fraction, and a classification elsewhere: whole numbers are classes.

    Raises
    ------
    InputError
        There is no task, `kinds` names one that is not there, or a number is infinite or none.
    NotEnoughLabelsError, NotEnoughClassesError
        A task has no label at all, or all its labels are the same; the task is named.
    """
    if not isinstance(y, Mapping | pd.DataFrame) or not len(y.keys()):
        raise InputError(f"y must be {{task: labels}} with at least one task; a {type(y).__name__} of {y!r:.60} given.")
    asked = dict(kinds or {})
    unknown = [name for name in asked if name not in y]
    if unknown:
        raise InputError(f"tasks names {unknown[0]!r}, which has no labels in y. Its tasks: {', '.join(map(str, y))}.")
    return tuple(_task(name, labels, n_items=n_items, kind=asked.get(name)) for name, labels in y.items())


def kinds_listed(kinds: Mapping[str, Kind] | None) -> list[tuple[str, Kind]] | None:
    """Return {task: kind} as JSON can hold it whatever the tasks are called; `dict` undoes it."""
    return None if kinds is None else list(kinds.items())


def rows_of(y: TaskLabels, rows: Indexes) -> dict[str, list[Any]]:
    """Return the labels of some items."""
    listed = {name: label_list(labels) for name, labels in y.items()}
    return {name: [labels[row] for row in rows.tolist()] for name, labels in listed.items()}


def _task(name: str, labels: Labels, *, n_items: int, kind: Kind | None) -> Task:
    if len(labels) != n_items:
        raise InputError(
            f"Task {name!r} has {len(labels)} labels for {n_items} items. Give one an item, None for none."
        )
    found = classes_in(labels)
    if not found:
        raise NotEnoughLabelsError(f"Task {name!r} has no label at all. Label some items for it, or leave it out of y.")
    if len(found) == 1:
        raise NotEnoughClassesError(
            f"All labels of task {name!r} are {found[0]!r}, so there is nothing to tell apart. Label items of another "
            "kind, or leave the task out of y."
        )
    if kind not in ("classification", "regression", None):
        raise InputError(f"Task {name!r} is called a {kind!r}; it must be 'classification' or 'regression'.")
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
        raise InputError(f"Task {name!r} is a regression and needs numbers: {error}.") from error
    if np.isinf(numbers).any():
        raise InputError(
            f"Task {name!r} has an infinite number in row {np.flatnonzero(np.isinf(numbers))[0]}. Mend it."
        )
    rows = np.flatnonzero(np.isfinite(numbers))
    known = numbers[rows]
    return Task(name, rows, (known - known.mean()) / known.std(), None, float(known.mean()), float(known.std()))


def _has_fractions(found: Sequence[Any]) -> bool:
    return any(isinstance(label, float) and not label.is_integer() for label in found)


def task_card(tasks: Sequence[Task]) -> str:
    """Return the README of a saved model of these tasks."""
    asked = "\n".join(f"- {json.dumps(task.name, default=str)}: {task.kind}" for task in tasks)
    return f"""---
library_name: anyshot
---

# {len(tasks)} tasks on the same items

{asked}

The folder holds what was learned, no item and no label.

```python
from anyshot import load
load("this/folder").predict(X)
```
"""
