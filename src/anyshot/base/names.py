"""The spelling of names: labels and class names that look alike are the same name."""

import unicodedata
import warnings
from collections.abc import Iterable
from typing import Any, Final

INVISIBLE: Final = frozenset("\u00ad\u200b\u2060\ufeff")
"""Characters without width that never change a word: soft hyphen, zero-width space, word joiner, byte-order mark."""
_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # letters and symbols without a mark
_UNSEEN: Final = frozenset({"Cc", "Cf", "Mn", "Zl", "Zp", "Zs"})  # categories of characters that show nothing alone


def clean_name(name: str) -> str:
    r"""Return a name as it is compared: composed accents, plain spaces, no invisible characters, none at the ends.

    >>> clean_name("cafe\u0301\u00a0 \ufeff")
    'café'
    """
    if name.isascii():
        return name.strip()
    kept = "".join(
        " " if unicodedata.category(letter) == "Zs" else letter for letter in name if letter not in INVISIBLE
    )
    return unicodedata.normalize("NFC", kept).strip().strip("\u200c\u200d\u200e\u200f").strip()


def clean_names(values: Iterable[Any], *, what: str = "labels") -> list[Any]:
    """Return values with each name cleaned, and warn if one was written differently; other values stay."""
    given = list(values)
    cleaned: dict[str, str] = {}
    for value in given:
        if isinstance(value, str) and value not in cleaned:
            cleaned[value] = clean_name(value)
    changed = [name for name, clean in cleaned.items() if clean != name and clean]
    if not changed:
        return given
    n = sum(isinstance(value, str) and cleaned[value] != value for value in given)
    warnings.warn(
        f"{n} of {len(given)} {what} have spaces at their ends, invisible characters or decomposed accents, such as "
        f"{changed[0]!a}. They are read as {cleaned[changed[0]]!a}; write them so to silence this.",
        stacklevel=2,
    )
    return [cleaned[value] if isinstance(value, str) else value for value in given]


def is_blank(text: str) -> bool:
    r"""Return whether a text has no visible character.

    >>> is_blank("\u200b \ufeff"), is_blank("\u200b.")
    (True, False)
    """
    if text.isascii():
        return not text.strip() or all(ord(letter) < 33 or ord(letter) == 127 for letter in text)
    return all(letter in _BLANK or unicodedata.category(letter) in _UNSEEN for letter in text)
