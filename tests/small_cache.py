"""A disk cache with vectors that say which key they belong to."""

import sqlite3
from collections.abc import Sequence
from hashlib import sha256

import numpy as np

from anyshot.store.disk_cache import VectorCache

WIDTH = 5


def key(number: int) -> bytes:
    return sha256(str(number).encode()).digest()


def vector(number: int) -> np.ndarray:
    return np.random.default_rng(number).normal(size=WIDTH).astype(np.float32)


def put(cache: VectorCache, numbers: Sequence[int]) -> None:
    cache.put_many([key(number) for number in numbers], np.array([vector(number) for number in numbers]))


def known(cache: VectorCache, numbers: Sequence[int]) -> list[int]:
    """Return the numbers whose vectors are in the cache, and check these vectors."""
    vectors, found = cache.get_many([key(number) for number in numbers], width=WIDTH)
    for row in np.flatnonzero(found):
        np.testing.assert_array_equal(vectors[row], vector(numbers[row]))
    assert not vectors[~found].any()
    return [numbers[row] for row in np.flatnonzero(found)]


def sql(cache: VectorCache, statement: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
    with sqlite3.connect(cache.file) as connection:
        rows = connection.execute(statement, values).fetchall()
    connection.close()
    return rows
