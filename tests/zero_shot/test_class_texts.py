"""Texts of classes from names, descriptions and words, names as words, and class vectors in their place."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch

from anyshot.base.class_words import Words
from anyshot.data.attributes import ClassAttributes
from anyshot.errors import BadItemError, ClassesError, InputError, UnknownClassError
from anyshot.zero_shot.class_texts import (
    ClassTexts,
    describe,
    described_by_vectors,
    is_vector,
    of_first_call,
    read_classes,
)


def test_words_stand_alone_or_beside_descriptions():
    good, free = Words("good great"), Words("prize free")
    texts = describe({"a": good, "b": ["one", free, "two"], "c": None, "d": ("three",), 7: [Words(drop="x")]})
    assert texts.words == (good, free, None, None, Words(drop="x"))
    assert texts.texts == (("a",), ("b", "one", "two"), ("c",), ("d", "three"), ("7",))
    assert describe(["a", "b"]).words == (None, None) == ClassTexts(("a", "b"), ((), ())).words
    assert describe([]) == ClassTexts((), ())
    assert texts.descriptions == [["a", good], ["b", "one", "two", free], ["c"], ["d", "three"], ["7", Words(drop="x")]]
    assert describe(dict(zip(texts.names, texts.descriptions, strict=True))) == texts


def test_classes_are_chosen_and_joined_with_their_words():
    texts = describe({"a": Words("good"), "b": "one", "c": None})
    assert texts.of([2, 0]) == describe({"c": None, "a": Words("good")})
    assert texts.of([]) == describe([])
    assert texts.of([0]).joined(texts.of([1, 2])) == texts


def test_a_class_has_words_once():
    with pytest.raises(ClassesError, match=r"'a' has Words twice: Words\('good'\) and Words\('fun'\). Join them"):
        describe({"a": [Words("good"), Words("fun")]})


def test_words_do_not_go_with_class_vectors():
    with pytest.raises(ClassesError, match=r"'a' is given by a vector and 'b' by Words\('good'\)"):
        read_classes({"a": [1.0, 2.0], "b": Words("good")}, [], allow_unknown=False)


def test_the_name_is_the_only_text_without_descriptions():
    assert describe(["top_up", "refund"]) == ClassTexts(("top_up", "refund"), (("top up",), ("refund",)))


def test_descriptions_follow_the_name_and_empty_ones_are_left_out():
    classes = {"a": "one", "b": ["x", "", "  ", "x", "y"], "c": None, "d": "", "e": [], "f": ("f",)}
    assert describe(classes).texts == (("a", "one"), ("b", "x", "y"), ("c",), ("d",), ("e",), ("f",))


def test_classes_may_be_numbers():
    assert describe([3, 4]) == ClassTexts((3, 4), (("3",), ("4",)))


def test_one_string_instead_of_a_list_raises_an_error():
    with pytest.raises(ClassesError, match=r"got the string 'billing'. Write \['billing'\]"):
        describe("billing")


@pytest.mark.parametrize("value", [5, ["text", 5], {"text"}])
def test_a_description_that_is_not_a_text_raises_an_error(value):
    with pytest.raises(ClassesError, match="The description of class 'billing' is of type"):
        describe({"billing": value, "login": None})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((np.zeros(2), True), (np.zeros(2, int), True), ([0.5, 1], True), ([], False)),
        *((["late"], False), ("late", False), (np.array(["a"]), False)),
    ],
)
def test_a_description_of_numbers_is_a_vector(value, expected):
    assert is_vector(value) is expected


def test_classes_are_read_from_names_labels_descriptions_or_vectors():
    texts, none = read_classes(None, ["b", None, "a"], allow_unknown=False)
    assert (texts.names, none.shape) == (("a", "b"), (2, 0))
    texts, _ = read_classes({"a": "it hums", "b": None}, [], allow_unknown=False)
    assert texts.texts == (("a", "it hums"), ("b",))
    texts, given = read_classes({"a": [1.0, 2.0], "b": None}, [], allow_unknown=False)
    assert texts.texts == ((), ())
    assert given.tolist() == [[1, 2], [0, 0]]


def test_a_class_may_be_named_unknown_only_if_no_item_is_predicted_so():
    assert read_classes(["unknown", "a"], [], allow_unknown=False)[0].names == ("a", "unknown")
    with pytest.raises(ClassesError, match="A class is named 'unknown'"):
        read_classes(["unknown", "a"], [], allow_unknown=True)


def test_half_of_a_character_in_a_description_names_the_class():
    with pytest.raises(ClassesError, match="description of class 'refund' has an unpaired surrogate"):
        describe({"refund": "money \ud83d", "other": None})


def test_a_series_with_names_as_index_and_a_table_are_no_list_of_classes():
    described = pd.Series({"billing": "charges", "delivery": "parcels"})
    with pytest.raises(ClassesError, match=r"classes\.to_dict"):
        read_classes(described, [], allow_unknown=False)
    assert read_classes(pd.Series(["b", "a"]), [], allow_unknown=False)[0].names == ("a", "b")
    for table in (pd.DataFrame({"x": [1.0], "y": [2.0]}), pd.DataFrame({"x": ["b"], "y": ["text"]}, index=["b"])):
        with pytest.raises(InputError, match="the table has 2: x, y"):
            read_classes(table, [], allow_unknown=False)


def test_class_vectors_with_their_names_are_passed_as_a_dict():
    classes = pd.DataFrame({"hoof": [1.0, 0.0], "fur": [0.5, 2.0]}, index=["zebra", "bear"])
    with pytest.raises(ClassesError, match=r"pass dict\(classes\.iterrows\(\)\)"):
        read_classes(classes, [], allow_unknown=False)
    attributes = ClassAttributes(tuple(classes.index), classes.to_numpy(), tuple(classes.columns))
    with pytest.raises(ClassesError, match=r"Write dict\(zip\(classes\.names, classes\.vectors\)\)"):
        read_classes(attributes, [], allow_unknown=False)
    for given in (dict(classes.iterrows()), dict(zip(attributes.names, attributes.vectors, strict=True))):
        texts, table = read_classes(given, [], allow_unknown=False)
        assert texts.names == ("bear", "zebra")
        np.testing.assert_array_equal(table, [[0, 2], [1, 0.5]])


@pytest.mark.parametrize(
    ("vector", "error", "words"),
    [
        ([0.0, 0.0], ClassesError, "class 'b' contains only zeros"),
        ([np.nan, 1.0], BadItemError, "'b' contains NaN"),
    ],
)
def test_a_class_vector_that_says_nothing_is_named_by_its_class(vector, error, words):
    with pytest.raises(error, match=words):
        read_classes({"b": vector, "a": [1.0, 0.0]}, [], allow_unknown=False)


def test_classes_that_can_be_read_only_once_are_refused():
    with pytest.raises(ClassesError, match=r"a generator, which can be read only once\. Write list"):
        read_classes((name for name in "ab"), [], allow_unknown=False)


def test_classes_of_a_first_call_are_among_those_of_the_classifier():
    assert of_first_call(None, ["b", "a"]) == ["b", "a"]
    assert of_first_call(["a", "b"], ["b"]) == ["a", "b"]
    assert of_first_call(["a", "b"], [0, 1]) == ["a", "b"]  # as scikit-learn encodes labels
    with pytest.raises(UnknownClassError, match="no class 'c'"):
        of_first_call(["a", "b"], ["a", "c"])


def test_columns_of_texts_describe_a_class_as_a_list_does():
    texts = ["money back", "paid twice"]
    for column in (pd.Series(texts, index=[5, 5]), np.array(texts), pa.array(texts), pl.Series(texts)):
        assert describe({"refund": column}) == describe({"refund": texts})
    with pytest.raises(ClassesError, match="of type set") as caught:
        describe({"refund": {f"text {n}" for n in range(99)}})
    assert len(str(caught.value)) < 200


def test_columns_of_numbers_are_class_vectors():
    row = np.array([1.0, 0.5], dtype=np.float32)
    for vector in (pd.Series(row, index=["a", "b"]), pa.array(row), pl.Series(row), tuple(row), torch.tensor(row)):
        np.testing.assert_array_equal(described_by_vectors({"a": vector, "b": -row}), [row, -row])
    assert not is_vector(pd.Series(["a", "b"]))
