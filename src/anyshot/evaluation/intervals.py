"""Intervals of figures: how far chance may have moved them. Fitting a model imports no more than this."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from anyshot.base.validation import RandomState, check_fraction, check_numbers, check_whole, generator
from anyshot.errors import InputError, NotEnoughLabelsError


def bootstrap_interval(
    metric: Callable[..., float],
    *arrays: ArrayLike,
    n_draws: int = 1000,
    level: float = 0.95,
    random_state: RandomState = 0,
) -> tuple[float, float]:
    """Return the bootstrap percentile interval of ``metric(*arrays)`` over rows drawn with replacement.

    Draws for which the metric raises NotEnoughLabelsError (as for one class only) are left out. With few items the
    interval is too narrow. Efron, Bootstrap Methods, Annals of Statistics 1979.

    Raises NotEnoughLabelsError if there are fewer than two rows, or the metric is undefined for more than half of the
    draws.
    """
    check_whole(1, n_draws=n_draws)
    check_fraction(level=level)
    columns = [np.asarray(array) for array in arrays]
    lengths = {len(column) for column in columns}
    if len(lengths) != 1:
        raise InputError(f"The arrays must have equal lengths; they have {sorted(lengths)}.")
    n, values, random = lengths.pop(), [], generator(random_state)
    if n < 2:
        raise NotEnoughLabelsError(f"An interval needs at least two items, but there are {n}. Label more.")
    for _ in range(n_draws):
        rows = random.integers(n, size=n)
        try:
            values.append(metric(*(column[rows] for column in columns)))
        except NotEnoughLabelsError:
            continue
    known = [value for value in values if not np.isnan(value)]
    if len(known) * 2 < n_draws:
        raise NotEnoughLabelsError(
            f"The metric is undefined for {n_draws - len(known)} of {n_draws} draws of the {n} items. Label more."
        )
    lower, upper = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(lower), float(upper)


def or_nan(figure: Callable[..., float], *columns: NDArray[Any]) -> float:
    """Return a figure of columns (n,); NaN where it is undefined, which it says by NotEnoughLabelsError."""
    try:
        return figure(*columns)
    except NotEnoughLabelsError:
        return math.nan


def interval_or_nan(
    figure: Callable[..., float],
    y: NDArray[Any],
    predicted: NDArray[Any],
    weight: NDArray[np.floating],
    *,
    n_draws: int,
    random_state: RandomState = 0,
) -> tuple[float, float]:
    """Return the bootstrap interval of a figure of these columns (n,), over items with weight; NaN where undefined."""
    columns = (column[weight > 0] for column in (y, predicted, weight))
    try:
        return bootstrap_interval(figure, *columns, n_draws=n_draws, random_state=random_state)
    except NotEnoughLabelsError:
        return math.nan, math.nan


def share_interval(share: float, weight: NDArray[np.floating]) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share of items of these weights (n,); NaN if the weights sum to zero."""
    size = effective_size(weight)
    return wilson_interval(share * size, size) if size else (math.nan, math.nan)


def wilson_interval(n_right: float, n: float, *, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's interval of a share, valid for few items and for shares of 0 and 1. Wilson, JASA 1927.

    For weighted items, there is `share_interval`. For no items it is 0 to 1.

    Raises
    ------
    InputError
        level is not above 0 and below 1, or n_right is not from 0 to n.
    """
    check_fraction(level=level)
    check_numbers(n_right=n_right, n=n)
    if n_right < -1e-6 or n_right > n + 1e-6:  # a weighted share is rounded
        raise InputError(f"n_right must be from 0 to n; it is {n_right:g} of {n:g}.")
    # The ends s of the interval of a share p solve |p - s| = z sqrt(s (1 - s) / n), which is quadratic in s.
    z2, right = float(scipy.special.ndtri((1 + level) / 2)) ** 2, min(max(n_right, 0.0), n)
    reach = math.sqrt(z2 * (right * (n - right) / max(n, 1e-12) + z2 / 4))
    lower, upper = ((right + z2 / 2 + side * reach) / (n + z2) for side in (-1, 1))
    return max(lower, 0.0) if right > 0 else 0.0, min(upper, 1.0) if right < n else 1.0


def effective_size(weight: NDArray[np.floating]) -> float:
    """Return the number of equally weighted items with the same variance. Kish, Survey Sampling, 1965, section 8.2."""
    given = np.asarray(weight, dtype=np.float64)
    bad = np.flatnonzero(~(given >= 0))
    if bad.size:
        raise InputError(f"Weights must be 0 or more; row {bad[0]} has {given[bad[0]]:g}.")
    return float(given.sum() ** 2 / max((given**2).sum(), 1e-300))
