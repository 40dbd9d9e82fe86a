"""Density-ratio weighting."""

import numpy as np
import pytest
from scipy.stats import norm, spearmanr
from sklearn.neighbors import KNeighborsClassifier

from anyshot.domain_adaptation.density_ratio import DensityRatioWeighting, density_ratio
from anyshot.errors import EffectiveSampleError, InputError
from anyshot.evaluation.intervals import effective_size


def covariate_shift(n=400, move=1.0):
    random = np.random.default_rng(0)
    return random.normal(size=(n, 1)), random.normal(move, 1, size=(n, 1))


def test_the_ratio_matches_known_densities():
    source, target = covariate_shift(n=3000)
    oracle = norm.pdf(source[:, 0], 1) / norm.pdf(source[:, 0], 0)
    weights = density_ratio(source, target)
    assert weights.mean() == pytest.approx(1)
    middle = np.abs(source[:, 0]) < 1.5
    np.testing.assert_allclose(weights[middle], (oracle / oracle.mean())[middle], rtol=0.25)


def test_exponent_0_gives_uniform_weights():
    source, target = covariate_shift()
    np.testing.assert_allclose(density_ratio(source, target, exponent=0.0), 1)
    half, whole = (density_ratio(source, target, exponent=power) for power in (0.5, 1.0))
    assert effective_size(half) > effective_size(whole)
    assert spearmanr(half, whole).statistic == pytest.approx(1)


def test_the_order_of_the_source_hardly_changes_the_weights():
    source, target = covariate_shift()
    order = np.argsort(source[:, 0])
    np.testing.assert_allclose(density_ratio(source[order], target), density_ratio(source, target)[order], rtol=0.5)


def test_domains_that_hardly_overlap_are_refused():
    source, target = covariate_shift(move=8.0)
    y = (source[:, 0] > 0).astype(int)
    with pytest.raises(EffectiveSampleError, match=r"sample size is \d+\.\d of 400 source items.*keep the source"):
        DensityRatioWeighting().fit(source, y, target=target)


def rule(X):
    return ((X[:, 0] > 0) & (X[:, 0] < 1.5)).astype(int)


def test_weighting_improves_the_model_where_the_target_is():
    # The label changes at 0 and at 1.5; a linear model can fit only one of the two.
    random = np.random.default_rng(0)
    source, target = random.normal(size=(600, 1)), random.normal(1.5, 0.6, size=(300, 1))
    model = DensityRatioWeighting(min_sample_fraction=0.0).fit(source, rule(source), target=target)
    plain = DensityRatioWeighting().fit(source, rule(source))
    assert model.score(target, rule(target)) > plain.score(target, rule(target)) + 0.1
    assert model.effective_sample_size_ == pytest.approx(effective_size(model.weights_))


def test_a_base_that_takes_no_weights_is_refused():
    source, target = covariate_shift()
    y = (source[:, 0] > 0).astype(int)
    with pytest.raises(InputError, match="sample_weight"):
        DensityRatioWeighting(base=KNeighborsClassifier(1)).fit(source, y, target=target)
