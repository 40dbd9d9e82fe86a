"""How large a batch would fit."""

import pytest
import torch

from anyshot.errors import BatchMemoryError
from anyshot.training.memory import is_out_of_memory, largest_that_fits, refuse


def fits_up_to(limit: int):
    def attempt(batch):
        if len(batch) > limit:
            raise torch.OutOfMemoryError("CUDA out of memory")

    return attempt


def test_halves_are_tried_until_one_fits():
    assert largest_that_fits(list(range(64)), fits_up_to(20)) == 16
    assert largest_that_fits(list(range(64)), fits_up_to(0)) is None


def test_another_error_on_the_way_is_not_hidden():
    def attempt(batch):
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        largest_that_fits([1, 2], attempt)


def test_the_error_says_which_batch_takes_the_same_steps():
    with pytest.raises(BatchMemoryError, match="batch_size=16 and accumulate=4"):
        refuse(list(range(64)), fits_up_to(20), MemoryError())


def test_where_not_one_item_fits_it_says_so():
    with pytest.raises(BatchMemoryError, match="Not even one"):
        refuse([1, 2], fits_up_to(0), MemoryError())


def test_a_batch_that_cannot_be_cut_is_not_tried():
    with pytest.raises(BatchMemoryError, match="Make it smaller"):
        refuse(object(), fits_up_to(0), MemoryError())


def test_what_a_cpu_says_when_memory_runs_out_is_understood():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**55)
    assert is_out_of_memory(caught.value)
    assert not is_out_of_memory(RuntimeError("shapes do not match"))
