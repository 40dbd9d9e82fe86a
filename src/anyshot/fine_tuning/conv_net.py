"""Conv-4: the small convolutional network of the few-shot papers, trained from random weights in minutes."""

from typing import Final

import torch
from torch import Tensor, nn

from anyshot.base.validation import RandomState, generator
from anyshot.errors import InputError

BLOCKS: Final = 4
SMALLEST: Final = 2**BLOCKS  # pixels a side, so that the last block still sees one


class ConvNet(nn.Module):
    """Four blocks of 3 x 3 convolution, batch norm, ReLU and 2 x 2 max pooling, then everything in one row.

    Images (n, channels, h, w), floats 0 to 1, become features (n, width * (h // 16) * (w // 16)), not of unit length.

    Raises
    ------
    InputError
        The images are smaller than 16 pixels a side.

    References
    ----------
    Vinyals et al. Matching Networks for One Shot Learning. NeurIPS 2016, section 4.1.1. Snell, Swersky, Zemel.
    Prototypical Networks for Few-shot Learning. NeurIPS 2017, section 3.1.
    """

    def __init__(self, *, channels: int = 1, width: int = 64, random_state: RandomState = None) -> None:
        super().__init__()
        self.channels = channels
        seed = int(generator(random_state).integers(2**31))
        with torch.random.fork_rng(devices=[]):  # torch's generator stays as found
            torch.default_generator.manual_seed(seed)
            self.blocks = nn.Sequential(*(_block(width if place else channels, width) for place in range(BLOCKS)))

    def forward(self, images: Tensor) -> Tensor:
        """Return the features of the images."""
        if min(images.shape[-2:]) < SMALLEST:
            height, width = images.shape[-2:]
            raise InputError(
                f"Images of {height} x {width} pixels are too small: four poolings need {SMALLEST} a side."
            )
        features: Tensor = self.blocks(images).flatten(1)
        return features


def _block(seen: int, made: int) -> nn.Sequential:
    # The norm's own offset makes the convolution's needless.
    return nn.Sequential(
        nn.Conv2d(seen, made, 3, padding=1, bias=False), nn.BatchNorm2d(made), nn.ReLU(), nn.MaxPool2d(2)
    )
