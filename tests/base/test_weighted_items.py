import numpy as np
import pandas as pd
import pytest

from anyshot.base.weighted_items import MAX_WEIGHT, counted_rows, weighted_items
from anyshot.errors import InputError

ITEMS, LABELS = ["a", "b", "c"], ["x", "y", "x"]


def test_an_item_is_there_as_often_as_it_counts():
    items, labels, weights = weighted_items(ITEMS, LABELS, [2.5, 0, 1])
    assert (list(items), labels) == (["a", "a", "a", "c"], ["x", "x", "x", "x"])
    np.testing.assert_allclose(weights, [2.5 / 3] * 3 + [1])


def test_rows_of_weight_zero_do_not_count():
    assert [part.tolist() for part in counted_rows(ITEMS, [2.5, 0, 1], 3)] == [[0, 2], [2.5, 1.0]]
    assert [part.tolist() for part in counted_rows(ITEMS, None, 3)] == [[0, 1, 2], [1.0, 1.0, 1.0]]


@pytest.mark.parametrize("weights", [{"x": 2.0, "y": 1.0}, "balanced"])
def test_weights_by_class_are_refused_with_the_remedy(weights):
    with pytest.raises(InputError, match=r"one for each item; got .*\[weights\[label\] for label in y\]"):
        weighted_items(ITEMS, LABELS, weights)


@pytest.mark.parametrize("bad", [-1, np.nan, MAX_WEIGHT, None])
def test_a_weight_out_of_range_is_named_by_its_row(bad):
    with pytest.raises(InputError, match="in row 1"):
        weighted_items(ITEMS, LABELS, np.array([1, bad, 1], dtype=object))


def test_weights_in_another_order_are_named():
    items = pd.Series(ITEMS, index=[7, 8, 9])
    with pytest.warns(UserWarning, match=r"X and sample_weight name the same rows in another order.*weight\.loc"):
        weighted_items(items, LABELS, pd.Series([1.0, 2.0, 3.0], index=[9, 8, 7]))
