"""Extrapolation of a learning curve: the accuracy at more labels, with an interval, or why it cannot be predicted."""

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import chi2, norm

from anyshot.base.validation import Floats, check_whole
from anyshot.errors import InputError
from anyshot.evaluation.intervals import wilson_interval
from anyshot.evaluation.learning_curves import LearningCurve
from anyshot.evaluation.metrics import percent, percents

# The grid of power laws that are averaged.
EXPONENTS = np.linspace(0.0, 1.2, 25)  # g: normal with mean 0.5 and standard deviation 0.2
HEAD_STARTS = np.array([0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0])  # k0, labels equivalent to prior knowledge: uniform
FLOORS = np.array([0.0, 0.25, 0.5, 0.75, 0.9])  # p, irreducible share of the last error: uniform
MISMATCH = 0.015  # standard deviation of real curves from any such law at twice the labels, on five sets of texts
LEVEL = 0.9  # of the interval
MAX_WIDTH = 0.15  # of the interval, for a prediction to be given
MIN_POINTS = 3  # of a curve, below which nothing is predicted
DRAW_SD = 0.02  # between draws of labels, where each number of labels was measured once
LEAST_SD = 0.005  # of a point, however equal the draws are
MAX_MISFIT = 0.99  # quantile of the squared deviations of the points from the best law; beyond, they lie on none


@dataclass(frozen=True)
class Extrapolation:
    """The accuracy predicted at `n_shots` labels per class."""

    n_shots: float
    accuracy: float
    """Mean of the prediction; NaN if it cannot be predicted."""
    lower: float
    upper: float
    """End of the 90 % interval; NaN if it is unknown."""
    refusal: str | None
    """Why the accuracy cannot be predicted; None if it can."""

    def __str__(self) -> str:
        if self.refusal is not None:
            return f"accuracy at {self.n_shots:g} labels per class: unknown because {self.refusal}"
        span = percents(self.lower, self.upper)
        return f"accuracy at {self.n_shots:g} labels per class: {percent(self.accuracy)} % ({span})"


def extrapolate(
    shots: ArrayLike, accuracy: ArrayLike, sd: ArrayLike, *, to: float | None = None, n_test: int | None = None
) -> Extrapolation:
    """Predict the accuracy at more labels from a measured curve.

    The error is modeled as an inverse power law of the labels k (Figueroa et al., Predicting sample size required for
    classification performance, BMC Medical Informatics and Decision Making 2012) that goes through the last point, has
    a floor, and starts with prior knowledge equivalent to k0 labels. A few points do not determine it, so all laws of a
    grid are averaged, weighted by their likelihood and prior. The prediction is never below the last point. There is
    none if the points lie on no such law, or if the interval is wider than 15 percentage points. It holds for test
    items like those that the curve was measured on.

    Parameters
    ----------
    shots : (m,) distinct numbers of labels per class, 0 or more
    accuracy : (m,) mean accuracy at each, 0 to 1
    sd : (m,) or one number, the standard error of each mean over draws of labels
    to : labels per class to predict for, by default twice the most measured
    n_test : number of test items of the curve; the interval is then that of the accuracy on others like them

    Raises
    ------
    InputError
        The series differ in length, are out of range, or `to` is within the curve.

    Examples
    --------
    >>> print(extrapolate([1, 2, 3, 4, 5], [0.54, 0.66, 0.72, 0.76, 0.79], 0.01))
    accuracy at 10 labels per class: 85.4 % (82.3 to 88.6)
    """
    k, measured, noise = _checked(shots, accuracy, sd)
    target = 2 * k.max() if to is None else float(to)
    if not k.max() <= target < math.inf:
        raise InputError(f"to={target:g} is not beyond the curve. Give more than its {k.max():g} labels per class.")
    if n_test is not None:
        check_whole(1, n_test=n_test)
    if len(k) < MIN_POINTS:
        return _refusal(target, f"{len(k)} points are too few, {MIN_POINTS} are needed")
    lower, upper = _sampling(measured[-1], n_test)
    if upper - lower > MAX_WIDTH:
        return _refusal(target, f"{n_test} test items are too few")
    error, spread, misfit = _averaged(k, 1 - measured, _noise_of_steps(measured, noise, n_test), target)
    if misfit > chi2.ppf(MAX_MISFIT, len(k) - 1):
        return _refusal(target, "the measured accuracy does not rise steadily with the labels")
    spread = math.hypot(spread, noise[-1], MISMATCH * math.log2(target / k.max()))
    return _prediction(target, 1 - error, spread, n_test)


def forecast(curve: LearningCurve) -> Extrapolation:
    """Predict the accuracy of the first model of a measured curve with twice the labels of its last point.

    Labels per class are their number by that of the classes with labels, so that "all" labels are a point too.
    """
    table = curve.summary()
    rows = table[table["model"] == table["model"].iloc[0]].drop_duplicates("n_labels", keep="last")
    numbered = rows[~rows["shots"].isin([0, "all"])]
    n_classes = float((numbered["n_labels"] / numbered["shots"].astype(float)).max()) if len(numbered) else 1.0
    between = float(np.sqrt((numbered["sd"] ** 2).mean())) if numbered["sd"].notna().any() else DRAW_SD
    noise = max(between, LEAST_SD) / np.sqrt(rows["n_draws"].to_numpy())
    noise[rows["n_labels"].to_numpy() == 0] = LEAST_SD  # without labels there is nothing to draw
    return extrapolate(rows["n_labels"] / n_classes, rows["mean"], noise, n_test=curve.n_test)


def _averaged(k: Floats, error: Floats, noise: Floats, target: float) -> tuple[float, float, float]:
    """Return the mean and the standard deviation of the error at `target`, and the best law's squared deviations.

    With the last point (k_m, e_m), each law is e(k) = e_m (p + (1 - p) ((k + k0) / (k_m + k0))^-g). Its likelihood is
    that of the steps from the other points to the last one, with noise (m - 1,).
    """
    laws = np.array(list(itertools.product(EXPONENTS, HEAD_STARTS, FLOORS)))  # (laws, 3)
    if k.min() == 0:
        laws = laws[laws[:, 1] > 0]  # with k0 = 0 the error at 0 labels would be infinite
    g, k0, floor = laws.T[:, :, None]  # each (laws, 1)
    ratio = (np.append(k, target) + k0) / (k[-1] + k0)  # (laws, m + 1)
    expected = error[-1] * (floor + (1 - floor) * ratio**-g)  # (laws, m + 1)
    misfit = (((expected[:, :-2] - error[:-1]) / noise) ** 2).sum(axis=1)  # (laws,)
    log_weight = -misfit / 2 - ((g[:, 0] - 0.5) / 0.2) ** 2 / 2
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    mean = weight @ expected[:, -1]
    return float(mean), math.sqrt(weight @ (expected[:, -1] - mean) ** 2), float(misfit.min())


def _noise_of_steps(measured: Floats, noise: Floats, n_test: int | None) -> Floats:
    """Return the standard deviations of the differences of the points to the last one (m - 1,).

    The points share the test items, on which most answers agree, so that a difference varies with them about as much as
    one accuracy does.
    """
    own = noise[:-1] ** 2 + noise[-1] ** 2  # (m - 1,)
    if n_test is None:
        return np.asarray(np.sqrt(own))
    shares = (measured[:-1] * n_test + 2) / (n_test + 4)  # not 0 or 1 where few items are all right
    return np.asarray(np.sqrt(own + shares * (1 - shares) / n_test))


def _prediction(target: float, share: float, spread: float, n_test: int | None) -> Extrapolation:
    """Return the prediction with the interval of the law and that of the test items, joined as independent ones are."""
    reach = float(norm.ppf((1 + LEVEL) / 2)) * spread
    low, high = _sampling(share, n_test)
    lower, upper = max(share - math.hypot(reach, share - low), 0.0), min(share + math.hypot(reach, high - share), 1.0)
    if upper - lower > MAX_WIDTH:
        cause = f"it may be anywhere from {percents(lower, upper)} %"
        return Extrapolation(target, math.nan, lower, upper, cause)
    return Extrapolation(target, share, lower, upper, None)


def _sampling(share: float, n_test: int | None) -> tuple[float, float]:
    """Return the interval of an accuracy by its test items alone."""
    return (share, share) if n_test is None else wilson_interval(share * n_test, n_test, level=LEVEL)


def _refusal(target: float, cause: str) -> Extrapolation:
    return Extrapolation(target, math.nan, math.nan, math.nan, cause)


def _checked(shots: ArrayLike, accuracy: ArrayLike, sd: ArrayLike) -> tuple[Floats, Floats, Floats]:
    k, measured = np.asarray(shots, dtype=np.float64), np.asarray(accuracy, dtype=np.float64)
    noise = np.broadcast_to(np.asarray(sd, dtype=np.float64), k.shape)
    if k.ndim != 1 or k.shape != measured.shape or not len(k):
        raise InputError(
            f"One accuracy is needed for each number of labels; the shapes are {k.shape}, {measured.shape}."
        )
    if not ((k >= 0) & (k < np.inf)).all() or len(np.unique(k)) != len(k):
        raise InputError(
            f"shots must be distinct, finite and 0 or more; they are {k.tolist()}. Average the draws of each first."
        )
    if not ((measured >= 0) & (measured <= 1)).all() or not (noise > 0).all():
        raise InputError("accuracy must be between 0 and 1 and sd above 0. Measure more draws if sd is 0.")
    order = np.argsort(k)
    return k[order], measured[order], noise[order]
