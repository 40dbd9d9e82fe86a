from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest

from anyshot.base.number_columns import column_std, target_numbers, weight_numbers
from anyshot.errors import InputError


def test_targets_are_floats_whatever_holds_them():
    expected = [1.5, np.nan, 2.0]
    for y in (
        [1.5, None, Decimal(2)],
        pd.array([1.5, None, 2], "Float64"),
        ["1.5", None, "2"],
        pd.Series([1.5, pd.NA, 2]),
    ):
        np.testing.assert_array_equal(target_numbers(y), expected)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        ([1.0, pd.Timestamp("2020-01-01")], "y holds a Timestamp in row 1, '2020-01-01 00:00:00'; numbers are needed"),
        ([1.0, "1.234,5"], "y holds '1.234,5' in row 1, which is not a number. It has a decimal comma"),
        ([1.0, [2.0]], "y must hold one number for each row; row 1 holds a list"),
        ([1.0, np.inf, -np.inf], "y contains infinity in rows 1, 2"),
    ],
)
def test_targets_that_are_no_numbers_are_named(y, words):
    with pytest.raises(InputError, match=words):
        target_numbers(y)


def test_the_spread_of_columns_of_any_size():
    rows = np.random.default_rng(0).normal(size=(50, 2))
    for scale in (1e-300, 1, 1e300):
        np.testing.assert_allclose(column_std(rows * scale), rows.std(axis=0) * scale)
    np.testing.assert_allclose(column_std(rows + 1e9), rows.std(axis=0), rtol=1e-5)
    np.testing.assert_array_equal(column_std(np.full((50, 2), [0.1, 0])), 0)
    twice = column_std(rows, np.repeat([2.0, 0.0], 25))
    np.testing.assert_allclose(twice, rows[:25].std(axis=0))


def test_several_columns_of_targets_and_numbers_without_a_square_are_refused():
    with pytest.raises(InputError, match=r"y must hold one number for each row; the shape is \(3, 2\).*MultitaskModel"):
        target_numbers(pd.DataFrame({"a": [1, 2, 3], "b": [1, 2, 3]}))
    with pytest.raises(InputError, match=r"y contains 1e\+200 in row 1; numbers up to"):
        target_numbers([1.0, -1e200])


def test_weights_are_one_column_and_no_iterator():
    assert weight_numbers(np.array([[1.0], [2.0]])).tolist() == [1.0, 2.0]
    assert weight_numbers(pd.DataFrame({"w": [1, 2]})).tolist() == [1.0, 2.0]
    with pytest.raises(InputError, match=r"got a list_iterator, which can be read only once\. Write list"):
        weight_numbers(iter([1.0]))
    with pytest.raises(InputError, match=r"A LazyFrame holds no rows yet\. Write table\.collect"):
        weight_numbers(pl.LazyFrame({"w": [1.0]}))
