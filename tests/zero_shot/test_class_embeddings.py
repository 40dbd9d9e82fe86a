"""Class knowledge: names and descriptions become texts, and texts become class vectors."""

import numpy as np
import pytest

from anyshot.base.validation import unit
from anyshot.errors import ClassesError, InputError
from anyshot.zero_shot.class_embeddings import ClassTexts, as_words, best_text, class_vectors, describe, near_duplicates


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Refund_not_showing_up", "Refund not showing up"),
        ("late-parcel", "late parcel"),
        ("topUpFailed", "top up failed"),
        ("TopUpFailed", "Top up failed"),
        ("HTTPServerError", "HTTP server error"),
        ("callAPI", "call API"),
        ("API_error", "API error"),
        ("Sci/Tech", "Sci / Tech"),
        ("24/7", "24/7"),
        ("iPhone", "iPhone"),
        ("PayPal refund", "PayPal refund"),
        ("PayPal_refund", "PayPal refund"),
        ("a man-eating shark", "a man-eating shark"),
        ("straßenÜbergang", "straßen übergang"),
        ("billing", "billing"),
        ("  two   spaces ", "two spaces"),
        ("USA", "USA"),
        ("___", "___"),
    ],
)
def test_a_name_reads_as_words(name, words):
    assert as_words(name) == words


def test_the_words_of_words_are_the_same_words():
    for name in ("Refund_not_showing_up", "topUpFailed", "APIError", "Sci/Tech", "iPhone"):
        assert as_words(as_words(name)) == as_words(name)


def test_names_alone_stand_for_themselves():
    assert describe(["top_up", "refund"]) == ClassTexts(("top_up", "refund"), (("top up",), ("refund",)))


def test_descriptions_follow_the_name_and_empty_ones_say_nothing():
    said = {"a": "one", "b": ["x", "", "  ", "x", "y"], "c": None, "d": "", "e": [], "f": ("f",)}
    assert describe(said).texts == (("a", "one"), ("b", "x", "y"), ("c",), ("d",), ("e",), ("f",))


def test_classes_may_be_numbers():
    assert describe([3, 4]) == ClassTexts((3, 4), (("3",), ("4",)))


def test_one_string_is_no_list_of_classes():
    with pytest.raises(ClassesError, match=r"one string was given: 'billing'. Write \['billing'\]"):
        describe("billing")


@pytest.mark.parametrize("given", [5, ["text", 5], {"text"}])
def test_a_description_that_is_no_text_is_named(given):
    with pytest.raises(ClassesError, match="Class 'billing' is described by"):
        describe({"billing": given, "login": None})


def test_a_class_vector_is_the_mean_of_name_and_descriptions():
    space = {"a": [1.0, 0.0, 0.0], "x": [0.0, 2.0, 0.0], "y": [0.0, 0.0, 3.0], "b": [0.0, 0.0, 1.0]}
    found = class_vectors(
        describe({"a": ["x", "y"], "b": None}), lambda texts: np.array([space[text] for text in texts]), templates="{}"
    )
    np.testing.assert_allclose(found, [[3**-0.5, 3**-0.5, 3**-0.5], [0, 0, 1]], atol=1e-6)


def test_all_templates_of_a_name_together_weigh_as_much_as_one_description():
    space = {"a": [1.0, 0.0, 0.0], "a!": [0.0, 1.0, 0.0], "x": [0.0, 0.0, 1.0]}
    found = class_vectors(
        describe({"a": "x"}), lambda texts: np.array([space[text] for text in texts]), templates=("{}", "{}!")
    )
    np.testing.assert_allclose(found, [[0.5, 0.5, 0.5**0.5]], atol=1e-6)


def test_a_name_alone_counts_as_often_as_it_has_words_up_to_three():
    space = {
        **{"a": [1.0, 0.0], "a b": [1.0, 0.0], "a b c d": [1.0, 0.0]},
        **{"a!": [0.0, 1.0], "a b!": [0.0, 1.0], "a b c d!": [0.0, 1.0]},
    }
    found = class_vectors(
        describe(["a", "a b", "a b c d"]),
        lambda texts: np.array([space[text] for text in texts]),
        templates=("{}", "{}!"),
    )
    np.testing.assert_allclose(found[:, 0] / found[:, 1], [1, 2, 3], atol=1e-6)


def test_a_number_says_nothing_of_its_class(letters):
    found = class_vectors(describe({0: None, 7: "login", "42": ["", "?"], "login": None}), letters.encode)
    np.testing.assert_allclose(found[1], letters.encode(["login"])[0], atol=1e-6)
    np.testing.assert_array_equal(found.any(axis=1), [False, True, False, True])
    assert class_vectors(describe([0, 1]), letters.encode).tolist() == np.zeros((2, 26)).tolist()
    assert not class_vectors(ClassTexts(("given", "by vectors"), ((), ())), letters.encode).any()


def test_class_vectors_are_of_unit_length_and_one_a_class(letters):
    found = class_vectors(describe({"billing": ["invoice", "charge"], "login": None}), letters.encode)
    assert found.shape == (2, 26)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)


def test_the_order_of_classes_and_descriptions_does_not_matter(letters):
    one = class_vectors(describe({"billing": ["invoice", "charge"], "login": "sign in"}), letters.encode)
    other = class_vectors(describe({"login": "sign in", "billing": ["charge", "invoice"]}), letters.encode)
    np.testing.assert_allclose(one, other[::-1], atol=1e-6)


def test_each_distinct_text_is_embedded_once_in_one_call():
    calls = []

    def embed(texts):
        calls.append(list(texts))
        return np.ones((len(texts), 2), dtype=np.float32)

    class_vectors(describe({"a": "same", "b": "same", "same": None}), embed, templates=("{}", "{}!"))
    assert len(calls) == 1
    assert sorted(calls[0]) == ["a", "a!", "b", "b!", "same", "same!"]


def test_a_name_with_braces_is_left_alone():
    seen = []

    def embed(texts):
        seen.extend(texts)
        return np.ones((len(texts), 2), dtype=np.float32)

    class_vectors(describe(["{x}", "b"]), embed, templates="about {}")
    assert seen == ["about {x}", "about b"]


@pytest.mark.parametrize(("templates", "given"), [("a photo", "'a photo' has none"), ((), "no template was given")])
def test_a_template_without_a_place_is_refused(letters, templates, given):
    with pytest.raises(InputError, match=given):
        class_vectors(describe(["a", "b"]), letters.encode, templates=templates)


def test_no_class_is_refused(letters):
    with pytest.raises(ClassesError, match="no class to describe"):
        class_vectors(describe([]), letters.encode)


def test_an_embedding_of_another_length_is_refused():
    with pytest.raises(InputError, match="was given 2 texts and returned 1 vectors"):
        class_vectors(describe(["a", "b"]), lambda texts: np.ones((1, 3), dtype=np.float32), templates="{}")


def test_the_best_text_is_the_nearest_of_its_own_class():
    space = {"a": [1.0, 0.0], "x": [0.0, 1.0], "b": [0.6, 0.8]}
    texts = describe({"a": "x", "b": None})
    items = np.array([[1, 0.1], [0.1, 1], [0.6, 0.8], [0, 1]], dtype=np.float32)
    found = best_text(items, np.array([0, 0, 0, 1]), texts, lambda asked: np.array([space[text] for text in asked]))
    assert found == ["a", "x", "x", "b"]


def test_a_class_of_which_no_text_tells_anything_matched_none(letters):
    items = letters.encode(["cat", "dog"])
    assert best_text(items, np.array([0, 1]), describe({"1": None, "dog": None}), letters.encode) == [None, "dog"]
    assert best_text(items, np.array([0, 0]), ClassTexts(("a",), ((),)), letters.encode) == [None, None]


def test_near_duplicates_are_named_closest_first():
    table = unit(np.array([[1, 0], [1, 0.1], [0, 1], [1, 0]], dtype=np.float32))
    found = near_duplicates(table, ["a", "b", "c", "d"], threshold=0.95)
    assert [pair[:2] for pair in found] == [("a", "d"), ("a", "b"), ("b", "d")]
    assert found[0][2] == pytest.approx(1.0)
    assert near_duplicates(table, ["a", "b", "c", "d"], threshold=1.01) == []


def test_of_many_near_duplicates_the_closest_few_are_listed():
    found = near_duplicates(np.ones((1100, 1), np.float32), list(range(1100)), n=2)
    assert found == [(0, 1, 1.0), (0, 2, 1.0)]


def test_near_duplicates_agree_across_blocks():
    table = unit(np.random.default_rng(0).normal(size=(1100, 2)).astype(np.float32))
    found = near_duplicates(table, list(range(1100)), threshold=0.9999999, n=10_000)
    wanted = np.argwhere(np.triu(table @ table.T >= 0.9999999, k=1))
    assert {pair[:2] for pair in found} == {(int(row), int(column)) for row, column in wanted}
