"""The items of a project: texts, images or rows of features, and their labels."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import numpy as np

from anyshot.app.studio.database import UNKNOWN_ID, ProjectDatabase
from anyshot.app.studio.feature_items import Columns, frame_of, read_columns, shown_row
from anyshot.app.studio.transactions import LISTED, Row, listed, recorded_changes
from anyshot.base.labels import UNKNOWN
from anyshot.base.pixels import jpeg_of
from anyshot.base.validation import Indexes
from anyshot.errors import InputError

LabelOf: TypeAlias = int | Literal["unknown"] | None
"""A label: the id of a class, "unknown", or None for no label."""
IMAGES: Final = "images"
THUMBNAILS: Final = "thumbnails"
PICTURE_SIDE: Final = 2000  # pixels
IMAGE_FILE: Final = re.compile(r"([0-9a-f]{64})\.[a-z0-9]{1,5}")
"""Name of the file of an image, by its digest, in either folder."""
_SUBJECTS: Final = frozenset({"items", "labels"})  # of changes after which the labels are read again


@dataclass(frozen=True)
class Item:
    """One text, image or row of features."""

    id: int
    content: str  # the text, the name of the image's file in the folder "images", or the values of a row as JSON
    name: str  # of the file that an image came from; "" for texts
    label: LabelOf


@dataclass(frozen=True)
class Labels:
    """The ids of all items, ascending, and their labels at one version: -1 is unknown, 0 no label."""

    version: int
    ids: Indexes  # (n,)
    labels: Indexes  # (n,)

    def rows_of(self, ids: Sequence[int] | Indexes) -> Indexes:
        """Return the rows of some ids that are there."""
        given = np.asarray(ids, dtype=np.intp)
        rows = np.searchsorted(self.ids, given)
        there = rows < len(self.ids)
        there[there] = self.ids[rows[there]] == given[there]
        return rows[there]


class ItemList:
    """The items of a project, in the order in which they were added."""

    def __init__(self, database: ProjectDatabase, folder: Path) -> None:
        self._database, self._folder = database, folder
        self._labels: Labels | None = None

    def count(self) -> int:
        """Return the number of items."""
        return int(self._database.column("select count(*) from items where not hidden")[0])

    def get(self, ids: Sequence[int] | Indexes) -> list[Item]:
        """Return the items of some ids, in this order; ids that are not there are left out."""
        return [item for item, hidden in self._found(ids) if not hidden]

    def _found(self, ids: Sequence[int] | Indexes) -> list[tuple[Item, bool]]:
        """Return the items of some ids, in this order, and whether each was taken back."""
        rows = self._database.read(f"select * from items where id in {LISTED}", listed(ids))
        found = {row["id"]: (_item(row), bool(row["hidden"])) for row in rows}
        return [found[number] for number in map(int, ids) if number in found]

    def one(self, number: int) -> Item:
        """Return one item; raise InputError if there is none with this id."""
        found = self.get([number])
        if not found:
            raise InputError(f"There is no item {number}. It may have been taken back; undo brings it back.")
        return found[0]

    def labels(self) -> Labels:
        """Return the ids and labels of all items."""
        version, known = self._database.version(), self._labels
        if (
            known is not None
            and version > known.version
            and not self._database.subjects_since(known.version) & _SUBJECTS
        ):
            known = self._labels = replace(known, version=version)
        if known is None or known.version != version:
            found = self._database.read(
                "select id, coalesce(label, 0) as label from items where not hidden order by id"
            )
            columns = [np.array([row[name] for row in found], dtype=np.intp) for name in ("id", "label")]
            known = self._labels = Labels(version, *columns)
        return known

    def kept_labels(self) -> dict[int, int | None]:
        """Return the labels that a person confirmed as right, by item; an item may have another label now."""
        found = self._database.column("select changes from history where action = 'keep_labels' and not undone")
        kept = [change for changes in found for change in recorded_changes(changes)[1]]
        return {item: change.after for change in kept for item in change.items}

    def contents(self, ids: Sequence[int] | Indexes) -> Any:
        """Return what is classified for each of these ids: a list of texts or paths of images, or a table of rows.

        Items that were taken back since the ids were read count, too.
        """
        found, columns = [item for item, _ in self._found(ids)], self.columns()
        if columns:
            return frame_of(columns, [item.content for item in found], [item.id for item in found])
        return [self.path(item) if item.name else item.content for item in found]

    def columns(self) -> Columns:
        """Return the columns of the rows of features; none where items are texts or images, or before the first row."""
        found = self._database.column(
            "select item_column from batches, project where kind = 'rows' and not hidden and item_column is not null "
            "order by batches.id limit 1"
        )
        return read_columns(found[0]) if found else {}

    def name_of(self, item: Item) -> str:
        """Return what an item is called on one line: the text, the name of the image's file, or the values of a row."""
        columns = self.columns()
        return shown_row(columns, item.content) if columns else item.name or item.content

    def there(self, ids: Sequence[int] | Indexes) -> Indexes:
        """Return those of the ids whose texts or image files are there; a person may have removed files."""
        found = [item.id for item, _ in self._found(ids) if not item.name or self.path(item).is_file()]
        return np.array(found, dtype=np.intp)

    def path(self, item: Item) -> Path:
        """Return the file of an image."""
        return self._folder / IMAGES / item.content

    def picture(self, item: Item) -> bytes:
        """Return an image as a JPEG, as large as a screen shows it."""
        return jpeg_of(self.path(item), PICTURE_SIDE)

    def thumbnail(self, item: Item) -> Path:
        """Return a small JPEG of an image, which every browser shows."""
        return self._folder / THUMBNAILS / f"{Path(item.content).stem}.jpg"


def stored_label(label: LabelOf) -> int | None:
    """Return a label as it is stored."""
    return UNKNOWN_ID if label == UNKNOWN else label


def shown_label(stored: int | None) -> LabelOf:
    """Return a stored label: the id of a class, "unknown", or None."""
    return UNKNOWN if stored == UNKNOWN_ID else stored or None


def _item(row: Row) -> Item:
    return Item(row["id"], row["content"], row["name"], shown_label(row["label"]))
