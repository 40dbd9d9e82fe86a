"""Columns of features in a table, such as measurements and categories: which they are, and their rows."""

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

import pandas as pd

from anyshot.base.written_labels import as_whole
from anyshot.data.column_kinds import NUMBER
from anyshot.data.item_columns import FeatureColumns, is_empty, is_no_text, listed_columns, missing_column
from anyshot.data.tables import Table
from anyshot.data.text_files import suffix_of
from anyshot.errors import DataFileError, InputError

MISSING_NUMBERS: Final = frozenset({"nan", "na", "n/a", "?"})
"""Cells, in lower case, that stand for a missing number."""
_DECIMAL_COMMA: Final = re.compile(r"[+-]?\d+(?:\.\d{3})*(?:,\d+)?(?:\s?%)?")


def find_features(
    table: Table, given: FeatureColumns, *, labels: str | None, left_out: Collection[str] = ()
) -> list[str]:
    """Return the names of the feature columns of a table; labels: their column; left_out: those not among "all".

    Raises
    ------
    DataFileError
        A column is missing, or there is none beside the labels.
    InputError
        The labels are among the features.
    """
    columns = [str(name) for name in table.frame.columns]
    for name in left_out if given == "all" else given:
        if name not in columns:
            others = [column for column in columns if column not in given]
            near = missing_column(name, others, may_list=True)[1]
            remedy = near or "Add it, with empty cells where nothing is known, or fit a model without it."
            raise DataFileError(f"{table.path} has no column {name!r}. Its columns: {listed_columns(table)}. {remedy}")
    if given == "all":
        found = [name for name in columns if name.strip() and name not in (labels, *left_out)]
        if not found:
            raise DataFileError(f"{table.path} has no column of features. Its columns: {listed_columns(table)}.")
        return found
    if labels in given:
        raise InputError(f"{labels!r} was given for the labels and as a feature. Leave it out of the features.")
    return list(given)


def feature_rows(table: Table, names: Collection[str]) -> pd.DataFrame:
    """Return the rows of feature columns (n, d), whose cells are numbers, texts or dates; an empty one is None.

    The rows are named by their numbers in the file. In a column of numbers, n/a, NA and ? stand for missing ones, and
    in a CSV or TSV without commas between its cells a comma may be the decimal mark.
    """
    columns = {name: [None if is_empty(value) else value for value in table.values(name)] for name in names}
    commas = table.separator not in (None, ",") or suffix_of(table.path) == ".tsv"
    numbers = [table.number(row) for row in range(len(table.frame))]
    cells = {name: _with_booleans(_without_marks(values, commas=commas)) for name, values in columns.items()}
    return pd.DataFrame(cells, index=numbers, dtype=object)


def _with_booleans(cells: list[Any]) -> list[Any]:
    """Return cells that are all written as true or false as these, as a workbook and JSON have them.

    >>> _with_booleans(["TRUE", None, "false"]), _with_booleans(["TRUE", "?"])
    ([True, None, False], ['TRUE', '?'])
    """
    written = [None if cell is None else str(cell).strip().casefold() for cell in cells]
    if not {"true", "false", None}.issuperset(written):
        return cells
    return [None if cell is None else cell == "true" for cell in written]


def _without_marks(cells: list[Any], *, commas: bool) -> list[Any]:
    """Return cells without the marks of missing numbers, and with decimal points, if the others are numbers."""
    given = [None if is_missing_number(cell) else cell for cell in cells]
    found = with_decimal_points(given) if commas else given
    texts = [cell.strip() for cell in found if isinstance(cell, str)]
    return found if all(map(NUMBER.fullmatch, texts)) else cells


def is_missing_number(cell: Any) -> bool:
    """Return whether a cell is empty, or has a mark of a missing number."""
    return is_no_text(cell) or (isinstance(cell, str) and cell.strip().casefold() in MISSING_NUMBERS)


def with_decimal_points(cells: list[Any]) -> list[Any]:
    """Return cells, with a decimal point in place of the comma if some of them have one, and all are numbers.

    >>> with_decimal_points(["1.250,5", "-3", None]), with_decimal_points(["3,5", "a"])
    (['1250.5', '-3', None], ['3,5', 'a'])
    """
    texts = [cell.strip() for cell in cells if isinstance(cell, str)]
    if not any("," in text for text in texts) or not all(map(_DECIMAL_COMMA.fullmatch, texts)):
        return cells
    return [cell.replace(".", "").replace(",", ".") if isinstance(cell, str) else cell for cell in cells]


def as_rows(items: pd.DataFrame) -> list[str]:
    """Return each row as text, by its values.

    >>> as_rows(pd.DataFrame({"age": [31.0, None], "city": ["Rome", "Oslo"]}))
    ['age=31, city=Rome', 'city=Oslo']
    """
    return list(map(as_row, items.astype(object).where(items.notna(), None).to_dict("records")))


def as_row(cells: Mapping[Any, Any]) -> str:
    """Return the cells of one row as text, None for missing ones."""
    return ", ".join(f"{name}={as_whole(value)}" for name, value in cells.items() if value is not None)
