"""Vectors of encoded items in memory, for a process that answers many requests."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from anyshot.base.validation import Vectors
from anyshot.errors import InputError

LIMIT_MB: Final = 64.0  # default size [MB]
SLICE: Final = 2048
"""Items encoded and stored together; an interrupted run resumes at the last slice."""


class KeepsVectors(Protocol):
    """What stores the vectors of encoded items: `VectorCache` on disk, `MemoryCache` in memory."""

    def get_many(self, keys: Sequence[bytes], *, width: int) -> tuple[Vectors, NDArray[np.bool_]]:
        """Return the vectors (n, width) of `keys` (n,), zeros where unknown, and which are known (n,)."""
        ...

    def put_many(self, keys: Sequence[bytes], vectors: Vectors) -> None:
        """Store `vectors` (n, width) under `keys` (n,)."""
        ...


def checked_vectors(keys: Sequence[bytes], vectors: Vectors) -> Vectors:
    """Return vectors (n, width) as float32; raise InputError if they are not one for each of the `keys` (n,)."""
    table = np.asarray(vectors, dtype=np.float32)
    if table.ndim != 2 or len(table) != len(keys):
        raise InputError(f"{len(keys)} keys need a table of as many vectors, (n, width); its shape is {table.shape}.")
    if not all(isinstance(key, bytes) for key in keys):
        raise InputError(f"Keys must be bytes; one is {next(key for key in keys if not isinstance(key, bytes))!r:.60}.")
    return table


class MemoryCache:
    """Vectors of the items that were used last. Threads may share it.

    Parameters
    ----------
    limit : float, default=64
        Maximum size of the vectors [MB, 1e6 bytes]; those that were used longest ago are deleted first.

    Examples
    --------
    >>> cache = MemoryCache()
    >>> cache.put_many([b"a"], np.ones((1, 2), np.float32))
    >>> cache.get_many([b"a", b"b"], width=2)
    (array([[1., 1.],
           [0., 0.]], dtype=float32), array([ True, False]))
    """

    def __init__(self, limit: float = LIMIT_MB) -> None:
        self.limit, self.size = limit, 0
        self._vectors: OrderedDict[bytes, Vectors] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._vectors)

    def get_many(self, keys: Sequence[bytes], *, width: int) -> tuple[Vectors, NDArray[np.bool_]]:
        """Return the vectors (n, width) of `keys` (n,), zeros where unknown, and which are known (n,)."""
        table, known = np.zeros((len(keys), width), np.float32), np.zeros(len(keys), bool)
        with self._lock:
            for row, key in enumerate(keys):
                if (vector := self._vectors.get(key)) is not None:
                    self._vectors.move_to_end(key)
                    table[row], known[row] = vector, True
        return table, known

    def put_many(self, keys: Sequence[bytes], vectors: Vectors) -> None:
        """Store `vectors` (n, width) under `keys` (n,)."""
        vectors = checked_vectors(keys, vectors)
        with self._lock:
            for key, vector in zip(keys, vectors, strict=True):
                earlier = self._vectors.pop(key, None)
                self._vectors[key] = vector.copy()  # a row of the table would keep the whole table
                self.size += vector.nbytes - (0 if earlier is None else earlier.nbytes)
            while self.size > self.limit * 1e6:
                self.size -= self._vectors.popitem(last=False)[1].nbytes
