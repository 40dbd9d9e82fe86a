"""Input of commands: items, labels and classes on the command line, in files or on the standard input."""

import difflib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer

from anyshot import data as datasets
from anyshot.app.cli.console import note
from anyshot.app.cli.files import current
from anyshot.app.cli.group import how_to_join
from anyshot.app.cli.options import Columns
from anyshot.app.cli.standard_input import lines_of_stdin
from anyshot.base.columns import is_blank, take
from anyshot.base.item_remedies import unreadable_image
from anyshot.base.items import IMAGE_SUFFIXES, reads_as_path
from anyshot.base.labels import Label
from anyshot.base.messages import first_of
from anyshot.base.user_folders import web_address
from anyshot.base.written_labels import as_classes_write_them
from anyshot.data.text_files import OTHER_TYPES, TABLE_SUFFIXES, as_on_disk, existing, remedy_for_type, suffix_of
from anyshot.encoders.registry import default_for
from anyshot.errors import DataFileError, InputError, ItemColumnError

if TYPE_CHECKING:  # it loads pandas
    from anyshot.data.tables import Table

Data: TypeAlias = Annotated[
    Path,
    typer.Argument(
        help="CSV, TSV, JSON lines, Parquet, Excel, .txt with a text per line, or a folder of images or .txt files.",
        metavar="DATA",
    ),
]
EncoderName: TypeAlias = Annotated[
    str, typer.Option(help="A name from anyshot models, hf:ID or hf:FOLDER. Default: chosen by the kind of items.")
]

Given: TypeAlias = Annotated[
    list[str],
    typer.Argument(
        help='Texts in quotes, image files, or one file or folder of items; "-" reads one text per line from the '
        'standard input. Put "--" before texts that begin with "-".',
        metavar='"TEXT" ... | FILE',
    ),
]

DATA_SUFFIXES = TABLE_SUFFIXES | {".txt"}
OTHER_SUFFIXES = frozenset({".gz", *OTHER_TYPES})
"""Suffixes of files that are not read, by which an argument is taken for the name of a file."""
LONGEST_PATH: Final = 1000  # characters; a longer argument is a text
MOST_SHOWN: Final = 5  # columns of features that a note lists
FLAGS: Final = {"", "0", "1", "x", "yes", "no", "true", "false", "ja", "nein"}  # a column for one class holds two


@dataclass(frozen=True)
class GivenItems:
    """The items of a command, and the table that they come from, if any.

    rows: the row of the table in which each item stands; image_column: that of the table with the paths.
    """

    items: Any
    table: "Table | None" = None
    rows: Sequence[int] = ()
    image_column: str | None = None

    @property
    def images_are_files(self) -> bool:
        """Whether the items are files of images."""
        first = str(next(iter(self.items), ""))
        return Path(first).suffix.lower() in IMAGE_SUFFIXES and os.path.isfile(first)


def read(
    path: Path,
    *,
    columns: Columns,
    with_labels: bool = True,
    classes: Iterable[Label] | None = None,
    model: Any = None,
    like: Any = None,
) -> Any:
    """Return the data set at `path`, and say which columns were read; what is skipped is listed at the end.

    classes: by which a label column with an unusual name is found; model: one that knows the columns of its own table,
    which are used if this table has them; like: a data set whose columns of features are read.
    """
    reading = current()
    known, table = getattr(model, "columns_", {}), reading.table(path)
    given = columns if table is None else _remembered(table, columns, known)
    label_column = given.label_column if with_labels else None
    features, without = _features_to_read(table, given)
    if model is not None:
        features, without = _features_that_it_knows(model, features, without), ()
    if like is not None and like.modality == "table":
        features = list(like.items.columns)
    named = datasets.ColumnNames(given.text_column, given.image_column, label_column, features, without)
    how: dict[str, Any] = {"with_labels": with_labels, "on_error": reading.options.on_error}
    try:
        if table is None:
            data = datasets.data_of_folder(existing(path), named, encoding=reading.options.encoding, **how)
        else:
            how |= {"kinds": _kinds_of(model), "classes": None if classes is None else list(classes)}
            data = datasets.data_of_table(table, named, **how)
    except ItemColumnError as error:
        if (column := known.get("text") or known.get("image")) is None:
            raise
        raise DataFileError(f"{error} It was {column!r} in the data that the model was fitted on.") from error
    reading.skipped.extend(data.skipped)
    if table is not None:
        reading.taken.append((table, data))
    if data.item_column is not None and suffix_of(path) != ".txt" and path not in reading.named:
        reading.named.add(path)
        labels = f", labels from {data.label_column!r}" if data.label_column is not None else ""
        others = _other_columns(table, data) if with_labels and data.label_column is None else ""
        kind = "rows of features" if data.modality == "table" else f"{data.modality}s"
        note(f"Read {path}: {kind} from {_shown_columns(data)}{labels}.{others}")
    return data


def _listed(table: "Table | None", given: str) -> list[str]:
    """Return the names of columns that an option lists; the whole of it may be the name of one."""
    is_one = table is not None and given in table.frame.columns
    return [given] if is_one else datasets.listed_names(given)


def _features_to_read(table: "Table | None", given: Columns) -> tuple[Any, Sequence[str]]:
    """Return the columns of features that options name, "all" or None, and those that they leave out."""
    features, without = given.feature_columns, given.left_out
    named = features if features is None or features == "all" else _listed(table, features)
    return named, _listed(table, without) if without else ()


def _features_that_it_knows(model: Any, features: Any, without: Sequence[str]) -> list[str] | None:
    """Return the columns of features that a model reads, in its order; raise InputError if options name others."""
    own = features_of(model)
    if own is None and (features is not None or without):
        raise InputError("The model does not predict rows of features. Leave out --feature-columns and --except.")
    needed = [name for name in own or () if name in without or (features not in (None, "all") and name not in features)]
    if needed:
        raise InputError(
            f"The model needs the column {needed[0]!r}, on which it was fitted. It knows its columns: leave out "
            "--feature-columns and --except, or fit a model without that column."
        )
    return own


def _shown_columns(data: Any) -> str:
    """Return the columns of a data set, the first five of many, as they are listed in options."""
    names = datasets.listed_names(data.item_column) if data.modality == "table" else []
    if len(names) <= MOST_SHOWN:
        return repr(data.item_column)
    return f"{datasets.as_listed(names[:MOST_SHOWN])!r} and {len(names) - MOST_SHOWN} more"


def features_of(model: Any) -> list[str] | None:
    """Return the columns of the rows of features that a model was fitted on; None if its items are of another kind."""
    names = getattr(model, "feature_names_in_", None)
    return None if names is None else list(map(str, names))


def _kinds_of(model: Any) -> dict[str, Any]:
    """Return what each column of features holds that a model was fitted on."""
    table = None if features_of(model) is None else model.any_shot_model().embedder.table.columns
    return {} if table is None else table.kinds_


def refuse_items_alone(model: Any) -> None:
    """Raise InputError for an item that is not in a table, if the items of a model are rows of features."""
    if (features := features_of(model)) is not None:
        raise InputError(
            f"The model predicts rows of a table. Give a file with the columns {first_of(features, at_most=9)}."
        )


def encoder_of(data: Any, name: str) -> str:
    """Return the encoder that is named, or with "auto" the default one of the items of a data set.

    Raises BadParameter for an encoder of other items, where its name tells.
    """
    of_rows = name in ("table", "vectors")
    if of_rows and data.modality != "table":
        raise typer.BadParameter(f"--encoder {name} is for rows of numbers. Name their columns with --feature-columns.")
    if data.modality == "table" and not of_rows and name != "auto":
        raise typer.BadParameter(f"--encoder {name} does not encode rows of features. Leave it out.")
    if name != "auto":
        return name
    return "table" if data.modality == "table" else default_for(data.modality)


def shown_items(items: Any) -> list[str]:
    """Return how to display each item: a text or path unchanged, a row by its values."""
    return datasets.as_rows(items) if hasattr(items, "iloc") else list(map(str, items))


def read_labeled(
    path: Path,
    *,
    columns: Columns,
    classes: Iterable[Label] | None = None,
    model: Any = None,
    to: str = "compare the predictions with",
) -> Any:
    """Return the data set at `path` as `read` does; raise InputError, which says what they are for, without labels."""
    data = read(path, columns=columns, classes=classes, model=model)
    if data.labels is None or all(label is None for label in data.labels):
        hint = label_hint(data) if model is None else ""  # else the rows have the model's features alone
        raise InputError(f"{path} has no labels to {to}. Name their column with --label-column.{hint}")
    return data


def label_hint(data: Any) -> str:
    """Return a sentence that names the column that may hold the labels of rows of features."""
    name = datasets.likely_class_column(data.items) if data.modality == "table" else None
    return "" if name is None else f" It may be {name!r}."


def _other_columns(table: Any, data: Any) -> str:
    """Return a sentence on a table without labels, which names the columns that may hold them."""
    used = (data.item_column, *datasets.listed_names(data.item_column))
    names = [str(name) for name in table.frame.columns if str(name) not in used]
    if not names:
        return " It has no other column."
    shown = f" There is no label column among the others: {', '.join(map(repr, names))}."
    held = {name: {str("" if one is None else one).strip().casefold() for one in table.values(name)} for name in names}
    flags = [repr(name) for name, values in held.items() if len(values) == 2 and values <= FLAGS]
    if len(flags) < 2:
        return shown
    marks = "0 and 1" if {"0", "1"} in held.values() else "a mark or none"
    return f"{shown} {', '.join(flags)} hold {marks}: write one column with the names of the classes instead."


def columns_of(data: Any) -> dict[str, str]:
    """Return the columns of a data set that a model remembers, by what they hold."""
    named = {} if data.modality == "table" else {data.modality: data.item_column}  # a model of a table knows them
    named["label"] = data.label_column
    return {kind: name for kind, name in named.items() if name is not None}


def items_of(arguments: Sequence[str], columns: Columns, *, model: Any = None) -> GivenItems:
    """Return the items on a command line: texts, image files, one file or folder of items, or "-" for stdin."""
    arguments = _as_on_disk(arguments)
    if "-" in arguments and len(arguments) > 1:
        raise typer.BadParameter('"-" stands for the standard input, and must be the only item.')
    one_file = len(arguments) == 1 and _is_data(arguments[0])
    if not one_file and (any(asdict(columns).values()) or current().options.sheet):
        named = "sheet" if current().options.sheet else "column"
        raise typer.BadParameter(f"A {named} was named, but the items are not in a table.")
    if not one_file:
        refuse_items_alone(model)
    if list(arguments) == ["-"]:
        return GivenItems([line for lines in lines_of_stdin() for line in lines])
    if one_file:
        path = Path(arguments[0])
        data = read(path, columns=columns, with_labels=False, model=model)
        table = None if suffix_of(path) == ".txt" else current().table(path)
        return GivenItems(data.items, table, data.table_rows, data.item_column if data.modality == "image" else None)
    _check_items(arguments)
    return GivenItems(_usable(arguments))


def _usable(arguments: Sequence[str]) -> list[str]:
    """Return the arguments without empty texts and broken images, which are listed as skipped.

    With --on-error raise, and if none is usable, all are returned, and the model raises the error.
    """
    images = {one for one in arguments if Path(one).suffix.lower() in IMAGE_SUFFIXES and os.path.isfile(one)}
    faults = {number: "the text is empty" if is_blank(one) else None for number, one in enumerate(arguments)}
    if images:  # texts do without what reads images, which is loaded here
        faults |= {
            at: datasets.image_fault(Path(one), decode=True) for at, one in enumerate(arguments) if one in images
        }
    usable = [one for number, one in enumerate(arguments) if faults[number] is None]
    reading = current()
    if reading.options.on_error == "raise" or not usable:
        return list(arguments)
    places = [one if one in images else f"argument {number + 1}" for number, one in enumerate(arguments)]
    reading.skipped.extend((places[number], fault) for number, fault in faults.items() if fault is not None)
    return usable


def labeled_items_of(
    arguments: Sequence[str], columns: Columns, *, label: str | None, model: Any
) -> tuple[Any, list[Any]]:
    """Return items and their labels: those of one file, or `label` for every item."""
    arguments = _as_on_disk(arguments)
    one_file = len(arguments) == 1 and _is_data(arguments[0])
    if label is not None:
        if one_file:
            items = items_of_class(Path(arguments[0]), label, columns, model=model)
        else:
            items = items_of(arguments, columns, model=model).items
        return items, [label] * len(items)
    if not one_file:
        _check_items(arguments)
        raise typer.BadParameter(
            "Texts and images on the command line have no labels. Name their class with --label, or give a file."
        )
    data = read(Path(arguments[0]), columns=columns, classes=model.classes_.tolist(), model=model)
    if data.labels is None or all(one is None for one in data.labels):
        raise InputError(
            f"{arguments[0]} has no labels. Fill in their column, name it with --label-column, or give the class of "
            "all items with --label."
        )
    return data.items, data.labels


def items_of_class(path: Path, name: str, columns: Columns, *, model: Any) -> Any:
    """Return the items of one class: those labeled with its name, or all items if there are no labels."""
    data = read(path, columns=columns, model=model)
    labels = data.labels or [name] * len(data)
    named = as_classes_write_them([name], dict.fromkeys(labels))[0]
    own = [row for row, label in enumerate(labels) if str(label) == str(named)]
    if not own:
        raise InputError(f"{path} has labels, but none of them is {name!r}. Check the name and the file.")
    return take(data.items, own)


def _check_items(arguments: Sequence[str]) -> None:
    """Refuse files of items among several arguments, and files that are missing or cannot be read."""
    files = list(filter(_is_data, arguments))
    if files:
        remedy = how_to_join(files) if len(files) > 1 else "Give it as the only argument, or texts or images only."
        raise typer.BadParameter(f"{files[0]} is a file or folder of items, and only one is read. {remedy}")
    for argument in arguments:
        _check_item(argument)


def _check_item(argument: str) -> None:
    """Refuse an argument that is not an item, but a file that is missing or cannot be read."""
    ending, is_there = Path(argument).suffix.lower(), os.path.isfile(argument)
    if argument.strip() and not is_there and os.path.lexists(argument):
        existing(Path(argument))  # it raises the error for a pipe or a broken link
    if is_there and (reason := unreadable_image(Path(argument))) is not None:
        raise InputError(f"{argument}: {reason}.")
    if is_there and ending not in IMAGE_SUFFIXES:
        as_text = "" if ending else " If it is a text, pass it on standard input: echo TEXT | anyshot predict -"
        raise InputError(
            f"{argument} cannot be read as items. Supported: {', '.join(sorted(DATA_SUFFIXES))}, images, and folders "
            f"of images. {remedy_for_type(Path(argument))}{as_text}"
        )
    if is_there or not _is_path(argument):
        return
    if (address := web_address(Path(argument))) is not None:
        raise InputError(f"{address} is an address, and nothing is downloaded from it. Download it, and give the file.")
    near = _closest_file(argument)
    hint = f" Did you mean {near!r}?" if near is not None else ""
    raise InputError(
        f"There is no file {argument}.{hint} If it is a text, pass it on standard input: echo TEXT | anyshot predict -"
    )


def _is_path(argument: str) -> bool:
    """Return whether an argument that names no file reads as the name of one: by its suffix, folder, or spelling."""
    if not argument or any(letter.isspace() for letter in argument):
        return False
    folder = os.path.dirname(argument)
    known = reads_as_path(argument, DATA_SUFFIXES | IMAGE_SUFFIXES | OTHER_SUFFIXES)
    in_folder = bool(folder) and os.path.isdir(folder)
    in_cloud = "://" in argument and not argument.startswith("http")  # s3://..., abfss://...; texts have web addresses
    return known or in_cloud or in_folder or ("." in argument and _closest_file(argument) is not None)


def _closest_file(argument: str) -> str | None:
    """Return the file of items whose name is nearly the same, if there is one."""
    folder, name = os.path.split(argument)
    beside = os.listdir(folder or ".") if os.path.isdir(folder or ".") else []
    names = [one for one in beside if suffix_of(Path(one)) in DATA_SUFFIXES | IMAGE_SUFFIXES]
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.8)
    return os.path.join(folder, near[0]) if near else None


def _as_on_disk(arguments: Sequence[str]) -> list[str]:
    """Return arguments with the accents of the files that they name; other texts are unchanged."""
    found = {one: as_on_disk(Path(one)) for one in arguments if len(one) < LONGEST_PATH and not one.isascii()}
    return [str(found[one]) if one in found and found[one] != Path(one) else one for one in arguments]


def _is_data(argument: str) -> bool:
    # os.path returns False for a text that is too long for a file name; pathlib raises.
    if not argument.strip():
        return False
    return os.path.isdir(argument) or (suffix_of(Path(argument)) in DATA_SUFFIXES and os.path.isfile(argument))


def _remembered(table: "Table", columns: Columns, known: Mapping[str, str]) -> Columns:
    """Return the columns to read: those that were given, or else those that a model knows, if the table has them."""
    given = asdict(columns)
    of_items = columns.text_column or columns.image_column
    for kind, name in known.items():
        wanted = columns.label_column if kind == "label" else of_items
        if wanted is None and datasets.has_column(table, name):
            given[f"{kind}_column"] = name
    return Columns(**given)
