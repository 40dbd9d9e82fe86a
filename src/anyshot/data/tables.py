"""Read and write tables: CSV, TSV, JSON lines, Parquet, Excel and plain text files."""

import csv
import json
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias
from zipfile import BadZipFile

import pandas as pd

from anyshot.base.files import atomic_file
from anyshot.base.json_values import json_value
from anyshot.base.labels import clean_name
from anyshot.base.terminal import whole_characters
from anyshot.base.validation import extra
from anyshot.data.json_rows import json_rows, numbered_lines
from anyshot.data.separated import ParseError, parse
from anyshot.data.spreadsheet import without_formulas
from anyshot.data.text_files import existing, read_text, suffix_of
from anyshot.errors import DataFileError

Parsed: TypeAlias = tuple[pd.DataFrame, Sequence[int] | None]

NO_VALUES: Final = frozenset({"\\N", "#N/A", "#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!"})
"""Cells that hold no value: how databases write a missing one, and the errors of spreadsheets."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Table:
    """The rows of a file.

    lines: the line of the file in which each row starts, from 1, or None if the file has no lines; encoding: of the
    text, None for Parquet.
    """

    path: Path
    frame: pd.DataFrame
    lines: Sequence[int] | None = None
    encoding: str | None = None

    def location(self, row: int) -> str:
        """Return the file, line and row (from 0), for messages."""
        return f"{self.path}, row {row}" if self.lines is None else f"{self.path}, line {self.lines[row]} (row {row})"

    def values(self, column: str) -> list[Any]:
        """Return a column as Python values, None for missing ones."""
        return _values(self.frame[column])


def read_table(path: Path, *, encoding: str | None = None, blank_rows: bool = False) -> Table:
    """Read the rows of a file; one whose name ends in .gz is unpacked.

    encoding: of a text file; by default it is detected; blank_rows: whether rows without any value between others are
    kept in CSV, TSV and Excel, so that the rows are numbered as in a spreadsheet.

    Raises
    ------
    DataFileError
        The file is missing, empty, of an unsupported type or damaged, has no rows, or repeats a column name.
    """
    path = existing(path)
    suffix = suffix_of(path)
    if suffix in _BINARY and path.suffix.lower() != ".gz":
        table = _BINARY[suffix](path)
    elif suffix in _PARSERS:
        text, found = read_text(path, encoding)
        frame, lines = _PARSERS[suffix](text, path)
        table = Table(path, frame, lines, found)
    else:
        readable = ", ".join([*_PARSERS, *_BINARY])
        raise DataFileError(f"{path} is not of a supported type. Supported: {readable}, and folders of images.")
    if not blank_rows and suffix in (".csv", ".tsv", ".xlsx"):
        table = _without_blank_rows(table)
    repeated = [name for name, count in Counter(table.frame.columns).items() if count > 1 and name]
    if repeated:
        raise DataFileError(f"{path} has several columns named {repeated[0]!r}. Give each column its own name.")
    if len(table.frame) == 0:
        raise DataFileError(f"{path} has no rows below the names of its columns.")
    return table


def _without_blank_rows(table: Table) -> Table:
    cells = table.frame.itertuples(index=False, name=None)
    rows = [row for row, own in enumerate(cells) if any(map(_is_filled, own))]
    lines = None if table.lines is None else [table.lines[row] for row in rows]
    return table if len(rows) == len(table.frame) else replace(table, frame=table.frame.iloc[rows], lines=lines)


def write_table(
    rows: pd.DataFrame | Iterable[Mapping[str, object]], path: str | os.PathLike[str], *, verbatim: bool = False
) -> None:
    """Write rows to a .csv, .jsonl or .parquet file, in UTF-8; an existing file is replaced once it is complete.

    In a CSV, a text that a spreadsheet would run as a formula, such as "=1+1", is written with an apostrophe before it,
    unless `verbatim` is set.

    Raises
    ------
    DataFileError
        The suffix is not supported, or the file cannot be written.
    """
    target = Path(path).expanduser()
    write = _WRITERS.get(target.suffix.lower())
    if write is None:
        raise DataFileError(f"{target} cannot be written: its name must end in one of {', '.join(_WRITERS)}.")
    table = _with_whole_characters(rows)
    if target.suffix.lower() == ".csv" and not verbatim:
        table = without_formulas(table)
    with atomic_file(target) as part:
        write(table, part)


def _with_whole_characters(rows: pd.DataFrame | Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """Return rows as a table, without halves of characters, which names of files that are not UTF-8 have."""
    if isinstance(rows, pd.DataFrame):
        return _mapped(rows, [name for name in rows if rows[name].dtype == object], _whole)
    return pd.DataFrame([{name: _whole(value) for name, value in row.items()} for row in rows])


def _whole(value: object) -> object:
    return whole_characters(value) if isinstance(value, str) else value


def with_columns_of(
    path: str | os.PathLike[str], rows: Sequence[Mapping[str, object]], *, prefix: str, encoding: str | None = None
) -> pd.DataFrame:
    """Return the columns of the table at `path`, followed by those of `rows`, one for each row of it, blank ones too.

    If the table already has a column with the same name, the new name gets `prefix`, and a number if needed.

    Raises
    ------
    DataFileError
        The table has a different number of rows, or cannot be read.
    """
    frame = read_table(Path(path), encoding=encoding, blank_rows=True).frame
    if len(frame) != len(rows):
        raise DataFileError(f"{path} has {len(frame)} rows; {len(rows)} are needed.")
    if any(name is not None for name in frame.index.names):  # Parquet may store a column as the index
        frame = frame.reset_index()
    columns: dict[str, list[Any]] = {}
    for number, name in enumerate(map(str, frame.columns)):  # a CSV may have several without a name
        columns[_unused(name, columns, instead=f"column {number + 1}")] = _values(frame.iloc[:, number])
    for name in rows[0]:
        columns[_unused(name, columns, instead=prefix + name)] = [row[name] for row in rows]
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})


def _unused(name: str, taken: Mapping[str, object], *, instead: str) -> str:
    """Return the first name that is not taken: `name`, `instead`, then `instead` with _2, _3, ... appended."""
    return next(one for one in chain([name, instead], (f"{instead}_{n}" for n in count(2))) if one not in taken)


def _values(series: "pd.Series[Any]") -> list[Any]:
    values = series.astype(object)
    return [None if missing else value for value, missing in zip(values, values.isna(), strict=True)]


def _separated(text: str, path: Path) -> Parsed:
    """Parse CSV or TSV; every cell is a text, as "NA" may be a class."""
    try:
        (names, *rows), lines = parse(text, tabs=suffix_of(path) == ".tsv")
    except ParseError as error:
        raise DataFileError(f"{path}, {error}") from error
    columns = [clean_name(name) for name in names]
    cells = [[None if cell in NO_VALUES else cell for cell in row] for row in rows]
    return pd.DataFrame(cells, columns=columns, dtype=object), lines[1:]


def _json(text: str, path: Path) -> Parsed:
    rows, lines = json_rows(text, path)
    return pd.DataFrame(rows, dtype=object), lines


def _text_lines(text: str, path: Path) -> Parsed:
    numbered = numbered_lines(text)
    return pd.DataFrame({"text": [line for _, line in numbered]}, dtype=object), [number for number, _ in numbered]


def _excel(path: Path) -> Table:
    """Read the first sheet that is not empty; its first row holds the names of the columns."""
    openpyxl = extra("openpyxl", "tables", purpose="Reading Excel files")
    if path.read_bytes()[: len(_COMPOUND_FILE)] == _COMPOUND_FILE:
        raise DataFileError(
            f"{path} cannot be read as Excel: it has a password, or is of Excel 97 to 2003. Save it as .xlsx "
            "without a password."
        )
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        sheets = {sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)] for sheet in book.worksheets}
    except BadZipFile as error:
        raise DataFileError(f"{path} cannot be read as Excel: it is damaged, or of another type.") from error
    except (KeyError, ValueError, OSError) as error:
        raise DataFileError(f"{path} cannot be read as Excel: {error}.") from error
    filled = [name for name, rows in sheets.items() if any(cell is not None for row in rows for cell in row)]
    if not filled:
        raise DataFileError(f"{path} is empty.")
    if len(filled) > 1:
        log.info(
            f"{path} has {len(filled)} sheets; the first one, {filled[0]!r}, was read; to read another, move it first"
        )
    numbered = list(enumerate(sheets[filled[0]], start=1))
    used = [number for number, row in numbered if any(map(_is_filled, row))]
    (_, header), *rest = numbered[used[0] - 1 : used[-1]]
    columns = [clean_name("" if name is None else str(name)) for name in header]
    rows = [row[: len(columns)] + [None] * (len(columns) - len(row)) for _, row in rest]
    rows = [[None if isinstance(cell, str) and cell in NO_VALUES else cell for cell in row] for row in rows]
    return Table(path, pd.DataFrame(rows, columns=columns, dtype=object), [number for number, _ in rest])


_COMPOUND_FILE: Final = bytes.fromhex("d0cf11e0a1b11ae1")  # how .xls begins, and .xlsx with a password


def _is_filled(cell: object) -> bool:
    return cell is not None and cell != ""


def _parquet(path: Path) -> Table:
    extra("pyarrow", "tables", purpose="Reading Parquet files")
    try:
        return Table(path, pd.read_parquet(path, dtype_backend="pyarrow"))  # keeps integer columns with missing values
    except (ValueError, OSError) as error:
        raise DataFileError(f"{path} cannot be read as Parquet: {error}.") from error


_BINARY: dict[str, Callable[[Path], Table]] = {".parquet": _parquet, ".xlsx": _excel}
_PARSERS: dict[str, Callable[[str, Path], Parsed]] = {
    ".csv": _separated,
    ".tsv": _separated,
    ".jsonl": _json,
    ".json": _json,
    ".txt": _text_lines,
}


def _csv(table: pd.DataFrame, path: Path) -> None:
    objects = [name for name in table if table[name].dtype == object]
    cells = _mapped(table, objects, _in_a_cell)
    # The csv module quotes a lone carriage return in some versions only, and readers take it for the end of a row.
    returns = any("\r" in str(value) for name in objects for value in cells[name])
    quoting: Literal[0, 2] = csv.QUOTE_NONNUMERIC if returns else csv.QUOTE_MINIMAL
    cells.to_csv(path, index=False, lineterminator="\n", quoting=quoting)


def _mapped(table: pd.DataFrame, names: Iterable[Any], write: Callable[[Any], object]) -> pd.DataFrame:
    """Return a table with `write` applied to the values of some columns, except missing ones."""
    changed = table.copy(deep=False)
    for name in names:
        values = [None if value is None else write(value) for value in _values(table[name])]
        changed[name] = pd.Series(
            values, index=table.index, dtype=object
        )  # otherwise integers next to missing values become floats
    return changed


def _in_a_cell(value: object) -> object:
    """Write dicts and lists as JSON, which other programs can read."""
    converted = json_value(value)
    return json.dumps(converted, ensure_ascii=False) if isinstance(converted, (dict, list)) else value


def _jsonl(table: pd.DataFrame, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in table.to_dict("records"):
            file.write(json.dumps(json_value(row), ensure_ascii=False, separators=(",", ":")) + "\n")


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


_WRITERS: dict[str, Callable[[pd.DataFrame, Path], None]] = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet_file}
