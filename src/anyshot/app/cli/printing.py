"""Output of commands: tables in a terminal, JSON lines in a pipe, messages on the standard error."""

import json
import math
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import Final

import typer
from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

CLOSED_PIPE: Final = 141
"""Exit code when the output is a closed pipe, as shells report it: 128 + SIGPIPE."""


def in_terminal() -> bool:
    """Return whether the standard output is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def show_rows(rows: Iterable[Mapping[str, object]], *, last: str = "") -> None:
    """Print rows with the same keys: a table in a terminal, JSON lines in a pipe.

    last: a column with long texts, which is put at the end and wraps.
    """
    listed = list(rows)
    show_each(table_of(listed, last=last), listed)


def show(shown: RenderableType, facts: Mapping[str, object]) -> None:
    """Print `shown` in a terminal, or `facts` as one JSON object in a pipe."""
    show_each(shown, [facts])


def show_each(shown: RenderableType, rows: Iterable[Mapping[str, object]]) -> None:
    """Print `shown` in a terminal, or `rows` as JSON lines in a pipe."""
    if in_terminal():
        Console().print(shown)
        return
    if sys.stdout is None:
        return  # the caller closed the standard output
    try:
        for row in rows:
            _print_json(row)
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


def table_of(rows: Sequence[Mapping[str, object]], *, last: str = "") -> Table:
    """Return the rows as a table. Markup in its cells is shown, not interpreted."""
    names = sorted(rows[0], key=lambda name: name == last) if rows else []
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in names:
        number = isinstance(rows[0][name], (int, float)) and not isinstance(rows[0][name], bool)
        table.add_column(Text(name), justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(row[name])) for name in names))
    return table


def _print_json(row: Mapping[str, object]) -> None:
    """Print a row as one line of JSON."""
    sys.stdout.write(json.dumps({name: plain(value) for name, value in row.items()}, ensure_ascii=False) + "\n")


def plain(value: object) -> object:
    """Return a value that JSON can hold: numpy scalars as Python numbers, paths as text, NaN as null."""
    if isinstance(value, Mapping):
        return {str(name): plain(own) for name, own in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(own) for own in value]
    if isinstance(value, PathLike):
        return str(value)
    if hasattr(value, "item"):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def note(message: str) -> None:
    """Print a message on the standard error."""
    typer.echo(message, err=True)


def print_error(message: str) -> None:
    """Print an error message on the standard error."""
    typer.secho("Error: ", fg=typer.colors.RED, bold=True, nl=False, err=True)
    typer.echo(message, err=True)


def count(n: int, thing: str, things: str | None = None) -> str:
    """Return a number with its noun: "1 class", "2 classes"."""
    return f"{n:,} {thing if n == 1 else things or thing + 's'}"


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
