"""Subspace alignment and the geodesic flow: the formulas, and equal domains."""

import numpy as np
import pytest
from scipy.linalg import subspace_angles
from sklearn.decomposition import PCA

from anyshot.domain_adaptation.subspace_alignment import (
    geodesic_flow,
    principal_axes,
    subspace_alignment,
)
from anyshot.errors import DomainError
from domain_adaptation.worlds import moved_world


@pytest.mark.parametrize("shape", [(30, 6), (5, 12)], ids=["more items", "more features"])
def test_principal_axes_are_those_of_scikit_learn(shape):
    X = np.random.default_rng(0).normal(size=shape)
    ours, oracle = principal_axes(X, 3), PCA(3).fit(X).components_.T
    np.testing.assert_allclose(ours.T @ ours, np.eye(3), atol=1e-10)
    np.testing.assert_allclose(np.abs((ours * oracle).sum(axis=0)), 1, atol=1e-8)


def test_there_are_at_most_as_many_axes_as_the_rank():
    X = np.random.default_rng(0).normal(size=(5, 12))
    assert principal_axes(X, 10).shape == (12, 4)
    assert principal_axes(np.tile(X.T, 2), 10).shape == (10, 5)


@pytest.mark.parametrize("shape", [(5, 12), (12, 5)])
def test_a_domain_of_equal_vectors_has_no_axes(shape):
    with pytest.raises(DomainError, match=f"The {shape[0]} vectors of a domain are all the same"):
        principal_axes(np.ones(shape), 3)


def test_equal_domains_have_equal_maps():
    X = moved_world().X
    ours, theirs = subspace_alignment(X, X, n_components=3)
    np.testing.assert_allclose(ours, theirs, atol=1e-10)


def test_alignment_is_the_papers_product():
    world = moved_world()
    ours, theirs = subspace_alignment(world.X, world.target, n_components=2)
    P_s, P_t = (PCA(2).fit(X).components_.T for X in (world.X, world.target))
    np.testing.assert_allclose(ours @ theirs.T, P_s @ P_s.T @ P_t @ P_t.T, atol=1e-8)


def test_the_geodesic_flow_of_one_subspace_is_its_projection():
    X = moved_world().X
    G, P = geodesic_flow(X, X, n_components=2), principal_axes(X, 2)
    np.testing.assert_allclose(G @ G.T, P @ P.T, atol=1e-6)


def test_the_geodesic_flow_between_two_orthogonal_lines():
    # phi(t) = (cos t pi / 2, sin t pi / 2); the integral of phi phi' is [[1/2, 1/pi], [1/pi, 1/2]].
    G = geodesic_flow(np.array([[-1.0, 0], [1, 0]]), np.array([[0, -1.0], [0, 1]]), n_components=1)
    kernel = G @ G.T
    np.testing.assert_allclose(np.abs(kernel), [[0.5, 1 / np.pi], [1 / np.pi, 0.5]], atol=1e-8)


def test_the_geodesic_flow_is_the_integral_over_the_path():
    random = np.random.default_rng(1)
    source, target = random.normal(size=(40, 5)), random.normal(size=(40, 5)) @ random.normal(size=(5, 5))
    P_s, P_t = principal_axes(source, 2), principal_axes(target, 2)
    angles = np.sort(subspace_angles(P_s, P_t))
    left, _, right = np.linalg.svd(P_s.T @ P_t)
    A, B = P_s @ left, P_t @ right.T
    Q = (B - A * np.cos(angles)) / np.sin(angles)
    steps = (np.arange(2000) + 0.5) / 2000
    path = [A * np.cos(t * angles) + Q * np.sin(t * angles) for t in steps]
    G = geodesic_flow(source, target, n_components=2)
    np.testing.assert_allclose(G @ G.T, np.mean([phi @ phi.T for phi in path], axis=0), atol=1e-6)
