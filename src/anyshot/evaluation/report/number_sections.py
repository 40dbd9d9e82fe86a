"""The sections of a report on answers with numbers."""

import math
from typing import Any

import numpy as np
import pandas as pd

from anyshot.base.items import item_count, take
from anyshot.evaluation.fairness import named_groups, notes_on_sizes
from anyshot.evaluation.metrics import effective_size, rmse, wilson_interval
from anyshot.evaluation.printing import number, percent
from anyshot.evaluation.regression import bias, interval_of
from anyshot.evaluation.regression_curve import NumberCurve
from anyshot.evaluation.report.collect import reasons_for
from anyshot.evaluation.report.failures import NEEDS_GROUPS, NEEDS_POOL
from anyshot.evaluation.report.inline_svg import inline_svg
from anyshot.evaluation.report.number_findings import NumberFindings, own_number_curve
from anyshot.evaluation.report.number_pictures import (
    agreement_picture,
    coverage_picture,
    number_curve_picture,
    number_group_picture,
    residual_picture,
)
from anyshot.evaluation.report.render import Card, Kind, PageTable, Part, Section, Tile, readable, sentence
from anyshot.evaluation.report.sections import NEEDS_COUNTS, worth_of_labels
from anyshot.evaluation.report.shown_item import shown_item, single_items

PARTS_OF_RANGE = 5  # parts of the answers, alike in size, whose errors are compared
SUGGESTED = 10
NEEDS_REASONS = (
    "Why it answered so is shown for a model with explain(X): for each item an object whose reasons() are lines."
)
NEEDS_INTERVALS = (
    "Intervals that hold the truth as often as stated need a model with predict_interval(X, coverage=...), as "
    "AnyShotRegressor is."
)


def number_verdict(found: NumberFindings) -> str:
    """Return the answer to "how good is it" in a sentence or two."""
    got = found.evaluation
    lower, upper = (number(end) for end in got.rmse_interval)
    spread = f"(root mean squared error; 95 % interval {lower} to {upper}, {got.n:,} items tested)."
    return (
        f"Its answers are typically {number(got.rmse)} off {spread} Always answering the mean of these items would be "
        f"{number(got.baseline)} off."
    )


def number_tiles(found: NumberFindings) -> tuple[Tile, ...]:
    """Return the figures in large type."""
    got, learned = found.evaluation, found.learned
    shown = [
        Tile(number(got.rmse), "root mean squared error", _span(got.rmse_interval)),
        Tile(number(got.mae), "mean absolute error", _span(got.mae_interval)),
        Tile(number(got.r2), "R2, variance explained", _span(got.r2_interval)),
        Tile(f"{got.bias:+.3g}", "mean of answers less truth", _span(got.bias_interval)),
    ]
    if learned is not None:
        shown.append(Tile(f"{np.isfinite(learned).sum():,}", "labels learned from"))
    return tuple(shown)


def number_asked(found: NumberFindings) -> Part:
    """Say what was asked, and with how many labels."""
    truth, learned = found.truth[found.known], found.learned
    lead = f"To say a number for each item. Those tested run from {number(truth.min())} to {number(truth.max())}."
    notes = [f"It was tested on {len(truth):,} items with numbers, which it must not have learned from."]
    if learned is not None:
        known = learned[np.isfinite(learned)]
        notes.insert(0, f"It learned from {len(known):,} labels, of mean {number(float(known.mean()))}." if len(known)
                     else "It learned from no label.")  # fmt: skip
    table = found.evaluation.table
    kinds: dict[str, Kind] = {"figure": "text", "value": "number", "from": "number", "to": "number"}
    frame = table.rename(columns={"lower": "from", "upper": "to"})
    listed = PageTable.of(frame, kinds, caption="Figures, with bootstrap intervals of 95 %")
    needs = () if learned is not None else (NEEDS_COUNTS,)
    section = Section("asked", "Task", "What was asked", lead, tuple(notes), tables=(listed,), needs=needs)
    return Part(section, tables={"figures": table})


def number_labels_worth(found: NumberFindings) -> Part:
    """Show the learning curve, the one given or one measured on the labels learned from."""
    given = found.extras.curve
    shown = _curve_part(given) if isinstance(given, NumberCurve) else None
    return worth_of_labels(
        shown, found.extras.train, lambda train: _curve_part(own_number_curve(found, train)), maker="number_curve"
    )


def _curve_part(curve: NumberCurve) -> Part:
    table = curve.summary()
    first, last = table.iloc[0], table.iloc[-1]
    lead = f"With {last['labels']:,.0f} labels its answers are {number(last['mean'])} off"
    lead += f", with {first['labels']:,.0f} they were {number(first['mean'])} off." if len(table) > 1 else "."
    draws = f", mean ± sd of {table['n_draws'].max()} draws" if table["n_draws"].max() > 1 else ""
    picture = number_curve_picture(table, note=f"On {curve.n_test:,} test items{draws}")
    drawing = inline_svg(picture, name="curve", description="Error by number of labels; see the table.")
    kinds: dict[str, Kind] = {"labels": "count", "error": "number", "± sd": "number", "draws": "count"}
    frame = table.rename(columns={"mean": "error", "sd": "± sd", "n_draws": "draws"})
    listed = PageTable.of(frame, kinds, caption="Root mean squared error by number of labels")
    section = Section("curve", "More labels", "What more labels would bring", lead, drawing=drawing, tables=(listed,))
    return Part(section, {"curve": picture}, {"curve": table})


def agreement(found: NumberFindings) -> Part:
    """Show answers against truth."""
    got, rows = found.evaluation, found.known
    explained = f"The answers explain {percent(got.r2)} % of how the numbers differ (R2)."
    explained = "All numbers are alike; nothing tells them apart." if math.isnan(got.r2) else explained
    if got.r2 < 0:
        explained = "The answers are worse than always answering the mean (R2 below 0)."
    picture = agreement_picture(found.truth[rows], found.predicted[rows])
    drawing = inline_svg(picture, name="agreement", description=f"Answers against truth. {explained}")
    table = pd.DataFrame({"row": rows, "truth": found.truth[rows], "answer": found.predicted[rows]})
    section = Section("agreement", "Answers", "How answers and truth agree", explained, drawing=drawing)
    return Part(section, {"agreement": picture}, {"answers": table})


def residuals(found: NumberFindings) -> Part:
    """Show the errors by size of the answer: whether it is off everywhere alike."""
    rows, got = found.known, found.evaluation
    errors, answers, weight = found.errors[rows], found.predicted[rows], found.weight[rows]
    lower, upper = got.bias_interval
    way = "too high" if got.bias > 0 else "too low"
    sure = "which chance may explain" if lower <= 0 <= upper or math.isnan(lower) else "more than chance explains"
    lead = f"Its answers are on average {number(abs(got.bias))} {way}, {sure}."
    parts = pd.qcut(pd.Series(answers).rank(method="first"), min(PARTS_OF_RANGE, len(rows)), labels=False).to_numpy()
    found_rows = []
    for part in np.unique(parts):
        inside = (parts == part) & (weight > 0)
        if inside.any():
            own = (np.zeros(int(inside.sum())), errors[inside])
            figures = [metric(*own, sample_weight=weight[inside]) for metric in (rmse, bias)]
            found_rows.append([answers[inside].min(), answers[inside].max(), int(inside.sum()), *figures])
    table = pd.DataFrame(found_rows, columns=["from", "to", "n", "rmse", "bias"])
    kinds: dict[str, Kind] = {"answers from": "number", "to": "number", "items": "count", "error": "number",
                              "answer less truth": "number"}  # fmt: skip
    names = {"from": "answers from", "n": "items", "rmse": "error", "bias": "answer less truth"}
    listed = PageTable.of(table.rename(columns=names), kinds, caption="Errors by size of the answer")
    picture = residual_picture(answers, errors)
    drawing = inline_svg(picture, name="residuals", description=f"Errors against answers. {lead}")
    section = Section("residuals", "Errors", "Where it is off", lead, drawing=drawing, tables=(listed,))
    return Part(section, {"residuals": picture}, {"residuals": table})


def coverage(found: NumberFindings) -> Part:
    """Show how often the model's intervals hold the truth."""
    title = "How far to trust its intervals"
    if not found.intervals:
        return Part.of_nothing("coverage", "Trust", title, NEEDS_INTERVALS, "coverage")
    rows = found.known
    truth, weight = found.truth[rows], found.weight[rows]
    size, lines = effective_size(weight), []
    for stated, spans in found.intervals.items():
        low, high = spans[rows].T
        held = float(np.average((low <= truth) & (truth <= high), weights=weight))
        lines.append([stated, held, *wilson_interval(held * size, size), float(np.median(high - low))])
    table = pd.DataFrame(lines, columns=["stated", "covered", "lower", "upper", "width"])
    nine = table.iloc[(table["stated"] - 0.9).abs().argmin()]
    off = "about as often as stated"
    if not nine["lower"] <= nine["stated"] <= nine["upper"]:
        off = "more often than stated" if nine["covered"] > nine["stated"] else "less often than stated"
    lead = (
        f"Intervals that should hold the truth {percent(nine['stated'])} % of the time hold it "
        f"{percent(nine['covered'])} % of the time, {off}; half of them are narrower than {number(nine['width'])}."
    )
    picture = coverage_picture(table)
    drawing = inline_svg(picture, name="coverage", description=lead)
    kinds: dict[str, Kind] = {"stated": "plain-share", "covered": "share", "from": "plain-share", "to": "plain-share",
                              "median width": "number"}  # fmt: skip
    names = {"lower": "from", "upper": "to", "width": "median width"}
    listed = PageTable.of(table.rename(columns=names), kinds, caption="How often intervals hold the truth")
    section = Section("coverage", "Trust", title, lead, drawing=drawing, tables=(listed,))
    return Part(section, {"coverage": picture}, {"coverage": table})


def number_groups(found: NumberFindings) -> Part:
    """Show how large the errors are for whom."""
    title = "For whom it works"
    if not found.question.groups:
        return Part.of_nothing("groups", "Groups", title, NEEDS_GROUPS, "groups")
    rows = found.known
    truth, answers, weight = found.truth[rows], found.predicted[rows], found.weight[rows]
    lines = []
    for by, values in found.question.groups.items():
        group = named_groups([values[row] for row in rows])
        for name in np.unique(group):
            own = [column[group == name] for column in (truth, answers, weight)]
            figures = [math.nan] * 4
            if own[2].any():
                error, tilt = (metric(own[0], own[1], sample_weight=own[2]) for metric in (rmse, bias))
                figures = [error, *interval_of(rmse, own[0], own[1], own[2]), tilt]
            lines.append([readable(by), readable(name), len(own[0]), *figures])
    table = pd.DataFrame(lines, columns=["by", "group", "n", "rmse", "lower", "upper", "bias"])
    picture = number_group_picture(table, overall=found.evaluation.rmse)
    drawing = inline_svg(picture, name="groups", description="The error of each group; see the table.")
    kinds: dict[str, Kind] = {"by": "text"} if table["by"].nunique() > 1 else {}
    kinds |= {"group": "text", "error": "number", "from": "number", "to": "number", "answer less truth": "number",
              "items": "count"}  # fmt: skip
    names = {"n": "items", "rmse": "error", "lower": "from", "upper": "to", "bias": "answer less truth"}
    listed = PageTable.of(table.rename(columns=names), kinds, caption="Groups, with bootstrap intervals of 95 %")
    notes = tuple(sentence(note) for note in notes_on_sizes(table))
    section = Section("groups", "Groups", title, _gap(table), notes, drawing=drawing, tables=(listed,))
    return Part(section, {"groups": picture}, {"groups": table})


def number_mistakes(found: NumberFindings) -> Part:
    """Show the worst mistakes, each with its item."""
    rows = found.mistakes()
    items = zip(rows, single_items(found.items, rows), reasons_for(found.model, found.items, rows), strict=True)
    cards = tuple(_card(found, int(row), item, why) for row, item, why in items)
    table = pd.DataFrame(
        {"row": rows, "truth": found.truth[rows], "answer": found.predicted[rows], "error": found.errors[rows]}
    )
    lead = (
        f"Of {len(found.known):,} answers these {len(rows)} are farthest off:" if len(rows) > 1 else "The one answer:"
    )
    needs = () if hasattr(found.model, "explain") else (NEEDS_REASONS,)
    section = Section("mistakes", "Mistakes", "The worst mistakes", lead, cards=cards, needs=needs)
    return Part(section, tables={"mistakes": table})


def number_next(found: NumberFindings) -> Part:
    """Show which items of the pool to label next: those with the widest intervals."""
    pool, title, anchor = found.extras.pool, "What to label next", "next"
    intervals = getattr(found.model, "predict_interval", None)
    if pool is None or intervals is None:
        return Part.of_nothing(anchor, "Next", title, NEEDS_POOL if pool is None else NEEDS_INTERVALS, "next")
    spans = np.asarray(intervals(pool, coverage=0.8), dtype=np.float64)
    width = spans[:, 1] - spans[:, 0]
    if not np.isfinite(width).all():
        needs = "What to label next needs finite intervals; the model learned from too few labels for any. Label some."
        return Part.of_nothing(anchor, "Next", title, needs, "next")
    rows = np.argsort(-width, kind="stable")[:SUGGESTED]
    guesses = np.asarray(found.model.predict(take(pool, rows)), dtype=np.float64)
    items = zip(single_items(pool, rows), guesses, spans[rows], strict=True)
    cards = tuple(
        Card(shown_item(item), "", number(guess), f"80 % {_span(tuple(span))}") for item, guess, span in items
    )
    lead = f"Of {item_count(pool):,} items without labels, these {len(rows)} first: it is least sure of them."
    table = pd.DataFrame({"row": rows, "guess": guesses, "width": width[rows]})
    return Part(Section(anchor, "Next", title, lead, cards=cards), tables={"next": table})


def _card(found: NumberFindings, row: int, item: Any, why: tuple[str, ...]) -> Card:
    error = found.errors[row]
    said = f"{number(abs(error))} too {'high' if error > 0 else 'low'}"
    reasons = tuple(readable(line)[:240] for line in why[:3])
    return Card(shown_item(item), number(found.truth[row]), number(found.predicted[row]), said, reasons)


def _gap(table: pd.DataFrame) -> str:
    large = table[table["lower"].notna()]
    if len(large) < 2:
        return "Fewer than two groups have items enough for an interval; there is nothing to compare."
    best, worst = (large.iloc[place] for place in (large["rmse"].argmin(), large["rmse"].argmax()))
    apart = "but their intervals overlap" if worst["lower"] <= best["upper"] else "and their intervals do not overlap"
    return (
        f"Best for {best['group']} ({number(best['rmse'])} off), worst for {worst['group']} ({number(worst['rmse'])} "
        f"off), {apart}."
    )


def _span(ends: tuple[float, ...]) -> str:
    lower, upper = ends
    return "too few items for an interval" if math.isnan(lower) else f"{number(lower)} to {number(upper)}"
