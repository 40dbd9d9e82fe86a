"""Parse CSV and TSV as spreadsheets, databases and other programs write them.

Python's csv module and pandas read `"Wow" he said` as `Wow he said` and never refuse it, and the former limits the
length of a field for the whole process; hence a parser of our own. Lines without a quote are only split.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias

Rows: TypeAlias = tuple[list[list[str]], list[int]]  # fields of each row, and the line in which it starts, from 1

SEPARATORS: Final = ",;\t|"
SEPARATOR_LINE: Final = re.compile(r'"?sep=(?P<separator>.)"?\n?', re.IGNORECASE)
"""The first line of a CSV that Excel writes to state its separator."""


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

    The separator of a CSV is the one that a first line such as "sep=;" states, or else the most frequent of , ; tab |
    in the first line. Empty lines are left out, and rows without any text at the end. Short rows are filled with empty
    fields.

    A TSV is read as databases write it: quotes are part of the text. If it is quoted as a CSV is (the names are
    quoted, or quotes enclose a tab, a line end or a doubled quote), it is read as a CSV.

    Raises
    ------
    ParseError
        A quote is not closed, a text follows a closing quote, or a row has more fields than the first.
    """
    body = text.lstrip("\n")
    line = 1 + len(text) - len(body)
    stated = None if tabs else SEPARATOR_LINE.match(body)
    if stated is not None:
        body, line = body[stated.end() :], line + 1
    header = re.sub(r'"[^"]*"', "", body.split("\n", 1)[0])
    separator = stated["separator"] if stated is not None else "\t" if tabs else max(SEPARATORS, key=header.count)
    dialect = Dialect(separator)
    try:
        rows = _rows(body, dialect, line)
    except ParseError:
        if tabs:
            return _unquoted_rows(body, line)
        if '\\"' not in body:
            raise
        rows = _rows_with_backslashes(body, dialect, line)
    return rows if not tabs or _is_quoted(body, rows) else _unquoted_rows(body, line)


def _rows_with_backslashes(body: str, dialect: Dialect, line: int) -> Rows:
    """Return the rows with quotes escaped by backslashes, or raise the error without."""
    try:
        return _rows(body, Dialect(dialect.separator, backslash=True), line)
    except ParseError:
        return _rows(body, dialect, line)


def _is_quoted(body: str, rows: Rows) -> bool:
    """Return whether the quotes of a TSV are those of a CSV."""
    if '"' not in body:
        return True
    names = body.split("\n", 1)[0].split("\t")
    if all(name.startswith('"') and name.endswith('"') and len(name) > 1 for name in names):
        return True
    return any(mark in field for fields in rows[0] for field in fields for mark in '"\t\n') and '""' in body


def _unquoted_rows(body: str, line: int) -> Rows:
    rows = [fields.split("\t") if fields else [] for fields in body.split("\n")]
    return _even(rows, list(range(line, line + body.count("\n") + 1)))


def _rows(body: str, dialect: Dialect, line: int) -> Rows:
    fields, lines = [], []
    for row, start in _records(body, dialect, line):
        fields.append(row)
        lines.append(start)
    return _even(fields, lines)


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
                raise ParseError(at, "a double quote is not closed.")
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


def _even(fields: list[list[str]], lines: list[int]) -> Rows:
    """Return the rows with as many fields as the first, without empty lines, and without empty rows at the end."""
    width = len(fields[0]) or 1
    rows: Rows = ([], [])
    for row, line in zip(fields, lines, strict=True):
        if len(row) > width and any(row[width:]):
            raise ParseError(
                line,
                f"{len(row)} fields, but the first line has {width}. Put texts that contain the separator in double "
                'quotes: "...".',
            )
        if row or not rows[0]:
            rows[0].append(row[:width] + [""] * (width - len(row)))
            rows[1].append(line)
    n_rows = max([1, *(number for number, row in enumerate(rows[0], start=1) if any(row))])
    return rows[0][:n_rows], rows[1][:n_rows]
