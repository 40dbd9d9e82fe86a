"""The pictures of a report on answers with numbers."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from anyshot.evaluation.regression import Floats
from anyshot.evaluation.reliability import ACCENT, FAINT, INK
from anyshot.evaluation.report.figures import SOFT, dress, group_rows

MOST_POINTS = 1_500  # more would be one blot, and a large file


def agreement_picture(truth: Floats, predicted: Floats) -> Figure:
    """Return the answers (n,) against the truth (n,); on the line they agree."""
    figure, axes = _square()
    rows = _few(len(truth))
    ends = [min(truth.min(), predicted.min()), max(truth.max(), predicted.max())]
    axes.plot(ends, ends, color=INK, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    axes.scatter(truth[rows], predicted[rows], s=14, color=ACCENT, alpha=0.45, linewidths=0, zorder=3)
    axes.set_xlabel("truth", color=SOFT)
    axes.set_ylabel("answer", color=SOFT)
    return figure


def residual_picture(predicted: Floats, errors: Floats) -> Figure:
    """Return the errors (n,) against the answers (n,), beside how many there are of each size."""
    figure = Figure(figsize=(4.8, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[3, 1])
    rows = _few(len(errors))
    left.axhline(0, color=INK, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    left.scatter(predicted[rows], errors[rows], s=14, color=ACCENT, alpha=0.45, linewidths=0, zorder=3)
    right.hist(errors, bins=25, orientation="horizontal", color=ACCENT, alpha=0.55)
    left.set_xlabel("answer", color=SOFT)
    left.set_ylabel("answer less truth", color=SOFT)
    right.set_xlabel("items", color=SOFT)
    for axes in (left, right):
        dress(axes, "y")
    return figure


def coverage_picture(coverage: pd.DataFrame) -> Figure:
    """Return how many intervals hold the truth against how many should; columns stated, covered, lower, upper."""
    figure, axes = _square()
    axes.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    axes.vlines(coverage["stated"], coverage["lower"], coverage["upper"], color=FAINT, linewidth=4)
    axes.scatter(coverage["stated"], coverage["covered"], s=44, color=ACCENT, zorder=3)
    axes.set(xlim=(0.4, 1.02), ylim=(min(0.4, coverage["lower"].min() - 0.03), 1.02))
    axes.set_xlabel("intervals that should hold the truth", color=SOFT)
    axes.set_ylabel("intervals that do", color=SOFT)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    return figure


def number_curve_picture(curve: pd.DataFrame, *, note: str) -> Figure:
    """Return the error by number of labels, evenly spaced; columns labels, mean, sd."""
    figure = Figure(figsize=(4.8, 3.2), layout="constrained")
    axes = figure.subplots()
    places, mean, sd = np.arange(len(curve)), curve["mean"].to_numpy(), curve["sd"].to_numpy()
    axes.fill_between(places, mean - sd, mean + sd, color=ACCENT, alpha=0.14, linewidth=0)
    axes.plot(places, mean, color=ACCENT, linewidth=2.2, marker="o", markeredgecolor="white")
    axes.set_xticks(places, labels=[f"{n:,}" for n in curve["labels"]])
    axes.set_ylim(bottom=0)
    axes.set_title(note, loc="left", fontsize=9, color=SOFT)
    axes.set_xlabel("labels", color=SOFT)
    axes.set_ylabel("root mean squared error", color=SOFT)
    dress(axes, "y")
    return figure


def number_group_picture(groups: pd.DataFrame, *, overall: float) -> Figure:
    """Return the error of each group with its interval; columns group, n, rmse, lower, upper."""
    figure, axes, _ = group_rows(groups, "rmse", overall=overall)
    axes.set_xlim(left=0)
    axes.set_xlabel("root mean squared error; the dashed line is all items", color=SOFT)
    return figure


def _square() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(4.8, 4.2), layout="constrained")
    axes = figure.subplots()
    dress(axes, "y")
    return figure, axes


def _few(n: int) -> slice:
    return slice(None, None, max(1, n // MOST_POINTS))
