import re
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from anyshot.base.pixels import content_of, map_pixels, read_pixels
from anyshot.errors import BadItemError

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


@pytest.fixture
def photo() -> NDArray[np.uint8]:
    """Return 60 x 80 pixels that change smoothly, each channel in its own way."""
    down, right = np.mgrid[0:60, 0:80]
    return np.stack([down * 4, right * 3, down + right], axis=2).astype(np.uint8)


def saved(folder: Path, image: Image.Image, name: str = "image.png", **options: object) -> Path:
    image.save(folder / name, **options)
    return folder / name


def test_a_path_a_string_a_pil_image_and_an_array_give_the_same_pixels(photo, tmp_path):
    file = saved(tmp_path, Image.fromarray(photo))
    for item in (file, str(file), Image.fromarray(photo), photo):
        pixels = read_pixels(item)
        assert pixels.dtype == np.uint8
        np.testing.assert_array_equal(pixels, photo)


def test_gray_arrays_and_gray_files_become_three_equal_channels(photo, tmp_path):
    gray = photo[:, :, 0]
    for item in (gray, gray[:, :, None], Image.fromarray(gray), saved(tmp_path, Image.fromarray(gray))):
        np.testing.assert_array_equal(read_pixels(item), np.stack([gray] * 3, axis=2))


def test_one_bit_images_become_black_and_white(tmp_path):
    bits = Image.fromarray(np.array([[0, 255], [255, 0]], dtype=np.uint8)).convert("1")
    np.testing.assert_array_equal(read_pixels(saved(tmp_path, bits))[:, :, 0], [[0, 255], [255, 0]])


@pytest.mark.parametrize(("orientation", "turns"), [(3, 2), (6, 3), (8, 1)])
def test_the_exif_orientation_is_applied(photo, tmp_path, orientation, turns):
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = saved(tmp_path, Image.fromarray(photo), exif=exif)
    np.testing.assert_array_equal(read_pixels(file), np.rot90(photo, turns))


def test_an_invalid_orientation_is_ignored(photo, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 77
    np.testing.assert_array_equal(read_pixels(saved(tmp_path, Image.fromarray(photo), exif=exif)), photo)


def test_cmyk_is_converted_to_rgb(tmp_path):
    cyan = Image.new("CMYK", (4, 4), (255, 0, 0, 0))
    file = saved(tmp_path, cyan, "image.tif")
    assert read_pixels(file)[0, 0].tolist() == [0, 255, 255]


def test_a_cmyk_jpeg_is_read(tmp_path):
    file = saved(tmp_path, Image.new("CMYK", (16, 16), (0, 0, 0, 255)), "image.jpg")
    assert read_pixels(file, at_least=4).max() < 10


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_parts_become_white(tmp_path, mode):
    image = Image.new("RGBA", (2, 1), (0, 0, 0, 255)).convert(mode)
    image.putalpha(Image.fromarray(np.array([[0, 255]], dtype=np.uint8)))
    assert read_pixels(saved(tmp_path, image)).tolist() == [[list(WHITE), [0, 0, 0]]]


def test_half_transparent_parts_mix_with_white():
    pixel = np.array([[[0, 0, 0, 127]]], dtype=np.uint8)
    assert read_pixels(pixel).tolist() == [[[128, 128, 128]]]


def test_a_transparent_palette_color_becomes_white(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([*RED, *GREEN])
    image.putdata([0, 1])
    for transparency in (0, bytes([0, 255])):
        file = saved(tmp_path, image, transparency=transparency)
        assert read_pixels(file).tolist() == [[list(WHITE), list(GREEN)]]


def test_a_palette_without_transparency_keeps_its_colors(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([*RED, *BLUE])
    image.putdata([1, 0])
    assert read_pixels(saved(tmp_path, image)).tolist() == [[list(BLUE), list(RED)]]


@pytest.mark.parametrize("name", ["image.png", "image.tif", "image.pgm"])
def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path, name):
    deep = np.array([[0, 257, 32896, 65535]], dtype=np.uint16)
    file = saved(tmp_path, Image.fromarray(deep), name)
    assert read_pixels(file)[0, :, 0].tolist() == [0, 1, 128, 255]


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize(("bits", "kind"), [(9, np.uint16), (12, np.uint16), (14, np.uint16), (20, np.int32)])
def test_gray_values_of_any_depth_keep_their_shades(tmp_path, bits, kind, suffix):
    if suffix == "png" and bits > 16:
        pytest.skip("PNG has 16 bits at most")
    deep = np.linspace(0, 2**bits - 1, 240).astype(kind).reshape(12, 20)
    pixels = read_pixels(saved(tmp_path, Image.fromarray(deep), f"image.{suffix}"))[:, :, 0]
    assert len(np.unique(pixels)) >= 239
    np.testing.assert_allclose(pixels, deep / (2**bits - 1) * 255, atol=0.51)


def test_the_path_of_an_image_may_begin_with_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    saved(tmp_path, Image.new("RGB", (2, 2), "red"), "image.png")
    assert read_pixels("~/image.png")[0, 0].tolist() == [255, 0, 0]
    assert content_of("~/image.png") == (tmp_path / "image.png").read_bytes()


@pytest.mark.torch
def test_a_tensor_is_an_array():
    import torch

    assert read_pixels(torch.full((2, 3, 3), 7, dtype=torch.uint8)).shape == (2, 3, 3)


def test_values_of_unknown_range_are_refused(tmp_path):
    for values in (np.array([[0.5]], dtype=np.float32), np.array([[-5]], dtype=np.int32)):
        file = saved(tmp_path, Image.fromarray(values), "image.tif")
        with pytest.raises(BadItemError, match="unknown which value is white"):
            read_pixels(file)


@pytest.mark.parametrize("name", ["image.gif", "image.png", "image.webp"])
def test_the_first_frame_of_an_animation_is_used(tmp_path, name):
    frames = [Image.new("RGB", (8, 8), color) for color in (RED, BLUE)]
    file = saved(tmp_path, frames[0], name, save_all=True, append_images=frames[1:], lossless=True)
    assert read_pixels(file)[4, 4].tolist() == list(RED)


def test_a_large_jpeg_is_decoded_at_no_less_than_twice_the_needed_size(photo, tmp_path):
    large = Image.fromarray(photo).resize((1600, 1200), Image.Resampling.BICUBIC)
    file = saved(tmp_path, large, "image.jpg", quality=95)
    small = read_pixels(file, at_least=150)
    assert small.shape == (300, 400, 3)
    whole = np.asarray(Image.fromarray(read_pixels(file)).resize((200, 150), Image.Resampling.BICUBIC), dtype=float)
    drafted = np.asarray(Image.fromarray(small).resize((200, 150), Image.Resampling.BICUBIC), dtype=float)
    assert np.abs(whole - drafted).mean() < 1


def test_a_small_jpeg_is_decoded_at_full_size(photo, tmp_path):
    file = saved(tmp_path, Image.fromarray(photo), "image.jpg")
    np.testing.assert_array_equal(read_pixels(file, at_least=40), read_pixels(file))


def test_a_truncated_file_is_named_with_its_row(photo, tmp_path):
    file = saved(tmp_path, Image.fromarray(photo), "image.jpg")
    file.write_bytes(file.read_bytes()[:-300])
    with pytest.raises(BadItemError, match=rf"{re.escape(str(file))} in row 3 cannot be read: .*truncated.*remove it"):
        read_pixels(file, row=3)


def test_a_file_that_is_not_an_image_is_named(tmp_path):
    file = tmp_path / "letter.jpg"
    file.write_text("Dear all")
    with pytest.raises(BadItemError, match=r"letter\.jpg in row 0 is not an image that PIL can read"):
        read_pixels(file, row=0)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(BadItemError, match=r"There is no file .*gone\.png in row 2\. Correct the path"):
        read_pixels(tmp_path / "gone.png", row=2)
    with pytest.raises(BadItemError, match=r"https://a\.org/b\.jpg in row 2 is an address, and nothing is downloaded"):
        read_pixels("https://a.org/b.jpg", row=2)
    with pytest.raises(BadItemError, match="is a folder"):
        read_pixels(tmp_path)


@pytest.mark.parametrize("limit", [50, 90])
def test_a_decompression_bomb_is_refused_with_its_pixel_count(tmp_path, monkeypatch, limit):
    file = saved(tmp_path, Image.new("L", (10, 12)))  # 120 pixels: PIL warns above its limit, raises above twice that
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(BadItemError, match=r"row 1 is too large to be read safely: .*120 pixels.*MAX_IMAGE_PIXELS"):
        read_pixels(file, row=1)
    assert limit == Image.MAX_IMAGE_PIXELS


def test_arrays_of_another_type_or_shape_are_refused():
    with pytest.raises(BadItemError, match=r"image in row 4 is an array of float64; uint8 .* is needed.*255 \*"):
        read_pixels(np.zeros((2, 2, 3)), row=4)
    with pytest.raises(BadItemError, match=r"array of uint16; uint8 \(0 to 255\) is needed"):
        read_pixels(np.zeros((2, 2), dtype=np.uint16))
    with pytest.raises(BadItemError, match=r"empty array, of shape \(0, 5, 3\)"):
        read_pixels(np.zeros((0, 5, 3), dtype=np.uint8))
    for shape in ((2, 2, 2), (5,), (1, 2, 2, 3)):
        with pytest.raises(BadItemError, match=re.escape(f"of shape {shape}; (h, w), (h, w, 1)")):
            read_pixels(np.zeros(shape, dtype=np.uint8))


def test_other_types_and_empty_images_are_refused():
    with pytest.raises(BadItemError, match=r"image in row 5 is a int\. Give paths, PIL images or uint8 arrays"):
        read_pixels(7, row=5)
    with pytest.raises(BadItemError, match="it has no pixels"):
        read_pixels(Image.new("RGB", (0, 3)))


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "TIFF", "BMP", "WEBP", "PPM", "ICO", "TGA", "JPEG2000"])
def test_a_damaged_file_raises_only_bad_item_errors(photo, tmp_path, format):
    rng = np.random.default_rng(0)
    file = saved(tmp_path, Image.fromarray(photo[:24, :32]), format=format)
    whole = np.frombuffer(file.read_bytes(), dtype=np.uint8)
    refused = 0
    for _ in range(40):
        damaged = whole.copy()
        damaged[rng.integers(0, min(len(whole), 300), size=3)] = rng.integers(0, 256, size=3)
        file.write_bytes(damaged[: rng.integers(1, len(whole) + 1)].tobytes())
        try:
            read_pixels(file)
        except BadItemError:
            refused += 1
    assert refused > 5


def test_the_warnings_of_pil_do_not_leak(tmp_path):
    frames = [Image.new("RGB", (8, 8), color) for color in (RED, BLUE)]
    file = saved(tmp_path, frames[0], save_all=True, append_images=frames[1:])
    data = file.read_bytes()
    start = data.index(b"acTL")
    chunk = b"acTL" + bytes(8)  # an animation of no frames
    file.write_bytes(data[:start] + chunk + zlib.crc32(chunk).to_bytes(4, "big") + data[start + 16 :])
    with pytest.warns(UserWarning, match="Invalid APNG"), Image.open(file) as image:
        image.load()
    assert read_pixels(file)[0, 0].tolist() == list(RED)  # pytest makes any warning an error


def test_the_input_is_not_changed(photo):
    image = Image.fromarray(photo).convert("P")
    before = image.tobytes(), image.mode, image.size
    read_pixels(image)
    assert (image.tobytes(), image.mode, image.size) == before
    pixels = read_pixels(photo)
    pixels[:] = 0
    assert photo.any()


def test_map_pixels_keeps_the_order(photo):
    sizes = map_pixels([photo[: row + 1] for row in range(20)], lambda pixels: pixels.shape[0])
    assert sizes == list(range(1, 21))


def test_the_first_bad_item_of_many_is_named_by_its_overall_row(photo):
    with pytest.raises(BadItemError, match="row 102"):
        map_pixels([photo, photo, photo[:0], photo, 3], len, first_row=100)


def test_the_warning_filters_are_restored(photo):
    before = list(warnings.filters)
    map_pixels([photo] * 8, len)
    assert warnings.filters == before


def test_equal_content_means_equal_pixels(photo, tmp_path):
    file = saved(tmp_path, Image.fromarray(photo))
    assert content_of(file) == content_of(str(file)) == file.read_bytes()
    assert content_of(photo) == content_of(Image.fromarray(photo))
    assert content_of(photo) != content_of(photo[::-1])
    assert content_of(photo) != content_of(photo.reshape(80, 60, 3))


def test_images_with_different_palettes_have_different_content():
    image = Image.new("P", (2, 2))
    other = image.copy()
    image.putpalette([*RED])
    other.putpalette([*BLUE])
    assert image.tobytes() == other.tobytes()
    assert content_of(image) != content_of(other)


def test_the_content_of_a_missing_file_or_a_float_array_is_refused(tmp_path):
    with pytest.raises(BadItemError, match="There is no file"):
        content_of(tmp_path / "gone.png")
    with pytest.raises(BadItemError, match="row 2 is an array of float32"):
        content_of(np.zeros((2, 2), dtype=np.float32), row=2)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((3, 8, 8), np.uint8), r"Write image.transpose\(1, 2, 0\)"),
        (np.zeros((8, 8), bool), r"\(255 \* image\)\.astype"),
        (np.zeros((8, 8), np.uint16), r"as by 257 .*astype\(np.uint8\)"),
    ],
)
def test_other_arrays_are_refused_with_the_remedy(array, words):
    with pytest.raises(BadItemError, match=words):
        read_pixels(array)
