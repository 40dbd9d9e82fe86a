"""The preparation of images for networks of torch."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from anyshot.base.pixels import Pixels
from anyshot.encoders.stages import ImagePreparation


def bytes_first(
    prepare: Callable[[Pixels], Pixels], *, at_least: int | None, about: Mapping[str, Any]
) -> ImagePreparation:
    """Return a preparation that puts the channels first, as torch expects: bytes (3, h, w).

    prepare: maps an image (h, w, 3) to the bytes (side, side, 3) that the network reads; the rest: see
    `ImagePreparation`.
    """

    def channels_first(pixels: Pixels) -> Tensor:
        return torch.from_numpy(prepare(pixels).transpose(2, 0, 1).copy())

    return ImagePreparation(channels_first, at_least, about=about)
