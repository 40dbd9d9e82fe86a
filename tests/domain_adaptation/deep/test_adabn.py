import numpy as np
import torch
from torch import nn

from anyshot.domain_adaptation.deep.adabn import adapt_norms


def batches(items, size=5):
    return [items[first : first + size] for first in range(0, len(items), size)]


def test_statistics_become_the_targets():
    items = torch.from_numpy(np.random.default_rng(0).normal(3, 2, size=(20, 4)).astype(np.float32))
    network = nn.Sequential(nn.BatchNorm1d(4))
    assert adapt_norms(network, batches(items)) == 1
    np.testing.assert_allclose(network[0].running_mean, items.mean(dim=0), rtol=1e-5)
    spread = torch.stack([batch.var(dim=0) for batch in batches(items)]).mean(dim=0)
    np.testing.assert_allclose(network[0].running_var, spread, rtol=1e-5)


def test_a_shift_of_mean_and_spread_is_undone():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2)).eval()
    source = torch.randn(40, 4)
    adapt_norms(network, [source])
    expected = network(source)
    adapt_norms(network, [3 * source + 1])
    torch.testing.assert_close(network(3 * source + 1), expected, atol=1e-3, rtol=1e-3)


def test_what_was_learned_and_the_mode_stay():
    network = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5)).train()
    network[2].eval()
    learned = {name: parameter.clone() for name, parameter in network.named_parameters()}
    adapt_norms(network, [torch.randn(8, 4)])
    assert all(torch.equal(parameter, learned[name]) for name, parameter in network.named_parameters())
    assert [module.training for module in network] == [True, True, False]
    assert network[1].momentum == 0.1


def test_dropout_is_off_while_the_target_is_measured():
    network = nn.Sequential(nn.Dropout(0.9), nn.BatchNorm1d(1)).train()
    adapt_norms(network, [torch.full((50, 1), 2.0)])
    assert float(network[1].running_mean) == 2.0


def test_norms_that_are_meant_to_stay_do():
    class Frozen(nn.BatchNorm1d):
        def train(self, mode=True):
            return super().train(False)

    network = nn.Sequential(Frozen(1))
    assert adapt_norms(network, [torch.full((5, 1), 2.0)]) == 0
    assert float(network[0].running_mean) == 0


def test_a_network_without_norms_is_left_alone():
    assert adapt_norms(nn.Linear(2, 2), [torch.zeros(3, 2)]) == 0
