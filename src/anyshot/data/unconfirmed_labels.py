"""Labels in a table that no person confirmed: answers in an export of the studio, and labels rejected in Prodigy."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from anyshot.base.messages import count, note

if TYPE_CHECKING:
    from anyshot.data.tables import Table

CLASS: Final = "class"
CONFIDENCE: Final = "confidence"
CONFIRMED: Final = "confirmed"
MADE_BY: Final = "studio_"
"""Precedes the name of a column that an export of the studio adds if a column of the table has it already."""
ANSWERS: Final = "answer"
"""Column in which Prodigy writes whether a person accepted the label."""

log = logging.getLogger(__name__)


class ExportedColumns(NamedTuple):
    """The columns that an export of the studio adds: the class, the confidence of an answer, "yes" for a label."""

    of_class: str
    confidence: str
    confirmed: str


def exported_columns(table: "Table") -> ExportedColumns | None:
    """Return the columns that the studio added to a table; None if no project wrote it.

    Where several projects did, one after another, they are those of the last.
    """
    names = [(MADE_BY + name, name) for name in (CLASS, CONFIDENCE, CONFIRMED)]
    found = [name for both in names for name in both if name in table.frame.columns]
    of_class, confidence, confirmed = (next((one for one in found if one in both), "") for both in names)
    if not (of_class and confidence and confirmed) or not {"yes", "no"}.issuperset(table.values(confirmed)):
        return None
    return ExportedColumns(of_class, confidence, confirmed)


def unconfirmed_rows(table: "Table", column: str) -> list[int]:
    """Return the rows whose label in a column no person confirmed: answers of the studio, or rejected in Prodigy."""
    marks = _marks(table, column)
    return [] if marks is None else [row for row, mark in enumerate(table.values(marks[0])) if mark != marks[1]]


def without_unconfirmed(table: "Table", column: str, labels: Sequence[object]) -> list[object]:
    """Return the labels in a column, None for those that no person confirmed, and log how many these are."""
    marks, rows = _marks(table, column), [row for row in unconfirmed_rows(table, column) if labels[row] is not None]
    if marks is None or not rows:
        return list(labels)
    name, first = marks[0], rows[0]
    note(
        log,
        f"{table.path}: {count(len(rows), 'label')} in {column!r} that nobody confirmed ({name!r} is "
        f"{table.values(name)[first]!r}, first in {table.place(first)}), counted as no label. If all of them are "
        f"right, delete the column {name!r}",
    )
    left_out = set(rows)
    return [None if row in left_out else label for row, label in enumerate(labels)]


def _marks(table: "Table", column: str) -> tuple[str, str] | None:
    """Return the column that says whether a person confirmed the labels in a column, and what it says if so."""
    exported = exported_columns(table)
    if exported is not None and column == exported.of_class:
        return exported.confirmed, "yes"
    if column == ANSWERS or ANSWERS not in table.frame:
        return None
    is_of_prodigy = {str(value) for value in table.values(ANSWERS)} <= {"accept", "reject", "ignore"}
    return (ANSWERS, "accept") if is_of_prodigy else None
