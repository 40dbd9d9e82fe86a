"""The sections of a report on a regressor: its fit, its errors, and its intervals."""

import math

import numpy as np
import pandas as pd

from anyshot.evaluation.metrics import number, percent
from anyshot.evaluation.regression import errors_by_prediction, interval_coverage
from anyshot.evaluation.report import figures
from anyshot.evaluation.report.collect import NEEDS_INTERVALS, NumberResults
from anyshot.evaluation.report.render import PageTable, Section


def fit(results: NumberResults) -> Section:
    """Return predicted against true values."""
    got, rows = results.evaluation, np.flatnonzero(results.labeled)
    lead = f"The predictions explain {percent(got.r2)} % of the variance (R²)."
    if got.r2 < 0:
        lead = "The predictions are worse than always predicting the mean (R² is below 0)."
    if math.isnan(got.r2):
        lead = "All true values are equal, so there is no variance to explain."
    table = pd.DataFrame({"row": rows, "truth": results.truth[rows], "answer": results.predicted[rows]})
    figure = figures.fit_figure(results.truth[rows], results.predicted[rows])
    return Section(
        lead, description=f"Predictions against true values. {lead}", figures={"fit": figure}, tables={"answers": table}
    )


def residuals(results: NumberResults) -> Section:
    """Return the errors by size of the prediction."""
    got, rows = results.evaluation, results.labeled
    errors, predicted = results.errors[rows], results.predicted[rows]
    lower, upper = got.bias_interval
    way = "high" if got.bias > 0 else "low"
    chance = "which may be chance" if math.isnan(lower) or lower <= 0 <= upper else "which is more than chance explains"
    lead = f"On average its predictions are {number(abs(got.bias))} too {way}, {chance}."
    table = errors_by_prediction(predicted, errors, results.weight[rows])
    shown = PageTable.of(table, "from to n rmse bias", caption="Errors by size of the prediction")
    figure = figures.residual_figure(predicted, errors)
    return Section(
        lead,
        description=f"Errors against predictions. {lead}",
        shown=(shown,),
        figures={"residuals": figure},
        tables={"residuals": table},
    )


def coverage(results: NumberResults) -> Section:
    """Return how often the prediction intervals contain the true value."""
    rows = results.labeled
    if not results.intervals:
        return Section(missing={"coverage": NEEDS_INTERVALS})
    intervals = {stated: ends[rows] for stated, ends in results.intervals.items()}
    table = interval_coverage(results.truth[rows], intervals, sample_weight=results.weight[rows])
    row = table.iloc[(table["stated"] - 0.9).abs().argmin()]
    often = "more often than stated" if row["covered"] > row["stated"] else "less often than stated"
    often = "about as often as stated" if row["lower"] <= row["stated"] <= row["upper"] else often
    lead = (
        f"The {100 * row['stated']:.0f} % intervals contain the true value {percent(row['covered'])} % of the time, "
        f"{often}. Their median width is {number(row['width'])}."
    )
    caption = "How often the intervals contain the true value"
    shown = PageTable.of(table, "stated covered lower upper width", caption=caption)
    figure = figures.coverage_figure(table)
    return Section(lead, description=lead, shown=(shown,), figures={"coverage": figure}, tables={"coverage": table})
