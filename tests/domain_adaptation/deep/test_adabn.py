import numpy as np
import torch
from torch import nn

from anyshot.domain_adaptation.deep.adabn import adabn


def batches(items, size=5):
    return [items[first : first + size] for first in range(0, len(items), size)]


def test_the_statistics_become_those_of_the_target():
    items = torch.from_numpy(np.random.default_rng(0).normal(3, 2, size=(20, 4)).astype(np.float32))
    network = nn.Sequential(nn.BatchNorm1d(4))
    assert adabn(network, batches(items)) == 1
    np.testing.assert_allclose(network[0].running_mean, items.mean(dim=0), rtol=1e-5)
    spread = torch.stack([batch.var(dim=0) for batch in batches(items)]).mean(dim=0)
    np.testing.assert_allclose(network[0].running_var, spread, rtol=1e-5)


def test_a_shift_of_mean_and_variance_is_removed():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2)).eval()
    source = torch.randn(40, 4)
    adabn(network, [source])
    expected = network(source)
    adabn(network, [3 * source + 1])
    torch.testing.assert_close(network(3 * source + 1), expected, atol=1e-3, rtol=1e-3)


def test_parameters_and_modes_do_not_change():
    network = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5)).train()
    network[2].eval()
    learned = {name: parameter.clone() for name, parameter in network.named_parameters()}
    adabn(network, [torch.randn(8, 4)])
    assert all(torch.equal(parameter, learned[name]) for name, parameter in network.named_parameters())
    assert [module.training for module in network] == [True, True, False]
    assert network[1].momentum == 0.1


def test_dropout_is_disabled():
    network = nn.Sequential(nn.Dropout(0.9), nn.BatchNorm1d(1)).train()
    adabn(network, [torch.full((50, 1), 2.0)])
    assert float(network[1].running_mean) == 2.0


def test_frozen_norms_do_not_change():
    class Frozen(nn.BatchNorm1d):
        def train(self, mode=True):
            return super().train(False)

    network = nn.Sequential(Frozen(1))
    assert adabn(network, [torch.full((5, 1), 2.0)]) == 0
    assert float(network[0].running_mean) == 0


def test_a_network_without_norms_is_not_changed():
    assert adabn(nn.Linear(2, 2), [torch.zeros(3, 2)]) == 0
