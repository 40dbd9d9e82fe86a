"""The classifier tuned on pairs: the contract, two words learned, and what it refuses."""

import numpy as np
import pytest

import tiny_language_models as tiny
from anyshot.errors import InputError, MixedInputError, NotEnoughLabelsError, UnknownStageError
from anyshot.fine_tuning.contrastive_classifier import ContrastiveClassifier
from anyshot.tasks.loading import load
from contract import assert_fit_returns_self_and_repeats, assert_init_only_stores, assert_predict_changes_nothing
from splits import PIXELS, saved_image_model

X, Y = tiny.QUESTIONS, tiny.ABOUT


def classifier(bert, **parameters):
    settings = {"epochs": 2, "learning_rate": 5e-3, "pairs_per_item": 8, "random_state": 0, **parameters}
    return ContrastiveClassifier(bert, **settings)


def test_contract(bert):
    model = classifier(bert)
    assert_init_only_stores(model)
    assert_fit_returns_self_and_repeats(model, X, Y)
    assert_predict_changes_nothing(model, X, Y)


def test_it_learns_two_words_and_draws_their_items_together(bert):
    model = classifier(bert, epochs=8, learning_rate=0.02).fit([*X, "late"], [*Y, None])
    assert model.score(X, Y) == 1
    assert model.history_.records[-1].loss < model.history_.records[0].loss
    z = model.encoder_.encode(X)
    assert (z[:4] @ z[:4].T).mean() > (z[:4] @ z[4:].T).mean() + 0.2
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)


def test_what_cannot_be_used_is_refused(bert):
    with pytest.raises(UnknownStageError, match="layer9"):
        classifier(bert, freeze_at="layer9").fit(X, Y)
    with pytest.raises(NotEnoughLabelsError, match="none was given"):
        classifier(bert, classes=["card", "refund"]).fit(X, [None] * len(X))
    with pytest.raises(MixedInputError, match="no network to tune"):
        ContrastiveClassifier().fit([[0.0, 1.0], [1.0, 0.0]], ["a", "b"])


@pytest.mark.parametrize("freeze_at", ["pooling", "head"])
def test_a_freeze_point_above_all_weights_is_refused(bert, freeze_at):
    with pytest.raises(InputError, match="leaves nothing to train but a head"):
        classifier(bert, freeze_at=freeze_at).fit(X, Y)


@pytest.mark.parametrize("wrong", [2.5, "2"])
def test_a_number_of_pairs_that_is_not_whole_is_refused(bert, wrong):
    with pytest.raises(InputError, match="pairs_per_item must be a whole number; it is"):
        classifier(bert, pairs_per_item=wrong).fit(X, Y)


def test_a_class_of_which_nothing_is_known_has_a_finite_score(tmp_path):
    """An image encoder places no names: of a class without a label nothing is known."""
    folder, _ = saved_image_model("resnet", tmp_path)
    model = classifier(f"hf:{folder}", classes=["a", "b", "c"], epochs=1).fit(list(PIXELS) * 2, ["a", "b", None] * 2)
    assert np.isfinite(model.scores(list(PIXELS))).all()
    assert set(model.predict(list(PIXELS))) <= {"a", "b"}


def test_saved_loaded_and_put_together_it_answers_the_same(bert, tmp_path):
    model = classifier(bert).fit(X, Y)
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert isinstance(again, ContrastiveClassifier)
    np.testing.assert_allclose(again.predict_proba(X), model.predict_proba(X), atol=1e-6)
    np.testing.assert_allclose(again.encoder_.encode(X), model.encoder_.encode(X), atol=1e-6)
    assert model.assembled().classes.tolist() == ["card", "refund"]
