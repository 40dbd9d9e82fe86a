import pytest
import torch

from anyshot.errors import BatchMemoryError
from anyshot.training.memory import is_out_of_memory, largest_that_fits, raise_out_of_memory


def fits_up_to(limit: int):
    def attempt(batch):
        if len(batch) > limit:
            raise torch.OutOfMemoryError("CUDA out of memory")

    return attempt


def test_the_batch_is_halved_until_it_fits():
    assert largest_that_fits(list(range(64)), fits_up_to(20)) == 16
    assert largest_that_fits(list(range(64)), fits_up_to(0)) is None


def test_another_error_is_not_hidden():
    def attempt(batch):
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        largest_that_fits([1, 2], attempt)


def test_the_error_names_a_batch_size_that_gives_the_same_steps():
    with pytest.raises(BatchMemoryError, match="batch_size=16 and accumulate=4"):
        raise_out_of_memory(list(range(64)), fits_up_to(20), MemoryError())


def test_the_error_says_if_not_even_one_item_fits():
    with pytest.raises(BatchMemoryError, match="Not even one"):
        raise_out_of_memory([1, 2], fits_up_to(0), MemoryError())


def test_a_batch_that_cannot_be_sliced_is_not_tried():
    with pytest.raises(BatchMemoryError, match="Make it smaller"):
        raise_out_of_memory(object(), fits_up_to(0), MemoryError())


def test_running_out_of_memory_on_a_cpu_is_recognized():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**55)
    assert is_out_of_memory(caught.value)
    assert not is_out_of_memory(RuntimeError("shapes do not match"))
