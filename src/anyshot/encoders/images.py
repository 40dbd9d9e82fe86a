"""Encode images in chunks, crop and resize them, and name the classes of ImageNet."""

import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib import resources
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from anyshot import data
from anyshot.base import progress
from anyshot.base.items import Items, check_images
from anyshot.base.pixels import Pixels, map_pixels
from anyshot.base.validation import Vectors, unit

CHUNK: Final = 16
"""Images decoded and encoded at a time, which bounds the memory."""
SIDE: Final = 224  # of the input of most networks [pixels]
CROP: Final = SIDE / (SIDE + 32)  # 0.875, the cropped fraction of the shorter side


def encode_images(
    images: Items,
    *,
    prepare: Callable[[Pixels], Tensor],
    forward: Callable[[Tensor], Tensor],
    width: int,
    at_least: int | None = None,
) -> Vectors:
    """Return unit-length vectors (n, width) of images.

    prepare: maps an image's pixels (h, w, 3) to the network's input; forward: maps a batch of inputs to features
    (n, width); at_least: the shorter side that `prepare` needs [pixels], if it does not need the full resolution.
    """
    images = check_images(images)

    def chunks() -> Iterator[tuple[int, Vectors]]:
        for first in range(0, len(images), CHUNK):
            inputs = map_pixels(images[first : first + CHUNK], prepare, first_row=first, at_least=at_least)
            with torch.inference_mode():
                yield len(inputs), forward(torch.stack(inputs)).float().cpu().numpy()

    parts = list(progress.track(chunks(), total=len(images), description="Encoding images"))
    return unit(np.concatenate(parts)) if parts else np.empty((0, width), dtype=np.float32)


def center_square(pixels: Pixels, *, side: int = SIDE, fraction: float = CROP) -> Tensor:
    """Return the center of an image (h, w, 3), `fraction` of its shorter side, resized to uint8 (3, side, side).

    Cropping comes before the resize, as in the evaluation of EfficientNet-Lite, so that very long images need little
    memory. torch's antialiased bicubic resize of bytes equals PIL's to one unit, and is several times faster.
    """
    height, width = pixels.shape[:2]
    crop = max(1, round(fraction * min(height, width)))
    top, left = (height - crop) // 2, (width - crop) // 2
    center = torch.from_numpy(pixels[top : top + crop, left : left + crop]).permute(2, 0, 1)[None]
    return functional.interpolate(center, size=(side, side), mode="bicubic", antialias=True)[0]


def normalize_lighting(image: Tensor, *, mean: float, std: float) -> Tensor:
    """Return an image (3, h, w), uint8, whose values have the given mean and standard deviation, as far as 0 to 255 go.

    The three channels are scaled together, which preserves the proportions of the colors. An image of one color becomes
    gray.
    """
    values = image.to(torch.float32)
    old_std = values.std(correction=0).clamp_min(1.0)
    return ((values - values.mean()) / old_std * std + mean).round().clamp(0, 255).to(torch.uint8)


@lru_cache(maxsize=1)
def imagenet_class_names() -> tuple[tuple[str, ...], ...]:
    """Return the synonyms of each of the 1000 ImageNet classes (ILSVRC 2012), in the usual order of classifiers."""
    listed = json.loads(resources.files(data).joinpath("imagenet_classes.json").read_text(encoding="utf-8"))
    return tuple(tuple(synonyms) for synonyms in listed)
