"""The behavior that all network classifiers share."""

import pickle

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import get_scorer, roc_auc_score

import tiny_language_models as tiny
from anyshot.encoders.backbones import open_backbone
from anyshot.errors import InputError, ItemWarning
from anyshot.fine_tuning.classifier import FineTunedClassifier
from anyshot.fine_tuning.contrastive import ContrastiveClassifier
from anyshot.fine_tuning.network import NetworkClassifier, checked_rate, last_third
from anyshot.fine_tuning.tuning import Tuning
from anyshot.tasks.loading import load

X, Y = tiny.QUESTIONS, tiny.ABOUT


@pytest.fixture(scope="module", params=["fine-tuned", "contrastive"])
def model(request, bert) -> NetworkClassifier:
    settings = {"epochs": 1, "learning_rate": 5e-3, "random_state": 0}
    if request.param == "contrastive":
        return ContrastiveClassifier(bert, pairs_per_item=4, **settings).fit(X, Y)
    return FineTunedClassifier(bert, tuning=Tuning(cache=False), **settings).fit(X, Y)


def test_predictions_are_the_most_probable_class_and_probabilities_the_softmax_of_the_scores(model):
    scores = model.scores(X)
    np.testing.assert_allclose(model.predict_proba(X), softmax(scores.astype(float), axis=1))
    assert model.predict(X).tolist() == model.classes_[scores.argmax(axis=1)].tolist()


def test_a_pickled_model_predicts_the_same(model):
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


def test_predictions_for_no_items_are_empty(model):
    assert model.scores([]).shape == (0, 2)
    assert model.decision_function([]).shape == (0,)
    assert model.predict([]).shape == (0,)


def test_the_decision_function_of_two_classes_is_the_difference_of_their_scores(model):
    scores = model.scores(X)
    np.testing.assert_array_equal(model.decision_function(X), scores[:, 1] - scores[:, 0])
    assert get_scorer("roc_auc")(model, X, Y) == roc_auc_score(Y, scores[:, 1] - scores[:, 0])


def test_texts_that_are_not_read_to_the_end_are_warned_of_once(model):
    again = pickle.loads(pickle.dumps(model))
    with pytest.warns(ItemWarning, match="1 text is longer than the 12 tokens that the encoder reads.*: row 1"):
        again.predict(["card", "card " * 30])
    again.predict(["card " * 30])  # a second warning would be an error


def test_evaluate_runs_the_network_once(model, monkeypatch):
    calls, score = [], type(model).scores
    monkeypatch.setattr(type(model), "scores", lambda self, items: calls.append(items) or score(self, items))
    evaluation = model.evaluate(X, Y)
    assert calls == [X]
    assert evaluation.accuracy == np.mean(score(model, X).argmax(axis=1) == np.repeat([0, 1], 4))
    assert model.evaluate({Y[0]: X[:4], Y[4]: X[4:]}).accuracy == evaluation.accuracy


def test_an_unfitted_model_raises_not_fitted_error(model, tmp_path):
    name = type(model).__name__
    for method in (lambda new: new.predict(X), lambda new: new.assembled(), lambda new: new.save(tmp_path / "model")):
        with pytest.raises(NotFittedError, match=rf"This {name} is not fitted yet\. Call fit\(items, labels\) first"):
            method(clone(model))


def test_a_loaded_model_gives_the_same_scores(model, tmp_path):
    model.save(tmp_path / "model")
    again = load(tmp_path / "model", encoder=model.encoder)
    assert type(again) is type(model)
    np.testing.assert_allclose(again.scores(X), model.scores(X), atol=1e-6)
    assert (again.freeze_at_, again.reasons_) == (model.freeze_at_, model.reasons_)
    assert again.history_.facts() == model.history_.facts()


@pytest.mark.parametrize("wrong", [(text for text in X), "where card", {"a": "b"}])
def test_items_that_are_not_a_list_are_an_error(model, wrong):
    with pytest.raises(InputError, match="A list of items is needed"):
        model.predict(wrong)
    with pytest.raises(InputError, match=r"needed|leave y out"):
        clone(model).fit(wrong, Y)


def test_labels_that_are_missing_or_not_a_list_are_an_error(model):
    with pytest.raises(InputError, match="8 items were given without labels"):
        clone(model).fit(X, None)
    with pytest.raises(InputError, match="A list of labels is needed; got a generator"):
        clone(model).fit(X, (label for label in Y))


@pytest.mark.parametrize(("given", "rate"), [("auto", 0.5), (2, 2.0), (np.float32(0.25), 0.25)])
def test_auto_gives_the_default_learning_rate(given, rate):
    assert checked_rate(given, default=0.5) == rate


@pytest.mark.parametrize("wrong", ["fast", None, True])
def test_a_learning_rate_that_is_not_a_number_is_an_error(wrong):
    with pytest.raises(InputError, match="learning_rate must be a number or 'auto'; it is"):
        checked_rate(wrong, default=0.5)


def test_the_last_third_of_the_layers_excludes_pooling_and_head(bert):
    backbone = open_backbone("minilm")  # embeddings, six layers, pooling, head: seven layers, three to train
    assert last_third(backbone) == "layer4"
    tiny_one = open_backbone(bert)
    assert last_third(tiny_one) == tiny_one.stages[-3]
