import numpy as np
import pytest
import torch
from torch import nn

from anyshot.errors import ModelFolderError
from anyshot.training.weights import load_weights, weights_of


def test_weights_and_statistics_are_saved_and_loaded():
    ours, theirs = (nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)) for _ in range(2))
    ours(torch.tensor([[1.0, 2.0], [3.0, 5.0]]))  # updates the statistics of the norm
    arrays = weights_of(ours, "trunk")
    assert set(arrays) == {f"trunk/{name}" for name in ours.state_dict()}
    load_weights(theirs, arrays, "trunk")
    for name, value in ours.state_dict().items():
        assert torch.equal(theirs.state_dict()[name], value)


def test_the_network_does_not_share_the_arrays_memory():
    network = nn.Linear(2, 2)
    arrays = {name: array.copy() for name, array in weights_of(network, "head").items()}
    load_weights(network, arrays, "head")
    arrays["head/bias"][:] = 7
    assert not np.any(network.bias.detach().numpy() == 7)


def test_other_parts_are_ignored():
    saved, network = nn.Linear(2, 2), nn.Linear(2, 2)
    arrays = weights_of(saved, "head") | weights_of(nn.Linear(5, 5), "header")
    load_weights(network, arrays, "head")
    assert torch.equal(network.weight, saved.weight)


def test_a_network_with_other_layers_is_refused():
    arrays = weights_of(nn.Linear(2, 2), "head")
    with pytest.raises(ModelFolderError, match=r"saved with weight of shape \(2, 2\); this head has weight of shape"):
        load_weights(nn.Linear(3, 2), arrays, "head")
    with pytest.raises(ModelFolderError, match=r"saved with bias of shape \(2,\); this head has no bias"):
        load_weights(nn.Linear(2, 2, bias=False), arrays, "head")
