"""What is handed to a command: texts, files, the standard input, class names."""

import io
import sys

import anyshot
from cli.messages import TRAIN


def test_predict_reads_a_text_a_line_from_the_standard_input(call, made, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("cannot sign in\n\nwhere is my parcel\n"))
    assert [row["label"] for row in call("predict", "-", "--model", made / "model").rows] == ["login", "delivery"]


def test_a_text_with_line_ends_and_markup_is_one_row(call, made):
    text = "cannot\tsign in\n[bold]now[/bold] é"
    done = call("predict", text, "--model", made / "model")
    assert done.out.count("\n") == 1
    assert done.rows[0]["item"] == text


def test_an_empty_file_and_a_file_among_texts_are_refused(call, made, tmp_path):
    (tmp_path / "empty.csv").touch()
    done = call("predict", tmp_path / "empty.csv", "--model", made / "model")
    assert (done.code, "is empty" in done.err) == (1, True)
    assert call("predict", "text", made / "texts.csv", "--model", made / "model").code == 2


def test_an_integer_column_and_class_names_on_the_line_are_brought_together(call, made, tmp_path):
    assert call("fit", made / "numbers.csv", "--classes", "0,1,2", "--out", tmp_path / "m").code == 0
    assert anyshot.load(tmp_path / "m").classes_.tolist() == ["0", "1", "2"]
    assert call("evaluate", tmp_path / "m", made / "numbers.csv").rows[0]["accuracy"] > 0.9


def test_a_model_of_integer_classes_understands_names_on_the_line(call, made, tmp_path):
    assert call("fit", made / "numbers.csv", "--out", tmp_path / "m").code == 0
    assert call("add-class", tmp_path / "m", "3", "--example", "are you hiring?").code == 0
    assert call("remove-class", tmp_path / "m", "0").code == 0
    assert anyshot.load(tmp_path / "m").classes_.tolist() == [1, 2, 3]
    done = call("add-class", tmp_path / "m", "hiring", "--example", "are you hiring?")
    assert (done.code, "whole numbers" in done.err) == (1, True)


def test_columns_that_may_be_labels_do_not_matter_where_none_are_needed(call, made, tmp_path):
    texts = [text for text, _ in TRAIN]
    data = made / "measured.csv"
    for arguments in (["predict", data, "--model", made / "model"], ["explain", made / "model", data]):
        assert [row["item"] for row in call(*arguments).rows] == texts
    assert len(call("suggest", made / "model", data, "-n", "2").rows) == 2
    assert call("fit", made / "train.csv", "--unlabeled", data, "--out", tmp_path / "m").code == 0
    done = call("fit", data, "--classes", "billing,login", "--out", tmp_path / "n")
    assert (done.code, "several columns" in done.err) == (1, True)
