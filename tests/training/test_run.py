import json

import pytest
from torch import nn
from transformers import ConvNextV2Config, ConvNextV2Model, SwinConfig, SwinModel

from anyshot.training.recipe import LayerGroup, Recipe
from anyshot.training.run import HeldOut, History, Record, Run, plot_histories


def history(*figures: tuple[float, float]) -> History:
    records = [Record(epoch, 1.0 / (epoch + 1), HeldOut(*figure), 0.1, 1.0) for epoch, figure in enumerate(figures)]
    return History(records, "all epochs done")


def test_the_best_epoch_has_the_highest_accuracy_and_then_the_lowest_loss():
    assert history((0.5, 0.8), (0.9, 0.9), (0.7, 0.9)).best_epoch == 2


def test_without_accuracies_the_best_epoch_has_the_lowest_loss():
    assert history((0.5, 0.0), (0.2, 0.0), (0.3, 0.0)).best_epoch == 1


def test_the_earlier_of_two_equal_epochs_is_best():
    assert history((0.5, 0.9), (0.5, 0.9)).best_epoch == 0


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_an_epoch_whose_loss_is_not_finite_is_never_best(loss):
    assert history((0.3, 0.5), (loss, 0.9)).best_epoch == 0
    assert history((loss, 0.9), (0.3, 0.5)).best_epoch == 1
    assert history((loss, 0.9)).best_epoch is None


def test_without_held_out_items_no_epoch_is_best():
    assert History([Record(1, 0.5, None, 0.1, 1.0)]).best_epoch is None


def test_facts_restore_the_history():
    one = history((0.5, 0.8), (0.9, 0.9))
    assert History.from_facts(json.loads(json.dumps(one.facts()))) == one


def test_the_plot_shows_loss_and_accuracy_of_every_run():
    figure = plot_histories(
        {"one": history((0.5, 0.8), (0.4, 0.9)), "other": History([Record(1, 0.5, None, 0.1, 1.0)])}
    )
    left, right = figure.axes
    assert len(left.lines) == 3  # two in training, one held out
    assert right.lines[0].get_ydata() == pytest.approx([80, 90])


def spared(module):
    """Return the names of the parameters that weight decay does not act on."""
    run = Run([LayerGroup("all", module)], recipe=Recipe(epochs=1, learning_rate=0.1), seed=0)
    acts_on = {id(p) for group in run.optimizer.param_groups if group["weight_decay"] for p in group["params"]}
    return {name for name, parameter in module.named_parameters() if id(parameter) not in acts_on}


def test_weight_decay_acts_on_matrices_and_kernels_only():
    layers = {"linear": nn.Linear(3, 1), "conv": nn.Conv2d(4, 1, 1), "conv1": nn.Conv1d(1, 1, 5)}
    gains = {"norm": nn.LayerNorm((2, 3)), "batch": nn.BatchNorm2d(4), "table": nn.ParameterDict()}
    gains["table"]["scale"] = nn.Parameter(nn.init.ones_(nn.Linear(5, 1).weight[:, None].detach()))  # (1, 1, 5)
    network = nn.ModuleDict(layers | gains)
    expected = {f"{name}.bias" for name in [*layers, "norm", "batch"]} | {"norm.weight", "batch.weight", "table.scale"}
    assert spared(network) == expected


def test_weight_decay_does_not_act_on_gains_and_biases_of_published_networks():
    convnext = ConvNextV2Model(ConvNextV2Config(hidden_sizes=[8, 16], depths=[1, 1], num_stages=2))
    swin = SwinModel(SwinConfig(embed_dim=8, depths=[1], num_heads=[1], image_size=32, window_size=4))
    for network in (convnext, swin):
        kept = set(dict(network.named_parameters())) - spared(network)
        assert {name for name in spared(network) if "grn" in name or "relative_position_bias" in name}
        assert all(name.endswith(".weight") and "norm" not in name and "grn" not in name for name in kept)
