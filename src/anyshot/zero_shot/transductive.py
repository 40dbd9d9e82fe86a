"""Transductive zero-shot learning: the predictions of a zero-shot estimator, adjusted to a pool of unlabeled items.

The base estimator first predicts probabilities P (m, c) for the pool. Three methods adjust them:

refine         soft k-means of class vectors, started from the means that P gives (`pool_refinement.refine`)
mixture        Gaussian classes with one diagonal covariance, tied to P and to the neighbors' probabilities
propagation    label propagation over the graph of nearest neighbors, from P and the labels

The pool may contain items of seen and unseen classes.
"""

from typing import Literal, NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix, diags
from scipy.special import log_softmax, softmax

from anyshot.base.estimator import all_or_nothing
from anyshot.base.folds import evenly_spaced
from anyshot.base.messages import in_percent
from anyshot.base.validation import Floats, Indexes, Vectors, class_rows, class_sums, unit, vectors
from anyshot.errors import InputError
from anyshot.zero_shot.base import ZeroShotClassifier, ZeroShotEstimator, check_parameters, copy_of
from anyshot.zero_shot.class_shares import share_offsets
from anyshot.zero_shot.generalized import GeneralizedZeroShotClassifier
from anyshot.zero_shot.pool_refinement import most_confident, refine
from anyshot.zero_shot.semantic_map import CorrectedVectorClassifier, SemanticMapClassifier

TransductiveMethod: TypeAlias = Literal["refine", "mixture", "propagation"]

TEMPERATURE = 1 / 6
"""Divides scores before softmax, after they are scaled to a standard deviation of 1 over the pool."""
LABEL_WEIGHT = 3.0
"""Weight of a labeled vector; an unlabeled one weighs 1."""
MIN_AGREEMENT = 0.75
"""Smallest `agreement_by_side` at which a pool is used, if no class is seen or all are."""
MIN_AGREEMENT_BY_SIDE = 0.83
"""Smallest `agreement_by_side` at which a pool is used, if some classes are seen.

Where pools raised H by 3 to 12 points (intents by their names), 0.87 to 0.98 for the unseen classes; where pools
lowered it by 3 to 17 (animals by attributes), 0.19 to 0.79.
"""
POOL_LIMIT = 20_000
"""Unlabeled vectors used at most, evenly spaced: finding the neighbors of m vectors costs m^2."""
N_NEIGHBORS = 10  # of a vector in the graph
ANCHOR, SMOOTHNESS = 0.5, 3.0
"""Of the mixture: weights of the base estimator's log-probabilities, and of the neighbors' probabilities."""
ALPHA = 0.8
"""Of propagation: weight of the neighbors' probabilities against the base estimator's."""


def independent_fraction(X: NDArray[np.floating]) -> float:
    """Return the effective fraction of independent features of `X` (n, d): tr(C)^2 / (d tr(C^2)), 1 / d to 1.

    A diagonal Gaussian treats correlated features as independent; its log-density is overconfident by this factor.
    """
    centered = X - X.mean(axis=0)
    covariance = centered.T @ centered  # (d, d)
    square = float((covariance**2).sum())
    return float(np.trace(covariance) ** 2 / (len(covariance) * square)) if square > 0 else 1.0


def log_density(X: NDArray[np.floating], means: Floats, variance: Floats) -> Floats:
    """Return log N(x; mean_k, diag(variance)) of `X` (n, d), up to a constant for each item: (n, c)."""
    scaled = means / variance  # (c, d)
    return np.asarray(X @ scaled.T - (means * scaled).sum(axis=1) / 2)


class LabeledSums(NamedTuple):
    """Weighted sums of labeled vectors, for the means and the variance."""

    sums: Floats  # (c, d)
    squares: Floats  # (d,)
    counts: Floats  # (c,)


class Mixture(NamedTuple):
    """Gaussian classes with one diagonal covariance, fitted to a pool."""

    means: Floats  # (c, d)
    variance: Floats  # (d,)
    probabilities: Floats  # (m, c), rows sum to 1
    offsets: Floats  # (c,), added to the log-probabilities, toward equal class shares
    pool: Vectors  # (m, d)
    fraction: float  # `independent_fraction` of the pool

    def scores(self, X: Vectors, log_prior: Floats) -> Floats:
        """Return the scores (n, c) of items (n, d) with the base estimator's log-probabilities (n, c)."""
        near = mean_of_nearest(X, self.pool, self.probabilities, n_neighbors=N_NEIGHBORS)
        density = self.fraction * log_density(X.astype(np.float64), self.means, self.variance)
        return density + ANCHOR * log_prior + SMOOTHNESS * near + self.offsets


def fit_mixture(
    pool: Vectors,
    log_prior: Floats,
    around: csr_matrix,
    labeled: LabeledSums,
    *,
    anchor: float = ANCHOR,
    smoothness: float = SMOOTHNESS,
    balance: float = 0.5,
    rounds: int = 10,
) -> Mixture:
    """Fit Gaussian classes to a pool, with a penalty for deviating from prior and from neighboring probabilities.

    pool (m, d); log_prior (m, c); around (m, m): weights of each vector's neighbors, rows that sum to 1.

        z_ik  ~  N(u_i; mean_k, diag(v))^fraction  *  prior_ik^anchor  *  exp(smoothness * sum_j around_ij z_jk)
        mean_k = sum_i z_ik u_i / sum_i z_ik,     v = sum_ik z_ik (u_i - mean_k)^2 / m

    Zanella, Gerin, Ben Ayed. Boosting Vision-Language Models with Transduction. NeurIPS 2024, section 3 (TransCLIP): a
    Gaussian mixture, a Laplacian term and a Kullback-Leibler penalty to the text's probabilities. There the fraction is
    1, and class shares are not balanced.
    """
    U = pool.astype(np.float64)
    fraction, offsets = independent_fraction(U), np.zeros(log_prior.shape[1])
    z, total = softmax(log_prior, axis=1), len(U) + labeled.counts.sum()
    means, variance = np.zeros_like(labeled.sums), np.ones(U.shape[1])
    for _ in range(rounds):
        counts = z.sum(axis=0) + labeled.counts  # (c,)
        means = (z.T @ U + labeled.sums) / np.maximum(counts, 1e-9)[:, None]
        squares = z.sum(axis=1) @ U**2 + labeled.squares  # (d,)
        variance = (squares - counts @ means**2) / total
        variance = np.maximum(variance, 1e-3 * variance.mean() + 1e-12)
        fixed = fraction * log_density(U, means, variance) + anchor * log_prior  # (m, c)
        for _ in range(2):
            logits = fixed + smoothness * (around @ z)
            offsets = share_offsets(logits, balance=balance)
            z = softmax(logits + offsets, axis=1)
    return Mixture(means, variance, z, offsets, pool, fraction)


def nearest_neighbors(X: Vectors, *, n_neighbors: int) -> Indexes:
    """Return the nearest others of each of the vectors (m, d) by cosine (m, k), exactly and in bounded memory."""
    k = min(n_neighbors, max(1, len(X) - 1))
    nearest = np.empty((len(X), k), dtype=np.intp)
    for first in range(0, len(X), 1000):
        similarity = X[first : first + 1000] @ X.T  # (1000, m)
        if len(X) > 1:
            similarity[np.arange(len(similarity)), first + np.arange(len(similarity))] = -np.inf
        nearest[first : first + 1000] = np.argpartition(-similarity, k - 1, axis=1)[:, :k]
    return nearest


def neighbor_graph(X: Vectors, neighbors: Indexes) -> csr_matrix:
    """Return the cosine of each of `X` (m, d), unit rows, with its neighbors (m, k), 0 where negative: (m, m)."""
    m, k = neighbors.shape
    cosines = np.stack([(X * X[column]).sum(axis=1) for column in neighbors.T], axis=1)  # (m, k)
    cells = np.repeat(np.arange(m), k), neighbors.ravel()
    return csr_matrix((np.maximum(cosines, 0).ravel().astype(np.float64), cells), shape=(m, m))


def mean_of_nearest(X: Vectors, nodes: Vectors, probabilities: Floats, *, n_neighbors: int) -> Floats:
    """Return the mean probabilities (n, c) of the `n_neighbors` of `nodes` (m, d) nearest to each of `X` (n, d)."""
    k = min(n_neighbors, len(nodes))
    found = np.empty((len(X), probabilities.shape[1]))
    for first in range(0, len(X), 1000):
        near = np.argpartition(-(X[first : first + 1000] @ nodes.T), k - 1, axis=1)[:, :k]  # (1000, k)
        found[first : first + 1000] = sum(probabilities[column] for column in near.T) / k
    return found


def propagate(prior: Floats, similarity: csr_matrix, *, alpha: float = ALPHA, rounds: int = 30) -> Floats:
    """Propagate probabilities (m, c) over a graph: F <- alpha S F + (1 - alpha) prior, from F = prior.

    similarity (m, m): non-negative weights W; S = D^-1/2 (W + W') D^-1/2. The rows of the result are scaled to sum to
    1. Zhou, Bousquet, Lal, Weston, Schoelkopf. Learning with Local and Global Consistency. NIPS 2003, section 2.
    """
    both = similarity + similarity.T
    root = diags(1 / np.sqrt(np.maximum(np.asarray(both.sum(axis=1)).ravel(), 1e-12)))
    S = root @ both @ root
    F = prior
    for _ in range(rounds):
        F = alpha * (S @ F) + (1 - alpha) * prior
    return np.asarray(F / F.sum(axis=1, keepdims=True))


# --- the three methods: each fits to a pool, then scores items (n, d) from the base's log-probabilities (n, c) --------


class _RefinedClasses(NamedTuple):
    class_vectors: Vectors  # (c, d)
    probabilities: Floats  # (m, c), of the pool

    def scores(self, X: Vectors, log_prior: Floats) -> Floats:
        return np.asarray(X @ self.class_vectors.T, dtype=np.float64)


class _PropagatedLabels(NamedTuple):
    nodes: Vectors  # labeled vectors, then the pool
    node_probabilities: Floats
    n_labeled: int
    offsets: Floats

    @property
    def probabilities(self) -> Floats:
        return np.asarray(softmax(_log(self.node_probabilities[self.n_labeled :]) + self.offsets, axis=1))

    def scores(self, X: Vectors, log_prior: Floats) -> Floats:
        near = mean_of_nearest(X, self.nodes, self.node_probabilities, n_neighbors=N_NEIGHBORS)
        return _log(ALPHA * near + (1 - ALPHA) * np.exp(log_prior)) + self.offsets


_Adjusted: TypeAlias = _RefinedClasses | Mixture | _PropagatedLabels


def _fit_refinement(U: Vectors, log_prior: Floats, X: Vectors, y: Indexes, balance: float) -> _Adjusted:
    start = unit(np.exp(log_prior).T @ U)  # (c, d)
    sums = LABEL_WEIGHT * class_sums(X, y, len(start))
    neighbors = nearest_neighbors(U, n_neighbors=N_NEIGHBORS)
    found = refine(start, U, labeled_sums=sums, balance=balance, neighbors=neighbors)
    return _RefinedClasses(found.class_vectors, np.asarray(found.probabilities, dtype=np.float64))


def _fit_mixture(U: Vectors, log_prior: Floats, X: Vectors, y: Indexes, balance: float) -> _Adjusted:
    neighbors, n_classes = nearest_neighbors(U, n_neighbors=N_NEIGHBORS), log_prior.shape[1]
    m, k = neighbors.shape
    around = csr_matrix((np.full(m * k, 1 / k), (np.repeat(np.arange(m), k), neighbors.ravel())), shape=(m, m))
    counts = np.asarray(LABEL_WEIGHT * np.bincount(y, minlength=n_classes), dtype=np.float64)
    squares = LABEL_WEIGHT * (X.astype(np.float64) ** 2).sum(axis=0)
    labeled = LabeledSums(LABEL_WEIGHT * class_sums(X, y, n_classes), squares, counts)
    return fit_mixture(U, log_prior, around, labeled, balance=balance)


def _fit_propagation(U: Vectors, log_prior: Floats, X: Vectors, y: Indexes, balance: float) -> _Adjusted:
    rows = evenly_spaced(len(y), max(0, POOL_LIMIT - len(U)))
    nodes = np.concatenate([X[rows], U])
    prior = np.concatenate([np.eye(log_prior.shape[1])[y[rows]], np.exp(log_prior)])
    graph = neighbor_graph(nodes, nearest_neighbors(nodes, n_neighbors=N_NEIGHBORS))
    found = propagate(prior, graph)
    return _PropagatedLabels(nodes, found, len(rows), share_offsets(_log(found[len(rows) :]), balance=balance))


_METHODS = {"refine": _fit_refinement, "mixture": _fit_mixture, "propagation": _fit_propagation}


def _log(probabilities: Floats) -> Floats:
    return np.asarray(np.log(np.maximum(probabilities, 1e-12)))


def agreement_by_side(before: Floats, after: Floats, seen: NDArray[np.bool_]) -> float:
    """Return the fraction of the surest fifth of the predictions of `before` (m, c) that `after` (m, c) keeps.

    seen (c,): which classes have labels. Items predicted to be of a seen and of an unseen class are counted separately,
    and the smaller fraction is returned. Scores are centered by class, as in `pool_refinement.agreement`. A low value
    shows that the clusters of the pool are not the classes; a high one does not prove that they are.
    """
    centered, predicted = before - before.mean(axis=0), before.argmax(axis=1)
    fractions = []
    for side in (seen, ~seen):
        rows = np.flatnonzero(side[predicted])
        if rows.size:
            rows = rows[most_confident(centered[rows], top=0.2)]
            fractions.append(float((centered[rows].argmax(axis=1) == after[rows].argmax(axis=1)).mean()))
    return min(fractions)


class TransductiveZeroShotClassifier(ZeroShotEstimator):
    """A zero-shot estimator whose predictions are adjusted to a pool of unlabeled items.

    Parameters
    ----------
    method : {"refine", "mixture", "propagation"}, default="refine"
        How the pool adjusts the predictions; see the module.
    base : zero-shot estimator, default=None
        The estimator to adjust; a clone is fitted. None uses `ZeroShotClassifier` without labels,
        `CorrectedVectorClassifier` if class vectors are as wide as the items, and `SemanticMapClassifier` otherwise;
        with three seen classes or more inside `GeneralizedZeroShotClassifier`.
    balance : float, default=0.5
        How strongly predictions are moved to equal class shares, 0 to 1. Use 0 if the pool contains few of the classes.

    Attributes
    ----------
    base_ : zero-shot estimator
        The fitted clone.
    pool_used_ : bool
        Whether the pool adjusts the predictions.
    agreement_ : float
        Fraction of the base estimator's most confident predictions that the pool does not change, for seen or unseen
        classes, whichever is smaller; NaN without a pool.
    reasons_ : tuple of str
        Whether the pool is used, and why.
    pool_probabilities_ : ndarray of shape (n_pool, n_classes)
        Class probabilities of the pool.

    Examples
    --------
    >>> U = [[1.0, 0.5], [1.0, 0.6], [1.0, 0.4], [0.1, 1.0], [0.0, 1.0], [0.2, 1.0]]
    >>> model = TransductiveZeroShotClassifier().fit([], [], class_vectors=[[1.0, -1.0], [0.5, 1.0]], unlabeled=U)
    >>> model.predict([[1.0, 0.5], [0.1, 1.0]])
    array([0, 1])
    """

    def __init__(
        self, method: TransductiveMethod = "refine", *, base: ZeroShotEstimator | None = None, balance: float = 0.5
    ) -> None:
        self.method, self.base, self.balance = method, base, balance

    @all_or_nothing
    def fit(self, X: ArrayLike, y: ArrayLike, *, class_vectors: ArrayLike, unlabeled: ArrayLike | None = None) -> Self:
        """Fit the base estimator to `X` (n, d), `y` (n,), which may be empty, and adjust it to the pool.

        class_vectors (c, a); unlabeled (m, d): the pool, items of any class; None leaves the base estimator as it is.
        At most 20,000 evenly spaced items are used.

        Raises
        ------
        InputError
            `method` is unknown, `balance` is outside 0 to 1, or an array has a wrong type or shape.
        WidthError
            Class vectors are not as wide as the items and there are no labels; or the pool has another width.
        """
        check_parameters(self)
        if not 0 <= self.balance <= 1:
            raise InputError(f"balance must be between 0 and 1; got {self.balance}.")
        pool = None if unlabeled is None else vectors(unlabeled, name="unlabeled")
        if np.size(X) == 0:
            X, y = np.zeros((0, np.shape(class_vectors)[1] if pool is None else pool.shape[1])), np.zeros(0, np.intp)
        super().fit(X, y, class_vectors=class_vectors)
        self._adjusted: _Adjusted | None = None
        self.agreement_, self.pool_used_ = float("nan"), False
        if pool is None or len(pool) < 2:
            self.reasons_: tuple[str, ...] = ("There is no pool of unlabeled items, so the base estimator is used.",)
            self.pool_probabilities_ = np.zeros((0, len(self.classes_)))
            return self
        index = class_rows(y).astype(np.intp)
        pool = vectors(pool, width=self.n_features_in_, name="unlabeled")
        if unlabeled is not None:
            self._check_columns(unlabeled, reset=False)
        self._adjust(vectors(X)[index >= 0], index[index >= 0], pool[evenly_spaced(len(pool), POOL_LIMIT)])
        return self

    def _check_seen(self) -> None:
        """Do nothing: the base estimator checks."""

    def _fit(self, X: Vectors, y: Indexes) -> None:
        self.base_ = copy_of(self._base_estimator()).fit(X, y, class_vectors=self.class_vectors_)

    def _base_estimator(self) -> ZeroShotEstimator:
        if self.base is not None:
            return self.base
        if not len(self.seen_classes_):
            return ZeroShotClassifier()
        same_width = self.class_vectors_.shape[1] == self.n_features_in_
        inner = CorrectedVectorClassifier() if same_width else SemanticMapClassifier()
        # Without the correction few items of the pool would be predicted to be of unseen classes.
        correctable = len(self.seen_classes_) >= 3 and len(self.unseen_classes_)
        return GeneralizedZeroShotClassifier(inner) if correctable else inner

    def _adjust(self, X: Vectors, y: Indexes, U: Vectors) -> None:
        """Adjust the predictions to the pool `U` (m, d), unless the agreement is too low."""
        scores = self.base_.decision_function(U)  # (m, c)
        deviation = (scores - scores.mean(axis=1, keepdims=True)).std()
        self._scale = 1 / TEMPERATURE / max(float(deviation), 1e-12)
        self._offsets = share_offsets(self._scale * scores, balance=self.balance)
        self._center = U.mean(axis=0)
        fit = _METHODS[self.method]
        adjusted = fit(self._centered(U), self._log_prior(scores), self._centered(X), y, self.balance)
        self.agreement_ = agreement_by_side(scores, adjusted.probabilities, np.isin(self.classes_, self.seen_classes_))
        least = MIN_AGREEMENT_BY_SIDE if len(self.seen_classes_) and len(self.unseen_classes_) else MIN_AGREEMENT
        self.pool_used_ = self.agreement_ >= least
        self._adjusted = adjusted if self.pool_used_ else None
        self.pool_probabilities_ = adjusted.probabilities if self.pool_used_ else softmax(self._scale * scores, axis=1)
        what = (
            f"{len(U)} unlabeled items leave {in_percent(self.agreement_)} of the most confident predictions unchanged"
        )
        used = f"so they are used ({self.method}). Only labels could show whether this helps"
        unused = f"fewer than {in_percent(least)}, so the base estimator is used"
        self.reasons_ = (f"{what}, {used if self.pool_used_ else unused}.",)

    def _centered(self, X: Vectors) -> Vectors:
        return unit(X - self._center)

    def _log_prior(self, scores: Floats) -> Floats:
        return np.asarray(log_softmax(self._scale * scores + self._offsets, axis=1))

    def _scores(self, X: Vectors) -> NDArray[np.floating]:
        scores: Floats = self.base_.decision_function(X)
        if self._adjusted is None:
            return scores
        return self._adjusted.scores(self._centered(X), self._log_prior(scores))
