"""A distilled student: it answers as its teacher does, is a classifier like any other, and refuses bad orders."""

from dataclasses import replace

import numpy as np
import pytest

from anyshot.encoders.first_layers import FirstLayers
from anyshot.encoders.registry import load_encoder
from anyshot.errors import CheckpointError, InputError
from anyshot.fine_tuning.classifier import FineTunedClassifier
from anyshot.fine_tuning.distilled import distill
from anyshot.fine_tuning.tuning import Tuning
from anyshot.tasks.loading import load

WORDS = ["where", "is", "my", "please", "late"]
X = [f"{one} {word} {other}" for word in ("card", "refund") for one in WORDS for other in WORDS]
QUICK = Tuning(cache=False, batch_size=16)


class WordTeacher:
    """Says which of two words a text holds, and is 90 % sure."""

    classes_ = np.array(["card", "refund"])

    def predict_proba(self, X):
        return np.array([[0.9, 0.1] if "card" in text else [0.1, 0.9] for text in X])


def test_a_student_of_half_the_layers_answers_as_its_teacher_does(bert):
    student = distill(WordTeacher(), FirstLayers(load_encoder(bert), 1), X, epochs=3, tuning=QUICK, random_state=0)
    assert np.mean(student.predict(X) == WordTeacher().classes_[WordTeacher().predict_proba(X).argmax(axis=1)]) > 0.9
    assert student.classes_.tolist() == ["card", "refund"]
    assert student.history_.records[-1].loss < student.history_.records[0].loss
    assert "Distilled from WordTeacher on 50 items" in student.reasons_[0]


def test_a_student_with_a_named_encoder_is_kept_as_any_other(bert, tmp_path):
    student = distill(WordTeacher(), bert, X[::5], freeze_at="layer2", epochs=1, tuning=QUICK, random_state=0)
    student.save(tmp_path / "student")
    again = load(tmp_path / "student")
    np.testing.assert_allclose(again.predict_proba(X[:3]), student.predict_proba(X[:3]), atol=1e-6)


def test_a_student_of_the_first_layers_by_name_is_kept_too(bert, tmp_path):
    student = distill(WordTeacher(), f"{bert}[:1]", X[::5], epochs=1, tuning=QUICK, random_state=0)
    student.save(tmp_path / "student")
    again = load(tmp_path / "student")
    assert again.backbone_.stages == ("embeddings", "layer1", "pooling", "head")
    np.testing.assert_allclose(again.predict_proba(X[:3]), student.predict_proba(X[:3]), atol=1e-6)


def test_all_that_is_settled_beside_counts_and_another_teacher_is_another_run(bert, tmp_path):
    tuning = replace(QUICK, accumulate=2, warm_up=0.5, checkpoints=tmp_path / "run")
    one = distill(WordTeacher(), bert, X[::5], freeze_at="layer2", epochs=1, tuning=tuning, random_state=0)
    again = distill(WordTeacher(), bert, X[::5], freeze_at="layer2", epochs=1, tuning=tuning, random_state=0)
    assert again.history_ == one.history_
    with pytest.raises(CheckpointError, match="another run: temperature is"):
        distill(WordTeacher(), bert, X[::5], freeze_at="layer2", epochs=1, tuning=tuning, temperature=3.0)


def test_an_interrupted_run_without_a_seed_goes_on(bert, tmp_path):
    tuning = replace(QUICK, checkpoints=tmp_path / "run")
    one, again = (distill(WordTeacher(), bert, X[::5], freeze_at="layer2", epochs=1, tuning=tuning) for _ in range(2))
    assert again.history_ == one.history_


def test_a_teacher_s_classes_may_be_a_list(bert):
    teacher = WordTeacher()
    teacher.classes_ = ["card", "refund"]
    student = distill(teacher, bert, X[::5], freeze_at="layer2", epochs=1, tuning=QUICK)
    assert student.classes_.tolist() == ["card", "refund"]


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ("minilm", "a str was given"),
        (FineTunedClassifier("minilm"), "a FineTunedClassifier was given"),
        (WordTeacher, "the class WordTeacher was given"),
    ],
)
def test_what_is_no_fitted_teacher_is_refused(bert, wrong, what):
    with pytest.raises(InputError, match=f"must be a fitted classifier, with classes_ and predict_proba; {what}"):
        distill(wrong, bert, X)


def test_bad_orders_are_refused(bert):
    with pytest.raises(InputError, match="temperature must be a number; it is '2'"):
        distill(WordTeacher(), bert, X, temperature="2")
    with pytest.raises(InputError, match="A list of items is needed"):
        distill(WordTeacher(), bert, (text for text in X))
    with pytest.raises(InputError, match="tuning must be settings"):
        distill(WordTeacher(), bert, X, tuning={"batch_size": 4})
    with pytest.raises(InputError, match="temperature must be above 0"):
        distill(WordTeacher(), bert, X, temperature=0)
    with pytest.raises(InputError, match="none was given"):
        distill(WordTeacher(), bert, [])
