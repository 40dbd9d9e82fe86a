"""Softmax regression that starts from a prior: how far labels move a model from what was known before.

Every method that treats labels as evidence against a prior stands on this: the any-shot head, whose prior is what is
said of the classes; a target domain's, whose prior is the source model; a task's, whose prior its sister tasks share.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from anyshot.checks import Indexes, Vectors
from anyshot.threads import threads_for

# With n vectors x (d,), targets y over c classes, weights w, and a prior that gives x the scores s(x) (c,):
#
#     scores(x) = s(x) + V x + b
#     (V, b) = argmin  sum_i w_i cross_entropy(scores(x_i) + log m, y_i) + (|V|^2 + |b / reach|^2) / (2 C)
#
# m (c,) is the weight that each class has in the sum. Adding log m in training only (logit adjustment, Menon et al.,
# ICLR 2021) makes the answer that of a balanced sample, so that uneven label counts do not bias it. It is convex.


BIAS_REACH = 4.0
"""How many times as far as a weight the intercept may move: it first has to undo the mean that all vectors share."""


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


def labelled(vectors: Vectors, index: Indexes, n_classes: int, *, weight: float = 1.0) -> Examples:
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
    tol: float = 3e-4,
) -> Deviation:
    """Minimise the objective above by L-BFGS, in coordinates in which it is nearly round.

    examples: n vectors (n, d) with targets over c classes; prior (n, c): the prior's scores of those vectors;
    start: where to begin, such as the solution before a few examples came; the minimum is the same, reached sooner;
    tol: largest gradient left, in the round coordinates [weighted examples].

    Classes without weight leave the softmax (log 0) and keep V = b = 0.
    """
    n_classes = prior.shape[1]
    active = np.flatnonzero(examples.mass > 0)
    V, b = np.zeros((n_classes, examples.vectors.shape[1]), np.float32), np.zeros(n_classes, np.float32)
    if len(active) < 2:
        return Deviation(V, b)
    rows = np.column_stack([examples.vectors, np.full(len(prior), BIAS_REACH, np.float32)])  # (n, d + 1), last for b
    axes, curvature = _axes(rows, examples.weights, len(active), C)  # (d + 1, r), (r,)
    to_round = np.asarray(axes / np.sqrt(curvature), dtype=np.float32)
    first: NDArray[np.float64] = np.zeros((to_round.shape[1], len(active)))
    if start is not None:
        before = np.column_stack([start.V, start.b / BIAS_REACH])[active]  # (k, d + 1)
        first = np.sqrt(curvature)[:, None] * (axes.T @ before.T).astype(np.float64)  # the axes are orthonormal
    base = prior[:, active] + np.log(examples.mass[active]).astype(np.float32)
    narrowed = Examples(rows @ to_round, examples.targets[:, active], examples.weights)
    W = _minimise(narrowed, base, (to_round**2).sum(axis=0) / C, first, tol)  # (r, k)
    moved = to_round @ W  # (d + 1, k)
    V[active], b[active] = moved[:-1].T, BIAS_REACH * moved[-1]
    return Deviation(V, b)


def _axes(
    rows: Vectors, weights: NDArray[np.float32], n_active: int, C: float
) -> tuple[NDArray[np.floating], NDArray[np.float64]]:
    """Return the principal axes of the examples (d, r), orthonormal, and about how the loss curves along each (r,).

    The softmax's curvature is at most (I - 11'/c) / 2 (Böhning 1992) and about p(1 - p) ~ 1/c a class where it
    matters, so the Hessian is about X' diag(w) X / c + I / C. Coordinates along its eigenvectors, each divided by the
    root of its eigenvalue, turn long valleys into a bowl. Directions in which no example lies are left out.
    """
    weighted = rows * np.sqrt(weights)[:, None]
    wide = len(rows) < rows.shape[1]  # fewer examples than features: the same axes from the smaller matrix
    gram = weighted @ weighted.T if wide else weighted.T @ weighted
    eigenvalues, eigenvectors = np.linalg.eigh(gram.astype(np.float64))  # (r,), (r, r)
    kept = eigenvalues > eigenvalues[-1] * 1e-7
    spread, directions = eigenvalues[kept], eigenvectors[:, kept]
    axes = weighted.T @ (directions / np.sqrt(spread)) if wide else directions  # (d, r)
    return axes, np.asarray(spread * min(0.25, 1 / n_active) + 1 / C)


def _minimise(
    examples: Examples,
    base: NDArray[np.floating],
    stiffness: NDArray[np.floating],
    first: NDArray[np.float64],
    tol: float,
) -> NDArray[np.float32]:
    """Return W (r, k) at the minimum of weighted cross-entropy(base + Z W) + sum(stiffness * W^2) / 2."""
    Z, T, w = examples.vectors, examples.targets, examples.weights[:, None]
    stiff = stiffness.astype(np.float32)[:, None]

    def loss_and_slope(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        W = flat.reshape(first.shape).astype(np.float32)
        scores = base + Z @ W  # (n, k)
        top = scores.max(axis=1, keepdims=True)
        odds = np.exp(scores - top)
        sums = odds.sum(axis=1, keepdims=True)
        fit = w * (top + np.log(sums) - (T * scores).sum(axis=1, keepdims=True))
        slope = Z.T @ (w * (odds / sums - T)) + stiff * W  # (r, k)
        loss = fit.sum(dtype=np.float64) + 0.5 * (stiff * W * W).sum(dtype=np.float64)
        return float(loss), slope.ravel().astype(np.float64)

    options = {"gtol": tol, "ftol": 3e-8, "maxiter": 500, "maxcor": 5}
    with threads_for(Z.size * T.shape[1]):
        found = minimize(loss_and_slope, first.ravel(), jac=True, method="L-BFGS-B", options=options)
    return np.asarray(found.x.reshape(first.shape), dtype=np.float32)
