"""The pictures of a report that no other room draws: confusions, groups and unknowns."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from anyshot.evaluation.reliability import ACCENT, FAINT, INK, SHADE

SOFT, SECOND = "#6b7280", "#d55e00"
MOST_ROWS = 16
LONGEST_NAME = 28


def confusion_picture(confusions: pd.DataFrame) -> Figure:
    """Return the largest confusions as bars; columns truth, answer, n, share."""
    rows = confusions.head(MOST_ROWS)
    figure, axes = _figure(len(rows))
    places = np.arange(len(rows))[::-1]
    axes.barh(places, rows["n"], height=0.55, color=ACCENT)
    _name(axes, places, [f"{_short(t)} → {_short(a)}" for t, a in zip(rows["truth"], rows["answer"], strict=True)])
    axes.set_xlabel("items", color=SOFT)
    return figure


def group_picture(groups: pd.DataFrame, *, overall: float) -> Figure:
    """Return the share of right answers of each group with its interval; columns group, n, accuracy, lower, upper."""
    figure, axes, rows = group_rows(groups, "accuracy", overall=overall)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlim(min(0.98, max(0, rows["lower"].min() - 0.03)), 1.01)
    axes.set_xlabel("right answers; the dashed line is all items", color=SOFT)
    return figure


def closeness_picture(closeness: NDArray[np.floating], known: NDArray[np.bool_], *, threshold: float | None) -> Figure:
    """Return how close items (n,) of known and of unknown classes lie to the nearest class."""
    figure = Figure(figsize=(4.8, 2.7), layout="constrained")
    axes = figure.subplots()
    bins = np.linspace(closeness.min(), max(closeness.max(), closeness.min() + 1e-6), 31)
    for inside, color, name in ((known, ACCENT, "classes it knows"), (~known, SECOND, "other classes")):
        if inside.any():
            weight = np.full(int(inside.sum()), 1 / inside.sum())
            axes.hist(closeness[inside], bins=bins.tolist(), weights=weight, color=color, alpha=0.55, label=name)
    if threshold is not None:
        axes.axvline(threshold, color=INK, linewidth=1.4, linestyle=(0, (4, 3)), label='below: "unknown"')
    figure.legend(frameon=False, labelcolor=INK, fontsize=9, loc="outside upper left", ncols=3, columnspacing=1.2)
    axes.set_xlabel("closeness to the nearest class (cosine)", color=SOFT)
    axes.set_ylabel("share of items", color=SOFT)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    dress(axes, "y")
    return figure


def group_rows(groups: pd.DataFrame, column: str, *, overall: float) -> tuple[Figure, Axes, pd.DataFrame]:
    """Return a figure with a row for each of the first groups, named with its size, and these rows.

    column: the figure that a row marks, with its interval, lower to upper; overall: that of all items.
    """
    rows = groups.head(MOST_ROWS)
    figure, axes = _figure(len(rows))
    places = np.arange(len(rows))[::-1]
    axes.set_ylim(-0.6, len(rows) - 0.4)  # whole marks, in the first row and the last too
    _name(axes, places, [f"{_short(name)} ({n:,})" for name, n in zip(rows["group"], rows["n"], strict=True)])
    axes.axvline(overall, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.hlines(places, rows["lower"], rows["upper"], color=FAINT, linewidth=4)
    axes.scatter(rows[column], places, s=44, color=ACCENT, zorder=3)
    return figure, axes, rows


def _figure(n_rows: int) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(4.8, 0.7 + 0.3 * max(n_rows, 1)), layout="constrained")
    axes = figure.subplots()
    dress(axes, "x")
    return figure, axes


def dress(axes: Axes, along: str) -> None:
    """Give axes the report's look, with a grid across the values, which run along "x" or "y"."""
    axes.spines[["top", "right", "left" if along == "x" else "top"]].set_visible(False)
    axes.grid(axis="x" if along == "x" else "y", color=SHADE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines["bottom"].set_color("#9ca3af")
    axes.tick_params(length=0, colors=INK, labelsize=9)


def _name(axes: Axes, places: NDArray[np.integer], names: list[str]) -> None:
    """Write names as they stand: a dollar sign in one begins no formula."""
    axes.set_yticks(places, labels=names)
    for label in axes.get_yticklabels():
        label.set_parse_math(False)


def _short(name: object) -> str:
    words = " ".join(str(name).split())
    return words if len(words) <= LONGEST_NAME else words[: LONGEST_NAME - 1] + "…"
