"""The Gaussian mixture with prior answers, against its formula written out."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.special import softmax
from scipy.stats import multivariate_normal

from anyshot.zero_shot.mixture import Labeled, effective_share, fit_mixture, log_density, share_offsets

NONE = Labeled(np.zeros((2, 3)), np.zeros(3), np.zeros(2))


@pytest.fixture
def pool():
    random = np.random.default_rng(0)
    y = np.repeat([0, 1], 20)
    U = np.array([[1.0, 0, 0], [0, 1.0, 0]])[y] + 0.3 * random.normal(size=(40, 3))
    prior = np.log(softmax(1.0 * np.eye(2)[y] + random.normal(size=(40, 2)), axis=1))
    near = np.argsort(((U[:, None] - U[None]) ** 2).sum(axis=2), axis=1)[:, 1:4]
    around = np.zeros((40, 40))
    np.put_along_axis(around, near, 1 / 3, axis=1)
    return U, prior, around, y


def test_one_round_is_the_formula_written_out(pool):
    U, prior, around, _ = pool
    found = fit_mixture(U, prior, csr_matrix(around), NONE, anchor=0.7, smoothness=2.0, balance=0.0, rounds=1)
    z = np.exp(prior) / np.exp(prior).sum(axis=1, keepdims=True)
    means = np.stack([(z[:, k, None] * U).sum(axis=0) / z[:, k].sum() for k in range(2)])
    variance = sum((z[:, k, None] * (U - means[k]) ** 2).sum(axis=0) for k in range(2)) / len(U)
    share = effective_share(U)
    for _ in range(2):
        density = np.stack([multivariate_normal(mean, np.diag(variance)).pdf(U) for mean in means], axis=1)
        z = density**share * np.exp(prior) ** 0.7 * np.exp(2.0 * around @ z)
        z = z / z.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.means, means)
    np.testing.assert_allclose(found.variance, variance)
    np.testing.assert_allclose(found.answers, z)


def test_the_pool_mends_wavering_answers(pool):
    U, prior, around, y = pool
    before = (prior.argmax(axis=1) == y).mean()
    after = (fit_mixture(U, prior, csr_matrix(around), NONE).answers.argmax(axis=1) == y).mean()
    assert before < 0.9 < after


def test_labeled_vectors_count_in_means_and_variance(pool):
    U, prior, around, y = pool
    sums = np.stack([U[y == k].sum(axis=0) for k in range(2)])
    told = Labeled(1e6 * sums, 1e6 * (U**2).sum(axis=0), 1e6 * np.bincount(y))
    found = fit_mixture(U, prior, csr_matrix(around), told)
    means = np.stack([U[y == k].mean(axis=0) for k in range(2)])
    np.testing.assert_allclose(found.means, means, atol=1e-4)
    np.testing.assert_allclose(found.variance, ((U - means[y]) ** 2).mean(axis=0), atol=1e-4)


def test_a_class_that_no_item_points_at_leaves_the_figures_finite(pool):
    U, _, around, _ = pool
    prior = np.column_stack([np.zeros(40), np.full(40, -800.0)])
    found = fit_mixture(U, prior, csr_matrix(around), NONE, balance=0.0)
    assert all(np.isfinite(part).all() for part in found)


def test_log_density_differs_from_scipys_by_what_classes_share():
    random = np.random.default_rng(0)
    X, means, variance = random.normal(size=(5, 3)), random.normal(size=(4, 3)), random.uniform(0.5, 2, size=3)
    full = np.stack([multivariate_normal(mean, np.diag(variance)).logpdf(X) for mean in means], axis=1)
    found = log_density(X, means, variance)
    np.testing.assert_allclose(found - found[:, :1], full - full[:, :1])


def test_features_that_repeat_each_other_count_once():
    X = np.random.default_rng(0).normal(size=(20_000, 1))
    assert effective_share(np.repeat(X, 4, axis=1)) == pytest.approx(0.25)
    assert effective_share(np.random.default_rng(1).normal(size=(20_000, 4))) == pytest.approx(1, abs=0.01)
    assert effective_share(np.ones((3, 2))) == 1


def test_offsets_draw_the_mean_answer_to_equal_shares():
    logits = np.random.default_rng(0).normal(size=(200, 4)) + np.array([2, 0, 0, -1])
    gap = {
        balance: np.abs(softmax(logits + share_offsets(logits, balance=balance), axis=1).mean(axis=0) - 0.25).max()
        for balance in (0.0, 0.5, 1.0)
    }
    assert gap[0.0] > gap[0.5] > gap[1.0]
    assert gap[1.0] < 0.05
    np.testing.assert_array_equal(share_offsets(logits, balance=0.0), np.zeros(4))
