"""Find the columns of items and labels in a table, and read the labels."""

import csv
import io
import logging
import math
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import numpy as np

from anyshot.base.columns import LABEL_COLUMNS, is_missing, is_missing_mark
from anyshot.base.labels import EXACT, Label, clean_names, holds_several, sole_label
from anyshot.base.messages import count, nearest, note
from anyshot.base.written_labels import as_whole
from anyshot.data.cells import is_empty, is_missing_text
from anyshot.data.tables import Table
from anyshot.data.text_files import suffix_of
from anyshot.data.unconfirmed_labels import exported_columns, without_unconfirmed
from anyshot.errors import DataFileError, InputError

OF_MODELS: Final = ("predicted", "prediction", "guess")
"""How columns begin that hold what a model predicted; they are not taken for labels because they hold classes."""
_MARKS: Final = re.compile("[,;+|]")
"""What people write between the names of several columns; a comma is right."""

LONGEST_NAME: Final = 60
MOST_NAMES: Final = 20
"""Characters of a name and names that messages show."""

OnError: TypeAlias = Literal["raise", "skip"]
FeatureColumns: TypeAlias = Sequence[str] | Literal["all"]
"""The names of columns of features, or "all" for all but that of the labels and those that are left out."""

log = logging.getLogger(__name__)


class ColumnNames(NamedTuple):
    """The columns of texts, images, labels and features, None for those to find; left_out: those of no features."""

    text: str | None = None
    image: str | None = None
    label: str | None = None
    features: FeatureColumns | None = None
    left_out: Sequence[str] = ()

    def check(self, *, with_labels: bool, on_error: OnError) -> None:
        """Raise InputError for arguments that contradict each other."""
        if on_error not in ("raise", "skip"):
            raise InputError(f'on_error must be "raise" or "skip"; it is {on_error!r}.')
        if self.text is not None and self.image is not None:
            raise InputError(f"Items are texts ({self.text!r}) or images ({self.image!r}), not both. Give one.")
        if self.label is not None and not with_labels:
            raise InputError(f"label_column={self.label!r} contradicts with_labels=False. Give one of the two.")
        if self.features is not None:
            self._check_features(self.features)
        if self.left_out and self.features != "all":
            raise InputError("--except leaves columns out of all others. Give --feature-columns all, or leave it out.")

    def _check_features(self, features: FeatureColumns) -> None:
        if self.text is not None or self.image is not None:
            raise InputError("Items are texts, images or rows of features. Give one of their columns.")
        if features == "all":
            return
        if isinstance(features, str) or not features:
            raise InputError(f'feature_columns must be a list of names, or "all"; it is {features!r}.')
        repeated = next((name for name in features if list(features).count(name) > 1), None)
        if repeated is not None:
            raise InputError(f"feature_columns names {repeated!r} twice. Name each column once.")


def find_column(table: Table, usual: Sequence[str], given: str | None, *, option: str) -> str | None:
    """Return the column `given`, which may list several of texts, or the only one with a usual name, or None."""
    columns = [str(name) for name in table.frame.columns]
    flag = f"{option} (--{option.replace('_', '-')})"
    of_texts = option == "text_column"
    if given is not None and of_texts and is_joined(table, given):
        return given
    if given is not None and given not in columns:
        missing, remedy = missing_column(given, columns, may_list=of_texts)
        is_part = missing in columns[0].split()  # as of names that only spaces separate
        remedy = (is_part and sole_column_hint(table).lstrip()) or remedy or f"Give one of them as {flag}."
        raise DataFileError(f"{table.path} has no column {missing!r}. Its columns: {listed_columns(table)}. {remedy}")
    if given is not None:
        return given
    found = [name for name in columns if name.strip().casefold().replace(" ", "_") in usual]  # also "File Name"
    first = [name for name in found if name.strip().casefold() == usual[0]]
    if len(first) == 1 or len(found) < 2:
        name = next(iter(first or found), None)
        if name in table.repeated:
            raise DataFileError(f"{table.path} has several columns named {name!r}. Choose one with {flag}.")
        return name
    joined = f", or join several, as in {as_listed(found[:2])}" if of_texts else ""
    raise DataFileError(
        f"{table.path} has several columns with a usual name: {', '.join(map(repr, found))}. Choose one with "
        f"{flag}{joined}."
    )


def refuse_nested(table: Table, columns: Iterable[str]) -> None:
    """Raise DataFileError if one of these columns holds objects, or lists of them, in which the texts may be."""
    places = list(map(str, table.frame.columns))
    for column in columns:
        cells = iter(table.frame.iloc[:, places.index(column)])
        first = next((value for value in cells if isinstance(value, list | np.ndarray) or not is_missing(value)), None)
        first = first[0] if isinstance(first, list | np.ndarray) and len(first) else first
        if isinstance(first, bytes) or (isinstance(first, dict) and isinstance(first.get("bytes"), bytes)):
            raise DataFileError(
                f"{table.path}: the column {column!r} holds the bytes of images. Save each as a file, in a folder "
                "for each class, and give the folder of these. In Python: pathlib.Path(name).write_bytes(content)."
            )
        if isinstance(first, dict) and first:
            export = " In Label Studio, export as JSON-MIN or CSV." if "annotations" in table.frame.columns else ""
            raise DataFileError(
                f"{table.path}: the column {column!r} holds objects, with {', '.join(map(repr, list(first)[:5]))}. "
                f'Write one object for each item, like {{"text": "...", "label": "..."}}.{export}'
            )


def sole_column_hint(table: Table) -> str:
    """Return a sentence on what separates columns, for a CSV or TSV with one column; else nothing."""
    if table.frame.shape[1] > 1 or suffix_of(table.path) not in (".csv", ".tsv"):
        return ""
    if suffix_of(table.path) == ".tsv":
        return " Columns of a .tsv are separated by tabs; if by another mark, let its name end in .csv."
    return " Columns are separated by , ; tab or |, which must not be in quotes."


def missing_column(given: str, columns: Sequence[str], *, may_list: bool) -> tuple[str, str]:
    """Return the name that is not a column, of one or several that are listed, and what was probably meant.

    may_list: whether several columns may be meant.
    """
    listed = [part.strip() for part in _MARKS.split(given)]
    missing = [part for part in listed if part not in columns]
    if not missing:
        return given, f"Did you mean {','.join(listed)!r}?" if may_list else ""
    name = missing[0] if len(missing) < len(listed) else given
    whole = next((column for column in columns if missing[0] in map(str.strip, column.split(","))), None)
    if whole is not None and may_list:
        return name, f"Put double quotes around names with commas: {as_listed([whole])}."
    parts = [column for column in columns if name.strip().casefold() in re.split(r"[\W_]+", column.casefold())]
    near = parts[0] if len(parts) == 1 else nearest(name, columns)  # "id" of "customer_id"
    return name, "" if near is None else f"Did you mean {near!r}?"


def listed_names(given: str) -> list[str]:
    """Return the names of columns that are listed as in a row of a CSV: one with a comma is in double quotes.

    >>> listed_names('subject, "Why, if so?"')
    ['subject', 'Why, if so?']
    """
    return [name.strip() for row in csv.reader(io.StringIO(given), skipinitialspace=True) for name in row]


def as_listed(names: Iterable[str]) -> str:
    """Return a list of names as `listed_names` reads it.

    >>> as_listed(["subject", "Why, if so?"])
    'subject,"Why, if so?"'
    """
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow(names)
    return written.getvalue()


def is_joined(table: Table, name: str) -> bool:
    """Return whether a name lists several columns of a table, such as "subject,body", and is not itself a column."""
    columns, parts = {str(column) for column in table.frame.columns}, listed_names(name)
    return name not in columns and len(parts) > 1 and columns.issuperset(parts)


def has_column(table: Table, name: str) -> bool:
    """Return whether a table has a column, or all of several that are listed."""
    return name in map(str, table.frame.columns) or is_joined(table, name)


def joined_texts(table: Table, name: str) -> list[Any]:
    """Return the texts of a column, or of several that are listed, each on a line of its own."""
    if not is_joined(table, name):
        return [as_shown(value) for value in table.values(name)]
    parts = zip(*map(table.values, listed_names(name)), strict=True)
    return ["\n".join(str(as_shown(text)) for text in row if not _is_missing_part(text)) for row in parts]


def _is_missing_part(value: object) -> bool:
    """Return whether a cell is no part of a joined text: it holds nothing, or what programs write for a missing one."""
    return is_empty(value) or is_missing_mark(str(value))


def as_shown(value: object) -> object:
    """Return a cell among texts as text: programs take "5" for a number.

    >>> as_shown(12.0), as_shown(True), as_shown(datetime(2024, 5, 3)), as_shown("tea"), as_shown(None)
    ('12', 'TRUE', '2024-05-03', 'tea', None)
    """
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    return as_whole(value) if isinstance(value, (int, float, Decimal, date, time, timedelta)) else value


def find_labels(table: Table, given: str | None, *, items: str, classes: Sequence[Label] | None = None) -> str | None:
    """Return the column of the labels: `given`, or one with a usual name, or the only one that holds `classes`.

    Raises DataFileError if several columns hold nothing but names of classes.
    """
    exported = exported_columns(table)  # a column of the table that was added may have a usual name, too
    names = LABEL_COLUMNS if exported is None else (exported.of_class, *LABEL_COLUMNS)
    usual = [name for name in names if name != items.strip().casefold()]
    column = find_column(table, usual, given, option="label_column")
    if column is not None or not classes:
        return column
    known, used = {str(name).strip() for name in classes}, {items, *listed_names(items)}
    held = {
        name: {str(value).strip() for value in table.values(name) if not is_empty(value)}
        for name in map(str, table.frame.columns)
        if name not in used and not name.casefold().startswith(OF_MODELS)
    }
    found = [name for name, values in held.items() if values and values <= known]
    if len(found) > 1:
        raise DataFileError(
            f"{table.path} has several columns that hold nothing but names of classes: {', '.join(map(repr, found))}. "
            "Choose one with label_column (--label-column)."
        )
    return found[0] if found else None


def read_labels(
    table: Table, column: str | None, *, given: str | None = None, classes: Sequence[Label] | None = None
) -> list[Label] | None:
    """Return the labels in a column, None for no column; one that was not `given` must look like labels.

    A label that is written as a missing text, such as nan, and is none of the classes, is None, which is logged. A list
    of one label, as tools for labeling write it, is that label; an empty one is none. A column of a workbook or of JSON
    that has numbers and texts is read as one of a CSV is: as numbers if all of them are written as such, else as texts.
    """
    if column is None:
        return None
    given_values = _without_missing(table, column, {str(name) for name in classes or ()})
    for row, value in enumerate(given_values):
        if value is not None and (not isinstance(value, (str, int, float)) or holds_several(value)):
            if isinstance(value, date | time | timedelta):
                raise DataFileError(
                    f"{table.location(row)}: the label is the date or time {as_shown(value)}, as which spreadsheets "
                    "read names such as Jan-24 and 1-2. Write the names as texts: in Excel, with an apostrophe before "
                    "each."
                )
            raise DataFileError(
                f"{table.location(row)}: the label is of type {type(value).__name__}, {value!r}. Only one "
                "label per item is supported, a name or a number; an object of names is none. Write one name there, "
                "or leave it empty."
            )
    values: list[Any] = clean_names(given_values, what=f"labels in {table.path.name}")
    is_text = {isinstance(value, str) for value in values if value is not None}
    labels: list[Label] = values
    if suffix_of(table.path) in (".csv", ".tsv") or is_text == {True, False}:
        labels = _typed([None if value is None else as_whole(value) for value in values])
    _check_numbers(table, labels)
    if head_blocks(labels) and table.numbers is not None:
        note(
            log,
            f"{table.path}: each label in {column!r} stands once, above rows without one, which count as unlabeled. If "
            "it is the label of these rows too, write it into each of them",
        )
    if given is None and _is_free(labels):
        raise DataFileError(
            f"{table.path}: the column {column!r} does not look like labels: {len(set(labels))} different values in "
            f"{len(labels)} rows. If they are, give label_column={column!r} (--label-column); if not, give another, or "
            "read only the items with with_labels=False (encode: --no-labels)."
        )
    return labels


def _check_numbers(table: Table, labels: Sequence[Label]) -> None:
    """Raise DataFileError if a label is infinite, or too large for a number that is one integer."""
    for row, label in enumerate(labels):
        if isinstance(label, float) and math.isinf(label):
            raise DataFileError(
                f"{table.location(row)}: the label is {label}, which is no name and no number of a class. Write a name "
                "there, or leave it empty."
            )
        if isinstance(label, float) and label.is_integer() and abs(label) >= EXACT:
            raise DataFileError(
                f"{table.location(row)}: the label is the number {label:.17g}, which may stand for several integers. "
                "Write it as a text."
            )


def _without_missing(table: Table, column: str, classes: set[str]) -> list[object]:
    """Return the labels in a column, None for those that are written as missing texts, or not confirmed."""
    labels = [_label(value) for value in table.values(column)]
    missing = [row for row, label in enumerate(labels) if is_missing_text(label) and label not in classes]
    if missing:
        note(
            log,
            f"{table.path}: {count(len(missing), 'label')} in {column!r} written as {labels[missing[0]]} (first in "
            f"{table.place(missing[0])}), counted as no label. If it is a class, list the names of all classes",
        )
    for row in missing:
        labels[row] = None
    return without_unconfirmed(table, column, labels)


def _label(value: object) -> object:
    """Return a cell, None for an empty one; the label in a list of one."""
    value = sole_label(value)
    return None if is_empty(value) else value


def head_blocks(labels: Sequence[Any]) -> bool:
    """Return whether each of several labels stands once, the first in the first row, and none follows another."""
    if len(labels) < 2 or labels[0] is None or labels[1] is not None:
        return False
    rows = [row for row, label in enumerate(labels) if label is not None]
    if len(rows) < 2 or len({labels[row] for row in rows}) < len(rows):
        return False
    return all(after - row > 1 for row, after in pairwise([*rows, len(labels)]))


def _is_free(labels: Sequence[Label]) -> bool:
    """Return whether labels look like texts or measurements: mostly different, and long or with decimals."""
    given = [label for label in labels if label is not None]
    names = set(given)
    words = sum(len(str(name).split()) for name in names)
    decimal = any(isinstance(name, float) and not name.is_integer() for name in names)
    return len(names) > max(50, len(given) / 2) and (decimal or words > 5 * len(names))


def _typed(labels: Sequence[str | None]) -> list[Label]:
    """Return labels as bools, ints or floats if all of them are written as such, otherwise unchanged."""
    written = {label for label in labels if label is not None}
    for kind in (_bool, int, float):
        try:
            values: dict[str | None, Label] = {label: kind(label) for label in written}
        except ValueError:
            continue
        # "007" and "1_000" would change, and "inf" is a name; 1 and 1.0 in one column are the same number.
        if all(_is_written(value, str(label)) for label, value in values.items()):
            return [values.get(label) for label in labels]
    return list(labels)


def _is_written(value: Label, label: str) -> bool:
    is_finite = not isinstance(value, float) or math.isfinite(value)
    return is_finite and str(value).casefold() in (label.casefold(), f"{label}.0")


def _bool(label: str) -> bool:
    if label.casefold() not in ("true", "false"):
        raise ValueError(label)
    return label.casefold() == "true"


def listed_columns(table: Table) -> str:
    """Return the names of a table's columns as text, for messages: at most 20, and the start of long ones."""
    names = [str(name) for name in table.frame.columns]
    shown = [repr(name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…") for name in names[:MOST_NAMES]]
    more = f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
    return ", ".join(shown) + more
