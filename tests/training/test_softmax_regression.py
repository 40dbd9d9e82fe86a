"""Softmax regression from a prior reaches the minimum of its formula."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import softmax

from anyshot.any_shot.model import LinearModel
from anyshot.base.validation import generator
from anyshot.errors import InputError
from anyshot.evaluation.metrics import expected_calibration_error, log_loss
from anyshot.training.softmax_regression import (
    BIAS_REACH,
    Examples,
    HeadOptions,
    fit_head,
    fit_softmax,
    fit_temperature,
    labeled_examples,
    matching_temperature,
)
from drawn_scores import drawn
from softmax_oracle import blobs, plain_minimum

TOL = 1e-7
CLOSE = 3e-3  # precision of float32 for scores up to 5


def fitted(*args, **options):
    return LinearModel(*fit_softmax(*args, **options))


def test_soft_targets_and_uneven_weights_reach_the_minimum_of_the_formula():
    X, _, S = blobs()
    random = generator(1)
    soft, weights = random.dirichlet(np.ones(4), size=len(X)), random.uniform(0.1, 2, size=len(X))
    examples = Examples(X, soft.astype(np.float32), weights.astype(np.float32))
    V, b = plain_minimum(X.astype(float), soft, weights, 5.0 * X @ S.T, 10.0)
    np.testing.assert_allclose(fitted(examples, 5 * X @ S.T, tol=TOL)(X), X @ V.T + b, atol=CLOSE)


def test_a_start_from_the_solution_stays_there():
    X, y, S = blobs()
    examples, prior = labeled_examples(X, y, 4), 5 * X @ S.T
    first = fitted(examples, prior, tol=TOL)
    again = fitted(examples, prior, start=first, tol=1.0)  # loose enough to stop where it starts
    loose = fitted(examples, prior, tol=1.0)
    np.testing.assert_allclose(again(X), first(X), atol=1e-4)
    assert np.abs(loose(X) - first(X)).max() > 1e-2


def test_doubling_the_weights_is_duplicating_the_examples():
    X, y, S = blobs()
    once, prior = labeled_examples(X, y, 4), 5 * X @ S.T
    heavier = fitted(labeled_examples(X, y, 4, weight=2.0), prior, tol=TOL)
    twice = fitted(labeled_examples(np.tile(X, (2, 1)), np.tile(y, 2), 4), np.tile(prior, (2, 1)), tol=TOL)
    np.testing.assert_allclose(heavier(X), twice(X), atol=3 * CLOSE)  # two searches that stop near the minimum
    assert np.abs(heavier(X) - fitted(once, prior, tol=TOL)(X)).max() > 0.1


def test_classes_without_mass_leave_the_softmax():
    X, y, S = blobs()
    seen = y < 3
    among_four = fitted(labeled_examples(X[seen], y[seen], 4), 5 * X[seen] @ S.T, tol=TOL)
    among_three = fitted(labeled_examples(X[seen], y[seen], 3), 5 * X[seen] @ S[:3].T, tol=TOL)
    np.testing.assert_array_equal(among_four.coef[3], 0)
    assert among_four.intercept[3] == 0
    np.testing.assert_allclose(among_four(X)[:, :3], among_three(X), atol=1e-4)


def test_one_class_with_all_the_mass_changes_nothing():
    X, y, S = blobs()
    alone = fitted(labeled_examples(X[y == 0], y[y == 0], 4), 5 * X[y == 0] @ S.T)
    assert not alone.coef.any()
    assert not alone.intercept.any()


# --- from class vectors ---


def options(**changes):
    return HeadOptions(**{"prior_scale": 5.0, "C": 10.0, "name_weight": 0.5, "tol": 2e-5, **changes})


def scores_of(weights, X):
    return X @ weights[0].T + weights[1]


def test_without_labels_the_head_is_the_scaled_class_vectors():
    _, _, S = blobs()
    head, delta = fit_head(S[:0], np.zeros(0, np.intp), S, options(prior_scale=7.0))
    np.testing.assert_array_equal(head[0], np.float32(7) * S)
    assert not head[1].any()
    assert not delta[0].any()
    assert not delta[1].any()


def test_offsets_are_added_to_the_cosines_of_the_prior():
    X, y, S = blobs()
    offsets = np.linspace(0, 0.3, len(S))
    alone, _ = fit_head(S[:0], y[:0], S, options(offsets=offsets))
    np.testing.assert_allclose(alone[1], 5 * offsets, rtol=1e-6)
    (_, intercept), (V, b) = fit_head(X, y, S, options(offsets=offsets, tol=TOL))
    np.testing.assert_allclose(intercept, 5 * offsets + b, atol=1e-5)
    weight = np.repeat(np.float32([1, 0.5]), [len(X), len(S)])
    examples = labeled_examples(np.concatenate([X, S]), np.append(y, np.arange(len(S))), len(S), weight=weight)
    expected = fit_softmax(examples, 5 * (examples.vectors @ S.T + offsets), C=10.0, tol=TOL)
    for part, other in zip((V, b), expected, strict=True):
        np.testing.assert_allclose(part, other, atol=CLOSE)


@pytest.mark.parametrize("C", [0.3, 10.0])
def test_two_opposite_labels_by_hand(C):
    """Two classes without class vectors, one label each at +1 and -1 on a line.

    The weights are v and -v. The probability of the true class is p = 1 / (1 + exp(-2 v)), and the slope of the loss,
    2 log(1 + exp(-2 v)) + v^2 / C, is 0 where v = 2 C (1 - p).
    """
    X, none = np.array([[1.0], [-1.0]], np.float32), np.zeros((2, 1), np.float32)
    head, delta = fit_head(X, np.array([0, 1]), none, options(C=C, tol=1e-9))
    v = float(head[0][0, 0])
    assert v == pytest.approx(2 * C / (1 + np.exp(2 * v)), rel=1e-3)
    np.testing.assert_allclose(head[0][:, 0], [v, -v], rtol=1e-4)
    np.testing.assert_allclose(head[1], 0, atol=1e-5)
    np.testing.assert_array_equal(head[0], delta[0])


def test_the_gradient_of_the_objective_is_zero():
    X, y, S = blobs(n_each=3)
    head, delta = fit_head(X, y, S, options(C=2.0, tol=1e-9))
    rows = np.concatenate([X, S])
    targets, weights = np.eye(4)[np.append(y, np.arange(4))], np.repeat([1.0, 0.5], [len(X), 4])
    gap = weights[:, None] * (
        softmax(scores_of(head, rows).astype(float) + np.log(weights @ targets), axis=1) - targets
    )
    np.testing.assert_allclose(gap.T @ rows + delta[0] / 2.0, 0, atol=1e-3)
    np.testing.assert_allclose(gap.sum(axis=0) + delta[1] / BIAS_REACH**2 / 2.0, 0, atol=1e-3)


def test_a_class_without_label_and_class_vector_has_the_intercept_minus_infinity():
    X, y, S = blobs()
    S[3] = 0
    head, _ = fit_head(X[y < 3], y[y < 3], S, options())
    assert np.isneginf(head[1]).tolist() == [False, False, False, True]


def test_further_examples_are_examples():
    X, y, S = blobs(n_each=4)
    exact, first = options(tol=1e-8), np.arange(len(X)) % 2 == 0
    together, _ = fit_head(X, y, S, exact)
    apart, _ = fit_head(X[first], y[first], S, exact, more=labeled_examples(X[~first], y[~first], 4))
    np.testing.assert_allclose(scores_of(apart, X), scores_of(together, X), atol=0.01)


def test_the_only_class_with_labels_is_always_predicted():
    X, y, S = blobs()
    (coef, intercept), (V, b) = fit_head(X[y == 1], y[y == 1], np.zeros_like(S), options())
    assert intercept.tolist() == [-np.inf, 0, -np.inf, -np.inf]
    assert not coef.any()
    assert not V.any()
    assert not b.any()


# --- of a temperature alone ---


@pytest.mark.parametrize("temperature", [0.2, 1.0, 3.0])
def test_the_temperature_of_simulated_labels_is_found(temperature):
    scores, y = drawn(4000, temperature=temperature)
    assert fit_temperature(scores, y) == pytest.approx(temperature, rel=0.1)


def test_the_temperature_agrees_with_a_bounded_search():
    scores, y = drawn(40, temperature=3.0)

    def cost(t):
        return 40 * log_loss(softmax(scores / t, axis=1), y) + 2.0 * (5.0 / t - math.log(5.0 / t))

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
    probabilities = softmax(scores[500:] / fit_temperature(scores[:500], y[:500]), axis=1)
    assert expected_calibration_error(probabilities, y[500:]) < 0.06
    assert expected_calibration_error(softmax(scores[500:], axis=1), y[500:]) > 0.2


def test_invalid_priors_and_nan_scores_are_refused():
    with pytest.raises(InputError, match=r"above 0 and finite; they are 0 and 1\.0"):
        fit_temperature([[1.0, 2.0]], [0], toward=0)
    with pytest.raises(InputError, match="finite numbers"):
        fit_temperature([[1.0, np.inf]], [0])


# --- the temperature of a given confidence ---


def confidence(scores, temperature):
    return softmax(scores / temperature, axis=1).max(axis=1).mean()


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
