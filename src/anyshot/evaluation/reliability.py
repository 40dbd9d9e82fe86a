"""Reliability: how often the answers of each confidence are right, as a table and as a picture."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import ArrayLike

from anyshot.base.items import check_indexes
from anyshot.errors import NotEnoughLabelsError
from anyshot.evaluation.metrics import (
    confidence_bins,
    effective_size,
    expected_calibration_error,
    item_weights,
    probability_table,
    wilson_interval,
)

INK, SHADE, ACCENT, FAINT = "#2e3440", "#e5e7eb", "#0072b2", "#9cc7e0"


def reliability(
    probabilities: ArrayLike, y: ArrayLike, *, n_bins: int = 15, sample_weight: ArrayLike | None = None
) -> pd.DataFrame:
    """Return, for each bin of the top probability that holds an item, how often it was right.

    probabilities (n, c); y (n,) rows of the class table, -1 (no label) is left out; sample_weight (n,). Columns: low,
    high (the bin's edges), n (items), confidence (mean top probability), accuracy, lower, upper (Wilson's interval of
    the accuracy, 95 %). Bins in which nothing weighs are left out.
    """
    table = probability_table(probabilities)
    index = check_indexes(y, n_items=table.shape[0], n_classes=table.shape[1])
    given, labeled = item_weights(sample_weight, len(index)), index >= 0
    weight = (np.ones(len(index)) if given is None else given)[labeled]
    table, index = table[labeled], index[labeled]
    if not weight.any():
        raise NotEnoughLabelsError(
            "No item that counts has a label; there is nothing to compare the probabilities with."
        )
    confidence, right = table.max(axis=1), table.argmax(axis=1) == index
    place = confidence_bins(confidence, n_bins=n_bins)
    weighed, sure, n_right = (np.bincount(place, weights=weight * w, minlength=n_bins) for w in (1, confidence, right))
    bins = np.flatnonzero(weighed)
    shares = n_right[bins] / weighed[bins]
    sizes = [effective_size(weight[place == b]) for b in bins]
    intervals = [wilson_interval(share * size, size) for share, size in zip(shares, sizes, strict=True)]
    return pd.DataFrame(
        {
            "low": bins / n_bins,
            "high": (bins + 1) / n_bins,
            "n": np.bincount(place, minlength=n_bins)[bins],
            "confidence": sure[bins] / weighed[bins],
            "accuracy": shares,
            "lower": [low for low, _ in intervals],
            "upper": [high for _, high in intervals],
        }
    )


def reliability_diagram(
    probabilities: ArrayLike, y: ArrayLike, *, n_bins: int = 15, sample_weight: ArrayLike | None = None
) -> Figure:
    """Return the picture of `reliability`: accuracy against confidence, above how many items have that confidence."""
    table = reliability(probabilities, y, n_bins=n_bins, sample_weight=sample_weight)
    labeled = np.asarray(y) >= 0
    error = expected_calibration_error(
        np.asarray(probabilities)[labeled], np.asarray(y)[labeled], n_bins=n_bins,
        sample_weight=None if sample_weight is None else np.asarray(sample_weight)[labeled],
    )  # fmt: skip
    figure = Figure(figsize=(4.8, 5.4), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    upper.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    upper.text(0.62, 0.575, "as sure as right", rotation=45, transform_rotates_text=True, color=INK, fontsize=8)
    spread = np.stack([table["accuracy"] - table["lower"], table["upper"] - table["accuracy"]])
    upper.errorbar(
        table["confidence"], table["accuracy"], spread.clip(0), ecolor=FAINT, elinewidth=1.4, linestyle="none"
    )
    size = 15 + 165 * table["n"] / table["n"].max()  # a point's area tells how many items speak for it
    upper.scatter(table["confidence"], table["accuracy"], s=size, color=ACCENT, edgecolor="white", zorder=3)
    lower.bar(table["low"], table["n"], width=1 / n_bins * 0.92, align="edge", color=ACCENT, alpha=0.55)
    upper.set(ylabel="right answers", ylim=(0, 1.03), xlim=(0, 1.02))
    lower.set(xlabel="top probability", ylabel="items")
    upper.set_title(
        f"Calibration error {100 * error:.1f} points", loc="left", color=INK, fontsize=12, fontweight="bold", pad=10
    )
    for axes in (upper, lower):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color=SHADE, linewidth=0.6)
        axes.set_axisbelow(True)
    upper.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    lower.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    return figure
