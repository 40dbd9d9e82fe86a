"""Read the bodies of requests, JSON or multipart, and their items as the model reads them."""

import asyncio
import warnings
from base64 import b64encode
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from pathlib import PurePath
from typing import Any, Final, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile
from starlette.requests import Request

from anyshot import data as datasets
from anyshot.app.server.limits import check_json, media_type_of
from anyshot.app.server.problems import problem_of
from anyshot.app.server.readiness import Reads, Snapshot
from anyshot.app.server.schemas import ImageItem, Item
from anyshot.app.server.service_errors import TooManyItemsError, UnsupportedBodyError
from anyshot.app.server.settings import Settings
from anyshot.base.items import IMAGE_SUFFIXES
from anyshot.base.messages import first_of
from anyshot.base.pixels import BOMB, BROKEN
from anyshot.errors import AnyshotError, BadItemError, MixedInputError

FORMATS: Final = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
"""What is read from the network: other formats that PIL knows are rare, and some start other programs."""
MAX_PIXELS: Final = 50_000_000
"""Pixels of the images of a request: a small file may hold many, and all of them are in memory at once."""
MULTIPART: Final = "multipart/form-data"
LISTS: Final = frozenset({"items", "labels", "examples", "words"})
"""Fields of a form that may be repeated."""

LARGE: Final = 50_000
"""Bytes from which a body is read in a thread: in the event loop, others would wait longer than a millisecond."""

Parsed = TypeVar("Parsed", bound=BaseModel)
T = TypeVar("T")
P = ParamSpec("P")


async def read_in_thread(request: Request, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what a function reads of a request, in a thread if its body is large.

    Large bodies are read one after another: their values take many times the memory of the bodies.
    """
    if len(await request.body()) < LARGE:
        return read(*args, **kwargs)
    async with request.app.state.service.reading:
        return await asyncio.to_thread(read, *args, **kwargs)


async def read_body(request: Request, schema: type[Parsed], settings: Settings) -> Parsed:
    """Return the body of a request.

    Raises UnsupportedBodyError if it is neither JSON nor a form with files. Raises ProblemError or
    pydantic.ValidationError if it does not have the fields of `schema`.
    """
    body, kind = await request.body(), media_type_of(request.headers)
    if kind == MULTIPART:
        return schema.model_validate(await _form(request, settings))
    if kind not in ("application/json", ""):
        raise UnsupportedBodyError(f"The body must be application/json or {MULTIPART}.")
    return await read_in_thread(request, parsed, body or b"{}", schema)


def parsed(body: bytes, schema: type[Parsed]) -> Parsed:
    """Return a body of JSON; raise ProblemError if it does not have the fields of `schema`."""
    value = check_json(body)
    try:
        return schema.model_validate(value, strict=True)  # true is no number, "1" neither
    except ValidationError as error:
        raise problem_of(error) from None  # in the thread, since many wrong fields take long


async def read_items(
    request: Request, given: Sequence[Item] | Item, snapshot: Snapshot, settings: Settings
) -> list[Any]:
    """Return the items of a request as the model takes them; raise what `as_items` does."""
    if len(await request.body()) < LARGE:
        return as_items(given, snapshot, settings)
    return await asyncio.to_thread(as_items, given, snapshot, settings)  # at once, since what was read is in memory


async def _form(request: Request, settings: Settings) -> dict[str, Any]:
    """Return the fields of a form: files are images, and fields that may be repeated are lists."""
    found: dict[str, Any] = {}
    limits = {"max_files": settings.max_items, "max_fields": 2 * settings.max_items}
    async with request.form(**limits, max_part_size=settings.max_body) as form:
        for name, value in form.multi_items():
            content = {"image": await value.read()} if isinstance(value, UploadFile) else value
            if name in LISTS:
                found.setdefault(name, []).append(content)
            else:
                found[name] = content
    return found


def as_items(given: Sequence[Item] | Item, snapshot: Snapshot, settings: Settings) -> list[Any]:
    """Return items as the model takes them: texts, images, vectors, or the cells of rows of features.

    A text is never taken for the path of a file on this machine.

    Raises
    ------
    TooManyItemsError
        There are more items, or more pixels, than one request may have.
    MixedInputError
        The model reads items of another kind.
    BadItemError
        An image cannot be read, or a row of features is empty.
    InputError
        A row of features lacks a column, or has a cell of another kind.
    """
    single = isinstance(given, str | dict) or (len(given) > 0 and not isinstance(given[0], str | dict | list))
    items: list[Any] = [given] if single else list(given)
    check_number(len(items), settings)
    table = snapshot.table
    for row, item in enumerate(items):
        kinds = _kinds(item)
        if snapshot.modality not in kinds:
            wanted = _WANTED[snapshot.modality]
            if table is not None:
                wanted += first_of([one["name"] for one in datasets.columns_read(table)], at_most=9)
            place = "items" if single and not isinstance(item, str | dict) else f"item {row}"
            raise MixedInputError(f"The model reads {wanted}; {place} is {_GIVEN[kinds[0]]}.")
    if table is not None:
        rows: list[Any] = datasets.cells_of_rows(items, table)
        return rows
    if snapshot.modality == "text":
        return [_text(item if isinstance(item, str) else item["text"]) for item in items]
    if snapshot.modality == "image":
        return _of_bounded_size([_image(item["image"], row) for row, item in enumerate(items)])
    return [_vector(item, row) for row, item in enumerate(items)]


def check_number(n_items: int, settings: Settings) -> None:
    """Raise TooManyItemsError for more items than one request may have."""
    if n_items > settings.max_items:
        raise TooManyItemsError(
            f"The request has {n_items:,} items; one may have {settings.max_items:,}. Send several requests."
        )


def usable_items(given: Sequence[Item], snapshot: Snapshot, settings: Settings) -> tuple[list[Item], list[Any]]:
    """Return those items (n,) that the model can read, as they came and as the model takes them; any number of them.

    Others were given to an earlier model in the same folder, which read items of another kind, or other columns.
    """
    with suppress(AnyshotError):
        return list(given), as_items(given, snapshot, replace(settings, max_items=len(given)))
    usable: list[Item] = []
    items: list[Any] = []
    for one in given:
        with suppress(AnyshotError):
            items += as_items([one], snapshot, settings)
            usable.append(one)
    return usable, items


def as_json(item: Item) -> Any:
    """Return an item as it came, as a JSON value."""
    if isinstance(item, dict):
        return {name: b64encode(own).decode() if isinstance(own, bytes) else own for name, own in item.items()}
    return item


_WANTED: Final[dict[Reads, str]] = {
    "text": "texts (a form sends that of a file by curl -F 'items=<FILE')",
    "image": 'images, each {"image": BASE64} or a file of a form (curl -F items=@FILE)',
    "vectors": "lists of numbers",
    "table": "rows of features, each an object with the columns ",
}
_GIVEN: Final[dict[Reads, str]] = {
    "text": "a text",
    "image": "a file or image",
    "vectors": "a list of numbers or null",
    "table": "an object",
}


def _kinds(item: Item) -> tuple[Reads, ...]:
    """Return which kinds of item this may be, the most likely first."""
    if isinstance(item, str):
        return ("text",)
    if not isinstance(item, dict):
        return ("vectors", "table")
    if item.keys() == {"image"}:
        return ("image",) if isinstance(item["image"], bytes) else ("image", "table")
    return ("table", "text") if item.keys() == {"text"} and isinstance(item["text"], str) else ("table",)


def _text(text: str) -> str:
    """Return a text; one that ends as the names of images do gets a space, so that no file of that name is opened."""
    return f"{text} " if PurePath(text).suffix.lower() in IMAGE_SUFFIXES else text


def _vector(numbers: list[float | None], row: int) -> NDArray[Any]:
    """Return a vector (d,); raise BadItemError if it has a null, which only rows of features may have."""
    if None in numbers:
        raise BadItemError(f"Item {row} has null at place {numbers.index(None)}. Each number of a vector is needed.")
    return np.array(numbers)


def _image(content: Any, row: int) -> Image.Image:
    """Return an image, of which only the head was read; refuse one that is too large before its pixels are decoded.

    content: the bytes of its file, or these in base64.
    """
    try:
        content = ImageItem(image=content).image
    except ValidationError:
        raise BadItemError(f"Image {row} is not base64.") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(BytesIO(content), formats=FORMATS)
    except BOMB as error:
        raise BadItemError(f"Image {row} has too many pixels; {MAX_PIXELS:,} are allowed. Make it smaller.") from error
    except BROKEN as error:
        raise BadItemError(f"Image {row} cannot be read; these can: {', '.join(FORMATS)}.") from error
    if image.width * image.height > MAX_PIXELS:
        n_pixels = image.width * image.height
        raise BadItemError(f"Image {row} has {n_pixels:,} pixels; {MAX_PIXELS:,} are allowed. Make it smaller.")
    return image


def _of_bounded_size(images: list[Image.Image]) -> list[Image.Image]:
    total = sum(image.width * image.height for image in images)
    if total > MAX_PIXELS:
        raise TooManyItemsError(
            f"The images of the request have {total:,} pixels together; {MAX_PIXELS:,} are allowed. Send fewer or "
            "smaller ones: encoders read a few hundred pixels of a side."
        )
    return images
