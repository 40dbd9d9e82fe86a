"""Linear heads of several tasks with a shared Gaussian prior, estimated by expectation-maximization."""

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logsumexp, softmax

from anyshot.tasks.multitask.task import Task

Floats: TypeAlias = NDArray[np.float64]

# The model. The tasks' heads are the columns of W (d, k), one for a number or two classes, c for c classes:
#
#     scores = Z W + b,    each row of W ~ N(0, S),    y = score + N(0, noise) or a class by the softmax of its scores
#
# S (k, k) is the prior covariance of the heads: labels of one task inform the heads of all tasks that are correlated
# with it under S, and with a diagonal S each task is learned alone. S and the noise are estimated by EM (the prior of
# Bonilla, Chai, Williams, Multi-task Gaussian Process Prediction, NeurIPS 2007, in feature space; the update is that of
# Murphy, Machine Learning: a Probabilistic Perspective, 2012, section 9.5), with Laplace's approximation for classes:
#
#     S <- mean over features of w w' + V,    noise <- mean of (y - score)^2 + its variance
#
# V, the posterior covariance of a feature's weights, has a closed form in the principal axes of the features, where
# Z'Z = diag(n l), if the labeled items of each task are assumed to have the axes of all items. With the curvature h
# (k,) of each head's loss, H = diag(h) and H^1/2 S H^1/2 = Q diag(q) Q':
#
#     V = (S^-1 + l H)^-1 = H^-1/2 Q diag(q / (1 + l q)) Q' H^-1/2
#
# The heads minimize the exact objective, by L-BFGS in coordinates in which V is the identity.

MAX_ROUNDS: Final = 60
"""Of expectation-maximization."""
TOLERANCE: Final = 1e-3
"""Relative change of S at which EM stops."""
INNER_STEPS: Final = 8
"""L-BFGS steps in each round; the last round runs to convergence."""
INDEPENDENCE_WEIGHT: Final = 2.0
"""Weight of the prior that tasks are independent, in numbers of features."""


class SharedHeads(NamedTuple):
    """The heads of all tasks, and the estimated prior."""

    coef: Floats  # (d, k)
    intercept: Floats  # (k,)
    covariance: Floats  # (k, k), S
    noise: Floats  # (tasks,), noise variance of standardized labels; NaN for classification


def fit_shared_prior(Z: Floats, tasks: Sequence[Task], *, shared: bool = True) -> SharedHeads:
    """Fit the model above.

    Z (n, d): features of all items, with or without labels; shared: False keeps S block-diagonal, so that each task is
    learned alone.
    """
    U, scale, axes = np.linalg.svd(Z, full_matrices=False)
    nonzero = scale > max(Z.shape) * np.finfo(np.float64).eps * scale.max(initial=0)
    rows, variances = U[:, nonzero] * scale[nonzero], scale[nonzero] ** 2 / len(Z)  # (n, p), (p,): l
    ends = np.cumsum([task.width for task in tasks])
    parts = [slice(end - task.width, end) for task, end in zip(tasks, ends, strict=True)]
    problem = _Problem(rows, tasks, parts)
    S = np.eye(ends[-1]) / max(len(variances) * variances.mean(), 1e-12)
    noise = np.full(len(tasks), 0.5)
    heads = _Heads(np.zeros((len(variances), ends[-1])), np.zeros(ends[-1]))
    for _ in range(MAX_ROUNDS):
        coordinates = _Coordinates.of(S, problem.curvature(heads, noise), variances)
        heads = problem.minimum(heads, noise, coordinates, steps=INNER_STEPS)
        moment = heads.U.T @ heads.U + coordinates.total_variance()
        before, S = S, _prior_covariance(moment, len(variances), parts, shared=shared)
        noise = problem.noise(heads, coordinates, variances)
        if np.abs(S - before).max() <= TOLERANCE * np.abs(before).max():
            break
    coordinates = _Coordinates.of(S, problem.curvature(heads, noise), variances)
    heads = problem.minimum(heads, noise, coordinates, steps=500)
    is_number = np.array([task.kind == "regression" for task in tasks])
    return SharedHeads(axes[nonzero].T @ heads.U, heads.b, S, np.where(is_number, noise, np.nan))


class _Heads(NamedTuple):
    U: Floats  # (p, k), weights along the principal axes
    b: Floats  # (k,)


class _Coordinates(NamedTuple):
    """Coordinates in which all weights are independent with variance 1."""

    back: Floats  # (k, k), H^-1/2 Q
    forth: Floats  # (k, k), H^1/2 Q
    scale: Floats  # (p, k), sqrt(q / (1 + l q))
    prior_share: Floats  # (p, k), 1 / (1 + l q), share of the prior in the precision

    @classmethod
    def of(cls, S: Floats, h: Floats, variances: Floats) -> "_Coordinates":
        root = np.sqrt(h)
        q, Q = np.linalg.eigh(root[:, None] * S * root)
        q = np.maximum(q, 1e-12)
        prior_share = 1 / (1 + variances[:, None] * q)
        return cls(Q / root[:, None], Q * root[:, None], np.sqrt(q * prior_share), prior_share)

    def total_variance(self) -> Floats:
        """Return the sum of V over the axes (k, k)."""
        return np.asarray((self.back * np.square(self.scale).sum(axis=0)) @ self.back.T)


class _Problem(NamedTuple):
    rows: Floats  # (n, p)
    tasks: Sequence[Task]
    parts: list[slice]  # columns of each task

    def loss(self, scores: Floats, noise: Floats) -> tuple[float, Floats]:
        """Return the loss of all labels, and its gradient with respect to the scores (n, k)."""
        total, slope = 0.0, np.zeros_like(scores)
        for task, part, variance in zip(self.tasks, self.parts, noise, strict=True):
            own, y = scores[task.rows, part], task.targets
            if task.kind == "regression":
                gap = own[:, 0] - y
                total += float(gap @ gap) / (2 * variance)
                slope[task.rows, part] = gap[:, None] / variance
            elif task.width == 1:
                total += float(np.logaddexp(0, np.where(y == 1, -own[:, 0], own[:, 0])).sum())
                slope[task.rows, part] = (expit(own[:, 0]) - y)[:, None]
            else:
                each = np.arange(len(y))
                total += float((logsumexp(own, axis=1) - own[each, y]).sum())
                gaps = softmax(own, axis=1)
                gaps[each, y] -= 1
                slope[task.rows, part] = gaps
        return total, slope

    def curvature(self, heads: _Heads, noise: Floats) -> Floats:
        """Return the second derivative of the loss with respect to each column of scores, summed over items (k,)."""
        scores, found = self.rows @ heads.U + heads.b, []
        for task, part, variance in zip(self.tasks, self.parts, noise, strict=True):
            if task.kind == "regression":
                found.append([len(task.rows) / variance])
            else:
                p = task.probabilities(scores[task.rows, part])[:, -task.width :]
                found.append((p * (1 - p)).sum(axis=0))
        return np.maximum(np.concatenate(found), 1e-6)

    def noise(self, heads: _Heads, coordinates: _Coordinates, variances: Floats) -> Floats:
        """Return the noise variance of each regression task (tasks,); 1 for classification."""
        of_scores = np.square(coordinates.back) @ (np.square(coordinates.scale).T @ variances)  # (k,), variance
        found = np.ones(len(self.tasks))
        for number, (task, part) in enumerate(zip(self.tasks, self.parts, strict=True)):
            if task.kind == "regression":
                gap = self.rows[task.rows] @ heads.U[:, part.start] + heads.b[part.start] - task.targets
                found[number] = max(float(gap @ gap) / len(gap) + of_scores[part.start], 1e-4)
        return found

    def minimum(self, start: _Heads, noise: Floats, coordinates: _Coordinates, *, steps: int) -> _Heads:
        """Return the heads after some steps of L-BFGS on loss + w' S^-1 w / 2."""
        shape, prior = start.U.shape, coordinates.prior_share

        def unfold(x: Floats) -> _Heads:
            return _Heads((x[: -shape[1]].reshape(shape) * coordinates.scale) @ coordinates.back.T, x[-shape[1] :])

        def objective(x: Floats) -> tuple[float, Floats]:
            heads, v = unfold(x), x[: -shape[1]].reshape(shape)
            loss, slope = self.loss(self.rows @ heads.U + heads.b, noise)
            along = (self.rows.T @ slope) @ coordinates.back * coordinates.scale + prior * v  # (p, k)
            return loss + 0.5 * float((prior * v**2).sum()), np.concatenate([along.ravel(), slope.sum(axis=0)])

        x = np.concatenate([((start.U @ coordinates.forth) / coordinates.scale).ravel(), start.b])
        found = minimize(
            objective, x, jac=True, method="L-BFGS-B", options={"maxiter": steps, "gtol": 1e-5, "ftol": 1e-13}
        )
        return unfold(found.x)


def _prior_covariance(moment: Floats, n_axes: int, parts: list[slice], *, shared: bool) -> Floats:
    """Return S from the sum over axes of w w' + V (k, k), shrunk toward independent tasks."""
    own = np.zeros_like(moment)
    for part in parts:
        size = part.stop - part.start
        own[part, part] = np.trace(moment[part, part]) / size * np.eye(size) / n_axes
    free = moment / n_axes
    if not shared:
        free = sum((_block(free, part) for part in parts), np.zeros_like(free))
    return (n_axes * free + INDEPENDENCE_WEIGHT * own) / (n_axes + INDEPENDENCE_WEIGHT)


def _block(table: Floats, part: slice) -> Floats:
    only = np.zeros_like(table)
    only[part, part] = table[part, part]
    return only
