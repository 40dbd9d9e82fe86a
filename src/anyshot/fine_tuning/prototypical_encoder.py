"""An encoder of small images that is trained from nothing, on other classes than those it is for."""

import copy
import hashlib
import os
from typing import Any, Final, Literal, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from anyshot.base.items import (
    Items,
    Label,
    Labels,
    by_position,
    check_list,
    class_table,
    classes_in,
    items_and_labels,
    label_list,
    to_indexes,
)
from anyshot.base.model_folder import SavedModel, write_model
from anyshot.base.validation import Indexes, RandomState, Vectors, check_whole, generator
from anyshot.encoders.compute import choose
from anyshot.errors import InputError
from anyshot.fine_tuning.conv_net import BLOCKS, SMALLEST, ConvNet
from anyshot.fine_tuning.episodic import Embed, embedded, train_on_episodes
from anyshot.fine_tuning.small_images import POSITIONS, as_floats, bent, small_images, turned
from anyshot.training.history import History
from anyshot.training.loop import Recipe
from anyshot.training.sampling import Episodes, episodes_of

CHANNELS: Final = 64  # of each block, as in the papers
CARD: Final = """---
library_name: anyshot
tags:
- few-shot
---

# An encoder of small gray images, {size} pixels a side, as vectors of width {width}

```python
from anyshot import AnyShotClassifier, load
AnyShotClassifier(encoder=load("this/folder")).fit(...)
```
"""
N_QUERIES: Final = 3  # each item is support in turn, so few of each class already make many tasks


class PrototypicalEncoder(TransformerMixin, BaseEstimator):
    """Encode small gray images so that one example of a new class is enough to tell it by.

    A Conv-4 is trained on episodes, small tasks like those it is for, of classes that have labels: the background. New
    classes are then told by their nearest example: `AnyShotClassifier(classes, encoder=this)`.

    Parameters
    ----------
    size : int, default=28
        Pixels a side that images are brought to.
    n_classes, n_shots : int, default=20, 1
        Classes of an episode, and the examples of each, by which three other items are to be told.
    epochs : int, default=20
        Of 100 episodes each.
    learning_rate : float, default=3e-3
    held_out : int, default=0
        Groups whose classes are kept out of training, drawn at random, to keep the epoch that tells these best.
    turned_classes : bool, default=True
        Whether an image turned or mirrored is trained on as another class; right for characters, wrong where an image
        stays of its class however it is turned.
    random_state : int, RandomState, Generator or None

    Attributes
    ----------
    size_ : int
        Pixels a side that images are brought to.
    network_ : ConvNet
    history_ : History
        Losses and held-out figures by epoch.
    held_out_groups_ : ndarray
        The groups that were kept out.

    References
    ----------
    Snell, Swersky, Zemel. Prototypical Networks for Few-shot Learning. NeurIPS 2017.
    """

    modality: Literal["image"] = "image"

    def __init__(
        self,
        *,
        size: int = 28,
        n_classes: int = 20,
        n_shots: int = 1,
        epochs: int = 20,
        learning_rate: float = 3e-3,
        held_out: int = 0,
        turned_classes: bool = True,
        random_state: RandomState = None,
    ) -> None:
        self.size = size
        self.n_classes = n_classes
        self.n_shots = n_shots
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.held_out = held_out
        self.turned_classes = turned_classes
        self.random_state = random_state

    @property
    def width(self) -> int:
        """How wide the vectors are."""
        return int(CHANNELS * (getattr(self, "size_", self.size) // 2**BLOCKS) ** 2)

    @property
    def digest(self) -> str:
        """What stands for the trained weights."""
        check_is_fitted(self)
        hashed = hashlib.sha256(f"conv-4 {self.size_}".encode())
        for name, tensor in sorted(self.network_.state_dict().items()):
            hashed.update(name.encode() + tensor.cpu().numpy().tobytes())
        return hashed.hexdigest()

    def fit(self, X: Items, y: Labels, *, groups: ArrayLike | None = None) -> Self:
        """Learn from images `X` (n) of background classes `y` (n), None being "no label".

        groups (n,): what each image's class belongs with, such as its alphabet; the classes of an episode are then of
        one group, so that fine differences are learned.

        Raises
        ------
        NotEnoughLabelsError
            No group has two classes with n_shots + 3 images each.
        InputError
            As many groups are held out as there are, there is not one group an image, or a parameter is out of range.
        TrainingDivergedError
            The loss or a weight is no number any more.
        """
        self._check()
        random, (X, y) = generator(self.random_state), items_and_labels(X, y)
        X, index = by_position(X), to_indexes(y, class_table(classes_in(y)), n_items=len(X))
        names, of_item = _grouped(groups, index)
        held_out, kept_out = self._kept_out(names, of_item, random)
        images = small_images(X, size=int(self.size))
        network = ConvNet(channels=1, width=CHANNELS, random_state=random)
        judged = self._episodes(np.where(kept_out, index, -1), of_item) if kept_out.any() else None
        learned = np.where(kept_out, -1, index)
        if self.turned_classes:
            images, learned, of_item = _in_all_positions(images, learned, of_item)
        history = train_on_episodes(
            network,
            _embed(network, images),
            self._episodes(learned, of_item),
            recipe=self._recipe(),
            n_shots=self.n_shots,
            held_out=judged,
            random_state=random,
        )
        # All at once, at the end: a fit that fails on the way leaves the earlier network whole.
        self.network_, self.history_, self.held_out_groups_, self.size_ = network, history, held_out, int(self.size)
        return self

    def encode(self, inputs: Items) -> Vectors:
        """Return unit-length vectors (n, width), float32, on the CPU."""
        check_is_fitted(self)
        check_list(inputs)
        if len(inputs) == 0:
            return np.zeros((0, self.width), np.float32)
        images = small_images(inputs, size=self.size_)
        return embedded(self.network_, _embed(self.network_, images), np.arange(len(images)))

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the encoder to a folder that `load` reads: JSON and safetensors, no code, none of the images.

        Raises
        ------
        ModelFolderError
            The folder cannot be written.
        """
        check_is_fitted(self)
        given = self.get_params().items()
        settings = {name: value for name, value in given if isinstance(value, int | float | np.generic)}
        facts = {
            "kind": "PrototypicalEncoder",
            "parameters": settings,
            "size": self.size_,
            "history": self.history_.facts(),
            "held_out_groups": self.held_out_groups_,
        }
        arrays = {name: tensor.cpu().numpy() for name, tensor in self.network_.state_dict().items()}
        write_model(folder, facts=facts, arrays=arrays, card=CARD.format(width=self.width, size=self.size_))

    @classmethod
    def from_saved(cls, saved: SavedModel) -> Self:
        """Return what `save` wrote."""
        facts: dict[str, Any] = saved.facts
        made = cls(**facts["parameters"])
        made.network_ = ConvNet(channels=1, width=CHANNELS, random_state=0)
        made.network_.load_state_dict({name: torch.from_numpy(array) for name, array in saved.arrays.items()})
        made.network_.eval()
        made.history_ = History.from_facts(facts["history"])
        made.held_out_groups_ = np.array(facts["held_out_groups"])
        made.size_ = int(facts.get("size", made.size))
        return made

    def __sklearn_clone__(self) -> Self:
        """Return a copy that keeps what was learned: as an encoder it is part of another model, which must not lose it.

        A copy that is fitted anew learns a network of its own; this one's stays.
        """
        return copy.copy(self)

    def transform(self, X: Items) -> Vectors:
        """Return unit-length vectors (n, width), as `encode` does."""
        return self.encode(X)

    def _check(self) -> None:
        """Raise InputError where a parameter is out of range."""
        check_whole(SMALLEST, size=self.size)
        check_whole(2, n_classes=self.n_classes)
        check_whole(1, n_shots=self.n_shots)
        check_whole(0, held_out=self.held_out)
        self._recipe().check()

    def _recipe(self) -> Recipe:
        return Recipe(self.epochs, self.learning_rate, precision=_precision())

    def _episodes(self, index: Indexes, groups: Indexes) -> Episodes:
        return episodes_of(index, n_classes=self.n_classes, n_each=self.n_shots + N_QUERIES, groups=groups)

    def _kept_out(
        self, names: list[Label], of_item: Indexes, random: np.random.Generator
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return which groups are held out, and whether each item is of one of these."""
        if self.held_out and self.held_out >= len(names):
            raise InputError(
                f"held_out={self.held_out} of {len(names)} groups leave nothing to learn from. Give groups, and hold "
                "out fewer than there are."
            )
        out = np.sort(random.permutation(len(names))[: self.held_out])
        return np.array([names[int(one)] for one in out]), np.isin(of_item, out) & bool(self.held_out)


def _grouped(groups: ArrayLike | None, index: Indexes) -> tuple[list[Label], Indexes]:
    """Return the groups' names, sorted, and the place among them of each item's (n,); without groups all are of one.

    index (n,): the class of each item, -1 for none, which needs no group.
    """
    if groups is None:
        return [], np.zeros(len(index), np.intp)
    listed = label_list(np.asarray(groups, dtype=object))
    if len(listed) != len(index):
        raise InputError(f"There are {len(index)} images and {len(listed)} groups. Give one group an image.")
    missing = [row for row, group in enumerate(listed) if group is None and index[row] >= 0]
    if missing:
        raise InputError(f"The labeled image in row {missing[0]} has no group. Give each one, or leave groups out.")
    names = classes_in(listed)
    place_of = {name: place for place, name in enumerate(names)}
    return names, np.array([place_of.get(group, 0) for group in listed], dtype=np.intp)


def _precision() -> Literal["float32", "bfloat16"]:
    """Return bfloat16 where the processor multiplies it in hardware."""
    return "bfloat16" if choose("cpu").dtype == torch.bfloat16 else "float32"


def _embed(network: ConvNet, images: Tensor) -> Embed:
    """Return what makes features (n, d) of rows of images, bent a little where a generator draws how."""

    def embed(rows: Indexes, draws: np.random.Generator | None) -> Tensor:
        shown = as_floats(images[torch.from_numpy(rows)])
        features: Tensor = network(shown if draws is None else bent(shown, generator=draws))
        return features

    return embed


def _in_all_positions(images: Tensor, index: Indexes, groups: Indexes) -> tuple[Tensor, Indexes, Indexes]:
    """Return images in all positions, with a class and a group of their own for each; no label stays none."""
    n_classes, n_groups = index.max(initial=0) + 1, groups.max(initial=0) + 1
    position = np.repeat(np.arange(POSITIONS), len(index))
    own = np.tile(index, POSITIONS)
    return (
        turned(images),
        np.where(own < 0, -1, own + position * n_classes),
        np.tile(groups, POSITIONS) + position * n_groups,
    )
