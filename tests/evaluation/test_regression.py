"""Evaluation of regressors."""

import numpy as np
import pytest
from sklearn import metrics as oracle
from sklearn.linear_model import LinearRegression

from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.regression import (
    errors_by_prediction,
    evaluate_numbers,
    interval_coverage,
    number_curve,
    rmse_by_group,
)
from anyshot.tasks.regression import AnyShotRegressor

Y, ANSWERS = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 2.0, 5.0, 4.0])


@pytest.fixture
def many():
    random = np.random.default_rng(0)
    y = random.normal(size=200)
    return y, y + 0.5 * random.normal(size=200) + 0.3, random.random(200)


def test_the_figures_by_hand():
    found = evaluate_numbers(Y, ANSWERS)
    assert (found.rmse, found.mae, found.bias) == pytest.approx((1.0, 0.5, 0.5))
    assert found.r2 == pytest.approx(1 - 4 / 5)
    assert found.baseline == pytest.approx(np.std(Y))


def test_weighted_figures_agree_with_scikit_learn(many):
    y, answers, weight = many
    found = evaluate_numbers(y, answers, sample_weight=weight)
    assert found.rmse == pytest.approx(oracle.root_mean_squared_error(y, answers, sample_weight=weight))
    assert found.mae == pytest.approx(oracle.mean_absolute_error(y, answers, sample_weight=weight))
    assert found.r2 == pytest.approx(oracle.r2_score(y, answers, sample_weight=weight))
    assert found.bias == pytest.approx(np.average(answers - y, weights=weight))


def test_intervals_contain_the_figures(many):
    found = evaluate_numbers(*many[:2])
    table = found.table
    assert (table["lower"] < table["value"]).all()
    assert (table["value"] < table["upper"]).all()
    assert found.bias_interval[0] > 0  # the predictions are 0.3 too high


def test_items_without_a_number_are_left_out_and_counted():
    found = evaluate_numbers([1.0, None, float("nan"), 3.0], [1.0, 9.0, 9.0, 3.0])
    assert (found.n, found.n_without_label, found.rmse) == (2, 2, 0.0)
    assert "left out because they have no number: 2 of 4 items" in str(found)


def test_few_or_equal_numbers_get_a_note():
    one = evaluate_numbers([2.0], [3.0])
    assert np.isnan(one.r2)
    assert np.isnan(one.rmse_interval[0])
    assert "only 1 item" in one.notes[0]
    assert "all numbers are equal" in " ".join(evaluate_numbers([2.0] * 40, [3.0] * 40).notes)


@pytest.mark.parametrize(
    ("y", "answers", "error", "message"),
    [
        ([1.0], [1.0, 2.0], InputError, "One prediction per label"),
        ([1.0], [np.nan], InputError, "The prediction in row 0 is not a number"),
        ([np.inf], [1.0], InputError, "y contains infinity in row 0"),
        (["a"], [1.0], InputError, "y holds 'a' in row 0, which is not a number"),
        ([None], [1.0], NotEnoughLabelsError, "None of the 1 items has a number"),
    ],
)
def test_values_that_are_not_finite_numbers_are_refused(y, answers, error, message):
    with pytest.raises(error, match=message):
        evaluate_numbers(y, answers)


@pytest.mark.parametrize("weight", [[0, 0, 0, 0], [0, 0, 0, 1]])
def test_weights_that_sum_to_zero_are_refused(weight):
    with pytest.raises(InputError, match="sum to zero"):
        evaluate_numbers([1.0, 2.0, 3.0, None], ANSWERS, sample_weight=weight)


def test_it_prints_in_a_notebook():
    page = evaluate_numbers(Y, ANSWERS)._repr_html_()
    assert "root mean squared error 1 (" in page
    assert "<table" in page


def test_items_of_weight_zero_do_not_change_the_intervals(many):
    y, answers, weight = (one[:40] for one in many)
    with_zeros = evaluate_numbers(
        np.append(y, y), np.append(answers, -9 * answers), sample_weight=np.append(weight, 0 * weight)
    )
    assert with_zeros.table.equals(evaluate_numbers(y, answers, sample_weight=weight).table)


def rows(n, *, seed=0):
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, 4))
    return X, X @ [1.0, 2.0, 0.0, -1.0] + 0.3 * random.normal(size=n)


def test_the_last_point_uses_all_labels_in_one_fit():
    X, y = rows(30)
    curve = number_curve(LinearRegression(), X, y, *rows(50, seed=1), sizes=(5, 10, 100), seeds=3)
    assert curve.scores.groupby("labels").size().to_dict() == {5: 3, 10: 3, 30: 1}
    table = curve.summary()
    assert table["mean"].is_monotonic_decreasing
    assert np.isnan(table["sd"].iloc[-1])


def test_a_model_with_a_source_is_also_measured_without_labels():
    model = AnyShotRegressor().fit(*rows(5), source=rows(60, seed=2))
    curve = number_curve(model, *rows(20), *rows(50, seed=1), sizes=(0, 5), seeds=2)
    assert curve.scores.groupby("labels").size().to_dict() == {0: 1, 5: 2, 20: 1}
    assert curve.summary()["mean"].iloc[0] < 1.0
    alone = number_curve(AnyShotRegressor().fit(*rows(5)), *rows(20), *rows(9, seed=1), sizes=(0, 5), seeds=1)
    assert alone.scores["labels"].min() == 5


def test_items_without_a_number_are_left_out_of_the_curve():
    X, y = rows(12)
    y[:4] = np.nan
    curve = number_curve(LinearRegression(), X, y, X, y, sizes=(5,), seeds=1)
    assert curve.scores["labels"].max() == 8
    assert curve.n_test == 8


def test_too_few_numbers_are_refused():
    X, y = rows(3)
    with pytest.raises(NotEnoughLabelsError, match="there are 1 and 3"):
        number_curve(LinearRegression(), X, [1.0, None, None], X, y)
    with pytest.raises(InputError, match="One label per item"):
        number_curve(LinearRegression(), X, y[:2], X, y)


def test_a_regression_curve_has_a_tick_for_each_number_of_labels():
    X, y = rows(30)
    (axes,) = number_curve(LinearRegression(), X, y, X, y, sizes=(5,), seeds=2).plot().axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["5", "30"]
    assert axes.get_ylim()[0] == 0


def test_errors_by_group_and_by_prediction_cover_all_items():
    y, predicted = np.zeros(20), np.arange(20.0)
    by_group = rmse_by_group(y, predicted, ["a"] * 10 + ["b"] * 10, sample_weight=np.ones(20))
    assert by_group["rmse"].tolist() == pytest.approx([np.sqrt(28.5), np.sqrt(218.5)])
    by_prediction = errors_by_prediction(predicted, predicted - y, np.ones(20))
    assert by_prediction[["from", "to", "n"]].iloc[0].tolist() == [0, 3, 4]
    assert by_prediction["bias"].tolist() == pytest.approx([1.5, 5.5, 9.5, 13.5, 17.5])


def test_coverage_by_hand():
    ends = np.array([[0.0, 1.0], [0.0, 1.0], [2.0, 3.0]])
    table = interval_coverage(np.array([0.5, 1.0, 0.5]), {0.8: ends}, sample_weight=np.ones(3))
    assert table[["stated", "covered", "width"]].iloc[0].tolist() == pytest.approx([0.8, 2 / 3, 1.0])
