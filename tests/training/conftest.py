"""Fixture of the tests of training."""

import pytest


@pytest.fixture
def one_thread():
    """Use one thread, as the subprocesses do: otherwise sums differ in the last bits."""
    import torch  # here, since some tests of training need none

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
