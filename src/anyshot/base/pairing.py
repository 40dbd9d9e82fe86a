"""Check that items and their labels or weights have their rows in the same order."""

import inspect
import warnings
from pathlib import Path
from typing import Any, Final

_PACKAGE: Final = str(Path(__file__).parents[1])


def warn_of_order(first: object, second: object, *, names: tuple[str, str] = ("items", "labels")) -> None:
    """Warn if two columns or tables of pandas name the same rows in another order; rows are paired by position.

    names: what the two are. The warning points to the call from outside of the package.
    """
    one: Any = getattr(first, "index", None)
    other: Any = getattr(second, "index", None)
    if not hasattr(one, "equals") or not hasattr(other, "equals") or len(one) != len(other) or one.equals(other):
        return
    if set(one) == set(other):
        warnings.warn(
            f"The indexes of {names[0]} and {names[1]} name the same rows in another order. They are paired by "
            f"position; to pair them by index, pass {names[1]}.loc[{names[0]}.index]. If their positions agree, "
            "reset_index(drop=True) of both silences this.",
            stacklevel=_level_outside(),
        )


def _level_outside() -> int:
    """Return the level of the first caller outside of the package, for `warnings.warn` in the function that calls."""
    frame, level = inspect.currentframe(), 0
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, level = frame.f_back, level + 1
    return level
