"""The wording of messages: numbers with their nouns, lists and texts at some length, names that were meant."""

import difflib
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray


def count(n: int, noun: str, nouns: str | None = None) -> str:
    """Return a number with its noun.

    >>> count(1, "class"), count(2_000, "class"), count(2, "copy", "copies")
    ('1 class', '2,000 classes', '2 copies')
    """
    plural = nouns or noun + ("es" if noun.endswith("s") else "s")
    return f"{n:,} {noun if n == 1 else plural}"


def named_rows(rows: Sequence[object] | NDArray[np.intp]) -> str:
    """Return row numbers as text, the first five of them.

    >>> named_rows([3]), named_rows(range(7))
    ('row 3', 'rows 0, 1, 2, 3, 4 and 2 more')
    """
    return f"row{'s' if len(rows) > 1 else ''} {first_of(rows, at_most=5)}"


def first_of(values: Sequence[object] | NDArray[np.intp], *, at_most: int) -> str:
    """Return the first values as text, and how many more there are.

    >>> first_of(["a", "b", "c"], at_most=2), first_of([1, 2], at_most=2)
    ('a, b and 1 more', '1, 2')
    """
    more = f" and {len(values) - at_most} more" if len(values) > at_most else ""
    return ", ".join(map(str, values[:at_most])) + more


def nearest(name: object, names: Iterable[object]) -> str | None:
    """Return the name that is spelled most like another one, in whatever case; None if none is much like it.

    >>> nearest("BILING", ["delivery", "billing"]), nearest("weather", ["delivery", "billing"])
    ('billing', None)
    """
    by_spelling = {str(one).strip().casefold(): str(one) for one in names}
    near = difflib.get_close_matches(str(name).strip().casefold(), by_spelling, n=1)
    return by_spelling[near[0]] if near else None


def shortened(text: str) -> str:
    """Return a text, a long one by its ends."""
    return text if len(text) <= 60 else f"{text[:28]} … {text[-28:]}"
