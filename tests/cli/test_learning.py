"""fit, tune, add-class and remove-class."""

import pandas as pd
import pytest

import anyshot


def test_fit_says_what_it_learned_and_why(call, made, tmp_path):
    done = call("fit", made / "train.csv", "--out", tmp_path / "m")
    (facts,) = done.rows
    assert (facts["classes"], facts["labels"]) == (3, 9)
    assert facts["method"] == anyshot.load(tmp_path / "m").method_
    assert facts["reasons"]


def test_fit_learns_from_data_without_labels_where_classes_are_named(call, made, tmp_path):
    done = call("fit", made / "texts.csv", "--classes", "billing,delivery,login", "--out", tmp_path / "m")
    assert done.code == 0
    assert done.rows[0]["labels"] == 0
    assert "learned from as unlabelled items" in done.err


def test_fit_without_labels_and_classes_names_both_remedies(call, made, tmp_path):
    done = call("fit", made / "texts.csv", "--out", tmp_path / "m")
    assert done.code == 1
    assert "--label-column" in done.err
    assert "--classes" in done.err
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--label-column", "lable"], "Did you mean 'label'?"),
        (["--classes", "biling,delivery,login"], "Did you mean 'biling'?"),
        (["--unknown-rate", "2"], "unknown_rate must lie between 0 and 1"),
        (["--unknown-rate", "0.01"], "needs at least 100 labelled or unlabelled items"),
        (["--text-column", "text", "--image-column", "text"], "not both"),
    ],
)
def test_fit_refuses_what_cannot_be_meant(call, made, tmp_path, options, said):
    done = call("fit", made / "train.csv", "--out", tmp_path / "m", *options)
    assert (done.code, said in done.err) == (1, True), done.err


def test_a_class_is_added_from_a_file_and_the_line_and_removed_again(call, made, model, tmp_path):
    table = pd.DataFrame([("are you hiring?", "hiring"), ("a parcel", "delivery")], columns=["text", "label"])
    table.to_csv(tmp_path / "more.csv", index=False)
    done = call("add-class", model, "hiring", "--examples", tmp_path / "more.csv", "--example", "I seek a job")
    assert (done.code, "with 2 examples" in done.err) == (0, True)
    assert call("predict", "I seek a job", "--model", model).rows[0]["label"] == "hiring"
    assert call("remove-class", model, "hiring").code == 0
    assert anyshot.load(model).classes_.tolist() == anyshot.load(made / "model").classes_.tolist()


def test_add_class_refuses_a_file_in_which_the_class_does_not_occur(call, made, model):
    done = call("add-class", model, "hiring", "--examples", made / "train.csv")
    assert (done.code, "none of them is 'hiring'" in done.err) == (1, True)


def test_remove_class_proposes_the_nearest_name_and_changes_nothing(call, model):
    done = call("remove-class", model, "biling")
    assert (done.code, "Did you mean 'billing'?" in done.err) == (1, True)
    assert "billing" in anyshot.load(model).classes_


def test_tune_says_what_it_tried_and_writes_the_model(call, made, tmp_path):
    done = call("tune", made / "train.csv", "--budget", "0.001", "--out", tmp_path / "tuned")
    assert done.code == 0
    assert any("Fine-tuning was not tried" in reason for reason in done.rows[0]["reasons"])
    assert (tmp_path / "tuned" / "model.json").is_file()
    assert "budget must be 'fast', 'best'" in call("tune", made / "train.csv", "--budget", "soon", "--out", "x").err
    assert "has no labels, and fine-tuning needs them" in call("tune", made / "texts.csv", "--out", "x").err
