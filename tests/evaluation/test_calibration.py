import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from sklearn.isotonic import IsotonicRegression

from anyshot.errors import InputError
from anyshot.evaluation.calibration import (
    apply_isotonic,
    fit_isotonic,
    fit_temperature,
    matching_temperature,
    softmax_rows,
)
from anyshot.evaluation.metrics import expected_calibration_error, log_loss
from drawn_scores import drawn


def test_softmax_by_hand_and_for_large_scores():
    np.testing.assert_allclose(softmax_rows([[0.0, math.log(3)]]), [[0.25, 0.75]])
    np.testing.assert_allclose(softmax_rows([[1e30, -1e30], [1e6, 1e6]]), [[1, 0], [0.5, 0.5]])


def test_softmax_ignores_a_shift_and_divides_by_the_temperature():
    scores = np.float32([[1.0, 2.0, 4.0]])
    np.testing.assert_allclose(softmax_rows(scores + 100), softmax_rows(scores), rtol=1e-6)
    np.testing.assert_allclose(softmax_rows(scores, 2.0), softmax_rows(scores / 2))
    assert softmax_rows(scores).dtype == np.float64


@pytest.mark.parametrize("temperature", [0.2, 1.0, 3.0])
def test_the_temperature_of_simulated_labels_is_found(temperature):
    scores, y = drawn(4000, temperature=temperature)
    assert fit_temperature(scores, y) == pytest.approx(temperature, rel=0.1)


def test_the_temperature_agrees_with_a_bounded_search():
    scores, y = drawn(40, temperature=3.0)

    def cost(t):
        return 40 * log_loss(softmax_rows(scores, t), y) + 2.0 * (5.0 / t - math.log(5.0 / t))

    oracle = minimize_scalar(cost, bounds=(0.01, 100), method="bounded", options={"xatol": 1e-8}).x
    assert fit_temperature(scores, y, toward=5.0, prior_items=2.0) == pytest.approx(oracle, rel=1e-5)


def test_without_labels_the_temperature_is_that_of_the_prior():
    assert fit_temperature([[1.0, 2.0]], [-1], toward=0.07) == 0.07
    assert fit_temperature([[1.0, 1.0]], [0], toward=0.07) == pytest.approx(0.07)  # scores that say nothing


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_the_temperature_is_finite_for_perfect_and_for_wrong_scores(size):
    scores = size * np.eye(3)
    always_right, always_wrong = fit_temperature(scores, [0, 1, 2]), fit_temperature(scores, [1, 2, 0])
    assert 0 < always_right <= 1 <= always_wrong < math.inf


def test_items_without_a_label_are_ignored():
    scores, y = drawn(30)
    with_more = fit_temperature(np.vstack([scores, scores[:5] * 9]), [*y, -1, -1, -1, -1, -1])
    assert with_more == pytest.approx(fit_temperature(scores, y))


def test_scaled_scores_scale_the_temperature():
    scores, y = drawn(30)
    assert fit_temperature(60 * scores, y, toward=60) == pytest.approx(60 * fit_temperature(scores, y))


def test_the_temperature_lowers_the_calibration_error_on_new_items():
    scores, y = drawn(1500, temperature=4.0)
    probabilities = softmax_rows(scores[500:], fit_temperature(scores[:500], y[:500]))
    assert expected_calibration_error(probabilities, y[500:]) < 0.06
    assert expected_calibration_error(softmax_rows(scores[500:]), y[500:]) > 0.2


def test_invalid_priors_and_nan_scores_are_refused():
    with pytest.raises(InputError, match=r"above 0 and finite; they are 0 and 1\.0"):
        fit_temperature([[1.0, 2.0]], [0], toward=0)
    with pytest.raises(InputError, match="finite numbers"):
        fit_temperature([[1.0, np.inf]], [0])


# --- the temperature of a given confidence ---


def confidence(scores, temperature):
    return softmax_rows(scores, temperature).max(axis=1).mean()


def sure_by(wanted):
    """Scores (1, 6) whose highest probability is `wanted`."""
    return np.log([[wanted, *[(1 - wanted) / 5] * 5]])


@pytest.mark.parametrize("wanted", [0.3, 0.5, 0.9, 0.999])
def test_the_found_temperature_gives_the_confidence(wanted):
    scores, _ = drawn(200)
    found = matching_temperature(scores, sure_by(wanted))
    assert confidence(scores, found) == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("temperature", [0.01, 1.0, 50.0])
def test_matching_scaled_scores_gives_the_scale(temperature):
    scores, _ = drawn(200)
    assert matching_temperature(temperature * scores, scores) == pytest.approx(temperature, rel=1e-4)


def test_a_matching_temperature_by_hand():
    # two classes, 2 apart: 1 / (1 + exp(-2 / T)) = 3/4
    found = matching_temperature([[0.0, 2.0], [7.0, 5.0]], [[math.log(3), 0.0]])
    assert found == pytest.approx(2 / math.log(3), rel=1e-5)


def test_more_confidence_needs_a_lower_temperature():
    scores, _ = drawn(50)
    found = [matching_temperature(scores, sure_by(wanted)) for wanted in (0.2, 0.4, 0.6, 0.8, 0.95)]
    assert found == sorted(found, reverse=True)


def test_a_confidence_that_float64_rounds_to_one_is_matched_too():
    scores = np.array([[0.0, 60.0], [50.0, 0.0]])
    assert confidence(scores, 1.0) == 1
    assert matching_temperature(3 * scores, scores) == pytest.approx(3, rel=1e-4)


def test_a_confidence_out_of_reach_gives_the_lowest_or_highest_temperature():
    scores, _ = drawn(50)
    assert matching_temperature(scores, [[0.0, *[-np.inf] * 5]]) == pytest.approx(1e-3)
    assert matching_temperature(scores, np.zeros((1, 6))) == pytest.approx(1e3)
    assert matching_temperature(np.zeros((3, 6)), sure_by(0.9)) == pytest.approx(1e-3)  # classes that are equal stay so


def test_a_class_that_is_never_predicted_does_not_count():
    scores, _ = drawn(50)
    beside = np.column_stack([scores, np.full(50, -np.inf)])
    expected = matching_temperature(scores, sure_by(0.7))
    assert matching_temperature(beside, sure_by(0.7)) == pytest.approx(expected)


# --- isotonic regression ---


def test_isotonic_agrees_with_scikit_learn_on_the_top_probability():
    scores, y = drawn(300, temperature=4.0)
    table = softmax_rows(scores)
    oracle = IsotonicRegression(y_min=1 / 302, y_max=301 / 302, out_of_bounds="clip")
    oracle.fit(table.max(axis=1), table.argmax(axis=1) == y)
    np.testing.assert_allclose(fit_isotonic(table, y).predict([0.2, 0.5, 0.9]), oracle.predict([0.2, 0.5, 0.9]))


def test_isotonic_keeps_the_prediction_and_the_order_of_classes():
    scores, y = drawn(300, temperature=20.0)
    table = softmax_rows(np.vstack([scores, np.zeros((1, 6)), 1e4 * np.eye(6)[:1]]))
    calibrated = apply_isotonic(table, fit_isotonic(table[:300], y))
    np.testing.assert_allclose(calibrated.sum(axis=1), 1)
    np.testing.assert_array_equal(calibrated.argmax(axis=1), table.argmax(axis=1))
    in_order = np.take_along_axis(calibrated, table.argsort(axis=1), axis=1)
    assert (np.diff(in_order, axis=1) >= -1e-9).all()
    assert (calibrated >= 0).all()


def test_isotonic_lowers_the_calibration_error_on_new_items():
    scores, y = drawn(2000, temperature=4.0)
    table = softmax_rows(scores)
    calibrated = apply_isotonic(table[1000:], fit_isotonic(table[:1000], y[:1000]))
    assert expected_calibration_error(calibrated, y[1000:]) < 0.06 < expected_calibration_error(table[1000:], y[1000:])
