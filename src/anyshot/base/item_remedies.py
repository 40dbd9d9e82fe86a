"""What to write in order to turn objects that are no items into items, for messages."""

from array import array
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anyshot.base.columns import IMAGE_COLUMNS, TEXT_COLUMNS, is_tensor, python_value

DATA_URL: Final = 'Write PIL.Image.open(io.BytesIO(base64.b64decode(item.partition(",")[2]))) for each item.'
"""For images as addresses of the kind "data:image/png;base64,...", of which web pages consist."""
_UNREADABLE: Final = frozenset({".heic", ".heif", ".cr2", ".nef", ".arw", ".dng"})
"""Suffixes of photos of phones and cameras that PIL cannot read."""


def remedy_for(item: Any) -> str:
    """Return how to take the text, image or vector out of an object that holds it, or "" if this is unknown."""
    if isinstance(item, Mapping):
        name = next((key for key in (*TEXT_COLUMNS, *IMAGE_COLUMNS) if key in item), None)
        if "bytes" in item:  # a row of images as data sets store them
            return ' Write [PIL.Image.open(io.BytesIO(item["bytes"])) for item in items].'
        return " Write pandas.DataFrame(items)." if name is None else f" Write [item[{name!r}] for item in items]."
    if isinstance(item, np.void):
        return " Write pandas.DataFrame(items)."
    if isinstance(item, array) or (isinstance(item, memoryview) and item.format != "B"):
        return " Write numpy.array(items)."
    if isinstance(item, np.ndarray) and item.ndim == 0:
        return " Write [item.item() for item in items]."
    if isinstance(item, (list, tuple)) and item and (is_tensor(item[0]) or isinstance(item[0], np.ndarray)):
        if len(item) > 1:
            return " Write [pair[0] for pair in items] as X, and [pair[1] for pair in items] as y."
        return " Write [row for batch in items for row in batch[0]] as X."
    if isinstance(item, (bytes, bytearray, memoryview)):
        is_text = isinstance(python_value(bytes(item[:40])), str)
        return f" Write [{'item.decode()' if is_text else 'PIL.Image.open(io.BytesIO(item))'} for item in items]."
    if isinstance(item, np.ndarray) and item.ndim in (2, 3):
        return how_to_bytes(item)
    if hasattr(item, "read"):
        return " Write [PIL.Image.open(item) for item in items] for images, [item.read() for item in items] for texts."
    if not isinstance(item, (list, tuple)) or not any(isinstance(value, str) for value in item):
        return ""
    if len(item) == 1:  # as databases return one column
        return " Write [row[0] for row in rows]."
    return ' Write ["\\n".join(item) for item in items]. Labels go into y, batches of a loader one by one.'


def how_to_bytes(image: NDArray[Any]) -> str:
    """Return how to write the values of an image, or of several, as bytes."""
    if image.dtype.kind not in "fiub" or image.size == 0:
        return ""
    least, largest = image.min(), image.max()
    if image.dtype.kind in "fb" and 0 <= least <= largest <= 1:
        return " Write (255 * image).astype(np.uint8)."
    if 0 <= least <= largest <= 255 and image.dtype != np.uint16:  # a dark image of 16 bits is one of 16 bits
        return " Write image.astype(np.uint8)."
    if image.dtype.kind in "iu" and least >= 0:
        return " Divide larger values first, as by 257 where 65,535 is white, and write image.astype(np.uint8)."
    return " Scale its values to 0 to 255 first, and write image.astype(np.uint8)."


def unreadable_image(path: Path) -> str | None:
    """Return why an image of a phone or camera cannot be read, or None if the file is none, by its suffix."""
    if path.suffix.lower() not in _UNREADABLE:
        return None
    return f"images of the type {path.suffix} cannot be read; save it as .jpg"
