"""Vectors in memory."""

import numpy as np
import pytest

from anyshot.errors import InputError
from anyshot.store.encoding import EncodingCounts, encode_once
from anyshot.store.memory_cache import MemoryCache


def test_the_vectors_used_longest_ago_are_deleted_first():
    cache = MemoryCache(limit=24e-6)  # three vectors of two numbers
    for key in (b"a", b"b", b"c"):
        cache.put_many([key], np.full((1, 2), ord(key), np.float32))
    cache.get_many([b"a"], width=2)
    cache.put_many([b"d"], np.ones((1, 2), np.float32))
    assert cache.get_many([b"a", b"b", b"c", b"d"], width=2)[1].tolist() == [True, False, True, True]
    assert cache.size == 24


def test_a_vector_that_is_stored_again_counts_once():
    cache = MemoryCache()
    cache.put_many([b"a", b"a"], np.ones((2, 2), np.float32))
    assert (len(cache), cache.size) == (1, 8)


def test_encoding_uses_it_like_the_cache_on_disk(letters):
    cache, counts = MemoryCache(), EncodingCounts()
    first = encode_once(letters, ["ab", "c"], cache=cache)
    again = encode_once(letters, ["c", "ab", "d"], cache=cache, counts=counts)
    assert (counts.cached, counts.encoded) == (2, 1)
    np.testing.assert_array_equal(again[:2], first[::-1])


@pytest.mark.parametrize(
    ("keys", "vectors", "words"),
    [
        ([b"a", b"b"], [[1.0]], r"2 keys need a table of as many vectors, \(n, width\); its shape is \(1, 1\)"),
        ([b"a"], [1.0], r"its shape is \(1,\)"),
        (["a"], [[1.0]], "Keys must be bytes; one is 'a'"),
    ],
)
def test_vectors_that_do_not_fit_their_keys_are_refused(keys, vectors, words):
    cache = MemoryCache()
    with pytest.raises(InputError, match=words):
        cache.put_many(keys, vectors)
    assert not len(cache)
