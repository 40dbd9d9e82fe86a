"""Refinement of class vectors on unlabeled vectors, and the Wiener filter."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax

from anyshot.base.validation import generator, unit
from anyshot.zero_shot import pool_refinement
from anyshot.zero_shot.pool_refinement import (
    Pool,
    agreement,
    label_gain,
    make_pool,
    prior_weight_for,
    probabilities_at_pool_shares,
    refine,
    wiener_filter,
)


def clusters(centers, n_each, *, noise=0.1, seed=0):
    random = generator(seed)
    y = np.repeat(np.arange(len(centers)), n_each)
    spread = noise * random.normal(size=(len(y), len(centers[0])))
    return unit(np.asarray(centers)[y] + spread), y


# --- the pool ---------------------------------------------------------------------------------------------------------


def test_neighbors_are_the_nearest_other_vectors():
    angles = np.radians([0, 10, 30, 90, 95])
    pool = make_pool(np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32), n_neighbors=1)
    assert pool.neighbors.ravel().tolist() == [1, 0, 1, 4, 3]


def test_neighbors_do_not_depend_on_blocks_of_rows():
    vectors = unit(generator(0).normal(size=(1100, 4)))
    similarity = vectors @ vectors.T - 2 * np.eye(1100)
    assert (make_pool(vectors, n_neighbors=1).neighbors.ravel() == similarity.argmax(axis=1)).all()


@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_pool_may_be_smaller_than_the_neighborhood(size):
    pool = make_pool(np.eye(5, dtype=np.float32)[:size])
    assert pool.neighbors.shape == (size, max(1, size - 1))


def test_a_large_pool_is_reduced_to_evenly_spaced_vectors(monkeypatch):
    monkeypatch.setattr(pool_refinement, "POOL_LIMIT", 3)
    vectors = unit(np.column_stack([np.arange(1.0, 10), np.ones(9)]))
    np.testing.assert_array_equal(make_pool(vectors).vectors, vectors[[0, 4, 8]])


@pytest.mark.parametrize(
    ("own", "mixed"), [(0.5, [[0.5, 0.5], [0.25, 0.75], [0.25, 0.75]]), (0.9, [[0.9, 0.1], [0.05, 0.95], [0.05, 0.95]])]
)
def test_smoothing_mixes_probabilities_with_those_of_the_neighbors(own, mixed):
    pool = Pool(np.eye(3, dtype=np.float32), np.array([[1, 2], [0, 2], [0, 1]]), neighbor_weight=1 - own)
    np.testing.assert_allclose(pool.smooth(np.array([[1.0, 0], [0, 1.0], [0, 1.0]]), rounds=1), mixed)


def test_smoothed_probabilities_sum_to_one():
    pool = make_pool(unit(generator(0).normal(size=(40, 5))))
    smoothed = pool.smooth(generator(1).dirichlet(np.ones(3), size=40))
    np.testing.assert_allclose(smoothed.sum(axis=1), 1)


# --- refinement -------------------------------------------------------------------------------------------------------


def test_class_vectors_move_to_the_clusters_they_point_at():
    centers = np.eye(3)
    U, y = clusters(centers, 20)
    names = unit(centers + 0.7 * np.roll(centers, 1, axis=0))  # 35 degrees off
    refined = refine(names, make_pool(U))
    assert ((refined.class_vectors * centers).sum(axis=1) > 0.97).all()
    np.testing.assert_array_equal(refined.probabilities.argmax(axis=1), y)
    np.testing.assert_allclose(refined.probabilities.sum(axis=1), 1, atol=1e-5)


def test_class_vectors_do_not_move_at_a_prior_weight_of_one():
    U, _ = clusters(np.eye(3), 20)
    names = unit(generator(0).normal(size=(3, 3)))
    np.testing.assert_allclose(refine(names, make_pool(U), prior_weight=1.0).class_vectors, names, atol=1e-6)


def test_every_round_pulls_back_to_the_given_class_vectors():
    names, cluster = np.eye(3, dtype=np.float32)[:2], np.eye(3, dtype=np.float32)[2]
    refined = refine(names, make_pool(np.tile(cluster, (5, 1))), prior_weight=0.5)
    np.testing.assert_allclose(refined.class_vectors, unit(names + cluster), atol=1e-6)


def test_permuting_classes_permutes_the_refinement():
    U, _ = clusters(np.eye(4), 15, noise=0.4)
    names, order = unit(generator(0).normal(size=(4, 4)) + 2 * np.eye(4)), [3, 1, 0, 2]
    straight, mixed = refine(names, make_pool(U)), refine(names[order], make_pool(U))
    np.testing.assert_allclose(mixed.class_vectors, straight.class_vectors[order], atol=1e-4)


def test_labeled_vectors_pull_their_class_vector():
    U, _ = clusters(np.eye(3), 20)
    names = unit(np.ones((3, 3)) + 0.01 * np.eye(3))
    labeled_sums = 200 * np.eye(3)[[1, 2, 0]]  # class 0 is labeled in the second cluster
    refined = refine(names, make_pool(U), labeled_sums=labeled_sums)
    np.testing.assert_array_equal((refined.class_vectors @ np.eye(3)).argmax(axis=1), [1, 2, 0])


def test_balance_moves_mean_probabilities_to_the_given_shares():
    U, _ = clusters(np.eye(2), 30, noise=0.8)
    names, pool = unit(np.array([[1.0, 0.9], [0.9, 1.0]])), replace(make_pool(U), temperature=1 / 8)
    gap = {
        balance: abs(refine(names, pool, balance=balance, shares=[0.8, 0.2]).probabilities[:, 0].mean() - 0.8)
        for balance in (0.0, 0.5, 1.0)
    }
    assert gap[1.0] < gap[0.5] < gap[0.0]


def test_shares_are_equal_by_default():
    U, _ = clusters(np.eye(2), 30, noise=0.8)
    names, pool = unit(np.array([[1.0, 0.9], [0.9, 1.0]])), make_pool(U)
    default, equal = refine(names, pool), refine(names, pool, shares=[0.5, 0.5])
    np.testing.assert_array_equal(default.class_vectors, equal.class_vectors)


# --- assigning clusters to classes again ------------------------------------------------------------------------------


def two_names_for_one_cluster(*, lengths):
    """Return class vectors (2, 4) that both point at the second of two clusters, and the clusters (40, 4)."""
    U, _ = clusters(np.eye(4)[:2], 20)
    names = unit(np.array([[0.30, 0.40, 0.8, 0.0], [0.30, 0.41, 0.0, 0.8]]))
    return names * np.asarray(lengths, dtype=np.float32)[:, None], U


def predictions_by_cluster(refined):
    return refined.probabilities[[0, -1]].argmax(axis=1).tolist()


@pytest.mark.parametrize(("lengths", "expected"), [((1, 3), [0, 1]), ((3, 1), [1, 0])])
def test_the_longer_of_two_class_vectors_gets_the_cluster_that_both_point_at(lengths, expected):
    names, U = two_names_for_one_cluster(lengths=lengths)
    assert predictions_by_cluster(refine(names, make_pool(U))) == expected


def test_k_means_alone_does_not_exchange_clusters():
    names, U = two_names_for_one_cluster(lengths=(3, 1))
    assert predictions_by_cluster(refine(names, make_pool(U), max_reassignments=0)) == [0, 1]


def test_the_mean_length_of_class_vectors_has_no_effect():
    names, U = two_names_for_one_cluster(lengths=(3, 1))
    once, more = refine(names, make_pool(U)), refine(7 * names, make_pool(U))
    np.testing.assert_allclose(more.class_vectors, once.class_vectors, atol=1e-5)


def test_clusters_are_not_assigned_again_where_shares_are_given():
    names, U = two_names_for_one_cluster(lengths=(3, 1))
    assert predictions_by_cluster(refine(names, make_pool(U), shares=[0.5, 0.5])) == [0, 1]


def test_a_class_with_a_label_keeps_its_cluster():
    names, U = two_names_for_one_cluster(lengths=(3, 1))
    label = np.array([3.0, 0, 0, 0], dtype=np.float32)  # the class of the longer vector is labeled in the first cluster
    assert predictions_by_cluster(refine(names, make_pool(U), labeled_sums=np.stack([label, 0 * label]))) == [0, 1]


def test_a_class_vector_of_zeros_gets_the_cluster_that_is_left():
    U, y = clusters(np.eye(3), 20)
    names = np.array([[1, 0, 0], [0, 0, 0], [0, 0, 1]], dtype=np.float32)
    np.testing.assert_array_equal(refine(names, make_pool(U)).probabilities.argmax(axis=1), y)


def test_class_vectors_of_zeros_alone_give_finite_probabilities():
    U, _ = clusters(np.eye(3), 5)
    assert np.isfinite(refine(np.zeros((3, 3), np.float32), make_pool(U)).probabilities).all()


# --- agreement --------------------------------------------------------------------------------------------------------


def test_identical_class_vectors_agree_on_everything():
    U, _ = clusters(np.eye(3), 20, noise=0.5)
    names = np.eye(3, dtype=np.float32)
    assert agreement(names, names, make_pool(U)) == 1


def test_exchanged_class_vectors_agree_on_nothing():
    U, _ = clusters(np.eye(2), 20)
    names = np.eye(2, dtype=np.float32)
    assert agreement(names, names[::-1].copy(), make_pool(U)) == 0


def test_agreement_does_not_count_the_mean_score_of_a_class():
    U, _ = clusters([[1, 0, 1, 0], [0, 1, 1, 0]], 10, noise=0.05)
    names = unit(np.array([[1.0, 0, 0, 1], [0, 1, 5, 0]]))  # the second lies along what all items share
    assert ((U @ names.T).argmax(axis=1) == 1).all()
    assert agreement(names, np.eye(4, dtype=np.float32)[:2], make_pool(U), top=1.0) == 1


def test_agreement_compares_the_most_confident_predictions_only():
    names = np.eye(2, dtype=np.float32)
    pool = make_pool(unit(np.array([[1.0, 0], [0, 1.0], [1.0, 0.9], [0.9, 1.0]])))
    refined = unit(np.array([[1.0, 0.8], [0.3, 1.0]]))  # changes the predictions for the third and the fourth only
    assert agreement(names, refined, pool, top=0.5) == 1
    assert agreement(names, refined, pool, top=1.0) < 1


@pytest.mark.parametrize(("agreed", "weight"), [(1, 0.2), (0.95, 0.2), (0.9, 0.4), (0.85, 0.6), (0, 0.6)])
def test_the_prior_weight_grows_as_the_agreement_falls(agreed, weight):
    assert prior_weight_for(agreed, weak=0.2, strong=0.6, low=0.85, high=0.95) == pytest.approx(weight)


# --- comparing class vectors on labels ------------------------------------------------------------------------------

SCALES = (0, 2, 10, 45, 90)


def test_orthogonal_class_vectors_that_are_right_gain_log_two_per_label():
    S = np.eye(2, dtype=np.float32)
    assert label_gain(S, S, np.array([0, 1]), scales=SCALES) == pytest.approx(2 * np.log(2))


def test_class_vectors_that_are_wrong_or_equal_gain_nothing():
    S = np.eye(2, dtype=np.float32)
    assert label_gain(S, S, np.array([1, 0]), scales=SCALES) == pytest.approx(0)
    assert label_gain(S, unit(np.ones((2, 2))), np.array([0, 1]), scales=SCALES) == pytest.approx(0)


def test_each_labeled_class_counts_the_same():
    S = np.eye(2, dtype=np.float32)
    X, y = S[[0, 0, 0, 0]], np.array([0, 0, 0, 1])  # the only label of the other class is wrong
    assert label_gain(S, X, y, scales=SCALES) == pytest.approx(0)


def test_without_labels_class_vectors_gain_nothing():
    S = np.eye(2, dtype=np.float32)
    assert label_gain(S, S[:0], np.zeros(0, np.intp), scales=SCALES) == 0


# --- class shares of the pool -----------------------------------------------------------------------------------------


def simulated(shares, n, *, seed=0):
    """Return scores of a calibrated, balanced model on a pool with the given class shares, and the classes."""
    random = generator(seed)
    y = random.choice(len(shares), size=n, p=shares)
    x = np.eye(len(shares))[y] * 2 + random.normal(size=(n, len(shares)))
    return 2 * x, y  # log p(x | k) = 2 x_k + a constant


def test_expectation_maximization_finds_the_class_shares():
    scores, _ = simulated([0.7, 0.2, 0.1], 2000)
    assert abs(softmax(scores, axis=1).mean(axis=0)[0] - 0.7) > 0.04
    found = probabilities_at_pool_shares(scores, prior_count=0).mean(axis=0)
    np.testing.assert_allclose(found, [0.7, 0.2, 0.1], atol=0.03)


def test_accuracy_is_higher_at_the_pool_shares():
    scores, y = simulated([0.7, 0.2, 0.1], 2000)
    adjusted, plain = ((p.argmax(axis=1) == y).mean() for p in (probabilities_at_pool_shares(scores), scores))
    assert adjusted > plain


def test_the_prior_count_moves_the_shares_to_equality():
    scores, _ = simulated([0.7, 0.2, 0.1], 500)
    none, some, all_ = (probabilities_at_pool_shares(scores, prior_count=n).mean(axis=0) for n in (0, 1, 1e6))
    assert none[0] > some[0] > all_[0]
    np.testing.assert_allclose(all_, softmax(scores, axis=1).mean(axis=0), atol=1e-4)


def test_a_constant_added_to_the_scores_of_an_item_has_no_effect():
    scores, _ = simulated([0.5, 0.3, 0.2], 100)
    shifted = scores + generator(3).normal(size=(100, 1)) * 50
    np.testing.assert_allclose(probabilities_at_pool_shares(shifted), probabilities_at_pool_shares(scores), atol=1e-9)


# --- the Wiener filter ------------------------------------------------------------------------------------------------

NAMES = unit(np.array([[1.0, 0.6, 0.2], [-1.0, 0.4, 0.3], [0.1, -1.0, 0.5]]))


def items(n, *, d=3, seed=0):
    """Return vectors that vary ten times as far along the first axis as along the others."""
    spread = np.ones(d)
    spread[0] = 10
    return (generator(seed).normal(size=(n, d)) * spread).astype(np.float32)


def apart(S):
    return S - S.mean(axis=0)


def by_the_formula(S, X, *, noise, prior_items):
    """Return the posterior mean with the covariance and its inverse written out, distances restored."""
    V = X - X.mean(axis=0)
    even = np.square(V).mean() * np.eye(X.shape[1])
    covariance = (V.T @ V + prior_items * even) / (len(V) + prior_items)
    turned = apart(S) @ covariance @ np.linalg.inv(covariance + noise * even)
    scale = np.linalg.norm(apart(S), axis=1) / np.linalg.norm(turned, axis=1)
    return S.mean(axis=0) + turned * scale[:, None]


@pytest.mark.parametrize(("n", "d"), [(40, 3), (5, 3), (3, 8)])
def test_the_filter_is_the_posterior_mean(n, d):
    S, X = unit(generator(1).normal(size=(4, d))), items(n, d=d)
    expected = by_the_formula(S.astype(np.float64), X.astype(np.float64), noise=2.0, prior_items=7.0)
    np.testing.assert_allclose(wiener_filter(S, X, noise=2.0, prior_items=7.0), expected, atol=1e-5)


def test_the_filter_turns_class_vectors_to_the_directions_in_which_items_vary():
    before, after = apart(NAMES), apart(wiener_filter(NAMES, items(5000)))
    share = np.square(after[:, 0]) / np.square(after).sum(axis=1)
    assert (share > np.square(before[:, 0]) / np.square(before).sum(axis=1)).all()


def test_the_filter_turns_class_vectors_more_with_more_items():
    turned = [np.abs(wiener_filter(NAMES, items(n)) - NAMES).max() for n in (0, 3, 30, 3000)]
    assert turned == sorted(turned)
    assert turned[0] == 0


def test_items_that_vary_equally_in_all_directions_change_nothing():
    X = np.concatenate([np.eye(3), -np.eye(3)]).astype(np.float32)
    np.testing.assert_allclose(wiener_filter(NAMES, X), NAMES, atol=1e-6)


def test_the_filter_keeps_the_mean_and_the_distances_to_it():
    found = wiener_filter(NAMES, items(500))
    distances = np.linalg.norm(found - NAMES.mean(axis=0), axis=1)
    np.testing.assert_allclose(distances, np.linalg.norm(apart(NAMES), axis=1), rtol=1e-5)


def test_a_row_of_zeros_stays_zero_and_does_not_move_the_others():
    with_zeros = np.vstack([NAMES[:2], np.zeros(3, np.float32), NAMES[2:]])
    found = wiener_filter(with_zeros, items(50))
    assert not found[2].any()
    np.testing.assert_allclose(np.delete(found, 2, axis=0), wiener_filter(NAMES, items(50)), atol=1e-6)


@pytest.mark.parametrize("n", [1, 20])
def test_items_that_are_all_the_same_change_nothing(n):
    np.testing.assert_array_equal(wiener_filter(NAMES, np.ones((n, 3), np.float32)), NAMES)
