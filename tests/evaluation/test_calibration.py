import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from sklearn.isotonic import IsotonicRegression

from anyshot.base.validation import generator
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.calibration import (
    ConformalThreshold,
    apply_isotonic,
    conformal_threshold,
    cross_conformal_interval,
    fit_isotonic,
    fit_temperature,
    prediction_sets,
    softmax_rows,
    threshold_of,
)
from anyshot.evaluation.metrics import expected_calibration_error, log_loss


def drawn(n, *, temperature=1.0, n_classes=6, seed=0):
    """Scores (n, c) and classes (n,) drawn from softmax(scores / temperature)."""
    random = generator(seed)
    scores = 2 * random.normal(size=(n, n_classes))
    chances = softmax_rows(scores, temperature).cumsum(axis=1)
    return scores, np.minimum((random.random((n, 1)) > chances).sum(axis=1), n_classes - 1)


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


@pytest.mark.parametrize("score", ["lac", "aps"])
def test_sets_have_the_stated_coverage(score):
    # The classifier is overconfident: coverage must hold for any model. 400 draws of 60 items to calibrate, 50 to test.
    covered = []
    for seed in range(400):
        scores, y = drawn(110, temperature=2.0, seed=seed)
        table = softmax_rows(scores)
        threshold = conformal_threshold(table[:60], y[:60], 0.9, score=score, random_state=seed)
        sets = prediction_sets(table[60:], threshold, random_state=seed)
        covered.append(sets[np.arange(50), y[60:]].mean())
    # Exact: ceil(61 x 0.9) / 61 = 0.9016; the standard error of the simulated mean is about 0.003.
    assert np.mean(covered) == pytest.approx(55 / 61, abs=0.01)


def test_the_threshold_by_hand():
    # Strangeness of the truth 0.1, 0.2, ..., 0.9; of 10 ranks, 0.8 needs ceil(10 x 0.8) = the 8th.
    top = 1 - np.arange(1, 10) / 10
    threshold = conformal_threshold(np.stack([top, 1 - top], axis=1), [0] * 9, 0.8)
    assert threshold.value == pytest.approx(0.8)
    assert (threshold.n, threshold.coverage, threshold.score) == (9, 0.8, "lac")


def test_with_too_few_items_sets_contain_every_class():
    table = softmax_rows(np.eye(3))
    threshold = conformal_threshold(table, [0, 1, 2], 0.9)
    assert threshold.value == math.inf
    assert prediction_sets(table, threshold).all()


def test_adaptive_sets_are_larger_for_harder_items():
    threshold = ConformalThreshold(value=0.85, score="aps", coverage=0.85, n=100)
    sets = prediction_sets([[0.96, 0.02, 0.01, 0.01], [0.25, 0.25, 0.25, 0.25]] * 200, threshold)
    sizes = sets.sum(axis=1).reshape(200, 2).mean(axis=0)
    # A coin u lets the sure class in while 0.96 (1 - u) is below 0.85, or so; of four alike, the 4th if 1 - u/4 is.
    assert sizes[0] == pytest.approx(0.85 / 0.96, abs=0.08)
    assert sizes[1] == pytest.approx(3 + 0.4, abs=0.1)


def test_at_least_one_class_is_in_a_set_on_request():
    threshold = ConformalThreshold(value=0.3, score="lac", coverage=0.9, n=100)
    table = [[0.8, 0.2], [0.4, 0.6]]
    assert prediction_sets(table, threshold).tolist() == [[True, False], [False, False]]
    assert prediction_sets(table, threshold, at_least_one=True).tolist() == [[True, False], [False, True]]


def test_the_same_seed_gives_the_same_sets():
    scores, y = drawn(80)
    table = softmax_rows(scores)
    threshold = conformal_threshold(table, y, 0.8, score="aps", random_state=5)
    assert threshold == conformal_threshold(table, y, 0.8, score="aps", random_state=5)
    np.testing.assert_array_equal(prediction_sets(table, threshold), prediction_sets(table, threshold))


def test_a_coverage_of_one_and_no_labels_are_refused():
    with pytest.raises(InputError, match=r"above 0 and below 1; it is 1\.0"):
        conformal_threshold([[0.5, 0.5]], [0], 1.0)
    with pytest.raises(NotEnoughLabelsError, match="none of the 1 items has a label"):
        conformal_threshold([[0.5, 0.5]], [-1], 0.9)


def test_an_interval_by_hand():
    # Four labels in two folds: at 0.6 the third smallest upper end and the third largest lower one count.
    answers, folds, residuals = [[10.0, 20.0]], [0, 0, 1, 1], [1.0, -2.0, 3.0, -4.0]
    # upper ends 11, 12, 23, 24; lower ends 9, 8, 17, 16
    assert cross_conformal_interval(answers, folds, residuals, coverage=0.6).tolist() == [[9.0, 23.0]]
    assert cross_conformal_interval(answers, folds, residuals, coverage=0.8).tolist() == [[8.0, 24.0]]


def test_an_interval_from_too_few_labels_is_infinite():
    assert np.isinf(cross_conformal_interval([[1.0]], [0, 0], [0.1, 0.2], coverage=0.9)).all()
    with pytest.raises(InputError, match="coverage must be above 0 and below 1"):
        cross_conformal_interval([[1.0]], [0], [0.1], coverage=1.0)
    with pytest.raises(InputError, match=r"coverage must be above 0 and below 1; it is '0\.9'"):
        threshold_of([0.1, 0.2], "0.9", score="lac")
