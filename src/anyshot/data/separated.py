"""Parse CSV and TSV as spreadsheets, databases and other programs write them.

Python's csv module and pandas read `"Wow" he said` as `Wow he said` and never refuse it, and the former limits the
length of a field for the whole process; hence a parser of our own. Lines without a quote are only split.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain, count, islice
from typing import Final, NamedTuple

from anyshot.data.cells import is_filled
from anyshot.data.header_rows import MOST_ABOVE, are_numbered, rows_above_names

SEPARATORS: Final = ",;\t|"
SAMPLE: Final = 2**16
"""Characters, from the first one, by which the separator is chosen."""
SEPARATOR_LINE: Final = re.compile(r'"?sep=(?P<separator>.)"?\n?', re.IGNORECASE)
"""The first line of a CSV that Excel writes to state its separator."""
_MARKS: Final = re.compile(r'["\n,;\t|]')
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)


class Rows(NamedTuple):
    """The rows of a table, the first of which holds the names of the columns."""

    fields: list[list[str]]
    lines: list[int]
    """The line in which each row starts, from 1."""
    numbers: list[int]
    """The number of each row in a spreadsheet, where a cell of several lines is one row."""
    separator: str
    above: tuple[str, ...] = ()
    """The cells that stand above the names of the columns, such as a title."""
    n_last: int = 0
    """How many fields the last row was written with, where all others have more."""


class ParseError(ValueError):
    """Raised for a text that is not valid CSV or TSV."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")


@dataclass(frozen=True)
class Dialect:
    """How fields are separated and quoted."""

    separator: str
    backslash: bool = False  # whether a quote inside quotes is written as \" instead of ""

    @cached_property
    def quoted(self) -> re.Pattern[str]:
        """The rest of a quoted field after the opening quote, with the closing one."""
        within = r'[^"\\]*+(?:(?:\\.|"")[^"\\]*+)*+' if self.backslash else '[^"]*+(?:""[^"]*+)*+'
        return re.compile(f'({within})" *', re.DOTALL)

    @cached_property
    def opening(self) -> re.Pattern[str]:
        """The opening quote of a field, which spaces may precede."""
        return re.compile(' *"')

    @cached_property
    def unquoted(self) -> re.Pattern[str]:
        """A field without quotes."""
        return re.compile(f"[^{re.escape(self.separator)}\n]*")

    def value(self, quoted: str) -> str:
        """Return the text of a quoted field."""
        if self.backslash:
            return re.sub(r'\\(["\\])|""', lambda found: found[1] or '"', quoted)
        return quoted.replace('""', '"')


def parse(text: str, *, tabs: bool) -> Rows:
    """Return the rows of a CSV, or of a TSV if `tabs`; the first one holds the names of the columns.

    The separator of a CSV is the one that a first line such as "sep=;" states, or else the one of , ; tab | that stands
    as often in most lines as in the first, or most often in the first line. What stands above the names of the columns,
    empty lines, and rows without any text at the end are left out. Short rows are filled with empty fields. The numbers
    of rows, which R writes without a name, get an empty one.

    A TSV is read as databases write it: quotes are part of the text. If it is quoted as a CSV is (the names are
    quoted, or quotes enclose a tab, a line end or a doubled quote), it is read as a CSV. Where MySQL put a backslash
    before the tabs and line ends of texts, these are part of the text.

    Raises ParseError if a quote is not closed, a text follows a closing quote, or a row has more fields than the first.
    """
    body = text.lstrip("\n")
    line = 1 + len(text) - len(body)
    stated = None if tabs else SEPARATOR_LINE.match(body)
    if stated is not None:
        body, line = body[stated.end() :], line + 1
    separator = stated["separator"] if stated is not None else "\t" if tabs else _separator_of(body)
    dialect = Dialect(separator)
    if tabs and (escaped := _escaped_rows(body, line)) is not None:
        return escaped
    try:
        rows = _rows(body, dialect, line)
    except ParseError as error:
        if tabs:
            return _unquoted_rows(body, line)
        if '\\"' not in body:
            raise
        try:
            rows = _rows(body, Dialect(separator, backslash=True), line)
        except ParseError:
            raise error from None
    if stated is not None:  # a spreadsheet does not show that line
        return rows._replace(numbers=[number - 1 for number in rows.numbers])
    return rows if not tabs or _is_quoted(body, rows) else _unquoted_rows(body, line)


def _separator_of(body: str) -> str:
    """Return the separator of most lines; texts in quotes may contain others."""
    lines = re.sub('"[^"]*"', lambda found: _MARKS.sub(" ", found[0]), body[:SAMPLE]).split("\n")

    def fitness(separator: str) -> tuple[int, int]:
        n_above = rows_above_names([line.split(separator) for line in lines[: MOST_ABOVE + 2]])
        in_names = lines[n_above].count(separator)
        return (sum(line.count(separator) == in_names for line in lines[n_above + 1 :]) if in_names else 0, in_names)

    return max(SEPARATORS, key=fitness)


def _escaped_rows(body: str, line: int) -> Rows | None:
    """Return the rows of a TSV with a backslash before tabs and line ends of texts; None if it has no such rows.

    It has some if lines differ from the first in their number of fields, and rows read in this way do not.
    """
    if "\\\t" not in body and "\\\n" not in body:  # a text may end in a backslash
        return None
    records = _pieces(body, "\n")
    rows = [
        [_ESCAPE.sub(_escaped, field) if field != "\\N" else field for field in _pieces(one, "\t")] for one in records
    ]
    starts = accumulate((one.count("\n") + 1 for one in records), initial=line)
    widths = {own.count("\t") for own in body.split("\n") if own}
    filled = [(row if one else [], start) for row, one, start in zip(rows, records, starts, strict=False)]
    if len(widths) == 1 or len({len(row) for row, _ in filled if row}) > 1:
        return None
    return _even(filled, first=line, separator="\t")


def _pieces(text: str, mark: str) -> list[str]:
    """Return the parts of a text between marks that no backslash precedes."""
    parts = re.compile(rf"(?:[^\\{mark}]++|\\.|\\\Z)*+", re.DOTALL)
    found, position = [], 0
    while position <= len(text):
        part = parts.match(text, position)
        assert part is not None  # it matches the empty text
        found.append(part[0])
        position = part.end() + 1
    return found


def _escaped(found: re.Match[str]) -> str:
    return {"n": "\n", "t": "\t", "r": "\r", "0": ""}.get(found[1], found[1])


def _is_quoted(body: str, rows: Rows) -> bool:
    """Return whether the quotes of a TSV are those of a CSV."""
    if '"' not in body:
        return True
    names = body.split("\n", 1)[0].split("\t")
    if all(name.startswith('"') and name.endswith('"') and len(name) > 1 for name in names):
        return True
    has_marks = any(mark in field for fields in rows.fields for field in fields for mark in '"\t\n')
    # A cell of several lines has no doubled quote in it, but the number of tabs of its lines differs.
    return has_marks and ('""' in body or len({own.count("\t") for own in body.split("\n") if own}) > 1)


def _unquoted_rows(body: str, line: int) -> Rows:
    fields = [own.split("\t") if own else [] for own in body.split("\n")]
    return _even(zip(fields, count(line)), first=line, separator="\t")


def _rows(body: str, dialect: Dialect, line: int) -> Rows:
    return _even(_records(body, dialect, line), first=line, separator=dialect.separator)


def _records(body: str, dialect: Dialect, line: int) -> Iterator[tuple[list[str], int]]:
    """Yield the fields of each row, none for an empty line, and the line in which it starts."""
    position = 0
    while position <= len(body):
        newline = body.find("\n", position)
        end = len(body) if newline < 0 else newline
        if body.find('"', position, end) < 0:
            row, following = body[position:end].split(dialect.separator) if end > position else [], end + 1
        else:
            row, following = _quoted_record(body, position, dialect, line)
        yield row, line
        line += body.count("\n", position, following)
        position = following


def _quoted_record(body: str, position: int, dialect: Dialect, line: int) -> tuple[list[str], int]:
    """Return the fields of the row at a position, and the position of the next row."""
    fields, first = [], position
    while True:
        opening = dialect.opening.match(body, position)
        if opening is None:
            found = dialect.unquoted.match(body, position)
            assert found is not None  # it matches the empty text
            fields.append(found[0])
        else:
            found = dialect.quoted.match(body, opening.end())
            at = line + body.count("\n", first, opening.end())
            if found is None:
                raise ParseError(at, "a double quote is not closed. Close it, or write quotes inside a text twice.")
            fields.append(dialect.value(found[1]))
        position = found.end()
        if position >= len(body):
            return fields, len(body) + 1
        if body[position] not in (dialect.separator, "\n"):
            at = line + body.count("\n", first, position)
            reason = f"text follows a closing quote: {body[position : position + 20].splitlines()[0]!r}. "
            raise ParseError(at, f'{reason}Write quotes inside a text twice: "a ""b"" c".')
        position += 1
        if body[position - 1] == "\n":
            return fields, position


def _even(records: Iterable[tuple[list[str], int]], *, first: int, separator: str) -> Rows:
    """Return the rows with as many fields as the first, without empty lines, and without empty rows at the end.

    records: the fields of each row, and the line in which it starts; first: the number of the first row.
    """
    records = iter(records)
    start = list(islice(records, MOST_ABOVE + 2))
    n_above = rows_above_names([row for row, _ in start])
    below = [row for row, _ in start[n_above:] if row]
    if are_numbered(below):
        start[n_above] = (["", *below[0]], start[n_above][1])
    above = tuple(cell for row, _ in start[:n_above] for cell in row if is_filled(cell))
    rows, n_last, n_short = Rows([], [], [], separator, above), 0, 0
    for number, (row, line) in enumerate(chain(start[n_above:], records), start=first + n_above):
        width = len(rows.fields[0]) if rows.fields else len(row) or 1
        if len(row) > width and any(row[width:]):
            names = separator.join(rows.fields[0])
            raise ParseError(
                line,
                f"{len(row)} fields, but the first line, {names[:60]!r}, has {width}. The first line must hold the "
                'names of the columns; texts that contain the separator are put in double quotes: "...".',
            )
        if row or not rows.fields:
            n_last, n_short = len(row), n_short + (len(row) < width)
            rows.fields.append(row if len(row) == width else row[:width] + [""] * (width - len(row)))
            rows.lines.append(line)
            rows.numbers.append(number)
    end = next((n for n in range(len(rows.fields), 1, -1) if any(rows.fields[n - 1])), 1)
    n_last = n_last if n_short == 1 and n_last < len(rows.fields[0]) and len(rows.fields) > 2 else 0
    return rows._replace(fields=rows.fields[:end], lines=rows.lines[:end], numbers=rows.numbers[:end], n_last=n_last)
