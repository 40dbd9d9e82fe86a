"""What adding items has in common, whether they are texts or images."""

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, Final

from anyshot.app.studio.database import ProjectDatabase
from anyshot.app.studio.entries import Entry
from anyshot.app.studio.transactions import Row, Transaction
from anyshot.base.terminal import whole_characters

DATES: Final[dict[str, type[datetime | date | time]]] = {
    "datetime": datetime,
    "date": date,
    "time": time,
}  # a datetime is a date, too
"""What JSON has no type for; stored as {name: text in ISO format}."""


@dataclass
class Added:
    """What became of what was to be added.

    duplicates: rows that are equal to an item that is there already, of which there is still one; contradictions:
    rows equal to an item that has another label, which it kept; faults: (place, reason) of each row or file that could
    not be used; read: how the file was read, where that may not be what was meant; doubts: why new classes or texts may
    not be what was meant; entry: its entry in the history, None if nothing was added.
    """

    n_items: int = 0
    n_duplicates: int = 0
    new_classes: list[str] = field(default_factory=list)
    contradictions: list[tuple[str, str]] = field(default_factory=list)
    faults: list[tuple[str, str]] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    entry: Entry | None = None


def adding_change(
    database: ProjectDatabase, source: str, entry: Entry | None
) -> AbstractContextManager[tuple[Transaction, Row]]:
    """Add items as a change of its own, or as more of the change of an entry that added others."""
    return database.change("add_items", source=source, count=0) if entry is None else database.more_of(entry)


def insert_item(
    transaction: Transaction, digest: bytes, content: str, name: str, label: int | None, added: Added, place: str
) -> int:
    """Insert an item, or find the equal one that is there, and return its id."""
    connection = transaction.connection
    found = connection.execute("select id, label, hidden from items where digest = ?", (digest,)).fetchone()
    if found is None:
        added.n_items += 1
        cursor = connection.execute(
            "insert into items (digest, content, name, label, hidden) values (?, ?, ?, ?, 0)",
            (digest, content, whole_characters(name), label),
        )
        return int(cursor.lastrowid or 0)
    added.n_items, added.n_duplicates = added.n_items + found["hidden"], added.n_duplicates + 1 - found["hidden"]
    if found["hidden"]:
        connection.execute("update items set label = ?, hidden = 0 where id = ?", (label, found["id"]))
    elif label is not None and found["label"] is None:
        transaction.label([found["id"]], label)
    elif label is not None and found["label"] != label:
        added.contradictions.append((place, content[:100]))
    return int(found["id"])


def stored_cells(cells: Sequence[Any]) -> str:
    """Return the cells of a row as a JSON list, with their dates and times.

    >>> stored_cells(["Where is it?", 3, date(2026, 9, 1)])
    '["Where is it?", 3, {"date": "2026-09-01"}]'
    """
    return json.dumps(cells, ensure_ascii=False, default=_stored_date)


def read_cells(stored: str) -> list[Any]:
    """Return the cells of a row that was stored as JSON."""
    cells: list[Any] = json.loads(stored, object_hook=_read_date)
    return cells


def insert_row(transaction: Transaction, batch: int, item: int, cells: str = "[]") -> None:
    """Insert a row of a file, with all its cells as `stored_cells` returns them, for the export."""
    transaction.connection.execute("insert into rows (batch, item, cells) values (?, ?, ?)", (batch, item, cells))


def batch_row(source: str, columns: Sequence[str], item_column: str | None) -> dict[str, Any]:
    """Return what is stored of a file whose rows are added."""
    listed = json.dumps(columns, ensure_ascii=False)
    return {"source": source, "columns": listed, "item_column": item_column, "hidden": 0}


def _stored_date(value: Any) -> dict[str, str]:
    return {next(name for name, kind in DATES.items() if isinstance(value, kind)): value.isoformat()}


def _read_date(stored: dict[str, str]) -> Any:
    ((name, value),) = stored.items()
    return DATES[name].fromisoformat(value)
