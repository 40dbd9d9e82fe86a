"""Which labeled items to hold out and which to take: folds, the first items of each class, and copies of items."""

import hashlib
import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anyshot.base.validation import Indexes, Vectors
from anyshot.errors import InputError


def folds_by_arrival(y: ArrayLike, n_folds: int, *, same: NDArray[np.intp] | None = None) -> NDArray[np.intp]:
    """Return the fold of each item (n,): the i-th item of the k-th class that occurs is in fold (i + k) mod n_folds.

    y (n,): class indexes; -1, no label, is in fold -1. The folds are stratified by class, and classes of one item are
    spread over the folds. Items and classes that are added later do not change the folds of earlier items.

    same (n,), from `first_copies`: copies of an item get its fold, so that no copy of a test item is used
    for training.

    >>> folds_by_arrival([0, 0, 1, -1, 0], 2)
    array([ 0,  1,  1, -1,  0])
    """
    if n_folds < 2:
        raise InputError(f"n_folds must be 2 or more; it is {n_folds}.")
    index = np.asarray(y, dtype=np.intp)
    order = np.arange(len(index))
    first = order if same is None else same
    distinct = np.where(first == order, index, -1)
    _, occurs, row = np.unique(index[index >= 0], return_index=True, return_inverse=True)
    number = np.zeros(len(index), np.intp)  # of the item's class, in the order in which classes occur
    number[index >= 0] = np.argsort(np.argsort(occurs))[row]
    folds = (ranks_in_class(distinct, order) + number[first]) % n_folds
    return np.where(index >= 0, folds[first], -1)


def ranks_in_class(index: NDArray[np.intp], order: NDArray[np.integer]) -> NDArray[np.intp]:
    """Return the number of items of its class that precede each item (n,) in `order` (n,)."""
    by_class = order[np.argsort(index[order], kind="stable")]  # (n,), class by class, each in `order`
    sorted_index = index[by_class]
    starts = np.searchsorted(sorted_index, sorted_index)  # (n,), where the class of each item starts
    ranks = np.empty(len(index), dtype=np.intp)
    ranks[by_class] = np.arange(len(index)) - starts
    return ranks


def first_per_class(index: NDArray[np.intp], k: int, order: NDArray[np.integer]) -> NDArray[np.intp]:
    """Return sorted rows of the first `k` items of each class in `order` (n,); index (n,), -1 for no class."""
    return np.flatnonzero((index >= 0) & (ranks_in_class(index, order) < k))


def first_of_each_class(index: NDArray[np.intp], limit: int) -> NDArray[np.intp]:
    """Return sorted rows of at most `limit` items of classes `index` (n,), those that come first in each class."""
    if len(index) <= limit:
        return np.arange(len(index))
    order = ranks_in_class(index, np.arange(len(index)))
    return np.sort(np.argsort(order, kind="stable")[:limit])


def evenly_spaced(n: int, at_most: int) -> Indexes:
    """Return sorted rows of `n`, evenly spaced from the first to the last, or all if there are not more.

    >>> evenly_spaced(7, 4), evenly_spaced(2, 4)
    (array([0, 2, 4, 6]), array([0, 1]))
    """
    return np.linspace(0, n - 1, min(n, at_most)).astype(np.intp)


def first_copies(X: Vectors) -> Indexes:
    """Return, for each vector of `X` (n, d), the index of the first equal vector (n,).

    >>> first_copies(np.array([[1.0], [2.0], [1.0]], dtype=np.float32))
    array([0, 1, 0])
    """
    if len(X) == 0 or len(np.unique(X[:, 0])) == len(X):  # a quick check that all vectors are distinct
        return np.arange(len(X))
    first: dict[bytes, int] = {}
    indexes = [first.setdefault(row.tobytes(), index) for index, row in enumerate(np.ascontiguousarray(X))]
    return np.array(indexes, dtype=np.intp)


def parts_to_test(X: Vectors, rows: Indexes) -> list[NDArray[np.bool_]]:
    """Return the parts of `X` (n, d) that are left out in turn (n,): every fifth of some rows, with its copies.

    It is one part, or up to five if there are fewer than 1,000 different vectors in these rows.
    """
    first = first_copies(X)
    different = np.unique(first[rows])
    n_parts = min(5, len(different), math.ceil(1_000 / len(different)))
    return [np.isin(first, different[number::5]) for number in range(n_parts)]


def row_digests(X: Vectors) -> list[bytes]:
    """Return a digest of each vector of `X` (n, d); equal vectors have the same, also in another process."""
    return [hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in np.ascontiguousarray(X)]
