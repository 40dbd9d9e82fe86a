"""Checks of vectors, class indexes, randomness and parameters, and means, sums and probabilities of them."""

import logging
import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anyshot.base.columns import (
    column_values,
    is_missing,
    is_table,
    is_tensor,
    no_number_in,
    no_table,
    numeric_array,
    reads_as_number,
)
from anyshot.base.messages import named_rows
from anyshot.errors import BadItemError, InputError, UnknownClassError, WidthError

Floats: TypeAlias = NDArray[np.float64]
Vectors: TypeAlias = NDArray[np.float32]  # (n, d), one row per item
Indexes: TypeAlias = NDArray[np.intp]  # (n,), rows of the class table; -1 is "no label"
RandomState: TypeAlias = "int | np.random.RandomState | np.random.Generator | None"  # a text: numpy.random loads late

MAX_DENSE_BYTES: Final = 2**31
"""Largest dense table that a sparse one is converted to."""

log = logging.getLogger(__name__)


def vectors(X: ArrayLike, *, width: int | None = None, name: str = "X") -> Vectors:
    """Return `X` as finite float32 vectors (n, d).

    Raises
    ------
    InputError
        `X` is not a table of numbers, or has no column.
    BadItemError
        A row contains NaN or infinity; the message names it.
    WidthError
        `X` does not have `width` columns.
    """
    refuse_lazy(X)
    if hasattr(X, "toarray"):
        _check_dense_size(X, name)
    with np.errstate(over="ignore"):  # refused below
        table = number_rows(X, dtype=np.float32, name=name)
    if table.ndim != 2 or table.shape[1] == 0:
        hint = " Reshape one vector with x[None, :], or one feature with x[:, None]."
        shape = f"its shape is {table.shape}.{hint if table.ndim == 1 and len(table) else ''}"
        found = shape if table.ndim else f"it is {X!r:.60}."
        raise InputError(f"{name} must be a table of vectors (n, d); {found}")
    refuse_not_finite(table, X, name=name)
    if width is not None and table.shape[1] != width:
        raise WidthError(f"{name} has vectors of width {table.shape[1]}; the model needs width {width}.")
    return table


def refuse_not_finite(table: NDArray[np.floating], given: Any, *, name: str) -> None:
    """Raise BadItemError if rows (n, ...) are not finite, with their numbers, and the reason by what was `given`."""
    finite = np.isfinite(table)
    if finite.all():
        return
    rows = np.flatnonzero(~finite.reshape(len(table), -1).all(axis=1))
    large = np.isfinite(numeric_array(given, dtype=np.float64)[rows]).all()
    what = "numbers beyond 3.4e38" if large else "NaN or infinity"
    remedy = "Divide them" if large else "Remove or correct these rows"
    raise BadItemError(f"{name} contains {what} in {named_rows(rows)}. {remedy}.")


def dense(X: Any, *, name: str = "X") -> Any:
    """Return a sparse table as a dense one, within `MAX_DENSE_BYTES`, and anything else unchanged."""
    if not hasattr(X, "toarray"):
        return X
    _check_dense_size(X, name)
    return X.toarray()


def number_rows(X: Any, *, dtype: Any = None, name: str = "X") -> NDArray[Any]:
    """Return rows of numbers as `numeric_array`, or raise InputError with the row or column that is none."""
    try:
        return numeric_array(X, dtype=dtype)
    except (TypeError, ValueError) as error:
        check_rows(X, name=name)
        raise InputError(f"{name} must be a table of numbers (n, d): {error}.") from error


def check_rows(X: Any, *, name: str = "X") -> None:
    """Raise InputError if rows are no table, hold a text that is no number, or differ in length."""
    needed = f"{name} must be a table of numbers (n, d)"
    if found := no_table(X, name=name):
        raise InputError(f"{needed}; {found}.")
    if is_table(X) and (found := no_number_in(X)):
        raise InputError(f"{needed}: {found}.")
    if not is_table(X) and hasattr(X, "iloc"):
        X = list(X)
    if not isinstance(X, list | tuple | np.ndarray) or np.ndim(X[:1]) == 0:
        return
    for row, own in enumerate(X):
        if isinstance(own, str | bytes):
            raise InputError(
                f"{needed}; row {row} is the text {own!r:.60}. Encode texts and images first, by "
                "load_encoder(...).encode(items)."
            )
        if (size := np.ravel(own).size) != (first := np.ravel(X[0]).size):  # a tensor's own size is a method
            raise InputError(f"{needed}; row {row} has length {size}, and row 0 has {first}.")
        text = next((value for value in np.ravel(own) if isinstance(value, str) and not reads_as_number(value)), None)
        if text is not None:
            raise InputError(f"{needed}; row {row} holds the text {str(text)!r}. Leave it out, or encode it.")


def check_finite(X: Any, *, name: str = "X") -> None:
    """Raise BadItemError if rows that hold numbers contain NaN or infinity; the message names them."""
    try:
        table = numeric_array([] if hasattr(X, "toarray") else X)
        table = table.astype(np.float64) if table.dtype.kind == "O" else table
    except (TypeError, ValueError):
        return
    if table.dtype.kind != "f" or not table.ndim:
        return
    refuse_not_finite(table, X, name=name)


def mask(given: Any, n: int, *, name: str) -> NDArray[np.bool_]:
    """Return a mask (n,); raise InputError for anything else, such as the numbers of rows."""
    found = np.asarray(given)
    if found.shape != (n,) or found.dtype != np.bool_:
        raise InputError(
            f"{name} must be {n} truth values; got an array of {found.dtype} with shape {found.shape}. Row numbers "
            f"become truth values by np.isin(np.arange({n}), rows)."
        )
    return found


def refuse_lazy(given: Any) -> None:
    """Raise InputError for a lazy table of polars, a loader of batches, and a tensor without rows."""
    if hasattr(given, "collect_schema") and not hasattr(given, "shape"):
        raise InputError(f"A {type(given).__name__} holds no rows yet. Write table.collect().")
    if is_tensor(given) and (given.is_nested or given.is_meta):
        raise InputError(
            "A nested tensor, or one on the device meta, has no rows of equal length. Pass a dense tensor."
        )
    if hasattr(given, "batch_sampler") and hasattr(given, "dataset"):
        raise InputError(
            f"A {type(given).__name__} gives batches, and items are needed. Write [pair[0] for pair in loader.dataset] "
            "as X, and [pair[1] for pair in loader.dataset] as y."
        )


def _check_dense_size(X: Any, name: str) -> None:
    """Log that a sparse table becomes a dense one; raise InputError if that needs too much memory."""
    size = 4 * int(X.shape[0]) * int(X.shape[-1])
    if size > MAX_DENSE_BYTES:
        raise InputError(
            f"{name} is sparse, of shape {X.shape}; as a dense table it would need {size / 2**30:,.0f} GiB. Reduce it "
            "first, as by sklearn.decomposition.TruncatedSVD(300)."
        )
    log.info(f"{name} is sparse and was converted to a dense table of {size / 2**20:,.0f} MiB")


def unit(X: NDArray[np.floating]) -> Vectors:
    """Scale each row of `X` (n, d) to length 1; a row of zeros stays zero."""
    squared = np.einsum("nd,nd->n", X, X, dtype=np.float64)  # (n,); float32 overflows at the square of 1e20
    length = np.sqrt(squared).astype(X.dtype)[:, None]
    return (X / np.where(length > 0, length, 1)).astype(np.float32, copy=False)


def check_indexes(y: ArrayLike, *, n_items: int, n_classes: int) -> NDArray[np.intp]:
    """Return `y` as indexes (n_items,) into a table of `n_classes` rows, -1 meaning "no label"."""
    index = class_rows(y)
    if index.shape != (n_items,):
        raise InputError(f"y must have one label for each of the {n_items} items; its shape is {index.shape}.")
    outside = index[(index < -1) | (index >= n_classes)]
    if outside.size:
        raise UnknownClassError(f"y contains class {outside[0]}; there are {n_classes} classes, 0 to {n_classes - 1}.")
    return index.astype(np.intp)


def class_rows(y: Any) -> NDArray[np.integer]:
    """Return labels that are rows of the class table as integers, a missing one as -1; other shapes are kept."""
    if len(np.shape(y)) != 1 or (isinstance(y, np.ndarray) and np.issubdtype(y.dtype, np.integer)):
        return np.asarray(y)
    index = np.full(len(y), -1, dtype=np.intp)
    for row, value in enumerate(column_values(y)):
        if is_missing(value):
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or value % 1 != 0:
            names = " Of names, write [names.index(label) for label in y]." if isinstance(value, str) else ""
            raise InputError(
                f"y must hold rows of the class table, whole numbers from 0, and -1 for no label; row {row} holds "
                f"{value!r}.{names}"
            )
        index[row] = int(value)
    return index


def class_sums(X: Vectors, index: Indexes, n_classes: int) -> Floats:
    """Return the sum of each class's vectors (c, d); X (n, d), all labeled, `index` (n,)."""
    sums = np.zeros((n_classes, X.shape[1]), X.dtype)
    order = np.argsort(index, kind="stable")
    present, first = np.unique(index[order], return_index=True)
    for k, own in zip(present, np.split(order, first[1:]), strict=False):  # one empty part if there is no vector
        sums[k] = np.add.reduce(X[own], axis=0)
    return sums.astype(np.float64)


def class_means(vectors: Vectors, index: Indexes, class_vectors: Vectors, *, name_weight: float = 1.0) -> Vectors:
    """Return the unit mean of each class (c, d), where its class vector counts as `name_weight` examples.

    vectors (n, d), index (n,) rows of class_vectors. A class with neither an example nor a class vector stays zero.
    """
    return unit(name_weight * class_vectors + class_sums(vectors, index, len(class_vectors)))


def group_means(vectors: Vectors, groups: Sequence[Sequence[int]]) -> Vectors:
    """Return the mean of the rows of each group that are not zero (k, d), zeros for a group without any."""
    found = np.zeros((len(groups), vectors.shape[1]), vectors.dtype)
    for number, rows in enumerate(groups):
        some = vectors[[row for row in rows if vectors[row].any()]]
        if len(some):
            found[number] = some[0] if len(some) == 1 else some.mean(axis=0)
    return found


def softmax(scores: Floats) -> Floats:
    """Return the probabilities of scores (n, c)."""
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def decision_scores(scores: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return scores (n, c) in scikit-learn's form: with two classes their difference (n,), otherwise unchanged.

    >>> decision_scores(np.array([[0.5, 2.0]]))
    array([1.5])
    """
    return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores


def generator(random_state: RandomState) -> "np.random.Generator":
    """Return the random generator for `random_state`: a seed, a generator, or None for a new one.

    Raises InputError if it is something else.
    """
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(2**31))
    try:
        return np.random.default_rng(random_state)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"random_state must be a non-negative integer, a generator or None; it is {random_state!r}."
        ) from error


def probability_table(probabilities: ArrayLike) -> Floats:
    """Return probabilities (n, c) in float64 whose rows sum to 1; the first row that does not raises InputError."""
    table = np.asarray(probabilities, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] < 2:
        raise InputError(f"Probabilities must be a table (n, c) of two classes or more; the shape is {table.shape}.")
    total = table.sum(axis=1)
    wrong = np.flatnonzero(~((table >= 0).all(axis=1) & (np.abs(total - 1) < 1e-3)))
    if wrong.size:
        row = table[wrong[0]]
        found = f"its sum is {row.sum():.6g}" if (row >= 0).all() else f"it has {row[~(row >= 0)][0]:.6g}"
        raise InputError(
            f"Row {wrong[0]} does not contain probabilities: they must be 0 or more and sum to 1, but {found}."
        )
    return np.asarray(table / total[:, None], dtype=np.float64)  # float32 rows sum to 1 only approximately


def is_whole(given: object) -> TypeGuard[int]:
    """Return whether this is an integer, of Python or numpy, and not a bool."""
    return isinstance(given, numbers.Integral) and not isinstance(given, bool)


def is_number(given: object) -> TypeGuard[float]:
    """Return whether this is a real number, of Python or numpy, and not a bool."""
    return isinstance(given, numbers.Real) and not isinstance(given, bool)


def check_whole(least: int, **given: object) -> None:
    """Raise InputError if one of the parameters `given`, by name, is not an integer of at least `least`.

    >>> check_whole(1, epochs=3, rank=np.int64(8))
    """
    for name, value in given.items():
        if not is_whole(value):
            raise InputError(f"{name} must be an integer; it is {value!r}.")
        if value < least:
            raise InputError(f"{name} must be at least {least}; it is {value}.")


def check_numbers(**given: object) -> None:
    """Raise InputError if one of the parameters `given`, by name, is not a number."""
    _check(given, lambda value: True, "a number")


def check_fraction(**given: object) -> None:
    """Raise InputError if one of the parameters `given`, by name, is not above 0 and below 1.

    >>> check_fraction(coverage=0.9)
    """
    _check(given, lambda value: 0 < value < 1, "above 0 and below 1")


def check_not_negative(**given: object) -> None:
    """Raise InputError if one of the parameters `given`, by name, is not a finite number of 0 or more."""
    _check(given, lambda value: 0 <= value < np.inf, "a number of at least 0")


def check_positive(**given: object) -> None:
    """Raise InputError if one of the parameters `given`, by name, is not a finite number above 0."""
    _check(given, lambda value: 0 < value < np.inf, "a number above 0")


def _check(given: Mapping[str, object], holds: Callable[[float], bool], needed: str) -> None:
    for name, value in given.items():
        if not (is_number(value) and holds(value)):
            raise InputError(f"{name} must be {needed}; it is {value!r}.")


def pair(given: object, *, name: str, of: str = "(items, labels)") -> tuple[Any, Any]:
    """Return the two elements of `given`, or raise InputError if it is not a pair or one is None."""
    if not isinstance(given, tuple | list) or len(given) != 2 or any(one is None for one in given):
        kind = f"the class {given.__name__}" if isinstance(given, type) else type(given).__name__
        raise InputError(f"{name} must be a pair, {of}; got {kind}.")
    return given[0], given[1]
