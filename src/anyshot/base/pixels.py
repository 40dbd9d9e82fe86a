"""Read images (files, PIL images or arrays) as RGB pixels; errors name the image by its path and row."""

import errno
import io
import os
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile, ImageOps, UnidentifiedImageError

from anyshot.base.columns import is_tensor
from anyshot.base.item_remedies import DATA_URL, how_to_bytes, remedy_for
from anyshot.errors import BadItemError

Pixels: TypeAlias = NDArray[np.uint8]  # (height, width, 3), RGB
T = TypeVar("T")

# What PIL raises on a file that is truncated, damaged, or not an image.
BROKEN: Final = (
    *(OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, ArithmeticError),
    *(struct.error, zlib.error),
)
BOMB: Final = (Image.DecompressionBombError, Image.DecompressionBombWarning)
DEPTHS: Final = (*range(8, 13), 14, *range(16, 33))  # bits of gray values
_LONGEST_PATH: Final = 300  # shown of a path, which may be an image written as text
THREADS: Final = min(8, os.cpu_count() or 1)  # more would only need more memory


def read_pixels(item: Any, *, row: int | None = None, at_least: int | None = None) -> Pixels:
    """Return one image as RGB pixels (height, width, 3), uint8, upright.

    The EXIF orientation is applied, transparent parts become white, gray values of 10 to 32 bits are scaled to 8,
    and of an animation the first frame is used.

    Parameters
    ----------
    item : str, Path, PIL image or uint8 array
        An array is (h, w), (h, w, 1), (h, w, 3) or (h, w, 4), the last with transparency.
    row : int, optional
        Position of the item in its batch, for error messages.
    at_least : int, optional
        The shorter side that will be needed [pixels]. A JPEG file at least four times as large is decoded at 1/2, 1/4
        or 1/8 of its size, but not below twice this side: several times faster, with the same result after resizing.

    Raises
    ------
    BadItemError
        The file is missing, not an image, truncated, damaged, or has more pixels than PIL's limit
        (`PIL.Image.MAX_IMAGE_PIXELS`), or the array is empty or of another dtype or shape.
    """
    with _without_warnings():
        return _read(item, row, at_least)


def jpeg_of(item: Any, side: int) -> bytes:
    """Return one image as a JPEG, which every browser shows, with at most so many pixels on its longer side."""
    image, packed = Image.fromarray(read_pixels(item, at_least=side)), io.BytesIO()
    image.thumbnail((side, side))
    image.save(packed, "JPEG", quality=85)
    return packed.getvalue()


def map_pixels(
    items: Sequence[Any] | NDArray[Any],
    prepare: Callable[[Pixels], T],
    *,
    first_row: int = 0,
    at_least: int | None = None,
) -> list[T]:
    """Return `prepare(read_pixels(item))` of each item, in several threads; raise for the first bad item.

    PIL and torch release the GIL, and each image is freed as soon as it is prepared.
    """

    def one(row: int) -> T:
        return prepare(_read(items[row], first_row + row, at_least))

    # Warning filters apply to the whole process, so they are set once around the threads, not inside one.
    with _without_warnings():
        if len(items) == 1 or THREADS == 1:
            return [one(row) for row in range(len(items))]
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(one, range(len(items))))


def content_of(item: Any, *, row: int | None = None) -> bytes:
    """Return bytes that identify an image, as a cache key: those of its file, or else its shape and RGB pixels.

    Images with equal content have equal vectors. A PIL image and an array with the same RGB pixels are equal.
    """
    if isinstance(item, (str, os.PathLike)):
        try:
            return Path(item).expanduser().read_bytes()
        except (OSError, ValueError) as error:
            raise BadItemError(_unreadable(item, row, error)) from error
    pixels = read_pixels(item, row=row)
    return b"".join((b"RGB %d %d\n" % pixels.shape[:2], np.ascontiguousarray(pixels).data))  # one copy, not two


def _read(item: Any, row: int | None, at_least: int | None) -> Pixels:
    try:
        if isinstance(item, (str, os.PathLike)):
            with Image.open(os.path.expanduser(item)) as image:
                return _from_file(image, at_least)
        if isinstance(item, Image.Image):
            return _from_image(item)
    except BOMB as error:
        raise BadItemError(
            f"{_name(item, row)} is too large to be read safely: {str(error).split(',')[0]}. "
            "Make it smaller, or raise PIL.Image.MAX_IMAGE_PIXELS if you trust the file."
        ) from error
    except BROKEN as error:
        raise BadItemError(_unreadable(item, row, error)) from error
    if is_tensor(item):
        item = item.detach().cpu().numpy()
    if isinstance(item, np.ndarray):
        return _from_array(item, row)
    raise BadItemError(
        f"{_name(item, row)} is a {type(item).__name__}. Give paths, PIL images or uint8 arrays.{remedy_for(item)}"
    )


def _from_file(image: ImageFile.ImageFile, at_least: int | None) -> Pixels:
    if at_least is not None and image.format == "JPEG":
        image.draft(None, (2 * at_least, 2 * at_least))  # only JPEG supports it
    return _from_image(image)


def _from_image(image: Image.Image) -> Pixels:
    if 0 in image.size:
        raise ValueError("it has no pixels")
    image.load()
    turned = ImageOps.exif_transpose(image) if _orientation(image) > 1 else image
    if turned.mode.startswith("I") or turned.mode == "F":
        gray = _scaled(np.asarray(turned))
        return np.repeat(gray[:, :, None], 3, axis=2)
    if turned.has_transparency_data:
        seen = turned.convert("RGBA")
        turned = Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen)
    return np.array(turned if turned.mode == "RGB" else turned.convert("RGB"))  # which copies them in any case


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 (upright) to 8; a damaged EXIF block counts as upright."""
    try:
        given = image.getexif().get(ExifTags.Base.Orientation, 1)
    except BROKEN:
        return 1
    return given if isinstance(given, int) and 1 <= given <= 8 else 1


def _scaled(values: NDArray[Any]) -> Pixels:
    """Scale gray values (h, w) of more than 8 bits to 8, by the depth of 8 to 32 bits that holds the largest.

    Cameras and scanners store 10, 12 or 14 bits in 16 or 32, mostly without stating it; as 16 bits, an image of 12 bits
    would be nearly black, with 16 shades.
    """
    if values.dtype.kind == "f" or values.min() < 0:
        raise ValueError("its values are floats or negative, so it is unknown which value is white")
    largest = int(values.max())
    white = 2 ** next((depth for depth in DEPTHS if largest < 2**depth), 32) - 1
    return np.asarray((values.astype(np.uint64) * 255 + white // 2) // white, dtype=np.uint8)


def _from_array(array: NDArray[Any], row: int | None) -> Pixels:
    named = _name(array, row)
    if array.dtype != np.uint8:
        raise BadItemError(f"{named} is an array of {array.dtype}; uint8 (0 to 255) is needed.{how_to_bytes(array)}")
    if array.size == 0:
        raise BadItemError(f"{named} is an empty array, of shape {array.shape}. Remove it.")
    flat = array[:, :, 0] if array.ndim == 3 and array.shape[2] == 1 else array
    if flat.ndim == 2:
        return np.repeat(flat[:, :, None], 3, axis=2)
    if flat.ndim != 3 or flat.shape[2] not in (3, 4):
        raise BadItemError(
            f"{named} is an array of shape {array.shape}; (h, w), (h, w, 1), (h, w, 3) or (h, w, 4) is needed."
            + (" Write image.transpose(1, 2, 0)." if array.ndim == 3 and array.shape[0] in (1, 3, 4) else "")
        )
    return _from_image(Image.fromarray(np.ascontiguousarray(flat)))


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Ignore PIL's warnings, mostly about metadata, except on decompression bombs, which becomes an error."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _unreadable(item: Any, row: int | None, error: Exception) -> str:
    named = _name(item, row)
    if isinstance(error, IsADirectoryError):
        return f"{named} is a folder. Give the paths of the images in it."
    if isinstance(error, OSError) and error.errno in (errno.ENOENT, errno.ENAMETOOLONG):
        if str(named).startswith("data:"):
            return f"'{str(named)[:20]}…' is an image written as text. {DATA_URL}"
        if "://" in str(named):
            return f"{named} is an address, and nothing is downloaded. Download the image, and give its path."
        is_text = not Path(item).suffix or any(letter.isspace() for letter in Path(item).suffix)
        hint = " The encoder reads images; a text needs an encoder of texts, such as 'minilm'." if is_text else ""
        return f"There is no file {named}. Correct the path, or remove it.{hint}"
    if isinstance(error, UnidentifiedImageError):
        return f"{named} is not an image that PIL can read. Remove it, or convert it to PNG or JPEG."
    return f"{named} cannot be read: {error}. Repair or remove it."


def _name(item: Any, row: int | None) -> str:
    """Return an item's path and row, as far as known."""
    position = "" if row is None else f" in row {row}"
    if isinstance(item, (str, os.PathLike)):
        path = str(os.fspath(item))
        shown = path if len(path) <= _LONGEST_PATH else path[:_LONGEST_PATH] + "…"
        return f"{repr(shown) if ' ' in shown else shown}{position}"
    return f"The image{position}"
