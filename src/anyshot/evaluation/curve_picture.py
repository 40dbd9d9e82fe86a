"""The picture of a learning curve: evenly spaced numbers of labels, a line and a band for each model."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

# Okabe and Ito's colors, told apart with any color vision; yellow is left out, it is lost on white. The markers say
# the same again, for print in gray.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#3b4252")
MARKERS = ("o", "s", "D", "^", "v", "P", "X")
INK, FAINT, GRID = "#2e3440", "#6b7280", "#e5e7eb"
NAME_HEIGHT = 0.052  # of the picture's height: names beside the lines' ends stand this far apart at least


@dataclass(frozen=True)
class Line:
    """One model's curve."""

    name: str
    at: Sequence[str]
    """The places on the axis, m of them."""
    mean: NDArray[np.floating]
    """(m,), shares of 1."""
    sd: NDArray[np.floating]
    """(m,), NaN where there is one draw: no band there."""


def curve_picture(lines: Sequence[Line], *, places: Sequence[str], title: str, note: str) -> Figure:
    """Return the curves over `places` ("0", "1", ..., "all"), each named beside its end."""
    figure = Figure(figsize=(7.6, 4.6), layout=ConstrainedLayoutEngine(h_pad=0.12, w_pad=0.12), facecolor="white")
    axes = figure.subplots()
    spot = {place: number for number, place in enumerate(places)}
    for number, line in enumerate(lines):
        color, marker = COLORS[number % len(COLORS)], MARKERS[number % len(MARKERS)]
        x = np.array([spot[place] for place in line.at])  # (m,)
        axes.fill_between(x, line.mean - line.sd, line.mean + line.sd, color=color, alpha=0.14, linewidth=0)
        numbered = np.array([place != "all" for place in line.at])
        axes.plot(x[numbered], line.mean[numbered], color=color, linewidth=2.2, solid_capstyle="round")
        if not numbered[-1]:  # to "all" no number leads: a dotted step
            axes.plot(x[-2:], line.mean[-2:], color=color, linewidth=1.6, linestyle=(0, (1, 2)), zorder=1)
        axes.plot(
            x, line.mean, linestyle="none", color=color, marker=marker, markersize=6.5, markeredgecolor="white",
            markeredgewidth=1.1, zorder=4,
        )  # fmt: skip
    _dress(axes, places=places, title=title, note=note)
    _name_lines(axes, lines, spot)
    return figure


def _dress(axes: Axes, *, places: Sequence[str], title: str, note: str) -> None:
    axes.set_title(title, loc="left", fontsize=13, fontweight="bold", color=INK, pad=26)
    axes.annotate(note, (0, 1), xytext=(0, 9), xycoords="axes fraction", textcoords="offset points", fontsize=9,
                  color=FAINT, parse_math=False)  # fmt: skip
    axes.set_xticks(range(len(places)), labels=list(places))
    axes.set_xlim(-0.25, len(places) - 0.75)
    axes.set_xlabel("labels a class", color=FAINT, labelpad=6)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.4g} %"))
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color("#9ca3af")
    axes.tick_params(length=0, colors=INK, labelsize=10)


def _name_lines(axes: Axes, lines: Sequence[Line], spot: dict[str, int]) -> None:
    """Write each name beside the end of its line, moved apart where ends lie close."""
    low, high = axes.get_ylim()
    ends = np.array([line.mean[-1] for line in lines])
    for number, height in enumerate(spread_apart(ends, gap=NAME_HEIGHT * (high - low))):
        line, color = lines[number], COLORS[number % len(COLORS)]
        end = spot[line.at[-1]]
        axes.annotate(
            f"{line.name}  {100 * line.mean[-1]:.1f}", (end, ends[number]), xytext=(max(spot.values()) + 0.2, height),
            color=color, fontsize=10, fontweight="bold", va="center", annotation_clip=False, parse_math=False,
        )  # fmt: skip


def spread_apart(heights: NDArray[np.floating], *, gap: float) -> NDArray[np.float64]:
    """Return heights (m,) at least `gap` apart, in the same order, moved as little as that allows (least squares)."""
    order = np.argsort(heights, kind="stable")
    # With the gaps taken off, "at least a gap apart" reads "rising": the nearest rising series is found by pooling.
    wanted = heights[order] - gap * np.arange(len(heights))
    pools: list[tuple[float, int]] = []
    for height in wanted:
        pools.append((float(height), 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (upper, n_upper), (lower, n_lower) = pools.pop(), pools.pop()
            pools.append(((upper * n_upper + lower * n_lower) / (n_upper + n_lower), n_upper + n_lower))
    rising = np.concatenate([np.full(count, height) for height, count in pools])
    moved = np.empty(len(heights))
    moved[order] = rising + gap * np.arange(len(heights))
    return moved


def number_curve_picture(curve: pd.DataFrame, *, note: str) -> Figure:
    """Return the error by number of labels, evenly spaced; columns labels, mean, sd."""
    figure = Figure(figsize=(4.8, 3.2), layout="constrained")
    axes = figure.subplots()
    x, mean, sd = np.arange(len(curve)), curve["mean"].to_numpy(), curve["sd"].to_numpy()
    axes.fill_between(x, mean - sd, mean + sd, color=COLORS[0], alpha=0.14, linewidth=0)
    axes.plot(x, mean, color=COLORS[0], linewidth=2.2, marker="o", markeredgecolor="white")
    axes.set_xticks(x, labels=[f"{n:,}" for n in curve["labels"]])
    axes.set_ylim(bottom=0)
    axes.set_title(note, loc="left", fontsize=9, color=FAINT)
    axes.set_xlabel("labels", color=FAINT)
    axes.set_ylabel("root mean squared error", color=FAINT)
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(length=0, colors=INK, labelsize=9)
    return figure
