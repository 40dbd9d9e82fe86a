"""Items of requests are what the model reads; files that would fill the memory, or run something, are not opened."""

import asyncio
import io
import struct
import zipfile
import zlib

import numpy as np
import pytest
from fastapi import FastAPI, Request
from PIL import Image

from anyshot.app.server.bodies import FORMATS, LARGE, MAX_PIXELS, as_items, read_in_thread, usable_items
from anyshot.app.server.readiness import Snapshot
from anyshot.app.server.service import Service
from anyshot.app.server.service_errors import TooManyItemsError
from anyshot.app.server.settings import Settings
from anyshot.errors import AnyshotError, BadItemError, MixedInputError

TEXT, IMAGE, VECTORS = (Snapshot(None, 1, modality) for modality in ("text", "image", "vectors"))


def png(width: int, height: int) -> bytes:
    """Return a PNG of a few bytes that states this size; its pixels are never there."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    written = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


def saved(kind: str) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(content, kind)
    return content.getvalue()


def zipped() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("photo.png", b"\x00" * 10_000_000)
    return content.getvalue()


def images(*contents: bytes) -> list:
    return as_items([{"image": one} for one in contents], IMAGE, Settings())


@pytest.mark.parametrize(
    "content",
    [
        png(100_000, 100_000),
        png(12_000, 12_000),
        png(0, 5),
        zipped(),
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>',
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"%PDF-1.7",
        b"",
        b"GIF89a",
    ],
    ids=["bomb", "large", "empty", "zip", "svg", "postscript", "pdf", "nothing", "cut"],
)
def test_bombs_and_other_files_are_refused_by_their_head(content):
    with pytest.raises(BadItemError, match="Image 1"):
        images(saved("PNG"), content)


def test_many_images_may_not_be_one_bomb():
    side = int(MAX_PIXELS**0.5)
    assert len(images(png(side, side))) == 1
    with pytest.raises(TooManyItemsError, match="pixels together"):
        images(png(side, side), png(side, side))


@pytest.mark.parametrize("kind", FORMATS)
def test_usual_images_are_read(kind):
    (image,) = images(saved(kind))
    assert np.asarray(image.convert("RGB")).shape == (8, 8, 3)


@pytest.mark.parametrize(
    ("items", "snapshot"),
    [
        (["a", [1.0]], TEXT),
        ([{"image": b"x"}], TEXT),
        ([{"text": "a", "label": "b"}], TEXT),
        (["photo.png"], IMAGE),
        ([[1.0]], IMAGE),
        (["a"], VECTORS),
        ([{"x": 1.0}], VECTORS),
    ],
)
def test_items_of_another_kind_are_refused(items, snapshot):
    with pytest.raises(MixedInputError, match=r"The model reads .*; item \d is an? (text|file|list of numbers|object)"):
        as_items(items, snapshot, Settings())


def test_a_text_is_never_the_path_of_a_file(tmp_path, monkeypatch):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    monkeypatch.chdir(tmp_path)
    (text, path) = as_items(["a.png", str(tmp_path / "a.png")], TEXT, Settings())
    assert not (tmp_path / text).exists()
    assert not (tmp_path / path).exists()


def test_one_item_is_a_list_of_one_and_too_many_are_refused():
    assert as_items("a", TEXT, Settings()) == ["a"]
    assert as_items([1.0, 2.0], VECTORS, Settings())[0].tolist() == [1.0, 2.0]
    with pytest.raises(AnyshotError, match="one may have 2"):
        as_items(["a"] * 3, TEXT, Settings(max_items=2))


def test_items_that_were_given_to_a_model_of_another_kind_are_left_out():
    given = ["a", [1.0], {"age": 41}, "b", "c"]
    assert usable_items(given, TEXT, Settings(max_items=2)) == (["a", "b", "c"], ["a", "b", "c"])
    assert usable_items(given, IMAGE, Settings()) == usable_items([], IMAGE, Settings()) == ([], [])


def test_large_bodies_are_read_one_after_another_and_small_ones_at_once():
    app, order = FastAPI(), []

    async def ask(size: int) -> None:
        async def receive() -> dict:
            return {"type": "http.request", "body": b" " * size}

        await read_in_thread(Request({"type": "http", "app": app, "headers": []}, receive), order.append, size)

    async def ask_all() -> None:
        service = app.state.service = Service({}, Settings())
        async with service.reading:  # as while another large body is read
            waiting = [asyncio.create_task(ask(LARGE + row)) for row in range(3)]
            await asyncio.sleep(0)
            await ask(1)
            assert order == [1]
        await asyncio.gather(*waiting)

    asyncio.run(ask_all())
    assert order == [1, LARGE, LARGE + 1, LARGE + 2]
