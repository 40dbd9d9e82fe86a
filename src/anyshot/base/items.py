"""Items and labels as users pass them: check items, detect their modality, map labels to rows of the class table.

"No label" is None (also NaN, NaT and pandas.NA) in labels, and -1 in arrays of class indexes.
"""

import difflib
import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence, Sized
from os import PathLike
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anyshot.errors import (
    BadItemError,
    DuplicateClassError,
    InputError,
    MixedInputError,
    NotEnoughClassesError,
    UnknownClassError,
)

Modality: TypeAlias = Literal["text", "image", "vectors"]
Item: TypeAlias = Any  # a str, a path, a PIL image, or an array
Items: TypeAlias = Sequence[Item] | NDArray[Any]
Label: TypeAlias = str | int | float | bool | np.generic | None
Labels: TypeAlias = Sequence[Label] | NDArray[Any]
Classes: TypeAlias = NDArray[Any]  # (c,), the class table: names or numbers, each once

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm"})

UNKNOWN: Final = "unknown"
"""Predicted for an item that seems to belong to no class; only where `unknown_rate` is set."""


# --- items -----------------------------------------------------------------------------------------------------------


def by_position(items: Any) -> Items:
    """Return items that are indexed by position.

    `items[3]` of a pandas or polars column looks up the index, which after a shuffle is not the position. A column
    becomes a list and a table of numbers becomes an array; anything else is returned unchanged.
    """
    if not hasattr(items, "to_numpy"):
        return items  # type: ignore[no-any-return]  # a list, a tuple or an array
    array = items.to_numpy()
    return array if array.ndim == 2 and array.dtype.kind in "fiub" else list(array)


def item_count(items: Any) -> int:
    """Return the number of items in a list, an array or a table."""
    return int(items.shape[0]) if hasattr(items, "shape") else len(items)


def take(items: Any, rows: Any) -> Any:
    """Return the items of these rows (m,), in the same kind of collection."""
    if hasattr(items, "iloc"):
        return items.iloc[rows]
    return items[rows] if hasattr(items, "shape") else [items[row] for row in rows]


def check_list(items: object, *, what: str = "A list of items") -> None:
    """Raise InputError if `items` is a single item, a mapping, a sparse matrix, or has no length."""
    kind = type(items).__name__
    if hasattr(items, "toarray"):
        raise InputError(f"{what} is needed; got a sparse {kind}. Pass X.toarray().")
    if isinstance(items, Mapping):
        raise InputError(f"{what} is needed; got a {kind}. Only fit and evaluate accept {{label: items}}.")
    if isinstance(items, (str, bytes, PathLike)) or not isinstance(items, Iterable | Sized):
        raise InputError(f"{what} is needed; got one {kind}. Write [item].")
    if not isinstance(items, Sized):
        raise InputError(f"{what} is needed; got a {kind}, which has no length. Write list(...).")


def modality_of(items: Items) -> Modality:
    """Return "text", "image" or "vectors", whichever `items` are.

    Texts are strings. Images are paths, PIL images, uint8 arrays, or strings that are paths of existing image files.
    Vectors are one array of floats (n, d), or a sequence of float arrays (d,).

    Raises
    ------
    InputError
        `items` is empty or not a list.
    MixedInputError
        The items are of several kinds, or of a kind that is not supported.
    """
    check_list(items)
    items = by_position(items)
    if isinstance(items, np.ndarray) and items.dtype.kind in "fiub":
        return _modality_of_array(items)
    if len(items) == 0:
        raise InputError("There are no items: the list is empty.")
    kinds = Counter(_kind(item) for item in items)
    if len(kinds) > 1:
        refuse_missing_images([item for item in items if _kind(item) == "texts"])
        found = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
        raise MixedInputError(f"All items must be of one kind; found {found}. Make one call per kind.")
    kind = next(iter(kinds))
    if kind not in _MODALITIES:
        raise MixedInputError(
            "Items must be texts, images (paths, PIL images, uint8 arrays) or float vectors; found "
            f"{_describe(items[0])}."
        )
    return _MODALITIES[kind]


def refuse_missing_images(items: Items) -> None:
    """Raise BadItemError if every item is a text that looks like the path of an image."""
    if len(items) and all(isinstance(item, str) and reads_as_path(item, IMAGE_SUFFIXES) for item in items):
        raise BadItemError(
            f"{items[0]!r} looks like the path of an image, but there is no such file in {os.getcwd()}. Correct the "
            "path; or, if it is a text, name a text encoder, such as encoder='minilm'."
        )


def reads_as_path(text: str, suffixes: Collection[str]) -> bool:
    """Return whether a text has no spaces and ends in one of these file suffixes."""
    return Path(text).suffix.lower() in suffixes and not any(letter.isspace() for letter in text)


def check_texts(texts: Items) -> list[str]:
    """Return `texts` as a list of nonempty strings.

    Raises
    ------
    BadItemError
        An item is not a string, is empty, or contains an unpaired surrogate; the message names its row.
    """
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise BadItemError(f"Row {row} is not a text but {_describe(text)}. Pass strings.")
        if not text.strip():
            raise BadItemError(f"The text in row {row} is empty. Remove it or add words.")
        if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
            raise BadItemError(
                f"The text in row {row} contains an unpaired surrogate, {text[:40]!r}: it was decoded wrongly. "
                "Read it as UTF-8, or remove it."
            )
    return [str(text) for text in texts]


def item_names(items: Items) -> list[str]:
    """Return how to display each item: a text or path unchanged, anything else as its type and row."""
    return [
        str(item) if isinstance(item, (str, PathLike)) else f"{type(item).__name__} {row}"
        for row, item in enumerate(by_position(items))
    ]


def _modality_of_array(array: NDArray[Any]) -> Modality:
    if array.dtype == np.uint8 and array.ndim == 3 and array.shape[2] in (3, 4) and array.shape[1] > 4:
        raise MixedInputError(
            f"An array of uint8 with shape {array.shape} is one color image, or very narrow gray ones. Write [image], "
            "or pass the gray ones as a list."
        )
    if array.dtype == np.uint8 and array.ndim in (3, 4):
        return "image"  # gray images (n, h, w), or (n, h, w, channels)
    if array.dtype.kind == "f" and array.ndim == 2:
        return "vectors"
    raise MixedInputError(
        f"An array of {array.dtype} with shape {array.shape} is neither vectors, floats (n, d), nor images, "
        "uint8 (n, height, width, channels)."
    )


_MODALITIES: dict[str, Modality] = {
    "texts": "text",
    "image files": "image",
    "images": "image",
    "uint8 arrays": "image",
    "float vectors": "vectors",
}


def _kind(item: Item) -> str:
    """Return the kind of one item, in the plural, as error messages show it."""
    if isinstance(item, str):
        is_file = Path(item).suffix.lower() in IMAGE_SUFFIXES and len(item) < 4096 and os.path.isfile(item)
        return "image files" if is_file else "texts"
    if isinstance(item, PathLike):
        return "image files"
    if isinstance(item, np.ndarray):
        if item.dtype == np.uint8 and item.ndim in (2, 3):
            return "uint8 arrays"
        if item.dtype.kind == "f" and item.ndim == 1:
            return "float vectors"
        return f"arrays of {item.dtype} with {item.ndim} dimensions"
    if hasattr(item, "convert") and hasattr(item, "getbands"):
        return "images"  # a PIL image, recognized without importing PIL
    if isinstance(item, (list, tuple)) and item and all(isinstance(number, (int, float)) for number in item):
        return "float vectors"
    return f"of type {type(item).__name__}"


def _describe(item: Item) -> str:
    text = repr(item)
    return f"{type(item).__name__} {text if len(text) <= 60 else text[:57] + '...'}"


# --- labels ----------------------------------------------------------------------------------------------------------


def class_table(names: Iterable[Label]) -> Classes:
    """Return the classes as an array (c,), in the order given.

    Raises
    ------
    NotEnoughClassesError
        There are fewer than two.
    DuplicateClassError
        A name is empty or repeated.
    InputError
        A class is neither a name nor a number, or its name contains a NUL character, which numpy strips at the end.
    """
    listed = [name.item() if isinstance(name, np.generic) else name for name in names]
    for position, name in enumerate(listed):
        if not isinstance(name, str | int | float | None):
            raise InputError(f"Class {position} is a {type(name).__name__}, {name!r}. Classes are names or numbers.")
        if is_missing(name) or (isinstance(name, str) and not name.strip()):
            raise DuplicateClassError(f"Class {position} has an empty name. Every class needs its own name.")
        if isinstance(name, str) and "\0" in name:
            raise InputError(f"Class {position}, {name!r}, has a NUL character in its name. Remove it.")
    repeated = [name for name, count in Counter(listed).items() if count > 1]
    if repeated:
        times = listed.count(repeated[0])
        raise DuplicateClassError(f"Class {repeated[0]!r} is named {times} times. Name each class once.")
    if len(listed) < 2:
        given = f"only {listed[0]!r}" if listed else "none"
        raise NotEnoughClassesError(
            f"At least two classes are needed; got {given}. Pass their names, or labels of two."
        )
    if len({type(name) for name in listed}) == 1:
        return np.array(listed)
    table = np.empty(len(listed), dtype=object)  # names and numbers together
    table[:] = listed
    return table


def classes_in(labels: Labels) -> list[Label]:
    """Return the distinct labels, without "no label": numbers first, then names, each sorted."""

    def order(label: Label) -> tuple[bool, float, str]:
        return (True, 0.0, label) if isinstance(label, str) else (False, float(label or 0), "")

    return sorted({value for value in label_list(labels) if value is not None}, key=order)


def to_indexes(labels: Labels, classes: Classes, *, n_items: int) -> NDArray[np.intp]:
    """Return the row of each label in `classes`, -1 for "no label" (n_items,).

    Raises
    ------
    InputError
        There is not one label per item, or an item has several.
    UnknownClassError
        A label is not among the classes; the message suggests the closest name.
    """
    listed = label_list(labels)
    if len(listed) != n_items:
        raise _wrong_number_of_labels(n_items, len(listed))
    rows: dict[Label, int] = {name: row for row, name in enumerate(classes.tolist())}
    for label in listed:
        if label is not None and label not in rows:
            raise _unknown_class(label, list(rows))
    return np.array([-1 if label is None else rows[label] for label in listed], dtype=np.intp)


def check_indexes(y: ArrayLike, *, n_items: int, n_classes: int) -> NDArray[np.intp]:
    """Return `y` as indexes (n_items,) into a table of `n_classes` rows, -1 meaning "no label"."""
    index = np.asarray(y)
    if index.shape != (n_items,):
        raise InputError(f"y must have one label for each of the {n_items} items; its shape is {index.shape}.")
    if index.size and not np.issubdtype(index.dtype, np.integer):
        raise InputError(f"y must be integers, rows of the class table; its dtype is {index.dtype}.")
    outside = index[(index < -1) | (index >= n_classes)]
    if outside.size:
        raise UnknownClassError(f"y contains class {outside[0]}; there are {n_classes} classes, 0 to {n_classes - 1}.")
    return index.astype(np.intp)


def label_list(labels: Labels) -> list[Label]:
    """Return the labels as a list of Python values, "no label" as None.

    Raises
    ------
    InputError
        An item has several labels, or a label is neither a name nor a number.
    """
    if hasattr(labels, "to_numpy"):
        labels = labels.to_numpy()  # a pandas or polars column, or a table of one column
    if isinstance(labels, np.ndarray) and labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    listed = labels.tolist() if isinstance(labels, np.ndarray) else list(labels)
    for row, label in enumerate(listed):
        if isinstance(label, (list, tuple, set, frozenset, np.ndarray)):
            raise InputError(
                f"Row {row} has a {type(label).__name__} of labels, {label!r}. Only one label per item is supported."
            )
    values = [label.item() if isinstance(label, np.generic) else label for label in listed]
    found = [None if is_missing(label) else label for label in values]
    for row, label in enumerate(found):
        if not isinstance(label, str | int | float | None):
            raise InputError(
                f"Row {row} has a label of type {type(label).__name__}, {label!r}. Labels are names or numbers: pass "
                "str(label)."
            )
    return found


def is_missing(label: object) -> bool:
    """Return whether a label is "no label": None, or a value unequal to itself, such as NaN, NaT and pandas.NA."""
    same = label == label
    return label is None or not isinstance(same, (bool, np.bool_)) or not same


def items_and_labels(X: Items | Mapping[Label, Items] | None, y: Labels | None) -> tuple[Items, Labels]:
    """Return items and labels as two sequences of equal length; `X` may also be {label: items}.

    Raises
    ------
    InputError
        Only one of the two is given, their lengths differ, or items are not a list.
    """
    if isinstance(X, Mapping):
        if y is not None:
            raise InputError("The keys of the mapping are the labels; leave y out.")
        for label, own in X.items():
            check_list(own, what=f"A list of the items of {label!r}")
        return [item for own in X.values() for item in own], [label for label, own in X.items() for _ in own]
    if X is None:
        if y is not None:
            raise InputError("Labels were given without items. Pass the items they belong to.")
        return [], []
    check_list(X)
    if y is None:
        raise InputError(f"{len(X)} items were given without labels. Pass y; unlabeled items go into unlabeled=items.")
    check_list(y, what="A list of labels")
    if len(X) != len(y):
        raise _wrong_number_of_labels(len(X), len(y))
    return X, y


def from_indexes(index: NDArray[np.intp], classes: Classes) -> NDArray[Any]:
    """Return the label of each row index (n,); -1 becomes `UNKNOWN`."""
    labels = classes[np.maximum(index, 0)]
    if (index >= 0).all():
        return labels
    if classes.dtype.kind == "U":
        return np.where(index >= 0, labels, UNKNOWN)  # widens the text dtype if needed
    labels = labels.astype(object)
    labels[index < 0] = UNKNOWN
    return labels


def row_of(label: Label, classes: Classes) -> int:
    """Return the row of one class, or raise UnknownClassError with the closest name."""
    names = classes.tolist()
    if label not in names:
        raise _unknown_class(label, names)
    return int(names.index(label))


def decision_scores(scores: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return scores (n, c) in scikit-learn's form: with two classes their difference (n,), otherwise unchanged.

    >>> decision_scores(np.array([[0.5, 2.0]]))
    array([1.5])
    """
    return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores


def _wrong_number_of_labels(n_items: int, n_labels: int) -> InputError:
    return InputError(f"There are {n_items} items and {n_labels} labels. Give one label per item, None for no label.")


def _unknown_class(label: Label, names: Sequence[Label]) -> UnknownClassError:
    close = difflib.get_close_matches(str(label), [str(name) for name in names], n=1)
    listed = ", ".join(str(name) for name in names[:8]) + (", ..." if len(names) > 8 else "")
    remedy = "Correct it, name it among the classes passed to fit, or add it to a fitted model with add_class."
    if close:
        remedy = f"Did you mean {close[0]!r}?"
    return UnknownClassError(f"Label {label!r} is not among the {len(names)} classes ({listed}). {remedy}")
