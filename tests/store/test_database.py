"""Activations in the disk cache: complete files or none, bounded in size, shared by processes."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from hashlib import sha256

import numpy as np
import pytest

from anyshot.errors import CacheError
from anyshot.store.database import PackedActivations
from anyshot.store.disk_cache import VectorCache
from small_cache import put

TRUNK = "d" * 64
ENDLESS_WRITER = """
import sys, hashlib, numpy as np
from anyshot.store.database import PackedActivations
from anyshot.store.disk_cache import VectorCache
cache, number = VectorCache(sys.argv[1], limit=10**6), 0
print("started", flush=True)
while True:
    keys = [hashlib.sha256(f"{sys.argv[2]} {number} {row}".encode()).digest() for row in range(50)]
    number += 1
    rows = np.full((1000, 32), number, dtype=np.uint16)
    cache.put_activations("d" * 64, PackedActivations(keys, np.full(50, 20), rows, "bfloat16", "tokens"))
"""


def packed(n: int = 3, *, first: int = 0, stored: type = np.uint16, dtype: str = "bfloat16") -> PackedActivations:
    lengths = np.arange(1, n + 1)
    rows = np.arange(int(lengths.sum()) * 4).reshape(-1, 4).astype(stored)
    return PackedActivations([bytes([first + row]) * 32 for row in range(n)], lengths, rows, dtype, "tokens")


def stored(cache: VectorCache, trunk: str = TRUNK) -> list[PackedActivations]:
    return cache.get_activations(trunk, [bytes([byte]) * 32 for byte in range(256)])


def files(cache: VectorCache) -> list[str]:
    return sorted(file.name for file in (cache.folder / "activations-2").glob("*"))


def sql(cache: VectorCache, statement: str, values: Sequence[object] = ()) -> None:
    with sqlite3.connect(cache.file) as connection:
        connection.execute(statement, values)
    connection.close()


@pytest.mark.parametrize(
    ("kind", "dtype"), [(np.uint16, "bfloat16"), (np.float32, "float32"), (np.uint8, "uint8"), (np.int32, "int32")]
)
def test_activations_are_read_as_they_were_written(kind, dtype, cache):
    original = packed(stored=kind, dtype=dtype)
    returned = cache.put_activations(TRUNK, original)
    (found,) = stored(cache)
    for one in (returned, found):
        assert one.keys == original.keys
        assert one.lengths.tolist() == [1, 2, 3]
        assert one.starts.tolist() == [0, 1, 3]
        assert isinstance(one.rows, np.memmap)
        assert one.rows.dtype == kind
        np.testing.assert_array_equal(one.rows, original.rows)
        assert (one.dtype, one.layout) == (dtype, "tokens")
    size = cache.size()
    assert (size.vectors, size.activations) == (0, 3)
    assert size.bytes > original.rows.nbytes


def test_rows_of_any_shape_and_memory_order_are_stored(cache):
    rows = np.random.default_rng(0).normal(size=(2, 3, 5, 7)).astype(np.float32).transpose(0, 2, 3, 1)
    cache.put_activations(TRUNK, PackedActivations([b"a" * 32, b"b" * 32], np.ones(2, int), rows, "float32", "maps"))
    (found,) = cache.get_activations(TRUNK, [b"b" * 32])
    np.testing.assert_array_equal(found.rows, rows)


def test_only_files_with_the_keys_and_the_trunk_are_returned(cache):
    cache.put_activations(TRUNK, packed())
    cache.put_activations(TRUNK, packed(first=10))
    assert [one.keys[0] for one in cache.get_activations(TRUNK, [bytes([11]) * 32])] == [bytes([10]) * 32]
    assert stored(cache, "e" * 64) == []
    assert cache.get_activations(TRUNK, [b"x" * 32]) == []


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
@pytest.mark.parametrize("write", [lambda cache: cache.put_activations(TRUNK, packed()), lambda cache: put(cache, [1])])
def test_other_users_of_the_machine_cannot_read_the_cache(write, tmp_path):
    write(VectorCache(tmp_path / "cache"))
    assert (tmp_path / "cache").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("damage", ["cut short", "one bit", "emptied", "another program's", "deleted"])
def test_a_damaged_file_is_deleted_and_not_returned(damage, cache):
    cache.put_activations(TRUNK, packed())
    (file,) = (cache.folder / "activations-2").glob("*.act")
    content = bytearray(file.read_bytes())
    if damage == "one bit":
        content[-1] ^= 1
    new = {"cut short": content[:-5], "one bit": content, "emptied": b"", "another program's": b"PK" + b"x" * 500}
    if damage == "deleted":
        file.unlink()
    else:
        file.write_bytes(new[damage])
    assert stored(cache) == []
    assert files(cache) == []
    assert cache.size().activations == 0


@pytest.mark.parametrize("column", ["header", "keys", "lengths", "checksum", "file"])
def test_damaged_rows_of_the_database_are_deleted_and_not_returned(column, cache):
    cache.put_activations(TRUNK, packed())
    changed = (
        "1" if column in ("checksum", "file") else f"cast(substr({column}, 1, length({column}) - 1) || '7' as blob)"
    )
    sql(cache, f"update activations set {column} = {changed}")
    assert stored(cache) == []
    assert cache.size().activations == 0


def test_the_entries_used_longest_ago_are_deleted_first(cache):
    for number in range(4):
        cache.put_activations(f"{number}" * 64, packed(200))
    cache.put_many([b"v" * 32], np.ones((1, 5), dtype=np.float32))
    sql(cache, "update slices set used = used - 100000 - id")
    stored(cache, "0" * 64)  # now in use
    cache.get_many([b"v" * 32], width=5)
    limit = cache.size().bytes + 10_000
    VectorCache(cache.folder, limit=limit / 1e6).put_activations("4" * 64, packed(200))
    assert [len(stored(cache, f"{number}" * 64)) for number in range(5)] == [1, 1, 0, 0, 1]
    assert cache.get_many([b"v" * 32], width=5)[1].all()
    assert len(files(cache)) == 3
    assert cache.size().bytes <= limit


def test_mapped_activations_remain_after_their_file_is_deleted(tmp_path):
    cache = VectorCache(tmp_path, limit=0.0)
    mapped = cache.put_activations(TRUNK, packed())
    assert cache.size()[:2] == (0, 0)
    assert files(cache) == []
    np.testing.assert_array_equal(mapped.rows, packed().rows)


def test_clear_deletes_all_files(cache):
    cache.put_activations(TRUNK, packed())
    (cache.folder / "activations-2" / "left.act").write_bytes(b"incomplete")
    cache.clear()
    assert cache.size()[:2] == (0, 0)
    assert files(cache) == []


def test_old_files_of_a_killed_process_are_deleted_by_the_next_write(cache):
    cache.put_activations(TRUNK, packed())
    for name, age in (("old", 2 * 3600), ("new", 0)):
        file = cache.folder / "activations-2" / f"{name}.act"
        file.write_bytes(b"incomplete")
        os.utime(file, (time.time() - age, time.time() - age))
    cache.put_activations(TRUNK, packed(first=50))
    assert len(files(cache)) == 3
    assert "new.act" in files(cache)
    assert "old.act" not in files(cache)


def test_a_damaged_database_is_replaced_and_its_files_are_deleted(cache):
    cache.put_activations(TRUNK, packed())
    (file,) = (cache.folder / "activations-2").glob("*.act")
    os.utime(file, (0, 0))
    cache.file.write_bytes(b"x" * 5000)
    with pytest.warns(UserWarning, match=r"is damaged .* renamed to cache-2\.broken"):
        assert stored(cache) == []
    cache.put_activations(TRUNK, packed())
    assert len(stored(cache)) == len(files(cache)) == 1


def test_a_folder_that_cannot_be_written_raises_an_error_with_the_remedy(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheError, match=r"cannot be written: .*Free some disk space, or set ANYSHOT_CACHE"):
        VectorCache(tmp_path / "file").put_activations(TRUNK, packed())


def test_a_write_that_fails_leaves_no_file(cache, monkeypatch):
    cache.put_activations(TRUNK, packed())
    sql(cache, "create trigger full before insert on slices begin select raise(abort, 'no space'); end")
    with pytest.raises(CacheError, match="no space"):
        cache.put_activations(TRUNK, packed(first=10))
    assert len(files(cache)) == 1


@pytest.mark.skipif(os.name == "nt", reason="sends SIGKILL")
def test_two_processes_that_are_killed_while_writing_leave_complete_entries_only(cache):
    command = [sys.executable, "-c", ENDLESS_WRITER, str(cache.folder)]
    writers = [subprocess.Popen([*command, name], stdout=subprocess.PIPE) for name in "ab"]
    try:
        for writer in writers:
            assert writer.stdout.readline() == b"started\n"
        deadline = time.monotonic() + 120  # a busy machine takes long
        while cache.size().activations < 200 and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
            writer.wait()
            writer.stdout.close()
    keys = [key for name in "ab" for key in writer_keys(name)]
    found = cache.get_activations(TRUNK, keys)
    assert 50 * len(found) == cache.size().activations >= 200
    assert all(len(np.unique(one.rows)) == 1 for one in found)


def writer_keys(name: str) -> list[bytes]:
    """Return the first key of each slice that a writer may have written."""
    return [sha256(f"{name} {number} 0".encode()).digest() for number in range(10_000)]


def test_a_database_whose_write_version_is_damaged_is_replaced(cache):
    cache.put_activations(TRUNK, packed())
    content = bytearray(cache.file.read_bytes())
    content[18] = 77  # SQLite opens such a file, but only for reading
    cache.file.write_bytes(content)
    with pytest.warns(UserWarning, match="is damaged"):
        cache.put_activations(TRUNK, packed(first=50))
    assert cache.size().activations > 0
