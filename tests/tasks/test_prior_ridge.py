"""Averaged ridge regression, compared with the density of the labels."""

import numpy as np
import pytest
from scipy.stats import multivariate_t

from anyshot.base.validation import generator
from anyshot.tasks.prior_ridge import (
    FLAT,
    ColumnPrior,
    SourceStatistics,
    Standardization,
    average_ridge,
    fit_source_ridge,
    source_priors,
)


@pytest.fixture
def sample():
    random = generator(0)
    Z, T = random.normal(size=(9, 4)), np.column_stack([np.ones(9), random.normal(size=9)])
    return Z, T, T @ [1.0, 2.0] + Z @ [1.0, 0, 0, 0] + random.normal(size=9)


def log_density(Z, T, y, prior, *, r, noise, noise_items):
    """Return log p(y) by the Student density, and the posterior means of c and v, from their definitions."""
    R, scale = np.diag(prior.variance), r / Z.shape[1]
    covariance = np.eye(len(y)) + T @ R @ T.T + scale * Z @ Z.T
    mean = T @ np.array(prior.mean)
    density = multivariate_t(loc=mean, shape=noise * covariance, df=noise_items).logpdf(y)
    gap = np.linalg.solve(covariance, y - mean)
    return density, np.array(prior.mean) + R @ T.T @ gap, scale * Z.T @ gap


def test_probabilities_and_effects_follow_the_definition(sample):
    priors = [
        ColumnPrior((0.0, 1.0), (0.5, 0.1), probability=0.7),
        ColumnPrior((1.0, 0.0), (2.0, 0.3), probability=0.3),
    ]
    strengths = np.array([0.1, 2.0])
    found = average_ridge(*sample, priors, strengths=strengths, noise=0.8, noise_items=3.0)
    cells = [(r, prior) for r in strengths for prior in priors]
    logs, effects, coef = zip(
        *[log_density(*sample, prior, r=r, noise=0.8, noise_items=3.0) for r, prior in cells], strict=True
    )
    weights = np.exp(logs) * [prior.probability / np.sqrt(1 + r) for r, prior in cells]
    weights /= weights.sum()
    np.testing.assert_allclose(found.column_effects, weights @ np.array(effects))
    np.testing.assert_allclose(found.coef, weights @ np.array(coef))
    np.testing.assert_allclose(found.probabilities, weights.reshape(2, 2).sum(axis=0))
    assert found.strength == pytest.approx(np.exp(weights @ np.log([r for r, _ in cells])))


def test_a_flat_prior_is_the_limit_of_a_wide_one(sample):
    Z, T, y = sample
    flat, wide = (
        average_ridge(Z, T[:, :1], y, [ColumnPrior((0.0,), (variance,))], strengths=np.ones(1), noise=1.0)
        for variance in (FLAT, 1e9)
    )
    np.testing.assert_allclose(flat.column_effects, wide.column_effects, rtol=1e-5)


def test_constant_features_are_not_scaled():
    rows = np.array([[1.0, 0.1], [3.0, 0.1], [9.0, 0.1]])
    scaling = Standardization.of(rows, np.array([1.0, 1.0, 0.0]))
    np.testing.assert_allclose(scaling.mean, [2.0, 0.1])
    np.testing.assert_allclose(scaling.std, [1.0, 1.0])
    np.testing.assert_allclose(scaling(rows)[:, 0], [-1, 1, 7])


def test_prior_probabilities_sum_to_one():
    priors = source_priors(SourceStatistics(10.0, 2.0, noise=1.0, noise_items=1.0))
    assert sum(prior.probability for prior in priors) == pytest.approx(1)
    assert priors[0].mean == (0.0, 2.0)
    assert priors[-1].mean == (0.0, 0.0)


def test_labels_equal_to_the_source_do_not_change_it():
    random = generator(0)
    rows, predicted = random.normal(size=(30, 3)), random.normal(size=30)
    source = SourceStatistics(0.0, 1.0, noise=0.01, noise_items=4.0)
    scaling = Standardization(np.zeros(3), np.ones(3))
    found = fit_source_ridge(rows, predicted, predicted, scaling, source=source, alpha=None)
    np.testing.assert_allclose(found(rows, predicted), predicted, atol=1e-6)
    assert found.source_weight == pytest.approx(1, abs=1e-6)
    assert found.source_probability > 0.999
