"""Columns of features in a table, such as measurements and categories: which they are, and their rows."""

import logging
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from anyshot.base.columns import LABEL_COLUMNS
from anyshot.base.messages import first_of, note
from anyshot.base.written_labels import TRUTH_VALUES, as_whole, truth_in_english
from anyshot.data.cells import is_empty, is_no_text
from anyshot.data.column_kinds import NUMBER, are_few, is_of_other_order, likely_kind, read_numbers
from anyshot.data.decimal_marks import (
    Mark,
    are_amounts,
    decimal_mark,
    note_unclear,
    unclear_number,
    with_decimal_points,
)
from anyshot.data.item_columns import FeatureColumns, listed_columns, missing_column
from anyshot.data.tables import Table
from anyshot.data.text_files import suffix_of
from anyshot.data.unconfirmed_labels import exported_columns
from anyshot.errors import DataFileError, InputError

MISSING_NUMBERS: Final = frozenset(
    {"nan", "na", "n/a", "#n/a", "n.a.", "n. a.", "k.a.", "k. a.", "none", "null", "unknown", "unbekannt", "missing"}
    | {f".{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"}  # of Stata
    | {"00000000", "0000-00-00", "0000-00-00 00:00:00"}  # dates of SAP and MySQL
    | {"?", "-", "--", ".", "\u2013", "\u2014", "\u2212"}
)
"""Cells, in lower case, that stand for a missing number or date."""
CLASSES: Final = (
    *LABEL_COLUMNS,
    *("species", "diagnosis", "outcome", "result", "status", "churn", "group", "type"),
    *("diagnose", "ergebnis", "gruppe", "art", "typ", "zielgröße", "zielgroesse"),
)
"""Usual names of the column of the classes among features."""
MOST_CLASSES: Final = 20
"""Columns with more different values are not proposed as those of classes."""
_SIGNS: Final = str.maketrans("\uff0e\uff0c\uff0d\uff05\u066b\u066c\u066a", ".,-%.,%")
_FEW_CODES: Final = 3
"""Different whole numbers that may be classes, whatever they begin with."""
UNKNOWN_KINDS: Final[Mapping[str, Any]] = {}
log = logging.getLogger(__name__)


def find_features(
    table: Table, given: FeatureColumns, *, labels: str | None, left_out: Collection[str] = ()
) -> list[str]:
    """Return the names of the feature columns of a table; labels: their column; left_out: those not among "all".

    Raises DataFileError if a column is missing, or there is none beside the labels. Raises InputError if the labels are
    among the features.
    """
    columns = [str(name) for name in table.frame.columns]
    _check_there(table, () if given == "all" else given, left_out)
    if given == "all":
        made = [name for name in exported_columns(table) or () if name not in (labels, *left_out)]
        if made:
            note(log, f"{table.path}: columns that the studio added are no features: {', '.join(map(repr, made))}")
        found = [name for name in columns if name.strip() and name not in (labels, *left_out, *made)]
        if not found:
            raise DataFileError(f"{table.path} has no column of features. Its columns: {listed_columns(table)}.")
        return found
    if labels in given:
        raise InputError(f"{labels!r} was given for the labels and as a feature. Leave it out of the features.")
    return list(given)


def _check_there(table: Table, given: Sequence[str], left_out: Collection[str]) -> None:
    """Raise DataFileError if a table lacks a column of features, or one that is to be left out of them."""
    columns = [str(name) for name in table.frame.columns]
    listed = f"Its columns: {listed_columns(table)}."
    if len(given) > 1 and not set(given).intersection(columns):
        names = first_of([repr(name) for name in given], at_most=5)
        raise DataFileError(
            f"{table.path} has none of the columns {names}. {listed} Give a file that has them, or fit a model on the "
            "columns of this one."
        )
    missing = next((name for name in (*given, *left_out) if name not in columns), None)
    if missing is None:
        return
    others = [column for column in columns if column not in given]
    near = missing_column(missing, others, may_list=True)[1]
    if missing in given:
        fault, remedy = "", "Add it, with empty cells where nothing is known, or fit a model without it."
    else:
        fault, remedy = " that --except could leave out", "Give the names of columns to leave out."
    raise DataFileError(f"{table.path} has no column {missing!r}{fault}. {listed} {near or remedy}")


def named_class_column(columns: Sequence[str]) -> str | None:
    """Return the column that has the classes by its name, None if none has a usual name."""
    by_name = {name.strip().casefold(): name for name in reversed(columns)}
    return next((by_name[usual] for usual in CLASSES if usual in by_name), None)


def likely_class_column(rows: pd.DataFrame) -> str | None:
    """Return the column of rows of features that may hold classes instead, by its values; None if none does.

    It has a usual name; or it is the last, or the first that does not only name the rows, and has few different values,
    each of them repeated: up to `MOST_CLASSES` texts, or half as many whole numbers with 0 or -1 among them, or three
    others that are not all years.

    >>> likely_class_column(pd.DataFrame({"age": [31, 40, 52, 33, 28, 61], "left": ["no", "no", "yes"] * 2}))
    'left'
    """
    names = [str(name) for name in rows.columns]
    if (named := named_class_column(names)) is not None:
        return named
    numbering = len(names) > 2 and rows.iloc[:, 0].is_unique
    return next((name for name in (names[-1], names[int(numbering)]) if _may_be_classes(rows[name])), None)


def _may_be_classes(column: "pd.Series[Any]") -> bool:
    values = column.dropna()
    distinct = set(map(str, values))
    if not 2 <= len(distinct) <= min(MOST_CLASSES, len(values) / 3):
        return False
    try:
        kind = likely_kind(column)
    except InputError:
        return False
    return kind == "category" or (kind == "number" and _may_be_codes({value.strip() for value in distinct}))


def _may_be_codes(values: set[str]) -> bool:
    """Return whether numbers may be those of classes; others count something, such as rooms, or are years."""
    codes = {re.sub(r"\.0*$", "", value) for value in values}
    if not all(re.fullmatch(r"-?\d+|True|False", code) for code in codes):
        return False
    if len(codes) <= _FEW_CODES:
        return not all(re.fullmatch(r"(19|20)\d\d", code) for code in codes)
    return len(codes) <= MOST_CLASSES / 2 and not codes.isdisjoint({"0", "-1"})


def feature_rows(table: Table, names: Collection[str], kinds: Mapping[str, str] = UNKNOWN_KINDS) -> pd.DataFrame:
    """Return the rows of feature columns (n, d), whose cells are numbers, texts or dates; an empty one is None.

    The rows are named by their numbers in the file. In a column of numbers or dates, n/a, NA and ? stand for missing
    ones, and a comma may be the decimal mark in a CSV or TSV without commas between its cells, and in amounts of money.
    Where 5,111 or 5.111 may be five thousand, the other numbers of the file show it, or else it is logged. kinds: those
    of columns that a model or a project knows; of others, a few cells may be no numbers.
    """
    columns = {name: [None if is_empty(value) else value for value in table.values(name)] for name in names}
    commas = table.separator not in (None, ",") or suffix_of(table.path) == ".tsv"
    measured = {name: own for name, own in columns.items() if commas and kinds.get(name) != "category"}
    given = {name: [cell for cell in own if not is_missing_number(cell)] for name, own in measured.items()}
    unclear = {name: found for name, own in given.items() if (found := unclear_number(own)) is not None}
    mark = decimal_mark(table.columns()) if unclear else None
    cells = {
        name: _plain_cells(own, kinds.get(name), commas=commas, mark=mark if name in unclear else None)
        for name, own in columns.items()
    }
    if mark is None:
        note_unclear(unclear)
    return pd.DataFrame(cells, index=[table.number(row) for row in range(len(table.frame))], dtype=object)


def _with_booleans(cells: list[Any], kind: str | None = None) -> list[Any]:
    """Return cells that are all written as true or false as these, as a workbook and JSON have them.

    kind: of the column, if it is known. In one of numbers, as which truth values count, some cells may be others. Else,
    of another language than English both words must be there.

    >>> _with_booleans(["TRUE", None, "false"]), _with_booleans(["TRUE", "?"]), _with_booleans(["WAHR", "FALSCH"])
    ([True, None, False], ['TRUE', '?'], [True, False])
    """
    written = [None if cell is None else str(cell).strip().casefold() for cell in cells]
    different = set(filter(None, written))
    if kind == "number" or any(different == set(pair.split()) for pair in TRUTH_VALUES):
        written = [truth_in_english(text) if text else text for text in written]
    others = set(filter(None, written)) - {"true", "false"}
    if others and (kind != "number" or any(map(NUMBER.fullmatch, others))):
        return cells
    return [
        cell if text is None or text in others else text == "true" for cell, text in zip(cells, written, strict=True)
    ]


def _plain_cells(cells: list[Any], kind: str | None, *, commas: bool, mark: Mark | None) -> list[Any]:
    """Return cells with truth values, without the marks of missing numbers and with decimal points, as they apply."""
    given = [None if is_missing_number(cell) else _with_plain_signs(cell) for cell in cells]
    found = with_decimal_points(given, kind, mark=mark) if commas or are_amounts(given) else given
    try:
        kind = kind or likely_kind(pd.Series(found, dtype=object))
    except InputError:  # for what uses the column, which knows its name
        return found
    return _with_booleans(cells if kind == "category" else found, kind)


def _with_plain_signs(cell: Any) -> Any:
    """Return a cell with ASCII digits and signs in place of Arabic and full-width ones, and of another minus.

    >>> _with_plain_signs("\u2212\uff11\uff12\uff0e\uff15"), _with_plain_signs("\u0662\u0660")
    ('-12.5', '20')
    """
    if not isinstance(cell, str) or cell.isascii():
        return cell
    plain = cell.strip().translate(_SIGNS)
    minus = "-" if plain.startswith("\u2212") else ""
    return minus + "".join(str(unicodedata.decimal(one, one)) for one in plain[len(minus) :])


def cell_faults(rows: pd.DataFrame, kinds: Mapping[str, Any] = UNKNOWN_KINDS) -> dict[int, str]:
    """Return why rows of features cannot be used: they are empty, or a cell is none of its column's numbers or dates.

    kinds: as for `feature_rows`. A column is not looked at if none of its cells can be read, if its kind is not known
    and more than one in ten cannot, or if a date may have another order of day and month than in `fit`: what uses the
    table refuses it as a whole.
    """
    faults = dict.fromkeys(np.flatnonzero(rows.isna().all(axis=1)).tolist(), "the row is empty")
    for name, column in rows.items():
        try:
            kind = kinds.get(str(name)) or likely_kind(column)
        except InputError:
            continue
        found = {} if kind == "category" else read_numbers(column, kind)[1]
        n_good = column.count() - len(found)
        is_usable = n_good > 0 if str(name) in kinds else are_few(len(found), n_good)
        if is_usable and not any(is_of_other_order(column.iloc[row], kind) for row in found):
            faults = {**found, **faults}
    return dict(sorted(faults.items()))


def is_missing_number(cell: Any) -> bool:
    """Return whether a cell is empty, or has a mark of a missing number."""
    return is_no_text(cell) or (isinstance(cell, str) and cell.strip().casefold() in MISSING_NUMBERS)


def as_rows(items: pd.DataFrame) -> list[str]:
    """Return each row as text, by its values.

    >>> as_rows(pd.DataFrame({"age": [31.0, None], "city": ["Rome", "Oslo"]}))
    ['age=31, city=Rome', 'city=Oslo']
    """
    return list(map(as_row, items.astype(object).where(items.notna(), None).to_dict("records")))


def as_row(cells: Mapping[Any, Any]) -> str:
    """Return the cells of one row as text, None for missing ones."""
    return ", ".join(f"{name}={as_whole(value)}" for name, value in cells.items() if value is not None)
