"""Model folders that a command opens, and what a model has not."""

import numpy as np

import anyshot
from app.cli.messages import TRAIN


def test_a_tampered_model_is_refused(call, model):
    with next(model.glob("*.safetensors")).open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"x")
    done = call("predict", "a", "--model", model)
    assert (done.code, "its digest differs" in done.err) == (1, True)


def test_a_trained_network_answers_and_what_it_has_not_is_named(call, made, tmp_path):
    texts, labels = zip(*TRAIN, strict=True)
    anyshot.FineTunedClassifier("minilm", method="probe").fit(list(texts), list(labels)).save(tmp_path / "network")
    answered = call("predict", made / "texts.csv", "--model", tmp_path / "network")
    assert [row["label"] for row in answered.rows] == list(labels)
    assert call("evaluate", tmp_path / "network", made / "train.csv").rows[0]["accuracy"] == 1
    assert "3 classes, told by a trained network" in call("card", tmp_path / "network").out
    refused = call("explain", tmp_path / "network", "where is it")
    assert refused.code == 1
    assert "holds a model of kind FineTunedClassifier, which has no method explain" in refused.err


def test_a_regressor_is_measured_in_python(call, made, tmp_path):
    anyshot.AnyShotRegressor().fit(np.eye(4), np.arange(4.0)).save(tmp_path / "numbers")
    for command in (["predict", made / "texts.csv", "--model"], ["card"]):
        refused = call(*command, tmp_path / "numbers")
        assert (refused.code, refused.out) == (1, "")
        assert "AnyShotRegressor" in refused.err
