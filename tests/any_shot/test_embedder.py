"""Where items and classes meet: vectors, texts, images with texts beside them, images with a classifier."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anyshot.any_shot.embedder import Space, encoder_for
from anyshot.base.protocols import LinearClassifier
from anyshot.base.validation import unit
from anyshot.errors import BadItemError, MixedInputError
from anyshot.store.disk_cache import VectorCache
from anyshot.zero_shot.class_embeddings import TEXT_TEMPLATES, describe


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
    return Space(letters, cache=None)


def test_vectors_are_scaled_to_length_one_and_a_row_of_zeros_stays():
    space = Space("vectors", cache=None)
    placed = space.place([[3.0, 4.0], [0.0, 0.0]])
    np.testing.assert_allclose(placed, [[0.6, 0.8], [0.0, 0.0]], atol=1e-7)
    assert placed.dtype == np.float32
    assert (space.encoder, space.name, space.digest) == (None, "vectors", None)
    assert space.place_classes(describe(["a", "b"])) is None
    assert not space.is_bridged
    assert not space.places_texts


def test_vectors_with_a_hole_are_named_by_their_row():
    with pytest.raises(BadItemError, match="NaN or infinity in row 1"):
        Space("vectors", cache=None).place(np.array([[1.0, 0.0], [np.nan, 1.0]]))


def test_a_list_without_items_has_no_vector(words, letters):
    assert words.place([]).shape == (0, 26)
    assert Space("vectors", cache=None).place([]).shape == (0, 1)
    assert letters.encoded == []


def test_a_text_encoder_places_items_and_classes_by_templates(words, letters):
    np.testing.assert_array_equal(words.place(["zoo", "tea"]), letters.encode(["zoo", "tea"]))
    texts = describe({"zoo": "lions", "tea": None})
    name = {
        word: unit(letters.encode([t.replace("{}", word) for t in TEXT_TEMPLATES]).mean(axis=0)[None])
        for word in texts.names
    }
    expected = unit(np.concatenate([(name["zoo"] + letters.encode(["lions"])) / 2, name["tea"]]))
    np.testing.assert_allclose(words.place_classes(texts), expected, atol=1e-6)
    assert words.places_texts
    assert not words.is_bridged
    assert (words.name, words.digest) == ("LetterEncoder", "letters-1")


def test_vectors_are_kept_where_a_cache_is_given(letters, tmp_path):
    space = Space(letters, cache=VectorCache(tmp_path))
    first = space.place(["zoo"])
    letters.encoded.clear()
    np.testing.assert_array_equal(space.place(["zoo"]), first)
    assert letters.encoded == []


def test_an_encoder_with_texts_among_its_images_places_classes_by_them():
    space = Space(NamedColors(), cache=None)
    placed = space.place_classes(describe(["rrrr", "bbbb"]))
    np.testing.assert_array_equal(space.place([RED, BLUE]), [[1, 0, 0], [0, 0, 1]])
    assert (space.place([RED, BLUE]) @ placed.T).argmax(axis=1).tolist() == [0, 1]
    np.testing.assert_allclose(np.linalg.norm(placed, axis=1), 1, atol=1e-6)
    assert space.places_texts
    assert not space.is_bridged
    assert space.digest is None
    np.testing.assert_array_equal(space.place_texts(["r"]), NamedColors().encode_texts(["r"]))


def test_an_encoder_of_images_alone_understands_no_name():
    space = Space(Colors(), cache=None)
    assert space.place_classes(describe(["red", "blue"])) is None
    assert not space.places_texts
    assert not space.is_bridged
    with pytest.raises(MixedInputError, match="The encoder Colors places no texts"):
        space.place_texts(["red"])


def test_names_come_over_the_bridge_to_the_nearest_known_class_the_longer_the_better_known(one_cache):
    space = Space(KnownColors(), cache=VectorCache(one_cache))
    placed = space.place_classes(describe(["sea", "strawberries", "tax return"]))
    assert placed.dtype == np.float32
    assert placed.argmax(axis=1)[:2].tolist() == [2, 0]
    length = np.linalg.norm(placed, axis=1)
    assert length[0] > 3 * length[2]
    assert length[1] > 3 * length[2]
    assert space.is_bridged
    assert not space.places_texts
    ((nearest, share), *_), _ = space.rests_on(describe(["sea", "strawberries"]))
    assert (nearest, share > 0.3) == ("ocean", True)


def test_texts_among_the_images_go_before_the_bridge():
    space = Space(KnownAndNamedColors(), cache=None)
    assert not space.is_bridged
    assert space.places_texts
    np.testing.assert_array_equal(
        space.place_classes(describe(["rrr", "bbb"])),
        Space(NamedColors(), cache=None).place_classes(describe(["rrr", "bbb"])),
    )


def test_items_of_another_kind_are_refused(words):
    with pytest.raises(MixedInputError, match="The encoder LetterEncoder takes texts; the items are images"):
        words.place([RED])
    with pytest.raises(MixedInputError, match="The encoder LetterEncoder takes texts; the items are vectors"):
        words.place(np.eye(3))
    with pytest.raises(MixedInputError, match="The encoder Colors takes images; the items are vectors"):
        Space(Colors(), cache=None).place(np.eye(3))
    with pytest.raises(MixedInputError):
        words.place(["a text", RED])


def test_the_encoder_is_loaded_only_when_it_is_needed():
    space = Space("no such encoder", cache=None)
    assert space.name == "no such encoder"
    assert "encoder" not in vars(space)


@pytest.mark.parametrize(
    ("items", "name"),
    [
        (["a text"], "minilm"),
        ([RED], "efficientnet-lite0"),
        ([Path("a.png")], "efficientnet-lite0"),
        (np.eye(2), "vectors"),
    ],
)
def test_each_kind_of_items_has_its_encoder(items, name):
    assert encoder_for(items) == name
