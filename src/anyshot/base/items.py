"""What a person hands over: texts, images or vectors, told apart before anything is encoded."""

import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence, Sized
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anyshot.errors import BadItemError, InputError, MixedInputError

Modality: TypeAlias = Literal["text", "image", "vectors"]
Item: TypeAlias = Any  # a str, a path, a PIL image, or an array
Items: TypeAlias = Sequence[Item] | NDArray[Any]

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm"})


def by_place(items: Any) -> Items:
    """Return items that are counted and taken by their place.

    A pandas or polars column answers `items[3]` by its index, which after a shuffle is not its order: it becomes a
    list, and a table of numbers an array. Anything else stays as it is.
    """
    if not hasattr(items, "to_numpy"):
        return items  # type: ignore[no-any-return]  # a list, a tuple or an array
    held = items.to_numpy()
    return held if held.ndim == 2 and held.dtype.kind in "fiub" else list(held)


def item_count(items: Any) -> int:
    """Return the number of items in a list, an array or a table."""
    return int(items.shape[0]) if hasattr(items, "shape") else len(items)


def take(items: Any, rows: Any) -> Any:
    """Return the items of these rows (m,), in the same kind of collection."""
    if hasattr(items, "iloc"):
        return items.iloc[rows]
    return items[rows] if hasattr(items, "shape") else [items[row] for row in rows]


def check_listed(items: object, *, what: str = "A list of items") -> None:
    """Raise InputError for one item without a list around it, a mapping, a sparse table, and what cannot be counted."""
    kind = type(items).__name__
    if hasattr(items, "toarray"):
        raise InputError(f"{what} is needed; a sparse {kind} was given. Give X.toarray().")
    if isinstance(items, Mapping):
        raise InputError(f"{what} is needed; a {kind} was given. Only fit and evaluate read {{label: items}}.")
    if isinstance(items, (str, bytes, PathLike)) or not isinstance(items, Iterable | Sized):
        raise InputError(f"{what} is needed; one {kind} was given. Write [item].")
    if not isinstance(items, Sized):
        raise InputError(f"{what} is needed; a {kind} was given, which cannot be counted. Write list(...).")


def modality_of(items: Items) -> Modality:
    """Tell whether `items` are texts, images or vectors.

    Texts are strings. Images are paths, PIL images, uint8 arrays, or strings that name image files that exist. Vectors
    are one table of floats (n, d), or a sequence of float arrays (d,).

    Raises
    ------
    InputError
        There are no items, or something else than a list of them was given.
    MixedInputError
        The items are of several kinds, or of none of these.
    """
    check_listed(items)
    items = by_place(items)
    if isinstance(items, np.ndarray) and items.dtype.kind in "fiub":
        return _modality_of_array(items)
    if len(items) == 0:
        raise InputError("There are no items: the list is empty.")
    kinds = Counter(_kind(item) for item in items)
    if len(kinds) > 1:
        refuse_missing_images([item for item in items if _kind(item) == "texts"])
        seen = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
        raise MixedInputError(f"All items must be of one kind; seen: {seen}. Split them, one call for each kind.")
    return _MODALITIES.get(next(iter(kinds))) or _refuse(items[0])


def refuse_missing_images(items: Items) -> None:
    """Raise BadItemError where every item is a text that reads like the path of an image, and names no file."""
    if len(items) and all(isinstance(item, str) and reads_as_path(item, IMAGE_SUFFIXES) for item in items):
        raise BadItemError(
            f"{items[0]!r} ends as an image file does, and there is no such file in {os.getcwd()}. Correct the path; "
            "or, if it is meant as a text, name a text encoder, as encoder='minilm'."
        )


def reads_as_path(text: str, suffixes: Collection[str]) -> bool:
    """Tell whether a text is one word that ends as a file of these suffixes does."""
    return Path(text).suffix.lower() in suffixes and not any(letter.isspace() for letter in text)


def check_texts(texts: Items) -> list[str]:
    """Return `texts` as a list of strings with something in them; an empty one is named by its row."""
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise BadItemError(f"Row {row} is no text but {_describe(text)}. Give strings.")
        if not text.strip():
            raise BadItemError(f"The text in row {row} is empty. Drop it, or give it words.")
        if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
            raise BadItemError(
                f"The text in row {row} holds half a character, {text[:40]!r}: it was read in a wrong encoding. "
                "Read it again as UTF-8, or drop it."
            )
    return [str(text) for text in texts]


def shown(items: Items) -> list[str]:
    """Return what to show of each item: a text or a path as it is, anything else by its number."""
    return [
        str(item) if isinstance(item, (str, PathLike)) else f"{type(item).__name__} {row}"
        for row, item in enumerate(by_place(items))
    ]


def _modality_of_array(array: NDArray[Any]) -> Modality:
    if array.dtype == np.uint8 and array.ndim == 3 and array.shape[2] in (3, 4) and array.shape[1] > 4:
        raise MixedInputError(
            f"An array of uint8 with shape {array.shape} is one color image, or very narrow gray ones. Write [image], "
            "or give the gray ones as a list."
        )
    if array.dtype == np.uint8 and array.ndim in (3, 4):
        return "image"  # one gray stack (n, h, w) or (n, h, w, channels)
    if array.dtype.kind == "f" and array.ndim == 2:
        return "vectors"
    raise MixedInputError(
        f"An array of {array.dtype} with shape {array.shape} is neither vectors, floats (n, d), nor images, "
        "uint8 (n, height, width, channels)."
    )


_MODALITIES: dict[str, Modality] = {
    "texts": "text",
    "image files": "image",
    "images": "image",
    "uint8 arrays": "image",
    "float vectors": "vectors",
}


def _kind(item: Item) -> str:
    """Name the kind of one item, in the plural, as the error shows it."""
    if isinstance(item, str):
        return "image files" if _names_an_image(item) else "texts"
    if isinstance(item, PathLike):
        return "image files"
    if isinstance(item, np.ndarray):
        if item.dtype == np.uint8 and item.ndim in (2, 3):
            return "uint8 arrays"
        if item.dtype.kind == "f" and item.ndim == 1:
            return "float vectors"
        return f"arrays of {item.dtype} with {item.ndim} dimensions"
    if hasattr(item, "convert") and hasattr(item, "getbands"):
        return "images"  # a PIL image, told without importing PIL
    if isinstance(item, (list, tuple)) and item and all(isinstance(number, (int, float)) for number in item):
        return "float vectors"
    return f"of type {type(item).__name__}"


def _names_an_image(text: str) -> bool:
    return Path(text).suffix.lower() in IMAGE_SUFFIXES and len(text) < 4096 and os.path.isfile(text)


def _refuse(item: Item) -> Modality:
    raise MixedInputError(
        f"Items must be texts, images (paths, PIL images, uint8 arrays) or float vectors; seen: {_describe(item)}."
    )


def _describe(item: Item) -> str:
    shown = repr(item)
    return f"{type(item).__name__} {shown if len(shown) <= 60 else shown[:57] + '...'}"
