"""What classifiers by a trained network have in common, whichever of them it is."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import tiny_language_models as tiny
from anyshot.contrastive_classifier import ContrastiveClassifier
from anyshot.encoders.freeze import open_backbone
from anyshot.fine_tune.tuning import Tuning
from anyshot.fine_tuned import FineTunedClassifier
from anyshot.loading import load
from anyshot.network_classifier import NetworkClassifier, last_third

WORDS = ["where", "is", "my", "please"]
X = [f"{one} {word}" for word in ("card", "refund") for one in WORDS]
Y = ["card"] * 4 + ["refund"] * 4


@pytest.fixture(scope="module")
def bert(tmp_path_factory) -> str:
    return f"hf:{tiny.saved('bert', tmp_path_factory.mktemp('bert'))[0]}"


@pytest.fixture(scope="module", params=["fine-tuned", "contrastive"])
def model(request, bert) -> NetworkClassifier:
    settings = {"epochs": 1, "learning_rate": 5e-3, "random_state": 0}
    if request.param == "contrastive":
        return ContrastiveClassifier(bert, pairs_per_item=4, **settings).fit(X, Y)
    return FineTunedClassifier(bert, tuning=Tuning(cache=False), **settings).fit(X, Y)


def test_the_likeliest_class_is_the_answer_and_probabilities_are_the_softmax_of_the_scores(model):
    scores = model.decision_function(X)
    np.testing.assert_allclose(model.predict_proba(X), softmax(scores.astype(float), axis=1))
    assert model.predict(X).tolist() == model.classes_[scores.argmax(axis=1)].tolist()


def test_no_item_has_no_score(model):
    assert model.decision_function([]).shape == (0, 2)
    assert model.predict([]).shape == (0,)


def test_it_is_judged_by_running_the_network_once(model, monkeypatch):
    asked, score = [], type(model).decision_function
    monkeypatch.setattr(type(model), "decision_function", lambda self, items: asked.append(items) or score(self, items))
    found = model.evaluate(X, Y)
    assert asked == [X]
    assert found.accuracy == np.mean(score(model, X).argmax(axis=1) == np.repeat([0, 1], 4))


def test_a_model_that_has_not_learned_says_so(model, tmp_path):
    name = type(model).__name__
    for verb in (lambda new: new.predict(X), lambda new: new.assembled(), lambda new: new.save(tmp_path / "model")):
        with pytest.raises(NotFittedError, match=rf"This {name} is not fitted yet\. Call fit\(items, labels\) first"):
            verb(clone(model))


def test_what_is_saved_answers_and_is_asked_the_same(model, tmp_path):
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert type(again) is type(model)
    np.testing.assert_allclose(again.decision_function(X), model.decision_function(X), atol=1e-6)
    assert (again.freeze_at_, again.reasons_) == (model.freeze_at_, model.reasons_)
    assert again.history_.facts() == model.history_.facts()


def test_the_last_third_of_the_layers_is_counted_without_pooling_and_head(bert):
    backbone = open_backbone("minilm")  # embeddings, six layers, pooling, head: seven that count, three to train
    assert last_third(backbone) == "layer4"
    tiny_one = open_backbone(bert)
    assert last_third(tiny_one) == tiny_one.stages[-3]
