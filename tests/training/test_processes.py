"""How processes share batches; that two do what one does is proved with the loop, in test_loop.py."""

import pytest
import torch
from torch import nn

from anyshot.training.processes import Processes, processes


def test_a_step_takes_the_batches_of_all_processes_together():
    steps = list(Processes(rank=0, size=2).steps(range(10), accumulate=2))
    assert steps == [range(4), range(4, 8), range(8, 10)]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_every_batch_is_one_process_s_share_and_nobody_else_s(size):
    shares = [Processes(rank, size).share(range(3, 11)) for rank in range(size)]
    assert sorted(place for share in shares for place in share) == list(range(3, 11))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_only_the_first_writes():
    assert [Processes(rank, 3).is_first for rank in range(3)] == [True, False, False]


def test_alone_it_exchanges_nothing():
    layer, alone = nn.Linear(2, 1), Processes()
    kept = layer.weight.detach().clone()
    assert alone.sum([layer.weight, layer.bias], 0.5) == 0.5
    assert layer.weight.grad is None
    alone.copy_first([layer.weight])
    assert torch.equal(layer.weight, kept)
    assert alone.agree(7) == 7
    alone.wait()


def test_without_a_launcher_there_is_one_process(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert processes(torch.device("cpu")) == Processes(0, 1)
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert processes(torch.device("cpu")) == Processes(0, 1)
