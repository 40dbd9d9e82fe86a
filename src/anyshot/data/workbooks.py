"""Read and write workbooks of Excel."""

import logging
import os
import re
from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple
from zipfile import BadZipFile

import pandas as pd

from anyshot.base.columns import count, first_of
from anyshot.base.validation import extra
from anyshot.data.spreadsheet import is_filled
from anyshot.errors import AnyshotError, DataFileError, InputError

SUFFIXES: Final = (".xlsx", ".xlsm")
MAX_TEXT: Final = 32_767
"""Characters of a cell, and rows of a sheet, at most."""
MAX_ROWS: Final = 2**20

_COMPOUND_FILE: Final = bytes.fromhex("d0cf11e0a1b11ae1")  # how .xls begins, and .xlsx with a password
_VALUES: Final = (bool, int, float, Decimal, date, time)  # a datetime is a date, too
_MERGED: Final = re.compile(rb'<mergeCell ref="([A-Z]+)(\d+):[A-Z]+(\d+)"')
_NO_VALUE: Final = re.compile(rb'<c r="([A-Z]+\d+)"[^>]*><f(?:[^>]*/>|[^>]*>[^<]*</f>)(?:<v ?/>|<v></v>)?</c>')
"""A cell whose formula has no value: programs other than Excel write them without."""
_ESCAPED: Final = re.compile("_x([0-9A-Fa-f]{4})_")  # how Excel writes characters that XML cannot hold
_LIKE_ESCAPED: Final = re.compile("_(?=x[0-9A-Fa-f]{4}_)")

log = logging.getLogger(__name__)


class Sheet(NamedTuple):
    """The used rows of a sheet, the first of which holds the names of the columns."""

    rows: list[list[Any]]
    numbers: list[int]
    """The number of each row in the sheet."""


def read_workbook(path: Path, *, sheet: str | None = None) -> Sheet:
    """Return the rows of a sheet; by default of the first visible one that is not empty.

    Blank rows between others are kept. Cells that are merged over several rows have their value in each of them.

    Raises
    ------
    DataFileError
        The file is damaged, has a password, or is empty.
    InputError
        There is no such sheet.
    """
    openpyxl = extra("openpyxl", "tables", purpose="Reading Excel files")
    if path.read_bytes()[: len(_COMPOUND_FILE)] == _COMPOUND_FILE:
        raise DataFileError(
            f"{path} cannot be read as Excel: it has a password, or is of Excel 97 to 2003. Save it as .xlsx "
            "without a password."
        )
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        return _read(path, book, sheet)
    except AnyshotError:  # some are of type ValueError, too
        raise
    except BadZipFile as error:
        raise DataFileError(f"{path} cannot be read as Excel: it is damaged, or of another type.") from error
    except (KeyError, ValueError, OSError) as error:
        raise DataFileError(f"{path} cannot be read as Excel: {error}.") from error


def _read(path: Path, book: Any, name: str | None) -> Sheet:
    """Return the rows of a sheet; if none is named, it is said which one was chosen of several."""
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    if name is not None and name not in sheets:
        raise InputError(f"{path} has no sheet {name!r}. Its sheets: {', '.join(map(repr, sheets))}.")
    if name is not None:
        found = {name: _rows_of(path, sheets[name])}
    else:
        visible = [one for one in sheets.values() if one.sheet_state == "visible"]
        found = {one.title: rows for one in visible if (rows := _rows_of(path, one)).rows}
    first = next((title for title, rows in found.items() if rows.rows), None)
    if first is None:
        raise DataFileError(f"{path} is empty." if name is None else f"The sheet {name!r} of {path} is empty.")
    if len(found) > 1:
        log.info(
            f"{path} has the sheets {', '.join(map(repr, found))}; {first!r} was read. To read another, name it with "
            "sheet=NAME"
        )
    return found[first]


def _rows_of(path: Path, sheet: Any) -> Sheet:
    """Return the rows from the first to the last that has a value, without empty columns before them."""
    sheet.reset_dimensions()  # a format of whole rows and columns would make a sheet of 16,384 columns
    filled = {number: row for number, row in enumerate(_values(sheet), start=1) if row}
    if not filled:
        return Sheet([], [])
    with sheet._get_source() as source:
        xml = source.read()
    for column, top, bottom in _merged(xml):
        own = filled.get(top, [])
        has_value = len(own) >= column and is_filled(own[column - 1])
        for number in range(top + 1, bottom + 1) if has_value else ():
            row = filled.setdefault(number, [])
            row += [None] * (column - len(row))
            row[column - 1] = own[column - 1]
    without = [cell.decode() for cell in _NO_VALUE.findall(xml)]
    if without:
        log.info(
            f"{path}, sheet {sheet.title!r}: {count(len(without), 'formula')} without a value, read as empty: "
            f"{first_of(without, at_most=3)}. Open the file in Excel and save it, which adds the values"
        )
    numbers = list(range(min(filled), max(filled) + 1))
    left = min(next(at for at, cell in enumerate(row) if is_filled(cell)) for row in filled.values())
    return Sheet([filled.get(number, [])[left:] for number in numbers], numbers)


def _values(sheet: Any) -> Iterator[list[Any]]:
    """Yield the cells of each row up to its last value."""
    for row in sheet.iter_rows(values_only=True):
        length = next((len(row) - n for n, cell in enumerate(reversed(row)) if is_filled(cell)), 0)
        yield [_unescaped(cell) for cell in row[:length]]


def _unescaped(cell: Any) -> Any:
    if not isinstance(cell, str) or "_x" not in cell:
        return cell
    text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), cell)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _merged(xml: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield the column, the first and the last row of cells that are merged over several rows."""
    for letters, top, bottom in _MERGED.findall(xml):
        if int(bottom) > int(top):
            column = 0
            for letter in letters:
                column = 26 * column + letter - ord("A") + 1
            yield column, int(top), int(bottom)


def write_workbook(table: pd.DataFrame, path: str | os.PathLike[str], *, percent: Collection[str] = ()) -> None:
    """Write a table with a fixed, bold first row and a filter; numbers and dates keep their type, texts are no formula.

    percent: columns whose numbers are shown in percent.

    Raises
    ------
    DataFileError
        The table has more rows than a sheet of Excel.
    """
    openpyxl = extra("openpyxl", "tables", purpose="Writing Excel files")
    cells = extra("openpyxl.cell", "tables", purpose="Writing Excel files")
    fonts = extra("openpyxl.styles", "tables", purpose="Writing Excel files")
    if len(table) >= MAX_ROWS:
        raise DataFileError(f"{path} cannot be written: {len(table):,} rows are more than a sheet of Excel can hold.")
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Items")
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = f"A1:{openpyxl.utils.get_column_letter(max(1, len(table.columns)))}{len(table) + 1}"
    for number, name in enumerate(table.columns):
        longest = max((len(str(value)) for value in table[name].head(200) if value is not None), default=0)
        letter = openpyxl.utils.get_column_letter(number + 1)
        sheet.column_dimensions[letter].width = min(80, max(10, len(str(name)), longest) + 2)

    def cell(value: Any, *, style: str | None = None, font: Any = None) -> Any:
        if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
            return None
        is_text = not isinstance(value, _VALUES) or getattr(value, "year", 1900) < 1900 or has_zone(value)
        made = cells.WriteOnlyCell(sheet, _text(value, openpyxl.cell.cell.ILLEGAL_CHARACTERS_RE) if is_text else value)
        if is_text:
            made.data_type = "s"
        elif style is not None:
            made.number_format = style
        elif isinstance(value, datetime) and value.time() == time():
            made.number_format = "yyyy-mm-dd"
        if font is not None:
            made.font = font
        return made

    sheet.append([cell(str(name), font=fonts.Font(bold=True)) for name in table.columns])
    styles = ["0%" if name in percent else None for name in table.columns]
    for row in table.astype(object).itertuples(index=False, name=None):
        sheet.append([cell(value, style=style) for value, style in zip(row, styles, strict=True)])
    _warn_of_cut_texts(table, path)
    book.save(os.fspath(path))


def has_zone(value: Any) -> bool:
    """Return whether a time has a time zone, which Excel has not."""
    return getattr(value, "tzinfo", None) is not None


def _text(value: Any, illegal: re.Pattern[str]) -> str:
    return illegal.sub("", _LIKE_ESCAPED.sub("_x005F_", str(value)))


def _warn_of_cut_texts(table: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    columns: Sequence[Any] = [table[name] for name in table.columns]
    n_cut = sum(isinstance(value, str) and len(value) > MAX_TEXT for column in columns for value in column)
    if n_cut:
        log.warning(f"{path}: {count(n_cut, 'text')} cut to {MAX_TEXT:,} characters, the limit of Excel")
