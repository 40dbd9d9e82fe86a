"""What changes a project: labels, classes, undo. Each answer is sent when the change is on the disk."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from anyshot.app.studio.classes import COLORS, color_number
from anyshot.app.studio.entries import Entry
from anyshot.app.studio.page.drawing import route
from anyshot.app.studio.page.opened import Opened
from anyshot.app.studio.page.request_bodies import Body, MalformedRequestError, number, text, whole
from anyshot.app.studio.page.texts import Texts, sentence_of, undo_of
from anyshot.base.labels import UNKNOWN
from anyshot.errors import ClassesError, InputError

MAX_NEW_CLASSES: Final = 100  # of one request
_LIST_MARK: Final = re.compile(r"(?:\d+[.)]|[-*•])\s+")


def _label(opened: Opened, body: Body, t: Texts) -> Body:
    items, label = _items(body), body.get("label")
    given = label if label is None or label == UNKNOWN else whole(body, "label")
    entry = opened.project.label(items, given)
    return {"changed": entry.facts["count"] if entry else 0, **undo_of(entry, t)}


def _keep(opened: Opened, body: Body, t: Texts) -> Body:
    """Keep labels that look wrong."""
    return undo_of(opened.project.keep_labels(_items(body)), t)


def _items(body: Body) -> list[int]:
    items = body.get("items")
    if not isinstance(items, list) or not all(type(one) is int for one in items):
        raise MalformedRequestError("items must be a list of the ids of items.")
    return items


def _undo(opened: Opened, body: Body, t: Texts) -> Body:
    """Undo the entry that is meant; a request that is repeated undoes nothing more."""
    entry = opened.project.history.entry(whole(body, "entry"))
    return _taken_back(opened, t, lambda: opened.project.undo(entry.id))


def _redo(opened: Opened, body: Body, t: Texts) -> Body:
    """Make the last change again that was undone, unless something else was done since."""
    return _taken_back(opened, t, lambda: [entry] if (entry := opened.project.redo()) else [])


def _taken_back(opened: Opened, t: Texts, change: Callable[[], Sequence[Entry]]) -> Body:
    """Undo or redo, and return what that was, the items that have another label, and what would be undone next."""
    before, done, after = opened.project.items.labels(), change(), opened.project.items.labels()
    is_same = len(before.ids) == len(after.ids)
    items = after.ids[after.labels != before.labels].tolist() if is_same else []
    last = undo_of(opened.project.history.last(), t) or {"undo": None}
    return {"sentence": "; ".join(sentence_of(entry, t) for entry in done), "items": items[:2], **last}


def _add_classes(opened: Opened, body: Body, t: Texts) -> Body:
    """Add a class for each line, or each part between the commas of one line, without the numbers or dashes of a list.

    In several columns of a spreadsheet, numbers are how many items a class has.
    """
    given = text(body, "names").strip()
    parts = re.split(r"[\n\t]" if "\n" in given else r"[,;\t]", given)
    names = [_class_name(name.strip(" ,;\r"), t) for name in parts if name.strip(" ,;\r")]
    if "\t" in given:
        names = [name for name in names if not name.isdecimal()] or names
    if len(names) > 1 and all(map(_LIST_MARK.match, names)):
        names = [_LIST_MARK.sub("", name, count=1) for name in names]
    if not names:
        raise InputError("A class needs a name.")
    if len(names) > MAX_NEW_CLASSES:
        raise InputError(f"{len(names)} classes at once; {MAX_NEW_CLASSES} are allowed.")
    entry = opened.project.classes.add_several(names)
    return {"added": entry.facts["ids"] if entry else [], **undo_of(entry, t)}


def _class_name(name: str, t: Texts) -> str:
    """Return the name of a class; raise ClassesError if it is what the page calls items of no class."""
    if name.casefold() == t("unknown").casefold():
        raise ClassesError(f"No class can be named {name!r}: that marks items that belong to no class.")
    return name


def _edit_class(opened: Opened, body: Body, t: Texts) -> Body:
    classes, number = opened.project.classes, whole(body, "id")
    color = _color(whole(body, "color"), classes.get(number).color) if "color" in body else None
    name = _class_name(text(body, "name").strip(), t)
    entry = classes.edit(number, name=name, description=text(body, "description"), color=color)
    return undo_of(entry, t)


def _color(number: int, now: str) -> str:
    """Return the color of a number, or the present one if the page shows it by the same number."""
    if not 1 <= number <= len(COLORS):
        raise MalformedRequestError(f"There is no color {number}. Choose one of 1 to {len(COLORS)}.")
    return now if number == color_number(now) else COLORS[number - 1]


def _words(opened: Opened, body: Body, t: Texts) -> Body:
    """Leave out a word of the class `id`, or add words to it, or those of each field words-N to the class N."""
    classes, struck = opened.project.classes, text(body, "strike")
    if struck:
        return undo_of(classes.strike_word(whole(body, "id"), struck), t)
    fields: Body = {name: name.removeprefix("words-") for name in body if name.startswith("words-")}
    given = {name: one for name, one in (fields or {"add": body.get("id")}).items() if text(body, name)}
    entry = classes.add_words({number(one, "id"): text(body, name).replace("\n", ",") for name, one in given.items()})
    return {"message": t("words_used") if entry else "", **undo_of(entry, t)}


def _move(opened: Opened, body: Body, t: Texts) -> Body:
    number, by = whole(body, "id"), whole(body, "by")
    ids = [one.id for one in opened.project.classes.all()]
    opened.project.classes.get(number)
    at = ids.index(number)
    ids.insert(max(0, at + by), ids.pop(at))
    return undo_of(opened.project.classes.reorder(ids), t)


def _merge(opened: Opened, body: Body, t: Texts) -> Body:
    return undo_of(opened.project.classes.merge(whole(body, "id"), whole(body, "into")), t)


def _remove(opened: Opened, body: Body, t: Texts) -> Body:
    return undo_of(opened.project.classes.remove(whole(body, "id")), t)


ROUTES: Final = [
    route("labels", _label),
    route("labels/keep", _keep),
    route("undo", _undo),
    route("redo", _redo),
    route("classes", _add_classes),
    route("classes/edit", _edit_class),
    route("classes/words", _words),
    route("classes/move", _move),
    route("classes/merge", _merge),
    route("classes/remove", _remove),
]
