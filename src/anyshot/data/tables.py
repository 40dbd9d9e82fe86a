"""A file of rows, read as it is written, and written: CSV, TSV, JSON lines, Parquet, plain text.

What the rows mean is not known here.
"""

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
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa

from anyshot.base.files import atomic_file
from anyshot.errors import DataFileError

Parsed: TypeAlias = tuple[pd.DataFrame, Sequence[int] | None]

_MARKS: Final = (
    (b"\xff\xfe\x00\x00", "utf-32"),  # before UTF-16, whose mark it begins with
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
)


@dataclass(frozen=True)
class Table:
    """The rows of a file.

    frame: one row each; lines: the line of the file that each row begins in, from 1, None where the file has no
    lines; encoding: how the text was read, None for Parquet.
    """

    path: Path
    frame: pd.DataFrame
    lines: Sequence[int] | None = None
    encoding: str | None = None

    def place(self, row: int) -> str:
        """Name a row, counted from 0, as a message shows it."""
        return f"{self.path}, row {row}" if self.lines is None else f"{self.path}, line {self.lines[row]} (row {row})"

    def values(self, column: str) -> list[Any]:
        """Return a column as Python values, None where nothing is written."""
        return _values(self.frame[column])


def read_table(path: Path) -> Table:
    """Read a file whole.

    Raises
    ------
    DataFileError
        The file is missing, empty, of another kind, or broken, has no rows, or has a column twice.
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
        raise DataFileError(f"{path} is no table that can be read. Readable: {readable}, and folders of images.")
    twice = [name for name, count in Counter(table.frame.columns).items() if count > 1 and name]
    if twice:
        raise DataFileError(f"{path} has the column {twice[0]!r} twice. Give each column a name of its own.")
    if len(table.frame) == 0:
        raise DataFileError(f"{path} has no rows.")
    return table


def write_table(rows: pd.DataFrame | Iterable[Mapping[str, object]], path: str | os.PathLike[str]) -> None:
    """Write rows to a .csv, .jsonl or .parquet file, UTF-8; an old file stays whole until the new one is complete.

    Raises
    ------
    DataFileError
        The suffix is another one, or the file cannot be written.
    """
    target = Path(path)
    write = _WRITERS.get(target.suffix.lower())
    if write is None:
        raise DataFileError(f"{target} cannot be written: its name must end in one of {', '.join(_WRITERS)}.")
    table = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
    with atomic_file(target) as part:
        write(table, part)


def with_columns_of(path: str | os.PathLike[str], rows: Sequence[Mapping[str, object]], *, prefix: str) -> pd.DataFrame:
    """Return the columns of the table at `path`, then those of `rows`, one for each of its rows, in its order.

    A column of `rows` whose name the table has already bears `prefix` before it, and a number behind it if need be.

    Raises
    ------
    DataFileError
        The table has another number of rows, or cannot be read.
    """
    frame = read_table(Path(path)).frame
    if len(frame) != len(rows):
        raise DataFileError(f"{path} has {len(frame)} rows, and there are {len(rows)} to stand beside them.")
    if any(name is not None for name in frame.index.names):  # Parquet may keep a column so
        frame = frame.reset_index()
    columns: dict[str, list[Any]] = {}
    for place, name in enumerate(map(str, frame.columns)):  # a CSV may have several without a name
        columns[_unused(name, columns, instead=f"column {place + 1}")] = _values(frame.iloc[:, place])
    for name in rows[0]:
        columns[_unused(name, columns, instead=prefix + name)] = [row[name] for row in rows]
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})


def _unused(name: str, taken: Mapping[str, object], *, instead: str) -> str:
    """Return the first name that is not taken: `name`, `instead`, and this with 2, 3, ... behind it."""
    return next(one for one in chain([name, instead], (f"{instead}_{n}" for n in count(2))) if one not in taken)


def _values(series: "pd.Series[Any]") -> list[Any]:
    plain = series.astype(object)
    return [None if missing else value for value, missing in zip(plain, plain.isna(), strict=True)]


def existing(path: Path) -> Path:
    """Return `path` if there is such a file or folder, or say which name is nearest."""
    if os.path.exists(path):  # as `path.exists` does not, it answers for names that are too long
        return path
    beside = [entry.name for entry in path.parent.iterdir()] if os.path.isdir(path.parent) else []
    near = difflib.get_close_matches(path.name, beside, n=1)
    remedy = f"Did you mean {near[0]!r}?" if near else "Check the path."
    raise DataFileError(f"There is no file or folder {path}. {remedy}")


def read_text(path: Path) -> tuple[str, str]:
    """Return a file's text, its line ends as newlines, and its encoding.

    The encoding is what a byte-order mark says, or UTF-8, or else Windows-1252, in which nearly every file reads as
    something: so a file that has UTF-8 in some lines only is refused, not guessed at.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataFileError(f"{path} cannot be read: {error.strerror or error}.") from error
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    if encoding in ("utf-8", "utf-8-sig") and b"\0" in data:
        raise DataFileError(f"{path} holds zero bytes: it is no text, or UTF-16 without its mark. Save it as UTF-8.")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            line = 1 + data[: error.start].decode(encoding, errors="ignore").count("\n")
            raise DataFileError(f"{path}, line {line}: this is not {encoding}, which the file's mark says.") from error
        text, encoding = _windows_1252(data, path), "windows-1252"
    if not text.strip():
        raise DataFileError(f"{path} is empty.")
    return text.replace("\r\n", "\n").replace("\r", "\n"), encoding


def parse_json(text: str, path: Path, *, line: int = 1) -> Any:
    """Parse JSON that begins in `line` of the file; a name that stands twice in one object is refused."""

    def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        twice = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
        if twice:
            raise DataFileError(f"{path}, line {line}: {twice[0]!r} stands twice in one object. Name each once.")
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=each_once)
    except json.JSONDecodeError as error:
        raise DataFileError(f"{path}, line {line + error.lineno - 1}: this is not JSON: {error.msg}.") from error


def _windows_1252(data: bytes, path: Path) -> str:
    """Decode a file that is not UTF-8; a line that is UTF-8 all the same shows that two encodings are mixed."""
    strange = {number: line for number, line in enumerate(data.splitlines(), start=1) if not line.isascii()}
    good = [number for number, line in strange.items() if _decodes(line, "utf-8")]
    if good:
        bad = next(number for number in strange if number not in set(good))
        raise DataFileError(
            f"{path} mixes encodings: line {good[0]} is UTF-8, line {bad} is not. Save the whole file as UTF-8."
        )
    for number, line in strange.items():
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
    """Parse CSV or TSV; in a CSV the separator is whichever of , ; tab | the first line has most of."""
    body = text.lstrip("\n")
    first = 1 + len(text) - len(body)
    header = re.sub(r'"[^"]*"', "", body.split("\n", 1)[0])
    separator = "\t" if path.suffix.lower() == ".tsv" else max(",;\t|", key=header.count)
    try:
        # Read without header, type or missing value: what is written is what there is, and "NA" may be a class.
        cells = pd.read_csv(
            io.StringIO(body), sep=separator, header=None, dtype=object, na_filter=False, skip_blank_lines=False
        )
    except pd.errors.ParserError as error:
        raise DataFileError(f"{path}, {_fault(body, separator, first=first)}") from error
    within = sum(cells[column].str.count("\n").to_numpy() for column in cells)  # line ends inside each row
    begins = first + np.arange(len(cells)) + np.cumsum(within) - within
    filled = (cells != "").any(axis=1).to_numpy(copy=True)
    filled[0] = False  # the header
    frame = cells[filled].set_axis([str(name).strip() for name in cells.iloc[0]], axis=1)
    return frame, begins[filled].tolist()


def _fault(body: str, separator: str, *, first: int) -> str:
    """Find the line that pandas stumbled on: its own count is of rows."""
    reader = csv.reader(io.StringIO(body), delimiter=separator)
    width, last, begins = 0, first, first
    try:
        for cells in reader:
            width = width or len(cells)
            if len(cells) > width:
                return (
                    f"line {begins}: {len(cells)} fields, where the first line has {width}. "
                    f'Put texts that hold {separator!r} in double quotes: "...".'
                )
            last, begins = begins, first + reader.line_num
    except csv.Error:  # the open quote swallowed more than the module takes for one field
        last = begins
    return f"line {last}: a double quote is opened and never closed."


def _json_rows(text: str, path: Path) -> Parsed:
    """Parse JSON lines, or one JSON list of objects, which has no lines to speak of."""
    rows, lines = [], None
    if text.lstrip().startswith("["):
        rows = parse_json(text, path)
    else:
        numbered = _lines(text)
        rows = [parse_json(line, path, line=number) for number, line in numbered]
        lines = [number for number, _ in numbered]
    for place, row in enumerate(rows):
        if not isinstance(row, dict):
            at = f"item {place}" if lines is None else f"line {lines[place]}"
            raise DataFileError(f'{path}, {at}: an object is needed, like {{"text": "...", "label": "..."}}.')
    return pd.DataFrame(rows, dtype=object), lines


def _text_lines(text: str, path: Path) -> Parsed:
    numbered = _lines(text)
    return pd.DataFrame({"text": [line for _, line in numbered]}, dtype=object), [number for number, _ in numbered]


def _lines(text: str) -> list[tuple[int, str]]:
    """Return the lines that hold something, numbered. Only a newline ends one: others may stand inside a text."""
    return [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]


def _parquet(path: Path) -> Table:
    try:
        return Table(path, pd.read_parquet(path, dtype_backend="pyarrow"))  # whole numbers stay so beside a gap
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
    _mapped(table, objects, _in_a_cell).to_csv(path, index=False, lineterminator="\n")


def _mapped(table: pd.DataFrame, names: Iterable[Any], write: Callable[[Any], object]) -> pd.DataFrame:
    """Return a table with some columns written anew, but for what is missing in them."""
    changed = table.copy(deep=False)
    for name in names:
        values = [None if value is None else write(value) for value in _values(table[name])]
        changed[name] = pd.Series(
            values, index=table.index, dtype=object
        )  # else whole numbers beside a gap get a point
    return changed


def _in_a_cell(value: object) -> object:
    """Write what has parts as JSON: Python's own way of writing them can be read by nothing else."""
    plain = _plain(value)
    return json.dumps(plain, ensure_ascii=False) if isinstance(plain, (dict, list)) else value


def _jsonl(table: pd.DataFrame, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in table.to_dict("records"):
            file.write(json.dumps(_plain(row), ensure_ascii=False, separators=(",", ":")) + "\n")


def _plain(value: Any) -> Any:
    """Return what JSON can hold: null for what is missing or no number, numpy's numbers as Python's, else text."""
    if isinstance(value, Mapping):
        return {str(name): _plain(own) for name, own in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(own) for own in value]
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value if isinstance(value, (str, bool, int, float)) else str(value)


def _parquet_file(table: pd.DataFrame, path: Path) -> None:
    """Write a column of several types, such as numbers and "unknown", as text: in Parquet a column has one type."""
    mixed = [name for name in table if table[name].dtype == object and not _of_one_type(table[name])]
    _mapped(table, mixed, str).to_parquet(path, index=False)


def _of_one_type(column: "pd.Series[Any]") -> bool:
    if column.dropna().map(type).nunique() > 1:
        return False
    try:
        pa.array(column, from_pandas=True)
    except (pa.ArrowException, OverflowError):  # its parts are of several types, or a number is too large
        return False
    return True


_WRITERS: dict[str, Callable[[pd.DataFrame, Path], None]] = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet_file}
