"""Read and write workbooks of Excel."""

import json
import logging
import os
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, suppress
from datetime import date, datetime, time
from decimal import Decimal
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple
from xml.etree import ElementTree

import pandas as pd

from anyshot.base.json_values import json_value
from anyshot.base.lazy import extra
from anyshot.base.messages import count, first_of, note
from anyshot.base.zips import BROKEN_ZIP
from anyshot.data.cells import is_filled
from anyshot.data.header_rows import MOST_ABOVE, rows_above_names
from anyshot.errors import AnyshotError, DataFileError, InputError

SUFFIXES: Final = (".xlsx", ".xlsm")
MAX_TEXT: Final = 32_767
"""Characters of a cell, at most."""
MAX_ROWS: Final = 2**20
"""Rows of a sheet, at most."""

_COMPOUND_FILE: Final = bytes.fromhex("d0cf11e0a1b11ae1")  # how .xls begins, and .xlsx with a password
_STRICT: Final = b"http://purl.oclc.org/ooxml/"  # in the namespaces of Strict Open XML
_VALUES: Final = (bool, int, float, Decimal, date, time)  # a datetime is a date, too
_LIKE_ESCAPED: Final = re.compile("_(?=x[0-9A-Fa-f]{4}_)")  # _x000D_ is how Excel writes a carriage return
_ROW: Final = re.compile(rb"<(?:\w+:)?row\s[^>]*>")
_HIDDEN: Final = re.compile(rb'\shidden="(?:1|true)"')
_NUMBER: Final = re.compile(rb'\sr="(\d+)"')

log = logging.getLogger(__name__)


class Sheet(NamedTuple):
    """The used rows of a sheet, the first of which holds the names of the columns."""

    rows: list[list[Any]]
    numbers: list[int]
    """The number of each row in the sheet."""
    above: tuple[str, ...] = ()
    """The cells that stand above the names of the columns, such as a title."""
    sheets: tuple[str, ...] = ()
    """The visible sheets of the workbook that have values."""


def read_workbook(path: Path, *, sheet: str | None = None) -> Sheet:
    """Return the rows of a sheet; by default of the first visible one with two rows or more, else that is not empty.

    Blank rows between others are kept. Cells that are merged over several rows have their value in each of them.

    Raises DataFileError if the file is damaged, has a password, or is empty. Raises InputError if there is no such
    sheet.
    """
    openpyxl = extra("openpyxl", "tables", purpose="Reading Excel files")
    with path.open("rb") as file:
        start = file.read(len(_COMPOUND_FILE))
    if path.name.startswith("~$"):
        raise DataFileError(
            f"{path} is no workbook: Excel keeps such a file while a workbook is open. Give {path.name[2:]!r} instead."
        )
    if start == _COMPOUND_FILE:
        raise DataFileError(
            f"{path} cannot be read as Excel: it has a password, or is of Excel 97 to 2003. Save it as .xlsx "
            "without a password."
        )
    try:
        reader = openpyxl.reader.excel.ExcelReader(path, read_only=True, data_only=True)
        with closing(reader.archive):
            _read_parts(path, reader)
            return _read(path, reader, sheet)
    except AnyshotError:  # some are of type ValueError, too
        raise
    except (ElementTree.ParseError, KeyError, *BROKEN_ZIP) as error:  # KeyError: a part of the archive is missing
        raise DataFileError(f"{path} cannot be read as Excel: it is damaged, or of another type.") from error
    except (ValueError, OSError) as error:
        raise DataFileError(f"{path} cannot be read as Excel: {error}.") from error


def _read_parts(path: Path, reader: Any) -> None:
    """Read all of a workbook but its cells; raise DataFileError if it is of another format, or a part is damaged."""
    books = [name for name in reader.archive.namelist() if name.endswith("workbook.xml")]
    if any(_STRICT in reader.archive.read(name) for name in books):  # openpyxl would find no sheet
        raise DataFileError(
            f"{path} is a Strict Open XML Spreadsheet, which cannot be read. Save it as the plain type Excel Workbook "
            "(.xlsx), or as .csv."
        )
    try:
        reader.read()
    except (AttributeError, TypeError) as error:  # openpyxl raises them where a part is not as the format says
        raise DataFileError(f"{path} cannot be read as Excel. Open it in Excel, and save it as .xlsx again.") from error


def _read(path: Path, reader: Any, name: str | None) -> Sheet:
    """Return the rows of a sheet; if none is named and several have values, which one was read is logged."""
    sheets = {sheet.title: sheet for sheet in reader.wb.worksheets}
    if name is not None and name not in sheets:
        raise InputError(f"{path} has no sheet {name!r}. Its sheets: {', '.join(map(repr, sheets))}.")
    visible = {title: _filled_rows(own) for title, own in sheets.items() if own.sheet_state == "visible"}
    filled = [title for title, n in visible.items() if n]
    if (not filled) if name is None else not _filled_rows(sheets[name]):
        raise DataFileError(f"{path} is empty." if name is None else f"The sheet {name!r} of {path} is empty.")
    title = next((own for own in filled if visible[own] > 1), filled[0]) if name is None else name
    if name is None and len(filled) > 1:
        note(
            log,
            f"{path} has the sheets {', '.join(map(repr, filled))}; {title!r} was read. "
            "To read another, give its name as sheet (--sheet)",
        )
    files = {own.name: relation.target for own, relation in reader.parser.find_sheets()}
    xml = reader.archive.read(files[title])
    merged, without_value = merged_and_without_value(xml)
    rows = _rows_of(sheets[title], merged)
    hidden = _hidden_rows(xml)
    if n_hidden := sum(bool(row) and number in hidden for row, number in zip(rows.rows, rows.numbers, strict=True)):
        note(log, f"{path}, sheet {title!r}: {count(n_hidden, 'hidden row')}, as of a filter, read like the others")
    if without_value:
        note(
            log,
            f"{path}, sheet {title!r}: {count(len(without_value), 'formula')} without a value, read as "
            f"empty: {first_of(without_value, at_most=3)}. Open the file in Excel and save it, which adds the values",
        )
    return _below_title(rows, merged)._replace(sheets=tuple(filled))


def _filled_rows(sheet: Any) -> int:
    """Return how many rows have a value, at most two: names of columns, and a row below them."""
    sheet.reset_dimensions()  # a format of whole rows and columns would make a sheet of 16,384 columns
    rows = (row for row in sheet.iter_rows(values_only=True) if any(map(is_filled, row)))
    return len(list(islice(rows, 2)))


def _rows_of(sheet: Any, merged: Sequence[str]) -> Sheet:
    """Return the rows from the first to the last that has a value, without empty columns before them."""
    utils = extra("openpyxl.utils", "tables", purpose="Reading Excel files")
    filled = {number: row for number, row in enumerate(_values(sheet), start=1) if row}
    last = max(filled)
    for left, top, _, bottom in map(utils.range_boundaries, merged):
        own = filled.get(top, [])
        has_value = len(own) >= left and is_filled(own[left - 1])
        for number in range(top + 1, min(bottom, last) + 1) if has_value else ():
            row = filled.setdefault(number, [])
            row += [None] * (left - len(row))
            row[left - 1] = own[left - 1]
    first = min(next(at for at, cell in enumerate(row) if is_filled(cell)) for row in filled.values())
    numbers = list(range(min(filled), last + 1))
    return Sheet([filled.get(number, [])[first:] for number in numbers], numbers)


def _below_title(sheet: Sheet, merged: Sequence[str]) -> Sheet:
    """Return a sheet without what people write above the names of the columns."""
    utils = extra("openpyxl.utils", "tables", purpose="Reading Excel files")
    boxes = [utils.range_boundaries(one) for one in merged]
    is_title = any(right > left and top == sheet.numbers[0] for left, top, right, _ in boxes)
    n_above = rows_above_names(sheet.rows[: MOST_ABOVE + 2], is_title=is_title)
    above = tuple(str(cell) for row in sheet.rows[:n_above] for cell in row if is_filled(cell))
    return Sheet(sheet.rows[n_above:], sheet.numbers[n_above:], above)


def _values(sheet: Any) -> Iterator[list[Any]]:
    """Yield the cells of each row up to its last value."""
    escape = extra("openpyxl.utils.escape", "tables", purpose="Reading Excel files")
    for row in sheet.iter_rows(values_only=True):
        length = next((len(row) - n for n, cell in enumerate(reversed(row)) if is_filled(cell)), 0)
        cells = list(row[:length])
        for at, cell in enumerate(cells):
            if isinstance(cell, str) and "_x" in cell:
                cells[at] = escape.unescape(cell).replace("\r\n", "\n").replace("\r", "\n")
        yield cells


def merged_and_without_value(xml: bytes) -> tuple[list[str], list[str]]:
    """Return which cells of a sheet are merged, and those whose formula has no value, as programs but Excel write it.

    openpyxl gives neither while it reads row by row, and reading whole sheets takes many times their memory.
    """
    merged: list[str] = []
    without: list[str] = []
    if b"mergeCell" not in xml and b"f>" not in xml:  # parsing takes a fifth of the time of reading
        return merged, without
    for _, element in ElementTree.iterparse(BytesIO(xml)):
        kind = _kind(element)
        if kind == "mergeCell":
            merged.append(element.get("ref", ""))
        elif kind == "c":
            parts = {_kind(part): part.text for part in element}
            # A formula whose value is an empty text has the type "str".
            if "f" in parts and not parts.get("v") and element.get("t") != "str":
                without.append(element.get("r", "?"))
        elif kind == "row":
            element.clear()
    return merged, without


def _hidden_rows(xml: bytes) -> set[int]:
    """Return the numbers of the rows of a sheet that are not shown, as a filter leaves them."""
    rows = _ROW.findall(xml) if b'hidden="' in xml else ()
    return {int(found[1]) for row in rows if _HIDDEN.search(row) and (found := _NUMBER.search(row))}


def _kind(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def write_workbook(
    table: pd.DataFrame,
    path: str | os.PathLike[str],
    *,
    percent: Collection[str] = (),
    target: str | os.PathLike[str] | None = None,
) -> None:
    """Write a table with a fixed, bold first row and a filter; numbers and dates keep their type, texts are no formula.

    percent: columns whose numbers are shown in percent; target: the file's name in messages, by default `path`.

    Raises DataFileError if the table has more rows than a sheet of Excel.
    """
    openpyxl = extra("openpyxl", "tables", purpose="Writing Excel files")
    if len(table) >= MAX_ROWS:
        raise DataFileError(
            f"{target or path} cannot be written: {len(table):,} rows are more than a sheet of Excel can hold."
        )
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Items")
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = f"A1:{openpyxl.utils.get_column_letter(max(1, len(table.columns)))}{len(table) + 1}"
    for number, name in enumerate(table.columns):
        longest = max((len(str(value)) for value in table[name].head(200) if value is not None), default=0)
        letter = openpyxl.utils.get_column_letter(number + 1)
        sheet.column_dimensions[letter].width = min(80, max(10, len(str(name)), longest) + 2)

    names = [_cell(sheet, str(name), openpyxl) for name in table.columns]
    for name in names:
        name.font = openpyxl.styles.Font(bold=True)
    styles = ["0%" if name in percent else None for name in table.columns]
    content = BytesIO()  # on a full disk, openpyxl leaves an open archive, which prints an error when it is deleted
    try:
        sheet.append(names)
        for row in table.astype(object).itertuples(index=False, name=None):
            sheet.append([_cell(sheet, value, openpyxl, style) for value, style in zip(row, styles, strict=True)])
        book.save(content)
    except OSError:
        with suppress(OSError, StopIteration):  # the file of its rows would print one, too
            sheet.close()
        raise
    _warn_of_lost_characters(table, target or path, openpyxl.cell.cell.ILLEGAL_CHARACTERS_RE)
    Path(path).write_bytes(content.getvalue())


def _cell(sheet: Any, value: Any, openpyxl: Any, style: str | None = None) -> Any:
    """Return a cell with a value, None for a missing one; style: of a number."""
    if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
        return None
    has_zone = getattr(value, "tzinfo", None) is not None  # which Excel does not know
    if not isinstance(value, _VALUES) or getattr(value, "year", 1900) < 1900 or has_zone:
        converted = value if isinstance(value, str) else json_value(value)
        written = json.dumps(converted, ensure_ascii=False) if isinstance(converted, (dict, list)) else str(value)
        text = _LIKE_ESCAPED.sub("_x005F_", written)
        made = openpyxl.cell.WriteOnlyCell(sheet, openpyxl.cell.cell.ILLEGAL_CHARACTERS_RE.sub("", text))
        made.data_type = "s"  # also if it begins as a formula does
        return made
    made = openpyxl.cell.WriteOnlyCell(sheet, value)
    if style is not None:
        made.number_format = style
    elif isinstance(value, datetime) and value.time() == time():
        made.number_format = "yyyy-mm-dd"
    return made


def _warn_of_lost_characters(table: pd.DataFrame, path: str | os.PathLike[str], control: re.Pattern[str]) -> None:
    """Log how many texts lose characters; control: those that a cell cannot hold."""
    columns = [map(str, table.columns), *(column for _, column in table.items())]
    texts = [value for column in columns for value in column if isinstance(value, str)]
    n_cut, n_control = sum(len(text) > MAX_TEXT for text in texts), sum(bool(control.search(text)) for text in texts)
    if n_control:
        note(
            log,
            f"{path}: control characters left out of {count(n_control, 'text')}, which Excel cannot hold",
            level=logging.WARNING,
        )
    if n_cut:
        note(
            log,
            f"{path}: {count(n_cut, 'text')} cut to {MAX_TEXT:,} characters, the limit of Excel",
            level=logging.WARNING,
        )
