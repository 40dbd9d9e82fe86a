"""Threads: methods that run one at a time, and how many threads BLAS may use during small linear algebra."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

Owner = TypeVar("Owner")
P = ParamSpec("P")
R = TypeVar("R")

SMALL = 50_000_000
"""Multiplications in one matrix product below which one thread is faster than several that wait for each other."""

# A lock of each object in each process: one that another thread held during a fork would never be released.
_LOCKS: WeakKeyDictionary[object, dict[int, Any]] = WeakKeyDictionary()
_IDLE = ("ipykernel", "IPython", "tqdm")  # packages whose threads pass messages or wait, and do no linear algebra


def one_at_a_time(method: Callable[Concatenate[Owner, P], R]) -> Callable[Concatenate[Owner, P], R]:
    """Make the calls of methods with this decorator on one object wait for each other, as changes of a model must.

    Methods without it do not wait. The lock is not part of the object, which can be copied and pickled.
    """

    @wraps(method)
    def called(self: Owner, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with lock_of(self):
            return method(self, *args, **kwargs)

    return called


def lock_of(owner: object) -> "threading.RLock":
    """Return the lock of an object or a function in this process."""
    lock: threading.RLock = _LOCKS.setdefault(owner, {}).setdefault(os.getpid(), threading.RLock())
    return lock


@contextmanager
def threads_for(multiplications: int) -> Iterator[None]:
    """Limit BLAS to one thread while the block runs, if its matrix products are small and no other thread is alive.

    On a busy machine, BLAS threads wait for each other at every small product (`benchmarks/speed.py` has the times).
    The limit applies to the whole process, so it is set only if no other Python thread is alive when the block starts
    (those of a Jupyter kernel and of progress bars do not count); a thread started during the block is limited too. The
    previous limit is restored when the block ends. In a service with several threads, set OMP_NUM_THREADS=1 instead.
    """
    if not 0 < multiplications < SMALL or not _is_only_thread():
        yield
        return
    with _controller().limit(limits=1, user_api="blas"):
        yield


def _is_only_thread() -> bool:
    return all(thread is threading.current_thread() or _is_idle(thread) for thread in threading.enumerate())


def _is_idle(thread: threading.Thread) -> bool:
    return type(thread).__module__.split(".")[0] in _IDLE or thread.name == "IOPub"


@cache
def _controller() -> "ThreadpoolController":
    from threadpoolctl import ThreadpoolController  # here, since a prediction does not need it

    return ThreadpoolController()
