"""Atomic writing: a file or folder is replaced as a whole, or not at all, even if the process is killed."""

import glob
import os
import platform
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_IMODE
from typing import TYPE_CHECKING, Final

from anyshot.base.messages import warn
from anyshot.errors import AnyshotError, DataFileError

if TYPE_CHECKING:  # it is loaded by who changes a saved model
    from filelock import FileLock

LOCK_WARNING: Final = 10.0
"""Seconds of waiting for a lock after which a warning names its holder."""
LONGEST_STEM: Final = 40
"""Characters of a file's name that are part of a temporary one: names have 255 bytes at most."""
ON_WINDOWS: Final = os.name == "nt"
RENAMING: Final = 2.0
"""Seconds for which a rename is tried again on Windows, where it fails while another process reads a file."""
_LEFTOVER: Final = 3600  # seconds after which a temporary file or folder was left by a killed process


@contextmanager
def atomic_file(target: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path to write to; when the block ends, the file replaces `target`, and has its permissions.

    A link stays, and the file that it leads to is replaced. After an error `target` is unchanged and the temporary file
    is deleted.

    Raises DataFileError if the file cannot be written: the disk is full, or the folder is missing or read-only.
    """
    final = _behind_links(target)
    part = _part(final, suffix=final.suffix)
    try:
        yield part
        with suppress(FileNotFoundError):  # there is none to replace
            part.chmod(S_IMODE(final.stat().st_mode))
        rename(part, final)
    except AnyshotError:  # some are of type OSError, too
        raise
    except OSError as error:
        raise DataFileError(f"{final} cannot be written: {error.strerror or error}.") from error
    finally:
        part.unlink(missing_ok=True)


def check_writable(target: str | os.PathLike[str]) -> None:
    """Raise DataFileError if `atomic_file` could not write a file, by trying to make one beside it.

    A file that is there must be writable too: it is protected otherwise, or open in Excel on Windows.
    """
    final = _behind_links(target)
    if final.is_dir():
        raise DataFileError(f"{final} cannot be written: it is a folder.")
    if final.exists() and not final.is_file():  # it would be replaced, and what reads from it would wait
        raise DataFileError(f"{final} cannot be written: it is a pipe or a device. Choose the name of a file.")
    if not final.parent.exists():
        raise DataFileError(f"{final} cannot be written: there is no folder {final.parent}. Create it first.")
    try:
        try_file_in(final.parent)
        if final.exists():
            final.open("r+b").close()
    except OSError as error:
        raise DataFileError(f"{final} cannot be written: {error.strerror or error}.") from error


def try_file_in(folder: Path) -> None:
    """Make an empty file in a folder and delete it; raise OSError if it cannot be made, as in /proc, also for root."""
    probe = _part(folder / "anyshot")
    probe.touch(exist_ok=False)
    probe.unlink()


def _behind_links(target: str | os.PathLike[str]) -> Path:
    return Path(os.path.realpath(target)) if os.path.islink(target) else Path(target)


def _part(final: Path, *, suffix: str = "") -> Path:
    """Return a temporary name beside a file, which is not too long where that of the file is not."""
    return final.with_name(f".{final.stem[:LONGEST_STEM]}.{_fresh()}.part{suffix}")


def write_synced(path: Path, content: bytes) -> None:
    """Write a new file and force it to disk."""
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def replace_folder(target: Path, files: Mapping[str, bytes]) -> None:
    """Write `files` (name to content) to a new folder beside `target`, then put it in place of `target`.

    Two renames swap the folders. Between them the old folder has another name, under which `readable_folder` finds it.
    """
    with _temporary_folder(target) as fresh:
        if target.is_dir():
            fresh.chmod(S_IMODE(target.stat().st_mode))
        for name, content in files.items():
            write_synced(fresh / name, content)
        _sync_names(fresh)
        _swap(fresh, target)


def replace_by_copy(target: Path, source: Path) -> None:
    """Put a copy of the files in the folder `source` in place of `target`, as `replace_folder` does.

    The copies are hard links, which take no space, where the disk has them.
    """
    with _temporary_folder(target) as fresh:
        for path in source.iterdir():
            try:
                os.link(path, fresh / path.name)
            except OSError:
                write_synced(fresh / path.name, path.read_bytes())
        _sync_names(fresh)
        _swap(fresh, target)


def rename(source: Path, target: Path) -> Path:
    """Rename a file, which replaces another, or a folder; return its new path.

    Windows refuses that while another process has the file, or one in the folder, open. Reading takes milliseconds, so
    the rename is tried again for `RENAMING` seconds.
    """
    give_up = time.monotonic() + (RENAMING if ON_WINDOWS else 0)
    while True:
        try:
            return source.replace(target)
        except PermissionError:
            if time.monotonic() >= give_up:
                raise
            time.sleep(0.02)


def delete_leftovers(paths: Iterable[Path]) -> None:
    """Delete the temporary files and folders that have not changed for an hour: a killed process left them."""
    for path in paths:
        with suppress(OSError):  # another process may delete it at the same time
            if time.time() - path.stat().st_mtime > _LEFTOVER:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def readable_folder(target: Path) -> Path:
    """Return `target`, or the old folder if a process was killed between the two renames of `replace_folder`."""
    is_interrupted = bool(target.name) and not os.path.exists(target) and os.path.isdir(_old(target))
    return _old(target) if is_interrupted else target


def file_state(path: Path) -> tuple[int, int, int] | None:
    """Return what differs once a file was written or replaced; None if it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def leads_to_blob(link: Path, folder: Path) -> bool:
    """Return whether a link in a folder of the Hugging Face cache leads to a file of the same entry.

    An entry has snapshots/REVISION, whose files are links into blobs. folder: without links in its own path.
    """
    return folder.parent.name == "snapshots" and link.resolve().parent == folder.parent.parent / "blobs"


def restore_folder(target: Path) -> None:
    """Undo a replacement that was interrupted between its two renames."""
    if readable_folder(target) != target:
        rename(_old(target), target)


def finish_replacement(target: Path) -> None:
    """Restore or delete the old folder that a killed process left; `target`, if it is there, must be complete.

    Nothing is done while another process has the lock, nor where no lock file can be made.
    """
    if not _old(target).is_dir():
        return
    lock = _lock_of(target)
    with suppress(OSError):  # filelock's Timeout is one
        lock.acquire(timeout=0)
        with _released(lock):
            restore_folder(target)
            shutil.rmtree(_old(target), ignore_errors=True)


@contextmanager
def folder_lock(folder: str | os.PathLike[str]) -> Iterator[None]:
    """Block other threads and processes that change `folder` under this lock; readers do not wait.

    The lock is a file beside the folder, deleted afterward; the system releases it if its holder is killed. A warning
    names the holder after 10 s of waiting. Where no lock file can be made, such as on a read-only disk and some shared
    ones, the block runs without a lock.
    """
    target = Path(folder).resolve()
    lock = _lock_of(target)
    try:
        _acquire(lock, target)
    except OSError:
        yield
        return
    with _released(lock):
        yield


def _lock_of(target: Path) -> "FileLock":
    from filelock import FileLock

    # A singleton per path, so that a thread that holds the lock already does not wait for itself.
    return FileLock(target.parent / f".{target.name}.anyshot-lock", is_singleton=True)


@contextmanager
def _released(lock: "FileLock") -> Iterator[None]:
    """Release the lock after the block, and delete its file unless this thread has the lock once more."""
    try:
        yield
    finally:
        if lock.lock_counter == 1:
            with suppress(OSError):  # Windows cannot delete an open file, and deletes this one on release
                os.unlink(lock.lock_file)
        lock.release()


def _acquire(lock: "FileLock", target: Path) -> None:
    """Wait for the lock, and write into it which process has it."""
    from filelock import Timeout

    try_file_in(target.parent)  # filelock would wait for ever where the system says that there is no such folder
    try:
        lock.acquire(timeout=LOCK_WARNING)
    except Timeout:
        warn(f"Waiting for {_holder(lock)} to finish changing {target}. If that process hangs, end it.")
        lock.acquire()
    with suppress(OSError):  # if the disk is full, the lock works without a name
        name = f"process {os.getpid()} on {platform.node()}, since {time.strftime('%H:%M:%S')}"
        Path(lock.lock_file).write_text(name, encoding="utf-8")


def _holder(lock: "FileLock") -> str:
    with suppress(OSError):
        return Path(lock.lock_file).read_text(encoding="utf-8", errors="replace") or "another process"
    return "another process"


def _fresh() -> str:
    """Return a part of a name that no other process chooses."""
    return os.urandom(4).hex()


def _old(target: Path) -> Path:
    return target.with_name(f".{target.name}.anyshot-old")


@contextmanager
def _temporary_folder(target: Path) -> Iterator[Path]:
    start = f".{target.name}.anyshot-new-"
    delete_leftovers(target.parent.glob(f"{glob.escape(start)}*"))
    fresh = target.with_name(start + _fresh())
    fresh.mkdir()
    try:
        yield fresh
    finally:
        shutil.rmtree(fresh, ignore_errors=True)  # renamed by now, unless something failed


def _sync_names(folder: Path) -> None:
    """Force a folder's list of names to disk; Windows does not allow it."""
    if ON_WINDOWS:
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _swap(fresh: Path, target: Path) -> None:
    old = _old(target)
    if old.exists():
        shutil.rmtree(old)  # `target` is complete, so this was left by a killed process
    if not target.exists():
        rename(fresh, target)
    elif not any(target.iterdir()):
        target.rmdir()
        rename(fresh, target)
    else:
        rename(target, old)
        try:
            rename(fresh, target)
        except OSError:
            rename(old, target)
            raise
    _sync_names(target.parent)
    shutil.rmtree(old, ignore_errors=True)
