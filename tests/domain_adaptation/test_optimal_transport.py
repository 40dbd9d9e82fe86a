"""Optimal transport: the plan against POT, its masses, and what is refused."""

import sys

import numpy as np
import ot
import pytest

from anyshot.domain_adaptation.optimal_transport import OptimalTransport, barycentric_map, transport_plan
from anyshot.errors import InputError, MissingExtraError
from domain_adaptation.worlds import moved_world


def test_with_little_entropy_each_item_moves_to_its_copy():
    X = np.array([[0.0, 0], [5, 0], [0, 5]])
    plan = transport_plan(X, X[[2, 0, 1]], entropy=0.01)
    np.testing.assert_allclose(plan, np.eye(3)[[1, 2, 0]] / 3, atol=1e-4)
    np.testing.assert_allclose(barycentric_map(plan, X[[2, 0, 1]]), X, atol=1e-3)


def test_the_plan_preserves_the_masses_of_both_domains():
    world = moved_world()
    for index in (None, np.unique(world.y, return_inverse=True)[1]):
        plan = transport_plan(world.X, world.target[:40], entropy=0.1, index=index)
        np.testing.assert_allclose(plan.sum(axis=0), 1 / 40, rtol=1e-2)
        np.testing.assert_allclose(plan.sum(axis=1), 1 / 60, rtol=1e-2)


def test_without_classes_the_plan_is_pots_sinkhorn_plan():
    world = moved_world()
    cost = ot.dist(world.X, world.target)
    oracle = ot.sinkhorn([], [], cost / cost.mean(), 0.2)
    np.testing.assert_allclose(transport_plan(world.X, world.target, entropy=0.2), oracle, atol=1e-6)


def test_class_regularization_makes_target_items_receive_from_one_class():
    world = moved_world()
    index = np.unique(world.y, return_inverse=True)[1]

    def purity(plan):
        mass = np.eye(3)[index].T @ plan
        return (mass.max(axis=0) / mass.sum(axis=0)).mean()

    loose = transport_plan(world.X, world.target, entropy=0.3)
    strict = transport_plan(world.X, world.target, entropy=0.3, index=index, class_penalty=3.0)
    assert purity(strict) > purity(loose) + 0.05


def test_the_plan_is_finite_if_the_cost_is_far_above_the_entropy():
    X = np.r_[np.zeros((3, 2)), [[1e3, 1e3]]]
    assert np.isfinite(transport_plan(X, X, entropy=0.001)).all()


def test_an_unknown_regularization_is_refused():
    world = moved_world()
    with pytest.raises(InputError, match="Unknown regularize='lp'"):
        OptimalTransport(regularize="lp").fit(world.X, world.y, target=world.target)


def test_without_pot_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ot", None)
    with pytest.raises(MissingExtraError, match=r"Optimal transport needs ot: pip install \"anyshot\[transport\]\""):
        transport_plan(np.eye(2), np.eye(2), entropy=0.1)
