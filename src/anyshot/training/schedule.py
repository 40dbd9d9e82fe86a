"""How fast, and which layers when: schedules are functions of progress, groups of layers are values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import cos, pi
from typing import TypeAlias

from torch import nn

Schedule: TypeAlias = Callable[[float], float]  # progress, 0 to 1 -> share of the learning rate


def cosine(progress: float) -> float:
    """Fall from 1 to 0 along half a cosine (Loshchilov, Hutter, SGDR, ICLR 2017, eq. (5), without restarts)."""
    return (1 + cos(pi * progress)) / 2


def linear(progress: float) -> float:
    """Fall from 1 to 0 along a line."""
    return 1 - progress


def constant(progress: float) -> float:
    """Stay at 1."""
    return 1.0


def warmed(schedule: Schedule, progress: float, *, warm_up: float) -> float:
    """Rise from 0 along a line for the share `warm_up` of the work, then follow `schedule` over the rest of it."""
    if progress < warm_up:
        return progress / warm_up
    return schedule((progress - warm_up) / (1 - warm_up)) if warm_up < 1 else 1.0


@dataclass(frozen=True)
class LayerGroup:
    """Layers that learn alike.

    Attributes
    ----------
    rate : float
        Its learning rate over the recipe's.
    starts : float
        The epoch, counted from 0, from which it is trained; frozen before.
    """

    name: str
    module: nn.Module
    rate: float = 1.0
    starts: float = 0.0


def by_depth(
    stages: Sequence[tuple[str, nn.Module]], *, decay: float = 1.0, unfreeze_every: float = 0.0
) -> list[LayerGroup]:
    """Group layers by depth: the last stage learns at the full rate, each earlier one `decay` times as fast.

    stages: names and modules, the one nearest the input first; unfreeze_every: epochs between the start of one stage
    and of the one before it; 0 trains all from the start. Both are ULMFiT's (Howard, Ruder, ACL 2018, sections 3.2 and
    3.3).

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
