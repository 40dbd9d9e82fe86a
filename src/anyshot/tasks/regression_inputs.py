"""What users pass to a regressor: rows, numbers to predict, weights and the penalty."""

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.utils import column_or_1d

from anyshot.base.columns import item_count, plain, take
from anyshot.base.items import check_list
from anyshot.base.labels import wrong_number_of_labels
from anyshot.base.number_columns import target_numbers
from anyshot.base.validation import Floats, dense, is_number, refuse_lazy
from anyshot.base.weighted_items import counted_rows
from anyshot.data.table_vectors import frame_or_vectors
from anyshot.errors import InputError, WidthError

Rows: TypeAlias = ArrayLike | pd.DataFrame  # vectors (n, d), or a table of n rows


def counted(X: Rows | None, y: ArrayLike | None, sample_weight: ArrayLike) -> tuple[Any, Floats, Floats]:
    """Return the rows of `X` (n, d) that count at all, their labels (m,), and how often each counts (m,)."""
    if X is None:
        raise InputError("sample_weight is for the rows of X, but there is no X. Pass X, or leave out sample_weight.")
    rows = plain(dense(frame_or_vectors(X)))
    rows = rows if hasattr(rows, "__len__") else np.asarray(rows)
    n_rows = item_count(rows)
    labels = number_labels(plain(y), n_rows=n_rows, needed=True)
    kept, weights = counted_rows(X, sample_weight, n_rows)
    return take(rows, kept), labels[kept], weights


def repeated_rows(X: Any, weights: Floats) -> Any:
    """Return each row of `X` (n, d) as often as it counts, rounded up."""
    return take(X, np.repeat(np.arange(len(weights)), np.ceil(weights).astype(np.intp)))


def check_widths(width: int, **parts: Any) -> None:
    """Raise WidthError if one of the parts (n, d) has another number of columns than `width`; the message names it."""
    for name, part in parts.items():
        if isinstance(part, list | tuple | np.ndarray) and len(shape := np.shape(part[:1])) == 2 and shape[1] != width:
            raise WidthError(f"The rows of {name} have {shape[1]} features; the first ones have {width}. Use the same.")


def checked_alpha(alpha: object) -> float | None:
    """Return the penalty, None for "evidence"; raise InputError if it is neither that nor a number above 0."""
    if isinstance(alpha, str) and alpha == "evidence":
        return None
    if is_number(alpha) and 0 < alpha < np.inf:
        return float(alpha)
    raise InputError(f"alpha must be 'evidence' or a number above 0; got {alpha!r}.")


def number_labels(y: ArrayLike | None, *, n_rows: int, needed: bool) -> Floats:
    """Return the labels (n_rows,), NaN for rows without one."""
    if y is None:
        if needed:
            raise InputError(
                "AnyShotRegressor.fit requires y to be passed, but the target y is None. Pass rows without labels "
                "as unlabeled=."
            )
        return np.zeros(0)
    refuse_lazy(y)
    check_list(y if isinstance(y, Iterable) else [], what="A list of numbers")
    labels = target_numbers(y if isinstance(y, Iterable) else column_or_1d(np.asarray(y)))
    column_or_1d(np.asarray(y), warn=True)  # warns of a column, as scikit-learn does
    if len(labels) != n_rows:
        raise wrong_number_of_labels(n_rows, len(labels))
    return labels


def named_columns(X: Rows, columns: list[str]) -> pd.DataFrame:
    """Return an array of numbers (n, d) as a table with these columns, and a table unchanged."""
    if isinstance(X, pd.DataFrame):
        return X
    array = np.asarray(X)
    if array.ndim != 2 or array.shape[1] != len(columns):
        raise InputError(f"The model was fitted to a table; give one with the columns {', '.join(columns)}.")
    return pd.DataFrame(array, columns=columns)
