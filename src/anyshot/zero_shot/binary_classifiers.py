"""Linear one-vs-rest classifiers, fitted together: one matrix product serves all of them."""

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from anyshot.base.validation import Floats, Vectors

MAX_STEPS: Final = 100  # of L-BFGS


def fit_binary_classifiers(
    X: Vectors, targets: NDArray[np.floating], *, C: float, loss: Literal["logistic", "squared-hinge"]
) -> tuple[Floats, Floats]:
    """Return the weights (m, d) and intercepts (m,) of m linear classifiers with the same penalty.

    X (n, d); targets (n, m) of -1 and 1. Each minimizes |w|^2 / 2 + C sum_i loss(t_i (w x_i + b)), where loss(z) is
    log(1 + e^-z) or max(0, 1 - z)^2; the intercept is not penalized. Solved together by L-BFGS with at most `MAX_STEPS`
    steps: the predictions converge long before the weights do.
    """
    d, m = X.shape[1], targets.shape[1]
    signs = targets.astype(np.float32)

    def objective(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(d + 1, m)
        margins = signs * (X @ weights[:d].astype(np.float32) + weights[d].astype(np.float32))  # (n, m)
        if loss == "logistic":
            values, slope = np.logaddexp(0, -margins), -expit(-margins)
        else:
            short = np.maximum(1 - margins, 0)
            values, slope = short**2, -2 * short
        slope *= C * signs  # (n, m)
        gradient = np.vstack([weights[:d] + X.T @ slope, slope.sum(axis=0, dtype=np.float64)])
        return 0.5 * float((weights[:d] ** 2).sum()) + C * float(values.sum(dtype=np.float64)), gradient.ravel()

    found = minimize(objective, np.zeros((d + 1) * m), jac=True, method="L-BFGS-B", options={"maxiter": MAX_STEPS})
    weights = found.x.reshape(d + 1, m)
    return weights[:d].T, weights[d]
