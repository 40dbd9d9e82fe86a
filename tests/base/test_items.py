"""Texts, images and vectors are told apart before anything is encoded."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from anyshot.base.items import by_place, check_texts, modality_of, shown
from anyshot.errors import BadItemError, InputError, MixedInputError


@pytest.mark.parametrize(
    ("items", "modality"),
    [
        (["a text", "another"], "text"),
        (np.array(["a text", "another"]), "text"),
        (("a.jpg is what I named it",), "text"),
        (["no_such_file.png"], "text"),
        (["I tried to log in, " * 20 + "see screenshot.png"], "text"),  # longer than a file's name may be
        ([Path("no_such_file.png")], "image"),
        ([Image.new("RGB", (2, 2))], "image"),
        (np.zeros((2, 4, 4), np.uint8), "image"),
        (np.zeros((2, 4, 4, 3), np.uint8), "image"),
        ([np.zeros((4, 4), np.uint8), np.zeros((5, 4, 3), np.uint8)], "image"),
        (np.zeros((2, 3)), "vectors"),
        (np.zeros((2, 3), np.float16), "vectors"),
        ([np.zeros(3), np.zeros(3)], "vectors"),
        ([[0.5, 1], (1, 0)], "vectors"),
    ],
)
def test_the_kind_of_items_is_told(items, modality):
    assert modality_of(items) == modality


def test_a_string_that_names_an_image_that_exists_is_an_image(tmp_path):
    path = tmp_path / "cat.PNG"
    Image.new("L", (2, 2)).save(path)
    assert modality_of([str(path)]) == "image"
    assert modality_of([path]) == "image"


@pytest.mark.parametrize("one", ["a text", b"bytes", Path("cat.png")])
def test_one_item_without_a_list_around_it_is_refused(one):
    with pytest.raises(InputError, match=r"A list of items is needed; one \w+ was given\. Write \[item\]"):
        modality_of(one)


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ({"tea": ["a"]}, r"a dict was given\. Only fit and evaluate read \{label: items\}"),
        ((text for text in "ab"), r"a generator was given, which cannot be counted\. Write list\(\.\.\.\)"),
        (Image.new("L", (2, 2)), r"one Image was given\. Write \[item\]"),
    ],
)
def test_what_is_no_list_is_refused(items, words):
    with pytest.raises(InputError, match=words):
        modality_of(items)


def test_no_items_are_refused():
    with pytest.raises(InputError, match="There are no items: the list is empty"):
        modality_of([])


def test_mixed_kinds_are_counted():
    with pytest.raises(MixedInputError, match=r"seen: 2 texts, 1 images, 1 of type NoneType\. Split them"):
        modality_of(["a", Image.new("L", (2, 2)), "b", None])


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([None], "seen: NoneType None"),
        ([1, 2], "seen: int 1"),
        ([["a", "b"]], r"seen: list \['a', 'b'\]"),
        ([[]], r"seen: list \[\]"),
        ([b"x" * 99], r"seen: bytes b'x{55}\.{4}$"),
        ([np.zeros((2, 2))], "seen: ndarray"),
    ],
)
def test_other_items_are_refused_and_shown(items, words):
    with pytest.raises(MixedInputError, match=words):
        modality_of(items)


@pytest.mark.parametrize("array", [np.zeros((2, 3), int), np.zeros(3), np.zeros((2, 3), np.uint8), np.zeros((2, 3, 3))])
def test_arrays_that_are_neither_images_nor_vectors_are_refused(array):
    with pytest.raises(MixedInputError, match=f"An array of {array.dtype} with shape .* is neither vectors"):
        modality_of(array)


def test_texts_come_back_as_plain_strings():
    texts = check_texts(np.array(["one", "zwölf", "🙂"]))
    assert texts == ["one", "zwölf", "🙂"]
    assert {type(text) for text in texts} == {str}


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (" \n", r"The text in row 1 is empty\. Drop it"),
        (3, r"Row 1 is no text but int 3\. Give strings"),
        ("half \ud83d", r"The text in row 1 holds half a character, 'half \\ud83d': .* UTF-8"),
    ],
)
def test_a_text_that_cannot_be_used_is_named_by_its_row(bad, words):
    with pytest.raises(BadItemError, match=words):
        check_texts(["good", bad])


def test_a_shuffled_column_is_taken_by_place_and_a_table_of_numbers_is_an_array():
    column = pd.Series(["a", "b", "c"], index=[2, 0, 1])
    assert by_place(column) == ["a", "b", "c"]
    table = pd.DataFrame({"x": [0.5, 1.5], "y": [2.0, 3.0]})
    assert np.array_equal(by_place(table), [[0.5, 2.0], [1.5, 3.0]])
    assert modality_of(table) == "vectors"
    assert shown(table) == ["ndarray 0", "ndarray 1"]
    given = ["a"]
    assert by_place(given) is given


def test_one_color_image_is_not_taken_for_many_gray_ones():
    with pytest.raises(MixedInputError, match=r"one color image.*Write \[image\]"):
        modality_of(np.zeros((300, 260, 3), np.uint8))
