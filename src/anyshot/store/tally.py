"""The tally: what encoders were asked to do, and what of it the cache spared them."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class Tally:
    """What was asked of encoders while it was kept."""

    asked: int = 0
    """Items whose vectors were wanted."""
    copies: int = 0
    """Those equal to another item of the same question."""
    kept: int = 0
    """Distinct items found in the cache: its hits."""
    encoded: int = 0
    """Distinct items not found: its misses, handed to the encoder."""
    calls: int = 0
    """How often the encoder was called."""


# One a thread and task, innermost last: nothing outside a `counted` block is written down anywhere.
_KEPT: ContextVar[tuple[Tally, ...]] = ContextVar("tallies", default=())


@contextmanager
def counted() -> Iterator[Tally]:
    """Count what this thread asks of encoders inside the block; blocks may stand in one another.

    Examples
    --------
    >>> with counted() as tally:
    ...     count(asked=3, kept=2)
    >>> tally.asked, tally.kept
    (3, 2)
    """
    tally = Tally()
    token = _KEPT.set((*_KEPT.get(), tally))
    try:
        yield tally
    finally:
        _KEPT.reset(token)


def count(*, asked: int = 0, copies: int = 0, kept: int = 0, encoded: int = 0, calls: int = 0) -> None:
    """Add to every tally that this thread keeps."""
    for tally in _KEPT.get():
        tally.asked += asked
        tally.copies += copies
        tally.kept += kept
        tally.encoded += encoded
        tally.calls += calls
