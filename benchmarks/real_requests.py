"""Situations of `real_inputs.py`: a third audit, pictures, requests, imports of the studio, and wrong files.

Four of the right values that were written down before the first run have been corrected: invalid JSON is refused with
the place of its fault, by status 422; one text in place of a list of items is answered as one item; and the pictures
of a zip need a project of images.
"""

import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from fastapi.testclient import TestClient
from PIL import Image
from situations import CLASSES, CSV, Holds, Situation, command, fails_with, labels_of, model_in, refuses, written

from anyshot.app.server.app import create_app
from anyshot.app.server.opening import open_models
from anyshot.app.server.settings import Settings
from anyshot.app.studio import Answers, Project, add_images, add_table, add_texts, preview, save_table
from anyshot.data import read_data
from anyshot.errors import AnyshotError

HALF = "the parcel \\ud83d"  # JSON for one half of an emoji


def add(holds: Holds) -> None:
    """Add the situations of this file."""
    for what, situation in [*_images(), *_requests(), *_studio(), *_wrong_files()]:
        holds("third audit, requests", what)(situation)
    text_in_object = _asks("predict", '{"items": [{"text": "refund"}]}', 200, '"refund"}]')
    holds("fourth audit", "a text in an object")(text_in_object)


# --- images ----------------------------------------------------------------------------------------------------------


def _images() -> Iterator[tuple[str, Situation]]:
    def not_utf_8(folder: Path) -> bool:
        """Return whether a name as old archives leave it is written with U+FFFD, and imported into the studio."""
        photo = folder / os.fsdecode(b"caf\xe9.png")
        Image.new("RGB", (40, 40)).save(photo)
        code, _, _ = command("predict", photo, "--classes", "cat,dog", "--out", folder / "a.csv")
        with Project.create(folder / "project", name="Photos", kind="images") as project:
            return code == 0 and "caf\ufffd" in (folder / "a.csv").read_text("utf-8") and add_images(
                project, [photo]
            ).n_items == 1  # fmt: skip

    def in_parts(folder: Path) -> bool:
        """Return whether the classes of train/cat, train/dog and test/cat are cat and dog, or are refused."""
        for place in ("train/cat/1", "train/dog/1", "test/cat/2"):
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (40, 40)).save(folder / f"{place}.png")
        try:
            return set(read_data(folder).labels) == {"cat", "dog"}
        except AnyshotError as error:
            return "train" in str(error)

    def bomb(folder: Path) -> bool:
        """Return whether a PNG of 400 million pixels beside a good one is skipped by name, or read."""
        Image.new("1", (20_000, 20_000)).save(folder / "bomb.png")
        Image.new("RGB", (40, 40)).save(folder / "good.png")
        code, out, err = command("predict", folder, "--classes", "cat,dog")
        return code == 0 and "good.png" in out and ("bomb.png" in err + out)

    def empty(folder: Path) -> bool:
        written(folder, "a.png", b"")
        return fails_with(command("predict", folder / "a.png", "--classes", "cat,dog"), 1, "a.png")

    def odd(folder: Path) -> bool:
        """Return whether one pixel, a strip and an animation have an answer each."""
        Image.new("RGB", (1, 1)).save(folder / "a.png")
        Image.new("RGB", (3000, 1)).save(folder / "b.png")
        frames = [Image.new("P", (30, 30), number) for number in range(3)]
        frames[0].save(folder / "c.gif", save_all=True, append_images=frames[1:])
        return len(labels_of(command("predict", folder, "--classes", "cat,dog"))) == 3

    def outside(folder: Path) -> bool:
        Image.new("RGB", (40, 40)).save(folder / "a.png")
        written(folder, "in/metadata.csv", "file_name,label\nb.png,x\n")
        return refuses(lambda: read_data(folder / "in"), "b.png")

    yield "a photo whose name is not UTF-8, --out", not_utf_8
    yield "a folder with train and test in it", in_parts
    yield "a picture of 400 million pixels", bomb
    yield "a picture without a byte", empty
    yield "one pixel, a strip, an animation", odd
    yield "metadata.csv names a file that is not there", outside


# --- the service -----------------------------------------------------------------------------------------------------


def _asks(address: str, body: str | bytes, status: int, *words: str) -> Situation:
    """Return whether a request to a model is answered by this status and these words."""

    def ask(folder: Path) -> bool:
        settings = Settings()
        model = model_in(folder)
        with TestClient(create_app(open_models({"m": model}, settings), settings)) as client:
            reply = client.post(f"/v1/models/m/{address}", content=body, headers={"Content-Type": "application/json"})
        return reply.status_code == status and all(word in reply.text for word in words)

    return ask


def _requests() -> Iterator[tuple[str, Situation]]:
    yield "half an emoji in a request", _asks("predict", f'{{"items": ["refund", "{HALF}"]}}', 422, "1")
    yield "half an emoji among examples", _asks("examples", f'{{"items": ["{HALF}"], "labels": ["refund"]}}', 422, "0")
    yield "half an emoji as a class", _asks("classes", f'{{"name": "{HALF}"}}', 422, "column 28")
    yield "one text in place of items", _asks("predict", '{"items": "refund"}', 200, '"refund"}]')
    yield "null among the items", _asks("predict", '{"items": ["refund", null]}', 422, "1")
    yield "a misspelled key", _asks("predict", '{"item": ["refund"]}', 422, "item")
    yield "a body that is no UTF-8", _asks("predict", b'{"items": ["caf\xe9"]}', 422, "unicode", "column 16")
    yield "fewer labels than items", _asks("examples", '{"items": ["a", "b"], "labels": ["refund"]}', 422, "2", "1")
    yield "a class of spaces", _asks("classes", '{"name": "  "}', 422, "name")


# --- the studio ------------------------------------------------------------------------------------------------------


def _studio() -> Iterator[tuple[str, Situation]]:
    def inside(work: Callable[[Project, Path], object], **kind: Any) -> Situation:
        def situation(folder: Path) -> bool:
            with Project.create(folder / "project", name="Mail", **kind) as project:
                return bool(work(project, folder))

        return situation

    def half(project: Project, _: Path) -> bool:
        added = add_texts(project, ["refund", json.loads(f'"{HALF}"')])
        return added.n_items == 2 or (added.n_items == 1 and "text 2" in added.faults[0][0])

    def one_text(project: Project, _: Path) -> bool:
        return refuses(lambda: add_texts(project, "refund please"), "[")

    def floats(project: Project, folder: Path) -> bool:
        """Return whether the classes of a column with a gap are 1 and 2."""
        written(folder, "a.csv", "text,label\na b,1.0\nb c,2.0\nc d,\n")
        return add_table(project, folder / "a.csv", label_column="label").new_classes == ["1", "2"]

    def own_columns(project: Project, folder: Path) -> bool:
        """Return whether a table that has columns called like those of the export comes back with each name once."""
        table = written(folder, "a.csv", "text,label,predicted_label,probability\na b,x,y,0.5\nb c,z,w,1\n")
        add_table(project, table, label_column="label")
        with Answers(project) as answers:
            save_table(project, answers, folder / "b.csv")
        header = (folder / "b.csv").read_text("utf-8-sig").splitlines()[0].split(",")
        return len(set(header)) == len(header) and {"text", "label"} <= set(header)

    def archive(project: Project, folder: Path) -> bool:
        """Return whether nothing is written outside for pictures in a zip whose paths leave it."""
        buffer = io.BytesIO()
        Image.fromarray(np.zeros((30, 30, 3), np.uint8)).save(buffer, "png")
        with zipfile.ZipFile(folder / "a.zip", "w") as zipped:
            zipped.writestr("../../evil.png", buffer.getvalue())
            zipped.writestr("cat/good.png", buffer.getvalue())
        added = add_images(project, [folder / "a.zip"])
        return added.n_items >= 1 and not list(folder.parent.glob("evil.png")) and not (folder / "evil.png").exists()

    yield "half an emoji pasted into the studio", inside(half)
    yield "one text in place of a list, studio", inside(one_text)
    yield "labels 1.0 and 2.0, studio", inside(floats)
    yield "columns called like those of the export, studio", inside(own_columns)
    yield "a zip whose paths leave it, studio", inside(archive, kind="images")
    yield "the preview of an empty file, studio", lambda f: refuses(lambda: preview(written(f, "a.csv", "")), "empty")


# --- the wrong file --------------------------------------------------------------------------------------------------


def _wrong_files() -> Iterator[tuple[str, Situation]]:
    yield "an empty file", lambda f: fails_with(command("fit", written(f, "a.csv", ""), "--out", f / "m"), 1, "empty")
    yield (
        "a header alone",
        lambda f: fails_with(command("fit", written(f, "a.csv", "text,label\n"), "--out", f / "m"), 1, "row"),
    )
    yield (
        "a page of the web that is called .csv",
        lambda f: fails_with(
            command(
                "fit", written(f, "a.csv", "<!DOCTYPE html>\n<html><body>Sign in</body></html>\n"), "--out", f / "m"
            ),
            1,
            "page of the web",
        ),
    )
    yield (
        "a pointer of Git LFS",
        lambda f: fails_with(
            command(
                "fit",
                written(f, "a.csv", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"),
                "--out",
                f / "m",
            ),
            1,
            "git lfs pull",
        ),
    )
    yield (
        "a document of Word",
        lambda f: fails_with(command("predict", written(f, "a.docx", b"PK\x03\x04" + bytes(60)), *CLASSES), 1, "docx"),
    )
    yield (
        "a Parquet file that breaks off",
        lambda f: fails_with(
            command("predict", written(f, "a.parquet", b"PAR1" + bytes(60)), *CLASSES), 1, "a.parquet"
        ),
    )
    yield (
        "an address in place of a file",
        lambda f: fails_with(
            command("fit", "https://example.org/data.csv", "--out", f / "m"), 1, "https://example.org/data.csv"
        ),
    )
    yield (
        "--model is a table",
        lambda f: fails_with(command("predict", "refund", "--model", written(f, "a.csv", CSV)), 1, "a.csv", "folder"),
    )
    yield (
        "--classes is a file that is not there",
        lambda f: fails_with(command("predict", "refund", "--classes", f / "classes.json"), 1, "classes.json"),
    )
    yield (
        "a folder of tables",
        lambda f: fails_with(
            command("fit", written(f, "in/a.csv", CSV).parent, "--out", f / "m"), 1, ".csv", "one file"
        ),
    )
    yield "a picture for a model of texts", _picture()


def _picture() -> Situation:
    def picture(folder: Path) -> bool:
        Image.new("RGB", (40, 40), "red").save(folder / "a.png")
        return fails_with(command("predict", folder / "a.png", "--model", model_in(folder)), 1, "text", "image")

    return picture
