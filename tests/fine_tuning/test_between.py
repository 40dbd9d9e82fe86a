"""Between the first weights and the trained ones: the ends, the middle, and the place that held-out items choose."""

import numpy as np
import pytest
import torch

from anyshot.encoders.activations import activations
from anyshot.encoders.backbones import open_backbone, split
from anyshot.fine_tuning.between import TRIED, USUAL, Start
from anyshot.fine_tuning.head import LinearHead
from anyshot.fine_tuning.partial import Labeled
from anyshot.fine_tuning.tuning import Tuning
from tiny_language_models import TEXTS, saved

INDEX = np.array([0, 1, 0, 0, 1])


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    folder, _ = saved("bert", tmp_path_factory.mktemp("bert"))
    return open_backbone(f"hf:{folder}", device="cpu")


def moved_head(backbone, *, to, moved="auto", held_out=()):
    """Return where a head ends that training moved from zero to `to` (2, width)."""
    rest, head = split(backbone, "head").rest, LinearHead.blank(2, backbone.width)
    known = activations(backbone, TEXTS, freeze_at="head")
    data = Labeled(known, INDEX, 2, np.setdiff1d(np.arange(5), held_out), np.array(held_out, dtype=np.intp))
    start = Start(rest, head)
    with torch.no_grad():
        head.coef.copy_(to)
    share = start.settle(rest, head, data, Tuning(moved=moved))
    return share, head.coef.detach()


@pytest.mark.parametrize("moved", [0.0, 0.3, 1.0])
def test_weights_stand_as_far_from_the_first_as_is_asked(backbone, moved):
    to = torch.ones(2, backbone.width)
    share, coef = moved_head(backbone, to=to, moved=moved)
    assert share == moved
    torch.testing.assert_close(coef, moved * to)


def test_half_the_way_where_nothing_is_held_out(backbone):
    assert moved_head(backbone, to=torch.ones(2, backbone.width))[0] == USUAL


def test_held_out_items_choose_the_full_way_to_the_truth_and_the_least_to_its_contrary(backbone):
    z = torch.from_numpy(np.asarray(activations(backbone, TEXTS, freeze_at="head").batch(np.arange(5)).x))
    unit = torch.nn.functional.normalize(z, dim=1)
    truth = torch.linalg.lstsq(unit, torch.nn.functional.one_hot(torch.from_numpy(INDEX), 2).float()).solution.T
    assert moved_head(backbone, to=truth, held_out=np.arange(5))[0] == max(TRIED)
    assert moved_head(backbone, to=-truth, held_out=np.arange(5))[0] == min(TRIED)
