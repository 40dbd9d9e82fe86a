"""Columns that only name the rows, such as an ID or a row number: they say nothing about new rows."""

import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from anyshot.base.messages import warn
from anyshot.base.validation import Floats

FEW: Final = 10
"""In more rows than this, texts that nearly all differ are hardly categories, and numbers without a gap count rows."""
MANY: Final = 40
"""The same for texts that are neither sentences nor codes: in fewer rows, they may be rare categories."""
MOSTLY: Final = 0.9
"""Share of the rows with another value from which a column is taken for the names of the rows."""
SHARE_KEPT: Final = 0.66
"""Share of the row numbers that are left if the others were taken for a test."""
MANY_NUMBERS: Final = 20
"""From so many rows on, whole numbers that are all different and lie this close are hardly a measurement."""
YEARS: Final = (1800, 2100)
"""Whole numbers from the first to the second are taken for years."""
LEAST_WORDS: Final = 4
"""Texts of so many words are sentences."""
_NAMES: Final = frozenset({"id", "ids", "uuid", "guid", "nr", "no", "number", "nummer", "key"})
_BETWEEN_WORDS: Final = re.compile(r"[\W_]+|(?<=[a-z])(?=[A-Z])")


def are_numbers_of_rows(name: str, numbers: Floats) -> bool:
    """Return whether the numbers of a column (n,), NaN for missing ones, only name the rows.

    They are whole and all different, and count the rows in any order; if the name says that they are IDs, they may
    leave numbers out, and a few may be repeated. Years that follow each other are a measurement. On iris, wine, breast
    cancer, digits and diabetes of scikit-learn, students and adults, and on random parts of 2 to 200 rows, no
    measurement is taken for row numbers.

    >>> are_numbers_of_rows("row", np.arange(20.0)), are_numbers_of_rows("year", np.arange(1990.0, 2010.0))
    (True, False)
    >>> are_numbers_of_rows("orderId", np.array([811.0, 907])), are_numbers_of_rows("price", np.array([811.0, 907]))
    (True, False)
    """
    there = numbers[~np.isnan(numbers)]
    if len(there) < 2 or not np.array_equal(there, np.round(there)):
        return False
    n_different = len(np.unique(there))
    if _is_name(name):
        return n_different >= MOSTLY * len(there)
    are_years = YEARS[0] <= there.min() and there.max() <= YEARS[1]
    kept = SHARE_KEPT if len(there) > MANY_NUMBERS else 1.0
    are_close = bool(kept * (np.ptp(there) + 1) <= len(there))
    return len(there) > FEW and n_different == len(there) and are_close and not are_years


def are_names_of_rows(texts: Sequence[Any]) -> bool:
    """Return whether the categories of a column (n,) are nearly all different, so that none says much of a new row."""
    n_different = len(set(texts))
    return n_different > FEW and n_different >= MOSTLY * len(texts)


def warn_of_numbers(name: str, numbers: Floats) -> None:
    """Warn of a column of numbers (n,) that only name the rows."""
    if are_numbers_of_rows(name, numbers):
        warn(
            f"Column {name!r} has another whole number in nearly every row, as IDs and row numbers have, which say "
            "nothing about new rows. If it only names the rows, leave it out of the features (--except)."
        )


def warn_of_texts(name: str, texts: Sequence[str]) -> None:
    """Warn of a column of categories (n,) that are nearly all different, and hardly rare categories."""
    if not are_names_of_rows(texts):
        return
    are_sentences = bool(np.median([len(text.split()) for text in texts]) >= LEAST_WORDS)
    are_codes = sum(any(map(str.isdigit, text)) for text in texts) >= MOSTLY * len(texts)
    if are_sentences or are_codes or len(texts) > MANY:
        others = ", or use the texts as items instead of the rows (--text-column)" if are_sentences else ""
        warn(
            f"Column {name!r} holds texts that are nearly all different: as categories they say nothing about new "
            f"rows. Leave it out of the features (--except){others}."
        )


def _is_name(name: str) -> bool:
    words = [word.casefold() for word in _BETWEEN_WORDS.split(name) if word]
    return bool(words) and (words[-1] in _NAMES or words[-1].endswith("nummer"))
