"""Many linear two-way classifiers on the same items, fitted together: one product serves all of them."""

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from anyshot.base.validation import Vectors
from anyshot.zero_shot.class_vectors import Floats

BinaryLoss: TypeAlias = Literal["logistic", "squared-hinge"]


def fit_binary_heads(
    X: Vectors, targets: NDArray[np.floating], *, C: float, loss: BinaryLoss, max_steps: int = 100
) -> tuple[Floats, Floats]:
    """Return the weights (m, d) and intercepts (m,) of m linear classifiers with a common penalty.

    X (n, d); targets (n, m) of -1 and 1. Each minimizes |w|^2 / 2 + C sum_i loss(t_i (w x_i + b)), loss(z) being
    log(1 + e^-z) or max(0, 1 - z)^2; the intercept is not penalized. Solved together by L-BFGS, which
    stops after `max_steps`: answers settle long before the weights do.
    """
    d, m = X.shape[1], targets.shape[1]
    signs = targets.astype(np.float32)

    def objective(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(d + 1, m)
        lead = signs * (X @ weights[:d].astype(np.float32) + weights[d].astype(np.float32))  # (n, m)
        value, slope = _logistic(lead) if loss == "logistic" else _squared_hinge(lead)
        slope *= C * signs  # (n, m)
        gradient = np.vstack([weights[:d] + X.T @ slope, slope.sum(axis=0, dtype=np.float64)])
        return 0.5 * float((weights[:d] ** 2).sum()) + C * value, gradient.ravel()

    found = minimize(objective, np.zeros((d + 1) * m), jac=True, method="L-BFGS-B", options={"maxiter": max_steps})
    weights = found.x.reshape(d + 1, m)
    return weights[:d].T, weights[d]


def _logistic(lead: NDArray[np.float32]) -> tuple[float, NDArray[np.float32]]:
    return float(np.logaddexp(0, -lead).sum(dtype=np.float64)), -expit(-lead)


def _squared_hinge(lead: NDArray[np.float32]) -> tuple[float, NDArray[np.float32]]:
    short = np.maximum(1 - lead, 0)
    return float((short**2).sum(dtype=np.float64)), -2 * short
