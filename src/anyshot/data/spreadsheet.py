"""Cells of a CSV file that a spreadsheet would run as formulas, written as text."""

import re
from typing import Any, Final

import numpy as np
import pandas as pd

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""First letters of a cell that spreadsheets take for a formula, with their full-width forms: OWASP, CSV Injection."""

_NUMBER: Final = re.compile(r"[+-]?(\d+([.,]\d+)*|[.,]\d+)([eE][+-]?\d+)?")


def as_text(value: Any) -> Any:
    """Return a cell so that a spreadsheet shows it as text: with an apostrophe first if it would be a formula.

    Numbers, also those written as text, are returned unchanged.

    >>> [as_text(value) for value in ("=1+1", "-5.2", "- late again", "a = b", -1)]
    ["'=1+1", '-5.2', "'- late again", 'a = b', -1]
    """
    if not isinstance(value, str) or not value.startswith(FORMULA_STARTS) or _NUMBER.fullmatch(value):
        return value
    return f"'{value}"


def without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose cells and column names a spreadsheet shows as text."""
    safe = table.copy(deep=False).set_axis(range(table.shape[1]), axis=1)
    for number in safe:
        if not isinstance(safe[number].dtype, np.dtype) or safe[number].dtype == object:  # others hold no text
            cells = [as_text(value) for value in safe[number].astype(object)]
            safe[number] = pd.Series(cells, index=table.index, dtype=object)
    return safe.set_axis([as_text(name) for name in table.columns], axis=1)
