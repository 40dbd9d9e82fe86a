"""Messages: their wording, and warnings and notes, which point to the user's own line and say each thing once."""

import contextlib
import difflib
import inspect
import logging
import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Places: TypeAlias = Callable[[Sequence[str]], list[str]]
"""Returns where texts stand in what a person gave, such as "row 3" of a file; every place of each."""
Say: TypeAlias = Callable[[list[str], list[str], Sequence[int]], Warning]
"""Returns the warning of these texts, from their places (none if unknown) and their rows in the list a user gave."""

_INSIDE: Final = (str(Path(__file__).parents[1]), contextlib.__file__)
"""Where code lies that users do not see as their own: the package, and what runs `one_call` as a decorator."""
_WRAPPER: Final = str(Path("sklearn", "utils", "_set_output.py"))
"""The file of scikit-learn that wraps `transform`."""


# --- warnings and notes ----------------------------------------------------------------------------------------------


class _Call(NamedTuple):
    """A command, or a call that fits several models: what it warned of, and what it will warn of when it ends."""

    warned_of: set[object]
    places: Places | None
    held: dict[str, tuple[Say, dict[str, None]]]
    fits_parts: bool


_CALL: ContextVar[_Call | None] = ContextVar("call", default=None)
_COLLECTED: ContextVar[list[Warning] | None] = ContextVar("collected", default=None)


@contextlib.contextmanager
def one_call(places: Places | None = None, *, fits_parts: bool = False) -> Iterator[None]:
    """Warn of each thing once in this block, though several models are fitted in it.

    places: how to name items, for a command. Without, warnings of items are issued together at the end, and show the
    texts themselves: each model is fitted to a part of what was given, in which the rows have other numbers.
    fits_parts: each model predicts the rest, so how that differs from what was in its `fit` is no fault of the data.
    """
    outer = _CALL.get()
    if outer is None:
        call = _Call(set(), places, {}, fits_parts)
    else:
        call = _Call(outer.warned_of, places, {}, fits_parts or outer.fits_parts)
    token = _CALL.set(call)
    try:
        yield
    finally:
        _CALL.reset(token)
    for fault, (say, texts) in call.held.items():
        warn_of_items(fault, say, list(texts))


def warn(message: str | Warning) -> None:
    """Issue a warning that points to the call from outside of the package; in `one_call` only the first time."""
    if not new_to_warn_of("", [str(message)]):
        return
    collected = _COLLECTED.get()
    if collected is None:
        warnings.warn(message, stacklevel=_level_outside())
    else:
        collected.append(message if isinstance(message, Warning) else UserWarning(message))


def warn_unlike_fit(message: str | Warning) -> None:
    """Issue a warning that items differ from those in `fit`, unless copies of a model are fitted to parts of them."""
    if not _fits_parts():
        warn(message)


def note_unlike_fit(log: logging.Logger, message: str) -> None:
    """Log that items differ from those in `fit`, as is usual with few, where `warn_unlike_fit` would warn."""
    if not _fits_parts():
        note(log, message)


def _fits_parts() -> bool:
    call = _CALL.get()
    return call is not None and call.fits_parts


def note(log: logging.Logger, message: str, *, level: int = logging.INFO) -> None:
    """Log how a file was read or written, where that may not be what the user meant."""
    collected = _COLLECTED.get()
    if collected is None:
        log.log(level, message)
    else:
        collected.append(UserWarning(message))


@contextlib.contextmanager
def collecting() -> Iterator[list[Warning]]:
    """Give the warnings and notes of this block, in this thread, as a list; they are neither issued nor logged."""
    found: list[Warning] = []
    token = _COLLECTED.set(found)
    try:
        yield found
    finally:
        _COLLECTED.reset(token)


def warn_of_items(fault: str, say: Say, texts: Sequence[str], *, rows: Sequence[int] | None = None) -> None:
    """Warn of these texts (m,), and their positions in the list that a user gave; fault: what is wrong with them."""
    call = _CALL.get()
    if call is not None and call.places is None:
        call.held.setdefault(fault, (say, {}))[1].update(dict.fromkeys(texts))
        return
    if new := new_to_warn_of(fault, texts):
        names = [f"row {row}" for row in rows] if call is None and rows is not None else places_of(new)
        warn(say(names, new, rows or ()))


def new_to_warn_of(fault: str, texts: Iterable[str]) -> list[str]:
    """Return those of the texts that were not warned of for this fault; all of them outside of `one_call`."""
    call = _CALL.get()
    if call is None:
        return list(texts)
    new = [text for text in dict.fromkeys(texts) if (fault, text) not in call.warned_of]
    call.warned_of.update((fault, text) for text in new)
    return new


def places_of(texts: Sequence[str]) -> list[str]:
    """Return where texts stand in the files of a command; nothing if they are not in a file."""
    call = _CALL.get()
    return [] if call is None or call.places is None else call.places(texts)


def warn_of_order(first: object, second: object, *, names: tuple[str, str] = ("items", "labels")) -> None:
    """Warn if two columns or tables of pandas name the same rows in another order; rows are paired by position.

    names: what the two are.
    """
    one: Any = getattr(first, "index", None)
    other: Any = getattr(second, "index", None)
    if not hasattr(one, "equals") or not hasattr(other, "equals") or len(one) != len(other) or one.equals(other):
        return
    if set(one) == set(other):
        warn(
            f"The indexes of {names[0]} and {names[1]} name the same rows in another order. They are paired by "
            f"position; to pair them by index, pass {names[1]}.loc[{names[0]}.index]. If their positions agree, "
            "reset_index(drop=True) of both silences this."
        )


def _level_outside() -> int:
    """Return the level of the first caller outside of the package, for `warnings.warn` in the function that calls."""
    frame, level = inspect.currentframe(), 0
    while frame is not None and _is_inside(frame.f_code.co_filename):
        frame, level = frame.f_back, level + 1
    return level


def _is_inside(file: str) -> bool:
    return file.startswith(_INSIDE) or file.endswith(_WRAPPER)


# --- wording ---------------------------------------------------------------------------------------------------------


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


def enumerated(values: Sequence[object], *, last: str = "and") -> str:
    """Return all values as text, with the word `last` before the last one.

    >>> enumerated(["a", "b", "c"]), enumerated(["a"], last="or")
    ('a, b and c', 'a')
    """
    *others, final = map(str, values)
    return f"{', '.join(others)} {last} {final}" if others else final


def in_percent(share: float) -> str:
    """Return a share in percent, with digits that tell a very small or large one from 0 or 100.

    >>> in_percent(0.126), in_percent(0.00126), in_percent(0.99874), in_percent(1e-12)
    ('13 %', '0.1 %', '99.9 %', 'less than 0.01 %')
    """
    near = min(share, 1 - share)
    if 0 < near < 0.0001:
        return "less than 0.01 %" if share < 0.5 else "more than 99.99 %"
    digits = 0 if near >= 0.01 or near <= 0 else max(1, -math.floor(math.log10(near)) - 2)
    return f"{100 * share:.{digits}f} %"


def with_interval(share: float, interval: Sequence[float] = ()) -> str:
    """Return a share in percent with one decimal, and its interval if it has one.

    >>> with_interval(0.8125, (0.57, 0.934)), with_interval(0.75)
    ('81.2 % (57.0 to 93.4)', '75.0 %')
    """
    shown = f"{100 * share:.1f} %"
    return f"{shown} ({100 * interval[0]:.1f} to {100 * interval[1]:.1f})" if interval else shown


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
