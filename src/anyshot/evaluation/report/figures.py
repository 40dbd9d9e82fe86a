"""The figures of a report, and their conversion to SVG that follows the page's colors and font."""

import io
import re
import warnings
from html import escape
from typing import Final

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from anyshot.base.validation import Floats

INK, SOFT, SHADE, ACCENT, FAINT, SECOND = "#2e3440", "#6b7280", "#e5e7eb", "#0072b2", "#9cc7e0", "#d55e00"
DASHED: Final = (0, (4, 3))  # as matplotlib takes it: four points of line, three of gap
MAX_ROWS = 16  # confusions or groups in one figure
MAX_POINTS = 1_500  # more would overlap, and make a large file
MAX_NAME = 28  # letters of a name

# Colors of our figures, and the variables of the page's style that replace them.
_VARIABLES: Final = {
    "#000000": "--ink", "#2e3440": "--ink", "#3b4252": "--ink", "#6b7280": "--soft", "#9ca3af": "--line",
    "#e5e7eb": "--grid", "#ffffff": "--paper", "#0072b2": "--accent", "#9cc7e0": "--accent-soft",
    "#d55e00": "--second", "#009e73": "--third", "#cc79a7": "--fourth",
}  # fmt: skip


def confusion_figure(confusions: pd.DataFrame) -> Figure:
    """Return the largest confusions as bars; columns truth, answer, n."""
    rows = confusions.head(MAX_ROWS)
    figure, axes, y = _rows_figure(
        [f"{_short(t)} → {_short(a)}" for t, a in zip(rows["truth"], rows["answer"], strict=True)]
    )
    axes.barh(y, rows["n"], height=0.55, color=ACCENT)
    axes.set_xlabel("items", color=SOFT)
    return figure


def reliability_figure(table: pd.DataFrame, *, error: float) -> Figure:
    """Return accuracy against confidence, above the number of items; `table` is that of `metrics.reliability`."""
    figure = Figure(figsize=(4.8, 5.4), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    _diagonal(upper, [0, 1])
    upper.text(0.62, 0.575, "perfectly calibrated", rotation=45, transform_rotates_text=True, color=INK, fontsize=8)
    spread = np.stack([table["accuracy"] - table["lower"], table["upper"] - table["accuracy"]]).clip(0)
    upper.errorbar(table["confidence"], table["accuracy"], spread, ecolor=FAINT, elinewidth=1.4, linestyle="none")
    size = 15 + 165 * table["n"] / table["n"].max()  # area by number of items
    upper.scatter(table["confidence"], table["accuracy"], s=size, color=ACCENT, edgecolor="white", zorder=3)
    width = (table["high"] - table["low"]).iloc[0]
    lower.bar(table["low"], table["n"], width=0.92 * width, align="edge", color=ACCENT, alpha=0.55)
    upper.set(ylabel="accuracy", ylim=(0, 1.03), xlim=(0, 1.02))
    lower.set(xlabel="confidence (highest probability)", ylabel="items")
    title = f"Calibration error {100 * error:.1f} percentage points"
    upper.set_title(title, loc="left", color=INK, fontsize=12, fontweight="bold", pad=10)
    for axes in (upper, lower):
        _style(axes, "y")
    upper.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    lower.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    return figure


def closeness_figure(closeness: Floats, known: NDArray[np.bool_], *, threshold: float | None) -> Figure:
    """Return the similarity to the nearest class (n,) of items of known and of unknown classes, as histograms."""
    figure = Figure(figsize=(4.8, 2.7), layout="constrained")
    axes = figure.subplots()
    bins = np.linspace(closeness.min(), max(closeness.max(), closeness.min() + 1e-6), 31)
    for inside, color, name in ((known, ACCENT, "known classes"), (~known, SECOND, "other classes")):
        if inside.any():
            weight = np.full(int(inside.sum()), 1 / inside.sum())
            axes.hist(closeness[inside], bins=bins.tolist(), weights=weight, color=color, alpha=0.55, label=name)
    if threshold is not None:
        axes.axvline(threshold, color=INK, linewidth=1.4, linestyle=DASHED, label='below: "unknown"')
    figure.legend(frameon=False, labelcolor=INK, fontsize=9, loc="outside upper left", ncols=3, columnspacing=1.2)
    axes.set_xlabel("cosine similarity to the nearest class", color=SOFT)
    axes.set_ylabel("share of items", color=SOFT)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    _style(axes, "y")
    return figure


def group_figure(groups: pd.DataFrame, *, overall: float) -> Figure:
    """Return the figure of each group with its interval; columns group, n, accuracy or rmse, lower, upper."""
    column = "accuracy" if "accuracy" in groups else "rmse"
    rows = groups.head(MAX_ROWS)
    figure, axes, y = _rows_figure(
        [f"{_short(name)} ({n:,})" for name, n in zip(rows["group"], rows["n"], strict=True)]
    )
    axes.set_ylim(-0.6, len(rows) - 0.4)  # room for the marks of the first and the last row
    axes.axvline(overall, color=INK, linewidth=1, linestyle=DASHED)
    axes.hlines(y, rows["lower"], rows["upper"], color=FAINT, linewidth=4)
    axes.scatter(rows[column], y, s=44, color=ACCENT, zorder=3)
    if column == "accuracy":
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set_xlim(min(0.98, max(0, rows["lower"].min() - 0.03)), 1.01)
    else:
        axes.set_xlim(left=0)
    name = "accuracy" if column == "accuracy" else "root mean squared error"
    axes.set_xlabel(f"{name}; dashed: all items", color=SOFT)
    return figure


def fit_figure(truth: Floats, predicted: Floats) -> Figure:
    """Return the predictions (n,) against the true values (n,)."""
    figure, axes = _square_figure("true value", "prediction")
    rows = _thinned(len(truth))
    _diagonal(axes, [min(truth.min(), predicted.min()), max(truth.max(), predicted.max())])
    axes.scatter(truth[rows], predicted[rows], s=14, color=ACCENT, alpha=0.45, linewidths=0, zorder=3)
    return figure


def residual_figure(predicted: Floats, errors: Floats) -> Figure:
    """Return the errors (n,) against the predictions (n,), beside a histogram of the errors."""
    figure = Figure(figsize=(4.8, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[3, 1])
    rows = _thinned(len(errors))
    left.axhline(0, color=INK, linewidth=1, linestyle=DASHED, zorder=1)
    left.scatter(predicted[rows], errors[rows], s=14, color=ACCENT, alpha=0.45, linewidths=0, zorder=3)
    bins = np.linspace(errors.min(), max(errors.max(), errors.min() + 1e-6 * (1 + abs(errors.min()))), 26)
    right.hist(errors, bins=bins.tolist(), orientation="horizontal", color=ACCENT, alpha=0.55)
    left.set_xlabel("prediction", color=SOFT)
    left.set_ylabel("predicted - true value", color=SOFT)
    right.set_xlabel("items", color=SOFT)
    for axes in (left, right):
        _style(axes, "y")
    return figure


def coverage_figure(coverage: pd.DataFrame) -> Figure:
    """Return the measured against the stated coverage; columns stated, covered, lower, upper."""
    figure, axes = _square_figure("stated coverage of the intervals", "measured coverage")
    _diagonal(axes, [0, 1])
    axes.vlines(coverage["stated"], coverage["lower"], coverage["upper"], color=FAINT, linewidth=4)
    axes.scatter(coverage["stated"], coverage["covered"], s=44, color=ACCENT, zorder=3)
    axes.set(xlim=(0.4, 1.02), ylim=(min(0.4, coverage["lower"].min() - 0.03), 1.02))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    return figure


def inline_svg(figure: Figure, *, name: str, description: str) -> str:
    """Return a figure as an `svg` element whose text stays text; `description` is its alternative text.

    All its ids start with `name`, so that one page can hold several figures.
    """
    file = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # the browser's font has it
        figure.savefig(file, format="svg", metadata={"Date": None}, transparent=True)
    svg = file.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r'(\bid="|url\(#|xlink:href="#)', rf"\g<1>{name}-", svg)
    for color, variable in _VARIABLES.items():
        for _ in range(2):  # a style may name a color twice
            svg = re.sub(rf'(style="[^"]*?){color}', rf"\1var({variable})", svg)
    svg = re.sub(r"""(style="[^"]*?font(?:-family)?: [^"';]*)'[^";]*""", r"\1var(--sans)", svg)
    svg = re.sub(r'(<svg [^>]*?)height="[^"]*" ', r"\1", svg, count=1)  # the viewBox keeps the proportions
    head = f'role="img" aria-label="{escape(description, quote=True)}" class="figure"'
    return re.sub(r'<svg ([^>]*?)width="[^"]*" ([^>]*?)>', rf"<svg {head} \1\2>", svg, count=1)


def _rows_figure(names: list[str]) -> tuple[Figure, Axes, NDArray[np.intp]]:
    """Return a figure with one named row for each entry, and the height of each row."""
    figure = Figure(figsize=(4.8, 0.7 + 0.3 * max(len(names), 1)), layout="constrained")
    axes = figure.subplots()
    _style(axes, "x")
    y = np.arange(len(names))[::-1]
    axes.set_yticks(y, labels=names)
    for label in axes.get_yticklabels():
        label.set_parse_math(False)  # a dollar sign in a name does not start a formula
    return figure, axes, y


def _square_figure(x_label: str, y_label: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(4.8, 4.2), layout="constrained")
    axes = figure.subplots()
    _style(axes, "y")
    axes.set_xlabel(x_label, color=SOFT)
    axes.set_ylabel(y_label, color=SOFT)
    return figure, axes


def _diagonal(axes: Axes, ends: list[float]) -> None:
    axes.plot(ends, ends, color=INK, linewidth=1, linestyle=DASHED, zorder=1)


def _style(axes: Axes, grid: str) -> None:
    """Apply the report's style; `grid`: the axis, "x" or "y", whose grid lines are shown."""
    axes.spines[["top", "right", "left" if grid == "x" else "top"]].set_visible(False)
    axes.grid(axis="x" if grid == "x" else "y", color=SHADE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines["bottom"].set_color("#9ca3af")
    axes.tick_params(length=0, colors=INK, labelsize=9)


def _short(name: object) -> str:
    words = " ".join(str(name).split())
    return words if len(words) <= MAX_NAME else words[: MAX_NAME - 1] + "…"


def _thinned(n: int) -> slice:
    return slice(None, None, max(1, n // MAX_POINTS))
