"""Attribute tables: what is known of each class, a column an attribute, as class vectors (c, a)."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from anyshot.base.items import Label
from anyshot.data.tables import read_table
from anyshot.errors import ClassesError, DataFileError, DuplicateClassError, InputError, UnknownClassError

Floats: TypeAlias = NDArray[np.float64]
Scaling: TypeAlias = Literal["none", "unit", "range", "standard"]


@dataclass(frozen=True)
class ClassKnowledge:
    """What is known of each class as numbers, and what was done to get them.

    Attributes
    ----------
    names : tuple of str or number
        The classes, in the order of the rows.
    vectors : ndarray of shape (c, a)
        A row a class: what the zero-shot methods take as `class_vectors`.
    columns : tuple of str
        What each column stands for.
    notes : tuple of str
        What a reader of the figures should know: values filled in, attributes that tell nothing, the scaling.
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
) -> ClassKnowledge:
    """Read a table with a row a class and a column an attribute: CSV, TSV, JSON lines or Parquet.

    Parameters
    ----------
    path : path
        The file.
    classes : sequence of names, optional
        The classes wanted, in the order wanted; all of the file's, in its order, if not given.
    class_column : str, optional
        The column that names the class; the first if not given.
    missing : numbers
        Values that stand for "not known", such as -1 in some published tables; an empty cell, NaN, NA and ? always do.

    Raises
    ------
    DataFileError
        The file cannot be read, has no such column, or an attribute is no number.
    DuplicateClassError, UnknownClassError, ClassesError
        As `attribute_table`.
    """
    frame = read_table(Path(path)).frame
    named = str(frame.columns[0]) if class_column is None else class_column
    if named not in frame:
        raise DataFileError(f"{path} has no column {named!r}; it has {', '.join(map(str, frame.columns))}.")
    numbers = {str(name): _numbers(frame[name], path) for name in frame.columns if name != named}
    return attribute_table(pd.DataFrame(numbers).set_axis(frame[named]), classes, missing=missing)


def attribute_table(
    table: pd.DataFrame | Mapping[Label, Mapping[str, float]],
    classes: Sequence[Label] | None = None,
    *,
    missing: ArrayLike = (),
) -> ClassKnowledge:
    """Return the attributes of each class, missing values filled by the attribute's mean over the classes that have it.

    Parameters
    ----------
    table : DataFrame indexed by class, or {class: {attribute: value}}
        NaN, or an attribute left out, is a value not known.
    classes : sequence of names, optional
        The classes wanted, in the order wanted.
    missing : numbers
        Further values that stand for "not known".

    Raises
    ------
    DuplicateClassError
        A class has two rows.
    UnknownClassError
        Classes wanted have no row; they are named.
    ClassesError
        A class or an attribute has no value at all.
    InputError
        There is no attribute, or a value is infinite.

    Examples
    --------
    >>> animals = {"horse": {"hooves": 1, "stripes": 0}, "zebra": {"hooves": 1, "stripes": 1}, "okapi": {"hooves": 1}}
    >>> print(attribute_table(animals))
    3 classes x 2 columns
      1 of 6 values was missing and is its attribute's mean now: stripes of okapi.
      1 attribute is the same for all classes and tells none apart: hooves.
    """
    frame = table if isinstance(table, pd.DataFrame) else pd.DataFrame.from_dict(dict(table), orient="index")
    frame = _wanted(frame, classes)
    columns, names = tuple(map(str, frame.columns)), tuple(frame.index.tolist())
    known = frame.to_numpy(dtype=np.float64, copy=True)  # (c, a)
    known[np.isin(known, np.asarray(missing, dtype=np.float64))] = np.nan
    _check_known(known, names, columns)
    gap = np.isnan(known)
    known = np.where(gap, np.nanmean(known, axis=0), known)
    return ClassKnowledge(names, known, columns, (*_told_gaps(gap, names, columns), *_told_constant(known, columns)))


def combine(*parts: tuple[ClassKnowledge, Scaling] | tuple[ClassKnowledge, Scaling, float]) -> ClassKnowledge:
    """Put several kinds of knowledge side by side, each scaled as it says.

    Parameters
    ----------
    parts : (knowledge, scaling) or (knowledge, scaling, weight)
        "none": as it is; "unit": each class's row to length 1; "range": each column to 0 to 1; "standard": each column
        to mean 0 and deviation 1. Every block is then divided by the root of its rows' mean squared length, except with
        "none", and multiplied by its weight: at equal weights a block of 300 columns says no more than one of 10.

    Raises
    ------
    InputError
        There is no part, a scaling is unknown, or a weight is not above 0.
    ClassesError
        The parts are not of the same classes in the same order.

    Examples
    --------
    >>> size = attribute_table({"horse": {"height": 160.0}, "zebra": {"height": 130.0}})
    >>> coat = attribute_table({"horse": {"stripes": 0}, "zebra": {"stripes": 1}})
    >>> combine((size, "range"), (coat, "range", 2.0)).vectors.round(2).tolist()
    [[1.41, 0.0], [0.0, 2.83]]
    """
    if not parts:
        raise InputError("There is nothing to combine. Give (knowledge, scaling) pairs.")
    names = parts[0][0].names
    blocks, notes = [], []
    for number, part in enumerate(parts, start=1):
        knowledge, scaling, weight = part[0], part[1], (part[2] if len(part) == 3 else 1.0)
        if knowledge.names != names:
            at = _first_difference(names, knowledge.names)
            raise ClassesError(f"Part {number} is not of the same classes in the same order as part 1: {at}.")
        if not weight > 0:
            raise InputError(f"Part {number} has weight {weight}; a weight is above 0. Leave the part out instead.")
        blocks.append(weight * _scaled(knowledge.vectors, scaling))
        notes.append(f"Columns of part {number} ({len(knowledge.columns)}): {_SAID[scaling]}, weight {weight:g}.")
        notes += knowledge.notes
    columns = tuple(column for part in parts for column in part[0].columns)
    return ClassKnowledge(names, np.concatenate(blocks, axis=1), columns, tuple(notes))


_SAID: Mapping[Scaling, str] = {
    "none": "as they are",
    "unit": "each class's row scaled to length 1",
    "range": "each column scaled to 0 to 1",
    "standard": "each column scaled to mean 0 and deviation 1",
}


def _scaled(table: Floats, scaling: Scaling) -> Floats:
    """Return the block (c, a) scaled; a column, or row, that is all the same or zero becomes zeros."""
    if scaling not in get_args(Scaling):
        raise InputError(f"scaling={scaling!r} is none of {', '.join(get_args(Scaling))}.")
    if scaling == "none":
        return table
    if scaling == "unit":
        length = np.linalg.norm(table, axis=1, keepdims=True)  # (c, 1)
        return np.asarray(table / np.where(length > 0, length, 1))
    low, wide = table.min(axis=0), np.ptp(table, axis=0)  # (a,)
    if scaling == "standard":
        low, wide = table.mean(axis=0), np.where(wide > 0, table.std(axis=0), 0)
    spread = np.where(wide > 0, (table - low) / np.where(wide > 0, wide, 1), 0)  # (c, a)
    size = np.sqrt((spread**2).sum(axis=1).mean())
    return np.asarray(spread / max(size, 1e-12))


def _wanted(frame: pd.DataFrame, classes: Sequence[Label] | None) -> pd.DataFrame:
    """Return the rows of the classes wanted, each once."""
    if not frame.shape[1]:
        raise InputError("The table has no attribute. Give one column an attribute beside the classes' names.")
    twice = frame.index[frame.index.duplicated()]
    if len(twice):
        raise DuplicateClassError(f"Class {twice[0]!r} has more than one row of attributes. Keep one.")
    if classes is None:
        return frame
    absent = [name for name in classes if name not in frame.index]
    if absent:
        raise UnknownClassError(
            f"{len(absent)} of {len(classes)} classes have no row of attributes: {_listed(absent)}. Add the rows, or "
            "leave these classes out."
        )
    return frame.loc[list(classes)]


def _check_known(known: Floats, names: Sequence[Label], columns: Sequence[str]) -> None:
    if np.isinf(known).any():
        row, column = np.argwhere(np.isinf(known))[0]
        raise InputError(f"{columns[column]} of {names[row]!r} is infinite. Mend it, or leave it empty.")
    for empty, what, name in (
        (np.isnan(known).all(axis=1), "Class", names),
        (np.isnan(known).all(axis=0), "Attribute", columns),
    ):
        if empty.any():
            raise ClassesError(f"{what} {name[int(empty.argmax())]!r} has no value at all. Give one, or leave it out.")


def _told_gaps(gap: NDArray[np.bool_], names: Sequence[Label], columns: Sequence[str]) -> list[str]:
    if not gap.any():
        return []
    cells = [f"{columns[column]} of {names[row]}" for row, column in np.argwhere(gap)]
    were = "was missing and is its" if len(cells) == 1 else "were missing and are their"
    return [f"{len(cells)} of {gap.size} values {were} attribute's mean now: {_listed(cells)}."]


def _told_constant(known: Floats, columns: Sequence[str]) -> list[str]:
    same = [columns[column] for column in np.flatnonzero(np.ptp(known, axis=0) == 0).tolist()]
    if not same or len(known) < 2:
        return []
    are = "attribute is" if len(same) == 1 else "attributes are"
    return [f"{len(same)} {are} the same for all classes and tell{'s' * (len(same) == 1)} none apart: {_listed(same)}."]


_NOT_KNOWN = ("", "nan", "na", "n/a", "?")  # what tables write where a value is missing


def _numbers(column: pd.Series, path: str | os.PathLike[str]) -> pd.Series:
    """Return a column of a file as numbers, NaN where a cell is empty."""
    blank = column.isna() | column.astype(str).str.strip().str.lower().isin(_NOT_KNOWN)
    numbers = pd.to_numeric(column.where(~blank), errors="coerce").astype(np.float64)
    wrong = np.flatnonzero((numbers.isna() & ~blank).to_numpy())
    if wrong.size:
        raise DataFileError(
            f"{path}: attribute {column.name!r} is {column.iloc[wrong[0]]!r} in row {wrong[0]}; attributes are "
            "numbers. Leave a cell empty where the value is not known."
        )
    return numbers


def _listed(things: Sequence[object], *, at_most: int = 10) -> str:
    named = ", ".join(map(str, things[:at_most]))
    return named + (f" and {len(things) - at_most} more" if len(things) > at_most else "")


def _first_difference(ours: Sequence[Label], others: Sequence[Label]) -> str:
    if len(ours) != len(others):
        return f"{len(ours)} classes and {len(others)}"
    place = next(row for row, (mine, other) in enumerate(zip(ours, others, strict=True)) if mine != other)
    return f"row {place} is {ours[place]!r} and {others[place]!r}"
