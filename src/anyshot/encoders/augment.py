"""Augmentation of images: random crops, mirroring and color changes."""

from dataclasses import dataclass
from typing import Final
from zlib import crc32

import numpy as np

from anyshot.base.pixels import Pixels

LEAST_AREA: Final = 0.5  # smallest area of a crop, as a fraction of the image's
ASPECTS: Final = (3 / 4, 4 / 3)  # of a crop, relative to the image's
SEED: Final = 1826701615  # of all views; the keys of cached ones contain it
COLOR: Final = 0.2  # largest relative change of brightness, contrast and saturation


@dataclass(frozen=True)
class View:
    """A random view of an image: cropped, mirrored half of the time, with slightly changed colors.

    The view depends only on the number and the image's pixels, so that it is reproducible. View 0 is the image itself.

    References
    ----------
    Szegedy et al. Going Deeper with Convolutions. CVPR 2015, section 6 (crops of a random area and aspect).
    """

    number: int
    seed: int = SEED

    def __call__(self, pixels: Pixels) -> Pixels:
        """Return the view of an image (h, w, 3); its size may differ."""
        if self.number == 0:
            return pixels
        generator = np.random.default_rng([self.seed, self.number, crc32(np.ascontiguousarray(pixels).data)])
        view = crop(pixels, generator)
        if generator.random() < 0.5:
            view = view[:, ::-1]
        return recolor(view, generator)


def crop(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Return a part of an image (h, w, 3) of a random area, aspect and position; at least one pixel."""
    height, width = pixels.shape[:2]
    area = generator.uniform(LEAST_AREA, 1.0) * height * width
    aspect = width / height * np.exp(generator.uniform(*np.log(ASPECTS)))
    tall = int(np.clip(round(np.sqrt(area / aspect)), 1, height))
    wide = int(np.clip(round(np.sqrt(area * aspect)), 1, width))
    top, left = generator.integers(height - tall + 1), generator.integers(width - wide + 1)
    return pixels[top : top + tall, left : left + wide]


def recolor(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Return an image (h, w, 3) with brightness, contrast and saturation each changed by a random factor."""
    brightness, contrast, saturation = generator.uniform(1 - COLOR, 1 + COLOR, 3).astype(np.float32)
    values = pixels.astype(np.float32)
    gray = values.mean(axis=2, keepdims=True)  # (h, w, 1)
    values = gray + saturation * (values - gray)
    middle = values.mean()
    values = brightness * (middle + contrast * (values - middle))
    recolored: Pixels = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return recolored
