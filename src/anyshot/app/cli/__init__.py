"""The command line. Each command calls one function of the public interface. Exit codes: 0, 1, 2, 130, 141."""

import logging
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from io import TextIOWrapper
from typing import Annotated, Any, NoReturn

import typer

from anyshot.app.cli.answering import evaluate, explain, predict, suggest
from anyshot.app.cli.learning import add_class, fit, learn, remove_class, tune
from anyshot.app.cli.machine import cache, demo, doctor, models
from anyshot.app.cli.measuring import curve, encode
from anyshot.app.cli.printing import abandon_output, note, print_error
from anyshot.app.cli.reporting import card, report
from anyshot.errors import AnyshotError

FAILED = 1
INTERRUPTED = 130  # as shells report it: 128 + SIGINT

_COMMANDS: dict[str, tuple[Callable[..., None], tuple[str, ...]]] = {
    "predict": (
        predict,
        (
            'anyshot predict "I was charged twice" --classes billing,delivery,login',
            "anyshot predict photo.jpg --classes cat,dog",
            "anyshot predict tickets.csv --model model/ --out answers.csv",
        ),
    ),
    "fit": (
        fit,
        (
            "anyshot fit tickets.csv --out model/",
            "anyshot fit few.csv --classes classes.json --unlabeled rest.csv --unknown-rate 0.05 --out model/",
            "anyshot fit photos/ --out model/ --encoder hf:openai/clip-vit-base-patch32",
        ),
    ),
    "tune": (tune, ("anyshot tune tickets.csv --out model/ --budget 600",)),
    "learn": (
        learn,
        (
            "anyshot learn model/ more.csv",
            'anyshot learn model/ "I paid two times" "why two charges?" --label billing',
        ),
    ),
    "evaluate": (evaluate, ("anyshot evaluate model/ test.csv",)),
    "report": (
        report,
        (
            "anyshot report model/ test.csv --out report.html",
            "anyshot report model/ test.csv --train tickets.csv --group-column country",
        ),
    ),
    "card": (card, ("anyshot card model/ --data test.csv",)),
    "explain": (explain, ('anyshot explain model/ "I was charged twice"',)),
    "suggest": (suggest, ("anyshot suggest model/ rest.csv -n 20",)),
    "add-class": (
        add_class,
        ('anyshot add-class model/ refund --description "money back" --example "I want my money back"',),
    ),
    "remove-class": (remove_class, ("anyshot remove-class model/ refund",)),
    "encode": (encode, ("anyshot encode tickets.csv --out vectors.npz",)),
    "curve": (curve, ("anyshot curve tickets.csv --out curve.png",)),
    "models": (models, ("anyshot models",)),
    "cache": (cache, ("anyshot cache --clear",)),
    "doctor": (doctor, ("anyshot doctor",)),
    "demo": (demo, ("anyshot demo --out picture.png",)),
}

app = typer.Typer(
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=False,
    epilog="In a pipe, results are JSON lines. Exit codes: 0 success, 1 a problem with data or model, 2 wrong usage.",
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"anyshot {metadata.version('anyshot')}")
        raise typer.Exit


@app.callback()
def anyshot_command(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Train with the labels you have: none, one, a few, or many. Texts and images."""


for _name, (_command, _examples) in _COMMANDS.items():
    app.command(_name, epilog="\n\n".join(["Examples:" if len(_examples) > 1 else "Example:", *_examples]))(_command)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit with its exit code."""
    sys.exit(run(arguments))


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
    with _plain_warnings(), _printed_log():
        try:
            app(arguments, prog_name="anyshot")
        except SystemExit as end:
            if end.code == INTERRUPTED:
                note("Interrupted.")
            return end.code if isinstance(end.code, int) else 0
        except AnyshotError as error:
            print_error(str(error))
        except OSError as error:
            print_error(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}.")
            abandon_output()
    return FAILED


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Show warnings as plain messages while the command runs."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        note(f"Warning: {message}")

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


class _Notes(logging.Handler):
    """A handler that prints log messages as notes on the standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        note(f"Note: {record.getMessage()}.")


@contextmanager
def _printed_log() -> Iterator[None]:
    """Print what the library logs at level INFO, such as truncated texts, while the command runs."""
    log, notes = logging.getLogger("anyshot"), _Notes(logging.INFO)
    level = log.level
    log.addHandler(notes)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(notes)
        log.setLevel(level)
