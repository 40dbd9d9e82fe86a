"""Softmax regression from a prior reaches the minimum of its formula."""

import numpy as np
import pytest
from scipy.special import softmax

from anyshot.any_shot.model import LinearModel
from anyshot.base.validation import generator
from anyshot.errors import NotEnoughClassesError
from anyshot.training.softmax_regression import (
    BIAS_REACH,
    Examples,
    HeadOptions,
    fit_head,
    fit_softmax,
    labeled_examples,
)
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


def test_one_class_alone_is_refused():
    X, y, S = blobs()
    with pytest.raises(NotEnoughClassesError, match="two of the 4 classes need a label or a class vector"):
        fit_head(X[y == 0], y[y == 0], np.zeros_like(S), options())
