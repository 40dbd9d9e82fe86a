"""Episodic training (Prototypical Networks): learn to classify new classes from one or a few examples of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from anyshot.base.validation import Indexes, RandomState, Vectors, generator
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.training.loop import train
from anyshot.training.networks import seeded
from anyshot.training.recipe import Recipe, cross_entropy
from anyshot.training.run import HeldOut, History

EmbedRows: TypeAlias = Callable[[Indexes, np.random.Generator | None], Tensor]
"""Function from rows (n,) to features (n, d); with a generator, of a random augmented view of each item."""

PROTOTYPE_TEMPERATURE: Final = 0.1
"""Divides squared distances of unit-length vectors, which are at most 4: undivided, softmax could not be confident."""
ENCODED_TOGETHER: Final = 256  # items, outside of training
N_TEST_EPISODES: Final = 100  # whose mean accuracy is measured
N_BLOCKS: Final = 4  # of convolution, the four of Conv-4
MIN_SIZE: Final = 2**N_BLOCKS  # pixels per side, so that the last pooling has an output


class ConvNet(nn.Module):
    """Conv-4: four blocks of 3 x 3 convolution, batch norm, ReLU and 2 x 2 max pooling, then flattening.

    Images (n, channels, h, w), floats from 0 to 1, become features (n, width * (h // 16) * (w // 16)), not of unit
    length. Images of fewer than 16 pixels per side raise InputError. Vinyals et al., Matching Networks for One Shot
    Learning, NeurIPS 2016, section 4.1.1; Snell, Swersky, Zemel, Prototypical Networks, NeurIPS 2017, section 3.1.
    """

    def __init__(self, *, channels: int = 1, width: int = 64, random_state: RandomState = None) -> None:
        super().__init__()
        self.channels = channels
        seed = int(generator(random_state).integers(2**31))
        with seeded(seed):
            self.blocks = nn.Sequential(*(_block(width if depth else channels, width) for depth in range(N_BLOCKS)))

    def forward(self, images: Tensor) -> Tensor:
        """Return the features of the images."""
        height, width = images.shape[-2:]
        if min(height, width) < MIN_SIZE:
            raise InputError(f"Images must have at least {MIN_SIZE} x {MIN_SIZE} pixels; got {height} x {width}.")
        features: Tensor = self.blocks(images).flatten(1)
        return features


@dataclass(frozen=True)
class Episodes:
    """Labeled items from which episodes are sampled: some classes, and some different items of each.

    Attributes
    ----------
    groups : list of list of ndarray
        For each group, such as an alphabet, the rows of each of its classes.
    n_classes, n_each : int
        Classes of an episode, and items of each class.
    """

    groups: list[list[Indexes]]
    n_classes: int
    n_each: int

    def draw(self, generator: np.random.Generator) -> Indexes:
        """Return the rows (classes, n_each) of one episode.

        All classes are of one group, sampled with probability proportional to its number of classes, so that the
        tasks are as hard as within a group. A group with fewer than `n_classes` contributes all its classes.
        """
        sizes = np.array([len(group) for group in self.groups])
        group = self.groups[generator.choice(len(sizes), p=sizes / sizes.sum())]
        classes = generator.permutation(len(group))[: self.n_classes]
        return np.stack([generator.choice(group[one], self.n_each, replace=False) for one in classes])


def episodes_of(index: Indexes, *, n_classes: int, n_each: int, groups: Indexes | None = None) -> Episodes:
    """Group labeled items for episodes.

    index (n,): the class of each item, -1 for none; groups (n,): the group of each item's class, by default the same
    for all. Classes with fewer than `n_each` items are left out, and groups with fewer than two classes.

    Raises NotEnoughLabelsError if no group has two classes with `n_each` items each.
    """
    of_item = np.zeros_like(index) if groups is None else groups
    rows_by_group: dict[int, list[Indexes]] = {}
    order = np.argsort(index, kind="stable")
    order = order[index[order] >= 0]
    classes = np.split(order, np.flatnonzero(np.diff(index[order])) + 1)
    for rows in classes:
        if len(rows) >= n_each:
            rows_by_group.setdefault(int(of_item[rows[0]]), []).append(rows)
    usable = [group for group in rows_by_group.values() if len(group) > 1]
    if not usable:
        most = max((len(rows) for rows in classes), default=0)
        raise NotEnoughLabelsError(
            f"An episode needs at least two classes with {n_each} items each"
            f"{' in one group' if groups is not None else ''}; the largest of {len(classes)} classes has {most}. "
            "Label more, or request fewer items of each class."
        )
    return Episodes(usable, n_classes, n_each)


@dataclass(frozen=True)
class Episode:
    """The rows (classes, n_each) of an episode, and the seed that chooses the augmented view of each item."""

    rows: Indexes
    seed: int


def episode_loss(vectors: Tensor, *, n_shots: int, temperature: float = PROTOTYPE_TEMPERATURE) -> Tensor:
    """Return the cross-entropy of classifying items by the class means of other items [nats], a scalar.

    vectors (c, m, d): unit-length vectors of m items of each of c classes. The class means over n_shots items are the
    prototypes, and the other m - n_shots items are the queries; a query's score for a class is minus its squared
    distance to the prototype. Snell, Swersky, Zemel, NeurIPS 2017, eq. (1) and (2). Each item is support in turn, so
    that one pass through the network gives m tasks. Raises InputError if there are no queries.
    """
    n_classes, n_each, width = vectors.shape
    if not 0 < n_shots < n_each:
        raise InputError(f"n_shots={n_shots} must be at least 1 and below {n_each}, the number of items of each class.")
    index = torch.arange(n_classes, device=vectors.device).repeat_interleave(n_each - n_shots)
    losses = []
    for first in range(n_each):
        rolled = vectors.roll(-first, dims=1)
        prototypes = rolled[:, :n_shots].mean(dim=1)  # (c, d)
        queries = rolled[:, n_shots:].reshape(-1, width)  # (c (m - n_shots), d)
        losses.append(cross_entropy(prototype_scores(queries, prototypes, temperature=temperature), index))
    return torch.stack(losses).mean()


def prototype_scores(queries: Tensor, prototypes: Tensor, *, temperature: float = PROTOTYPE_TEMPERATURE) -> Tensor:
    """Return minus the squared distances of queries (n, d) to prototypes (c, d), over temperature, (n, c)."""
    # |q - p|^2 = |q|^2 - 2 q p + |p|^2, and |q|^2 is the same for every class, so softmax ignores it.
    scores: Tensor = (1 / temperature) * (2 * queries @ prototypes.T - (prototypes**2).sum(dim=1))
    return scores


def train_on_episodes(
    network: nn.Module,
    embed: EmbedRows,
    episodes: Episodes,
    *,
    recipe: Recipe,
    n_shots: int = 1,
    per_epoch: int = 100,
    held_out: Episodes | None = None,
    random_state: RandomState = None,
) -> History:
    """Train `network`, which `embed` calls, in place; return the history.

    per_epoch: number of episodes in an epoch; held_out: episodes of classes that are not trained on: the weights of the
    epoch with the best accuracy on them are kept. Raises InputError if n_shots leaves no queries, and what
    `training.loop.train` raises.
    """

    def batches(random: np.random.Generator) -> Sequence[Episode]:
        return [Episode(episodes.draw(random), int(random.integers(2**31))) for _ in range(per_epoch)]

    def loss(episode: Episode, progress: float) -> Tensor:
        features = embed(episode.rows.ravel(), np.random.default_rng(episode.seed)).float()
        return episode_loss(normalize(features, dim=1).view(*episode.rows.shape, -1), n_shots=n_shots)

    def evaluate() -> HeldOut:
        assert held_out is not None
        return HeldOut(0.0, episode_accuracy(network, embed, held_out, n_shots=n_shots))

    test = None if held_out is None else evaluate
    return train(network, batches, loss, recipe=recipe, held_out=test, random_state=random_state)


def episode_accuracy(network: nn.Module, embed: EmbedRows, episodes: Episodes, *, n_shots: int = 1) -> float:
    """Return the accuracy of classifying the queries of 100 episodes, always the same, by their nearest prototype."""
    rows = np.unique(np.concatenate([members for group in episodes.groups for members in group]))
    vectors = torch.from_numpy(encode_rows(network, embed, rows))
    random = np.random.default_rng(0)
    accuracies = []
    for _ in range(N_TEST_EPISODES):
        own = vectors[torch.from_numpy(np.searchsorted(rows, episodes.draw(random)))]  # (c, m, d)
        prototypes, queries = own[:, :n_shots].mean(dim=1), own[:, n_shots:]
        predicted = prototype_scores(queries.flatten(0, 1), prototypes).argmax(dim=1)
        index = torch.arange(len(own)).repeat_interleave(queries.shape[1])
        accuracies.append(float((predicted == index).float().mean()))
    return float(np.mean(accuracies))


def encode_rows(network: nn.Module, embed: EmbedRows, rows: Indexes) -> Vectors:
    """Return the unit-length vectors (n, d), float32, of some rows, without augmentation."""
    network.eval()
    with torch.inference_mode():
        parts = [
            normalize(embed(rows[first : first + ENCODED_TOGETHER], None).float(), dim=1).cpu().numpy()
            for first in range(0, len(rows), ENCODED_TOGETHER)
        ]
    vectors: Vectors = np.concatenate(parts).astype(np.float32)
    return vectors


def _block(n_in: int, n_out: int) -> nn.Sequential:
    # The bias of the convolution is omitted, because the batch norm has one.
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, 3, padding=1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU(), nn.MaxPool2d(2)
    )
