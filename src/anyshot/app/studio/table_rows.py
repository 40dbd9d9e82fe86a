"""Adding the rows of a table to a project as one change, whatever its items are."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from anyshot.app.studio.adding import Added, adding_change, batch_row, insert_item, insert_row
from anyshot.app.studio.entries import Entry
from anyshot.app.studio.kinds import Kind
from anyshot.app.studio.label_columns import label_ids, read_labels
from anyshot.app.studio.previews import headed, read_named, rows_of
from anyshot.app.studio.project import Project
from anyshot.app.studio.transactions import Transaction
from anyshot.base.items import IMAGE_SUFFIXES
from anyshot.data.unconfirmed_labels import unconfirmed_rows
from anyshot.errors import DataFileError, InputError

if TYPE_CHECKING:
    from anyshot.data.tables import Table

NO_ITEM: Final = 0
"""In place of the id of the item, for a row without one."""
_HELD: Final[dict[Kind, str]] = {
    "texts": "This project holds texts. Create one of numbers and categories for such rows.",
    "images": "This project holds images. Create a project of texts for messages and tables.",
    "rows": "This project holds numbers and categories. Create a project of texts for messages.",
}


class Prepared(NamedTuple):
    """A row that is to be added: its number in the file, its item, what equal items share, its label and cells.

    content: "" if the row has no usable item, and is kept for the export only.
    """

    place: str
    content: str
    key: str
    label: str
    cells: str


@dataclass(frozen=True)
class ReadTable:
    """A table that was read, with the name of its file, all cells, the label of each row ("" for none), and notes.

    classes: those of its labels and of what nobody confirmed, which is no label.
    """

    name: str
    table: "Table"
    columns: list[str]
    cells: list[list[Any]]
    labels: list[str]
    notes: list[str]
    classes: list[str]


def read_rows(
    path: str | Path,
    *,
    label_column: str | None,
    sheet: str | None,
    has_names: bool,
    source: str | None,
    whole: bool = False,
) -> ReadTable:
    """Read a table whose rows are to be added; raise DataFileError if it has no such column of labels."""
    file = Path(path)
    name = source or file.name
    if file.suffix.lower() in IMAGE_SUFFIXES:
        raise DataFileError(
            f"{name} is an image, and this project holds none. Create a project of images for photographs."
        )
    found, notes = read_named(file, source=source, sheet=sheet, whole=whole)
    table = headed(found, has_names)
    columns, cells = list(table.frame.columns), list(rows_of(table))
    if label_column is not None:
        check_column(name, label_column, columns)
    labels = read_labels([None if label_column is None else row[columns.index(label_column)] for row in cells])
    classes = list[str]()
    if label_column is not None and (unconfirmed := set(unconfirmed_rows(table, label_column))):
        classes = list(dict.fromkeys(labels))
        labels = ["" if row in unconfirmed else label for row, label in enumerate(labels)]
    return ReadTable(name, table, columns, cells, labels, notes, classes)


def check_column(name: str, column: str, columns: Sequence[str]) -> None:
    """Raise DataFileError if a table that is called `name` has no such column."""
    if column not in columns:
        raise DataFileError(f"{name} has no column {column!r}. Its columns: {', '.join(columns)}.")


def insert_rows(
    project: Project,
    kind: Kind,
    rows: Sequence[Prepared],
    added: Added,
    *,
    source: str,
    columns: Sequence[str] = (),
    item_column: str | None = None,
    classes: Sequence[str] = (),
    entry: Entry | None = None,
    check: Callable[[], None] = lambda: None,
) -> Added:
    """Add rows as one change, all or none; a project of texts or rows without an item becomes one of this kind.

    added: what is known of the table; classes: names of its classes, of which some may have no label; check: called
    before the first row is added, while others wait.
    """
    # All that takes long is done before the transaction, in which others have to wait to label.
    digests = [hashlib.sha256(row.key.encode("utf-8", "surrogatepass")).digest() for row in rows]
    with adding_change(project.database, source, entry) as (transaction, facts):
        _become(transaction, kind)
        check()
        batch = transaction.insert("batches", batch_row(source, columns, item_column))
        labels = label_ids(transaction, [*classes, *(row.label for row in rows)], added)
        for row, digest in zip(rows, digests, strict=True):
            item = NO_ITEM
            if row.content:
                item = insert_item(transaction, digest, row.content, "", labels.get(row.label), added, row.place)
            insert_row(transaction, batch, item, row.cells)
        transaction.refresh_items(batch)
        facts["count"] += added.n_items
        if source not in facts["source"]:
            facts["source"] = f"{facts['source'].removesuffix(', …')}, …"
    added.entry = transaction.entry
    return added


def _become(transaction: Transaction, kind: Kind) -> None:
    """Make the project one of this kind, if it has no item yet; raise InputError if it holds others."""
    (project,) = transaction.read("select kind from project")
    if project["kind"] == kind:
        return
    if project["kind"] == "images" or transaction.read("select 1 from items where not hidden limit 1"):
        raise InputError(_HELD[project["kind"]])
    transaction.update("project", 1, kind=kind)
