import numpy as np
import pytest

from anyshot.base.validation import generator
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.splits import first_copies, folds_by_arrival, set_aside


def test_folds_count_the_arrivals_of_each_class_from_another_fold_for_each():
    assert folds_by_arrival([0, 1, 0, 0, -1, 1, 0], 3).tolist() == [0, 1, 1, 2, -1, 2, 0]


def test_items_that_arrive_later_leave_the_folds_of_the_earlier_ones():
    y = generator(0).integers(-1, 4, size=60)
    np.testing.assert_array_equal(folds_by_arrival(y, 5)[:25], folds_by_arrival(y[:25], 5))


def test_every_fold_gets_its_share_of_every_class():
    y = generator(0).integers(0, 4, size=60)
    folds = folds_by_arrival(y, 3)
    for label in range(4):
        counts = np.bincount(folds[y == label], minlength=3)
        assert counts.max() - counts.min() <= 1


def test_copies_share_a_fold_and_do_not_count_as_arrivals():
    X = np.array([[0.0], [1], [0], [2], [0], [3]], np.float32)
    assert first_copies(X).tolist() == [0, 1, 0, 3, 0, 5]
    assert folds_by_arrival([0, 0, 0, 0, 1, 0], 3, same=first_copies(X)).tolist() == [0, 1, 0, 2, 0, 0]


def test_one_fold_is_refused():
    with pytest.raises(InputError, match="n_folds must be 2 or more; it is 1"):
        folds_by_arrival([0, 1], 1)


def test_classes_of_one_item_are_spread_over_the_folds():
    assert folds_by_arrival([0, 1, 2, 3], 2).tolist() == [0, 1, 0, 1]


def test_what_is_set_aside_is_a_share_of_every_class_and_the_same_again():
    labels = ["a"] * 10 + ["b"] * 2 + [None] * 5
    rows = set_aside(labels, seed=3)
    assert [labels[row] for row in rows] == ["a", "a", "a", "b"]
    assert rows.tolist() == set_aside(labels, seed=3).tolist()
    with pytest.raises(NotEnoughLabelsError, match="Class 'c' has one item"):
        set_aside([*labels, "c"], seed=3)
