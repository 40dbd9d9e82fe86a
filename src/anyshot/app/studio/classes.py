"""The classes of a project: names, descriptions, words, colors and their order."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from anyshot.app.studio.database import ProjectDatabase
from anyshot.app.studio.entries import Entry
from anyshot.app.studio.transactions import Row, Transaction
from anyshot.base.class_words import Words
from anyshot.base.columns import is_blank
from anyshot.base.labels import UNKNOWN, clean_name
from anyshot.errors import ClassesError, DuplicateClassError, UnknownClassError

MAX_NAME: Final = 100
"""Longest name of a class [characters]; what is longer is a description."""
COLORS: Final = (
    *("#3b6fd4", "#c2571a", "#2b8a4b", "#a13a8c", "#8a6d00", "#0f8088", "#b8334a", "#6a5acd", "#5b7a1f", "#7a5230"),
)
"""Colors of the first classes, which differ clearly, and reach a contrast of 4.5 on white."""
_EDITS: Final = {"name": "rename_class", "description": "describe_class", "color": "color_class"}
"""What the history calls the change of one field; "edit_class" is that of several."""


@dataclass(frozen=True)
class ClassRow:
    """One class of a project.

    words: its own, by which it is read instead of those of its name; added and struck: changes of the words that are
    found for its name.
    """

    id: int
    name: str
    description: str
    words: tuple[str, ...]
    added: tuple[str, ...]
    struck: tuple[str, ...]
    color: str
    n_labels: int

    @property
    def texts(self) -> Any:
        """What describes the class to AnyShotClassifier: None, a description, Words, or both."""
        given: list[Any] = [self.description] if self.description else []
        if self.words or self.added or self.struck:
            given.append(Words(self.words, add=self.added, drop=self.struck))
        return given or None


class ClassList:
    """The classes of a project, in the order in which they are shown.

    Each change is saved, and can be undone; it returns its entry in the history, None if it changed nothing.
    """

    def __init__(self, database: ProjectDatabase) -> None:
        self._database = database

    def all(self) -> list[ClassRow]:
        """Return the classes in their order."""
        return [
            _class(row)
            for row in self._database.read(
                "select classes.*, count(items.id) as n_labels from classes left join items "
                "on items.label = classes.id and not items.hidden group by classes.id order by position, classes.id"
            )
        ]

    def get(self, number: int) -> ClassRow:
        """Return one class; raise UnknownClassError if there is none with this id."""
        for one in self.all():
            if one.id == number:
                return one
        raise UnknownClassError(f"There is no class {number}. It may have been removed; undo brings it back.")

    def named(self, name: str) -> ClassRow:
        """Return the class of a name; raise UnknownClassError if there is none."""
        for one in self.all():
            if one.name.casefold() == clean_name(name).casefold():
                return one
        listed = ", ".join(one.name for one in self.all()) or "none"
        raise UnknownClassError(f"There is no class {name!r}. The classes: {listed}.")

    def add(self, name: str, description: str = "") -> int:
        """Add a class as the last one, and return its id."""
        with self._database.change("add_class", name=clean_name(name)) as (transaction, _):
            return add_class(transaction, name, description)

    def add_several(self, names: Iterable[str]) -> Entry | None:
        """Add classes as one change, all or none; the entry has their ids. A name that is repeated counts once."""
        cleaned = [clean_name(name) for name in names]
        each = list({name.casefold(): name for name in reversed(cleaned)}.values())[::-1]
        action = "add_class" if len(each) == 1 else "add_classes"
        with self._database.change(action, name=", ".join(each)) as (transaction, facts):
            facts["ids"] = [add_class(transaction, name) for name in each]
        return transaction.entry

    def edit(
        self, number: int, *, name: str | None = None, description: str | None = None, color: str | None = None
    ) -> Entry | None:
        """Rename, describe and color a class as one change; what is None stays as it is.

        description: "" for none; color: as "#3b6fd4". Raises DuplicateClassError if another class has the name.
        """
        one, given = self.get(number), {"name": name, "description": description, "color": color}
        wanted = {field: " ".join(value.split()) for field, value in given.items() if value is not None}
        if "color" in wanted:
            wanted["color"] = _checked_color(wanted["color"])
        changed = [field for field, value in wanted.items() if value != getattr(one, field)]
        with self._database.change(_EDITS[changed[0]] if len(changed) == 1 else "edit_class") as (transaction, facts):
            row = existing(transaction, number)
            if "name" in wanted:
                wanted["name"] = checked_name(transaction, wanted["name"], number=number)
            facts.update({"old": row["name"], "new": wanted["name"]} if changed == ["name"] else {"name": row["name"]})
            if any(row[field] != value for field, value in wanted.items()):
                transaction.update("classes", number, **wanted)
        return transaction.entry

    def set_words(
        self,
        number: int,
        words: str | Iterable[str] = (),
        *,
        add: str | Iterable[str] = (),
        strike: str | Iterable[str] = (),
    ) -> Entry | None:
        """Set the words by which a class is read: its own, or changes of those that are found for its name."""
        with self._database.change("set_words") as (transaction, facts):
            facts["name"] = existing(transaction, number)["name"]
            _set_words(transaction, number, words, add=add, strike=strike)
        return transaction.entry

    def add_words(self, words: Mapping[int, str]) -> Entry | None:
        """Add words, with commas between them, to those by which classes are read, by the ids of the classes."""
        read = {self.get(number): _read_words(text) for number, text in words.items()}
        new = {one: (*given.words, *given.add) for one, given in read.items()}
        with self._database.change("set_words") as (transaction, facts):
            facts["name"] = ", ".join(one.name for one in new)
            for one, added in new.items():
                struck = [old for old in one.struck if old.casefold() not in {word.casefold() for word in added}]
                _set_words(transaction, one.id, one.words, add=(*one.added, *added), strike=struck)
        return transaction.entry

    def strike_word(self, number: int, word: str) -> Entry | None:
        """Leave out a word by which a class is read."""
        one, key = self.get(number), word.casefold()
        own, added = ([old for old in words if old.casefold() != key] for words in (one.words, one.added))
        gone = len(own) < len(one.words) or len(added) < len(one.added)
        return self.set_words(number, own, add=added, strike=one.struck if gone else (*one.struck, word))

    def reorder(self, numbers: Sequence[int]) -> Entry | None:
        """Put all classes into the order of their ids."""
        with self._database.change("reorder_classes") as (transaction, facts):
            rows = {row["id"]: row for row in transaction.read("select * from classes")}
            if sorted(numbers) != sorted(rows):
                raise ClassesError("To reorder the classes, give the id of each class once.")
            for position, number in enumerate(numbers):
                if rows[number]["position"] != position:
                    facts.setdefault("name", rows[number]["name"])
                    transaction.update("classes", number, position=position)
        return transaction.entry

    def merge(self, number: int, into: int) -> Entry | None:
        """Give the items that are labeled with a class the label of another one, and remove the class.

        The other class keeps its name; a class that is described by nothing else gets the merged one's description.
        """
        if number == into:
            raise ClassesError("A class cannot be merged into itself. Choose another one.")
        with self._database.change("merge_classes") as (transaction, facts):
            gone, kept = existing(transaction, number), existing(transaction, into)
            facts.update(name=gone["name"], into=kept["name"])
            transaction.label(_labeled(transaction, number), into)
            if gone["description"] and not kept["description"]:
                transaction.update("classes", into, description=gone["description"])
            transaction.delete("classes", number)
        return transaction.entry

    def remove(self, number: int) -> Entry | None:
        """Remove a class; its items lose their label. The last class may be removed too: undo brings it back."""
        with self._database.change("remove_class") as (transaction, facts):
            facts["name"] = existing(transaction, number)["name"]
            transaction.label(_labeled(transaction, number), None)
            transaction.delete("classes", number)
        return transaction.entry


def add_class(transaction: Transaction, name: str, description: str = "") -> int:
    """Insert a class as the last one, and return its id."""
    used = [row["color"] for row in transaction.read("select color from classes")]
    color = next((one for one in COLORS if one not in used), COLORS[len(used) % len(COLORS)])
    (last,) = transaction.read("select coalesce(max(position), -1) as position from classes")
    row: Row = {
        "name": checked_name(transaction, name),
        "description": " ".join(description.split()),
        "words": "{}",
        "color": color,
        "position": last["position"] + 1,
    }
    return transaction.insert("classes", row)


def existing(transaction: Transaction, number: int) -> Row:
    """Return the row of a class; raise UnknownClassError if there is none."""
    found = transaction.read("select * from classes where id = ?", number)
    if not found:
        raise UnknownClassError(f"There is no class {number}. It may have been removed; undo brings it back.")
    return found[0]


def checked_name(transaction: Transaction, name: str, *, number: int | None = None) -> str:
    """Return a name as it is stored, or raise an error if a class cannot have it.

    Raises ClassesError if the name is empty, too long, or "unknown". Raises DuplicateClassError if another class than
    `number` has it, in any case.
    """
    clean = " ".join(clean_name(name).split())
    if is_blank(clean):
        raise ClassesError("A class needs a name. Type a word or two that say what its items are about.")
    if len(clean) > MAX_NAME:
        raise ClassesError(
            f"The name {clean[:40] + '...'!r} has {len(clean)} characters; {MAX_NAME} are allowed. Give a short name, "
            "and the rest as a description."
        )
    if clean.casefold() == UNKNOWN:
        raise ClassesError(f"No class can be named {UNKNOWN!r}: that marks items that belong to no class.")
    for row in transaction.read("select id, name from classes"):
        if row["id"] != number and row["name"].casefold() == clean.casefold():
            raise DuplicateClassError(
                f"There is a class {row['name']!r} already. Merge the two, or choose another name."
            )
    return clean


def color_number(color: str) -> int:
    """Return the number of a color among COLORS, from 1; any other color has that of the last.

    >>> color_number(COLORS[0]), color_number("#ffffff")
    (1, 10)
    """
    return COLORS.index(color) + 1 if color in COLORS else len(COLORS)


def _read_words(
    words: str | Iterable[str], *, add: str | Iterable[str] = (), strike: str | Iterable[str] = ()
) -> Words:
    given = Words(words, add=add, drop=strike)
    if not given.facts():
        raise ClassesError("There is no word with letters. Type some that the texts of the class contain.")
    return given


def _set_words(
    transaction: Transaction,
    number: int,
    words: str | Iterable[str],
    *,
    add: str | Iterable[str],
    strike: str | Iterable[str],
) -> None:
    given = _read_words(words, add=add, strike=strike).facts() if any((words, add, strike)) else {}
    stored = json.dumps(given, ensure_ascii=False)
    if existing(transaction, number)["words"] != stored:
        transaction.update("classes", number, words=stored)


def _checked_color(color: str) -> str:
    if len(color) != 7 or color[0] != "#" or not set(color[1:].lower()) <= set("0123456789abcdef"):
        raise ClassesError(f"A color is written as #3b6fd4; got {color!r}.")
    return color.lower()


def _labeled(transaction: Transaction, number: int) -> list[int]:
    return [row["id"] for row in transaction.read("select id from items where label = ?", number)]


def _class(row: Row) -> ClassRow:
    words = json.loads(row["words"])
    own, added, struck = (tuple(words.get(name, ())) for name in ("words", "add", "drop"))
    return ClassRow(row["id"], row["name"], row["description"], own, added, struck, row["color"], row["n_labels"])
