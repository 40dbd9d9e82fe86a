"""The versions of a served model on disk: its folder, and beside it the last versions, each a folder of its own.

The folder `support` has its versions in `.support.anyshot-versions/1`, `2` and so on. They share files with it by hard
links. A version is written there first and then put in place of the folder, so that the version of the folder is the
number of the copy that equals it, whenever the process is killed.
"""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from anyshot.app.server.made_requests import ChangeRequest, MadeRequests
from anyshot.base.files import file_state, readable_folder, replace_by_copy, restore_folder
from anyshot.base.model_folder import MODEL_FILE, check_replaceable
from anyshot.errors import ModelFolderError


class Versions:
    """The versions of the model in a folder.

    Parameters
    ----------
    folder : Path
        The folder of the model, or a link to it.
    keep : int
        How many versions are kept.
    """

    def __init__(self, folder: Path, *, keep: int) -> None:
        self._given, self.keep = folder, keep
        self.follow()

    def follow(self) -> None:
        """Go to the folder that a link leads to now."""
        self.folder = self._given.resolve()
        self.place = self.folder.with_name(f".{self.folder.name}.anyshot-versions")

    def is_elsewhere(self) -> bool:
        """Return whether the link leads to another folder by now."""
        return self._given.resolve() != self.folder

    def identity(self) -> tuple[int, int, int] | None:
        """Return what changes when the model in the folder is replaced; None if there is none."""
        return file_state(readable_folder(self.folder) / MODEL_FILE)

    @property
    def requests(self) -> MadeRequests:
        """The requests that made versions."""
        return MadeRequests(self.place / "requests.json")

    def numbers(self) -> list[int]:
        """Return the versions that are kept, the latest last."""
        with suppress(OSError):
            return sorted(int(path.name) for path in self.place.iterdir() if path.name.isdecimal())
        return []

    def current(self) -> int | None:
        """Return the version of the model in the folder; None if another program wrote it."""
        model = readable_folder(self.folder) / MODEL_FILE
        for number in reversed(self.numbers()):
            with suppress(OSError):
                if _are_equal(self.kept_folder(number) / MODEL_FILE, model):
                    return number
        return None

    def kept_folder(self, number: int) -> Path:
        """Return the folder of a version that is kept."""
        return self.place / str(number)

    def keep_current(self, number: int) -> None:
        """Keep the model that is in the folder as this version; raise ModelFolderError if that is not possible."""
        try:
            self.place.mkdir(exist_ok=True)
            replace_by_copy(self.kept_folder(number), readable_folder(self.folder))
        except OSError as error:
            raise ModelFolderError(f"A version cannot be kept in {self.place}: {error}.") from error

    def write(self, number: int, save: Callable[[Path], None], requests: Iterable[ChangeRequest] = ()) -> None:
        """Write a version durably by `save(folder)`, then put it in place of the model's folder.

        requests: those that made it.

        Raises ModelFolderError if it cannot be written; the folder is unchanged.
        """
        try:
            self.place.mkdir(exist_ok=True)
            restore_folder(self.folder)
            check_replaceable(self.folder)
            save(self.kept_folder(number))
            self.requests.note(requests, number)
            replace_by_copy(self.folder, self.kept_folder(number))
        except OSError as error:
            raise ModelFolderError(f"The model cannot be written to {self.folder}: {error}.") from error
        self._delete_old(number)

    def others_before(self, number: int) -> Iterator[int]:
        """Yield the versions before this one whose model is not that of the folder, the latest first."""
        own = readable_folder(self.folder) / MODEL_FILE
        for earlier in reversed([one for one in self.numbers() if one < number]):
            with suppress(OSError):
                if not _are_equal(self.kept_folder(earlier) / MODEL_FILE, own):
                    yield earlier

    def _delete_old(self, latest: int) -> None:
        """Delete all but the last versions, and those that were begun after the latest and never finished."""
        numbers = self.numbers()
        kept = [number for number in numbers if number <= latest][-self.keep :]
        for number in set(numbers) - set(kept):
            shutil.rmtree(self.kept_folder(number), ignore_errors=True)


def _are_equal(one: Path, other: Path) -> bool:
    """Return whether two files have the same content: often they are one, but not every disk has hard links."""
    return one.samefile(other) or one.read_bytes() == other.read_bytes()


def folder_is_writable(folder: Path) -> bool:
    """Return whether versions can be written beside a folder."""
    return os.access(folder.resolve().parent, os.W_OK)
