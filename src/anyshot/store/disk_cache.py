"""The disk cache of encoded items, and of what frozen layers compute of them."""

import math
import os
import shutil
from collections.abc import Collection, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anyshot.base.user_folders import cache_folder
from anyshot.base.validation import Vectors, is_number
from anyshot.errors import CacheError, InputError
from anyshot.store import database
from anyshot.store.database import Database, FileEntry, Key, PackedActivations
from anyshot.store.memory_cache import SLICE, checked_vectors

LIMIT_MB: Final = 2048.0
"""Default size limit [MB, 1e6 bytes]."""


class CacheSize(NamedTuple):
    """The size of the cache."""

    vectors: int
    activations: int  # items with activations
    bytes: int  # on disk


class VectorCache:
    """A disk cache of vectors and activations that several processes may use at once.

    Vectors are rows of a SQLite database. Activations are memory-mapped files, which the database lists.

    Parameters
    ----------
    folder : str or path, optional
        Where the cache is stored. Default: the environment variable ANYSHOT_CACHE, else the platform's user cache
        folder.
    limit : float, optional
        Maximum size [MB, 1e6 bytes]; the entries that were used longest ago are deleted first. Default: the environment
        variable ANYSHOT_CACHE_LIMIT, else 2048.

    Attributes
    ----------
    folder : Path
        Where the cache is stored; created by the first write.
    file : Path
        The database. Its name includes the number of the format.

    Raises
    ------
    InputError
        The limit is not a number, or is negative.

    Notes
    -----
    Every entry has a checksum. A damaged entry is not returned, and its vector or activation is computed again. A
    database that is damaged, or that another program wrote, is renamed to ".broken" with a warning. Any other error in
    reading or writing is raised as `CacheError`.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None, *, limit: float | None = None) -> None:
        if not isinstance(folder, str | os.PathLike | None):
            raise InputError(f"folder must be a path; it is {folder!r}.")
        self.folder = Path(folder).expanduser() if folder else cache_folder()
        if limit is not None and not (is_number(limit) and limit >= 0):
            raise InputError(f"limit must be a number of MB, 0 or more; it is {limit!r}.")
        self.limit = default_limit() if limit is None else limit
        self.file = self.folder / "cache-2.sqlite"
        self._database = Database(self.file)
        self._files = self.folder / "activations-2"

    def size(self) -> CacheSize:
        """Return the number of vectors, the number of items with activations, and the size [bytes]."""
        if not self.file.is_file():
            return CacheSize(0, 0, 0)
        vectors, activations, size = self._database.run("read", database.count)
        return CacheSize(vectors, activations, size + self.file.stat().st_size)

    def clear(self) -> None:
        """Delete everything, including damaged databases and caches of earlier versions."""
        if self.file.is_file():
            self._database.run("cleared", partial(database.clear, folder=self._files))
        try:
            for name in (self._database.broken.name, "vectors-1.sqlite", "vectors-1.broken"):
                (self.folder / name).unlink(missing_ok=True)
            shutil.rmtree(self.folder / "activations-1", ignore_errors=True)
        except OSError as error:
            raise self._database.error("cleared", error) from error

    def get_many(self, keys: Sequence[Key], *, width: int) -> tuple[Vectors, NDArray[np.bool_]]:
        """Return the vectors (n, width) of `keys` (n,), zeros where unknown, and which are known (n,)."""
        if not keys or not self.file.is_file():
            return np.zeros((len(keys), width), dtype=np.float32), np.zeros(len(keys), dtype=bool)
        return self._database.run("read", partial(database.read_vectors, keys=keys, width=width))

    def put_many(self, keys: Sequence[Key], vectors: Vectors) -> None:
        """Store `vectors` (n, width) under `keys` (n,), 2,048 at a time: each slice completely or not at all."""
        vectors = checked_vectors(keys, vectors)
        write = partial(database.write_vectors, limit=self.limit * 1e6, folder=self._files)
        for start in range(0, len(keys), SLICE):
            part = slice(start, start + SLICE)
            self._database.run("written", partial(write, keys=keys[part], vectors=vectors[part]))

    def get_activations(self, trunk: str, keys: Collection[Key]) -> list[PackedActivations]:
        """Return the stored activations after the frozen layers of digest `trunk` that include some of `keys`."""
        if not self.file.is_file():
            return []
        wanted, found = set(keys), []
        for number, entry in self._database.run("read", partial(database.list_files, trunk=trunk)):
            if wanted.isdisjoint(entry.split_keys()):
                continue
            packed = entry.read(self._files)
            if packed is not None:
                found.append(packed)
                continue
            with suppress(CacheError):  # a cache that cannot be written can still be read
                delete = partial(database.delete_slices, slices=[number], folder=self._files)
                self._database.run("written", delete)
        return found

    def put_activations(self, trunk: str, packed: PackedActivations) -> PackedActivations:
        """Store activations after the frozen layers of digest `trunk`; return them mapped from their file."""
        number = int.from_bytes(os.urandom(7), "little")
        file = self._files / database.file_name(number)
        write = partial(database.write_file, trunk=trunk, limit=self.limit * 1e6, folder=self._files)
        try:
            for folder in (self.folder, self._files):  # `mode` is not that of missing parents
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with ExitStack() as undo:
                undo.callback(file.unlink, missing_ok=True)
                mapped = packed.mapped_from(file)
                self._database.run("written", partial(write, entry=FileEntry.of(packed, number)))
                undo.pop_all()
        except OSError as error:
            raise self._database.error("written", error) from error
        return mapped


def default_limit() -> float:
    """Return the size limit [MB]: the environment variable ANYSHOT_CACHE_LIMIT, else 2048.

    Raises InputError if the variable is not a number, or is negative.
    """
    text = os.environ.get("ANYSHOT_CACHE_LIMIT") or str(LIMIT_MB)
    try:
        limit = float(text)
    except ValueError:
        limit = math.nan
    if not limit >= 0:
        raise InputError(f"ANYSHOT_CACHE_LIMIT is {text!r}; it must be a number of megabytes, 0 or more.")
    return limit
