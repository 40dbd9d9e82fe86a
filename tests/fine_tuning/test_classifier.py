"""FineTunedClassifier: its methods, initial head, saved folders, checkpoints and errors."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy.special import log_softmax
from sklearn.base import clone
from sklearn.model_selection import cross_validate

import tiny_language_models as tiny
from anyshot.any_shot.embedder import Embedder
from anyshot.any_shot.fitting import fit_model
from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.class_words import Words
from anyshot.base.validation import unit
from anyshot.encoders.backbones import open_backbone
from anyshot.encoders.huggingface.base import quiet
from anyshot.encoders.registry import load_encoder
from anyshot.errors import (
    InputError,
    MixedInputError,
    ModelFolderError,
    NotEnoughLabelsError,
    TrainingDivergedError,
    UnknownStageError,
)
from anyshot.fine_tuning.classifier import FineTunedClassifier
from anyshot.fine_tuning.partial import StageTraining
from anyshot.fine_tuning.training_labels import hold_out
from anyshot.fine_tuning.tuning import Tuning
from anyshot.tasks.loading import load
from anyshot.zero_shot.class_texts import describe
from contract import assert_fit_returns_self_and_repeats, assert_init_only_stores, assert_predict_changes_nothing
from launched import launched
from splits import PIXELS

WORDS = ["where", "is", "my", "please", "late"]
X = [f"{one} {word} {other}" for word in ("card", "refund") for one in WORDS for other in WORDS]
Y = ["card"] * 25 + ["refund"] * 25
QUICK = Tuning(cache=False, batch_size=16)


def classifier(bert: str, *, tuning: Tuning = QUICK, **parameters) -> FineTunedClassifier:
    settings = {"epochs": 3, "learning_rate": 5e-3, "random_state": 0, **parameters}
    return FineTunedClassifier(bert, tuning=tuning, **settings)


def test_contract(bert):
    model = classifier(bert)
    assert_init_only_stores(model)
    assert_fit_returns_self_and_repeats(model, X, Y)
    assert_predict_changes_nothing(model, X, Y)


@pytest.mark.parametrize("method", ["probe", "partial", "lora", "full"])
def test_every_method_learns_two_words(bert, method):
    if method == "lora":
        pytest.importorskip("peft")
    model = classifier(bert, method=method, epochs=6).fit(X, Y)
    assert model.score(X, Y) > 0.9
    np.testing.assert_allclose(model.predict_proba(X[:4]).sum(axis=1), 1)


@pytest.mark.parametrize("prior", ["balanced", "labels"])
def test_before_training_loss_and_accuracy_on_held_out_items_are_those_of_the_any_shot_head(bert, prior):
    tuning = Tuning(cache=False, held_out=0.3, class_prior=prior)
    model = classifier(bert, tuning=tuning, epochs=1).fit(X, Y)
    index = np.repeat([0, 1], 25)
    labels = hold_out(index, 2, fraction=0.3, generator=np.random.default_rng(0))
    run = StageTraining.open(
        open_backbone(bert), X, freeze_at="layer2", tuning=tuning, epochs=1, learning_rate=1e-3, random_state=0
    )
    z = unit(run.features(np.arange(50)))
    embeddings = Embedder(bert, cache=None).reader.embed(describe(["card", "refund"]))
    counts = labels.counts + 0.5
    shares = counts / counts.sum() if prior == "labels" else None
    data = TrainingSet(embeddings, z[labels.train], index[labels.train], class_prior=shares)
    closed = fit_model(Embedder("vectors", cache=None), data, method="any-shot")
    scores, own = closed.scores(z[labels.held_out]), index[labels.held_out]
    losses = -log_softmax(scores, axis=1)[np.arange(len(own)), own]
    first = model.history_.records[0].held_out
    assert first.accuracy == pytest.approx((scores.argmax(axis=1) == own).mean())
    assert first.loss == pytest.approx(losses.mean(), abs=1e-4)


def test_a_class_without_labels_is_classified_by_its_name(bert):
    model = classifier(bert, classes={"card": "my card", "refund": None, "parcel": None}).fit(X, Y)
    assert model.classes_.tolist() == ["card", "parcel", "refund"]
    assert model.predict_proba(X).shape == (50, 3)
    assert model.score(X, Y) > 0.8


def test_items_without_a_label_are_ignored(bert):
    some = [None if row % 2 else label for row, label in enumerate(Y)]
    kept = [row for row in range(50) if row % 2 == 0]
    one = classifier(bert).fit(X, some)
    other = classifier(bert).fit([X[row] for row in kept], [Y[row] for row in kept])
    np.testing.assert_allclose(one.predict_proba(X), other.predict_proba(X), atol=1e-6)


def test_a_loaded_model_is_the_same(bert, tmp_path):
    model = classifier(bert).fit(X, Y)
    model.save(tmp_path / "model")
    loaded = load(tmp_path / "model", encoder=bert)
    np.testing.assert_allclose(loaded.predict_proba(X), model.predict_proba(X), atol=1e-6)
    assert loaded.history_ == model.history_
    assert loaded.reasons_ == model.reasons_
    assert loaded.freeze_at_ == "layer2"
    assert {**loaded.get_params(), "encoder": bert} == {**model.get_params(), "encoder": bert}


def test_loading_with_other_encoder_weights_is_an_error(bert, tmp_path):
    folder, _ = tiny.saved("bert", tmp_path / "bert")
    model = classifier(f"hf:{folder}").fit(X, Y)
    model.save(tmp_path / "model")
    changed = tiny.MODELS["bert"]()
    with quiet():
        changed.save_pretrained(folder)
    with pytest.raises(ModelFolderError, match=r"encoder .* on this machine"):
        load(tmp_path / "model", encoder=f"hf:{folder}")


def test_fit_resumes_from_its_checkpoint_with_the_same_labels_only(bert, tmp_path):
    tuning = Tuning(cache=False, batch_size=16, checkpoints=tmp_path / "run")
    first = classifier(bert, tuning=tuning).fit(X, Y)
    again = classifier(bert, tuning=tuning).fit(X, Y)
    assert again.history_ == first.history_
    np.testing.assert_array_equal(again.predict_proba(X), first.predict_proba(X))
    with pytest.raises(ValueError, match="another run: labels is"):
        classifier(bert, tuning=tuning).fit(X, Y[::-1])


def test_the_reasons_name_the_stages_and_the_held_out_items(bert):
    model = classifier(bert).fit(X, Y)
    assert "Trained from layer2 on, of embeddings, layer1, layer2, pooling, head." in model.reasons_
    assert any("No items were held out (a tenth of 50 labels" in reason for reason in model.reasons_)
    held = classifier(bert, tuning=Tuning(cache=False, held_out=0.2)).fit(X, Y)
    assert any("held-out items was best" in reason for reason in held.reasons_)


def test_with_one_label_per_class_nothing_is_held_out(bert):
    model = classifier(bert, tuning=Tuning(cache=False, held_out=0.5)).fit(["card", "refund"], ["card", "refund"])
    assert any("at most 1 labels per class" in reason for reason in model.reasons_)


def test_the_assembled_network_has_all_stages_and_the_head(bert):
    model = classifier(bert).fit(X, Y)
    whole = model.assembled()
    assert tuple(whole.network) == ("embeddings", "layer1", "layer2", "pooling")
    assert whole.coef.shape == (2, whole.backbone.width)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"freeze_at": "layer9"}, UnknownStageError, "embeddings, layer1, layer2, pooling, head"),
        ({"freeze_at": 7}, UnknownStageError, "freeze_at=7"),
        ({"method": "prompt"}, InputError, "Unknown method 'prompt'. Choose one of: partial, probe, lora, full"),
        ({"epochs": 0}, InputError, "epochs must be at least 1"),
        ({"learning_rate": -1.0}, InputError, "learning_rate must be above 0"),
        ({"tuning": Tuning(cache=False, augment=2)}, InputError, "augment=2"),
        ({"tuning": {"batch_size": 4}}, InputError, "tuning must be a Tuning"),
        ({"learning_rate": "fast"}, InputError, "learning_rate must be a number or 'auto'; it is 'fast'"),
        ({"learning_rate": None}, InputError, "learning_rate must be a number or 'auto'; it is None"),
        ({"epochs": "3"}, InputError, "epochs must be an integer; it is '3'"),
        ({"epochs": 2.5}, InputError, "epochs must be an integer; it is 2.5"),
        ({"random_state": "x"}, InputError, "random_state must be a non-negative integer"),
        ({"freeze_at": None}, UnknownStageError, "freeze_at=None is not a stage"),
    ],
)
def test_invalid_parameters_are_errors(bert, parameters, error, message):
    with pytest.raises(error, match=message):
        classifier(bert, **parameters).fit(X, Y)


def test_items_of_another_type_are_an_error(bert):
    with pytest.raises(InputError, match="reads texts, but got images"):
        classifier(bert).fit(list(PIXELS), ["a", "b", "a"])
    with pytest.raises(MixedInputError, match="no network to fine-tune"):
        clone(classifier(bert)).set_params(encoder="auto").fit(np.eye(3), ["a", "b", "a"])


def test_the_error_without_labels_names_any_shot_classifier(bert):
    with pytest.raises(NotEnoughLabelsError, match="AnyShotClassifier works without"):
        classifier(bert, classes=["card", "refund"]).fit(X, [None] * 50)


def test_a_series_is_read_in_its_order_and_not_by_its_index(bert):
    order = np.random.default_rng(0).permutation(len(X))
    column, labels = pd.Series(X).iloc[order], pd.Series(Y).iloc[order]
    from_series = classifier(bert).fit(column, labels)
    from_list = classifier(bert).fit(column.tolist(), labels.tolist())
    np.testing.assert_array_equal(from_series.scores(column), from_list.scores(column.tolist()))


def test_fit_without_a_seed_resumes_from_its_checkpoint(bert, tmp_path):
    tuning = Tuning(cache=False, batch_size=16, held_out=0.2, checkpoints=tmp_path / "run")
    first = classifier(bert, tuning=tuning, random_state=None).fit(X, Y)
    again = classifier(bert, tuning=tuning, random_state=None).fit(X, Y)
    assert again.history_ == first.history_
    np.testing.assert_array_equal(again.scores(X), first.scores(X))


@pytest.mark.full
def test_processes_without_a_seed_hold_out_the_same_items_and_train_the_same_weights(bert, tmp_path):
    pytest.importorskip("accelerate")
    script = tmp_path / "two.py"
    script.write_text(
        f"""
import os
from pathlib import Path
import numpy as np
import torch
from anyshot.fine_tuning.tuning import Tuning
from anyshot.fine_tuning.classifier import FineTunedClassifier

torch.set_num_threads(1)
tuning = Tuning(cache=False, batch_size=8, held_out=0.25, patience=1)
model = FineTunedClassifier({bert!r}, epochs=4, learning_rate=5e-3, tuning=tuning).fit({X!r}, {Y!r})
np.save(Path({str(tmp_path)!r}) / os.environ["RANK"], model.scores({X!r}))
"""
    )
    launched(script)
    np.testing.assert_array_equal(np.load(tmp_path / "0.npy"), np.load(tmp_path / "1.npy"))


def test_a_last_step_that_diverges_is_an_error(bert):
    """No later loss can show it."""
    with pytest.raises(TrainingDivergedError, match="learning_rate"):
        classifier(bert, tuning=Tuning(cache=False, batch_size=64), epochs=1, learning_rate=1e30).fit(X, Y)


def test_class_descriptions_and_numpy_scalars_are_saved(bert, tmp_path):
    descriptions = {"card": "my card", "refund": ["my refund", "money back"], "parcel": None}
    for classes in (descriptions, list(descriptions), np.array(list(descriptions))):
        model = classifier(bert, classes=classes, epochs=np.int64(2), learning_rate=np.float32(0.5**8)).fit(X, Y)
        model.save(tmp_path / "model")
        loaded = load(tmp_path / "model", encoder=bert)
        assert (loaded.epochs, loaded.learning_rate) == (2, 0.5**8)
        assert loaded.classes == (descriptions if classes is descriptions else list(descriptions))
        assert loaded.fit(X, Y).classes_.tolist() == ["card", "parcel", "refund"]


def test_words_of_classes_are_saved(bert, tmp_path):
    classes = {"card": [Words("bank, pin")], "refund": ["my refund", Words(add="cash")], "parcel": None}
    classifier(bert, classes={**classes, "card": Words("bank, pin")}).fit(X, Y).save(tmp_path / "model")
    assert load(tmp_path / "model", encoder=bert).classes == classes


def test_classes_that_are_numbers_are_loaded_as_numbers(bert, tmp_path):
    model = classifier(bert, classes={0: "card", 1: "refund"}).fit(X, [0] * 25 + [1] * 25)
    model.save(tmp_path / "model")
    assert load(tmp_path / "model", encoder=bert).classes == {0: "card", 1: "refund"}


def test_save_writes_the_encoder_of_fit_and_not_a_parameter_set_later(bert, tmp_path):
    by_object = classifier(load_encoder(bert)).fit(X, Y).set_params(encoder=bert)
    with pytest.raises(ModelFolderError, match="encoder object cannot be saved"):
        by_object.save(tmp_path / "model")
    by_name = classifier(bert).fit(X, Y).set_params(encoder="minilm")
    by_name.save(tmp_path / "model")
    assert load(tmp_path / "model", encoder=bert).encoder == bert


def test_fit_does_not_resume_with_other_items_or_settings(bert, tmp_path):
    tuning = Tuning(cache=False, batch_size=16, checkpoints=tmp_path / "run")
    classifier(bert, tuning=tuning).fit(X, Y)
    with pytest.raises(ValueError, match="another run: items is"):
        classifier(bert, tuning=tuning).fit(X[1:25] + X[:1] + X[25:], Y)
    with pytest.raises(ValueError, match="another run: settings is"):
        classifier(bert, tuning=replace(tuning, smoothing=0.1)).fit(X, Y)


def test_a_fit_that_fails_does_not_change_the_earlier_model(bert):
    model = classifier(bert).fit(X, Y)
    before, history = model.predict_proba(X), model.history_
    with pytest.raises(UnknownStageError):
        model.set_params(freeze_at="layer9").fit(X[::-1], Y)
    np.testing.assert_array_equal(model.predict_proba(X), before)
    assert model.history_ is history


@pytest.mark.parametrize("method", ["probe", "full"])
def test_a_freeze_point_without_effect_is_an_error(bert, method):
    with pytest.raises(InputError, match="has no effect"):
        classifier(bert, method=method, freeze_at="layer2").fit(X, Y)


def test_saving_a_model_with_an_encoder_object_is_an_error(bert, tmp_path):
    model = classifier(load_encoder(bert)).fit(X, Y)
    with pytest.raises(ModelFolderError, match="encoder object cannot be saved"):
        model.save(tmp_path / "model")


# --- weights ---

FEW = [*X[:4], *X[25:29]]
NAMES = ["card"] * 4 + ["refund"] * 4
COUNTS = [2, 0, 1, 3, 1, 1, 0, 2]


@pytest.mark.parametrize("method", ["probe", "partial"])
def test_a_whole_weight_is_as_many_copies_of_an_item_and_0_none(bert, method):
    rows = np.repeat(np.arange(8), COUNTS)
    copied = [FEW[row] for row in rows], [NAMES[row] for row in rows]
    weighed = classifier(bert, method=method).fit(FEW, NAMES, sample_weight=COUNTS)
    expected = classifier(bert, method=method).fit(*copied)
    np.testing.assert_allclose(weighed.predict_proba(X), expected.predict_proba(X), rtol=1e-4)


@pytest.mark.parametrize("method", ["probe", "partial"])
def test_a_part_of_a_weight_counts(bert, method):
    model = classifier(bert, method=method, classes=["card", "refund"])
    texts, names = ["card", "card", "late please"], ["card", "refund", "refund"]
    shares = [
        model.fit(texts, names, sample_weight=[weight, 1.0, 1.0]).predict_proba(["card"])[0, 0]
        for weight in (0.1, 0.5, 0.9)
    ]
    assert np.abs(np.diff(shares)).min() > 1e-4
    if method == "probe":  # without epochs, whose number of steps changes with the weights
        assert shares == sorted(shares)


def test_a_class_of_weight_0_is_absent(bert):
    model = classifier(bert, method="probe").fit([*FEW, "late"], [*NAMES, "other"], sample_weight=[1] * 8 + [0])
    assert model.classes_.tolist() == ["card", "refund"]
    with pytest.raises(InputError, match="sample_weight is -1 in row 2"):
        model.fit(FEW, NAMES, sample_weight=[1, 1, -1, 1, 1, 1, 1, 1])


def test_a_search_passes_weights_on_to_a_network(bert):
    with sklearn.config_context(enable_metadata_routing=True):
        model = (
            classifier(bert, method="probe").set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        )
        found = cross_validate(
            model, X, Y, cv=2, params={"sample_weight": np.arange(50)}, return_estimator=True, return_indices=True
        )
    rows = found["indices"]["train"][0]
    expected = classifier(bert, method="probe").fit([X[row] for row in rows], [Y[row] for row in rows])
    weighed = classifier(bert, method="probe").fit(
        [X[row] for row in rows], [Y[row] for row in rows], sample_weight=rows
    )
    np.testing.assert_array_equal(found["estimator"][0].scores(X), weighed.scores(X))
    assert (weighed.scores(X) != expected.scores(X)).any()
