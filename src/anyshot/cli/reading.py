"""What a command is given: items on the line or in a file, labels, classes."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

import anyshot
from anyshot.cli.printing import note
from anyshot.errors import ClassesError, InputError
from anyshot.items import IMAGE_SUFFIXES
from anyshot.labels import Label

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

DATA_SUFFIXES = frozenset({".csv", ".tsv", ".jsonl", ".json", ".parquet", ".txt"})


def read(
    path: Path,
    *,
    text_column: str | None = None,
    image_column: str | None = None,
    label_column: str | None = None,
    with_labels: bool = True,
) -> Any:
    """Return the data set at `path`, and say what of it was left out."""
    data = anyshot.read_data(
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
        if _is_data(argument):
            raise typer.BadParameter(f"{argument} is a file of items. Give it alone, or give texts or images only.")
        if _looks_like_a_file(argument) and not Path(argument).is_file():
            raise InputError(
                f"There is no file {argument}. If it is meant as a text, put it into a file, or give it on the "
                "standard input: echo TEXT | anyshot predict -"
            )
    if text_column or image_column:
        raise typer.BadParameter("A column was named, but no table was given.")
    return list(given)


def as_classes_write_them(labels: Iterable[Label], classes: Iterable[Label]) -> list[Label]:
    """Return each label as the classes write it, 1 as "1" or "1" as 1; a label that is none of them stays as it is.

    >>> as_classes_write_them([1, "b", True, None, "c"], ["1", "b", "true"])
    ['1', 'b', 'true', None, 'c']
    """
    listed = list(classes)
    exact = {(type(name), name): name for name in listed}
    written = {str(name): name for name in listed}
    truth = {str(name).casefold(): name for name in listed}
    found: list[Label] = []
    for label in labels:
        one = exact.get((type(label), label), written.get(str(label), label))
        found.append(truth.get(str(label).casefold(), one) if isinstance(label, bool) else one)
    return found


def one_class(name: str, classes: Iterable[Label]) -> Label:
    """Return a class named on the command line as the model writes it; a new one like its neighbours."""
    listed = list(classes)
    found = as_classes_write_them([name], listed)[0]
    if found in listed or not all(type(one) is int for one in listed):
        return found
    try:
        return int(name)
    except ValueError as error:
        raise ClassesError(f"The model's classes are whole numbers, as {listed[0]} is; {name!r} is none.") from error


def _is_data(argument: str) -> bool:
    path = Path(argument)
    if not argument.strip() or len(argument) >= 4096:
        return False
    return path.is_dir() or (path.suffix.lower() in DATA_SUFFIXES and path.is_file())


def _looks_like_a_file(argument: str) -> bool:
    """Tell whether an argument is one word that ends as a file of items does."""
    return not any(map(str.isspace, argument)) and Path(argument).suffix.lower() in DATA_SUFFIXES | IMAGE_SUFFIXES


def _lines_of_stdin() -> list[str]:
    lines = [line.strip() for line in sys.stdin if line.strip()]
    if not lines:
        raise InputError("The standard input is empty. Give it a text a line.")
    return lines
