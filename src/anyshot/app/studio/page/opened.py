"""The projects that the page shows: those in one folder, and single ones that were named when it was started."""

import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from anyshot.app import studio
from anyshot.app.studio.database import FILE_NAME
from anyshot.errors import ProjectError

if TYPE_CHECKING:
    from anyshot.app.studio.answers import Answers
    from anyshot.app.studio.kinds import Kind
    from anyshot.app.studio.project import Project


@dataclass(frozen=True)
class Opened:
    """A project that is open, and the answers that are kept up to date for it."""

    project: "Project"
    answers: "Answers"


class Projects:
    """Projects by the names of their folders; each is opened when it is first asked for.

    root: the folder in which new projects are created.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._elsewhere: dict[str, Path] = {}
        self._emptied: set[Path] = set()  # other folders from which projects were removed
        self._opened: dict[Path, Opened] = {}
        self._lock = threading.Lock()

    def folders(self) -> dict[str, Path]:
        """Return the folders of all projects by their names, the one changed last first."""
        here = {folder.name: folder for folder in studio.list_projects(self.root)}
        return {**{name: folder for name, folder in self._elsewhere.items() if folder.exists()}, **here}

    def add(self, folder: Path) -> str:
        """Remember a project that lies elsewhere, and return the name under which it is found."""
        target = folder.expanduser().resolve()
        if not (target / FILE_NAME).is_file():
            raise ProjectError(f"{folder} is no project of the studio: it has no {FILE_NAME}.")
        for name, known in self.folders().items():
            if known.resolve() == target:
                return name
        name = target.name
        while name in self.folders():
            name += "-"
        self._elsewhere[name] = target
        return name

    def create(self, name: str, kind: "Kind") -> str:
        """Create a project, and return the name under which it is found."""
        with self._lock:
            folder: Path = studio.folder_for(self.root, name)
            number = folder.name.removeprefix(studio.folder_for(self.root / "new", name).name)  # "", or " 2"
            studio.Project.create(folder, name=name + number, kind=kind).close()
        return folder.name

    def rename(self, name: str, new: str) -> None:
        """Rename a project; its folder stays."""
        self.get(name).project.rename(new)

    def removed(self) -> dict[str, Path]:
        """Return the folders of the projects in the trash by their names, also of those that lay elsewhere."""
        places = (*sorted(self._emptied), self.root)
        return {folder.name: folder for place in places for folder in studio.removed_projects(place)}

    def remove(self, name: str) -> str:
        """Move a project into the trash, and return its name there."""
        with self._lock:
            folder = self._closed(name)
            target: Path = studio.remove_project(folder)
            if self._elsewhere.pop(name, None) is not None:
                self._emptied.add(folder.parent)
            return target.name

    def restore(self, name: str) -> str:
        """Move a project out of the trash, and return the name under which it is found."""
        with self._lock:
            folder: Path = studio.restore_project(_named(self.removed(), name))
        return self.add(folder)

    def delete(self, name: str) -> None:
        """Delete a project in the trash for good."""
        with self._lock:
            folder = _named(self.removed(), name)
            try:
                if folder.is_symlink():
                    folder.unlink()  # what it leads to is not the studio's
                else:
                    shutil.rmtree(folder)
            except OSError as error:
                raise ProjectError(f"{folder} cannot be deleted: {error.strerror or error}.") from error

    def discard(self, name: str) -> None:
        """Delete a project that was created for files of which none was added; raise ProjectError for any other."""
        project = self.get(name).project
        if project.items.count() or project.history.last() is not None:
            raise ProjectError(f"{project.name} has items or changes. Remove it on the first page.")
        self.delete(self.remove(name))

    def _closed(self, name: str) -> Path:
        """Close a project if it is open, and return its folder."""
        folder = _named(self.folders(), name)
        opened = self._opened.pop(folder, None)
        if opened is not None:
            opened.answers.close()
            opened.project.close()
        return folder

    def get(self, name: str) -> Opened:
        """Return a project of this name; raise ProjectError if there is none. No name leads to another folder."""
        folder = _named(self.folders(), name)
        with self._lock:
            if folder in self._opened and not self._opened[folder].project.database.is_there():
                self._closed(name)  # another project took its place
            if folder not in self._opened:
                project = studio.Project.open(folder)
                self._opened[folder] = Opened(project, studio.Answers(project))
            return self._opened[folder]

    def close(self) -> None:
        """Close all projects."""
        with self._lock:
            for one in self._opened.values():
                one.answers.close()
                one.project.close()
            self._opened.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _named(folders: dict[str, Path], name: str) -> Path:
    if name not in folders:
        raise ProjectError(f"There is no project {name!r}.")
    return folders[name]
