"""Input of commands: items, labels and classes on the command line, in files or on the standard input."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from anyshot import data as datasets
from anyshot.app.cli.console import note
from anyshot.app.cli.options import Columns
from anyshot.base.items import IMAGE_SUFFIXES, reads_as_path
from anyshot.errors import InputError
from anyshot.tasks.loading import load

Model: TypeAlias = Annotated[Path, typer.Argument(help="Folder of a model that fit wrote.", metavar="DIR")]
Data: TypeAlias = Annotated[
    Path,
    typer.Argument(
        help="CSV, TSV, JSON lines, Parquet, a text file with one text per line, or a folder of images.", metavar="DATA"
    ),
]
EncoderName: TypeAlias = Annotated[
    str, typer.Option(help="minilm, efficientnet-lite0, hf:ID or hf:FOLDER. Default: chosen by the kind of items.")
]
TableOut: TypeAlias = Annotated[
    Path | None, typer.Option(help="Write the results to a .csv, .jsonl or .parquet file.", metavar="FILE")
]
Verbatim: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--verbatim", help="Write texts that begin with = + - or @ unchanged to a .csv; spreadsheets run some of them."
    ),
]

Given: TypeAlias = Annotated[
    list[str],
    typer.Argument(
        help='Texts in quotes, image files, or one file or folder of items; "-" reads one text per line from the '
        'standard input. Put "--" before texts that begin with "-".',
        metavar='"TEXT" ... | FILE',
    ),
]

TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".jsonl", ".json", ".parquet"})
DATA_SUFFIXES = TABLE_SUFFIXES | {".txt"}


SavedEncoder: TypeAlias = Annotated[
    str | None,
    typer.Option(help="Name of the model's encoder, if it is a folder, such as hf:/models/bert.", metavar="NAME"),
]
_SAVED_ENCODER: ContextVar[str | None] = ContextVar("encoder", default=None)


def with_encoder_option(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that opens a model the option --encoder, which `open_model` passes on; others are unchanged."""
    own = signature(command).parameters
    if "model" not in own or "encoder" in own:
        return command
    option = Parameter("encoder", Parameter.KEYWORD_ONLY, default=None, annotation=SavedEncoder)

    @wraps(command)
    def called(encoder: str | None = None, **arguments: Any) -> None:
        with saved_encoder(encoder):
            command(**arguments)

    called.__signature__ = Signature([*own.values(), option])  # type: ignore[attr-defined]  # for typer
    return called


@contextmanager
def saved_encoder(name: str | None) -> Iterator[None]:
    """Name the encoder of the models that are opened in the block."""
    token = _SAVED_ENCODER.set(name)
    try:
        yield
    finally:
        _SAVED_ENCODER.reset(token)


def read(
    path: Path,
    *,
    text_column: str | None = None,
    image_column: str | None = None,
    label_column: str | None = None,
    with_labels: bool = True,
) -> Any:
    """Return the data set at `path`, and print which rows or files were skipped."""
    data = datasets.read_data(
        path,
        text_column=text_column,
        image_column=image_column,
        label_column=label_column,
        with_labels=with_labels,
        on_error="raise",
    )
    for source, reason in data.skipped:
        note(f"Skipped: {source}: {reason}.")
    return data


def read_items(
    path: Path, *, text_column: str | None = None, image_column: str | None = None
) -> list[str] | list[Path]:
    """Return the items at `path` without looking for labels."""
    items: list[str] | list[Path] = read(
        path, text_column=text_column, image_column=image_column, with_labels=False
    ).items
    return items


def items_of(
    arguments: Sequence[str], *, text_column: str | None = None, image_column: str | None = None
) -> list[str] | list[Path]:
    """Return the items on a command line: texts, image files, one file or folder of items, or "-" for stdin."""
    if list(arguments) == ["-"]:
        return _lines_of_stdin()
    if len(arguments) == 1 and _is_data(arguments[0]):
        return read_items(Path(arguments[0]), text_column=text_column, image_column=image_column)
    for argument in arguments:
        _check_item(argument)
    if text_column or image_column:
        raise typer.BadParameter("A column was named, but the items are not in a table.")
    return list(arguments)


def labeled_items_of(arguments: Sequence[str], columns: Columns, *, label: str | None) -> tuple[list[Any], list[Any]]:
    """Return items and their labels: those of one file, or `label` for every item."""
    one_file = len(arguments) == 1 and _is_data(arguments[0])
    if label is not None:
        if one_file:
            items = items_of_class(Path(arguments[0]), label, columns)
        else:
            items = [*items_of(arguments, text_column=columns.text_column, image_column=columns.image_column)]
        return items, [label] * len(items)
    if not one_file:
        for argument in arguments:
            _check_item(argument)
        raise typer.BadParameter(
            "Texts and images on the command line have no labels. Name their class with --label, or give a file."
        )
    data = read(Path(arguments[0]), **asdict(columns))
    if data.labels is None:
        raise InputError(
            f"{arguments[0]} has no labels. Name their column with --label-column, or the class of all items "
            "with --label."
        )
    return data.items, data.labels


def items_of_class(path: Path, name: str, columns: Columns) -> list[Any]:
    """Return the items of one class: those labeled with its name, or all items if there are no labels."""
    data = read(path, **asdict(columns))
    labels = data.labels or [name] * len(data)
    own = [item for item, label in zip(data.items, labels, strict=True) if str(label) == name]
    if not own:
        raise InputError(f"{path} has labels, but none of them is {name!r}. Check the name and the file.")
    return own


def load_model(folder: Path) -> Any:
    """Return the model saved to a folder, with the encoder that the command names."""
    return load(folder, encoder=_SAVED_ENCODER.get())


def open_model(folder: Path, *, method: str) -> Any:
    """Return the model saved to a folder.

    method: the method that the command calls, such as "explain".

    Raises
    ------
    InputError
        Models of its kind have no such method.
    """
    model = load_model(folder)
    if not hasattr(model, method):
        raise InputError(
            f"{folder} contains a model of type {type(model).__name__}, which has no method {method}. This command "
            "needs a model that `anyshot fit` or `anyshot tune` wrote; in Python, anyshot.load reads every kind."
        )
    return model


def refuse_overwriting(out: Path | None, *sources: str | Path | None) -> None:
    """Raise InputError if `out` is one of the input files or the labels.csv of an input folder, by any path."""
    for source in sources:
        for path in () if source is None or out is None else (str(source), os.path.join(source, "labels.csv")):
            if out is not None and os.path.isfile(path) and out.exists() and out.samefile(path):
                raise InputError(f"--out {out} would overwrite the input {path}. Choose another name for --out.")


def table_among(arguments: Sequence[str]) -> Path | None:
    """Return the path of the table that the items come from, or None."""
    alone = len(arguments) == 1 and _is_data(arguments[0]) and Path(arguments[0]).suffix.lower() in TABLE_SUFFIXES
    return Path(arguments[0]) if alone and os.path.isfile(arguments[0]) else None


def _check_item(argument: str) -> None:
    """Refuse an argument that is not an item: a file of items, or a file that is missing or cannot be read."""
    if _is_data(argument):
        raise typer.BadParameter(
            f"{argument} is a file of items. Give it as the only argument, or give texts or images only."
        )
    ending, is_there = Path(argument).suffix.lower(), os.path.isfile(argument)
    if is_there and ending and ending not in IMAGE_SUFFIXES:
        raise InputError(
            f"{argument} cannot be read as items. Supported: {', '.join(sorted(DATA_SUFFIXES))}, images, and folders "
            "of images."
        )
    if not is_there and reads_as_path(argument, DATA_SUFFIXES | IMAGE_SUFFIXES):
        raise InputError(
            f"There is no file {argument}. If it is a text, pass it on standard input: echo TEXT | anyshot predict -"
        )


def _is_data(argument: str) -> bool:
    # os.path returns False for a text that is too long for a file name; pathlib raises.
    if not argument.strip():
        return False
    return os.path.isdir(argument) or (Path(argument).suffix.lower() in DATA_SUFFIXES and os.path.isfile(argument))


def _lines_of_stdin() -> list[str]:
    try:
        lines_read = list(sys.stdin) if sys.stdin is not None else []
    except UnicodeDecodeError as error:
        raise InputError(f"The standard input is not {error.encoding}: {error.reason}. Convert it to UTF-8.") from error
    if lines_read:
        lines_read[0] = lines_read[0].removeprefix("\ufeff")  # a byte order mark
    lines = [line.strip() for line in lines_read if line.strip()]
    if not lines:
        raise InputError("The standard input is empty. Give one text per line.")
    return lines
