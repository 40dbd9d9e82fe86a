import io
from enum import Enum
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from PIL import Image
from scipy.sparse import csr_array, dok_array

from anyshot.base.items import (
    IMAGE_SUFFIXES,
    by_position,
    check_images,
    check_texts,
    item_names,
    items_and_labels,
    modality_of,
    refuse_files,
)
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
        (np.zeros((2, 3), int), "vectors"),
        (np.zeros((2, 3), bool), "vectors"),
        ([[np.float32(0.5), np.float32(1)]], "vectors"),
        ([np.arange(3), np.arange(3)], "vectors"),
        (pd.DataFrame({"a": [True, False], "b": [0.5, 1.0]}), "vectors"),  # as get_dummies writes them
        (pd.DataFrame({"a": pd.array([1, None], "Int64"), "b": pd.array([1, 2], "double[pyarrow]")}), "vectors"),
        (pd.DataFrame({"vector": [[0.5, 1.0], [1.0, 0.5]]}), "vectors"),
        (pl.DataFrame({"a": [1, 2], "b": [0.5, 1.0]}), "vectors"),
        (pa.table({"a": [1, 2], "b": [0.5, 1.0]}), "vectors"),
        (csr_array(np.eye(3)), "vectors"),
        (pd.DataFrame({"text": ["a", "b"]}), "text"),
        (np.array([["a"], ["b"]]), "text"),
        (pl.Series(["a", "b"]), "text"),
        (pa.chunked_array([["a"], ["b"]]), "text"),
        ([pa.scalar("a"), pa.scalar("b")], "text"),
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
    with pytest.raises(MixedInputError, match=r"1 images, 1 of type dict\. Row 3 has dict \{\}\. Correct"):
        modality_of(["a", Image.new("L", (2, 2)), "b", {}])
    with pytest.raises(MixedInputError, match=r"found 2 texts, 1 images\. Row 1 has .*\. Make one call per kind\.$"):
        modality_of(["a", Image.new("L", (2, 2)), "b"])
    with pytest.raises(MixedInputError, match=r"Row 2 has int 404\. Write numbers as texts, str\(item\)"):
        modality_of(["a", "b", 404])


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([1, 2], "found int 1"),
        ([["a", "b"]], r"found list \['a', 'b'\]"),
        ([[]], r"found list \[\]"),
        ([b"x" * 99], r"found bytes b'x{55}\.{3} in row 0\. Write \[item\.decode\(\) for"),
        ([np.zeros((2, 2))], "found ndarray"),
    ],
)
def test_unsupported_items_are_refused_and_shown(items, words):
    with pytest.raises(MixedInputError, match=words):
        modality_of(items)


@pytest.mark.parametrize("array", [np.zeros(3, int), np.zeros(3), np.zeros((2, 3, 3))])
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


@pytest.mark.parametrize("none", [None, float("nan"), pd.NA, pd.NaT], ids=repr)
def test_missing_items_are_named_by_their_rows(none):
    with pytest.raises(BadItemError, match="The item in rows 1, 3 is missing"):
        modality_of(["a", none, "b", none])
    with pytest.raises(BadItemError, match="The item in row 1 is missing"):
        check_texts(["a", none])


def test_texts_without_a_visible_character_are_empty():
    with pytest.raises(BadItemError, match="The text in rows 1, 2 is empty"):
        check_texts(["a\u200b", "\u200b\ufeff", "\u00a0\u3164"])


@pytest.mark.parametrize("one", ["refund", Path("cat.png"), np.zeros((300, 260, 3), np.uint8), Image.new("L", (2, 2))])
def test_one_item_is_not_taken_for_many(one):
    with pytest.raises(InputError, match=r"Write \[i"):
        check_images(one)
    with pytest.raises(InputError):
        check_texts(one)


def test_a_table_of_texts_with_several_columns_is_refused_by_the_name_of_one():
    table = pd.DataFrame({"id": [1, 2], "text": ["a", "b"]})
    with pytest.raises(InputError, match=r"The table has 2 columns, and 'text' does not hold numbers.*table\['text'\]"):
        check_texts(table)
    with pytest.raises(InputError, match=r"encoder='table'.*joined by table\['subject'\] \+ .* \+ table\['body'\]\."):
        check_texts(pd.DataFrame({"subject": ["a"], "body": ["b"], "n": [1]}))


def test_every_suffix_that_pil_reads_is_an_image_or_known_to_be_none():
    Image.init()
    read = {suffix for suffix, kind in Image.registered_extensions().items() if kind in Image.OPEN}
    no_images = "bufr emf eps flc fli gbr grib h5 hdf iim mpeg mpg ps wmf"
    assert read - {f".{name}" for name in no_images.split(" ")} == IMAGE_SUFFIXES


@pytest.mark.parametrize("name", ["cat.jfif", "cat.jpe", "my cat.jp2", "CAT.AVIF"])
def test_a_path_with_any_suffix_of_images_is_an_image(tmp_path, name):
    path = tmp_path / name
    path.touch()
    assert modality_of([str(path)]) == "image"


def test_a_file_that_is_no_image_is_refused_and_not_read_as_a_text(tmp_path):
    path = tmp_path / "notes.txt"
    path.touch()
    with pytest.raises(BadItemError, match=r"notes\.txt' is a file, but not an image"):
        refuse_files([str(path)])
    refuse_files([str(path), "a text"])


def test_one_color_image_is_not_mistaken_for_many_gray_ones():
    with pytest.raises(MixedInputError, match=r"one color image.*Write \[image\]"):
        modality_of(np.zeros((300, 260, 3), np.uint8))


@pytest.mark.torch
def test_vectors_and_labels_may_be_tensors():
    import torch

    assert modality_of(torch.zeros(2, 3)) == modality_of([torch.zeros(3), torch.zeros(3)]) == "vectors"


def test_rows_of_a_database_and_lazy_tables_are_refused_with_the_remedy():
    with pytest.raises(
        MixedInputError, match=r"found tuple \('refund',\) in row 0\. Write \[row\[0\] for row in rows\]"
    ):
        modality_of([("refund",), ("late",)])
    with pytest.raises(InputError, match=r"table\.collect\(\)"):
        modality_of(pl.LazyFrame({"a": [1.0]}))


@pytest.mark.parametrize(
    ("item", "remedy"),
    [
        ({"text": "a", "label": "x"}, r"\[item\['text'\] for item in items\]"),
        ({"bytes": b"\xff", "path": None}, r'PIL\.Image\.open\(io\.BytesIO\(item\["bytes"\]\)\)'),
        ({"height": 1.0}, r"pandas\.DataFrame\(items\)"),
        (np.array([(1, 2)], dtype=[("a", "i4"), ("b", "i4")])[0], r"pandas\.DataFrame\(items\)"),
        (b"\xff\xd8", r"PIL\.Image\.open\(io\.BytesIO\(item\)\)"),
        (bytearray(b"refund"), r"item\.decode\(\)"),
        (io.BytesIO(b"a"), r"PIL\.Image\.open\(item\)"),
        (("title", "body"), r'"\\n"\.join\(item\).*y, batches'),
    ],
)
def test_an_object_that_holds_an_item_is_refused_with_the_remedy(item, remedy):
    with pytest.raises(MixedInputError, match=rf"found \w+ .* in row 0\. Write .*{remedy}"):
        modality_of([item])


def test_a_masked_item_of_a_list_is_missing():
    with pytest.raises(BadItemError, match="row 1 is missing"):
        modality_of(["a", np.ma.masked])


def test_a_folder_and_an_image_written_as_text_are_no_texts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    with pytest.raises(BadItemError, match="is a folder"):
        refuse_files([str(tmp_path)])
    with pytest.raises(BadItemError, match=r"'data:image/png;base64,.* is an image written as text"):
        refuse_files(["data:image/png;base64,iVBORw0KGgo="])
    refuse_files(["data"])  # a word


def test_a_text_of_a_subclass_is_its_characters():
    shown = type("Shown", (str,), {"__str__": lambda self: "shown"})
    assert check_texts([shown("a")]) == ["a"]


def test_items_and_labels_may_be_columns_of_any_library():
    table = pl.DataFrame({"text": ["a", "b"], "label": ["x", None]})
    assert items_and_labels(table["text"], table["label"])[1] == ["x", None]
    assert items_and_labels({"x": pa.array(["a"]), "y": pd.Series(["b"])}, None) == (["a", "b"], ["x", "y"])


def test_items_and_labels_come_as_two_lists_or_as_a_mapping():
    assert items_and_labels(["a", "b"], [1, 2]) == (["a", "b"], [1, 2])
    assert items_and_labels({"x": ["a", "b"], "y": ["c"]}, None) == (["a", "b", "c"], ["x", "x", "y"])
    assert items_and_labels(None, None) == ([], [])


@pytest.mark.parametrize(
    ("X", "y", "words"),
    [
        (
            {"x": ["a"]},
            ["x"],
            r"keys of the mapping are the labels; leave y out. If .* columns of a table, pass pandas\.DataFrame\(X\)",
        ),
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


def test_the_columns_of_a_table_are_no_lists_of_items():
    table = {"text": ["a", "b", "c"], "Label": ["x", "y", "x"]}
    with pytest.raises(InputError, match=r"columns 'text' and 'Label' of a table.*data\['text'\] as X"):
        items_and_labels(table, None)
    for classes in ({"text": ["a", "b"], "label": ["c", "d"]}, {"question": ["a"], "topic": ["b", "b"]}):
        assert items_and_labels(classes, None)[1]  # names of classes


def test_a_sparse_matrix_that_is_a_mapping_is_a_table_of_items():
    X, y = items_and_labels(dok_array(np.eye(2)), ["a", "b"])
    assert (X.shape, y) == ((2, 2), ["a", "b"])


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_tables_by_class_become_one_table_whose_columns_are_paired_by_name(make):
    tall, short = make({"height": [2.0], "city": ["Rome"]}), make({"city": ["Oslo"], "height": [1.0]})
    X, y = items_and_labels({"tall": tall, "short": short, "none": []}, None)
    assert y == ["tall", "short"]
    assert X["height"].to_list() == [2.0, 1.0]
    assert X["city"].to_list() == ["Rome", "Oslo"]


@pytest.mark.parametrize("other", [pd.DataFrame({"height": [1.0], "town": ["Oslo"]}), [[1.0, "Oslo"]]])
def test_tables_by_class_with_other_columns_are_refused(other):
    tall = pd.DataFrame({"height": [2.0], "city": ["Rome"]})
    with pytest.raises(InputError, match="items of 'short' are no table with the columns height, city, as those of"):
        items_and_labels({"tall": tall, "short": other}, None)


@pytest.mark.torch
def test_labels_may_be_a_tensor():
    import torch

    assert items_and_labels(csr_array(np.eye(2)), torch.tensor([3, 4]))[1] == [3, 4]


def test_a_label_of_a_subclass_of_text_is_its_characters():
    shown = type("Shown", (str,), {"__str__": lambda self: "shown"})
    assert items_and_labels(["a"], [shown("b")])[1] == ["b"]


def test_tables_of_pyarrow_are_joined_by_the_names_of_their_columns():
    first, second = pa.table({"a": [1], "b": ["x"]}), pa.record_batch({"b": ["y"], "a": [0.5]})
    joined, labels = items_and_labels({"x": first, "y": second}, None)
    assert (joined.to_pylist(), labels) == ([{"a": 1, "b": "x"}, {"a": 0.5, "b": "y"}], ["x", "y"])
    with pytest.raises(InputError, match="a table of the same library with the same columns"):
        items_and_labels({"x": first, "y": second.to_pandas()}, None)


class Word(str, Enum):  # noqa: UP042 - its str() is "Word.GOAL"
    GOAL = "goal"


def test_a_shuffled_column_is_indexed_by_position_and_a_table_of_numbers_is_an_array():
    column = pd.Series(["a", "b", "c"], index=[2, 0, 1])
    assert by_position(column) == ["a", "b", "c"]
    table = pd.DataFrame({"x": [0.5, 1.5], "y": [2.0, 3.0]})
    assert np.array_equal(by_position(table), [[0.5, 2.0], [1.5, 3.0]])
    assert modality_of(table) == "vectors"
    assert item_names(table) == ["row 0", "row 1"]
    assert item_names([Word.GOAL, "team"]) == ["goal", "team"]  # as they are encoded
    texts = ["a"]
    assert by_position(texts) is texts
