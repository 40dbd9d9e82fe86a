"""One writer at a time for a folder that is replaced as a whole; readers never wait."""

import os
import socket
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

PATIENCE: Final = 10.0
"""Seconds after which who waits is told for whom."""


@contextmanager
def sole_writer(folder: str | os.PathLike[str]) -> Iterator[None]:
    """Hold off other threads and processes that change `folder`, from reading it to writing it anew.

    The lock is a file beside the folder, which goes when its holder has done; the system lets it go where the holder
    dies. Who has waited for 10 s is told for whom, and waits on. Where no such file can be made or locked, as in a
    place that is only read or on some shared disks, the block runs unguarded.
    """
    target = Path(folder).resolve()
    # One lock for each path, so that `save` within a longer change of the same thread does not wait for itself.
    lock = FileLock(target.parent / f".{target.name}.anyshot-lock", is_singleton=True)
    try:
        _take(lock, target)
    except OSError:
        yield
        return
    try:
        yield
    finally:
        if lock.lock_counter == 1:
            with suppress(OSError):  # Windows: an open file cannot be taken away; releasing it does so there
                os.unlink(lock.lock_file)
        lock.release()


def _take(lock: FileLock, target: Path) -> None:
    """Take the lock, however long it is held by another, and write into it who has it now."""
    try:
        lock.acquire(timeout=PATIENCE)
    except Timeout:
        warnings.warn(
            f"{target} is being changed by {_holder(lock)}; waiting until that is done. If it hangs, end it.",
            stacklevel=4,
        )
        lock.acquire()
    with suppress(OSError):  # a full disk: the lock holds without a name
        name = f"process {os.getpid()} on {socket.gethostname()}, since {time.strftime('%H:%M:%S')}"
        Path(lock.lock_file).write_text(name, encoding="utf-8")


def _holder(lock: FileLock) -> str:
    with suppress(OSError):
        return Path(lock.lock_file).read_text(encoding="utf-8", errors="replace") or "another process"
    return "another process"
