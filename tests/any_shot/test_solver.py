"""The deviation: how far labels move a model from its prior."""

import numpy as np

from anyshot.any_shot.solver import Deviation, Examples, fit_deviation, labeled, together
from anyshot.base.validation import generator
from softmax_oracle import plain_minimum, world

TOL = 1e-7
CLOSE = 3e-3  # as near as float32 leads, where scores reach 5


def test_a_deviation_adds_its_weights_and_its_intercept():
    move = Deviation(np.array([[1.0, 2.0], [0.0, 1.0]], np.float32), np.array([0.5, -0.5], np.float32))
    np.testing.assert_array_equal(move(np.array([[1.0, 1.0]], np.float32)), [[3.5, 0.5]])


def test_soft_targets_and_uneven_weights_reach_the_minimum_of_the_formula():
    X, _, S = world()
    random = generator(1)
    soft, weights = random.dirichlet(np.ones(4), size=len(X)), random.uniform(0.1, 2, size=len(X))
    examples = Examples(X, soft.astype(np.float32), weights.astype(np.float32))
    V, b = plain_minimum(X.astype(float), soft, weights, 5.0 * X @ S.T, 10.0)
    np.testing.assert_allclose(fit_deviation(examples, 5 * X @ S.T, tol=TOL)(X), X @ V.T + b, atol=CLOSE)


def test_a_start_from_the_solution_itself_stays_there():
    X, y, S = world()
    examples, prior = labeled(X, y, 4), 5 * X @ S.T
    first = fit_deviation(examples, prior, tol=TOL)
    again = fit_deviation(examples, prior, start=first, tol=1.0)  # so lax that it stops where it begins
    lax = fit_deviation(examples, prior, tol=1.0)
    np.testing.assert_allclose(again(X), first(X), atol=1e-4)
    assert np.abs(lax(X) - first(X)).max() > 1e-2


def test_doubling_the_weights_is_duplicating_the_examples():
    X, y, S = world()
    once, prior = labeled(X, y, 4), 5 * X @ S.T
    heavier = fit_deviation(labeled(X, y, 4, weight=2.0), prior, tol=TOL)
    twice = fit_deviation(together(once, once), np.concatenate([prior, prior]), tol=TOL)
    np.testing.assert_allclose(heavier(X), twice(X), atol=3 * CLOSE)  # two searches, each stopped close
    assert np.abs(heavier(X) - fit_deviation(once, prior, tol=TOL)(X)).max() > 0.1


def test_classes_without_mass_leave_the_softmax():
    X, y, S = world()
    seen = y < 3
    among_four = fit_deviation(labeled(X[seen], y[seen], 4), 5 * X[seen] @ S.T, tol=TOL)
    among_three = fit_deviation(labeled(X[seen], y[seen], 3), 5 * X[seen] @ S[:3].T, tol=TOL)
    np.testing.assert_array_equal(among_four.V[3], 0)
    assert among_four.b[3] == 0
    np.testing.assert_allclose(among_four(X)[:, :3], among_three(X), atol=1e-4)


def test_one_class_with_all_the_mass_teaches_nothing():
    X, y, S = world()
    alone = fit_deviation(labeled(X[y == 0], y[y == 0], 4), 5 * X[y == 0] @ S.T)
    assert not alone.V.any()
    assert not alone.b.any()
