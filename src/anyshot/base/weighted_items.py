"""Items that count more than once: `sample_weight` as users pass it."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anyshot.base.columns import take
from anyshot.base.items import Items
from anyshot.base.labels import Label
from anyshot.base.messages import named_rows, warn_of_order
from anyshot.base.number_columns import weight_numbers
from anyshot.base.validation import Indexes
from anyshot.errors import InputError, NotEnoughLabelsError

MAX_WEIGHT: Final = 1000
"""Weights of items are below this, since each is rounded up to a number of copies."""


def weighted_items(
    items: Items, labels: list[Label], sample_weight: Any
) -> tuple[Items, list[Label], NDArray[np.float32]]:
    """Return items and labels, each as often as it counts, and the weight of each copy.

    sample_weight (n,): how often each item counts. An item of weight 3 is there three times with weight 1, one of
    weight 2.5 three times with weight 2.5 / 3, and one of weight 0 is left out.

    Raises InputError if a weight is negative, not a number, or not below `MAX_WEIGHT`.
    """
    weights = checked_weights(items, sample_weight, len(labels))
    copies = np.ceil(weights.astype(np.float32)).astype(np.intp)  # none of a weight that is 0 as a float32
    rows = np.repeat(np.arange(len(labels)), copies)
    of_copies = (weights[rows] / copies[rows]).astype(np.float32)
    return take(items, rows), [labels[row] for row in rows.tolist()], of_copies


def counted_rows(X: Any, sample_weight: Any, n_items: int) -> tuple[Indexes, NDArray[np.float64]]:
    """Return the rows of `X` (n_items) that count at all (m,), and how often each counts (m,).

    sample_weight (n_items,): as users pass it; None for 1 each. Raises InputError as `checked_weights` does, and
    NotEnoughLabelsError if all weights are zero.
    """
    if sample_weight is None:
        return np.arange(n_items), np.ones(n_items)
    weights = checked_weights(X, sample_weight, n_items)
    rows = np.flatnonzero(weights > 0)
    if not len(rows):
        raise NotEnoughLabelsError(
            f"All {n_items} weights are zero, so that no row counts. Give some a weight above 0."
        )
    return rows, weights[rows]


def checked_weights(X: Any, sample_weight: Any, n_items: int) -> NDArray[np.float64]:
    """Return the weights (n_items,); raise InputError if one is negative, not a number, or not below `MAX_WEIGHT`.

    A warning says if the pandas index of `X` has another order than theirs.
    """
    warn_of_order(X, sample_weight, names=("X", "sample_weight"))
    weights = weight_numbers(sample_weight)
    if weights.shape != (n_items,):
        raise InputError(
            f"sample_weight must be a list, one weight for each of {n_items} items; its shape is {weights.shape}."
        )
    bad = np.flatnonzero(~((weights >= 0) & (weights < MAX_WEIGHT)))
    if bad.size:
        raise InputError(
            f"sample_weight is {weights[bad[0]]:g} in {named_rows(bad)}. Weights must be numbers from 0 to below "
            f"{MAX_WEIGHT}: an item of weight 2.5 counts as two and a half, one of weight 0 is left out."
        )
    return weights


def refuse_fractions(weights: NDArray[np.float32] | None, what: str) -> None:
    """Raise InputError if weights of labels are not whole numbers, which `what` does not use."""
    if weights is not None and (weights != 1).any():
        raise InputError(f"{what} can only be used with whole numbers as sample_weight. Round them, or leave them out.")
