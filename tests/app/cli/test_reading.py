"""Arguments of commands: texts, files and class names."""

import os

import numpy as np
import pytest

import anyshot
from app.cli.messages import TRAIN, table


@pytest.mark.filterwarnings("ignore:.* mostly in letters that the encoder")
@pytest.mark.parametrize("letters", ["I was charged twice. ", "退款"])
def test_a_text_that_is_longer_than_a_name_may_be_is_a_text(call, made, letters):
    text = (letters * 100)[:400] + "x"
    for arguments in (["predict", text, text + ".png ", "--model", made / "model"], ["explain", made / "model", text]):
        done = call(*arguments)
        assert (done.code, done.rows[0]["item"]) == (0, text), done.err


def test_a_long_list_of_classes_that_ends_as_a_file_does_is_a_file_that_is_not_there(call):
    done = call("predict", "a", "--classes", ",".join(f"class {number}" for number in range(100)) + ".csv")
    assert (done.code, "There is no file or folder class 0,class 1" in done.err) == (1, True)


def test_a_csv_that_an_editor_called_txt_is_read_as_csv(call, made, tmp_path):
    (tmp_path / "tickets.csv.txt").write_bytes((made / "train.csv").read_bytes())
    done = call("evaluate", made / "model", tmp_path / "tickets.csv.txt")
    assert (done.code, done.rows[0]["n"]) == (0, 9)


@pytest.mark.parametrize("name", ["table.ods", "vectors.npz", "table.xml.gz", "my table.xls", "refund"])
def test_a_file_that_cannot_be_read_is_not_answered_by_its_name(call, made, tmp_path, name):
    (tmp_path / name).touch()
    done = call("predict", tmp_path / name, "--model", made / "model")
    assert (done.code, done.out) == (1, "")
    assert f"{name} cannot be read as items. Supported: .csv, " in done.err


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


@pytest.mark.parametrize("option", ["--sheet", "--text-column"])
def test_a_column_or_a_sheet_of_texts_on_the_line_is_refused(call, option):
    done = call("predict", "cannot sign in", "--classes", "delivery,login", option, "x")
    assert (done.code, "the items are not in a table" in " ".join(done.err.replace("│", "").split())) == (2, True)


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
    assert (done.code, "integers" in done.err) == (1, True)


def test_possible_label_columns_are_ignored_where_labels_are_not_needed(call, made, tmp_path):
    texts = [text for text, _ in TRAIN]
    data = made / "measured.csv"
    for arguments in (["predict", data, "--model", made / "model"], ["explain", made / "model", data]):
        assert [row["item"] for row in call(*arguments).rows] == texts
    assert "a label, there or in the model" in call("suggest", made / "model", data).err  # it has learned these texts
    assert call("fit", made / "train.csv", "--unlabeled", data, "--out", tmp_path / "m").code == 0
    done = call("fit", data, "--classes", "billing,login", "--out", tmp_path / "n")
    assert (done.code, "several columns" in done.err) == (1, True)


def test_a_tampered_model_is_refused(call, model):
    with next(model.glob("*.safetensors")).open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"x")
    done = call("predict", "a", "--model", model)
    assert (done.code, "its digest differs" in done.err) == (1, True)


@pytest.mark.torch
def test_a_trained_network_predicts_and_names_unsupported_commands(call, made, tmp_path):
    texts, labels = zip(*TRAIN, strict=True)
    anyshot.FineTunedClassifier("minilm", method="probe").fit(list(texts), list(labels)).save(tmp_path / "network")
    answered = call("predict", made / "texts.csv", "--model", tmp_path / "network")
    assert [row["label"] for row in answered.rows] == list(labels)
    assert call("evaluate", tmp_path / "network", made / "train.csv").rows[0]["accuracy"] == 1
    assert "3 classes, predicted by a trained network" in call("card", tmp_path / "network").out
    refused = call("explain", tmp_path / "network", "where is it")
    assert refused.code == 1
    assert "contains a model of type FineTunedClassifier, which has no method explain" in refused.err


def test_a_regressor_is_measured_in_python(call, made, tmp_path):
    anyshot.AnyShotRegressor().fit(np.eye(4), np.arange(4.0)).save(tmp_path / "numbers")
    for command in (["predict", made / "texts.csv", "--model"], ["card"]):
        refused = call(*command, tmp_path / "numbers")
        assert (refused.code, refused.out) == (1, "")
        assert "AnyShotRegressor" in refused.err


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:The classes 'a' and 'b' are nearly the same")
def test_a_model_on_a_folder_needs_the_folder_named(call, tmp_path):
    import tiny_language_models as tiny

    folder, _ = tiny.saved("bert", tmp_path / "bert")
    (tmp_path / "t.csv").write_text("text,label\nmy card,a\nrefund me,b\ncard lost,a\nrefund please,b\n")
    assert call("fit", tmp_path / "t.csv", "--encoder", f"hf:{folder}", "--out", tmp_path / "m").code == 0
    for command in (
        ["predict", "my card", "--model", tmp_path / "m"],
        ["explain", tmp_path / "m", "my card"],
        ["learn", tmp_path / "m", "my card", "--label", "a"],
        ["card", tmp_path / "m"],
    ):
        refused = call(*command)
        assert refused.code == 1
        assert f"name it yourself: load(folder, encoder='hf:{folder}'), on the command line --encoder" in refused.err
        assert call(*command, "--encoder", f"hf:{folder}").code == 0


def test_another_encoder_than_the_models_is_refused_before_items_are_read(call, tmp_path):
    anyshot.AnyShotClassifier(encoder="minilm", cache=False).fit(["my card", "refund"], ["a", "b"]).save(tmp_path / "m")
    for command in (["predict", "no.csv", "--model", tmp_path / "m"], ["card", tmp_path / "m"]):
        refused = call(*command, "--encoder", "efficientnet-lite0")
        assert refused.code == 1
        assert "The encoder 'efficientnet-lite0' on this machine has other weights" in " ".join(refused.err.split())


def test_a_table_without_the_column_of_the_model_names_it(call, tmp_path):
    table = tmp_path / "a.csv"
    table.write_text("betreff,label\nmoney back,refund\nlate parcel,delivery\n")
    assert call("fit", table, "--text-column", "betreff", "--out", tmp_path / "m").code == 0
    table.write_text("topic,number\nmoney back,1\n")
    done = call("predict", table, "--model", tmp_path / "m")
    assert (done.code, "It was 'betreff' in the data that the model was fitted on." in done.err) == (1, True)


def test_the_name_of_a_file_that_is_not_there_is_no_text(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tickets.csv").write_text("text\na\n")
    os.mkfifo(tmp_path / "pipe")
    for name, message in [
        ("tickets.cvs", "There is no file tickets.cvs. Did you mean 'tickets.csv'?"),
        ("old.xls", "There is no file old.xls."),
        (f"{tmp_path}/mails", f"There is no file {tmp_path}/mails."),
        ("pipe", "pipe is neither a file nor a folder"),
    ]:
        done = call("predict", name, "--classes", "delivery,login")
        assert (done.code, message in done.err) == (1, True), done.err
    for text in ("and/or", "amazon.de", "parcel"):
        assert call("predict", text, "--classes", "delivery,login").code == 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("photo.heic", "images of the type .heic cannot be read; save it as .jpg"),
        ("https://example.com/a.png", "https://example.com/a.png is an address, and nothing is downloaded from it"),
        ("s3://bucket/tickets/", "s3://bucket/tickets is an address, and nothing is downloaded from it"),
    ],
)
def test_a_photograph_that_cannot_be_read_is_refused_with_what_to_do(call, tmp_path, monkeypatch, name, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.heic").write_bytes(b"x")
    done = call("predict", name, "--classes", "cat,dog")
    assert (done.code, message in done.err) == (1, True)


LONG = "my parcel is late " * 90


@pytest.fixture
def faulty(tmp_path):
    """Write a file whose row 3 is skipped, row 5 long, row 6 contradicts row 2, and row 9 is not read; return it."""
    rows = [*TRAIN, (LONG, "delivery"), (TRAIN[0][0], "login"), ("ฉันต้องการเงินคืน", "billing")]
    order = [0, None, 3, 9, 10, 4, 6, 11, 7, 1]
    texts = [("", "billing") if row is None else rows[row] for row in order]
    return table(tmp_path / "faulty.csv", {"text": [text for text, _ in texts], "label": [name for _, name in texts]})


@pytest.mark.filterwarnings("default")
def test_warnings_count_rows_as_a_spreadsheet_does(call, faulty, tmp_path):
    done = call("fit", faulty, "--out", tmp_path / "m")
    assert done.code == 0
    assert "1 text is longer than the 256 tokens" in done.err
    assert "it ignores the rest: row 5.\n" in done.err
    assert "that predictions for them are guesses: row 9. Use an encoder" in done.err
    assert "such as 'I was charged twice', 'billing' and 'login': row 2, row 6. Both" in done.err


@pytest.mark.filterwarnings("default")
def test_a_command_that_fits_many_models_warns_once(call, faulty, model, tmp_path):
    done = call("report", model, faulty, "--train", faulty, "--out", tmp_path / "r.html")
    assert done.code == 0
    assert (done.err.count("longer than"), done.err.count("are guesses")) == (1, 1)
    assert "ignores the rest: row 5.\n" in done.err


@pytest.mark.filterwarnings("default")
def test_rows_of_two_files_are_told_apart(call, faulty, tmp_path):
    more = table(tmp_path / "more.csv", {"text": ["short", LONG]})
    done = call("fit", faulty, "--unlabeled", more, "--out", tmp_path / "m")
    assert f"ignores the rest: row 5 of {faulty}, row 3 of {more}.\n" in done.err


@pytest.mark.filterwarnings("default")
def test_a_typed_text_is_shown(call):
    done = call("predict", LONG, "--classes", "billing,delivery")
    assert "ignores the rest: 'my parcel is late my parcel  … l is late my parcel is late '." in done.err
