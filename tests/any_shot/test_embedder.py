"""The embedder of vectors, texts, images with texts, and images with a classifier."""

import pickle

import numpy as np
import pytest
from PIL import Image

from anyshot.any_shot.embedder import Embedder
from anyshot.any_shot.training_set import without_items
from anyshot.base.class_words import Words
from anyshot.base.protocols import LinearClassifier
from anyshot.base.validation import unit
from anyshot.errors import BadItemError, MixedInputError, ModelFolderError
from anyshot.store.disk_cache import VectorCache
from anyshot.zero_shot.class_embeddings import TEXT_TEMPLATES
from anyshot.zero_shot.class_texts import describe


class Colors:
    """An image encoder of 3 numbers: the mean of red, green and blue."""

    modality = "image"
    width = 3

    def encode(self, inputs):
        return unit(np.array([np.asarray(image, dtype=np.float32).mean(axis=(0, 1)) for image in inputs]))


class NamedColors(Colors):
    """The same, with texts among its vectors: how often each of the letters r, g and b occurs."""

    def encode_texts(self, texts):
        return unit(np.array([[text.count(letter) for letter in "rgb"] for text in texts], dtype=np.float32) + 1e-3)


class KnownColors(Colors):
    """The same, with a classifier of four classes it was trained on."""

    classifier = LinearClassifier(
        np.array([[4, 0, 0], [0, 4, 0], [0, 0, 4], [4, 4, 0]], dtype=np.float32),
        (("strawberry",), ("cucumber", "cuke"), ("ocean", "sea"), ("lemon",)),
    )


class KnownAndNamedColors(KnownColors, NamedColors):
    """The same, with both."""


RED, BLUE = Image.new("RGB", (4, 4), "red"), Image.new("RGB", (4, 4), "blue")


@pytest.fixture
def words(letters):
    return Embedder(letters, cache=None)


def test_vectors_are_scaled_to_length_one_and_a_row_of_zeros_stays():
    embedder = Embedder("vectors", cache=None)
    vectors = embedder.encode([[3.0, 4.0], [0.0, 0.0]])
    np.testing.assert_allclose(vectors, [[0.6, 0.8], [0.0, 0.0]], atol=1e-7)
    assert vectors.dtype == np.float32
    assert (embedder.encoder, embedder.name, embedder.facts()["digest"]) == (None, "vectors", None)
    assert embedder.reader.embed(describe(["a", "b"])).shape == (2, 0)
    assert embedder.reader.bridge is None
    assert embedder.reader.encode is None


def test_vectors_with_nan_are_refused_by_row():
    with pytest.raises(BadItemError, match="NaN or infinity in row 1"):
        Embedder("vectors", cache=None).encode(np.array([[1.0, 0.0], [np.nan, 1.0]]))


def test_an_empty_list_has_no_vectors(words, letters):
    assert words.encode([]).shape == (0, 26)
    assert Embedder("vectors", cache=None).encode([]).shape == (0, 1)
    assert letters.encoded == []


def test_a_text_encoder_embeds_class_names_in_templates(words, letters):
    np.testing.assert_array_equal(words.encode(["zoo", "tea"]), letters.encode(["zoo", "tea"]))
    texts = describe({"zoo": "lions", "tea": None})
    name = {
        word: unit(letters.encode([t.replace("{}", word) for t in TEXT_TEMPLATES]).mean(axis=0)[None])
        for word in texts.names
    }
    expected = unit(np.concatenate([(name["zoo"] + letters.encode(["lions"])) / 2, name["tea"]]))
    np.testing.assert_allclose(words.reader.embed(texts), expected, atol=1e-6)
    assert words.reader.encode is not None
    assert words.reader.bridge is None
    assert (words.name, words.facts()["digest"]) == ("LetterEncoder", "letters-1")


def test_vectors_are_stored_in_the_cache(letters, tmp_path):
    embedder = Embedder(letters, cache=VectorCache(tmp_path))
    first = embedder.encode(["zoo"])
    letters.encoded.clear()
    np.testing.assert_array_equal(embedder.encode(["zoo"]), first)
    assert letters.encoded == []


def test_an_image_encoder_that_reads_texts_embeds_class_names():
    embedder = Embedder(NamedColors(), cache=None)
    vectors = embedder.reader.embed(describe(["rrrr", "bbbb"]))
    np.testing.assert_array_equal(embedder.encode([RED, BLUE]), [[1, 0, 0], [0, 0, 1]])
    assert (embedder.encode([RED, BLUE]) @ vectors.T).argmax(axis=1).tolist() == [0, 1]
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert embedder.reader.encode is not None
    assert embedder.reader.bridge is None
    assert embedder.facts()["digest"] is None
    np.testing.assert_array_equal(embedder.encode_texts(["r"]), NamedColors().encode_texts(["r"]))


def test_an_encoder_of_images_only_cannot_embed_class_names():
    embedder = Embedder(Colors(), cache=None)
    assert embedder.reader.embed(describe(["red", "blue"])).tolist() == [[0, 0, 0], [0, 0, 0]]
    assert embedder.reader.encode is None
    assert embedder.reader.bridge is None
    with pytest.raises(MixedInputError, match="The encoder Colors cannot read texts"):
        embedder.encode_texts(["red"])


def test_the_bridge_embeds_names_near_known_classes_and_longer_if_they_are_close(one_cache):
    embedder = Embedder(KnownColors(), cache=VectorCache(one_cache))
    vectors = embedder.reader.embed(describe(["sea", "strawberries", "tax return"]))
    assert vectors.dtype == np.float32
    assert vectors.argmax(axis=1)[:2].tolist() == [2, 0]
    length = np.linalg.norm(vectors, axis=1)
    assert length[0] > 3 * length[2]
    assert length[1] > 3 * length[2]
    assert embedder.reader.bridge is not None
    assert embedder.reader.encode is None
    ((nearest, share), *_), _ = embedder.reader.bridge.similar_classes(describe(["sea", "strawberries"]))
    assert (nearest, share > 0.3) == ("ocean", True)


def test_reading_texts_is_preferred_to_the_bridge():
    embedder = Embedder(KnownAndNamedColors(), cache=None)
    assert embedder.reader.bridge is None
    assert embedder.reader.encode is not None
    np.testing.assert_array_equal(
        embedder.reader.embed(describe(["rrr", "bbb"])),
        Embedder(NamedColors(), cache=None).reader.embed(describe(["rrr", "bbb"])),
    )


def test_items_of_another_modality_are_refused(words):
    with pytest.raises(MixedInputError, match="The encoder LetterEncoder encodes texts, but the items are images"):
        words.encode([RED])
    with pytest.raises(MixedInputError, match="The encoder LetterEncoder encodes texts, but the items are vectors"):
        words.encode(np.eye(3))
    with pytest.raises(MixedInputError, match="The encoder Colors encodes images, but the items are vectors"):
        Embedder(Colors(), cache=None).encode(np.eye(3))
    with pytest.raises(MixedInputError):
        words.encode(["a text", RED])


def test_the_encoder_is_loaded_on_first_use():
    embedder = Embedder("no such encoder", cache=None)
    assert embedder.name == "no such encoder"
    assert "encoder" not in vars(embedder)


def test_a_saved_text_model_whose_texts_are_in_the_cache_does_not_load_its_encoder(tmp_path):
    cache, texts = VectorCache(tmp_path), ["a parcel", "a refund", "a parcel"]
    fitted = Embedder("minilm", cache=cache)
    vectors = fitted.encode(texts)
    saved = Embedder("minilm", cache=cache, digest=fitted.encoder.digest, text_width=384)
    np.testing.assert_array_equal(saved.encode(texts), vectors)
    assert "encoder" not in vars(saved)
    assert (saved.counts.requested, saved.counts.duplicates, saved.counts.cached) == (3, 1, 2)
    np.testing.assert_array_equal(saved.encode(["a new text", *texts])[1:], vectors)
    assert "encoder" in vars(saved)


def test_items_of_another_kind_are_refused_although_the_encoder_is_not_loaded(tmp_path):
    saved = Embedder("minilm", cache=VectorCache(tmp_path), digest="another", text_width=384)
    with pytest.raises(MixedInputError, match="but the items are images"):
        Embedder("minilm", cache=VectorCache(tmp_path), text_width=384).encode([Image.new("RGB", (8, 8))])
    with pytest.raises(ModelFolderError, match="has other weights"):
        saved.encode(["a text that is not in the cache"])


# --- words ------------------------------------------------------------------------------------------------------------


def test_the_thesaurus_counts_for_texts_only_and_own_words_for_all(letters):
    texts = describe({"spam": None, "ham": Words("ring")})
    assert [own.source for own in Embedder(letters, cache=None, words=True).reader.readings(texts)] == [
        "bundled",
        "own",
    ]
    assert [own.source for own in Embedder(letters, cache=None).reader.readings(texts)] == ["none", "own"]
    assert [own.source for own in Embedder(NamedColors(), cache=None, words=True).reader.readings(texts)] == [
        "none",
        "own",
    ]


def test_similar_names_are_found_with_the_encoder_of_the_bundled_vectors_only(letters):
    texts = describe(["gadgets", "diplomacy"])
    found = Embedder("minilm", cache=None, words=True).reader.readings(texts)
    assert [own.source for own in found] == ["bundled", "similar"]
    assert "war" in found[1].words
    assert [own.source for own in Embedder(letters, cache=None, words=True).reader.readings(texts)] == ["none", "none"]


def test_words_of_image_classes_are_put_into_the_template_of_names():
    seen = []

    class Seen(NamedColors):
        def encode_texts(self, texts):
            seen.extend(texts)
            return super().encode_texts(texts)

    Embedder(Seen(), cache=None).reader.embed(describe({"warm": Words("red"), "cold": None}))
    assert sorted(seen) == ["a photo of a cold", "a photo of a red", "a photo of a warm"]


def test_a_name_that_says_nothing_to_the_encoder_is_left_out_with_words_only(letters):
    classes = describe({"zzz": "aaab", "aaa": "zzzd"})
    none = without_items(classes, np.zeros((2, 0), np.float32))
    assert Embedder(letters, cache=None).with_embeddings(none, []).texts == classes
    found = Embedder(letters, cache=None, words=True).with_embeddings(none, [])
    assert found.texts.texts == (("", "aaab"), ("", "zzzd"))
    np.testing.assert_allclose(found.class_embeddings, letters.encode(["aaab", "zzzd"]), atol=1e-6)


def test_an_embedder_is_pickled_without_what_it_loads_by_name():
    embedder = Embedder("minilm", cache=None)
    before = embedder.encode(["a letter"])
    again = pickle.loads(pickle.dumps(embedder))
    assert "encoder" not in vars(again)
    np.testing.assert_array_equal(again.encode(["a letter"]), before)
