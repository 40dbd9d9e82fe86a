"""Images encoded in chunks, cropped and resized, and with normalized lighting."""

from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

from anyshot.encoders.images import CHUNK, ImageEncoder, center_square, imagenet_class_names, normalize_lighting
from anyshot.errors import BadItemError


class MeanColors(ImageEncoder):
    """The mean color of an image, with 1 added to red."""

    width = 3

    def _prepare(self, pixels: np.ndarray) -> np.ndarray:
        return pixels.mean(axis=(0, 1), dtype=np.float32)

    def _map(self, batches: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        return (batch + np.float32([1, 0, 0]) for batch in batches)


def even(image: np.ndarray) -> np.ndarray:
    return normalize_lighting(image, mean=115, std=58)


def test_chunks_are_joined_in_order():
    images = np.arange(2 * CHUNK + 3, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), dtype=np.uint8)
    vectors = MeanColors().encode(images)
    features = np.arange(len(images))[:, None] + np.array([[1.0, 0, 0]])
    np.testing.assert_allclose(vectors, features / np.linalg.norm(features, axis=1, keepdims=True), rtol=1e-6)


def test_an_empty_list_returns_an_empty_array():
    assert MeanColors().encode([]).shape == (0, 3)


def test_an_invalid_image_in_a_later_chunk_is_reported_with_its_row_in_the_whole_list():
    images = [np.zeros((2, 2), dtype=np.uint8)] * (CHUNK + 5)
    images[CHUNK + 2] = np.zeros((2, 2))
    with pytest.raises(BadItemError, match=f"row {CHUNK + 2} "):
        MeanColors().encode(images)


def test_only_the_center_of_an_image_is_used():
    pixels = np.zeros((64, 100, 3), dtype=np.uint8)
    pixels[4:60, 22:78] = 200  # the center, 56 x 56: 0.875 of the shorter side
    assert np.unique(center_square(pixels)).tolist() == [200]
    assert len(np.unique(center_square(pixels, fraction=1))) > 1


def test_the_resize_is_that_of_pil():
    photo = load_sample_images().images[1]
    height, width = photo.shape[:2]
    left = (width - height) // 2
    cropped = Image.fromarray(photo).crop((left, 0, left + height, height))
    expected = np.asarray(cropped.resize((224, 224), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(center_square(photo, fraction=1), expected)


@pytest.mark.torch
def test_the_resize_differs_from_that_of_torch_by_one_unit_in_few_pixels():
    from torch import from_numpy
    from torch.nn.functional import interpolate

    photo = load_sample_images().images[1][:400, :400].copy()
    of_torch = interpolate(from_numpy(photo).permute(2, 0, 1)[None], (224, 224), mode="bicubic", antialias=True)
    difference = center_square(photo, fraction=1).astype(int) - of_torch[0].permute(1, 2, 0).numpy()
    assert np.abs(difference).max() <= 1
    assert np.mean(difference != 0) < 0.02


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (224, 225)])
def test_an_image_of_any_shape_becomes_a_square(shape):
    assert center_square(np.full((*shape, 3), 9, dtype=np.uint8)).shape == (224, 224, 3)


def test_normalized_lighting_by_hand():
    image = np.uint8([[[90, 90, 90], [110, 110, 110]]])  # mean 100, std 10
    np.testing.assert_array_equal(even(image), [[[57] * 3, [173] * 3]])


def test_normalized_lighting_turns_one_color_into_gray_and_stops_at_white():
    assert np.unique(even(np.full((2, 2, 3), 7, dtype=np.uint8))).tolist() == [115]
    spot = np.zeros((10, 10, 3), dtype=np.uint8)
    spot[0, 0] = 200
    assert even(spot).max() == 255


def test_imagenet_has_1000_classes_with_synonyms():
    assert len(imagenet_class_names()) == 1000
    assert imagenet_class_names()[0] == ("tench", "Tinca tinca")
    assert imagenet_class_names()[985][0] == "daisy"
