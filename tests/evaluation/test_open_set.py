"""Items far from every class are unknown."""

import numpy as np
import pytest

from anyshot.base.validation import generator, unit
from anyshot.errors import NotEnoughLabelsError
from anyshot.evaluation.open_set import CLOSENESS_SCALE, closeness, closeness_left_out, fit_threshold

NO_ITEMS = np.zeros((0, 3), np.float32)
NO_LABELS = np.zeros(0, np.intp)


def test_closeness_is_a_soft_maximum_of_cosines():
    means = np.eye(2, dtype=np.float32)
    both = np.log(2 * np.exp(CLOSENESS_SCALE * np.sqrt(0.5))) / CLOSENESS_SCALE
    alone = np.log(np.exp(CLOSENESS_SCALE) + 1) / CLOSENESS_SCALE
    np.testing.assert_allclose(closeness(unit(np.array([[1.0, 1], [1, 0]])), means), [both, alone], rtol=1e-6)


def test_a_labeled_item_is_compared_to_its_class_mean_without_itself():
    S = np.array([[1.0, 0, 0], [0, 1, 0]], np.float32)
    X = np.array([[0, 0, 1.0], [1, 0, 0]], np.float32)  # both of class 0
    first = np.log(np.exp(0) + np.exp(0)) / CLOSENESS_SCALE  # the mean of (1,0,0) twice; nothing of the other class
    second = (
        np.log(np.exp(CLOSENESS_SCALE * np.sqrt(0.5)) + np.exp(0)) / CLOSENESS_SCALE
    )  # the mean of (0,0,1) and (1,0,0)
    np.testing.assert_allclose(closeness_left_out(X, np.array([0, 0]), S), [first, second], atol=1e-6)


def test_the_only_item_of_a_class_without_a_name_has_no_class_mean():
    S = np.array([[0, 0, 0], [0, 1, 0]], np.float32)
    X = np.array([[1.0, 0, 0]], np.float32)
    assert closeness_left_out(X, np.array([0]), S)[0] == pytest.approx(np.log(2) / CLOSENESS_SCALE)


def test_the_threshold_is_the_lower_quantile_of_the_pools_closeness():
    means, pool = np.eye(3, dtype=np.float32), unit(generator(0).normal(size=(50, 3)))
    threshold = fit_threshold(NO_ITEMS, NO_LABELS, means, pool, unknown_rate=0.1)
    assert threshold == np.sort(closeness(pool, means))[4]  # 0.1 * 49, rounded down


@pytest.mark.parametrize("rate", [0.02, 0.05, 0.3])
def test_at_most_the_rate_of_the_labeled_items_is_unknown(rate):
    random = generator(1)
    S, index = np.eye(3, dtype=np.float32), random.integers(0, 3, size=60)
    X = unit(S[index] + 0.5 * random.normal(size=(60, 3)))
    threshold = fit_threshold(X, index, S, NO_ITEMS, unknown_rate=rate)
    below = (closeness_left_out(X, index, S) < threshold).mean()
    assert rate - 0.02 <= below <= rate


def test_copies_are_left_out_together():
    S, random = np.eye(3, dtype=np.float32), generator(1)
    index = np.repeat(np.arange(3), 5)
    X = unit(S[index] + 0.5 * random.normal(size=(15, 3)))
    twice = closeness_left_out(np.tile(X, (2, 1)), np.tile(index, 2), 2 * S)  # as if each item had weight two
    np.testing.assert_allclose(twice[:15], closeness_left_out(X, index, S), atol=1e-6)


def test_classes_weigh_the_same_however_many_labels_they_have():
    S, random = np.eye(3, dtype=np.float32), generator(1)
    index = np.repeat(np.arange(3), [80, 4, 4])
    spread = np.where(index == 0, 0.1, 1.0)[:, None]  # only the class with many labels is tight
    X = unit(S[index] + spread * random.normal(size=(88, 3)))
    known = closeness_left_out(X, index, S)
    threshold = fit_threshold(X, index, S, NO_ITEMS, unknown_rate=0.2)
    lost = np.mean([(known[index == k] < threshold).mean() for k in range(3)])
    assert 0.1 <= lost <= 0.2
    assert threshold < np.quantile(known, 0.05)


def test_a_class_without_labels_is_estimated_from_the_others_as_if_they_had_none():
    S, random = unit(np.eye(4)[:3] + 0.8 * np.eye(4)[3]), generator(1)  # names are inexact
    index = np.repeat(np.arange(2), 20)
    X = unit(np.eye(4)[index] + 0.1 * random.normal(size=(40, 4)))
    by_name = closeness_left_out(X, index, S, by_name=True)
    assert (by_name < closeness_left_out(X, index, S)).all()
    none = np.zeros((0, 4), np.float32)
    all_labeled = fit_threshold(X, index, S[:2], none, unknown_rate=0.1)
    one_unlabeled = fit_threshold(X, index, S, none, unknown_rate=0.1)
    # A third of the items may have a smaller closeness: each of the three classes weighs the same.
    assert one_unlabeled == pytest.approx(np.quantile(by_name, 0.3, method="lower"), abs=1e-6)
    assert one_unlabeled < all_labeled


def test_labeled_items_set_the_threshold_if_there_are_enough_and_the_pool_if_not():
    S, far = np.eye(3, dtype=np.float32), unit(-np.ones((20, 3)))
    near, index = np.tile(S, (4, 1)), np.tile(np.arange(3), 4)
    by_labels = fit_threshold(near[:10], index[:10], S, far, unknown_rate=0.1)
    by_pool = fit_threshold(near[:9], index[:9], S, far, unknown_rate=0.1)
    assert by_labels > 0.9
    assert by_pool < 0


def test_too_few_items_for_the_rate_are_refused():
    S, pool = np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32)
    with pytest.raises(NotEnoughLabelsError, match=r"needs at least 20 labeled .* there are 0 and 3\. Give"):
        fit_threshold(NO_ITEMS, NO_LABELS, S, pool, unknown_rate=0.05)
