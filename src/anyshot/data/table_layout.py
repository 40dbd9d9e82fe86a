"""Rows and columns that are no items: sums, another table below, and items that stand in columns."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from anyshot.base.columns import LABEL_COLUMNS, MISSING_MARKS, reads_as_number
from anyshot.data.cells import is_filled
from anyshot.data.header_rows import AMOUNT, TOTAL, n_usual

LEAST_ADDED: Final = 3
"""Numbers above a sum, other than 0: of fewer, a number is often the sum by chance."""
LEAST_SUBTOTAL: Final = 10
"""Sum that is found by its rows: a smaller number may be the class of a text such as "my total"."""
MOST_GROUPED: Final = 100
"""Rows of which a subtotal is the sum, at most."""
LONGEST_WORD: Final = 80
"""Characters of the word for a subtotal, with what it is of, at most."""
MOST_BEFORE: Final = 3
"""Cells of a row, the first ones, of which one may hold that word."""
MOST_PROPERTIES: Final = 200
"""Rows, at most, of a table whose columns may be the items."""
LEAST_ITEMS: Final = 3
"""Columns, at least, of such a table: two texts are of the same kind by chance."""
LEAST_DESCRIBED: Final = 3
"""Numbers, at least, below the text that describes their column."""
MOST_BLANK: Final = 20
"""Blank rows, at most, of a table with another one below: where there are more, they separate items."""

_SUBTOTAL: Final = re.compile(rf"({TOTAL.pattern})(?!\w)")
_NUMBER: Final = re.compile(r"[+-]?\d[\d.,]*([eE][+-]?\d+)?")
_DECIMALS: Final = re.compile(r"[.,](\d+)$")


def is_row_of_sums(rows: Sequence[Sequence[Any]]) -> bool:
    """Return whether the numbers of the last row are the sums of its columns; rows: the cells, the names first.

    One cell at least is empty. Beside two sums or more, one cell may hold a text; beside a single sum none may, and a
    column that has a value in every other row, such as the key, is empty.

    >>> is_row_of_sums([["key", "n"], ["a", "4"], ["b", "5"], ["c", "7"], ["", "16"]])
    True
    """
    names, last = rows[0], rows[-1] if len(rows) > 1 else []
    filled = {at for at, cell in enumerate(last) if is_filled(cell)}
    summed = [at for at in filled if _may_be_number(last[at])]
    if not summed or len(filled) == len(names):
        return False
    above = [row for row in rows[1:-1] if any(map(is_filled, row))]
    is_key = [at not in filled and all(is_filled(row[at]) for row in above) for at in range(len(names))]
    n_texts = len(filled) - len(summed)
    if n_texts > 1 or (len(summed) == 1 and (n_texts or not any(is_key))):
        return False
    return all(_is_sum([*(row[at] for row in above), last[at]]) for at in summed)


def _may_be_number(cell: Any) -> bool:
    return not isinstance(cell, bool) and (not isinstance(cell, str) or cell.strip()[-1:].isdecimal())


def rows_of_subtotals(rows: Sequence[Sequence[Any]]) -> list[int]:
    """Return which rows seem to hold sums of the rows above, by a word and numbers; counted below the names from 0.

    A number is the sum of the rows since the last such row, and larger than most codes of classes. Or all other cells
    are numbers or empty, and a cell is empty, the row follows another such row, or the word has no others beside it, as
    a text may have; several such words alone are values, as "average" is one of a quality.

    >>> rows_of_subtotals([["key", "n"], ["a", "4"], ["b", "15"], ["Total A", "19"], ["c", "7"], ["Total war", "1"]])
    [2]
    """
    found: list[int] = []
    alone: list[int] = []
    for at, row in enumerate(rows[1:]):
        if is_filled(row[-1]) and not _is_amount(row[-1]):
            continue  # as most rows have a text or a class there
        place, word = next(filter(None, map(_word_of_subtotal, range(MOST_BEFORE), row)), (0, ""))
        amounts = [other for other, cell in enumerate(row) if word and other != place and _is_amount(cell)]
        if not amounts:
            continue
        after, n_filled = found[-1] + 1 if found else 0, sum(map(is_filled, row))
        is_plain = n_filled == len(amounts) + 1 and place < amounts[0]
        is_word = TOTAL.fullmatch(word) is not None
        if _has_sum(row, rows[1 + after : 1 + at], amounts, least=0 if is_word else LEAST_SUBTOTAL) or (
            is_plain and (n_filled < len(row) or (found and after == at))
        ):
            found.append(at)
        elif is_plain and is_word:
            alone.append(at)
    return found if len(alone) > 1 and not found else sorted([*found, *alone])


def _is_amount(cell: Any) -> bool:
    return is_filled(cell) and not isinstance(cell, bool) and AMOUNT.fullmatch(str(cell).strip()) is not None


def _word_of_subtotal(place: int, cell: Any) -> tuple[int, str] | None:
    """Return a place and its text in lower case, if a word for a sum begins or ends it; None for another cell."""
    if not isinstance(cell, str) or len(cell) > LONGEST_WORD:
        return None
    word = cell.strip().rstrip(":").casefold()
    return (place, word) if _SUBTOTAL.match(word) or TOTAL.fullmatch(word.rpartition(" ")[2]) else None


def _has_sum(row: Sequence[Any], group: Sequence[Sequence[Any]], places: Sequence[int], *, least: int) -> bool:
    """Return whether a number in some places of a row, at least this large, is the sum of those of a group of rows."""
    return len(group) <= MOST_GROUPED and any(
        max(_number(row[at], mark) for mark in ".,") >= least
        and _is_sum([*(one[at] for one in group), row[at]], least=2)
        for at in places
    )


def _is_sum(cells: list[Any], least: int = LEAST_ADDED) -> bool:
    """Return whether the last of the cells of a column is the sum of the others, in which texts do not count.

    least: numbers other than 0 that are added.
    """
    decimals = _DECIMALS.search(str(cells[-1]).strip())
    rounding = 0.5 * 10.0 ** -len(decimals[1]) if decimals else 0.0
    for mark in ".,":
        *added, last = [_number(cell, mark) for cell in cells]
        if abs(sum(added) - last) <= rounding + 1e-9 * abs(last) and sum(map(bool, added)) >= least:
            return True
    return False


def _number(cell: Any, mark: str) -> float:
    """Return a cell with this decimal mark as a number, 0 for any other; the other mark separates thousands."""
    text = str(cell).strip()
    if not _NUMBER.fullmatch(text):
        return 0.0
    plain = text.replace("," if mark == "." else ".", "").replace(mark, ".")
    return float(plain) if reads_as_number(plain) else 0.0


def is_transposed(rows: Sequence[Sequence[Any]]) -> bool:
    """Return whether the columns of a table are probably its items, and the first one the names of their properties.

    It holds usual names of columns, which the first row does not; or each row holds numbers alone or texts alone, with
    some of both.

    >>> is_transposed([["id", "a", "b", "c"], ["age", 31, 40, 25], ["city", "Rome", "Oslo", "Bern"]])
    True
    """
    names, n_properties = rows[0], len(rows) - 1
    if len(names) <= LEAST_ITEMS or not 0 < n_properties <= MOST_PROPERTIES:
        return False
    first = [str(row[0]).strip().casefold() for row in rows]
    if len(set(first)) < len(first):
        return False
    are_many = 2 * n_usual(first) >= len(first) or len(names) > len(rows)  # words such as text may be items
    if n_usual(first) > 1 and are_many and not n_usual(names[1:]):
        return True
    found = set()
    for row in rows[1:]:
        of_row = {reads_as_number(cell) for cell in row[1:] if is_filled(cell)}
        if len(of_row) > 1:
            return False
        found |= of_row
    return len(found) > 1


def describes_columns(rows: Sequence[Sequence[Any]]) -> bool:
    """Return whether the first row below the names holds texts alone, over a column of numbers: questions, or units.

    >>> describes_columns([["Q1", "Q2"], ["Why?", "From 1 to 5"], ["late", 1], ["lost", 3], ["slow", 2]])
    True
    """
    first, others = (rows[1], rows[2:]) if len(rows) > LEAST_DESCRIBED + 1 else ((), ())
    given = [at for at, cell in enumerate(first) if is_filled(cell)]
    if len(given) < 2 or not all(isinstance(first[at], str) and any(map(str.isalpha, first[at])) for at in given):
        return False
    described = [at for at in given if _is_phrase(first[at].strip())]
    columns = [[str(row[at]).strip() for row in others if is_filled(row[at])] for at in described]
    return any(len(cells) >= LEAST_DESCRIBED and all(map(_NUMBER.fullmatch, cells)) for cells in columns)


def _is_phrase(cell: str) -> bool:
    return cell not in MISSING_MARKS and (" " in cell or not any(map(str.isdigit, cell)))


def other_table(rows: Sequence[Sequence[Any]], numbers: Sequence[int]) -> int | None:
    """Return the row where another table or a remark probably begins, counted below the names from 0; None if not.

    It follows a blank row. It has a name of this table's columns, or is a title, a single cell, above a row that has
    one; or all rows from there on have fewer values than each row above; or it is a single cell at the end.
    numbers (n,): of the rows below the names in the file, in which blank lines of a CSV have numbers, too.
    """
    starts = _below_blank_rows(rows, numbers)
    if not 0 < len(starts) <= MOST_BLANK:
        return None
    cells, names = rows[1:], {str(name).strip().casefold() for name in rows[0] if is_filled(name)}
    widths = [sum(map(is_filled, row)) for row in cells]
    for at in starts:
        above, rest = list(filter(None, widths[:at])), list(filter(None, widths[at:]))
        if not above or not rest or not widths[at]:
            continue
        first = [*cells[at], *(cells[at + 1] if widths[at] == 1 and len(rest) > 1 else ())]
        has_names = not names.isdisjoint(str(cell).strip().casefold() for cell in first)
        if has_names or max(rest) < min(above) or (rest == [1] and above[0] > 1):
            return at
    return None


def are_unlabeled(rows: Sequence[Sequence[Any]], start: int) -> bool:
    """Return whether only labels are missing in the rows from `start` on, counted below the names from 0.

    They fill all other columns that each row above fills, with numbers where those are: two columns or more, or else
    there are several such rows.

    >>> are_unlabeled([["id", "text", "label"], ["1", "a", "x"], ["", "", ""], ["2", "b", ""], ["3", "c", ""]], 2)
    True
    """
    above, below = (list(filter(any, part)) for part in (rows[1 : start + 1], rows[start + 1 :]))
    labels = [at for at, name in enumerate(rows[0]) if str(name).strip().casefold() in LABEL_COLUMNS]
    needed = [at for at in range(len(rows[0])) if at not in labels and all(is_filled(row[at]) for row in above)]
    numbers = [at for at in needed if all(reads_as_number(row[at]) for row in above)]
    are_alike = all(is_filled(row[at]) for row in below for at in needed) and all(
        reads_as_number(row[at]) for row in below for at in numbers
    )
    lack_labels = bool(labels) and not any(is_filled(row[at]) for row in below for at in labels)
    return lack_labels and are_alike and len(needed) > 0 and max(len(below), len(needed)) > 1


def _below_blank_rows(rows: Sequence[Sequence[Any]], numbers: Sequence[int]) -> list[int]:
    """Return the rows that follow a blank one, counted below the names from 0; arguments as of `other_table`."""
    found = {at for at, row in enumerate(rows) if at and not row[0] and not any(row)}
    if len(numbers) and numbers[-1] - numbers[0] >= len(numbers):  # one is missing
        found |= {at for at, (one, after) in enumerate(pairwise(numbers), start=1) if after - one > 1}
    return sorted(found)
