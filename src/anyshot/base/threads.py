"""How many threads linear algebra may use."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

SMALL = 50_000_000
"""Multiplications in one matrix product below which one thread is faster than several that wait for each other."""


class _OneThread:
    """The limit of one thread, for as long as some small work is under way.

    It is the whole process's: the first to come sets it, and the last to go lifts it. Were each to set its own, the
    limit of one would be taken by the next for the machine's setting, and stay.
    """

    def __init__(self) -> None:
        self._lock, self._under_way = threading.Lock(), 0
        self._limit: Any = None

    def begin(self) -> None:
        with self._lock:
            if self._under_way == 0:
                self._limit = _controller().limit(limits=1, user_api="blas")
            self._under_way += 1

    def end(self) -> None:
        with self._lock:
            self._under_way -= 1
            if self._under_way == 0:
                self._limit.restore_original_limits()


_ONE_THREAD = _OneThread()


@contextmanager
def threads_for(multiplications: int) -> Iterator[None]:
    """Do small work by one thread, and large work as the machine is set up.

    On a busy machine, threads that wait for each other at every small product made a fit fifty times as slow.
    """
    if multiplications >= SMALL:
        yield
        return
    _ONE_THREAD.begin()
    try:
        yield
    finally:
        _ONE_THREAD.end()


@cache
def _controller() -> Any:
    return ThreadpoolController()
