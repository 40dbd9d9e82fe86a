"""Adding texts to a project: pasted ones, and the rows of tables."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeAlias

from anyshot.app.studio.adding import Added, stored_cells
from anyshot.app.studio.entries import PASTED, Entry
from anyshot.app.studio.previews import likely_text_column
from anyshot.app.studio.project import Project
from anyshot.app.studio.table_rows import Prepared, check_column, insert_rows, read_rows
from anyshot.base.columns import is_blank, is_missing, is_missing_mark, python_value
from anyshot.base.messages import collecting
from anyshot.base.terminal import whole_characters
from anyshot.data.damaged_texts import note_damage
from anyshot.data.item_columns import refuse_nested
from anyshot.errors import DataFileError, InputError

MAX_TEXT: Final = 100_000
"""Longest text that is added [characters]; an encoder reads the beginning only."""

_TextRow: TypeAlias = tuple[str, Any, str, Sequence[Any]]  # place, text, label, all cells


def add_texts(project: Project, texts: Iterable[str], *, source: str = PASTED) -> Added:
    """Add texts, such as pasted lines; empty ones are left out."""
    if isinstance(texts, str | bytes):
        raise InputError("A list of texts is needed; got one text. Write [text].")
    rows: list[_TextRow] = [
        (f"text {number}", text, "", [])
        for number, text in enumerate(map(python_value, texts), start=1)
        if not (isinstance(text, str) and is_blank(text))
    ]
    return _add_texts(project, rows, source=source)


def add_table(
    project: Project,
    path: str | Path,
    *,
    text_column: str | None = None,
    label_column: str | None = None,
    sheet: str | None = None,
    has_names: bool = True,
    whole: bool = False,
    source: str | None = None,
    entry: Entry | None = None,
) -> Added:
    """Add the rows of a table (CSV, TSV, JSON lines, Parquet, Excel), or the texts of a .txt file.

    text_column: the column of the texts, by default what `preview` proposes; label_column: that of labels, if any,
    whose names become classes; sheet: of a workbook, by default the first visible one that has rows; has_names: whether
    the first row holds the names of the columns, which are otherwise "Column 1" and so on; whole: whether a .txt file,
    such as a letter, is one text, rather than a text per line; source: the name of the file, if `path` is a copy of it;
    entry: that of another table, with which this one is undone. All columns are kept for the export. The table is added
    completely or not at all.

    Raises
    ------
    DataFileError
        The file cannot be read, or has no such column or no usable text.
    InputError
        The label column has more than 200 different values that are no class yet.
    """
    read = read_rows(path, label_column=label_column, sheet=sheet, has_names=has_names, source=source, whole=whole)
    text_column = text_column or likely_text_column(read.table)
    check_column(read.name, text_column, read.columns)
    refuse_nested(replace(read.table, path=Path(read.name)), [text_column])
    if label_column == text_column:
        raise InputError(f"{label_column!r} was given for the texts and for the labels. Give two columns.")
    at = read.columns.index(text_column)
    rows = [
        (read.table.place(number), row[at], label, row)
        for number, (row, label) in enumerate(zip(read.cells, read.labels, strict=True))
    ]
    named = {"columns": read.columns, "item_column": text_column, "classes": read.classes, "entry": entry}
    added = _add_texts(project, rows, source=read.name, **named)
    added.read = read.notes
    return added


def _add_texts(project: Project, rows: Sequence[_TextRow], *, source: str, **more: Any) -> Added:
    """Add rows of (place, text, label, cells), but those that cannot be used; more: as for `insert_rows`.

    A row of a table with an empty text is kept for the export.
    """
    added, prepared = Added(), list[Prepared]()
    for place, text, label, cells in rows:
        if not _fault(text, place, added):
            prepared.append(Prepared(place, str(text), str(text), label, stored_cells(cells)))
        elif cells and _is_empty(text):
            prepared.append(Prepared(place, "", "", "", stored_cells(cells)))
    if not any(row.content for row in prepared):
        reason = added.faults[0][1] if added.faults else "there is none"
        raise DataFileError(f"{source} has no usable text: {reason}.")
    with collecting() as notes:
        note_damage(source, [row.content for row in prepared if row.content])
    added.doubts += map(str, notes)
    return insert_rows(project, "texts", prepared, added, source=source, **more)


def _is_empty(text: Any) -> bool:
    return bool(is_missing(text)) or is_blank(str(text))


def _fault(text: Any, place: str, added: Added) -> bool:
    """Return whether a cell cannot be used as a text, and list why."""
    if _is_empty(text):
        added.faults.append((place, "the text is empty"))
    elif is_missing_mark(str(text)):
        added.faults.append((place, f"the text is missing, written as {str(text).strip()}"))
    elif whole_characters(str(text)) != str(text):
        added.faults.append((place, "the text has half of a character, as of an emoji that was cut off"))
    elif len(str(text)) > MAX_TEXT:
        added.faults.append((place, f"the text has {len(str(text)):,} characters; {MAX_TEXT:,} are allowed"))
    else:
        return False
    return True
