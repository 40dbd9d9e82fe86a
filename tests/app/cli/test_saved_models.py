"""The folder of a model among the arguments of a command."""

import shutil

import pytest


@pytest.mark.parametrize("command", ["evaluate", "suggest", "learn", "report"])
def test_the_model_and_the_data_may_be_given_in_any_order(call, made, model, tmp_path, command):
    data = made / ("pool.csv" if command == "suggest" else "train.csv")
    more = ("--out", tmp_path / "r.html") if command == "report" else ()
    assert call(command, data, model, *more).code == 0


def test_the_file_of_a_model_stands_for_its_folder(call, made):
    file = made / "model" / "model.json"
    assert call("evaluate", file, made / "train.csv").rows[0]["n"] > 0
    assert call("predict", file, "I was charged twice").rows[0]["item"] == "I was charged twice"


def test_a_file_in_place_of_a_model_is_refused_with_what_to_do(call, made, tmp_path):
    packed = shutil.make_archive(str(tmp_path / "model"), "zip", made, "model")
    for command in ("evaluate", "learn", "predict"):
        done = call(command, packed, made / "train.csv")
        assert (done.code, "is a file. Give the folder of a saved model, unpacked" in done.err) == (1, True)


def test_a_model_that_was_copied_in_part_is_named_by_predict(call, model):
    (model / "model.json").unlink()
    done = call("predict", model, "I was charged twice")
    assert (done.code, "it has no model.json" in done.err) == (1, True)


def test_a_model_that_a_killed_process_left_under_another_name_is_put_back(call, model):
    model.rename(model.with_name(f".{model.name}.anyshot-old"))
    assert call("predict", model, "I was charged twice").code == 0
    assert model.is_dir()
