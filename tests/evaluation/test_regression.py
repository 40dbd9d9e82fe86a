"""What answers with numbers are worth."""

import numpy as np
import pytest
from sklearn import metrics as oracle

from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.regression import bias, evaluate_numbers, finite_or_none

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


def test_the_figures_agree_with_scikit_learn_also_with_weights(many):
    y, answers, weight = many
    found = evaluate_numbers(y, answers, sample_weight=weight)
    assert found.rmse == pytest.approx(oracle.root_mean_squared_error(y, answers, sample_weight=weight))
    assert found.mae == pytest.approx(oracle.mean_absolute_error(y, answers, sample_weight=weight))
    assert found.r2 == pytest.approx(oracle.r2_score(y, answers, sample_weight=weight))
    assert found.bias == pytest.approx(np.average(answers - y, weights=weight))


def test_intervals_lie_around_the_figures(many):
    found = evaluate_numbers(*many[:2])
    table = found.table
    assert (table["lower"] < table["value"]).all()
    assert (table["value"] < table["upper"]).all()
    assert found.bias_interval[0] > 0  # the answers are 0.3 too high


def test_items_without_a_number_are_left_out_and_counted():
    found = evaluate_numbers([1.0, None, float("nan"), 3.0], [1.0, 9.0, 9.0, 3.0])
    assert (found.n, found.n_without_label, found.rmse) == (2, 2, 0.0)
    assert "left out, for they have no number: 2 of 4 items" in str(found)


def test_what_few_or_equal_numbers_cannot_say_is_said():
    one = evaluate_numbers([2.0], [3.0])
    assert np.isnan(one.r2)
    assert np.isnan(one.rmse_interval[0])
    assert "only 1 item" in one.notes[0]
    assert "all numbers are alike" in " ".join(evaluate_numbers([2.0] * 40, [3.0] * 40).notes)


@pytest.mark.parametrize(
    ("y", "answers", "error", "said"),
    [
        ([1.0], [1.0, 2.0], InputError, "One answer an item"),
        ([1.0], [np.nan], InputError, "The answer to row 0 is no number"),
        ([np.inf], [1.0], InputError, "infinity, in row 0"),
        (["a"], [1.0], InputError, "must be numbers"),
        ([None], [1.0], NotEnoughLabelsError, "None of the 1 items has a number"),
    ],
)
def test_what_is_no_number_is_refused(y, answers, error, said):
    with pytest.raises(error, match=said):
        evaluate_numbers(y, answers)


@pytest.mark.parametrize("weight", [[0, 0, 0, 0], [0, 0, 0, 1]])
def test_weights_that_sum_to_zero_are_refused(weight):
    with pytest.raises(InputError, match="sum to zero"):
        evaluate_numbers([1.0, 2.0, 3.0, None], ANSWERS, sample_weight=weight)


def test_it_prints_in_a_notebook_too():
    page = evaluate_numbers(Y, ANSWERS)._repr_html_()
    assert "root mean squared error 1 (" in page
    assert "<table" in page


def test_bias_is_what_answers_are_too_high():
    assert bias([1.0, 1.0], [2.0, 4.0], sample_weight=[1, 0]) == 1.0
    assert finite_or_none([None, 2], "truth").tolist()[1] == 2.0
