"""A frozen norm: what the norm answers in evaluation, whatever the mode; statistics never move."""

import pytest
import torch
from torch import nn

from anyshot.encoders.frozen_norm import FrozenNorm, freeze_norms


def seen(norm, x):
    norm.train()(x * 3 + 1)  # statistics that are not the first ones
    return norm.eval()


@pytest.mark.parametrize(
    ("norm", "shape"), [(nn.BatchNorm1d(4), (9, 4)), (nn.BatchNorm2d(4, eps=0.1), (9, 4, 2, 2))], ids=["1d", "2d"]
)
@pytest.mark.parametrize("mode", [True, False])
def test_answers_as_the_norm_in_evaluation_in_either_mode(norm, shape, mode):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    wanted = seen(norm, x)(x)
    frozen = FrozenNorm(norm).train(mode)
    before = frozen.running_var.clone()
    assert torch.equal(frozen(x), wanted)
    assert torch.equal(frozen.running_var, before)


def test_norms_are_found_at_any_depth_and_keep_their_names():
    network = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.BatchNorm1d(4), nn.ReLU()))
    names = {name for name in network.state_dict() if "tracked" not in name}
    frozen = freeze_norms(network)
    assert frozen is network
    assert set(network.state_dict()) == names
    assert isinstance(network[1][0], FrozenNorm)


def test_gain_and_offset_learn():
    frozen = FrozenNorm(nn.BatchNorm1d(4))
    frozen(torch.randn(5, 4)).square().sum().backward()
    assert frozen.weight.grad.abs().sum() > 0
    assert [name for name, _ in frozen.named_parameters()] == ["weight", "bias"]


def test_a_norm_that_keeps_no_statistics_stays():
    norm = nn.BatchNorm1d(4, track_running_stats=False)
    assert freeze_norms(norm) is norm
