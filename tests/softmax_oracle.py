"""A small world of vectors, and the minimum of the head's objective found the plain way, to compare with."""

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

from anyshot.any_shot.solver import BIAS_REACH
from anyshot.base.validation import generator, unit


def world(*, seed=0, n_classes=4, width=8, n_each=10, noise=0.6):
    """Unit vectors around class means, and class vectors that point near the means."""
    random = generator(seed)
    means = random.normal(size=(n_classes, width))
    y = np.repeat(np.arange(n_classes), n_each)
    X = unit(unit(means)[y] + noise * random.normal(size=(len(y), width)) / np.sqrt(width))
    return X, y, unit(means + random.normal(size=means.shape))


def plain_minimum(X, T, w, prior, C):
    """Minimize the objective as the derivation writes it, in float64 and in its own coordinates."""
    d = X.shape[1]
    c = T.shape[1]
    base = prior + np.log(w @ T)

    def loss_and_slope(flat):
        V, b = flat[: c * d].reshape(c, d), flat[c * d :]
        scores = base + X @ V.T + b
        logs = scores - logsumexp(scores, axis=1, keepdims=True)
        loss = -(w[:, None] * T * logs).sum() + ((V**2).sum() + ((b / BIAS_REACH) ** 2).sum()) / (2 * C)
        gap = w[:, None] * (np.exp(logs) - T)
        return loss, np.concatenate([(gap.T @ X + V / C).ravel(), gap.sum(axis=0) + b / BIAS_REACH**2 / C])

    options = {"gtol": 1e-9, "ftol": 1e-15, "maxiter": 20_000, "maxfun": 50_000}
    found = minimize(loss_and_slope, np.zeros(c * (d + 1)), jac=True, method="L-BFGS-B", options=options).x
    return found[: c * d].reshape(c, d), found[c * d :]
