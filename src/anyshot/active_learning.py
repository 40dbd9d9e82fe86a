"""Active learning: which unlabelled items are most worth a person's labels next."""

import numpy as np
from numpy.typing import NDArray

from anyshot.checks import Indexes, Vectors

CANDIDATES = 4_000
"""Items looked at; of a larger pool, that many drawn at random."""


def suggest(
    pool: Vectors,
    probabilities: NDArray[np.floating],
    n: int,
    *,
    labelled: Vectors,
    random: np.random.Generator,
) -> Indexes:
    """Return the rows (n,) of the pool to label next, the most useful first.

    pool (m, d) unit vectors; probabilities (m, c) of the model at hand; labelled (l, d) unit vectors.

    Each step takes the item that best stands for uncertain items which nothing chosen or labelled stands for yet
    (facility location, Wei, Iyer, Bilmes, Submodularity in Data Subset Selection and Active Learning, ICML 2015): an
    outlier stands for nobody, a second copy for nobody new, and what the model is sure of counts for little.
    """
    rows = np.arange(len(pool))
    if len(rows) > CANDIDATES:
        rows = np.sort(random.choice(rows, CANDIDATES, replace=False))
    vectors = pool[rows]
    best_two = np.partition(probabilities[rows], -2, axis=1)[:, -2:]
    doubt = 1 - (best_two[:, 1] - best_two[:, 0])  # (m,)
    likeness = np.maximum(vectors @ vectors.T, 0)  # (m, m)
    covered = (vectors @ labelled.T).max(axis=1) if len(labelled) else np.zeros(len(rows), np.float32)
    covered = np.maximum(covered, 0)
    chosen: list[int] = []
    for _ in range(min(n, len(rows))):
        gain = doubt @ np.maximum(likeness - covered[:, None], 0)  # (m,), what each item would newly stand for
        gain[chosen] = -np.inf
        chosen.append(int(gain.argmax()))
        covered = np.maximum(covered, likeness[chosen[-1]])
    return rows[np.array(chosen, dtype=np.intp)]
