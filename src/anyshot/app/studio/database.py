"""The SQLite file of a project: its tables, its connections, and the counter of its changes."""

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from anyshot.app.studio.entries import Entry
from anyshot.app.studio.transactions import Row, Transaction, recorded_changes
from anyshot.errors import InputError, ProjectError

FILE_NAME: Final = "project.sqlite"
UNKNOWN_ID: Final = -1
"""How the label "unknown" is stored among the ids of classes."""
LOCK_TIMEOUT: Final = 30.0
"""How long to wait for another process that writes, such as an import of 300,000 rows [s]."""

_APPLICATION: Final = 0x616E7374  # "anst" in the file's header
_FORMAT: Final = 1  # version of the tables
TABLES: Final = (
    "create table project (id integer primary key, name text not null, kind text not null, created text not null, "
    "encoder text not null)",
    "create table classes (id integer primary key autoincrement, name text not null, description text not null, "
    "words text not null, color text not null, position real not null)",
    "create table batches (id integer primary key autoincrement, source text not null, columns text not null, "
    "item_column text, hidden integer not null)",
    "create table items (id integer primary key autoincrement, digest blob not null unique, content text not null, "
    "name text not null, label integer, hidden integer not null)",
    # The rows of the files that were added: equal rows are one item, and each row is exported.
    "create table rows (id integer primary key autoincrement, batch integer not null, item integer not null, "
    "cells text not null)",
    "create index rows_of_batch on rows (batch)",
    "create index rows_of_item on rows (item)",
    "create index labeled on items (label) where label is not null",
    "create table history (id integer primary key autoincrement, time text not null, action text not null, "
    "facts text not null, changes text not null, undone integer not null)",
    "create table changes (id integer primary key autoincrement, subjects text not null)",
    "create table curve (n_labels integer primary key, accuracy real not null, lower real not null, "
    "upper real not null)",
    # One row. Blobs, since 300,000 rows would take seconds after each click.
    "create table answers (id integer primary key, version integer not null, arrays blob not null)",
)

_FORGET_UNDONE: Final = "update history set undone = 2 where undone = 1"
"""With a new change, what was undone before can no longer be made again; `undone` is 2 then."""
_CHECK_DISK: Final = "Check that the disk has free space and that the folder can be written."
_DAMAGED: Final = "Go on with a copy of it, such as its zip."
_ADVICE: Final = {
    "SQLITE_BUSY": "Another program uses its file. Try again when that is done.",
    "SQLITE_CORRUPT": _DAMAGED,
    "SQLITE_NOTADB": _DAMAGED,
}


class ProjectDatabase:
    """The SQLite file of a project, used by several threads and processes at once.

    A transaction is on the disk when it ends: WAL with synchronous=FULL. One connection writes and one reads, for all
    threads, one after another; reading does not wait for a transaction, such as an import of 300,000 rows.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._writing, self._reading = threading.RLock(), threading.RLock()
        self._changed = threading.Condition()
        self._listeners: set[Callable[[], object]] = set()
        self._place: tuple[int, int] | None = None
        self.is_closed = False
        with self._errors():
            self._writer, self._reader = (
                sqlite3.connect(file, timeout=LOCK_TIMEOUT, isolation_level=None, check_same_thread=False)
                for _ in range(2)
            )
            self._writer.execute("pragma journal_mode = wal")
            self._writer.execute("pragma synchronous = full")
            self._writer.row_factory = self._reader.row_factory = sqlite3.Row
        self._place = _place_of(file)

    @classmethod
    def create(cls, file: Path, *, name: str, kind: str, encoder: str) -> "ProjectDatabase":
        """Create the file with its tables; it appears complete or not at all."""
        database = cls(file)
        with database._errors(), database.transaction() as transaction:
            for table in TABLES:
                transaction.connection.execute(table)
            facts = {"id": 1, "name": name, "kind": kind, "created": now(), "encoder": encoder}
            transaction.insert("project", facts)
            transaction.connection.execute(f"pragma application_id = {_APPLICATION}")
            transaction.connection.execute(f"pragma user_version = {_FORMAT}")
        return database

    @classmethod
    def open(cls, file: Path) -> "ProjectDatabase":
        """Open an existing file; raise ProjectError for one of another program or a later version."""
        if not file.is_file():
            raise ProjectError(f"{file.parent} is not a project: it has no file {file.name}.")
        database = cls(file)
        (application,), (version,) = (
            database.read(f"pragma {name}")[0].values() for name in ("application_id", "user_version")
        )
        if reason := reason_to_refuse(application, version):
            database.close()
            raise ProjectError(f"{file} cannot be opened: it {reason}.")
        return database

    def close(self) -> None:
        """Close the connections."""
        self.is_closed = True
        with self._writing, self._reading, closing(self._reader), closing(self._writer):
            pass

    def is_there(self) -> bool:
        """Return whether the file is where it was opened, and not another one in its place."""
        return self._place is None or _place_of(self.file) == self._place

    def copy_to(self, other: sqlite3.Connection) -> None:
        """Copy the file as it is now into another, empty one."""
        with self._errors(), self._reading:
            self._reader.backup(other)

    def read(self, query: str, *values: Any) -> list[Row]:
        """Return the rows that a query finds."""
        with self._errors(), self._reading:
            return [dict(row) for row in self._reader.execute(query, values)]

    def column(self, query: str, *values: Any) -> list[Any]:
        """Return the first column of what a query finds."""
        with self._errors(), self._reading:
            return [row[0] for row in self._reader.execute(query, values)]

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Make changes together, or not at all."""
        with self._errors(), self._writing:
            self._writer.execute("begin immediate")
            try:
                yield Transaction(self._writer)
                self._writer.execute("commit")
            except BaseException:
                if self._writer.in_transaction:  # a full disk may have ended it already
                    self._writer.execute("rollback")
                raise

    @contextmanager
    def change(self, action: str, **facts: Any) -> Iterator[tuple[Transaction, Row]]:
        """Make changes that stand in the history as one entry; `facts` may be completed in the block.

        Nothing is written if the block changes nothing; after it, the transaction has the entry.
        """
        with self.transaction() as transaction:
            yield transaction, facts
            if transaction.rows or transaction.labels:
                transaction.connection.execute(_FORGET_UNDONE)
                entry = {"time": now(), "action": action, "facts": json.dumps(facts, ensure_ascii=False)}
                number = transaction.insert_unrecorded(
                    "history", {**entry, "changes": transaction.recorded(), "undone": 0}
                )
                transaction.entry = Entry(number, entry["time"], action, facts)
                transaction.mark_changed()
        self.notify()

    @contextmanager
    def more_of(self, entry: Entry) -> Iterator[tuple[Transaction, Row]]:
        """Make further changes that belong to an entry of the history, and are undone with it.

        Raise InputError if it was undone meanwhile.
        """
        with self.transaction() as transaction:
            (stored,) = transaction.read("select facts, changes, undone from history where id = ?", entry.id)
            if stored["undone"]:
                raise InputError("This was undone while it went on. What was left is not added.")
            transaction.rows, transaction.labels = recorded_changes(stored["changes"])
            yield transaction, (facts := json.loads(stored["facts"]))
            transaction.connection.execute(_FORGET_UNDONE)
            query = "update history set facts = ?, changes = ? where id = ?"
            values = json.dumps(facts, ensure_ascii=False), transaction.recorded(), entry.id
            transaction.connection.execute(query, values)
            transaction.entry = replace(entry, facts=facts)
            transaction.mark_changed()
        self.notify()

    # --- the counter of changes ---

    def version(self) -> int:
        """Return the number of the last change."""
        return int(self.column("select coalesce(max(id), 0) from changes")[0])

    def subjects_since(self, version: int) -> frozenset[str]:
        """Return which parts of the project were changed after a version."""
        found = self.column("select distinct subjects from changes where id > ?", version)
        return frozenset(subject for subjects in found for subject in subjects.split())

    def wait(self, version: int, seconds: float) -> None:
        """Wait until there is a later change, at most this long; a change of another process is seen in 0.25 s."""
        deadline = time.monotonic() + seconds
        with self._changed:  # held while the version is read, so that a change after it wakes this thread
            while self.version() <= version and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(min(0.25, left))

    def notify(self) -> None:
        """Wake the threads that wait for a change, and call those who listen."""
        with self._changed:
            self._changed.notify_all()
            for listener in self._listeners:
                listener()

    @contextmanager
    def listening(self, listener: Callable[[], object]) -> Iterator[None]:
        """Call a function after each change of this process, in any of its threads; it must not wait."""
        with self._changed:
            self._listeners.add(listener)
        try:
            yield
        finally:
            with self._changed:
                self._listeners.discard(listener)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        if not self.is_there():  # what is written would be lost
            raise ProjectError(
                f"The project {self.file.parent} is not there any more: it was moved, removed or replaced. Nothing was "
                "changed. Open it where it is now."
            )
        try:
            yield
        except OverflowError as error:
            raise InputError("A number is larger than any id.") from error
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.ProgrammingError):
                if "closed" not in str(error):
                    raise
                raise ProjectError(
                    f"The project {self.file.parent.name!r} is closed; it may have been removed."
                ) from error
            advice = _ADVICE.get(getattr(error, "sqlite_errorname", ""), _CHECK_DISK)
            raise ProjectError(
                f"The project {self.file.parent} cannot be read or written: {error}. Nothing was changed. {advice}"
            ) from error


def reason_to_refuse(application: int, version: int) -> str:
    """Return why a file with these marks in its header is not opened, "" if it is."""
    if application != _APPLICATION:
        return "belongs to another program, or its creation was interrupted"
    return "was written by a later version" if version > _FORMAT else ""


def _place_of(file: Path) -> tuple[int, int] | None:
    """Return by which numbers the system knows a file, None if it is not there."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def now() -> str:
    """Return the time as it is stored: ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")
