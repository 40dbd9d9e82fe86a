"""Rows and images that commands skip or refuse, and output files that are tested before any work."""

from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

import anyshot
from app.cli.messages import POOL, table


def test_blank_rows_are_skipped_counted_and_listed_at_the_end(call, model, tmp_path):
    data = table(tmp_path / "t.csv", {"id": range(4), "text": ["cannot sign in", " ", None, "where is my parcel"]})
    done = call("predict", data, "--model", model, "--out", tmp_path / "out.csv", "--skipped", tmp_path / "s.csv")
    assert done.code == 0
    *_, first, second, counted, _written = done.err.splitlines()
    assert first == f"Skipped: {data}, row 3: the text is empty."
    assert second == f"Skipped: {data}, row 4: the text is empty."
    assert counted == "Skipped 2 items in all."
    out = pd.read_csv(tmp_path / "out.csv", keep_default_na=False)
    assert out["predicted_label"].tolist() == ["login", "", "", "delivery"]
    assert out["id"].tolist() == [0, 1, 2, 3]
    assert pd.read_csv(tmp_path / "s.csv")["reason"].tolist() == ["the text is empty"] * 2
    refused = call("predict", data, "--model", model, "--on-error", "raise")
    assert (refused.code, refused.out, "the text is empty (and 1 more)" in refused.err) == (1, "", True)


def test_a_blank_row_of_a_spreadsheet_keeps_its_place(call, made, tmp_path):
    rows = pd.DataFrame({"text": ["cannot sign in", None, "where is my parcel"]})
    rows.to_excel(tmp_path / "t.xlsx", index=False)
    done = call("predict", tmp_path / "t.xlsx", "--model", made / "model", "--out", tmp_path / "out.csv")
    assert f"Skipped: {tmp_path / 't.xlsx'}, row 3: the text is empty." in done.err
    out = pd.read_csv(tmp_path / "out.csv", keep_default_na=False)
    assert out["predicted_label"].tolist() == ["login", "", "delivery"]


def test_where_nothing_is_skipped_the_file_has_the_names_of_its_columns(call, model, tmp_path):
    data = table(tmp_path / "t.csv", {"text": ["cannot sign in"]})
    assert call("predict", data, "--model", model, "--skipped", tmp_path / "s.csv").code == 0
    assert (tmp_path / "s.csv").read_text() == "place,reason\n"


def test_corrupt_images_are_skipped(call, tmp_path):
    Image.new("RGB", (32, 32), "red").save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"not an image")
    (tmp_path / "c.jpg").write_bytes((tmp_path / "a.png").read_bytes()[:60])
    done = call("predict", tmp_path, "--classes", "tomato,ocean")
    assert [Path(row["item"]).name for row in done.rows] == ["a.png"]
    assert "Skipped 2 items in all." in done.err
    assert call("predict", tmp_path, "--classes", "tomato,ocean", "--on-error", "raise").code == 1


def test_images_and_texts_on_the_line_are_skipped_too(call, made, tmp_path):
    good, broken = tmp_path / "a.png", tmp_path / "b.png"
    Image.new("RGB", (32, 32), "red").save(good)
    broken.write_bytes(b"not an image")
    done = call("predict", broken, good, "--classes", "tomato,ocean")
    assert [row["item"] for row in done.rows] == [str(good)], done.err
    assert done.err.startswith(f"Skipped: {broken} is not an image")
    assert call("predict", broken, good, "--classes", "tomato,ocean", "--on-error", "raise").code == 1
    assert call("predict", broken, "--classes", "tomato,ocean").code == 1
    done = call("predict", "cannot sign in", " ", "--model", made / "model")
    assert ([row["label"] for row in done.rows], done.err) == (["login"], "Skipped: argument 2: the text is empty.\n")


@pytest.mark.parametrize("command", ["fit", "evaluate", "learn", "suggest", "encode", "explain"])
def test_every_command_that_reads_a_table_skips_blank_rows(call, model, tmp_path, command):
    label = None if command == "suggest" else ["login", "billing", "billing", "delivery", "login"]
    data = table(tmp_path / "t.csv", {"id": range(5), "text": ["cannot sign in", "", *POOL[:3]], "label": label})
    out = {"fit": ["--out", tmp_path / "m"], "encode": ["--out", tmp_path / "v.npz"]}.get(command, [])
    done = call(command, *(() if command in ("fit", "encode") else (model,)), data, *out)
    assert done.code == 0, done.err
    assert f"Skipped: {data}, row 3: the text is empty." in done.err


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
        ["suggest", made / "model", made / "pool.csv", "--out", tmp_path / out],
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
        assert (done.code, "would overwrite" in done.err) == (1, True)
    assert call("suggest", made / "model", texts, "--out", texts).code == 1
    assert call("card", made / "model", "--data", texts, "--out", texts).code == 1
    assert "cannot sign in" in texts.read_text()


def test_a_tilde_that_the_shell_did_not_replace_is_the_home_folder(call, made, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    data = table(tmp_path / "t.csv", {"text": ["cannot sign in"]})
    assert call("predict", data, "--model", made / "model", "--out", "~/out.csv").code == 0
    assert (tmp_path / "out.csv").is_file()
    assert "would overwrite" in call("predict", data, "--model", made / "model", "--out", "~/t.csv").err


def test_nothing_is_written_into_the_folder_of_a_model(call, model, tmp_path):
    (tmp_path / "t.csv").write_text("text,label\nmy bill is wrong,billing\nwhere is it,delivery\n")
    out, data = model / "answers.csv", tmp_path / "t.csv"
    for command in (
        ["predict", model, data, "--out", out],
        ["predict", model, data, "--skipped", out],
        ["fit", data, "--out", model / "other"],
    ):
        done = call(*command)
        assert (done.code, "would lie in the folder of a model" in done.err) == (1, True)
    assert call("learn", model, data).code == 0
    assert call("card", model, "--out", model / "README.md").code == 0


def test_predict_never_writes_over_the_labels_of_a_folder(call, tmp_path):
    Image.new("RGB", (32, 32), "red").save(tmp_path / "red.png")
    for _ in range(2):  # a new one would become the labels
        done = call("predict", tmp_path, "--classes", "tomato,ocean", "--out", tmp_path / "labels.csv")
        assert (done.code, "would overwrite" in done.err) == (1, True)
        (tmp_path / "labels.csv").write_text("file,label\nred.png,tomato\n")


def test_a_note_on_a_file_is_printed_once(call, made, tmp_path):
    (tmp_path / "t.csv").write_bytes("text,label\nwo ist die Gebühr,\ncannot sign in,\n".encode("cp1252"))
    done = call("suggest", made / "model", tmp_path / "t.csv", "--out", tmp_path / "todo.csv")
    assert (done.code, done.err.count("is not UTF-8")) == (0, 1)


def test_what_was_skipped_is_listed_after_an_error_too(call, tmp_path):
    data = table(tmp_path / "t.csv", {"text": ["where is it", " "], "label": ["delivery", "login"]})
    done = call("fit", data, "--out", tmp_path / "m")
    assert (done.code, "only 'delivery'" in done.err) == (1, True)
    assert f"Skipped: {data}, row 3: the text is empty." in done.err


def test_skipped_items_never_replace_the_input_or_the_answers(call, tmp_path):
    data = table(tmp_path / "t.csv", {"text": ["where is it", None]})
    before, out = data.read_text(), tmp_path / "out.csv"
    for skipped in (data, out):
        done = call("predict", data, "--classes", "delivery,login", "--out", out, "--skipped", skipped)
        assert (done.code, f"--skipped {skipped} would overwrite {skipped}" in done.err) == (1, True)
    assert data.read_text() == before


def test_a_table_is_read_once(call, made, tmp_path, monkeypatch):
    read, opened = Path.read_bytes, []
    monkeypatch.setattr(Path, "read_bytes", lambda path: opened.append(path) or read(path))
    for command, name, *options in (
        ["suggest", "pool.csv", "--out", tmp_path / "todo.csv"],
        ["evaluate", "train.csv"],
    ):
        opened.clear()
        assert call(command, made / "model", made / name, *options).code == 0
        assert opened.count(made / name) == 1, command


def test_a_sheet_is_named(call, tmp_path):
    with pd.ExcelWriter(tmp_path / "t.xlsx") as book:
        pd.DataFrame({"text": ["where is it"]}).to_excel(book, sheet_name="First", index=False)
        pd.DataFrame({"text": ["cannot sign in"], "n": [7]}).to_excel(book, sheet_name="Second", index=False)
    arguments = ["predict", tmp_path / "t.xlsx", "--classes", "delivery,login"]
    out = tmp_path / "out.xlsx"
    assert call(*arguments, "--sheet", "Second", "--out", out).code == 0
    assert pd.read_excel(out)[["n", "predicted_label"]].values.tolist() == [[7, "login"]]
    done = call(*arguments, "--sheet", "Third")
    assert (done.code, "Its sheets: 'First', 'Second'" in done.err) == (1, True)
    done = call(*arguments)
    assert (len(done.rows), "'First' was read. To read another, give its name as sheet (--sheet)" in done.err) == (
        1,
        True,
    )
