"""What users pass to a regressor: rows that count, labels as numbers, widths, the penalty and named columns."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from anyshot.errors import InputError, NotEnoughLabelsError, WidthError
from anyshot.tasks.regression_inputs import (
    check_widths,
    checked_alpha,
    counted,
    named_columns,
    number_labels,
    repeated_rows,
)

X = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])


def test_rows_of_weight_zero_do_not_count():
    rows, labels, weights = counted(X, [1, 2, 3], [1, 0, 2.5])
    assert (rows.tolist(), labels.tolist(), weights.tolist()) == ([[1, 2], [5, 6]], [1, 3], [1, 2.5])
    assert repeated_rows(rows, weights).tolist() == [[1, 2], [5, 6], [5, 6], [5, 6]]


def test_weights_need_rows_and_one_above_zero():
    with pytest.raises(InputError, match="sample_weight is for the rows of X, but there is no X"):
        counted(None, None, [1.0])
    with pytest.raises(NotEnoughLabelsError, match="All 3 weights are zero"):
        counted(X, [1, 2, 3], [0, 0, 0])


def test_a_part_of_another_width_is_named():
    check_widths(2, X=X, unlabeled=X[:1])
    with pytest.raises(WidthError, match="The rows of unlabeled have 1 features; the first ones have 2"):
        check_widths(2, X=X, unlabeled=X[:, :1])


@pytest.mark.parametrize(("alpha", "expected"), [("evidence", None), (2, 2.0)])
def test_the_penalty_is_a_number_or_found(alpha, expected):
    assert checked_alpha(alpha) == expected


@pytest.mark.parametrize("alpha", [0, -1.0, np.inf, np.nan, True, "ridge", None])
def test_another_penalty_is_refused(alpha):
    with pytest.raises(InputError, match="alpha must be 'evidence' or a number above 0; got"):
        checked_alpha(alpha)


def test_labels_are_numbers_one_for_each_row():
    assert number_labels(["1", "2.5"], n_rows=2, needed=True).tolist() == [1, 2.5]
    assert number_labels(None, n_rows=2, needed=False).shape == (0,)
    with pytest.raises(InputError, match="requires y to be passed, but the target y is None"):
        number_labels(None, n_rows=2, needed=True)
    with pytest.raises(InputError):
        number_labels([1, 2, 3], n_rows=2, needed=True)
    with pytest.raises(InputError, match="A LazyFrame holds no rows yet"):
        number_labels(pl.LazyFrame({"y": [1, 2]}), n_rows=2, needed=True)
    with pytest.raises(InputError, match=r"A list of numbers is needed; got a dict. Write list\(values.values\(\)\)"):
        number_labels({"a": 1, "b": 2}, n_rows=2, needed=True)


def test_an_array_takes_the_columns_of_the_table_in_fit():
    frame = named_columns(X, ["a", "b"])
    assert (frame.columns.tolist(), frame["b"].tolist()) == (["a", "b"], [2, 4, 6])
    given = pd.DataFrame({"c": [1]})
    assert named_columns(given, ["a", "b"]) is given
    with pytest.raises(InputError, match="give one with the columns a, b"):
        named_columns(X[:, :1], ["a", "b"])
