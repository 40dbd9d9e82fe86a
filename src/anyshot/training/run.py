"""A training run: its history epoch by epoch, and its state, which a checkpoint stores."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple, Self

import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from anyshot.errors import CheckpointError, InputError
from anyshot.training.checkpoint import Checkpoints, Saved, check_same
from anyshot.training.recipe import LayerGroup, Recipe
from anyshot.training.weights import part_of


class HeldOut(NamedTuple):
    """Loss and accuracy on held-out items."""

    loss: float
    accuracy: float = 0.0  # 0 to 1; leave it out to compare losses only

    def is_better_than(self, other: "HeldOut | None") -> bool:
        """Return whether the loss is finite, and the accuracy is higher, or equal at a lower loss."""
        if not math.isfinite(self.loss):
            return False
        return other is None or (self.accuracy, -self.loss) > (other.accuracy, -other.loss)


@dataclass(frozen=True)
class Record:
    """Figures of one epoch. Epoch 0 is the state before the first step: it has no loss."""

    epoch: int
    loss: float | None  # mean over the epoch's batches, each with the weights at its step
    held_out: HeldOut | None
    learning_rate: float  # of the last step
    seconds: float  # of training so far, including interrupted runs


@dataclass
class History:
    """Figures of a training run.

    Attributes
    ----------
    records : list of Record
        One per epoch, and one before the first if there are held-out items.
    stopped : str
        Why training ended.
    best_epoch : int or None
        The epoch whose weights are used; None without held-out items or a finite loss on them, where the last ones are.
    """

    records: list[Record] = field(default_factory=list)
    stopped: str = ""

    @property
    def best_epoch(self) -> int | None:
        """The epoch with the best held-out figures."""
        best, epoch = None, None
        for record in self.records:
            if record.held_out is not None and record.held_out.is_better_than(best):
                best, epoch = record.held_out, record.epoch
        return epoch

    def table(self) -> pd.DataFrame:
        """Return the records as a table, one row per epoch."""
        rows = [(r.epoch, r.loss, *(r.held_out or (None, None)), r.learning_rate, r.seconds) for r in self.records]
        columns = ["epoch", "loss", "held_out_loss", "held_out_accuracy", "learning_rate", "seconds"]
        return pd.DataFrame(rows, columns=columns)

    def plot(self) -> Figure:
        """Plot loss and held-out accuracy by epoch."""
        return plot_histories({"": self})

    def facts(self) -> dict[str, Any]:
        """Return the history as JSON values."""
        return {"stopped": self.stopped, "records": [asdict(record) for record in self.records]}

    @classmethod
    def from_facts(cls, facts: dict[str, Any]) -> Self:
        """Return the history whose `facts` these are."""
        records = [
            Record(**{**one, "held_out": HeldOut(*one["held_out"]) if one["held_out"] else None})
            for one in facts["records"]
        ]
        return cls(records, facts["stopped"])


def plot_histories(histories: dict[str, History]) -> Figure:
    """Plot several runs: training loss on the left, held-out accuracy on the right."""
    figure = Figure(figsize=(8.4, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, history in histories.items():
        table = history.table()
        line = left.plot(table.epoch, table.loss.astype(float), marker="o", markersize=3, label=name or "training")
        held_out = table.held_out_loss.astype(float)
        if held_out.notna().any():
            left.plot(table.epoch, held_out, "--", color=line[0].get_color(), label=f"{name} held out".strip())
            right.plot(table.epoch, 100 * table.held_out_accuracy.astype(float), color=line[0].get_color(), label=name)
    left.set(xlabel="epoch", ylabel="loss [nats]")
    right.set(xlabel="epoch", ylabel="accuracy on held-out items [%]")
    for axis in (left, right):
        axis.spines[["top", "right"]].set_visible(False)
        if any(axis.get_legend_handles_labels()[1]):
            axis.legend(frameon=False)
    return figure


class Run:
    """The state of a training run.

    Attributes
    ----------
    epoch, batch : int
        The current epoch, from 0, and the number of its batches that are done.
    step : int
        Steps done in all.
    """

    def __init__(self, groups: Sequence[LayerGroup], *, recipe: Recipe, seed: int):
        self._groups, self._recipe, self.seed = list(groups), recipe, seed
        if len({group.name for group in groups}) < len(self._groups):
            raise InputError(f"The names of layer groups must differ: {', '.join(group.name for group in groups)}.")
        self._parameters = [[p for p in group.module.parameters() if p.requires_grad] for group in groups]
        if not any(self._parameters):
            raise InputError("There is nothing to train: no module has a parameter that requires a gradient.")
        self.optimizer = _optimizer(self._groups, self._parameters, recipe.weight_decay)
        self.optimizer.zero_grad()  # gradients of the caller's, or of a run that ended with an error
        self.epoch = self.batch = self.step = 0
        self.history = History()
        self._loss_sum, self._batches_seen = 0.0, 0
        self._best: dict[str, Tensor] | None = None  # weights of the best epoch so far
        self._seconds_before, self._started = 0.0, time.monotonic()
        self._rate = 0.0

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return next(p for own in self._parameters for p in own).device

    def trained(self) -> list[Tensor]:
        """Return the parameters that are trained in this epoch."""
        return [p for own in self._parameters for p in own if p.requires_grad]

    def weights(self) -> list[Tensor]:
        """Return all weights and statistics; writing into them changes the modules."""
        return list(self._state().values())

    def begin_epoch(self, n_batches: int) -> None:
        """Put the modules into training mode, and unfreeze the groups that start in this epoch."""
        if n_batches == 0:
            raise InputError("There is nothing to train on: an epoch has no batch. Give items with labels.")
        for group, own in zip(self._groups, self._parameters, strict=True):
            for parameter in own:
                parameter.requires_grad_(self.epoch >= group.starts)
            for module in group.module.train().modules():
                if _is_frozen(module):
                    module.eval()
        if not self.trained():
            raise InputError(f"No layer group starts by epoch {self.epoch}. Let the last one start at 0.")

    def set_rate(self, rate: float) -> None:
        """Set the learning rate; each group uses its fraction of it."""
        self._rate = rate
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["share"]

    def end_step(self, loss: float, batches: range) -> None:
        """Count a step over these batches, with mean loss `loss`."""
        self.step, self.batch = self.step + 1, batches.stop
        self._loss_sum, self._batches_seen = self._loss_sum + loss * len(batches), self._batches_seen + len(batches)

    @property
    def mean_loss(self) -> float:
        """Mean loss of the epoch's batches so far."""
        return self._loss_sum / self._batches_seen

    def record(self, held_out: HeldOut | None, *, loss: float | None = None) -> None:
        """Record the current figures, and copy the weights if they are the best so far."""
        self.history.records.append(Record(self.epoch, loss, held_out, self._rate, self._seconds()))
        if self.history.best_epoch == self.epoch:
            self._best = {name: tensor.detach().clone() for name, tensor in self._state().items()}

    def end_epoch(self, held_out: HeldOut | None) -> None:
        """Record the epoch, and set `history.stopped` if it was the last."""
        self.epoch, self.batch = self.epoch + 1, 0
        self.record(held_out, loss=self.mean_loss)
        self._loss_sum, self._batches_seen = 0.0, 0
        best, patience = self.history.best_epoch, self._recipe.patience
        if patience is not None and best is not None and self.epoch - best >= patience:
            self.history.stopped = f"no better on held-out items for {patience} epochs"
        elif self.epoch >= self._recipe.epochs:
            self.history.stopped = "all epochs done"

    def restore_best(self) -> None:
        """Restore the weights of the best epoch; without held-out items the last ones stay."""
        if self._best is not None:
            self._load(self._best)

    def close(self) -> None:
        """Make all that was trained trainable again, as unfreezing may not have done yet; end the training mode."""
        for group, own in zip(self._groups, self._parameters, strict=True):
            group.module.eval()
            for parameter in own:
                parameter.requires_grad_(True)

    # --- checkpoints --------------------------------------------------------------------------------------------------

    def save(self, checkpoints: Checkpoints) -> None:
        """Write a checkpoint."""
        tensors = {f"weights/{name}": tensor.detach().cpu() for name, tensor in self._state().items()}
        if self._best is not None:
            tensors |= {f"best/{name}": tensor.cpu() for name, tensor in self._best.items()}
        for number, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer/{number}/{name}": tensor.cpu() for name, tensor in state.items()}
        sums = {"losses": self._loss_sum, "seen": self._batches_seen, "seconds": self._seconds(), "rate": self._rate}
        facts = {
            **self._identity(checkpoints),
            "position": {"epoch": self.epoch, "place": self.batch, "step": self.step, "seed": self.seed},
            "sums": sums,
            "history": self.history.facts(),
        }
        own = {name: tensor.clone() for name, tensor in tensors.items()}  # tensors in a file must not share memory
        checkpoints.write(Saved(facts, own), step=self.step)

    def resume(self, checkpoints: Checkpoints, *, any_seed: bool) -> None:
        """Continue from the newest checkpoint, if there is one; with `any_seed`, also use its seed."""
        saved = checkpoints.read()
        if saved is None:
            return
        facts = saved.facts
        check_same(checkpoints.folder, facts, self._identity(checkpoints))
        position, sums = facts["position"], facts["sums"]
        if not any_seed and position["seed"] != self.seed:
            raise CheckpointError(
                f"The checkpoint in {checkpoints.folder} is of a run with another random_state. Use another folder."
            )
        self.seed, self.epoch = position["seed"], position["epoch"]
        self.batch, self.step = position["place"], position["step"]
        self._loss_sum, self._batches_seen, self._seconds_before = sums["losses"], sums["seen"], sums["seconds"]
        self._rate = sums["rate"]
        self.history = History.from_facts(facts["history"])
        self._load(part_of(saved.tensors, "weights"))
        best = part_of(saved.tensors, "best")
        self._best = {name: tensor.to(self.device) for name, tensor in best.items()} or None
        self._load_optimizer(part_of(saved.tensors, "optimizer"))

    def _load_optimizer(self, tensors: Mapping[str, Tensor]) -> None:
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            number, entry = name.split("/")
            state.setdefault(int(number), {})[entry] = tensor
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": state})

    def _identity(self, checkpoints: Checkpoints) -> dict[str, Any]:
        architecture = [[name, list(tensor.shape)] for name, tensor in self._state().items()]
        return {"architecture": architecture, "recipe": self._recipe.facts(), "about": dict(checkpoints.about)}

    def _state(self) -> dict[str, Tensor]:
        return {
            f"{group.name}.{name}": tensor
            for group in self._groups
            for name, tensor in group.module.state_dict().items()
        }

    def _load(self, tensors: Mapping[str, Tensor]) -> None:
        with torch.no_grad():
            for name, tensor in self._state().items():
                tensor.copy_(tensors[name])

    def _seconds(self) -> float:
        return self._seconds_before + time.monotonic() - self._started


def _optimizer(
    groups: Sequence[LayerGroup], parameters: Sequence[Sequence[nn.Parameter]], weight_decay: float
) -> torch.optim.AdamW:
    """Return AdamW over the groups, without weight decay for gains and biases."""
    parts = []
    for group, own in zip(groups, parameters, strict=True):
        spared = {
            id(parameter)
            for module in group.module.modules()
            for name, parameter in module.named_parameters(recurse=False)
            if _is_gain_or_bias(module, name, parameter)
        }
        for is_spared, decay in ((False, weight_decay), (True, 0.0)):
            selected = [p for p in own if (id(p) in spared) == is_spared]
            if selected:
                parts.append({"params": selected, "weight_decay": decay, "share": group.rate})
    return torch.optim.AdamW(parts)


def _is_gain_or_bias(module: nn.Module, name: str, parameter: nn.Parameter) -> bool:
    """Return whether a parameter of a module scales or shifts features one by one, rather than combining them.

    Some have dimensions of length 1 before or after the features: the gains of ConvNeXt V2's response normalization
    have shape (1, 1, 1, d), class tokens (1, 1, d). A matrix of a single row stays a matrix.
    """
    is_kernel = isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d)
    is_vector = parameter.ndim < 2 or (parameter.ndim > 2 and parameter.numel() == max(parameter.shape))
    is_gain = is_vector and not (is_kernel and name == "weight")
    return is_gain or "bias" in name or isinstance(module, nn.LayerNorm | nn.RMSNorm)


def _is_frozen(module: nn.Module) -> bool:
    """Return whether a module has own parameters and none is trained; its statistics are not updated either."""
    own = list(module.parameters(recurse=False))
    return bool(own) and not any(parameter.requires_grad for parameter in own)
