"""Extrapolation: what accuracy twice the labels would bring, with its uncertainty; or that the curve cannot say."""

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from anyshot.errors import InputError
from anyshot.evaluation.printing import percent

Floats = NDArray[np.float64]

# What curves of accuracy look like, before this one is seen. They are the grid over which the curve's laws are
# averaged, each law with its prior belief.
EXPONENTS = np.linspace(0.1, 1.3, 25)  # g, believed to be about 0.5: N(0.5, 0.2)
HEAD_STARTS = np.array([0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0])  # k0, labels that the prior knowledge is worth: all alike
FLOORS = np.array([0.0, 0.01, 0.02, 0.04, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4])  # error that no label removes: exp(-f / 0.1)
MISMATCH = 0.01  # how far real curves stray from any such law at twice the labels (sd), seen on two sets of intents
LEVEL = 0.9
TOO_WIDE = 0.15  # an interval wider than this is no answer
FEWEST = 3  # points below which any law fits


@dataclass(frozen=True)
class Extrapolation:
    """The accuracy expected at `n_shots` labels a class."""

    n_shots: float
    accuracy: float
    """Mean of the prediction; NaN where the curve cannot say."""
    lower: float
    upper: float
    """The interval that holds the accuracy with 90 % belief; NaN where there are too few points."""
    refusal: str | None
    """Why the curve cannot say; None where it can."""

    def __str__(self) -> str:
        if self.refusal is not None:
            return f"accuracy at {self.n_shots:g} labels a class: cannot be said, {self.refusal}"
        span = f"{percent(self.lower)} to {percent(self.upper)}"
        return f"accuracy at {self.n_shots:g} labels a class: {percent(self.accuracy)} % ({span})"


def extrapolate(shots: ArrayLike, accuracy: ArrayLike, sd: ArrayLike, *, to: float | None = None) -> Extrapolation:
    """Predict the accuracy at more labels from a measured curve.

    The error is taken to fall as f + b (k + k0)^-g: an inverse power law of the labels k (Figueroa et al., Predicting
    sample size required for classification performance, BMC Medical Informatics and Decision Making 2012), with a
    floor f and with k0 labels' worth of knowledge before the first. A handful of points cannot settle four numbers, so
    all laws of a grid are averaged, each by how well it fits and how usual it is; where they disagree, the interval is
    wide, and where it is wider than 15 points no answer is given. The answer speaks of items like those that the curve
    was measured on: where the items to come are harder than the labeled ones, it is too high by as much as the curve.

    Parameters
    ----------
    shots : (m,) labels a class, each once, 0 or more
    accuracy : (m,) the mean accuracy measured at each, 0 to 1
    sd : (m,) or one number for all, the standard error of each mean
    to : labels a class to predict for; twice the most measured by default

    Raises
    ------
    InputError
        The series differ in length, are no shares, or `to` lies below the labels measured.

    Examples
    --------
    >>> print(extrapolate([1, 2, 3, 4, 5], [0.54, 0.66, 0.72, 0.76, 0.79], 0.01))
    accuracy at 10 labels a class: 85.0 % (82.6 to 87.4)
    """
    k, measured, noise = _checked(shots, accuracy, sd)
    target = 2 * k.max() if to is None else float(to)
    if target < k.max():
        raise InputError(
            f"to={target:g} lies within the curve, which goes to {k.max():g} labels a class; read it there."
        )
    if len(k) < FEWEST:
        return _refusal(target, f"{len(k)} points are too few, {FEWEST} are needed")
    if _falls(measured, noise):
        return _refusal(target, "the accuracy measured does not rise with the labels")
    belief, mean, spread = _beliefs(k, 1 - measured, noise, target)
    lower, upper = _interval(belief, 1 - mean, spread)
    if upper - lower > TOO_WIDE:
        cause = f"it may lie anywhere from {percent(lower)} to {percent(upper)} %"
        return Extrapolation(target, math.nan, lower, upper, cause)
    return Extrapolation(target, float(belief @ (1 - mean)), lower, upper, None)


def _beliefs(k: Floats, error: Floats, noise: Floats, target: float) -> tuple[Floats, Floats, Floats]:
    """Return, for each law of the grid, its belief, its error at `target`, and how unsure that error is; each (laws,).

    Given g, k0 and f, the error is linear in b, so b is normal around its least-squares value: with h = (k + k0)^-g and
    weights w = 1 / noise^2, b = w h (error - f) / w h h, with variance 1 / w h h.
    """
    laws = np.array(list(itertools.product(EXPONENTS, HEAD_STARTS, FLOORS)))  # (laws, 3)
    if k.min() == 0:
        laws = laws[laws[:, 1] > 0]  # without a head start the error at no label would be infinite
    g, k0, floor = laws.T[:, :, None]  # each (laws, 1)
    shape, weight = (k + k0) ** -g, noise**-2  # (laws, m), (m,)
    precision = (weight * shape**2).sum(axis=1)  # (laws,)
    b = (weight * shape * (error - floor)).sum(axis=1) / precision
    misfit = (weight * (error - floor - b[:, None] * shape) ** 2).sum(axis=1)
    usual = ((g[:, 0] - 0.5) / 0.2) ** 2 / 2 + floor[:, 0] / 0.1
    log_belief = np.where(b >= 0, -misfit / 2 - usual, -np.inf)
    belief = np.exp(log_belief - log_belief.max())
    reach = (target + k0[:, 0]) ** -g[:, 0]
    stray = MISMATCH * math.log2(target / k.max())
    return belief / belief.sum(), floor[:, 0] + b * reach, np.hypot(reach / np.sqrt(precision), stray)


def _interval(belief: Floats, mean: Floats, spread: Floats) -> tuple[float, float]:
    """Return the interval of LEVEL of the mixture of normals, each (laws,)."""
    held = belief > 1e-5 * belief.max()
    belief, mean, spread = belief[held] / belief[held].sum(), mean[held, None], spread[held, None]
    reach = 4 * spread
    shares = np.linspace(max((mean - reach).min(), 0), min((mean + reach).max(), 1), 201)
    below = belief @ norm.cdf((shares - mean) / spread)  # (201,), rising
    lower, upper = np.interp([(1 - LEVEL) / 2, (1 + LEVEL) / 2], below, shares)
    return float(lower), float(upper)


def _falls(measured: Floats, noise: Floats) -> bool:
    """Tell whether the last accuracy is below the first by more than the noise explains."""
    return bool(measured[0] - measured[-1] > 2 * math.hypot(noise[0], noise[-1]))


def _refusal(target: float, cause: str) -> Extrapolation:
    return Extrapolation(target, math.nan, math.nan, math.nan, cause)


def _checked(shots: ArrayLike, accuracy: ArrayLike, sd: ArrayLike) -> tuple[Floats, Floats, Floats]:
    k, measured = np.asarray(shots, dtype=np.float64), np.asarray(accuracy, dtype=np.float64)
    noise = np.broadcast_to(np.asarray(sd, dtype=np.float64), k.shape)
    if k.ndim != 1 or k.shape != measured.shape or not len(k):
        raise InputError(
            f"One accuracy is needed for each number of labels; the shapes are {k.shape}, {measured.shape}."
        )
    if (k < 0).any() or len(np.unique(k)) != len(k):
        raise InputError(f"shots must be 0 or more, each once; they are {k.tolist()}. Average the draws of each first.")
    if not ((measured >= 0) & (measured <= 1)).all() or not (noise > 0).all():
        raise InputError("accuracy must lie between 0 and 1, and sd above 0; measure more draws if sd is 0.")
    order = np.argsort(k)
    return k[order], measured[order], noise[order]
