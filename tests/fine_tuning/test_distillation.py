"""Distillation: the loss by its formula, what a teacher may say, and a student that comes to say it."""

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax
from sklearn.linear_model import Ridge

import tiny_language_models as tiny
from anyshot.encoders.activations import activations
from anyshot.encoders.backbones import open_backbone, split
from anyshot.errors import InputError
from anyshot.fine_tuning.distillation import Lesson, distillation_loss, first_head, learn_from_teacher, said_by
from anyshot.fine_tuning.head import LinearHead
from anyshot.fine_tuning.partial import scores_of
from anyshot.fine_tuning.tuning import Tuning
from anyshot.training.loop import Recipe

RANDOM = np.random.default_rng(0)


def test_the_loss_is_the_softened_divergence():
    scores, logits, T = RANDOM.normal(size=(4, 3)), RANDOM.normal(size=(4, 3)), 3.0
    p, log_q = softmax(logits / T, axis=1), log_softmax(scores / T, axis=1)
    expected = T**2 * (p * (np.log(p) - log_q)).sum(axis=1).mean()
    teacher = torch.from_numpy(log_softmax(logits, axis=1))
    ours = distillation_loss(torch.from_numpy(scores), teacher, temperature=T)
    assert float(ours) == pytest.approx(expected, rel=1e-4)


def test_a_student_that_agrees_loses_nothing():
    scores = torch.from_numpy(RANDOM.normal(size=(4, 3)))
    assert float(distillation_loss(scores + 5, scores, temperature=2)) == pytest.approx(0, abs=1e-6)


def test_a_certain_teacher_stays_finite():
    said = said_by([[1.0, 0.0]], n_items=1, n_classes=2)
    assert np.isfinite(said).all()
    np.testing.assert_allclose(np.exp(said), [[1, 0]], atol=1e-6)


@pytest.mark.parametrize("said", [[[0.5, 0.6]], [[1.5, -0.5]], [[np.nan, 1.0]]])
def test_what_is_no_probability_is_refused(said):
    with pytest.raises(InputError, match="no probabilities"):
        said_by(said, n_items=1, n_classes=2)


def test_probabilities_of_other_items_or_classes_are_refused():
    with pytest.raises(InputError, match=r"returned \(1, 2\) for 1 items and 3 classes"):
        said_by([[0.5, 0.5]], n_items=1, n_classes=3)


def test_the_first_head_is_ridge_regression_on_what_the_teacher_says():
    z = RANDOM.normal(size=(20, 4))
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    teacher = log_softmax(RANDOM.normal(size=(20, 3)), axis=1).astype(np.float32)
    spread = ((z - z.mean(axis=0)) ** 2).sum() / 4
    oracle = Ridge(alpha=0.1 * spread).fit(z, teacher - teacher.mean(axis=1, keepdims=True))
    with torch.inference_mode():
        ours = first_head((3 * z).astype(np.float32), teacher)(torch.from_numpy(3 * z)).numpy()
    np.testing.assert_allclose(ours, oracle.predict(z), atol=1e-4)


def test_items_all_alike_give_a_head_that_says_the_usual():
    teacher = np.log(np.tile([[0.7, 0.3]], (3, 1))).astype(np.float32)
    with torch.inference_mode():
        said = first_head(np.ones((3, 2), np.float32), teacher)(torch.ones(1, 2)).softmax(dim=1).numpy()
    np.testing.assert_allclose(said, [[0.7, 0.3]], atol=1e-5)


def test_a_student_comes_to_say_what_its_teacher_says(tmp_path):
    backbone = open_backbone(f"hf:{tiny.saved('bert', tmp_path)[0]}", device="cpu")
    rest, head = split(backbone, "layer2").rest, LinearHead.blank(2, backbone.width)
    known, said = activations(backbone, tiny.TEXTS, freeze_at="layer2"), RANDOM.normal(size=(5, 2))
    teacher = log_softmax(said, axis=1).astype(np.float32)
    learn_from_teacher(
        rest,
        head,
        Lesson(known, teacher, temperature=2.0),
        recipe=Recipe(epochs=60, learning_rate=0.02),
        tuning=Tuning(batch_size=5),
        random_state=0,
    )
    own = softmax(scores_of(rest, head, known, np.arange(5)), axis=1)
    np.testing.assert_allclose(own, np.exp(teacher), atol=0.1)
