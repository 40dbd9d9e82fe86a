"""Runs are told apart."""

import numpy as np
import pytest

from anyshot.encoders.activations import activations
from anyshot.encoders.backbones import open_backbone
from anyshot.fine_tuning.distillation import Lesson
from anyshot.fine_tuning.head import LinearHead
from anyshot.fine_tuning.identity import subject, subject_of_lesson
from anyshot.fine_tuning.partial import Labeled
from anyshot.fine_tuning.tuning import Tuning
from tiny_language_models import TEXTS, saved


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    folder, _ = saved("bert", tmp_path_factory.mktemp("bert"))
    return open_backbone(f"hf:{folder}", device="cpu")


INDEX = np.array([0, 1, 0, 0, 1])
HEAD = LinearHead.blank(2, 8)


def run(backbone, texts=TEXTS, *, index=INDEX, freeze_at="layer2", head=HEAD, tuning=None, method="partial"):
    known = activations(backbone, texts, freeze_at="head")  # pooled: all items are one line long
    data = Labeled(known, index, 2, np.arange(4), np.arange(4, 5))
    return subject(backbone, freeze_at, data, head, tuning or Tuning(), method=method)


def test_the_same_run_is_known_again_wherever_its_files_lie(backbone):
    assert run(backbone) == run(backbone, tuning=Tuning(cache=False, budget_mb=1.0, checkpoints="elsewhere"))


@pytest.mark.parametrize(
    "other",
    [
        {"texts": TEXTS[::-1]},
        {"index": 1 - INDEX},
        {"freeze_at": "layer1"},
        {"head": LinearHead(np.ones((2, 8), np.float32), np.zeros(2))},
        {"tuning": Tuning(dropout=0.2)},
        {"method": "lora"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_whatever_shapes_the_weights_makes_another_run(backbone, other):
    assert run(backbone, **other) != run(backbone)


def test_a_students_run_is_told_by_its_teacher_and_its_temperature(backbone):
    known, said = activations(backbone, TEXTS, freeze_at="head"), np.zeros((5, 2), np.float32)
    lessons = [Lesson(known, said, 1.0), Lesson(known, said, 2.0), Lesson(known, said - 1, 1.0)]
    one, warmer, other = (subject_of_lesson(backbone, "head", lesson, Tuning()) for lesson in lessons)
    assert warmer != one
    assert other != one
