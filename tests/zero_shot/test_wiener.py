"""Of what is said of a class, what lies where items vary is believed."""

import numpy as np
import pytest

from anyshot.base.validation import generator, unit
from anyshot.zero_shot.wiener import among_items

NAMES = unit(np.array([[1.0, 0.6, 0.2], [-1.0, 0.4, 0.3], [0.1, -1.0, 0.5]]))


def items(n, *, d=3, seed=0):
    """Vectors that vary ten times as far along the first axis as along the others."""
    spread = np.ones(d)
    spread[0] = 10
    return (generator(seed).normal(size=(n, d)) * spread).astype(np.float32)


def apart(S):
    return S - S.mean(axis=0)


def by_the_formula(S, X, *, noise, prior_items):
    """The posterior mean with the covariance and its inverse written out, at the distances of the names."""
    V = X - X.mean(axis=0)
    even = np.square(V).mean() * np.eye(X.shape[1])
    covariance = (V.T @ V + prior_items * even) / (len(V) + prior_items)
    turned = apart(S) @ covariance @ np.linalg.inv(covariance + noise * even)
    scale = np.linalg.norm(apart(S), axis=1) / np.linalg.norm(turned, axis=1)
    return S.mean(axis=0) + turned * scale[:, None]


@pytest.mark.parametrize(("n", "d"), [(40, 3), (5, 3), (3, 8), (1, 3)])
def test_it_is_the_posterior_mean(n, d):
    S, X = unit(generator(1).normal(size=(4, d))), items(n, d=d)
    if n == 1:  # one item does not vary
        np.testing.assert_array_equal(among_items(S, X), S)
        return
    expected = by_the_formula(S.astype(np.float64), X.astype(np.float64), noise=2.0, prior_items=7.0)
    np.testing.assert_allclose(among_items(S, X, noise=2.0, prior_items=7.0), expected, atol=1e-5)


def test_class_vectors_turn_to_the_directions_in_which_items_vary():
    before, after = apart(NAMES), apart(among_items(NAMES, items(5000)))
    share = np.square(after[:, 0]) / np.square(after).sum(axis=1)
    assert (share > np.square(before[:, 0]) / np.square(before).sum(axis=1)).all()


def test_the_fewer_items_the_less_they_turn_and_without_items_they_stay():
    turned = [np.abs(among_items(NAMES, items(n)) - NAMES).max() for n in (0, 3, 30, 3000)]
    assert turned == sorted(turned)
    assert turned[0] == 0


def test_items_that_vary_alike_in_all_directions_leave_class_vectors_as_they_are():
    X = np.concatenate([np.eye(3), -np.eye(3)]).astype(np.float32)
    np.testing.assert_allclose(among_items(NAMES, X), NAMES, atol=1e-6)


def test_the_distances_to_the_mean_and_the_mean_stay():
    found = among_items(NAMES, items(500))
    np.testing.assert_allclose(
        np.linalg.norm(found - NAMES.mean(axis=0), axis=1), np.linalg.norm(apart(NAMES), axis=1), rtol=1e-5
    )


def test_a_class_of_which_nothing_is_said_stays_so_and_does_not_move_the_others():
    with_nothing = np.vstack([NAMES[:2], np.zeros(3, np.float32), NAMES[2:]])
    found = among_items(with_nothing, items(50))
    assert not found[2].any()
    np.testing.assert_allclose(np.delete(found, 2, axis=0), among_items(NAMES, items(50)), atol=1e-6)


def test_items_that_are_all_the_same_say_nothing():
    np.testing.assert_array_equal(among_items(NAMES, np.ones((20, 3), np.float32)), NAMES)
