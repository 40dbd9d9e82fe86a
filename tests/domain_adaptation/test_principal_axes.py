"""Eigenvectors, principal axes and the geodesic flow: oracles, and cases solved by hand."""

import numpy as np
import pytest
from scipy.linalg import subspace_angles
from sklearn.decomposition import PCA

from anyshot.domain_adaptation.principal_axes import geodesic_flow, leading_eigenvectors, principal_axes
from anyshot.errors import DomainError
from domain_adaptation.worlds import moved_world


@pytest.mark.parametrize("k", [2, 20], ids=["Lanczos", "dense solver"])
def test_the_eigenvectors_are_those_of_the_largest_eigenvalues_largest_first(k):
    random = np.random.default_rng(0)
    basis = np.linalg.qr(random.normal(size=(40, 40)))[0]
    spectrum = np.linspace(-30, 9, 40)  # the largest in size are negative
    values, vectors = leading_eigenvectors(basis * spectrum @ basis.T, k)
    np.testing.assert_allclose(values, spectrum[::-1][:k], atol=1e-12)
    np.testing.assert_allclose(np.abs(vectors.T @ basis[:, ::-1][:, :k]), np.eye(k), atol=1e-8)


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
