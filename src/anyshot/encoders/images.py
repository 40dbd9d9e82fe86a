"""Encode images in chunks, crop and resize them, and name the classes of ImageNet."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import resources
from typing import Any, ClassVar, Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from anyshot import data
from anyshot.base import progress
from anyshot.base.immutable import Immutable
from anyshot.base.items import Items, check_images, check_texts
from anyshot.base.pixels import Pixels, map_pixels
from anyshot.base.validation import Vectors, unit
from anyshot.encoders.texts import Rows, collect

CHUNK: Final = 8
"""Images decoded and encoded at a time, which bounds the memory."""
SIDE: Final = 224  # of the input of most networks [pixels]
RESIZED_BY: Final = "PIL"
"""What resizes images, as a part of digests: other libraries differ by one unit in some pixels."""
CROP: Final = SIDE / (SIDE + 32)  # 0.875, the cropped fraction of the shorter side


class ImageEncoder(Immutable, ABC):
    """Base class of image encoders; subclasses set the width, prepare an image, and compute the features of batches."""

    modality: Literal["image"] = "image"
    width: int
    at_least: ClassVar[int | None] = None  # the shorter side that `_prepare` needs [pixels]; None: the full resolution

    def encode(self, inputs: Items) -> Vectors:
        """Return unit-length vectors (n, width) of images: paths, PIL images or uint8 arrays.

        Raises
        ------
        BadItemError
            An image cannot be read; the message names its path and row.
        """
        images = check_images(inputs)
        counted = ((len(features), features) for features in self._map(self._batches(images)))
        parts = list(progress.track(counted, total=len(images), description="Encoding images"))
        return unit(np.concatenate(parts)) if parts else np.empty((0, self.width), dtype=np.float32)

    def _batches(self, images: Items) -> Iterator[NDArray[Any]]:
        """Yield the network's inputs of some images at a time."""
        for first in range(0, len(images), CHUNK):
            some = images[first : first + CHUNK]
            yield np.stack(map_pixels(some, self._prepare, first_row=first, at_least=self.at_least))

    @abstractmethod
    def _prepare(self, pixels: Pixels) -> NDArray[Any]:
        """Return the network's input of an image (h, w, 3)."""

    @abstractmethod
    def _map(self, batches: Iterator[NDArray[Any]]) -> Iterator[Vectors]:
        """Yield the features (n, width), float32, of each batch of inputs, in order."""


class ImageTextMixin(ABC):
    """What an image encoder adds that embeds texts among its image vectors: the vectors of texts, in the same space."""

    width: int
    logit_scale: float | None
    """The factor of cosines in the model's softmax or sigmoid, if the model has one."""
    logit_bias: float | None
    """The number added after that; SigLIP has one."""

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Return unit-length vectors (n, width) of texts, in the same space as the images'.

        Raises
        ------
        BadItemError
            A text is empty; the message names its row.
        """
        checked = check_texts(texts)
        parts = ((rows, unit(part)) for rows, part in self._map_texts(checked))
        return collect(parts, n_texts=len(checked), width=self.width)

    @abstractmethod
    def _map_texts(self, texts: list[str]) -> Iterator[tuple[Rows | slice, Vectors]]:
        """Yield the rows of some texts, and their vectors (m, width), until all are encoded."""


def center_square(pixels: Pixels, *, side: int = SIDE, fraction: float = CROP) -> Pixels:
    """Return the center of an image (h, w, 3), `fraction` of its shorter side, resized to (side, side, 3).

    Cropping comes before the resize, as in the evaluation of EfficientNet-Lite, so that very long images need little
    memory.
    """
    height, width = pixels.shape[:2]
    crop = max(1, round(fraction * min(height, width)))
    top, left = (height - crop) // 2, (width - crop) // 2
    center = Image.fromarray(np.ascontiguousarray(pixels[top : top + crop, left : left + crop]))
    return np.asarray(center.resize((side, side), Image.Resampling.BICUBIC))


def normalize_lighting(image: Pixels, *, mean: float, std: float) -> Pixels:
    """Return an image (h, w, 3) whose values have the given mean and standard deviation, as far as 0 to 255 go.

    The three channels are scaled together, which preserves the proportions of the colors. An image of one color becomes
    gray.
    """
    values = image.astype(np.float32)
    scaled = (values - values.mean()) / max(float(values.std()), 1.0) * std + mean
    even: Pixels = np.rint(scaled).clip(0, 255).astype(np.uint8)
    return even


@lru_cache(maxsize=1)
def imagenet_class_names() -> tuple[tuple[str, ...], ...]:
    """Return the synonyms of each of the 1000 ImageNet classes (ILSVRC 2012), in the usual order of classifiers."""
    listed = json.loads(resources.files(data).joinpath("imagenet_classes.json").read_text(encoding="utf-8"))
    return tuple(tuple(synonyms) for synonyms in listed)


def classes_of_labels(labels: Sequence[str]) -> tuple[tuple[str, ...], ...] | None:
    """Return the synonyms of a classifier's classes, or None if they are fewer than ImageNet's or have no names.

    labels: the names of the classes in order, "LABEL_0" where there is none.
    """
    imagenet = imagenet_class_names()
    if all(label == f"LABEL_{row}" for row, label in enumerate(labels)):
        return imagenet if len(labels) == len(imagenet) else None
    if len(labels) < len(imagenet):
        return None
    return tuple(tuple(name.strip() for name in label.split(",")) for label in labels)
