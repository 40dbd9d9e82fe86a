"""Cells of spreadsheets: errors, and texts that would be run as formulas, written as text and read as they were."""

import logging
import re
from typing import Any, Final

import numpy as np
import pandas as pd

from anyshot.base.messages import count, note

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""First letters of a cell that spreadsheets take for a formula, with their full-width forms: OWASP, CSV Injection."""

_ENGLISH: Final = "N/A NULL! DIV/0! VALUE! REF! NAME? NUM! SPILL! CALC! FIELD! BLOCKED! GETTING_DATA ERROR!"
_GERMAN_FRENCH: Final = "NV BEZUG! WERT! ZAHL! ÜBERLAUF! NUL! VALEUR! NOM? NOMBRE!"
_SOUTHERN: Final = "N/D ¡NULO! ¡DIV/0! ¡VALOR! ¡REF! ¿NOMBRE? ¡NUM! RIF! VALORE! NOME? VALOR! NÚM!"
_OF_LIBREOFFICE: Final = [f"Err:{number}" for number in range(501, 541)]
ERRORS: Final = frozenset([f"#{name}" for name in f"{_ENGLISH} {_GERMAN_FRENCH} {_SOUTHERN}".split()] + _OF_LIBREOFFICE)
"""Errors of spreadsheets as a CSV has them, in English and other languages; "#ERROR!" is one of Google Sheets."""
NO_VALUES: Final = ERRORS | {"\\N"}
"""Cells that hold no value: how databases write a missing one, and the errors of spreadsheets."""

log = logging.getLogger(__name__)

_NUMBER: Final = re.compile(r"[+-]?(\d+([.,]\d+)*|[.,]\d+)([eE][+-]?\d+)?")


def as_text(value: Any) -> Any:
    """Return a cell so that a spreadsheet shows it as text: with an apostrophe first if it would be a formula.

    Numbers, also those written as text, are returned unchanged. A formula after apostrophes gets one more, so that
    `as_written` returns what was given.

    >>> [as_text(value) for value in ("=1+1", "-5.2", "- late again", "a = b", -1)]
    ["'=1+1", '-5.2', "'- late again", 'a = b', -1]
    """
    return f"'{value}" if _is_formula(value) else value


def as_written(value: Any) -> Any:
    """Return a cell without the apostrophe that `as_text` put before it.

    >>> [as_written(value) for value in ("'=1+1", "''=1+1", "'quoted'", "=1+1")]
    ['=1+1', "'=1+1", "'quoted'", '=1+1']
    """
    return value[1:] if isinstance(value, str) and value.startswith("'") and _is_formula(value) else value


def _is_formula(value: Any) -> bool:
    """Return whether a cell is a text that would be a formula, also after apostrophes."""
    if not isinstance(value, str) or not value.startswith((*FORMULA_STARTS, "'")):
        return False
    text = value.lstrip("'")
    return text.startswith(FORMULA_STARTS) and not _NUMBER.fullmatch(text)


def without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose cells and column names a spreadsheet shows as text; how many were changed is logged."""
    n_changed = 0
    safe = table.copy(deep=False).set_axis(range(table.shape[1]), axis=1)
    for number in safe:
        if not isinstance(safe[number].dtype, np.dtype) or safe[number].dtype == object:  # others hold no text
            given = safe[number].astype(object)
            cells = [as_text(value) for value in given]
            n_changed += sum(cell is not value for cell, value in zip(cells, given, strict=True))
            safe[number] = pd.Series(cells, index=table.index, dtype=object)
    if n_changed:
        note(
            log,
            f"An apostrophe was put before {count(n_changed, 'text')} that a spreadsheet would run as a formula; "
            "anyshot reads it without. To leave it out, set verbatim=True (--verbatim)",
        )
    return safe.set_axis([as_text(name) for name in table.columns], axis=1)
