"""Class vectors for the zero-shot estimators: input checks, z-scores, and ridge regression.

Gram matrices are of features, attributes or classes, never of items, so that memory is proportional to the data.
They are computed and solved in float64.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from anyshot.base.messages import warn
from anyshot.base.validation import Floats, Indexes, Vectors, class_sums, vectors
from anyshot.errors import ClassesError, DuplicateClassError, InputError, NotEnoughClassesError

Kernel: TypeAlias = Literal["linear", "rbf"]

_BLOCK = 4096  # rows that are converted to float64 at once

MAX_SPREAD_RATIO = 100.0
"""Ratio of the largest to the median standard deviation of attributes above which attributes are rescaled."""


def checked_class_vectors(class_vectors: ArrayLike) -> Floats:
    """Return the class vectors (c, a) as rows of unit length.

    If the standard deviation of an attribute is over `MAX_SPREAD_RATIO` times the median one, each attribute is divided
    by its largest absolute value first, with a warning.

    Raises
    ------
    BadItemError
        A row contains NaN or infinity.
    NotEnoughClassesError
        There is only one row.
    ClassesError
        A row is zero.
    DuplicateClassError
        Two rows have the same direction, so that these classes cannot be distinguished.
    """
    if hasattr(class_vectors, "vectors"):
        raise InputError(f"class_vectors is a {type(class_vectors).__name__}. Pass its table of numbers, .vectors.")
    if isinstance(class_vectors, Mapping) and not hasattr(class_vectors, "toarray"):
        raise InputError(
            f"class_vectors is a {type(class_vectors).__name__}; a row for each class is needed, in the order that y "
            "numbers them. Write pandas.DataFrame.from_dict(class_vectors, orient='index')."
        )
    table = vectors(class_vectors, name="class_vectors").astype(np.float64)  # (c, a)
    if len(table) < 2:
        raise NotEnoughClassesError(f"class_vectors has {len(table)} row; at least two classes are needed, a row each.")
    zero = np.flatnonzero(~table.any(axis=1))
    if zero.size:
        raise ClassesError(f"Row {zero[0]} of class_vectors contains only zeros. Pass a nonzero vector for each class.")
    table = unit_rows(_rescaled(table))
    _, first, row_of = np.unique(table.round(6), axis=0, return_index=True, return_inverse=True)
    repeated = np.flatnonzero(first[row_of.ravel()] != np.arange(len(table)))
    if repeated.size:
        pairs = ", ".join(f"{first[row_of.ravel()[row]]} and {row}" for row in repeated[:5])
        raise DuplicateClassError(
            f"class_vectors has rows with the same direction: {pairs}. These classes cannot be distinguished; describe "
            "them further."
        )
    return table


def unit_rows(table: Floats) -> Floats:
    """Scale each row of (n, d) to length 1, in float64; a row of zeros stays zero."""
    length = np.linalg.norm(table, axis=1, keepdims=True)  # (n, 1)
    return table / np.where(length > 0, length, 1)


def standardized(table: Floats, seen: Indexes) -> Floats:
    """Return unit rows (c, a') of the attributes' z-scores over the seen classes.

    Attributes that are constant over the seen classes are left out; if all are, the table is returned as it is.
    """
    spread = table[seen].std(axis=0)  # (a,)
    varies = spread > 1e-6 * max(spread.max(), 1e-12)
    if not varies.any():
        return table
    return unit_rows((table[:, varies] - table[seen][:, varies].mean(axis=0)) / spread[varies])


def squared_distances(left: NDArray[np.floating], right: NDArray[np.floating]) -> Floats:
    """Return |s - t|^2 for every row s of `left` (c, a) and t of `right` (k, a): (c, k)."""
    sizes = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1)
    return np.asarray(np.maximum(sizes - 2 * left @ right.T, 0))


def median_squared_distance(table: Floats) -> float:
    """Return the median of |s - t|^2 over pairs of rows of (k, a); 1 if there is one row only."""
    pairs = squared_distances(table, table)[np.triu_indices(len(table), k=1)]
    return max(float(np.median(pairs)), 1e-12) if pairs.size else 1.0


def sums_and_counts(X: Vectors, y: Indexes, classes: Indexes) -> tuple[Floats, Indexes]:
    """Return the sum (k, d) and the number (k,) of the rows of `X` (n, d) in each of `classes` (k,)."""
    return class_sums(X, y, int(classes.max()) + 1)[classes], np.bincount(y)[classes]


def gram(X: Vectors) -> Floats:
    """Return X'X (d, d) of `X` (n, d), in float64: in float32, items far from the origin lose how they differ."""
    found = np.zeros((X.shape[1], X.shape[1]))
    for start in range(0, len(X), _BLOCK):
        rows = X[start : start + _BLOCK].astype(np.float64)
        found += rows.T @ rows
    return found


def ridge_solve(square: Floats, right: Floats, *, penalty: float) -> Floats:
    """Return (square + penalty I)^-1 right, for a symmetric `square` (d, d) and `right` (d, m).

    Raises InputError if that cannot be computed, as the penalty is less than a rounding error of `square`.
    """
    try:
        factor = scipy.linalg.cho_factor(square + penalty * np.eye(len(square)), overwrite_a=True)
    except scipy.linalg.LinAlgError as error:
        raise InputError(
            f"A penalty of {penalty:g} is too small for a ridge regression with a trace of {np.trace(square):g}. "
            "Standardize X, as by StandardScaler(), or choose a larger penalty."
        ) from error
    return np.asarray(scipy.linalg.cho_solve(factor, right))


def kernel_ridge_weights(
    class_vectors: Floats,
    seen_vectors: Floats,
    *,
    penalty: float | Floats,
    kernel: Kernel = "rbf",
    width: float | None = None,
) -> Floats:
    """Return the weights W (c, k) with which kernel ridge regression predicts values of classes from seen classes.

    If Z (k, t) are values of the seen classes, such as classifier weights or means, W Z are the predictions for all:

        min_f  sum_j |f(t_j) - z_j|^2 + penalty |f|^2,      f(s) = k(s, T) (K(T, T) + penalty I)^-1 Z = W Z

    class_vectors (c, a); seen_vectors (k, a); penalty: one, or one for each seen class (k,); kernel: the inner product
    or exp(-|s - t|^2 / width); width: by default the median squared distance between two seen classes.
    """
    if kernel == "linear":
        known, new = seen_vectors @ seen_vectors.T, class_vectors @ seen_vectors.T
    else:
        scale = median_squared_distance(seen_vectors) if width is None else width
        known, new = (np.exp(-squared_distances(rows, seen_vectors) / scale) for rows in (seen_vectors, class_vectors))
    known = known + np.diag(np.broadcast_to(penalty, len(known)))
    return np.asarray(scipy.linalg.solve(known, new.T, assume_a="sym").T)


def _rescaled(table: Floats) -> Floats:
    spread = table.std(axis=0)  # (a,)
    positive = spread[spread > 0]
    if not positive.size or spread.max() <= MAX_SPREAD_RATIO * np.median(positive):
        return table
    warn(
        f"class_vectors has attributes on very different scales (the standard deviation of attribute "
        f"{int(spread.argmax())} is {spread.max() / np.median(positive):.0f} times the median one); each was divided "
        "by its largest absolute value. Scale them yourself to choose otherwise."
    )
    largest = np.abs(table).max(axis=0)
    return table / np.where(largest > 0, largest, 1)
