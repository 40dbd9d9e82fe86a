"""What a training run optimizes and how: hyperparameters, learning rate schedules, layer groups and losses."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from anyshot.base.validation import Indexes, check_numbers, check_whole
from anyshot.errors import InputError, NotEnoughLabelsError

Schedule: TypeAlias = Callable[[float], float]  # progress, 0 to 1 -> factor of the learning rate


# --- learning rate schedules -----------------------------------------------------------------------------------------


def cosine(progress: float) -> float:
    """Fall from 1 to 0 along half a cosine (Loshchilov, Hutter, SGDR, ICLR 2017, eq. (5), without restarts)."""
    return (1 + math.cos(math.pi * progress)) / 2


def linear(progress: float) -> float:
    """Fall from 1 to 0 linearly."""
    return 1 - progress


def constant(progress: float) -> float:
    """Return 1."""
    return 1.0


def warmed(schedule: Schedule, progress: float, *, warm_up: float) -> float:
    """Rise from 0 linearly during the fraction `warm_up` of the run, then follow `schedule` over the rest."""
    if progress < warm_up:
        return progress / warm_up
    return schedule((progress - warm_up) / (1 - warm_up)) if warm_up < 1 else 1.0


# --- hyperparameters -------------------------------------------------------------------------------------------------


def check_rules(settings: object, rules: Mapping[str, tuple[bool, str]]) -> None:
    """Raise InputError for the first of the settings that does not keep its rule.

    rules: by name of the setting, whether it is kept, and what the setting must do, such as "be above 0".
    """
    for name, (is_kept, rule) in rules.items():
        if not is_kept:
            raise InputError(f"{name} must {rule}; it is {getattr(settings, name)!r}.")


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of a training run.

    Attributes
    ----------
    epochs : int
        Passes over all batches.
    learning_rate : float
        The highest learning rate; layer groups may use a fraction of it.
    weight_decay : float
        Of AdamW, for matrices and kernels only: not for biases and gains.
    schedule : callable
        Factor of the learning rate by progress, 0 to 1, after the warm-up.
    warm_up : float
        Fraction of all steps during which the rate rises from 0.
    clip : float or None
        Largest norm of the whole gradient.
    accumulate : int
        Number of batches per step, whose gradients are averaged.
    precision : {"float32", "bfloat16"}
        Of the products in the loss; weights are always float32.
    patience : int or None
        Epochs without improvement on held-out items after which training stops.
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

    def __post_init__(self) -> None:
        """Raise InputError for a value that is out of range."""
        check_whole(1, epochs=self.epochs, accumulate=self.accumulate)
        check_numbers(learning_rate=self.learning_rate, weight_decay=self.weight_decay, warm_up=self.warm_up)
        if self.clip is not None:
            check_numbers(clip=self.clip)
        if self.patience is not None:
            check_whole(1, patience=self.patience)
        rules = {
            "learning_rate": (0 < self.learning_rate < math.inf, "be above 0 and finite"),
            "weight_decay": (0 <= self.weight_decay < math.inf, "be finite and at least 0"),
            "warm_up": (0 <= self.warm_up <= 1, "be between 0 and 1"),
            "clip": (self.clip is None or self.clip > 0, "be above 0, or None"),
            "precision": (self.precision in ("float32", "bfloat16"), "be 'float32' or 'bfloat16'"),
        }
        check_rules(self, rules)

    def facts(self) -> dict[str, Any]:
        """Return the values as JSON types, the schedule as its name; a resumed run must have the same."""
        facts = {
            name: value.item() if isinstance(value, np.generic) else value
            for name, value in vars(self).items()
            if name != "schedule"
        }
        return {**facts, "schedule": getattr(self.schedule, "__name__", type(self.schedule).__name__)}


@dataclass(frozen=True)
class LayerGroup:
    """Layers with a common learning rate.

    Attributes
    ----------
    rate : float
        Factor of the recipe's learning rate.
    starts : float
        Epoch, from 0, in which training of the group starts; it is frozen before.
    """

    name: str
    module: nn.Module
    rate: float = 1.0
    starts: float = 0.0


def by_depth(
    stages: Sequence[tuple[str, nn.Module]], *, decay: float = 1.0, unfreeze_every: float = 0.0
) -> list[LayerGroup]:
    """Group layers by depth: the last stage has the full learning rate, each earlier one `decay` times the next one's.

    stages: names and modules, starting at the input; unfreeze_every: epochs between the start of one stage and of the
    one before it; 0 trains all from the start. Both are ULMFiT's (Howard, Ruder, ACL 2018, sections 3.2 and 3.3).

    Examples
    --------
    >>> groups = by_depth([("layer1", nn.Linear(1, 1)), ("head", nn.Linear(1, 1))], decay=0.5, unfreeze_every=1)
    >>> [(group.name, group.rate, group.starts) for group in groups]
    [('layer1', 0.5, 1.0), ('head', 1.0, 0.0)]
    """
    depths = range(len(stages) - 1, -1, -1)
    return [
        LayerGroup(name, module, rate=decay**depth, starts=float(unfreeze_every * depth))
        for (name, module), depth in zip(stages, depths, strict=True)
    ]


# --- losses ----------------------------------------------------------------------------------------------------------


def cross_entropy(
    scores: Tensor,
    index: Tensor,
    *,
    weights: Tensor | None = None,
    item_weights: Tensor | None = None,
    smoothing: float = 0.0,
    spread_over: Tensor | None = None,
) -> Tensor:
    """Return the mean cross-entropy [nats], a scalar.

    scores (n, c), logits; index (n,), rows of the class table; weights (c,), of each class; item_weights (n,), of each
    item; smoothing: fraction of each target that is spread over all classes (Szegedy et al., CVPR 2016, section 7), or
    over those of `spread_over` (c,), bool. The weighted sum is divided by n, not by the sum of the weights, so that the
    weight of an item does not depend on the rest of its batch.
    """
    log_probabilities = functional.log_softmax(scores.float(), dim=1)  # (n, c)
    losses = -log_probabilities.gather(1, index[:, None])[:, 0]  # (n,)
    if smoothing:
        among = log_probabilities if spread_over is None else log_probabilities[:, spread_over]
        losses = (1 - smoothing) * losses - smoothing * among.mean(dim=1)
    losses = losses if weights is None else losses * weights[index]
    return (losses if item_weights is None else losses * item_weights).mean()


def balanced_weights(index: Indexes, n_classes: int, weights: NDArray[np.floating] | None = None) -> Tensor:
    """Return weights (c,) that give every class equal influence, 1 on average over the items; 0 for an empty class.

    index (n,): the class of each item; weights (n,): how much each item counts, 1 by default.

    Raises NotEnoughLabelsError if there is no label.
    """
    counts = np.bincount(index, weights, minlength=n_classes)
    if not counts.any():
        raise NotEnoughLabelsError("Classes cannot be balanced without labels. Give labels, or class_weight=None.")
    present = np.count_nonzero(counts)
    of_classes = np.divide(counts.sum(), present * counts, out=np.zeros(n_classes), where=counts > 0)
    return torch.from_numpy(of_classes.astype(np.float32))
