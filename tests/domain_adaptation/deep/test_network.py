import numpy as np
import pytest
import torch
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch import nn

from anyshot.domain_adaptation.deep.confusion import DomainConfusionClassifier
from anyshot.errors import (
    BadItemError,
    DomainError,
    InputError,
    NotEnoughClassesError,
    NotEnoughLabelsError,
    TargetLabelsError,
    WidthError,
)
from contract import assert_fit_returns_self_and_repeats, assert_init_only_stores, assert_predict_changes_nothing
from domain_adaptation.worlds import rotated_clusters

QUICK = {"source_epochs": 2, "epochs": 3, "learning_rate": 0.01, "batch_size": 16, "random_state": 0}


@pytest.fixture(scope="module")
def rotated():
    return rotated_clusters()


SETTINGS = {"epochs": 20, "source_epochs": 10, "learning_rate": 0.01, "batch_size": 32, "random_state": 0}


@pytest.fixture(scope="module")
def plain(rotated):
    X, y, _ = rotated
    return DomainConfusionClassifier(**SETTINGS).fit(X, y)


def in_other_batches(estimator):
    """Return the check that compares weights with copies, which are in other batches and batch norms."""
    return {"check_sample_weight_equivalence_on_dense_data": "copies of an item are in other batches"}


@parametrize_with_checks(
    [DomainConfusionClassifier(source_epochs=5, epochs=12, learning_rate=0.05, random_state=0)],
    expected_failed_checks=in_other_batches,
)
def test_sklearn_contract(estimator, check):
    torch.set_num_threads(1)
    check(estimator)


def test_contract(rotated):
    X, y, _ = rotated
    model = DomainConfusionClassifier(nn.Sequential(nn.Linear(2, 4), nn.Tanh()), **QUICK)
    assert_init_only_stores(model)
    assert_fit_returns_self_and_repeats(model, X, y)
    assert_predict_changes_nothing(model, X, y)


@pytest.mark.parametrize("align", ["mcc", "mmd", "deep-coral", "cdan", "dann"])
def test_alignment_improves_the_predictions_on_a_rotated_domain(align, rotated, plain):
    X, y, target = rotated
    aligned = DomainConfusionClassifier(align=align, **SETTINGS).fit(X, y, target=target)
    assert np.mean(aligned.predict(X) == y) > 0.9 or align == "mcc"
    assert np.mean(aligned.predict(target) == y) >= np.mean(plain.predict(target) == y) - 0.02


@pytest.mark.parametrize("adapted", [False, True], ids=["source alone", "adapted"])
def test_items_of_weight_0_are_left_out_of_the_loss(adapted, rotated):
    X, y, target = rotated
    wrong = np.where(np.arange(len(y)) % 4 == 0, (y + 1) % 3, y)  # a quarter of the labels, with weight 0
    given = {"target": target if adapted else None, "sample_weight": wrong == y}
    models = [DomainConfusionClassifier(**QUICK).fit(X, labels, **given) for labels in (y, wrong)]
    np.testing.assert_array_equal(models[0].predict_proba(X), models[1].predict_proba(X))


def test_weights_that_are_all_0_are_refused(rotated):
    X, y, target = rotated
    with pytest.raises(NotEnoughLabelsError, match="All 120 weights are zero"):
        DomainConfusionClassifier(**QUICK).fit(X, y, target=target, sample_weight=np.zeros(120))


def test_the_network_parameter_is_not_changed(rotated):
    X, y, target = rotated
    network = nn.Sequential(nn.Linear(2, 4), nn.ReLU())
    before = network[0].weight.clone()
    model = DomainConfusionClassifier(network, **QUICK).fit(X, y, target=target)
    assert torch.equal(network[0].weight, before)
    assert not torch.equal(model.network_[0].weight, before)


def test_with_weight_0_the_target_has_no_influence(rotated):
    X, y, target = rotated
    network = nn.Sequential(nn.Linear(2, 4), nn.ReLU())  # without batch norms, which are estimated on the target
    one = DomainConfusionClassifier(network, align="mmd", weight=0.0, **QUICK).fit(X, y, target=target)
    other = DomainConfusionClassifier(network, align="deep-coral", weight=0.0, **QUICK).fit(X, y, target=target - 7)
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))


def test_the_seed_makes_fit_reproducible_without_changing_the_seed_of_torch(rotated):
    X, y, target = rotated
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first, second = (
        DomainConfusionClassifier(align="dann", **QUICK).fit(X, y, target=target).predict_proba(target)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)
    assert torch.equal(torch.rand(1), expected)


def test_images_need_a_network_of_ones_own(rotated):
    X, y, target = rotated
    images, others = X.reshape(-1, 1, 1, 2), target.reshape(-1, 1, 1, 2)
    network = nn.Sequential(nn.Conv2d(1, 3, (1, 2)), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten())
    model = DomainConfusionClassifier(network, **QUICK).fit(images, y, target=others)
    assert model.predict_proba(others).shape == (120, 3)
    assert float(model.network_[1].num_batches_tracked) == np.ceil(120 / 16)  # estimated on the target at the end


def test_items_may_be_network_inputs(rotated):
    class Rows:
        def __init__(self, table):
            self.table = torch.from_numpy(table)

        def __len__(self):
            return len(self.table)

        def batch(self, rows):
            return {"x": self.table[torch.from_numpy(np.asarray(rows))]}

    class Rest(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 4)

        def forward(self, state):
            return torch.relu(self.layer(state["x"]))

    X, y, target = rotated
    model = DomainConfusionClassifier(Rest(), **QUICK).fit(Rows(X), y, target=Rows(target))
    assert model.predict(Rows(target)).shape == (120,)


def test_diagnostics_compare_with_the_source_model(rotated):
    X, y, target = rotated
    model = DomainConfusionClassifier(align="dann", **QUICK).fit(X, y, target=target)
    differ = np.mean(model.source_probabilities_.argmax(axis=1) != model.predict_proba(target).argmax(axis=1))
    assert model.diagnostics_.disagreement == pytest.approx(differ)
    assert 0 <= model.diagnostics_.domain_accuracy <= 1


def test_refit_source_free_does_not_change_the_head(rotated):
    X, y, target = rotated
    model = DomainConfusionClassifier(source_epochs=10, epochs=20, learning_rate=0.01, random_state=0).fit(X, y)
    before = np.mean(model.predict(target) == y)
    head = model.head_.weight.clone()
    model.refit_source_free(target, epochs=15)
    assert np.mean(model.predict(target) == y) >= before
    assert torch.equal(model.head_.weight, head)
    assert model.diagnostics_.domain_accuracy is None


def test_adapt_norms_estimates_the_norms_on_the_target(rotated):
    X, y, target = rotated
    network = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 4), nn.ReLU())
    model = DomainConfusionClassifier(network, **QUICK).fit(X, y)
    model.adapt_norms(target + 5)
    np.testing.assert_allclose(model.network_[0].running_mean, target.mean(axis=0) + 5, atol=0.2)


@pytest.mark.parametrize("step", [DomainConfusionClassifier.adapt_norms, DomainConfusionClassifier.refit_source_free])
def test_diagnostics_are_those_of_the_last_target(step, rotated):
    X, y, target = rotated
    model = DomainConfusionClassifier(**QUICK).fit(X, y, target=target)
    other = target[:50] + 5
    before = model.predict_proba(other)
    step(model, other)
    np.testing.assert_array_equal(model.source_probabilities_, before)
    differ = np.mean(before.argmax(axis=1) != model.predict_proba(other).argmax(axis=1))
    assert model.diagnostics_.disagreement == pytest.approx(differ)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"target": np.zeros((1, 2))}, DomainError, "1 item"),
        ({"target": np.zeros((5, 3))}, WidthError, "the source's are"),
        ({"target": np.full((5, 2), np.nan)}, BadItemError, "NaN"),
        ({"target": (np.zeros((5, 2)), np.zeros(5))}, TargetLabelsError, "must not see labels of the target"),
        ({"y": np.zeros(120)}, NotEnoughClassesError, "The source has 1 class"),
        ({"align": "adda"}, InputError, "Choose one of 'mcc', 'mmd'"),
        ({"weight": -1.0}, InputError, "weight must be a number of at least 0; it is -1.0"),
        ({"weight": np.nan}, InputError, "weight must be a number of at least 0; it is nan"),
        ({"batch_size": 1}, InputError, "batch_size must be at least 2; it is 1"),
        ({"network": nn.Identity(), "X": np.zeros((120, 2, 2)), "target": None}, InputError, "End it with nn.Flatten"),
        ({"X": np.zeros((120, 2, 2)), "target": None}, InputError, "need a network"),
        ({"network": nn.Linear}, InputError, "network must be a torch.nn.Module"),
        ({"network": nn.Linear(5, 3)}, InputError, r"cannot read items of shape \(2, 2\).* Change its first layer"),
    ],
)
def test_invalid_input_is_refused(change, error, message, rotated):
    X, y, target = rotated
    data = {"X": X, "y": y, "target": target} | {key: change[key] for key in ("X", "y", "target") if key in change}
    settings = QUICK | {key: value for key, value in change.items() if key not in data}
    with pytest.raises(error, match=message):
        DomainConfusionClassifier(**settings).fit(data["X"], data["y"], target=data["target"])


@pytest.mark.parametrize("n", [33, 65])
def test_the_last_batch_may_lack_all_items_but_one(n, rotated):
    X, y, target = rotated
    settings = {"source_epochs": 1, "epochs": 1, "batch_size": 32, "random_state": 0}
    model = DomainConfusionClassifier(**settings).fit(X[-n:], y[-n:], target=target[:n])
    assert model.adapt_norms(target[:n]).refit_source_free(target[:n], epochs=1).predict(target[:n]).shape == (n,)
    for adapt in (model.adapt_norms, model.refit_source_free):
        with pytest.raises(DomainError, match="target has 1 item"):
            adapt(target[:1])


def test_a_refit_without_a_target_removes_the_diagnostics(rotated):
    X, y, target = rotated
    model = DomainConfusionClassifier(**QUICK).fit(X, y, target=target).fit(X, y)
    assert not hasattr(model, "diagnostics_")
    assert not hasattr(model, "source_probabilities_")
