"""The any-shot head as arrays, and the sum of heads of several strengths."""

import numpy as np
import pytest
from scipy.special import softmax

from anyshot.any_shot.defaults import Strength
from anyshot.any_shot.head import AnyShotHead
from anyshot.any_shot.solver import HeadOptions, fit_average, fit_head
from anyshot.errors import NotEnoughClassesError
from anyshot.training.softmax_regression import BIAS_REACH, labeled_examples
from softmax_oracle import blobs

WEAK, STRONG = Strength(0.1, 1), Strength(20.0, 1)


def average(factors, start=(), **options):
    """Return the average of heads fitted to the blobs, and what labels added to each."""
    X, y, S = blobs(n_each=3)
    return fit_average(X, y, S, factors, start=dict(start), **options)


def head_of(strength, S):
    X, y, _ = blobs(n_each=3)
    return AnyShotHead(C=strength.C, tol=1e-8).fit(X, y, class_vectors=S)


# --- one head ---


def test_without_labels_the_head_is_the_scaled_class_vectors():
    _, _, S = blobs()
    head, delta = fit_head(S[:0], np.zeros(0, np.intp), S, HeadOptions(prior_scale=7.0))
    np.testing.assert_array_equal(head.coef, np.float32(7) * S)
    assert not head.intercept.any()
    assert not delta.coef.any()
    assert not delta.intercept.any()


@pytest.mark.parametrize("C", [0.3, 10.0])
def test_two_opposite_labels_by_hand(C):
    """Two classes without class vectors, one label each at +1 and -1 on a line.

    The weights are v and -v. The probability of the true class is p = 1 / (1 + exp(-2 v)), and the slope of the loss,
    2 log(1 + exp(-2 v)) + v^2 / C, is 0 where v = 2 C (1 - p).
    """
    X, none = np.array([[1.0], [-1.0]], np.float32), np.zeros((2, 1), np.float32)
    head, delta = fit_head(X, np.array([0, 1]), none, HeadOptions(C=C, tol=1e-9))
    v = float(head.coef[0, 0])
    assert v == pytest.approx(2 * C / (1 + np.exp(2 * v)), rel=1e-3)
    np.testing.assert_allclose(head.coef[:, 0], [v, -v], rtol=1e-4)
    np.testing.assert_allclose(head.intercept, 0, atol=1e-5)
    np.testing.assert_array_equal(head.coef, delta.coef)


def test_the_gradient_of_the_objective_is_zero():
    X, y, S = blobs(n_each=3)
    options = HeadOptions(prior_scale=5.0, C=2.0, name_weight=0.5, tol=1e-9)
    head, delta = fit_head(X, y, S, options)
    rows = np.concatenate([X, S])
    targets, weights = np.eye(4)[np.append(y, np.arange(4))], np.repeat([1.0, 0.5], [len(X), 4])
    gap = weights[:, None] * (softmax(head(rows).astype(float) + np.log(weights @ targets), axis=1) - targets)
    np.testing.assert_allclose(gap.T @ rows + delta.coef / 2.0, 0, atol=1e-3)
    np.testing.assert_allclose(gap.sum(axis=0) + delta.intercept / BIAS_REACH**2 / 2.0, 0, atol=1e-3)


def test_a_class_without_label_and_class_vector_has_the_intercept_minus_infinity():
    X, y, S = blobs()
    S[3] = 0
    head, _ = fit_head(X[y < 3], y[y < 3], S, HeadOptions())
    assert np.isneginf(head.intercept).tolist() == [False, False, False, True]


def test_further_examples_are_examples():
    X, y, S = blobs(n_each=4)
    options, first = HeadOptions(tol=1e-8), np.arange(len(X)) % 2 == 0
    together, _ = fit_head(X, y, S, options)
    apart, _ = fit_head(X[first], y[first], S, options, more=labeled_examples(X[~first], y[~first], 4))
    np.testing.assert_allclose(apart(X), together(X), atol=0.01)


def test_one_class_alone_is_refused():
    X, y, S = blobs()
    with pytest.raises(NotEnoughClassesError, match="two of the 4 classes need a label or a class vector"):
        fit_head(X[y == 0], y[y == 0], np.zeros_like(S), HeadOptions())


# --- several heads ---


def test_heads_of_several_strengths_are_summed_with_their_factors():
    X, _, S = blobs(n_each=3)
    linear, deltas = average({WEAK: 2.0, STRONG: 0.5})
    total = 2.0 * head_of(WEAK, S).decision_function(X) + 0.5 * head_of(STRONG, S).decision_function(X)
    np.testing.assert_allclose(linear(X), total, atol=0.05)
    assert list(deltas) == [WEAK, STRONG]


def test_where_the_solver_starts_does_not_change_the_solution():
    X, _, _ = blobs(n_each=3)
    cold, deltas = average({STRONG: 2.0}, tol=1e-8)
    for start in (deltas, {WEAK: deltas[STRONG].scaled(-3)}):  # also from a head of another strength
        warm, _ = average({STRONG: 2.0}, start, tol=1e-8)
        np.testing.assert_allclose(warm(X), cold(X), atol=0.01)


def test_a_strength_without_prior_is_logistic_regression():
    X, _, S = blobs(n_each=3)
    linear, _ = average({Strength(10.0, 0): 1.0}, tol=1e-8)
    plain = head_of(Strength(10.0, 0), np.zeros_like(S))
    np.testing.assert_allclose(linear(X), plain.decision_function(X), atol=0.01)
