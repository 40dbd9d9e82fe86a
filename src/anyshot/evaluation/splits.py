"""Rows that are held out: folds that stay put as labels arrive, and a share of each class to measure on."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anyshot.base.items import Labels, classes_in
from anyshot.base.validation import Indexes, Vectors, generator
from anyshot.errors import InputError, NotEnoughLabelsError

TEST_SHARE: Final = 0.3
"""Share of each class's labeled items that a curve is measured on."""


def first_copies(X: Vectors) -> Indexes:
    """Return the first place where the same vector stands as at each place of `X` (n, d): its own, or a copy's (n,).

    >>> first_copies(np.array([[1.0], [2.0], [1.0]], dtype=np.float32))
    array([0, 1, 0])
    """
    if len(X) == 0 or len(np.unique(X[:, 0])) == len(X):  # no two begin alike, which is soon seen
        return np.arange(len(X))
    first: dict[bytes, int] = {}
    places = [first.setdefault(row.tobytes(), place) for place, row in enumerate(np.ascontiguousarray(X))]
    return np.array(places, dtype=np.intp)


def folds_by_arrival(y: ArrayLike, n_folds: int, *, same: Indexes | None = None) -> Indexes:
    """Return the fold of each item (n,): item i of class k, in order of arrival, is in fold (i + k) mod n_folds.

    y (n,): rows of the class table; -1, no label, is in fold -1. Each class is spread over the folds, and where classes
    have one item each the classes are. Items that are added later leave the earlier ones where they are.

    same (n,), from `first_copies`: a copy is in its first one's fold. An item held out beside a copy of it that is
    learned from would ask nothing.

    >>> folds_by_arrival([0, 0, 1, -1, 0], 2)
    array([ 0,  1,  1, -1,  0])
    """
    if n_folds < 2:
        raise InputError(f"n_folds must be 2 or more; it is {n_folds}.")
    index = np.asarray(y, dtype=np.intp)
    order = np.arange(len(index))
    first = order if same is None else same
    counted = np.where(first == order, index, -1)
    folds = (places_in_class(counted, order) + index[first]) % n_folds
    return np.where(index >= 0, folds[first], -1)


def places_in_class(index: Indexes, order: NDArray[np.integer]) -> Indexes:
    """Return how many items of its class come before each item (n,) when they are read in `order` (n,)."""
    by_class = order[np.argsort(index[order], kind="stable")]  # (n,), class after class, each in `order`
    sorted_index = index[by_class]
    starts = np.searchsorted(sorted_index, sorted_index)  # (n,), where each item's class begins
    place = np.empty(len(index), dtype=np.intp)
    place[by_class] = np.arange(len(index)) - starts
    return place


def set_aside(labels: Labels, *, seed: int) -> Indexes:
    """Return rows (m,) to measure on, ascending: `TEST_SHARE` of each class, at least one, drawn with a seed.

    Raises
    ------
    NotEnoughLabelsError
        A class has a single label: it can be learned from or measured on, not both.
    """
    draw, chosen = generator(seed), []
    for name in classes_in(labels):
        own = [row for row, label in enumerate(labels) if label == name]
        if len(own) < 2:
            raise NotEnoughLabelsError(f"Class {name!r} has one item; a curve needs two, one to measure on. Add some.")
        chosen.extend(draw.choice(own, size=max(1, round(TEST_SHARE * len(own))), replace=False).tolist())
    return np.sort(np.array(chosen, dtype=np.intp))
