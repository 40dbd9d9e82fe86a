"""What answers with numbers are worth: one result, from truth, answers and perhaps weights."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from rich.console import Group
from rich.text import Text

from anyshot.base.items import Labels
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.fairness import named_groups
from anyshot.evaluation.metrics import (
    bootstrap_interval,
    effective_size,
    item_weights,
    mae,
    r2,
    rmse,
    wilson_interval,
)
from anyshot.evaluation.printing import as_text, html_lines, html_table, number, rich_table

Floats: TypeAlias = NDArray[np.float64]
Span: TypeAlias = tuple[float, float]

DRAWS = 500  # of the bootstrap
SCARCE = 30  # items, fewer than which make bootstrap intervals too narrow
NOWHERE = (np.nan, np.nan)


@dataclass(frozen=True, eq=False, repr=False)
class NumberEvaluation:
    """What answers with numbers are worth; it prints in a terminal and in a notebook. Intervals: 95 %, bootstrap."""

    n: int
    """Items with a number; all figures are about these."""
    n_without_label: int
    rmse: float
    """Root mean squared error, in the numbers' unit."""
    rmse_interval: Span
    mae: float
    """Mean absolute error, in the same unit."""
    mae_interval: Span
    r2: float
    """Share of the variance that the answers explain; NaN where all numbers are alike."""
    r2_interval: Span
    bias: float
    """Mean of the answers less the truth: above 0, answers are too high."""
    bias_interval: Span
    baseline: float
    """The root mean squared error of always answering the mean of these very numbers."""
    notes: tuple[str, ...]

    @property
    def table(self) -> pd.DataFrame:
        """Columns figure, value, lower, upper."""
        rows = [
            ("root mean squared error", self.rmse, *self.rmse_interval),
            ("mean absolute error", self.mae, *self.mae_interval),
            ("R2", self.r2, *self.r2_interval),
            ("bias: mean of predicted - true", self.bias, *self.bias_interval),
        ]
        return pd.DataFrame(rows, columns=["figure", "value", "lower", "upper"])

    @property
    def headline(self) -> str:
        """The root mean squared error with its interval, in one line."""
        lower, upper = (number(end) for end in self.rmse_interval)
        return f"root mean squared error {number(self.rmse)} ({lower} to {upper}) on {self.n:,} items"

    def __str__(self) -> str:
        return as_text(self.__rich__())

    __repr__ = __str__

    def __rich__(self) -> Group:
        table = rich_table(self._shown(), title=f"On {self.n:,} items")
        return Group(Text(self.headline, style="bold"), *map(Text, self._lines()), Text(""), table)

    def _repr_html_(self) -> str:
        return html_lines((self.headline, *self._lines())) + html_table(self._shown(), title=f"On {self.n:,} items")

    def _lines(self) -> tuple[str, ...]:
        return (f"always answering their mean: {number(self.baseline)}", *self.notes)

    def _shown(self) -> pd.DataFrame:
        table = self.table
        return table.assign(**{name: [number(one) for one in table[name]] for name in ("value", "lower", "upper")})


def evaluate_numbers(
    y_true: ArrayLike, predicted: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> NumberEvaluation:
    """Say what answers with numbers are worth.

    Parameters
    ----------
    y_true : (n,) the truth; NaN or None is no number (left out and counted)
    predicted : (n,) the answers
    sample_weight : (n,) how much each item counts

    Raises
    ------
    NotEnoughLabelsError
        No item has a number.
    InputError
        The lengths differ, an answer is no finite number, or the weights sum to zero.

    Examples
    --------
    >>> found = evaluate_numbers([1.0, 2.0, 3.0, None], [1.0, 2.0, 5.0, 4.0])
    >>> found.n, round(found.rmse, 3), round(found.bias, 3)
    (3, 1.155, 0.667)
    """
    truth, answers = finite_or_none(y_true, "truth"), finite_or_none(predicted, "answers")
    if truth.shape != answers.shape or truth.ndim != 1:
        raise InputError(f"One answer an item is needed; truth and answers have shapes {truth.shape}, {answers.shape}.")
    if np.isnan(answers).any():
        raise InputError(f"The answer to row {np.flatnonzero(np.isnan(answers))[0]} is no number.")
    known, given = np.isfinite(truth), item_weights(sample_weight, len(truth))
    if not known.any():
        raise NotEnoughLabelsError(f"None of the {len(truth)} items has a number; there is nothing to compare with.")
    weight = (np.ones(len(truth)) if given is None else given)[known]
    if weight.sum() <= 0:
        raise InputError("The weights of the items with a number sum to zero: none counts. Weigh one above 0.")
    right, said = truth[known], answers[known]
    data = (right, said, weight)
    own_mean = np.full(len(right), np.average(right, weights=weight))
    return NumberEvaluation(
        n=len(right),
        n_without_label=int((~known).sum()),
        rmse=rmse(right, said, sample_weight=weight),
        rmse_interval=interval_of(rmse, *data),
        mae=mae(right, said, sample_weight=weight),
        mae_interval=interval_of(mae, *data),
        r2=_r2(*data),
        r2_interval=interval_of(r2, *data),
        bias=bias(right, said, sample_weight=weight),
        bias_interval=interval_of(bias, *data),
        baseline=rmse(right, own_mean, sample_weight=weight),
        notes=_notes(right, weight, n_without_label=int((~known).sum()), weighted=given is not None),
    )


def bias(y: ArrayLike, predicted: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Return the mean of the answers (n,) less the truth `y` (n,): above 0, they are too high."""
    error = np.asarray(predicted, dtype=np.float64) - np.asarray(y, dtype=np.float64)
    return float(np.average(error, weights=item_weights(sample_weight, len(error))))


def interval_of(metric: Callable[..., float], y: Floats, predicted: Floats, weight: Floats) -> Span:
    """Return the bootstrap interval, 95 %, of a weighted metric of items (n,); NaN where there are too few."""

    def figure(truth: Floats, answers: Floats, own: Floats) -> float:
        if own.sum() <= 0:
            raise NotEnoughLabelsError("The weights of this draw sum to zero.")
        return metric(truth, answers, sample_weight=own)

    try:
        return bootstrap_interval(figure, y, predicted, weight, n_draws=DRAWS)
    except NotEnoughLabelsError:
        return NOWHERE


def rmse_by_group(y: Floats, predicted: Floats, groups: Sequence[Any], *, sample_weight: Floats) -> pd.DataFrame:
    """Return columns group, n, rmse, lower, upper (bootstrap, 95 %), bias of items (n,); NaN if all weights are 0."""
    rows, group = [], named_groups(groups)
    for name in np.unique(group):
        inside = group == name
        data, figures = (y[inside], predicted[inside], sample_weight[inside]), [math.nan] * 4
        if data[2].any():
            error, tilt = (metric(*data[:2], sample_weight=data[2]) for metric in (rmse, bias))
            figures = [error, *interval_of(rmse, *data), tilt]
        rows.append([name, int(inside.sum()), *figures])
    return pd.DataFrame(rows, columns=["group", "n", "rmse", "lower", "upper", "bias"])


def errors_by_prediction(predicted: Floats, errors: Floats, weight: Floats, *, n_parts: int = 5) -> pd.DataFrame:
    """Return columns from, to, n, rmse, bias of items (n,) split by their prediction into parts of equal size."""
    ranks, rows = pd.Series(predicted).rank(method="first"), []
    part = pd.qcut(ranks, min(n_parts, len(predicted)), labels=False).to_numpy()
    for number_of_part in np.unique(part):
        inside = (part == number_of_part) & (weight > 0)
        if inside.any():
            zero, own = np.zeros(int(inside.sum())), weight[inside]
            figures = [metric(zero, errors[inside], sample_weight=own) for metric in (rmse, bias)]
            rows.append([predicted[inside].min(), predicted[inside].max(), int(inside.sum()), *figures])
    return pd.DataFrame(rows, columns=["from", "to", "n", "rmse", "bias"])


def interval_coverage(y: Floats, intervals: Mapping[float, Floats], *, sample_weight: Floats) -> pd.DataFrame:
    """Return how often intervals (n, 2), by stated coverage, contain the numbers `y` (n,).

    Columns stated, covered, lower, upper (Wilson's interval of `covered`, 95 %), width (median).
    """
    size, rows = effective_size(sample_weight), []
    for stated, ends in intervals.items():
        low, high = ends.T
        covered = float(np.average((low <= y) & (y <= high), weights=sample_weight))
        rows.append([stated, covered, *wilson_interval(covered * size, size), float(np.median(high - low))])
    return pd.DataFrame(rows, columns=["stated", "covered", "lower", "upper", "width"])


def finite_or_none(values: ArrayLike | Labels, what: str) -> Floats:
    """Return numbers (n,) as float64, None as NaN.

    Raises
    ------
    InputError
        A value is no number, or infinite.
    """
    try:
        numbers = np.asarray([np.nan if one is None else one for one in np.asarray(values).tolist()], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"The {what} must be numbers: {error}.") from error
    if np.isinf(numbers).any():
        raise InputError(f"The {what} hold infinity, in row {np.flatnonzero(np.isinf(numbers))[0]}. Mend it.")
    return numbers


def _r2(y: Floats, predicted: Floats, weight: Floats) -> float:
    try:
        return r2(y, predicted, sample_weight=weight)
    except NotEnoughLabelsError:
        return float("nan")


def _notes(y: Floats, weight: Floats, *, n_without_label: int, weighted: bool) -> tuple[str, ...]:
    notes = []
    if len(y) < SCARCE:
        notes.append(f"only {len(y)} {'item' if len(y) == 1 else 'items'}: the intervals are too narrow")
    if len(np.unique(y[weight > 0])) < 2:
        notes.append("all numbers are alike: there is no variance to explain")
    if n_without_label:
        notes.append(f"left out, for they have no number: {n_without_label} of {len(y) + n_without_label} items")
    if weighted:
        notes.append(f"weighted: the items say as much as {effective_size(weight):,.0f} equal ones")
    return tuple(notes)
