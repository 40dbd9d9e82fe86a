"""Runs are told apart."""

import numpy as np
import pytest

from anyshot.encoders.activations import activations
from anyshot.encoders.freeze import open_backbone
from anyshot.fine_tune.identity import subject
from tiny_language_models import TEXTS, saved


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    folder, _ = saved("bert", tmp_path_factory.mktemp("bert"))
    return open_backbone(f"hf:{folder}", device="cpu")


def test_other_labels_items_or_freeze_points_are_another_run(backbone):
    known, fewer = (activations(backbone, texts, freeze_at="layer2") for texts in (TEXTS, TEXTS[:4]))
    index = np.array([0, 1, 0, 0, 1])
    one = subject(backbone, "layer2", known, index)
    assert one == subject(backbone, "layer2", known, index.copy())
    for other in (
        subject(backbone, "layer2", known, 1 - index),
        subject(backbone, "layer2", fewer, index),
        subject(backbone, "layer1", known, index),
    ):
        assert other != one
