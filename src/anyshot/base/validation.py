"""Checks that every room shares: vectors, labels as indexes, randomness, optional packages."""

import importlib
import numbers
from types import ModuleType
from typing import Any, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anyshot.errors import BadItemError, InputError, MissingExtraError, WidthError

Vectors: TypeAlias = NDArray[np.float32]  # (n, d), one row an item
Indexes: TypeAlias = NDArray[np.intp]  # (n,), each a row of the class table; -1 is "no label"
RandomState: TypeAlias = int | np.random.RandomState | np.random.Generator | None


def vectors(X: ArrayLike, *, width: int | None = None, name: str = "X") -> Vectors:
    """Return `X` as finite float32 vectors (n, d).

    Raises
    ------
    InputError
        `X` is not a table of numbers with at least one column.
    BadItemError
        A row holds NaN or infinity; the row is named.
    WidthError
        `X` is not `width` wide.
    """
    try:
        table = np.asarray(X, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be a table of numbers (n, d); it is not: {error}.") from error
    if table.ndim != 2 or table.shape[1] == 0:
        hint = " Reshape one vector with x[None, :]." if table.ndim == 1 else ""
        raise InputError(f"{name} must be a table of vectors (n, d); its shape is {table.shape}.{hint}")
    if not np.isfinite(table).all():
        rows = np.flatnonzero(~np.isfinite(table).all(axis=1))
        raise BadItemError(f"{name} holds NaN or infinity in {_rows(rows)}. Drop or mend these vectors.")
    if width is not None and table.shape[1] != width:
        raise WidthError(f"{name} has vectors of width {table.shape[1]}; the model was made for width {width}.")
    return table


def unit(X: NDArray[np.floating]) -> Vectors:
    """Scale each row of `X` (n, d) to length 1; a row of zeros stays zero."""
    squared = np.einsum("nd,nd->n", X, X, dtype=np.float64)  # (n,); the square of 1e20 is no float32
    length = np.sqrt(squared).astype(X.dtype)[:, None]
    return (X / np.where(length > 0, length, 1)).astype(np.float32)


def generator(random_state: RandomState) -> np.random.Generator:
    """Return the one source of randomness for `random_state`: a seed, a generator, or None for a fresh one.

    Raises
    ------
    InputError
        It is none of these.
    """
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(2**31))
    try:
        return np.random.default_rng(random_state)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"random_state must be a whole number from 0 on, a generator, or None; it is {random_state!r}."
        ) from error


def is_whole(given: object) -> TypeGuard[int]:
    """Tell whether this is a whole number, Python's or numpy's; True and False are none."""
    return isinstance(given, numbers.Integral) and not isinstance(given, bool)


def is_number(given: object) -> TypeGuard[float]:
    """Tell whether this is a number, Python's or numpy's; True and False are none."""
    return isinstance(given, numbers.Real) and not isinstance(given, bool)


def check_whole(least: int, **given: object) -> None:
    """Raise InputError where one of the settings `given`, by name, is no whole number from `least` on.

    >>> check_whole(1, epochs=3, rank=np.int64(8))
    """
    for name, value in given.items():
        if not is_whole(value):
            raise InputError(f"{name} must be a whole number; it is {value!r}.")
        if value < least:
            raise InputError(f"{name} must be at least {least}; it is {value}.")


def check_numbers(**given: object) -> None:
    """Raise InputError where one of the settings `given`, by name, is no number."""
    for name, value in given.items():
        if not is_number(value):
            raise InputError(f"{name} must be a number; it is {value!r}.")


def pair(given: object, *, name: str, of: str = "(items, labels)") -> tuple[Any, Any]:
    """Return the two parts of `given`, or raise InputError: it is no pair, or a part is None."""
    if not isinstance(given, tuple | list) or len(given) != 2 or any(one is None for one in given):
        raise InputError(f"{name} must be a pair, {of}; a {type(given).__name__} was given.")
    return given[0], given[1]


def extra(module: str, name: str, *, purpose: str) -> ModuleType:
    """Import an optional package, or say how to install it.

    module: what to import; name: the extra that brings it; purpose: what needs it, to begin the error's sentence.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(f"{purpose} needs {module}: pip install 'anyshot[{name}]'") from error


def _rows(rows: NDArray[np.intp], *, at_most: int = 5) -> str:
    """Name the rows in words, the first few of them."""
    named = ", ".join(str(row) for row in rows[:at_most])
    more = f" and {len(rows) - at_most} more" if len(rows) > at_most else ""
    return f"row{'s' if len(rows) > 1 else ''} {named}{more}"
