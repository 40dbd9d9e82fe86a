"""The items of a domain as a network takes them: by rows, in batches."""

from dataclasses import dataclass
from typing import Protocol, TypeGuard

import numpy as np
import torch
from torch import Tensor

from anyshot.checks import Indexes


class Items(Protocol):
    """Items that a network takes by rows, such as the activations of a frozen trunk."""

    def __len__(self) -> int:
        """Return how many items there are."""
        ...

    def batch(self, rows: Indexes) -> object:
        """Return some items as the network takes them."""
        ...


def has_rows(given: object) -> TypeGuard[Items]:
    """Say whether items are given by rows, and not as an array."""
    return hasattr(given, "batch") and hasattr(given, "__len__")


@dataclass(frozen=True)
class Arrayed:
    """Items that are an array (n, ...)."""

    array: Tensor

    def __len__(self) -> int:
        """Return how many items there are."""
        return len(self.array)

    def batch(self, rows: Indexes) -> Tensor:
        """Return some items (b, ...)."""
        return self.array[torch.from_numpy(np.asarray(rows))]


@dataclass(frozen=True)
class Pairs:
    """Rows of a batch: of the source and of the target."""

    source: Indexes
    target: Indexes

    def __len__(self) -> int:
        """Return how many pairs there are."""
        return len(self.source)

    def __getitem__(self, part: slice) -> "Pairs":
        """Return some of the pairs."""
        return Pairs(self.source[part], self.target[part])


def in_order(n_items: int, batch_size: int) -> list[Indexes]:
    """Return all rows in batches, in order."""
    return [np.arange(first, min(first + batch_size, n_items)) for first in range(0, n_items, batch_size)]


def shuffled(n_items: int, batch_size: int, random: np.random.Generator) -> list[Indexes]:
    """Return batches of rows drawn without replacement, all of one size: a rest would make a poor statistic."""
    size = min(batch_size, n_items)
    return list(random.permutation(n_items)[: n_items // size * size].reshape(-1, size))


def paired(n_source: int, n_target: int, batch_size: int, random: np.random.Generator) -> list[Pairs]:
    """Return one pass over the source, each batch beside one of the target, whose items return as often as it takes."""
    ours = shuffled(n_source, batch_size, random)
    size = len(ours[0])
    passes = -(-len(ours) * size // n_target)
    theirs = np.concatenate([random.permutation(n_target) for _ in range(passes)])[: len(ours) * size]
    return [Pairs(source, target) for source, target in zip(ours, theirs.reshape(-1, size), strict=True)]
