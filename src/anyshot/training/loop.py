"""The one training loop; what differs between methods comes in as functions: batches, loss, what is held out."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from anyshot.base.validation import RandomState, check_numbers, check_whole, generator
from anyshot.errors import InputError, TrainingDivergedError
from anyshot.training.checkpoint import Checkpoints
from anyshot.training.history import HeldOut, History
from anyshot.training.memory import is_out_of_memory, refuse
from anyshot.training.processes import Processes, processes
from anyshot.training.run import Run
from anyshot.training.schedule import LayerGroup, Schedule, cosine, warmed

B = TypeVar("B")
Modules: TypeAlias = nn.Module | Sequence[nn.Module] | Sequence[LayerGroup]

UNLIMITED: Final = math.inf


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Attributes
    ----------
    epochs : int
        How often every batch is seen.
    learning_rate : float
        The highest; groups of layers may take a share of it.
    weight_decay : float
        Of AdamW, on matrices only: not on offsets and gains.
    schedule : callable
        Share of the learning rate by progress, 0 to 1, after the warm-up.
    warm_up : float
        Share of all steps in which the rate rises from 0.
    clip : float or None
        Largest norm of the whole gradient.
    accumulate : int
        Batches whose gradients make one step.
    precision : {"float32", "bfloat16"}
        Of the products in `loss_of`; weights stay float32.
    patience : int or None
        Epochs without a better held-out figure after which training stops.
    """

    epochs: int
    learning_rate: float
    weight_decay: float = 0.01
    schedule: Schedule = cosine
    warm_up: float = 0.1
    clip: float | None = 1.0
    accumulate: int = 1
    precision: Literal["float32", "bfloat16"] = "float32"
    patience: int | None = None

    def check(self) -> None:
        """Raise InputError where a number is out of range."""
        check_whole(1, epochs=self.epochs, accumulate=self.accumulate)
        check_numbers(learning_rate=self.learning_rate, weight_decay=self.weight_decay, warm_up=self.warm_up)
        check_numbers(**{} if self.clip is None else {"clip": self.clip})
        check_whole(1, **{} if self.patience is None else {"patience": self.patience})
        wrong = [
            (not 0 < self.learning_rate < math.inf, f"learning_rate must be above 0; it is {self.learning_rate}."),
            (
                not 0 <= self.weight_decay < math.inf,
                f"weight_decay cannot be negative, and must be finite; it is {self.weight_decay}.",
            ),
            (not 0 <= self.warm_up <= 1, f"warm_up is a share, 0 to 1; it is {self.warm_up}."),
            (self.clip is not None and not self.clip > 0, f"clip must be above 0, or None; it is {self.clip}."),
            (
                self.precision not in ("float32", "bfloat16"),
                f"precision={self.precision!r} is not float32 or bfloat16.",
            ),
        ]
        for is_wrong, message in wrong:
            if is_wrong:
                raise InputError(message)


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
    """Train modules in place, and return what happened.

    Parameters
    ----------
    modules : Module, sequence of Module, or sequence of LayerGroup
        What is trained, on the device where it is. Parameters that need no gradient stay as they are.
    batches : callable
        Called at the start of each epoch with the epoch's generator; returns its batches, of any kind.
    loss_of : callable
        A batch and the progress of the whole run, 0 to 1, to the loss, a scalar. torch's generators are seeded before
        each call, so that dropout repeats.
    recipe : Recipe
        How to train.
    held_out : callable, optional
        How good the model is on items that are not trained on; asked before the first epoch and after each. The weights
        of the best epoch, which may be none, are put back in the end. Without it the last ones stay.
    checkpoints : Checkpoints, optional
        Where the run is kept; one that was interrupted there goes on as if it had not been.
    random_state : int, RandomState, Generator or None
        The same number gives the same weights, bit for bit, on the same device and number of threads.

    Raises
    ------
    TrainingDivergedError
        The loss or a gradient is NaN or infinite. The weights stay as they were before that step.
    BatchMemoryError
        A batch does not fit into memory; the message says which would.
    CheckpointError
        What the folder holds belongs to another architecture or run.

    Notes
    -----
    Under `accelerate launch` each process takes its share of the batches: n processes do what one does with
    `accumulate` n times as large.

    References
    ----------
    Loshchilov, Hutter. Decoupled Weight Decay Regularization. ICLR 2019.
    """
    recipe.check()
    groups = _groups(modules)
    team = processes(_device(groups))
    seed = team.agree(int(generator(random_state).integers(2**31)))
    run = Run(groups, recipe=_facts(recipe), weight_decay=recipe.weight_decay, seed=seed)
    if checkpoints is not None:
        run.resume(checkpoints, any_seed=random_state is None)
    team.copy_first(run.weights())
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):  # torch's generators stay as found
        if held_out is not None and not run.history.records:
            run.look(held_out())
        while not run.history.stopped:
            drawn = batches(np.random.default_rng([run.seed, run.epoch]))
            run.begin_epoch(len(drawn))
            for places in team.steps(range(run.place, len(drawn)), recipe.accumulate):
                progress = (run.epoch + (places.start + places.stop) / 2 / len(drawn)) / recipe.epochs
                loss = _gradients(run, drawn, places, loss_of, progress, recipe, team)
                run.set_rate(recipe.learning_rate * warmed(recipe.schedule, progress, warm_up=recipe.warm_up))
                _step(run, loss, recipe, checkpoints)
                run.moved(loss, places)
                if checkpoints is not None and team.is_first and run.step % checkpoints.every == 0:
                    run.keep(checkpoints)
            _check_weights(run, recipe, checkpoints)
            run.end_epoch(held_out() if held_out else None, epochs=recipe.epochs, patience=recipe.patience)
            if checkpoints is not None and team.is_first:
                run.keep(checkpoints)
            team.wait()
    run.finish()
    return run.history


def _gradients(
    run: Run,
    drawn: Sequence[B],
    places: range,
    loss_of: Callable[[B, float], Tensor],
    progress: float,
    recipe: Recipe,
    team: Processes,
) -> float:
    """Leave the mean gradient of the batches at `places` in the parameters; return their mean loss."""

    def attempt(batch: B) -> float:
        with torch.autocast(run.device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16"):
            loss = loss_of(batch, progress)
        (loss / len(places)).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return float(loss.detach()) / len(places)

    total = 0.0
    for place in team.share(places):
        _seed(run.seed, run.epoch, place)
        try:
            total += attempt(drawn[place])
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            run.optimizer.zero_grad()
            refuse(drawn[place], attempt, error)
    return team.sum(run.trained(), total)


def _step(run: Run, loss: float, recipe: Recipe, checkpoints: Checkpoints | None) -> None:
    """Move the weights, unless they would become NaN."""
    clip = UNLIMITED if recipe.clip is None else recipe.clip
    norm = float(nn.utils.clip_grad_norm_(run.trained(), clip))
    if not (math.isfinite(loss) and math.isfinite(norm)):
        what = f"loss is {loss}" if not math.isfinite(loss) else f"gradient's norm is {norm}"
        raise TrainingDivergedError(
            f"The {what} at step {run.step + 1}, epoch {run.epoch + 1} of {recipe.epochs}. The weights are those of "
            f"before this step.{_last_good(checkpoints)} Take a lower learning_rate (it is {recipe.learning_rate:g}), "
            "more warm_up, or look at the items of this step."
        )
    run.optimizer.step()
    run.optimizer.zero_grad()


def _check_weights(run: Run, recipe: Recipe, checkpoints: Checkpoints | None) -> None:
    """Raise where an epoch's last step left weights that are no numbers: no later loss might tell."""
    if not all(bool(torch.isfinite(weights).all()) for weights in run.trained()):
        raise TrainingDivergedError(
            f"Weights are NaN or infinite after step {run.step}, epoch {run.epoch + 1} of {recipe.epochs}."
            f"{_last_good(checkpoints)} Take a lower learning_rate (it is {recipe.learning_rate:g}), or more warm_up."
        )


def _last_good(checkpoints: Checkpoints | None) -> str:
    """Say where to go on from, if anywhere."""
    newest = None if checkpoints is None else checkpoints.newest()
    return "" if newest is None else f" The last good checkpoint is {newest}."


def _groups(modules: Modules) -> list[LayerGroup]:
    listed: list[nn.Module | LayerGroup] = [modules] if isinstance(modules, nn.Module) else list(modules)
    return [one if isinstance(one, LayerGroup) else LayerGroup(str(place), one) for place, one in enumerate(listed)]


def _device(groups: Sequence[LayerGroup]) -> torch.device:
    """Return where the weights are."""
    parameters = (parameter for group in groups for parameter in group.module.parameters())
    return next((parameter.device for parameter in parameters), torch.device("cpu"))


def _facts(recipe: Recipe) -> dict[str, Any]:
    """Return what two runs must have in common for one to go on where the other stopped."""
    facts = {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in vars(recipe).items()
        if name != "schedule"
    }
    return {**facts, "schedule": getattr(recipe.schedule, "__name__", type(recipe.schedule).__name__)}


def _seed(*numbers: int) -> None:
    """Seed torch's generators by what the numbers stand for, so that a resumed run draws what it would have drawn."""
    seed = int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(seed)  # kept for later where no GPU is in use yet
