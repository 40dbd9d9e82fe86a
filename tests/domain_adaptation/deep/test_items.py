import numpy as np
import pytest
import torch

from anyshot.domain_adaptation.deep.items import (
    ArrayInputs,
    NetworkInputs,
    domain_batches,
    sequential_batches,
    shuffled_batches,
)


def test_batches_of_an_array_are_its_rows():
    items = ArrayInputs(torch.arange(6).reshape(3, 2))
    assert isinstance(items, NetworkInputs)
    assert len(items) == 3
    assert items.batch(np.array([2, 0])).tolist() == [[4, 5], [0, 1]]


def test_an_array_is_not_network_inputs():
    assert not isinstance(np.zeros((2, 2)), NetworkInputs)
    assert not isinstance([[0.0]], NetworkInputs)


def test_sequential_batches_hold_every_row_once():
    assert [rows.tolist() for rows in sequential_batches(8, 3)] == [[0, 1, 2], [3, 4, 5], [6, 7]]


@pytest.mark.parametrize("batch_size", [2, 3, 64])
def test_no_batch_holds_a_single_item(batch_size):
    for n_items in range(2, 200):
        assert min(map(len, sequential_batches(n_items, batch_size))) >= 2


def test_shuffled_batches_have_one_size_and_no_repeated_row():
    batches = shuffled_batches(10, 4, np.random.default_rng(0))
    assert [len(rows) for rows in batches] == [4, 4]
    assert len(set(np.concatenate(batches))) == 8


def test_a_domain_smaller_than_a_batch_is_one_batch():
    assert sorted(shuffled_batches(3, 64, np.random.default_rng(0))[0]) == [0, 1, 2]


def test_a_small_target_is_repeated_evenly():
    pairs = domain_batches(20, 5, 10, np.random.default_rng(0))
    assert [len(pair) for pair in pairs] == [10, 10]
    assert np.bincount(np.concatenate([pair[:, 1] for pair in pairs])).tolist() == [4] * 5
    assert sorted(np.concatenate([pair[:, 0] for pair in pairs])) == list(range(20))
