import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy.sparse import csr_array, dok_array

from anyshot.base.labeled_items import items_and_labels
from anyshot.errors import InputError


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
