import numpy as np
import pytest
import torch
from torch import nn

from anyshot.domain_adaptation.deep.source_free import adabn, information_loss, nearest_centers, shot
from anyshot.training.recipe import Recipe


def test_certain_and_diverse_predictions_have_the_lowest_loss():
    assert float(information_loss(1000 * torch.eye(4))) == pytest.approx(-np.log(4), abs=1e-5)


def test_equal_predictions_have_zero_loss():
    assert float(information_loss(1000 * torch.eye(4)[[1, 1, 1]])) == pytest.approx(0, abs=1e-5)
    assert float(information_loss(torch.zeros(3, 4))) == pytest.approx(0, abs=1e-5)


def test_items_get_the_class_of_the_nearest_center():
    features = torch.tensor([[4.0, 0.0], [5.0, 0.1], [0.0, 4.0], [0.1, 5.0]])
    predicted = torch.tensor([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.1, 0.9]])  # the second prediction is wrong
    assert nearest_centers(features, predicted).tolist() == [0, 0, 1, 1]


def test_a_class_that_is_never_predicted_gets_no_items():
    features = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    predicted = torch.tensor([[0.6, 0.3, 0.1]]).repeat(20, 1)
    assert nearest_centers(features, predicted).tolist() == [0] * 20


def test_shot_improves_the_network_and_does_not_change_the_head():
    torch.manual_seed(0)
    network, head = nn.Linear(2, 2), nn.Linear(2, 2)
    with torch.no_grad():
        network.weight.copy_(torch.eye(2))
        network.bias.zero_()
        head.weight.copy_(torch.tensor([[3.0, -3.0], [-3.0, 3.0]]))
        head.bias.zero_()
    truth = torch.arange(64) % 2
    # The class is the larger feature; in the target, an offset changes that for half of class 1.
    target = 0.3 * torch.randn(64, 2) + torch.stack([1.0 - truth, truth.float()], dim=1) + torch.tensor([1.1, 0.0])
    before = float((head(network(target)).argmax(dim=1) == truth).float().mean())
    kept = head.weight.clone()
    shot(
        network, head, lambda rows: target[torch.from_numpy(rows)], 64, recipe=Recipe(epochs=20, learning_rate=0.03),
        batch_size=32, random_state=0,
    )  # fmt: skip
    after = float((head(network(target)).argmax(dim=1) == truth).float().mean())
    assert before < 0.8
    assert after > 0.9
    assert torch.equal(head.weight, kept)
    assert head.weight.requires_grad


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
