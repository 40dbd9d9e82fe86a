"""Progress of long computations: a bar in a terminal after two seconds, else a log message every ten seconds.

There is one bar at a time in a thread, that of the whole job: what runs inside of it adds no bar of its own.
"""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress

T = TypeVar("T")
Report: TypeAlias = Callable[[float, str], None]
"""Takes how many items are done so far, or a part of one, and what to show before the bar."""

DELAY: Final = 2.0
"""Seconds before a bar appears."""
EVERY: Final = 10.0
"""Seconds between two messages where there is no terminal."""

log = logging.getLogger(__name__)


def track(steps: Iterable[tuple[int, T]], *, total: int, description: str) -> Iterator[T]:
    """Yield the result of each step, and show how many of `total` items are done.

    steps: pairs (number of items done in this step, result); description: shown before the bar, "Encoding texts".
    Inside of a `job` the items count for its bar, and inside of another `track` nothing is shown.
    """
    outer = _CURRENT.job
    if outer is not None:
        for done, result in steps:
            if outer.counts_inner:
                outer.add(done)
            yield result
        return
    with _shown(_Job(total, description)) as own:
        for done, result in steps:
            own.add(done)
            yield result


@contextmanager
def job(*, total: int, description: str) -> Iterator[None]:
    """Show one bar for all that is tracked in the block, which does `total` items together."""
    if _CURRENT.job is not None:
        yield
        return
    with _shown(_Job(total, description, counts_inner=True)):
        yield


@contextmanager
def counter(*, total: int, description: str) -> Iterator[Report]:
    """Show a bar in the block, which states how much of `total` is done; nothing is shown of what it tracks inside.

    Nothing is shown inside of another bar, or of `hidden`.
    """
    if _CURRENT.job is not None:
        yield lambda done, text: None
        return
    with _shown(_Job(total, description)) as own:
        yield own.at


@contextmanager
def hidden() -> Iterator[None]:
    """Show no progress of this thread in the block."""
    before, _CURRENT.job = _CURRENT.job, _Hidden(0, "")
    try:
        yield
    finally:
        _CURRENT.job = before


class _Job:
    """What is shown of a job: its bar, or its messages."""

    def __init__(self, total: int, description: str, *, counts_inner: bool = False) -> None:
        self.total, self.description, self.counts_inner = total, description, counts_inner
        self._done, self._started = 0.0, time.monotonic()
        self._shown = self._started  # when something was shown last
        self._bar: Progress | None = None

    def add(self, done: int) -> None:
        """Count items as done."""
        self.at(self._done + done, self.description)

    def at(self, done: float, description: str) -> None:
        """State how many items are done by now, and what to show before the bar."""
        self._done, self.description = done, description
        now = time.monotonic()
        if sys.stderr is None or not sys.stderr.isatty():
            if now - self._shown >= EVERY:
                self._shown = now
                left = duration((now - self._started) * (self.total / max(self._done, 1e-3) - 1))
                so_far = f"{self._done:,.0f}" if float(self._done).is_integer() else f"{self._done:,.1f}"
                log.info("%s: %s of %s, about %s left", self.description, so_far, f"{self.total:,}", left)
        elif self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=self._done, description=self.description)
        elif now - self._started > DELAY:
            self._bar = _bar()
            self._bar.add_task(self.description, total=self.total, completed=int(self._done))
            self._bar.start()

    def stop(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()


class _Hidden(_Job):
    """A job of which nothing is shown, nor of what is tracked inside of it."""

    def at(self, done: float, description: str) -> None:
        """Do nothing."""


class _Current(threading.local):
    """The job of each thread that is shown."""

    job: _Job | None = None


_CURRENT = _Current()


@contextmanager
def _shown(own: _Job) -> Iterator[_Job]:
    """Show a job while the block runs."""
    _CURRENT.job = own
    try:
        yield own
    finally:
        own.stop()
        _CURRENT.job = None


def _bar() -> "Progress":
    from rich.console import Console  # here, since most computations end before a bar appears
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def duration(seconds: float) -> str:
    """Return a time as people say it.

    >>> duration(42), duration(200), duration(9000)
    ('42 s', '3 min', '2.5 h')
    """
    if seconds < 100:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
