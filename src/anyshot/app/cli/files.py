"""Files that commands read and write: their encoding, rows and images that cannot be used, and where output may go."""

import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import wraps
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

import typer

from anyshot import data as datasets
from anyshot.app.cli.console import note
from anyshot.app.cli.options import with_options
from anyshot.base.files import check_writable, try_file_in
from anyshot.base.lazy import extra
from anyshot.base.messages import count, enumerated, one_call
from anyshot.base.model_folder import MODEL_FILE, check_replaceable
from anyshot.base.user_folders import web_address
from anyshot.data.text_files import existing
from anyshot.errors import DataFileError, InputError, ModelFolderError, UnknownClassError

if TYPE_CHECKING:  # it loads pandas
    from anyshot.data.tables import Table

PANEL: Final = "Reading files"
TABLES = (".csv", ".xlsx", ".jsonl", ".parquet")
PICTURES = (".png", ".svg", ".pdf")
MAX_LISTED: Final = 20
"""Skipped rows that are listed; --skipped writes all."""

FileEncoding: TypeAlias = Annotated[
    str | None,
    typer.Option(help="Encoding of text files. Default: detected.", metavar="NAME", rich_help_panel=PANEL),
]
TableOut: TypeAlias = Annotated[
    Path | None, typer.Option(help="Write the results to a .csv, .xlsx, .jsonl or .parquet file.", metavar="FILE")
]
Verbatim: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--verbatim", help="Write texts that begin with = + - or @ unchanged to a .csv; spreadsheets run some of them."
    ),
]
SheetName: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--sheet",
        help="Sheet of an Excel file. Default: the first visible one with data.",
        metavar="NAME",
        rich_help_panel=PANEL,
    ),
]
OnError: TypeAlias = Annotated[
    Literal["skip", "raise"],
    typer.Option(help="Whether rows and images that cannot be used are skipped or stop it.", rich_help_panel=PANEL),
]
SkippedOut: TypeAlias = Annotated[
    Path | None,
    typer.Option(help="Write what was skipped to a .csv, .xlsx or .jsonl file.", metavar="FILE", rich_help_panel=PANEL),
]


@dataclass(frozen=True)
class FileOptions:
    """How files are read, as named by the options of a command."""

    encoding: FileEncoding = None
    sheet: SheetName = None
    on_error: OnError = "skip"
    skipped: SkippedOut = None


@dataclass(frozen=True)
class Reading:
    """How a command reads files, the tables that it read, and the (place, reason) of what it skipped.

    named: the files whose columns were named; taken: the tables and the data that were read of them.
    """

    options: FileOptions = FileOptions()
    tables: dict[Path, "Table"] = field(default_factory=dict)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    named: set[Path] = field(default_factory=set)
    taken: list[tuple["Table", "datasets.Dataset"]] = field(default_factory=list)

    def table(self, path: Path) -> "Table | None":
        """Return the table at a path, with its blank rows, which is read once; None for a folder of images."""
        encoding, sheet = self.options.encoding, self.options.sheet
        if path in self.tables:
            return self.tables[path]
        table: Table | None
        if not existing(path).is_dir():
            table = datasets.read_table(path, encoding=encoding, sheet=sheet, blank_rows=True)
        elif sheet is not None:
            raise InputError(f"--sheet {sheet} was given, but {path} is a folder. Leave it out.")
        else:
            table = datasets.texts_of_folder(existing(path), encoding=encoding)
        if table is not None:
            self.tables[path] = table
        return table

    def places(self, texts: Sequence[str]) -> list[str]:
        """Return where these texts stand in the tables that were read, as people count their rows."""
        wanted = set(texts)
        found = {
            (table.path, row): table
            for table, data in self.taken
            if data.modality != "table"
            for row, item in zip(data.table_rows, data.items, strict=True)
            if item in wanted
        }
        several = len({path for path, _ in found}) > 1
        return [table.place(row) + (f" of {path}" if several else "") for (path, row), table in found.items()]

    @contextmanager
    def naming_labels(self, learning: Path | None) -> Iterator[None]:
        """Let an error on a label say in which row of the tables it stands; learning: the model that learns them."""
        try:
            yield
        except UnknownClassError as error:
            found = [
                table.location(row)
                for table, data in self.taken
                for row, label in zip(data.table_rows, data.labels or (), strict=False)
                if label is not None and str(label) == str(error.label)
            ]
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            place = f"{found[0]}{more}: " if found else ""
            raise UnknownClassError(place + self._with_remedy(error, learning), error.label) from error

    def _with_remedy(self, error: UnknownClassError, learning: Path | None) -> str:
        """Return the message of a label that is no class, with the command that adds it to the model that learns."""
        if learning is None or not error.fault:
            return str(error)
        path = next(iter(self.tables), None)
        examples = ["--example", "ITEM"] if path is None else ["--examples", str(path)]
        adding = shlex.join(["anyshot", "add-class", str(learning), str(error.label), *examples])
        return f"{error.fault} Correct it, or add the class: {adding}"


_CURRENT: ContextVar[Reading | None] = ContextVar("reading", default=None)
_READS: Final = frozenset({"data", "items", "examples"})
_FILES: Final = ("data", "items", "examples", "unlabeled", "train", "classes", "model", "out")
"""Arguments that name files."""


def current() -> Reading:
    """Return how the command that runs reads files."""
    return _CURRENT.get() or Reading()


def with_file_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that reads files the options of `FileOptions`; others are unchanged."""
    if not _READS & set(signature(command).parameters):
        return command

    @wraps(command)
    def called(*, file_options: FileOptions, **arguments: Any) -> None:
        arguments = {name: _in_home(value) for name, value in arguments.items()}
        file_options = replace(file_options, skipped=_in_home(file_options.skipped))
        given = [arguments.get(name) for name in _FILES]
        files = [one for own in given for one in (own if isinstance(own, list) else [own])]
        check_out(file_options.skipped, TABLES, *files, option="--skipped")
        reading = Reading(file_options)
        learning = arguments.get("model") if command.__name__ == "learn" else None
        token = _CURRENT.set(reading)
        try:
            with one_call(reading.places), reading.naming_labels(learning):
                command(**arguments)
        finally:  # after an error too: what was skipped may be its cause
            _CURRENT.reset(token)
            _list(list(dict.fromkeys(reading.skipped)), file_options.skipped)

    return with_options(called, "file_options", FileOptions)


def _in_home(value: Any) -> Any:
    """Return a path with ~ at its start replaced, as in --out=~/a.csv, where shells do not; others are unchanged."""
    return Path(os.path.expanduser(value)) if isinstance(value, Path) else value


def _list(skipped: Sequence[tuple[str, str]], file: Path | None) -> None:
    """Say what was skipped, and write it to a file if one is given."""
    for place, reason in skipped[:MAX_LISTED]:
        note(f"Skipped: {reason if reason.startswith(place) else f'{place}: {reason}'}.")
    if len(skipped) > 1:
        hidden = len(skipped) - MAX_LISTED
        more = f", of which {MAX_LISTED} are listed; --skipped FILE lists all" if hidden > 0 and file is None else ""
        note(f"Skipped {count(len(skipped), 'item')} in all{more}.")
    if file is not None:
        from pandas import DataFrame  # here, since most commands skip nothing

        datasets.write_table(DataFrame(skipped, columns=["place", "reason"]), file)
        note(f"Wrote {count(len(skipped), 'skipped item')} to {file}.")


# --- output ---------------------------------------------------------------------------------------------------------


def check_out(out: Path | None, suffixes: Sequence[str], *others: str | Path | None, option: str = "--out") -> None:
    """Raise an error if a file cannot be written, or is one of the others or the table of an input folder.

    others: what the command reads, and its other output.

    Raises
    ------
    DataFileError
        It is an address or a folder, its name does not end in one of the suffixes, or its folder cannot be written to.
    InputError
        It would overwrite an input or another output, or lie in the folder of a model.
    MissingExtraError
        It is a Parquet or Excel file, and what writes them is not installed.
    """
    if out is None:
        return
    if (address := web_address(out)) is not None:
        raise DataFileError(f"{address} is an address, and nothing is uploaded to it. Give a file of this machine.")
    if out.suffix.lower() not in suffixes:
        raise DataFileError(f"{out} cannot be written: its name must end in {enumerated(suffixes, last='or')}.")
    for other in others:
        if other is not None and _would_replace(out, str(other)):
            raise InputError(f"{option} {out} would overwrite {other}. Choose another name for {option}.")
    _check_beside_models(out, option)
    if out.suffix.lower() == ".parquet":
        extra("pyarrow", "tables", purpose="Writing Parquet files")
    if out.suffix.lower() == ".xlsx":
        extra("openpyxl", "tables", purpose="Writing Excel files")
    check_writable(out)


def _check_beside_models(out: Path, option: str = "--out") -> None:
    """Raise InputError if output would lie in the folder of a model, which is replaced as a whole when it is saved."""
    if (out.parent / MODEL_FILE).is_file() and out.suffix.lower() != ".md":
        raise InputError(
            f"{option} {out} would lie in the folder of a model, which could not be changed any more. Choose another "
            f"folder for {option}."
        )


def _would_replace(out: Path, path: str) -> bool:
    """Return whether a file to write is another one, or the table of a folder of images, there or not."""
    if os.path.isdir(path):
        return out.stem.lower() in ("labels", "metadata") and out.parent.is_dir() and out.parent.samefile(path)
    if os.path.isfile(path) and out.exists():
        return out.samefile(path)
    return os.path.abspath(out) == os.path.abspath(path)


def check_model_out(folder: Path) -> None:
    """Raise ModelFolderError if a model cannot be written to a folder, InputError if that lies in one of a model."""
    check_replaceable(folder)
    _check_beside_models(folder)
    parent = next(one for one in folder.resolve().parents if one.exists())
    try:
        try_file_in(parent)
    except OSError as error:
        fault = f"no file can be made in {parent}: {error.strerror or error}"
        raise ModelFolderError(f"The model cannot be written to {folder}: {fault}. Choose another folder.") from error
