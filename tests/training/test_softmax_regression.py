"""Softmax regression from a prior reaches the minimum of its formula."""

import numpy as np

from anyshot.any_shot.model import LinearModel
from anyshot.base.validation import generator
from anyshot.training.softmax_regression import Examples, fit_softmax, labeled_examples
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
