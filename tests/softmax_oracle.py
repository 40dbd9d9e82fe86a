"""Synthetic vectors for the tests of the head, and the minimum of its objective found by L-BFGS."""

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

from anyshot.base.validation import generator, unit
from anyshot.training.softmax_regression import BIAS_REACH


def blobs(*, seed=0, n_classes=4, width=8, n_each=10, noise=0.6):
    """Return unit vectors around class means, their classes, and class vectors near the means."""
    random = generator(seed)
    means = random.normal(size=(n_classes, width))
    y = np.repeat(np.arange(n_classes), n_each)
    X = unit(unit(means)[y] + noise * random.normal(size=(len(y), width)) / np.sqrt(width))
    return X, y, unit(means + random.normal(size=means.shape))


def plain_minimum(X, T, w, prior, C):
    """Return V and b that minimize the objective as the derivation states it, in float64."""
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
