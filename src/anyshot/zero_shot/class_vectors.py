"""Class vectors as the zero-shot methods need them: checked, of unit length, and compared with each other."""

import warnings
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve

from anyshot.base.validation import Indexes, vectors
from anyshot.errors import ClassesError, DuplicateClassError, NotEnoughClassesError

Floats: TypeAlias = NDArray[np.float64]
Kernel: TypeAlias = Literal["linear", "rbf"]

WILD_SCALES = 100.0
"""How much wider than the median attribute one may spread before each is divided by its largest value."""


def checked_class_vectors(class_vectors: ArrayLike) -> Floats:
    """Return the class vectors (c, a) as rows of unit length.

    Where one attribute spreads over `WILD_SCALES` times the median spread, it alone would decide every comparison: then
    each attribute is divided by its largest absolute value first, and a warning says so.

    Raises
    ------
    BadItemError
        A row holds NaN or infinity.
    NotEnoughClassesError
        There is only one row.
    ClassesError
        A row is zero: nothing is known of that class.
    DuplicateClassError
        Two rows point the same way, so that these classes cannot be told apart.
    """
    table = vectors(class_vectors, name="class_vectors").astype(np.float64)  # (c, a)
    if len(table) < 2:
        raise NotEnoughClassesError(f"class_vectors has {len(table)} row; at least two classes are needed, a row each.")
    zero = np.flatnonzero(~table.any(axis=1))
    if zero.size:
        raise ClassesError(f"class_vectors is zero in row {zero[0]}: nothing is known of that class. Describe it.")
    table = unit_rows(_on_one_scale(table))
    _, first, row_of = np.unique(table.round(6), axis=0, return_index=True, return_inverse=True)
    twice = np.flatnonzero(first[row_of.ravel()] != np.arange(len(table)))
    if twice.size:
        pairs = ", ".join(f"{first[row_of.ravel()[row]]} and {row}" for row in twice[:5])
        raise DuplicateClassError(
            f"class_vectors has rows that point the same way: {pairs}. These classes cannot be told "
            "apart; describe them further."
        )
    return table


def unit_rows(table: Floats) -> Floats:
    """Scale each row of (n, d) to length 1, in float64; a row of zeros stays zero."""
    length = np.linalg.norm(table, axis=1, keepdims=True)  # (n, 1)
    return table / np.where(length > 0, length, 1)


def standardized(table: Floats, seen: Indexes) -> Floats:
    """Return unit rows (c, a') of the attributes' z-scores over the seen classes.

    An attribute on which the seen classes agree says nothing about them and is left out; if they agree on all, the
    table comes back as it is.
    """
    spread = table[seen].std(axis=0)  # (a,)
    told = spread > 1e-6 * max(spread.max(), 1e-12)
    if not told.any():
        return table
    return unit_rows((table[:, told] - table[seen][:, told].mean(axis=0)) / spread[told])


def class_kernel(table: Floats, seen: Indexes, *, kernel: Kernel) -> Floats:
    """Return how alike the classes are (c, c).

    "linear" is the inner product. "rbf" is exp(-|s - t|^2 / m), m being the median squared distance between two seen
    classes, so that it has no width to choose.
    """
    alike = table @ table.T  # (c, c)
    if kernel == "linear":
        return alike
    size = np.diag(alike)
    distance = np.maximum(size[:, None] + size[None, :] - 2 * alike, 0)  # (c, c), squared
    among_seen = distance[np.ix_(seen, seen)][np.triu_indices(len(seen), k=1)]
    width = float(np.median(among_seen)) if among_seen.size else 1.0
    return np.asarray(np.exp(-distance / max(width, 1e-12)))


def smoother(alike: Floats, seen: Indexes, *, penalty: float | Floats) -> Floats:
    """Return the weights (c, c_seen) with which kernel ridge carries what is known of seen classes to all.

    alike (c, c): a kernel. What is known, Z (c_seen, t), becomes smoother @ Z (c, t), the least squares fit of Z with
    `penalty` on the function's norm: K[:, seen] (K[seen, seen] + penalty I)^-1. A penalty for each seen class (c_seen,)
    says how little each is believed.
    """
    among_seen = alike[np.ix_(seen, seen)] + np.diag(np.broadcast_to(penalty, len(seen)))  # (c_seen, c_seen)
    return np.asarray(solve(among_seen, alike[seen], assume_a="sym").T)


def _on_one_scale(table: Floats) -> Floats:
    spread = table.std(axis=0)  # (a,)
    told = spread[spread > 0]
    if not told.size or spread.max() <= WILD_SCALES * np.median(told):
        return table
    warnings.warn(
        f"class_vectors has attributes on very different scales (attribute {int(spread.argmax())} spreads "
        f"{spread.max() / np.median(told):.0f} times as wide as the median one); each was divided by its largest "
        "absolute value. Scale them yourself to choose otherwise.",
        UserWarning,
        stacklevel=4,
    )
    largest = np.abs(table).max(axis=0)
    return table / np.where(largest > 0, largest, 1)
