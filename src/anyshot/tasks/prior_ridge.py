"""Ridge regression around prior beliefs, the strength of each found by evidence: the arithmetic, of arrays alone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final, NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anyshot.base.threads import threads_for

Floats: TypeAlias = NDArray[np.float64]

# The model. With n answers y, standardized features z (d,), and a few coarse columns t(x) (k,), such as a constant and
# what a source model answers:
#
#     y = t(x) c + z v + e,    e ~ N(0, s2),    1 / s2 ~ Gamma(nu / 2, nu q0 / 2)
#     c ~ N(m, s2 R),    v ~ N(0, s2 r / d)
#
# A prior is its m (k,) and R (k,), diagonal. "The source is right" is c near (0, 1): its answer, moved by little. "The
# source means nothing" is c = (mean, 0). r is how strong the features' own effects are; d / r is ridge's alpha. Given
# m, R and r all else is integrated out in closed form (Murphy, Machine Learning: a Probabilistic Perspective, 2012,
# section 7.6.3). With H = I + (r / d) Z Z', u = y - T m and A = T' H^-1 T, the likelihood of all the labels is
#
#     log p(y) = -(log |H| + log |R| + log |R^-1 + A|) / 2 - (nu + n) / 2 log(nu q0 + q) + constant,
#     q = u' H^-1 u - h' (R^-1 + A)^-1 h,    h = T' H^-1 u.
#
# One singular value decomposition of Z serves every r, and for each r a Gram matrix of (k + 1) columns serves every m
# and R. No strength is chosen: twenty labels cannot tell one from another. Answers are averaged over all of them,
# each by its belief times its likelihood.

STRENGTHS: Final = 10.0 ** np.arange(-4, 5.5, 0.5)
"""r: variance of what all features together explain, in variances of the noise; believed as 1 / sqrt(1 + r)."""
FLAT: Final = math.inf
"""The variance in `Prior` of a column about which nothing is known, as of ridge's intercept."""
TRUST: Final = 0.9
"""Belief, before any label, that a source's answers mean something here."""
SHIFTS: Final = (1e-3, 0.03, 0.3, 3.0, 30.0)
SLOPES: Final = (1e-9, 0.03, 0.3)
"""How far the level and the slope of a source's answers may be off, each as likely, in variances of the noise."""


@dataclass(frozen=True)
class Prior:
    """What is believed of the coarse columns before the labels are seen."""

    mean: tuple[float, ...]  # (k,)
    variance: tuple[float, ...]  # (k,), in variances of the noise; FLAT for no belief
    belief: float = 1.0
    """Weight of this prior among others."""


@dataclass(frozen=True)
class AveragedRidge:
    """The mean of the model over all priors and strengths."""

    coarse: Floats  # (k,)
    coef: Floats  # (d,)
    beliefs: Floats  # (priors,), what is believed of each prior now
    strength: float
    """Geometric mean of r."""


class _Rotated(NamedTuple):
    """Features and columns in axes along which the features are independent."""

    values: Floats  # (p,), squares of the singular values
    inside: Floats  # (p, k + 1), the columns and y along the axes
    axes: Floats  # (d, p), each divided by its singular value
    gram: Floats  # (k + 1, k + 1), of the columns and y as they are


def average_ridge(
    Z: Floats,
    T: Floats,
    y: Floats,
    priors: Sequence[Prior],
    *,
    strengths: Floats = STRENGTHS,
    noise: float,
    noise_items: float = 1.0,
) -> AveragedRidge:
    """Return the model above averaged over priors and strengths.

    Z (n, d) features; T (n, k) coarse columns; y (n,); priors: all flat in the same columns; strengths (g,): values of
    r; noise: q0, the variance expected of the noise, above 0; noise_items: nu, what that is worth [labels].
    """
    turned, n = _rotated(Z, np.column_stack([T, y])), len(y)
    logs, coarse, inner = [], [], []
    for r in strengths:
        damped = r / Z.shape[1] / (1 + r / Z.shape[1] * turned.values)  # (p,)
        gram = turned.gram - turned.inside.T @ (damped[:, None] * turned.values[:, None] * turned.inside)
        log_det = np.log1p(r / Z.shape[1] * turned.values).sum()
        for prior in priors:
            c, log_rest = _coarse(gram, prior, n=n, noise=noise, noise_items=noise_items)
            logs.append(math.log(prior.belief) - math.log1p(r) / 2 - log_det / 2 + log_rest)
            coarse.append(c)
            inner.append(damped * turned.values * (turned.inside[:, -1] - turned.inside[:, :-1] @ c))
    belief = np.exp(np.array(logs) - max(logs))
    belief /= belief.sum()  # (g * priors,)
    table = belief.reshape(len(strengths), len(priors))
    return AveragedRidge(
        coarse=belief @ np.array(coarse),
        coef=turned.axes @ (belief @ np.array(inner)),
        beliefs=table.sum(axis=0),
        strength=float(np.exp(table.sum(axis=1) @ np.log(strengths))),
    )


class Scaling(NamedTuple):
    """What is taken off each feature, and what it is divided by."""

    center: Floats  # (d,)
    spread: Floats  # (d,)

    @classmethod
    def of(cls, rows: Floats, weights: Floats) -> Self:
        """Return mean and deviation of weighted rows (n, d); a constant feature is divided by 1."""
        center = np.average(rows, axis=0, weights=weights)
        spread = np.sqrt(np.average((rows - center) ** 2, axis=0, weights=weights))
        return cls(center, np.where(spread > 1e-9 * np.maximum(np.abs(center), 1e-6), spread, 1.0))

    def __call__(self, rows: Floats) -> Floats:
        """Return scaled rows (n, d)."""
        return (rows - self.center) / self.spread


class SourceBelief(NamedTuple):
    """What is expected of a source's answers before they are compared with labels."""

    level: float
    spread: float  # above 0
    noise: float  # variance of the truth around the answers
    noise_items: float  # what that figure is worth, in labels


class Effects(NamedTuple):
    """A model of rows and of a source's answers: level + share * answer + row @ coef."""

    level: float
    share: float
    coef: Floats  # (d,), of the features as given
    belief: float | None  # that the source means something
    alpha: float

    def __call__(self, rows: Floats, answers: Floats) -> Floats:
        """Return the model's answers (n,) to rows (n, d) with the source's answers (n,)."""
        return np.asarray(self.level + self.share * answers + rows @ self.coef, dtype=np.float64)


def ridge_effects(
    rows: Floats, answers: Floats, y: Floats, scaling: Scaling, *, source: SourceBelief | None, alpha: float | None
) -> Effects:
    """Return ridge regression of y (n,) on rows (n, d), around the source's answers (n,) if there is a source.

    alpha: the penalty on scaled features; None averages over all, by evidence.
    """
    d = rows.shape[1]
    strengths = STRENGTHS if alpha is None else np.array([d / alpha])
    tiny = 1e-12 * float(np.square(y).mean())
    if source is None:
        level, spread, priors = 0.0, 1.0, [Prior((0.0,), (FLAT,))]
        T, noise, noise_items = np.ones((len(y), 1)), float(np.var(y)) / 10, 1.0
    else:
        level, spread, priors = source.level, source.spread, source_priors(source)
        T = np.column_stack([np.ones(len(y)), (answers - level) / spread])
        noise, noise_items = source.noise, source.noise_items
    noise = max(noise, tiny) or 1.0
    with threads_for(rows.size):
        found = average_ridge(scaling(rows), T, y, priors, strengths=strengths, noise=noise, noise_items=noise_items)
    share = 0.0 if source is None else float(found.coarse[1]) / spread
    coef = found.coef / scaling.spread
    return Effects(
        level=float(found.coarse[0] - share * level - scaling.center @ coef),
        share=share,
        coef=coef,
        belief=None if source is None else float(found.beliefs[:-1].sum()),
        alpha=d / found.strength,
    )


def source_priors(source: SourceBelief) -> list[Prior]:
    """Return the beliefs that the source is right but for its level and slope, and last that it means nothing."""
    mean, ways = (source.level, source.spread), list(product(SHIFTS, SLOPES))
    return [
        *(Prior(mean, way, belief=TRUST / len(ways)) for way in ways),
        Prior((source.level, 0.0), (max(SHIFTS), min(SLOPES)), belief=1 - TRUST),
    ]


def _coarse(gram: Floats, prior: Prior, *, n: int, noise: float, noise_items: float) -> tuple[Floats, float]:
    """Return c (k,) given one prior and one strength, and what log p(y) has beside log |H|."""
    mean, variance = np.array(prior.mean), np.array(prior.variance)
    held = np.isfinite(variance)
    A, to_y = gram[:-1, :-1], gram[:-1, -1]
    h = to_y - A @ mean  # (k,)
    square = gram[-1, -1] - 2 * mean @ to_y + mean @ A @ mean
    curved = A + np.diag(1 / variance)  # (k, k); 1 / FLAT is 0
    moved = np.linalg.solve(curved, h)
    q = max(square - h @ moved, 0.0)
    freedom = noise_items + n - np.count_nonzero(~held)
    log_det = np.linalg.slogdet(curved)[1] + np.log(variance[held]).sum()
    return mean + moved, float(-log_det / 2 - freedom / 2 * math.log(noise_items * noise + q))


def _rotated(Z: Floats, columns: Floats) -> _Rotated:
    """Return the thin singular value decomposition Z = U S V', with the columns (n, k + 1) in its axes."""
    U, S, Vt = np.linalg.svd(Z, full_matrices=False)
    rank = np.linalg.matrix_rank(np.diag(S), tol=max(Z.shape) * np.finfo(np.float64).eps * S.max(initial=0))
    U, S, Vt = U[:, :rank], S[:rank], Vt[:rank]
    # v = (r / d) Z' H^-1 (y - T c) = V S^-1 [(r / d) S^2 / (1 + (r / d) S^2)] U' (y - T c)
    return _Rotated(S**2, U.T @ columns, Vt.T / S, columns.T @ columns)
