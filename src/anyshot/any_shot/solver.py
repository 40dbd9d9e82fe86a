"""Softmax regression that starts from a prior: how far labels move a model from what was known before.

Every method that treats labels as evidence against a prior stands on this: the any-shot head, whose prior is what is
said of the classes; a target domain's, whose prior is the source model; a task's, whose prior its sister tasks share.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.special import softmax

from anyshot.base.threads import threads_for
from anyshot.base.validation import Indexes, Vectors

# With n vectors x (d,), targets y over c classes, weights w, and a prior that gives x the scores s(x) (c,):
#
#     scores(x) = s(x) + V x + b
#     (V, b) = argmin  sum_i w_i cross_entropy(scores(x_i) + log m, y_i) + (|V|^2 + |b / reach|^2) / (2 C)
#
# m (c,) is the weight that each class has in the sum. Adding log m in training only (logit adjustment, Menon et al.,
# ICLR 2021) makes the answer that of a balanced sample, so that uneven label counts do not bias it. It is convex.


BIAS_REACH: Final = 4.0
"""How many times as far as a weight the intercept may move: it first has to undo the mean that all vectors share."""
NEWTON_STEPS: Final = 50
CONJUGATE_STEPS: Final = 60
"""At most; a few of either are usual."""
SHORTEST: Final = 1e-3
"""Share of a Newton step below which there is nothing to gain."""

Floats: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True)
class Examples:
    """What the head learns from: vectors, what each is believed to be, and how much that counts."""

    vectors: Vectors  # (n, d)
    targets: NDArray[np.float32]  # (n, c), each row a distribution over the classes
    weights: NDArray[np.float32]  # (n,)

    @property
    def mass(self) -> NDArray[np.float64]:
        """Weight of each class (c,)."""
        return np.asarray(self.weights @ self.targets, dtype=np.float64)


def labeled(vectors: Vectors, index: Indexes, n_classes: int, *, weight: float = 1.0) -> Examples:
    """Make examples of vectors (n, d) whose classes are known, `index` (n,)."""
    targets = np.eye(n_classes, dtype=np.float32)[index]  # (n, c)
    return Examples(vectors, targets, np.full(len(vectors), weight, dtype=np.float32))


def together(*parts: Examples) -> Examples:
    """Put examples one after another."""
    return Examples(
        np.concatenate([part.vectors for part in parts]),
        np.concatenate([part.targets for part in parts]),
        np.concatenate([part.weights for part in parts]),
    )


@dataclass(frozen=True)
class Deviation:
    """How far the labels move the model from its prior."""

    V: Vectors  # (c, d)
    b: NDArray[np.float32]  # (c,)

    def __call__(self, vectors: Vectors) -> NDArray[np.float32]:
        """Return what is added to the prior's scores (n, c)."""
        return np.asarray(vectors @ self.V.T + self.b, dtype=np.float32)


def fit_deviation(
    examples: Examples,
    prior: NDArray[np.floating],
    *,
    C: float = 10.0,
    start: Deviation | None = None,
    tol: float = 3e-5,
) -> Deviation:
    """Minimize the objective above by Newton's method.

    examples: n vectors (n, d) with targets over c classes; prior (n, c): the prior's scores of those vectors;
    start: where to begin, such as the solution before a few examples came; the minimum is the same, reached sooner;
    tol: about twice the loss that may be left above the minimum [nats, of the weighted sum].

    Classes without weight leave the softmax (log 0) and keep V = b = 0.
    """
    n_classes = prior.shape[1]
    active = np.flatnonzero(examples.mass > 0)
    V, b = np.zeros((n_classes, examples.vectors.shape[1]), np.float32), np.zeros(n_classes, np.float32)
    if len(active) < 2:
        return Deviation(V, b)
    rows = np.column_stack([examples.vectors, np.full(len(prior), BIAS_REACH, np.float32)])  # (n, d + 1), last for b
    before = Deviation(V, b) if start is None else start
    first = np.column_stack([before.V, before.b / BIAS_REACH])[active].T.astype(np.float32)  # (d + 1, k)
    first -= first.mean(axis=1, keepdims=True)  # what all classes share does not count, so the minimum has none of it
    base = np.ascontiguousarray(prior[:, active] + np.log(examples.mass[active]), dtype=np.float32)
    targets = np.ascontiguousarray(examples.targets[:, active])
    with threads_for(rows.size * len(active)):
        axes, curvature = _axes(rows, softmax(base + rows @ first, axis=1), examples.weights)  # (d + 1, r), (r, k)
        problem = _Problem(Examples(rows @ axes, targets, examples.weights), base, curvature, C)
        W = _minimize(problem, axes.T @ first, tol)  # (r, k)
    moved = axes @ W  # (d + 1, k)
    V[active], b[active] = moved[:-1].T, BIAS_REACH * moved[-1]
    return Deviation(V, b)


def _axes(rows: Floats, answers: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return axes (d, r) along which the loss curves about independently, and how much for each class (r, k).

    Softmax curves by w p(1 - p) along a class's own score. Its mean over the classes gives the axes that serve them
    all, and how much more or less than the mean a class has is its own factor. The minimum lies in the span of the
    rows (n, d), so that fewer rows than features have as many axes as there are rows.
    """
    curvature = weights[:, None] * answers * (1 - answers)  # (n, k)
    shared = curvature.mean(axis=1)  # (n,)
    span = np.linalg.qr(rows.T)[0] if len(rows) < rows.shape[1] else None  # (d, n), orthonormal
    Z = rows if span is None else rows @ span
    weighted = Z * np.sqrt(shared)[:, None]
    along, turn = eigh(weighted.T @ weighted, driver="evd", check_finite=False)  # (r,), (r, r)
    own = curvature.sum(axis=0) / shared.sum()  # (k,), 1 on average
    axes = np.ascontiguousarray(turn) if span is None else span @ turn
    return axes, np.maximum(along, 0)[:, None] * own


class _Point(NamedTuple):
    """Weights, what they answer, and how well."""

    W: Floats  # (r, k)
    scores: Floats  # (n, k)
    answers: Floats  # (n, k), softmax of the scores
    loss: float


class _Problem(NamedTuple):
    """Weighted cross-entropy(base + Z W) + |W|^2 / (2 C), its slope and its curvature."""

    examples: Examples  # Z (n, r), targets (n, k)
    base: Floats  # (n, k)
    curvature: Floats  # (r, k), about the loss's own
    C: float

    def at(self, W: Floats, scores: Floats) -> _Point:
        """Evaluate weights whose scores are known."""
        top = scores.max(axis=1, keepdims=True)
        odds = np.exp(scores - top)
        sums = odds.sum(axis=1, keepdims=True)
        missed = top + np.log(sums) - (self.examples.targets * scores).sum(axis=1, keepdims=True)  # (n, 1)
        penalty = 0.5 / self.C * np.square(W).sum(dtype=np.float64)
        return _Point(W, scores, odds / sums, float(self.examples.weights @ missed[:, 0].astype(np.float64) + penalty))

    def slope(self, here: _Point) -> Floats:
        """Return the gradient (r, k)."""
        gap = self.examples.weights[:, None] * (here.answers - self.examples.targets)
        return self.examples.vectors.T @ gap + here.W / self.C

    def curved(self, here: _Point, way: Floats) -> Floats:
        """Return the Hessian times a direction `way` (r, k)."""
        scores = self.examples.vectors @ way  # (n, k)
        expected = np.einsum("nk,nk->n", here.answers, scores)[:, None]
        moved = scores - expected  # (n, k)
        moved *= here.answers
        moved *= self.examples.weights[:, None]
        curved: Floats = self.examples.vectors.T @ moved
        return curved + way / np.float32(self.C)

    def rounded(self, slope: Floats) -> Floats:
        """Return about the inverse of the Hessian times a slope (r, k), for weights whose sum over the classes is 0."""
        pliancy = 1 / (self.curvature + np.float32(1 / self.C))
        shared = (pliancy * slope).sum(axis=1, keepdims=True) / pliancy.sum(axis=1, keepdims=True)  # (r, 1)
        return np.asarray(pliancy * (slope - shared), dtype=np.float32)


def _minimize(problem: _Problem, W: Floats, tol: float) -> Floats:
    """Return W (r, k) at the minimum: Newton steps, each solved by conjugate gradients and halved until it descends.

    Nocedal, Wright. Numerical Optimization, 2nd ed., 2006, algorithm 7.1, with a preconditioner.
    """
    here = problem.at(W, problem.base + problem.examples.vectors @ W)
    for _ in range(NEWTON_STEPS):
        slope = problem.slope(here)
        left = _inner(slope, problem.rounded(slope))
        if left < tol:
            break
        enough = max(min(0.6, left) ** 2 * left, tol / 2)
        way = _newton_direction(problem, here, slope, enough)
        scores = problem.examples.vectors @ way  # (n, k), what the way adds
        descent, length = _inner(slope, way), 1.0
        while length > SHORTEST:
            there = problem.at(here.W + np.float32(length) * way, here.scores + np.float32(length) * scores)
            if there.loss <= here.loss + 1e-4 * length * descent:
                break
            length /= 2
        else:
            break  # float32 tells no lower loss
        here = there
    return here.W


def _newton_direction(problem: _Problem, here: _Point, slope: Floats, enough: float) -> Floats:
    """Solve Hessian x = -slope by preconditioned conjugate gradients until the residual's square is `enough`.

    Returns x (r, k).
    """
    x, residual = np.zeros_like(slope), -slope
    way = problem.rounded(residual)
    square = _inner(residual, way)
    for _ in range(CONJUGATE_STEPS):
        curved = problem.curved(here, way)
        length = np.float32(square / _inner(way, curved))
        x += length * way
        residual -= length * curved
        ahead = problem.rounded(residual)
        before, square = square, _inner(residual, ahead)
        if square < enough:
            break
        way = ahead + np.float32(square / before) * way
    return x


def _inner(one: Floats, other: Floats) -> float:
    return float(np.vdot(one, other))
