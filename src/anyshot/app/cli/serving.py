"""The command that runs the service: serve."""

import re
import signal
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from anyshot import encoders, tasks
from anyshot.app import server
from anyshot.app.cli.console import note
from anyshot.app.cli.options import ClassOptions, with_class_options, with_options
from anyshot.base.lazy import check_extra

_PACKAGES: Final = ("fastapi", "uvicorn", "httptools", "python_multipart", "prometheus_client")
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([kKmMgG]?)[bB]?")
_ORIGIN: Final = re.compile(r"https?://[^/\s?#*]+", re.IGNORECASE)
_UNITS: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}


def _bytes_of(size: str) -> int:
    """Return a size such as 10MB in bytes."""
    found = _SIZE.fullmatch(size.strip())
    if found is None or not (number := int(float(found[1]) * _UNITS[found[2].lower()])):
        raise typer.BadParameter(f"{size!r} is not a size. Write a number and a unit, such as 10MB.")
    return number


def _origin(given: str) -> str:
    """Return an origin as browsers send it; raise BadParameter if it is none."""
    if not _ORIGIN.fullmatch(given):
        raise typer.BadParameter(f"{given!r} is no origin. Write one without a path, such as https://app.example.com.")
    return given.lower()


@dataclass(frozen=True)
class ServiceOptions:
    """How the service runs, as named by the options of the command."""

    host: Annotated[str, typer.Option(help="Address to listen on. Others than this machine need tokens.")] = "127.0.0.1"
    port: Annotated[int, typer.Option(help="Port to listen on; 0 for any free one.", min=0, max=65535)] = 8000
    token_file: Annotated[
        Path | None, typer.Option(help="File of tokens: lines of 'read TOKEN' and 'write TOKEN'.", metavar="FILE")
    ] = None
    read_only: Annotated[bool, typer.Option("--read-only", help="Refuse changes of models.")] = False
    max_body: Annotated[str, typer.Option(help="Largest request.", metavar="SIZE")] = "10MB"
    max_queue: Annotated[int, typer.Option(help="Requests that may wait; others get status 503.", min=1)] = 256
    workers: Annotated[int, typer.Option(help="Processes that answer.", min=1)] = 1
    cors_origin: Annotated[
        list[str] | None,
        typer.Option(
            help="Site whose pages may call the service, such as https://app.example.com; repeat it for each.",
            metavar="ORIGIN",
        ),
    ] = None
    log_items: Annotated[bool, typer.Option("--log-items", help="Write the items of requests to the log.")] = False

    def settings(self) -> server.Settings:
        """Return the settings of the service."""
        return server.Settings(
            host=self.host,
            port=self.port,
            token_file=self.token_file,
            read_only=self.read_only,
            max_body=_bytes_of(self.max_body),
            max_queue=self.max_queue,
            workers=self.workers,
            cors_origins=tuple(map(_origin, self.cors_origin or ())),
            log_items=self.log_items,
        )


@with_class_options
@partial(with_options, name="service_options", kind=ServiceOptions)
def serve(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            help="Folders of models. Each is served by the name of its folder, or as NAME=DIR.", metavar="DIR..."
        ),
    ] = None,
    encoder: Annotated[
        str, typer.Option(help="Encoder of --classes; or that of the models, if it is a folder: hf:/models/bert.")
    ] = "auto",
    *,
    service_options: ServiceOptions,
    class_options: ClassOptions,
) -> None:
    """Serve models over HTTP. Their classes and labels can be changed while they answer.

    Changes are saved to the folder of the model. With --classes instead of a folder, a model of texts is made from the
    names, and its changes are kept until the service ends. The first line that is printed names the address; /docs
    describes all requests. SIGTERM ends the service once what was accepted is answered.

    Every saved model that predicts can be served. Only those that `anyshot fit` writes can be changed; the others are
    fine-tuned networks, regressions, and models of several tasks.
    """
    if not models and not class_options.given:
        raise typer.BadParameter("Either folders of models or --classes are required.")
    if models:
        class_options.refuse_beside("folders of models")
    for package in _PACKAGES:
        check_extra(package, "serve", purpose="anyshot serve")
    settings = service_options.settings()
    signal.signal(signal.SIGTERM, _end)
    with ExitStack() as stack:
        if models:
            folders, named = _folders(models), None if encoder == "auto" else encoder
        else:
            place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="anyshot-")))
            folders, named = {"model": _from_names(class_options, encoder, place / "model")}, None
        opening = None
        if settings.workers == 1:  # the models are opened while the web framework is imported, which takes as long
            beside = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="opening"))
            opening = beside.submit(server.open_models, folders, settings, encoder=named)
        server.serve(folders, settings, encoder=named, opening=opening)


def _end(*_: object) -> None:
    """End the process as a command that is done: what it made is deleted, and the exit code is 0."""
    raise typer.Exit(0)


def _folders(models: list[str]) -> dict[str, Path]:
    """Return the folders of models by their names."""
    folders: dict[str, Path] = {}
    for given in models:
        name, equals, folder = given.partition("=")
        if not given or (equals and not folder):
            raise typer.BadParameter(f"{given!r} names no folder. Check the variable that it comes from.")
        path = Path(folder if equals else given).expanduser()  # shells leave the ~ after = as it is
        name = name if equals else path.resolve().name
        if name in folders:
            raise typer.BadParameter(f"Two models are named {name!r}. Give one another name, as NAME=DIR.")
        folders[server.check_model_name(name)] = path
    return folders


def _from_names(class_options: ClassOptions, encoder: str, folder: Path) -> Path:
    """Save a model of class names to a folder, and return it."""
    chosen = encoders.default_for("text") if encoder == "auto" else encoder
    tasks.AnyShotClassifier(**class_options.parameters(), encoder=chosen).fit().save(folder)
    note("The model is made from the names of its classes; its changes are kept until the service ends.")
    return folder
