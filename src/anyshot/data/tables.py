"""Read and write tables: CSV, TSV, JSON lines, Parquet and plain text files."""

import csv
import difflib
import io
import json
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa

from anyshot.base.files import atomic_file
from anyshot.data.spreadsheet import without_formulas
from anyshot.errors import DataFileError

Parsed: TypeAlias = tuple[pd.DataFrame, Sequence[int] | None]

_MARKS: Final = (
    (b"\xff\xfe\x00\x00", "utf-32"),  # before UTF-16, because its mark starts with that of UTF-16
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
)


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


def read_table(path: Path) -> Table:
    """Read the rows of a file.

    Raises
    ------
    DataFileError
        The file is missing, empty, of an unsupported type or damaged, has no rows, or repeats a column name.
    """
    suffix = existing(path).suffix.lower()
    if suffix == ".parquet":
        table = _parquet(path)
    elif suffix in _PARSERS:
        text, encoding = read_text(path)
        frame, lines = _PARSERS[suffix](text, path)
        table = Table(path, frame, lines, encoding)
    else:
        readable = ", ".join([*_PARSERS, ".parquet"])
        raise DataFileError(f"{path} is not of a supported type. Supported: {readable}, and folders of images.")
    repeated = [name for name, count in Counter(table.frame.columns).items() if count > 1 and name]
    if repeated:
        raise DataFileError(f"{path} has several columns named {repeated[0]!r}. Give each column its own name.")
    if len(table.frame) == 0:
        raise DataFileError(f"{path} has no rows.")
    return table


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
    target = Path(path)
    write = _WRITERS.get(target.suffix.lower())
    if write is None:
        raise DataFileError(f"{target} cannot be written: its name must end in one of {', '.join(_WRITERS)}.")
    table = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
    if target.suffix.lower() == ".csv" and not verbatim:
        table = without_formulas(table)
    with atomic_file(target) as part:
        write(table, part)


def with_columns_of(path: str | os.PathLike[str], rows: Sequence[Mapping[str, object]], *, prefix: str) -> pd.DataFrame:
    """Return the columns of the table at `path`, followed by those of `rows`, which has one entry per row of the table.

    If the table already has a column with the same name, the new name gets `prefix`, and a number if needed.

    Raises
    ------
    DataFileError
        The table has a different number of rows, or cannot be read.
    """
    frame = read_table(Path(path)).frame
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


def existing(path: Path) -> Path:
    """Return `path` if the file or folder exists, or raise DataFileError with the closest name."""
    if os.path.exists(path):  # unlike `path.exists`, it accepts names that are too long
        return path
    beside = [entry.name for entry in path.parent.iterdir()] if os.path.isdir(path.parent) else []
    near = difflib.get_close_matches(path.name, beside, n=1)
    remedy = f"Did you mean {near[0]!r}?" if near else "Check the path."
    raise DataFileError(f"There is no file or folder {path}. {remedy}")


def read_text(path: Path) -> tuple[str, str]:
    """Return a file's text, with newlines as line ends, and its encoding.

    The encoding is that of the byte-order mark, or UTF-8, or else Windows-1252. Nearly every file is valid
    Windows-1252, so a file in which only some lines are UTF-8 is refused.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataFileError(f"{path} cannot be read: {error.strerror or error}.") from error
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    if encoding in ("utf-8", "utf-8-sig") and b"\0" in data:
        raise DataFileError(f"{path} contains zero bytes: it is binary, or UTF-16 without a BOM. Save it as UTF-8.")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            line = 1 + data[: error.start].decode(encoding, errors="ignore").count("\n")
            raise DataFileError(f"{path}, line {line}: not {encoding}, which the BOM indicates.") from error
        text, encoding = _windows_1252(data, path), "windows-1252"
    if not text.strip():
        raise DataFileError(f"{path} is empty.")
    return text.replace("\r\n", "\n").replace("\r", "\n"), encoding


def parse_json(text: str, path: Path, *, line: int = 1) -> Any:
    """Parse JSON that starts in `line` of the file; repeated names in one object are refused."""

    def unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        repeated = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
        if repeated:
            raise DataFileError(f"{path}, line {line}: an object has the name {repeated[0]!r} twice. Remove one.")
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=unique_names)
    except json.JSONDecodeError as error:
        raise DataFileError(f"{path}, line {line + error.lineno - 1}: invalid JSON: {error.msg}.") from error


def _windows_1252(data: bytes, path: Path) -> str:
    """Decode a file that is not UTF-8; a line that is valid UTF-8 shows that two encodings are mixed."""
    not_ascii = {number: line for number, line in enumerate(data.splitlines(), start=1) if not line.isascii()}
    good = [number for number, line in not_ascii.items() if _decodes(line, "utf-8")]
    if good:
        bad = next(number for number in not_ascii if number not in set(good))
        raise DataFileError(
            f"{path} mixes encodings: line {good[0]} is UTF-8, line {bad} is not. Save the whole file as UTF-8."
        )
    for number, line in not_ascii.items():
        if not _decodes(line, "windows-1252"):
            raise DataFileError(f"{path}, line {number}: neither UTF-8 nor Windows-1252. Save the file as UTF-8.")
    return data.decode("windows-1252")


def _decodes(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _separated(text: str, path: Path) -> Parsed:
    """Parse CSV or TSV; the separator of a CSV is the most frequent of , ; tab | in its first line."""
    body = text.lstrip("\n")
    first = 1 + len(text) - len(body)
    header = re.sub(r'"[^"]*"', "", body.split("\n", 1)[0])
    separator = "\t" if path.suffix.lower() == ".tsv" else max(",;\t|", key=header.count)
    try:
        # Read without header, types or missing values: "NA" may be a class.
        cells = pd.read_csv(
            io.StringIO(body), sep=separator, header=None, dtype=object, na_filter=False, skip_blank_lines=False
        )
    except pd.errors.ParserError as error:
        raise DataFileError(f"{path}, {_fault(body, separator, first=first)}") from error
    within = sum(cells[column].str.count("\n").to_numpy() for column in cells)  # newlines inside each row
    starts = first + np.arange(len(cells)) + np.cumsum(within) - within
    filled = (cells != "").any(axis=1).to_numpy(copy=True)
    filled[0] = False  # the header
    frame = cells[filled].set_axis([str(name).strip() for name in cells.iloc[0]], axis=1)
    return frame, starts[filled].tolist()


def _fault(body: str, separator: str, *, first: int) -> str:
    """Return the line with the error, and the error; pandas counts rows, not lines."""
    reader = csv.reader(io.StringIO(body), delimiter=separator)
    width, last, start = 0, first, first
    try:
        for cells in reader:
            width = width or len(cells)
            if len(cells) > width:
                return (
                    f"line {start}: {len(cells)} fields, but the first line has {width}. "
                    f'Put texts that contain {separator!r} in double quotes: "...".'
                )
            last, start = start, first + reader.line_num
    except csv.Error:  # the text after the open quote exceeds the csv module's limit for a field
        last = start
    return f"line {last}: a double quote is not closed."


def _json_rows(text: str, path: Path) -> Parsed:
    """Parse JSON lines, or one JSON list of objects, whose rows have no line numbers."""
    rows, lines = [], None
    if text.lstrip().startswith("["):
        rows = parse_json(text, path)
    else:
        numbered = _lines(text)
        rows = [parse_json(line, path, line=number) for number, line in numbered]
        lines = [number for number, _ in numbered]
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            at = f"item {number}" if lines is None else f"line {lines[number]}"
            raise DataFileError(f'{path}, {at}: an object is needed, like {{"text": "...", "label": "..."}}.')
    return pd.DataFrame(rows, dtype=object), lines


def _text_lines(text: str, path: Path) -> Parsed:
    numbered = _lines(text)
    return pd.DataFrame({"text": [line for _, line in numbered]}, dtype=object), [number for number, _ in numbered]


def _lines(text: str) -> list[tuple[int, str]]:
    """Return the nonempty lines with their numbers; other line separators than newlines may be part of a text."""
    return [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]


def _parquet(path: Path) -> Table:
    try:
        return Table(path, pd.read_parquet(path, dtype_backend="pyarrow"))  # keeps integer columns with missing values
    except (ValueError, OSError) as error:
        raise DataFileError(f"{path} cannot be read as Parquet: {error}.") from error


_PARSERS: dict[str, Callable[[str, Path], Parsed]] = {
    ".csv": _separated,
    ".tsv": _separated,
    ".jsonl": _json_rows,
    ".json": _json_rows,
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
    converted = _to_json(value)
    return json.dumps(converted, ensure_ascii=False) if isinstance(converted, (dict, list)) else value


def _jsonl(table: pd.DataFrame, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in table.to_dict("records"):
            file.write(json.dumps(_to_json(row), ensure_ascii=False, separators=(",", ":")) + "\n")


def _to_json(value: Any) -> Any:
    """Return JSON values: null for missing values and NaN, Python numbers for numpy's, text for other types."""
    if isinstance(value, Mapping):
        return {str(name): _to_json(own) for name, own in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_to_json(own) for own in value]
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value if isinstance(value, (str, bool, int, float)) else str(value)


def _parquet_file(table: pd.DataFrame, path: Path) -> None:
    """Write a Parquet file, with columns of several types, such as numbers and "unknown", as text."""
    mixed = [name for name in table if table[name].dtype == object and not _of_one_type(table[name])]
    _mapped(table, mixed, str).to_parquet(path, index=False)


def _of_one_type(column: "pd.Series[Any]") -> bool:
    if column.dropna().map(type).nunique() > 1:
        return False
    try:
        pa.array(column, from_pandas=True)
    except (pa.ArrowException, OverflowError):  # it has values of several types, or a number is too large
        return False
    return True


_WRITERS: dict[str, Callable[[pd.DataFrame, Path], None]] = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet_file}
