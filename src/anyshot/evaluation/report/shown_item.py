"""How one item is shown on a page: its words, a small picture, or why it cannot be shown."""

import base64
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from anyshot.base.items import Item, Items, item_count, modality_of, take
from anyshot.errors import InputError

LONGEST = 600  # letters of a text that are shown
SIDE = 224  # pixels of a picture's longer side, twice what the page gives it: sharp on fine screens
NUMBERS = 6  # of a vector
LINES = 8  # columns of a table up to which each has a line of its own


@dataclass(frozen=True)
class ShownItem:
    """What a page shows of an item."""

    text: str
    """The words, a file's name, or a description."""
    picture: str | None = None
    """A data URL, where the item is an image."""
    is_whole: bool = True
    """Whether nothing was cut off and nothing went wrong."""


def shown_item(item: Item) -> ShownItem:
    """Return what to show of any item; one that cannot be read is described, and no error is raised for it."""
    if isinstance(item, (pd.Series, dict)):
        between = "\n" if len(item) <= LINES else " · "
        return _cut(between.join(f"{name}: {value}" for name, value in item.items()))
    try:
        modality = modality_of([item])
    except InputError:
        return _cut(_described(item))
    if modality == "image":
        return _as_picture(item)
    if modality == "vectors":
        numbers = np.asarray(item, dtype=np.float64)
        some = ", ".join(f"{number:.3g}" for number in numbers[:NUMBERS])
        more = ", ..." if len(numbers) > NUMBERS else ""
        return ShownItem(f"a vector of {len(numbers)} numbers: {some}{more}")
    return _cut(str(item))


def one_line(item: Item, *, longest: int = 160) -> str:
    """Return an item's words in one line, for a table."""
    words = " ".join(shown_item(item).text.split())
    return words if len(words) <= longest else words[: longest - 1].rstrip() + "…"


def single_items(X: Items, rows: NDArray[np.integer]) -> list[Any]:
    """Return the items of these rows (m,) one by one, a row of a table as a series."""
    some = take(X, rows)
    places = range(item_count(some))
    return [some.iloc[place] for place in places] if hasattr(some, "iloc") else [some[place] for place in places]


def _as_picture(item: Item) -> ShownItem:
    name = "/".join(Path(item).parts[-2:]) if isinstance(item, (str, os.PathLike)) else ""
    try:
        picture = _opened(item)
        picture.thumbnail((SIDE, SIDE))
        page = io.BytesIO()
        picture.convert("RGB").save(page, format="JPEG", quality=82)
    except (OSError, UnidentifiedImageError, ValueError, TypeError, Image.DecompressionBombError) as error:
        return ShownItem(f"{name or 'This image'} cannot be shown: {error}", is_whole=False)
    return ShownItem(name, f"data:image/jpeg;base64,{base64.b64encode(page.getvalue()).decode()}")


def _opened(item: Any) -> Image.Image:
    """Return a copy that may be changed."""
    if isinstance(item, (str, os.PathLike)):
        with Image.open(item) as picture:
            return picture.convert("RGB")
    if isinstance(item, np.ndarray):
        return Image.fromarray(item.squeeze())
    return Image.Image.convert(item, "RGB")


def _described(item: Item) -> str:
    return f"{type(item).__name__} {item!r}"


def _cut(text: str) -> ShownItem:
    clean = text.encode("utf-8", "replace").decode("utf-8")
    if len(clean) <= LONGEST:
        return ShownItem(clean)
    return ShownItem(clean[:LONGEST].rstrip() + "…", is_whole=False)
