"""Active learning: which unlabeled items are most worth a person's labels next."""

import heapq

import numpy as np
from numpy.typing import NDArray

from anyshot.base.validation import Indexes, Vectors
from anyshot.errors import InputError

CANDIDATES = 4_000
"""Items looked at; of a larger pool, that many drawn at random."""
NEARNESS = 3
"""Power of the cosine at which one item stands for another: only what is close is known by its neighbor's label."""
DOUBT = 2
"""Power at which the model's doubt about an item counts."""


def looked_at(n_items: int, n: int, random: np.random.Generator) -> Indexes:
    """Return the rows of a pool that may be suggested, ascending: all, or `CANDIDATES` drawn at random.

    Raises
    ------
    InputError
        More are to be chosen than are looked at.
    """
    if n_items <= CANDIDATES:
        return np.arange(n_items)
    if n > CANDIDATES:
        raise InputError(f"{n} items are to be suggested; {CANDIDATES:,} at once are the most. Label these first.")
    return np.sort(random.choice(n_items, CANDIDATES, replace=False))


def suggest(pool: Vectors, probabilities: NDArray[np.floating], n: int, *, labeled: Vectors) -> Indexes:
    """Return the rows (n,) of the pool to label next, the most useful first.

    pool (m, d) unit vectors; probabilities (m, c) of the model at hand; labeled (l, d) unit vectors.

    Each step takes the item that best stands for uncertain items which nothing chosen or labeled stands for yet
    (facility location, Wei, Iyer, Bilmes, Submodularity in Data Subset Selection and Active Learning, ICML 2015): an
    outlier stands for nobody, a second copy for nobody new, and what the model is sure of counts for little.
    """
    vectors = np.asarray(pool, dtype=np.float32)
    best_two = np.partition(probabilities, -2, axis=1)[:, -2:]
    doubt = ((1 - (best_two[:, 1] - best_two[:, 0])) ** DOUBT).astype(np.float32)  # (m,)
    likeness = np.maximum(vectors @ vectors.T, 0) ** NEARNESS  # (m, m)
    covered = np.zeros(len(vectors), np.float32)
    if len(labeled):
        covered = np.maximum((vectors @ labeled.T).max(axis=1), 0) ** NEARNESS
    return _cover(likeness, doubt, covered, n)


def _cover(likeness: Vectors, doubt: NDArray[np.float32], covered: NDArray[np.float32], n: int) -> Indexes:
    """Return the items (n,) that stand for most of the doubt (m,), each step's best, given what is `covered` (m,).

    likeness (m, m): how well one item stands for another. What an item would add only falls as others are chosen, so
    that one whose last known gain is not the largest need not be looked at again (Minoux, Accelerated Greedy Algorithms
    for Maximizing Submodular Set Functions, 1978).
    """
    gains = np.maximum(likeness - covered, 0) @ doubt  # (m,), what each item would stand for
    known = [(-float(gain), item) for item, gain in enumerate(gains)]
    heapq.heapify(known)
    chosen: list[int] = []
    seen = np.zeros(len(doubt), np.intp)  # how many were chosen when an item was last looked at
    while known and len(chosen) < n:
        _, item = heapq.heappop(known)
        if seen[item] == len(chosen):
            chosen.append(item)
            covered = np.maximum(covered, likeness[item])
        else:
            seen[item] = len(chosen)
            heapq.heappush(known, (-float(np.maximum(likeness[item] - covered, 0) @ doubt), item))
    return np.array(chosen, dtype=np.intp)
