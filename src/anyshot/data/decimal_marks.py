"""Numbers as text with decimal commas, and the files in which a comma or a point may as well separate thousands."""

import logging
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, TypeAlias

from anyshot.base.messages import note
from anyshot.data.column_kinds import NUMBER, UNCLEAR, are_few

Mark: TypeAlias = Literal[",", "."]

_DECIMAL_COMMA: Final = re.compile(r"[+-]?\d+(?:\.\d{3})*(?:,\d+)?(?:[eE][+-]?\d+)?(?:\s?%)?")
_LONG: Final = re.compile(r"[+-]?\d{4,}(?:\s?%)?")
"""A number above 999 without a separator of thousands."""

log = logging.getLogger(__name__)


def with_decimal_points(cells: list[Any], kind: str | None = None, *, mark: Mark | None = None) -> list[Any]:
    """Return cells, with a decimal point in place of the comma if some have one, and all but a few are numbers.

    kind: of the column, if it is known; of numbers, any others may be none; mark: the decimal mark, if the column does
    not show it; the other one separates thousands.

    >>> with_decimal_points(["1.250,5", "-3", None]), with_decimal_points(["3,5", "a"])
    (['1250.5', '-3', None], ['3,5', 'a'])
    >>> with_decimal_points(["1.250"], mark=","), with_decimal_points(["1,250"], mark=".")
    (['1250'], ['1250'])
    """
    texts, numbers = _texts_and_numbers(cells)
    n_others = len(texts) - len(numbers)
    marked = any("," in text or (mark is not None and "." in text) for text in numbers)
    if not marked or not (kind == "number" or are_few(n_others, len(numbers))):
        return cells
    thousands = "," if mark == "." else "."
    known = {text: text.replace(thousands, "").replace(",", ".") for text in numbers}
    return [known.get(cell.strip(), cell) if isinstance(cell, str) else cell for cell in cells]


def are_amounts(cells: list[Any]) -> bool:
    """Return whether a column holds numbers alone, and each comma is before two decimals, as in amounts of money.

    >>> are_amounts(["-10,50", "1.234,05", "3"]), are_amounts(["1,5", "10,50"]), are_amounts(["10,50", "a"])
    (True, False, False)
    """
    if not any("," in cell for cell in cells if isinstance(cell, str)):
        return False  # at once, as most
    texts, numbers = _texts_and_numbers(cells)
    decimals = [text.rpartition(",")[2] for text in numbers if "," in text]
    return len(texts) == len(numbers) and all(re.fullmatch(r"\d\d", own) for own in decimals)


def unclear_number(cells: list[Any]) -> str | None:
    """Return the first number of a column whose comma or point may separate thousands; None if one number shows it.

    >>> unclear_number(["5,111", "-3"]), unclear_number(["5,111", "2500"]), unclear_number(["5.111", "0.5"])
    ('5,111', None, None)
    """
    texts, numbers = _texts_and_numbers(cells)
    written = {*numbers, *filter(NUMBER.fullmatch, texts)}
    marked = [text for text in texts if text in written and ("," in text or "." in text)]
    is_shown = not all(map(UNCLEAR.fullmatch, marked)) or any(map(_LONG.fullmatch, written))
    return None if is_shown or not are_few(len(set(texts) - written), len(written)) else next(iter(marked), None)


def decimal_mark(columns: Iterable[list[Any]]) -> Mark | None:
    """Return the decimal mark of the numbers in the columns of a file; None if none shows it, or some differ.

    >>> decimal_mark([["5,111"], ["1.250,50"]]), decimal_mark([["5,111"], ["0.5"]]), decimal_mark([["5,111"]])
    (',', '.', None)
    """
    found: set[Mark] = set()
    for cells in columns:
        clear = [text for text in _texts_and_numbers(cells)[0] if not UNCLEAR.fullmatch(text)]
        found |= {"," for text in clear if "," in text and _DECIMAL_COMMA.fullmatch(text)}
        found |= {"." for text in clear if "." in text and NUMBER.fullmatch(text)}
    return found.pop() if len(found) == 1 else None


def note_unclear(numbers: Mapping[str, str]) -> None:
    """Log that numbers of columns, one of each, are read with a decimal mark that may separate thousands."""
    for column, number in numbers.items():
        note(
            log,
            f"Column {column!r}: {number!r} and other numbers there are read as {number.replace(',', '.')}. If it "
            f"stands for {re.sub('[,.]', '', number)}, write them without separators of thousands",
        )


def _texts_and_numbers(cells: list[Any]) -> tuple[list[str], list[str]]:
    """Return the cells that are texts, and those of them that may be numbers with a decimal comma."""
    texts = [cell.strip() for cell in cells if isinstance(cell, str)]
    return texts, [text for text in texts if _DECIMAL_COMMA.fullmatch(text)]
