"""The commands that change the classes of a model."""

import re
import shlex
import subprocess
import sys

import pandas as pd
import pytest

import anyshot


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


def test_add_class_of_a_class_that_is_there_names_the_command_that_does_it(call, model):
    refused = call("add-class", model, "billing", "--example", "two charges")
    assert (refused.code, "already has the class 'billing'" in refused.err) == (1, True)
    (proposed,) = re.findall(r"anyshot (learn .*)", refused.err)
    assert call(*shlex.split(proposed)).code == 0


@pytest.mark.full
def test_two_commands_that_change_a_model_at_once_both_do(model):
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "anyshot", "add-class", str(model), name, "--example", f"about {name}"],
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("refund", "crash")
    ]
    message = [one.communicate()[1] for one in running]
    assert [one.returncode for one in running] == [0, 0], message
    assert {"refund", "crash"} <= set(anyshot.load(model).classes_)
    assert [path.name for path in model.parent.iterdir()] == ["model"]


def test_remove_class_proposes_the_nearest_name_and_changes_nothing(call, model):
    done = call("remove-class", model, "biling")
    assert (done.code, "Did you mean 'billing'?" in done.err) == (1, True)
    assert "billing" in anyshot.load(model).classes_


def test_a_class_is_renamed_described_and_merged_as_the_methods_do(call, model):
    expected = anyshot.load(model)
    assert call("rename-class", model, "login", "access").code == 0
    assert call("describe-class", model, "access", "--description", "cannot sign in", "--words", "password").code == 0
    done = call("merge-classes", model, "access", "delivery", "--into", "other topics")
    assert (done.code, "now has 2 classes" in done.err) == (0, True), done.err
    expected.rename_class("login", "access")
    expected.describe_class("access", ["cannot sign in", anyshot.Words("password")])
    expected.merge_classes(["access", "delivery"], "other topics")
    texts = ["my parcel is late", "two charges", "my password is wrong"]
    found = anyshot.load(model)
    assert found.classes_.tolist() == ["billing", "other topics"]
    assert found.predict_proba(texts) == pytest.approx(expected.predict_proba(texts), abs=1e-6)
    assert "Removed the description and words of 'billing' in" in call("describe-class", model, "billing").err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rename-class", "biling", "bills"], "Did you mean 'billing'?"),
        (["rename-class", "billing", "login"], "'login'"),
        (["merge-classes", "billing", "--into", "bills"], "Two classes or more are needed"),
        (["describe-class", "biling", "--words", "bill"], "Did you mean 'billing'?"),
    ],
)
def test_a_change_that_cannot_be_made_is_refused_and_changes_nothing(call, model, arguments, message):
    command, *rest = arguments
    done = call(command, model, *rest)
    assert (done.code, message in done.err) == (1, True), done.err
    assert anyshot.load(model).classes_.tolist() == ["billing", "delivery", "login"]


def test_words_of_a_class_that_name_it_once_more_are_refused(call, model):
    done = call("describe-class", model, "billing", "--words", "billing = invoice, fee")
    assert (done.code, "Write the words of 'billing' alone" in " ".join(done.err.split())) == (2, True), done.err


def test_codes_of_classes_are_replaced_by_names(call, made, tmp_path):
    assert call("fit", made / "numbers.csv", "--out", tmp_path / "m").code == 0
    assert call("rename-class", tmp_path / "m", "0", "billing").code == 0
    assert call("merge-classes", tmp_path / "m", "1", "2", "--into", "other").code == 0
    assert set(anyshot.load(tmp_path / "m").classes_.tolist()) == {"billing", "other"}
