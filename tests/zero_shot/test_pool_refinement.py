"""Unlabeled vectors move the class vectors, toward the clusters that the names mean."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax

from anyshot.base.validation import generator, unit
from anyshot.zero_shot import pool_refinement as transductive
from anyshot.zero_shot.pool_refinement import (
    KEEP,
    KEEP_FIRMLY,
    Pool,
    answers_at_shares,
    keep_for,
    make_pool,
    refine,
    sure_agreement,
)


def clusters(centers, n_each, *, noise=0.1, seed=0):
    random = generator(seed)
    y = np.repeat(np.arange(len(centers)), n_each)
    spread = noise * random.normal(size=(len(y), len(centers[0])))
    return unit(np.asarray(centers)[y] + spread), y


# --- the pool ---------------------------------------------------------------------------------------------------------


def test_neighbors_are_the_nearest_others():
    angles = np.radians([0, 10, 30, 90, 95])
    pool = make_pool(np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32), n_neighbors=1)
    assert pool.neighbors.ravel().tolist() == [1, 0, 1, 4, 3]


def test_neighbors_are_the_same_beyond_one_block_of_rows():
    vectors = unit(generator(0).normal(size=(1100, 4)))
    similarity = vectors @ vectors.T - 2 * np.eye(1100)
    assert (make_pool(vectors, n_neighbors=1).neighbors.ravel() == similarity.argmax(axis=1)).all()


@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_pool_smaller_than_the_neighborhood_is_a_pool(size):
    pool = make_pool(np.eye(5, dtype=np.float32)[:size])
    assert pool.neighbors.shape == (size, max(1, size - 1))


def test_a_large_pool_is_thinned_evenly(monkeypatch):
    monkeypatch.setattr(transductive, "POOL_LIMIT", 3)
    vectors = unit(np.column_stack([np.arange(1.0, 10), np.ones(9)]))
    np.testing.assert_array_equal(make_pool(vectors).vectors, vectors[[0, 4, 8]])


@pytest.mark.parametrize(
    ("own", "mixed"), [(0.5, [[0.5, 0.5], [0.25, 0.75], [0.25, 0.75]]), (0.9, [[0.9, 0.1], [0.05, 0.95], [0.05, 0.95]])]
)
def test_smoothing_mixes_each_answer_with_the_neighbors(own, mixed):
    pool = Pool(np.eye(3, dtype=np.float32), np.array([[1, 2], [0, 2], [0, 1]]))
    np.testing.assert_allclose(pool.smooth(np.array([[1.0, 0], [0, 1.0], [0, 1.0]]), own=own, rounds=1), mixed)


def test_smoothing_keeps_rows_summing_to_one():
    pool = make_pool(unit(generator(0).normal(size=(40, 5))))
    answers = pool.smooth(generator(1).dirichlet(np.ones(3), size=40))
    np.testing.assert_allclose(answers.sum(axis=1), 1)


# --- refinement -------------------------------------------------------------------------------------------------------


def test_class_vectors_move_to_the_clusters_they_point_at():
    centers = np.eye(3)
    U, y = clusters(centers, 20)
    names = unit(centers + 0.7 * np.roll(centers, 1, axis=0))  # 35 degrees off
    refined = refine(names, make_pool(U))
    assert ((refined.class_vectors * centers).sum(axis=1) > 0.97).all()
    np.testing.assert_array_equal(refined.answers.argmax(axis=1), y)
    np.testing.assert_allclose(refined.answers.sum(axis=1), 1, atol=1e-5)


def test_class_vectors_that_are_kept_whole_do_not_move():
    U, _ = clusters(np.eye(3), 20)
    names = unit(generator(0).normal(size=(3, 3)))
    np.testing.assert_allclose(refine(names, make_pool(U), keep=1.0).class_vectors, names, atol=1e-6)


def test_the_pull_is_to_the_class_vectors_as_given_however_many_rounds():
    names, cluster = np.eye(3, dtype=np.float32)[:2], np.eye(3, dtype=np.float32)[2]
    refined = refine(names, make_pool(np.tile(cluster, (5, 1))), keep=0.5)
    np.testing.assert_allclose(refined.class_vectors, unit(names + cluster), atol=1e-6)


def test_permuting_classes_permutes_the_refinement():
    U, _ = clusters(np.eye(4), 15, noise=0.4)
    names, order = unit(generator(0).normal(size=(4, 4)) + 2 * np.eye(4)), [3, 1, 0, 2]
    straight, mixed = refine(names, make_pool(U)), refine(names[order], make_pool(U))
    np.testing.assert_allclose(mixed.class_vectors, straight.class_vectors[order], atol=1e-4)


def test_labeled_vectors_pull_their_class_to_them():
    U, _ = clusters(np.eye(3), 20)
    names = unit(np.ones((3, 3)) + 0.01 * np.eye(3))
    turned = 200 * np.eye(3)[[1, 2, 0]]  # the labels say: class 0 is the second cluster
    refined = refine(names, make_pool(U), labeled_sums=turned)
    np.testing.assert_array_equal((refined.class_vectors @ np.eye(3)).argmax(axis=1), [1, 2, 0])


def test_balance_draws_the_answers_to_the_shares_given():
    U, _ = clusters(np.eye(2), 30, noise=0.8)
    names, pool = unit(np.array([[1.0, 0.9], [0.9, 1.0]])), make_pool(U)
    gap = {
        balance: abs(
            refine(names, replace(pool, sharpness=8.0), balance=balance, shares=[0.8, 0.2]).answers[:, 0].mean() - 0.8
        )
        for balance in (0.0, 0.5, 1.0)
    }
    print(gap)
    assert gap[1.0] < gap[0.5] < gap[0.0]


def test_without_shares_the_classes_are_taken_to_be_as_frequent():
    U, _ = clusters(np.eye(2), 30, noise=0.8)
    names, pool = unit(np.array([[1.0, 0.9], [0.9, 1.0]])), make_pool(U)
    even, told = refine(names, pool), refine(names, pool, shares=[0.5, 0.5])
    np.testing.assert_array_equal(even.class_vectors, told.class_vectors)


# --- clusters change hands --------------------------------------------------------------------------------------------


def two_names_for_one_cluster(*, lengths):
    """Return class vectors (2, 4) that both lean to the second of two clusters, alike, and vectors (40, 4) of both."""
    U, _ = clusters(np.eye(4)[:2], 20)
    names = unit(np.array([[0.30, 0.40, 0.8, 0.0], [0.30, 0.41, 0.0, 0.8]]))
    return names * np.asarray(lengths, dtype=np.float32)[:, None], U


def owners(refined):
    return refined.answers[[0, -1]].argmax(axis=1).tolist()  # of the first cluster, and of the second


@pytest.mark.parametrize(("lengths", "wanted"), [((1, 3), [0, 1]), ((3, 1), [1, 0])])
def test_the_surer_of_two_names_takes_the_cluster_that_both_point_at(lengths, wanted):
    names, U = two_names_for_one_cluster(lengths=lengths)
    assert owners(refine(names, make_pool(U))) == wanted


def test_soft_k_means_alone_never_exchanges_clusters(monkeypatch):
    monkeypatch.setattr(transductive, "EXCHANGES", 0)
    names, U = two_names_for_one_cluster(lengths=(3, 1))
    assert owners(refine(names, make_pool(U))) == [0, 1]


def test_the_mean_length_of_class_vectors_changes_nothing():
    names, U = two_names_for_one_cluster(lengths=(3, 1))
    once, more = refine(names, make_pool(U)), refine(7 * names, make_pool(U))
    np.testing.assert_allclose(more.class_vectors, once.class_vectors, atol=1e-5)


def test_shares_that_were_given_keep_clusters_where_they_are():
    names, U = two_names_for_one_cluster(lengths=(3, 1))
    assert owners(refine(names, make_pool(U), shares=[0.5, 0.5])) == [0, 1]


def test_a_class_with_a_label_keeps_its_cluster():
    names, U = two_names_for_one_cluster(lengths=(3, 1))
    label = np.array([3.0, 0, 0, 0], dtype=np.float32)  # says that the surer name means the first cluster
    assert owners(refine(names, make_pool(U), labeled_sums=np.stack([label, 0 * label]))) == [0, 1]


def test_a_class_of_which_nothing_is_said_takes_the_cluster_that_is_left():
    U, y = clusters(np.eye(3), 20)
    names = np.array([[1, 0, 0], [0, 0, 0], [0, 0, 1]], dtype=np.float32)
    np.testing.assert_array_equal(refine(names, make_pool(U)).answers.argmax(axis=1), y)


def test_class_vectors_of_zeros_alone_stay_finite():
    U, _ = clusters(np.eye(3), 5)
    assert np.isfinite(refine(np.zeros((3, 3), np.float32), make_pool(U)).answers).all()


# --- agreement --------------------------------------------------------------------------------------------------------


def test_identical_vectors_agree_wholly():
    U, _ = clusters(np.eye(3), 20, noise=0.5)
    names = np.eye(3, dtype=np.float32)
    assert sure_agreement(names, names, make_pool(U)) == 1


def test_swapped_vectors_agree_in_nothing():
    U, _ = clusters(np.eye(2), 20)
    names = np.eye(2, dtype=np.float32)
    assert sure_agreement(names, names[::-1].copy(), make_pool(U)) == 0


def test_a_name_that_lies_closer_to_every_item_does_not_count_as_their_answer():
    U, _ = clusters([[1, 0, 1, 0], [0, 1, 1, 0]], 10, noise=0.05)
    names = unit(np.array([[1.0, 0, 0, 1], [0, 1, 5, 0]]))  # the second lies along what all items share
    assert ((U @ names.T).argmax(axis=1) == 1).all()
    assert sure_agreement(names, np.eye(4, dtype=np.float32)[:2], make_pool(U), top=1.0) == 1


def test_only_the_surest_answers_are_compared():
    names = np.eye(2, dtype=np.float32)
    U = unit(np.array([[1.0, 0], [0, 1.0], [1.0, 0.9], [0.9, 1.0]]))
    turned = unit(np.array([[1.0, 0.8], [0.3, 1.0]]))  # the third and fourth change sides, the first two stay
    pool = make_pool(U)
    assert sure_agreement(names, turned, pool, top=0.5) == 1
    assert sure_agreement(names, turned, pool, top=1.0) < 1


# --- the pool's own shares --------------------------------------------------------------------------------------------


def simulated(shares, n, *, seed=0):
    """Scores of a balanced model that is right about its own uncertainty, on a pool with other shares."""
    random = generator(seed)
    y = random.choice(len(shares), size=n, p=shares)
    x = np.eye(len(shares))[y] * 2 + random.normal(size=(n, len(shares)))
    return 2 * x, y  # log p(x | k) = 2 x_k + what all classes share


def test_expectation_maximization_finds_the_planted_shares():
    scores, _ = simulated([0.7, 0.2, 0.1], 2000)
    assert abs(softmax(scores, axis=1).mean(axis=0)[0] - 0.7) > 0.04
    found = answers_at_shares(scores, prior_count=0).mean(axis=0)
    np.testing.assert_allclose(found, [0.7, 0.2, 0.1], atol=0.03)


def test_answers_at_the_right_shares_are_more_often_right():
    scores, y = simulated([0.7, 0.2, 0.1], 2000)
    right = [(answer.argmax(axis=1) == y).mean() for answer in (answers_at_shares(scores), scores)]
    assert right[0] > right[1]


def test_the_shares_are_drawn_to_equality_by_the_prior():
    scores, _ = simulated([0.7, 0.2, 0.1], 500)
    free, drawn, even = (answers_at_shares(scores, prior_count=count).mean(axis=0) for count in (0, 1, 1e6))
    assert free[0] > drawn[0] > even[0]
    np.testing.assert_allclose(even, softmax(scores, axis=1).mean(axis=0), atol=1e-4)


def test_a_constant_added_to_an_items_scores_changes_nothing():
    scores, _ = simulated([0.5, 0.3, 0.2], 100)
    shifted = scores + generator(3).normal(size=(100, 1)) * 50
    np.testing.assert_allclose(answers_at_shares(shifted), answers_at_shares(scores), atol=1e-9)


@pytest.mark.parametrize(("agreement", "keep"), [(1, KEEP), (0.95, KEEP), (0.9, 0.4), (0.85, KEEP_FIRMLY), (0, 0.6)])
def test_names_are_held_the_more_firmly_the_fewer_of_their_surest_answers_stand(agreement, keep):
    assert keep_for(agreement) == pytest.approx(keep)
