"""Cells of tables: whether they hold something, and texts that a spreadsheet would run as formulas.

None and "" are no value (`is_filled`). Where a text or label is needed, a cell without a visible character is empty too
(`is_empty`), and one such as NaN says that there is none (`is_no_text`). A formula is written with an apostrophe
before it, as text, and read without.
"""

import re
from typing import Any, Final

from anyshot.base.columns import MISSING_MARKS, is_blank

MISSING_TEXTS: Final = MISSING_MARKS - {"NA", "N/A", "n/a"}
"""What programs write for a missing cell where "NA" may be a name, as among labels and categories."""

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

_MARKS: Final = re.compile(r"[+-]+|=+")  # in place of a value, or below a heading
_NUMBER: Final = re.compile(r"[+-]?(\d+([.,]\d+)*|[.,]\d+)([eE][+-]?\d+)?")


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


def as_text(value: Any) -> Any:
    """Return a cell so that a spreadsheet shows it as text: with an apostrophe first if it would be a formula.

    Numbers, also those written as text, are returned unchanged, and marks alone such as "-". A formula after
    apostrophes gets one more, so that `as_written` returns what was given.

    >>> [as_text(value) for value in ("=1+1", "-5.2", "- late again", "a = b", "-", -1)]
    ["'=1+1", '-5.2', "'- late again", 'a = b', '-', -1]
    """
    return f"'{value}" if _is_formula(value) and not _MARKS.fullmatch(value) else value


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
