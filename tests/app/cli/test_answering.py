"""The commands that use a fitted model: predict, evaluate, explain and suggest."""

import json
import os
import warnings

import openpyxl
import pandas as pd
import pytest
from PIL import Image

import anyshot
from app.cli.messages import POOL, TRAIN


def test_predict_answers_from_class_names_alone(call):
    done = call("predict", "I was charged twice", "where is my parcel", "--classes", "billing,delivery")
    assert done.code == 0
    assert [row["label"] for row in done.rows] == ["billing", "delivery"]
    assert list(done.rows[0]) == ["label", "probability", "item"]
    assert done.err == ""


READ = {".csv": pd.read_csv, ".jsonl": lambda path: pd.read_json(path, lines=True), ".parquet": pd.read_parquet}


@pytest.mark.parametrize("command", ["predict", "explain"])
def test_a_model_may_stand_before_or_after_the_items(call, made, command):
    one, other = call(command, made / "model", "a b"), call(command, "a b", made / "model")
    assert (one.code, one.rows) == (0, other.rows)
    assert call("predict", made / "model").code == 2


def test_predict_answers_as_the_model_does(call, made):
    done = call("predict", made / "texts.csv", "--model", made / "model")
    clf = anyshot.load(made / "model")
    texts = [text for text, _ in TRAIN]
    assert [row["label"] for row in done.rows] == clf.predict(texts).tolist()
    assert [row["probability"] for row in done.rows] == pytest.approx(clf.predict_proba(texts).max(axis=1))


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_predict_writes_the_same_rows_to_a_file(call, made, tmp_path, suffix):
    out = tmp_path / f"answers{suffix}"
    done = call("predict", made / "texts.csv", "--model", made / "model", "--out", out)
    assert (done.code, done.out) == (0, "")
    assert READ[suffix](out)["text"].tolist() == [text for text, _ in TRAIN]


def test_predict_tells_the_probability_of_every_class(call, made, tmp_path):
    shares = anyshot.load(made / "model").predict_proba([text for text, _ in TRAIN]).tolist()
    names = ["billing", "delivery", "login"]
    done = call("predict", made / "model", made / "texts.csv", "--proba")
    assert [row["proba"] for row in done.rows] == [pytest.approx(dict(zip(names, own, strict=True))) for own in shares]
    for suffix, read in {**READ, ".xlsx": pd.read_excel}.items():
        table = pd.DataFrame([*TRAIN, ("", "")], columns=["text", "probability_login"])
        data, out = tmp_path / f"data{suffix}", tmp_path / f"answers{suffix}"
        anyshot.write_table(table, data)
        assert call("predict", made / "model", data, "--proba", "--out", out).code == 0
        written = read(out)
        columns = ["probability_billing", "probability_delivery", "new_probability_login"]
        assert list(written) == [*table, "predicted_label", "probability", *columns]
        assert written[columns][:9].to_numpy().tolist() == [pytest.approx(own) for own in shares]
        assert written[columns][9:].isna().to_numpy().all()


@pytest.mark.filterwarnings("default")  # a name such as "label" says little, of which the command warns
def test_predict_tells_the_probability_of_classes_of_any_name(call, tmp_path):
    many = [f"class {number}" for number in range(150)]
    named = [part for name in ("a, b", 'say "hi"', "label", *many) for part in ("--class", name)]
    assert call("predict", "I paid", *named, "--proba", "--out", tmp_path / "a.csv").code == 0
    written = pd.read_csv(tmp_path / "a.csv")
    names = [f"probability_{name}" for name in ("a, b", 'say "hi"', "label", *many)]
    assert set(written) == {"text", "predicted_label", "probability", *names}
    assert written[names].sum(axis=1).tolist() == [pytest.approx(1)]


@pytest.mark.parametrize("given", [".csv", ".jsonl", ".parquet"])
@pytest.mark.parametrize("written", [".csv", ".jsonl", ".parquet"])
def test_predict_keeps_the_columns_of_a_table_and_puts_its_own_behind_them(call, made, tmp_path, given, written):
    table = pd.DataFrame(TRAIN, columns=["text", "label"]).sample(frac=1, random_state=0)
    table.insert(0, "ident", [f"no. {number}" for number in range(len(table))])
    data, out = tmp_path / f"data{given}", tmp_path / f"answers{written}"
    anyshot.write_table(table, data)
    done = call("predict", data, "--model", made / "model", "--out", out)
    assert done.code == 0, done.err
    read = READ[written](out)
    assert list(read) == ["ident", "text", "label", "predicted_label", "probability"]
    pd.testing.assert_frame_equal(read[list(table)], table.reset_index(drop=True), check_dtype=False)
    assert read["text"].tolist() == table["text"].tolist()
    clf = anyshot.load(made / "model")
    assert read["predicted_label"].tolist() == clf.predict(table["text"].tolist()).tolist()


def test_predict_says_where_the_answers_stand_beside_those_of_an_earlier_run(call, made, tmp_path):
    again = tmp_path / "again.csv"
    anyshot.write_table([{"text": "cannot sign in", "predicted_label": "delivery", "probability": 0.5}], again)
    done = call("predict", again, "--model", made / "model", "--out", tmp_path / "answers.csv")
    assert "the new ones are in 'new_predicted_label'" in done.err
    assert pd.read_csv(tmp_path / "answers.csv").loc[0, ["predicted_label", "new_predicted_label"]].tolist() == [
        "delivery",
        "login",
    ]


def test_predict_keeps_the_columns_of_a_table_of_images(call, tmp_path):
    for color in ("red", "blue"):
        Image.new("RGB", (32, 32), color).save(tmp_path / f"{color}.png")
    (tmp_path / "photos.csv").write_text("file,camera\nred.png,007\nblue.png,008\n")
    done = call("predict", tmp_path / "photos.csv", "--classes", "tomato,ocean", "--out", tmp_path / "answers.csv")
    assert done.code == 0, done.err
    first = (tmp_path / "answers.csv").read_text().splitlines()[1]
    assert first.startswith("red.png,007,tomato,")
    (tmp_path / "sent").mkdir()
    (tmp_path / "red.png").rename(tmp_path / "sent" / "a.png")
    (tmp_path / "sent" / "photos.csv").write_text("file\na.png\nb.png\n")
    out = tmp_path / "answers.csv"
    for data, column in ((tmp_path / "sent" / "photos.csv", "file"), (tmp_path / "sent", "image")):
        assert call("predict", data, "--classes", "tomato,ocean", "--out", out).code == 0
        assert pd.read_csv(out)[column][0] == os.path.join("sent", "a.png")  # from the new table to the image
        (tmp_path / "sent" / "photos.csv").unlink(missing_ok=True)


def test_texts_that_are_cut_are_counted_on_the_standard_error(call, tmp_path):
    (tmp_path / "long.jsonl").write_text(json.dumps({"text": "parcel " * 400}) + "\n")
    with warnings.catch_warnings():
        warnings.simplefilter("default")  # the command prints warnings, which are errors in tests
        done = call("predict", tmp_path / "long.jsonl", "--classes", "billing,delivery")
    assert (done.code, len(done.rows)) == (0, 1)
    assert done.err.count("256 tokens") == 1
    assert "Warning: 1 text is longer than the 256 tokens" in done.err


def test_predict_takes_image_files(call, tmp_path):
    Image.new("RGB", (32, 32), "red").save(tmp_path / "red.png")
    done = call("predict", tmp_path / "red.png", "--classes", "tomato,ocean")
    assert done.rows[0]["label"] == "tomato"
    assert done.rows[0]["item"] == str(tmp_path / "red.png")


def test_evaluate_tells_the_accuracy(call, made):
    (facts,) = call("evaluate", made / "model", made / "train.csv").rows
    expected = anyshot.load(made / "model").score([text for text, _ in TRAIN], [label for _, label in TRAIN])
    assert facts["accuracy"] == expected
    assert {row["class"] for row in facts["per_class"]} == {"billing", "delivery", "login"}


def test_evaluate_needs_labels(call, made):
    done = call("evaluate", made / "model", made / "texts.csv")
    assert (done.code, "--label-column" in done.err) == (1, True)


def test_explain_shows_the_nearest_examples(call, made):
    done = call("explain", made / "model", "cannot sign in", "-k", "2")
    assert done.rows[0]["label"] == "login"
    assert done.rows[0]["neighbors"][0]["example"] == "cannot sign in"
    assert len(done.rows[0]["neighbors"]) == 2


def test_suggest_names_rows_as_a_spreadsheet_does(call, made):
    done = call("suggest", made / "model", made / "pool.csv", "-n", "3", "--seed", "0")
    assert len({row["row"] for row in done.rows}) == 3
    assert all(POOL[row["row"] - 2] == row["item"] for row in done.rows)


@pytest.mark.parametrize("column", ["Label", "Category"])
def test_suggest_leaves_out_rows_with_a_class_in_a_column_with_a_usual_name(call, made, tmp_path, column):
    labels = ["billing", None, None, "login", "delivery"]
    pd.DataFrame({"text": POOL, column: labels}).to_csv(tmp_path / "rest.csv", index=False)
    done = call("suggest", made / "model", tmp_path / "rest.csv", "--out", tmp_path / "todo.csv")
    assert done.code == 0, done.err
    todo = pd.read_csv(tmp_path / "todo.csv")
    assert list(todo) == ["text", "guess", "probability", column]
    assert set(todo["text"]) == set(POOL[1:3])


def test_a_csv_of_answers_holds_no_formula_unless_asked_for(made, tmp_path, call):
    (tmp_path / "texts.csv").write_text('text,id\n"=1+1, I was charged twice",-5\n', encoding="utf-8")
    for options, cell in (([], "'=1+1, I was charged twice"), (["--verbatim"], "=1+1, I was charged twice")):
        out = tmp_path / "out.csv"
        assert call("predict", tmp_path / "texts.csv", "--model", made / "model", "--out", out, *options).code == 0
        table = pd.read_csv(out, dtype=str)
        assert table["text"].tolist() == [cell]
        assert table["id"].tolist() == ["-5"]


def test_suggest_names_the_command_that_reads_its_file(made, tmp_path, call):
    (tmp_path / "rest.csv").write_text("ticket,id\nthe parcel is late,1\n", encoding="utf-8")
    done = call(
        "suggest", made / "model", tmp_path / "rest.csv", "--text-column", "ticket", "--out", tmp_path / "a b.csv"
    )
    assert f"anyshot learn {made / 'model'} '{tmp_path / 'a b.csv'}' --text-column ticket" in done.err


def test_suggest_replaces_no_labels_that_were_filled_in(made, tmp_path, call):
    (tmp_path / "rest.csv").write_text("text\nthe parcel is late\n", encoding="utf-8")
    command = "suggest", made / "model", tmp_path / "rest.csv", "--out", tmp_path / "todo.csv"
    assert [call(*command).code for _ in range(2)] == [0, 0]  # nothing was filled in
    filled = (tmp_path / "todo.csv").read_text(encoding="utf-8").rstrip() + "delivery\n"
    (tmp_path / "todo.csv").write_text(filled, encoding="utf-8")
    done = call(*command)
    assert (done.code, "with 1 label filled in" in done.err, "has not learned them yet" in done.err) == (1, True, True)
    assert (tmp_path / "todo.csv").read_text(encoding="utf-8") == filled


def test_evaluate_says_once_that_items_are_training_items(call, made):
    done = call("evaluate", made / "model", made / "train.csv")
    assert (done.out + done.err).count("9 of the 9 test items equal training items") == 1


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_suggestions_come_back_as_the_texts_were(call, model, tmp_path, suffix):
    """Of a German spreadsheet: a semicolon, a decimal comma, a mark, and a text that would be a formula."""
    (tmp_path / "t.csv").write_text("text;price\n=where is my parcel;1,5\n", encoding="utf-8-sig")
    todo = tmp_path / f"todo{suffix}"
    assert call("suggest", model, tmp_path / "t.csv", "--out", todo).code == 0
    if suffix == ".csv":
        header, row = todo.read_text(encoding="utf-8-sig").splitlines()
        assert header == "text;price;guess;probability;label"
        assert row.startswith("'=where is my parcel;1,5;delivery;0,")
        todo.write_text(f"{header}\n{row}login\n", encoding="utf-8-sig")
    else:
        book = openpyxl.load_workbook(todo)
        assert [cell.value for cell in book.active[1]] == ["text", "price", "guess", "probability", "label"]
        book.active["E2"] = "login"
        book.save(todo)
    assert call("learn", model, todo).code == 0
    assert anyshot.load(model).any_shot_model().data.examples[-1] == "=where is my parcel"
