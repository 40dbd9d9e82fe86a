"""Other columns of the rows of files, such as the number of a ticket, which are shown and searched."""

import json
import unicodedata
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

from anyshot.app.studio.adding import read_cells
from anyshot.app.studio.feature_items import shown_value
from anyshot.app.studio.project import Project
from anyshot.app.studio.transactions import LISTED, Row, listed
from anyshot.base.validation import Indexes

_ROWS: Final = (
    "select rows.item, rows.cells, batches.columns, batches.item_column from rows "
    "join batches on batches.id = rows.batch where batches.columns <> '[]' and not batches.hidden"
)


def other_cells(
    project: Project, ids: Sequence[int] | Indexes, language: str = "en"
) -> dict[int, list[tuple[str, str]]]:
    """Return the name and the value of each cell beside an item, by its id; of equal items, those of the first row."""
    features = project.items.columns()
    rows = project.database.read(f"{_ROWS} and rows.item in {LISTED} order by rows.id desc", listed(ids))
    found = {row["item"]: _cells(row, {*features, row["item_column"]}) for row in rows}
    return {item: [(name, _shown(cell, language)) for name, cell in own] for item, own in found.items()}


def _shown(cell: Any, language: str) -> str:
    if isinstance(cell, float):
        return shown_value(cell, "number", language)
    return shown_value(str(cell).removesuffix(" 00:00:00"), "date", language)  # a date without a time


def items_with(project: Project, words: Sequence[str]) -> list[int]:
    """Return the ids of the items whose rows have all words, as `folded` returns them; numbers count as a whole."""
    features = project.items.columns()
    is_likely = search_in_text([json.dumps(word, ensure_ascii=False)[1:-1] for word in words])  # as in `stored_cells`
    rows = [row for row in project.database.read(_ROWS) if is_likely(row["cells"])]
    return [row["item"] for row in rows if _has(words, [cell for _, cell in _cells(row, features)])]


def _cells(row: Row, others: Collection[str]) -> list[tuple[str, Any]]:
    """Return the name and the value of each cell of a row that is not empty, but those of other columns."""
    cells = zip(json.loads(row["columns"]), read_cells(row["cells"]), strict=True)
    return [(name, cell) for name, cell in cells if name not in others and cell not in (None, "")]


def _has(words: Sequence[str], cells: Sequence[Any]) -> bool:
    numbers = {str(cell) for cell in cells if isinstance(cell, int | float)}
    texts = [folded(str(cell)) for cell in cells if not isinstance(cell, int | float)]
    return all(word in numbers or any(word in text for text in texts) for word in words)


def search_in_text(words: Sequence[str]) -> Callable[[str], bool]:
    """Return whether a text has all words, as `folded` returns them."""

    def found(text: str) -> bool:
        own = folded(text)
        return all(word in own for word in words)

    return found


def folded(text: str) -> str:
    """Return a text as it is compared: in any case, with accents as letters of their own or not."""
    return unicodedata.normalize("NFC", text).casefold()
