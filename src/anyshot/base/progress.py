"""A progress bar for long computations, shown in a terminal after two seconds."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

T = TypeVar("T")

DELAY: Final = 2.0
"""Seconds before a bar appears."""


def track(steps: Iterable[tuple[int, T]], *, total: int, description: str) -> Iterator[T]:
    """Yield the result of each step, and show how many of `total` items are done.

    steps: pairs (number of items done in this step, result); description: shown before the bar, "Encoding texts".
    """
    if not sys.stderr.isatty():
        yield from (result for _, result in steps)
        return
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    task, started, visible = bar.add_task(description, total=total), time.monotonic(), False
    try:
        for done, result in steps:
            bar.advance(task, done)
            if not visible and time.monotonic() - started > DELAY:
                bar.start()
                visible = True
            yield result
    finally:
        if visible:
            bar.stop()
