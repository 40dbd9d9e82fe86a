"""The SQLite file of a project: its tables, its transactions, and what each of them changed."""

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from anyshot.app.studio.entries import Entry
from anyshot.base.terminal import whole_characters
from anyshot.errors import InputError, ProjectError

Row: TypeAlias = dict[str, Any]

FILE_NAME: Final = "project.sqlite"
LOCK_TIMEOUT: Final = 30.0
"""How long to wait for another process that writes, such as an import of 300,000 rows [s]."""
MAX_VARIABLES: Final = 30_000  # in one statement; SQLite allows 32,766

_APPLICATION: Final = 0x616E7374  # "anst" in the file's header
_FORMAT: Final = 1
_TABLES: Final = (
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
_SUBJECTS: Final = {"classes": "classes", "batches": "items", "project": "project"}


class RowChange(NamedTuple):
    """One row before and after a transaction, None where there was none."""

    table: str
    id: int
    before: Row | None
    after: Row | None


class LabelChange(NamedTuple):
    """Items that had one label and got another."""

    before: int | None
    after: int | None
    items: list[int]


class Transaction:
    """Changes of one project that are made together, or not at all; it records how to undo them.

    entry: what stands in the history of them, once they are made; None if nothing was changed.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.entry: Entry | None = None
        self.rows: list[RowChange] = []
        self.labels: list[LabelChange] = []

    def read(self, query: str, *values: Any) -> list[Row]:
        """Return the rows that a query finds."""
        return [dict(row) for row in self.connection.execute(query, values)]

    def insert(self, table: str, row: Row) -> int:
        """Insert a row, and return its id."""
        number = _insert(self, table, row)
        self.rows.append(RowChange(table, number, None, self._row(table, number)))
        return number

    def update(self, table: str, number: int, **fields: Any) -> None:
        """Change some fields of a row."""
        self._put(table, number, (self._row(table, number) or {}) | fields)

    def delete(self, table: str, number: int) -> None:
        """Delete a row."""
        self._put(table, number, None)

    def label(self, items: Sequence[int], label: int | None) -> int:
        """Give items a label, and return how many had another one."""
        found: dict[int | None, list[int]] = {}
        for some in in_parts(sorted({int(item) for item in items})):  # SQLite takes numpy's integers for bytes
            query = f"select id, label from items where label is not ? and id in ({marks_for(some)})"
            for row in self.connection.execute(query, (label, *some)):
                found.setdefault(row["label"], []).append(row["id"])
        for before, changed in found.items():
            self._relabel(LabelChange(before, label, changed))
        return sum(map(len, found.values()))

    def revert(self, changes: str) -> None:
        """Undo the changes that an earlier transaction recorded."""
        rows, labels = recorded_changes(changes)
        for row in reversed(rows):
            self._put(row.table, row.id, row.before)
        for label in reversed(labels):
            self._relabel(LabelChange(label.after, label.before, label.items))

    def repeat(self, changes: str) -> None:
        """Make the changes again that an earlier transaction recorded, and that were undone."""
        rows, labels = recorded_changes(changes)
        for row in rows:
            self._put(row.table, row.id, row.after)
        for label in labels:
            self._relabel(label)

    def recorded(self) -> str:
        """Return the changes as JSON, from which they can be reverted and repeated."""
        return json.dumps({"rows": self.rows, "labels": self.labels}, ensure_ascii=False)

    def subjects(self) -> set[str]:
        """Return which parts of the project were changed: classes, items, labels, project."""
        return {_SUBJECTS[change.table] for change in self.rows} | ({"labels"} if self.labels else set())

    def refresh_items(self, batch: int) -> None:
        """Hide the items of a batch that no other batch has, if it is hidden, and show the others."""
        self.connection.execute(
            "update items set hidden = not exists (select 1 from rows join batches on batches.id = rows.batch "
            "where rows.item = items.id and not batches.hidden) where id in (select item from rows where batch = ?)",
            (batch,),
        )

    def _row(self, table: str, number: int) -> Row | None:
        found = self.read(f"select * from {table} where id = ?", number)
        return found[0] if found else None

    def _put(self, table: str, number: int, row: Row | None) -> None:
        before = self._row(table, number)
        if row is None:
            self.connection.execute(f"delete from {table} where id = ?", (number,))
        else:
            names, marks = ", ".join(row), ", ".join("?" * len(row))
            self.connection.execute(f"insert or replace into {table} ({names}) values ({marks})", _values(row))
        self.rows.append(RowChange(table, number, before, row))
        if table == "batches":
            self.refresh_items(number)

    def _relabel(self, change: LabelChange) -> None:
        for some in in_parts(change.items):
            self.connection.execute(
                f"update items set label = ? where id in ({marks_for(some)})", (change.after, *some)
            )
        self.labels.append(change)


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
        with self._errors():
            self._writer, self._reader = (
                sqlite3.connect(file, timeout=LOCK_TIMEOUT, isolation_level=None, check_same_thread=False)
                for _ in range(2)
            )
            self._writer.execute("pragma journal_mode = wal")
            self._writer.execute("pragma synchronous = full")
            self._writer.row_factory = self._reader.row_factory = sqlite3.Row

    @classmethod
    def create(cls, file: Path, *, name: str, kind: str, encoder: str) -> "ProjectDatabase":
        """Create the file with its tables; it appears complete or not at all."""
        database = cls(file)
        with database._errors(), database.transaction() as transaction:
            for table in _TABLES:
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
        if application != _APPLICATION or version > _FORMAT:
            database.close()
            reason = "belongs to another program" if application != _APPLICATION else "was written by a later version"
            raise ProjectError(f"{file} cannot be opened: it {reason}.")
        return database

    def close(self) -> None:
        """Close the connections."""
        with self._writing, self._reading, closing(self._reader), closing(self._writer):
            pass

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
                entry = {"time": now(), "action": action, "facts": json.dumps(facts, ensure_ascii=False)}
                number = _insert(transaction, "history", {**entry, "changes": transaction.recorded(), "undone": 0})
                transaction.entry = Entry(number, entry["time"], action, facts)
                mark_changed(transaction, transaction.subjects())
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
            query = "update history set facts = ?, changes = ? where id = ?"
            values = json.dumps(facts, ensure_ascii=False), transaction.recorded(), entry.id
            transaction.connection.execute(query, values)
            transaction.entry = replace(entry, facts=facts)
            mark_changed(transaction, transaction.subjects())
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
        try:
            yield
        except (sqlite3.OperationalError, sqlite3.DatabaseError) as error:
            if isinstance(error, sqlite3.ProgrammingError):
                if "closed" not in str(error):
                    raise
                raise ProjectError(
                    f"The project {self.file.parent.name!r} is closed; it may have been removed."
                ) from error
            raise ProjectError(
                f"The project {self.file.parent} cannot be read or written: {error}. Nothing was changed. Check that "
                "the disk has free space and that the folder can be written."
            ) from error


def recorded_changes(changes: str) -> tuple[list[RowChange], list[LabelChange]]:
    """Return the changes that `Transaction.recorded` wrote."""
    found = json.loads(changes)
    return [RowChange(*row) for row in found["rows"]], [LabelChange(*label) for label in found["labels"]]


def check_tables(file: Path) -> None:
    """Raise ProjectError unless a file from elsewhere is intact and has the tables of a project, and no code."""
    query = "select sql from sqlite_master where sql is not null and name not like 'sqlite_%' order by sql"
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            found = [row[0].casefold() for row in connection.execute(query)]
            intact = connection.execute("pragma quick_check").fetchone()[0] == "ok"
    except sqlite3.Error as error:
        raise ProjectError(f"{file.name} is not the file of a project: {error}.") from error
    if not intact or found != sorted(table.casefold() for table in _TABLES):
        raise ProjectError(f"{file.name} is not the file of a project that this version reads, or it is damaged.")


def mark_changed(transaction: Transaction, subjects: Iterable[str]) -> None:
    """Count one change of these parts of the project."""
    _insert(transaction, "changes", {"subjects": " ".join(sorted(subjects))})


def now() -> str:
    """Return the time as it is stored: ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def in_parts(items: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield some of the numbers at a time, so that they fit into a statement."""
    for start in range(0, len(items), MAX_VARIABLES):
        yield items[start : start + MAX_VARIABLES]


def marks_for(items: Sequence[int]) -> str:
    """Return as many question marks as there are items, for `in (...)`."""
    return ", ".join("?" * len(items))


def _insert(transaction: Transaction, table: str, row: Row) -> int:
    """Insert a row that is not part of what can be undone, and return its id."""
    marks = ", ".join("?" * len(row))
    query = f"insert into {table} ({', '.join(row)}) values ({marks})"
    return int(transaction.connection.execute(query, _values(row)).lastrowid or 0)


def _values(row: Row) -> tuple[Any, ...]:
    """Return the values of a row; SQLite takes no half of a character, as names of files that are not UTF-8 have it."""
    return tuple(whole_characters(value) if isinstance(value, str) else value for value in row.values())
