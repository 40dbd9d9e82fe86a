"""The disk cache: vectors are encoded once, never wrong after any damage, and bounded in size."""

import time
from pathlib import Path

import numpy as np
import pytest

from anyshot.errors import InputError
from anyshot.store.disk_cache import LIMIT_MB, VectorCache, default_limit
from anyshot.store.encoding import encode_once
from anyshot.store.memory_cache import SLICE
from small_cache import WIDTH, key, known, put, sql

# --- settings -------------------------------------------------------------------------------------------------------


def test_the_environment_is_read_when_a_cache_is_created(tmp_path, monkeypatch):
    monkeypatch.setenv("ANYSHOT_CACHE", str(tmp_path / "there"))
    monkeypatch.setenv("ANYSHOT_CACHE_LIMIT", "0.5")
    assert VectorCache().folder == tmp_path / "there"
    assert VectorCache().limit == 0.5
    assert VectorCache(tmp_path / "here", limit=3).folder == tmp_path / "here"
    monkeypatch.delenv("ANYSHOT_CACHE")
    assert VectorCache().folder.name == "anyshot"
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize("limit", ["lots", "-1", "nan"])
def test_a_limit_that_is_not_a_size_raises_an_error(monkeypatch, limit):
    monkeypatch.setenv("ANYSHOT_CACHE_LIMIT", limit)
    with pytest.raises(InputError, match=f"ANYSHOT_CACHE_LIMIT is '{limit}'; it must be a number of megabytes"):
        VectorCache()


def test_clear_deletes_everything_and_shrinks_the_file(cache):
    cache.clear()  # an empty cache
    put(cache, range(3000))
    size = cache.size()
    assert size.vectors == 3000
    assert size.bytes > 3000 * WIDTH * 4
    cache.clear()
    assert cache.size().vectors == 0
    assert cache.size().bytes < size.bytes / 2
    put(cache, [1])
    assert known(cache, [1, 2]) == [1]


def test_many_keys_are_found_in_any_order(cache):
    put(cache, range(SLICE + 10))
    wanted = [int(number) for number in np.random.default_rng(0).permutation(SLICE + 500)]
    assert sorted(known(cache, wanted)) == list(range(SLICE + 10))


def test_a_vector_of_another_width_is_not_returned(cache):
    put(cache, [1])
    assert not cache.get_many([key(1)], width=WIDTH + 1)[1].any()


# --- folder and limit ------------------------------------------------------------------------------------------------


def test_without_an_environment_variable_the_limit_is_that_of_the_documentation(monkeypatch):
    monkeypatch.setenv("ANYSHOT_CACHE_LIMIT", "")
    assert default_limit() == LIMIT_MB


def test_a_cache_of_the_first_edition_is_not_read_and_deleted_by_clear(cache):
    cache.folder.mkdir()
    (cache.folder / "activations-1").mkdir()
    for name in ("vectors-1.sqlite", "vectors-1.broken", "activations-1/x.act"):
        (cache.folder / name).write_bytes(b"old")
    put(cache, [1])
    assert cache.size().vectors == 1
    cache.clear()
    assert [path.name for path in cache.folder.iterdir()] == [cache.file.name]


# --- bounded in size ------------------------------------------------------------------------------------------------


def test_the_size_stays_below_the_limit_and_the_newest_vectors_are_kept(tmp_path):
    cache = VectorCache(tmp_path, limit=0.4)
    for start in range(0, 8000, 500):
        put(cache, range(start, start + 500))
        assert cache.size().bytes <= 0.4e6
    remaining = known(cache, range(8000))
    assert remaining == list(range(remaining[0], 8000))
    assert 0 < remaining[0] < 7500


def test_vectors_in_use_are_deleted_last(tmp_path):
    cache = VectorCache(tmp_path, limit=0.4)
    for start in range(0, 2500, 500):
        put(cache, range(start, start + 500))
    sql(cache, "update slices set used = used - 100000")
    known(cache, range(10))  # marks the first slice only
    for start in range(2500, 4000, 500):
        put(cache, range(start, start + 500))
    assert known(cache, range(500)) == list(range(500))
    assert known(cache, range(500, 1000)) == []


def test_reading_records_the_use_of_a_slice_once_an_hour(cache):
    put(cache, range(10))
    before = cache.file.read_bytes()
    known(cache, range(10))
    assert cache.file.read_bytes() == before
    sql(cache, "update slices set used = used - 100000")
    known(cache, range(10))
    assert sql(cache, "select used from slices")[0][0] > time.time() - 1000


def test_a_lower_limit_shrinks_the_file_at_the_next_write(tmp_path):
    put(VectorCache(tmp_path), range(5000))
    smaller = VectorCache(tmp_path, limit=0.3)
    assert smaller.size().bytes > 0.3e6
    put(smaller, [5000])
    assert smaller.size().bytes <= 0.3e6


def test_an_infinite_limit_deletes_nothing(tmp_path):
    cache = VectorCache(tmp_path, limit=float("inf"))
    put(cache, range(10))
    assert known(cache, range(10)) == list(range(10))


def test_a_limit_of_zero_stores_nothing(tmp_path, letters):
    cache = VectorCache(tmp_path, limit=0)
    vectors = encode_once(letters, ["a", "b"], cache=cache)
    assert vectors.shape == (2, 26)
    assert cache.size().vectors == 0


# --- faults ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", ["2GB", -1, float("nan")])
def test_a_limit_is_a_number_of_megabytes(tmp_path, limit):
    with pytest.raises(InputError, match="limit must be a number of MB"):
        VectorCache(tmp_path, limit=limit)


def test_vectors_that_do_not_fit_their_keys_are_refused_and_the_cache_stays_whole(tmp_path):
    cache = VectorCache(tmp_path)
    with pytest.raises(InputError, match="2 keys need"):
        cache.put_many([key(0), key(1)], np.ones((1, WIDTH), np.float32))
    with pytest.raises(InputError, match="32 bytes"):
        cache.put_many([b"a"], np.ones((1, WIDTH), np.float32))
    cache.put_many([key(0)], np.ones((1, WIDTH)))  # float64
    assert cache.get_many([key(0), key(1)], width=WIDTH)[1].tolist() == [True, False]


def test_the_folder_is_a_path_and_may_start_at_home():
    assert VectorCache("~/vectors").folder == Path.home() / "vectors"
    with pytest.raises(InputError, match="folder must be a path; it is 5"):
        VectorCache(5)
