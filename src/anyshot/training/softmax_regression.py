"""Softmax regression: with soft targets, weights and an offset, from class vectors, and of a temperature alone."""

import math
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from anyshot.base.threads import threads_for
from anyshot.base.validation import Floats, Indexes, Vectors, check_indexes
from anyshot.errors import InputError, NotEnoughClassesError

# With n examples x (d,), targets t (c,) that sum to 1, weights w and offsets p (c,),
#
#     (V, b) = argmin  sum_i w_i cross_entropy(p_i + V x_i + b + log m, t_i) + (|V|^2 + |b / reach|^2) / (2 C)
#
# where m (c,) is the total weight of each class, sum_i w_i t_i (logit adjustment, Menon et al., ICLR 2021, eq. 10): the
# classes are predicted as from a balanced sample. The problem is convex.

BIAS_REACH: Final = 2.0
"""How much farther than a weight the intercept may move; it has to cancel the mean that all vectors share.

Few labels that happen to be easy for one class must not move it far: with 4, one label per class costs spam 1.0 and
reviews 0.5 to 1.4 points more; with 1, names that favor one class are not corrected (subjectivity -1.1 with two).
"""
MAX_NEWTON_STEPS: Final = 50  # at most
MAX_CONJUGATE_STEPS: Final = 60  # at most, for the direction of one Newton step
MIN_STEP: Final = 1e-3
"""Fraction of a Newton step below which the line search stops."""

Float32s: TypeAlias = NDArray[np.float32]
Weights: TypeAlias = tuple[Vectors, Float32s]
"""The coefficients (c, d) and the intercept (c,) of a linear model."""


class Examples(NamedTuple):
    """Vectors with a distribution over the classes as target, and a weight each."""

    vectors: Vectors  # (n, d)
    targets: Float32s  # (n, c), rows sum to 1
    weights: Float32s  # (n,)

    @property
    def mass(self) -> NDArray[np.float64]:
        """Total weight of each class (c,)."""
        return np.asarray(self.weights @ self.targets, dtype=np.float64)


def labeled_examples(vectors: Vectors, index: Indexes, n_classes: int, *, weight: float | Float32s = 1.0) -> Examples:
    """Return examples of vectors (n, d) whose classes are known, `index` (n,); weight: one for all, or (n,)."""
    targets = np.eye(n_classes, dtype=np.float32)[index]  # (n, c)
    return Examples(vectors, targets, np.full(len(vectors), weight, dtype=np.float32))


def fit_softmax(
    examples: Examples, prior: NDArray[np.floating], *, C: float = 10.0, start: Weights | None = None, tol: float = 3e-5
) -> Weights:
    """Return V (c, d) and b (c,) of the objective above.

    examples: n vectors (n, d) with targets over c classes; prior (n, c): the scores that the prior gives them; start:
    where to begin, such as the solution before a few examples were added; the minimum is the same, reached sooner; tol:
    about twice the loss that may remain above the minimum [nats, of the weighted sum].

    Classes without weight leave the softmax (log 0) and keep V = b = 0.
    """
    X, n_classes = examples.vectors, prior.shape[1]
    active = np.flatnonzero(examples.mass > 0)
    V, b = np.zeros((n_classes, X.shape[1]), np.float32), np.zeros(n_classes, np.float32)
    if len(active) < 2:
        return V, b
    rows = np.column_stack([X, np.full(len(X), BIAS_REACH, np.float32)])  # (n, d + 1), the last for b
    coef, intercept = (V, b) if start is None else start
    first = np.column_stack([coef, intercept / BIAS_REACH])[active].T.astype(np.float32)  # (d + 1, k)
    first -= first.mean(axis=1, keepdims=True)  # what all classes share does not count, so the minimum has none of it
    base = np.ascontiguousarray(prior[:, active] + np.log(examples.mass[active]), dtype=np.float32)
    targets = np.ascontiguousarray(examples.targets[:, active])
    with threads_for(rows.size * len(active)):
        axes, curvature = _axes(
            rows, scipy.special.softmax(base + rows @ first, axis=1), examples.weights
        )  # (d + 1, r), (r, k)
        problem = _Problem(rows @ axes, targets, examples.weights, base, curvature, C)
        W = _minimize(problem, axes.T @ first, tol)  # (r, k)
    moved = axes @ W  # (d + 1, k)
    V[active], b[active] = moved[:-1].T, BIAS_REACH * moved[-1]
    return V, b


# --- from class vectors ---------------------------------------------------------------------------------------------

# With n vectors x (d,), class vectors S (c, d) in the same space, both of unit length, and labels y:
#
#     scores(x) = prior_scale (S x + offsets) + V x + b
#     (V, b) = argmin  sum_i w_i cross_entropy(scores(x_i) + log m, y_i) + (|V|^2 + |b / reach|^2) / (2 C)
#
# The sum runs over the labeled vectors, w = 1, and over the class vectors themselves, w = name_weight: a class vector
# counts as an example of its class. A class without labels stays in the softmax through its class vector, at
# log(name_weight), where the labels of other classes hardly lower its scores. Without labels V = b = 0, exactly
# zero-shot; with many it is plain logistic regression. Unlabeled vectors enter with soft targets and small weights.


class HeadOptions(NamedTuple):
    """Parameters of a head that starts from class vectors."""

    prior_scale: float  # score that a cosine of 1 to the class vector adds
    C: float  # inverse of the penalty on what labels add, as in scikit-learn
    name_weight: float  # labeled vectors that a class vector counts for, as an example of its own class
    tol: float  # as in `fit_softmax`
    offsets: Floats | float = 0.0  # (c,), what is added to the cosines to class vectors


def fit_head(
    vectors: Vectors,
    index: Indexes,
    class_vectors: Vectors,
    options: HeadOptions,
    *,
    weights: Float32s | None = None,
    more: Examples | None = None,
    start: Weights | None = None,
) -> tuple[Weights, Weights]:
    """Return a head fitted to vectors (n, d) of classes `index` (n,), and the part V, b that labels added to it.

    class_vectors (c, d): zeros for a class without one; weights (n,): 1 each by default; more: further examples; start:
    what labels added to an earlier head, to begin from. A class with neither a label nor a class vector gets the
    intercept -inf.
    """
    S = class_vectors
    named = np.flatnonzero(S.any(axis=1))
    names = labeled_examples(S[named], named, len(S), weight=options.name_weight)
    labeled = labeled_examples(vectors, index, len(S), weight=1.0 if weights is None else weights)
    parts = [labeled, names, *([] if more is None else [more])]
    examples = Examples(*(np.concatenate(own) for own in zip(*parts, strict=True)))
    possible = S.any(axis=1) | (examples.mass > 0)  # (c,)
    offsets = np.asarray(options.prior_scale * options.offsets, dtype=np.float32)
    V, b = np.zeros_like(S), np.zeros(len(S), np.float32)
    if len(vectors) or (more is not None and more.weights.any()):
        prior = options.prior_scale * examples.vectors @ S.T + offsets  # (n, c)
        V, b = fit_softmax(examples, prior, C=options.C, start=start, tol=options.tol)
    coef = np.asarray(options.prior_scale * S + V, dtype=np.float32)
    return (coef, np.where(possible, offsets + b, np.float32(-np.inf))), (V, b)


def check_two_classes(possible: NDArray[np.bool_]) -> None:
    """Raise NotEnoughClassesError unless two classes can be predicted; possible (c,): by a label or a class vector."""
    if np.count_nonzero(possible) < 2:
        raise NotEnoughClassesError(f"At least two of the {len(possible)} classes need a label or a class vector.")


# --- of a temperature alone -----------------------------------------------------------------------------------------


def fit_temperature(
    scores: ArrayLike,
    y: ArrayLike,
    *,
    weights: NDArray[np.floating] | None = None,
    toward: float = 1.0,
    prior_items: float = 1.0,
) -> float:
    """Return the temperature at which softmax(scores / temperature) predicts `y` best; it is finite and above 0.

    Guo et al., On Calibration of Modern Neural Networks, ICML 2017, section 4.2, with a weak prior: with few labels, or
    if all predictions are correct, the temperature stays near `toward`; without labels it is `toward`.

    Parameters
    ----------
    scores : (n, c), of items that the model was not fitted on (out of fold)
    y : (n,) class indexes; -1, no label, is left out
    weights : (n,), of the labels; 1 each by default
    toward : mode of the prior
    prior_items : weight of the prior, in items; above 0

    Examples
    --------
    >>> round(fit_temperature([[3.0, 0.0], [3.0, 0.0], [3.0, 0.0], [3.0, 0.0]], [0, 0, 0, 1], toward=2.7), 2)
    2.71
    """
    if not (0 < toward < math.inf and 0 < prior_items < math.inf):
        raise InputError(f"toward and prior_items must be above 0 and finite; they are {toward} and {prior_items}.")
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2 or not np.isfinite(table).all():
        raise InputError(f"Scores must be a table of finite numbers (n, c); the shape is {table.shape}.")
    index = check_indexes(y, n_items=table.shape[0], n_classes=table.shape[1])
    labeled = index >= 0
    if not labeled.any():
        return toward
    behind = table - table[np.arange(len(table)), index][:, None]  # (n, c), each score minus that of the true class
    behind, weight = behind[labeled], np.ones(np.count_nonzero(labeled)) if weights is None else weights[labeled]
    below = behind - behind.max(axis=1, keepdims=True)

    # With b = 1 / T the log-loss, sum_i log sum_j exp(b behind_ij), is convex in b, and so is the negative log-prior,
    # m (b t - log(b t)), of a Gamma density of b with mode 1 / t. The sum has one minimum, where its slope, which rises
    # from -inf to above 0, is 0.
    def slope(log_b: float) -> float:
        b = math.exp(log_b)
        odds = np.exp(b * below)  # (n, c)
        expected = np.einsum("nc,nc->n", odds, behind) / odds.sum(axis=1)  # (n,), mean of `behind` over softmax
        return float(weight @ expected + prior_items * (toward - 1 / b))

    # Below `lowest` the slope of the prior is larger than any slope of the log-loss.
    lowest = -math.log(toward + weight @ np.abs(behind).max(axis=1) / prior_items)
    highest = -math.log(toward)
    while slope(highest) < 0:
        highest += 1
    best = scipy.optimize.brentq(slope, lowest, highest, xtol=1e-10) if slope(lowest) < 0 else lowest
    return math.exp(-best)


def matching_temperature(scores: ArrayLike, reference: ArrayLike) -> float:
    """Return the temperature at which softmax(scores / temperature) is as confident as softmax(reference).

    The mean of the highest probability becomes the same. scores (n, c), reference (m, c): -inf for a class that is
    never predicted; temperatures from 1/1000 to 1000 are tried.
    """
    wanted = _mean_of_others(reference, 1.0)

    def excess(log_t: float) -> float:
        return _mean_of_others(scores, math.exp(log_t)) - wanted

    lowest, highest = -math.log(1000), math.log(1000)
    if excess(lowest) >= 0 or excess(highest) <= 0:
        return math.exp(lowest if excess(lowest) >= 0 else highest)
    return math.exp(scipy.optimize.brentq(excess, lowest, highest, xtol=1e-6))


def _mean_of_others(scores: ArrayLike, temperature: float) -> float:
    """Return the mean of 1 - the highest probability, not rounded to 0 where the highest is rounded to 1."""
    table = np.asarray(scores, dtype=np.float64)
    odds = np.exp((table - table.max(axis=1, keepdims=True)) / temperature)  # (n, c), 1 for the highest
    odds[np.arange(len(odds)), table.argmax(axis=1)] = 0
    others = odds.sum(axis=1)  # (n,)
    return float((others / (1 + others)).mean())


# --- the solver -----------------------------------------------------------------------------------------------------


def _axes(rows: Float32s, probabilities: Float32s, weights: Float32s) -> tuple[Float32s, Float32s]:
    """Return axes (d, r) along which the loss curves almost independently, and the curvature for each class (r, k).

    The curvature of softmax along a class's own score is w p(1 - p). Its mean over the classes gives axes that serve
    all of them, and each class has a factor for how much more or less than the mean it curves. The minimum lies in the
    span of the rows (n, d), so that fewer rows than features need as many axes as there are rows.
    """
    curvature = weights[:, None] * probabilities * (1 - probabilities)  # (n, k)
    shared = curvature.mean(axis=1)  # (n,)
    span = np.linalg.qr(rows.T)[0] if len(rows) < rows.shape[1] else None  # (d, n), orthonormal
    Z = rows if span is None else rows @ span
    weighted = Z * np.sqrt(shared)[:, None]
    eigenvalues, rotation = scipy.linalg.eigh(weighted.T @ weighted, driver="evd", check_finite=False)  # (r,), (r, r)
    factor = curvature.sum(axis=0) / shared.sum()  # (k,), 1 on average
    axes = np.ascontiguousarray(rotation) if span is None else span @ rotation
    return axes, np.maximum(eigenvalues, 0)[:, None] * factor


class _Point(NamedTuple):
    """Weights, with the scores, probabilities and loss that they give."""

    W: Float32s  # (r, k)
    scores: Float32s  # (n, k)
    probabilities: Float32s  # (n, k), softmax of the scores
    loss: float


class _Problem(NamedTuple):
    """Weighted cross-entropy(base + Z W) + |W|^2 / (2 C), with its gradient and Hessian."""

    Z: Float32s  # (n, r)
    targets: Float32s  # (n, k)
    weights: Float32s  # (n,)
    base: Float32s  # (n, k)
    curvature: Float32s  # (r, k), about the loss's own
    C: float

    def at(self, W: Float32s, scores: Float32s) -> _Point:
        """Evaluate weights whose scores are known."""
        top = scores.max(axis=1, keepdims=True)
        odds = np.exp(scores - top)
        sums = odds.sum(axis=1, keepdims=True)
        losses = top + np.log(sums) - (self.targets * scores).sum(axis=1, keepdims=True)  # (n, 1)
        penalty = 0.5 / self.C * np.square(W).sum(dtype=np.float64)
        return _Point(W, scores, odds / sums, float(self.weights @ losses[:, 0].astype(np.float64) + penalty))

    def gradient(self, here: _Point) -> Float32s:
        """Return the gradient (r, k)."""
        gap = self.weights[:, None] * (here.probabilities - self.targets)
        return self.Z.T @ gap + here.W / self.C

    def hessian_times(self, here: _Point, direction: Float32s) -> Float32s:
        """Return the Hessian times a direction (r, k)."""
        scores = self.Z @ direction  # (n, k)
        scores -= np.einsum("nk,nk->n", here.probabilities, scores)[:, None]
        scores *= here.probabilities
        scores *= self.weights[:, None]
        curved: Float32s = self.Z.T @ scores
        return curved + direction / np.float32(self.C)

    def preconditioned(self, gradient: Float32s) -> Float32s:
        """Return about the inverse Hessian times a gradient (r, k), for weights whose sum over the classes is 0."""
        inverse = 1 / (self.curvature + np.float32(1 / self.C))
        shared = (inverse * gradient).sum(axis=1, keepdims=True) / inverse.sum(axis=1, keepdims=True)  # (r, 1)
        return np.asarray(inverse * (gradient - shared), dtype=np.float32)


def _minimize(problem: _Problem, W: Float32s, tol: float) -> Float32s:
    """Return W (r, k) at the minimum: Newton steps, each solved by conjugate gradients and halved until it descends.

    Nocedal, Wright. Numerical Optimization, 2nd ed., 2006, algorithm 7.1, with a preconditioner.
    """
    here = problem.at(W, problem.base + problem.Z @ W)
    for _ in range(MAX_NEWTON_STEPS):
        gradient = problem.gradient(here)
        remaining = _inner(gradient, problem.preconditioned(gradient))
        if remaining < tol:
            break
        target = max(min(0.6, remaining) ** 2 * remaining, tol / 2)
        direction = _newton_direction(problem, here, gradient, target)
        scores = problem.Z @ direction  # (n, k), what the direction adds
        descent, step = _inner(gradient, direction), 1.0
        while step > MIN_STEP:
            there = problem.at(here.W + np.float32(step) * direction, here.scores + np.float32(step) * scores)
            if there.loss <= here.loss + 1e-4 * step * descent:
                break
            step /= 2
        else:
            break  # float32 cannot represent a lower loss
        here = there
    return here.W


def _newton_direction(problem: _Problem, here: _Point, gradient: Float32s, target: float) -> Float32s:
    """Solve Hessian x = -gradient by preconditioned conjugate gradients until the squared residual is below `target`.

    Returns x (r, k).
    """
    x, residual = np.zeros_like(gradient), -gradient
    direction = problem.preconditioned(residual)
    square = _inner(residual, direction)
    for _ in range(MAX_CONJUGATE_STEPS):
        curved = problem.hessian_times(here, direction)
        length = np.float32(square / _inner(direction, curved))
        x += length * direction
        residual -= length * curved
        ahead = problem.preconditioned(residual)
        before, square = square, _inner(residual, ahead)
        if square < target:
            break
        direction = ahead + np.float32(square / before) * direction
    return x


def _inner(one: Float32s, other: Float32s) -> float:
    return float(np.vdot(one, other))
