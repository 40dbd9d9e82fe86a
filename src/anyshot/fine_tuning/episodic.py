"""Episodic training: a network learns to tell classes it has never seen apart, from one or a few examples of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from anyshot.base.validation import Indexes, RandomState, Vectors
from anyshot.errors import InputError
from anyshot.training.history import HeldOut, History
from anyshot.training.loop import Recipe, train
from anyshot.training.losses import cross_entropy
from anyshot.training.sampling import Episodes

Embed: TypeAlias = Callable[[Indexes, np.random.Generator | None], Tensor]
"""Rows (n,) to features (n, d); the generator, where there is one, draws a view of each item."""

SHARPNESS: Final = 10.0
"""Multiplies squared distances of unit vectors, which reach 4 at most: without it a softmax could not be sure."""

ANSWERED_TOGETHER: Final = 256
JUDGED_ON: Final = 100  # episodes that tell how good a network is


@dataclass(frozen=True)
class Drawn:
    """The rows (classes, n_each) of an episode, and the number that decides which view of each item is shown."""

    rows: Indexes
    seed: int


def episode_loss(vectors: Tensor, *, n_shots: int, sharpness: float = SHARPNESS) -> Tensor:
    """Return how badly the items of an episode are told by the class means of others, cross-entropy [nats], a scalar.

    vectors (c, m, d): unit-length vectors of m items of each of c classes. The classes' means over n_shots items are
    the prototypes, the other m - n_shots items the queries; a query's score for a class is minus its squared distance
    to the prototype. Snell, Swersky, Zemel, NeurIPS 2017, eq. (1) and (2). Each item is support in turn, so that one
    pass through the network serves m tasks.

    Raises
    ------
    InputError
        There is no query left.
    """
    n_classes, n_each, width = vectors.shape
    if not 0 < n_shots < n_each:
        raise InputError(f"n_shots={n_shots} of {n_each} items of each class leave no query. Take at least one more.")
    index = torch.arange(n_classes, device=vectors.device).repeat_interleave(n_each - n_shots)
    losses = []
    for first in range(n_each):
        shown = vectors.roll(-first, dims=1)
        prototypes = shown[:, :n_shots].mean(dim=1)  # (c, d)
        queries = shown[:, n_shots:].reshape(-1, width)  # (c (m - n_shots), d)
        losses.append(cross_entropy(prototype_scores(queries, prototypes, sharpness=sharpness), index))
    return torch.stack(losses).mean()


def prototype_scores(queries: Tensor, prototypes: Tensor, *, sharpness: float = SHARPNESS) -> Tensor:
    """Return minus the squared distances (n, c), times sharpness, of queries (n, d) and prototypes (c, d)."""
    # |q - p|^2 = |q|^2 - 2 q p + |p|^2, and |q|^2 is the same for every class: it leaves the softmax.
    scores: Tensor = sharpness * (2 * queries @ prototypes.T - (prototypes**2).sum(dim=1))
    return scores


def train_on_episodes(
    network: nn.Module,
    embed: Embed,
    episodes: Episodes,
    *,
    recipe: Recipe,
    n_shots: int = 1,
    per_epoch: int = 100,
    held_out: Episodes | None = None,
    random_state: RandomState = None,
) -> History:
    """Train `network`, which `embed` calls, in place; return what happened.

    per_epoch: episodes an epoch; held_out: episodes of classes that are not trained on: the weights of the epoch that
    answers these best stay.

    Raises
    ------
    InputError
        n_shots leaves no query.
    TrainingDivergedError, BatchMemoryError
        See `training.loop.train`.
    """

    def batches(generator: np.random.Generator) -> Sequence[Drawn]:
        return [Drawn(episodes.draw(generator), int(generator.integers(2**31))) for _ in range(per_epoch)]

    def loss_of(batch: Drawn, progress: float) -> Tensor:
        features = embed(batch.rows.ravel(), np.random.default_rng(batch.seed)).float()
        return episode_loss(normalize(features, dim=1).view(*batch.rows.shape, -1), n_shots=n_shots)

    def ask() -> HeldOut:
        assert held_out is not None
        return HeldOut(0.0, episode_accuracy(network, embed, held_out, n_shots=n_shots))

    return train(
        network,
        batches,
        loss_of,
        recipe=recipe,
        held_out=None if held_out is None else ask,
        random_state=random_state,
    )


def episode_accuracy(
    network: nn.Module, embed: Embed, episodes: Episodes, *, n_shots: int = 1, n_drawn: int = JUDGED_ON, seed: int = 0
) -> float:
    """Return the share of queries of some episodes, 0 to 1, whose nearest prototype is their own class's."""
    rows = np.unique(np.concatenate([one for group in episodes.groups for one in group]))
    vectors = torch.from_numpy(embedded(network, embed, rows))
    generator = np.random.default_rng(seed)
    shares = []
    for _ in range(n_drawn):
        own = vectors[torch.from_numpy(np.searchsorted(rows, episodes.draw(generator)))]  # (c, m, d)
        prototypes, queries = own[:, :n_shots].mean(dim=1), own[:, n_shots:]
        best = prototype_scores(queries.flatten(0, 1), prototypes).argmax(dim=1)
        index = torch.arange(len(own)).repeat_interleave(queries.shape[1])
        shares.append(float((best == index).float().mean()))
    return float(np.mean(shares))


def embedded(network: nn.Module, embed: Embed, rows: Indexes) -> Vectors:
    """Return the unit-length vectors (n, d), float32, of some rows, each as it is."""
    network.eval()
    with torch.inference_mode():
        made = [
            normalize(embed(rows[first : first + ANSWERED_TOGETHER], None).float(), dim=1).cpu().numpy()
            for first in range(0, len(rows), ANSWERED_TOGETHER)
        ]
    vectors: Vectors = np.concatenate(made).astype(np.float32)
    return vectors
