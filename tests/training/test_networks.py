import pytest
import torch
from torch import nn

from anyshot.errors import InputError
from anyshot.training.networks import features_width, seeded


def test_a_seed_gives_the_same_weights_and_leaves_the_global_generator_as_it_was():
    before = torch.random.get_rng_state()
    with seeded(3):
        one = nn.Linear(2, 2).weight
    assert torch.equal(torch.random.get_rng_state(), before)
    with seeded(3):
        assert torch.equal(nn.Linear(2, 2).weight, one)
    with seeded(4):
        assert not torch.equal(nn.Linear(2, 2).weight, one)


def test_the_width_is_that_of_the_features():
    assert features_width(nn.Linear(3, 5), torch.zeros(2, 3), n_items=2, name="trunk") == 5


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (nn.Linear(4, 5), r"trunk cannot read items of shape \(2, 3\): .*Change its first layer"),
        (nn.Unflatten(1, (3, 1)), r"trunk must return features .* of shape \(2, 3\) it returns \(2, 3, 1\)\. End it"),
        (nn.Flatten(0), r"it returns \(6,\)"),
        (nn.LSTM(3, 2), "it returns tuple"),
    ],
)
def test_a_network_that_returns_no_features_is_an_error(network, message):
    with pytest.raises(InputError, match=message):
        features_width(network, torch.zeros(2, 3), n_items=2, name="trunk")
