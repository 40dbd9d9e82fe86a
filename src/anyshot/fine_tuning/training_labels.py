"""What a network is trained on: labeled items as users give them, and those of them that are held out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anyshot.base.items import Items, by_position, items_and_labels
from anyshot.base.labels import (
    Classes,
    Label,
    Labels,
    class_order,
    class_table,
    label_list,
    refuse_several_columns,
    to_indexes,
    warn_of_look_alikes,
)
from anyshot.base.misleading_names import learned_classes
from anyshot.base.validation import Indexes
from anyshot.base.weighted_items import checked_weights
from anyshot.errors import NotEnoughLabelsError

DEFAULT_HELD_OUT: Final = 0.1  # fraction of the labels for "auto"
MIN_HELD_OUT: Final = 100
"""Fewest held-out items for "auto": accuracy on 30 items has a standard error of 5 points, and epochs differ by 1."""
NONE: Final = np.zeros(0, np.intp)


@dataclass(frozen=True)
class LabeledItems:
    """The items that have a label and count at all."""

    items: Items  # (n,)
    index: Indexes  # (n,), the class of each, as a row of `classes`
    classes: Classes  # (c,)
    weights: NDArray[np.float32] | None  # (n,), how often each counts, above 0; None for 1


def labeled_items(
    X: Items | Mapping[Label, Items],
    y: Labels | None,
    names: Iterable[Label] | None,
    *,
    sample_weight: ArrayLike | None = None,
) -> LabeledItems:
    """Return those of the items `X` (n) that have a label `y` (n) and a weight (n) above 0.

    names: the class names; those of the labels if None. Raises InputError if the numbers of items, labels and weights
    differ or a weight is out of range, UnknownClassError if a label is not among the classes, and NotEnoughLabelsError
    if there is none.
    """
    X, y = items_and_labels(X, y)
    weights = None if sample_weight is None else checked_weights(X, sample_weight, len(y)).astype(np.float32)
    if weights is not None:
        y = [label if weight > 0 else None for label, weight in zip(y, weights.tolist(), strict=True)]
    X = by_position(X)
    refuse_several_columns(names)
    table = class_table(sorted(label_list(list(names)), key=class_order) if names is not None else learned_classes(y))
    warn_of_look_alikes(table.tolist())
    index = to_indexes(y, table, n_items=len(X))
    rows = np.flatnonzero(index >= 0)
    if not len(rows):
        raise NotEnoughLabelsError("Fine-tuning needs labels, and no item has one. AnyShotClassifier works without.")
    items = X if len(rows) == len(index) else [X[int(row)] for row in rows]
    return LabeledItems(items, index[rows], table, None if weights is None else weights[rows])


@dataclass(frozen=True)
class TrainingLabels:
    """The class of each item, and which items are trained on or held out."""

    index: Indexes  # (n,), the class of each item, as a row of the class table
    n_classes: int
    train: Indexes  # (m,), rows of the items, each as often as it counts
    held_out: Indexes  # rows of the items
    why_none: str = ""  # why no item is held out
    weights: NDArray[np.float32] | None = None  # (n,), of each copy of an item in `train`; None for 1

    @property
    def counts(self) -> NDArray[np.floating]:
        """The number of training items of each class, or their total weight (c,)."""
        counts = np.bincount(self.index[self.train], self.train_weights, minlength=self.n_classes)
        return counts.astype(np.float64)

    @property
    def train_weights(self) -> NDArray[np.float32] | None:
        """The weight of each row in `train` (m,), None for 1."""
        return None if self.weights is None else self.weights[self.train]

    @classmethod
    def of(
        cls,
        index: Indexes,
        n_classes: int,
        weights: NDArray[np.float32] | None = None,
        *,
        held_out: Indexes = NONE,
        why_none: str = "",
    ) -> Self:
        """Return the labels of items `index` (n,), each trained on as often as it counts by `weights` (n,), above 0.

        An item of weight 3 is in `train` three times with weight 1, one of weight 2.5 three times with 2.5 / 3. So a
        whole weight is as many copies of an item, also in the batches.
        """
        train = np.setdiff1d(np.arange(len(index)), held_out)
        if weights is None:
            return cls(index, n_classes, train, held_out, why_none)
        copies = np.ceil(weights)
        repeated = np.repeat(train, copies[train].astype(np.intp))
        return cls(index, n_classes, repeated, held_out, why_none, (weights / copies).astype(np.float32))


def hold_out(
    index: Indexes,
    n_classes: int,
    weights: NDArray[np.float32] | None = None,
    *,
    fraction: float | Literal["auto"],
    generator: np.random.Generator,
) -> TrainingLabels:
    """Hold out about `fraction` of the items of each class at random, but never all items of a class.

    index (n,), weights (n,): see `TrainingLabels.of`; fraction: "auto" is a tenth where that is enough to compare
    epochs, else 0. The number of a class is rounded at random, so that small classes contribute their fraction on
    average.
    """
    labels = partial(TrainingLabels.of, index, n_classes, weights)
    few = "too few to compare epochs"
    if fraction == 0:
        return labels(why_none="held_out=0")
    if fraction == "auto" and DEFAULT_HELD_OUT * len(index) < MIN_HELD_OUT:
        return labels(why_none=f"a tenth of {len(index)} labels is {few}")
    share = DEFAULT_HELD_OUT if fraction == "auto" else fraction
    chosen: list[int] = []
    for k in np.unique(index):
        members = generator.permutation(np.flatnonzero(index == k))
        wanted = int(len(members) * share + generator.random())
        chosen.extend(members[: min(wanted, len(members) - 1)].tolist())
    if fraction == "auto" and len(chosen) < MIN_HELD_OUT / 2:  # small classes contributed none
        return labels(why_none=f"a tenth of each class is {len(chosen)} labels in all, {few}")
    if not chosen:
        most = int(np.bincount(index).max())
        return labels(why_none=f"at most {most} labels per class are too few to hold out {share:g} of them")
    return labels(held_out=np.array(sorted(chosen), dtype=np.intp))
