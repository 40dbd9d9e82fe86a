"""Rows and images that commands cannot use: skipped and listed, or refused."""

from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from app.cli.messages import POOL, table


def test_blank_rows_are_skipped_counted_and_listed_at_the_end(call, model, tmp_path):
    data = table(tmp_path / "t.csv", {"id": range(4), "text": ["cannot sign in", " ", None, "where is my parcel"]})
    done = call("predict", data, "--model", model, "--out", tmp_path / "out.csv", "--skipped", tmp_path / "s.csv")
    assert done.code == 0
    *_, first, second, counted, _written = done.err.splitlines()
    assert first == f"Skipped: {data}, line 3 (row 1): the text is empty."
    assert second == f"Skipped: {data}, line 4 (row 2): the text is empty."
    assert counted == "Skipped 2 items in all."
    out = pd.read_csv(tmp_path / "out.csv", keep_default_na=False)
    assert out["predicted_label"].tolist() == ["login", "", "", "delivery"]
    assert out["id"].tolist() == [0, 1, 2, 3]
    assert pd.read_csv(tmp_path / "s.csv")["reason"].tolist() == ["the text is empty"] * 2
    refused = call("predict", data, "--model", model, "--on-error", "raise")
    assert (refused.code, refused.out, "the text is empty (and 1 more)" in refused.err) == (1, "", True)


def test_corrupt_images_are_skipped(call, tmp_path):
    Image.new("RGB", (32, 32), "red").save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"not an image")
    (tmp_path / "c.jpg").write_bytes((tmp_path / "a.png").read_bytes()[:60])
    done = call("predict", tmp_path, "--classes", "tomato,ocean")
    assert [Path(row["item"]).name for row in done.rows] == ["a.png"]
    assert "Skipped 2 items in all." in done.err
    assert call("predict", tmp_path, "--classes", "tomato,ocean", "--on-error", "raise").code == 1


@pytest.mark.parametrize("command", ["fit", "evaluate", "learn", "suggest", "encode", "explain"])
def test_every_command_that_reads_a_table_skips_blank_rows(call, model, tmp_path, command):
    label = None if command == "suggest" else ["login", "billing", "billing", "delivery", "login"]
    data = table(tmp_path / "t.csv", {"id": range(5), "text": ["cannot sign in", "", *POOL[:3]], "label": label})
    out = {"fit": ["--out", tmp_path / "m"], "encode": ["--out", tmp_path / "v.npz"]}.get(command, [])
    done = call(command, *(() if command in ("fit", "encode") else (model,)), data, *out)
    assert done.code == 0, done.err
    assert f"Skipped: {data}, line 3 (row 1): the text is empty." in done.err
