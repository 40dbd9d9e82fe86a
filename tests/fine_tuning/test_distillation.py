"""Distillation: the loss by its formula, the initial head, the student, and errors."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax
from sklearn.linear_model import Ridge

import tiny_language_models as tiny
from anyshot.encoders.backbones import open_backbone
from anyshot.encoders.first_layers import FirstLayers
from anyshot.encoders.registry import load_encoder
from anyshot.errors import CheckpointError, InputError
from anyshot.fine_tuning.classifier import FineTunedClassifier
from anyshot.fine_tuning.distillation import (
    distill,
    distillation_loss,
    log_probabilities,
    ridge_head,
    train_on_teacher,
)
from anyshot.fine_tuning.partial import LinearHead, StageTraining
from anyshot.fine_tuning.tuning import Tuning
from anyshot.tasks.loading import load

RANDOM = np.random.default_rng(0)
WORDS = ["where", "is", "my", "please", "late"]
X = [f"{one} {word} {other}" for word in ("card", "refund") for one in WORDS for other in WORDS]
QUICK = Tuning(cache=False, batch_size=16)


class WordTeacher:
    """Predicts which of two words a text contains, with probability 0.9."""

    classes_ = np.array(["card", "refund"])

    def predict_proba(self, X):
        return np.array([[0.9, 0.1] if "card" in text else [0.1, 0.9] for text in X])


def distilled(encoder, X=X[::5], *, teacher=None, **options):
    return distill(teacher or WordTeacher(), encoder, X, **{"epochs": 1, "tuning": QUICK, **options})


def test_the_loss_is_the_divergence_of_the_softened_probabilities():
    scores, logits, T = RANDOM.normal(size=(4, 3)), RANDOM.normal(size=(4, 3)), 3.0
    p, log_q = softmax(logits / T, axis=1), log_softmax(scores / T, axis=1)
    expected = T**2 * (p * (np.log(p) - log_q)).sum(axis=1).mean()
    teacher = torch.from_numpy(log_softmax(logits, axis=1))
    ours = distillation_loss(torch.from_numpy(scores), teacher, temperature=T)
    assert float(ours) == pytest.approx(expected, rel=1e-4)


def test_the_loss_is_zero_where_student_and_teacher_agree():
    scores = torch.from_numpy(RANDOM.normal(size=(4, 3)))
    assert float(distillation_loss(scores + 5, scores, temperature=2)) == pytest.approx(0, abs=1e-6)


def test_log_probabilities_are_finite():
    logs = log_probabilities([[1.0, 0.0]], n_items=1, n_classes=2)
    assert np.isfinite(logs).all()
    np.testing.assert_allclose(np.exp(logs), [[1, 0]], atol=1e-6)


@pytest.mark.parametrize("wrong", [[[0.5, 0.6]], [[1.5, -0.5]], [[np.nan, 1.0]]])
def test_values_that_are_not_probabilities_are_an_error(wrong):
    with pytest.raises(InputError, match="must return probabilities"):
        log_probabilities(wrong, n_items=1, n_classes=2)


def test_probabilities_of_the_wrong_shape_are_an_error():
    with pytest.raises(InputError, match=r"an array of shape \(1, 2\) for 1 items and 3 classes"):
        log_probabilities([[0.5, 0.5]], n_items=1, n_classes=3)


def test_the_initial_head_is_ridge_regression_on_the_log_probabilities():
    z = RANDOM.normal(size=(20, 4))
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    teacher = log_softmax(RANDOM.normal(size=(20, 3)), axis=1).astype(np.float32)
    scale = ((z - z.mean(axis=0)) ** 2).sum() / 4
    oracle = Ridge(alpha=0.1 * scale).fit(z, teacher - teacher.mean(axis=1, keepdims=True))
    with torch.inference_mode():
        ours = ridge_head((3 * z).astype(np.float32), teacher)(torch.from_numpy(3 * z)).numpy()
    np.testing.assert_allclose(ours, oracle.predict(z), atol=1e-4)


def test_the_initial_head_predicts_the_mean_where_all_items_are_equal():
    teacher = np.log(np.tile([[0.7, 0.3]], (3, 1))).astype(np.float32)
    with torch.inference_mode():
        predicted = ridge_head(np.ones((3, 2), np.float32), teacher)(torch.ones(1, 2)).softmax(dim=1).numpy()
    np.testing.assert_allclose(predicted, [[0.7, 0.3]], atol=1e-5)


def test_training_fits_the_probabilities_of_the_teacher(bert):
    backbone, tuning = open_backbone(bert, device="cpu"), Tuning(batch_size=5, cache=False)
    run = StageTraining.open(
        backbone, tiny.TEXTS, freeze_at="layer2", tuning=tuning, epochs=60, learning_rate=0.02, random_state=0
    )
    head, targets = LinearHead.zeros(2, backbone.width), log_softmax(RANDOM.normal(size=(5, 2)), axis=1)
    train_on_teacher(run, head, targets.astype(np.float32), temperature=2.0)
    np.testing.assert_allclose(softmax(run.scores(head, np.arange(5)), axis=1), np.exp(targets), atol=0.1)


def test_a_student_with_half_the_layers_predicts_what_its_teacher_predicts(bert):
    student = distilled(FirstLayers(load_encoder(bert), 1), X, epochs=3, random_state=0)
    assert np.mean(student.predict(X) == np.repeat(["card", "refund"], 25)) > 0.9
    assert student.classes_.tolist() == ["card", "refund"]
    assert student.history_.records[-1].loss < student.history_.records[0].loss
    assert "Distilled from WordTeacher on 50 unlabeled items" in student.reasons_[0]


@pytest.mark.parametrize("layers", ["", "[:1]"])
def test_a_loaded_student_predicts_the_same(bert, tmp_path, layers):
    student = distilled(bert + layers, random_state=0)
    student.save(tmp_path / "student")
    again = load(tmp_path / "student", encoder=bert + layers)
    assert len(again.backbone_.stages) == (4 if layers else 5)
    np.testing.assert_allclose(again.predict_proba(X[:3]), student.predict_proba(X[:3]), atol=1e-6)


def test_a_run_resumes_from_its_checkpoint_with_the_same_settings_and_teacher_only(bert, tmp_path):
    tuning = replace(QUICK, accumulate=2, warm_up=0.5, checkpoints=tmp_path / "run")
    options = {"freeze_at": "layer2", "tuning": tuning}
    assert distilled(bert, **options).history_ == distilled(bert, **options).history_
    with pytest.raises(CheckpointError, match="temperature is"):
        distilled(bert, **options, temperature=3.0)
    certain = WordTeacher()
    certain.predict_proba = lambda X: np.tile([1.0, 0.0], (len(X), 1))
    with pytest.raises(CheckpointError, match="teacher is"):
        distilled(bert, **options, teacher=certain)


def test_the_classes_of_the_teacher_may_be_a_list(bert):
    teacher = WordTeacher()
    teacher.classes_ = ["card", "refund"]
    assert distilled(bert, teacher=teacher, freeze_at="layer2").classes_.tolist() == ["card", "refund"]


@pytest.mark.parametrize(
    ("wrong", "got"),
    [
        ("minilm", "got a str"),
        (FineTunedClassifier("minilm"), "got a FineTunedClassifier"),
        (WordTeacher, "got the class WordTeacher"),
    ],
)
def test_a_teacher_that_is_not_a_fitted_classifier_is_an_error(bert, wrong, got):
    with pytest.raises(InputError, match=f"must be a fitted classifier with classes_ and predict_proba; {got}"):
        distilled(bert, teacher=wrong)


def test_a_student_that_cannot_predict_unknown_as_its_teacher_does_is_warned_of(bert):
    teacher = WordTeacher()
    teacher.unknown_threshold_ = 0.3
    with pytest.warns(UserWarning, match="predicts 'unknown' for items .* the student predicts a class for every item"):
        distilled(bert, teacher=teacher, freeze_at="layer2")


def test_invalid_arguments_are_errors(bert):
    with pytest.raises(InputError, match="temperature must be a number; it is '2'"):
        distilled(bert, temperature="2")
    with pytest.raises(InputError, match="temperature must be positive and finite; it is 0"):
        distilled(bert, temperature=0)
    with pytest.raises(InputError, match="A list of items is needed"):
        distilled(bert, (text for text in X))
    with pytest.raises(InputError, match="Labels go into y"):
        distilled(bert, (X, X))
    with pytest.raises(InputError, match="tuning must be a Tuning"):
        distilled(bert, tuning={"batch_size": 4})
    with pytest.raises(InputError, match="needs unlabeled items, and got none"):
        distilled(bert, [])
