import numpy as np
import torch

from anyshot.domain_adaptation.deep.domain_items import Arrayed, Pairs, has_rows, in_order, paired, shuffled


def test_rows_of_an_array_are_its_rows():
    items = Arrayed(torch.arange(6).reshape(3, 2))
    assert has_rows(items)
    assert len(items) == 3
    assert items.batch(np.array([2, 0])).tolist() == [[4, 5], [0, 1]]


def test_an_array_is_not_given_by_rows():
    assert not has_rows(np.zeros((2, 2)))
    assert not has_rows([[0.0]])


def test_in_order_every_row_comes_once():
    assert [rows.tolist() for rows in in_order(5, 2)] == [[0, 1], [2, 3], [4]]


def test_shuffled_batches_are_of_one_size_and_no_row_comes_twice():
    batches = shuffled(10, 4, np.random.default_rng(0))
    assert [len(rows) for rows in batches] == [4, 4]
    assert len(set(np.concatenate(batches))) == 8


def test_a_domain_smaller_than_a_batch_is_a_batch():
    assert sorted(shuffled(3, 64, np.random.default_rng(0))[0]) == [0, 1, 2]


def test_a_small_target_returns_and_every_item_of_it_as_often():
    pairs = paired(20, 5, 10, np.random.default_rng(0))
    assert [len(pair) for pair in pairs] == [10, 10]
    assert np.bincount(np.concatenate([pair.target for pair in pairs])).tolist() == [4] * 5
    assert sorted(np.concatenate([pair.source for pair in pairs])) == list(range(20))


def test_a_part_of_a_batch_is_a_batch():
    part = Pairs(np.arange(4), np.arange(4, 8))[:2]
    assert (part.source.tolist(), part.target.tolist()) == ([0, 1], [4, 5])
