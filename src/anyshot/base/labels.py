"""Labels <-> rows of the class table. "No label" is None (or NaN) outside and -1 inside, everywhere."""

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from anyshot.base.items import Items, check_listed
from anyshot.base.validation import Indexes, Vectors
from anyshot.errors import DuplicateClassError, InputError, NotEnoughClassesError, UnknownClassError

Label: TypeAlias = str | int | float | bool | np.generic | None
Labels: TypeAlias = Sequence[Label] | NDArray[Any]
Classes: TypeAlias = NDArray[Any]  # (c,), the class table: names or numbers, each once

UNKNOWN: Final = "unknown"
"""The answer for an item that seems to belong to no class; given only where `unknown_rate` is set."""


def class_table(names: Iterable[Label]) -> Classes:
    """Return the classes as a table (c,), in the order given.

    Raises
    ------
    NotEnoughClassesError
        There are fewer than two.
    DuplicateClassError
        A name is empty, or stands there twice.
    InputError
        A name holds a NUL character, which arrays of text would lose at its end.
    """
    listed = [name.item() if isinstance(name, np.generic) else name for name in names]
    for place, name in enumerate(listed):
        if not isinstance(name, str | int | float | None):
            raise InputError(f"Class {place} is a {type(name).__name__}, {name!r}. Classes are names or numbers.")
        if is_none(name) or (isinstance(name, str) and not name.strip()):
            raise DuplicateClassError(f"Class {place} has an empty name. Every class needs a name of its own.")
        if isinstance(name, str) and "\0" in name:
            raise InputError(f"Class {place}, {name!r}, has a NUL character in its name. Leave it out.")
    twice = [name for name, count in Counter(listed).items() if count > 1]
    if twice:
        raise DuplicateClassError(f"Class {twice[0]!r} is named {listed.count(twice[0])} times. Name each class once.")
    if len(listed) < 2:
        given = f"only {listed[0]!r} was given" if listed else "none was given"
        raise NotEnoughClassesError(f"At least two classes are needed; {given}. Name them, or give labels of two.")
    return _array(listed)


def classes_in(labels: Labels) -> list[Label]:
    """List the labels that occur, without "no label": numbers first, then names, each sorted."""
    return sorted({value for value in plain(labels) if value is not None}, key=_place)


def to_indexes(labels: Labels, classes: Classes, *, n_items: int) -> Indexes:
    """Return the row of each label in `classes`, -1 for "no label" (n_items,).

    Raises
    ------
    InputError
        There is not one label an item, or an item has several.
    UnknownClassError
        A label is not among the classes; the nearest name is proposed.
    """
    listed = plain(labels)
    if len(listed) != n_items:
        raise InputError(f"There are {n_items} items and {len(listed)} labels. Give one label an item, None for none.")
    row_of: dict[Label, int] = {name: row for row, name in enumerate(classes.tolist())}
    for label in listed:
        if label is not None and label not in row_of:
            raise UnknownClassError(_no_such_class(label, list(row_of)))
    return np.array([-1 if label is None else row_of[label] for label in listed], dtype=np.intp)


def plain(labels: Labels) -> list[Label]:
    """Return the labels as Python values, "no label" as None; several labels for one item are refused."""
    if hasattr(labels, "to_numpy"):
        labels = labels.to_numpy()  # a column, or a table of one
    if isinstance(labels, np.ndarray) and labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    listed = labels.tolist() if isinstance(labels, np.ndarray) else list(labels)
    for row, label in enumerate(listed):
        if isinstance(label, (list, tuple, set, frozenset, np.ndarray)):
            raise InputError(
                f"Row {row} has a {type(label).__name__} of labels, {label!r}. One label an item is "
                "supported; several are not yet."
            )
    plain = [label.item() if isinstance(label, np.generic) else label for label in listed]
    found = [None if is_none(label) else label for label in plain]
    for row, label in enumerate(found):
        if not isinstance(label, str | int | float | None):
            raise InputError(
                f"Row {row} has a label of type {type(label).__name__}, {label!r}. Labels are names or numbers: give "
                "str(label)."
            )
    return found


def is_none(label: object) -> bool:
    """Tell whether a label is "no label": None, or what is not equal to itself, as NaN, NaT and pandas' NA."""
    same = label == label
    return label is None or not isinstance(same, (bool, np.bool_)) or not same


def paired(X: Items | Mapping[Label, Items] | None, y: Labels | None) -> tuple[Items, Labels]:
    """Return items and labels of equal number, given as two sequences or as {label: items}.

    Raises
    ------
    InputError
        The one is given without the other, their numbers differ, or items are no list.
    """
    if isinstance(X, Mapping):
        if y is not None:
            raise InputError("The labels are the keys of the mapping given; y must be left out then.")
        for label, own in X.items():
            check_listed(own, what=f"A list of the items of {label!r}")
        return [item for own in X.values() for item in own], [label for label, own in X.items() for _ in own]
    if X is None:
        if y is not None:
            raise InputError("Labels were given without items. Give the items they belong to.")
        return [], []
    check_listed(X)
    if y is None:
        raise InputError(
            f"{len(X)} items were given without labels. Give y; AnyShotClassifier takes others as unlabeled=items."
        )
    check_listed(y, what="A list of labels")
    if len(X) != len(y):
        raise InputError(f"There are {len(X)} items and {len(y)} labels. Give one label an item, None for none.")
    return X, y


def from_indexes(index: Indexes, classes: Classes) -> NDArray[Any]:
    """Return the label of each row index (n,); -1 reads `UNKNOWN`."""
    known = classes[np.maximum(index, 0)]
    if (index >= 0).all():
        return known
    if classes.dtype.kind == "U":
        return np.where(index >= 0, known, UNKNOWN)  # widens the text type where it must
    answers = known.astype(object)
    answers[index < 0] = UNKNOWN
    return answers


def row_of(label: Label, classes: Classes) -> int:
    """Return the row of one class, or say which name is nearest."""
    names = classes.tolist()
    if label not in names:
        raise UnknownClassError(_no_such_class(label, names))
    return int(names.index(label))


def class_sums(X: Vectors, index: Indexes, n_classes: int) -> NDArray[np.float64]:
    """Return the sum of each class's vectors (c, d); X (n, d), all with a label, `index` (n,)."""
    n = len(index)
    belongs = csr_array((np.ones(n, X.dtype), index, np.arange(n + 1)), shape=(n, n_classes))
    return np.asarray(belongs.T @ X, dtype=np.float64)


def decisions(scores: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return scores (n, c) as scikit-learn's decision functions do: of two classes the second's lead (n,), else as is.

    >>> decisions(np.array([[0.5, 2.0]]))
    array([1.5])
    """
    return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores


def _place(label: Label) -> tuple[bool, float, str]:
    return (True, 0.0, label) if isinstance(label, str) else (False, float(label or 0), "")


def _no_such_class(label: Label, names: Sequence[Label]) -> str:
    near = difflib.get_close_matches(str(label), [str(name) for name in names], n=1, cutoff=0.5)
    shown = ", ".join(str(name) for name in names[:8]) + (", ..." if len(names) > 8 else "")
    remedy = (
        f"Did you mean {near[0]!r}?"
        if near
        else ("Correct it, name it among the classes that fit begins with, or add it to a fitted model by add_class.")
    )
    return f"Label {label!r} is not among the {len(names)} classes ({shown}). {remedy}"


def _array(names: list[Label]) -> Classes:
    """Return text as a text array, numbers as a number array, and a mixture as objects."""
    kinds = {type(name) for name in names}
    if len(kinds) == 1:
        return np.array(names)
    table = np.empty(len(names), dtype=object)
    table[:] = names
    return table
