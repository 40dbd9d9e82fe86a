"""Folds for cross-validation that stay put as labels arrive."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anyshot.checks import Indexes
from anyshot.errors import InputError


def folds_by_arrival(y: ArrayLike, n_folds: int) -> Indexes:
    """Return the fold of each item (n,): item i of class k, in order of arrival, is in fold (i + k) mod n_folds.

    y (n,): rows of the class table; -1, no label, is in fold -1. Each class is spread over the folds, and where classes
    have one item each the classes are. Items that are added later leave the earlier ones where they are.

    >>> folds_by_arrival([0, 0, 1, -1, 0], 2)
    array([ 0,  1,  1, -1,  0])
    """
    if n_folds < 2:
        raise InputError(f"n_folds must be 2 or more; it is {n_folds}.")
    index = np.asarray(y, dtype=np.intp)
    return np.where(index >= 0, (places_in_class(index, np.arange(len(index))) + index) % n_folds, -1)


def places_in_class(index: Indexes, order: NDArray[np.integer]) -> Indexes:
    """Return how many items of its class come before each item (n,) when they are read in `order` (n,)."""
    by_class = order[np.argsort(index[order], kind="stable")]  # (n,), class after class, each in `order`
    sorted_index = index[by_class]
    starts = np.searchsorted(sorted_index, sorted_index)  # (n,), where each item's class begins
    place = np.empty(len(index), dtype=np.intp)
    place[by_class] = np.arange(len(index)) - starts
    return place
