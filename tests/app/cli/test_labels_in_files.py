"""Tables that go from one command to the next: suggestions to label, columns with unusual names."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import anyshot
from app.cli.messages import POOL, TRAIN, table

# --- suggest and learn ---


def test_suggestions_are_filled_in_and_learned_without_the_models_own_guesses(call, model, tmp_path):
    pool = table(tmp_path / "pool.csv", {"id": range(5), "text": POOL, "country": list("abcde")})
    todo = tmp_path / "todo.csv"
    assert call("suggest", model, pool, "-n", "4", "--out", todo).code == 0
    written = pd.read_csv(todo, keep_default_na=False)
    assert list(written) == ["id", "text", "country", "guess", "probability", "label"]
    assert written["label"].tolist() == [""] * 4
    assert written["text"].tolist() == [POOL[row] for row in written["id"]]
    before = anyshot.load(model)._model.data.counts.sum()
    refused = call("learn", model, todo)
    assert (refused.code, "has no labels. Fill in their column" in refused.err) == (1, True), refused.err
    written.loc[1, "label"] = "delivery"
    written.to_csv(todo, index=False)
    done = call("learn", model, todo)
    assert (done.code, "with 1 label. 3 rows without a label were ignored." in done.err) == (0, True), done.err
    learned = anyshot.load(model)._model.data
    assert learned.counts.sum() == before + 1
    assert learned.examples[-1] == written["text"][1]
    assert len(learned.unlabeled) == 0


def test_suggestions_of_a_text_file_and_of_a_folder_can_be_learned(call, model, tmp_path):
    (tmp_path / "pool.txt").write_text("\n".join(POOL), encoding="utf-8")
    assert call("suggest", model, tmp_path / "pool.txt", "-n", "2", "--out", tmp_path / "todo.csv").code == 0
    written = pd.read_csv(tmp_path / "todo.csv", keep_default_na=False)
    assert list(written) == ["text", "guess", "probability", "label"]
    written.assign(label="billing").to_csv(tmp_path / "todo.csv", index=False)
    assert "with 2 labels." in call("learn", model, tmp_path / "todo.csv").err


@pytest.mark.filterwarnings("ignore:.* the same as an earlier one with another label")  # a light one, now dark
def test_images_to_label_are_found_from_the_folder_of_the_new_table(call, tmp_path):
    (tmp_path / "photos").mkdir()
    for shade in range(0, 250, 25):
        Image.fromarray(np.full((40, 40, 3), shade, np.uint8)).save(tmp_path / "photos" / f"{shade}.png")
    labels = ["dark"] * 4 + ["light"] * 4
    table(tmp_path / "few.csv", {"file": [f"photos/{shade}.png" for shade in range(0, 200, 25)], "label": labels})
    assert call("fit", tmp_path / "few.csv", "--out", tmp_path / "m").code == 0
    (tmp_path / "todo").mkdir()
    todo = tmp_path / "todo" / "todo.csv"
    assert call("suggest", tmp_path / "m", tmp_path / "photos", "-n", "2", "--out", todo).code == 0
    pd.read_csv(todo, keep_default_na=False).assign(label="dark").to_csv(todo, index=False)
    assert {path[-7:] for path in pd.read_csv(todo)["image"]} == {"200.png", "225.png"}  # the others were learned
    assert "with 2 labels." in call("learn", tmp_path / "m", todo).err
    assert "had 2 of these 2 labels already" in call("learn", tmp_path / "m", todo).err


def test_rows_that_have_a_label_are_not_suggested(call, model, tmp_path):
    pool = table(tmp_path / "pool.csv", {"text": POOL, "label": ["billing", None, "login", None, "billing"]})
    done = call("suggest", model, pool, "-n", "3")
    assert {row["row"] for row in done.rows} == {3, 5}
    assert f"2 rows of {pool} without a label, there or in the model" in done.err
    call("learn", model, POOL[1], "--label", "login")
    assert [row["row"] for row in call("suggest", model, pool).rows] == [5]
    refused = call("suggest", model, table(tmp_path / "full.csv", {"text": POOL, "label": ["billing"] * 5}))
    assert (refused.code, "so there is nothing to suggest" in refused.err) == (1, True)


def test_a_column_without_a_name_is_not_left_out_of_features(call, model, tmp_path):
    (tmp_path / "rows.csv").write_text(",text\n0,my bill\n1,a parcel\n", encoding="utf-8")
    assert call("predict", tmp_path / "rows.csv", "--model", model).code == 0


def test_predictions_are_not_taken_for_labels(call, model, tmp_path):
    pool, out = table(tmp_path / "pool.csv", {"text": POOL}), tmp_path / "answers.csv"
    assert call("predict", pool, "--model", model, "--out", out).code == 0
    assert list(pd.read_csv(out)) == ["text", "predicted_label", "probability"]
    refused = call("learn", model, out)
    assert (refused.code, "has no labels" in refused.err) == (1, True)


# --- columns ---


def unusual(path, *, text="words", label="queue", rows=TRAIN):
    return table(path, {text: [one for one, _ in rows], label: [name for _, name in rows], "id": range(len(rows))})


def test_a_label_column_with_an_unusual_name_is_found_by_the_classes_and_named(call, tmp_path):
    data = unusual(tmp_path / "t.csv", text="message")
    done = call("fit", data, "--classes", "billing,delivery,login", "--out", tmp_path / "m")
    assert "texts from 'message', labels from 'queue'" in done.err
    assert done.rows[0]["labels"] == len(TRAIN)
    unnamed = call("fit", data, "--out", tmp_path / "n")
    assert (unnamed.code, "There is no label column among the others: 'queue', 'id'." in unnamed.err) == (1, True)
    flags = table(tmp_path / "flags.csv", {"text": ["a b", "c d"], "cat": ["0", "1"], "dog": ["1", "0"]})
    unnamed = call("fit", flags, "--out", tmp_path / "n")
    assert "'cat', 'dog' hold 0 and 1: write one column with the names of the classes instead" in unnamed.err
    marks = table(tmp_path / "marks.csv", {"text": ["a b", "c d"], "cat": ["x", ""], "dog": ["", "x"]})
    assert "'cat', 'dog' hold a mark or none: write one column" in call("fit", marks, "--out", tmp_path / "n").err
    two = table(tmp_path / "two.csv", {"text": ["a b", "c d"], "queue": ["x", "y"], "team": ["y", "x"]})
    both = call("fit", two, "--classes", "x,y", "--out", tmp_path / "o")
    assert (both.code, "several columns that hold nothing but names of classes: 'queue', 'team'" in both.err) == (
        1,
        True,
    )


@pytest.mark.parametrize(
    "suffix", [".csv", pytest.param(".jsonl", marks=pytest.mark.full), pytest.param(".parquet", marks=pytest.mark.full)]
)
def test_a_model_remembers_the_columns_of_its_table(call, tmp_path, suffix):
    data = unusual(tmp_path / "t.csv")
    anyshot.write_table(pd.read_csv(data), tmp_path / f"t{suffix}")
    columns = ["--text-column", "words", "--label-column", "queue"]
    assert call("fit", data, *columns, "--out", tmp_path / "m").code == 0
    again = tmp_path / f"t{suffix}"
    assert call("evaluate", tmp_path / "m", again).rows[0]["n"] == len(TRAIN)
    assert [row["item"] for row in call("predict", again, "--model", tmp_path / "m").rows] == [
        text for text, _ in TRAIN
    ]
    assert f"with {len(TRAIN)} labels." in call("learn", tmp_path / "m", again).err
    assert call("report", tmp_path / "m", again, "--out", tmp_path / "r.html").code == 0
    usual = table(tmp_path / "usual.csv", {"text": POOL[:2], "label": ["billing", "delivery"]})
    assert "with 2 labels." in call("learn", tmp_path / "m", usual).err


def test_texts_of_several_columns_are_joined(call, tmp_path):
    data = table(
        tmp_path / "t.csv",
        {
            "subject": ["Charged twice", None, "Login"],
            "body": ["please help", "parcel lost", "fails"],
            "label": list("aba"),
        },
    )
    done = call("predict", data, "--classes", "billing,delivery", "--text-column", "subject,body")
    assert [row["item"] for row in done.rows] == ["Charged twice\nplease help", "parcel lost", "Login\nfails"]
    missing = call("predict", data, "--classes", "billing,delivery", "--text-column", "subject,text")
    assert (missing.code, "has no column 'text'" in missing.err) == (1, True)
