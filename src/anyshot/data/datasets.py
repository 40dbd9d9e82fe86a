"""Read labeled data from disk: tables of texts or image files, folders of images, and lists of classes.

Unusable items are never dropped silently: the error names the line (from 1) and the row (from 0); skipped ones are
listed.
"""

import difflib
import math
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import numpy as np

from anyshot.base.items import IMAGE_SUFFIXES
from anyshot.base.labels import Label, Labels, classes_in
from anyshot.base.validation import Indexes, RandomState, generator
from anyshot.data.tables import Table, existing, parse_json, read_table, read_text
from anyshot.data.tables import write_table as write_table  # reading and writing from one module
from anyshot.errors import BadItemError, DataFileError, InputError

OnError: TypeAlias = Literal["raise", "skip"]

# The first name of each has priority over the others.
TEXT_COLUMNS: Final = (
    *("text", "sentence", "message", "utterance", "query", "question", "review", "comment", "content", "body"),
    *("document", "tweet", "title", "description", "subject"),
)
IMAGE_COLUMNS: Final = (
    *("image", "file", "path", "filename", "file_name", "filepath", "file_path", "image_path", "img", "photo"),
    "picture",
)
LABEL_COLUMNS: Final = ("label", "labels", "class", "category", "target", "intent", "topic", "sentiment", "y")
CLASS_COLUMNS: Final = ("class", "label", "name", "category")
DESCRIPTION_COLUMNS: Final = ("description", "descriptions")

_SPLITS: Final = frozenset({"train", "training", "test", "testing", "val", "valid", "validation", "dev"})


@dataclass(frozen=True)
class Dataset:
    """Items with their labels, and how they were read.

    items: n texts, or n paths of images; labels: n labels, None for an unlabeled item, or None if there are no labels
    at all; source: the file or folder; encoding: of a text file ("utf-8", "utf-8-sig", "utf-16", "utf-32" or
    "windows-1252"), else None; skipped: (location, reason) of each skipped item.
    """

    items: list[str] | list[Path]
    labels: list[Label] | None
    modality: Literal["text", "image"]
    source: Path
    encoding: str | None = None
    skipped: list[tuple[str, str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.items)


def read_data(
    path: str | os.PathLike[str],
    *,
    text_column: str | None = None,
    image_column: str | None = None,
    label_column: str | None = None,
    with_labels: bool = True,
    on_error: OnError = "raise",
) -> Dataset:
    """Read items and labels from a file or a folder of images.

    Tables (CSV, TSV, JSON lines, Parquet) contain texts, or paths of images relative to the table's folder. Columns
    that are not given are found by their usual names. A .txt file has one text per line. Empty lines are ignored. A
    folder has one subfolder per class, or a `labels.csv` with the columns file and label; images in neither have no
    label. Other files, and hidden ones, are ignored. Images are decoded later, when they are encoded; here each must
    exist, have an image suffix, and not be empty.

    With `with_labels=False` only the items are read.

    The encoding of text is that of its byte-order mark, or UTF-8, or else Windows-1252. Empty labels are None. Labels
    in a CSV or TSV become bools or numbers if all of them are written as such; 007 is not.

    Raises
    ------
    DataFileError
        The file is missing, empty, damaged or of mixed encodings, or a column is missing or ambiguous.
    BadItemError
        A text is empty, or an image file is missing or empty. With `on_error="skip"` it is skipped and listed.
    """
    if on_error not in ("raise", "skip"):
        raise InputError(f'on_error must be "raise" or "skip"; it is {on_error!r}.')
    if text_column is not None and image_column is not None:
        raise InputError(f"Items are texts ({text_column!r}) or images ({image_column!r}), not both. Give one.")
    if label_column is not None and not with_labels:
        raise InputError(f"label_column={label_column!r} contradicts with_labels=False. Give one of the two.")
    source = existing(Path(path))
    if source.is_file():
        table = read_table(source)
        data, faults, location = _from_table(table, text_column, image_column, label_column, with_labels=with_labels)
        return _without(data, faults, location, on_error=on_error)
    if text_column is not None:
        raise InputError(f"text_column={text_column!r} was given, but {source} is a folder. Folders contain images.")
    data = _from_folder(source, image_column, label_column, with_labels=with_labels)
    faults = _faults(data.items, _image_fault)
    return _without(data, faults, lambda row: str(data.items[row]), on_error=on_error)


def messages() -> Dataset:
    """Return the example data: 200 customer messages in ten classes, and twelve of no class, labeled "none".

    >>> messages().items[0]
    'I was charged twice for order 48213, 64.90 both times. Please give one of them back.'
    """
    with resources.as_file(resources.files("anyshot") / "data" / "messages.csv") as path:
        return read_data(path)


def few_per_class(labels: Labels, k: int, *, random_state: RandomState = None) -> Indexes:
    """Return the sorted indexes of `k` random rows of each class, or of all rows of a class that has fewer.

    Rows without a label are left out.

    >>> few_per_class(["a", "b", "a", None, "a"], 3, random_state=0)
    array([0, 1, 2, 4])
    """
    if k < 0:
        raise InputError(f"k must be at least 0; it is {k}.")
    random = generator(random_state)
    rows: dict[Label, list[int]] = {name: [] for name in classes_in(labels)}
    for row, label in enumerate(labels):
        if label in rows:
            rows[label].append(row)
    chosen = [random.choice(own, size=min(k, len(own)), replace=False) for own in rows.values()]
    return np.sort(np.concatenate([np.empty(0, dtype=np.intp), *chosen]))


def read_classes(text: str) -> list[str] | dict[str, list[str]]:
    """Return the classes that `text` lists ("a,b,c"), or those in the file with this path.

    A .txt file has one name per line; a .json file has a list of names, or an object from names to a description or a
    list of them; a .csv or .tsv file has a column class and optionally a column description (a class in several rows
    has several descriptions).

    >>> read_classes("billing, delivery,login")
    ['billing', 'delivery', 'login']
    """
    path = Path(text)
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv"):
        return _classes_of_table(read_table(path))
    if suffix == ".json":
        return _classes_of_json(parse_json(read_text(existing(path))[0], path), path)
    if suffix == ".txt":
        lines = read_text(existing(path))[0].split("\n")
        return [line.strip() for line in lines if line.strip()]
    return [name.strip() for name in text.split(",")]


# --- tables ----------------------------------------------------------------------------------------------------------

_Faults: TypeAlias = dict[int, str]


def _from_table(
    table: Table, text_column: str | None, image_column: str | None, label_column: str | None, *, with_labels: bool
) -> tuple[Dataset, _Faults, Callable[[int], str]]:
    """Return all rows of a table, the faults of the unusable ones, and a function that locates a row."""
    text = None if image_column else _column(table, TEXT_COLUMNS, text_column, option="text_column")
    image = None if text_column else _column(table, IMAGE_COLUMNS, image_column, option="image_column")
    if text is not None and image is not None:
        raise DataFileError(
            f"{table.path} has texts in {text!r} and images in {image!r}. Choose one: text_column={text!r} "
            f"(--text-column) or image_column={image!r} (--image-column)."
        )
    if text is None and image is None:
        raise DataFileError(
            f"{table.path} has no column with a usual name for texts (text, sentence, message, ...) or images (image, "
            f"file, path, ...). Its columns: {_listed(table)}. Give text_column (--text-column) or "
            "image_column (--image-column). The first line of a CSV must contain the column names."
        )
    column = text or image or ""
    values = table.values(column)
    labels = _labels(table, label_column, items=column) if with_labels else None
    if text is not None:
        return Dataset(values, labels, "text", table.path, table.encoding), _faults(values, _text_fault), table.location
    files = [table.path.parent / str(value or "") for value in values]
    return Dataset(files, labels, "image", table.path, table.encoding), _faults(files, _image_fault), table.location


def _column(table: Table, usual: Sequence[str], given: str | None, *, option: str) -> str | None:
    """Return the column `given`, or the only column with a usual name, or None."""
    columns = [str(name) for name in table.frame.columns]
    flag = f"{option} (--{option.replace('_', '-')})"
    if given is not None and given not in columns:
        near = difflib.get_close_matches(given, columns, n=1)
        remedy = f"Did you mean {near[0]!r}?" if near else f"Give one of them as {flag}."
        raise DataFileError(f"{table.path} has no column {given!r}. Its columns: {_listed(table)}. {remedy}")
    if given is not None:
        return given
    found = [name for name in columns if name.strip().casefold() in usual]
    first = [name for name in found if name.strip().casefold() == usual[0]]
    if len(first) == 1 or len(found) < 2:
        return next(iter(first or found), None)
    raise DataFileError(
        f"{table.path} has several columns with a usual name: {', '.join(map(repr, found))}. Choose one with {flag}."
    )


def _labels(table: Table, given: str | None, *, items: str) -> list[Label] | None:
    """Return the labels; a column that was found by its name must look like labels."""
    usual = [name for name in LABEL_COLUMNS if name != items.strip().casefold()]
    column = _column(table, usual, given, option="label_column")
    if column is None:
        return None
    values = [value.strip() or None if isinstance(value, str) else value for value in table.values(column)]
    for row, value in enumerate(values):
        if value is not None and not isinstance(value, (str, int, float)):
            raise DataFileError(
                f"{table.location(row)}: the label is of type {type(value).__name__}, {value!r}. Only one "
                "label per item is supported, a name or a number."
            )
    labels = _typed(values) if table.path.suffix.lower() in (".csv", ".tsv") else values
    if given is None and _is_free(labels):
        raise DataFileError(
            f"{table.path}: the column {column!r} does not look like labels: {len(set(labels))} different values in "
            f"{len(labels)} rows. If they are, give label_column={column!r} (--label-column); if not, give another, or "
            "read only the items with with_labels=False (encode: --no-labels)."
        )
    return labels


def _is_free(labels: Sequence[Label]) -> bool:
    """Return whether labels look like texts or measurements: mostly different, and long or with decimals."""
    given = [label for label in labels if label is not None]
    names = set(given)
    words = sum(len(str(name).split()) for name in names)
    decimal = any(isinstance(name, float) and not name.is_integer() for name in names)
    return len(names) > max(50, len(given) / 2) and (decimal or words > 5 * len(names))


def _typed(labels: Sequence[str | None]) -> list[Label]:
    """Return labels as bools, ints or floats if all of them are written as such, otherwise unchanged."""
    written = {label for label in labels if label is not None}
    for kind in (_bool, int, float):
        try:
            values: dict[str | None, Label] = {label: kind(label) for label in written}
        except ValueError:
            continue
        # "007" and "1_000" would change, and "nan" is a name.
        if all(str(value).casefold() == str(label).casefold() for label, value in values.items()) and all(
            math.isfinite(value) for value in values.values() if isinstance(value, float)
        ):
            return [values.get(label) for label in labels]
    return list(labels)


def _bool(label: str) -> bool:
    if label.casefold() not in ("true", "false"):
        raise ValueError(label)
    return label.casefold() == "true"


def _faults(items: Iterable[Any], fault_of: Callable[[Any], str | None]) -> _Faults:
    return {row: fault for row, item in enumerate(items) if (fault := fault_of(item))}


def _text_fault(value: object) -> str | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return "the text is empty"
    return None if isinstance(value, str) else f"{str(value)[:40]!r} is not a text but of type {type(value).__name__}"


def _image_fault(path: Path) -> str | None:
    if path.suffix.lower() not in IMAGE_SUFFIXES:
        return f"{path.name!r} does not have an image suffix ({', '.join(sorted(IMAGE_SUFFIXES))})"
    if not path.is_file():
        return f"there is no file {path}"
    return None if path.stat().st_size else "the image file is empty"


def _without(data: Dataset, faults: _Faults, location: Callable[[int], str], *, on_error: OnError) -> Dataset:
    """Return the data without the unusable rows, which are listed, or raise for the first of them."""
    if not faults:
        return data
    first = next(iter(faults))
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    if on_error == "raise":
        raise BadItemError(
            f'{location(first)}: {faults[first]}{more}. Correct or remove it, or skip such items with on_error="skip".'
        )
    if len(faults) == len(data):
        raise DataFileError(f"{data.source} has no usable item. {location(first)}: {faults[first]}{more}.")
    usable = [row for row in range(len(data)) if row not in faults]
    items: list[Any] = [data.items[row] for row in usable]
    labels = None if data.labels is None else [data.labels[row] for row in usable]
    return replace(
        data,
        items=items,
        labels=labels,
        skipped=[*data.skipped, *((location(row), fault) for row, fault in faults.items())],
    )


def _listed(table: Table) -> str:
    return ", ".join(repr(str(name)) for name in table.frame.columns)


# --- folders ---------------------------------------------------------------------------------------------------------


def _from_folder(folder: Path, image_column: str | None, label_column: str | None, *, with_labels: bool) -> Dataset:
    """Return all images of a folder, with labels from its `labels.csv` or the names of its subfolders."""
    entries = [entry for entry in sorted(folder.iterdir()) if not _hidden(entry)]
    sheet = next((entry for entry in entries if entry.name.lower() == "labels.csv"), None)
    inside = {entry.name: _images(entry) for entry in entries if entry.is_dir()}
    loose = [entry for entry in entries if entry.suffix.lower() in IMAGE_SUFFIXES and not entry.is_dir()]
    images = [*loose, *(image for own in inside.values() for image in own)]
    if sheet is not None:
        return _from_sheet(folder, read_table(sheet), images, image_column, label_column, with_labels=with_labels)
    if not images:
        found = sorted({entry.suffix.lower() or entry.name for entry in entries if entry.is_file()})
        raise DataFileError(
            f"{folder} contains no images ({', '.join(sorted(IMAGE_SUFFIXES))}). Found: "
            f"{', '.join(found[:8]) or 'nothing'}."
        )
    full = [name for name, own in inside.items() if own]
    if with_labels and full and {name.casefold() for name in full} <= _SPLITS:
        raise DataFileError(f"{folder} is divided into {', '.join(full)}, which are not classes. Give one of them.")
    labels: list[Label] = [*([None] * len(loose)), *(name for name, own in inside.items() for _ in own)]
    empty = [(str(folder / name), "the folder contains no images") for name in inside if name not in full]
    return Dataset(images, labels if full and with_labels else None, "image", folder, skipped=empty)


def _from_sheet(
    folder: Path,
    table: Table,
    images: Sequence[Path],
    image_column: str | None,
    label_column: str | None,
    *,
    with_labels: bool,
) -> Dataset:
    """Return the images that `labels.csv` lists, followed by the others, without a label."""
    image = _column(table, IMAGE_COLUMNS, image_column, option="image_column")
    labels = _labels(table, label_column, items=image or "") if with_labels else None
    if image is None or (with_labels and labels is None):
        missing, option = ("file", "image-column") if image is None else ("label", "label-column")
        raise DataFileError(
            f"{table.path} needs the columns file and label; {missing} is missing. Its columns: {_listed(table)}. Give "
            f"{option.replace('-', '_')} (--{option})."
        )
    files = [folder / str(name or "") for name in table.values(image)]
    rest = [path for path in images if path not in set(files)]
    all_labels = None if labels is None else [*labels, *([None] * len(rest))]
    return Dataset([*files, *rest], all_labels, "image", folder, table.encoding)


def _images(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES and not path.is_dir())
    return sorted(path for path in found if not any(map(_hidden, path.relative_to(folder).parts)))


def _hidden(name: str | Path) -> bool:
    return Path(name).name.startswith((".", "__MACOSX", "@eaDir"))


# --- classes ---------------------------------------------------------------------------------------------------------


def _classes_of_table(table: Table) -> list[str] | dict[str, list[str]]:
    columns = {str(column).casefold(): str(column) for column in reversed(table.frame.columns)}
    name = next((columns[usual] for usual in CLASS_COLUMNS if usual in columns), None)
    described = next((columns[usual] for usual in DESCRIPTION_COLUMNS if usual in columns), None)
    if name is None:
        raise DataFileError(f"{table.path} needs a column named class. Its columns: {_listed(table)}.")
    names = [str(value or "").strip() for value in table.values(name)]
    if described is None:
        return names
    classes: dict[str, list[str]] = {one: [] for one in names}
    for one, text in zip(names, table.values(described), strict=True):
        if text and text.strip():
            classes[one].append(text.strip())
    return classes


def _classes_of_json(given: object, path: Path) -> list[str] | dict[str, list[str]]:
    if isinstance(given, list) and all(isinstance(name, str) for name in given):
        return given
    if isinstance(given, dict):
        classes = {name: [texts] if isinstance(texts, str) else texts for name, texts in given.items()}
        if all(isinstance(texts, list) and all(isinstance(t, str) for t in texts) for texts in classes.values()):
            return classes
    raise DataFileError(
        f'{path} must contain a list of names, ["a", "b"], or names with one or more descriptions, {{"a": "..."}}.'
    )
