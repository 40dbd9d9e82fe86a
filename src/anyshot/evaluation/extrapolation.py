"""Extrapolation of a learning curve: the accuracy at more labels, with an interval, or why it cannot be predicted."""

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from anyshot.base.validation import Floats
from anyshot.errors import InputError
from anyshot.evaluation.metrics import percent

# The grid of power laws that are averaged, with the prior of each parameter.
EXPONENTS = np.linspace(0.1, 1.3, 25)  # g: normal with mean 0.5 and standard deviation 0.2
HEAD_STARTS = np.array(
    [0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0]
)  # k0, number of labels equivalent to prior knowledge: uniform
FLOORS = np.array([0.0, 0.01, 0.02, 0.04, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4])  # f, irreducible error: exp(-f / 0.1)
MISMATCH = 0.01  # standard deviation of real curves from any such law at twice the labels, on two sets of intents
LEVEL = 0.9  # of the interval
MAX_WIDTH = 0.15  # of the interval, for a prediction to be given
MIN_POINTS = 3


@dataclass(frozen=True)
class Extrapolation:
    """The accuracy predicted at `n_shots` labels per class."""

    n_shots: float
    accuracy: float
    """Mean of the prediction; NaN if it cannot be predicted."""
    lower: float
    upper: float
    """End of the 90 % interval; NaN if there are too few points."""
    refusal: str | None
    """Why the accuracy cannot be predicted; None if it can."""

    def __str__(self) -> str:
        if self.refusal is not None:
            return f"accuracy at {self.n_shots:g} labels per class: unknown because {self.refusal}"
        span = f"{percent(self.lower)} to {percent(self.upper)}"
        return f"accuracy at {self.n_shots:g} labels per class: {percent(self.accuracy)} % ({span})"


def extrapolate(shots: ArrayLike, accuracy: ArrayLike, sd: ArrayLike, *, to: float | None = None) -> Extrapolation:
    """Predict the accuracy at more labels from a measured curve.

    The error is modeled as f + b (k + k0)^-g, an inverse power law of the labels k (Figueroa et al., Predicting sample
    size required for classification performance, BMC Medical Informatics and Decision Making 2012) with a floor f and
    prior knowledge equivalent to k0 labels. A few points do not determine four parameters, so all laws of a grid are
    averaged, weighted by their likelihood and prior. If the laws disagree, the interval is wide; if it is wider than
    15 percentage points, there is no prediction. It holds for test items like those that the curve was measured on.

    Parameters
    ----------
    shots : (m,) distinct numbers of labels per class, 0 or more
    accuracy : (m,) mean accuracy at each, 0 to 1
    sd : (m,) or one number, the standard error of each mean
    to : labels per class to predict for, by default twice the most measured

    Raises
    ------
    InputError
        The series differ in length, are out of range, or `to` is within the curve.

    Examples
    --------
    >>> print(extrapolate([1, 2, 3, 4, 5], [0.54, 0.66, 0.72, 0.76, 0.79], 0.01))
    accuracy at 10 labels per class: 85.0 % (82.6 to 87.4)
    """
    k, measured, noise = _checked(shots, accuracy, sd)
    target = 2 * k.max() if to is None else float(to)
    if target < k.max():
        raise InputError(f"to={target:g} lies within the curve, which goes to {k.max():g} labels per class.")
    if len(k) < MIN_POINTS:
        return _refusal(target, f"{len(k)} points are too few, {MIN_POINTS} are needed")
    if _falls(measured, noise):
        return _refusal(target, "the measured accuracy does not rise with the labels")
    weight, mean, spread = _posterior(k, 1 - measured, noise, target)
    lower, upper = _interval(weight, 1 - mean, spread)
    if upper - lower > MAX_WIDTH:
        cause = f"it may be anywhere from {percent(lower)} to {percent(upper)} %"
        return Extrapolation(target, math.nan, lower, upper, cause)
    return Extrapolation(target, float(weight @ (1 - mean)), lower, upper, None)


def _posterior(k: Floats, error: Floats, noise: Floats, target: float) -> tuple[Floats, Floats, Floats]:
    """Return the weight of each law of the grid, its error at `target`, and the uncertainty of that; each (laws,).

    For given g, k0 and f, the error is linear in b, so b is normal around its least-squares estimate: with h =
    (k + k0)^-g and w = 1 / noise^2, b = w h (error - f) / w h h, with variance 1 / w h h.
    """
    laws = np.array(list(itertools.product(EXPONENTS, HEAD_STARTS, FLOORS)))  # (laws, 3)
    if k.min() == 0:
        laws = laws[laws[:, 1] > 0]  # with k0 = 0 the error at 0 labels would be infinite
    g, k0, floor = laws.T[:, :, None]  # each (laws, 1)
    shape, inverse = (k + k0) ** -g, noise**-2  # (laws, m), (m,)
    precision = (inverse * shape**2).sum(axis=1)  # (laws,)
    b = (inverse * shape * (error - floor)).sum(axis=1) / precision
    misfit = (inverse * (error - floor - b[:, None] * shape) ** 2).sum(axis=1)
    prior = ((g[:, 0] - 0.5) / 0.2) ** 2 / 2 + floor[:, 0] / 0.1
    log_weight = np.where(b >= 0, -misfit / 2 - prior, -np.inf)
    weight = np.exp(log_weight - log_weight.max())
    reach = (target + k0[:, 0]) ** -g[:, 0]
    mismatch = MISMATCH * math.log2(target / k.max())
    return weight / weight.sum(), floor[:, 0] + b * reach, np.hypot(reach / np.sqrt(precision), mismatch)


def _interval(weight: Floats, mean: Floats, spread: Floats) -> tuple[float, float]:
    """Return the interval of a mixture of normal distributions, each (laws,)."""
    kept = weight > 1e-5 * weight.max()
    weight, mean, spread = weight[kept] / weight[kept].sum(), mean[kept, None], spread[kept, None]
    reach = 4 * spread
    shares = np.linspace(max((mean - reach).min(), 0), min((mean + reach).max(), 1), 201)
    below = weight @ norm.cdf((shares - mean) / spread)  # (201,), rising
    lower, upper = np.interp([(1 - LEVEL) / 2, (1 + LEVEL) / 2], below, shares)
    return float(lower), float(upper)


def _falls(measured: Floats, noise: Floats) -> bool:
    """Return whether the last accuracy is below the first by more than the noise explains."""
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
        raise InputError(
            f"shots must be distinct and 0 or more; they are {k.tolist()}. Average the draws of each first."
        )
    if not ((measured >= 0) & (measured <= 1)).all() or not (noise > 0).all():
        raise InputError("accuracy must be between 0 and 1 and sd above 0. Measure more draws if sd is 0.")
    order = np.argsort(k)
    return k[order], measured[order], noise[order]
