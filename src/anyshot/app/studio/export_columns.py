"""The columns that an export of the studio adds to a table, by which it is known again."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from anyshot.data.tables import Table

CLASS: Final = "class"
CONFIDENCE: Final = "confidence"
CONFIRMED: Final = "confirmed"
MADE_BY: Final = "studio_"
"""Precedes the name of a new column if a column of the table has it already."""


def exported_columns(table: "Table") -> tuple[str, str, str] | None:
    """Return the columns of the class, the confidence and whether it is confirmed; None if no project wrote the table.

    Where several projects did, one after another, they are those of the last.
    """
    names = [(MADE_BY + name, name) for name in (CLASS, CONFIDENCE, CONFIRMED)]
    found = [name for both in names for name in both if name in table.frame.columns]
    of_class, confidence, confirmed = (next((one for one in found if one in both), "") for both in names)
    if not (of_class and confidence and confirmed) or not {"yes", "no"}.issuperset(table.values(confirmed)):
        return None
    return of_class, confidence, confirmed
