"""Changes of a project that are made together, and how they are recorded, undone and made again."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from anyshot.app.studio.entries import Entry
from anyshot.base.terminal import whole_characters
from anyshot.errors import InputError

Row: TypeAlias = dict[str, Any]

SUBJECTS: Final = {"classes": "classes", "batches": "items", "project": "project"}
"""What a change of a row in one of these tables changes; the rows of others are no part of what can be undone."""


LISTED: Final = "(select value from json_each(?))"
"""The ids of a list in a statement, in which SQLite allows 32,766 values only."""


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

    entry: their entry in the history once they are made, None if nothing was changed.
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
        number = self.insert_unrecorded(table, row)
        self.rows.append(RowChange(table, number, None, self._row(table, number)))
        return number

    def insert_unrecorded(self, table: str, row: Row) -> int:
        """Insert a row that is not part of what can be undone, in place of one with its id, and return the id."""
        marks = ", ".join("?" * len(row))
        query = f"insert or replace into {table} ({', '.join(row)}) values ({marks})"
        return int(self.connection.execute(query, _values(row)).lastrowid or 0)

    def mark_changed(self, *subjects: str) -> None:
        """Count one change of these parts of the project, by default of those that were changed."""
        self.insert_unrecorded("changes", {"subjects": " ".join(sorted(subjects or self.subjects()))})

    def update(self, table: str, number: int, **fields: Any) -> None:
        """Change some fields of a row."""
        self._put(table, number, (self._row(table, number) or {}) | fields)

    def delete(self, table: str, number: int) -> None:
        """Delete a row."""
        self._put(table, number, None)

    def label(self, items: Sequence[int], label: int | None) -> int:
        """Give items a label, and return how many had another one."""
        found = self._with_other_labels(items, label)
        for before, changed in found.items():
            self._relabel(LabelChange(before, label, changed))
        return sum(map(len, found.values()))

    def keep_labels(self, items: Sequence[int]) -> int:
        """Record the present labels of items as confirmed, and return how many items have one."""
        found = self._with_other_labels(items, None)
        self.labels += [LabelChange(label, label, kept) for label, kept in found.items()]
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
        return {SUBJECTS[change.table] for change in self.rows} | ({"labels"} if self.labels else set())

    def refresh_items(self, batch: int) -> None:
        """Hide the items of a batch that no other batch has, if it is hidden, and show the others."""
        self.connection.execute(
            "update items set hidden = not exists (select 1 from rows join batches on batches.id = rows.batch "
            "where rows.item = items.id and not batches.hidden) where id in (select item from rows where batch = ?)",
            (batch,),
        )

    def _with_other_labels(self, items: Sequence[int], label: int | None) -> dict[int | None, list[int]]:
        """Return the items that have another label, grouped by it."""
        found: dict[int | None, list[int]] = {}
        query = f"select id, label from items where label is not ? and id in {LISTED} order by id"
        for row in self.connection.execute(query, (label, listed(items))):
            found.setdefault(row["label"], []).append(row["id"])
        return found

    def _row(self, table: str, number: int) -> Row | None:
        found = self.read(f"select * from {table} where id = ?", number)
        return found[0] if found else None

    def _put(self, table: str, number: int, row: Row | None) -> None:
        before = self._row(table, number)
        if row is None:
            self.connection.execute(f"delete from {table} where id = ?", (number,))
        else:
            self.insert_unrecorded(table, row)
        self.rows.append(RowChange(table, number, before, row))
        if table == "batches":
            self.refresh_items(number)

    def _relabel(self, change: LabelChange) -> None:
        query = f"update items set label = ? where id in {LISTED}"
        self.connection.execute(query, (change.after, listed(change.items)))
        self.labels.append(change)


def recorded_changes(changes: str) -> tuple[list[RowChange], list[LabelChange]]:
    """Return the changes that `Transaction.recorded` wrote."""
    found = json.loads(changes)
    return [RowChange(*row) for row in found["rows"]], [LabelChange(*label) for label in found["labels"]]


def listed(numbers: ArrayLike) -> str:
    """Return ids as `LISTED` takes them; raise InputError for a number that is larger than any id."""
    try:
        return json.dumps(np.asarray(numbers, dtype=np.int64).tolist())
    except OverflowError as error:
        raise InputError("A number is larger than any id.") from error


def _values(row: Row) -> tuple[Any, ...]:
    """Return the values of a row; SQLite takes no half of a character, as names of files that are not UTF-8 have it."""
    return tuple(whole_characters(value) if isinstance(value, str) else value for value in row.values())
