"""How one item is shown."""

import base64
import io

import numpy as np
import pandas as pd
from PIL import Image

from anyshot.evaluation.report.shown_item import LONGEST, SIDE, one_line, shown_item, single_items


def opened(shown):
    return Image.open(io.BytesIO(base64.b64decode(shown.picture.split(",")[1])))


def test_a_text_is_shown_as_it_stands_and_a_long_one_is_cut():
    assert shown_item("a <b> c").text == "a <b> c"
    long = shown_item("word " * LONGEST)
    assert len(long.text) <= LONGEST + 1
    assert not long.is_whole


def test_an_image_is_made_small_and_keeps_its_proportions(tmp_path):
    file = tmp_path / "photo.png"
    Image.new("RGB", (1000, 500), "red").save(file)
    shown = shown_item(file)
    assert shown.text == f"{tmp_path.name}/photo.png"
    assert opened(shown).size == (SIDE, SIDE // 2)
    assert opened(shown_item(np.zeros((30, 20), np.uint8))).size == (20, 30)


def test_an_image_given_stays_as_it_was():
    image = Image.new("RGBA", (900, 900))
    shown_item(image)
    assert image.size == (900, 900)


def test_an_item_that_cannot_be_shown_says_why(tmp_path):
    file = tmp_path / "broken.png"
    file.write_bytes(b"no image")
    shown = shown_item(file)
    assert shown.picture is None
    assert shown.text.startswith(f"{tmp_path.name}/broken.png cannot be shown: ")
    assert "cannot be shown" in shown_item(tmp_path / "gone.png").text


def test_vectors_rows_and_anything_else_are_described():
    assert shown_item(np.array([0.5, 0.25])).text == "a vector of 2 numbers: 0.5, 0.25"
    assert shown_item(pd.Series({"age": 3})).text == "age: 3"
    assert shown_item(object()).text.startswith("object <object")


def test_one_line_has_no_line_ends():
    assert one_line("a\nb\t c") == "a b c"
    assert len(one_line("x" * 500)) == 160


def test_single_items_come_from_every_kind_of_collection():
    assert single_items(["a", "b", "c"], np.array([2, 0])) == ["c", "a"]
    assert single_items(pd.DataFrame({"a": [1, 2]}), np.array([1]))[0]["a"] == 2
