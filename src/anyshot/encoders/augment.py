"""Augmentation of images: other views of a photograph that show the same thing."""

from dataclasses import dataclass
from typing import Final
from zlib import crc32

import numpy as np

from anyshot.base.pixels import Pixels

LEAST_AREA: Final = 0.5  # of the image that a crop shows
ASPECTS: Final = (3 / 4, 4 / 3)  # of a crop, width by height, beside the image's own
COLOR: Final = 0.2  # brightness, contrast and saturation change by at most this share


@dataclass(frozen=True)
class View:
    """One changed view of any image: cropped, perhaps mirrored, its colors a little changed.

    What is drawn depends on the seed, the view's number and the image's pixels alone, so that the same view of the same
    image is always the same. View 0 is the image itself.

    References
    ----------
    Szegedy et al. Going Deeper with Convolutions. CVPR 2015, section 6 (crops of a random area and aspect).
    """

    number: int
    seed: int

    def __call__(self, pixels: Pixels) -> Pixels:
        """Return the view of an image (h, w, 3), of another size."""
        if self.number == 0:
            return pixels
        drawn = np.random.default_rng([self.seed, self.number, crc32(np.ascontiguousarray(pixels).data)])
        shown = crop(pixels, drawn)
        if drawn.random() < 0.5:
            shown = shown[:, ::-1]
        return recolor(shown, drawn)


def crop(pixels: Pixels, drawn: np.random.Generator) -> Pixels:
    """Return a part of an image (h, w, 3) of a random area, aspect and place; at least one pixel."""
    height, width = pixels.shape[:2]
    area = drawn.uniform(LEAST_AREA, 1.0) * height * width
    aspect = width / height * np.exp(drawn.uniform(*np.log(ASPECTS)))
    tall = int(np.clip(round(np.sqrt(area / aspect)), 1, height))
    wide = int(np.clip(round(np.sqrt(area * aspect)), 1, width))
    top, left = drawn.integers(height - tall + 1), drawn.integers(width - wide + 1)
    return pixels[top : top + tall, left : left + wide]


def recolor(pixels: Pixels, drawn: np.random.Generator) -> Pixels:
    """Return an image (h, w, 3) with brightness, contrast and saturation each changed by a random factor."""
    brightness, contrast, saturation = drawn.uniform(1 - COLOR, 1 + COLOR, 3).astype(np.float32)
    values = pixels.astype(np.float32)
    gray = values.mean(axis=2, keepdims=True)  # (h, w, 1)
    values = gray + saturation * (values - gray)
    middle = values.mean()
    values = brightness * (middle + contrast * (values - middle))
    recolored: Pixels = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return recolored
