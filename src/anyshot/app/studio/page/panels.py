"""What the panels of the page show: classes, quality, history and reasons, in the words of its language."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from anyshot.app import studio
from anyshot.app.studio.classes import COLORS, ClassRow, color_number
from anyshot.app.studio.database import UNKNOWN_ID
from anyshot.app.studio.entries import Entry
from anyshot.app.studio.feature_items import shown_value
from anyshot.app.studio.page.messages import warnings_in
from anyshot.app.studio.page.opened import Opened
from anyshot.app.studio.page.texts import Texts, sentence_of
from anyshot.app.studio.quality import FEW_LABELS, MIN_LABELS, Action, Hint, NextStep, Quality, hints, quality
from anyshot.base.labels import UNKNOWN

if TYPE_CHECKING:  # it loads the encoders
    from anyshot.app.studio.answers import Chip
    from anyshot.app.studio.project import Project

SHOWN_WORDS: Final = 3
"""Words of a class that are shown before more are asked for; all would hide the next class."""
SHOWN_PAIRS: Final = 2  # of classes that are confused most
_VIEWS: Final[dict[Action, str]] = {"check_errors": "errors", "label": "first", "label_first": "first"}
"""The order of the items in which a step is done."""
LEFT, RIGHT, TOP, BOTTOM = 8.0, 252.0, 20.0, 104.0  # of the curve, in the picture of 260 x 124


def classes_panel(opened: Opened, t: Texts, asked: Sequence[int] = ()) -> dict[str, Any]:
    """Return what classes.html shows; asked: the classes that are asked for their words."""
    labels = opened.project.items.labels().labels
    n_answers = studio.counts(opened.project, opened.answers)
    found, chips = hints(opened.project, opened.answers), opened.answers.chips()
    asked = asked if opened.project.kind_facts.names_help else ()
    shown = [
        {**_class_facts(one, chips.get(one.id, []), t, found.get(one.id)), "n_answers": n_answers.get(one.id, 0)}
        for one in opened.project.classes.all()
    ]
    return {
        "classes": shown,
        "project": opened.project,
        "asked": [one for one in shown if one["id"] in asked],
        "unknown": {"n_labels": int((labels == UNKNOWN_ID).sum()), "n_answers": n_answers.get(UNKNOWN, 0)},
    }


def _class_facts(one: ClassRow, chips: Sequence["Chip"], t: Texts, hint: Hint | None) -> dict[str, Any]:
    shown, sources = [chip for chip in chips if not chip.is_struck], {chip.source for chip in chips}
    words = [
        {"text": chip.word, "own": chip.source == "own", "kind": chip.source == "kind"}
        for chip in shown
        if chip.source != "any"  # samples of any text, which say nothing about the class
    ]
    return {
        "id": one.id,
        "name": one.name,
        "description": one.description,
        "color": color_number(one.color),
        "n_labels": one.n_labels,
        "words": sorted(words, key=lambda word: not word["own"]),
        "about_words": t("similar_words") if "similar" in sources else t("any_text") if "any" in sources else "",
        "n_hidden": max(0, len(words) - SHOWN_WORDS),
        "hint": "" if hint is None else t(f"hint_{hint}", name=one.name),
    }


def class_dialog(opened: Opened, number: int) -> dict[str, Any]:
    """Return what class.html shows."""
    rows = opened.project.classes.all()
    one = opened.project.classes.get(number)
    struck = [chip.word for chip in opened.answers.chips().get(number, []) if chip.is_struck]
    others = [other for other in rows if other.id != number]
    return {
        "one": one,
        "color": color_number(one.color),
        "colors": range(1, len(COLORS) + 1),
        "struck": struck or list(one.struck),
        "others": others,
        "first": rows[0].id == number,
        "last": rows[-1].id == number,
    }


def quality_panel(opened: Opened, t: Texts, asked: Sequence[int] = ()) -> dict[str, Any]:
    """Return what quality.html shows; asked: the classes that are asked for their words, which is the next step."""
    names = {one.id: one.name for one in opened.project.classes.all()}
    kind, asked = opened.project.kind, asked if opened.project.kind_facts.names_help else ()
    if not names or not opened.project.items.count():
        missing = "items" if names else "classes"
        words = {"headline": t(f"good_no_{missing}"), "about": t.of(kind, f"good_no_{missing}_about")}
        return {"quality": {**words, "next": None, "curve": None, "confused": [], "notes": []}}
    found, labels = quality(opened.project, opened.answers), opened.project.items.labels().labels
    shown: dict[str, Any] = {**_headline(found, names, t, opened.project), "next": _next_step(found.next_step, t)}
    if labels.all() and len(names) > 1:
        shown["next"] = {**_next_step(NextStep("done"), t), "sentence": t("next_all_labeled")}
    if not names.keys().isdisjoint(asked):
        shown["next"] = {"sentence": t("next_words"), "button": ""}
    shown["curve"] = curve_points(found.curve, t) if len(found.curve) > 1 else None
    shown["confused"] = [
        {
            "sentence": t.rich("confused_one", name=names[pair.first], other=names[pair.second]),
            "counts": t("confused_counts", n=pair.n_wrong, of=pair.n_labels),
            "name": t("confused_name", name=names[pair.first], other=names[pair.second]),
            "ids": pair.items,
        }
        for pair in found.confused[:SHOWN_PAIRS]
        if pair.first in names and pair.second in names and pair.items and pair.n_labels >= 2 * FEW_LABELS
    ]
    shown["notes"] = _notes(opened, t)
    return {"quality": shown}


def _notes(opened: Opened, t: Texts) -> list[dict[str, Any]]:
    """Return what a person should know of the classes, labels and texts, with the ids of the items that are meant."""
    labels = opened.project.items.labels()
    hard = {kind: labels.ids[labels.rows_of(ids)].tolist() for kind, ids in opened.answers.hard_texts.items()}
    notes = [
        {"sentence": t(kind, n=len(ids)), "ids": ids, "name": t(f"{kind}_texts")} for kind, ids in hard.items() if ids
    ]
    return notes + [{"sentence": one, "ids": []} for one in warnings_in(opened.answers.warnings, t)]


def _headline(found: Quality, names: Mapping[int, str], t: Texts, project: "Project") -> dict[str, str]:
    names_help = project.kind_facts.names_help
    if len(names) < 2 or (found.accuracy is None and not names_help and found.n_labels >= MIN_LABELS):
        return {"headline": t("good_no_classes"), "about": t.of(project.kind, "good_no_classes_about")}
    if found.accuracy is None:
        return {"headline": t("good_no_labels"), "about": t("good_no_labels_about", n=MIN_LABELS)}
    headline, of_10 = found.headline
    low, high = found.of_100
    about = [t("good_interval", n=found.n_labels, low=low, high=high)]
    if found.untested and names_help:  # else these classes have no answers
        about.append(t("good_untested", n=len(found.untested), name=names[found.untested[0]]))
    return {"headline": t(f"good_{headline}", n=of_10), "about": " ".join(about)}


def _next_step(step: NextStep, t: Texts) -> dict[str, Any]:
    """Return the sentence on what to do next, and the button that does it."""
    number, view = step.facts.get("class_id"), _VIEWS.get(step.action)
    shown: dict[str, Any] = {
        "sentence": t.rich(f"next_{step.action}", **{"n": 1, **step.facts}),
        "button": "",
        "data": {},
    }
    if step.action in ("describe", "add_words"):
        shown |= {"button": t("next_write"), "data": {"focus": f"#add-word-{number}"}}
    elif step.action in ("label_class", "tell_apart"):
        # The first labels of a class are found sooner as the items come than among its least sure answers.
        order = {"order": "added"} if step.action == "label_class" else {}
        shown |= {"button": t("next_show"), "data": {"show-class": number, "name": step.facts["name"], **order}}
    elif step.action == "add_class":
        shown |= {"button": t("add_class"), "data": {"focus": "#add-class"}}
    elif step.action == "add_items":
        shown |= {"button": t("add_items"), "data": {"focus": "#add-items"}}
    elif step.action == "done":
        shown |= {"button": t("export"), "data": {"focus": "[hx-get$='/export']"}}
    elif view is not None:
        shown |= {"button": t("next_show"), "data": {"view": view}}
    return shown


def curve_points(curve: Sequence[tuple[int, float, float, float]], t: Texts) -> dict[str, Any]:
    """Return the points of the picture of (labels, accuracy, lower, upper), and its words."""
    fewest, most = curve[0][0], curve[-1][0]
    floor = min(0.5, *(point[2] for point in curve))

    def place(n: int, share: float) -> tuple[float, float]:
        x = LEFT + (RIGHT - LEFT) * (n - fewest) / (most - fewest)
        return round(x, 1), round(BOTTOM - (BOTTOM - TOP) * (share - floor) / (1 - floor), 1)

    line = [place(point[0], point[1]) for point in curve]
    band = [place(point[0], point[3]) for point in curve] + [place(point[0], point[2]) for point in reversed(curve)]
    before, now = (round(100 * point[1]) for point in (curve[0], curve[-1]))
    return {
        "line": " ".join(f"{x},{y}" for x, y in line),
        "band": " ".join(f"{x},{y}" for x, y in band),
        "x": line[-1][0],
        "y": line[-1][1],
        "words_y": min(y for _, y in line) - 9,
        "before": before,
        "now": now,
        "fewest": fewest,
        "most": most,
        "label": t("curve_label", **{"from": before, "to": now}, first=fewest, last=most),
    }


def history_panel(entries: Sequence[Entry], t: Texts) -> dict[str, Any]:
    """Return what history.html shows; times are those of this computer."""
    first = next((entry.id for entry in entries if not entry.undone), None)
    return {
        "changes": [
            {
                "when": entry.time,
                "time": shown_value(
                    f"{datetime.fromisoformat(entry.time).astimezone():%Y-%m-%d %H:%M}", "date", t.language
                ),
                "sentence": sentence_of(entry, t),
                "undone": entry.undone,
                "last": entry.id == first,
            }
            for entry in entries
        ]
    }
