"""Class embeddings from names, descriptions and words, the nearest texts, and classes that are nearly the same."""

import numpy as np
import pytest

from anyshot.base.class_words import Words
from anyshot.base.validation import unit
from anyshot.errors import ClassesError, InputError
from anyshot.zero_shot.class_embeddings import (
    LEAST_SPREAD,
    embed_classes,
    near_duplicates,
    nearest_text,
    nearest_texts,
    scale_by_spread,
    without_codes,
)
from anyshot.zero_shot.class_texts import ClassTexts, Reading, describe


def test_a_class_embedding_is_the_mean_of_name_and_descriptions():
    vectors = {"a": [1.0, 0.0, 0.0], "x": [0.0, 2.0, 0.0], "y": [0.0, 0.0, 3.0], "b": [0.0, 0.0, 1.0]}
    found = embed_classes(
        describe({"a": ["x", "y"], "b": None}),
        lambda texts: np.array([vectors[text] for text in texts]),
        templates="{}",
    )
    np.testing.assert_allclose(found, [[3**-0.5, 3**-0.5, 3**-0.5], [0, 0, 1]], atol=1e-6)


def test_the_templates_together_weigh_as_much_as_one_description():
    vectors = {"a": [1.0, 0.0, 0.0], "a!": [0.0, 1.0, 0.0], "x": [0.0, 0.0, 1.0]}
    found = embed_classes(
        describe({"a": "x"}), lambda texts: np.array([vectors[text] for text in texts]), templates=("{}", "{}!")
    )
    np.testing.assert_allclose(found, [[0.5, 0.5, 0.5**0.5]], atol=1e-6)


def test_the_bare_name_counts_as_often_as_it_has_words_up_to_three_times():
    vectors = {
        **{"a": [1.0, 0.0], "a b": [1.0, 0.0], "a b c d": [1.0, 0.0]},
        **{"a!": [0.0, 1.0], "a b!": [0.0, 1.0], "a b c d!": [0.0, 1.0]},
    }
    found = embed_classes(
        describe(["a", "a b", "a b c d"]),
        lambda texts: np.array([vectors[text] for text in texts]),
        templates=("{}", "{}!"),
    )
    np.testing.assert_allclose(found[:, 0] / found[:, 1], [1, 2, 3], atol=1e-6)


def test_words_count_like_two_descriptions_bare_and_in_a_sentence():
    vectors = {"a": [1.0, 0.0, 0.0, 0.0], "x": [0.0, 1.0, 0.0, 0.0], "y": [0.0, 1.0, 0.0, 0.0]}
    vectors |= {"It was x.": [0.0, 0.0, 1.0, 0.0], "It was y.": [0.0, 0.0, 0.0, 1.0]}

    def embed(texts):
        return np.array([vectors[text] for text in texts])

    texts = describe({"a": Words("x y")})
    bare, sentence = 3**-0.5, 6**-0.5
    np.testing.assert_allclose(
        embed_classes(texts, embed, templates="{}"), [[bare, bare, sentence, sentence]], atol=1e-6
    )
    found = embed_classes(texts, embed, templates="{}", word_templates="{}")
    np.testing.assert_allclose(found, [[0.5**0.5, 0.5**0.5, 0, 0]], atol=1e-6)
    alone = embed_classes(texts, embed, templates="{}", read_by=[Reading(("x",), "any")])
    np.testing.assert_allclose(alone, [[0, 1, 0, 0]], atol=1e-6)


def test_what_vectors_say_of_words_is_left_out_for_a_class_without_words(letters):
    texts = describe({"refund": "money back", "delivery": Words("parcel, courier")})
    whole, found = (embed_classes(texts, letters.encode, word_width=width) for width in (0, 2))
    np.testing.assert_allclose(found[:1], unit(np.append(whole[:1, :-2], [[0, 0]], axis=1)), atol=1e-6)
    np.testing.assert_array_equal(found[1], whole[1])


def test_words_of_similar_names_count_as_much_as_the_name():
    vectors = {"cat": [1, 0, 0], "fur": [0, 1, 0], "It was fur.": [0, 0, 1]}
    for source, expected in (("bundled", [1, 1, 1]), ("similar", [np.sqrt(2), 1, 1])):
        found = embed_classes(
            describe(["cat"]),
            lambda texts: np.array([vectors[text] for text in texts], dtype=np.float32),
            templates="{}",
            word_templates=("{}", "It was {}."),
            read_by=[Reading(("fur",), source)],
        )
        np.testing.assert_allclose(found, unit(np.array([expected], dtype=np.float32)), atol=1e-6)


def test_a_name_nearer_to_another_description_than_to_its_own_is_left_out():
    vectors = {"acq": [0.0, 1.0], "earn": [0.1, 1.0], "mergers": [1.0, 0.0], "profits": [0.0, 1.0], "b": [1.0, 0.0]}

    def embed(texts):
        return unit(np.array([vectors[text] for text in texts], dtype=np.float32))

    texts = describe({"acq": ["mergers", Words("stake")], "earn": "profits", "b": None})
    found = without_codes(texts, embed, templates="{}")
    assert found.texts == (("", "mergers"), ("earn", "profits"), ("b",))
    assert (found.names, found.words) == (texts.names, texts.words)
    assert found.descriptions == [["mergers", Words("stake")], ["earn", "profits"], ["b"]]
    all_described = without_codes(describe({"acq": "mergers", "earn": "profits"}), embed, templates="{}")
    assert all_described.texts == (("", "mergers"), ("", "profits"))
    one = describe({"acq": "mergers", "earn": None})
    assert without_codes(one, embed, templates="{}") == one


def test_a_name_that_abbreviates_its_description_is_left_out_with_all_names_of_described_classes(letters):
    texts = describe({"acq": "acquisitions", "crude": "crude oil"})
    assert without_codes(texts, letters.encode).texts == (("", "acquisitions"), ("", "crude oil"))
    words = describe({"trade": "trade", "crude": "crude oil"})
    assert without_codes(words, letters.encode) == words


def test_a_number_is_not_embedded(letters):
    found = embed_classes(describe({0: None, 7: "login", "42": ["", "?"], "login": None}), letters.encode)
    np.testing.assert_allclose(found[1], letters.encode(["login"])[0], atol=1e-6)
    np.testing.assert_array_equal(found.any(axis=1), [False, True, False, True])
    assert embed_classes(describe([0, 1]), letters.encode).tolist() == np.zeros((2, 26)).tolist()
    assert not embed_classes(ClassTexts(("given", "by vectors"), ((), ())), letters.encode).any()


def test_there_is_one_embedding_of_unit_length_for_each_class(letters):
    found = embed_classes(describe({"billing": ["invoice", "charge"], "login": None}), letters.encode)
    assert found.shape == (2, 26)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)


def test_the_order_of_classes_and_descriptions_has_no_effect(letters):
    one = embed_classes(describe({"billing": ["invoice", "charge"], "login": "sign in"}), letters.encode)
    other = embed_classes(describe({"login": "sign in", "billing": ["charge", "invoice"]}), letters.encode)
    np.testing.assert_allclose(one, other[::-1], atol=1e-6)


def test_each_distinct_text_is_embedded_once_in_one_call():
    calls = []

    def embed(texts):
        calls.append(list(texts))
        return np.ones((len(texts), 2), dtype=np.float32)

    embed_classes(describe({"a": "same", "b": "same", "same": None}), embed, templates=("{}", "{}!"))
    assert len(calls) == 1
    assert sorted(calls[0]) == ["a", "a!", "b", "b!", "same", "same!"]


def test_a_name_may_contain_braces():
    seen = []

    def embed(texts):
        seen.extend(texts)
        return np.ones((len(texts), 2), dtype=np.float32)

    embed_classes(describe(["{x}", "b"]), embed, templates="about {}")
    assert seen == ["about {x}", "about b"]


@pytest.mark.parametrize(("templates", "problem"), [("a photo", "'a photo' has none"), ((), "there is no template")])
def test_a_template_without_braces_raises_an_error(letters, templates, problem):
    with pytest.raises(InputError, match=problem):
        embed_classes(describe(["a", "b"]), letters.encode, templates=templates)


def test_no_class_raises_an_error(letters):
    with pytest.raises(ClassesError, match="no classes to embed"):
        embed_classes(describe([]), letters.encode)


def test_the_nearest_text_is_one_of_the_class():
    vectors = {"a": [1.0, 0.0], "x": [0.0, 1.0], "b": [0.6, 0.8]}
    texts = describe({"a": "x", "b": None})
    items = np.array([[1, 0.1], [0.1, 1], [0.6, 0.8], [0, 1]], dtype=np.float32)
    found = nearest_text(
        items, np.array([0, 0, 0, 1]), texts, lambda asked: np.array([vectors[text] for text in asked])
    )
    assert found == ["a", "x", "x", "b"]


def test_the_nearest_words_are_sorted():
    vectors = {"x": [1.0, 0.0], "y": [0.8, 0.6], "z": [0.0, 1.0]}
    found = nearest_texts(
        np.eye(2, dtype=np.float32),
        np.array([0, 1]),
        [("z", "y", "x", "7"), ()],
        lambda asked: np.array([vectors[text] for text in asked]),
        n=2,
    )
    assert found == [("x", "y"), ()]


def test_a_class_without_a_text_that_has_letters_has_no_nearest_text(letters):
    items = letters.encode(["cat", "dog"])
    assert nearest_text(items, np.array([0, 1]), describe({"1": None, "dog": None}), letters.encode) == [None, "dog"]
    assert nearest_text(items, np.array([0, 0]), ClassTexts(("a",), ((),)), letters.encode) == [None, None]


def test_near_duplicates_are_sorted_by_cosine():
    table = unit(np.array([[1, 0], [1, 0.1], [0, 1], [1, 0]], dtype=np.float32))
    found = near_duplicates(table, ["a", "b", "c", "d"], threshold=0.95)
    assert [pair[:2] for pair in found] == [("a", "d"), ("a", "b"), ("b", "d")]
    assert found[0][2] == pytest.approx(1.0)
    assert near_duplicates(table, ["a", "b", "c", "d"], threshold=1.01) == []


def test_only_the_most_similar_pairs_are_returned():
    found = near_duplicates(np.ones((1100, 1), np.float32), list(range(1100)), n=2)
    assert found == [(0, 1, 1.0), (0, 2, 1.0)]


def test_near_duplicates_do_not_depend_on_blocks():
    table = unit(np.random.default_rng(0).normal(size=(1100, 2)).astype(np.float32))
    found = near_duplicates(table, list(range(1100)), threshold=0.9999999, n=10_000)
    expected = np.argwhere(np.triu(table @ table.T >= 0.9999999, k=1))
    assert {pair[:2] for pair in found} == {(int(row), int(column)) for row, column in expected}


def test_the_scale_of_scores_by_hand():
    right = np.eye(4, dtype=np.float32)
    assert scale_by_spread(right) == pytest.approx(np.sqrt(3 / 4))
    assert scale_by_spread(np.concatenate([right, np.zeros((3, 4), np.float32)])) == scale_by_spread(right)
    opposite = np.array([[1, 0], [-1, 0]], np.float32)  # a spread of 2
    assert scale_by_spread(opposite) == pytest.approx(np.sqrt(0.5 / np.sqrt(2)))
    equal = np.array([[1, 0], [1, 0]], np.float32)
    assert scale_by_spread(equal) == pytest.approx(np.sqrt(0.5 / np.sqrt(LEAST_SPREAD)))
    assert scale_by_spread(right[:1]) == scale_by_spread(0 * right) == 1
