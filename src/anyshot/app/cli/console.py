"""The application: running commands, and their output as tables in a terminal or JSON lines in a pipe."""

import json
import logging
import os
import re
import sys
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from io import TextIOWrapper
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer

from anyshot import app as tables
from anyshot import base  # it loads numpy for json_value, which help does not need
from anyshot.base import progress
from anyshot.base.terminal import escaped, escaped_json
from anyshot.errors import AnyshotError

if TYPE_CHECKING:  # it is loaded where there is a terminal
    from rich.console import RenderableType

FAILED: Final = 1  # the exit code of an error
DEVICE: Final = "ANYSHOT_DEVICE"
INTERRUPTED: Final = 130  # as shells report it: 128 + SIGINT
CLOSED_PIPE: Final = 141  # the exit code when the output is a closed pipe, as shells report it: 128 + SIGPIPE
_PARAMETER: Final = re.compile(r"(?:Words|[a-z]+_[a-z_]+|\w+=(?:\([^)]*\)|\{[^}]*\}|\[[^\]]*\]|[^\s(]+)) \((--[^)]+)\)")
"""A parameter of Python, perhaps with its value, and the option in its place."""
_QUIET: ContextVar[bool] = ContextVar("quiet", default=False)
ClickException: type[Any] = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
"""The base class of the errors of wrong usage. Its module depends on the version of typer, which does not export it."""


app = typer.Typer(
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich takes longer to load than all else that the list of commands needs
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=False,
    epilog="In a pipe, results are JSON lines. Exit codes: 0 success, 1 a problem with data or model, 2 wrong usage.",
)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib import metadata  # here, since it takes longer to load than most of the program

        typer.echo(f"anyshot {metadata.version('anyshot')}")
        raise typer.Exit


def options_of_all(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print no notes and no progress, only warnings.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Print how long the command took.")] = False,
    device: Annotated[
        str | None, typer.Option(help="Device of the encoder: cpu, cuda, mps. Default: a GPU if there is one.")
    ] = None,
) -> None:
    """Train with the labels you have: none, one, a few, or many. Texts, images and rows of tables."""


def main() -> NoReturn:
    """Run the command that was typed and exit with its exit code."""
    sys.exit(run())


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 success, 1 a problem with the data or model, 2 wrong usage.

    A problem is reported in one message on the standard error. Any other exception is a bug and keeps its traceback.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        # Output for other programs is UTF-8 on every system; a terminal shows "?" for a character that it lacks.
        if sys.stdout.isatty():
            sys.stdout.reconfigure(errors="replace")
        else:
            sys.stdout.reconfigure(encoding="utf-8")
    given = _common_first(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    with _plain_warnings(), _common_options(given):
        try:
            code = app(given, prog_name="anyshot", standalone_mode=False) or 0
            if code == INTERRUPTED:
                note("Interrupted.")
            return int(code)
        except ClickException as error:
            from typer.rich_utils import rich_format_error

            error.message = _plain_number_fault(escaped(error.message)) + _hint_of_dash(error)
            rich_format_error(error)
            return int(error.exit_code)
        except AnyshotError as error:
            print_error(str(error))
        except OSError as error:
            print_error(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}.")
            abandon_output()
    return FAILED


def _plain_number_fault(message: str) -> str:
    """Return what typer says of an option for a number without the names of types.

    >>> _plain_number_fault("'5%' is not a valid float."), _plain_number_fault("0 is not in the range x>=1.")
    ("'5%' is not a number. Write one such as 0.05.", '0 is too small: 1 or more is needed.')
    """
    message = re.sub(r"is not a valid float( range)?\.", "is not a number. Write one such as 0.05.", message)
    message = re.sub(r"is not a valid int(eger)?( range)?\.", "is not a whole number.", message)
    return re.sub(r"is not in the range x>=(\d+)\.", r"is too small: \1 or more is needed.", message)


def _hint_of_dash(error: Any) -> str:
    """Return how an argument is given that was taken for an option; nothing for other errors."""
    taken = str(getattr(error, "option_name", "--"))
    return "" if taken.startswith("--") else '. Put "--" before an argument that begins with "-".'


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Show warnings as plain messages while the command runs, each once."""
    shown = set[str]()

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        if str(message) not in shown:  # a report fits some twenty models, each of which warns
            shown.add(str(message))
            note(f"Warning: {message}")

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


class _Notes(logging.Handler):
    """A handler that prints log messages as notes on the standard error, each once."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.shown = set[str]()

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if message not in self.shown:
            self.shown.add(message)
            note(f"{'Warning' if record.levelno >= logging.WARNING else 'Note'}: {message}.")


def _common_first(arguments: Sequence[str]) -> list[str]:
    """Return arguments with the options that every command has at the front, where typer reads them.

    An option --device without a value is returned alone, which typer refuses by name.

    >>> _common_first(["predict", "a", "--quiet", "--device", "cpu", "--", "--quiet"])
    ['--quiet', '--device', 'cpu', 'predict', 'a', '--', '--quiet']
    """
    common: list[str] = []
    rest = list(arguments)
    end = rest.index("--") if "--" in rest else len(rest)
    own, after = iter(rest[:end]), rest[end:]
    others = []
    for one in own:
        if one in ("--quiet", "--verbose"):
            common.append(one)
        elif one == "--device":
            value = next(own, "--")
            if value.startswith("--"):
                return [one]
            common += [one, value]
        elif one.startswith("--device="):
            common += one.split("=", 1)
        else:
            others.append(one)
    return [*common, *others, *after]


@contextmanager
def _common_options(arguments: Sequence[str]) -> Iterator[None]:
    """Print the library's log as notes while the command runs, or nothing with --quiet; say its time with --verbose."""
    quiet, verbose = "--quiet" in arguments, "--verbose" in arguments
    level = logging.WARNING if quiet else logging.INFO
    log, notes, began = logging.getLogger("anyshot"), _Notes(level), time.time()
    before, device = log.level, os.environ.get(DEVICE)
    if "--device" in arguments[:-1]:
        os.environ[DEVICE] = arguments[arguments.index("--device") + 1]
    log.addHandler(notes)
    log.setLevel(level)
    _QUIET.set(quiet)
    try:
        with progress.hidden() if quiet else nullcontext():
            yield
    finally:
        if verbose:
            note(f"It took {time.time() - began:.1f} s.")
        log.removeHandler(notes)
        log.setLevel(before)
        _QUIET.set(False)
        if device is None:
            os.environ.pop(DEVICE, None)
        else:
            os.environ[DEVICE] = device


def in_terminal() -> bool:
    """Return whether the standard output is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def show_rows(rows: Iterable[Mapping[str, object]], *, last: str = "") -> None:
    """Print rows with the same keys: a table in a terminal, JSON lines in a pipe.

    last: a column with long texts, which is put at the end and wraps.
    """
    listed = list(rows)
    if in_terminal():
        tables.SafeConsole().print(tables.table_of(listed, last=last))
    else:
        _print_lines(listed)


def show(shown: "RenderableType", facts: Mapping[str, object]) -> None:
    """Print `shown` in a terminal, or `facts` as one JSON object in a pipe."""
    show_each(shown, [facts])


def show_each(shown: "RenderableType", rows: Iterable[Mapping[str, object]]) -> None:
    """Print `shown` in a terminal, or `rows` as JSON lines in a pipe."""
    if in_terminal():
        tables.SafeConsole().print(shown)
    else:
        _print_lines(rows)


def _print_lines(rows: Iterable[Mapping[str, object]]) -> None:
    """Print rows as JSON lines."""
    if sys.stdout is None:
        return  # the caller closed the standard output
    try:
        for row in rows:
            sys.stdout.write(escaped_json(json.dumps(base.json_value(row), ensure_ascii=False)) + "\n")
        sys.stdout.flush()
    except BrokenPipeError as error:
        abandon_output()
        raise typer.Exit(CLOSED_PIPE) from error


def abandon_output() -> None:
    """Discard the buffered output if it cannot be written, so that the interpreter does not fail when it exits."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def for_commands(message: str) -> str:
    """Return a message of the library without the advice for Python alone, which stands at its end.

    A parameter of Python before the option in its place is left out too.

    >>> for_commands("Change them with Words (--words), or leave the list out with words=False (--no-thesaurus).")
    'Change them with --words, or leave the list out with --no-thesaurus.'
    >>> for_commands("Name its group, groups={'site': sites} (--group-column NAME), or unlabeled ones (--unlabeled).")
    'Name its group, --group-column NAME, or unlabeled ones (--unlabeled).'
    """
    return _PARAMETER.sub(r"\1", message.partition(" In Python: ")[0])


def note(message: str) -> None:
    """Print a message on the standard error, with control characters escaped; with --quiet, only warnings."""
    if not _QUIET.get() or message.startswith("Warning: "):
        typer.echo(escaped(for_commands(message)), err=True)


def print_error(message: str) -> None:
    """Print an error message on the standard error."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        typer.echo("Error: ", nl=False, err=True)
    else:
        typer.secho("Error: ", fg=typer.colors.RED, bold=True, nl=False, err=True)
    typer.echo(escaped(for_commands(message)), err=True)
