"""Contrastive tuning: items of one class are drawn together and items of two apart, so that few labels make many pairs.

With n labeled items there are n (n - 1) / 2 pairs to learn from, which is how a handful of labels can move a network.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from anyshot.base.validation import Indexes, RandomState, check_whole
from anyshot.encoders.activation_batches import Activations
from anyshot.encoders.freeze import Rest
from anyshot.errors import InputError
from anyshot.training.history import History
from anyshot.training.loop import Recipe, train
from anyshot.training.sampling import Pairs, draw_pairs
from anyshot.training.schedule import by_depth

PAIRS_TOGETHER: Final = 32


@dataclass(frozen=True)
class PairBatch:
    """Pairs whose mean gradient is taken together."""

    pairs: Pairs

    def __len__(self) -> int:
        """Return how many pairs there are."""
        return len(self.pairs.same)

    def __getitem__(self, part: slice) -> "PairBatch":
        """Return some of the pairs."""
        return PairBatch(_part(self.pairs, part))


def pair_loss(left: Tensor, right: Tensor, same: Tensor) -> Tensor:
    """Return how far the cosines are from 1 for pairs of one class and from 0 for pairs of two, a scalar.

    left, right (n, d): unit-length vectors; same (n,): 1 or 0. The mean squared difference, as SetFit takes it
    (Tunstall et al., Efficient Few-Shot Learning Without Prompts, 2022, section 3.1; Reimers, Gurevych, 2019).
    """
    cosines = (left * right).sum(dim=1)  # (n,)
    return ((cosines - same) ** 2).mean()


def tune_on_pairs(
    rest: Rest,
    activations: Activations,
    index: Indexes,
    *,
    recipe: Recipe,
    pairs_per_item: int = 20,
    depth_decay: float = 0.8,
    random_state: RandomState = None,
) -> History:
    """Train `rest` in place so that labeled items of one class come together; return what happened.

    activations: of n items at the freeze point; index (n,): the class of each, -1 for none; pairs_per_item: pairs
    drawn an epoch over the labeled items; depth_decay: each stage's learning rate over the next later one's.

    Raises
    ------
    InputError
        There is nothing to train, or no pair is asked for.
    NotEnoughLabelsError
        Fewer than two classes have labels.
    TrainingDivergedError, BatchMemoryError
        See `training.loop.train`.
    """
    check_whole(1, pairs_per_item=pairs_per_item)
    if not list(rest.parameters()):
        raise InputError("The freeze point leaves nothing to train but a head. Give freeze_at an earlier stage.")
    device = next(rest.parameters()).device
    n_pairs = pairs_per_item * int(np.count_nonzero(index >= 0))

    def batches(generator: np.random.Generator) -> Sequence[PairBatch]:
        pairs = draw_pairs(index, n_pairs=n_pairs, generator=generator)
        order = generator.permutation(n_pairs)
        parts = np.split(order, range(PAIRS_TOGETHER, n_pairs, PAIRS_TOGETHER))
        return [PairBatch(_part(pairs, part)) for part in parts]

    def loss_of(batch: PairBatch, progress: float) -> Tensor:
        pairs = batch.pairs
        rows, place = np.unique(np.concatenate([pairs.left, pairs.right]), return_inverse=True)  # each item runs once
        vectors = normalize(rest(activations.batch(rows, device=device)), dim=1)  # (rows, d)
        left, right = vectors[torch.from_numpy(place).to(device)].chunk(2)  # (pairs, d) each
        return pair_loss(left, right, torch.from_numpy(pairs.same).to(device, torch.float32))

    groups = by_depth([stage for stage in rest.named_stages() if list(stage[1].parameters())], decay=depth_decay)
    return train(groups, batches, loss_of, recipe=recipe, random_state=random_state)


def _part(pairs: Pairs, places: Indexes | slice) -> Pairs:
    """Return some of the pairs."""
    return Pairs(pairs.left[places], pairs.right[places], pairs.same[places])
