import os
import signal
import sqlite3
import subprocess
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anyshot.errors import BadItemError, CacheError, EncoderError, InputError
from anyshot.store import disk_cache as cache_module
from anyshot.store.disk_cache import SLICE, VectorCache, encode_once, encode_texts_once

WIDTH = 5


class ColorEncoder:
    """An image encoder of three numbers, the mean color, that places texts beside them."""

    modality = "image"
    width = 3
    digest = "colors-1"

    def __init__(self) -> None:
        self.encoded = 0
        self.texts: list[str] = []

    def encode(self, inputs: Sequence[object]) -> np.ndarray:
        self.encoded += len(inputs)
        images = [Image.open(item) if isinstance(item, (str, os.PathLike)) else item for item in inputs]
        for row, image in enumerate(images):
            if min(image.size if isinstance(image, Image.Image) else image.shape) == 1:
                raise BadItemError(f"The image in row {row} is too small.")
        return np.array([np.asarray(image).mean(axis=(0, 1)) for image in images], dtype=np.float32)

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        self.texts.extend(texts)
        return np.array([[len(text), 0, 0] for text in texts], dtype=np.float32)


class FaultyEncoder:
    """A text encoder that answers what it is told to."""

    modality = "text"
    width = 2
    digest = "faulty"

    def __init__(self, answer: np.ndarray) -> None:
        self.answer = answer

    def encode(self, inputs: Sequence[str]) -> np.ndarray:
        return self.answer


def key(number: int) -> bytes:
    return cache_module.sha256(str(number).encode()).digest()


def vector(number: int) -> np.ndarray:
    return np.random.default_rng(number).normal(size=WIDTH).astype(np.float32)


def put(cache: VectorCache, numbers: Sequence[int]) -> None:
    cache.put_many([key(number) for number in numbers], np.array([vector(number) for number in numbers]))


def known(cache: VectorCache, numbers: Sequence[int]) -> list[int]:
    """Return which of the numbers' vectors the cache knows, having checked each."""
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


@pytest.fixture
def cache(tmp_path: Path) -> VectorCache:
    return VectorCache(tmp_path / "cache")


# --- contract -------------------------------------------------------------------------------------------------------


def test_each_distinct_text_is_encoded_once_and_the_answers_keep_their_order(letters, cache):
    texts = ["b", "a", "b", "cc", "a"]
    vectors = encode_once(letters, texts, cache=cache)
    assert letters.encoded == ["b", "a", "cc"]
    fresh = type(letters)()
    np.testing.assert_array_equal(vectors, fresh.encode(texts))
    assert vectors.dtype == np.float32


def test_a_second_call_encodes_only_what_is_new(letters, cache):
    first = encode_once(letters, ["a", "b"], cache=cache)
    letters.encoded.clear()
    second = encode_once(letters, ["c", "b", "a"], cache=VectorCache(cache.folder))
    assert letters.encoded == ["c"]
    np.testing.assert_array_equal(second[[2, 1]], first)
    assert cache.size()[0] == 3


def test_without_a_cache_duplicates_are_still_encoded_once(letters):
    vectors = encode_once(letters, ["a", "b", "a"], cache=None)
    assert letters.encoded == ["a", "b"]
    np.testing.assert_array_equal(vectors[0], vectors[2])


def test_an_encoder_without_a_digest_is_never_kept(letters, cache):
    for digest in (None, ""):
        letters.digest = digest
        encode_once(letters, ["a"], cache=cache)
    assert letters.encoded == ["a", "a"]
    assert cache.size() == (0, 0)


def test_another_digest_is_another_vector(letters, cache):
    encode_once(letters, ["a"], cache=cache)
    letters.digest = "letters-2"
    encode_once(letters, ["a"], cache=cache)
    assert letters.encoded == ["a", "a"]


def test_no_items_give_no_vectors(letters, cache):
    assert encode_once(letters, [], cache=cache).shape == (0, 26)
    assert encode_once(ColorEncoder(), [], cache=None).shape == (0, 3)


def test_texts_of_any_script_are_told_apart(letters, cache):
    texts = ["é", "e\u0301", "日本", "🙂", "🙃"]
    encode_once(letters, texts, cache=cache)
    assert letters.encoded == texts
    encode_once(letters, texts, cache=cache)
    assert letters.encoded == texts


def test_an_image_is_one_content_as_array_or_pil_image_and_a_file_by_its_bytes(tmp_path, cache):
    red = np.zeros((4, 4, 3), dtype=np.uint8)
    red[..., 0] = 200
    Image.fromarray(red).save(tmp_path / "red.png")
    (tmp_path / "copy.png").write_bytes((tmp_path / "red.png").read_bytes())
    encoder = ColorEncoder()
    items = [red, Image.fromarray(red)]
    np.testing.assert_allclose(encode_once(encoder, items, cache=cache), [[1, 0, 0]] * 2)
    assert encoder.encoded == 1
    files = [str(tmp_path / "red.png"), tmp_path / "copy.png"]
    np.testing.assert_allclose(encode_once(encoder, files, cache=cache), [[1, 0, 0]] * 2)
    assert encoder.encoded == 2
    encode_once(encoder, np.stack([red, red]), cache=cache)
    assert encoder.encoded == 2


def test_a_changed_file_of_the_same_name_is_encoded_again(tmp_path, cache):
    encoder, path = ColorEncoder(), tmp_path / "image.png"
    for color in ("red", "blue"):
        Image.new("RGB", (4, 4), color).save(path)
        vectors = encode_once(encoder, [path], cache=cache)
    np.testing.assert_allclose(vectors, [[0, 0, 1]])


def test_texts_among_images_have_keys_of_their_own(letters, cache):
    encoder = ColorEncoder()
    encoder.digest, encoder.width = letters.digest, letters.width  # all equal but the kind of input
    encode_once(letters, ["abc"], cache=cache)
    encoder.width = 3
    vectors = encode_texts_once(encoder, ["abc", "abc"], width=3, cache=cache)
    np.testing.assert_array_equal(vectors, [[1, 0, 0]] * 2)
    encode_texts_once(encoder, ["abc"], width=3, cache=cache)
    assert encoder.texts == ["abc"]
    assert cache.size()[0] == 2


def test_the_environment_is_read_when_a_cache_is_made(tmp_path, monkeypatch):
    monkeypatch.setenv("ANYSHOT_CACHE", str(tmp_path / "there"))
    monkeypatch.setenv("ANYSHOT_CACHE_LIMIT", "0.5")
    assert VectorCache().folder == tmp_path / "there"
    assert VectorCache().limit == 0.5
    assert VectorCache(tmp_path / "here", limit=3).folder == tmp_path / "here"
    monkeypatch.delenv("ANYSHOT_CACHE")
    assert VectorCache().folder.name == "anyshot"
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize("limit", ["lots", "-1", "nan"])
def test_a_limit_that_is_no_size_is_refused(monkeypatch, limit):
    monkeypatch.setenv("ANYSHOT_CACHE_LIMIT", limit)
    with pytest.raises(InputError, match=f"ANYSHOT_CACHE_LIMIT is '{limit}'; a number of megabytes"):
        VectorCache()


def test_clearing_forgets_all_and_gives_the_room_back(cache):
    cache.clear()  # of nothing
    put(cache, range(3000))
    entries, size = cache.size()
    assert entries == 3000
    assert size > 3000 * WIDTH * 4
    cache.clear()
    assert cache.size()[0] == 0
    assert cache.size()[1] < size / 2
    put(cache, [1])
    assert known(cache, [1, 2]) == [1]


def test_many_keys_are_found_in_any_order(cache):
    put(cache, range(SLICE + 10))
    wanted = [int(number) for number in np.random.default_rng(0).permutation(SLICE + 500)]
    assert sorted(known(cache, wanted)) == list(range(SLICE + 10))


def test_a_vector_of_another_width_is_not_returned(cache):
    put(cache, [1])
    assert not cache.get_many([key(1)], width=WIDTH + 1)[1].any()


# --- what encoders answer -------------------------------------------------------------------------------------------


def test_vectors_of_any_length_come_in_at_unit_length(cache):
    raw = np.array([[30.0, 40.0], [0.0, 0.0], [-1e-3, 0.0], [0.0, 1e20]], dtype=np.float32)
    vectors = encode_once(FaultyEncoder(raw), ["a", "b", "c", "d"], cache=cache)
    np.testing.assert_allclose(vectors, [[0.6, 0.8], [0, 0], [-1, 0], [0, 1]], rtol=1e-6)
    np.testing.assert_array_equal(encode_once(FaultyEncoder(raw), ["a", "b", "c", "d"], cache=cache), vectors)
    texts = encode_texts_once(ColorEncoder(), ["four"], width=3, cache=None)
    np.testing.assert_array_equal(texts, [[1, 0, 0]])


def test_vectors_of_unit_length_come_in_bit_for_bit():
    angles = np.random.default_rng(0).uniform(0, 7, size=1000)
    given = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    raw = np.concatenate([given, [[3, 4]]]).astype(np.float32)  # one that is not
    texts = [str(row) for row in range(1001)]
    vectors = encode_once(FaultyEncoder(raw), texts, cache=None)
    assert vectors[:1000].tobytes() == given.tobytes()
    np.testing.assert_allclose(vectors[1000], [0.6, 0.8], rtol=1e-6)


@pytest.mark.parametrize("answer", [np.zeros((2, 3)), np.zeros((1, 2)), np.zeros(2)])
def test_an_answer_of_another_shape_is_refused(answer):
    with pytest.raises(EncoderError, match=r"FaultyEncoder answered 2 items with .* shape .*\(2, 2\) is needed"):
        encode_once(FaultyEncoder(answer), ["a", "b"], cache=None)


def test_an_answer_that_is_not_finite_is_named_by_its_row_and_never_kept(cache):
    faulty = FaultyEncoder(np.array([[1.0, 0.0], [np.nan, 0.0]]))
    with pytest.raises(EncoderError, match="answered row 2 with NaN or infinity"):
        encode_once(faulty, ["a", "a", "b"], cache=cache)
    assert cache.size() == (0, 0)


def test_a_bad_item_is_named_by_its_row_among_all_items(tmp_path, cache, letters):
    with pytest.raises(BadItemError, match="The text in row 1 is empty"):
        encode_once(letters, ["a", " "], cache=cache)
    good = np.zeros((4, 4, 3), dtype=np.uint8)
    Image.new("RGB", (4, 4)).save(tmp_path / "cut.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:40])
    with pytest.raises(BadItemError, match=r"cut\.png in row 2"):
        encode_once(CutIntolerant(), [good, good, tmp_path / "cut.png"], cache=cache)


class CutIntolerant(ColorEncoder):
    """Names rows as any encoder does: counted from the first item it was given."""

    def encode(self, inputs: Sequence[object]) -> np.ndarray:
        for row, item in enumerate(inputs):
            if isinstance(item, Path):
                raise BadItemError(f"{item} in row {row} cannot be read.")
        return super().encode(inputs)


def test_an_interrupted_run_resumes_after_the_last_whole_slice(letters, cache, monkeypatch):
    monkeypatch.setattr(cache_module, "SLICE", 3)
    texts = [f"{number} parcels" for number in range(8)]
    encode = letters.encode

    def interrupted(inputs: Sequence[str]) -> np.ndarray:
        if len(letters.encoded) >= 6:
            raise KeyboardInterrupt
        return encode(inputs)

    letters.encode = interrupted
    with pytest.raises(KeyboardInterrupt):
        encode_once(letters, texts, cache=cache)
    letters.encode = encode
    letters.encoded.clear()
    encode_once(letters, texts, cache=cache)
    assert letters.encoded == texts[6:]


# --- bounded in size ------------------------------------------------------------------------------------------------


def test_the_file_stays_below_its_limit_and_the_newest_vectors_stay(tmp_path):
    cache = VectorCache(tmp_path, limit=0.4)
    for start in range(0, 8000, 500):
        put(cache, range(start, start + 500))
        assert cache.size()[1] <= 0.4e6
    kept = known(cache, range(8000))
    assert kept == list(range(kept[0], 8000))
    assert 0 < kept[0] < 7500


def test_vectors_in_use_outlive_those_that_are_not(tmp_path):
    cache = VectorCache(tmp_path, limit=0.4)
    for start in range(0, 2500, 500):
        put(cache, range(start, start + 500))
    sql(cache, "update slices set used = used - 100000")
    known(cache, range(10))  # marks the first slice only
    for start in range(2500, 4000, 500):
        put(cache, range(start, start + 500))
    assert known(cache, range(500)) == list(range(500))
    assert known(cache, range(500, 1000)) == []


def test_reading_notes_the_use_of_a_slice_once_an_hour(cache):
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
    assert smaller.size()[1] > 0.3e6
    put(smaller, [5000])
    assert smaller.size()[1] <= 0.3e6


def test_a_limit_of_nothing_keeps_nothing(tmp_path, letters):
    cache = VectorCache(tmp_path, limit=0)
    vectors = encode_once(letters, ["a", "b"], cache=cache)
    assert vectors.shape == (2, 26)
    assert cache.size()[0] == 0


# --- faults ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["vector", "digest"])
def test_a_flipped_byte_is_noticed_and_the_vector_computed_again(letters, cache, column):
    texts = ["alpha", "beta", "gamma"]
    first = encode_once(letters, texts, cache=cache)
    ((stored,),) = sql(cache, f"select {column} from vectors order by id limit 1 offset 1")
    content = cache.file.read_bytes()
    place = content.index(stored) + 7
    cache.file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    letters.encoded.clear()
    np.testing.assert_array_equal(encode_once(letters, texts, cache=cache), first)
    assert letters.encoded == ["beta"]
    np.testing.assert_array_equal(encode_once(letters, texts, cache=cache), first)
    assert letters.encoded == ["beta"]  # the damaged row was replaced


def test_two_inputs_whose_keys_begin_alike_are_told_apart(cache):
    one, other = bytes(32), bytes(31) + b"\x01"
    cache.put_many([one], np.ones((1, WIDTH), dtype=np.float32))
    assert not cache.get_many([other], width=WIDTH)[1].any()
    cache.put_many([other], np.zeros((1, WIDTH), dtype=np.float32))
    assert cache.get_many([other], width=WIDTH)[1].all()


@pytest.mark.parametrize("length", [0, 100, 40_000])
def test_a_garbage_file_is_set_aside_with_a_warning_and_a_new_one_begun(letters, cache, length):
    garbage = np.random.default_rng(0).bytes(length)
    cache.folder.mkdir()
    cache.file.write_bytes(garbage)
    if length:
        with pytest.warns(UserWarning, match=r"is damaged \(.*\)\. It was set aside as vectors-1\.broken"):
            encode_once(letters, ["a"], cache=cache)
        assert (cache.folder / "vectors-1.broken").read_bytes() == garbage
    else:
        encode_once(letters, ["a"], cache=cache)  # an empty file is an empty database
    encode_once(letters, ["a"], cache=cache)
    assert letters.encoded == ["a"]
    cache.clear()
    assert [path.name for path in cache.folder.iterdir()] == [cache.file.name]


def test_pages_overwritten_inside_the_file_cost_vectors_and_nothing_else(cache):
    put(cache, range(2000))
    content = bytearray(cache.file.read_bytes())
    for start in range(3 * 16384, len(content), 16384):
        content[start : start + 64] = os.urandom(64)
    cache.file.write_bytes(content)
    with pytest.warns(UserWarning, match="set aside"):
        assert known(cache, range(2000)) == []
    put(cache, range(10))
    assert known(cache, range(2000)) == list(range(10))


@pytest.mark.parametrize("seed", range(40))
def test_however_a_file_is_damaged_the_vectors_come_back_and_the_damage_is_mended(letters, cache, seed):
    texts = [f"{number} parcels" for number in range(600)]
    vectors = encode_once(letters, texts, cache=cache)
    cache.file.write_bytes(damaged(cache.file.read_bytes(), np.random.default_rng(seed)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_array_equal(encode_once(letters, texts, cache=cache), vectors)
    letters.encoded.clear()
    np.testing.assert_array_equal(encode_once(letters, texts, cache=cache), vectors)
    put(cache, [1])
    assert letters.encoded == []


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
    for place in random.integers(0, 200, size=1) if kind == 3 else random.integers(0, len(changed), size=200):
        changed[place] ^= random.integers(1, 256)
    return bytes(changed)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("alter table vectors rename column checksum to sum", "no such column: checksum"),
        ("update vectors set digest = cast(x'ff' as text)", "Could not decode to UTF-8"),
        ("drop table slices", "no such table: slices"),
    ],
)
def test_tables_that_are_not_ours_are_set_aside_once(letters, cache, statement, said):
    encode_once(letters, ["a"], cache=cache)
    sql(cache, statement)
    letters.encoded.clear()
    with pytest.warns(UserWarning, match=rf"is damaged \({said}") as caught:
        encode_once(letters, ["a"], cache=cache)
    assert len(caught) == 1
    encode_once(letters, ["a"], cache=cache)
    assert letters.encoded == ["a"]


def test_a_file_that_loses_what_is_written_is_set_aside(letters, cache):
    encode_once(letters, ["a"], cache=cache)
    sql(cache, "create trigger lost after insert on vectors begin delete from vectors where id = new.id; end")
    with pytest.warns(UserWarning, match=r"is damaged \(what was written cannot be read again\)"):
        vectors = encode_once(letters, ["b", "c"], cache=cache)
    letters.encoded.clear()
    np.testing.assert_array_equal(encode_once(letters, ["b", "c"], cache=cache), vectors)
    assert letters.encoded == []


def test_another_programs_database_is_set_aside_whole(cache):
    cache.folder.mkdir()
    sql(cache, "create table addresses (name text)")
    sql(cache, "insert into addresses values ('Ada')")
    with pytest.warns(UserWarning, match="another program's database"):
        put(cache, [1])
    assert known(cache, [1]) == [1]
    aside = sqlite3.connect(cache.folder / "vectors-1.broken")
    assert aside.execute("select name from addresses").fetchall() == [("Ada",)]
    aside.close()


def test_a_folder_that_cannot_be_made_costs_one_warning_and_no_vector(letters, tmp_path):
    (tmp_path / "file").write_text("in the way")
    cache = VectorCache(tmp_path / "file" / "cache")
    with pytest.warns(UserWarning, match=r"cannot be written: .*Vectors are computed and not kept") as caught:
        vectors = encode_once(letters, ["a", "b"], cache=cache)
    assert len(caught) == 1
    np.testing.assert_array_equal(vectors, type(letters)().encode(["a", "b"]))
    with pytest.raises(CacheError, match=r"set ANYSHOT_CACHE to a folder that can be written.*cache=False"):
        put(cache, [1])


def test_a_file_that_cannot_be_read_costs_one_warning_and_no_vector(letters, cache, monkeypatch):
    encode_once(letters, ["a"], cache=cache)
    monkeypatch.setattr(cache_module, "LOCK_PATIENCE", 0.01)
    holder = sqlite3.connect(cache.file, isolation_level=None)
    holder.execute("begin exclusive")
    with pytest.warns(UserWarning, match="cannot be read: database is locked") as caught:
        vectors = encode_once(letters, ["a", "b"], cache=cache)
    holder.close()
    assert len(caught) == 1
    assert vectors.shape == (2, 26)


def test_a_locked_file_is_read_without_noting_its_use(cache):
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
from anyshot.store.disk_cache import VectorCache, encode_once

class Encoder:
    modality, width, digest = "text", 1000, "wide"
    def encode(self, inputs):
        return np.eye(1, 1000, dtype=np.float32).repeat(len(inputs), axis=0)

cache = VectorCache(sys.argv[1])
encode_once(Encoder(), ["kept"], cache=cache)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    vectors = encode_once(Encoder(), [f"text {row}" for row in range(5000)], cache=cache)
print(vectors.shape, int(vectors.sum()), len(caught), cache.size()[0])
print(caught[0].message)
"""


@pytest.mark.skipif(os.name == "nt", reason="limits a file's size")
def test_a_full_disk_costs_one_warning_and_no_vector(tmp_path):
    run = python(FULL_DISK, tmp_path)
    output, errors = run.communicate()
    assert run.returncode == 0, errors
    counts, warning = output.splitlines()
    assert counts == "(5000, 1000) 5000 1 1"
    assert "cannot be written" in warning
    assert "Free some room" in warning


WRITER = """
import sys
import numpy as np
from anyshot.store.disk_cache import VectorCache, sha256

folder, start, stop, step = sys.argv[1], *map(int, sys.argv[2:])
cache = VectorCache(folder)
for first in range(start, stop, step):
    numbers = range(first, first + step)
    vectors = [np.random.default_rng(number).normal(size=5) for number in numbers]
    cache.put_many([sha256(str(number).encode()).digest() for number in numbers], np.array(vectors, dtype=np.float32))
    print(first + step, flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="sends SIGKILL")
def test_after_a_kill_every_slice_is_there_wholly_or_not_at_all(cache):
    writer = python(WRITER, cache.folder, 0, 10**6, 100)
    for _ in range(5):
        written = int(writer.stdout.readline())
    os.kill(writer.pid, signal.SIGKILL)  # in the middle of some later slice
    written = max([written, *map(int, writer.communicate()[0].split())])
    found = known(cache, range(written + 300))
    assert found in (list(range(written)), list(range(written + 100)))
    put(cache, range(written + 300))
    assert known(cache, range(written + 300)) == list(range(written + 300))
    assert sql(cache, "pragma integrity_check") == [("ok",)]


def test_two_processes_write_at_once_and_nothing_is_lost(cache):
    writers = [python(WRITER, cache.folder, start, stop, 50) for start, stop in ((0, 600), (400, 1000))]
    failures = [writer.communicate()[1] for writer in writers]
    assert failures == ["", ""]
    assert known(cache, range(1000)) == list(range(1000))
    assert cache.size()[0] == 1000
    assert sql(cache, "pragma integrity_check") == [("ok",)]
