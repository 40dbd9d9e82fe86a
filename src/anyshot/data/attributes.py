"""Class attributes: tables with one row per class and one column per attribute, as class vectors (c, a)."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from anyshot.base.labels import Label
from anyshot.base.messages import count, first_of
from anyshot.base.validation import Floats, number_rows
from anyshot.data.decimal_marks import with_decimal_points
from anyshot.data.feature_columns import MISSING_NUMBERS
from anyshot.data.tables import read_table
from anyshot.errors import ClassesError, DataFileError, DuplicateClassError, InputError, UnknownClassError

SHOWN: Final = 10  # names in a message


@dataclass(frozen=True)
class ClassAttributes:
    """Numeric attributes of classes, and how they were obtained.

    Attributes
    ----------
    names : tuple of str or number
        The classes, in the order of the rows.
    vectors : ndarray of shape (c, a)
        One row per class: the `class_vectors` of the zero-shot methods.
    columns : tuple of str
        Names of the columns.
    notes : tuple of str
        Imputed values and constant attributes.
    """

    names: tuple[Label, ...]
    vectors: Floats
    columns: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        size = f"{len(self.names)} classes x {len(self.columns)} columns"
        return "\n".join([size, *(f"  {note}" for note in self.notes)])


def load_attributes(
    path: str | os.PathLike[str],
    classes: Sequence[Label] | None = None,
    *,
    class_column: str | None = None,
    missing: ArrayLike = (),
) -> ClassAttributes:
    """Read a table with one row per class and one column per attribute: CSV, TSV, JSON lines or Parquet.

    Parameters
    ----------
    path : path
        The file.
    classes : sequence of names, optional
        The classes to return, in this order; by default all, in the order of the file.
    class_column : str, optional
        The column of class names; by default the first.
    missing : numbers
        Values that mean "missing", such as -1 in some published tables; an empty cell, NaN, NA and ? always do.

    Raises
    ------
    DataFileError
        The file cannot be read, does not have this column, or an attribute is not numeric.
    DuplicateClassError, UnknownClassError, ClassesError
        As `attribute_table`.
    """
    table = read_table(Path(path))
    frame, commas = table.frame, table.separator != ","
    named = str(frame.columns[0]) if class_column is None else class_column
    if named not in frame:
        raise DataFileError(f"{path} has no column {named!r}; it has {', '.join(map(str, frame.columns))}.")
    numbers = {str(name): _numbers(frame[name], path, commas=commas) for name in frame.columns if name != named}
    return attribute_table(pd.DataFrame(numbers).set_axis(frame[named]), classes, missing=missing)


def attribute_table(
    table: pd.DataFrame | Mapping[Label, Mapping[str, float]],
    classes: Sequence[Label] | None = None,
    *,
    missing: ArrayLike = (),
) -> ClassAttributes:
    """Return the attributes of each class; missing values are replaced with the attribute's mean over the classes.

    Parameters
    ----------
    table : DataFrame indexed by class, or {class: {attribute: value}}
        NaN, or an absent attribute, is a missing value.
    classes : sequence of names, optional
        The classes to return, in this order.
    missing : numbers
        Further values that mean "missing".

    Raises
    ------
    DuplicateClassError
        A class has two rows.
    UnknownClassError
        Classes have no row; the message names them.
    ClassesError
        A class or an attribute has no value.
    InputError
        There are no attributes, or a value is infinite.

    Examples
    --------
    >>> animals = {"horse": {"hooves": 1, "stripes": 0}, "zebra": {"hooves": 1, "stripes": 1}, "okapi": {"hooves": 1}}
    >>> print(attribute_table(animals))
    3 classes x 2 columns
      1 of 6 values was missing and was replaced with the mean of its attribute: stripes of okapi.
      1 attribute has the same value for all classes: hooves.
    """
    frame = table if isinstance(table, pd.DataFrame) else pd.DataFrame.from_dict(dict(table), orient="index")
    frame = _rows_of(frame, classes)
    _check_texts(frame)
    columns, names = tuple(map(str, frame.columns)), tuple(frame.index.tolist())
    known = number_rows(frame, dtype=np.float64, name="The table of attributes").copy()  # (c, a)
    known[np.isin(known, np.asarray(missing, dtype=np.float64))] = np.nan
    _check_known(known, names, columns)
    gap = np.isnan(known)
    known = np.where(gap, np.nanmean(known, axis=0), known)
    return ClassAttributes(names, known, columns, (*_gap_notes(gap, names, columns), *_constant_notes(known, columns)))


def _rows_of(frame: pd.DataFrame, classes: Sequence[Label] | None) -> pd.DataFrame:
    """Return the rows of these classes, after checking that each has one."""
    if not frame.shape[1]:
        raise InputError("The table has no attributes. Give one column per attribute beside the class names.")
    repeated = frame.index[frame.index.duplicated()]
    if len(repeated):
        raise DuplicateClassError(f"Class {repeated[0]!r} has several rows of attributes. Keep one.")
    if classes is None:
        return frame
    absent = [name for name in classes if name not in frame.index]
    if absent:
        raise UnknownClassError(
            f"{len(absent)} of {len(classes)} classes have no row of attributes: {first_of(absent, at_most=SHOWN)}. "
            "Add the rows, or remove these classes."
        )
    return frame.loc[list(classes)]


def _check_texts(frame: pd.DataFrame) -> None:
    """Raise InputError if an attribute is a text that is not a number."""
    for number, column in enumerate(frame.columns):
        for name, value in zip(frame.index, frame.iloc[:, number], strict=True):
            if isinstance(value, str) and np.isnan(pd.to_numeric(value, errors="coerce")):
                raise InputError(
                    f"{column} of {name!r} is {value!r}; attributes must be numbers. If the column holds the names of "
                    f"the classes, write table.set_index({column!r})."
                )


def _check_known(known: Floats, names: Sequence[Label], columns: Sequence[str]) -> None:
    if np.isinf(known).any():
        row, column = np.argwhere(np.isinf(known))[0]
        raise InputError(f"{columns[column]} of {names[row]!r} is infinite. Correct it, or leave it empty.")
    for empty, what, name in (
        (np.isnan(known).all(axis=1), "Class", names),
        (np.isnan(known).all(axis=0), "Attribute", columns),
    ):
        if empty.any():
            raise ClassesError(f"{what} {name[int(empty.argmax())]!r} has no values. Add some, or remove it.")


def _gap_notes(gap: NDArray[np.bool_], names: Sequence[Label], columns: Sequence[str]) -> list[str]:
    if not gap.any():
        return []
    cells = [f"{columns[column]} of {names[row]}" for row, column in np.argwhere(gap)]
    one = len(cells) == 1
    were = "was missing and was" if one else "were missing and were"
    mean = "mean of its attribute" if one else "means of their attributes"
    return [f"{len(cells)} of {gap.size} values {were} replaced with the {mean}: {first_of(cells, at_most=SHOWN)}."]


def _constant_notes(known: Floats, columns: Sequence[str]) -> list[str]:
    same = [columns[column] for column in np.flatnonzero(np.ptp(known, axis=0) == 0).tolist()]
    if not same or len(known) < 2:
        return []
    have = count(len(same), "attribute has", "attributes have")
    return [f"{have} the same value for all classes: {first_of(same, at_most=SHOWN)}."]


def _numbers(column: pd.Series, path: str | os.PathLike[str], *, commas: bool) -> pd.Series:
    """Return a column of a file as numbers, NaN for empty cells; `commas`: those with decimal commas too."""
    blank = column.isna() | column.astype(str).str.strip().str.lower().isin({"", *MISSING_NUMBERS})
    cells = column.where(~blank).astype(object)
    texts = cells.dropna().astype(str).str.strip().str.casefold()
    if len(texts) and texts.isin(["true", "false"]).all():
        cells = texts.eq("true").reindex(cells.index)
    elif commas:
        cells = pd.Series(with_decimal_points(cells.tolist()), index=cells.index, dtype=object)
    numbers = pd.to_numeric(cells.astype(object), errors="coerce").astype(np.float64)
    wrong = np.flatnonzero((numbers.isna() & ~blank).to_numpy())
    if wrong.size:
        raise DataFileError(
            f"{path}: attribute {column.name!r} is {column.iloc[wrong[0]]!r} in row {wrong[0]}; attributes must "
            "be numbers. Leave the cell empty if the value is missing; if the column holds the classes, pass "
            f"class_column={column.name!r}."
        )
    return numbers
