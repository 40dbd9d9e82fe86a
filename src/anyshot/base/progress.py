"""A progress bar for long work: in a terminal, after two seconds; never in a pipe."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

T = TypeVar("T")

PATIENCE = 2.0
"""Seconds of work before a bar appears."""


def track(steps: Iterable[tuple[int, T]], *, total: int, doing: str) -> Iterator[T]:
    """Yield what each step made, and show how many of `total` items are done.

    steps: pairs (items done in this step, what it made); doing: what is shown before the bar, "Encoding texts".
    """
    if not sys.stderr.isatty():
        yield from (made for _, made in steps)
        return
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    task, began, shown = bar.add_task(doing, total=total), time.monotonic(), False
    try:
        for done, made in steps:
            bar.advance(task, done)
            if not shown and time.monotonic() - began > PATIENCE:
                bar.start()
                shown = True
            yield made
    finally:
        if shown:
            bar.stop()
