"""The sections of a report on where the predictions fail, and what to label next."""

import math
from collections import Counter

import numpy as np
import pandas as pd

from anyshot.base.columns import count
from anyshot.base.items import item_count, take
from anyshot.base.labels import UNKNOWN
from anyshot.evaluation.fairness import notes_on_sizes, rates_by_group
from anyshot.evaluation.intervals import share_interval
from anyshot.evaluation.label_errors import label_errors
from anyshot.evaluation.metrics import MIN_RELIABLE, number, percent, reliability, unknown_auroc
from anyshot.evaluation.regression import errors_by_prediction, interval_coverage
from anyshot.evaluation.report import figures, render
from anyshot.evaluation.report.collect import (
    NEEDS_INTERVALS,
    ClassResults,
    NumberResults,
    next_to_label,
    reasons_for,
    training_errors,
)
from anyshot.evaluation.report.figures import inline_svg
from anyshot.evaluation.report.render import Card, Matrix, PageTable, Section, readable, single_items

MAX_MATRIX = 12  # classes, up to which confusions are shown as a matrix
MAX_LABEL_ERRORS = 50  # on the page
CALIBRATED = 0.02  # mean confidence and accuracy closer than this count as equal
RATES = "How often a class is predicted, the classes with the largest differences first"
UNKNOWN_CLASS = " (unknown to the model)"

NEEDS_PROBABILITIES = "Calibration and wrong labels need a classifier with predict_proba: see CalibratedClassifierCV."
NEEDS_KNOWN = "Calibration and wrong labels need test items of classes that the model knows; there are none."
NEEDS_CLOSENESS = "How close items are to the classes needs a model with closeness(X), such as AnyShotClassifier."
NEEDS_UNKNOWNS = (
    "Detection of unknown classes needs test items of such classes, or a model with unknown_rate=0.05 "
    "(anyshot fit --unknown-rate 0.05)."
)
NEEDS_GROUPS = "Results by group need the group of each item: groups={'site': sites} (--group-column NAME)."
NEEDS_REASONS = "Reasons for predictions need a model with explain(X)."
NEEDS_TRAIN = "Training labels that may be wrong need the training data: train=(items, labels) (--train DATA)."
NEEDS_PAIRS = "Training labels that may be wrong need two labels or more of each class in the training data."
NEEDS_POOL = (
    "What to label next needs unlabeled items to choose from: pool=items (rows of --train DATA without a label)."
)


def confusions(results: ClassResults) -> Section:
    """Return which classes are taken for which: a matrix of few classes, and a table."""
    table = results.evaluation.confusions
    if not len(table):
        return Section("No class was confused with another.", tables={"confusions": table})
    first = table.iloc[0]
    lead = (
        f'The most frequent confusion: {count(first["n"], "item")} of class "{first["truth"]}" predicted as '
        f'"{first["answer"]}", {percent(first["share"])} % of that class.'
    )
    shown = PageTable.of(table, "truth answer n share", caption="Confusions, most frequent first", max_rows=100)
    drawn, tables = {"confusions": figures.confusion_figure(table)}, {"confusions": table}
    return Section(readable(lead), matrix=_matrix(results), shown=(shown,), figures=drawn, tables=tables)


def calibration(results: ClassResults) -> Section:
    """Return whether the probabilities agree with how often the predictions are correct."""
    index, table = results.index, results.probabilities
    weight = results.weight * (index >= 0)
    if table is None or not weight.any():
        return Section(missing={"reliability": NEEDS_PROBABILITIES if table is None else NEEDS_KNOWN})
    confidence = float(np.average(table.max(axis=1), weights=weight))
    correct = float(np.average(table.argmax(axis=1) == index, weights=weight))
    word = "overconfident" if confidence > correct else "underconfident"
    word = "well calibrated on average" if abs(confidence - correct) < CALIBRATED else word
    shares = f"its mean confidence is {percent(confidence)} %, its accuracy {percent(correct)} %"
    lead, (lower, upper) = f"It is {word}: {shares}.", share_interval(correct, weight)
    if lower <= confidence <= upper and abs(confidence - correct) >= CALIBRATED:
        lead = f"{shares[0].upper()}{shares[1:]}; from so few test items, the difference may be chance."
    bins = reliability(table, index, sample_weight=weight)
    figure = figures.reliability_figure(bins, error=results.evaluation.ece or 0.0)
    drawing = inline_svg(figure, name="reliability", description=f"{lead} On the diagonal, both are equal.")
    return Section(lead, drawing=drawing, figures={"reliability": figure}, tables={"reliability": bins})


def unknowns(results: ClassResults) -> Section:
    """Return what the model does with items of classes that it does not know."""
    got, labeled, closeness = results.evaluation, results.labeled, results.closeness
    known = results.index >= 0
    unknown = labeled & ~known
    threshold = getattr(results.model, "unknown_threshold_", None)
    missing = {"unknowns": NEEDS_CLOSENESS} if closeness is None else {}
    if not unknown.any() and threshold is None:
        lead = f'All test items belong to classes that the model knows, and it never predicts "{UNKNOWN}".'
        return Section(lead, missing=missing or {"unknowns": NEEDS_UNKNOWNS})
    lead = f'It predicts "{UNKNOWN}" for {percent(got.unknown_rate)} % of the items of classes that it knows'
    lead += f", and for {percent(got.unknown_found)} % of the items of other classes." if unknown.any() else "."
    never = f'It never predicts "{UNKNOWN}". An AnyShotClassifier that was fitted with unknown_rate=0.05 would.'
    notes: tuple[str, ...] = (never,) if threshold is None else ()
    if closeness is None:
        return Section(lead, notes, missing=missing)
    if known.any() and unknown.any():
        chance = percent(unknown_auroc(-closeness[labeled], unknown[labeled]))
        notes += (f"Closeness separates unknown from known classes with an AUROC of {chance} %; 50 % is chance.",)
    figure = figures.closeness_figure(closeness[labeled], known[labeled], threshold=threshold)
    drawing = inline_svg(figure, name="unknowns", description="Cosine similarity of the items to their nearest class.")
    return Section(lead, notes, drawing=drawing, figures={"unknowns": figure})


def classes(results: ClassResults) -> Section:
    """Return precision, recall and F1 of each class."""
    table, train_labels = results.evaluation.per_class.copy(), results.train_labels
    counts = Counter(train_labels or ())
    table["labels"] = [counts.get(name, 0) for name in table["class"]]
    table["class"] = [
        f"{name}{'' if known else UNKNOWN_CLASS}" for name, known in zip(table["class"], table["seen"], strict=True)
    ]
    tested = table[table["n"] > 0].sort_values("recall", kind="stable")
    table = pd.concat([tested, table[table["n"] == 0]])
    weak, scarce = int((tested["recall"] < 0.5).sum()), int((tested["n"] < MIN_RELIABLE).sum())
    lead = f"For {weak} of the {len(tested)} tested classes, less than half of the items are found."
    lead = lead if weak else f"For each of the {len(tested)} tested classes, at least half of the items are found."
    notes = (
        (f"Classes with fewer than {MIN_RELIABLE} test items, whose figures are unreliable: {scarce}.",)
        if scarce
        else ()
    )
    columns = "class n recall precision f1" if train_labels is None else "class labels n recall precision f1"
    shown = PageTable.of(table, columns, caption="Classes, lowest recall first")
    return Section(lead, notes, shown=(shown,), tables={"classes": table})


def groups(results: ClassResults | NumberResults) -> Section:
    """Return accuracy or error by group; classes with and without training labels are groups as well.

    Of a classifier also how often each class is predicted in each of the groups that were given.
    """
    rows, columns, tables = np.flatnonzero(results.labeled).tolist(), dict(results.inputs.groups), []
    if isinstance(results, ClassResults):
        knowledge = _class_knowledge(results)
        if len({knowledge[row] for row in rows}) > 1:
            columns["training labels of the class"] = knowledge
    for name, values in columns.items():
        tables.append(results.by_group([values[row] for row in rows]))
        tables[-1].insert(0, "by", readable(name))
    if not tables:
        return Section(missing={"groups": NEEDS_GROUPS})
    table = pd.concat(tables, ignore_index=True)
    table["group"] = [readable(name) for name in table["group"]]
    overall = results.evaluation.accuracy if isinstance(results, ClassResults) else results.evaluation.rmse
    figure = figures.group_figure(table, overall=overall)
    drawing = inline_svg(figure, name="groups", description="The figures of each group, as in the table.")
    names = "group accuracy lower upper n" if "accuracy" in table else "group rmse low high bias n"
    names, frame = f"by {names}" if len(tables) > 1 else names, table.assign(low=table["lower"], high=table["upper"])
    shown = [PageTable.of(frame, names, caption="Groups, with 95 % intervals")]
    found = {"groups": table}
    if isinstance(results, ClassResults) and results.inputs.groups:
        found["rates"] = _rates(results, rows)
        names = "by class group n selected true_positive false_positive"
        shown.append(PageTable.of(found["rates"], names, caption=RATES, max_rows=60))
    notes = tuple(render.sentence(note) for note in notes_on_sizes(table))
    notes += () if results.inputs.groups else (NEEDS_GROUPS,)
    lead = " ".join(_comparison(own, by=str(by)) for by, own in table.groupby("by", sort=False))
    return Section(lead, notes, drawing=drawing, shown=tuple(shown), figures={"groups": figure}, tables=found)


def mistakes(results: ClassResults | NumberResults) -> Section:
    """Return the worst mistakes, each with its item and the reasons for the prediction."""
    rows = results.mistakes()
    table = pd.DataFrame({"row": rows})
    table["truth"] = [results.truth[row] for row in rows]
    table["answer"] = [results.predicted[row] for row in rows]
    if isinstance(results, ClassResults):
        wrong, n = int((results.labeled & ~results.correct).sum()), int(results.labeled.sum())
        if not wrong:
            lead = "All labeled items are predicted correctly."
            return Section(lead, missing={"mistakes": lead})
        for name, labels in (("p_answer", results.predicted), ("p_truth", results.truth)):
            table[name] = [results.probability(row, labels[row]) for row in rows]
        order = ", the most confident first" if results.probabilities is not None else ""
        some = "These are all of them" if len(rows) == wrong else f"These are {len(rows)} of them"
        lead = f"{wrong:,} of {n:,} predictions are wrong. {some}{order}:" if wrong > 1 else "One prediction is wrong:"
        texts = [_class_texts(results, row) for row in rows]
    else:
        table["error"] = results.errors[rows]
        lead = f"Of {results.evaluation.n:,} predictions, these {len(rows)} have the largest errors:"
        lead = lead if len(rows) > 1 else "The only prediction:"
        errors = [f"{number(abs(error))} too {'high' if error > 0 else 'low'}" for error in table["error"]]
        texts = list(zip(map(number, table["truth"]), map(number, table["answer"]), errors, strict=True))
    X, notes = results.inputs.X, () if hasattr(results.model, "explain") else (NEEDS_REASONS,)
    cards = tuple(
        Card(render.shown_item(item), *text, tuple(readable(line)[:240] for line in reasons[:3]))
        for item, text, reasons in zip(single_items(X, rows), texts, reasons_for(results.model, X, rows), strict=True)
    )
    return Section(lead, notes, cards=cards, tables={"mistakes": table})


def wrong_labels(results: ClassResults) -> Section:
    """Return the labels that are likely wrong, of the test data and, if given, of the training data."""
    if results.probabilities is None:
        return Section(missing=dict.fromkeys(("label_errors", "label_errors_train"), NEEDS_PROBABILITIES))
    if not (results.index >= 0).any():
        return Section(missing=dict.fromkeys(("label_errors", "label_errors_train"), NEEDS_KNOWN))
    train, missing, shown = results.inputs.train, {}, []
    tables = {"label_errors": label_errors(results.probabilities, results.index, classes=results.classes)}
    errors = None if train is None else training_errors(results, train)
    if errors is not None:
        tables["label_errors_train"] = errors
    else:
        missing["label_errors_train"] = NEEDS_TRAIN if train is None else NEEDS_PAIRS
    for which, X, table in zip(
        ("test", "training"), (results.inputs.X, train[0] if train else ()), tables.values(), strict=False
    ):
        top = table.head(MAX_LABEL_ERRORS)
        texts = [render.one_line(item) for item in single_items(X, top["row"].to_numpy(dtype=np.intp))]
        some = f"; the {MAX_LABEL_ERRORS} clearest are shown" if len(table) > len(top) else ""
        caption = f"{len(table):,} {which} labels{some}"
        if len(top):
            shown.append(PageTable.of(top.assign(item=texts), "item given likely p_given p_likely", caption=caption))
    lead = (
        "Check these labels first. The model is as confident in another class as it usually is when that class is "
        "correct (confident learning)."
    )
    lead = lead if shown else "No label contradicts the model more than usual."
    return Section(lead, shown=tuple(shown), tables=tables, missing=missing)


def next_labels(results: ClassResults | NumberResults) -> Section:
    """Return which unlabeled items to label next."""
    pool = results.inputs.pool
    if pool is None:
        return Section(missing={"next": NEEDS_POOL})
    suggestion = next_to_label(results, pool)
    rows = suggestion.rows
    if not len(rows):
        return Section(missing={"next": suggestion.reason})
    predicted = list(results.model.predict(take(pool, rows)))
    table, notes, texts = pd.DataFrame({"row": rows, "guess": predicted}), [""] * len(rows), map(readable, predicted)
    if isinstance(results, NumberResults):
        table["width"] = suggestion.intervals[:, 1] - suggestion.intervals[:, 0]
        notes = [f"80 % interval {span(*ends)}" for ends in suggestion.intervals.tolist()]
        texts = map(number, predicted)
    items = zip(single_items(pool, rows), texts, notes, strict=True)
    cards = tuple(Card(render.shown_item(item), "", text, note) for item, text, note in items)
    lead = f"Of {item_count(pool):,} unlabeled items, label these {len(rows)} first. {suggestion.reason}"
    return Section(lead, cards=cards, tables={"next": table})


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
    drawing = inline_svg(figure, name="fit", description=f"Predictions against true values. {lead}")
    return Section(lead, drawing=drawing, figures={"fit": figure}, tables={"answers": table})


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
    drawing = inline_svg(figure, name="residuals", description=f"Errors against predictions. {lead}")
    return Section(lead, drawing=drawing, shown=(shown,), figures={"residuals": figure}, tables={"residuals": table})


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
    drawing = inline_svg(figure, name="coverage", description=lead)
    return Section(lead, drawing=drawing, shown=(shown,), figures={"coverage": figure}, tables={"coverage": table})


def span(lower: float, upper: float) -> str:
    """Return an interval as text."""
    return "too few items for an interval" if math.isnan(lower) else f"{number(lower)} to {number(upper)}"


def _matrix(results: ClassResults) -> Matrix | None:
    names = results.classes.tolist()
    names += [name for name in dict.fromkeys([*results.truth, *results.predicted]) if name not in [None, *names]]
    if len(names) > MAX_MATRIX:
        return None
    pairs = Counter(zip(results.truth, results.predicted, strict=True))
    counts = [[pairs.get((truth, predicted), 0) for predicted in names] for truth in names]
    return Matrix.of([readable(name) for name in names], counts)


def _class_knowledge(results: ClassResults) -> list[str]:
    """Return, for each item, whether the model knows its class and had training labels of it."""
    trained, index = set(results.train_labels or ()), results.index
    words = ["class with labels" if label in trained else "class without labels" for label in results.truth]
    words = ["known class"] * len(words) if results.train_labels is None else words
    return [word if column >= 0 else "class unknown to the model" for word, column in zip(words, index, strict=True)]


def _rates(results: ClassResults, rows: list[int]) -> pd.DataFrame:
    """Return how often each class is predicted in each group; of two classes, the second, as scikit-learn counts."""
    truth, predicted = ([values[row] for row in rows] for values in (results.truth, results.predicted))
    weight, parts = results.weight[rows], []
    for by, values in results.inputs.groups.items():
        parts.append(rates_by_group(truth, predicted, [values[row] for row in rows], sample_weight=weight))
        parts[-1].insert(0, "by", readable(by))
    table = pd.concat(parts, ignore_index=True)
    if len(results.classes) == 2 and set(table["class"]) <= set(results.classes.tolist()):
        table = table[table["class"] == results.classes.tolist()[1]]
    spread = table.groupby(["by", "class"])["selected"].transform(lambda shares: shares.max() - shares.min())
    order = (-spread).argsort(kind="stable")
    return table.iloc[order].reset_index(drop=True)


def _comparison(table: pd.DataFrame, *, by: str) -> str:
    """Compare the best and the worst group of one column that are large enough."""
    large = table[(table["n"] >= MIN_RELIABLE) & table["lower"].notna()]
    if len(large) < 2:
        return f"By {by}: nothing to compare, because fewer than two groups have {MIN_RELIABLE} items or more."
    if "accuracy" in table:
        best, worst = large.iloc[large["accuracy"].argmax()], large.iloc[large["accuracy"].argmin()]
        words = [f"{percent(one['accuracy'])} %" for one in (best, worst)]
    else:
        best, worst = large.iloc[large["rmse"].argmin()], large.iloc[large["rmse"].argmax()]
        words = [f"error {number(one['rmse'])}" for one in (best, worst)]
    if words[0] == words[1]:
        return f"By {by}: all {len(large)} groups have the same result ({words[0]})."
    overlap = max(best["lower"], worst["lower"]) <= min(best["upper"], worst["upper"])
    groups = f"By {by}: the best group is {best['group']} ({words[0]}), the worst {worst['group']} ({words[1]})"
    return f"{groups}; their intervals {'overlap' if overlap else 'do not overlap'}."


def _class_texts(results: ClassResults, row: int) -> tuple[str, str, str]:
    """Return the label, the prediction and the confidence of one item."""
    confidence, p = results.probability(row, results.predicted[row]), results.probability(row, results.truth[row])
    label = readable(results.truth[row]) + ("" if results.index[row] >= 0 else UNKNOWN_CLASS)
    label += "" if p is None else f" · {p:.0%}"
    return label, readable(results.predicted[row]), "" if confidence is None else f"{confidence:.0%} confident"
