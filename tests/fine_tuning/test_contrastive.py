"""Pair tuning: the loss solved by hand, and items of a class that come together."""

import numpy as np
import pytest
import torch

import tiny_language_models as tiny
from anyshot.base.validation import unit
from anyshot.encoders.activations import activations
from anyshot.encoders.backbones import open_backbone, split
from anyshot.errors import InputError
from anyshot.fine_tuning.contrastive import PairBatch, pair_loss, tune_on_pairs
from anyshot.fine_tuning.partial import features
from anyshot.training.loop import Recipe
from anyshot.training.sampling import Pairs

INDEX = np.array([0, 1, 0, 1, -1])
RECIPE = Recipe(epochs=4, learning_rate=0.01)


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    return open_backbone(f"hf:{tiny.saved('bert', tmp_path_factory.mktemp('bert'))[0]}", device="cpu")


def test_the_loss_by_hand():
    """Cosines 1 and 0.6, wanted 1 and 0: the mean of 0 and 0.36."""
    left, right = torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor([[1.0, 0.0], [0.6, 0.8]])
    assert float(pair_loss(left, right, torch.tensor([1.0, 0.0]))) == pytest.approx(0.18)


def test_classes_come_apart_and_the_encoder_stays_as_it_was(backbone):
    known, rest = activations(backbone, tiny.TEXTS, freeze_at="layer2"), split(backbone, "layer2").rest
    before = {name: tensor.clone() for name, tensor in backbone.network["layer2"].state_dict().items()}

    def gap():
        """Return how much larger cosines are within classes than between them."""
        z = unit(features(rest, known, np.arange(4)))
        same = INDEX[:4, None] == INDEX[:4]
        return (z @ z.T)[same].mean() - (z @ z.T)[~same].mean()

    first = gap()
    history = tune_on_pairs(rest, known, INDEX, recipe=RECIPE, random_state=0)
    assert gap() > first + 0.2
    assert history.records[-1].loss < history.records[0].loss
    after = backbone.network["layer2"].state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_batch_can_be_cut_as_the_loop_does_where_memory_is_short():
    batch = PairBatch(Pairs(np.array([0, 1]), np.array([2, 3]), np.array([True, False])))
    assert len(batch) == 2
    assert len(batch[:1]) == 1
    assert batch[:1].pairs.right.tolist() == [2]


def test_nothing_to_train_or_no_pair_is_refused(backbone):
    known = activations(backbone, tiny.TEXTS, freeze_at="head")
    with pytest.raises(InputError, match="nothing to train but a head"):
        tune_on_pairs(split(backbone, "head").rest, known, INDEX, recipe=RECIPE)
    with pytest.raises(InputError, match="pairs_per_item must be at least 1; it is 0"):
        tune_on_pairs(split(backbone, "layer2").rest, known, INDEX, recipe=RECIPE, pairs_per_item=0)
