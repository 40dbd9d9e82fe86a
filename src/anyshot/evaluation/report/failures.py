"""The sections of a report that say where the answers fail, whom, how far to trust them, and what to do about it."""

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from anyshot.base.items import UNKNOWN, Items, item_count, take
from anyshot.evaluation.classification import SCARCE
from anyshot.evaluation.fairness import accuracy_by_group, notes_on_sizes
from anyshot.evaluation.metrics import unknown_auroc
from anyshot.evaluation.printing import percent
from anyshot.evaluation.reliability import reliability, reliability_diagram
from anyshot.evaluation.report.collect import reasons_for
from anyshot.evaluation.report.figures import closeness_picture, confusion_picture, group_picture
from anyshot.evaluation.report.findings import Findings, next_to_label, training_errors
from anyshot.evaluation.report.inline_svg import inline_svg
from anyshot.evaluation.report.render import Card, Kind, Matrix, PageTable, Part, Section, matrix_of, readable, sentence
from anyshot.evaluation.report.shown_item import one_line, shown_item, single_items

FEW_CLASSES = 12  # up to which confusions are shown as a matrix
LISTED = 50  # likely label errors on the page
SURENESS = 0.02  # a mean confidence off by less than this is called right

NEEDS_PROBABILITIES = (
    "How sure it is, and which labels look wrong, need a classifier with predict_proba; give such a one, as "
    "CalibratedClassifierCV(model) makes of any of scikit-learn's."
)
NEEDS_KNOWN = "How sure it is can be compared only for items of classes that the model knows; test on some of these."
NEEDS_CLOSENESS = (
    "How close items lie to the classes needs a model with closeness(X), as AnyShotClassifier is; in a terminal "
    "anyshot fit makes one."
)
NEEDS_UNKNOWNS = (
    "How well it finds unknowns needs items of other classes among those tested, or a model made with "
    "unknown_rate=0.05, in a terminal anyshot fit ... --unknown-rate 0.05."
)
NEEDS_GROUPS = (
    "For whom it works is compared between groups: report(..., groups={'site': sites}), one value an item; in a "
    "terminal --group-column NAME."
)
NEEDS_REASONS = (
    "Why it answered so is shown for a model with explain(X), as AnyShotClassifier is; in a terminal anyshot fit "
    "makes one."
)
NEEDS_LEARNED_LABELS = (
    "Labels learned from that look wrong are found where they are given: report(..., train=(items, labels)), in a "
    "terminal --train DATA."
)
NEEDS_MORE_LEARNED_LABELS = (
    "Labels learned from that look wrong cannot be told from so few: each class needs two labels or more in train=, in "
    "a terminal --train DATA."
)
NEEDS_POOL = (
    "What to label next is chosen from items without labels: report(..., pool=items); in a terminal, rows without a "
    "label in --train DATA."
)


def confusions(found: Findings) -> Part:
    """Show what is taken for what: a matrix of few classes, the largest confusions of many."""
    table = found.evaluation.confusions
    if not len(table):
        section = Section("confusions", "Confusions", "What it confuses", "No class was taken for another.")
        return Part(section, tables={"confusions": table})
    first = table.iloc[0]
    many = "item was" if first["n"] == 1 else "items were"
    lead = (
        f'The largest confusion: {first["n"]:,} {many} "{first["truth"]}" and got the answer "{first["answer"]}", '
        f"{percent(first['share'])} % of that class."
    )
    frame = table.rename(columns={"n": "items", "share": "of its class"})
    kinds: dict[str, Kind] = {"truth": "text", "answer": "text", "items": "count", "of its class": "share"}
    listed = PageTable.of(frame, kinds, caption="Confusions, the largest first", at_most=100)
    section = Section(
        "confusions", "Confusions", "What it confuses", readable(lead), tables=(listed,), matrix=_matrix(found)
    )
    return Part(section, {"confusions": confusion_picture(table)}, {"confusions": table})


def trust(found: Findings) -> Part:
    """Show whether the model is as sure as it is right."""
    known = {name: row for row, name in enumerate(found.classes.tolist())}
    index = np.array([known.get(label, -1) for label in found.truth], dtype=np.intp)
    if found.probabilities is None or not (index >= 0).any():
        needs = NEEDS_PROBABILITIES if found.probabilities is None else NEEDS_KNOWN
        return Part.of_nothing("trust", "Trust", "How far to trust its sureness", needs, "reliability")
    weight = found.question.weight
    picture = reliability_diagram(found.probabilities, index, sample_weight=weight)
    table = reliability(found.probabilities, index, sample_weight=weight)
    counted = found.weight * (index >= 0)
    sure = float(np.average(found.probabilities.max(axis=1), weights=counted))
    right = float(np.average(found.probabilities.argmax(axis=1) == index, weights=counted))
    word = "about as sure as it is right" if abs(sure - right) < SURENESS else "surer than it is right"
    word = "less sure than it is right" if right - sure >= SURENESS else word
    lead = f"It is {word}: on average {percent(sure)} % sure, and {percent(right)} % right."
    drawing = inline_svg(picture, name="reliability", description=f"{lead} Points on the diagonal are well calibrated.")
    return Part(
        Section("trust", "Trust", "How far to trust its sureness", lead, drawing=drawing),
        {"reliability": picture},
        {"reliability": table},
    )


def unknowns(found: Findings) -> Part:
    """Show how items of no known class fare."""
    got, names = found.evaluation, set(found.classes.tolist())
    known = np.array([label in names for label in found.truth]) & found.labeled
    strange = found.labeled & ~known
    threshold = getattr(found.model, "unknown_threshold_", None)
    if not strange.any() and threshold is None:
        lead = f'Every item belongs to a class that the model knows, and it never answers "{UNKNOWN}".'
        needs = _without_closeness(found) or {"unknowns": NEEDS_UNKNOWNS}
        section = Section("unknowns", "Unknowns", "When it does not know", lead, needs=tuple(needs.values()))
        return Part(section, missing=needs)
    lead = f'It answered "{UNKNOWN}" to {percent(got.unknown_rate)} % of the items of classes that it knows'
    lead += f", and to {percent(got.unknown_found)} % of those of classes that it does not." if strange.any() else "."
    notes, figures, drawing = [], {}, ""
    if threshold is None:
        notes.append(f'It was not asked to find unknowns: it never answers "{UNKNOWN}". Fit it with unknown_rate=0.05.')
    if found.closeness is not None:
        figures["unknowns"] = closeness_picture(
            found.closeness[found.labeled], known[found.labeled], threshold=threshold
        )
        drawing = inline_svg(figures["unknowns"], name="unknowns", description="Closeness to the nearest class.")
        if known.any() and strange.any():
            chance = unknown_auroc(-found.closeness[found.labeled], strange[found.labeled])
            notes.append(f"An item of no class lies farther off than one of a class in {percent(chance)} % of pairs.")
    needs = _without_closeness(found)
    section = Section(
        "unknowns",
        "Unknowns",
        "When it does not know",
        lead,
        tuple(notes),
        drawing=drawing,
        needs=tuple(needs.values()),
    )
    return Part(section, figures, missing=needs)


def _without_closeness(found: Findings) -> dict[str, str]:
    """Return why there is no picture of unknowns, by its name; nothing where there is one."""
    if found.closeness is None:
        return {"unknowns": NEEDS_CLOSENESS}
    return {}


def by_class(found: Findings) -> Part:
    """Show how good the answers are for each class."""
    learned = found.learned
    table = found.evaluation.per_class.copy()
    counts = Counter(learned or ())
    table["labels"] = [counts.get(name, 0) for name in table["class"]]
    tested = table[table["n"] > 0].sort_values("recall", kind="stable")
    frame = pd.concat([tested, table[table["n"] == 0]])
    frame["class"] = [
        f"{name}{'' if seen else ' (never seen)'}" for name, seen in zip(frame["class"], frame["seen"], strict=True)
    ]
    frame = frame.rename(columns={"n": "items", "recall": "found", "precision": "right when said", "f1": "F1"})
    kinds: dict[str, Kind] = {
        "class": "text",
        "items": "count",
        "found": "share",
        "right when said": "plain-share",
        "F1": "plain-share",
    }
    if learned is not None:
        kinds = {"class": "text", "labels": "count", **dict(list(kinds.items())[1:])}
    weak = int((tested["recall"] < 0.5).sum())
    lead = f"{weak} of {len(tested)} classes tested are found less than half of the time." if weak else (
        f"Of each of the {len(tested)} classes tested, at least half of the items are found."
    )  # fmt: skip
    scarce = int((tested["n"] < SCARCE).sum())
    notes = (f"Classes with fewer than {SCARCE} items: {scarce}. Their rows say little.",) if scarce else ()
    listed = PageTable.of(frame, kinds, caption="Classes, the hardest first")
    section = Section("classes", "Classes", "Class by class", lead, notes, tables=(listed,))
    return Part(section, tables={"classes": frame})


def by_group(found: Findings) -> Part:
    """Show how good the answers are for whom; classes with and without labels are groups like any other."""
    given = found.question.groups
    columns = {name: list(one) for name, one in given.items()}
    columns["what it knew of the class"] = _knowledge(found)
    keep, tables = found.labeled, []
    for name, values in columns.items():
        inside = [value for value, kept in zip(values, keep, strict=True) if kept]
        if len(set(map(str, inside))) > 1 or name in given:
            figures = accuracy_by_group(found.right[keep], inside, sample_weight=found.weight[keep])
            tables.append(figures.assign(by=readable(name)))
    if not tables:
        return Part.of_nothing("groups", "Groups", "For whom it works", NEEDS_GROUPS, "groups")
    table = pd.concat(tables, ignore_index=True)[["by", "group", "n", "accuracy", "lower", "upper"]]
    table["group"] = [readable(name) for name in table["group"]]
    picture = group_picture(table, overall=found.evaluation.accuracy)
    drawing = inline_svg(picture, name="groups", description="Right answers of each group; see the table.")
    kinds: dict[str, Kind] = {"by": "text"} if table["by"].nunique() > 1 else {}
    kinds |= {"group": "text", "right answers": "share", "from": "plain-share", "to": "plain-share", "items": "count"}
    frame = table.rename(columns={"n": "items", "accuracy": "right answers", "lower": "from", "upper": "to"})
    listed = PageTable.of(frame, kinds, caption="Groups, with intervals of 95 %")
    notes = tuple(sentence(note) for note in notes_on_sizes(table))
    section = Section(
        "groups", "Groups", "For whom it works", _gap(table), notes, drawing=drawing, tables=(listed,),
        needs=() if given else (NEEDS_GROUPS,),
    )  # fmt: skip
    return Part(section, {"groups": picture}, {"groups": table})


def mistakes(found: Findings) -> Part:
    """Show the worst mistakes, each with its item and the grounds of the answer."""
    rows = found.mistakes()
    wrong = int((found.labeled & ~found.right).sum())
    if not len(rows):
        lead = "Every labeled item was answered right."
        missing = {"mistakes": "There are no mistakes to show: every labeled item was answered right."}
        return Part(Section("mistakes", "Mistakes", "The worst mistakes", lead), missing=missing)
    cards = [
        _card(found, row, item, why)
        for row, item, why in zip(
            rows, single_items(found.items, rows), reasons_for(found.model, found.items, rows), strict=True
        )
    ]
    some = "Here they are" if len(rows) == wrong else f"Here are {len(rows)} of them"
    order = ", the surest first" if found.probabilities is not None else ""
    lead = f"{wrong:,} of {int(found.labeled.sum()):,} answers are wrong. {some}{order}:"
    lead = lead if wrong > 1 else "One answer is wrong:"
    table = pd.DataFrame(
        {
            "row": rows,
            "truth": [found.truth[row] for row in rows],
            "answer": [found.predicted[row] for row in rows],
            "p_answer": [found.sureness(row, found.predicted[row]) for row in rows],
            "p_truth": [found.sureness(row, found.truth[row]) for row in rows],
        }
    )
    needs = () if hasattr(found.model, "explain") else (NEEDS_REASONS,)
    section = Section("mistakes", "Mistakes", "The worst mistakes", lead, cards=tuple(cards), needs=needs)
    return Part(section, tables={"mistakes": table})


def wrong_labels(found: Findings) -> Part:
    """List labels that are likely wrong, among those tested on and, where they are given, those learned from."""
    names = ("label_errors", "label_errors_train")
    if found.probabilities is None:
        return Part.of_nothing("labels", "Labels", "Labels that may be wrong", NEEDS_PROBABILITIES, *names)
    tables: dict[str, pd.DataFrame] = {}
    pages, missing = [], {}
    sources: list[tuple[str, str, Items, pd.DataFrame]] = [
        ("test", "Among the labels tested on", found.items, found.label_errors())
    ]
    train = found.extras.train
    learned = None if train is None else training_errors(found, train)
    if train is not None and learned is not None:
        sources.append(("train", "Among the labels learned from", train[0], learned))
    else:
        missing["label_errors_train"] = NEEDS_LEARNED_LABELS if train is None else NEEDS_MORE_LEARNED_LABELS
    kinds: dict[str, Kind] = {
        "item": "long",
        "label": "text",
        "likely": "text",
        "sure of the label": "plain-share",
        "of the other": "share",
    }
    for name, caption, items, errors in sources:
        tables["label_errors" if name == "test" else "label_errors_train"] = errors
        top = errors.head(LISTED)
        words = [one_line(item) for item in single_items(items, top["row"].to_numpy(dtype=np.intp))]
        frame = top.assign(item=words).rename(
            columns={"given": "label", "p_given": "sure of the label", "p_likely": "of the other"}
        )
        if len(frame):
            pages.append(PageTable.of(frame, kinds, caption=f"{caption}: {len(errors):,}"))
    total = sum(len(errors) for *_, errors in sources)
    lead = (
        "Look these over before blaming the model: it is at least as sure of another class as it usually is where that "
        "class is right (confident learning)." if total else "No label contradicts the model more than is usual."
    )  # fmt: skip
    notes = (f"The {LISTED} surest of each list are shown.",) if any(len(e) > LISTED for *_, e in sources) else ()
    section = Section(
        "labels", "Labels", "Labels that may be wrong", lead, notes, tables=tuple(pages), needs=tuple(missing.values())
    )
    return Part(section, tables=tables, missing=missing)


def next_labels(found: Findings) -> Part:
    """Show which items of the pool to label next."""
    pool = found.extras.pool
    if pool is None:
        return Part.of_nothing("next", "Next", "What to label next", NEEDS_POOL, "next")
    rows, why = next_to_label(found, pool)
    if not len(rows):
        return Part.of_nothing("next", "Next", "What to label next", why, "next")
    guesses = found.model.predict(take(pool, rows))
    cards = tuple(
        Card(shown_item(item), "", readable(guess), "its guess")
        for item, guess in zip(single_items(pool, rows), guesses, strict=True)
    )
    lead = f"Of {item_count(pool):,} items without labels, these {len(rows)} first. {why}"
    table = pd.DataFrame({"row": rows, "guess": list(guesses)})
    return Part(Section("next", "Next", "What to label next", lead, cards=cards), tables={"next": table})


def _matrix(found: Findings) -> Matrix | None:
    names = [*found.classes.tolist()]
    names += [
        name for name in dict.fromkeys([*found.truth, *found.predicted]) if name is not None and name not in names
    ]
    if len(names) > FEW_CLASSES:
        return None
    pairs = Counter(zip(found.truth, found.predicted, strict=True))
    counts = [[pairs.get((truth, answer), 0) for answer in names] for truth in names]
    return matrix_of([readable(name) for name in names], counts, caption="Truth in rows, answers in columns")


def _knowledge(found: Findings) -> list[str]:
    """Return what the model knew of each item's class."""
    learned = found.learned
    names, counts = set(found.classes.tolist()), Counter(learned or ())
    words = []
    for label in found.truth:
        if label not in names:
            words.append("class never seen")
        elif learned is None:
            words.append("class it knows")
        else:
            words.append("class with labels" if counts.get(label) else "class without a label")
    return words


def _gap(table: pd.DataFrame) -> str:
    large = table[(table["n"] >= SCARCE) & table["accuracy"].notna()]
    if len(large) < 2:
        return f"Fewer than two groups have {SCARCE} items or more; there is nothing to compare."
    best, worst = (large.iloc[place] for place in (large["accuracy"].argmax(), large["accuracy"].argmin()))
    apart = "but their intervals overlap" if worst["upper"] >= best["lower"] else "and their intervals do not overlap"
    return (
        f"Best for {best['group']} ({percent(best['accuracy'])} %), worst for {worst['group']} "
        f"({percent(worst['accuracy'])} %): {100 * (best['accuracy'] - worst['accuracy']):.1f} points apart, {apart}."
    )


def _card(found: Findings, row: int, item: Any, why: tuple[str, ...]) -> Card:
    sure, of_truth = found.sureness(row, found.predicted[row]), found.sureness(row, found.truth[row])
    said = "" if sure is None else f"{sure:.0%} sure"
    truth = readable(found.truth[row]) + (" (never seen)" if found.truth[row] not in found.classes.tolist() else "")
    truth += "" if of_truth is None else f" · {of_truth:.0%}"
    reasons = tuple(readable(line)[:240] for line in why[:3])
    return Card(shown_item(item), truth, readable(found.predicted[row]), said, reasons)
