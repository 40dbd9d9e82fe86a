"""MEDA."""

import numpy as np
import pytest
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.preprocessing import normalize

from anyshot.domain_adaptation import meda
from anyshot.domain_adaptation.meda import (
    MEDA,
    KernelClassifier,
    aligned_coefficients,
    gaussian_kernel,
    neighbor_laplacian,
)
from anyshot.errors import InputError
from domain_adaptation.worlds import moved_world


def small_problem():
    world = moved_world(n_each=6)
    both = normalize(np.vstack([world.X, world.target]))
    index = np.unique(world.y, return_inverse=True)[1]
    return gaussian_kernel(both, both, 0.7), neighbor_laplacian(both, 4), index


def by_definition(kernel, laplacian, index, predicted, alignment=10.0):
    """Solve B beta = A Y as the paper writes it."""
    n, n_s, c = len(kernel), len(index), index.max() + 1
    M0 = np.outer(e := np.r_[np.full(n_s, 1 / n_s), np.full(n - n_s, -1 / (n - n_s))], e) * c
    M = M0.copy()
    for k in range(c):
        ours, theirs = np.flatnonzero(index == k), n_s + np.flatnonzero(predicted == k)
        if len(theirs):
            row = np.zeros(n)
            row[ours], row[theirs] = 1 / len(ours), -1 / len(theirs)
            M += np.outer(row, row)
    A = np.diag(np.r_[np.ones(n_s), np.zeros(n - n_s)])
    Y = np.vstack([np.eye(c)[index], np.zeros((n - n_s, c))])
    B = (A + alignment * M / np.linalg.norm(M) + laplacian) @ kernel
    return np.linalg.solve(B + 0.1 * np.eye(n), A @ Y)


@pytest.mark.parametrize("rounds", [1, 3])
def test_the_low_rank_update_gives_the_papers_solution(rounds):
    kernel, laplacian, index = small_problem()
    predicted = np.roll(index, 2)
    ours = aligned_coefficients(kernel, laplacian, index, predicted, rounds=rounds)
    for _ in range(rounds):
        oracle = by_definition(kernel, laplacian, index, predicted)
        predicted = (kernel[len(index) :] @ oracle).argmax(axis=1)
    np.testing.assert_allclose(ours, oracle, atol=1e-8)


def test_a_class_without_predicted_target_items_is_not_aligned():
    kernel, laplacian, index = small_problem()
    predicted = np.zeros_like(index)
    ours = aligned_coefficients(kernel, laplacian, index, predicted, rounds=1)
    np.testing.assert_allclose(ours, by_definition(kernel, laplacian, index, predicted), atol=1e-8)


def test_the_default_start_is_the_solution_without_alignment():
    kernel, laplacian, index = small_problem()
    plain = by_definition(kernel, laplacian, index, np.zeros_like(index), alignment=0.0)
    start = (kernel[len(index) :] @ plain).argmax(axis=1)
    explicit = aligned_coefficients(kernel, laplacian, index, start, rounds=2)
    default = aligned_coefficients(kernel, laplacian, index, None, rounds=2)
    np.testing.assert_allclose(default, explicit, atol=1e-10)


def test_the_kernel_is_scikit_learns():
    X = moved_world().X
    np.testing.assert_allclose(gaussian_kernel(X, X[:4], 2.0), rbf_kernel(X, X[:4], gamma=0.5), atol=1e-10)


def test_the_laplacian_is_positive_semidefinite_with_a_positive_null_vector():
    both = normalize(np.abs(moved_world().X))
    L = neighbor_laplacian(both, 5)
    values, axes = np.linalg.eigh(L.toarray())
    np.testing.assert_allclose(L.toarray(), L.toarray().T)
    assert values[0] == pytest.approx(0, abs=1e-10)
    assert values[-1] <= 2
    assert (axes[:, 0] > 0).all() or (axes[:, 0] < 0).all()


def test_scores_are_a_weighted_sum_over_landmarks():
    model = KernelClassifier(
        np.arange(2), np.array([[0.0], [1.0]]), np.array([[1.0, 0], [0, 2.0]]), width=1.0, scale=1.0
    )
    e = np.exp(-1)
    np.testing.assert_allclose(model.decision_function(np.array([[0.0], [1.0]])), [2 * e - 1, 2 - e])


def test_labels_spread_along_a_chain_of_target_items():
    # Two arcs of a circle: the source holds their first parts, the target all of them.
    angle = np.linspace(0, 2.6, 80)
    arms = np.vstack([np.column_stack([np.cos(a), np.sin(a)]) for a in (angle, angle + np.pi)])
    truth = np.repeat([0, 1], 80)
    near = np.tile(angle < 0.5, 2)
    model = MEDA(n_components=2, n_neighbors=4, alignment=0.1, smoothness=30, normalize=None)
    model.fit(arms[near], truth[near], target=arms)
    assert model.score(arms, truth) > 0.95


def test_evenly_spaced_items_are_used_above_the_limit(monkeypatch):
    monkeypatch.setattr(meda, "MAX_ITEMS", 60)
    world = moved_world(n_each=40)
    model = MEDA(n_components=3).fit(world.X, world.y, target=world.target)
    assert len(model.model_.landmarks) == 60
    assert model.predict(world.target).shape == world.truth.shape


def test_zero_rounds_are_refused():
    world = moved_world()
    with pytest.raises(InputError, match="rounds must be at least 1; it is 0"):
        MEDA(rounds=0).fit(world.X, world.y, target=world.target)
