"""The disk cache when its file is damaged, the disk is full, or a process is killed."""

import os
import signal
import sqlite3
import subprocess
import sys
import warnings

import numpy as np
import pytest

from anyshot.errors import CacheError
from anyshot.store import database
from anyshot.store.disk_cache import VectorCache
from anyshot.store.encoding import encode_once
from small_cache import WIDTH, known, put, sql

N_FAULTS = 40, 300  # kinds of damage to the file, by default and in full


@pytest.mark.parametrize("column", ["vector", "digest"])
def test_a_changed_byte_is_detected_and_the_vector_computed_again(letters, cache, column):
    texts = ["alpha", "beta", "gamma"]
    first = encode_once(letters, texts, cache=cache)
    ((stored,),) = sql(cache, f"select {column} from vectors order by id limit 1 offset 1")
    content = cache.file.read_bytes()
    position = content.index(stored) + 7
    cache.file.write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
    letters.encoded.clear()
    np.testing.assert_array_equal(encode_once(letters, texts, cache=cache), first)
    assert letters.encoded == ["beta"]
    np.testing.assert_array_equal(encode_once(letters, texts, cache=cache), first)
    assert letters.encoded == ["beta"]  # the damaged row was replaced


def test_keys_with_equal_beginnings_are_distinguished(cache):
    one, other = bytes(32), bytes(31) + b"\x01"
    cache.put_many([one], np.ones((1, WIDTH), dtype=np.float32))
    assert not cache.get_many([other], width=WIDTH)[1].any()
    cache.put_many([other], np.zeros((1, WIDTH), dtype=np.float32))
    assert cache.get_many([other], width=WIDTH)[1].all()


@pytest.mark.parametrize("length", [0, 100, 40_000])
def test_a_file_of_random_bytes_is_renamed_with_a_warning_and_a_new_one_created(letters, cache, length):
    garbage = np.random.default_rng(0).bytes(length)
    cache.folder.mkdir()
    cache.file.write_bytes(garbage)
    if length:
        with pytest.warns(UserWarning, match=r"is damaged \(.*\)\. It was renamed to cache-2\.broken"):
            encode_once(letters, ["a"], cache=cache)
        assert (cache.folder / "cache-2.broken").read_bytes() == garbage
    else:
        encode_once(letters, ["a"], cache=cache)  # an empty file is an empty database
    encode_once(letters, ["a"], cache=cache)
    assert letters.encoded == ["a"]
    cache.clear()
    assert [path.name for path in cache.folder.iterdir()] == [cache.file.name]


def test_after_pages_were_overwritten_the_cache_works_again(cache):
    put(cache, range(2000))
    content = bytearray(cache.file.read_bytes())
    for start in range(3 * 16384, len(content), 16384):
        content[start : start + 64] = os.urandom(64)
    cache.file.write_bytes(content)
    with pytest.warns(UserWarning, match="renamed"):
        assert known(cache, range(2000)) == []
    put(cache, range(10))
    assert known(cache, range(2000)) == list(range(10))


def test_after_any_damage_vectors_are_right_and_stored_again(letters, cache, fault):
    texts = [f"{number} parcels" for number in range(600)]
    vectors = encode_once(letters, texts, cache=cache)
    cache.file.write_bytes(damaged(cache.file.read_bytes(), np.random.default_rng(fault)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_array_equal(encode_once(letters, texts, cache=cache), vectors)
    letters.encoded.clear()
    np.testing.assert_array_equal(encode_once(letters, texts, cache=cache), vectors)
    assert letters.encoded == []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some damage is met only by writing
        put(cache, [1])
    assert known(cache, [1]) == [1]


def damaged(content: bytes, random: np.random.Generator) -> bytes:
    """Return a file cut off, with bytes changed, with a page of zeros, or with another byte among its first 200."""
    changed = bytearray(content)
    kind = random.integers(4)
    if kind == 0:
        return bytes(changed[: random.integers(1, len(changed))])
    if kind == 2:
        start = random.integers(0, len(changed) - 16384)
        changed[start : start + 16384] = bytes(16384)
        return bytes(changed)
    for position in random.integers(0, 200, size=1) if kind == 3 else random.integers(0, len(changed), size=200):
        changed[position] ^= random.integers(1, 256)
    return bytes(changed)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("alter table vectors rename column checksum to sum", "no such column: checksum"),
        ("update vectors set digest = cast(x'ff' as text)", "Could not decode to UTF-8"),
        ("drop table slices", "no such table: slices"),
    ],
)
def test_other_tables_are_replaced_with_one_warning(letters, cache, statement, reason):
    encode_once(letters, ["a"], cache=cache)
    sql(cache, statement)
    letters.encoded.clear()
    with pytest.warns(UserWarning, match=rf"is damaged \({reason}") as caught:
        encode_once(letters, ["a"], cache=cache)
    assert len(caught) == 1
    encode_once(letters, ["a"], cache=cache)
    assert letters.encoded == ["a"]


def test_a_file_that_loses_rows_is_replaced(letters, cache):
    encode_once(letters, ["a"], cache=cache)
    sql(cache, "create trigger lost after insert on vectors begin delete from vectors where id = new.id; end")
    with pytest.warns(UserWarning, match=r"is damaged \(what was written cannot be read again\)"):
        vectors = encode_once(letters, ["b", "c"], cache=cache)
    letters.encoded.clear()
    np.testing.assert_array_equal(encode_once(letters, ["b", "c"], cache=cache), vectors)
    assert letters.encoded == []


def test_another_programs_database_is_renamed_and_not_changed(cache):
    cache.folder.mkdir()
    sql(cache, "create table addresses (name text)")
    sql(cache, "insert into addresses values ('Ada')")
    with pytest.warns(UserWarning, match="another program's database"):
        put(cache, [1])
    assert known(cache, [1]) == [1]
    aside = sqlite3.connect(cache.folder / "cache-2.broken")
    assert aside.execute("select name from addresses").fetchall() == [("Ada",)]
    aside.close()


def test_if_the_folder_cannot_be_created_there_is_one_warning_and_vectors_are_computed(letters, tmp_path):
    (tmp_path / "file").write_text("in the way")
    cache = VectorCache(tmp_path / "file" / "cache")
    with pytest.warns(UserWarning, match=r"Vectors are computed and not stored. .* cannot be written: ") as caught:
        vectors = encode_once(letters, ["a", "b"], cache=cache)
    assert len(caught) == 1
    np.testing.assert_array_equal(vectors, type(letters)().encode(["a", "b"]))
    with pytest.raises(CacheError, match=r"set ANYSHOT_CACHE to a folder that can be written.*cache=False"):
        put(cache, [1])


def test_if_the_file_cannot_be_read_there_is_one_warning_and_vectors_are_computed(letters, cache, monkeypatch):
    encode_once(letters, ["a"], cache=cache)
    monkeypatch.setattr(database, "LOCK_TIMEOUT", 0.01)
    holder = sqlite3.connect(cache.file, isolation_level=None)
    holder.execute("begin exclusive")
    with pytest.warns(UserWarning, match="cannot be read: database is locked") as caught:
        vectors = encode_once(letters, ["a", "b"], cache=cache)
    holder.close()
    assert len(caught) == 1
    assert vectors.shape == (2, 26)


def test_a_locked_file_is_read_without_recording_its_use(cache):
    put(cache, range(10))
    sql(cache, "update slices set used = 0")
    writer = sqlite3.connect(cache.file, isolation_level=None)
    writer.execute("begin immediate")
    assert known(cache, range(10)) == list(range(10))
    writer.close()
    assert sql(cache, "select used from slices") == [(0,)]


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


FULL_DISK = """
import resource, sys, warnings
import numpy as np
from anyshot.store.disk_cache import VectorCache
from anyshot.store.encoding import encode_once

class Encoder:
    modality, width, digest = "text", 1000, "wide"
    def encode(self, inputs):
        return np.eye(1, 1000, dtype=np.float32).repeat(len(inputs), axis=0)

cache = VectorCache(sys.argv[1])
encode_once(Encoder(), ["first"], cache=cache)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    vectors = encode_once(Encoder(), [f"text {row}" for row in range(5000)], cache=cache)
print(vectors.shape, int(vectors.sum()), len(caught), cache.size().vectors)
print(caught[0].message)
"""


@pytest.mark.skipif(os.name == "nt", reason="limits a file's size")
def test_on_a_full_disk_there_is_one_warning_and_vectors_are_computed(tmp_path):
    run = python(FULL_DISK, tmp_path)
    output, errors = run.communicate()
    assert run.returncode == 0, errors
    counts, warning = output.splitlines()
    assert counts == "(5000, 1000) 5000 1 1"
    assert "cannot be written" in warning
    assert "Free some disk space" in warning


WRITER = """
import sys
import numpy as np
from hashlib import sha256
from anyshot.store.disk_cache import VectorCache

folder, start, stop, step = sys.argv[1], *map(int, sys.argv[2:])
cache = VectorCache(folder)
for first in range(start, stop, step):
    numbers = range(first, first + step)
    vectors = [np.random.default_rng(number).normal(size=5) for number in numbers]
    cache.put_many([sha256(str(number).encode()).digest() for number in numbers], np.array(vectors, dtype=np.float32))
    print(first + step, flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="sends SIGKILL")
def test_after_a_kill_every_slice_is_stored_completely_or_not_at_all(cache):
    writer = python(WRITER, cache.folder, 0, 10**6, 100)
    for _ in range(5):
        written = int(writer.stdout.readline())
    os.kill(writer.pid, signal.SIGKILL)  # in the middle of some later slice
    written = max([written, *map(int, writer.stdout.read().split())])  # `communicate` leaves out what was read ahead
    writer.communicate()
    found = known(cache, range(written + 300))
    assert found in (list(range(written)), list(range(written + 100)))
    put(cache, range(written + 300))
    assert known(cache, range(written + 300)) == list(range(written + 300))
    assert sql(cache, "pragma integrity_check") == [("ok",)]


def test_two_processes_write_at_the_same_time_and_nothing_is_lost(cache):
    writers = [python(WRITER, cache.folder, start, stop, 50) for start, stop in ((0, 600), (400, 1000))]
    failures = [writer.communicate()[1] for writer in writers]
    assert failures == ["", ""]
    assert known(cache, range(1000)) == list(range(1000))
    assert cache.size().vectors == 1000
    assert sql(cache, "pragma integrity_check") == [("ok",)]
