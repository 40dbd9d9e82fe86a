"""Conv-4: its shape, its first weights, and images that are too small."""

import pytest
import torch

from anyshot.errors import InputError
from anyshot.fine_tuning.conv_net import ConvNet


def test_four_blocks_of_the_papers_size():
    """With 64 channels: 9 (1 + 3 * 64) 64 weights of convolutions and 2 * 64 of each norm."""
    network = ConvNet(random_state=0)
    assert sum(one.numel() for one in network.parameters()) == 9 * (1 + 3 * 64) * 64 + 4 * 2 * 64
    assert network(torch.zeros(2, 1, 28, 28)).shape == (2, 64)
    assert ConvNet(channels=3, width=4, random_state=0)(torch.zeros(2, 3, 32, 48)).shape == (2, 4 * 2 * 3)


def test_the_seed_decides_the_weights_and_leaves_torchs_generator_alone():
    before = torch.random.get_rng_state()
    first, again, other = (ConvNet(width=4, random_state=seed).state_dict() for seed in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["blocks.0.0.weight"], other["blocks.0.0.weight"])


def test_images_that_vanish_in_the_poolings_are_refused():
    with pytest.raises(InputError, match="12 x 28 pixels are too small: four poolings need 16 a side"):
        ConvNet(width=4)(torch.zeros(1, 1, 12, 28))
