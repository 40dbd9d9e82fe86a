"""Read tables: CSV, TSV, JSON lines, Parquet, Excel and plain text files."""

import logging
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count, pairwise
from pathlib import Path
from typing import Any, Final

import pandas as pd

from anyshot.base.labels import clean_header
from anyshot.base.lazy import extra
from anyshot.base.messages import count as counted
from anyshot.base.messages import first_of, note, shortened
from anyshot.data.cells import ERRORS, NO_VALUES, as_written, is_filled
from anyshot.data.header_rows import n_usual, names_with_options, rows_of_names, rows_without_data
from anyshot.data.json_rows import json_rows, numbered_lines
from anyshot.data.separated import ParseError, parse
from anyshot.data.table_layout import (
    are_unlabeled,
    describes_columns,
    is_row_of_sums,
    is_transposed,
    other_table,
    rows_of_subtotals,
)
from anyshot.data.text_files import SAMPLE, existing, read_text, refuse_other_kinds, remedy_for_type, suffix_of
from anyshot.data.workbooks import SUFFIXES, read_workbook
from anyshot.errors import DataFileError, InputError

_PRINTED_LINE: Final = re.compile(r" *(\+-+(\+-+)*\+|[┌┏╔╭][─━═┬┳╦]+[┐┓╗╮]) *")
_MOMENT: Final = re.compile(r"\u200e?\[?\d{1,4}[./-]\d{1,2}[./-]\d{2,4},? \d{1,2}[:.]\d{2}\b.*?[\]:-] ")
"""How a line of a chat or a log begins."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Table:
    """The rows of a file.

    lines: the line of the file in which each row starts, from 1, or None if the file has no lines; numbers: the number
    of each row in a spreadsheet, where the names of the columns are row 1, or None if the file has no such row;
    encoding: of the text, None for Parquet and Excel; separator: of the fields of a CSV; sheets: of a workbook, those
    that are visible and have values; repeated: the names that several columns had, which are numbered; files: of a
    folder of texts, the one of each row; unread: of these, the rows whose file cannot be read, and why.
    """

    path: Path
    frame: pd.DataFrame
    lines: Sequence[int] | None = None
    numbers: Sequence[int] | None = None
    encoding: str | None = None
    separator: str | None = None
    sheets: Sequence[str] = ()
    repeated: Sequence[str] = ()
    files: Sequence[str] = ()
    unread: Mapping[int, str] = field(default_factory=dict)

    def number(self, row: int) -> int:
        """Return the number of a row (from 0) as people count: in a spreadsheet, or else its line, or else from 1."""
        counted = self.numbers or self.lines
        return row + 1 if counted is None else counted[row]

    def place(self, row: int) -> str:
        """Return where a row (from 0) stands in the file.

        Rows are counted as a spreadsheet does, in which the names of the columns are row 1; the line is added where it
        differs, as after cells of several lines. A text that has a file is named by it.
        """
        if self.files:
            return self.files[row]
        if self.numbers is None:
            return f"data row {row + 1}" if self.lines is None else f"line {self.lines[row]}"
        number = self.numbers[row]
        line = number if self.lines is None else self.lines[row]
        return f"row {number}" if line == number else f"row {number} (line {line})"

    def location(self, row: int) -> str:
        """Return the file and where a row (from 0) stands in it, for messages."""
        return f"{self.path}, {self.place(row)}"

    def rows(self, rows: Sequence[int]) -> "Table":
        """Return some rows of the table."""
        lines, numbers = (None if own is None else [own[row] for row in rows] for own in (self.lines, self.numbers))
        files = [self.files[row] for row in rows] if self.files else ()
        unread = {at: self.unread[row] for at, row in enumerate(rows) if row in self.unread}
        frame = self.frame.iloc[list(rows)]
        return replace(self, frame=frame, lines=lines, numbers=numbers, files=files, unread=unread)

    def values(self, column: str) -> list[Any]:
        """Return a column as Python values, None for missing ones; the first one of several without a name."""
        return cells_of(self.frame.iloc[:, list(self.frame.columns).index(column)])

    def columns(self) -> list[list[Any]]:
        """Return all columns as Python values, also those that share a name, as columns without one do."""
        return [cells_of(self.frame.iloc[:, place]) for place in range(self.frame.shape[1])]


def read_table(
    path: Path, *, encoding: str | None = None, sheet: str | None = None, blank_rows: bool = False, whole: bool = False
) -> Table:
    """Read the rows of a file; one whose name ends in .gz is unpacked.

    encoding: of a text file; by default it is detected; sheet: of an Excel file; by default the first visible one that
    is not empty; blank_rows: whether rows without any value between others are kept in CSV, TSV and Excel; whole:
    whether a .txt file, such as a letter, is one text, rather than a text per line. Rows that repeat the names of the
    columns, as where files were joined, are left out, and columns of one name numbered, which is logged.

    Raises
    ------
    DataFileError
        The file is missing, empty, of an unsupported type or damaged, or has no rows.
    InputError
        There is no such sheet, or the file is not of Excel.
    """
    path = existing(path)
    suffix, unpacked = suffix_of(path), path.suffix.lower() != ".gz"
    if sheet is not None and not (suffix in SUFFIXES and unpacked):
        raise InputError(f"The sheet {sheet!r} was named, but {path} is not an Excel file. Leave it out.")
    if suffix not in _PARSERS:
        refuse_other_kinds(path)
    if suffix in SUFFIXES and unpacked:
        table = _excel(path, sheet)
    elif suffix == ".parquet" and unpacked:
        table = _parquet(path)
    elif suffix in _PARSERS:
        text, found = read_text(path, encoding)
        parser = _whole_text if whole and suffix == ".txt" else _PARSERS[suffix]
        table = replace(parser(text, path), encoding=found)
    else:
        readable, remedy = ", ".join([*_PARSERS, ".parquet", *SUFFIXES]), remedy_for_type(path)
        raise DataFileError(
            f"{path} is not of a supported type. Supported: {readable}, and folders of images. {remedy}"
        )
    if table.numbers is not None and not blank_rows:
        table = _without_blank_rows(table)
    if len(table.frame) == 0:
        raise DataFileError(f"{path} has no rows below the names of its columns.")
    return _with_numbered_names(table)


def _with_numbered_names(table: Table) -> Table:
    """Return a table whose columns of one name are numbered from the second on, as Jira exports its comments."""
    names: list[Any] = list(table.frame.columns)
    numbered: list[Any] = []
    repeated = [name for name, n_columns in Counter(names).items() if n_columns > 1 and name]
    if not repeated:
        return table
    taken = set(names)
    for name in names:
        is_later = name and name in numbered
        numbered.append(next(one for n in count(2) if (one := f"{name} ({n})") not in taken) if is_later else name)
        taken.add(numbered[-1])
    listed = first_of([repr(shortened(str(name))) for name in repeated], at_most=3)
    example = next(own for own, name in zip(numbered, names, strict=True) if own != name)
    note(log, f"{table.path} has several columns named {listed}: from the second on they are numbered, as {example!r}")
    return replace(table, frame=table.frame.set_axis(numbered, axis=1), repeated=repeated)


def _without_blank_rows(table: Table) -> Table:
    cells = table.frame.itertuples(index=False, name=None)
    rows = [row for row, own in enumerate(cells) if any(map(is_filled, own))]
    return table if len(rows) == len(table.frame) else table.rows(rows)


def cells_of(series: "pd.Series[Any]") -> list[Any]:
    """Return a column as Python values, None for missing ones."""
    # pandas makes the integers in a struct of Arrow floats where some are missing; iterating does not.
    is_nested = "struct<" in str(series.dtype)
    values = pd.Series(list(series), dtype=object) if is_nested else series.astype(object)
    return [None if missing else value for value, missing in zip(values, values.isna(), strict=True)]


def _separated(text: str, path: Path) -> Table:
    """Parse CSV or TSV; every cell is a text, as "NA" may be a class."""
    _refuse_printed(text, path)
    try:
        rows = parse(text, tabs=suffix_of(path) == ".tsv")
    except ParseError as error:
        raise DataFileError(f"{path}, {error}") from error
    separator = rows.separator if suffix_of(path) == ".csv" else None
    table = Table(path, _frame(rows.fields), rows.lines[1:], rows.numbers[1:], separator=separator)
    if rows.n_last and not text.endswith("\n"):
        note(
            log,
            f"{path}: the last row has {rows.n_last} of {len(rows.fields[0])} fields and no line end, as where a "
            "file is cut off. If it is, write it again",
        )
    return _checked(table, rows.fields, rows.above)


def _json(text: str, path: Path) -> Table:
    rows, lines = json_rows(text, path)
    return Table(path, pd.DataFrame(rows, dtype=object), lines)


def _text_lines(text: str, path: Path) -> Table:
    """Parse a text per line; refuse columns between tabs, as spreadsheets save them."""
    _refuse_printed(text, path)
    numbered = numbered_lines(text)
    tabs = [line.count("\t") for _, line in numbered]
    n_tabs, n_lines = Counter(tabs).most_common(1)[0]
    least = 1 if n_tabs == tabs[0] else 2  # a single one may indent all lines but the first
    if n_lines > len(tabs) / 2 and n_tabs >= least:
        raise DataFileError(
            f"{path} has {counted(n_tabs + 1, 'column')} between tabs, and a .txt file is read as one text per line. "
            "Let its name end in .tsv; its first line must hold the names of the columns."
        )
    _refuse_labeled_lines([line for _, line in numbered], path)
    _warn_of_lines(numbered, path)
    texts = [line for _, line in numbered]
    return Table(path, pd.DataFrame({"text": texts}, dtype=object), [number for number, _ in numbered])


def _warn_of_lines(numbered: Sequence[tuple[int, str]], path: Path) -> None:
    """Warn of bars as between columns, of the times of a chat, and of blank lines; numbered: the other lines."""
    most = max(2, len(numbered) / 2)
    ((n_bars, n_lines),) = Counter(line.count("|") for _, line in numbered).most_common(1)
    if n_bars > 1 and n_lines > most:
        note(
            log,
            f"{path} has {n_bars} bars (|) in most lines, as between columns; each line is read as one text. If they "
            "are columns, let its name end in .csv",
            level=logging.WARNING,
        )
    if sum(_MOMENT.match(line) is not None for _, line in numbered) > most:
        note(
            log,
            f"{path} has a date and a time before most lines, as a chat has; each line is read as one text, with these "
            "and the name. Give messages of several lines as rows of a CSV",
            level=logging.WARNING,
        )
    if n_blank := numbered[-1][0] - numbered[0][0] + 1 - len(numbered):
        note(
            log,
            f"{path} has {counted(n_blank, 'blank line')} between others, as a letter has; each other line is read as "
            "one text. Give letters as rows of a CSV, or as a folder of .txt files",
        )


def _refuse_printed(text: str, path: Path) -> None:
    """Raise DataFileError for a table that is printed with lines, of which the first is one of the first rows."""
    lines = text.lstrip()[:SAMPLE].split("\n", 5)[:5]
    of_sap = any(re.fullmatch("-{9,}", line.strip()) and row.startswith("|") for line, row in pairwise(lines))
    if of_sap or any(map(_PRINTED_LINE.fullmatch, lines)):
        raise DataFileError(
            f"{path} holds a table that is printed with lines, as clients of databases print it. Export it as a "
            "spreadsheet, or let the client write tabs (mysql --batch) to a file whose name ends in .tsv, or commas "
            "(sqlite3 -csv) to one in .csv."
        )


def _refuse_labeled_lines(lines: Sequence[str], path: Path) -> None:
    """Raise DataFileError for lines of text and label: of fastText, of JSON, or below names such as text;label."""
    if sum(line.startswith("__label__") for line in lines) > len(lines) / 2:
        raise DataFileError(
            f"{path} has labels within its lines, as fastText writes them, such as {shortened(lines[0])!r}. Write "
            "two columns, text and label, to a file whose name ends in .csv; put texts with commas in double quotes."
        )
    if sum(line.lstrip().startswith('{"') and line.rstrip(" ,").endswith("}") for line in lines) > len(lines) / 2:
        raise DataFileError(
            f"{path} has an object of JSON in most lines, and a .txt file is read as one text per line. Let its name "
            "end in .jsonl."
        )
    if len(lines) > 1 and max(n_usual(lines[0].split(mark)) for mark in ",;") > 1:
        raise DataFileError(
            f"{path} begins with names of columns, {shortened(lines[0])!r}, and a .txt file is read as one text per "
            "line. Let its name end in .csv."
        )


def _whole_text(text: str, path: Path) -> Table:
    return Table(path, pd.DataFrame({"name": [path.name], "text": [text.strip()]}, dtype=object), [1])


def _excel(path: Path, sheet: str | None) -> Table:
    used = read_workbook(path, sheet=sheet)
    width = max(map(len, used.rows))
    rows = [row + [None] * (width - len(row)) for row in used.rows]
    return _checked(Table(path, _frame(rows), numbers=used.numbers[1:], sheets=used.sheets), rows, used.above)


def _checked(table: Table, rows: Sequence[Sequence[Any]], above: Sequence[str]) -> Table:
    """Return a table without rows that are no data; log these, and cells with errors, which are read as empty.

    rows: the cells, those of the names first; above: what stood above the names.
    """
    path, errors = table.path, [(row, cell) for row, own in enumerate(rows[1:]) for cell in own if cell in ERRORS]
    without, repeated = rows_without_data(rows), rows_of_names(rows)
    if above:
        listed = first_of([repr(shortened(cell)) for cell in above], at_most=3)
        note(log, f"{path}: what stands above the names of the columns is left out: {listed}")
    if errors:
        row, cell = errors[0]
        note(
            log,
            f"{path}: {counted(len(errors), 'cell')} with an error of the spreadsheet, read as empty, such as {cell} "
            f"in {table.place(row)}",
        )
    if without:
        start = _start_of(rows[1 + without[0]])
        note(log, f"{path}: {counted(len(without), 'row')} without data below the names left out, such as {start!r}")
    if not without and is_row_of_sums(rows):
        without = [len(rows) - 2]
        note(
            log,
            f"{path}: {table.place(without[0])} holds sums of the columns and is left out. If it is an item, fill in "
            "its empty cells",
        )
    last = next(row for row in range(len(rows) - 2, -2, -1) if row not in without)
    left_out = {*without, *repeated}
    _warn_of_layout(table, rows[: last + 2], left_out)  # totals below a blank row are no other table
    if repeated:
        note(log, f"{path}: {table.place(repeated[0])} repeats the names of the columns; such rows are left out")
    return table.rows([row for row in range(len(table.frame)) if row not in left_out]) if left_out else table


def _warn_of_layout(table: Table, rows: Sequence[Sequence[Any]], left_out: Set[int]) -> None:
    """Warn of columns that are the items, of rows that describe them, of subtotals, and of another table below."""
    if is_transposed(rows):
        note(
            log,
            f"{table.path}: the rows seem to be properties, such as {shortened(str(rows[1][0]))!r}, and the columns "
            "the items. If so, exchange them: in a spreadsheet, copy the table and paste it with the option to "
            "transpose",
            level=logging.WARNING,
        )
    elif 0 not in left_out and describes_columns(rows):
        note(
            log,
            f"{table.path}: {table.place(0)} seems to describe the columns: {_start_of(rows[1])!r}. It is read like "
            "the others; if it is no item, delete it",
            level=logging.WARNING,
        )
    if subtotals := rows_of_subtotals(rows):
        note(
            log,
            f"{table.path}: rows such as {table.place(subtotals[0])}, {_start_of(rows[1 + subtotals[0]])!r}, seem to "
            "be subtotals. They are read like the others; if they are no items, delete them",
            level=logging.WARNING,
        )
    other = other_table(rows, (table.numbers or ())[: len(rows) - 1])
    if other is not None and are_unlabeled(rows, other):
        note(
            log,
            f"{table.path}: the rows from {table.place(other)} on, below a blank row, have no label, and are read as "
            "unlabeled. If they are no items, delete them",
        )
    elif other is not None and other not in left_out:
        note(
            log,
            f"{table.path}: the rows from {table.place(other)} on, below a blank row, seem to be a remark or another "
            f"table: {_start_of(rows[1 + other])!r}. They are read like those above; if they are no items, delete them",
            level=logging.WARNING,
        )


def _start_of(row: Sequence[Any]) -> str:
    return shortened(str(next(filter(is_filled, row))))


def _frame(rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    """Return the rows of a spreadsheet as a table; the first one holds the names of the columns.

    Texts are as they were before a formula was made safe, and errors are missing values. Names have one line.
    """
    given = names_with_options(rows)
    names = [re.sub(r"\s*\n\s*", " ", clean_header(as_written("" if cell is None else str(cell)))) for cell in given]
    cells = [[None if cell in NO_VALUES else as_written(cell) for cell in row] for row in rows[1:]]
    return pd.DataFrame(cells, columns=names, dtype=object)


def _parquet(path: Path) -> Table:
    arrow = extra("pyarrow", "tables", purpose="Reading Parquet files")
    try:
        read = extra("pyarrow.parquet", "tables", purpose="Reading Parquet files").read_table(path)
        for at, column in enumerate(read.schema):
            # pandas cannot hold views, and some databases do not mark texts as such. Images are not UTF-8.
            if str(column.type) in ("string_view", "binary", "large_binary", "binary_view"):
                with suppress(arrow.ArrowInvalid):
                    read = read.set_column(at, column.with_type(arrow.string()), read[at].cast(arrow.string()))
        return Table(path, read.to_pandas(types_mapper=pd.ArrowDtype))  # keeps integers next to missing values
    except (ValueError, OSError) as error:
        raise DataFileError(f"{path} cannot be read as Parquet: {str(error).rstrip('.')}.") from error


_PARSERS: dict[str, Callable[[str, Path], Table]] = {
    ".csv": _separated,
    ".tsv": _separated,
    ".jsonl": _json,
    ".json": _json,
    ".txt": _text_lines,
}
