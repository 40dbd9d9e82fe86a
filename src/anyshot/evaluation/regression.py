"""Evaluation of a regressor's predictions: errors with bootstrap intervals, by group, and by number of labels."""

import inspect
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from anyshot.base.columns import item_count, take
from anyshot.base.estimator import fresh_copy
from anyshot.base.items import Items
from anyshot.base.messages import count, one_call, warn_of_order
from anyshot.base.number_columns import target_numbers
from anyshot.base.progress import track
from anyshot.base.validation import Floats, Indexes, check_whole, generator
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.classification import weight_note
from anyshot.evaluation.fairness import named_groups
from anyshot.evaluation.intervals import effective_size, interval_or_nan, or_nan, share_interval
from anyshot.evaluation.metrics import bias, item_weights, mae, number, r2, rmse
from anyshot.evaluation.printing import Printable
from anyshot.evaluation.splits import Predictor

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Interval: TypeAlias = tuple[float, float]

N_DRAWS = 500  # of the bootstrap
N_PARTS = 5  # of the predictions, by size
FEW_ITEMS = 30  # with fewer, bootstrap intervals are too narrow
SIZES = (0, 5, 10, 20, 50, 100, 200, 500)  # numbers of labels of a learning curve


@dataclass(frozen=True, eq=False, repr=False)
class NumberEvaluation(Printable):
    """How well a regressor's predictions match the labels, with 95 % bootstrap intervals. It prints."""

    n: int
    """Number of labeled items, which all figures are computed on."""
    n_without_label: int
    rmse: float
    """Root mean squared error, in the unit of the labels."""
    rmse_interval: Interval
    mae: float
    """Mean absolute error, in the same unit."""
    mae_interval: Interval
    r2: float
    """Share of the variance that the predictions explain; NaN if all labels are equal."""
    r2_interval: Interval
    bias: float
    """Mean of predicted minus true values: above 0, predictions are too high."""
    bias_interval: Interval
    baseline: float
    """Root mean squared error of always predicting the mean of these labels."""
    notes: tuple[str, ...]

    @property
    def table(self) -> pd.DataFrame:
        """Columns figure, value, lower, upper."""
        rows = [
            ("root mean squared error", self.rmse, *self.rmse_interval),
            ("mean absolute error", self.mae, *self.mae_interval),
            ("R2 (variance explained)", self.r2, *self.r2_interval),
            ("bias (mean of predicted - true)", self.bias, *self.bias_interval),
        ]
        return pd.DataFrame(rows, columns=["figure", "value", "lower", "upper"])

    @property
    def headline(self) -> str:
        """The root mean squared error with its interval, in one line."""
        lower, upper = (number(end) for end in self.rmse_interval)
        return f"root mean squared error {number(self.rmse)} ({lower} to {upper}) on {self.n:,} items"

    def _heading(self) -> tuple[str, ...]:
        return (self.headline, f"always predicting the mean: {number(self.baseline)}", *self.notes)

    def _tables(self) -> list[tuple[str, pd.DataFrame]]:
        table = self.table
        shown = table.assign(**{name: [number(one) for one in table[name]] for name in ("value", "lower", "upper")})
        return [(f"On {self.n:,} items", shown)]


def evaluate_numbers(
    y_true: ArrayLike, predicted: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> NumberEvaluation:
    """Compare the predictions of a regressor with the labels.

    Parameters
    ----------
    y_true : (n,) labels; NaN or None for no label (left out and counted)
    predicted : (n,) predictions
    sample_weight : (n,) weight of each item

    Raises
    ------
    NotEnoughLabelsError
        No item has a label.
    InputError
        The lengths differ, a prediction is not finite, or the weights sum to zero.

    Examples
    --------
    >>> found = evaluate_numbers([1.0, 2.0, 3.0, None], [1.0, 2.0, 5.0, 4.0])
    >>> found.n, round(found.rmse, 3), round(found.bias, 3)
    (3, 1.155, 0.667)
    """
    truth, answers = target_numbers(y_true, name="y"), target_numbers(predicted, name="predictions")
    if truth.shape != answers.shape or truth.ndim != 1:
        raise InputError(f"One prediction per label is needed; the shapes are {answers.shape} and {truth.shape}.")
    if np.isnan(answers).any():
        raise InputError(f"The prediction in row {np.flatnonzero(np.isnan(answers))[0]} is not a number.")
    warn_of_order(y_true, predicted, names=("y_true", "predicted"))
    warn_of_order(y_true, sample_weight, names=("y_true", "sample_weight"))
    labeled, weight = np.isfinite(truth), item_weights(sample_weight, len(truth))
    if not labeled.any():
        raise NotEnoughLabelsError(
            f"None of the {len(truth)} items has a number to compare the predictions with. Give some."
        )
    weight = weight[labeled]
    if weight.sum() <= 0:
        raise InputError("The weights of the items with a number sum to zero. Give at least one a weight above 0.")
    data = (truth[labeled], answers[labeled], weight)
    mean = np.full(len(weight), np.average(data[0], weights=weight))
    n_without_label, figures = int((~labeled).sum()), dict[str, Any]()
    for metric in (rmse, mae, r2, bias):
        figures[metric.__name__], figures[f"{metric.__name__}_interval"] = measured(metric, *data)
    return NumberEvaluation(
        n=len(weight),
        n_without_label=n_without_label,
        baseline=rmse(data[0], mean, sample_weight=weight),
        notes=_notes(data[0], weight, n_without_label=n_without_label, weighted=sample_weight is not None),
        **figures,
    )


def measured(metric: Callable[..., float], y: Floats, predicted: Floats, weight: Floats) -> tuple[float, Interval]:
    """Return a weighted metric of items (n,) and its 95 % bootstrap interval; NaN where it is undefined."""

    def figure(truth: Floats, answers: Floats, weights: Floats) -> float:
        return metric(truth, answers, sample_weight=weights)

    return or_nan(figure, y, predicted, weight), interval_or_nan(figure, y, predicted, weight, n_draws=N_DRAWS)


def rmse_by_group(y: Floats, predicted: Floats, groups: Sequence[Any], *, sample_weight: Floats) -> pd.DataFrame:
    """Return columns group, n, rmse, lower, upper (bootstrap, 95 %), bias of items (n,); NaN if all weights are 0."""
    rows, group = [], named_groups(groups)
    for name in np.unique(group):
        inside = group == name
        data, figures = (y[inside], predicted[inside], sample_weight[inside]), [math.nan] * 4
        if data[2].any():
            error, interval = measured(rmse, *data)
            figures = [error, *interval, bias(*data[:2], sample_weight=data[2])]
        rows.append([name, int(inside.sum()), *figures])
    return pd.DataFrame(rows, columns=["group", "n", "rmse", "lower", "upper", "bias"])


def errors_by_prediction(predicted: Floats, errors: Floats, weight: Floats) -> pd.DataFrame:
    """Return columns from, to, n, rmse, bias of items (n,) split by their prediction into five parts of equal size."""
    ranks, rows = pd.Series(predicted).rank(method="first"), []
    part = pd.qcut(ranks, min(N_PARTS, len(predicted)), labels=False).to_numpy()
    for which in np.unique(part):
        inside = (part == which) & (weight > 0)
        if inside.any():
            zero, own = np.zeros(int(inside.sum())), weight[inside]
            figures = [metric(zero, errors[inside], sample_weight=own) for metric in (rmse, bias)]
            rows.append([predicted[inside].min(), predicted[inside].max(), int(inside.sum()), *figures])
    return pd.DataFrame(rows, columns=["from", "to", "n", "rmse", "bias"])


def interval_coverage(y: Floats, intervals: Mapping[float, Floats], *, sample_weight: Floats) -> pd.DataFrame:
    """Return how often intervals (n, 2), by stated coverage, contain the labels `y` (n,).

    Columns stated, covered, lower, upper (Wilson's 95 % interval of `covered`), width (median).
    """
    rows = []
    for stated, ends in intervals.items():
        low, high = ends.T
        covered = float(np.average((low <= y) & (y <= high), weights=sample_weight))
        rows.append([stated, covered, *share_interval(covered, sample_weight), float(np.median(high - low))])
    return pd.DataFrame(rows, columns=["stated", "covered", "lower", "upper", "width"])


@dataclass(frozen=True, eq=False)
class NumberCurve:
    """The learning curve of a regressor: root mean squared error by number of labels."""

    scores: pd.DataFrame
    """Columns labels, seed, rmse; one row per fit."""
    n_test: int

    def summary(self) -> pd.DataFrame:
        """Return columns labels, n_draws, mean, sd (NaN for one draw) of the root mean squared error."""
        cells = self.scores.groupby("labels", sort=True)["rmse"]
        return cells.agg(n_draws="count", mean="mean", sd="std").reset_index()

    def plot(self) -> "Figure":
        """Return a figure of the mean error over the draws, with one standard deviation around it."""
        from matplotlib.figure import Figure  # here, so that loading a regressor does not import matplotlib

        table = self.summary()
        figure = Figure(figsize=(4.8, 3.2), layout="constrained")
        axes, x = figure.subplots(), np.arange(len(table))
        axes.fill_between(
            x, table["mean"] - table["sd"], table["mean"] + table["sd"], color="#0072b2", alpha=0.14, linewidth=0
        )
        axes.plot(x, table["mean"], color="#0072b2", linewidth=2.2, marker="o", markeredgecolor="white")
        axes.set_xticks(x, labels=[f"{n:,}" for n in table["labels"]])
        draws = f", mean ± sd of {table['n_draws'].max()} draws" if table["n_draws"].max() > 1 else ""
        axes.set_title(f"On {self.n_test:,} test items{draws}", loc="left", fontsize=9, color="#6b7280")
        axes.set(ylim=(0, None), xlabel="labels", ylabel="root mean squared error")
        axes.grid(axis="y", color="#e5e7eb", linewidth=0.8)
        axes.spines[["top", "right"]].set_visible(False)
        return figure


@one_call(fits_parts=True)
def number_curve(
    model: Predictor,
    X: Items,
    y: ArrayLike,
    X_test: Items,
    y_test: ArrayLike,
    *,
    sizes: Sequence[int] = SIZES,
    seeds: int = 5,
) -> NumberCurve:
    """Measure the root mean squared error on `X_test` after fitting clones on nested random draws of labels from `X`.

    The last point uses all labels. A model whose `fit` takes a `source` and that has `source_` is fitted with it, and
    also measured at 0 labels.

    Raises
    ------
    NotEnoughLabelsError
        Fewer than two training items, or no test item, have a label.
    InputError
        There is not one label per item, or `sizes` or `seeds` are no whole numbers.
    """
    check_whole(1, seeds=seeds)
    check_whole(0, **{f"sizes[{at}]": size for at, size in enumerate(sizes)})
    labels, truth = target_numbers(y, name="y"), target_numbers(y_test, name="y_test")
    labeled, tested = _labeled_rows(X, labels, X_test, truth)
    source = _source(model)
    X_test, y_test = take(X_test, tested), truth[tested]
    least = 0 if source else 2
    counts = sorted({*(size for size in sizes if least <= size < len(labeled)), len(labeled)})
    orders = [generator(seed).permutation(labeled) for seed in range(seeds)]
    plan = [
        (size, seed, np.sort(order[:size]))
        for size in counts
        for seed, order in enumerate(orders)
        if 0 < size < len(labeled) or seed == 0  # no labels, and all labels, are the same in every draw
    ]

    def steps() -> Iterator[tuple[int, dict[str, float]]]:
        for size, seed, rows in plan:
            fitted = fresh_copy(model)
            fitted.fit(*((take(X, rows), labels[rows]) if size else ()), **source)
            yield 1, {"labels": size, "seed": seed, "rmse": rmse(y_test, fitted.predict(X_test))}

    return NumberCurve(
        pd.DataFrame(list(track(steps(), total=len(plan), description="Measuring the curve"))), len(tested)
    )


def _labeled_rows(X: Items, labels: Floats, X_test: Items, truth: Floats) -> tuple[Indexes, Indexes]:
    """Return the rows of training and test items whose label is a number; raise an error if they are too few."""
    if len(labels) != item_count(X) or len(truth) != item_count(X_test):
        raise InputError(
            f"One label per item is needed; there are {item_count(X)} items and {len(labels)} labels, and "
            f"{item_count(X_test)} test items and {len(truth)} labels."
        )
    labeled, tested = np.flatnonzero(np.isfinite(labels)), np.flatnonzero(np.isfinite(truth))
    if len(labeled) < 2 or not len(tested):
        raise NotEnoughLabelsError(
            f"A curve needs two labeled training items and one labeled test item; there are {len(labeled)} and "
            f"{len(tested)}."
        )
    return labeled, tested


def _source(model: Predictor) -> dict[str, Any]:
    """Return the source model as an argument of `fit`, if the model was fitted with one."""
    source = getattr(model, "source_", None)
    return {"source": source} if "source" in inspect.signature(model.fit).parameters and source is not None else {}


def _notes(y: Floats, weight: Floats, *, n_without_label: int, weighted: bool) -> tuple[str, ...]:
    notes = []
    if len(y) < FEW_ITEMS:
        notes.append(f"only {count(len(y), 'item')}: the intervals are too narrow")
    if len(np.unique(y[weight > 0])) < 2:
        notes.append("all numbers are equal, so there is no variance to explain")
    if n_without_label:
        notes.append(f"left out because they have no number: {n_without_label} of {len(y) + n_without_label} items")
    if weighted:
        notes.append(weight_note(effective_size(weight)))
    return tuple(notes)
