"""Activations on disk: packed files that are written whole, mapped into memory, and shared by runs and processes.

A file holds the activations of some items behind one trunk: a header, the items' keys and lengths, and their lines end
to end. A line is one token's state, or one image's. It is written under another name and renamed when it is whole, so
that a kill leaves no half file, and never changed afterwards, so that any number of processes may map it.
"""

import json
import math
import os
import secrets
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anyshot.errors import CacheError
from anyshot.store.disk_cache import Key
from anyshot.store.location import default_folder, default_limit

Lengths: TypeAlias = NDArray[np.int64]  # (n,), lines of each item

FOLDER: Final = "activations-1"  # the format's number
SUFFIX: Final = ".act"
_MAGIC: Final = b"anysact1"
_START: Final = struct.Struct("<8sQQ")  # magic, bytes of the header, checksum of all that follows this
_BLOCK: Final = 2**20  # bytes read at once
_LEFTOVER: Final = 3600  # seconds after which a temporary file can belong to no running process
_DTYPES: Final[dict[str, tuple[torch.dtype, np.dtype[Any]]]] = {
    "bfloat16": (torch.bfloat16, np.dtype("<u2")),
    "float32": (torch.float32, np.dtype("<f4")),
    "uint8": (torch.uint8, np.dtype("u1")),
    "int32": (torch.int32, np.dtype("<i4")),
}


@dataclass(frozen=True)
class Packed:
    """Activations of some items, their lines end to end."""

    keys: list[Key]
    lengths: Lengths  # (n,)
    lines: Tensor  # (sum of lengths, *shape of a line), bfloat16, float32, uint8 or int32
    sort: str  # what the lines are: "tokens", "maps" (channels last), "places"

    @property
    def starts(self) -> Lengths:
        """Return the first line of each item (n,)."""
        return np.cumsum(self.lengths) - self.lengths


class ActivationCache:
    """A folder of packed activations that several processes may use at once.

    Parameters
    ----------
    folder : str or path, optional
        The cache folder, in which they have a folder of their own. Default: the environment variable ANYSHOT_CACHE,
        else the platform's user cache folder.
    limit : float, optional
        Size the files are kept below [MB, 1e6 bytes]; those not used for longest go first. Default: the environment
        variable ANYSHOT_CACHE_LIMIT, else 2048.

    Attributes
    ----------
    folder : Path
        Where the files lie; made at the first write.

    Raises
    ------
    InputError
        The limit is no number, or below zero.

    Notes
    -----
    A file that is cut short or damaged is deleted when it is noticed, and its activations are computed again. What
    keeps a file from being written is raised as `CacheError`.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None, *, limit: float | None = None) -> None:
        self.folder = (Path(folder) if folder else default_folder()) / FOLDER
        self.limit = default_limit() if limit is None else limit

    def size(self) -> tuple[int, int]:
        """Return how many files the cache holds, and their size [bytes]."""
        sizes = [size for _, size, _ in self._files()]
        return len(sizes), sum(sizes)

    def clear(self) -> None:
        """Delete every file; a process that has one mapped keeps it until it is done."""
        for file in [*self.folder.glob(f"*{SUFFIX}"), *self.folder.glob(".*.part")]:
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                raise self._error("cleared", error) from error

    def read(self, digest: str, *, name: str | None = None) -> Iterator[Packed]:
        """Yield what is kept behind the trunk of this digest, the lines mapped, not read into memory; or one file."""
        for file in sorted(self.folder.glob(f"{name or digest[:32] + '-*'}{SUFFIX}")):
            try:
                packed = _mapped(file)
            except OSError:
                continue  # another process deleted it
            if packed is None:
                with suppress(OSError):
                    file.unlink()
                continue
            with suppress(OSError):  # a cache that cannot be written is read all the same
                os.utime(file)
            yield packed

    def write(self, digest: str, packed: Packed) -> Packed:
        """Keep activations; return them mapped from their file.

        Raises
        ------
        CacheError
            They cannot be written.
        """
        name = f"{digest[:32]}-{secrets.token_hex(6)}"
        part, file = self.folder / f".{name}.part", self.folder / f"{name}{SUFFIX}"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                _write(part, packed)
                part.replace(file)
            finally:
                part.unlink(missing_ok=True)
            mapped = next((one for one in self.read(digest, name=name)), packed)  # another process may have deleted it
            self._evict()
        except OSError as error:
            raise self._error("written", error) from error
        return mapped

    def _files(self) -> list[tuple[float, int, Path]]:
        """List the files: when they were last used, their size [bytes], their path."""
        listed = []
        for file in self.folder.glob(f"*{SUFFIX}"):
            with suppress(FileNotFoundError):  # another process was faster
                facts = file.stat()
                listed.append((facts.st_mtime, facts.st_size, file))
        return sorted(listed)

    def _evict(self) -> None:
        """Delete the files used longest ago until the rest fit the limit, and what a kill left behind."""
        for leftover in self.folder.glob(".*.part"):
            with suppress(OSError):
                if time.time() - leftover.stat().st_mtime > _LEFTOVER:
                    leftover.unlink()
        files = self._files()
        size = sum(file_size for _, file_size, _ in files)
        for _, file_size, file in files:
            if size <= self.limit * 1e6:
                return
            with suppress(OSError):  # Windows deletes no mapped file
                file.unlink(missing_ok=True)
                size -= file_size

    def _error(self, doing: str, error: Exception) -> CacheError:
        return CacheError(
            f"The activation cache {self.folder} cannot be {doing}: {error}. Free some room, or set ANYSHOT_CACHE to a "
            "folder that can be written."
        )


def _write(file: Path, packed: Packed) -> None:
    header: dict[str, Any] = {
        "dtype": str(packed.lines.dtype).removeprefix("torch."),
        "shape": list(packed.lines.shape),
        "sort": packed.sort,
        "items": len(packed.keys),
    }
    said = json.dumps(header).encode()
    said += b" " * (-(len(said) + _START.size) % 64)  # lines begin where any type may
    lines = packed.lines.contiguous().view(torch.uint8).numpy().reshape(-1)
    index = b"".join(packed.keys) + packed.lengths.astype("<i8").tobytes()
    with file.open("xb") as opened:
        opened.write(_START.pack(_MAGIC, len(said), crc32(index, crc32(lines.data, crc32(said)))))
        for part in (said, lines.data, index):
            opened.write(part)


def _mapped(file: Path) -> Packed | None:
    """Return what a file holds, its lines mapped; None where it is damaged or cut short.

    Raises
    ------
    OSError
        It is gone, or cannot be opened now, which says nothing about what it holds.
    """
    with file.open("rb") as opened:
        start = opened.read(_START.size)
        if len(start) < _START.size or not start.startswith(_MAGIC):
            return None
        _, said, checksum = _START.unpack(start)
        found = 0
        while block := opened.read(_BLOCK):  # read, not mapped: pages once touched would count as this process's memory
            found = crc32(block, found)
        if found != checksum:
            return None
        opened.seek(_START.size)
        header = json.loads(opened.read(said))  # as it was written: the checksum says so
        raw = np.memmap(opened, dtype=np.uint8, mode="c")
    dtype, numpy_dtype = _DTYPES[header["dtype"]]
    shape, items = tuple(header["shape"]), int(header["items"])
    first = _START.size + said
    last = first + math.prod(shape) * numpy_dtype.itemsize
    lines, index = torch.from_numpy(raw[first:last]).view(dtype).view(shape), raw[last:].tobytes()
    keys = [index[32 * row : 32 * row + 32] for row in range(items)]
    return Packed(keys, np.frombuffer(index[32 * items :], dtype="<i8").astype(np.int64), lines, header["sort"])
