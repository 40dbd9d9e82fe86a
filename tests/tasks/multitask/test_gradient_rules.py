"""Gradient rules: the property of each, for gradients that agree, conflict or vanish."""

import numpy as np
import pytest
from scipy.optimize import minimize

from anyshot.base.validation import generator
from anyshot.tasks.multitask.gradient_rules import CAUTION, RULES, cagrad, equal, imtl_g, mgda, pcgrad


def gradients(*, t=3, width=5, seed=0):
    return generator(seed).normal(size=(t, width))


def way(rule, g):
    return rule(g @ g.T, generator(0)) @ g


@pytest.mark.parametrize("rule", [equal, *RULES.values()])
def test_one_task_keeps_the_direction_of_its_gradient(rule):
    g = gradients(t=1)
    found = way(rule, g)
    assert found @ g[0] / np.linalg.norm(found) == pytest.approx(np.linalg.norm(g[0]))


@pytest.mark.parametrize("rule", [equal, pcgrad, mgda, imtl_g])
def test_orthogonal_gradients_of_equal_length_get_the_mean(rule):
    np.testing.assert_allclose(rule(np.eye(3), generator(0)), np.full(3, 1 / 3), atol=1e-6)


def test_pcgrad_of_two_conflicting_tasks():
    g = np.array([[1.0, 0.0], [-1.0, 1.0]])  # projected: (1/2, 1/2) and (0, 1)
    np.testing.assert_allclose(way(pcgrad, g), np.array([0.5, 1.5]) / 2)


def test_pcgrad_returns_the_mean_without_conflicts():
    np.testing.assert_allclose(pcgrad(np.array([[1.0, 0.3], [0.3, 2.0]]), generator(0)), [0.5, 0.5])


@pytest.mark.parametrize("seed", range(5))
def test_mgda_finds_the_combination_of_least_norm(seed):
    G = gradients(seed=seed) @ gradients(seed=seed).T
    oracle = minimize(
        lambda a: a @ G @ a,
        np.full(3, 1 / 3),
        bounds=[(0, 1)] * 3,
        constraints={"type": "eq", "fun": lambda a: a.sum() - 1},
        method="SLSQP",
        options={"ftol": 1e-12},
    )
    weights = mgda(G, generator(0))
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    assert weights @ G @ weights == pytest.approx(oracle.fun, rel=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_mgda_increases_no_loss(seed):
    g = gradients(seed=seed)
    assert (g @ way(mgda, g) >= -1e-6).all()


def test_mgda_of_opposite_gradients_is_zero():
    g = np.array([[1.0, 0.0], [-1.0, 0.0]])
    np.testing.assert_allclose(way(mgda, g), 0, atol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_cagrad_decreases_the_worst_loss_the_most_within_its_ball(seed):
    g = gradients(seed=seed)
    mean, found = g.mean(axis=0), way(cagrad, g)
    radius = CAUTION * np.linalg.norm(mean)
    assert np.linalg.norm(found - mean) <= radius * (1 + 1e-6)
    steps = generator(1).normal(size=(4000, g.shape[1]))
    others = mean + radius * steps / np.linalg.norm(steps, axis=1, keepdims=True)
    assert (g @ found).min() >= (others @ g.T).min(axis=1).max() - 1e-3


@pytest.mark.parametrize("seed", range(5))
def test_imtl_g_has_equal_projections_on_all_gradients(seed):
    g = gradients(seed=seed)
    along = g @ way(imtl_g, g) / np.linalg.norm(g, axis=1)
    np.testing.assert_allclose(along, along[0], rtol=1e-6)
    assert imtl_g(g @ g.T, generator(0)).sum() == pytest.approx(1)


@pytest.mark.parametrize("rule", RULES.values())
def test_zero_gradients_have_equal_weights(rule):
    np.testing.assert_allclose(rule(np.zeros((2, 2)), generator(0)), [0.5, 0.5])


@pytest.mark.parametrize("rule", [pcgrad, mgda, cagrad])
def test_scaling_all_losses_does_not_change_the_weights(rule):
    G = gradients() @ gradients().T
    np.testing.assert_allclose(rule(1e-6 * G, generator(0)), rule(G, generator(0)), atol=1e-4)
