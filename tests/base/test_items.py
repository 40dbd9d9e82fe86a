from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from anyshot.base.items import (
    UNKNOWN,
    by_position,
    check_indexes,
    check_texts,
    class_table,
    classes_in,
    decision_scores,
    from_indexes,
    is_missing,
    item_names,
    items_and_labels,
    label_list,
    modality_of,
    row_of,
    to_indexes,
)
from anyshot.errors import (
    BadItemError,
    DuplicateClassError,
    InputError,
    MixedInputError,
    NotEnoughClassesError,
    UnknownClassError,
)

ABC = class_table(["billing", "delivery", "login"])


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
def test_the_modality_of_items_is_recognized(items, modality):
    assert modality_of(items) == modality


def test_the_path_of_an_existing_image_is_an_image(tmp_path):
    path = tmp_path / "cat.PNG"
    Image.new("L", (2, 2)).save(path)
    assert modality_of([str(path)]) == "image"
    assert modality_of([path]) == "image"


@pytest.mark.parametrize("one", ["a text", b"bytes", Path("cat.png")])
def test_a_single_item_is_refused(one):
    with pytest.raises(InputError, match=r"A list of items is needed; got one \w+\. Write \[item\]"):
        modality_of(one)


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ({"tea": ["a"]}, r"got a dict\. Only fit and evaluate accept \{label: items\}"),
        ((text for text in "ab"), r"got a generator, which has no length\. Write list\(\.\.\.\)"),
        (Image.new("L", (2, 2)), r"got one Image\. Write \[item\]"),
    ],
)
def test_anything_but_a_list_is_refused(items, words):
    with pytest.raises(InputError, match=words):
        modality_of(items)


def test_an_empty_list_is_refused():
    with pytest.raises(InputError, match="There are no items: the list is empty"):
        modality_of([])


def test_mixed_kinds_are_counted():
    with pytest.raises(MixedInputError, match=r"found 2 texts, 1 images, 1 of type NoneType\. Make one call"):
        modality_of(["a", Image.new("L", (2, 2)), "b", None])


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([None], "found NoneType None"),
        ([1, 2], "found int 1"),
        ([["a", "b"]], r"found list \['a', 'b'\]"),
        ([[]], r"found list \[\]"),
        ([b"x" * 99], r"found bytes b'x{55}\.{4}$"),
        ([np.zeros((2, 2))], "found ndarray"),
    ],
)
def test_unsupported_items_are_refused_and_shown(items, words):
    with pytest.raises(MixedInputError, match=words):
        modality_of(items)


@pytest.mark.parametrize("array", [np.zeros((2, 3), int), np.zeros(3), np.zeros((2, 3), np.uint8), np.zeros((2, 3, 3))])
def test_arrays_that_are_neither_images_nor_vectors_are_refused(array):
    with pytest.raises(MixedInputError, match=f"An array of {array.dtype} with shape .* is neither vectors"):
        modality_of(array)


def test_texts_are_returned_as_python_strings():
    texts = check_texts(np.array(["one", "zwölf", "🙂"]))
    assert texts == ["one", "zwölf", "🙂"]
    assert {type(text) for text in texts} == {str}


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (" \n", r"The text in row 1 is empty\. Remove it"),
        (3, r"Row 1 is not a text but int 3\. Pass strings"),
        ("half \ud83d", r"The text in row 1 contains an unpaired surrogate, 'half \\ud83d': .* UTF-8"),
    ],
)
def test_an_unusable_text_is_named_by_its_row(bad, words):
    with pytest.raises(BadItemError, match=words):
        check_texts(["good", bad])


def test_a_shuffled_column_is_indexed_by_position_and_a_table_of_numbers_is_an_array():
    column = pd.Series(["a", "b", "c"], index=[2, 0, 1])
    assert by_position(column) == ["a", "b", "c"]
    table = pd.DataFrame({"x": [0.5, 1.5], "y": [2.0, 3.0]})
    assert np.array_equal(by_position(table), [[0.5, 2.0], [1.5, 3.0]])
    assert modality_of(table) == "vectors"
    assert item_names(table) == ["ndarray 0", "ndarray 1"]
    texts = ["a"]
    assert by_position(texts) is texts


def test_one_color_image_is_not_mistaken_for_many_gray_ones():
    with pytest.raises(MixedInputError, match=r"one color image.*Write \[image\]"):
        modality_of(np.zeros((300, 260, 3), np.uint8))


@pytest.mark.parametrize("names", [["b", "a"], [3, 1], [2.5, 0.5], [True, False]])
def test_the_class_table_keeps_names_order_and_type(names):
    table = class_table(names)
    assert table.tolist() == names
    assert table.dtype == np.array(names).dtype


def test_a_class_table_of_mixed_types_keeps_each():
    assert class_table(["a", 1]).tolist() == ["a", 1]
    assert class_table(np.array([1, 2])).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("names", "error", "words"),
    [
        ([], NotEnoughClassesError, "At least two classes are needed; got none"),
        (["a"], NotEnoughClassesError, "got only 'a'"),
        (["a", "b", "a"], DuplicateClassError, "Class 'a' is named 2 times"),
        (["a", " "], DuplicateClassError, "Class 1 has an empty name"),
        ([None, "a"], DuplicateClassError, "Class 0 has an empty name"),
        (["a", "b\0"], InputError, "Class 1, .*, has a NUL character in its name"),
    ],
)
def test_unusable_classes_are_refused(names, error, words):
    with pytest.raises(error, match=words):
        class_table(names)


@pytest.mark.parametrize("none", [None, float("nan"), np.float64("nan")])
def test_a_missing_label_has_index_minus_one(none):
    assert to_indexes(["login", none, "billing"], ABC, n_items=3).tolist() == [2, -1, 0]
    assert classes_in(["b", none, "a", "b"]) == ["a", "b"]


def test_labels_may_be_a_pandas_column():
    assert to_indexes(pd.Series(["login", None, "billing"]), ABC, n_items=3).tolist() == [2, -1, 0]


def test_classes_in_labels_are_numbers_first_then_names():
    assert classes_in(["b", 10, "a", 9, 2.5, None]) == [2.5, 9, 10, "a", "b"]


def test_indexes_are_turned_back_into_labels():
    labels = ["login", "billing", "login"]
    assert from_indexes(to_indexes(labels, ABC, n_items=3), ABC).tolist() == labels


def test_minus_one_becomes_unknown_untruncated_even_if_names_are_short():
    answers = from_indexes(np.array([0, -1]), class_table(["a", "b"]))
    assert answers.tolist() == ["a", UNKNOWN]
    assert from_indexes(np.array([1, -1]), class_table([3, 4])).tolist() == [4, UNKNOWN]


def test_the_error_for_an_unknown_label_suggests_the_closest_name():
    with pytest.raises(UnknownClassError, match=r"Label 'bilings' is not among the 3 .* Did you mean 'billing'\?"):
        to_indexes(["bilings"], ABC, n_items=1)
    with pytest.raises(UnknownClassError, match=r"Label 7 is not among .* Correct it, name it among the classes"):
        to_indexes([7], ABC, n_items=1)


def test_labels_may_be_a_table_of_one_column():
    assert label_list(pd.DataFrame({"label": ["a", None]})) == ["a", None]
    assert label_list(np.array([["a"], ["b"]])) == ["a", "b"]


@pytest.mark.parametrize("name", [b"a", ["a"], pd.NaT, np.ones(2)], ids=repr)
def test_classes_that_are_neither_names_nor_numbers_are_refused(name):
    with pytest.raises(InputError, match=rf"Class 1 is a {type(name).__name__}, .* Classes are names or numbers"):
        class_table(["b", name])


def test_nan_is_not_a_class_name():
    with pytest.raises(DuplicateClassError, match="Class 1 has an empty name"):
        class_table(["a", float("nan")])


def test_the_error_lists_the_first_eight_classes():
    with pytest.raises(UnknownClassError, match=r"the 9 classes \(0, 1, 2, 3, 4, 5, 6, 7, \.\.\.\)"):
        to_indexes([50], class_table(range(9)), n_items=1)


def test_row_of_finds_a_class_by_name():
    assert row_of("delivery", ABC) == 1
    with pytest.raises(UnknownClassError, match="Did you mean 'login'"):
        row_of("logon", ABC)


def test_a_wrong_number_of_labels_is_refused():
    with pytest.raises(InputError, match=r"There are 2 items and 1 labels\. Give one label per item, None for"):
        to_indexes(["login"], ABC, n_items=2)


@pytest.mark.parametrize("several", [["a", "b"], ("a",), {"a"}, np.array(["a"])])
def test_several_labels_for_one_item_are_refused(several):
    with pytest.raises(InputError, match=r"Row 1 has a \w+ of labels, .* one label per item"):
        to_indexes(["login", several], ABC, n_items=2)


@pytest.mark.parametrize("label", [date(2026, 11, 21), b"a"])
def test_labels_that_are_neither_names_nor_numbers_are_refused(label):
    with pytest.raises(InputError, match=r"Row 1 has a label of type (date|bytes), .* pass str\(label\)"):
        to_indexes(["login", label], ABC, n_items=2)


@pytest.mark.parametrize("none", [None, float("nan"), pd.NA, pd.NaT, np.float64("nan")], ids=repr)
def test_none_and_nan_like_values_are_missing_labels(none):
    assert is_missing(none)
    assert to_indexes(pd.Series(["b", none, "a"], dtype=object), class_table(["a", "b"]), n_items=3).tolist() == [
        1,
        -1,
        0,
    ]


@pytest.mark.parametrize("label", ["", 0, False, "nan", np.int64(0)], ids=repr)
def test_falsy_values_are_labels(label):
    assert not is_missing(label)


def test_decision_scores_are_one_difference_for_two_classes_and_all_scores_for_more():
    two, three = np.array([[0.5, 2.0], [3.0, 1.0]]), np.eye(3)
    np.testing.assert_array_equal(decision_scores(two), [1.5, -2.0])
    assert decision_scores(three) is three


def test_indexes_are_rows_or_minus_one():
    index = check_indexes([0, -1, 2], n_items=3, n_classes=3)
    assert index.dtype == np.intp
    assert index.tolist() == [0, -1, 2]
    assert check_indexes([], n_items=0, n_classes=3).shape == (0,)


@pytest.mark.parametrize(
    ("y", "error", "words"),
    [
        ([0, 1], InputError, r"one label for each of the 3 items; its shape is \(2,\)"),
        ([[0], [1], [2]], InputError, r"its shape is \(3, 1\)"),
        ([0.0, 1.0, 2.0], InputError, "integers, rows of the class table; its dtype is float64"),
        ([0, 3, 1], UnknownClassError, "y contains class 3; there are 3 classes, 0 to 2"),
        ([0, -2, 1], UnknownClassError, "y contains class -2"),
    ],
)
def test_invalid_indexes_are_refused(y, error, words):
    with pytest.raises(error, match=words):
        check_indexes(y, n_items=3, n_classes=3)


def test_items_and_labels_come_as_two_lists_or_as_a_mapping():
    assert items_and_labels(["a", "b"], [1, 2]) == (["a", "b"], [1, 2])
    assert items_and_labels({"x": ["a", "b"], "y": ["c"]}, None) == (["a", "b", "c"], ["x", "x", "y"])
    assert items_and_labels(None, None) == ([], [])


@pytest.mark.parametrize(
    ("X", "y", "words"),
    [
        ({"x": ["a"]}, ["x"], "The keys of the mapping are the labels; leave y out"),
        ({"x": "a"}, None, "A list of the items of 'x' is needed; got one str"),
        (None, ["x"], "Labels were given without items"),
        (["a"], None, "1 items were given without labels"),
        (["a"], "x", "A list of labels is needed; got one str"),
        (["a"], ["x", "y"], "There are 1 items and 2 labels"),
    ],
)
def test_items_and_labels_that_do_not_match_are_refused(X, y, words):
    with pytest.raises(InputError, match=words):
        items_and_labels(X, y)
