import numpy as np
import pytest

from anyshot.base.folds import first_copies, first_of_each_class, folds_by_arrival, parts_to_test, row_digests
from anyshot.base.validation import generator
from anyshot.errors import InputError


def test_items_of_a_class_go_to_the_folds_in_turn():
    assert folds_by_arrival([0, 1, 0, 0, -1, 1, 0], 3).tolist() == [0, 1, 1, 2, -1, 2, 0]


def test_later_items_do_not_change_earlier_folds():
    y = generator(0).integers(-1, 4, size=60)
    np.testing.assert_array_equal(folds_by_arrival(y, 5)[:25], folds_by_arrival(y[:25], 5))


def test_folds_are_stratified():
    y = generator(0).integers(0, 4, size=60)
    folds = folds_by_arrival(y, 3)
    for label in range(4):
        counts = np.bincount(folds[y == label], minlength=3)
        assert counts.max() - counts.min() <= 1


def test_copies_share_a_fold():
    X = np.array([[0.0], [1], [0], [2], [0], [3]], np.float32)
    assert first_copies(X).tolist() == [0, 1, 0, 3, 0, 5]
    assert folds_by_arrival([0, 0, 0, 0, 1, 0], 3, same=first_copies(X)).tolist() == [0, 1, 0, 2, 0, 0]


def test_one_fold_is_refused():
    with pytest.raises(InputError, match="n_folds must be 2 or more; it is 1"):
        folds_by_arrival([0, 1], 1)


def test_classes_of_one_item_are_spread_over_the_folds():
    assert folds_by_arrival([0, 1, 2, 3], 2).tolist() == [0, 1, 0, 1]


def test_the_first_items_of_each_class_are_taken_in_turn():
    index = np.array([0, 0, 0, 0, 1, 2, 2])
    assert first_of_each_class(index, 4).tolist() == [0, 1, 4, 5]
    assert first_of_each_class(index, 99).tolist() == list(range(7))


def test_the_names_of_classes_and_classes_added_later_do_not_change_folds():
    y = np.random.default_rng(0).integers(0, 7, 60)
    later = np.where(y >= 3, y + 1, y)  # a class whose name is sorted before those of some others
    np.testing.assert_array_equal(folds_by_arrival([*later, 3, 3], 5)[:60], folds_by_arrival(y, 5))


def test_equal_vectors_have_the_same_digest_and_others_do_not():
    X = np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 2.0]], np.float32)
    one, other, copy = row_digests(X)
    assert one == copy != other
    assert row_digests(np.asfortranarray(X)) == [one, other, copy]
    assert other.hex() == "9427b7528bf8c998"  # in every process, since pickled models keep them


def test_each_part_is_left_out_with_all_copies():
    X = np.arange(14, dtype=np.float32)[:, None] // 2  # seven vectors, each twice
    parts = [np.flatnonzero(out).tolist() for out in parts_to_test(X, np.arange(14))]
    assert parts == [[0, 1, 10, 11], [2, 3, 12, 13], [4, 5], [6, 7], [8, 9]]
    assert [out.sum() for out in parts_to_test(X, np.arange(4))] == [2, 2]
    many = np.arange(1200, dtype=np.float32)[:, None]
    assert [out.sum() for out in parts_to_test(many, np.arange(1200))] == [240]
    assert [out.sum() for out in parts_to_test(many, np.arange(0, 1200, 2))] == [120, 120]
