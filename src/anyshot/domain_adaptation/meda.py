"""Manifold embedded distribution alignment (MEDA): a smooth function on both domains with aligned class means."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.linalg import lu_factor, lu_solve
from scipy.sparse import csr_array, dia_array, eye_array
from scipy.special import softmax
from sklearn.preprocessing import normalize

from anyshot.base.folds import evenly_spaced
from anyshot.base.scored_classifier import ScoredClassifier
from anyshot.base.validation import Indexes, check_not_negative, check_whole
from anyshot.domain_adaptation.base import AdaptedClassifier, fit_base
from anyshot.domain_adaptation.domains import Domains, Floats, Table, mean_differences
from anyshot.domain_adaptation.principal_axes import geodesic_flow
from anyshot.zero_shot.class_vectors import squared_distances

# Find a function f = K beta on all n = n_s + n_t items, where K is a kernel on the geodesic flow between the domains:
#
#     min   |A (Y - f)|^2  +  eta f' K^-1 f  +  alignment f' M f  +  smoothness f' L f
#
# A selects the source items, with their weights, Y (n, c) are their classes, L is the graph Laplacian of nearest
# neighbors, M = E'E / |E'E| holds the differences between the domains' means, of all items and of each class, using the
# target classes that f predicted in the round before. The minimum solves B beta = A Y,
#
#     B = (A + alignment M + smoothness L) K + eta I.
#
# This is eq. 13 of the paper, with equal weights for the two kinds of mean. The paper starts from the predictions of a
# nearest neighbor; this starts from those of f without alignment, which are free (3 points better on digits, 0.4 worse
# on photos). Only M changes from round to round, and its rank is at most c + 1: B is factored once, and each round is a
# low-rank update by the matrix inversion lemma.

ETA: Final = 0.1
"""The paper's value."""
MAX_ITEMS: Final = 6000
"""Items used at most, evenly spaced in both domains: the memory is quadratic in them."""


def gaussian_kernel(X: Floats, Z: Floats, width: float) -> Floats:
    """Return exp(-|x - z|^2 / width) (n, m) of vectors (n, k), (m, k)."""
    return np.asarray(np.exp(-squared_distances(X, Z) / width))


def neighbors_by_cosine(cosine: Floats, n_neighbors: int) -> Indexes:
    """Return the rows of the nearest neighbors of each item (n, k), given all cosines (n, n); sets their diagonal."""
    np.fill_diagonal(cosine, -np.inf)
    k = min(n_neighbors, len(cosine) - 1)
    return np.asarray(np.argpartition(-cosine, k - 1, axis=1)[:, :k])


def neighbor_laplacian(vectors: Floats, n_neighbors: int) -> csr_array:
    """Return I - D^-1/2 W D^-1/2 (n, n), where W contains the cosines of unit vectors (n, k) to their neighbors."""
    cosine = vectors @ vectors.T
    neighbors = neighbors_by_cosine(cosine, n_neighbors)
    n, k = neighbors.shape
    weights = np.maximum(np.take_along_axis(cosine, neighbors, axis=1), 0)  # (n, k)
    W = csr_array((weights.ravel(), (np.repeat(np.arange(n), k), neighbors.ravel())), shape=(n, n))
    W = W.maximum(W.T)
    scale = dia_array((1 / np.sqrt(np.maximum(W.sum(axis=1), 1e-12))[None], [0]), shape=(n, n))
    return csr_array(eye_array(n) - scale @ W @ scale)


def aligned_coefficients(
    kernel: Floats,
    laplacian: csr_array,
    index: Indexes,
    start: Indexes | None,
    *,
    alignment: float = 10.0,
    smoothness: float = 1.0,
    rounds: int = 10,
    weights: Floats | None = None,
) -> Floats:
    """Return beta (n, c) after `rounds` solutions of the equation above, the source items first.

    kernel, laplacian (n, n); index (n_s,): source classes; start (n_t,): predicted target classes to start from, or
    None for those of f without alignment; alignment, smoothness: the paper's by default; weights (n_s,): how often each
    source item counts, 1 by default.
    """
    n, n_s, c = len(kernel), len(index), int(index.max()) + 1
    B = smoothness * (laplacian @ kernel)
    counted = np.ones((n_s, 1)) if weights is None else weights[:, None]
    B[:n_s] += counted * kernel[:n_s]
    B[np.diag_indices(n)] += ETA
    factors = lu_factor(B, overwrite_a=True, check_finite=False)
    right = np.vstack([counted * np.eye(c)[index], np.zeros((n - n_s, c))])  # (n, c)
    unaligned = lu_solve(factors, right, check_finite=False)  # beta without alignment, (n, c)
    predicted = (kernel[n_s:] @ unaligned).argmax(axis=1) if start is None else start  # (n_t,)
    for _ in range(rounds):
        E = mean_differences(n_s, n - n_s, (index, predicted))  # (g, n)
        E[0] *= np.sqrt(c)  # all classes together weigh as much as all items
        strength = alignment / np.linalg.norm(E @ E.T)
        shift = lu_solve(factors, E.T, check_finite=False)  # (n, g)
        E_kernel = E @ kernel  # (g, n)
        inner = np.eye(len(E)) / strength + E_kernel @ shift  # (g, g)
        beta = unaligned - shift @ np.linalg.solve(inner, E_kernel @ unaligned)  # (n, c)
        predicted = (kernel[n_s:] @ beta).argmax(axis=1)
    return np.asarray(beta)


@dataclass(frozen=True)
class KernelClassifier(ScoredClassifier):
    """A fitted kernel classifier on class indexes: scores = K(x, landmarks) beta / scale."""

    classes_: Indexes  # (c,), class indexes
    landmarks: Floats  # (m, k)
    beta: Floats  # (m, c)
    width: float  # of the Gaussian kernel
    scale: float

    def _scores(self, X: Floats) -> Floats:
        return np.asarray(gaussian_kernel(X, self.landmarks, self.width) @ self.beta / self.scale)


@dataclass(kw_only=True, eq=False, repr=False)
class MEDA(AdaptedClassifier):
    """Manifold embedded distribution alignment: a function that is smooth on both domains and aligns the class means.

    Parameters
    ----------
    n_components : int, default=20
        Number of principal axes of each domain, between which the geodesic flow runs.
    n_neighbors : int, default=10
        Number of neighbors of each item in the graph.
    alignment : float, default=10.0
        Weight of the differences between the domains' means.
    smoothness : float, default=1.0
        Weight of the differences between neighbors.
    rounds : int, default=10
        Number of times the class means are aligned by the predicted target classes.
    base : classifier, default=None
        Predicts the target classes of the first round, and is the model if there is no target. None means the function
        without alignment, and logistic regression.
    normalize : see `AdaptedClassifier`

    Attributes
    ----------
    axes_ : ndarray of shape (n_features, 2 * n_components)
        The geodesic flow; absent if `fit` had no target.
    model_ : KernelClassifier
        The function, or the fitted base classifier if `fit` had no target.
    classes_ : see `AdaptedClassifier`

    Notes
    -----
    The memory is quadratic in the items of both domains: of more than 6,000, evenly spaced ones are used.

    References
    ----------
    Wang, Feng, Chen, Yu, Huang, Yu. Visual Domain Adaptation with Manifold Embedded Distribution Alignment. ACM MM
    2018.
    """

    supports_sparse = False
    n_components: int = 20
    n_neighbors: int = 10
    alignment: float = 10.0
    smoothness: float = 1.0
    rounds: int = 10

    def _adapt(self, domains: Domains) -> None:
        check_whole(1, n_components=self.n_components, n_neighbors=self.n_neighbors, rounds=self.rounds)
        check_not_negative(alignment=self.alignment, smoothness=self.smoothness)
        sizes = len(domains.source), len(domains.target)
        fraction = min(1, MAX_ITEMS / sum(sizes))
        rows, target_rows = (evenly_spaced(n, max(2, int(fraction * n))) for n in sizes)
        some = domains.part(rows, target_rows)
        self.axes_ = geodesic_flow(some.source, some.target, n_components=self.n_components)
        start = None
        if self.base is not None:
            start = fit_base(self.base, some.source, some.index, some.weights).predict(some.target)
        landmarks = self._represent(np.vstack([some.source, some.target]))  # (n, k)
        squares = squared_distances(landmarks, landmarks)
        width = float(squares.mean()) or 1.0
        kernel = np.exp(-squares / width)
        beta = aligned_coefficients(
            kernel, neighbor_laplacian(landmarks, self.n_neighbors), some.index, start, alignment=self.alignment,
            smoothness=self.smoothness, rounds=self.rounds, weights=some.weights,
        )  # fmt: skip
        scale = _calibrated_scale(kernel[: len(some.index)] @ beta, some.index, some.weights)
        self.model_ = KernelClassifier(np.arange(some.n_classes), landmarks, beta, width, scale)

    def _represent(self, table: Table) -> Table:
        return normalize(table.astype(np.float64) @ self.axes_)


def _calibrated_scale(scores: Floats, index: Indexes, weights: Floats | None) -> float:
    """Return the divisor of scores (n, c) that gives the softmax the lowest cross-entropy on the source."""
    rows = np.arange(len(index))

    def loss(scale: float) -> float:
        likelihoods = np.maximum(softmax(scores / scale, axis=1)[rows, index], 1e-12)
        return -float(np.average(np.log(likelihoods), weights=weights))

    return float(min(np.geomspace(0.01, 10, 40), key=loss))
