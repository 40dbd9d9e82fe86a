"""Transductive zero-shot learning as an estimator: any zero-shot method's answers, moved by an unlabeled pool.

The inductive method answers for the pool first, P (m, c). Three ways then let the pool speak:

refinement     soft k-means of class vectors that begin where P points to (`transductive.refine`)
mixture        Gaussians with one diagonal covariance, their responsibilities tied to P and to the neighbors' answers
propagation    answers spread over the graph of nearest neighbors, P and the labels feeding it

The pool may hold items of seen and unseen classes alike. Where the pool's answers leave too few of the method's surest
ones standing, they have followed other clusters than the classes', and the inductive answer stays.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, Self, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix
from scipy.special import log_softmax, softmax
from sklearn.base import clone

from anyshot.base.items import class_sums
from anyshot.base.validation import Indexes, Vectors, unit, vectors
from anyshot.errors import InputError
from anyshot.zero_shot.class_vectors import Floats
from anyshot.zero_shot.generalized import GeneralizedZeroShotClassifier
from anyshot.zero_shot.mixture import Labeled, Mixture, effective_share, fit_mixture, log_density, share_offsets
from anyshot.zero_shot.pool_refinement import MIN_AGREEMENT, POOL_LIMIT, make_pool, refine
from anyshot.zero_shot.propagation import mean_of_nearest, neighbor_graph, propagate
from anyshot.zero_shot.semantic_map import CorrectedVectorClassifier, SemanticMapClassifier
from anyshot.zero_shot.standard import ZeroShotClassifier, ZeroShotEstimator

Transduction: TypeAlias = Literal["refine", "mixture", "propagation"]

SURENESS = 6.0
"""What scores are multiplied with before softmax, once their standard deviation over the pool is 1."""
LABEL_WEIGHT = 3.0
"""What a labeled vector counts against an unlabeled one."""
STANDING_NEEDED = 0.83
"""Share of its surest answers, of seen and of unseen classes alike, that a moved answer must leave standing.

Where pools gained 3 to 12 points of H (intents by their names), 87 to 98 % of the unseen classes' stood; where pools
lost 3 to 17 (animals by attributes), 19 to 79 %. With no seen class, `transductive.MIN_AGREEMENT`.
"""
N_NEIGHBORS = 10
ANCHOR, SMOOTHNESS = 0.5, 3.0
"""Of the mixture: how much the inductive answers count, and the neighbors'."""
ALPHA = 0.8
"""Of propagation: how much the neighbors' answers count against the inductive one."""


def surest_stand(before: Floats, after: Floats, seen: NDArray[np.bool_], *, top: float = 0.2) -> float:
    """Return how many of the surest answers of `before` (m, c), scores, `after` (m, c) shares [0 to 1].

    seen (c,): which classes have labels. Items answered with these, and with the others, are asked apart, and the
    smaller share is returned: seen classes stand firm where unseen ones are swept away. Close to
    `transductive.sure_agreement`, for scores of any method. It needs no label: it can tell that a pool led astray,
    never that it led aright.
    """
    centered, answers = before - before.mean(axis=0), before.argmax(axis=1)
    shares = []
    for side in (seen, ~seen):
        rows = np.flatnonzero(side[answers])
        best_two = np.partition(centered[rows], -2, axis=1)[:, -2:]
        surest = rows[np.argsort(best_two[:, 0] - best_two[:, 1])[: max(1, int(top * len(rows)))]]
        if surest.size:
            shares.append(float((centered[surest].argmax(axis=1) == after[surest].argmax(axis=1)).mean()))
    return min(shares)


@dataclass(frozen=True)
class _Target:
    """The pool as the three ways need it."""

    vectors: Vectors  # (m, d), centered, of unit length
    prior: Floats  # (m, c), logarithms of the inductive answers, drawn to equal shares


class Rule(Protocol):
    """What moved answers become for new items."""

    @property
    def answers(self) -> Floats:
        """The moved answers for the pool (m, c), rows that sum to 1."""
        ...

    def __call__(self, X: Vectors, prior: Floats) -> Floats:
        """Return scores (n, c) of placed items (n, d), given the logarithms of their inductive answers (n, c)."""
        ...


@dataclass(frozen=True)
class _ByCosine:
    """Refined class vectors (c, d)."""

    class_vectors: Vectors
    answers: Floats

    def __call__(self, X: Vectors, prior: Floats) -> Floats:
        return np.asarray(X @ self.class_vectors.T, dtype=np.float64)


@dataclass(frozen=True)
class _ByDensity:
    """Gaussians, the inductive answer, and the pool's answers around the item."""

    mixture: Mixture
    pool: Vectors
    share: float

    @property
    def answers(self) -> Floats:
        return self.mixture.answers

    def __call__(self, X: Vectors, prior: Floats) -> Floats:
        near = mean_of_nearest(X, self.pool, self.answers, n_neighbors=N_NEIGHBORS)
        density = self.share * log_density(X.astype(np.float64), self.mixture.means, self.mixture.variance)
        return density + ANCHOR * prior + SMOOTHNESS * near + self.mixture.offsets


@dataclass(frozen=True)
class _ByNeighbors:
    """The answers of the nearest nodes, labeled or of the pool, and the inductive answer."""

    nodes: Vectors
    node_answers: Floats
    n_labeled: int
    offsets: Floats

    @property
    def answers(self) -> Floats:
        return np.asarray(softmax(self._log(self.node_answers[self.n_labeled :]) + self.offsets, axis=1))

    def __call__(self, X: Vectors, prior: Floats) -> Floats:
        near = mean_of_nearest(X, self.nodes, self.node_answers, n_neighbors=N_NEIGHBORS)
        return self._log(ALPHA * near + (1 - ALPHA) * np.exp(prior)) + self.offsets

    @staticmethod
    def _log(answers: Floats) -> Floats:
        return np.asarray(np.log(np.maximum(answers, 1e-12)))


def _refined(target: _Target, X: Vectors, y: Indexes, *, balance: float) -> Rule:
    prior = np.exp(target.prior)
    start = unit(prior.T @ target.vectors)  # (c, d)
    sums = LABEL_WEIGHT * class_sums(X, y, len(start))
    found = refine(start, make_pool(target.vectors), labeled_sums=sums, balance=balance)
    return _ByCosine(found.class_vectors, np.asarray(found.probabilities, dtype=np.float64))


def _mixed(target: _Target, X: Vectors, y: Indexes, *, balance: float) -> Rule:
    pool, n_classes = make_pool(target.vectors, n_neighbors=N_NEIGHBORS), target.prior.shape[1]
    m, k = pool.neighbors.shape
    cells = np.repeat(np.arange(m), k), pool.neighbors.ravel()
    around = csr_matrix((np.full(m * k, 1 / k), cells), shape=(m, m))
    counts = np.asarray(LABEL_WEIGHT * np.bincount(y, minlength=n_classes), dtype=np.float64)
    squares = LABEL_WEIGHT * (X.astype(np.float64) ** 2).sum(axis=0)
    labeled = Labeled(LABEL_WEIGHT * class_sums(X, y, n_classes), squares, counts)
    U = target.vectors.astype(np.float64)
    mixture = fit_mixture(U, target.prior, around, labeled, anchor=ANCHOR, smoothness=SMOOTHNESS, balance=balance)
    return _ByDensity(mixture, target.vectors, effective_share(U))


def _propagated(target: _Target, X: Vectors, y: Indexes, *, balance: float) -> Rule:
    kept = _picked(len(y), max(0, POOL_LIMIT - len(target.vectors)))
    nodes = np.concatenate([X[kept], target.vectors])
    told = np.concatenate([np.eye(target.prior.shape[1])[y[kept]], np.exp(target.prior)])
    graph = neighbor_graph(nodes, make_pool(nodes, n_neighbors=N_NEIGHBORS).neighbors)
    spread = propagate(told, graph, alpha=ALPHA)
    logits = np.log(np.maximum(spread[len(kept) :], 1e-12))
    return _ByNeighbors(nodes, spread, len(kept), share_offsets(logits, balance=balance))


_WAYS: Mapping[Transduction, Callable[..., Rule]] = {
    "refine": _refined,
    "mixture": _mixed,
    "propagation": _propagated,
}


def _picked(n: int, limit: int) -> Indexes:
    return np.unique(np.linspace(0, n - 1, min(n, limit)).astype(np.intp))


class TransductiveZeroShotClassifier(ZeroShotEstimator):
    """A zero-shot method whose answers an unlabeled pool of the target has moved.

    Parameters
    ----------
    method : {"refine", "mixture", "propagation"}, default="refine"
        How the pool speaks; see the module.
    base : zero-shot estimator, default=None
        The inductive method; a clone is fitted. None takes cosine where there are no labels, corrected class vectors
        where these are as wide as the items, and a map learned on the seen classes where they are not; with three seen
        classes or more, their scores are corrected for the pull of the seen ones.
    balance : float, default=0.5
        How strongly answers are drawn to equally frequent classes [0 not, 1 wholly]. Take 0 where the pool is known to
        hold few of the classes.

    Attributes
    ----------
    base_ : the fitted clone
    moved_ : bool
        Whether the pool moved the answers.
    agreement_ : float
        Share of the inductive method's surest answers that stood, of seen or of unseen classes, whichever is smaller;
        NaN without a pool.
    reasons_ : tuple of str
        What was done, and why.
    pool_answers_ : ndarray of shape (n_pool, n_classes)
        The moved answers for the pool, rows that sum to 1; of the inductive method where the pool did not move it.

    Examples
    --------
    >>> U = [[1.0, 0.5], [1.0, 0.6], [1.0, 0.4], [0.1, 1.0], [0.0, 1.0], [0.2, 1.0]]
    >>> model = TransductiveZeroShotClassifier().fit([], [], class_vectors=[[1.0, -1.0], [0.5, 1.0]], unlabeled=U)
    >>> model.predict([[1.0, 0.5], [0.1, 1.0]])
    array([0, 1])
    """

    def __init__(
        self,
        method: Transduction = "refine",
        *,
        base: ZeroShotEstimator | GeneralizedZeroShotClassifier | None = None,
        balance: float = 0.5,
    ) -> None:
        self.method: Transduction = method
        self.base = base
        self.balance = balance

    def fit(self, X: ArrayLike, y: ArrayLike, *, class_vectors: ArrayLike, unlabeled: ArrayLike | None = None) -> Self:
        """Fit the base on `X` (n, d), `y` (n,), then let the pool move it; without labels, `X` and `y` are empty.

        class_vectors (c, a); unlabeled (m, d): items of any of the classes, seen or unseen; None leaves the inductive
        answers. At most 20,000 of them are looked at, evenly picked.

        Raises
        ------
        InputError
            `method` is unknown, `balance` lies outside 0 to 1, or an array is not of the form needed.
        WidthError
            There are no labels, and class vectors in another space than the items; or the pool is of another width.
        """
        if self.method not in get_args(Transduction):
            raise InputError(f"method={self.method!r} is none of {', '.join(get_args(Transduction))}.")
        if not 0 <= self.balance <= 1:
            raise InputError(f"balance={self.balance} must lie between 0 and 1.")
        pool = None if unlabeled is None else vectors(unlabeled, name="unlabeled")
        if np.size(X) == 0:
            X, y = np.zeros((0, np.shape(class_vectors)[1] if pool is None else pool.shape[1])), np.zeros(0, np.intp)
        super().fit(X, y, class_vectors=class_vectors)
        self._rule: Rule | None = None
        self.agreement_, self.moved_ = float("nan"), False
        if pool is None or len(pool) < 2:
            self.reasons_: tuple[str, ...] = ("There is no pool of unlabeled items: the inductive answers stand.",)
            self.pool_answers_ = np.zeros((0, len(self.classes_)))
            return self
        index = np.asarray(y, dtype=np.intp)
        has = index >= 0
        self._move(vectors(X)[has], index[has], vectors(pool, width=self.n_features_in_, name="unlabeled"))
        return self

    def _n_seen_needed(self) -> int:
        return 0

    def _warn_if_all_are_seen(self, *, stacklevel: int) -> None:
        """Leave it to the method underneath, which says so itself."""

    def _fit(self, X: Vectors, y: Indexes) -> None:
        self.base_ = clone(self._chosen_base()).fit(X, y, class_vectors=self.class_vectors_)

    def _chosen_base(self) -> ZeroShotEstimator | GeneralizedZeroShotClassifier:
        if self.base is not None:
            return self.base
        if not len(self.seen_classes_):
            return ZeroShotClassifier()
        same = self.class_vectors_.shape[1] == self.n_features_in_
        inner = CorrectedVectorClassifier() if same else SemanticMapClassifier()
        # Answers that drown the unseen classes would teach the pool to do so too.
        correctable = len(self.seen_classes_) >= 3 and len(self.unseen_classes_)
        return GeneralizedZeroShotClassifier(inner) if correctable else inner

    def _move(self, X: Vectors, y: Indexes, U: Vectors) -> None:
        """Let the pool `U` (m, d) move the answers, or leave them where their surest do not stand."""
        U = U[_picked(len(U), POOL_LIMIT)]
        scores = self.base_.decision_function(U)  # (m, c)
        around = scores - scores.mean(axis=1, keepdims=True)
        self._scale = SURENESS / max(float(around.std()), 1e-12)
        self._offsets = share_offsets(self._scale * scores, balance=self.balance)
        self._center = U.mean(axis=0)
        target = _Target(self._placed(U), log_softmax(self._scale * scores + self._offsets, axis=1))
        rule = _WAYS[self.method](target, self._placed(X), y, balance=self.balance)
        self.agreement_ = surest_stand(scores, rule.answers, np.isin(self.classes_, self.seen_classes_))
        needed = STANDING_NEEDED if len(self.seen_classes_) and len(self.unseen_classes_) else MIN_AGREEMENT
        self.moved_ = self.agreement_ >= needed
        self._rule = rule if self.moved_ else None
        self.pool_answers_ = rule.answers if self.moved_ else softmax(self._scale * scores, axis=1)
        told = f"{len(U)} unlabeled items: {self.agreement_:.0%} of the inductive method's surest answers stand"
        if self.moved_:
            self.reasons_ = (f"{told}, so they move it ({self.method}). No label was asked whether they should.",)
        else:
            self.reasons_ = (
                f"{told}, fewer than {needed:.0%}: the pool follows other clusters than the classes', and "
                "the inductive answers stay.",
            )

    def _placed(self, X: Vectors) -> Vectors:
        return unit(X - self._center)

    def _scores(self, X: Vectors) -> NDArray[np.floating]:
        scores: Floats = self.base_.decision_function(X)
        if self._rule is None:
            return scores
        return self._rule(self._placed(X), log_softmax(self._scale * scores + self._offsets, axis=1))
