"""Tuned encoders are used like others, and are saved with their model."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import softmax

from anyshot.any_shot.embedder import Embedder
from anyshot.any_shot.explanation import explain
from anyshot.any_shot.fitting import fit_model
from anyshot.any_shot.model import CrossValidationResult, LinearModel, Model
from anyshot.any_shot.training_set import without_items
from anyshot.base.model_folder import SavedModel
from anyshot.base.protocols import Encoder, Trained
from anyshot.encoders.backbones import assemble
from anyshot.encoders.stages import through
from anyshot.encoders.tuned import TunedEncoder, tuned_from_saved
from anyshot.errors import ModelFolderError
from anyshot.fine_tuning.classifier import FineTunedClassifier
from anyshot.fine_tuning.tuning import Tuning
from anyshot.tasks.tuning_choice import with_fine_tuned
from anyshot.zero_shot.class_texts import ClassTexts, describe

TEXTS = ["refund my money", "money back please", "where is my parcel", "the parcel is late"] * 3
LABELS = ["refund", "refund", "delivery", "delivery"] * 3


@pytest.fixture(scope="module")
def trained():
    tuning = Tuning(cache=False, held_out=0)
    return FineTunedClassifier("minilm", freeze_at="layer6", epochs=1, tuning=tuning, random_state=0).fit(TEXTS, LABELS)


@pytest.fixture(scope="module")
def encoder(trained):
    return TunedEncoder("minilm", trained.backbone_, trained.freeze_at_, trained.rest_)


def test_the_head_computes_the_scores_of_the_trained_model_from_the_vectors(trained, encoder):
    assert isinstance(encoder, Encoder)
    assert isinstance(encoder, Trained)
    vectors = encoder.encode(TEXTS[:4])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    coef, intercept = (part.detach().numpy() for part in (trained.head_.coef, trained.head_.intercept))
    np.testing.assert_allclose(vectors @ coef.T + intercept, trained.scores(TEXTS[:4]), atol=1e-2)


def test_the_digest_depends_on_the_weights(trained, encoder):
    weights = trained.rest_.state_dict()
    moved = {key: value + 1 for key, value in weights.items()}
    trained.rest_.load_state_dict(moved)
    other = TunedEncoder("minilm", trained.backbone_, trained.freeze_at_, trained.rest_).digest
    trained.rest_.load_state_dict({key: value - 1 for key, value in moved.items()})
    assert other != encoder.digest


def test_a_saved_encoder_is_restored(encoder):
    back = tuned_from_saved("minilm", encoder.facts(), encoder.arrays())
    np.testing.assert_allclose(back.encode(TEXTS[:3]), encoder.encode(TEXTS[:3]), atol=1e-6)


def test_other_frozen_weights_raise_an_error(encoder):
    with pytest.raises(ModelFolderError, match="'minilm' on this machine is not the one"):
        tuned_from_saved("minilm", {**encoder.facts(), "frozen": "0" * 64}, encoder.arrays())


def without_one(arrays):
    return dict(list(arrays.items())[1:])


def with_another_name(arrays):
    return {name.replace("norm", "layer_norm"): array for name, array in arrays.items()}


def of_another_shape(arrays):
    return {name: array[:-1] for name, array in arrays.items()}


@pytest.mark.parametrize("change", [without_one, with_another_name, of_another_shape])
def test_other_trained_layers_raise_an_error(change, encoder):
    """Another version of transformers may give layers other names."""
    with pytest.raises(ModelFolderError, match="'minilm' on this machine is not the one"):
        tuned_from_saved("minilm", encoder.facts(), change(encoder.arrays()))


@pytest.fixture(scope="module")
def result():
    return CrossValidationResult("fine-tuned", 1.0, -0.1, 1.0, np.ones(12, bool), np.full(12, 0.9))


def test_a_model_with_a_fine_tuned_encoder_is_saved_and_explained(encoder, trained, result):
    names, embedder = ["delivery", "refund"], Embedder("minilm", cache=None)
    classes = without_items(describe(names), embedder.reader.embed(describe(names)))
    index = np.array([names.index(label) for label in LABELS])
    data = classes.with_labels(embedder.encode(TEXTS), index, TEXTS).with_unlabeled(embedder.encode(TEXTS[:2]))
    head = LinearModel(*(part.detach().numpy() for part in (trained.head_.coef, trained.head_.intercept)))
    tuned = Embedder(encoder, cache=None)
    fitted = replace(fit_model(embedder, data), pool_temperature=2.0)
    model = with_fine_tuned(fitted, tuned, head, result, TEXTS, ["where is it", "money back"])
    assert len(model.data.unlabeled) == 2
    assert model.pool_temperature == 1  # the head is not fitted to unlabeled items
    assert model.method == "fine-tuned"
    assert "fine-tuned" in {row.method for row in model.leaderboard}
    expected = softmax(trained.scores(TEXTS), axis=1)
    np.testing.assert_allclose(model.probabilities(model.encode(TEXTS)), expected, atol=1e-2)
    facts, arrays = model.facts(), model.arrays()
    back = Model.from_saved(facts, arrays, Embedder.from_saved(SavedModel(facts, arrays, "0"), cache=None))
    np.testing.assert_allclose(back.scores(back.encode(TEXTS)), model.scores(model.encode(TEXTS)), atol=1e-4)
    (why,) = explain(back, ["parcel late"], k=1)
    assert why.neighbors[0].label == why.answer == "delivery"


def test_classes_given_by_vectors_have_no_embedding_for_a_fine_tuned_encoder(encoder, result):
    embedder = Embedder("minilm", cache=None)
    embeddings = np.eye(2, embedder.encoder.width, dtype=np.float32)
    classes = without_items(ClassTexts(("a", "b"), ((), ())), embeddings)
    data = classes.with_labels(embedder.encode(TEXTS), np.arange(12) % 2, TEXTS)
    head = LinearModel(np.zeros((2, encoder.width), np.float32), np.zeros(2, np.float32))
    tuned = Embedder(encoder, cache=None)
    model = with_fine_tuned(fit_model(embedder, data, method="prototype"), tuned, head, result, TEXTS, None)
    assert model.data.vectors.shape == (12, encoder.width)
    assert not model.data.class_embeddings.any()


def test_the_stages_are_the_frozen_and_the_trained_ones(encoder):
    whole = assemble(encoder, np.eye(2, encoder.width, dtype=np.float32), np.zeros(2, np.float32), np.arange(2))
    state = whole.backbone.together(whole.backbone.prepare(TEXTS[:1]))
    with torch.inference_mode():
        vectors = torch.nn.functional.normalize(through(whole.network, state).x)[0].numpy()
    np.testing.assert_allclose(vectors, encoder.encode(TEXTS[:1])[0], atol=1e-2)  # bfloat16 against float32
