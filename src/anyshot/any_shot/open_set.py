"""Open-set recognition: an item that lies far from every class is answered "unknown"."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from anyshot.any_shot.prototypes import prototypes
from anyshot.base.items import class_sums
from anyshot.base.validation import Indexes, Vectors, unit
from anyshot.errors import NotEnoughLabelsError
from anyshot.evaluation.splits import first_copies

SHARPNESS = 30.0
"""How nearly the closeness is the largest cosine; at 30 a second class nearby counts a little."""

# Closeness to the nearest class mean told 200 out-of-scope queries from 3,000 in scope (validation rows, 10 labels a
# class) at an AUROC of 98, the top probability at 93: a probability says which of the classes, and is sure of it far
# from all of them too.


def closeness(X: Vectors, class_means: Vectors) -> NDArray[np.float64]:
    """Return how close vectors (n, d) lie to the nearest of the class means (c, d), a soft maximum of cosines (n,)."""
    return np.asarray(logsumexp(SHARPNESS * (X @ class_means.T).astype(np.float64), axis=1) / SHARPNESS)


def closeness_of_labeled(X: Vectors, index: Indexes, class_vectors: Vectors) -> NDArray[np.float64]:
    """Return how close labeled vectors (n, d) lie to class means that were taken without them and their copies (n,).

    index (n,): rows of class_vectors (c, d).
    """
    sums = class_vectors + class_sums(X, index, len(class_vectors))
    _, group, size = np.unique(first_copies(X) + len(X) * index, return_inverse=True, return_counts=True)
    return _closeness_with_own(X, index, sums, sums[index] - size[group][:, None] * X)


def closeness_by_name(X: Vectors, index: Indexes, class_vectors: Vectors) -> NDArray[np.float64]:
    """Return how close labeled vectors (n, d) would lie, had only their own class no label (n,).

    It is how close the items of a class without labels lie to it: a name is farther off than a mean.
    """
    sums = class_vectors + class_sums(X, index, len(class_vectors))
    return _closeness_with_own(X, index, sums, class_vectors[index])


def _closeness_with_own(
    X: Vectors, index: Indexes, sums: NDArray[np.floating], own: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return the closeness of X (n, d) to the directions `sums` (c, d), their own class's being `own` (n, d)."""
    cosines = (X @ unit(sums).T).astype(np.float64)  # (n, c)
    cosines[np.arange(len(X)), index] = (X * unit(own)).sum(axis=1)
    return np.asarray(logsumexp(SHARPNESS * cosines, axis=1) / SHARPNESS)


def fit_threshold(
    labeled: Vectors, index: Indexes, class_vectors: Vectors, pool: Vectors, *, unknown_rate: float
) -> float:
    """Return the closeness below which an item is unknown, at most `unknown_rate` of items that belong being so.

    labeled (n, d) with classes index (n,), pool (m, d) of items that mostly belong to some class. Labeled items are
    used where they suffice for the rate, the pool where they do not. Every class counts the same, however many labels
    it has; one without any is judged by the labeled items, as if their own classes had none.

    Raises
    ------
    NotEnoughLabelsError
        Neither has the 1 / unknown_rate items that it takes to tell such a rate.
    """
    needed = int(np.ceil(1 / unknown_rate))
    if len(labeled) >= needed:
        return _threshold_of_labeled(labeled, index, class_vectors, unknown_rate)
    if len(pool) < needed:
        raise NotEnoughLabelsError(
            f"unknown_rate={unknown_rate:g} needs at least {needed} labeled or unlabeled items to find its "
            f"threshold by; there are {len(labeled)} and {len(pool)}. Give more (unlabeled=...), or unknown_rate=None."
        )
    known = closeness(pool, prototypes(labeled, index, class_vectors, name_weight=1.0))
    return float(np.quantile(known, unknown_rate, method="lower"))


def _threshold_of_labeled(X: Vectors, index: Indexes, class_vectors: Vectors, unknown_rate: float) -> float:
    """Return the closeness below which `unknown_rate` of the items lie, were there as many of each class."""
    counts = np.bincount(index, minlength=len(class_vectors))
    known, weights = closeness_of_labeled(X, index, class_vectors), 1 / counts[index]  # (n,), (n,)
    named = np.asarray(class_vectors.any(axis=1))  # (c,)
    bare, told = np.count_nonzero(named & (counts == 0)), named[index]
    if bare and told.any():
        by_name, shares = closeness_by_name(X, index, class_vectors)[told], weights[told]
        known = np.concatenate([known, by_name])
        weights = np.concatenate([weights, bare * shares / shares.sum()])
    order = np.argsort(known, kind="stable")
    below = (np.cumsum(weights[order]) - weights[order]) / (weights.sum() - weights[order[-1]])  # (n,), 0 to 1
    place = np.searchsorted(below, unknown_rate * (1 + 1e-9), side="right") - 1
    return float(known[order][place])
