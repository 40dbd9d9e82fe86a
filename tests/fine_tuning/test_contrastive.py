"""Contrastive training: the loss computed by hand, the tuned vectors, the estimator's contract and errors."""

import numpy as np
import pytest
import torch

import tiny_language_models as tiny
from anyshot.base.validation import unit
from anyshot.encoders.backbones import open_backbone
from anyshot.errors import InputError, MixedInputError, NotEnoughLabelsError, UnknownStageError
from anyshot.fine_tuning.contrastive import TUNING, ContrastiveClassifier, draw_pairs, pair_loss, train_on_pairs
from anyshot.fine_tuning.partial import StageTraining, copy_weights
from anyshot.tasks.loading import load
from contract import assert_fit_returns_self_and_repeats, assert_init_only_stores, assert_predict_changes_nothing
from splits import PIXELS, saved_image_model

X, Y = tiny.QUESTIONS, tiny.ABOUT
INDEX = np.array([0, 1, 0, 1, -1])


def classifier(bert, **parameters):
    settings = {"epochs": 2, "learning_rate": 5e-3, "pairs_per_item": 8, "random_state": 0, **parameters}
    return ContrastiveClassifier(bert, **settings)


def test_the_loss_computed_by_hand():
    """The cosines are 1 and 0.6, the targets 1 and 0: the mean of 0 and 0.36."""
    left, right = torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor([[1.0, 0.0], [0.6, 0.8]])
    assert float(pair_loss(left, right, torch.tensor([1.0, 0.0]))) == pytest.approx(0.18)


def test_training_separates_the_classes_and_does_not_change_the_encoder(bert):
    backbone = open_backbone(bert, device="cpu")
    before = copy_weights(*backbone.network.values())
    run = StageTraining.open(
        backbone, tiny.TEXTS, freeze_at="layer2", tuning=TUNING, epochs=4, learning_rate=0.01, random_state=0
    )

    def gap():
        """Return the mean cosine within classes minus that between classes."""
        z = unit(run.features(np.arange(4)))
        same = INDEX[:4, None] == INDEX[:4]
        return (z @ z.T)[same].mean() - (z @ z.T)[~same].mean()

    first = gap()
    history = train_on_pairs(run, INDEX)
    assert gap() > first + 0.2
    assert history.records[-1].loss < history.records[0].loss
    for old, new in zip(before, copy_weights(*backbone.network.values()), strict=True):
        assert all(torch.equal(old[name], new[name]) for name in old)


def test_contract(bert):
    model = classifier(bert)
    assert_init_only_stores(model)
    assert_fit_returns_self_and_repeats(model, X, Y)
    assert_predict_changes_nothing(model, X, Y)


def test_it_learns_two_words_and_separates_their_items(bert):
    model = classifier(bert, epochs=8, learning_rate=0.02).fit([*X, "late"], [*Y, None])
    assert model.score(X, Y) == 1
    assert model.history_.records[-1].loss < model.history_.records[0].loss
    z = model.encoder_.encode(X)
    assert (z[:4] @ z[:4].T).mean() > (z[:4] @ z[4:].T).mean() + 0.2
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)


def test_invalid_arguments_are_errors(bert):
    with pytest.raises(UnknownStageError, match="layer9"):
        classifier(bert, freeze_at="layer9").fit(X, Y)
    with pytest.raises(NotEnoughLabelsError, match="no item has one"):
        classifier(bert, classes=["card", "refund"]).fit(X, [None] * len(X))
    with pytest.raises(MixedInputError, match="no network to fine-tune"):
        ContrastiveClassifier().fit([[0.0, 1.0], [1.0, 0.0]], ["a", "b"])


@pytest.mark.parametrize("freeze_at", ["pooling", "head"])
def test_a_freeze_point_above_all_weights_is_an_error(bert, freeze_at):
    with pytest.raises(InputError, match=f"No stage from freeze_at='{freeze_at}' on has weights to train"):
        classifier(bert, freeze_at=freeze_at).fit(X, Y)


@pytest.mark.parametrize(("wrong", "rule"), [(2.5, "an integer"), ("2", "an integer"), (0, "at least 1")])
def test_an_invalid_number_of_pairs_is_an_error(bert, wrong, rule):
    with pytest.raises(InputError, match=f"pairs_per_item must be {rule}; it is"):
        classifier(bert, pairs_per_item=wrong).fit(X, Y)


def test_a_class_without_label_or_embedding_has_a_finite_score(tmp_path):
    folder, _ = saved_image_model("resnet", tmp_path)
    model = classifier(f"hf:{folder}", classes=["a", "b", "c"], epochs=1).fit(list(PIXELS) * 2, ["a", "b", None] * 2)
    assert np.isfinite(model.scores(list(PIXELS))).all()
    assert set(model.predict(list(PIXELS))) <= {"a", "b"}


def test_a_loaded_model_predicts_and_encodes_the_same(bert, tmp_path):
    model = classifier(bert).fit(X, Y)
    model.save(tmp_path / "model")
    again = load(tmp_path / "model", encoder=bert)
    assert isinstance(again, ContrastiveClassifier)
    np.testing.assert_allclose(again.predict_proba(X), model.predict_proba(X), atol=1e-6)
    np.testing.assert_allclose(again.encoder_.encode(X), model.encoder_.encode(X), atol=1e-6)
    assert model.assembled().classes.tolist() == ["card", "refund"]


def test_a_whole_weight_is_as_many_copies_of_an_item_in_the_pairs(bert):
    counts = [2, 0, 1, 1, 1, 3, 1, 1]
    assert len(X) == len(counts)
    rows = np.repeat(np.arange(8), counts)
    weighed = classifier(bert).fit(X, Y, sample_weight=counts)
    expected = classifier(bert).fit([X[row] for row in rows], [Y[row] for row in rows])
    np.testing.assert_allclose(weighed.predict_proba(X), expected.predict_proba(X), rtol=1e-4)
    with pytest.raises(InputError, match=r"ContrastiveClassifier, which .* with whole numbers as sample_weight"):
        classifier(bert).fit(X, Y, sample_weight=[0.5] * 8)


def test_half_of_the_pairs_are_of_the_same_class_and_no_item_is_paired_with_itself():
    index = np.repeat(np.arange(6), 4)
    pairs = draw_pairs(index, n_pairs=40, generator=np.random.default_rng(0))
    np.testing.assert_array_equal(index[pairs.left] == index[pairs.right], pairs.same)
    assert pairs.same.sum() == 20
    assert (pairs.left != pairs.right).all()


def test_a_rare_class_is_in_as_many_pairs_as_a_common_one():
    index = np.array([0] * 50 + [1] * 2)
    pairs = draw_pairs(index, n_pairs=400, generator=np.random.default_rng(0))
    assert index[pairs.left[pairs.same]].mean() == pytest.approx(0.5, abs=0.1)


def test_single_items_give_only_pairs_of_different_classes():
    assert not draw_pairs(np.arange(3), n_pairs=8, generator=np.random.default_rng(0)).same.any()


def test_pairs_need_two_classes():
    with pytest.raises(NotEnoughLabelsError, match="at least two classes; there is 1"):
        draw_pairs(np.array([0, 0, -1]), n_pairs=4, generator=np.random.default_rng(0))
