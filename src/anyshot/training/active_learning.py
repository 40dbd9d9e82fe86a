"""Active learning: choose the unlabeled items whose labels would help most."""

import heapq
from typing import Final

import numpy as np

from anyshot.base.validation import Floats, Indexes, Vectors
from anyshot.errors import InputError

MAX_CANDIDATES: Final = 4_000
"""Items considered; of a larger pool, a random sample of this size."""
COSINE_POWER: Final = 3
"""Power of the cosine that measures how well an item represents another: only near neighbors share a label."""
UNCERTAINTY_POWER: Final = 2
"""Power of the model's uncertainty."""


def candidates(n_items: int, n: int, random: "np.random.Generator") -> Indexes:
    """Return the rows of a pool that may be suggested, ascending: all, or a random sample of `MAX_CANDIDATES`.

    Raises InputError if `n` is larger than the sample.
    """
    if n_items <= MAX_CANDIDATES:
        return np.arange(n_items)
    if n > MAX_CANDIDATES:
        raise InputError(f"n={n} is too large: at most {MAX_CANDIDATES:,} items are suggested at once.")
    return np.sort(random.choice(n_items, MAX_CANDIDATES, replace=False))


def suggest(pool: Vectors, probabilities: Floats, n: int, *, labeled: Vectors, counts: Floats) -> Indexes:
    """Return the rows (n,) of the pool to label next, the most useful first.

    pool (m, d), labeled (l, d) unit vectors; probabilities (m, c) predicted; counts (c,) labels of each class.

    Each step takes the item that represents the most uncertainty that nothing chosen or labeled represents yet
    (facility location, Wei, Iyer, Bilmes, Submodularity in Data Subset Selection and Active Learning, ICML 2015). An
    outlier represents only itself, a copy adds nothing, and confident predictions count for little. The uncertainty
    is divided by 1 + the labels of the predicted class, since one more label moves a mean of k labels by 1 / (1 + k).

    What an item would add only decreases as others are chosen. So an item whose last known gain is not the largest need
    not be evaluated again (Minoux, Accelerated Greedy Algorithms for Maximizing Submodular Set Functions, 1978).
    """
    margin = np.diff(np.partition(probabilities, -2, axis=1)[:, -2:])[:, 0]
    labels = counts[probabilities.argmax(axis=1)]  # (m,)
    uncertainty = ((1 - margin) ** UNCERTAINTY_POWER / (1 + labels)).astype(np.float32)  # (m,)
    similarity = np.maximum(pool @ pool.T, 0) ** COSINE_POWER  # (m, m), how well one item represents another
    covered = np.zeros(len(pool), np.float32)  # (m,), how well an item is represented
    if len(labeled):
        covered = np.maximum((pool @ labeled.T).max(axis=1), 0) ** COSINE_POWER
    gains = np.maximum(similarity - covered, 0) @ uncertainty  # (m,)
    queue = [(-float(gain), item) for item, gain in enumerate(gains)]
    heapq.heapify(queue)
    chosen: list[int] = []
    n_chosen_when_evaluated = np.zeros(len(pool), np.intp)
    while queue and len(chosen) < n:
        _, item = heapq.heappop(queue)
        if n_chosen_when_evaluated[item] == len(chosen):
            chosen.append(item)
            covered = np.maximum(covered, similarity[item])
        else:
            n_chosen_when_evaluated[item] = len(chosen)
            gain = float(np.maximum(similarity[item] - covered, 0) @ uncertainty)
            heapq.heappush(queue, (-gain, item))
    return np.array(chosen, dtype=np.intp)
