"""MultitaskNetwork: contract, weightings, errors, and saving."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from torch import nn

from anyshot.base.validation import generator
from anyshot.errors import BadItemError, InputError, ModelFolderError, NotEnoughLabelsError, WidthError
from anyshot.tasks.multitask.gradient_rules import RULES
from anyshot.tasks.multitask.model import MultitaskModel
from anyshot.tasks.multitask.network import MultitaskNetwork, gram_of, load_multitask_network
from contract import assert_init_only_stores

WEIGHTINGS = ["equal", "uncertainty", *RULES]


def make_trunk():
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU())


def three_tasks(n=64):
    random = generator(0)
    X = random.normal(size=(n, 4)).astype(np.float32)
    y = {
        "side": np.where(X[:, 0] > 0, "up", "down").tolist(),
        "third": X[:, :3].argmax(axis=1).tolist(),
        "mark": (10 * X[:, 0] + 50.25).tolist(),
    }
    for number, labels in enumerate(y.values()):
        labels[number::4] = [None] * len(labels[number::4])
    return X, y


def network(**settings):
    return MultitaskNetwork(make_trunk, **{"epochs": 3, "batch_size": 16, "random_state": 0, **settings})


def test_init_only_stores():
    assert_init_only_stores(network(weighting="mgda"))


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_every_weighting_learns_all_tasks(weighting):
    X, y = three_tasks()
    model = network(weighting=weighting, epochs=12, learning_rate=0.05).fit(X, y)
    predicted = model.predict(X)
    assert np.mean(predicted["side"] == np.where(X[:, 0] > 0, "up", "down")) > 0.85
    assert np.mean(predicted["third"] == X[:, :3].argmax(axis=1)) > 0.7
    assert np.corrcoef(predicted["mark"], X[:, 0])[0, 1] > 0.85
    assert len(model.history_) == 12
    assert model.history_["loss third"].iloc[-1] < model.history_["loss third"].iloc[0]


@pytest.mark.parametrize("weighting", ["equal", "pcgrad"])
def test_a_random_state_repeats_and_leaves_the_global_generator_alone(weighting):
    X, y = three_tasks()
    before = torch.get_rng_state()
    first = network(weighting=weighting).fit(X, y).predict_proba(X)["third"]
    np.testing.assert_array_equal(network(weighting=weighting).fit(X, y).predict_proba(X)["third"], first)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_module_as_trunk_is_copied_with_its_weights():
    X, y = three_tasks()
    trunk = make_trunk()
    before = trunk[0].weight.detach().clone()
    model = MultitaskNetwork(trunk, epochs=1, learning_rate=1e-6, random_state=0).fit(X, y)
    assert torch.equal(trunk[0].weight, before)
    torch.testing.assert_close(model.trunk_[0].weight, before, atol=1e-4, rtol=0)
    assert clone(model).fit(X, y).trunk_ is not trunk


def test_a_frozen_part_of_the_trunk_is_not_trained():
    X, y = three_tasks()
    trunk = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8))
    trunk[0].requires_grad_(False)
    model = MultitaskNetwork(trunk, weighting="mgda", epochs=2, random_state=0).fit(X, y)
    assert torch.equal(model.trunk_[0].weight, trunk[0].weight)
    assert not torch.equal(model.trunk_[2].weight, trunk[2].weight)


def test_the_gram_matrix_is_of_gradients_in_the_trunk():
    weight = nn.Parameter(torch.tensor([1.0, 2.0]))
    losses = [weight @ torch.tensor([3.0, 0.0]), (weight**2).sum()]  # gradients (3, 0) and (2, 4)
    np.testing.assert_allclose(gram_of(losses, [weight]), [[9, 6], [6, 20]])


@pytest.mark.parametrize("weighting", ["equal", "imtl-g"])
def test_weights_of_the_trunk_sum_to_one(weighting):
    X, y = three_tasks()
    history = network(weighting=weighting).fit(X, y).history_
    np.testing.assert_allclose(history.filter(like="weight").sum(axis=1), 1, rtol=1e-5)


def test_uncertainty_gives_the_noisy_task_less_weight():
    X, _ = three_tasks(256)
    y = {"clear": (X[:, 0] + 0.01).tolist(), "noise": generator(1).normal(size=256).tolist()}
    model = network(weighting="uncertainty", epochs=40, batch_size=64, learning_rate=0.05).fit(X, y)
    last = model.history_.iloc[-1]
    assert last["weight clear"] > 2 * last["weight noise"]


def test_a_batch_may_have_no_labels_of_a_task():
    X, y = three_tasks()
    rare = [None] * 64
    rare[:4] = ["a", "b", "a", "b"]
    for weighting in WEIGHTINGS:
        model = network(weighting=weighting).fit(X, {**y, "rare": rare})
        assert np.isfinite(model.predict_proba(X)["rare"]).all()


@pytest.mark.parametrize("n", [3, 7, 11])
def test_no_batch_holds_a_single_item(n):
    X, y = three_tasks(n)
    trunk = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8))
    model = MultitaskNetwork(trunk, batch_size=2, epochs=1, random_state=0).fit(X, {"mark": y["mark"]})
    assert model.predict(X)["mark"].shape == (n,)


def test_items_may_have_any_shape():
    X = generator(0).normal(size=(20, 1, 6, 6))
    model = MultitaskNetwork(lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten()), epochs=1, random_state=0)
    assert model.fit(X, {"side": [0, 1] * 10}).predict(X[:3])["side"].shape == (3,)


def test_a_task_without_labels_raises_an_error():
    X, y = three_tasks()
    with pytest.raises(NotEnoughLabelsError, match="Task 'side' has no labels"):
        network().fit(X, {**y, "side": [None] * 64})


def test_an_unknown_weighting_raises_an_error():
    with pytest.raises(InputError, match=r"Unknown weighting 'gradnorm'. Choose one of: equal, uncertainty, pcgrad"):
        network(weighting="gradnorm").fit(*three_tasks())


def test_an_invalid_trunk_raises_an_error():
    with pytest.raises(InputError, match=r"trunk must return features .* it returns \(2, 1, 4\)\. End it"):
        MultitaskNetwork(nn.Unflatten(1, (1, 4))).fit(*three_tasks())
    with pytest.raises(InputError, match=r"trunk cannot read items of shape \(2, 4\): .* cannot be multiplied"):
        MultitaskNetwork(nn.Linear(5, 3)).fit(*three_tasks())
    with pytest.raises(InputError, match="trunk must be a torch module or return one; got a NoneType"):
        MultitaskNetwork(None).fit(*three_tasks())


def test_nan_in_an_item_raises_an_error_with_its_row():
    X, y = three_tasks()
    X[5, 0] = np.inf
    with pytest.raises(BadItemError, match="row 5"):
        network().fit(X, y)


def test_predict_before_fit_raises_an_error():
    with pytest.raises(NotFittedError):
        network().predict(three_tasks()[0])


@pytest.mark.parametrize("trunk", [make_trunk, make_trunk()], ids=["function", "module"])
def test_a_saved_network_predicts_the_same(trunk, tmp_path):
    X, y = three_tasks()
    model = network(weighting="uncertainty").fit(X, y)
    model.save(tmp_path / "model")
    state = torch.random.get_rng_state()
    again = load_multitask_network(tmp_path / "model", trunk)
    assert torch.equal(torch.random.get_rng_state(), state)
    for task, predicted in model.predict(X).items():
        np.testing.assert_array_equal(again.predict(X)[task], predicted)
    assert again.weighting == "uncertainty"
    assert clone(again).fit(X, y).predict(X).keys() == y.keys()


def test_statistics_of_batch_norms_are_saved(tmp_path):
    X, y = three_tasks()
    trunk = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8))
    model = MultitaskNetwork(trunk, epochs=2, random_state=0).fit(3 * X + 1, y)
    model.save(tmp_path / "model")
    again = load_multitask_network(tmp_path / "model", trunk)
    np.testing.assert_array_equal(again.predict(X)["mark"], model.predict(X)["mark"])


def test_a_trunk_with_other_layers_raises_an_error(tmp_path):
    network().fit(*three_tasks()).save(tmp_path / "model")
    other = nn.Sequential(nn.Linear(4, 9), nn.ReLU())
    with pytest.raises(ModelFolderError, match=r"saved with 0.weight of shape \(8, 4\); this trunk has 0.weight of"):
        load_multitask_network(tmp_path / "model", other)
    with pytest.raises(ModelFolderError, match=r"has no 0\.bias\. Pass one"):
        load_multitask_network(tmp_path / "model", nn.Flatten())


def test_a_folder_of_another_model_raises_an_error(tmp_path):
    MultitaskModel().fit(*three_tasks()).save(tmp_path / "model")
    with pytest.raises(ModelFolderError, match="contains a 'MultitaskModel', not a MultitaskNetwork"):
        load_multitask_network(tmp_path / "model", make_trunk)


def test_items_of_another_shape_raise_an_error():
    X, y = three_tasks()
    with pytest.raises(WidthError, match=r"X has items of shape \(3,\); the model needs \(4,\)"):
        network().fit(X, y).predict(X[:, :3])


@pytest.mark.parametrize("settings", [{"batch_size": 1}, {"epochs": 0}])
def test_too_few_epochs_or_items_raise_an_error(settings):
    with pytest.raises(InputError, match="must be at least"):
        network(**settings).fit(*three_tasks())


def test_a_rule_on_gradients_needs_trainable_parameters():
    trunk = make_trunk().requires_grad_(False)
    with pytest.raises(InputError, match="needs trainable parameters in the trunk"):
        MultitaskNetwork(trunk, weighting="pcgrad", epochs=1).fit(*three_tasks())


def test_a_trunk_with_lazy_layers_is_trained():
    model = MultitaskNetwork(lambda: nn.Sequential(nn.LazyLinear(8), nn.ReLU()), epochs=1, random_state=0)
    assert model.fit(*three_tasks()).trunk_[0].in_features == 4


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_a_weight_of_3_is_as_three_copies_and_0_as_none(weighting):
    X, y = three_tasks()
    weights = np.arange(64) % 4
    rows = np.repeat(np.arange(64), weights)
    weighted = network(weighting=weighting).fit(X, y, sample_weight=weights).predict(X)
    copies = {name: [labels[row] for row in rows] for name, labels in y.items()}
    copied = network(weighting=weighting).fit(X[rows], copies).predict(X)
    np.testing.assert_allclose(weighted["mark"], copied["mark"], rtol=1e-5)
    assert weighted["third"].tolist() == copied["third"].tolist()


def test_weights_below_one_count_against_each_other():
    X, y = np.eye(2, 4, dtype=np.float32)[[0, 0, 1, 1]], {"side": ["up", "down"] * 2}
    model = network(batch_size=4, epochs=60, learning_rate=0.05).fit(X, y, sample_weight=[0.9, 0.1, 0.1, 0.9])
    assert model.predict(X[[0, 2]])["side"].tolist() == ["up", "down"]


def test_a_fit_that_fails_leaves_the_earlier_network():
    X, y = three_tasks()
    model = network().fit(X, y)
    before = model.predict(X)["mark"]
    with pytest.raises(InputError, match="trunk cannot read items"):
        model.fit(X[:, :3], {"other": y["mark"]})
    np.testing.assert_array_equal(model.predict(X)["mark"], before)


def test_no_item_has_no_predictions_and_tiny_weights_are_none():
    X, y = three_tasks()
    assert network(epochs=1).fit(X, y).predict(X[:0])["third"].shape == (0,)
    with pytest.raises(NotEnoughLabelsError, match="Task 'side' has no labels"):
        network().fit(X, y, sample_weight=np.full(64, 1e-50))
