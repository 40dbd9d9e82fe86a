"""Columns of numbers as users pass them: numbers to predict, weights of items, and how large and spread they are."""

import numbers
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anyshot.base.columns import column_values, numeric_array, only_column
from anyshot.base.messages import named_rows
from anyshot.base.validation import Floats, refuse_lazy
from anyshot.errors import InputError

LARGEST: Final = 1e150
"""Numbers beyond this are refused: their squares exceed what a float holds."""
LARGEST_FLOAT32: Final = 1e15
"""The same for vectors of which sums of squares are computed in float32."""

_COMMA: Final = re.compile(r"[+-]?\d+(\.\d{3})*,\d+")


def check_size(
    values: NDArray[np.floating], what: str, *, largest: float = LARGEST, names: NDArray[Any] | None = None
) -> None:
    """Raise InputError if numbers (n,) or (n, d) are infinite or beyond `largest`.

    what: the subject of the message. names (n,): of the rows; by default their numbers from 0.
    """
    sizes = np.nan_to_num(np.abs(values), posinf=np.inf)
    by_row = sizes if sizes.ndim == 1 else sizes.max(axis=1, initial=0)
    rows = np.arange(len(by_row)) if names is None else names
    is_large = by_row > largest
    if np.isinf(by_row).any():
        raise InputError(f"{what} contains infinity in {named_rows(rows[np.isinf(by_row)])}. Correct or remove it.")
    if is_large.any():
        raise InputError(
            f"{what} contains {by_row[is_large][0]:g} in {named_rows(rows[is_large])}; numbers up to {largest:g} are "
            "supported. Give no number if it stands for a missing one, or divide the numbers."
        )


def column_std(rows: Floats, weights: Floats | None = None) -> Floats:
    """Return the standard deviation of each column of `rows` (n, d), 0 for one that varies by rounding errors only.

    Numbers of any size: the columns are divided by their largest number, so that no square is 0 or infinite.
    """
    largest = np.abs(rows).max(axis=0)  # (d,)
    parts = rows / np.where(largest > 0, largest, 1)  # (n, d), from -1 to 1
    mean = np.average(parts, axis=0, weights=weights)
    std = np.sqrt(np.average((parts - mean) ** 2, axis=0, weights=weights))
    return np.asarray(np.where(std > 1e-12, std, 0) * largest)


def weight_numbers(sample_weight: Any) -> Floats:
    """Return weights as numbers, missing ones as NaN; raise InputError for anything else, such as weights by class."""
    if isinstance(sample_weight, Mapping | str):
        raise InputError(
            f"sample_weight must be numbers, one for each item; got {sample_weight!r:.60}. To give weights by class, "
            'write [weights[label] for label in y]; class_prior="balanced" is for classes that are equally frequent.'
        )
    if isinstance(sample_weight, Iterator):
        kind = type(sample_weight).__name__
        raise InputError(f"sample_weight must be a list; got a {kind}, which can be read only once. Write list(...).")
    refuse_lazy(sample_weight)
    sample_weight = only_column(sample_weight)
    try:
        return numeric_array(sample_weight, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"sample_weight must be numbers, one for each item: {error}.") from error


def target_numbers(y: Any, *, name: str = "y") -> Floats:
    """Return numbers to predict as floats (n,), NaN for missing ones.

    Raises InputError if a value is a date, a duration or a text that is not a number, or is infinite; the message names
    its row. Or there are several columns.
    """
    shape = tuple(getattr(y, "shape", ()))
    if hasattr(y, "toarray"):
        raise InputError(f"{name} is a {type(y).__name__}. Pass {name}.toarray().ravel().")
    if len(shape) == 2 and shape[1] > 1:
        raise InputError(
            f"{name} must hold one number for each row; the shape is {shape}. For several targets, use "
            'MultitaskModel().fit(X, {"name": numbers, ...}).'
        )
    values = column_values(y)
    found = np.empty(len(values), dtype=np.float64)
    for row, value in enumerate(values):
        if value is not None and not isinstance(value, str | numbers.Number):
            kind = type(value).__name__
            if hasattr(value, "__len__"):
                raise InputError(f"{name} must hold one number for each row; row {row} holds a {kind}.")
            raise InputError(
                f"{name} holds a {kind} in row {row}, {str(value)!r}; numbers are needed. Predict a number, such as "
                "the days since the first date."
            )
        try:
            found[row] = np.nan if value is None else float(value)  # type: ignore[arg-type]  # of any number
        except (TypeError, ValueError) as error:
            comma = " It has a decimal comma; write a point." if _COMMA.fullmatch(str(value).strip()) else ""
            raise InputError(f"{name} holds {value!r} in row {row}, which is not a number.{comma}") from error
    check_size(found, name)
    return found
