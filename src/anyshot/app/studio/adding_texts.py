"""Adding texts to a project: pasted ones, and the rows of tables."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeAlias

import pandas as pd

from anyshot.app.studio.adding import (
    DATES,
    Added,
    adding_change,
    batch_row,
    insert_item,
    insert_row,
    stored_cells,
)
from anyshot.app.studio.classes import add_class
from anyshot.app.studio.database import UNKNOWN_ID
from anyshot.app.studio.entries import PASTED, Entry
from anyshot.app.studio.project import Project
from anyshot.app.studio.transactions import Transaction
from anyshot.base.columns import LABEL_COLUMNS, TEXT_COLUMNS, is_blank, is_missing, python_value
from anyshot.base.labels import MAX_FRACTIONS, UNKNOWN, WRITTEN_MISSING, clean_name, fractions_in, warn_of_joined
from anyshot.base.terminal import whole_characters
from anyshot.base.warning import collecting
from anyshot.data.tables import Table, read_table
from anyshot.errors import DataFileError, InputError

MAX_TEXT: Final = 100_000
"""Longest text that is added [characters]; an encoder reads the beginning only."""
MAX_CLASSES: Final = 200
"""Most new classes that a label column may bring; a column with more holds something else."""

_NUMBER: Final = re.compile(r"[+-]?\d+(?:[.,]\d+)?%?")
_WHOLE: Final = re.compile(r"-?\d+\.0")

_TextRow: TypeAlias = tuple[str, Any, Any, Sequence[Any]]  # place, text, label, all cells


@dataclass(frozen=True)
class Preview:
    """The columns of a table with its first rows, to choose the column of the texts from.

    text_column, label_column: what is probably meant, None if nothing is; notes: how the file was read, where that may
    not be what was meant; sheets: those of a workbook that have values; has_names: whether the first row holds the
    names of the columns, None if the file has no such row.
    """

    columns: list[str]
    rows: list[list[str]]
    n_rows: int
    text_column: str | None
    label_column: str | None
    notes: list[str] = field(default_factory=list)
    sheets: list[str] = field(default_factory=list)
    has_names: bool | None = None


def preview(path: str | Path, *, n_rows: int = 5, sheet: str | None = None, has_names: bool | None = True) -> Preview:
    """Return the columns and the first rows of a table.

    sheet: of a workbook, by default the first visible one that has values; has_names: whether the first row holds the
    names of the columns, None if it does only where one of them is usual, such as "text", or stands above numbers.

    Raises
    ------
    DataFileError
        The file cannot be read.
    """
    with collecting() as notes:
        table = read_table(Path(path), sheet=sheet)
    if has_names is None:
        has_names = any(map(_is_name, _column_names(table), table.columns()))
    table = _headed(table, has_names)
    shown = _preview_of(table, n_rows)
    if not has_names and shown.label_column is None and len(shown.columns) == 2:
        other = 1 - shown.columns.index(shown.text_column or "")
        values = [value for value in table.columns()[other] if value]
        if 0 < len(set(values)) <= len(values) / 2:
            shown = replace(shown, label_column=shown.columns[other])
    facts: dict[str, Any] = {"sheets": list(table.sheets), "has_names": None if table.numbers is None else has_names}
    return replace(shown, notes=list(map(str, notes)), **facts)


def _is_name(first: str, others: Sequence[Any]) -> bool:
    """Return whether the first cell of a column names it, rather than being one of its values."""
    above_numbers = bool(others) and all(_NUMBER.fullmatch(str(cell).strip()) for cell in others)
    is_usual = first.strip().casefold() in (*TEXT_COLUMNS, *LABEL_COLUMNS)
    return is_usual or (above_numbers and not _NUMBER.fullmatch(first.strip()))


def _headed(table: Table, has_names: bool) -> Table:
    """Return a table whose first row is one of its rows, unless it holds the names of the columns."""
    if has_names or table.numbers is None:
        return table
    names = [name or None for name in table.frame.columns]
    cells = [names, *table.frame.itertuples(index=False, name=None)]
    lines = table.lines and [table.lines[0] - 1 - sum(name.count("\n") for name in names if name), *table.lines]
    frame = pd.DataFrame(cells, columns=[""] * len(names), dtype=object)
    return replace(table, frame=frame, lines=lines, numbers=[table.numbers[0] - 1, *table.numbers])


def _preview_of(table: Table, n_rows: int) -> Preview:
    columns = _column_names(table)
    shown = [["" if value is None else str(value)[:200] for value in row] for row in _rows(table, n_rows)]
    label = next((name for name in columns if name.strip().casefold() in LABEL_COLUMNS), None)
    text = next((name for usual in TEXT_COLUMNS for name in columns if name.strip().casefold() == usual), None)
    if text is None:  # the column with the longest texts
        lengths = [sum(len(row[k]) for row in shown) for k in range(len(columns))]
        others = [k for k in range(len(columns)) if columns[k] != label]
        text = columns[max(others, key=lambda k: lengths[k])] if others else columns[0]
    return Preview(columns, shown, len(table.frame), text, None if label == text else label)


def add_texts(project: Project, texts: Iterable[str], *, source: str = PASTED) -> Added:
    """Add texts, such as pasted lines; empty ones are left out."""
    if isinstance(texts, str | bytes):
        raise InputError("A list of texts is needed; got one text. Write [text].")
    rows: list[_TextRow] = [
        (f"text {number}", text, None, [])
        for number, text in enumerate(map(python_value, texts), start=1)
        if not (isinstance(text, str) and is_blank(text))
    ]
    return _add_texts(project, rows, source=source, columns=[], item_column=None)


def add_table(
    project: Project,
    path: str | Path,
    *,
    text_column: str | None = None,
    label_column: str | None = None,
    sheet: str | None = None,
    has_names: bool = True,
    source: str | None = None,
    entry: Entry | None = None,
) -> Added:
    """Add the rows of a table (CSV, TSV, JSON lines, Parquet, Excel, or a text per line).

    text_column: the column of the texts, by default what `preview` proposes; label_column: that of labels, if any,
    whose names become classes; sheet: of a workbook, by default the first visible one that has values; has_names:
    whether the first row holds the names of the columns, which are otherwise "Column 1" and so on; source: the name of
    the file, if `path` is a copy of it; entry: that of another table, with which this one is undone. All columns are
    kept for the export. The table is added completely or not at all.

    Raises
    ------
    DataFileError
        The file cannot be read, or has no such column or no usable text.
    InputError
        The label column has more than 200 different values that are no class yet.
    """
    file = Path(path)
    name = source or file.name
    with collecting() as notes:
        table = _headed(read_table(file, sheet=sheet), has_names)
    columns = _column_names(table)
    text_column = text_column or _preview_of(table, n_rows=5).text_column
    for column in (text_column, label_column):
        if column is not None and column not in columns:
            raise DataFileError(f"{name} has no column {column!r}. Its columns: {', '.join(columns)}.")
    if label_column == text_column:
        raise InputError(f"{label_column!r} was given for the texts and for the labels. Give two columns.")
    at, cells = columns.index(text_column or ""), list(_rows(table))
    labels = _labels([None if label_column is None else row[columns.index(label_column)] for row in cells])
    rows = [
        (table.place(number), row[at], label, row)
        for number, (row, label) in enumerate(zip(cells, labels, strict=True))
    ]
    added = _add_texts(project, rows, source=name, columns=columns, item_column=text_column, entry=entry)
    added.read = list(map(str, notes))
    return added


def _add_texts(
    project: Project,
    rows: Sequence[_TextRow],
    *,
    source: str,
    columns: Sequence[str],
    item_column: str | None,
    entry: Entry | None = None,
) -> Added:
    """Add rows of (place, text, label, cells) in one transaction."""
    if project.kind != "texts":
        raise InputError("This project holds images. Create a project of texts for messages and tables.")
    added = Added()
    usable = [row for row in rows if not _fault(row[1], row[0], added)]
    if not usable:
        reason = added.faults[0][1] if added.faults else "there is none"
        raise DataFileError(f"{source} has no usable text: {reason}.")
    # All that takes long is done before the transaction, in which others have to wait to label.
    names = [_clean(row[2]) for row in usable]
    prepared = [(place, str(text), stored_cells(cells)) for place, text, _, cells in usable]
    digests = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for _, text, _ in prepared]
    with adding_change(project.database, source, entry) as (transaction, facts):
        batch = transaction.insert("batches", batch_row(source, columns, item_column))
        labels = _label_ids(transaction, names, added)
        for name, digest, (place, text, cells) in zip(names, digests, prepared, strict=True):
            item = insert_item(transaction, digest, text, "", labels.get(name), added, place)
            insert_row(transaction, batch, item, cells)
        transaction.refresh_items(batch)
        facts["count"] += added.n_items
        if source not in facts["source"]:
            facts["source"] = f"{facts['source'].removesuffix(', …')}, …"
    added.entry = transaction.entry
    return added


def _fault(text: Any, place: str, added: Added) -> bool:
    """Return whether a cell cannot be used as a text, and list why."""
    if is_missing(text) or is_blank(str(text)):
        added.faults.append((place, "the text is empty"))
    elif whole_characters(str(text)) != str(text):
        added.faults.append((place, "the text has half of a character, as of an emoji that was cut off"))
    elif len(str(text)) > MAX_TEXT:
        added.faults.append((place, f"the text has {len(str(text)):,} characters; {MAX_TEXT:,} are allowed"))
    else:
        return False
    return True


def _label_ids(transaction: Transaction, labels: Sequence[str], added: Added) -> dict[str, int]:
    """Return the stored label of each name in a label column, and add the classes that are new."""
    names = dict.fromkeys(labels)
    known = {row["name"].casefold(): row["id"] for row in transaction.read("select id, name from classes")}
    known |= {UNKNOWN: UNKNOWN_ID}
    others = [name for name in names if name and name.casefold() not in known]
    missing = [name for name in others if name in WRITTEN_MISSING]
    new = [name for name in others if name not in WRITTEN_MISSING]
    if len(new) > MAX_CLASSES:
        raise InputError(
            f"The label column has {len(new):,} different values, such as {new[0]!r}; {MAX_CLASSES} new classes are "
            "allowed. Choose the column of the classes, or no label column."
        )
    added.doubts = _doubts(new)
    if missing:
        listed = ", ".join(map(repr, missing))
        added.doubts.append(
            f"No label was read from: {listed}. If one is a class, add the class, then the table again."
        )
    for name in new:
        if name.casefold() not in known:
            known[name.casefold()] = add_class(transaction, name)
            added.new_classes.append(name)
    return {name: known[name.casefold()] for name in names if name.casefold() in known}


def _doubts(new: Sequence[str]) -> list[str]:
    """Return why the new classes of a label column may not be what was meant; InputError if they can hardly be."""
    fractions = fractions_in(new)
    if len(fractions) > MAX_FRACTIONS:
        raise InputError(
            f"The label column has {len(fractions):,} different numbers with fractions, such as {fractions[0]!r}, "
            "which are hardly classes. Choose the column of the classes, or no label column."
        )
    with collecting() as found:
        warn_of_joined(new)
    return list(map(str, found))


def _clean(label: Any) -> str:
    return "" if is_missing(label) else " ".join(clean_name(str(label)).split())


def _labels(labels: Sequence[Any]) -> Sequence[Any]:
    """Return a column of labels; 1.0 is 1 if a cell is empty, beside which pandas writes whole numbers so."""
    given = [label for label in labels if not is_missing(label) and str(label).strip()]
    if len(given) == len(labels) or not all(_WHOLE.fullmatch(str(label).strip()) for label in given):
        return labels
    return ["" if is_missing(label) else str(label).strip().removesuffix(".0") for label in labels]


def _column_names(table: Table) -> list[str]:
    """Return the names of a table's columns; those without one are called by their place, as "Column 2"."""
    given = [str(name) for name in table.frame.columns]
    own = [f"Column {number}" for number in range(1, len(given) + 1)]
    return [name or (f"{other} (no name)" if other in given else other) for name, other in zip(given, own, strict=True)]


def _rows(table: Table, limit: int | None = None) -> Iterator[list[Any]]:
    """Yield the rows of a table as Python values that `stored_cells` can hold."""
    part = table if limit is None else table.rows(range(min(limit, len(table.frame))))
    for row in zip(*part.columns(), strict=True):
        yield [_plain(value) for value in row]


def _plain(value: Any) -> Any:
    if hasattr(value, "item") and not isinstance(value, str):
        value = value.item()
    if isinstance(value, tuple(DATES.values())):  # a spreadsheet has no time zones
        return value if getattr(value, "tzinfo", None) is None else str(value)
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
