import numpy as np
import pytest

from anyshot.domain_adaptation.transfer_evidence import (
    agreement,
    class_weights,
    deep_embedded_validation,
    soft_neighbourhood_density,
    weighted_accuracy,
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


def test_a_wrong_answer_costs_its_weight():
    assert weighted_accuracy(np.array([True, False]), np.array([3.0, 1.0])) == 0.75


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


def test_density_grows_with_the_number_of_neighbours_alike():
    pairs = np.eye(4)[[0, 0, 1, 1, 2, 2, 3, 3]]
    crowd = np.eye(4)[[0, 0, 0, 0, 1, 1, 1, 1]]
    assert soft_neighbourhood_density(pairs) == pytest.approx(0, abs=1e-3)
    assert soft_neighbourhood_density(crowd) == pytest.approx(np.log(3), abs=1e-3)
