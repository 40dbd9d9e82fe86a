"""How many threads linear algebra may use."""

from contextlib import AbstractContextManager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

SMALL = 50_000_000
"""Multiplications in one matrix product below which one thread is faster than several that wait for each other."""


@cache
def _controller() -> Any:
    return ThreadpoolController()


def threads_for(multiplications: int) -> AbstractContextManager[Any]:
    """Return a context in which small work is done by one thread, and large work as the machine is set up.

    On a busy machine, threads that wait for each other at every small product made a fit fifty times as slow.
    """
    limits = 1 if multiplications < SMALL else None
    context: AbstractContextManager[Any] = _controller().limit(limits=limits, user_api="blas")
    return context
