"""Ridge regression with priors from a source model, averaged over penalties and priors by their evidence."""

import math
from collections.abc import Sequence
from itertools import product
from typing import Final, NamedTuple, Self

import numpy as np

from anyshot.base.number_columns import column_std
from anyshot.base.threads import threads_for
from anyshot.base.validation import Floats

# The model. With n labels y, standardized features z (d,), and a few columns t(x) (k,), such as a constant and the
# prediction of a source model:
#
#     y = t(x) c + z v + e,    e ~ N(0, s2),    1 / s2 ~ Gamma(nu / 2, nu q0 / 2)
#     c ~ N(m, s2 R),    v ~ N(0, s2 r / d)
#
# A prior is m (k,) and R (k,), diagonal. If the source is right, c is near (0, 1); if it is uninformative, c is near
# (mean, 0). r is the strength of the features' own effects; d / r is ridge's alpha. Given m, R and r, all else is
# integrated out in closed form (Murphy, Machine Learning: a Probabilistic Perspective, 2012,
# section 7.6.3). With H = I + (r / d) Z Z', u = y - T m and A = T' H^-1 T, the likelihood of all the labels is
#
#     log p(y) = -(log |H| + log |R| + log |R^-1 + A|) / 2 - (nu + n) / 2 log(nu q0 + q) + constant,
#     q = u' H^-1 u - h' (R^-1 + A)^-1 h,    h = T' H^-1 u.
#
# One singular value decomposition of Z is used for every r, and for each r a Gram matrix of (k + 1) columns for every m
# and R. Predictions are averaged over all r and priors, weighted by prior probability times likelihood: twenty labels
# are too few to select one.

STRENGTHS: Final = 10.0 ** np.arange(-4, 5.5, 0.5)
"""Values of r: variance explained by all features, in noise variances; with prior probability 1 / sqrt(1 + r)."""
FLAT: Final = math.inf
"""Variance in `ColumnPrior` of a column with a flat prior, such as the intercept."""
SOURCE_PROBABILITY: Final = 0.9
"""Prior probability that a source is informative."""
SHIFTS: Final = (1e-3, 0.03, 0.3, 3.0, 30.0)
SLOPES: Final = (1e-9, 0.03, 0.3)
"""Prior variances of the intercept and slope of a source's error, equally probable, in noise variances."""


class ColumnPrior(NamedTuple):
    """Gaussian prior of the effects of the columns."""

    mean: tuple[float, ...]  # (k,)
    variance: tuple[float, ...]  # (k,), in noise variances
    probability: float = 1.0


class AveragedRidge(NamedTuple):
    """The model averaged over all priors and strengths."""

    column_effects: Floats  # (k,)
    coef: Floats  # (d,)
    probabilities: Floats  # (priors,), posterior
    strength: float  # geometric mean of r


class _Rotated(NamedTuple):
    """Columns along the principal axes of the features."""

    values: Floats  # (p,), squares of the singular values
    along: Floats  # (p, k + 1), the columns and y along the axes
    axes: Floats  # (d, p), each divided by its singular value
    gram: Floats  # (k + 1, k + 1), of the columns and y


def average_ridge(
    Z: Floats,
    T: Floats,
    y: Floats,
    priors: Sequence[ColumnPrior],
    *,
    strengths: Floats = STRENGTHS,
    noise: float,
    noise_items: float = 1.0,
    weights: Floats | None = None,
) -> AveragedRidge:
    """Return the model above averaged over priors and strengths.

    Z (n, d) features; T (n, k) columns; y (n,); priors: all flat in the same columns; strengths (g,): values of r;
    noise: q0, the expected noise variance, above 0; noise_items: nu, the number of labels that it counts for; weights
    (n,): how often each label counts, 1 by default.
    """
    counted = np.ones(len(y)) if weights is None else weights
    root, n = np.sqrt(counted)[:, None], float(counted.sum())
    rotated = _rotated(root * Z, root * np.column_stack([T, y]))
    logs, effects, inner = [], [], []
    for r in strengths:
        damped = r / Z.shape[1] / (1 + r / Z.shape[1] * rotated.values)  # (p,)
        gram = rotated.gram - rotated.along.T @ (damped[:, None] * rotated.values[:, None] * rotated.along)
        log_det = np.log1p(r / Z.shape[1] * rotated.values).sum()
        for prior in priors:
            c, log_rest = _column_effects(gram, prior, n=n, noise=noise, noise_items=noise_items)
            logs.append(math.log(prior.probability) - math.log1p(r) / 2 - log_det / 2 + log_rest)
            effects.append(c)
            inner.append(damped * rotated.values * (rotated.along[:, -1] - rotated.along[:, :-1] @ c))
    posterior = np.exp(np.array(logs) - max(logs))
    posterior /= posterior.sum()  # (g * priors,)
    table = posterior.reshape(len(strengths), len(priors))
    return AveragedRidge(
        column_effects=posterior @ np.array(effects),
        coef=rotated.axes @ (posterior @ np.array(inner)),
        probabilities=table.sum(axis=0),
        strength=float(np.exp(table.sum(axis=1) @ np.log(strengths))),
    )


class Standardization(NamedTuple):
    """The mean and the standard deviation of each feature."""

    mean: Floats  # (d,)
    std: Floats  # (d,), 1 for constant features

    @classmethod
    def of(cls, rows: Floats, weights: Floats) -> Self:
        """Return the statistics of weighted rows (n, d)."""
        mean = np.average(rows, axis=0, weights=weights)
        std = column_std(rows, weights)
        return cls(mean, np.where(std > 0, std, 1.0))

    def __call__(self, rows: Floats) -> Floats:
        """Return standardized rows (n, d)."""
        return (rows - self.mean) / self.std


class SourceStatistics(NamedTuple):
    """Statistics of the predictions of a source."""

    mean: float
    std: float  # above 0
    noise: float  # expected variance of their error
    noise_items: float  # number of labels that `noise` counts for


class SourceRidge(NamedTuple):
    """A linear model of rows and a source's predictions: intercept + source_weight * prediction + row @ coef."""

    intercept: float
    source_weight: float
    coef: Floats  # (d,), of features that are not standardized
    source_probability: float | None  # posterior probability that the source is informative
    alpha: float

    def __call__(self, rows: Floats, source_predictions: Floats) -> Floats:
        """Return predictions (n,) for rows (n, d) with the source's predictions (n,)."""
        return np.asarray(self.intercept + self.source_weight * source_predictions + rows @ self.coef, dtype=np.float64)


def fit_source_ridge(
    rows: Floats,
    source_predictions: Floats,
    y: Floats,
    scaling: Standardization,
    *,
    source: SourceStatistics | None,
    alpha: float | None,
    weights: Floats | None = None,
) -> SourceRidge:
    """Fit ridge regression of y (n,) on rows (n, d), with a prior from the source's predictions (n,) if there is one.

    alpha: the penalty on standardized features; None averages over penalties. weights (n,): how often each row counts,
    1 by default.
    """
    d = rows.shape[1]
    strengths = STRENGTHS if alpha is None else np.array([d / alpha])
    center = (
        float(np.average(y, weights=weights)) if source is None else source.mean
    )  # squares of large numbers would hide small differences
    y = y - center
    mean_square = float(np.average(np.square(y), weights=weights))
    tiny = 1e-12 * mean_square
    if source is None:
        mean, std, priors = 0.0, 1.0, [ColumnPrior((0.0,), (FLAT,))]
        T, noise, noise_items = np.ones((len(y), 1)), mean_square / 10, 1.0
    else:
        mean, std, priors = source.mean, source.std, source_priors(source)
        T = np.column_stack([np.ones(len(y)), (source_predictions - mean) / std])
        noise, noise_items = source.noise, source.noise_items
    noise = max(noise, tiny) or 1.0
    with threads_for(rows.size):
        found = average_ridge(
            scaling(rows), T, y, priors, strengths=strengths, noise=noise, noise_items=noise_items, weights=weights
        )
    weight = 0.0 if source is None else float(found.column_effects[1]) / std
    coef = found.coef / scaling.std
    return SourceRidge(
        intercept=float(center + found.column_effects[0] - weight * mean - scaling.mean @ coef),
        source_weight=weight,
        coef=coef,
        source_probability=None if source is None else float(found.probabilities[:-1].sum()),
        alpha=d / found.strength,
    )


def source_priors(source: SourceStatistics) -> list[ColumnPrior]:
    """Return priors for sources with errors in intercept and slope, and last that for an uninformative source.

    The intercept is that of labels from which the source's mean is subtracted.
    """
    mean, variances = (0.0, source.std), list(product(SHIFTS, SLOPES))
    return [
        *(ColumnPrior(mean, variance, probability=SOURCE_PROBABILITY / len(variances)) for variance in variances),
        ColumnPrior((0.0, 0.0), (max(SHIFTS), min(SLOPES)), probability=1 - SOURCE_PROBABILITY),
    ]


def _column_effects(
    gram: Floats, prior: ColumnPrior, *, n: float, noise: float, noise_items: float
) -> tuple[Floats, float]:
    """Return c (k,) for one prior and one strength, and log p(y) without log |H|."""
    mean, variance = np.array(prior.mean), np.array(prior.variance)
    proper = np.isfinite(variance)
    A, to_y = gram[:-1, :-1], gram[:-1, -1]
    h = to_y - A @ mean  # (k,)
    square = gram[-1, -1] - 2 * mean @ to_y + mean @ A @ mean
    precision = A + np.diag(1 / variance)  # (k, k); 1 / FLAT is 0
    change = np.linalg.solve(precision, h)
    q = max(square - h @ change, 0.0)
    freedom = noise_items + n - np.count_nonzero(~proper)
    log_det = np.linalg.slogdet(precision)[1] + np.log(variance[proper]).sum()
    return mean + change, float(-log_det / 2 - freedom / 2 * math.log(noise_items * noise + q))


def _rotated(Z: Floats, columns: Floats) -> _Rotated:
    """Return the columns (n, k + 1) along the axes of the thin singular value decomposition Z = U S V'."""
    U, S, Vt = np.linalg.svd(Z, full_matrices=False)
    rank = np.linalg.matrix_rank(np.diag(S), tol=max(Z.shape) * np.finfo(np.float64).eps * S.max(initial=0))
    U, S, Vt = U[:, :rank], S[:rank], Vt[:rank]
    # v = (r / d) Z' H^-1 (y - T c) = V S^-1 [(r / d) S^2 / (1 + (r / d) S^2)] U' (y - T c)
    return _Rotated(S**2, U.T @ columns, Vt.T / S, columns.T @ columns)
