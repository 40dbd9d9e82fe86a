"""Read labeled data from disk: tables of texts or image files, folders of images, and example data.

Unusable items are never dropped silently: the error names the row as a spreadsheet counts it, or the line; skipped ones
are listed.
"""

import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from anyshot.base.columns import IMAGE_COLUMNS, TEXT_COLUMNS, is_missing_mark, take
from anyshot.base.folds import first_per_class
from anyshot.base.items import check_list
from anyshot.base.labels import Label, Labels, classes_in, label_list
from anyshot.base.messages import note
from anyshot.base.validation import Indexes, RandomState, check_whole, generator
from anyshot.data.cells import is_empty
from anyshot.data.damaged_texts import note_damage
from anyshot.data.feature_columns import UNKNOWN_KINDS, cell_faults, feature_rows, find_features
from anyshot.data.image_folders import image_fault, listed_image, read_folder
from anyshot.data.item_columns import (
    ColumnNames,
    FeatureColumns,
    OnError,
    as_listed,
    find_column,
    find_labels,
    head_blocks,
    joined_texts,
    listed_columns,
    listed_names,
    read_labels,
    refuse_nested,
    sole_column_hint,
)
from anyshot.data.tables import Table, read_table
from anyshot.data.text_files import existing
from anyshot.data.text_folders import texts_of_folder
from anyshot.errors import BadItemError, DataFileError, InputError, ItemColumnError

log = logging.getLogger(__name__)

_Faults: TypeAlias = dict[int, str]


@dataclass(frozen=True)
class Dataset:
    """Items with their labels, and how they were read.

    items: n texts, n paths of images, or a table of n rows of features; labels: n labels, None for an unlabeled item,
    or None if there are no labels at all; source: the file or folder; encoding: of a text file, such as "utf-8" or
    "windows-1252", else None; skipped: (location, reason) of each skipped item; rows: the row of the table, from 0,
    from which each item was read, None for all rows; item_column, label_column: the columns of the table that were
    read, several as in a row of a CSV.
    """

    items: list[str] | list[Path] | pd.DataFrame
    labels: list[Label] | None
    modality: Literal["text", "image", "table"]
    source: Path
    encoding: str | None = None
    skipped: list[tuple[str, str]] = field(default_factory=list)
    rows: list[int] | None = None
    item_column: str | None = None
    label_column: str | None = None

    def __len__(self) -> int:
        return len(self.items)

    @property
    def table_rows(self) -> Sequence[int]:
        """The row of the table, from 0, from which each item was read."""
        return range(len(self)) if self.rows is None else self.rows


def read_data(
    path: str | os.PathLike[str],
    *,
    text_column: str | None = None,
    image_column: str | None = None,
    label_column: str | None = None,
    feature_columns: FeatureColumns | None = None,
    with_labels: bool = True,
    encoding: str | None = None,
    sheet: str | None = None,
    on_error: OnError = "raise",
    classes: Sequence[Label] | None = None,
) -> Dataset:
    """Read items and labels from a file, or a folder of images or texts.

    Tables (CSV, TSV, JSON lines, Parquet, Excel) contain texts, or paths of images relative to the table's folder.
    Columns that are not given are found by their usual names. A .txt file has one text per line, and a folder of .txt
    files has one per file. Files may be compressed (.gz). Empty lines are ignored; a blank row between others is one
    with an empty text. A folder has one subfolder per class, or, if it has images, a `labels.csv` (.tsv, .xlsx, ...)
    with the columns file and label, or the `metadata.csv` of a Hugging Face data set; items in neither have no label.
    Hidden files are ignored, other files that are not images are listed as skipped. Images are decoded later, when they
    are encoded; here each must exist, have an image suffix, and not be empty. With `on_error="skip"` they are decoded
    here as well.

    With `with_labels=False` only the items are read. text_column="subject,body" joins the texts of two columns.
    Put a name that contains a comma in double quotes.

    With `feature_columns`, a list of names or "all", the items are the rows of these columns: numbers, dates and
    categories, as `AnyShotClassifier(encoder="table")` takes them.

    classes: names of classes, by which a label column with an unusual name is found; any of them may be a label.

    encoding: of a text file; by default that of its byte-order mark, or UTF-8, or else the one that is detected.

    sheet: of an Excel file; by default the first visible one that is not empty.

    Empty labels are None, also those written as nan or NULL unless `classes` has that name. Labels in a CSV or TSV
    become bools or numbers if all of them are written as such; 007 is not.

    Raises
    ------
    DataFileError
        The file is missing, empty, damaged or of mixed encodings, or a column is missing or ambiguous.
    InputError
        Arguments contradict each other, or there is no such sheet.
    BadItemError
        A text is empty, or written as NaN, nan, NaT, <NA>, NULL, NA or N/A, or an image file is missing or empty. With
        `on_error="skip"` it is skipped and listed.
    """
    source = existing(Path(path))
    columns = ColumnNames(text_column, image_column, label_column, feature_columns)
    if sheet is not None and not source.is_file():
        raise InputError(f"The sheet {sheet!r} was named, but {source} is a folder. Leave it out.")
    if source.is_file():
        table: Table | None = read_table(source, encoding=encoding, sheet=sheet, blank_rows=True)
    else:
        table = texts_of_folder(source, encoding=encoding)
    if table is not None:
        return data_of_table(table, columns, classes=classes, with_labels=with_labels, on_error=on_error)
    return data_of_folder(source, columns, encoding=encoding, with_labels=with_labels, on_error=on_error)


def data_of_table(
    table: Table,
    columns: ColumnNames,
    *,
    with_labels: bool = True,
    on_error: OnError = "raise",
    classes: Sequence[Label] | None = None,
    kinds: Mapping[str, Any] = UNKNOWN_KINDS,
) -> Dataset:
    """Return the items and labels of a table with its blank rows, as `read_data` does; kinds: as for `feature_rows`."""
    columns.check(with_labels=with_labels, on_error=on_error)
    if columns.features is not None:
        data = _features_of(table, columns, columns.features, kinds, classes=classes, with_labels=with_labels)
        return _without(data, cell_faults(pd.DataFrame(data.items), kinds), table.location, on_error=on_error)
    data = _from_table(table, columns, classes=classes, with_labels=with_labels)
    if data.modality == "text":
        note_damage(table.path, list(map(str, data.items)))
    fault_of = _text_fault if data.modality == "text" else partial(image_fault, decode=on_error == "skip")
    faults = dict(sorted({**_faults(data.items, fault_of), **table.unread}.items()))
    return _without(data, faults, table.location, on_error=on_error)


def data_of_folder(
    folder: Path, columns: ColumnNames, *, encoding: str | None = None, with_labels: bool, on_error: OnError
) -> Dataset:
    """Return the images of a folder and their labels, as `read_data` does."""
    columns.check(with_labels=with_labels, on_error=on_error)
    if columns.text is not None or columns.features is not None:
        given = f"text_column={columns.text!r}" if columns.features is None else f"feature_columns={columns.features!r}"
        raise InputError(
            f"{folder} is a folder, which contains images, but {given} needs a table. Give a file that has one."
        )
    images, labels, skipped, found = read_folder(folder, columns, with_labels=with_labels, encoding=encoding)
    data = Dataset(images, labels, "image", folder, found, skipped)
    faults = _faults(images, partial(image_fault, decode=on_error == "skip"))
    return _without(data, faults, lambda row: str(images[row]), on_error=on_error)


def messages() -> Dataset:
    """Return the example data: 200 customer messages in ten classes, and twelve of no class, labeled "none".

    >>> messages().items[0]
    'I was charged twice for order 48213, 64.90 both times. Please give one of them back.'
    """
    with resources.as_file(resources.files("anyshot") / "data" / "messages.csv") as path:
        return read_data(path)


def few_per_class(labels: Labels, k: int, *, random_state: RandomState = None) -> Indexes:
    """Return the sorted indexes of `k` random rows of each class, or of all rows of a class that has fewer.

    labels (n,): rows without a label, None, are left out. With the same integer as `random_state`, the rows of a larger
    `k` contain those of a smaller one.

    >>> few_per_class(["a", "b", "a", None, "a"], 3, random_state=0)
    array([0, 1, 2, 4])
    """
    check_whole(0, k=k)
    check_list(labels, what="A list of labels")
    listed = label_list(labels)
    rows: dict[Label | None, int] = {None: -1} | {name: row for row, name in enumerate(classes_in(listed))}
    index = np.array([rows[label] for label in listed], dtype=np.intp)
    return first_per_class(index, k, generator(random_state).permutation(len(index)))


def _from_table(table: Table, given: ColumnNames, *, classes: Sequence[Label] | None, with_labels: bool) -> Dataset:
    """Return all rows of a table."""
    text = None if given.image else find_column(table, TEXT_COLUMNS, given.text, option="text_column")
    image = None if given.text else find_column(table, IMAGE_COLUMNS, given.image, option="image_column")
    if text is not None and image is not None:
        raise DataFileError(
            f"{table.path} has texts in {text!r} and images in {image!r}. Choose one: text_column={text!r} "
            f"(--text-column) or image_column={image!r} (--image-column)."
        )
    if text is None and image is None:
        refuse_nested(table, map(str, table.frame.columns))
        header = "" if table.numbers is None else " The first row must contain the column names."
        header += sole_column_hint(table)
        if table.separator is not None and table.frame.shape[1] == 1:
            header += " Texts alone, one per line, are read from a file whose name ends in .txt."
        fault = (
            f"{table.path} has no column with a usual name for texts (text, sentence, message, ...) or images (image, "
            f"file, path, ...). Its columns: {listed_columns(table)}."
        )
        raise ItemColumnError(
            f"{fault} Give text_column (--text-column), image_column (--image-column), or, for numbers and categories, "
            f"feature_columns (--feature-columns).{header}",
            fault,
        )
    column = text or image or ""
    refuse_nested(table, [one for one in (text, image) if one is not None and one in table.frame.columns])
    of_labels = None
    if given.label is not None and given.label in (column, *listed_names(column)):
        raise InputError(f"{column!r} was given for the items and {given.label!r} for the labels. Give two columns.")
    if with_labels:
        of_labels = find_labels(table, given.label, items=column, classes=classes)
    data = Dataset(
        joined_texts(table, column), read_labels(table, of_labels, given=given.label, classes=classes),
        "text", table.path, table.encoding, item_column=column, label_column=of_labels,
    )  # fmt: skip
    if text is not None:
        return data
    return replace(data, items=[listed_image(table.path.parent, value) for value in data.items], modality="image")


def _features_of(
    table: Table,
    given: ColumnNames,
    features: FeatureColumns,
    kinds: Mapping[str, Any],
    *,
    classes: Sequence[Label] | None,
    with_labels: bool,
) -> Dataset:
    """Return all rows of feature columns; those that are named are no labels."""
    of_labels = given.label
    if with_labels:
        used = "" if features == "all" else as_listed(features)
        of_labels = find_labels(table, given.label, items=used, classes=classes)
    names = find_features(table, features, labels=of_labels, left_out=given.left_out)
    labels = read_labels(table, of_labels, given=given.label, classes=classes)
    rows = feature_rows(table, names, kinds)
    if headings := [name for name in names if table.numbers is not None and head_blocks(rows[name].tolist())]:
        note(
            log,
            f"{table.path}: each value in {headings[0]!r} stands once, above rows without one, which count as missing. "
            "If it is the value of these rows too, write it into each of them",
        )
    return Dataset(
        rows, labels, "table", table.path, table.encoding,
        item_column=as_listed(names), label_column=of_labels,
    )  # fmt: skip


def _faults(items: Iterable[Any], fault_of: Callable[[Any], str | None]) -> _Faults:
    return {row: fault for row, item in enumerate(items) if (fault := fault_of(item))}


def _text_fault(value: object) -> str | None:
    if is_empty(value):
        return "the text is empty"
    if isinstance(value, str) and is_missing_mark(value):
        return f"the text is missing, written as {str(value).strip()}"
    return None if isinstance(value, str) else f"{str(value)[:40]!r} is not a text but of type {type(value).__name__}"


def _without(data: Dataset, faults: _Faults, location: Callable[[int], str], *, on_error: OnError) -> Dataset:
    """Return the data without the unusable rows, which are listed, or raise for the first of them."""
    if not faults:
        return data
    first = next(iter(faults))
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    if on_error == "raise":
        raise BadItemError(
            f'{location(first)}: {faults[first]}{more}. Correct or remove it, or skip such items with on_error="skip" '
            "(--on-error skip)."
        )
    if len(faults) == len(data):
        column = "" if data.item_column is None else f" in {data.item_column!r}"
        raise DataFileError(f"{data.source} has no usable item{column}. {location(first)}: {faults[first]}{more}.")
    usable = [row for row in range(len(data)) if row not in faults]
    items: Any = take(data.items, usable)
    labels = None if data.labels is None else [data.labels[row] for row in usable]
    return replace(
        data,
        items=items,
        labels=labels,
        rows=usable,
        skipped=[*data.skipped, *((location(row), fault) for row, fault in faults.items())],
    )
