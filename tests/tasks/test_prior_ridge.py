"""Averaged ridge: its evidence is the density of the labels, its answers those of the model written out."""

import numpy as np
import pytest
from scipy.stats import multivariate_t

from anyshot.base.validation import generator
from anyshot.tasks.prior_ridge import FLAT, Prior, Scaling, SourceBelief, average_ridge, ridge_effects, source_priors


@pytest.fixture
def drawn():
    random = generator(0)
    Z, T = random.normal(size=(9, 4)), np.column_stack([np.ones(9), random.normal(size=9)])
    return Z, T, T @ [1.0, 2.0] + Z @ [1.0, 0, 0, 0] + random.normal(size=9)


def log_density(Z, T, y, prior, *, r, noise, noise_items):
    """Return log p(y), Student's, with all else integrated out; and the mean of (c, v), both from their definition."""
    R, scale = np.diag(prior.variance), r / Z.shape[1]
    covariance = np.eye(len(y)) + T @ R @ T.T + scale * Z @ Z.T
    mean = T @ np.array(prior.mean)
    density = multivariate_t(loc=mean, shape=noise * covariance, df=noise_items).logpdf(y)
    gap = np.linalg.solve(covariance, y - mean)
    return density, np.array(prior.mean) + R @ T.T @ gap, scale * Z.T @ gap


def test_beliefs_and_effects_are_those_of_the_model_written_out(drawn):
    priors = [Prior((0.0, 1.0), (0.5, 0.1), belief=0.7), Prior((1.0, 0.0), (2.0, 0.3), belief=0.3)]
    strengths = np.array([0.1, 2.0])
    found = average_ridge(*drawn, priors, strengths=strengths, noise=0.8, noise_items=3.0)
    cells = [(r, prior) for r in strengths for prior in priors]
    logs, coarse, coef = zip(
        *[log_density(*drawn, prior, r=r, noise=0.8, noise_items=3.0) for r, prior in cells], strict=True
    )
    weights = np.exp(logs) * [prior.belief / np.sqrt(1 + r) for r, prior in cells]
    weights /= weights.sum()
    np.testing.assert_allclose(found.coarse, weights @ np.array(coarse))
    np.testing.assert_allclose(found.coef, weights @ np.array(coef))
    np.testing.assert_allclose(found.beliefs, weights.reshape(2, 2).sum(axis=0))
    assert found.strength == pytest.approx(np.exp(weights @ np.log([r for r, _ in cells])))


def test_a_flat_column_is_the_limit_of_a_wide_one(drawn):
    Z, T, y = drawn
    flat, wide = (
        average_ridge(Z, T[:, :1], y, [Prior((0.0,), (variance,))], strengths=np.ones(1), noise=1.0)
        for variance in (FLAT, 1e9)
    )
    np.testing.assert_allclose(flat.coarse, wide.coarse, rtol=1e-5)


def test_a_constant_feature_is_not_scaled_and_the_others_are():
    rows = np.array([[1.0, 0.1], [3.0, 0.1], [9.0, 0.1]])
    scaling = Scaling.of(rows, np.array([1.0, 1.0, 0.0]))
    np.testing.assert_allclose(scaling.center, [2.0, 0.1])
    np.testing.assert_allclose(scaling.spread, [1.0, 1.0])
    np.testing.assert_allclose(scaling(rows)[:, 0], [-1, 1, 7])


def test_beliefs_before_the_labels_sum_to_one():
    priors = source_priors(SourceBelief(10.0, 2.0, noise=1.0, noise_items=1.0))
    assert sum(prior.belief for prior in priors) == pytest.approx(1)
    assert priors[0].mean == (10.0, 2.0)
    assert priors[-1].mean == (10.0, 0.0)


def test_labels_that_agree_with_the_source_leave_it_as_it_is():
    random = generator(0)
    rows, answers = random.normal(size=(30, 3)), random.normal(size=30)
    belief = SourceBelief(0.0, 1.0, noise=0.01, noise_items=4.0)
    scaling = Scaling(np.zeros(3), np.ones(3))
    found = ridge_effects(rows, answers, answers, scaling, source=belief, alpha=None)
    np.testing.assert_allclose(found(rows, answers), answers, atol=1e-6)
    assert found.share == pytest.approx(1, abs=1e-6)
    assert found.belief > 0.999
