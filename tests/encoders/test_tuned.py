"""Tuned encoders are used like others, and are saved with their model."""

import numpy as np
import pytest
import torch
from scipy.special import softmax

from anyshot.any_shot import cross_validation as selection
from anyshot.any_shot import model as fitted
from anyshot.any_shot.embedder import Space
from anyshot.any_shot.model import Fitted
from anyshot.any_shot.scoring import Scorer
from anyshot.any_shot.training_set import first_evidence
from anyshot.base.items import class_table
from anyshot.base.protocols import Encoder, Trained
from anyshot.encoders.backbones import assemble
from anyshot.encoders.stages import through
from anyshot.encoders.tuned import TunedEncoder, tuned_from_saved
from anyshot.errors import ModelFolderError
from anyshot.fine_tuning.classifier import FineTunedClassifier
from anyshot.fine_tuning.tuning import Tuning
from anyshot.zero_shot.class_embeddings import ClassTexts, describe

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


def test_a_model_with_a_tuned_encoder_predicts_and_is_saved(encoder, trained):
    names = ["delivery", "refund"]
    space = Space("minilm", cache=None)
    bare = first_evidence(class_table(names), describe(names), space.place_classes(describe(names)))
    index = np.array([names.index(label) for label in LABELS])
    evidence = bare.with_labels(space.place(TEXTS), index, TEXTS)
    before = fitted.fit(space, evidence, method="auto", shares=None, unknown_rate=None, start={})
    scorer = Scorer(*(part.detach().numpy() for part in (trained.head_.coef, trained.head_.intercept)))
    trial = selection.Trial("fine-tuned", 1.0, -0.1, 1.0, np.ones(12, bool), np.full(12, 0.9))
    tuned = Space(encoder, cache=None)
    moved = fitted.in_space(tuned, evidence, TEXTS, ["where is it", "money back"])
    model = fitted.with_head(before, tuned, moved, scorer, trial, None)
    assert len(model.evidence.unlabeled) == 2
    expected = softmax(trained.scores(TEXTS), axis=1)
    assert model.model.method == "fine-tuned"
    np.testing.assert_allclose(model.probabilities(model.place(TEXTS)), expected, atol=1e-2)
    back = Fitted.from_saved(model.facts(), model.arrays(), cache=None)
    np.testing.assert_allclose(back.scores(back.place(TEXTS)), model.scores(model.place(TEXTS)), atol=1e-4)
    (explanation,) = back.explain(["parcel late"], k=1)
    assert explanation.neighbors[0].label == explanation.answer == "delivery"


def test_classes_given_as_vectors_lose_them_with_a_tuned_encoder(encoder):
    names = class_table(["delivery", "refund"])
    untold = ClassTexts(("delivery", "refund"), ((), ()))
    bare = first_evidence(names, untold, np.eye(2, Space("minilm", cache=None).encoder.width, dtype=np.float32))
    evidence = bare.with_labels(Space("minilm", cache=None).place(TEXTS), np.arange(12) % 2, TEXTS)
    moved = fitted.in_space(Space(encoder, cache=None), evidence, TEXTS, None)
    assert moved.vectors.shape == (12, encoder.width)
    assert not moved.said.any()


def test_the_stages_are_the_frozen_and_the_trained_ones(encoder):
    whole = assemble(encoder, np.eye(2, encoder.width, dtype=np.float32), np.zeros(2, np.float32), np.arange(2))
    state = whole.backbone.together(whole.backbone.prepare(TEXTS[:1]))
    with torch.inference_mode():
        vectors = torch.nn.functional.normalize(through(whole.network, state).x)[0].numpy()
    np.testing.assert_allclose(vectors, encoder.encode(TEXTS[:1])[0], atol=1e-2)  # bfloat16 against float32
