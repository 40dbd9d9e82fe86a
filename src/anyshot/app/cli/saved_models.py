"""The saved model of a command: its folder among the arguments, its encoder, and opening it."""

import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from inspect import signature
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from anyshot.app.cli.options import with_options
from anyshot.base.files import readable_folder
from anyshot.base.model_folder import ARRAYS_FILE, MODEL_FILE
from anyshot.errors import InputError
from anyshot.tasks.loading import load

Model: TypeAlias = Annotated[Path, typer.Argument(help="Folder of a model that fit wrote.", metavar="DIR")]


@dataclass(frozen=True)
class EncoderOption:
    """The encoder of a saved model, as named by the option of a command."""

    encoder: Annotated[
        str | None,
        typer.Option(help="Name of the model's encoder, if it is a folder, such as hf:/models/bert.", metavar="NAME"),
    ] = None


_SAVED_ENCODER: ContextVar[str | None] = ContextVar("encoder", default=None)


def with_encoder_option(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that opens a model the option --encoder, which `open_model` passes on; others are unchanged."""
    own = signature(command).parameters
    if "model" not in own or "encoder" in own:
        return command

    @wraps(command)
    def called(*, encoder_option: EncoderOption, **arguments: Any) -> None:
        with saved_encoder(encoder_option.encoder):
            command(**_with_model_first(arguments))

    return with_options(called, "encoder_option", EncoderOption)


def _with_model_first(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return arguments with the folder of the model as `model`, in whatever order it and the data were given.

    Raises InputError if the model is a file.
    """
    model, data, items = (arguments.get(name) for name in ("model", "data", "items"))
    if isinstance(items, list):
        found, items = model_and_items([str(model), *items], None)
        given = {"model": found, "items": items} if found is not None else {}
    elif is_model(data) and not is_model(model):
        given = {"model": data, "data": model}
    else:
        given = {}
    arguments = {**arguments, **given}
    folder = _folder_of_model(arguments["model"])
    if os.path.isfile(folder):
        raise InputError(f"{folder} is a file. Give the folder of a saved model, unpacked if it is an archive.")
    return {**arguments, "model": folder}


def is_model(path: object) -> bool:
    """Return whether a path leads to the folder of a model, or to the file in it by which it is known."""
    written = str(path)
    return os.path.isfile(readable_folder(Path(written)) / MODEL_FILE) or (
        os.path.basename(written) == MODEL_FILE and os.path.isfile(written)
    )


def _is_packed(path: str) -> bool:
    """Return whether a path leads to a ZIP file that holds a model; opening it says that it must be unpacked."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(os.path.basename(name) == MODEL_FILE for name in archive.namelist())


def _folder_of_model(path: Path) -> Path:
    return path.parent if path.name == MODEL_FILE and os.path.isfile(path) else path


@contextmanager
def saved_encoder(name: str | None) -> Iterator[None]:
    """Name the encoder of the models that are opened in the block."""
    token = _SAVED_ENCODER.set(name)
    try:
        yield
    finally:
        _SAVED_ENCODER.reset(token)


def model_and_items(items: Sequence[str], model: Path | None) -> tuple[Path | None, list[str]]:
    """Return the folder of the model and the items, in whatever order they were given."""
    found = [one for one in items if model is None and is_model(one)]
    # The rest of a model that was copied in part: opening it says what it lacks.
    found = found or [one for one in items if model is None and os.path.isfile(os.path.join(one, ARRAYS_FILE))]
    found = found or [one for one in items if model is None and _is_packed(one)]
    rest = list(items)
    if found:
        rest.remove(found[0])
        model = Path(found[0])
    return (None if model is None else _folder_of_model(model), rest)


def load_model(folder: Path) -> Any:
    """Return the model saved to a folder, with the encoder that the command names."""
    return load(folder, encoder=_SAVED_ENCODER.get())


def open_model(folder: Path, *, method: str) -> Any:
    """Return the model saved to a folder.

    method: the method that the command calls, such as "explain".

    Raises InputError if models of its kind have no such method.
    """
    model = load_model(folder)
    if not hasattr(model, method):
        raise InputError(
            f"{folder} contains a model of type {type(model).__name__}, which has no method {method}. This command "
            "needs a model that `anyshot fit` or `anyshot tune` wrote; in Python, anyshot.load reads every kind."
        )
    return model
