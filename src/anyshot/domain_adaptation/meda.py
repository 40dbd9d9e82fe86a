"""Manifold alignment: one classifier on both domains, smooth on the target, its classes' means aligned as it learns."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lu_factor, lu_solve
from scipy.sparse import csr_array, dia_array, eye_array
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.preprocessing import normalize

from anyshot.base.items import decision_scores
from anyshot.base.validation import Indexes
from anyshot.domain_adaptation.base import AdaptedClassifier, Domains, fitted_base
from anyshot.domain_adaptation.normalization import Normalize, Table
from anyshot.domain_adaptation.subspace_alignment import geodesic_flow
from anyshot.errors import InputError

# Sought is a function f = K beta on all n = n_s + n_t items, K a kernel on the geodesic flow between the domains:
#
#     min   |A (Y - f)|^2  +  eta f' K^-1 f  +  alignment f' M f  +  smoothness f' L f
#
# A picks the source's items, Y (n, c) their classes, L is the graph Laplacian of nearest neighbors, M = E'E / |E'E|
# holds the gaps between the domains' means, of all items and of each class, the target's classes being f's own answers
# in the round before. The minimum solves B beta = A Y,
#
#     B = (A + alignment M + smoothness L) K + eta I.
#
# Wang, Feng, Chen, Yu, Huang, Yu. Visual Domain Adaptation with Manifold Embedded Distribution Alignment. ACM MM 2018,
# eq. 13 (with equal weights for the two kinds of mean), whose first answers are a nearest neighbor's; here they are
# those of f without alignment, which cost nothing (on digits 3 points better, on photos 0.4 worse). Only M changes from
# round to round, and its rank is at most c + 1: B is factored once, and each round is a correction by the matrix
# inversion lemma, not a solution anew.

ITEMS: Final = 6000
"""Items used at most, evenly picked of both domains: the memory is quadratic in them."""


@dataclass(frozen=True)
class Weights:
    """What the parts of the objective weigh; the values are the paper's."""

    alignment: float = 10.0
    smoothness: float = 1.0
    eta: float = 0.1


def gaussian_kernel(one: NDArray[np.floating], other: NDArray[np.floating], width: float) -> NDArray[np.floating]:
    """Return exp(-|x - z|^2 / width) (n, m) of vectors (n, k), (m, k)."""
    return np.asarray(np.exp(-_squares(one, other) / width))


def neighbor_laplacian(vectors: NDArray[np.floating], n_neighbors: int) -> csr_array:
    """Return I - D^-1/2 W D^-1/2 (n, n), W being the cosines of unit vectors (n, k) that are each other's near ones."""
    cosine = vectors @ vectors.T
    np.fill_diagonal(cosine, -np.inf)
    n = len(vectors)
    k = min(n_neighbors, n - 1)
    near = np.argpartition(-cosine, k - 1, axis=1)[:, :k]
    weights = np.maximum(np.take_along_axis(cosine, near, axis=1), 0)  # (n, k)
    W = csr_array((weights.ravel(), (np.repeat(np.arange(n), k), near.ravel())), shape=(n, n))
    W = W.maximum(W.T)
    scale = dia_array((1 / np.sqrt(np.maximum(W.sum(axis=1), 1e-12))[None], [0]), shape=(n, n))
    return csr_array(eye_array(n) - scale @ W @ scale)


def aligned_coefficients(
    kernel: NDArray[np.floating],
    laplacian: csr_array,
    index: Indexes,
    answers: Indexes | None,
    *,
    weights: Weights,
    rounds: int,
) -> NDArray[np.floating]:
    """Return beta (n, c) after `rounds` of solving the equation above, the source's items first.

    kernel, laplacian (n, n); index (n_s,): the source's classes; answers (n_t,): the first ones on the target, or None
    for those of f without alignment.
    """
    n, n_s, c = len(kernel), len(index), int(index.max()) + 1
    known = np.eye(c)[index]  # (n_s, c)
    B = weights.smoothness * (laplacian @ kernel)
    B[:n_s] += kernel[:n_s]
    B[np.diag_indices(n)] += weights.eta
    factors = lu_factor(B, overwrite_a=True, check_finite=False)
    right = np.vstack([known, np.zeros((n - n_s, c))])
    plain = lu_solve(factors, right, check_finite=False)  # beta without alignment, (n, c)
    best = (kernel[n_s:] @ plain).argmax(axis=1) if answers is None else answers  # (n_t,)
    for _ in range(rounds):
        E = _gaps(known, np.eye(c)[best])  # (g, n)
        strength = weights.alignment / np.linalg.norm(E @ E.T)
        shift = lu_solve(factors, E.T, check_finite=False)  # (n, g)
        seen = E @ kernel  # (g, n)
        inner = np.eye(len(E)) / strength + seen @ shift  # (g, g)
        beta = plain - shift @ np.linalg.solve(inner, seen @ plain)  # (n, c)
        best = (kernel[n_s:] @ beta).argmax(axis=1)
    return np.asarray(beta)


def _gaps(known: NDArray[np.floating], answers: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the rows e (1 + c, n) whose products with f are gaps between means: of all items, then of each class."""
    n_s, n_t, c = len(known), len(answers), known.shape[1]
    of_all = np.sqrt(c) * np.r_[np.full(n_s, 1 / n_s), np.full(n_t, -1 / n_t)]
    counts = answers.sum(axis=0)
    found = counts > 0
    ours = known[:, found] / known[:, found].sum(axis=0)
    theirs = answers[:, found] / counts[found]
    return np.vstack([of_all, np.vstack([ours, -theirs]).T])


def _squares(one: NDArray[np.floating], other: NDArray[np.floating]) -> NDArray[np.floating]:
    lengths = np.square(one).sum(axis=1)[:, None] + np.square(other).sum(axis=1)
    return np.asarray(np.maximum(lengths - 2 * one @ other.T, 0))


class KernelScores(ClassifierMixin, BaseEstimator):
    """Answer by a kernel's weighted sum over landmarks (m, k): scores = K(x, landmarks) beta.

    Made by `MEDA`, its verbs are a classifier's on rows of a class table.
    """

    def __init__(
        self, landmarks: NDArray[np.floating], beta: NDArray[np.floating], width: float, spread: float
    ) -> None:
        self.landmarks = landmarks
        self.beta = beta
        self.width = width
        self.spread = spread

    @property
    def classes_(self) -> Indexes:
        """Rows of the class table."""
        return np.arange(self.beta.shape[1])

    def fit(self, X: NDArray[np.floating], y: Indexes) -> Self:
        """Change nothing: there is nothing left to learn."""
        return self

    def decision_function(self, X: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return the scores (n, c), or (n,) for the second of two classes."""
        return np.asarray(decision_scores(self._scores(X)))

    def predict_proba(self, X: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return a softmax of the scores (n, c)."""
        return np.asarray(softmax(self._scores(X), axis=1))

    def predict(self, X: NDArray[np.floating]) -> Indexes:
        """Return the row of the best class (n,)."""
        return np.asarray(self._scores(X).argmax(axis=1))

    def _scores(self, X: NDArray[np.floating]) -> NDArray[np.floating]:
        return np.asarray(gaussian_kernel(X, self.landmarks, self.width) @ self.beta / self.spread)


class MEDA(AdaptedClassifier):
    """Learn one smooth function on both domains, their classes' means aligned as it learns.

    Parameters
    ----------
    n_components : int, default=20
        Axes of each domain between which the geodesic flow runs.
    n_neighbors : int, default=10
        Neighbors of each item in the graph.
    alignment : float, default=10.0
        Weight of the gaps between the domains' means.
    smoothness : float, default=1.0
        Weight of differences between neighbors.
    rounds : int, default=10
        Times that the target's answers are used to align the classes' means.
    base : classifier, default=None
        Gives the first answers, and all of them without a target. If not given, the function itself without alignment
        gives the first ones.
    normalize : {"source", "domain", None}, default="domain"
        Whose statistics make the z-scores before all else.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes of the source, sorted.
    axes_ : ndarray of shape (n_features, 2 * n_components)
        The geodesic flow; there is none without a target.
    model_ : KernelScores
        The function learned, or the fitted base without a target.

    Notes
    -----
    The memory is quadratic in the items of both domains: above 6,000 together, evenly picked ones are used.

    References
    ----------
    Wang, Feng, Chen, Yu, Huang, Yu. Visual Domain Adaptation with Manifold Embedded Distribution Alignment. ACM MM
    2018.

    Examples
    --------
    >>> X, y, target = [[0.0, 0.0], [1.0, 0.2], [4.0, 0.1]], ["a", "a", "b"], [[0.0, 0.0], [0.1, 2.0], [0.2, 8.0]]
    >>> MEDA(n_components=1).fit(X, y, target=target).predict(target).shape
    (3,)
    """

    takes_sparse = False

    def __init__(
        self,
        *,
        n_components: int = 20,
        n_neighbors: int = 10,
        alignment: float = 10.0,
        smoothness: float = 1.0,
        rounds: int = 10,
        base: ClassifierMixin | None = None,
        normalize: Normalize = "domain",
    ) -> None:
        self.n_components = n_components
        self.n_neighbors = n_neighbors
        self.alignment = alignment
        self.smoothness = smoothness
        self.rounds = rounds
        self.base = base
        self.normalize = normalize

    def _adapt(self, domains: Domains) -> None:
        if self.rounds < 1:
            raise InputError(f"rounds={self.rounds} must be at least 1.")
        if self.n_components < 1 or self.n_neighbors < 1:
            raise InputError(f"n_components={self.n_components} and n_neighbors={self.n_neighbors} must be at least 1.")
        kept = _evenly(domains, ITEMS)
        self.axes_ = geodesic_flow(kept.source, kept.target, n_components=self.n_components)
        start = None if self.base is None else fitted_base(self.base, kept.source, kept.index).predict(kept.target)
        both = normalize(np.vstack([kept.source, kept.target]).astype(np.float64) @ self.axes_)  # (n, k)
        squares = _squares(both, both)
        width = float(squares.mean()) or 1.0
        kernel = np.exp(-squares / width)
        weights = Weights(alignment=self.alignment, smoothness=self.smoothness)
        laplacian = neighbor_laplacian(both, self.n_neighbors)
        beta = aligned_coefficients(kernel, laplacian, kept.index, start, weights=weights, rounds=self.rounds)
        own = kernel[: len(kept.index)] @ beta  # (n_s, c)
        self.model_ = KernelScores(both, beta, width, spread=_spread(own, kept.index))

    def _represent(self, table: Table) -> Table:
        return normalize(table.astype(np.float64) @ self.axes_)


def _spread(scores: NDArray[np.floating], index: Indexes) -> float:
    """Return what to divide scores (n, c) by so that the softmax is as sure, on the source, as it is right there."""
    grid = np.geomspace(0.01, 10, 40)
    rows = np.arange(len(index))
    losses = [-np.log(np.maximum(softmax(scores / spread, axis=1)[rows, index], 1e-12)).mean() for spread in grid]
    return float(grid[int(np.argmin(losses))])


def _evenly(domains: Domains, limit: int) -> Domains:
    """Return both domains, thinned evenly to `limit` items together."""
    n_s, n_t = domains.source.shape[0], domains.target.shape[0]
    if n_s + n_t <= limit:
        return domains
    share = limit / (n_s + n_t)
    ours = np.linspace(0, n_s - 1, max(2, int(share * n_s))).astype(int)
    theirs = np.linspace(0, n_t - 1, max(2, int(share * n_t))).astype(int)
    return Domains(domains.source[ours], domains.index[ours], domains.target[theirs], domains.n_classes)
