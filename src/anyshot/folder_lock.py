"""One writer at a time for a folder that is replaced as a whole; readers never wait."""

import os
import socket
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

PATIENCE: Final = 10.0
"""Seconds after which who waits is told for whom."""

_STEP: Final = 0.05  # seconds between two tries
_BEHIND: Final = 1 << 20  # the byte that Windows locks: what lies before it, the holder's name, stays readable


class _Held(threading.local):
    """The folders that this thread holds, so that `save` within a longer change does not wait for itself."""

    def __init__(self) -> None:
        self.folders: set[Path] = set()


_HELD: Final = _Held()


@contextmanager
def sole_writer(folder: str | os.PathLike[str]) -> Iterator[None]:
    """Hold off other threads and processes that change `folder`, from reading it to writing it anew.

    The lock is a file beside the folder, which goes when its holder has done; the system lets it go where the holder
    dies. Who has waited for 10 s is told for whom, and waits on. Where no such file can be made or locked, as in a
    place that is only read or on some shared disks, the block runs unguarded.
    """
    target = Path(folder).resolve()
    if target in _HELD.folders:
        yield
        return
    descriptor = _taken(target)
    _HELD.folders.add(target)
    try:
        yield
    finally:
        _HELD.folders.discard(target)
        if descriptor is not None:
            _let_go(descriptor, _lock_file(target))


def _lock_file(target: Path) -> Path:
    return target.parent / f".{target.name}.anyshot-lock"


def _taken(target: Path) -> int | None:
    """Return the lock file, locked, once no other has it; None where it cannot be made or locked."""
    path, begun, told = _lock_file(target), time.monotonic(), False
    while True:
        descriptor = _opened(path)
        if descriptor is None:
            return None
        try:
            locked = _locked(descriptor)
        except OSError:  # a disk without locks
            _let_go(descriptor, path)
            return None
        if locked and _stands(descriptor, path):
            _sign(descriptor)
            return descriptor
        os.close(descriptor)
        if not told and time.monotonic() - begun > PATIENCE:
            told = True
            warnings.warn(
                f"{target} is being changed by {_holder(path)}; waiting until that is done. If it hangs, end it.",
                stacklevel=4,
            )
        if not locked:
            time.sleep(_STEP)


def _opened(path: Path) -> int | None:
    """Open the lock file, another user's for reading alone; a link that someone laid in its place is not followed."""
    for flags in (os.O_RDWR | os.O_CREAT, os.O_RDONLY):
        with suppress(OSError):
            return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)
    return None


def _locked(descriptor: int) -> bool:
    """Lock an open file, unless another has."""
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, _BEHIND, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _stands(descriptor: int, path: Path) -> bool:
    """Tell whether the open file is still the one of that name: its last holder may have taken it away meanwhile."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False


def _sign(descriptor: int) -> None:
    """Write into the lock file who holds it."""
    name = f"process {os.getpid()} on {socket.gethostname()}, since {time.strftime('%H:%M:%S')}"
    with suppress(OSError):  # another user's file, or a full disk: the lock holds without a name
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, name.encode())


def _holder(path: Path) -> str:
    with suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace") or "another process"
    return "another process"


def _let_go(descriptor: int, path: Path) -> None:
    """Take the lock file away and unlock it, in the order that the system allows."""
    if sys.platform == "win32":
        os.close(descriptor)  # an open file cannot be taken away there
    with suppress(OSError):  # Windows: who waits has it open just now, and will take it away
        path.unlink()
    if sys.platform != "win32":
        os.close(descriptor)
