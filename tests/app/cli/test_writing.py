"""Output files of commands, tested before any work."""

import pytest
from PIL import Image

import anyshot


@pytest.mark.parametrize("out", ["nowhere/out.csv", "out.txt", "folder.csv"])
def test_an_output_that_cannot_be_written_is_refused_before_any_work(call, made, tmp_path, monkeypatch, out):
    (tmp_path / "folder.csv").mkdir()

    def work(*_, **__):
        raise AssertionError("it worked before it tested the output")

    monkeypatch.setattr(anyshot.tasks.AnyShotClassifier, "fit", work)
    monkeypatch.setattr(anyshot.tasks.AnyShotClassifier, "predict", work)
    monkeypatch.setattr("anyshot.data.datasets.read_table", work)
    for command in (
        ["predict", made / "texts.csv", "--model", made / "model", "--out", tmp_path / out],
        ["suggest", made / "model", made / "texts.csv", "--out", tmp_path / out],
        ["encode", made / "texts.csv", "--out", tmp_path / out],
        ["curve", made / "train.csv", "--out", tmp_path / out],
        ["report", made / "model", made / "train.csv", "--out", tmp_path / out],
        ["card", made / "model", "--data", made / "train.csv", "--out", tmp_path / out],
        ["fit", made / "train.csv", "--out", made / "train.csv" / "model"],
        ["tune", made / "train.csv", "--out", made],
    ):
        done = call(*command)
        assert done.code == 1
        assert "cannot be written" in done.err or "is not empty" in done.err, done.err


def test_predict_never_overwrites_its_input(call, made, tmp_path):
    for name in ("texts.csv", "classes.csv"):
        (tmp_path / name).write_text("text,class\ncannot sign in,login\nwhere is it,delivery\n")
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    texts, classes = tmp_path / "texts.csv", tmp_path / "classes.csv"
    for out in (texts, tmp_path / "link" / "texts.csv", classes):
        done = call("predict", texts, "--classes", classes, "--out", out)
        assert (done.code, "would overwrite the input" in done.err) == (1, True)
    assert call("suggest", made / "model", texts, "--out", texts).code == 1
    assert call("card", made / "model", "--data", texts, "--out", texts).code == 1
    assert "cannot sign in" in texts.read_text()


def test_predict_never_writes_over_the_labels_of_a_folder(call, tmp_path):
    Image.new("RGB", (32, 32), "red").save(tmp_path / "red.png")
    (tmp_path / "labels.csv").write_text("file,label\nred.png,tomato\n")
    done = call("predict", tmp_path, "--classes", "tomato,ocean", "--out", tmp_path / "labels.csv")
    assert (done.code, "would overwrite the input" in done.err) == (1, True)
