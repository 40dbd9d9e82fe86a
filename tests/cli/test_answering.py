"""What a model answers on the command line: predict, evaluate, explain, suggest."""

import json

import pandas as pd
import pytest
from PIL import Image

import anyshot
from cli.messages import TRAIN


def test_predict_answers_from_class_names_alone(call):
    done = call("predict", "I was charged twice", "where is my parcel", "--classes", "billing,delivery")
    assert done.code == 0
    assert [row["label"] for row in done.rows] == ["billing", "delivery"]
    assert list(done.rows[0]) == ["label", "probability", "item"]
    assert done.err == ""


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
    read = {".csv": pd.read_csv, ".jsonl": lambda p: pd.read_json(p, lines=True), ".parquet": pd.read_parquet}
    assert read[suffix](out)["item"].tolist() == [text for text, _ in TRAIN]


def test_texts_that_are_cut_are_counted_on_the_standard_error(call, tmp_path):
    (tmp_path / "long.jsonl").write_text(json.dumps({"text": "parcel " * 400}) + "\n")
    done = call("predict", tmp_path / "long.jsonl", "--classes", "billing,delivery")
    assert (done.code, len(done.rows)) == (0, 1)
    assert "Note: 1 of 1 texts are longer than 256 tokens and were cut there." in done.err


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
    assert done.rows[0]["neighbours"][0]["example"] == "cannot sign in"
    assert len(done.rows[0]["neighbours"]) == 2


def test_suggest_names_rows_of_the_data(call, made):
    done = call("suggest", made / "model", made / "texts.csv", "-n", "3", "--seed", "0")
    assert len({row["row"] for row in done.rows}) == 3
    assert all(TRAIN[row["row"]][0] == row["item"] for row in done.rows)
