"""Each distinct item is encoded once, and vectors have unit length."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anyshot.errors import BadItemError, EncoderError, InputError
from anyshot.store import encoding
from anyshot.store.disk_cache import VectorCache
from anyshot.store.encoding import EncodingCounts, encode_once, encode_texts_once


class ColorEncoder:
    """An image encoder that returns the mean color, and that also encodes texts."""

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
    """A text encoder that returns a fixed array."""

    modality = "text"
    width = 2
    digest = "faulty"

    def __init__(self, returned: np.ndarray) -> None:
        self.returned = returned

    def encode(self, inputs: Sequence[str]) -> np.ndarray:
        return self.returned


# --- contract -------------------------------------------------------------------------------------------------------


def test_each_distinct_text_is_encoded_once_and_vectors_are_in_the_order_of_the_texts(letters, cache):
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
    assert cache.size().vectors == 3


def test_duplicates_are_encoded_once_without_a_cache(letters):
    vectors = encode_once(letters, ["a", "b", "a"], cache=None)
    assert letters.encoded == ["a", "b"]
    np.testing.assert_array_equal(vectors[0], vectors[2])


def test_vectors_of_an_encoder_without_a_digest_are_not_stored(letters, cache):
    for digest in (None, ""):
        letters.digest = digest
        encode_once(letters, ["a"], cache=cache)
    assert letters.encoded == ["a", "a"]
    assert cache.size() == (0, 0, 0)


def test_another_digest_has_other_vectors(letters, cache):
    encode_once(letters, ["a"], cache=cache)
    letters.digest = "letters-2"
    encode_once(letters, ["a"], cache=cache)
    assert letters.encoded == ["a", "a"]


def test_an_empty_list_has_no_vectors(letters, cache):
    assert encode_once(letters, [], cache=cache).shape == (0, 26)
    assert encode_once(ColorEncoder(), [], cache=None).shape == (0, 3)


def test_texts_in_any_script_are_distinguished(letters, cache):
    texts = ["é", "e\u0301", "日本", "🙂", "🙃"]
    encode_once(letters, texts, cache=cache)
    assert letters.encoded == texts
    encode_once(letters, texts, cache=cache)
    assert letters.encoded == texts


def test_equal_arrays_and_pil_images_share_a_vector_and_files_are_compared_by_their_bytes(tmp_path, cache):
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


def test_a_changed_file_is_encoded_again(tmp_path, cache):
    encoder, path = ColorEncoder(), tmp_path / "image.png"
    for color in ("red", "blue"):
        Image.new("RGB", (4, 4), color).save(path)
        vectors = encode_once(encoder, [path], cache=cache)
    np.testing.assert_allclose(vectors, [[0, 0, 1]])


def test_texts_for_an_image_encoder_have_separate_keys(letters, cache):
    encoder = ColorEncoder()
    encoder.digest, encoder.width = letters.digest, letters.width  # all equal but the kind of input
    encode_once(letters, ["abc"], cache=cache)
    encoder.width = 3
    vectors = encode_texts_once(encoder, ["abc", "abc"], cache=cache)
    np.testing.assert_array_equal(vectors, [[1, 0, 0]] * 2)
    encode_texts_once(encoder, ["abc"], cache=cache)
    assert encoder.texts == ["abc"]
    assert cache.size().vectors == 2


# --- counts ----------------------------------------------------------------------------------------------------------


def test_counts_of_a_first_and_a_second_call(letters, cache):
    first, second = EncodingCounts(), EncodingCounts()
    encode_once(letters, ["a", "bb", "a"], cache=cache, counts=first)
    encode_once(letters, ["bb", "ccc"], cache=cache, counts=second)
    assert first == EncodingCounts(requested=3, duplicates=1, cached=0, encoded=2, calls=1)
    assert second == EncodingCounts(requested=2, duplicates=0, cached=1, encoded=1, calls=1)


def test_counts_are_added_and_subtracted(letters):
    counts = EncodingCounts(requested=4, duplicates=2, encoded=2, calls=2)
    encode_once(letters, ["a", "a"], cache=None, counts=counts)
    assert counts == EncodingCounts(requested=6, duplicates=3, cached=0, encoded=3, calls=3)
    assert counts - EncodingCounts(requested=4, duplicates=2, encoded=2, calls=2) == EncodingCounts(2, 1, 0, 1, 1)


def test_the_calls_of_the_encoder_are_counted(letters, monkeypatch):
    monkeypatch.setattr(encoding, "SLICE", 3)
    counts = EncodingCounts()
    encode_once(letters, ["a", "b", "c", "d"], cache=None, counts=counts)
    encode_texts_once(ColorEncoder(), ["a"], cache=None, counts=counts)
    assert (counts.encoded, counts.calls) == (5, 3)


# --- what encoders return -------------------------------------------------------------------------------------------


def test_vectors_are_scaled_to_unit_length(cache):
    raw = np.array([[30.0, 40.0], [0.0, 0.0], [-1e-3, 0.0], [0.0, 1e20]], dtype=np.float32)
    vectors = encode_once(FaultyEncoder(raw), ["a", "b", "c", "d"], cache=cache)
    np.testing.assert_allclose(vectors, [[0.6, 0.8], [0, 0], [-1, 0], [0, 1]], rtol=1e-6)
    np.testing.assert_array_equal(encode_once(FaultyEncoder(raw), ["a", "b", "c", "d"], cache=cache), vectors)
    texts = encode_texts_once(ColorEncoder(), ["four"], cache=None)
    np.testing.assert_array_equal(texts, [[1, 0, 0]])


def test_vectors_of_unit_length_are_not_changed():
    angles = np.random.default_rng(0).uniform(0, 7, size=1000)
    unit_vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    raw = np.concatenate([unit_vectors, [[3, 4]]]).astype(np.float32)  # one that is not
    texts = [str(row) for row in range(1001)]
    vectors = encode_once(FaultyEncoder(raw), texts, cache=None)
    assert vectors[:1000].tobytes() == unit_vectors.tobytes()
    np.testing.assert_allclose(vectors[1000], [0.6, 0.8], rtol=1e-6)


@pytest.mark.parametrize("returned", [np.zeros((2, 3)), np.zeros((1, 2)), np.zeros(2)])
def test_vectors_of_the_wrong_shape_raise_an_error(returned):
    with pytest.raises(EncoderError, match=r"FaultyEncoder returned .* shape .* for 2 items; it must return \(2, 2\)"):
        encode_once(FaultyEncoder(returned), ["a", "b"], cache=None)


def test_vectors_that_are_not_finite_raise_an_error_with_the_row_and_are_not_stored(cache):
    faulty = FaultyEncoder(np.array([[1.0, 0.0], [np.nan, 0.0]]))
    with pytest.raises(EncoderError, match="returned NaN or infinity for row 2"):
        encode_once(faulty, ["a", "a", "b"], cache=cache)
    assert cache.size() == (0, 0, 0)


def test_an_unusable_item_is_named_by_its_row_in_all_items(tmp_path, cache, letters):
    with pytest.raises(BadItemError, match="The text in row 1 is empty"):
        encode_once(letters, ["a", " "], cache=cache)
    good = np.zeros((4, 4, 3), dtype=np.uint8)
    Image.new("RGB", (4, 4)).save(tmp_path / "cut.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:40])
    with pytest.raises(BadItemError, match=r"cut\.png in row 2"):
        encode_once(CutIntolerant(), [good, good, tmp_path / "cut.png"], cache=cache)


class CutIntolerant(ColorEncoder):
    """Counts rows from the first item that it receives, as all encoders do."""

    def encode(self, inputs: Sequence[object]) -> np.ndarray:
        for row, item in enumerate(inputs):
            if isinstance(item, Path):
                raise BadItemError(f"{item} in row {row} cannot be read.")
        return super().encode(inputs)


def test_an_interrupted_run_resumes_after_the_last_complete_slice(letters, cache, monkeypatch):
    monkeypatch.setattr(encoding, "SLICE", 3)
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


def test_an_encoder_and_a_cache_are_no_names(letters):
    with pytest.raises(EncoderError, match=r"the name 'minilm'. Pass load_encoder\('minilm'\)"):
        encode_once("minilm", ["a"], cache=None)
    with pytest.raises(InputError, match=r"cache must be a VectorCache or None; got 'vectors'"):
        encode_once(letters, ["a"], cache="vectors")
