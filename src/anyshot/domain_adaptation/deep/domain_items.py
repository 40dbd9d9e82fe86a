"""The items of a domain as a network takes them: by rows, in batches."""

from dataclasses import dataclass
from typing import Protocol, TypeGuard

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data
from torch import Tensor

from anyshot.base import validation
from anyshot.base.validation import Indexes
from anyshot.domain_adaptation.base import check_all_labeled, numbers
from anyshot.errors import DomainError, InputError, TargetLabelsError, WidthError


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


def source_items(estimator: BaseEstimator, X: ArrayLike | Items, y: ArrayLike) -> tuple[Items, NDArray[np.generic]]:
    """Return the source's items, checked for `estimator`, and their labels (n_s,)."""
    check_all_labeled(y)
    if has_rows(X):
        items, labels = X, np.asarray(y)
    else:
        table, labels = validate_data(estimator, X, y, dtype=np.float32, allow_nd=True, ensure_all_finite=False)
        items = _arrayed(table, "X")
    check_classification_targets(labels)
    return items, labels


def target_items(target: ArrayLike | Items, source: Items) -> Items:
    """Return the target's items, which must come without labels and be like the source's."""
    if isinstance(target, tuple | list) and len(target) == 2 and (has_rows(target[0]) or np.ndim(target[0]) >= 2):
        raise TargetLabelsError(
            "target is a pair, as in target=(X, y). Adaptation must not see labels of the target: give the items "
            "alone, target=X."
        )
    if has_rows(target):
        items: Items = target
    else:
        array, like = _items_of(target), source.batch(np.arange(1))
        if not isinstance(like, Tensor) or (array.shape[1:] != tuple(like.shape[1:]) and len(array)):
            shape = tuple(like.shape[1:]) if isinstance(like, Tensor) else type(like).__name__
            raise WidthError(f"target has items of shape {array.shape[1:]}; the source's are {shape}.")
        items = _arrayed(array, "target")
    if len(items) < 2:
        raise DomainError(f"target has {len(items)} item(s); a domain needs at least 2 to be told by.")
    return items


def seen_items(estimator: BaseEstimator, X: ArrayLike | Items) -> Items:
    """Return items that a fitted `estimator` is asked for."""
    if has_rows(X):
        return X
    return _arrayed(
        validate_data(estimator, X, dtype=np.float32, allow_nd=True, ensure_all_finite=False, reset=False), "X"
    )


def _items_of(target: ArrayLike | Items) -> NDArray[np.float32]:
    array = numbers(target, "target")
    if array.ndim < 2 and len(np.atleast_1d(array)):
        raise InputError(f"target must hold one array of numbers an item, (n, ...); its shape is {array.shape}.")
    return array


def _arrayed(array: NDArray[np.float32], name: str) -> Arrayed:
    """Return an array (n, ...) as items, if all of it is finite."""
    if array.size:
        validation.vectors(array.reshape(len(array), -1), name=name)
    return Arrayed(torch.from_numpy(np.ascontiguousarray(array)))


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
