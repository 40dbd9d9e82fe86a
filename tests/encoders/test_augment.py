"""Random views of images."""

import numpy as np
import pytest

from anyshot.encoders.augment import COLOR, LEAST_AREA, View, crop, recolor

PHOTO = np.random.default_rng(0).integers(0, 256, size=(40, 60, 3), dtype=np.uint8)


def test_view_zero_is_the_image_itself():
    assert View(0, seed=3)(PHOTO) is PHOTO


def test_a_view_depends_on_the_seed_the_number_and_the_image():
    assert np.array_equal(View(1, seed=3)(PHOTO), View(1, seed=3)(PHOTO.copy()))
    shown = [View(1, seed=3)(PHOTO), View(2, seed=3)(PHOTO), View(1, seed=4)(PHOTO), View(1, seed=3)(PHOTO[::-1])]
    assert len({one.tobytes() for one in shown}) == 4


def test_a_crop_is_a_part_of_the_image_with_at_least_the_smallest_area():
    drawn = np.random.default_rng(0)
    numbered = np.arange(40 * 60).reshape(40, 60, 1).repeat(3, axis=2)
    for _ in range(50):
        part = crop(numbered, drawn)
        rows, columns = part[:, 0, 0] // 60, part[0, :, 0] % 60
        assert np.array_equal(part, numbered[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
        assert part.shape[0] * part.shape[1] >= 0.8 * LEAST_AREA * 40 * 60  # a side may be shortened to the image's


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1)])
def test_very_small_and_very_long_images_have_views(shape):
    narrow = np.full((*shape, 3), 7, dtype=np.uint8)
    for number in range(1, 9):
        assert View(number, seed=0)(narrow).size >= 3


def test_recoloring_changes_brightness_by_at_most_the_limit():
    gray = np.full((5, 5, 3), 100, dtype=np.uint8)
    made = np.array([recolor(gray, np.random.default_rng(seed)) for seed in range(40)]).astype(float)
    assert made.min() >= 100 * (1 - COLOR) - 1
    assert made.max() <= 100 * (1 + COLOR) + 1
    assert made.max() - made.min() > 100 * COLOR
    assert np.ptp(made, axis=(1, 2, 3)).max() == 0  # contrast and saturation do not change a uniform image
