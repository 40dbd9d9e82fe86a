"""An encoder of small gray images, trained from scratch on other classes than those it is used for."""

import copy
import hashlib
import os
from typing import Any, Final, Literal, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from PIL import Image
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from anyshot.base.items import Items, by_position, check_list, items_and_labels
from anyshot.base.labels import Label, Labels, class_table, classes_in, label_list, to_indexes
from anyshot.base.model_folder import SavedModel, write_model
from anyshot.base.pixels import Pixels, map_pixels
from anyshot.base.validation import Indexes, RandomState, Vectors, check_whole, generator
from anyshot.encoders.stages import choose_compute
from anyshot.errors import InputError
from anyshot.fine_tuning.episodic import (
    MIN_SIZE,
    N_BLOCKS,
    ConvNet,
    EmbedRows,
    Episodes,
    encode_rows,
    episodes_of,
    train_on_episodes,
)
from anyshot.training.recipe import Recipe
from anyshot.training.run import History

CHANNELS: Final = 64  # of each block, as in the papers
N_QUERIES: Final = 3  # few are enough, because each item is support in turn
N_ORIENTATIONS: Final = 8  # of a square: four quarter turns, and their mirror images
MAX_ROTATION: Final = 15.0  # degrees
MAX_STRETCH: Final = 0.15  # fraction of each side
MAX_SHEAR: Final = 0.15  # pixels per pixel
MAX_SHIFT: Final = 0.1  # fraction of the image
CARD: Final = """---
library_name: anyshot
tags:
- few-shot
---

# An encoder of small gray images of {size} x {size} pixels as vectors of width {width}

```python
from anyshot import AnyShotClassifier, load
AnyShotClassifier(encoder=load("this/folder")).fit(...)
```
"""


class PrototypicalEncoder(TransformerMixin, BaseEstimator):
    """Encode small gray images such that one example of a new class is enough to recognize it.

    A Conv-4 network is trained on episodes, small few-shot tasks, of labeled background classes. New classes are then
    classified with it as the encoder: `AnyShotClassifier(classes, encoder=this)`.

    Parameters
    ----------
    size : int, default=28
        Pixels per side that images are resized to.
    n_classes, n_shots : int, default=20, 1
        Number of classes in an episode, and of examples of each class, by which three other items are classified.
    epochs : int, default=20
        Epochs of 100 episodes.
    learning_rate : float, default=3e-3
    held_out : int, default=0
        Number of random groups whose classes are held out to choose the best epoch.
    turned_classes : bool, default=True
        Whether to add rotated and mirrored images as further classes. Right for characters; wrong where an image keeps
        its class when it is rotated.
    random_state : int, RandomState, Generator or None

    Attributes
    ----------
    size_ : int
        Pixels per side that images are resized to.
    network_ : ConvNet
    history_ : History
        Loss and held-out accuracy by epoch.
    held_out_groups_ : ndarray
        The groups that were held out.

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
        self.size, self.n_classes, self.n_shots, self.epochs = size, n_classes, n_shots, epochs
        self.learning_rate, self.held_out, self.turned_classes = learning_rate, held_out, turned_classes
        self.random_state = random_state

    @property
    def width(self) -> int:
        """The width of the vectors."""
        return int(CHANNELS * (getattr(self, "size_", self.size) // 2**N_BLOCKS) ** 2)

    @property
    def digest(self) -> str:
        """A hash of the trained weights."""
        check_is_fitted(self)
        hashed = hashlib.sha256(f"conv-4 {self.size_}".encode())
        for name, tensor in sorted(self.network_.state_dict().items()):
            hashed.update(name.encode() + tensor.cpu().numpy().tobytes())
        return hashed.hexdigest()

    def fit(self, X: Items, y: Labels, *, groups: ArrayLike | None = None) -> Self:
        """Train on images `X` (n) of background classes `y` (n); None means "no label".

        groups (n,): a group of classes that each image belongs to, such as an alphabet. The classes of an episode are
        then of one group, so that fine differences are learned.

        Raises
        ------
        NotEnoughLabelsError
            No group has two classes with n_shots + 3 images each.
        InputError
            All groups are held out, the numbers of images and groups differ, or a parameter is out of range.
        TrainingDivergedError
            The loss or a weight is NaN or infinite.
        """
        check_whole(MIN_SIZE, size=self.size)
        check_whole(2, n_classes=self.n_classes)
        check_whole(1, n_shots=self.n_shots)
        check_whole(0, held_out=self.held_out)
        recipe = self._recipe()
        random, (X, y) = generator(self.random_state), items_and_labels(X, y)
        X, index = by_position(X), to_indexes(y, class_table(classes_in(y)), n_items=len(X))
        names, group_of = _group_table(groups, index)
        held_out, is_held_out = self._hold_out(names, group_of, random)
        images = small_images(X, size=int(self.size))
        network = ConvNet(channels=1, width=CHANNELS, random_state=random)
        test = self._episodes(np.where(is_held_out, index, -1), group_of) if is_held_out.any() else None
        index = np.where(is_held_out, -1, index)
        if self.turned_classes:
            images, index, group_of = _with_orientations(images, index, group_of)
        history = train_on_episodes(
            network,
            _embed(network, images),
            self._episodes(index, group_of),
            recipe=recipe,
            n_shots=self.n_shots,
            held_out=test,
            random_state=random,
        )
        # All attributes are set at the end, so that a fit that fails does not change the earlier network.
        self.network_, self.history_, self.held_out_groups_, self.size_ = network, history, held_out, int(self.size)
        return self

    def encode(self, inputs: Items) -> Vectors:
        """Return unit-length vectors (n, width), float32, on the CPU."""
        check_is_fitted(self)
        check_list(inputs)
        if len(inputs) == 0:
            return np.zeros((0, self.width), np.float32)
        images = small_images(inputs, size=self.size_)
        return encode_rows(self.network_, _embed(self.network_, images), np.arange(len(images)))

    def transform(self, X: Items) -> Vectors:
        """Return unit-length vectors (n, width), as `encode` does."""
        return self.encode(X)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the encoder to a folder of JSON and safetensors, without code or images; `load` reads it.

        Raises
        ------
        ModelFolderError
            The folder cannot be written.
        """
        check_is_fitted(self)
        parameters = self.get_params().items()
        facts = {
            "kind": "PrototypicalEncoder",
            "parameters": {name: value for name, value in parameters if isinstance(value, int | float | np.generic)},
            "size": self.size_,
            "history": self.history_.facts(),
            "held_out_groups": self.held_out_groups_,
        }
        arrays = {name: tensor.cpu().numpy() for name, tensor in self.network_.state_dict().items()}
        write_model(folder, facts=facts, arrays=arrays, card=CARD.format(width=self.width, size=self.size_))

    @classmethod
    def from_saved(cls, saved: SavedModel) -> Self:
        """Return the encoder that `save` wrote."""
        facts: dict[str, Any] = saved.facts
        encoder = cls(**facts["parameters"])
        encoder.network_ = ConvNet(channels=1, width=CHANNELS, random_state=0)
        encoder.network_.load_state_dict({name: torch.from_numpy(array) for name, array in saved.arrays.items()})
        encoder.network_.eval()
        encoder.history_ = History.from_facts(facts["history"])
        encoder.held_out_groups_ = np.array(facts["held_out_groups"])
        encoder.size_ = int(facts.get("size", encoder.size))
        return encoder

    def __sklearn_clone__(self) -> Self:
        """Return a fitted copy, because cloning a model that uses this encoder must not lose the trained network.

        Fitting the copy trains a network of its own.
        """
        return copy.copy(self)

    def _recipe(self) -> Recipe:
        # bfloat16 where the processor multiplies it in hardware
        is_fast = choose_compute("cpu").dtype == torch.bfloat16
        return Recipe(self.epochs, self.learning_rate, precision="bfloat16" if is_fast else "float32")

    def _episodes(self, index: Indexes, groups: Indexes) -> Episodes:
        return episodes_of(index, n_classes=self.n_classes, n_each=self.n_shots + N_QUERIES, groups=groups)

    def _hold_out(
        self, names: list[Label], group_of: Indexes, random: np.random.Generator
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return the groups that are held out, and whether each item belongs to one of them."""
        if self.held_out and self.held_out >= len(names):
            least = f"held_out={self.held_out} must be below the number of groups, {len(names)}."
            raise InputError(f"{least} Give groups, or hold out fewer.")
        chosen = np.sort(random.permutation(len(names))[: self.held_out])
        return np.array([names[int(row)] for row in chosen]), np.isin(group_of, chosen) & bool(self.held_out)


def small_images(items: Items, *, size: int) -> Tensor:
    """Return images as gray pixels (n, 1, size, size), uint8, resized by averaging areas.

    Raises BadItemError if an image cannot be read; the error names its row or path.
    """

    def small(pixels: Pixels) -> Tensor:
        gray = Image.fromarray(pixels).convert("L").resize((size, size), Image.Resampling.BOX)
        return torch.from_numpy(np.array(gray))

    return torch.stack(map_pixels(items, small))[:, None]


def as_floats(images: Tensor) -> Tensor:
    """Return uint8 images as floats from 0 to 1, in channels-last memory format, which is fastest for convolutions."""
    return (images.float() / 255).contiguous(memory_format=torch.channels_last)


def random_affine(images: Tensor, *, generator: np.random.Generator) -> Tensor:
    """Return images (n, c, h, w), floats, each rotated, stretched, sheared and shifted a little at random.

    Pixels from outside repeat the border. The map is x = A x' + t with A = R(rotation) (I + stretch + shear), each
    uniform between minus and plus its maximum.
    """
    n = len(images)
    angle = np.deg2rad(generator.uniform(-MAX_ROTATION, MAX_ROTATION, n))
    linear = np.zeros((n, 2, 2))
    linear[:, [0, 1], [0, 1]] = 1 + generator.uniform(-MAX_STRETCH, MAX_STRETCH, (n, 2))
    linear[:, 0, 1] = generator.uniform(-MAX_SHEAR, MAX_SHEAR, n)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]).transpose(2, 0, 1)
    shift = generator.uniform(-2 * MAX_SHIFT, 2 * MAX_SHIFT, (n, 2, 1))  # the grid runs from -1 to 1
    maps = torch.from_numpy(np.concatenate([rotation @ linear, shift], axis=2).astype(np.float32))  # (n, 2, 3)
    grid = affine_grid(maps.to(images.device), list(images.shape), align_corners=False)
    moved = grid_sample(images, grid, padding_mode="border", align_corners=False)
    return moved.contiguous(memory_format=torch.channels_last)


def orientations(images: Tensor) -> Tensor:
    """Return square images in all eight orientations (8 n, c, s, s); the first n are the images as they are."""
    mirrored = [images, images.flip(-1)]
    return torch.cat([torch.rot90(each, quarter, (-2, -1)) for each in mirrored for quarter in range(4)])


def _group_table(groups: ArrayLike | None, index: Indexes) -> tuple[list[Label], Indexes]:
    """Return the sorted names of the groups and the row of each item's group (n,); without groups all rows are 0.

    index (n,): the class of each item; -1 means "no label", and such an item needs no group.
    """
    if groups is None:
        return [], np.zeros(len(index), np.intp)
    listed = label_list(np.asarray(groups, dtype=object))
    if len(listed) != len(index):
        raise InputError(f"There are {len(index)} images and {len(listed)} groups. Give one group for each image.")
    missing = [row for row, group in enumerate(listed) if group is None and index[row] >= 0]
    if missing:
        raise InputError(f"The labeled image in row {missing[0]} has no group. Give every labeled image a group.")
    names = classes_in(listed)
    rows = {name: row for row, name in enumerate(names)}
    return names, np.array([rows.get(group, 0) for group in listed], dtype=np.intp)


def _embed(network: ConvNet, images: Tensor) -> EmbedRows:
    """Return a function that computes the features of rows of `images`, with random maps where it gets a generator."""

    def embed(rows: Indexes, random: np.random.Generator | None) -> Tensor:
        batch = as_floats(images[torch.from_numpy(rows)])
        features: Tensor = network(batch if random is None else random_affine(batch, generator=random))
        return features

    return embed


def _with_orientations(images: Tensor, index: Indexes, groups: Indexes) -> tuple[Tensor, Indexes, Indexes]:
    """Return the images in all orientations; each orientation of a class is a class, and of a group a group."""
    n_classes, n_groups = index.max(initial=0) + 1, groups.max(initial=0) + 1
    orientation = np.repeat(np.arange(N_ORIENTATIONS), len(index))
    own = np.tile(index, N_ORIENTATIONS)
    return (
        orientations(images),
        np.where(own < 0, -1, own + orientation * n_classes),
        np.tile(groups, N_ORIENTATIONS) + orientation * n_groups,
    )
