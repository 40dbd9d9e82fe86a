"""The sections of a report on where the predictions fail, and what to label next."""

from collections import Counter
from typing import NamedTuple

import numpy as np
import pandas as pd

from anyshot.base.columns import item_count, take
from anyshot.base.items import Items
from anyshot.base.labels import UNKNOWN, Labels, label_list
from anyshot.base.messages import count
from anyshot.base.validation import Floats, Indexes
from anyshot.errors import NotEnoughClassesError, NotEnoughLabelsError
from anyshot.evaluation.fairness import notes_on_sizes, rates_by_group
from anyshot.evaluation.intervals import share_interval
from anyshot.evaluation.label_errors import label_errors, out_of_fold_probabilities
from anyshot.evaluation.metrics import MIN_RELIABLE, number, percent, reliability, span, unknown_auroc
from anyshot.evaluation.report import figures, render
from anyshot.evaluation.report.collect import (
    NEEDS_INTERVALS,
    ClassResults,
    NumberResults,
    probabilities_of,
    reasons_for,
)
from anyshot.evaluation.report.render import Card, Matrix, PageTable, Section, readable, single_items

MAX_MATRIX = 12  # classes, up to which confusions are shown as a matrix
MAX_LABEL_ERRORS = 50  # on the page
CALIBRATED = 0.02  # mean confidence and accuracy closer than this count as equal
N_SUGGESTED = 10  # items suggested for labeling
RATES = "How often a class is predicted, the classes with the largest differences first"
UNKNOWN_CLASS = " (unknown to the model)"

NEEDS_PROBABILITIES = "Calibration and wrong labels need a classifier with predict_proba: see CalibratedClassifierCV."
NEEDS_KNOWN = "Calibration and wrong labels need test items of classes that the model knows; there are none."
NEEDS_CLOSENESS = "How close items are to the classes needs a model with closeness(X), such as AnyShotClassifier."
NEEDS_UNKNOWNS = (
    "Detection of unknown classes needs test items of such classes, or a model with unknown_rate=0.05 "
    "(--unknown-rate 0.05)."
)
NEEDS_GROUPS = "Results by group need the group of each item: groups={'site': sites} (--group-column NAME)."
NEEDS_REASONS = "Reasons for predictions need a model with explain(X)."
NEEDS_TRAIN = "Training labels that may be wrong need the training data: train=(items, labels) (--train DATA)."
NEEDS_PAIRS = "Training labels that may be wrong need two labels or more of each class in the training data."
NEEDS_SURE = "What to label next needs a classifier with suggest(X, n=...) or predict_proba."
NEEDS_POOL = (
    "What to label next needs unlabeled items to choose from: pool=items (--train DATA that has rows without a label)."
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
    return Section(
        lead,
        description=f"{lead} On the diagonal, both are equal.",
        figures={"reliability": figure},
        tables={"reliability": bins},
    )


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
    if results.weight[known].any() and results.weight[unknown].any():
        chance = percent(unknown_auroc(-closeness[labeled], unknown[labeled], sample_weight=results.weight[labeled]))
        notes += (f"Closeness separates unknown from known classes with an AUROC of {chance} %; 50 % is chance.",)
    figure = figures.closeness_figure(closeness[labeled], known[labeled], threshold=threshold)
    return Section(
        lead, notes, description="Cosine similarity of the items to their nearest class.", figures={"unknowns": figure}
    )


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
    about = "The figures of each group, as in the table."
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
    return Section(lead, notes, description=about, shown=tuple(shown), figures={"groups": figure}, tables=found)


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


def training_errors(results: ClassResults, train: tuple[Items, Labels]) -> pd.DataFrame | None:
    """Return the training labels that are likely wrong, by cross-validation; None if that is not possible."""
    if results.probabilities is None:
        return None
    labels = label_list(train[1])
    try:
        table, names = out_of_fold_probabilities(results.model, train[0], labels)  # type: ignore[arg-type]  # it has them
    except (NotEnoughClassesError, NotEnoughLabelsError):
        return None
    columns, counts = {name: column for column, name in enumerate(names.tolist())}, Counter(labels)
    # The only item of a class is held out by models that do not know the class, and so cannot agree with its label.
    index = [-1 if label is None or counts[label] == 1 else columns[label] for label in labels]
    return label_errors(table, index, classes=names)


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


class Suggestion(NamedTuple):
    """Rows (m,) of the pool to label next, the reason, and for numbers their 80 % intervals (m, 2).

    Without rows, the reason says what is needed to suggest some.
    """

    rows: Indexes
    reason: str
    intervals: Floats = np.zeros((0, 2))


def next_to_label(results: ClassResults | NumberResults, pool: Items, n: int = N_SUGGESTED) -> Suggestion:
    """Return the items of the pool about which the model is least certain, and why they were chosen."""
    none = np.zeros(0, dtype=np.intp)
    if isinstance(results, NumberResults):
        predict_interval = getattr(results.model, "predict_interval", None)
        if predict_interval is None:
            return Suggestion(none, NEEDS_INTERVALS)
        spans = np.asarray(predict_interval(pool, coverage=0.8), dtype=np.float64)
        width = spans[:, 1] - spans[:, 0]
        if not np.isfinite(width).all():
            return Suggestion(none, "The model has too few training labels to say what to label next. Label some more.")
        rows = np.argsort(-width, kind="stable")[:n]
        return Suggestion(rows, "Their prediction intervals are the widest.", spans[rows])
    suggest = getattr(results.model, "suggest", None)
    if suggest is not None:
        rows = np.asarray(suggest(pool, n=min(n, item_count(pool))), dtype=np.intp)
        return Suggestion(rows, "The model is uncertain about them, and each is similar to many others.")
    table = probabilities_of(results.model, pool)
    if table is None:
        return Suggestion(none, NEEDS_SURE)
    best_two = np.sort(table, axis=1)[:, -2:]
    rows = np.argsort(best_two[:, 1] - best_two[:, 0], kind="stable")[:n]
    return Suggestion(rows, "The model is least certain about them.")


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
    label += "" if p is None else f" · {100 * p:.0f} %"
    return label, readable(results.predicted[row]), "" if confidence is None else f"{100 * confidence:.0f} % confident"
