"""Small images: area means, bending that keeps what is there, and the eight positions."""

import numpy as np
import pytest
import torch

from anyshot.errors import BadItemError
from anyshot.fine_tuning.small_images import as_floats, bent, small_images, turned


def test_a_pixel_is_the_mean_of_its_area():
    image = np.zeros((4, 4), np.uint8)
    image[:2, :2] = [[100, 200], [0, 100]]
    assert small_images([image], size=2)[0, 0].tolist() == [[100, 0], [0, 0]]


def test_an_image_that_cannot_be_read_is_named():
    with pytest.raises(BadItemError, match=r"missing\.png"):
        small_images(["missing.png"], size=4)


def test_floats_run_from_0_to_1():
    assert as_floats(torch.tensor([[[[0, 255]]]], dtype=torch.uint8)).flatten().tolist() == [0, 1]


def test_bending_moves_each_image_on_its_own_and_repeats():
    dot = torch.zeros(3, 1, 21, 21)
    dot[:, :, 8:13, 8:13] = 1
    moved = bent(dot, generator=np.random.default_rng(0))
    assert not torch.allclose(moved[0], moved[1])
    torch.testing.assert_close(moved, bent(dot, generator=np.random.default_rng(0)))
    assert moved.sum(dim=(1, 2, 3)).numpy() == pytest.approx(25, rel=0.5)  # within the stretch of both sides


def test_an_even_image_stays_as_it_is():
    torch.testing.assert_close(bent(torch.ones(2, 1, 9, 9), generator=np.random.default_rng(0)), torch.ones(2, 1, 9, 9))


def test_a_square_has_eight_positions():
    image = torch.tensor([[[[1, 2], [3, 4]]]])
    positions = {tuple(one.flatten().tolist()) for one in turned(image)}
    assert len(positions) == 8
    assert turned(torch.stack([image[0], image[0] + 4]))[:2].tolist() == [image[0].tolist(), (image[0] + 4).tolist()]
