"""How processes share batches; that two do what one does is proved with the loop, in test_loop.py."""

import threading
import time
import weakref

import pytest
import torch
from torch import nn

from anyshot.training.processes import LAUNCHED, Processes, processes, wait_until_dropped


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


@pytest.mark.parametrize("size", [None, "", "1", "4"])
def test_without_a_launcher_there_is_one_process(monkeypatch, size):
    """Whatever a cluster says of a job's size: a launcher also tells each process its place."""
    for name in ("WORLD_SIZE", *LAUNCHED):
        monkeypatch.delenv(name, raising=False)
    if size is not None:
        monkeypatch.setenv("WORLD_SIZE", size)
    assert processes(torch.device("cpu")) == Processes(0, 1)


def test_what_was_exchanged_is_waited_for_until_another_thread_has_dropped_it():
    held, dropped = [torch.zeros(1)], []

    def drop():
        time.sleep(0.05)
        dropped.append(True)
        held.clear()

    other = threading.Thread(target=drop)
    kept = weakref.ref(held[0])
    other.start()
    wait_until_dropped(kept)
    assert dropped
    assert kept() is None
    other.join()
