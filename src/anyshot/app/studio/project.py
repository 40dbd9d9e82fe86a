"""A project of the studio: a folder with items, classes, labels, and the history of what was done."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from operator import index
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import platformdirs

from anyshot.app.studio.classes import ClassList, existing
from anyshot.app.studio.database import FILE_NAME, ProjectDatabase
from anyshot.app.studio.entries import Entry
from anyshot.app.studio.history import History
from anyshot.app.studio.items import ItemList, LabelOf, stored_label
from anyshot.app.studio.kinds import KINDS, Kind, KindFacts
from anyshot.base.columns import is_blank
from anyshot.base.labels import UNKNOWN, clean_name
from anyshot.errors import InputError, ProjectError

_OF_WINDOWS: Final = re.compile(r"con|prn|aux|nul|(com|lpt)[0-9\u00b9\u00b2\u00b3]", re.IGNORECASE)
"""Names of devices, which no file or folder can have on Windows."""
MAX_EXCERPT: Final = 60
"""Characters of an item that its entry in the history has."""
TRASH: Final = ".trash"
"""Folder in that of the projects into which removed ones are moved."""


@dataclass(frozen=True)
class Changes:
    """What was changed since an earlier version of a project.

    subjects: some of "classes", "labels", "items", "answers", "history", "project".
    """

    version: int
    subjects: frozenset[str]


class Project:
    """Items, classes and labels in a folder; every change is saved at once, and can be undone.

    A change returns its entry in the history, whose id `undo` takes, or None if it changed nothing.
    Several threads and processes may use a project at the same time.

    Attributes
    ----------
    folder : Path
        The project's folder: `project.sqlite`, `images/`, `thumbnails/`, and `model/` once a model was exported.
    kind : {"texts", "images", "rows"}
        What the items are: rows have features, such as measurements and categories.
    classes : ClassList
        The classes.
    items : ItemList
        The items.
    history : History
        What was done.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Project.create(f"{folder}/mail", name="Mail") as project:
    ...     number = project.classes.add("billing")
    ...     renamed = project.classes.edit(number, name="invoices")
    ...     print(*project.history.entries(), sep="; ")
    ...     print([str(entry) for entry in project.undo()], [one.name for one in project.classes.all()])
    Renamed billing to invoices; Added the class billing
    ['Renamed billing to invoices'] ['billing']
    """

    def __init__(self, folder: Path, database: ProjectDatabase) -> None:
        self.folder, self.database = folder, database
        self.classes, self.items, self.history = ClassList(database), ItemList(database, folder), History(database)

    @classmethod
    def create(cls, folder: str | Path, *, name: str, kind: Kind = "texts", encoder: str = "auto") -> Self:
        """Create a project in a new or empty folder.

        Raises
        ------
        InputError
            The kind is none of "texts", "images" and "rows", or the name is empty.
        ProjectError
            The folder has files already, or cannot be written.
        """
        if kind not in KINDS:
            raise InputError(f"kind must be one of {', '.join(KINDS)}; it is {kind!r}.")
        target, name = Path(folder).expanduser(), _checked_name(name)
        try:
            target.mkdir(parents=True, exist_ok=True)
            if any(target.iterdir()):
                raise ProjectError(f"{target} is not empty. Choose another folder, or open the project in it.")
        except OSError as error:
            raise ProjectError(f"{target} cannot be created: {error.strerror or error}.") from error
        return cls(target, ProjectDatabase.create(target / FILE_NAME, name=name, kind=kind, encoder=encoder))

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """Open an existing project; raise ProjectError if there is none in the folder."""
        target = Path(folder).expanduser()
        return cls(target, ProjectDatabase.open(target / FILE_NAME))

    def close(self) -> None:
        """Close the project's file."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def kind(self) -> Kind:
        """What the items are; a project of texts without any becomes one of rows with the first of them."""
        found: Kind = self.database.column("select kind from project")[0]
        return found

    @property
    def kind_facts(self) -> KindFacts:
        """What a project of this kind reads and shows."""
        return KINDS[self.kind]

    @property
    def encoder(self) -> str:
        """The name of the encoder; "auto" for the default one of texts or images."""
        found = str(self.database.column("select encoder from project")[0])
        return "table" if found == "auto" and self.kind == "rows" else found

    @property
    def name(self) -> str:
        """The project's name."""
        return str(self.database.column("select name from project")[0])

    def rename(self, name: str) -> Entry | None:
        """Rename the project; its folder stays. Return the entry in the history, None if it had this name."""
        name = _checked_name(name)
        with self.database.change("rename_project", name=name) as (transaction, _):
            if name != self.name:
                transaction.update("project", 1, name=name)
        return transaction.entry

    def label(self, items: Sequence[int], label: LabelOf) -> Entry | None:
        """Give items a label, and return the entry in the history; None if all of them had it.

        label: the id of a class, "unknown" for items of no class, or None to take the label off. The labels are on the
        disk when the call returns; the entry's "count" says how many items had another one.
        """
        try:
            label = label if label is None or label == UNKNOWN else index(label)
        except TypeError:
            raise InputError(f"A label is the id of a class, 'unknown' or None; it is {label!r}.") from None
        action = "unlabel" if label is None else "label_unknown" if label == UNKNOWN else "label"
        one = self.items.get(items) if len(items) == 1 else []
        with self.database.change(f"{action}_one" if one else action) as (transaction, facts):
            if isinstance(label, int):
                facts["name"] = existing(transaction, label)["name"]
            if one:
                facts["item"] = _excerpt(self.items.name_of(one[0]))
            facts["count"] = transaction.label(items, stored_label(label))
        return transaction.entry

    def keep_labels(self, items: Sequence[int]) -> Entry | None:
        """Confirm the labels of items, which are then not listed as likely errors; None if no item has a label."""
        with self.database.change("keep_labels") as (transaction, facts):
            facts["count"] = transaction.keep_labels(items)
        return transaction.entry

    def undo(self, entry: int | None = None, *, to: int | None = None) -> list[Entry]:
        """Undo the last change, or all that came after the entry `to` of the history; return what was undone.

        entry: the change that is meant, which is undone once however often this is called.
        """
        return self.history.undo(entry, to=to)

    def redo(self) -> Entry | None:
        """Make the last undone change again, unless something else was done since; return its entry."""
        return self.history.redo()

    @property
    def version(self) -> int:
        """A number that grows with each change, whoever makes it."""
        return self.database.version()

    def changes_since(self, version: int) -> Changes:
        """Return what was changed after a version."""
        now = self.version
        return Changes(now, self.database.subjects_since(version) if now > version else frozenset())

    def facts(self) -> dict[str, Any]:
        """Return name, kind, folder, and the numbers of items, labels and classes."""
        labels = self.items.labels().labels
        counts = {"items": len(labels), "labels": int((labels != 0).sum()), "classes": len(self.classes.all())}
        return {"name": self.name, "kind": self.kind, "folder": str(self.folder), **counts}


def default_root() -> Path:
    """Return the folder in which projects lie that are given a name only."""
    return platformdirs.user_data_path("anyshot", appauthor=False) / "projects"


def folder_for(root: Path, name: str) -> Path:
    """Return a new folder in `root` for a project of this name; no name leads out of `root`, on any system.

    >>> folder_for(Path("projects"), "../../etc/Mail: May").as_posix()
    'projects/etc Mail May'
    """
    base = " ".join(re.sub(r"[^\w\s-]", " ", _checked_name(name)).split())[:60].strip() or "project"
    base = f"{base} project" if _OF_WINDOWS.fullmatch(base) else base
    names = [base, *(f"{base} {number}" for number in range(2, 1000))]
    return next((root / one for one in names if not (root / one).exists()), root / f"{base} 1000")


def remove_project(folder: str | Path) -> Path:
    """Move a project's folder into the folder ".trash" beside it, and return where it is now.

    `restore_project` brings it back. Raise ProjectError if it cannot be moved.
    """
    source = Path(folder).expanduser()
    if not (source / FILE_NAME).is_file():
        raise ProjectError(f"{source} is not a project: it has no file {FILE_NAME}.")
    return _moved(source, source.parent / TRASH)


def restore_project(folder: str | Path) -> Path:
    """Move a project back out of ".trash", and return its folder."""
    source = Path(folder).expanduser()
    return _moved(source, source.parent.parent)


def removed_projects(root: Path) -> list[Path]:
    """Return the folders of the projects that were removed from `root`."""
    return list_projects(root / TRASH)


def _moved(source: Path, into: Path) -> Path:
    target = folder_for(into, source.name)
    try:
        into.mkdir(exist_ok=True)
        if source.is_symlink():  # a relative one would lead elsewhere from the other folder
            target.symlink_to(source.resolve(), target_is_directory=True)
            source.unlink()
        else:
            source.rename(target)
    except OSError as error:
        raise ProjectError(f"{source} cannot be moved: {error.strerror or error}.") from error
    return target


def list_projects(root: Path) -> list[Path]:
    """Return the folders in `root` that contain a project, the one changed last first."""
    changed: dict[Path, float] = {}
    for file in root.glob(f"*/{FILE_NAME}"):
        with suppress(FileNotFoundError):  # a project may be removed meanwhile
            if file.is_file():
                changed[file.parent] = file.stat().st_mtime
    return sorted(changed, key=lambda folder: -changed[folder])


def _excerpt(text: str) -> str:
    """Return the beginning of a text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_EXCERPT else f"{line[: MAX_EXCERPT - 1].rstrip()}…"


def _checked_name(name: str) -> str:
    clean = " ".join(clean_name(name).split())
    if is_blank(clean):
        raise InputError("A project needs a name.")
    return clean[:100]
