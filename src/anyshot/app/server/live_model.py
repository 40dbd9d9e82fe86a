"""A served model: it answers from an immutable snapshot, and one writer changes it, on disk before it counts.

    live = LiveModel("support", Path("models/support"), partial(load, cache=False))
    live.snapshot                          # Snapshot(classifier, version): read it once for each request
    live.change(adding_class("refund"))    # a Future of the version that has the change; RollBack() likewise
    live.close()                           # finishes what was accepted

A change is applied to a copy of the classifier, saved, and only then put in place, so that every answer comes from the
old model or the new one. Changes that wait for each other are saved together. A class that is added to a large model is
first a version of its own, in which the other classes stay as they are; a change that fits all of them follows once no
other has come for a second. Several processes may serve one folder: they write one at a time under a file lock, and
read it again when it has changed.
"""

import copy
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from anyshot import store
from anyshot.app.server.changes import Change, fit_classes, in_groups, joined
from anyshot.app.server.made_requests import ChangeRequest, check_same
from anyshot.app.server.readiness import Snapshot, fit_once, ready, snapshot_of, use_one_blas_thread
from anyshot.app.server.service_errors import (
    FolderGoneError,
    NotChangeableError,
    NotSavedError,
    ServiceError,
    UnknownVersionError,
    remedy_for,
)
from anyshot.app.server.unlabeled_items import UnlabeledItems
from anyshot.app.server.versions import Versions, folder_is_writable
from anyshot.base.files import folder_lock, replace_by_copy
from anyshot.errors import AnyshotError, ModelFolderError

MOST_AT_ONCE: Final = 1_000
"""Changes that are saved together at most."""
REST: Final = 1.0
"""How long no change must have come until classes that were added alone are fitted with the others [s]."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RollBack:
    """A change back to an earlier version, the one before the current one by default; it gets a new number."""

    to: int | None = None


class Waiting(NamedTuple):
    """A change that was begun, its version in the future, and the request that asks for it, if that has a key."""

    change: Change | RollBack
    done: "Future[int]"
    request: ChangeRequest | None


class LiveModel:
    """A model that answers while it changes.

    Parameters
    ----------
    name : str
        Its name in addresses.
    folder : Path
        Where it was saved, and where changes are saved; or a link to it, which may be changed to lead to another.
    load : callable
        Returns the model in a folder, without a cache on disk, such as `partial(anyshot.load, cache=False)`.
    read_only : bool, default=False
        Whether nothing is written.
    keep : int, default=20
        How many versions are kept beside the folder.
    cache : MemoryCache, optional
        Vectors of items; models may share it.

    Raises
    ------
    ModelFolderError
        The folder holds no model that can be loaded.
    InputError
        The model is no classifier.
    DataFileError
        The keys of earlier changes cannot be read.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        load: Callable[[Path], Any],
        *,
        read_only: bool = False,
        keep: int = 20,
        cache: store.MemoryCache | None = None,
    ) -> None:
        self.name, self.read_only, self._load = name, read_only, load
        self.cache = store.MemoryCache() if cache is None else cache
        self.versions, self.unlabeled = Versions(folder, keep=keep), UnlabeledItems(folder)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix=f"writer-{name}")
        self._waiting: deque[Waiting] = deque()
        self._identity = self.versions.identity()
        self.snapshot = self._read(earlier=0)
        self.problem: str | None = None  # why the folder cannot be used
        with self._changing():
            self._keep_current()
        if not read_only:
            self.versions.requests.known()  # a damaged file is refused before the first change

    # --- changes ---

    def prepare(self) -> None:
        """Begin to load what changes need, which the first change would wait for."""
        self._submit(fit_once if self._is_changeable else use_one_blas_thread)

    @property
    def _is_changeable(self) -> bool:
        return not self.read_only and self.snapshot.is_any_shot

    def check_changeable(self) -> None:
        """Raise NotChangeableError if the model may not be changed, or is of a kind that cannot be."""
        if self.read_only:
            raise NotChangeableError("The service was started with --read-only: its models cannot be changed.")
        if not self.snapshot.is_any_shot:
            raise NotChangeableError(
                f"The model is a {type(self.snapshot.classifier).__name__}, which cannot be changed by requests. Train "
                "it again and save it to the same folder: the service reads it then."
            )

    def change(self, change: Change | RollBack, request: ChangeRequest | None = None) -> "Future[int]":
        """Begin a change; the result is the version that has it, once it is on disk, or the error.

        request: what asks for it; if the same one made a version, the result is that version, and nothing is changed.
        The future is done in the writer's thread. A change that was begun is finished, also if nobody waits for it.

        Raises
        ------
        NotChangeableError
            The model may not be changed.
        """
        self.check_changeable()
        done: Future[int] = Future()
        self._waiting.append(Waiting(change, done, request))
        self._submit(self._write_waiting)
        return done

    def kept_versions(self) -> list[int]:
        """Return the earlier versions that `RollBack` can go to, the latest last."""
        return [number for number in self.versions.numbers() if number < self.snapshot.version]

    def awaits_fit(self) -> bool:
        """Return whether it is time to change the model by `fit_classes`."""
        snapshot = self.snapshot
        rests = not self._waiting and time.monotonic() - snapshot.since > REST
        return rests and snapshot.is_provisional and not self.read_only

    def close(self) -> None:
        """Finish the changes that were begun."""
        if self._is_changeable:
            self.change(fit_classes)
        self._writer.shutdown()

    # --- other processes ---

    def is_outdated(self) -> bool:
        """Return whether the folder is another one than the one that was read, or could not be used."""
        changed = self.versions.is_elsewhere() or self.versions.identity() != self._identity
        return changed or self.problem is not None

    def refresh(self) -> "Future[None]":
        """Read the folder again, in the writer's thread, if another process has changed it."""
        return self._submit(self._refresh)

    def _submit(self, task: Callable[[], None]) -> "Future[None]":
        """Begin a task in the writer's thread."""
        begun = self._writer.submit(task)
        begun.add_done_callback(_log_failure)
        return begun

    def _refresh(self) -> None:
        with self._changing():
            try:
                self._read_if_outdated()
            except FolderGoneError as error:
                if self.problem is None:
                    log.warning(f"The model {self.name!r} answers from memory: {error.__cause__ or error}")
                self.problem = str(error)

    # --- private: all below runs in the writer's thread, or before it starts ---

    def _changing(self) -> AbstractContextManager[None]:
        """Return the lock under which one process at a time changes the folder, which a link may have been led to."""
        self.versions.follow()
        return nullcontext() if self.read_only else folder_lock(self.versions.folder)

    def _read(self, *, earlier: int) -> Snapshot:
        """Return what is in the folder; its version is the next one after `earlier` if another program wrote it."""
        classifier, known = self._loaded(self.versions.folder), self.versions.current()
        return snapshot_of(classifier, max([earlier, *self.versions.numbers()]) + 1 if known is None else known)

    def _loaded(self, folder: Path) -> Any:
        return ready(self._load(folder), self.cache)

    def _read_if_outdated(self) -> None:
        """Take over what another process wrote to the folder.

        Raises
        ------
        FolderGoneError
            The folder is gone, or holds no model that can be served.
        """
        if not self.is_outdated():
            return
        identity = self.versions.identity()
        if identity is None:
            raise FolderGoneError(f"The folder of the model {self.name!r} is gone. Restore it to change the model.")
        try:
            self.snapshot = self._read(earlier=self.snapshot.version)
        except AnyshotError as error:
            raise FolderGoneError(
                f"The folder of the model {self.name!r} now holds something else, which cannot be served. Restore it "
                "to change the model."
            ) from error
        self._identity, self.problem = identity, None
        self._keep_current()

    def _keep_current(self) -> None:
        """Keep the version that was read, so that it can be rolled back to."""
        number = self.snapshot.version
        if self.read_only or number in self.versions.numbers() or not folder_is_writable(self.versions.folder):
            return
        try:
            self.versions.keep_current(number)
        except ModelFolderError as error:
            log.warning(f"Version {number} of the model {self.name!r} cannot be rolled back to: {error}")

    def _write_waiting(self) -> None:
        """Apply the changes that wait, save the model once, and put it in place."""
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_AT_ONCE))]
        batch = [one for one in batch if one.done.set_running_or_notify_cancel()]
        if not batch:
            return
        try:
            with self._changing():
                self._write(batch)
        except AnyshotError as error:
            _fail(batch, error)
        finally:  # after a fault in the program, too, nobody waits for ever
            _fail(batch, RuntimeError("The change failed."))

    def _write(self, batch: Sequence[Waiting]) -> None:
        self._read_if_outdated()
        batch = self._not_made(batch)
        if any(isinstance(one.change, RollBack) for one in batch):
            for one in batch:  # each its own version: what came before must be there to go back to
                self._roll_back(one) if isinstance(one.change, RollBack) else self._apply([one])
        elif batch:
            self._apply(batch)

    def _not_made(self, batch: Sequence[Waiting]) -> list[Waiting]:
        """Return the changes to make.

        One whose request has made a version gets that version; one whose request is here twice gets the first result.
        """
        found: list[Waiting] = []
        first_of_key: dict[str, Waiting] = {}
        for one in batch:
            if one.request is None:
                found.append(one)
                continue
            try:
                made = self.versions.requests.version_of(one.request, current=self.snapshot.version)
                first = first_of_key.setdefault(one.request.key, one)
                check_same(one.request, first.request.digest if first.request else "")
            except ServiceError as error:
                one.done.set_exception(error)
                continue
            if made is not None:
                one.done.set_result(made)
            elif first is one:
                found.append(one)
            else:
                first.done.add_done_callback(partial(_same_result, one.done))
        return found

    def _apply(self, batch: Sequence[Waiting]) -> None:
        changes = [one.change for one in batch if not isinstance(one.change, RollBack)]
        changed, errors = _changed(self.snapshot.classifier, changes)
        for row, error in errors.items():
            batch[row].done.set_exception(error)
        if changed is not self.snapshot.classifier:
            self._put_in_place(changed, changed.save, [one for one in batch if not one.done.done()])
        _finish(batch, self.snapshot.version)

    def _put_in_place(self, classifier: Any, save: Callable[[Path], None], made_by: Sequence[Waiting]) -> None:
        """Save a classifier by `save(folder)` as the next version, which these changes made, and answer from it."""
        number = self.snapshot.version + 1
        try:
            self.versions.write(number, save, [one.request for one in made_by if one.request is not None])
        except ModelFolderError as error:
            raise NotSavedError(_not_saved(error.__cause__)) from error
        self._identity = self.versions.identity()
        self.snapshot = snapshot_of(classifier, number)

    def _roll_back(self, one: Waiting) -> None:
        change, done, _ = one
        kept = self.kept_versions()
        wanted = change.to if isinstance(change, RollBack) else None
        to = self._version_before() if wanted is None else wanted
        if to not in kept:
            listed = ", ".join(map(str, kept)) or "none"
            problem = f"Version {to} is not kept. Kept before the current one: {listed}."
            done.set_exception(UnknownVersionError(problem if to else "There is no earlier version to go back to."))
            return
        source = self.versions.kept_folder(to)
        classifier = self._loaded(source)  # one that cannot be read is not put in place
        self._put_in_place(classifier, partial(replace_by_copy, source=source), [one])
        done.set_result(self.snapshot.version)

    def _version_before(self) -> int:
        """Return the latest version with another model than the current one, 0 if none is kept.

        The current one may be the fit of an earlier one, which followed by itself: both came by the same change.
        """
        for number in self.versions.others_before(self.snapshot.version):
            if not self.snapshot.is_fit_of(snapshot_of(self._loaded(self.versions.kept_folder(number)), number)):
                return number
        return 0


def _not_saved(cause: BaseException | None) -> str:
    """Return why a change could not be saved, and what to do, without paths."""
    reason = f": {cause.strerror}" if isinstance(cause, OSError) and cause.strerror else ""
    return f"The change could not be saved{reason}. The model was not changed. {remedy_for(cause)}"


def _changed(classifier: Any, changes: Sequence[Change]) -> tuple[Any, dict[int, AnyshotError]]:
    """Return a changed copy of a classifier, and the errors of the changes that could not be applied.

    Neighboring items are learned together; if one of them cannot be used, each change is tried alone.
    """
    errors: dict[int, AnyshotError] = {}
    for rows in in_groups(changes):
        try:
            classifier = _with_change(classifier, joined([changes[row] for row in rows]))
            continue
        except AnyshotError as error:
            if len(rows) == 1:
                errors[rows[0]] = error
                continue
        for row in rows:
            try:
                classifier = _with_change(classifier, changes[row])
            except AnyshotError as error:
                errors[row] = error
    return classifier, errors


def _with_change(classifier: Any, change: Change) -> Any:
    """Return a changed copy of a classifier, or itself if the change leaves its model as it is."""
    changed = copy.copy(classifier)
    change(changed)
    return classifier if changed.any_shot_model() is classifier.any_shot_model() else changed


def _finish(batch: Sequence[Waiting], version: int) -> None:
    for one in batch:
        if not one.done.done():
            one.done.set_result(version)


def _fail(batch: Sequence[Waiting], error: BaseException) -> None:
    for one in batch:
        if not one.done.done():
            one.done.set_exception(error)


def _same_result(done: "Future[int]", first: "Future[int]") -> None:
    """Give a change the version or the error of the first one of the same request."""
    if (error := first.exception()) is not None:
        done.set_exception(error)
    else:
        done.set_result(first.result())


def _log_failure(task: "Future[None]") -> None:
    if (error := task.exception()) is not None:
        log.error("A change of a model failed.", exc_info=error)
