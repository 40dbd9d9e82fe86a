"""Write tables: CSV, JSON lines, Parquet and Excel; and answers beside the columns of a table that was read."""

import csv
import itertools
import json
import logging
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, time
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from anyshot.base.files import atomic_file
from anyshot.base.json_values import json_value
from anyshot.base.lazy import extra
from anyshot.base.messages import count, note
from anyshot.base.terminal import whole_characters
from anyshot.data.cells import as_text
from anyshot.data.tables import Table, cells_of
from anyshot.data.workbooks import write_workbook
from anyshot.errors import DataFileError, InputError

log = logging.getLogger(__name__)


def write_table(
    rows: pd.DataFrame | Iterable[Mapping[str, object]],
    path: str | os.PathLike[str],
    *,
    verbatim: bool = False,
    like: Table | None = None,
) -> None:
    """Write rows to a .csv, .xlsx, .jsonl or .parquet file, in UTF-8; an existing file is replaced once it is complete.

    In a CSV, a text that a spreadsheet would run as a formula, such as "=1+1", is written with an apostrophe before it,
    unless `verbatim` is set. `read_table` leaves it out.

    like: a CSV whose separator, decimal comma and byte-order mark a CSV gets.

    Raises
    ------
    DataFileError
        The suffix is not supported, or the file cannot be written.
    """
    target = Path(path).expanduser()
    write = _WRITERS.get(target.suffix.lower())
    if write is None:
        raise DataFileError(f"{target} cannot be written: its name must end in one of {', '.join(_WRITERS)}.")
    if isinstance(rows, pd.DataFrame) and not rows.columns.is_unique:
        repeated = rows.columns[rows.columns.duplicated()][0]
        raise DataFileError(
            f"{target} cannot be written: the table has several columns named {repeated!r}. Rename one."
        )
    table = _with_whole_characters(rows)
    if target.suffix.lower() == ".csv" and not verbatim:
        table = _without_formulas(table)
    with atomic_file(target) as part:
        if like is not None and target.suffix.lower() == ".csv":
            _csv_like(like, table, part)
        elif target.suffix.lower() == ".xlsx":
            write_workbook(table, part, target=target)  # the part has a name of its own
        else:
            write(table, part)


def _with_whole_characters(rows: pd.DataFrame | Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """Return rows as a table, without halves of characters, which names of files that are not UTF-8 have."""
    if isinstance(rows, pd.DataFrame):
        return _mapped(rows, [name for name in rows if rows[name].dtype == object], _whole)
    return pd.DataFrame([{name: _whole(value) for name, value in row.items()} for row in rows])


def _whole(value: object) -> object:
    return whole_characters(value) if isinstance(value, str) else value


def with_columns_of(table: Table, rows: Sequence[Mapping[str, object]], *, prefix: str) -> pd.DataFrame:
    """Return the columns of a table, followed by those of `rows`, one for each row of it.

    If the table already has a column with the same name, the new name gets `prefix`, and a number if needed.

    Raises
    ------
    InputError
        The table has a different number of rows.
    """
    frame = table.frame
    if len(frame) != len(rows):
        raise InputError(f"{table.path} has {len(frame)} rows; {len(rows)} are needed.")
    if any(name is not None for name in frame.index.names):  # Parquet may store a column as the index
        frame = frame.reset_index()
    columns: dict[str, list[Any]] = {}
    for number, name in enumerate(map(str, frame.columns)):  # a CSV may have several without a name
        columns[_unused(name, columns, instead=f"column {number + 1}")] = cells_of(frame.iloc[:, number])
    for name in rows[0]:
        columns[_unused(name, columns, instead=prefix + name)] = [row[name] for row in rows]
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})


def _unused(name: str, taken: Mapping[str, object], *, instead: str) -> str:
    """Return the first name that is not taken: `name`, `instead`, then `instead` with _2, _3, ... appended."""
    return next(
        one
        for one in itertools.chain([name, instead], (f"{instead}_{n}" for n in itertools.count(2)))
        if one not in taken
    )


def _without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose cells and column names a spreadsheet shows as text; how many were changed is logged."""
    n_changed = 0
    safe = table.copy(deep=False).set_axis(range(table.shape[1]), axis=1)
    for number in safe:
        if not isinstance(safe[number].dtype, np.dtype) or safe[number].dtype == object:  # others hold no text
            given = safe[number].astype(object)
            cells = [as_text(value) for value in given]
            n_changed += sum(cell is not value for cell, value in zip(cells, given, strict=True))
            safe[number] = pd.Series(cells, index=table.index, dtype=object)
    if n_changed:
        note(
            log,
            f"An apostrophe was put before {count(n_changed, 'text')} that a spreadsheet would run as a formula; "
            "anyshot reads it without. To leave it out, set verbatim=True (--verbatim)",
        )
    return safe.set_axis([as_text(name) for name in table.columns], axis=1)


def _csv_like(given: Table, table: pd.DataFrame, path: Path) -> None:
    """Write a CSV with the separator of another, its decimal comma, and a byte-order mark unless it is plain UTF-8.

    Spreadsheets that take a semicolon for the separator take a comma for the decimal mark, unless the given file shows
    another.
    """
    separator = given.separator or ","
    cells = (str(cell) for row in given.frame.itertuples(index=False, name=None) for cell in row)
    comma = separator == ";" and not any(map(_WITH_POINT.fullmatch, cells))
    encoding = "utf-8" if given.separator is None or given.encoding == "utf-8" else "utf-8-sig"
    _csv(table, path, separator=separator, decimal="," if comma else ".", encoding=encoding)


_WITH_POINT: Final = re.compile(r"[+-]?\d+\.\d+")


def _csv(table: pd.DataFrame, path: Path, *, separator: str = ",", decimal: str = ".", encoding: str = "utf-8") -> None:
    def in_a_cell(value: object) -> object:
        """Write dicts and lists as JSON, which other programs can read, and days without a time."""
        if isinstance(value, str):
            return value
        converted = json_value(value)
        if isinstance(converted, (dict, list)):
            return json.dumps(converted, ensure_ascii=False)
        if isinstance(value, datetime) and value.timetz() == time():
            return value.date().isoformat()
        return str(value).replace(".", decimal) if isinstance(value, float) and decimal != "." else value

    objects = [name for name in table if table[name].dtype == object]
    cells = _mapped(table, objects, in_a_cell)
    # The csv module quotes a lone carriage return in some versions only, and readers take it for the end of a row.
    returns = any("\r" in str(value) for name in objects for value in cells[name])
    quoting: Literal[0, 2] = csv.QUOTE_NONNUMERIC if returns else csv.QUOTE_MINIMAL
    how: dict[str, Any] = {"sep": separator, "decimal": decimal, "encoding": encoding, "quoting": quoting}
    cells.to_csv(path, index=False, lineterminator="\n", **how)


def _mapped(table: pd.DataFrame, names: Iterable[Any], write: Callable[[Any], object]) -> pd.DataFrame:
    """Return a table with `write` applied to the values of some columns, except missing ones."""
    changed = table.copy(deep=False)
    for name in names:
        values = [None if value is None else write(value) for value in cells_of(table[name])]
        changed[name] = pd.Series(values, index=table.index, dtype=object)  # keeps integers next to missing values
    return changed


def _jsonl(table: pd.DataFrame, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in table.to_dict("records"):
            # Most cells are texts, which stay as they are.
            cells = {str(name): own if isinstance(own, str) else json_value(own) for name, own in row.items()}
            file.write(json.dumps(cells, ensure_ascii=False, separators=(",", ":")) + "\n")


def _parquet_file(table: pd.DataFrame, path: Path) -> None:
    """Write a Parquet file, with columns of several types, such as numbers and "unknown", as text."""
    arrow = extra("pyarrow", "tables", purpose="Writing Parquet files")
    mixed = [name for name in table if table[name].dtype == object and not _of_one_type(table[name], arrow)]
    _mapped(table, mixed, str).to_parquet(path, index=False)


def _of_one_type(column: "pd.Series[Any]", arrow: Any) -> bool:
    if column.dropna().map(type).nunique() > 1:
        return False
    try:
        arrow.array(column, from_pandas=True)
    except (arrow.ArrowException, OverflowError):  # it has values of several types, or a number is too large
        return False
    return True


_WRITERS: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    ".csv": _csv,
    ".xlsx": write_workbook,
    ".jsonl": _jsonl,
    ".parquet": _parquet_file,
}
