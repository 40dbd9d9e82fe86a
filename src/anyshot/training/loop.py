"""The training loop of all methods, which pass in batches, loss and evaluation as functions; one or more processes."""

import math
import os
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

import numpy as np
import torch
from torch import Tensor, distributed, nn

from anyshot.base import progress as bars
from anyshot.base.lazy import extra
from anyshot.base.validation import RandomState, generator
from anyshot.errors import TrainingDivergedError
from anyshot.training.checkpoint import Checkpoints
from anyshot.training.memory import is_out_of_memory, raise_out_of_memory
from anyshot.training.recipe import LayerGroup, Recipe, warmed
from anyshot.training.run import HeldOut, History, Run

B = TypeVar("B")
Modules: TypeAlias = nn.Module | Sequence[nn.Module] | Sequence[LayerGroup]

LAUNCHER_VARIABLES: Final = ("RANK", "MASTER_ADDR", "MASTER_PORT")
"""Environment variables that a launcher sets for each process, besides WORLD_SIZE."""


def train(
    modules: Modules,
    batches: Callable[[np.random.Generator], Sequence[B]],
    loss_of: Callable[[B, float], Tensor],
    *,
    recipe: Recipe,
    held_out: Callable[[], HeldOut] | None = None,
    checkpoints: Checkpoints | None = None,
    random_state: RandomState = None,
) -> History:
    """Train modules in place, and return the history of the run.

    Parameters
    ----------
    modules : Module, sequence of Module, or sequence of LayerGroup
        What is trained, on its current device. Parameters that do not require a gradient stay unchanged.
    batches : callable
        Called at the start of each epoch with a random generator; returns the batches of the epoch, of any type.
    loss_of : callable
        Takes a batch and the progress of the whole run, 0 to 1; returns the loss, a scalar. torch's generators are
        seeded before each call, so that dropout is reproducible.
    recipe : Recipe
        Hyperparameters.
    held_out : callable, optional
        Evaluates the model on held-out items; called before the first epoch and after each. The weights of the best
        epoch, which may be those before training, are restored at the end. Without it the last ones are used.
    checkpoints : Checkpoints, optional
        Where the state is saved; an interrupted run is resumed from there, with the same result as without a break.
    random_state : int, RandomState, Generator or None
        The same integer gives the same weights, bit for bit, on the same device and number of threads.

    Raises
    ------
    TrainingDivergedError
        The loss or a gradient is NaN or infinite. The weights are those before that step.
    BatchMemoryError
        A batch does not fit into memory; the message names a size that does.
    CheckpointError
        The folder has a checkpoint of another architecture or run.

    Notes
    -----
    Under `accelerate launch` the batches are divided among the processes: n processes give the same result as one with
    `accumulate` n times as large.

    References
    ----------
    Loshchilov, Hutter. Decoupled Weight Decay Regularization. ICLR 2019.
    """
    run = Run(_groups(modules), recipe=recipe, seed=int(generator(random_state).integers(2**31)))
    team = processes(run.device)
    run.seed = team.agree(run.seed)
    if checkpoints is not None:
        run.resume(checkpoints, any_seed=random_state is None)
    team.copy_first(run.weights())
    quiet = nullcontext() if team.is_first else bars.hidden()
    rng = torch.random.fork_rng(devices=range(torch.cuda.device_count()))  # restores torch's generators
    try:
        with rng, quiet, bars.counter(total=recipe.epochs, description="Training") as show:
            if held_out is not None and not run.history.records:
                run.record(held_out())
            while not run.history.stopped:
                epoch = batches(np.random.default_rng([run.seed, run.epoch]))
                _epoch(run, epoch, loss_of, recipe, checkpoints, team, show)
                run.end_epoch(held_out() if held_out else None)
                if checkpoints is not None and team.is_first:
                    run.save(checkpoints)
                team.wait()
        run.restore_best()
    finally:
        run.close()
    return run.history


def _epoch(
    run: Run,
    batches: Sequence[B],
    loss_of: Callable[[B, float], Tensor],
    recipe: Recipe,
    checkpoints: Checkpoints | None,
    team: "Processes",
    show: bars.Report,
) -> None:
    """Train on the batches of an epoch that are not done yet; show: states the progress."""
    run.begin_epoch(len(batches))
    for numbers in team.steps(range(run.batch, len(batches)), recipe.accumulate):
        progress = (run.epoch + (numbers.start + numbers.stop) / 2 / len(batches)) / recipe.epochs
        loss = _gradients(run, batches, numbers, loss_of, progress, recipe, team)
        run.set_rate(recipe.learning_rate * warmed(recipe.schedule, progress, warm_up=recipe.warm_up))
        _step(run, loss, recipe, checkpoints)
        run.end_step(loss, numbers)
        show(
            run.epoch + numbers.stop / len(batches),
            f"Training, epoch {run.epoch + 1} of {recipe.epochs}, loss {run.mean_loss:.3g}",
        )
        is_last = numbers.stop == len(batches)  # then a checkpoint follows after the evaluation
        if checkpoints is not None and team.is_first and run.step % checkpoints.every == 0 and not is_last:
            run.save(checkpoints)
    _check_weights(run, recipe, checkpoints)


def _gradients(
    run: Run,
    batches: Sequence[B],
    numbers: range,
    loss_of: Callable[[B, float], Tensor],
    progress: float,
    recipe: Recipe,
    team: "Processes",
) -> float:
    """Compute the mean gradient of the batches with these numbers; return their mean loss."""

    def attempt(batch: B) -> float:
        with torch.autocast(run.device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16"):
            loss = loss_of(batch, progress)
        (loss / len(numbers)).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return float(loss.detach()) / len(numbers)

    total = 0.0
    for number in team.share(numbers):
        _seed(run.seed, run.epoch, number)
        try:
            total += attempt(batches[number])
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            run.optimizer.zero_grad()
            raise_out_of_memory(batches[number], attempt, error)
    return team.sum(run.trained(), total)


def _step(run: Run, loss: float, recipe: Recipe, checkpoints: Checkpoints | None) -> None:
    """Update the weights, unless the loss or gradient is NaN or infinite."""
    norm = float(nn.utils.clip_grad_norm_(run.trained(), math.inf if recipe.clip is None else recipe.clip))
    if not (math.isfinite(loss) and math.isfinite(norm)):
        what = f"loss is {loss}" if not math.isfinite(loss) else f"gradient's norm is {norm}"
        raise TrainingDivergedError(
            f"The {what} at step {run.step + 1}, epoch {run.epoch + 1} of {recipe.epochs}. The weights are those "
            f"before this step.{_last_good(checkpoints)} Reduce learning_rate (it is {recipe.learning_rate:g}), "
            "increase warm_up, or check the items of this step."
        )
    run.optimizer.step()
    run.optimizer.zero_grad()


def _check_weights(run: Run, recipe: Recipe, checkpoints: Checkpoints | None) -> None:
    """Raise TrainingDivergedError if the last step of an epoch left weights that are NaN or infinite."""
    if not all(bool(torch.isfinite(weights).all()) for weights in run.trained()):
        raise TrainingDivergedError(
            f"Weights are NaN or infinite after step {run.step}, epoch {run.epoch + 1} of {recipe.epochs}."
            f"{_last_good(checkpoints)} Reduce learning_rate (it is {recipe.learning_rate:g}), or increase warm_up."
        )


def _last_good(checkpoints: Checkpoints | None) -> str:
    newest = None if checkpoints is None else checkpoints.newest()
    return "" if newest is None else f" The last good checkpoint is {newest}."


def _groups(modules: Modules) -> list[LayerGroup]:
    listed: list[nn.Module | LayerGroup] = [modules] if isinstance(modules, nn.Module) else list(modules)
    return [one if isinstance(one, LayerGroup) else LayerGroup(str(number), one) for number, one in enumerate(listed)]


def _seed(*numbers: int) -> None:
    """Seed torch's generators by the position in the run, so that a resumed run draws the same random numbers."""
    seed = int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(seed)  # applied later if no GPU is in use yet


# --- several processes -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Processes:
    """The current process among those that train together. With `size` 1 the methods exchange nothing."""

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes the checkpoints."""
        return self.rank == 0

    def steps(self, batches: range, accumulate: int) -> Iterator[range]:
        """Yield the numbers of the batches of each step, over all processes."""
        at_once = accumulate * self.size
        for first in range(batches.start, batches.stop, at_once):
            yield range(first, min(first + at_once, batches.stop))

    def share(self, batches: range) -> range:
        """Return the numbers of this process's batches."""
        return batches[self.rank :: self.size]

    def sum(self, parameters: Sequence[Tensor], loss: float) -> float:
        """Sum the gradients of `parameters` over the processes, in place, and return the sum of their losses.

        A missing gradient counts as zero: another process may have one.
        """
        if self.size == 1:
            return loss
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        flat = torch.cat([parameter.grad.flatten() for parameter in parameters if parameter.grad is not None])
        sent = torch.cat([flat, flat.new_tensor([loss])])
        distributed.all_reduce(sent)
        start = 0
        for parameter in parameters:
            assert parameter.grad is not None  # set above
            parameter.grad.copy_(sent[start : start + parameter.numel()].view_as(parameter))
            start += parameter.numel()
        total, reference = float(sent[-1]), weakref.ref(sent)
        if sent.device.type == "cpu":
            del sent
            wait_until_freed(reference)
        return total

    def copy_first(self, tensors: Sequence[Tensor]) -> None:
        """Copy the first process's values into every process's tensors."""
        if self.size > 1:
            for tensor in tensors:
                distributed.broadcast(tensor, src=0)

    def agree(self, number: int) -> int:
        """Return the first process's number in every process."""
        if self.size == 1:
            return number
        numbers: list[int] = [number]
        distributed.broadcast_object_list(numbers, src=0)
        return numbers[0]

    def wait(self) -> None:
        """Wait until all processes have called this."""
        if self.size > 1:
            distributed.barrier()


def processes(device: torch.device) -> Processes:
    """Return this process's rank among those that `accelerate launch` started, or a single process.

    device: of the weights; gradients are exchanged by gloo on CPUs and nccl on GPUs. Some clusters set WORLD_SIZE for
    every job, so it counts only together with the other variables of a launcher.

    Raises
    ------
    MissingExtraError
        There are several processes, and accelerate is not installed.
    """
    launched = all(os.environ.get(name) for name in LAUNCHER_VARIABLES)
    if os.environ.get("WORLD_SIZE", "") in ("", "1") or not launched:
        return Processes()
    accelerate = extra("accelerate", "distributed", purpose="Training on several processes")
    state = accelerate.PartialState(cpu=device.type == "cpu")
    return Processes(state.process_index, state.num_processes)


def wait_until_freed(sent: weakref.ref[Tensor]) -> None:
    """Wait until gloo's own thread has freed the tensor that was exchanged.

    It takes the GIL for that, and aborts the process if the interpreter exits in the meantime.
    """
    while sent() is not None:
        time.sleep(1e-4)
