"""Answers spread over the graph of nearest neighbors."""

import numpy as np
from scipy.sparse import csr_matrix, diags

from anyshot.base.validation import Indexes, Vectors
from anyshot.zero_shot.class_vectors import Floats


def neighbor_graph(X: Vectors, neighbors: Indexes) -> csr_matrix:
    """Return the cosine of each of `X` (m, d), unit rows, to its neighbors (m, k), 0 where negative: (m, m)."""
    m, k = neighbors.shape
    cosines = np.stack([(X * X[column]).sum(axis=1) for column in neighbors.T], axis=1)  # (m, k)
    cells = np.repeat(np.arange(m), k), neighbors.ravel()
    return csr_matrix((np.maximum(cosines, 0).ravel().astype(np.float64), cells), shape=(m, m))


def mean_of_nearest(X: Vectors, nodes: Vectors, answers: Floats, *, n_neighbors: int) -> Floats:
    """Return the mean answer (n, c) of the `n_neighbors` of `nodes` (m, d) nearest to each of `X` (n, d)."""
    k = min(n_neighbors, len(nodes))
    found = np.empty((len(X), answers.shape[1]))
    for first in range(0, len(X), 1000):
        near = np.argpartition(-(X[first : first + 1000] @ nodes.T), k - 1, axis=1)[:, :k]  # (1000, k)
        found[first : first + 1000] = sum(answers[column] for column in near.T) / k
    return found


def propagate(prior: Floats, similarity: csr_matrix, *, alpha: float = 0.8, rounds: int = 30) -> Floats:
    """Spread answers (m, c) over a graph: F <- alpha S F + (1 - alpha) prior, from F = prior; rows then sum to 1.

    similarity (m, m): weights W without negative ones; S = D^-1/2 (W + W') D^-1/2. Zhou, Bousquet, Lal, Weston,
    Schoelkopf. Learning with Local and Global Consistency. NIPS 2003, section 2.
    """
    both = similarity + similarity.T
    root = diags(1 / np.sqrt(np.maximum(np.asarray(both.sum(axis=1)).ravel(), 1e-12)))
    S = root @ both @ root
    spread = prior
    for _ in range(rounds):
        spread = alpha * (S @ spread) + (1 - alpha) * prior
    return np.asarray(spread / spread.sum(axis=1, keepdims=True))
