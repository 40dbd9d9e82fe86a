import warnings

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine

from anyshot.data.column_ranges import Range, warn_of_missing_codes

INCOMES = np.array([18_000.0, 24_000.0, 31_000.0, 52_000.0, 77_000.0] * 10)


def outside(fitted, given, kind="number"):
    own = Range.of(np.asarray(fitted, dtype=float), kind)
    return None if own is None else own.is_outside(np.asarray(given, dtype=float), kind).tolist()


def test_numbers_of_another_unit_are_outside_and_others_are_not():
    assert outside(INCOMES, [7.7, 77_000_00.0, -1e6]) == [True, True, True]
    assert outside(INCOMES, [3_000.0, 300_000.0, 0.0, np.nan]) == [False] * 4
    assert outside(-INCOMES, [-7.7, -20_000.0]) == [True, False]
    assert outside(INCOMES / 1e6, [7.7e-6, 0.02]) == [True, False]


def test_several_numbers_near_zero_are_too_small_where_one_is_not():
    fitted = np.linspace(-10, 10, 50)
    few = [0.0, 0.01, -0.02, 0.03, 0.04]
    assert outside(fitted, few) == [False] * 5
    assert outside(fitted, [*few, np.nan, 0.049]) == [False, True, True, True, True, False, True]
    assert outside(fitted, [*few, 0.06]) == [False] * 6  # a hundredth of the median, 5.1


def test_few_rows_in_fit_make_the_limits_wider():
    assert outside(INCOMES, [700_000.0]) == [True]
    assert outside(INCOMES[:10], [700_000.0]) == [False]
    assert outside(INCOMES[:10], [7_000_000.0]) == [True]


@pytest.mark.parametrize("column", [[0, 1] * 30, [5] * 60, [1, 2] * 30, [0, 0, 0, 0, 594, 1055, 2174] * 10])
def test_codes_and_numbers_that_are_rare_have_no_range(column):
    assert Range.of(np.array(column, dtype=float), "number") is None


def test_dates_are_outside_after_decades():
    days = [19_000.0, 19_100.0]  # 2022
    assert outside(days, [0.0, 17_000.0, 25_000.0, 47_482.0], "date") == [True, False, False, True]  # 1970 to 2099
    assert outside([-14_610.0, 19_000.0], [47_482.0], "date") == [False]  # dates of birth from 1930 on


@pytest.mark.parametrize("load", [load_wine, load_breast_cancer, load_iris, load_diabetes])
def test_no_row_of_a_real_table_is_outside_of_twenty_others(load):
    rows = load().data
    rng = np.random.default_rng(0)
    for column in rows[rng.permutation(len(rows))].T:
        own = Range.of(column[:20], "number")
        assert own is None or not own.is_outside(column[20:], "number").any()
        assert own is None or own.is_outside(column[20:] * 1000, "number").mean() > 0.5


def test_codes_of_missing_numbers_are_warned_of():
    with pytest.warns(UserWarning, match=r"'age' has -999 in 2 rows, and 20 to 81 in the others\. If it stands for"):
        warn_of_missing_codes("age", np.array([20.0, -999, 44, np.nan, 81, -999]))


@pytest.mark.parametrize("numbers", [[20, 44, 81, -999], [900, 999, 999, 1200, 30], [0, 1, 0, 999, 999]])
def test_numbers_that_look_like_such_codes_are_not(numbers):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_missing_codes("price", np.array(numbers, dtype=float))
