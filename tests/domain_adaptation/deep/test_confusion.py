"""Saved models, and the methods with a fixed loss."""

import numpy as np
import pytest
from torch import nn

from anyshot.base.model_folder import write_model
from anyshot.domain_adaptation.deep.confusion import (
    CDAN,
    DAN,
    DANN,
    MCC,
    DeepCORAL,
    DomainConfusionClassifier,
    load_domain_confusion,
)
from anyshot.errors import ModelFolderError
from domain_adaptation.worlds import rotated_clusters

QUICK = {"source_epochs": 2, "epochs": 3, "learning_rate": 0.01, "batch_size": 16, "random_state": 0}


@pytest.fixture(scope="module")
def rotated():
    return rotated_clusters()


@pytest.mark.parametrize("network", [None, nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4))], ids=["ours", "own"])
def test_a_saved_model_gives_the_same_predictions(network, rotated, tmp_path):
    X, y, target = rotated
    model = DomainConfusionClassifier(network, align="dann", **QUICK).fit(X, np.array(list("abc"))[y], target=target)
    model.save(tmp_path / "model")
    again = load_domain_confusion(tmp_path / "model", network)
    np.testing.assert_array_equal(again.predict_proba(target), model.predict_proba(target))
    np.testing.assert_array_equal(again.predict(target), model.predict(target))
    assert again.align == "dann"
    assert again.history_ == model.history_
    assert again.refit_source_free(target, epochs=1).diagnostics_.messages is not None  # it can be trained further


def test_loading_a_model_with_a_network_of_ones_own_needs_that_network(rotated, tmp_path):
    X, y, target = rotated
    network = nn.Sequential(nn.Linear(2, 4), nn.Tanh())
    DomainConfusionClassifier(network, **QUICK).fit(X, y, target=target).save(tmp_path / "model")
    with pytest.raises(ModelFolderError, match=r"a network of your own.*load_domain_confusion\(folder, network\)"):
        load_domain_confusion(tmp_path / "model")
    with pytest.raises(ModelFolderError, match=r"this network has 0.weight of shape \(5, 2\)"):
        load_domain_confusion(tmp_path / "model", nn.Sequential(nn.Linear(2, 5), nn.Tanh()))


def test_another_kind_of_model_is_refused(tmp_path):
    write_model(tmp_path / "other", facts={"kind": "Sorcery"}, arrays={}, card="")
    with pytest.raises(ModelFolderError, match="contains a 'Sorcery', not a DomainConfusionClassifier"):
        load_domain_confusion(tmp_path / "other")


@pytest.mark.parametrize(
    ("method", "align"), [(DANN, "dann"), (CDAN, "cdan"), (MCC, "mcc"), (DAN, "mmd"), (DeepCORAL, "deep-coral")]
)
def test_named_methods_are_domain_confusion_with_one_loss(method, align, rotated, tmp_path):
    X, y, target = rotated
    named = method(**QUICK).fit(X, y, target=target)
    general = DomainConfusionClassifier(align=align, **QUICK).fit(X, y, target=target)
    np.testing.assert_array_equal(named.predict_proba(target), general.predict_proba(target))
    assert "align" not in named.get_params()
    named.save(tmp_path / "model")
    loaded = load_domain_confusion(tmp_path / "model")
    assert loaded.align == align
    np.testing.assert_array_equal(loaded.predict_proba(target), named.predict_proba(target))
