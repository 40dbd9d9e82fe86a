import numpy as np
import pytest
from scipy.sparse import csr_array

from anyshot.domain_adaptation.transfer_evidence import (
    agreement,
    class_weights,
    deep_embedded_validation,
    neighbors_alike,
    neighbors_of,
    soft_neighborhood_density,
)


def test_agreement_counts_the_items_that_both_fits_saw():
    one = np.array([0, 1, 2]), np.array([5, 5, 6])
    other = np.array([1, 2, 3]), np.array([5, 7, 7])
    assert agreement([one, other]) == 0.5


def test_agreement_is_the_mean_over_pairs():
    fits = [(np.arange(2), np.array(said)) for said in ([0, 0], [0, 0], [1, 0])]
    assert agreement(fits) == pytest.approx((1 + 0.5 + 0.5) / 3)


def test_fits_that_saw_nothing_in_common_say_nothing():
    assert np.isnan(agreement([(np.array([0]), np.array([1])), (np.array([1]), np.array([1]))]))


def test_the_nearest_are_found_by_angle_between_z_scores():
    table = np.array([[1.0, 100], [2.0, 100], [-1.0, 100], [-2.0, 100]], dtype=np.float32)  # the second tells nothing
    near = neighbors_of(np.repeat(table, 6, axis=0))
    sides = np.repeat([0, 0, 1, 1], 6)
    assert near.shape == (24, 10)
    np.testing.assert_array_equal(sides[near], np.repeat(sides[:, None], 10, axis=1))
    np.testing.assert_array_equal([row in others for row, others in enumerate(near)], False)


def test_a_sparse_table_has_the_neighbors_of_its_scaled_rows():
    rows = np.random.default_rng(0).poisson(1.0, size=(30, 6)).astype(np.float32)
    scaled = rows / np.sqrt(np.square(rows).mean(axis=0))
    scaled /= np.linalg.norm(scaled, axis=1, keepdims=True)
    cosine = scaled @ scaled.T - 9 * np.eye(30)
    for row, found in enumerate(neighbors_of(csr_array(rows))):
        np.testing.assert_allclose(np.sort(cosine[row, found]), np.sort(cosine[row])[-10:], atol=1e-5)


def test_few_items_have_few_neighbors():
    assert neighbors_of(np.eye(3, dtype=np.float32)).shape == (3, 2)


def test_likeness_of_neighbors_is_kappa():
    classes, neighbors = np.array([0, 0, 1, 1]), np.array([[1], [0], [3], [0]])
    # Three of four are alike; by chance it would be one half.
    assert neighbors_alike(classes, neighbors) == pytest.approx((0.75 - 0.5) / 0.5)


def test_answers_at_random_and_answers_all_alike_say_nothing():
    random = np.random.default_rng(0)
    neighbors = random.integers(4000, size=(4000, 10))
    assert neighbors_alike(random.integers(3, size=4000), neighbors) == pytest.approx(0, abs=0.02)
    assert neighbors_alike(np.ones(4000, dtype=int), neighbors) == 0


def test_class_weights_give_the_source_the_targets_shares():
    index = np.array([0, 0, 0, 1])
    weights = class_weights(np.eye(2)[index], index, np.eye(2)[[0, 1, 1, 1, 1]])
    np.testing.assert_allclose(weights, [0.2 / 0.75] * 3 + [0.8 / 0.25])
    np.testing.assert_allclose(weights[index == 1].sum() / weights.sum(), 0.8)


def test_equal_weights_leave_the_mean_loss():
    assert deep_embedded_validation(np.array([1.0, 3.0]), np.ones(2)) == pytest.approx(2)


def test_the_control_variate_takes_away_what_the_weights_alone_explain():
    weights = np.array([0.5, 1.0, 2.0, 3.0])
    # A loss of 2 everywhere: whatever the weights, the risk is 2; weighting alone would say 2 * 1.625.
    assert deep_embedded_validation(np.full(4, 2.0), weights) == pytest.approx(2)


def test_density_grows_with_the_number_of_neighbors_alike():
    pairs = np.eye(4)[[0, 0, 1, 1, 2, 2, 3, 3]]
    crowd = np.eye(4)[[0, 0, 0, 0, 1, 1, 1, 1]]
    assert soft_neighborhood_density(pairs) == pytest.approx(0, abs=1e-3)
    assert soft_neighborhood_density(crowd) == pytest.approx(np.log(3), abs=1e-3)
