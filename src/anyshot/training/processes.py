"""Several processes that train one model: each works on its share of the batches, the gradients are summed."""

import os
import time
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, distributed

from anyshot.base.validation import extra

LAUNCHED: Final = ("RANK", "MASTER_ADDR", "MASTER_PORT")
"""What a launcher tells each process beside WORLD_SIZE."""


@dataclass(frozen=True)
class Processes:
    """One process among those that train together; alone, it exchanges nothing."""

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the one that writes."""
        return self.rank == 0

    def steps(self, places: range, accumulate: int) -> Iterator[range]:
        """Yield the places of the batches that make one step, those of all processes together."""
        at_once = accumulate * self.size
        for first in range(places.start, places.stop, at_once):
            yield range(first, min(first + at_once, places.stop))

    def share(self, places: range) -> range:
        """Return the places that are this process's."""
        return places[self.rank :: self.size]

    def sum(self, parameters: Sequence[Tensor], loss: float) -> float:
        """Add up the gradients of `parameters` over the processes, in place, and return the sum of their losses.

        A parameter without a gradient in this process counts as zero: another may have one.
        """
        if self.size == 1:
            return loss
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        flat = torch.cat([parameter.grad.flatten() for parameter in parameters if parameter.grad is not None])
        sent = torch.cat([flat, flat.new_tensor([loss])])
        distributed.all_reduce(sent)
        place = 0
        for parameter in parameters:
            assert parameter.grad is not None  # given one above
            parameter.grad.copy_(sent[place : place + parameter.numel()].view_as(parameter))
            place += parameter.numel()
        total, kept = float(sent[-1]), weakref.ref(sent)
        if sent.device.type == "cpu":
            del sent
            wait_until_dropped(kept)
        return total

    def copy_first(self, tensors: Sequence[Tensor]) -> None:
        """Put the first process's values in every process's tensors."""
        if self.size > 1:
            for tensor in tensors:
                distributed.broadcast(tensor, src=0)

    def agree(self, number: int) -> int:
        """Return the first process's number in every process."""
        if self.size == 1:
            return number
        held: list[int] = [number]
        distributed.broadcast_object_list(held, src=0)
        return held[0]

    def wait(self) -> None:
        """Go on when all have come so far."""
        if self.size > 1:
            distributed.barrier()


def processes(device: torch.device) -> Processes:
    """Return this process's place among those that `accelerate launch` started; alone otherwise.

    device: where the weights are, which decides how gradients are exchanged: gloo on CPUs, nccl on GPUs. The launcher
    tells each process its place through the environment: some clusters set WORLD_SIZE for each job, launched or not, so
    that alone says nothing. Setting up their exchange is accelerate's.

    Raises
    ------
    MissingExtraError
        There are several processes, and accelerate is not installed.
    """
    if os.environ.get("WORLD_SIZE", "") in ("", "1") or not all(os.environ.get(name) for name in LAUNCHED):
        return Processes()
    accelerate = extra("accelerate", "distributed", purpose="Training on several processes")
    state = accelerate.PartialState(cpu=device.type == "cpu")
    return Processes(state.process_index, state.num_processes)


def wait_until_dropped(sent: weakref.ref[Tensor]) -> None:
    """Wait until gloo's own thread has dropped what was exchanged.

    It takes the interpreter's lock for that, and aborts the process where the interpreter ends in the meantime.
    """
    while sent() is not None:
        time.sleep(1e-4)
