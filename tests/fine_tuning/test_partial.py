"""Training above a freeze point: who learns, how fast, and on what loss."""

import numpy as np
import pytest
import torch

from anyshot.encoders.activations import activations
from anyshot.encoders.backbones import open_backbone, split
from anyshot.fine_tuning.head import LinearHead
from anyshot.fine_tuning.partial import Labeled, features, fine_tune, layer_groups, log_shares, scores_of
from anyshot.fine_tuning.tuning import Tuning
from anyshot.training.loop import Recipe
from tiny_language_models import TEXTS, saved

INDEX = np.array([0, 1, 0, 0, 1])
ROWS = np.arange(len(TEXTS))


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    folder, _ = saved("bert", tmp_path_factory.mktemp("bert"))
    return open_backbone(f"hf:{folder}", device="cpu")


def labeled(backbone, freeze_at, *, held_out=()):
    known = activations(backbone, TEXTS, freeze_at=freeze_at)
    return Labeled(known, INDEX, 2, np.setdiff1d(ROWS, held_out), np.array(held_out, dtype=np.intp))


def trained(backbone, freeze_at="layer2", **settings):
    rest, head = split(backbone, freeze_at).rest, LinearHead.blank(2, backbone.width)
    data = labeled(backbone, freeze_at)
    recipe = Recipe(epochs=25, learning_rate=0.02)
    history = fine_tune(rest, head, data, recipe=recipe, tuning=Tuning(batch_size=5, **settings), random_state=0)
    return rest, head, data, history


@pytest.mark.parametrize("freeze_at", ["head", "layer2", 0])
def test_it_learns_at_every_freeze_point_and_the_encoder_stays_as_it_was(backbone, freeze_at):
    before = {name: tensor.clone() for name, tensor in backbone.network["layer2"].state_dict().items()}
    rest, head, data, history = trained(backbone, freeze_at)
    assert scores_of(rest, head, data.activations, ROWS).argmax(axis=1).tolist() == INDEX.tolist()
    assert history.records[-1].loss < history.records[0].loss
    after = backbone.network["layer2"].state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_features_come_in_the_order_of_the_rows_asked_for(backbone):
    rest, data = split(backbone, "layer2").rest, labeled(backbone, "layer2")
    everything = features(rest, data.activations, ROWS)
    np.testing.assert_allclose(features(rest, data.activations, ROWS[[3, 0]]), everything[[3, 0]], atol=1e-5)


def test_the_head_learns_fastest_then_the_last_stage(backbone):
    rest, head = split(backbone, "layer1").rest, LinearHead.blank(2, backbone.width)
    groups = layer_groups(rest, head, Tuning(head_rate=5, depth_decay=0.5, unfreeze_every=1))
    assert [(group.name, group.rate, group.starts) for group in groups] == [
        ("layer1", 0.5, 2),
        ("layer2", 1, 1),
        ("head", 5, 0),
    ]


def test_a_head_alone_learns_at_the_full_rate(backbone):
    rest, head = split(backbone, "head").rest, LinearHead.blank(2, backbone.width)
    assert [(group.name, group.rate) for group in layer_groups(rest, head, Tuning())] == [("head", 1.0)]


def test_answers_are_those_of_a_balanced_sample_unless_the_labels_shares_are_asked_for(backbone):
    data = labeled(backbone, "head")
    assert torch.exp(log_shares(data, Tuning())).tolist() == pytest.approx([0.6, 0.4])
    for settings in ({"class_prior": "labels"}, {"class_weight": "balanced"}):
        added = log_shares(data, Tuning(**settings))
        assert added[0] == added[1]


@pytest.mark.parametrize("settings", [{}, {"class_prior": "labels"}, {"class_weight": "balanced"}, {"smoothing": 0.3}])
def test_a_class_without_labels_is_not_denied_or_lifted_by_training(backbone, settings):
    """Items of the labeled classes teach nothing of the third: its score against theirs stays as it began."""
    known = activations(backbone, TEXTS, freeze_at="head")
    data = Labeled(known, INDEX, 3, ROWS, ROWS[:0])
    head = LinearHead.blank(3, backbone.width)
    rest, recipe = split(backbone, "head").rest, Recipe(epochs=25, learning_rate=0.02, weight_decay=0.0)
    fine_tune(rest, head, data, recipe=recipe, tuning=Tuning(batch_size=5, **settings), random_state=0)
    assert head.coef[2].abs().max().item() < 1e-3
    assert head.intercept[2].abs().item() < 1e-3
    assert head.coef[:2].abs().max().item() > 0.1


def test_a_weighted_loss_learns_too(backbone):
    rest, head, data, _ = trained(backbone, "head", class_weight="balanced", smoothing=0.1)
    assert scores_of(rest, head, data.activations, ROWS).argmax(axis=1).tolist() == INDEX.tolist()


def test_held_out_rows_are_told_of_and_not_learned_from(backbone):
    data = labeled(backbone, "head", held_out=[4])
    rest, head = split(backbone, "head").rest, LinearHead.blank(2, backbone.width)
    recipe = Recipe(epochs=2, learning_rate=0.01)
    history = fine_tune(rest, head, data, recipe=recipe, tuning=Tuning(), random_state=0)
    assert history.records[0].held_out.loss == pytest.approx(np.log(2), abs=1e-6)
    assert len(history.records) == 3
