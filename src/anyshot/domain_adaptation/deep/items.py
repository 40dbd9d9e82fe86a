"""The items of a domain as inputs of a network, and batches of their rows."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from anyshot.base import validation
from anyshot.base.estimator import class_labels, validate_data
from anyshot.base.validation import Indexes, number_rows
from anyshot.domain_adaptation.domains import check_unlabeled
from anyshot.errors import DomainError, InputError, WidthError


@runtime_checkable
class NetworkInputs(Protocol):
    """Items that are read by rows, such as the activations of a frozen trunk."""

    def __len__(self) -> int:
        """Return the number of items."""

    def batch(self, rows: Indexes) -> object:
        """Return the items of these rows as an input of the network."""


@dataclass(frozen=True)
class ArrayInputs:
    """Items from an array (n, ...)."""

    array: Tensor

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self.array)

    def batch(self, rows: Indexes) -> Tensor:
        """Return the items of these rows (b, ...)."""
        return self.array[torch.from_numpy(np.asarray(rows))]


def source_inputs(
    estimator: BaseEstimator, X: ArrayLike | NetworkInputs, y: ArrayLike
) -> tuple[NetworkInputs, NDArray[np.generic]]:
    """Check the source items and labels for `estimator`; return them with labels (n_s,)."""
    if isinstance(X, NetworkInputs):
        items, labels = X, class_labels(y)
    else:
        table, labels = validate_data(estimator, X, y, dtype=np.float32, allow_nd=True, ensure_all_finite=False)
        items = _array_inputs(table, "X")
    return items, labels


def target_inputs(target: ArrayLike | NetworkInputs, source: NetworkInputs) -> NetworkInputs:
    """Check and return the target items, which must come without labels and have the shape of the source's."""
    check_unlabeled(target, lambda items: isinstance(items, NetworkInputs) or np.ndim(items) > 1)
    if isinstance(target, NetworkInputs):
        items: NetworkInputs = target
    else:
        array, first = number_rows(target, dtype=np.float32, name="target"), source.batch(np.arange(1))
        if array.ndim < 2 and len(np.atleast_1d(array)):
            raise InputError(
                f"target must contain one array of numbers per item, (n, ...); its shape is {array.shape}."
            )
        if not isinstance(first, Tensor) or (array.shape[1:] != tuple(first.shape[1:]) and len(array)):
            shape = tuple(first.shape[1:]) if isinstance(first, Tensor) else type(first).__name__
            raise WidthError(f"target has items of shape {array.shape[1:]}; the source's are {shape}.")
        items = _array_inputs(array, "target")
    return check_number_of_items(items)


def check_number_of_items(target: NetworkInputs) -> NetworkInputs:
    """Return the target items; raise DomainError if there are fewer than two."""
    if len(target) < 2:
        raise DomainError(f"target has {len(target)} item(s); at least 2 are needed.")
    return target


def new_inputs(estimator: BaseEstimator, X: ArrayLike | NetworkInputs) -> NetworkInputs:
    """Check and return items for `estimator` to predict, which must be fitted."""
    check_is_fitted(estimator)
    if isinstance(X, NetworkInputs):
        return X
    table = validate_data(estimator, X, dtype=np.float32, allow_nd=True, ensure_all_finite=False, reset=False)
    return _array_inputs(table, "X")


def _array_inputs(array: NDArray[np.float32], name: str) -> ArrayInputs:
    """Return an array (n, ...) as items; raise if it contains NaN or infinity."""
    if array.size:
        validation.vectors(array.reshape(len(array), -1), name=name)
    return ArrayInputs(torch.from_numpy(np.ascontiguousarray(array)))


def sequential_batches(n_items: int, batch_size: int) -> list[Indexes]:
    """Return all rows in order, in batches of about equal size: a batch norm cannot be estimated on a single item."""
    n_batches = min(-(-n_items // batch_size), n_items // 2)
    return np.array_split(np.arange(n_items), max(1, n_batches))


def shuffled_batches(n_items: int, batch_size: int, random: np.random.Generator) -> list[Indexes]:
    """Return random batches of the same size, without replacement; a smaller last one is dropped (batch norms)."""
    size = min(batch_size, n_items)
    return list(random.permutation(n_items)[: n_items // size * size].reshape(-1, size))


def domain_batches(n_source: int, n_target: int, batch_size: int, random: np.random.Generator) -> list[Indexes]:
    """Return one pass over the source in batches (b, 2) of source and target rows; the target is repeated as needed."""
    source = np.stack(shuffled_batches(n_source, batch_size, random))  # (batches, b)
    passes = -(-source.size // n_target)
    target = np.concatenate([random.permutation(n_target) for _ in range(passes)])[: source.size]
    return list(np.stack([source, target.reshape(source.shape)], axis=2))
