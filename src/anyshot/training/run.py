"""A training run in progress: weights, optimizer, position and records -- all that a checkpoint holds."""

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from anyshot.errors import CheckpointError, InputError
from anyshot.training.checkpoint import Checkpoints, Saved, check_same
from anyshot.training.history import HeldOut, History, Record
from anyshot.training.schedule import LayerGroup


class Run:
    """What changes while a model is trained.

    Attributes
    ----------
    epoch, place : int
        The epoch, counted from 0, and the batches of it that are done.
    step : int
        Steps taken in all.
    """

    def __init__(self, groups: Sequence[LayerGroup], *, recipe: Mapping[str, Any], weight_decay: float, seed: int):
        self._groups, self._recipe, self.seed = list(groups), dict(recipe), seed
        if len({group.name for group in groups}) < len(self._groups):
            raise InputError(f"Groups of layers need names of their own: {', '.join(g.name for g in groups)}.")
        self._parameters = [[p for p in group.module.parameters() if p.requires_grad] for group in groups]
        if not any(self._parameters):
            raise InputError("There is nothing to train: no module has a parameter that needs a gradient.")
        self._frozen = [module for group in groups for module in group.module.modules() if _is_frozen(module)]
        self.optimizer = _optimizer(self._groups, self._parameters, weight_decay)
        self.epoch = self.place = self.step = 0
        self.history = History()
        self._losses, self._seen = 0.0, 0
        self._best: tuple[HeldOut, dict[str, Tensor]] | None = None
        self._spent, self._began = 0.0, time.monotonic()
        self._rate = 0.0

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(p for own in self._parameters for p in own).device

    def trained(self) -> list[Tensor]:
        """Return the parameters that learn now."""
        return [p for own in self._parameters for p in own if p.requires_grad]

    def weights(self) -> list[Tensor]:
        """Return all weights and statistics, to be written into."""
        return list(self._state().values())

    # --- moving -------------------------------------------------------------------------------------------------------

    def begin_epoch(self, n_batches: int) -> None:
        """Switch the modules to training, and unfreeze the groups whose epoch has come."""
        if n_batches == 0:
            raise InputError("There is nothing to train on: an epoch has no batch. Give items with labels.")
        for group, own in zip(self._groups, self._parameters, strict=True):
            group.module.train()
            for module in self._frozen:
                module.eval()
            for parameter in own:
                parameter.requires_grad_(self.epoch >= group.starts)
        if not self.trained():
            raise InputError(f"No group of layers starts by epoch {self.epoch}. Let the last one start at 0.")

    def set_rate(self, rate: float) -> None:
        """Set the learning rate; each group takes its share of it."""
        self._rate = rate
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["share"]

    def moved(self, loss: float, places: range) -> None:
        """Record a step over the batches at `places`, their mean loss being `loss`."""
        self.step, self.place = self.step + 1, places.stop
        self._losses, self._seen = self._losses + loss * len(places), self._seen + len(places)

    def look(self, held_out: HeldOut | None, *, loss: float | None = None) -> None:
        """Record how good the model is now, and remember its weights if it never was better."""
        self.history.records.append(Record(self.epoch, loss, held_out, self._rate, self._seconds()))
        best = self._best[0] if self._best else None
        if held_out is not None and math.isfinite(held_out.loss) and held_out.betters(best):
            self._best = held_out, {name: tensor.detach().clone() for name, tensor in self._state().items()}

    def end_epoch(self, held_out: HeldOut | None, *, epochs: int, patience: int | None) -> None:
        """Record the epoch, and tell whether it was the last."""
        self.epoch, self.place = self.epoch + 1, 0
        self.look(held_out, loss=self._losses / self._seen)
        self._losses, self._seen = 0.0, 0
        best = self.history.best_epoch
        if patience is not None and best is not None and self.epoch - best >= patience:
            self.history.stopped = f"no better on held-out items for {patience} epochs"
        elif self.epoch >= epochs:
            self.history.stopped = "all epochs done"

    def finish(self) -> None:
        """Put the best weights back, leave every parameter trainable and the modules ready to answer."""
        if self._best is not None:
            self._load(self._best[1])
        for group, own in zip(self._groups, self._parameters, strict=True):
            group.module.eval()
            for parameter in own:
                parameter.requires_grad_(True)

    # --- keeping ------------------------------------------------------------------------------------------------------

    def keep(self, checkpoints: Checkpoints) -> None:
        """Write a checkpoint."""
        tensors = {f"weights/{name}": tensor.detach().cpu() for name, tensor in self._state().items()}
        if self._best is not None:
            tensors |= {f"best/{name}": tensor.cpu() for name, tensor in self._best[1].items()}
        for place, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer/{place}/{name}": tensor.cpu() for name, tensor in state.items()}
        facts = {
            **self._identity(checkpoints),
            "position": {"epoch": self.epoch, "place": self.place, "step": self.step, "seed": self.seed},
            "sums": {"losses": self._losses, "seen": self._seen, "seconds": self._seconds(), "rate": self._rate},
            "history": self.history.facts(),
            "best": None if self._best is None else list(self._best[0]),
        }
        own = {name: tensor.clone() for name, tensor in tensors.items()}  # no two may share their memory in a file
        checkpoints.write(Saved(facts, own), step=self.step)

    def resume(self, checkpoints: Checkpoints, *, any_seed: bool) -> None:
        """Go on where an interrupted run stopped; where there is none, begin.

        any_seed: whether the run that began there decides the seed.
        """
        saved = checkpoints.read()
        if saved is None:
            return
        facts = saved.facts
        check_same(checkpoints.folder, facts, self._identity(checkpoints))
        position = facts["position"]
        if not any_seed and position["seed"] != self.seed:
            raise CheckpointError(
                f"The checkpoint in {checkpoints.folder} is of a run with another random_state. Name another folder."
            )
        self.seed, self.epoch = position["seed"], position["epoch"]
        self.place, self.step = position["place"], position["step"]
        sums = facts["sums"]
        self._losses, self._seen, self._spent = sums["losses"], sums["seen"], sums["seconds"]
        self._rate = sums["rate"]
        self.history = History.from_facts(facts["history"])
        self._load(_part(saved.tensors, "weights"))
        if facts["best"] is not None:
            here = {name: tensor.to(self.device) for name, tensor in _part(saved.tensors, "best").items()}
            self._best = HeldOut(*facts["best"]), here
        self._load_optimizer(_part(saved.tensors, "optimizer"))

    def _load_optimizer(self, tensors: Mapping[str, Tensor]) -> None:
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            place, entry = name.split("/")
            state.setdefault(int(place), {})[entry] = tensor
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": state})

    def _identity(self, checkpoints: Checkpoints) -> dict[str, Any]:
        architecture = [[name, list(tensor.shape)] for name, tensor in self._state().items()]
        return {"architecture": architecture, "recipe": self._recipe, "about": dict(checkpoints.about)}

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
        return self._spent + time.monotonic() - self._began


def _optimizer(
    groups: Sequence[LayerGroup], parameters: Sequence[Sequence[nn.Parameter]], weight_decay: float
) -> torch.optim.AdamW:
    """Return AdamW over the groups; gains and offsets, which have one dimension, are not decayed."""
    parts = []
    for group, own in zip(groups, parameters, strict=True):
        for is_matrix, decay in ((True, weight_decay), (False, 0.0)):
            chosen = [p for p in own if (p.ndim > 1) == is_matrix]
            if chosen:
                parts.append({"params": chosen, "weight_decay": decay, "share": group.rate})
    return torch.optim.AdamW(parts)


def _is_frozen(module: nn.Module) -> bool:
    """Tell whether a module has parameters of its own, none of which learns: its statistics stay, too."""
    own = list(module.parameters(recurse=False))
    return bool(own) and not any(parameter.requires_grad for parameter in own)


def _part(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    return {key.removeprefix(f"{name}/"): tensor for key, tensor in tensors.items() if key.startswith(f"{name}/")}
