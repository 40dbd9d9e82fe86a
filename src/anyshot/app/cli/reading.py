"""What a command is given: items on the line or in a file, labels, classes."""

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from anyshot import data as datasets
from anyshot.app.cli.printing import note
from anyshot.base.items import IMAGE_SUFFIXES, Label, reads_as_path
from anyshot.errors import ClassesError, InputError

TextColumn: TypeAlias = Annotated[
    str | None, typer.Option(help="Column of the texts. Default: the one with a usual name.", metavar="NAME")
]
ImageColumn: TypeAlias = Annotated[
    str | None, typer.Option(help="Column of the image files' paths, from the table's folder.", metavar="NAME")
]
LabelColumn: TypeAlias = Annotated[
    str | None, typer.Option(help="Column of the labels. Default: the one with a usual name.", metavar="NAME")
]
Model: TypeAlias = Annotated[Path, typer.Argument(help="Folder of a model that fit wrote.", metavar="DIR")]
Data: TypeAlias = Annotated[
    Path,
    typer.Argument(
        help="CSV, TSV, JSON lines, Parquet, text file with a text a line, or a folder of images.", metavar="DATA"
    ),
]
ClassList: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Names with commas between, or a file: .txt (a name a line), .json or .csv (with descriptions).",
        metavar="LIST|FILE",
    ),
]
EncoderName: TypeAlias = Annotated[
    str, typer.Option(help="minilm, efficientnet-lite0, hf:ID or hf:FOLDER. Default: what suits the items.")
]
TableOut: TypeAlias = Annotated[
    Path | None, typer.Option(help="Write the answers to a .csv, .jsonl or .parquet file.", metavar="FILE")
]

Given: TypeAlias = Annotated[
    list[str],
    typer.Argument(
        help='Texts in quotes, image files, or one file or folder of them; "-" reads a text a line. Before texts that '
        'begin with "-" comes "--".',
        metavar='"TEXT" ... | FILE',
    ),
]

TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".jsonl", ".json", ".parquet"})
DATA_SUFFIXES = TABLE_SUFFIXES | {".txt"}


@dataclass(frozen=True)
class Columns:
    """The columns of a table that a command line names."""

    text_column: TextColumn = None
    label_column: LabelColumn = None
    image_column: ImageColumn = None


def with_column_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each of `Columns`; it takes them as one argument, `columns`, its last."""
    *own, _ = signature(command).parameters.values()
    options = [
        Parameter(field.name, Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=field.type)
        for field in fields(Columns)
    ]

    @wraps(command)
    def called(**arguments: Any) -> None:
        named = Columns(**{option.name: arguments.pop(option.name) for option in options})
        command(**arguments, columns=named)

    called.__annotations__ = {one.name: one.annotation for one in (*own, *options)}
    called.__signature__ = signature(command).replace(parameters=[*own, *options])  # type: ignore[attr-defined]  # for typer
    return called


def read(
    path: Path,
    *,
    text_column: str | None = None,
    image_column: str | None = None,
    label_column: str | None = None,
    with_labels: bool = True,
) -> Any:
    """Return the data set at `path`, and say what of it was left out."""
    data = datasets.read_data(
        path,
        text_column=text_column,
        image_column=image_column,
        label_column=label_column,
        with_labels=with_labels,
        on_error="raise",
    )
    for place, reason in data.skipped:
        note(f"Left out: {place}: {reason}.")
    return data


def read_items(
    path: Path, *, text_column: str | None = None, image_column: str | None = None
) -> list[str] | list[Path]:
    """Return the items at `path` alone; what may be labels there is not looked at."""
    items: list[str] | list[Path] = read(
        path, text_column=text_column, image_column=image_column, with_labels=False
    ).items
    return items


def items_of(
    given: Sequence[str], *, text_column: str | None = None, image_column: str | None = None
) -> list[str] | list[Path]:
    """Return the items that a command line names: texts, image files, one file or folder of them, or "-" for stdin."""
    if list(given) == ["-"]:
        return _lines_of_stdin()
    if len(given) == 1 and _is_data(given[0]):
        return read_items(Path(given[0]), text_column=text_column, image_column=image_column)
    for argument in given:
        _check_item(argument)
    if text_column or image_column:
        raise typer.BadParameter("A column was named, but no table was given.")
    return list(given)


def labeled_items_of(given: Sequence[str], columns: Columns, *, label: str | None) -> tuple[list[Any], list[Any]]:
    """Return items and their labels: those of one file, or, where they are of one class, `label` for each."""
    one_file = len(given) == 1 and _is_data(given[0])
    if label is not None:
        if one_file:
            items = items_of_class(Path(given[0]), label, columns)
        else:
            items = [*items_of(given, text_column=columns.text_column, image_column=columns.image_column)]
        return items, [label] * len(items)
    if not one_file:
        raise typer.BadParameter("Texts and images bear no labels. Name their class with --label, or give one file.")
    data = read(Path(given[0]), **asdict(columns))
    if data.labels is None:
        raise InputError(
            f"{given[0]} has no labels. Name their column with --label-column, or the class of all with --label."
        )
    return data.items, data.labels


def items_of_class(path: Path, name: str, columns: Columns) -> list[Any]:
    """Return the items of one class: of data with labels those that bear its name, of others all."""
    data = read(path, **asdict(columns))
    labels = data.labels or [name] * len(data)
    own = [item for item, label in zip(data.items, labels, strict=True) if str(label) == name]
    if not own:
        raise InputError(f"{path} has labels, and none of them is {name!r}. Check the name, or the file.")
    return own


def refuse_overwriting(out: Path | None, *given: str | Path | None) -> None:
    """Raise InputError where `out` is one of the files given, or the labels of a folder given, by whatever path."""
    for source in given:
        for path in () if source is None or out is None else (str(source), os.path.join(source, "labels.csv")):
            if out is not None and os.path.isfile(path) and out.exists() and out.samefile(path):
                raise InputError(f"--out {out} is {path}, which is read: it would be lost. Give --out another name.")


def table_among(given: Sequence[str]) -> Path | None:
    """Return the table that the items come from, if they do."""
    alone = len(given) == 1 and _is_data(given[0]) and Path(given[0]).suffix.lower() in TABLE_SUFFIXES
    return Path(given[0]) if alone and os.path.isfile(given[0]) else None


def as_classes_write_them(labels: Iterable[Label], classes: Iterable[Label]) -> list[Label]:
    """Return each label as the classes write it, 1 as "1" or "1" as 1; a label that is none of them stays as it is.

    >>> as_classes_write_them([1, 2.0, "b", True, None, "c"], ["1", "2", "b", "true"])
    ['1', '2', 'b', 'true', None, 'c']
    """
    listed = list(classes)
    exact = {(type(name), name): name for name in listed}
    written = {_as_whole(name): name for name in listed} | {str(name): name for name in listed}
    truth = {str(name).casefold(): name for name in listed}
    found: list[Label] = []
    for label in labels:
        one = exact.get((type(label), label), written.get(str(label), written.get(_as_whole(label), label)))
        found.append(truth.get(str(label).casefold(), one) if isinstance(label, bool) else one)
    return found


def one_class(name: str, classes: Iterable[Label]) -> Label:
    """Return a class named on the command line as the model writes it; a new one like its neighbors."""
    listed = list(classes)
    found = as_classes_write_them([name], listed)[0]
    if found in listed or not all(type(one) is int for one in listed):
        return found
    try:
        return int(name)
    except ValueError as error:
        raise ClassesError(f"The model's classes are whole numbers, as {listed[0]} is; {name!r} is none.") from error


def _as_whole(label: Label) -> str:
    """Write a label, a whole number as such: JSON and JavaScript make no difference between 1.0 and 1."""
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)


def _check_item(argument: str) -> None:
    """Refuse what is no item among others: a file of items, and a file that is missing or cannot be read."""
    if _is_data(argument):
        raise typer.BadParameter(f"{argument} is a file of items. Give it alone, or give texts or images only.")
    ending, is_there = Path(argument).suffix.lower(), os.path.isfile(argument)
    if is_there and ending and ending not in IMAGE_SUFFIXES:
        raise InputError(
            f"{argument} is a file that cannot be read as items. Readable: {', '.join(sorted(DATA_SUFFIXES))}, images, "
            "and folders of images."
        )
    if not is_there and reads_as_path(argument, DATA_SUFFIXES | IMAGE_SUFFIXES):
        raise InputError(
            f"There is no file {argument}. If it is meant as a text, put it into a file, or give it on the standard "
            "input: echo TEXT | anyshot predict -"
        )


def _is_data(argument: str) -> bool:
    # os.path answers "no" for what is too long for a name, as a text may be; pathlib raises.
    if not argument.strip():
        return False
    return os.path.isdir(argument) or (Path(argument).suffix.lower() in DATA_SUFFIXES and os.path.isfile(argument))


def _lines_of_stdin() -> list[str]:
    try:
        given = list(sys.stdin) if sys.stdin is not None else []
    except UnicodeDecodeError as error:
        raise InputError(f"The standard input is not {error.encoding}: {error.reason}. Convert it to UTF-8.") from error
    if given:
        given[0] = given[0].removeprefix("\ufeff")  # the mark of an editor that writes one
    lines = [line.strip() for line in given if line.strip()]
    if not lines:
        raise InputError("The standard input is empty. Give it a text a line.")
    return lines
