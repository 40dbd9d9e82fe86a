"""Class shares of a pool: expectation maximization, offsets, and the evidence that classes are clusters."""

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import multivariate_normal

from anyshot.base.validation import generator
from anyshot.zero_shot.class_shares import (
    cluster_evidence,
    distance_from_mixtures,
    equal_shares,
    likely_shares,
    reliability_of,
    share_offsets,
    shares_by_clusters,
    whiten,
)

SHARES = np.array([0.7, 0.2, 0.1])


def simulated(shares, n, *, seed=0):
    """Return scores of a calibrated, balanced model on a pool with the given class shares, and the classes."""
    random = generator(seed)
    y = random.choice(len(shares), size=n, p=shares)
    x = np.eye(len(shares))[y] * 2 + random.normal(size=(n, len(shares)))
    return 2 * x, y  # log p(x | k) = 2 x_k + a constant


def found(scores, *, prior_count=0.0, rounds=50, expected=None):
    equal = equal_shares(scores.shape[1])
    return likely_shares(scores, equal, expected=expected, prior_count=prior_count, rounds=rounds)


# --- distance of a pool from mixtures of class means ---


def test_the_distance_of_a_pool_by_hand():
    vectors = np.array([[0.0, 0], [0, 0], [4, 0], [4, 0]])  # the means are (0, 0) and (4, 0), the variance is 4
    pool = np.array([[1.0, 1], [1, 1]])  # nearest to the mixture (1, 0), with shares of 3/4 and 1/4
    distance, chance = distance_from_mixtures(pool, vectors, np.array([0, 0, 1, 1]))
    assert chance == pytest.approx((9 / 16 + 1 / 16) / 2 + 1 / 2)
    assert distance == pytest.approx(1 / 4 - chance)


def test_a_mixture_has_no_negative_share():
    vectors, pool = np.array([[0.0, 0], [2, 0]]), np.array([[4.0, 0]])  # beyond the second class, on the same line
    distance, chance = distance_from_mixtures(pool, vectors, np.array([0, 1]))
    assert distance + chance == pytest.approx(4 / 1)


def test_a_pool_whose_mean_is_that_of_every_class_has_no_distance():
    vectors, classes = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]]), np.array([0, 0, 1, 1])
    distance, chance = distance_from_mixtures(vectors, vectors, classes)
    assert distance + chance == 0


@pytest.mark.parametrize("n_each", [1, 3, 20])
@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.95, 0.05)])
def test_other_shares_are_not_another_distribution_but_moved_items_are(n_each, shares):
    random = generator(n_each)
    means = 2 * np.eye(30)[:2]

    def items(y):
        return means[y] + random.normal(size=(len(y), 30))

    known, y = np.repeat([0, 1], n_each), random.choice(2, size=400, p=shares)
    vectors, pool = items(known), items(y)
    own, chance = distance_from_mixtures(pool, vectors, known)
    moved, _ = distance_from_mixtures(pool + 2 * np.eye(30)[2:6].sum(axis=0), vectors, known)
    assert own < max(0.1, chance) / 2
    assert moved > max(0.1, own + 0.2)


# --- expectation maximization ---


def test_a_step_solved_by_hand():
    scores = np.log([[3.0, 1.0], [1.0, 1.0]])  # at equal shares the probabilities are 3/4, 1/4 and 1/2, 1/2
    np.testing.assert_allclose(found(scores, rounds=1), [0.625, 0.375])
    np.testing.assert_allclose(
        found(scores, rounds=1, prior_count=1.0, expected=np.array([0.1, 0.9])), [0.3625, 0.6375]
    )


def test_expectation_maximization_finds_the_class_shares():
    scores, _ = simulated(SHARES, 2000)
    assert abs(softmax(scores, axis=1).mean(axis=0)[0] - 0.7) > 0.04
    np.testing.assert_allclose(found(scores), SHARES, atol=0.03)


def test_accuracy_is_higher_at_the_pool_shares():
    scores, y = simulated(SHARES, 2000)
    adjusted, plain = ((one.argmax(axis=1) == y).mean() for one in (scores + np.log(found(scores)), scores))
    assert adjusted > plain


def test_a_large_prior_count_gives_the_expected_shares():
    scores, _ = simulated(SHARES, 500)
    expected = np.array([0.2, 0.3, 0.5])
    none, some, all_ = (found(scores, prior_count=n, expected=expected) for n in (0, 1, 1e6))
    assert none[0] > some[0] > all_[0]
    np.testing.assert_allclose(all_, expected, atol=1e-4)


def test_a_constant_added_to_the_scores_of_an_item_has_no_effect():
    scores, _ = simulated(SHARES, 100)
    shifted = scores + generator(3).normal(size=(100, 1)) * 50
    np.testing.assert_allclose(found(shifted), found(scores), atol=1e-9)


# --- offsets ---


def test_offsets_make_the_mean_prediction_equal_to_the_shares():
    scores, _ = simulated(SHARES, 300)
    wanted = np.array([0.2, 0.5, 0.3])
    offsets = share_offsets(scores, wanted, rounds=200)
    np.testing.assert_allclose(softmax(scores + offsets, axis=1).mean(axis=0), wanted, atol=1e-6)


def test_without_balance_there_are_no_offsets_and_shares_are_equal_by_default():
    scores, _ = simulated(SHARES, 300)
    assert not share_offsets(scores, balance=0).any()
    offsets = share_offsets(scores, rounds=200)
    np.testing.assert_allclose(softmax(scores + offsets, axis=1).mean(axis=0), equal_shares(3), atol=1e-6)


# --- reliability ---


def test_equal_shares_are_not_reliable_and_extreme_shares_nearly_are():
    assert reliability_of(equal_shares(4), noise=0.02) == reliability_of(equal_shares(4), noise=0) == 0
    assert reliability_of(np.array([0.999, 0.001]), noise=0.02) > 0.95
    assert reliability_of(SHARES, noise=0) == 1


def test_the_reliability_of_two_shares_by_hand():
    divergence = 0.75 * np.log(0.75 * 2) + 0.25 * np.log(0.25 * 2)
    assert reliability_of(np.array([0.75, 0.25]), noise=0.1) == pytest.approx(divergence / (divergence + 0.1))


# --- clusters ---


def two_clusters(n=600, *, share=0.9, apart=6.0, width=4):
    random = generator(1)
    y = (np.arange(n) >= share * n).astype(int)
    X = random.normal(size=(n, width))
    X[:, 0] += apart * y
    return X, y


def test_whitened_components_have_the_identity_as_covariance():
    X, _ = two_clusters()
    Z = whiten(X @ generator(2).normal(size=(4, 4)))
    assert Z.shape == (600, 4)
    np.testing.assert_allclose(Z.T @ Z / len(Z), np.eye(4), atol=1e-8)


@pytest.mark.parametrize(("n", "width"), [(600, 3), (25, 2), (9, 1)])
def test_there_is_at_most_one_component_for_ten_vectors(n, width):
    assert whiten(generator(0).normal(size=(n, 3))).shape == (n, width)


def test_the_evidence_is_a_difference_of_log_likelihoods():
    X, y = two_clusters()
    Z, P = whiten(X), np.eye(2)[y] * 0.8 + 0.1
    shares = P.mean(axis=0)
    means = P.T @ Z / P.sum(axis=0)[:, None]
    within = 1.001 * np.eye(4) - (means.T * shares) @ means
    mixture = sum(p * multivariate_normal(m, within).pdf(Z) for p, m in zip(shares, means, strict=True))
    one = multivariate_normal(np.zeros(4), np.eye(4)).logpdf(Z)
    evidence, responsibilities = cluster_evidence(Z, P)
    assert evidence == pytest.approx(float((np.log(mixture) - one).mean()), abs=1e-9)
    np.testing.assert_allclose(responsibilities.sum(axis=1), 1)


def test_halves_of_one_cluster_give_no_evidence_and_two_clusters_do():
    one = whiten(generator(0).normal(size=(2000, 3)))
    halves = (one[:, :1] > 0).astype(float)
    assert abs(cluster_evidence(one, np.hstack([halves, 1 - halves]) * 0.6 + 0.2)[0]) < 0.02
    X, y = two_clusters()
    assert cluster_evidence(whiten(X), np.eye(2)[y])[0] > 0.2


def test_the_evidence_does_not_depend_on_the_order_of_classes():
    X, y = two_clusters()
    Z, P = whiten(X), np.eye(2)[y] * 0.8 + 0.1
    assert cluster_evidence(Z, P)[0] == pytest.approx(cluster_evidence(Z, P[:, ::-1])[0], abs=1e-12)


def test_shares_of_clear_clusters_are_found_from_even_probabilities():
    X, y = two_clusters()
    P = softmax(np.stack([np.zeros(len(X)), X[:, 0] - 2], axis=1), axis=1)
    assert P.mean(axis=0)[1] > 0.2
    np.testing.assert_allclose(shares_by_clusters(whiten(X), P), 0.95 * np.bincount(y) / len(y) + 0.025, atol=0.01)
