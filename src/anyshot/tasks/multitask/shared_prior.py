"""Linear heads that are drawn to a prior all tasks share, its strength found by evidence: arrays alone."""

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
# S (k, k) says how strong each head is and how far heads agree. Given the other heads, a head's prior is N(others'
# regression on S, what S leaves open): labels of one task move the prior of every task that S ties to it, and where S
# is diagonal each task is on its own. S and the noise are learned by expectation-maximization (the prior of Bonilla,
# Chai, Williams, Multi-task Gaussian Process Prediction, NeurIPS 2007, in the features' space; the update is that of
# Murphy, Machine Learning: a Probabilistic Perspective, 2012, section 9.5), classes by Laplace's approximation:
#
#     S <- mean over features of w w' + V,    noise <- mean of (y - score)^2 + its variance
#
# V, the covariance of a feature's weights, is closed-form in the features' principal axes, where Z'Z = diag(n l), when
# each task's labeled items are taken to have the axes of all items. With h (k,) the curvature of each head's loss,
# H = diag(h) and H^1/2 S H^1/2 = Q diag(q) Q':
#
#     V = (S^-1 + l H)^-1 = H^-1/2 Q diag(q / (1 + l q)) Q' H^-1/2
#
# The heads themselves are exact: L-BFGS on the whole objective, in the coordinates where V is 1.

ROUNDS: Final = 60
"""At most, of expectation-maximization."""
SETTLED: Final = 1e-3
"""Relative change of S at which it stops."""
INNER_STEPS: Final = 8
"""Of L-BFGS in each round; the last round runs to the minimum."""
OWN_WEIGHT: Final = 2.0
"""Features' worth of belief that tasks have nothing to do with each other."""


class SharedHeads(NamedTuple):
    """The tasks' heads, and the prior they were found to share."""

    coef: Floats  # (d, k)
    intercept: Floats  # (k,)
    covariance: Floats  # (k, k), S
    noise: Floats  # (tasks,), of regressions in variances of their numbers; NaN for classes


def fit_shared_prior(Z: Floats, tasks: Sequence[Task], *, shared: bool = True) -> SharedHeads:
    """Return the heads of the model above.

    Z (n, d): features of all items, with or without labels; shared: False keeps S diagonal between tasks, which is
    each task on its own.
    """
    U, scale, axes = np.linalg.svd(Z, full_matrices=False)
    kept = scale > max(Z.shape) * np.finfo(np.float64).eps * scale.max(initial=0)
    rows, shares = U[:, kept] * scale[kept], scale[kept] ** 2 / len(Z)  # (n, p), (p,): l, a mean square
    ends = np.cumsum([task.width for task in tasks])
    parts = [slice(end - task.width, end) for task, end in zip(tasks, ends, strict=True)]
    problem = _Problem(rows, tasks, parts)
    S = np.eye(ends[-1]) / max(len(shares) * shares.mean(), 1e-12)
    noise = np.full(len(tasks), 0.5)
    here = _Heads(np.zeros((len(shares), ends[-1])), np.zeros(ends[-1]))
    for _ in range(ROUNDS):
        turn = _Turn.of(S, problem.curvature(here, noise), shares)
        here = problem.minimum(here, noise, turn, steps=INNER_STEPS)
        before, S = S, _tied(here.U.T @ here.U + turn.spread(), len(shares), parts, shared=shared)
        noise = problem.noise(here, turn, shares)
        if np.abs(S - before).max() <= SETTLED * np.abs(before).max():
            break
    turn = _Turn.of(S, problem.curvature(here, noise), shares)
    here = problem.minimum(here, noise, turn, steps=500)
    is_number = np.array([task.kind == "regression" for task in tasks])
    return SharedHeads(axes[kept].T @ here.U, here.b, S, np.where(is_number, noise, np.nan))


class _Heads(NamedTuple):
    U: Floats  # (p, k), weights along the features' axes
    b: Floats  # (k,)


class _Turn(NamedTuple):
    """Coordinates in which all weights are independent of each other and have variance 1."""

    back: Floats  # (k, k), H^-1/2 Q
    forth: Floats  # (k, k), H^1/2 Q
    scale: Floats  # (p, k), sqrt(q / (1 + l q))
    pull: Floats  # (p, k), 1 / (1 + l q), the prior's part in the precision

    @classmethod
    def of(cls, S: Floats, h: Floats, shares: Floats) -> "_Turn":
        root = np.sqrt(h)
        q, Q = np.linalg.eigh(root[:, None] * S * root)
        q = np.maximum(q, 1e-12)
        pull = 1 / (1 + shares[:, None] * q)
        return cls(Q / root[:, None], Q * root[:, None], np.sqrt(q * pull), pull)

    def spread(self) -> Floats:
        """Return the sum of V over the axes (k, k)."""
        return np.asarray((self.back * np.square(self.scale).sum(axis=0)) @ self.back.T)


class _Problem(NamedTuple):
    rows: Floats  # (n, p)
    tasks: Sequence[Task]
    parts: list[slice]  # of the k columns, one a task

    def loss(self, scores: Floats, noise: Floats) -> tuple[float, Floats]:
        """Return the loss of all labels, and its slope along the scores (n, k)."""
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

    def curvature(self, here: _Heads, noise: Floats) -> Floats:
        """Return the second derivative of the loss along each column of scores, summed over its items (k,)."""
        scores, found = self.rows @ here.U + here.b, []
        for task, part, variance in zip(self.tasks, self.parts, noise, strict=True):
            if task.kind == "regression":
                found.append([len(task.rows) / variance])
            else:
                p = task.probabilities(scores[task.rows, part])[:, -task.width :]
                found.append((p * (1 - p)).sum(axis=0))
        return np.maximum(np.concatenate(found), 1e-6)

    def noise(self, here: _Heads, turn: _Turn, shares: Floats) -> Floats:
        """Return the variance of each regression's answers (tasks,); 1 for classes, which have none."""
        wavering = np.square(turn.back) @ (np.square(turn.scale).T @ shares)  # (k,), variance of a score
        found = np.ones(len(self.tasks))
        for place, (task, part) in enumerate(zip(self.tasks, self.parts, strict=True)):
            if task.kind == "regression":
                gap = self.rows[task.rows] @ here.U[:, part.start] + here.b[part.start] - task.targets
                found[place] = max(float(gap @ gap) / len(gap) + wavering[part.start], 1e-4)
        return found

    def minimum(self, here: _Heads, noise: Floats, turn: _Turn, *, steps: int) -> _Heads:
        """Return the heads after some steps of L-BFGS on loss + w' S^-1 w / 2."""
        shape = here.U.shape

        def unfold(x: Floats) -> _Heads:
            return _Heads((x[: -shape[1]].reshape(shape) * turn.scale) @ turn.back.T, x[-shape[1] :])

        def objective(x: Floats) -> tuple[float, Floats]:
            heads, v = unfold(x), x[: -shape[1]].reshape(shape)
            loss, slope = self.loss(self.rows @ heads.U + heads.b, noise)
            along = (self.rows.T @ slope) @ turn.back * turn.scale + turn.pull * v  # (p, k)
            return loss + 0.5 * float((turn.pull * v**2).sum()), np.concatenate([along.ravel(), slope.sum(axis=0)])

        start = np.concatenate([((here.U @ turn.forth) / turn.scale).ravel(), here.b])
        found = minimize(
            objective, start, jac=True, method="L-BFGS-B", options={"maxiter": steps, "gtol": 1e-5, "ftol": 1e-13}
        )
        return unfold(found.x)


def _tied(moment: Floats, n_axes: int, parts: list[slice], *, shared: bool) -> Floats:
    """Return S from the sum over axes of w w' + V (k, k), drawn to tasks that have nothing to do with each other."""
    own = np.zeros_like(moment)
    for part in parts:
        size = part.stop - part.start
        own[part, part] = np.trace(moment[part, part]) / size * np.eye(size) / n_axes
    free = moment / n_axes
    if not shared:
        free = sum((_block(free, part) for part in parts), np.zeros_like(free))
    return (n_axes * free + OWN_WEIGHT * own) / (n_axes + OWN_WEIGHT)


def _block(table: Floats, part: slice) -> Floats:
    only = np.zeros_like(table)
    only[part, part] = table[part, part]
    return only
