"""Images for networks of torch: bytes with the channels first."""

import numpy as np
import pytest

pytestmark = pytest.mark.torch


def test_the_channels_come_first():
    from anyshot.encoders.networks.images import bytes_first

    preparation = bytes_first(lambda pixels: pixels[:2, :2], at_least=7, about={"crop": "two"})
    image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    tensors = preparation.prepare([image])
    np.testing.assert_array_equal(tensors[0].numpy(), image[:2, :2].transpose(2, 0, 1))
    assert (preparation.at_least, preparation.about, preparation.modality) == (7, {"crop": "two"}, "image")
    assert preparation.together(tensors).x.shape == (1, 3, 2, 2)
