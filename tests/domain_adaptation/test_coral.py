"""CORAL: the formula, its limits, and a shifted target."""

import numpy as np
import pytest
from scipy.linalg import fractional_matrix_power
from sklearn.linear_model import LogisticRegression

from anyshot.domain_adaptation.coral import CORAL, coral_map
from domain_adaptation.worlds import moved_world


def test_the_map_is_the_papers_formula_on_z_scores():
    random = np.random.default_rng(0)
    source, target = random.normal(size=(60, 4)) @ random.normal(size=(4, 4)), random.normal(size=(50, 4))
    source, target = ((X - X.mean(axis=0)) / X.std(axis=0) for X in (source, target))
    C_s, C_t = np.cov(source.T) + np.eye(4), np.cov(target.T) + np.eye(4)
    oracle = fractional_matrix_power(C_s, -0.5) @ fractional_matrix_power(C_t, 0.5)
    np.testing.assert_allclose(coral_map(source, target), oracle, atol=1e-8)


def test_without_a_ridge_the_transformed_source_has_the_targets_covariance():
    world = moved_world()
    moved = (world.X - world.X.mean(axis=0)) @ coral_map(world.X, world.target, ridge=0.0)
    np.testing.assert_allclose(np.cov(moved.T), np.cov(world.target.T), atol=1e-6)


def test_the_map_between_equal_domains_is_the_identity():
    X = moved_world().X
    np.testing.assert_allclose(coral_map(X, X), np.eye(6), atol=1e-8)


def test_a_single_feature_is_scaled_by_the_ratio_of_standard_deviations():
    source, target = np.array([[-1.0], [1.0]]), np.array([[-3.0], [3.0]])
    np.testing.assert_allclose(coral_map(source, target, ridge=0.0), [[3.0]])


def test_the_scale_of_all_vectors_does_not_change_the_map():
    world = moved_world()
    np.testing.assert_allclose(
        coral_map(100 * world.X, 100 * world.target), coral_map(world.X, world.target), atol=1e-8
    )


def test_a_constant_feature_without_a_ridge_gives_a_finite_map():
    source = np.column_stack([np.arange(5.0), np.ones(5)])
    assert np.isfinite(coral_map(source, source, ridge=0.0)).all()


@pytest.mark.parametrize("shift", [0.0, 5.0])
def test_a_scaled_and_shifted_target_is_classified_as_well_as_the_source(shift):
    world = moved_world(n_each=60, shift=shift)
    model = CORAL(normalize=None, ridge=1e-3).fit(world.X, world.y, target=world.target)
    assert model.score(world.target, world.truth) > 0.95


def test_a_fit_that_fails_leaves_the_earlier_model():
    X = np.arange(12.0).reshape(6, 2)
    model = CORAL().fit(X, ["a", "b"] * 3, target=X)
    before = model.predict(X).tolist()
    model.base = LogisticRegression(C=-1)
    with pytest.raises(ValueError, match="'C' parameter"):
        model.fit(X, ["c", "d"] * 3, target=X)
    assert model.predict(X).tolist() == before
