"""Refinement of class vectors on unlabeled vectors, and the Wiener filter."""

import numpy as np
import pytest
from scipy.special import softmax

from anyshot.base.validation import generator, unit
from anyshot.zero_shot.pool_refinement import (
    MOST_CLASSES,
    absent_classes,
    absent_reasons,
    agreement,
    most_confident,
    refine,
    wiener_filter,
    with_rest,
)


def clusters(centers, n_each, *, noise=0.1, seed=0):
    random = generator(seed)
    y = np.repeat(np.arange(len(centers)), n_each)
    spread = noise * random.normal(size=(len(y), len(centers[0])))
    return unit(np.asarray(centers)[y] + spread), y


# --- refinement -------------------------------------------------------------------------------------------------------


def test_one_class_vector_lies_between_its_name_and_its_cluster():
    name, items = np.array([[1.0, 0]], np.float32), np.tile(np.array([0, 1.0], np.float32), (5, 1))
    for rounds in (1, 2, 50):  # the first round ends at the fixed point, (w, 1) at unit length
        found = refine(name, items, name_weight=0.75, rounds=rounds)
        np.testing.assert_allclose(found.class_vectors, [[0.6, 0.8]], atol=1e-6)
        np.testing.assert_array_equal(found.probabilities, 1)


def test_labeled_sums_join_the_cluster():
    name, items = np.eye(3, dtype=np.float32)[2:], np.tile(np.eye(3, dtype=np.float32)[1], (4, 1))
    found = refine(name, items, name_weight=1.0, labeled_sums=3 * np.eye(3)[:1])
    expected = np.array([[0.6, 0.8, 1.0]]) / np.sqrt(2)  # the mean of 4 unlabeled and 3 labeled is (3, 4, 0) / 5
    np.testing.assert_allclose(found.class_vectors, expected, atol=1e-6)


def test_one_round_by_hand():
    names = np.eye(2, dtype=np.float32)
    options = {"name_weight": 1 / np.sqrt(10), "temperature": 1 / np.log(3), "balance": 0}
    found = refine(names, names, rounds=1, **options)
    np.testing.assert_allclose(found.probabilities, [[0.75, 0.25], [0.25, 0.75]], rtol=1e-6)
    # the cluster means are (3, 1) and (1, 3), over sqrt(10)
    np.testing.assert_allclose(found.class_vectors, unit(np.array([[4.0, 1], [1, 4]])), rtol=1e-6)


def test_without_rounds_the_class_vectors_stay_and_classify():
    U, _ = clusters(np.eye(3), 5, noise=0.4)
    names = unit(generator(0).normal(size=(3, 3)))
    found = refine(names, U, rounds=0, temperature=0.1)
    np.testing.assert_array_equal(found.class_vectors, names)
    np.testing.assert_allclose(found.probabilities, softmax(U @ names.T / 0.1, axis=1), rtol=1e-4)


def test_class_vectors_are_those_that_the_probabilities_give():
    U, _ = clusters(np.eye(4), 15, noise=0.5)
    names = unit(np.eye(4) + 0.5 * np.roll(np.eye(4), 1, axis=0))
    found = refine(names, U, name_weight=0.4)
    expected = unit(0.4 * names + unit(found.probabilities.T @ U))
    np.testing.assert_allclose(found.class_vectors, expected, atol=1e-5)


def test_class_vectors_move_to_the_clusters_they_point_at():
    centers = np.eye(3)
    U, y = clusters(centers, 20)
    names = unit(centers + 0.7 * np.roll(centers, 1, axis=0))  # 35 degrees off
    refined = refine(names, U)
    assert ((refined.class_vectors * centers).sum(axis=1) > 0.97).all()
    np.testing.assert_array_equal(refined.probabilities.argmax(axis=1), y)
    np.testing.assert_allclose(refined.probabilities.sum(axis=1), 1, atol=1e-5)


def test_the_larger_the_name_weight_the_closer_class_vectors_stay():
    U, _ = clusters(np.eye(3), 20)
    names = unit(np.eye(3) + 0.7 * np.roll(np.eye(3), 1, axis=0))
    found = [refine(names, U, name_weight=weight).class_vectors for weight in (0.1, 0.5, 2.0, 1e7)]
    moves = [np.abs(vectors - names).max() for vectors in found]
    assert moves == sorted(moves, reverse=True)
    assert moves[-1] < 1e-6


def test_the_length_of_class_vectors_has_no_effect():
    U, _ = clusters(np.eye(3), 10, noise=0.4)
    names = unit(np.eye(3) + 0.5 * np.roll(np.eye(3), 1, axis=0))
    longer = names * np.array([[1], [3], [0.2]], np.float32)
    once, again = refine(names, U), refine(longer, U)
    np.testing.assert_allclose(again.class_vectors, once.class_vectors, atol=1e-5)


def test_permuting_classes_permutes_the_refinement():
    U, _ = clusters(np.eye(4), 15, noise=0.4)
    names, order = unit(generator(0).normal(size=(4, 4)) + 2 * np.eye(4)), [3, 1, 0, 2]
    shares, sums = np.array([0.1, 0.2, 0.3, 0.4]), generator(1).normal(size=(4, 4))
    straight = refine(names, U, shares=shares, labeled_sums=sums)
    mixed = refine(names[order], U, shares=shares[order], labeled_sums=sums[order])
    np.testing.assert_allclose(mixed.class_vectors, straight.class_vectors[order], atol=1e-4)
    np.testing.assert_allclose(mixed.probabilities, straight.probabilities[:, order], atol=1e-4)


def test_labeled_vectors_pull_their_class_vector():
    U, _ = clusters(np.eye(3), 20)
    names = unit(np.ones((3, 3)) + 0.01 * np.eye(3))
    labeled_sums = 200 * np.eye(3)[[1, 2, 0]]  # class 0 is labeled in the second cluster
    refined = refine(names, U, labeled_sums=labeled_sums)
    np.testing.assert_array_equal((refined.class_vectors @ np.eye(3)).argmax(axis=1), [1, 2, 0])


def test_one_label_per_class_decides_which_clusters_the_classes_take():
    U, y = clusters(np.eye(2), 20)
    names = unit(np.array([[0.4, 0.6], [0.6, 0.4]]))  # each a little closer to the cluster of the other class
    without = refine(names, U)
    labeled = refine(names, U, labeled_sums=np.eye(2))
    np.testing.assert_array_equal(without.probabilities.argmax(axis=1), 1 - y)
    np.testing.assert_array_equal(labeled.probabilities.argmax(axis=1), y)


def test_balance_by_hand():
    names = np.eye(3, dtype=np.float32)[:2]
    pool = np.eye(3, dtype=np.float32)[[2, 2, 2]]  # as close to one class vector as to the other
    for balance, odds in ((0, 1.0), (0.5, 2**1.75), (1, 4.0)):  # half a step three times: 2 to the 1 + 1/2 + 1/4
        found = refine(names, pool, balance=balance, shares=[0.8, 0.2], rounds=1)
        np.testing.assert_allclose(found.probabilities, [[odds / (1 + odds), 1 / (1 + odds)]] * 3, rtol=1e-6)


def test_balance_moves_mean_probabilities_to_the_given_shares():
    U, _ = clusters(np.eye(2), 30, noise=0.8)
    names, pool = unit(np.array([[1.0, 0.9], [0.9, 1.0]])), U
    gap = []
    for balance in (0.0, 0.5, 1.0):
        found = refine(names, pool, balance=balance, shares=[0.8, 0.2], temperature=1 / 8)
        gap.append(abs(found.probabilities[:, 0].mean() - 0.8))
    assert gap[2] < gap[1] < gap[0]


def test_shares_are_equal_by_default():
    U, _ = clusters(np.eye(2), 30, noise=0.8)
    names, pool = unit(np.array([[1.0, 0.9], [0.9, 1.0]])), U
    default, equal = refine(names, pool), refine(names, pool, shares=[0.5, 0.5])
    np.testing.assert_array_equal(default.class_vectors, equal.class_vectors)


def test_the_lower_the_temperature_the_more_sure_the_probabilities():
    U, _ = clusters(np.eye(3), 20, noise=0.6)
    found = [refine(np.eye(3, dtype=np.float32), U, temperature=t, rounds=1) for t in (1.0, 0.1, 0.01)]
    sure = [one.probabilities.max(axis=1).mean() for one in found]
    assert sure == sorted(sure)


def test_neighbors_decide_between_classes_that_are_equally_close():
    U = np.eye(3, dtype=np.float32)  # the third lies between the names and is a neighbor of the first
    found = refine(U[:2], U, rounds=1, balance=0, neighbors=np.array([[0], [1], [0]]))
    assert found.probabilities[2, 0] == pytest.approx(0.875)  # 1/2, then (1/2 + 1) / 2, then (3/4 + 1) / 2


def test_a_class_vector_of_zeros_gets_the_cluster_that_is_left():
    U, y = clusters(np.eye(3), 20)
    names = np.array([[1, 0, 0], [0, 0, 0], [0, 0, 1]], dtype=np.float32)
    np.testing.assert_array_equal(refine(names, U).probabilities.argmax(axis=1), y)


def test_class_vectors_of_zeros_alone_give_finite_probabilities():
    U, _ = clusters(np.eye(3), 5)
    assert np.isfinite(refine(np.zeros((3, 3), np.float32), U).probabilities).all()


@pytest.mark.parametrize("with_labels", [False, True])
@pytest.mark.parametrize("n_items", [0, 20])
def test_a_class_without_labels_and_items_takes_no_cluster(n_items, with_labels):
    centers = unit(np.array([[1, 0, 0], [0, 1, 0], [0.5, 0.5, 1]], np.float32))
    pool = np.concatenate([clusters(centers[:2], 20)[0], clusters(centers[2:], n_items)[0]])
    names = unit(centers + np.float32(0.2))
    labels = 3 * centers * np.array([[1], [1], [0]]) * with_labels
    moved, stayed = (refine(names, pool, labeled_sums=labels, balance=1, find_absent=find) for find in (False, True))
    assert (moved.probabilities.argmax(axis=1) == 2).any()
    if n_items:
        assert stayed.absent is None
        np.testing.assert_array_equal(stayed.class_vectors, moved.class_vectors)
        return
    np.testing.assert_array_equal(stayed.absent, [False, False, True])
    shift = (stayed.class_vectors[:2] - names[:2]).mean(axis=0)
    np.testing.assert_allclose(stayed.class_vectors[2], unit((names[2] + shift)[None])[0], atol=1e-6)
    assert stayed.shares[2] == pytest.approx(1 / 3)  # given
    assert absent_reasons(stayed, "abc")[0].startswith("'c' has no labels, and the unlabeled examples seem to contain")
    assert absent_reasons(stayed, ()) == absent_reasons(moved, "abc") == ()


def test_no_class_is_absent_if_all_have_labels_or_all_would_be():
    pool, names = clusters(np.eye(3)[:2], 20)[0], np.eye(3, dtype=np.float32)
    assert refine(names, pool, labeled_sums=names, find_absent=True).absent is None
    refined = refine(names, pool)
    swapped = refined._replace(probabilities=refined.probabilities[:, [1, 0, 2]])
    assert not absent_classes(names, np.zeros_like(names), swapped, pool).any()
    assert absent_classes(names, names * [[0], [1], [1]], swapped, pool).tolist() == [True, False, False]


def test_a_class_of_the_rest_moves_to_the_items_that_no_other_class_claims():
    S = np.array([[1, 0, 0], [0, 0, 1]], np.float32)
    pool = np.array([[1, 0, 0], [0.8, 0.6, 0], [0.3, 0.8, 0.52], [0.28, 0.96, 0]], np.float32)
    moved = with_rest(S, pool, np.array([0, 0.3]))  # the last two: 0.3 and 0.28 are less than 0.52 and 0, plus 0.3
    np.testing.assert_array_equal(moved[0], S[0])
    np.testing.assert_allclose(moved[1], unit(S[1:] + unit(pool[2:].sum(axis=0)[None]))[0], atol=1e-6)
    np.testing.assert_array_equal(with_rest(S, pool[:1], np.array([0, 0.3])), S)  # no item is left for it


def test_clusters_of_few_vectors_do_not_tell_that_a_class_is_absent():
    names, pool = np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32)[[0] * 20 + [1] * 5]
    probabilities = names[[0] * 16 + [1] * 4 + [2] * 5]  # class 2 takes the items of class 1, class 1 some of class 0
    refined = refine(names, pool)._replace(probabilities=probabilities)
    none = np.zeros_like(names)
    assert absent_classes(names, none, refined, pool).tolist() == [False, False, True]
    assert (
        absent_classes(names, none, refined._replace(probabilities=probabilities[:-1]), pool[:-1]).tolist()
        == [False] * 3
    )


@pytest.mark.parametrize(("n_classes", "stays"), [(MOST_CLASSES, True), (MOST_CLASSES + 1, False)])
def test_among_many_classes_an_absent_one_is_named_and_moved(n_classes, stays):
    centers = np.eye(n_classes, dtype=np.float32)
    centers[-1, :2] = 0.5  # the class that the pool lacks is near to two others
    pool, names = clusters(centers[:-1], 20)[0], unit(centers + np.float32(0.05))
    labels = 3 * centers * (np.arange(n_classes) < n_classes - 1)[:, None]
    moved, found = (refine(names, pool, labeled_sums=labels, balance=1, find_absent=find) for find in (False, True))
    np.testing.assert_array_equal(np.flatnonzero(found.absent), [n_classes - 1])
    assert np.array_equal(found.class_vectors, moved.class_vectors) != stays
    last = f"class {n_classes - 1}"
    (reason,) = absent_reasons(found, [f"class {row}" for row in range(n_classes)])
    seems = (
        "no labels, and the unlabeled examples seem to" if stays else f"seem to contain hardly any of {last!r}. Of more"
    )
    assert last in reason
    assert seems in reason


# --- agreement --------------------------------------------------------------------------------------------------------


def test_identical_class_vectors_agree_on_everything():
    U, _ = clusters(np.eye(3), 20, noise=0.5)
    names = np.eye(3, dtype=np.float32)
    assert agreement(names, names, U) == 1


def test_exchanged_class_vectors_agree_on_nothing():
    U, _ = clusters(np.eye(2), 20)
    names = np.eye(2, dtype=np.float32)
    assert agreement(names, names[::-1].copy(), U) == 0


def test_as_many_predictions_as_by_chance_are_no_agreement():
    U = np.repeat(np.eye(4, dtype=np.float32), 3, axis=0)
    first = unit(np.ones((1, 4)))
    refined = np.concatenate([first, -first, -first, -first])  # every item is in the first class
    assert agreement(np.eye(4, dtype=np.float32), refined, U, top=1.0) == 0  # a quarter stays the same


def test_agreement_by_hand():
    U = np.array([[1.0, 0], [0.8, 0.6], [0, 1], [0.6, 0.8]], np.float32)
    refined = unit(np.array([[1.0, -0.2], [0.8, 0.6]]))  # the second item moves to the second class
    found = agreement(np.eye(2, dtype=np.float32), refined, U, top=1.0)
    assert found == pytest.approx((3 / 4 - 1 / 2) / (1 - 1 / 2))


def test_agreement_does_not_count_the_mean_score_of_a_class():
    U, _ = clusters([[1, 0, 1, 0], [0, 1, 1, 0]], 10, noise=0.05)
    names = unit(np.array([[1.0, 0, 0, 1], [0, 1, 5, 0]]))  # the second lies along what all items share
    assert ((U @ names.T).argmax(axis=1) == 1).all()
    assert agreement(names, np.eye(4, dtype=np.float32)[:2], U, top=1.0) == 1


def test_agreement_compares_the_most_confident_predictions_only():
    names = np.eye(2, dtype=np.float32)
    pool = unit(np.array([[1.0, 0], [0, 1.0], [1.0, 0.9], [0.9, 1.0]]))
    refined = unit(np.array([[1.0, 0.8], [0.3, 1.0]]))  # changes the predictions for the third and the fourth only
    assert agreement(names, refined, pool, top=0.5) == 1
    assert agreement(names, refined, pool, top=1.0) < 1


def test_confidence_is_the_margin_between_the_best_two_classes():
    scores = np.array([[9.0, 8.0, 0.0], [3.0, 1.0, 0.0], [0.0, 5.0, 0.0], [7.0, 7.0, 7.0]])  # margins 1, 2, 5, 0
    assert most_confident(scores, top=0.5).tolist() == [2, 1]
    assert most_confident(scores, top=0.01).tolist() == [2]  # at least one


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
