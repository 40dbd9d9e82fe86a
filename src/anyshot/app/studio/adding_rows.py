"""Adding rows of features to a project: tables of numbers, dates and categories."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from anyshot import data
from anyshot.app.studio.adding import Added, stored_cells
from anyshot.app.studio.entries import Entry
from anyshot.app.studio.feature_choice import features_of, plain_fault
from anyshot.app.studio.feature_items import Columns, Holds, stored_columns, stored_row
from anyshot.app.studio.project import Project
from anyshot.app.studio.table_rows import Prepared, ReadTable, check_column, insert_rows, read_rows
from anyshot.base.messages import collecting
from anyshot.base.written_labels import as_whole
from anyshot.data.text_files import TABLE_SUFFIXES, suffix_of
from anyshot.errors import DataFileError, InputError

if TYPE_CHECKING:
    from anyshot.data.column_kinds import Kind

Values: TypeAlias = list[str | float | None]


def add_rows(
    project: Project,
    path: str | Path,
    *,
    feature_columns: Sequence[str] | None = None,
    label_column: str | None = None,
    sheet: str | None = None,
    has_names: bool = True,
    source: str | None = None,
    entry: Entry | None = None,
) -> Added:
    """Add the rows of a table (CSV, TSV, JSON lines, Parquet, Excel) as items with several features.

    feature_columns: the columns of numbers, dates and categories. The first rows of a project decide which these are,
    by default all that tell something about a row and have no usual name of classes; later tables must have them, in
    any order. The other arguments are those of `add_table`. All columns are kept for the export. A row with a cell that
    cannot be read is left out.

    Raises
    ------
    DataFileError
        The file cannot be read, lacks a column, has one that cannot be read, or no usable row.
    InputError
        The project holds texts or images, or the label column has more than 200 values that are no class yet.
    """
    known = project.items.columns()
    if suffix_of(Path(path)) not in TABLE_SUFFIXES:
        raise _no_rows(source or Path(path).name, known)
    read = read_rows(path, label_column=label_column, sheet=sheet, has_names=has_names, source=source)
    columns = known or _chosen(read, feature_columns, label_column)
    _check_columns(read, columns, label_column)
    added, faults = Added(), dict[int, str]()
    try:
        with collecting() as notes:
            rows = stored_values(data.feature_rows(read.table, list(columns), columns), columns, faults)
    except InputError as error:
        raise DataFileError(f"{read.name} cannot be used: {plain_fault(error)}") from error
    added.read = [*read.notes, *map(str, notes)]
    added.faults = [(read.table.place(row), fault) for row, fault in sorted(faults.items())]
    if len(faults) == len(rows):
        raise DataFileError(f"{read.name} has no usable row: {added.faults[0][1]}.")
    contents = ["" if row in faults else stored_row(values) for row, values in enumerate(rows)]
    prepared = [
        Prepared(read.table.place(row), content, key, read.labels[row] if content else "", stored_cells(cells))
        for row, (content, key, cells) in enumerate(zip(contents, keys_of(contents), read.cells, strict=True))
    ]
    chosen: dict[str, Any] = {"columns": read.columns, "item_column": stored_columns(columns), "classes": read.classes}
    same = _same(project, columns)
    return insert_rows(project, "rows", prepared, added, source=read.name, check=same, entry=entry, **chosen)


def _chosen(read: ReadTable, given: Sequence[str] | None, label: str | None) -> Columns:
    """Return the columns of a project that has none yet: those that were given, or else proposed."""
    for name in given or ():
        check_column(read.name, name, read.columns)
    wanted = features_of(read.table, read.columns if given is None else given)
    if given is None:
        wanted = [
            one for one in wanted if one.is_proposed and one.name not in (label, data.named_class_column(read.columns))
        ]
    columns: Columns = {}
    for one in wanted:
        if one.kind is None:
            raise DataFileError(f"{read.name} cannot be used: {one.fault}")
        columns[one.name] = one.kind
    if not columns:
        raise InputError("No column is chosen. Choose one that tells something about a row.")
    return columns


def _check_columns(read: ReadTable, columns: Columns, label: str | None) -> None:
    """Raise DataFileError if a table lacks a column of the project, InputError if one is that of the labels, too."""
    if not columns.keys() & read.columns:
        raise _no_rows(read.name, columns)
    for name in columns:
        if name not in read.columns:
            near = data.missing_column(name, read.columns, may_list=False)[1]
            raise DataFileError(
                f"{read.name} has no column {name!r}, which the rows of this project have. Its columns: "
                f"{', '.join(read.columns)}. {near or 'Add it, with empty cells where nothing is known.'}"
            )
    if label in columns:
        raise InputError(f"{label!r} was given for the labels and as a feature. Leave it out of one of them.")


def _no_rows(name: str, columns: Columns) -> DataFileError:
    wanted = f"with the columns {', '.join(columns)}" if columns else "with columns of numbers, dates or categories"
    return DataFileError(
        f"{name} has no rows of this project, which holds numbers and categories. Add a table, such as a CSV or Excel "
        f"file, {wanted}."
    )


def _same(project: Project, columns: Columns) -> Callable[[], None]:
    """Return a check that nobody has added rows with other columns meanwhile."""

    def check() -> None:
        known = project.items.columns()
        if known and known != columns:
            raise InputError("Rows with other columns were added meanwhile. Add the table again.")

    return check


def keys_of(contents: Sequence[str]) -> list[str]:
    """Return what equal items have in common: two customers of one age are two, and those of a file added again none.

    >>> keys_of(["[31]", "[40]", "[31]"])
    ['[31] 1', '[40] 1', '[31] 2']
    """
    copies: Counter[str] = Counter()
    keys = []
    for content in contents:
        copies[content] += 1
        keys.append(f"{content} {copies[content]}")
    return keys


def stored_values(rows: pd.DataFrame, columns: Columns, faults: dict[int, str]) -> list[Values]:
    """Return the values of rows, as they are stored, in the order of the columns.

    faults gets why a row, from 0, cannot be used. Raise InputError for a column of which nothing can be read.
    """
    cells = [_values(rows[name], kind, faults) for name, kind in columns.items()]
    found: list[Values] = [list(row) for row in zip(*cells, strict=True)]
    for at, row in enumerate(found):
        if all(value is None for value in row):
            faults.setdefault(at, "the row is empty")
    return found


def _values(column: "pd.Series[Any]", kind: Holds, faults: dict[int, str]) -> Values:
    """Return the values of a column as they are stored, None for missing ones and those that `faults` gets."""
    if kind == "category":
        return [None if value is None else as_whole(value) for value in column]
    own = data.likely_kind(column)
    given: Kind = own if data.plain_kind(own) == kind else kind
    numbers, unread = data.read_numbers(column, given)
    for row, fault in unread.items():
        faults.setdefault(row, fault)
    there = np.flatnonzero(~np.isnan(numbers)).tolist()
    found: Values = [None] * len(column)
    for row, value in zip(there, data.from_numbers(numbers[there], given), strict=True):
        found[row] = _stored(value)
    return found


def _stored(value: Any) -> str | float:
    """Return a number, a date or a duration as it is stored."""
    if isinstance(value, pd.Timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        is_short = 0 <= minutes < 100 * 60  # others as "15 days 02:00:00"
        return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}" if is_short else str(value)
    if isinstance(value, pd.Timestamp):
        return str(value.date() if value == value.normalize() else value.strftime("%Y-%m-%d %H:%M:%S"))
    return float(value)
