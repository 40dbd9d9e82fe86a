"""The commands fit, tune and learn."""

import re

import pandas as pd
import pytest

import anyshot
from app.cli.messages import TRAIN, table


def test_fit_prints_the_method_and_the_reasons(call, made, tmp_path):
    done = call("fit", made / "train.csv", "--out", tmp_path / "m")
    (facts,) = done.rows
    assert (facts["classes"], facts["labels"]) == (3, 9)
    assert facts["method"] == anyshot.load(tmp_path / "m").method_
    assert "Change them with --words, or leave the list out with --no-thesaurus." in facts["reasons"][-1]


def test_fit_learns_from_data_without_labels_where_classes_are_named(call, made, tmp_path):
    done = call("fit", made / "texts.csv", "--classes", "billing,delivery,login", "--out", tmp_path / "m")
    assert done.code == 0
    assert done.rows[0]["labels"] == 0
    assert "its items are used as unlabeled items" in done.err


def test_unlabeled_items_that_have_labels_are_used_once(call, made, tmp_path):
    call("fit", made / "train.csv", "--out", tmp_path / "a")
    done = call("fit", made / "train.csv", "--unlabeled", made / "train.csv", "--out", tmp_path / "b")
    assert re.search(r"(\d+) of the \1 items in .*train.csv are in the labeled data too, and are used once", done.err)
    arrays = [(tmp_path / model / "arrays.safetensors").read_bytes() for model in "ab"]
    assert arrays[0] == arrays[1]


def test_unlabeled_items_need_the_columns_of_the_labeled_ones(call, made, tmp_path):
    (tmp_path / "more.csv").write_text("ticket,notes\na parcel,1\n", encoding="utf-8")
    done = call("fit", made / "train.csv", "--unlabeled", tmp_path / "more.csv", "--out", tmp_path / "m")
    assert done.code == 1
    assert "The items of --unlabeled cannot be read." in done.err
    assert "Rename that of the items to 'text', as in the labeled data." in done.err


def test_fit_without_labels_and_classes_names_both_remedies(call, made, tmp_path):
    done = call("fit", made / "texts.csv", "--out", tmp_path / "m")
    assert done.code == 1
    assert "--label-column" in done.err
    assert "--classes" in done.err
    assert not (tmp_path / "m").exists()


@pytest.mark.torch
def test_fit_takes_an_encoder(call, made, tmp_path):
    done = call("fit", made / "train.csv", "--encoder", "minilm[:2]", "--text-column", "text", "--out", tmp_path / "m")
    assert done.code == 0, done.err
    assert anyshot.load(tmp_path / "m").encoder == "minilm[:2]"
    assert "Did you mean 'minilm'?" in call("fit", made / "train.csv", "--encoder", "minilmm", "--out", "x").err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--label-column", "lable"], "Did you mean 'label'?"),
        (["--classes", "biling,delivery,login"], "Did you mean 'biling'?"),
        (["--unknown-rate", "2"], "unknown_rate must be None or a number between 0 and 1"),
        (["--unknown-rate", "0.01"], "needs at least 100 labeled or 100 unlabeled items"),
        (["--text-column", "text", "--image-column", "text"], "not both"),
    ],
)
def test_fit_refuses_invalid_options(call, made, tmp_path, options, message):
    done = call("fit", made / "train.csv", "--out", tmp_path / "m", *options)
    assert (done.code, message in done.err) == (1, True), done.err


def test_learn_takes_further_labels_of_a_file_and_of_the_line(call, made, tmp_path):
    first, rest = TRAIN[::2], [*TRAIN[1::2], ("my code is wrong", None)]
    for name, rows in (("first", first), ("rest", rest)):
        pd.DataFrame(rows, columns=["text", "label"]).to_csv(tmp_path / f"{name}.csv", index=False)
    call("fit", tmp_path / "first.csv", "--out", tmp_path / "m")
    done = call("learn", tmp_path / "m", tmp_path / "rest.csv")
    assert done.code == 0
    assert "with 4 labels. 1 row without a label was ignored." in done.err
    assert call("learn", tmp_path / "m", "why two charges?", "an invoice", "--label", "billing").code == 0
    texts, labels = zip(*first, *rest[:-1], ("why two charges?", "billing"), ("an invoice", "billing"), strict=True)
    at_once = anyshot.AnyShotClassifier().fit(list(texts), list(labels))
    asked = [text for text, _ in TRAIN]
    learned = anyshot.load(tmp_path / "m")
    assert learned.predict(asked).tolist() == at_once.predict(asked).tolist()
    assert learned.predict_proba(asked) == pytest.approx(at_once.predict_proba(asked), abs=5e-3)


def test_learn_says_that_labels_were_learned_before(call, model, tmp_path):
    (tmp_path / "new.csv").write_text(
        "text,label\nan invoice of May,billing\nmy box is lost,delivery\n", encoding="utf-8"
    )
    said = [call("learn", model, tmp_path / "new.csv").err for _ in range(2)]
    other = call("learn", model, "an invoice of May", "a lost card", "--label", "login").err
    assert "with 2 labels, of which 1 replaces another one of the same item." in other
    assert ["the model had 2 of these 2 labels already, which now count twice" in one for one in said] == [False, True]


def test_learn_takes_those_of_one_class_from_a_file_with_labels(call, made, model):
    done = call("learn", model, made / "train.csv", "--label", "login")
    assert (done.code, "with 3 labels" in done.err) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["why two charges?"], 2, "have no labels"),
        (["missing.csv"], 1, "There is no file missing.csv."),
        (["{made}/texts.csv"], 1, "name it with --label-column, or give the class of all items with --label"),
        (["x", "--label", "biling"], 1, "Did you mean 'billing'?"),
        (["{made}/train.csv", "--label", "hiring"], 1, "none of them is 'hiring'"),
    ],
)
def test_learn_refuses_items_without_a_known_label_and_keeps_the_model(call, made, model, arguments, code, message):
    before = (model / "model.json").read_bytes()
    done = call("learn", model, *(argument.format(made=made) for argument in arguments))
    assert (done.code, message in done.err) == (code, True), done.err
    assert (model / "model.json").read_bytes() == before


def test_a_model_in_a_place_that_is_only_read_can_be_asked(call, made, tmp_path):
    anyshot.load(made / "model").save(tmp_path / "shelf" / "model")
    (tmp_path / "shelf").chmod(0o555)
    done = call("predict", "cannot sign in", "--model", tmp_path / "shelf" / "model")
    (tmp_path / "shelf").chmod(0o755)
    assert (done.code, [path.name for path in (tmp_path / "shelf").iterdir()]) == (0, ["model"])


@pytest.mark.parametrize("command", ["learn {model}", "fit --classes billing,delivery,login --out m"])
def test_a_mistyped_label_is_named_by_its_row(call, model, tmp_path, command):
    texts = ["my bill", "", "a parcel", "a wrong bill", "no parcel"]
    data = table(tmp_path / "more.csv", {"text": texts, "label": ["billing", "login", "delivery", "biling", "biling"]})
    name, *options = command.format(model=model).split()
    done = call(name, *(options[:1] if name == "learn" else []), data, *(options if name == "fit" else []))
    assert done.code == 1
    assert f"Error: {data}, row 5 (and 1 more): Label 'biling' is not among the 3 classes" in done.err


def test_a_new_label_is_added_by_the_command_that_is_shown(call, model, tmp_path):
    data = table(tmp_path / "more.csv", {"text": ["my bill", "on hold"], "label": ["billing", "paused"]})
    refused = call("learn", model, data)
    assert refused.err.rstrip().endswith(f"add the class: anyshot add-class {model} paused --examples {data}")
    assert call("add-class", model, "paused", "--examples", data).code == 0
    assert call("learn", model, data).code == 0


def test_tune_prints_the_methods_compared_and_writes_the_model(call, made, tmp_path):
    done = call("tune", made / "train.csv", "--budget", "0.001", "--out", tmp_path / "tuned")
    assert done.code == 0
    assert any("Fine-tuning was not tried" in reason for reason in done.rows[0]["reasons"])
    assert (tmp_path / "tuned" / "model.json").is_file()
    assert "budget must be 'fast', 'best'" in call("tune", made / "train.csv", "--budget", "soon", "--out", "x").err
    assert "has no labels to fine-tune on" in call("tune", made / "texts.csv", "--out", "x").err


def test_a_model_that_is_replaced_is_named(call, made, tmp_path):
    arguments = ("fit", made / "train.csv", "--out", tmp_path / "m")
    first, second = call(*arguments), call(*arguments)
    assert (first.code, "Replaced" in first.err) == (0, False), first.err
    assert f"Replaced the model in {tmp_path / 'm'} (3 classes, 9 labels)." in second.err


@pytest.mark.filterwarnings("default")
def test_labels_that_are_prices_are_a_warning_of_its_own(call, tmp_path):
    texts, prices = [f"parcel {n}" for n in range(12)], [f"{n}.{90 + n % 3}" for n in range(12)]
    data = table(tmp_path / "t.csv", {"text": texts, "label": prices})
    said = call("fit", data, "--label-column", "label", "--out", tmp_path / "m").err
    assert "Warning: Labels are numbers with fractions, such as 0.90; each of 12 different ones is a class" in said
    assert "exchanged, name them" not in said


@pytest.mark.filterwarnings("ignore:.* were items and labels exchanged")
def test_labels_that_are_nearly_all_different_are_a_warning(call, tmp_path):
    texts = [f"{number} parcels are late" for number in range(11)]
    data = table(tmp_path / "t.csv", {"text": texts, "label": ["delivery", *["login"] * 10]})
    exchanged = ("--text-column", "label", "--label-column", "text")
    warned = "Warning: nearly every label is different: 11 classes from 11 labels. Texts were read from 'label'"
    assert warned in call("fit", data, "--out", tmp_path / "m", *exchanged).err
    assert "Warning" not in call("fit", data, "--out", tmp_path / "m").err
