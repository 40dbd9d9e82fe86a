"""Rows of features as objects, such as those of JSON: the columns that a fitted table reads, and the cells of rows."""

import math
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from anyshot.base.messages import first_of
from anyshot.base.number_columns import check_size
from anyshot.base.written_labels import spelling_of
from anyshot.data.cells import is_empty, is_missing_text
from anyshot.data.column_kinds import as_numbers, plain_kind
from anyshot.data.feature_columns import as_row
from anyshot.data.item_columns import missing_column
from anyshot.data.table_vectors import MISSING, TableVectors
from anyshot.errors import BadItemError, InputError, WidthError

_WANTED: Final = {
    "number": ("numbers", "a number without quotes"),
    "date": ("dates", "a date such as 2024-12-31"),
    "duration": ("durations", "a duration such as 1:30:00"),
}
"""What a column of each kind holds, and what to write there."""


def columns_read(table: TableVectors) -> list[dict[str, Any]]:
    """Return the columns that a fitted table reads: each with its name and kind, and the categories that it knows.

    has_gaps: whether some row in `fit` had no value there.
    """
    found = []
    for name in _used(table):
        categories = table.categories_.get(name)
        has_gaps = name in table.gaps_ if categories is None else MISSING in categories
        column = {"name": name, "kind": _kind_shown(table, name), "has_gaps": has_gaps}
        found.append(column if categories is None else {**column, "categories": _known(categories)})
    return found


def example_row(table: TableVectors) -> dict[str, Any]:
    """Return a row that a fitted table reads, with the medians and the first categories of its columns."""
    return {name: _example_cell(table, name) for name in _used(table)}


def cells_of_rows(items: Sequence[Any], table: TableVectors) -> list[dict[str, Any]]:
    """Return the cells of rows (n,), which are mappings or lists of numbers, as a fitted table reads them.

    The columns are in the order of the table, and others are left out. Numbers are floats, categories are texts, and a
    missing cell is None.

    Raises
    ------
    InputError
        A column is missing in a row, or a cell is not of the kind of its column; the message names the row.
    BadItemError
        A row has no value in any column.
    """
    given = [_by_name(item, table, row) for row, item in enumerate(items)]
    columns = {name: _cells([cells.get(name) for cells in given], table, name) for name in table.columns_}
    rows = [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
    empty = next((row for row, cells in enumerate(rows) if all(cell is None for cell in cells.values())), None)
    if empty is not None:
        raise BadItemError(f"Item {empty} is empty: it has no value in any of the columns {_listed(_used(table))}.")
    return rows


def remarks_on_row(cells: Mapping[str, Any], table: TableVectors) -> dict[str, list[str]]:
    """Return which columns of a row of `cells_of_rows` are unlike those in `fit`.

    "missing": no value, though all rows had one in `fit`; "unseen": an unknown category; "outside": a number or date of
    another scale.
    """
    missing, unseen, outside = [], [], []
    for name in _used(table):
        cell = cells[name]
        known = table.categories_.get(name)
        if cell is None:
            missing += [] if name in table.gaps_ or MISSING in (known or ()) else [name]
        elif known is not None and cell not in known and len(known) < table.max_categories:
            unseen.append(name)  # one of many categories may be too rare to be encoded
        elif name in table.ranges_:
            numbers = as_numbers(pd.Series([cell], name=name, dtype=object), table.kinds_[name])
            outside += [name] if table.outside(name, numbers).any() else []
    found = (("missing", missing), ("unseen", unseen), ("outside", outside))
    return {kind: names for kind, names in found if names}


def table_of_rows(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return rows of `cells_of_rows` (n,) as a table, whose rows are named by their values."""
    return pd.DataFrame(list(rows), index=list(map(as_row, rows)))


def _used(table: TableVectors) -> list[str]:
    """Return the columns of a table without those that had no value in `fit`."""
    return [name for name in table.columns_ if name in table.medians_ or name in table.categories_]


def _by_name(item: Any, table: TableVectors, row: int) -> dict[str, Any]:
    """Return the cells of one item by the names of the columns."""
    columns = _used(table)
    if not isinstance(item, Mapping):
        if len(item) != len(columns):
            raise WidthError(f"Item {row} has {len(item)} numbers; the model reads the columns {_listed(columns)}.")
        return dict(zip(columns, item, strict=True))
    names = {unicodedata.normalize("NFC", name): name for name in item}  # é may be one character or two
    found = {}
    for name in columns:
        own = name if name in item else names.get(unicodedata.normalize("NFC", name))
        if own is None:
            near = missing_column(name, list(item), may_list=False)[1]
            remedy = near or "Write null for a value that is not known."
            raise InputError(f"Item {row} lacks {name!r}. The model reads the columns {_listed(columns)}. {remedy}")
        if isinstance(item[own], Mapping | list):
            raise InputError(f"Item {row} has several values in {name!r}. Write one text or number, or null.")
        found[name] = None if is_empty(item[own]) else item[own]
    return found


def _cells(cells: list[Any], table: TableVectors, name: str) -> list[Any]:
    """Return the cells of a column (n,) of several rows; raise InputError for one that is of another kind."""
    if (known := table.categories_.get(name)) is not None:
        spelled = spelling_of(known)
        return [None if cell is None else str(spelled(cell)) for cell in cells]
    if name not in table.medians_:
        return [None] * len(cells)
    holds, wanted = _WANTED[_kind_shown(table, name)]
    kind = table.kinds_.get(name)
    for row, cell in enumerate(cells):
        if isinstance(cell, str) and (kind == "number" or is_missing_text(cell)):
            raise InputError(
                f"Item {row} has the text {cell[:40]!r} in {name!r}, a column of {holds}. Write {wanted}, or null."
            )
    if kind == "number":
        numbers = [None if cell is None else _float(cell) for cell in cells]
        check_size(np.array([np.nan if cell is None else cell for cell in numbers]), f"Column {name!r}")
        return numbers
    if kind is not None:  # a model of an earlier version does not state it
        as_numbers(pd.Series(cells, name=name, dtype=object), kind)
    return cells


def _float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf


def _example_cell(table: TableVectors, name: str) -> Any:
    if (known := table.categories_.get(name)) is not None:
        return next(iter(_known(known)), None)
    median, kind = table.medians_[name], _kind_shown(table, name)
    if kind == "number":
        return int(median) if median.is_integer() else median
    span = pd.Timedelta(days=median)
    return str(span) if kind == "duration" else (pd.Timestamp(0) + span).date().isoformat()


def _kind_shown(table: TableVectors, name: str) -> str:
    """Return the kind of a column, without the order of day and month, since 2024-12-31 is read in any."""
    return "category" if name in table.categories_ else plain_kind(table.kinds_.get(name, "number"))


def _known(categories: Sequence[str]) -> list[str]:
    return [own for own in categories if own != MISSING]


def _listed(columns: Sequence[str]) -> str:
    return first_of([repr(name) for name in columns], at_most=20)
