"""Rows around the names of the columns: titles above them, and rows without data that programs write below."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from anyshot.base.columns import IMAGE_COLUMNS, LABEL_COLUMNS, TEXT_COLUMNS
from anyshot.data.cells import is_filled

MOST_ABOVE: Final = 30
"""Rows above the names of the columns, at most."""
MOST_TITLES: Final = 5
"""Rows of one cell above the names, at most, where no blank row follows them: more are items."""

_USUAL: Final = frozenset((*TEXT_COLUMNS, *IMAGE_COLUMNS, *LABEL_COLUMNS))
_DASHES: Final = re.compile(r":?-{2,}(\+-+)*:?")
_N_ROWS: Final = re.compile(r"\(\d+ row(s|\(s\))?( affected)?\)")
TOTAL: Final = re.compile(
    "average|mean|mittelwert|durchschnitt|moyenne|promedio|gemiddelde|"
    "(grand |sub-?)?totals?|sum|insgesamt|gesamt|(gesamt|zwischen)?summe|(gesamt)?ergebnis|total g[eé]n[eé]ral|somme"
    "|suma|somma|totale|totaal|sous-total|subtotale|subtotaal"
)
"""How a row of sums or means begins, in lower case."""
LONGEST_TOTAL: Final = 30
"""Characters, at most, of that word and what follows it, as in "Total: Account"; a longer cell is a text."""
AMOUNT: Final = re.compile(
    r"(?=.*\d|\W+$)([^\W\d]{1,3}|[^\w\s])?[\d.,\s-]+([^\W\d]+|[^\w\s])?"
)  # 9, 9 rows, EUR 9, 9 %
_IMPORT_ID: Final = re.compile(r"""\{\s*["']+ImportId["']""")


def rows_above_names(rows: Sequence[Sequence[Any]], *, is_title: bool = False) -> int:
    """Return how many of the first rows stand above the names of the columns, such as a title and the date of export.

    They hold no usual name of a column. The names are more than the cells of any row above and follow a blank row, or
    two of them are usual, or single cells stand above them and numbers below. rows: the first MOST_ABOVE + 2 rows, or
    fewer; is_title: whether the first cell is merged over several columns.

    >>> rows_above_names([["Tickets"], ["From", "1 May"], [], ["Betreff", "Text", "Thema"], ["a", "b", "c"]])
    3
    """
    filled = [[cell for cell in row if is_filled(cell)] for row in rows]
    are_grouped = is_title and len(filled) > 2 and n_usual(filled[1]) > max(1, n_usual(filled[0]))
    if not filled or (n_usual(filled[0]) and not are_grouped):
        return 0
    widths = list(map(len, filled))
    following = range(1, len(rows) - 1)
    wider = [at for at in following if widths[at] > max(1, *widths[:at])]
    usual = [at for at in following if n_usual(filled[at]) > 1]
    if usual:
        return usual[0]
    # A title and a subtitle may have the blank row between them.
    after_blank = [at for at in wider if not widths[at - 1]]
    after_title = [at for at in wider[:1] if is_title or not all(widths[:at])]
    return max(after_blank, default=0) or max(after_title, default=0) or _single_cells_above(filled)


def _single_cells_above(rows: Sequence[Sequence[Any]]) -> int:
    """Return how many rows of one cell stand above names without digits, over a column that has some in all rows.

    Google Ads writes such titles. rows: without empty cells; the names are three or more, each once, and fill a row.
    """
    n_above = next((at for at, row in enumerate(rows) if len(row) != 1), 0)
    names, below = rows[n_above], [row for row in rows[n_above + 1 :] if row]
    if n_above > MOST_TITLES or len(set(names)) < max(3, len(names)) or any(map(_has_digit, names)) or len(below) < 2:
        return 0
    return n_above if any(all(map(_has_digit, cells)) for cells in zip(*below, strict=False)) else 0


def _has_digit(cell: Any) -> bool:
    return any(map(str.isdecimal, str(cell)))


def n_usual(cells: Sequence[Any]) -> int:
    """Return how many cells are usual names of columns of texts, images or labels."""
    return sum(str(cell).strip().casefold() in _USUAL for cell in cells)


def are_numbered(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether all rows but the first, the names, begin with one field more: a number that rises, as of R."""
    names, *others = rows or [[]]
    if len(others) < 2 or not all(len(row) == len(names) + 1 and row[0].isdecimal() for row in others):
        return False
    numbers = [int(row[0]) for row in others]
    return all(low < high for low, high in pairwise(numbers))


def rows_without_data(rows: Sequence[Sequence[Any]]) -> list[int]:
    """Return which rows below the names, the first of `rows`, programs wrote that export tables; counted from 0.

    Qualtrics writes the questions and a row of {"ImportId": ...}, or only the former, in which "StartDate" is "Start
    Date"; SurveyMonkey "Response", "Open-Ended Response" or the possible answers; SQL Server, psql and Markdown a row
    of dashes; at the end, clients of databases write "(12 rows)", and spreadsheets "Total" or "Mean" before numbers.
    """
    if len(rows) < 2:
        return []
    names, *cells = [[str(cell) if is_filled(cell) else "" for cell in row] for row in rows[:3]]
    filled = [list(filter(is_filled, map(str.strip, row))) for row in cells]
    found = _footers(rows)
    for at, own in enumerate(filled):
        if own and all(map(_IMPORT_ID.match, own)):
            return [*range(at + 1), *found]
    first = filled[0] if len(rows) > 2 else []
    dashes = (len(first) > 1 or "+" in "".join(first)) and all(map(_DASHES.fullmatch, first))
    pairs = zip(names, cells[0], strict=True)
    spaced = [
        " " in cell and " " not in name and cell.replace(" ", "").casefold() == name.casefold() for name, cell in pairs
    ]
    of_choices = set(first) == {"Response"} or ("Response" in first and not cells[0][0])
    is_question = of_choices or "Open-Ended Response" in first or sum(spaced) > 1
    return [0, *found] if dashes or is_question else found


def names_with_options(rows: Sequence[Sequence[Any]]) -> list[Any]:
    """Return the names, the first of `rows`, where they are empty by the row of questions or answers below, if any.

    SurveyMonkey writes a question once, above its possible answers, of which each has a column.

    >>> names_with_options([["Id", "Topic", ""], ["", "Refund", "Response"], ["1", "Refund", ""]])
    ['Id', 'Topic', 'Response']
    """
    below = rows[1] if 0 in rows_without_data(rows) else rows[0]
    options = ["" if cell is None or _DASHES.fullmatch(str(cell).strip()) else cell for cell in below]
    return [name if is_filled(name) else option for name, option in zip(rows[0], options, strict=True)]


def _footers(rows: Sequence[Sequence[Any]]) -> list[int]:
    """Return which rows at the end are numbers of rows, totals or averages, counted below the names from 0."""
    start = len(rows)
    while start > 1 and _is_footer(rows[start - 1]):
        start -= 1
    words = [next((one for one in enumerate(row) if is_filled(one[1])), (0, "")) for row in rows[start:]]
    if any(row[at] == word for row in rows[1:start] for at, word in words):
        return []  # the word is a value of the column, as "average" is one of a quality
    return list(range(start - 1, len(rows) - 1))


def _is_footer(row: Sequence[Any]) -> bool:
    """Return whether the filled cells of a row are a number of rows, or a word such as "Total" and numbers."""
    first, *others = [text for cell in row if is_filled(cell) and (text := str(cell).strip())] or [""]
    word = first if len(first) > LONGEST_TOTAL else first.partition(":")[0]  # also "Total: Account" of Google Ads
    is_total = len(row) > 1 and TOTAL.fullmatch(word.casefold()) is not None
    return (is_total and all(map(AMOUNT.fullmatch, others))) or (not others and _N_ROWS.fullmatch(first) is not None)


def rows_of_names(rows: Sequence[Sequence[Any]]) -> list[int]:
    """Return which rows repeat the names of several columns, the first of `rows`, as where files were joined.

    The first name may follow a byte-order mark, and they may differ in capitals. A single word may be a text. Rows are
    counted below the names, from 0.
    """
    names, *cells = rows
    bare, last = list(map(_bare, names)), str(names[-1]).strip()
    likely = [
        at for at, row in enumerate(cells) if isinstance(row[-1], str) and len(row[-1].strip()) == len(last)
    ]  # quick, for long tables
    return [at for at in likely if list(map(_bare, cells[at])) == bare] if len(names) > 1 else []


def _bare(cell: Any) -> str:
    return str(cell).strip("\ufeff\u00a0 ").casefold()
