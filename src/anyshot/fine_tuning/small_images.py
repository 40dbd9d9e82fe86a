"""Small gray images for networks trained from nothing: made alike, bent a little, and turned into further classes."""

from typing import Final

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from anyshot.base.items import Items
from anyshot.base.pixels import Pixels, map_pixels

POSITIONS: Final = 8
"""Of a square: four quarter turns, and these mirrored."""

TURN: Final = 15.0  # degrees at most, either way
STRETCH: Final = 0.15  # share at most, of each side on its own
SHEAR: Final = 0.15
SHIFT: Final = 0.1  # share of the image at most


def small_images(items: Items, *, size: int) -> Tensor:
    """Return images as gray pixels (n, 1, size, size), uint8, each pixel the mean of the area it stands for.

    Raises
    ------
    BadItemError
        An image cannot be read; it is named by its row or path.
    """

    def small(pixels: Pixels) -> Tensor:
        gray = Image.fromarray(pixels).convert("L").resize((size, size), Image.Resampling.BOX)
        return torch.from_numpy(np.array(gray))

    return torch.stack(map_pixels(items, small))[:, None]


def as_floats(images: Tensor) -> Tensor:
    """Return uint8 images as floats 0 to 1, in the order in memory that convolutions are fastest with."""
    return (images.float() / 255).contiguous(memory_format=torch.channels_last)


def bent(images: Tensor, *, generator: np.random.Generator) -> Tensor:
    """Return images (n, c, h, w), floats, each turned, stretched, sheared and shifted a little at random.

    What comes in from outside repeats the border. The map is x = A x' + t with A = R(turn) (I + stretch + shear), each
    drawn evenly between minus and plus its largest.
    """
    n = len(images)
    turn = np.deg2rad(generator.uniform(-TURN, TURN, n))
    linear = np.zeros((n, 2, 2))
    linear[:, [0, 1], [0, 1]] = 1 + generator.uniform(-STRETCH, STRETCH, (n, 2))
    linear[:, 0, 1] = generator.uniform(-SHEAR, SHEAR, n)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]).transpose(2, 0, 1)
    shift = generator.uniform(-2 * SHIFT, 2 * SHIFT, (n, 2, 1))  # the grid runs from -1 to 1
    maps = torch.from_numpy(np.concatenate([rotation @ linear, shift], axis=2).astype(np.float32))  # (n, 2, 3)
    grid = affine_grid(maps.to(images.device), list(images.shape), align_corners=False)
    moved = grid_sample(images, grid, padding_mode="border", align_corners=False)
    return moved.contiguous(memory_format=torch.channels_last)


def turned(images: Tensor) -> Tensor:
    """Return square images in all eight positions (8 n, c, s, s): four quarter turns, and these mirrored.

    The first n are the images as they are. A character turned is another character: eight times as many classes.
    """
    mirrored = [images, images.flip(-1)]
    return torch.cat([torch.rot90(one, quarter, (-2, -1)) for one in mirrored for quarter in range(4)])
