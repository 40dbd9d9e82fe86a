"""Packed activations on disk: whole or not at all, bounded, shared by processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from anyshot.errors import CacheError
from anyshot.store.activation_cache import ActivationCache, Packed

DIGEST = "d" * 64
WRITES_FOR_EVER = """
import sys, hashlib, numpy as np, torch
from anyshot.store.activation_cache import ActivationCache, Packed
cache, number = ActivationCache(sys.argv[1], limit=10**6), 0
print("begun", flush=True)
while True:
    keys = [hashlib.sha256(f"{sys.argv[2]} {number} {row}".encode()).digest() for row in range(50)]
    number += 1
    cache.write("d" * 64, Packed(keys, np.full(50, 20), torch.full((1000, 32), number, dtype=torch.bfloat16), "tokens"))
"""


def packed(n: int = 3, *, first: int = 0, dtype: torch.dtype = torch.bfloat16) -> Packed:
    keys = [bytes([first + row]) * 32 for row in range(n)]
    lengths = np.arange(1, n + 1)
    lines = torch.arange(int(lengths.sum()) * 4).reshape(-1, 4).to(dtype)
    return Packed(keys, lengths, lines, "tokens")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.uint8, torch.int32])
def test_what_is_written_is_read(dtype, tmp_path):
    cache, given = ActivationCache(tmp_path), packed(dtype=dtype)
    written = cache.write(DIGEST, given)
    (read,) = cache.read(DIGEST)
    for one in (written, read):
        assert one.keys == given.keys
        assert one.lengths.tolist() == [1, 2, 3]
        assert one.starts.tolist() == [0, 1, 3]
        assert one.lines.dtype == dtype
        assert torch.equal(one.lines, given.lines)
        assert one.sort == "tokens"


def test_lines_of_any_shape_are_kept(tmp_path):
    cache = ActivationCache(tmp_path)
    lines = torch.rand(2, 3, 5, 7).to(torch.bfloat16)
    cache.write(DIGEST, Packed([b"a" * 32, b"b" * 32], np.ones(2, dtype=np.int64), lines.permute(0, 2, 3, 1), "maps"))
    (read,) = cache.read(DIGEST)
    assert torch.equal(read.lines.permute(0, 3, 1, 2), lines)


def test_another_trunk_has_files_of_its_own(tmp_path):
    cache = ActivationCache(tmp_path)
    cache.write(DIGEST, packed())
    assert list(cache.read("e" * 64)) == []


@pytest.mark.parametrize("harm", ["cut short", "one bit", "emptied", "another program's"])
def test_a_damaged_file_is_deleted_and_not_returned(harm, tmp_path):
    cache = ActivationCache(tmp_path)
    cache.write(DIGEST, packed())
    (file,) = cache.folder.glob("*.act")
    content = bytearray(file.read_bytes())
    if harm == "one bit":
        content[-1] ^= 1
    new = {"cut short": content[:-5], "one bit": content, "emptied": b"", "another program's": b"PK" + b"x" * 500}
    file.write_bytes(new[harm])
    assert list(cache.read(DIGEST)) == []
    assert not file.exists()


def test_the_files_used_longest_ago_go_when_the_limit_is_reached(tmp_path):
    cache = ActivationCache(tmp_path)
    for number in range(3):
        cache.write(f"{number}" * 64, packed(first=10 * number))
        for file in cache.folder.glob(f"{number}*.act"):
            os.utime(file, (number, number))
    one = cache.size()[1] / 3
    list(cache.read("0" * 64))  # in use again
    ActivationCache(tmp_path, limit=3.5 * one / 1e6).write("3" * 64, packed())
    assert {file.name[0] for file in cache.folder.glob("*.act")} == {"0", "2", "3"}


def test_what_is_mapped_outlives_its_file(tmp_path):
    cache = ActivationCache(tmp_path, limit=0.0)
    mapped = cache.write(DIGEST, packed())
    assert cache.size() == (0, 0)
    assert torch.equal(mapped.lines, packed().lines)


def test_clearing_forgets_all_and_what_was_left_behind(tmp_path):
    cache = ActivationCache(tmp_path)
    cache.write(DIGEST, packed())
    (cache.folder / ".half.part").write_bytes(b"half")
    cache.clear()
    assert cache.size() == (0, 0)
    assert not any(cache.folder.iterdir())


def test_an_old_half_file_of_a_killed_process_is_removed_by_the_next_write(tmp_path):
    cache = ActivationCache(tmp_path)
    cache.write(DIGEST, packed())
    for name, age in (("old", 2 * 3600), ("new", 0)):
        part = cache.folder / f".{name}.part"
        part.write_bytes(b"half")
        os.utime(part, (time.time() - age, time.time() - age))
    cache.write(DIGEST, packed(first=50))
    assert [file.name for file in cache.folder.glob(".*.part")] == [".new.part"]


def test_a_folder_that_cannot_be_written_is_named_with_what_to_do(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        CacheError, match=r"file/activations-1 cannot be written: .*Free some room, or set ANYSHOT_CACHE"
    ):
        ActivationCache(tmp_path / "file").write(DIGEST, packed())


def test_the_environment_says_where_it_lies_and_how_large_it_grows(monkeypatch, tmp_path):
    monkeypatch.setenv("ANYSHOT_CACHE", str(tmp_path))
    monkeypatch.setenv("ANYSHOT_CACHE_LIMIT", "7")
    cache = ActivationCache()
    assert (cache.folder, cache.limit) == (tmp_path / "activations-1", 7.0)


@pytest.mark.skipif(os.name == "nt", reason="kill -9")
def test_two_processes_that_write_and_are_killed_leave_whole_files_only(tmp_path):
    command = [sys.executable, "-c", WRITES_FOR_EVER, str(tmp_path)]
    writers = [subprocess.Popen([*command, name], stdout=subprocess.PIPE) for name in "ab"]
    try:
        for writer in writers:
            assert writer.stdout.readline() == b"begun\n"
        cache = ActivationCache(tmp_path)
        deadline = time.monotonic() + 20
        while cache.size()[0] < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
            writer.wait()
            writer.stdout.close()
    files = cache.size()[0]
    read = list(cache.read(DIGEST))
    assert len(read) == files >= 4
    assert all(len(pack.lines.unique()) == 1 for pack in read)
    assert Path(cache.folder).is_dir()
