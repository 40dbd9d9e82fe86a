"""Cells of tables: whether they hold something.

None and "" are no value (`is_filled`). Where a text or label is needed, a cell without a visible character is empty too
(`is_empty`), and one such as NaN says that there is none (`is_no_text`).
"""

from typing import Final

from anyshot.base.columns import is_blank

MISSING_TEXTS: Final = frozenset({"NaN", "nan", "NaT", "<NA>", "NULL"})
"""What pandas and databases write for a missing text; "null", "None" and "NA" are also what people answer."""


def is_filled(cell: object) -> bool:
    """Return whether a cell has a value."""
    return cell is not None and cell != ""


def is_empty(value: object) -> bool:
    """Return whether a cell holds nothing, or a text without a visible character."""
    return value is None or (isinstance(value, str) and is_blank(value))


def is_missing_text(value: object) -> bool:
    """Return whether a text stands for a missing one.

    >>> is_missing_text("NaN"), is_missing_text("Nan bread")
    (True, False)
    """
    return isinstance(value, str) and value.strip() in MISSING_TEXTS


def is_no_text(value: object) -> bool:
    """Return whether a cell holds nothing, or a text that says so."""
    return is_empty(value) or is_missing_text(value)
