"""Labels and classes as users pass them: their spelling and look, the class table, labels as rows of it.

Names that look alike are the same name. "No label" is None (also NaN, NaT and pandas.NA) in labels, and -1 in arrays of
class indexes.
"""

import enum
import re
import unicodedata
from ast import literal_eval
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anyshot.base.columns import column_names, column_values, is_blank, is_missing, is_table, only_column
from anyshot.base.messages import first_of, nearest, shortened, warn
from anyshot.base.terminal import whole_characters
from anyshot.errors import DuplicateClassError, InputError, NotEnoughClassesError, UnknownClassError

Label: TypeAlias = str | int | float | bool | np.generic | None
Labels: TypeAlias = Sequence[Label] | NDArray[Any]
Classes: TypeAlias = NDArray[Any]  # (c,), the class table: names or numbers, each once

UNKNOWN: Final = "unknown"
"""Predicted for an item that seems to belong to no class; only where `unknown_rate` is set."""

INVISIBLE: Final = frozenset("\u00ad\u200b\u2060\ufeff")
"""Characters without width that never change a word: soft hyphen, zero-width space, word joiner, byte-order mark."""

_LOOK_ALIKE: Final = str.maketrans(
    "\u0430\u0432\u0435\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0456\u0458\u0455\u0501\u04cf"
    "\u03b1\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7",
    "abekmhopctyxijsdlaikvoptux",
)
"""Small letters of Cyrillic and Greek that look like Latin ones."""

_SEVERAL: Final = re.compile(r"""\[\s*["'].*["']\s*\]|\{\s*["'].*\}""", re.DOTALL)
"""A list or an object of names that was written as text, as tools for labeling and `to_csv` of pandas write them."""

EXACT: Final = 2**53
"""From here on, floats do not distinguish neighboring integers."""


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
    listed = column_values(names)
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
    array = np.array(listed)
    if len({type(name) for name in listed}) == 1 and array.tolist() == listed:
        return array
    table = np.empty(len(listed), dtype=object)  # names and numbers together, or integers beyond 64 bits
    table[:] = listed
    return table


def class_order(name: Label) -> tuple[bool, Any, str]:
    """Return the key by which classes are sorted: numbers first, then names."""
    return (True, 0, name) if isinstance(name, str) else (False, name or 0, "")


def classes_in(labels: Labels) -> list[Label]:
    """Return the distinct labels, without "no label": numbers first, then names, each sorted."""
    return sorted({value for value in label_list(labels) if value is not None}, key=class_order)


def sorted_rows(names: Sequence[Label]) -> list[int]:
    """Return the positions of class names in sorted order, numbers first.

    >>> sorted_rows(["b", 2, "a"])
    [1, 2, 0]
    """
    return sorted(range(len(names)), key=lambda row: class_order(names[row]))


def to_indexes(labels: Labels, classes: Classes, *, n_items: int) -> NDArray[np.intp]:
    """Return the row of each label in `classes`, -1 for "no label" (n_items,).

    Raises InputError if there is not one label per item, or an item has several. Raises UnknownClassError if labels are
    not among the classes; the message names them, and suggests the name closest to the first.
    """
    listed = label_list(labels)
    if len(listed) != n_items:
        raise wrong_number_of_labels(n_items, len(listed))
    rows = _rows_of(classes)
    unknown = [label for label in dict.fromkeys(listed) if label is not None and label not in rows]
    if unknown:
        raise _unknown_labels(unknown, list(rows))
    return np.array([-1 if label is None else rows[label] for label in listed], dtype=np.intp)


def label_list(labels: Labels) -> list[Label]:
    """Return the labels as a list of Python values, names as `clean_name` writes them, "no label" as None.

    A Decimal, as databases return, is its integer or float.

    Raises InputError if an item has several labels, a label is neither a name nor a number, or it is a float that may
    be rounded.
    """
    if isinstance(labels, str | bytes | Mapping):
        remedy = "For one of several tasks, pass labels[name]" if isinstance(labels, Mapping) else "Write [label]"
        raise InputError(f"A list of labels is needed; got one {type(labels).__name__}. {remedy}.")
    refuse_several_columns(labels)
    single = map(sole_label, column_values(labels))
    listed = [_plain_number(label) if isinstance(label, Decimal) else label for label in single]
    for row, label in enumerate(listed):
        if isinstance(label, str) and is_blank(label):
            raise InputError(f"The label in row {row} is empty. Write None for an item without a label.")
        if isinstance(label, str | int | None) and not holds_several(label):
            continue
        if isinstance(label, (str, list, tuple, set, frozenset)) or hasattr(label, "shape"):
            raise InputError(
                f"Row {row} has a {type(label).__name__} of labels, {label!r}. Only one label per item is supported."
            )
        if not isinstance(label, float):
            name = "label.value" if isinstance(label, enum.Enum) else "str(label)"
            raise InputError(
                f"Row {row} has a label of type {type(label).__name__}, {label!r}. Labels are names or numbers: pass "
                f"{name}."
            )
        if abs(label) >= EXACT and label.is_integer():
            raise InputError(
                f"The label in row {row} is the float {label:.17g}, which may stand for several integers. Read the "
                'column as integers or text, as by dtype="Int64" in pandas.'
            )
    return clean_names(None if is_missing(label) else label for label in listed)


def refuse_several_columns(given: object) -> None:
    """Raise InputError for a table of several columns, or a sparse one, in place of one column."""
    if is_table(only_column(given)):
        names = column_names(given)
        raise InputError(
            f"One column is needed; the table has {len(names)}: {first_of(names, at_most=5)}. Pass one of them, "
            "table[name]; of columns of 0 and 1, one for each class, table.idxmax(axis=1)."
        )
    if hasattr(given, "toarray"):
        raise InputError(f"Labels are needed as a list; got a {type(given).__name__}. Pass y.toarray().ravel().")


def holds_several(label: object) -> bool:
    """Return whether a label is the text of a list or an object, which may hold several names.

    >>> holds_several('{"choices": ["refund", "login"]}'), holds_several("[urgent]")
    (True, False)
    """
    return isinstance(label, str) and label[:1] in ("[", "{") and _SEVERAL.fullmatch(label.strip()) is not None


def sole_label(label: Any) -> Any:
    """Return the label in a list of one, also if it was written as text, None for an empty list; others are unchanged.

    >>> sole_label(["refund"]), sole_label('["refund"]'), sole_label([]), sole_label("[urgent]")
    ('refund', 'refund', None, '[urgent]')
    """
    listed = label.tolist() if isinstance(label, np.ndarray) else label
    if holds_several(label) or (isinstance(label, str) and label.strip() == "[]"):
        try:
            listed = literal_eval(label.strip())
        except (ValueError, SyntaxError):
            return label
    if not isinstance(listed, list | tuple) or len(listed) > 1 or any(isinstance(one, list | dict) for one in listed):
        return label
    return listed[0] if listed else None


def _plain_number(label: Decimal) -> int | float:
    return int(label) if label.is_finite() and label == label.to_integral_value() else float(label)


def clean_name(name: str) -> str:
    r"""Return a class name as it is compared: as `clean_header`, and with one space in place of several.

    >>> clean_name("lost  card\u00a0 \ufeff")
    'lost card'
    """
    return re.sub(" {2,}", " ", clean_header(name))


def clean_header(name: str) -> str:
    r"""Return the name of a column with composed accents, plain spaces, no invisible characters, none at the ends.

    Half of a character becomes U+FFFD.

    >>> clean_header("cafe\u0301\u00a0 \ufeff")
    'café'
    """
    if name.isascii():
        return name.strip()
    letters = (letter for letter in whole_characters(name) if letter not in INVISIBLE)
    kept = "".join(" " if unicodedata.category(letter) == "Zs" else letter for letter in letters)
    return unicodedata.normalize("NFC", kept).strip().strip("\u200c\u200d\u200e\u200f").strip()


def clean_names(values: Iterable[Any], *, what: str = "labels") -> list[Any]:
    """Return values with each name cleaned, and warn if one was written differently; other values stay."""
    given = list(values)
    cleaned: dict[str, str] = {}
    for value in given:
        if isinstance(value, str) and value not in cleaned:
            cleaned[value] = clean_name(value)
    changed = [name for name, clean in cleaned.items() if clean != name and clean]
    if not changed:
        return given
    n = sum(isinstance(value, str) and cleaned[value] != value for value in given)
    n_given = sum(not is_missing(value) for value in given)
    warn(
        f"{n} of {n_given} {what} have spaces at their ends, several spaces, invisible characters, decomposed accents "
        f"or half of a character, such as {changed[0]!a}. They are read as {cleaned[changed[0]]!a}; write them so to "
        "silence this."
    )
    return [cleaned[value] if isinstance(value, str) else value for value in given]


def look_of(name: Label) -> str:
    """Return what a class name looks like: names that differ in case, in type or in the alphabet have the same look.

    >>> look_of("\u0421redit") == look_of("credit"), look_of(1) == look_of("1")
    (True, True)
    """
    shown = unicodedata.normalize("NFKC", str(name)).casefold().translate(_LOOK_ALIKE)
    return " ".join(shown.split())


def warn_of_look_alikes(names: Iterable[Label], *, new: Iterable[Label] | None = None) -> None:
    """Warn of the first three pairs of classes that look alike; new: only of pairs with one of these."""
    first: dict[str, Label] = {}
    pairs = [(first[look], name) for name in names if first.setdefault(look := look_of(name), name) != name]
    pairs = pairs if new is None else [pair for pair in pairs if not set(pair).isdisjoint(new)]
    for one, other in pairs[:3]:
        cause = "" if type(one) is type(other) else f" One is {kind_of_name(one)}, the other {kind_of_name(other)}."
        if not cause and str(one).casefold() != str(other).casefold():
            cause = f" Their characters differ: {one!a} and {other!a}."
        warn(f"The classes {one!r} and {other!r} look alike.{cause} If they are one class, write their names alike.")


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


def class_name(name: Label) -> Label:
    """Return the name of one class as `label_list` writes it, or raise DuplicateClassError if it is empty."""
    if isinstance(name, list | tuple | set | np.ndarray) and np.ndim(name):
        raise InputError(f"The name of one class is needed; got a {type(name).__name__}, {name!r}.")
    if is_missing(name) or (isinstance(name, str) and is_blank(name)):
        raise DuplicateClassError("A class has an empty name. Every class needs its own name.")
    return label_list([name])[0]


def kind_of_name(label: Label) -> str:
    """Return what a label is, a text or a number, as messages say it."""
    kinds = {"str": "a text", "int": "a whole number", "float": "a number", "bool": "a truth value"}
    return kinds[type(label).__name__]


def row_of(label: Label, classes: Classes) -> int:
    """Return the row of one class, or raise UnknownClassError with the closest name."""
    rows, name = _rows_of(classes), class_name(label)
    if name not in rows:
        close = nearest(name, rows)
        hint = "" if close is None else f" Did you mean {close!r}?"
        raise UnknownClassError(f"There is no class {name!r}. The classes: {_listed(list(rows))}.{hint}")
    return rows[name]


def wrong_number_of_labels(n_items: int, n_labels: int) -> InputError:
    """Return the error for a number of labels other than that of the items."""
    return InputError(f"There are {n_items} items and {n_labels} labels. Give one label per item, None for no label.")


def _rows_of(classes: Classes) -> dict[Label, int]:
    """Return the row of each class by its clean name; a model of an earlier version may have other names."""
    names = classes.tolist()
    return {clean_name(name) if isinstance(name, str) else name: row for row, name in enumerate(names)}


def _listed(names: Sequence[Label]) -> str:
    return ", ".join(shortened(str(name)) for name in names[:8]) + (", ..." if len(names) > 8 else "")


def _unknown_labels(labels: Sequence[Label], names: Sequence[Label]) -> UnknownClassError:
    label, *others = labels
    close = nearest(label, names)
    more = first_of(list(map(repr, others)), at_most=8)
    also = f", nor {'is' if len(others) == 1 else 'are'} {more}" if others else ""
    fault = f"Label {label!r} is not among the {len(names)} classes ({_listed(names)}){also}."
    if close is None:
        return UnknownClassError(f"{fault} Correct it, or add it to the classes.", label, fault)
    meant = next(name for name in names if str(name) == close)
    remedy = f"Did you mean {meant!r}?"
    if str(meant) == str(label):
        remedy = f"The class is {kind_of_name(meant)}, the label {kind_of_name(label)}: pass labels of the same type."
    return UnknownClassError(f"{fault} {remedy}", label)
