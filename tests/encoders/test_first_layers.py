"""The first layers of a text encoder return their states, pooled like those of the whole encoder."""

import numpy as np
import pytest
import torch
from sklearn.base import clone

import tiny_language_models as tiny
from anyshot.base.protocols import Digested, Encoder
from anyshot.encoders.backbones import split
from anyshot.encoders.first_layers import FirstLayers
from anyshot.encoders.freeze import backbone_of, from_scratch
from anyshot.encoders.registry import load_encoder
from anyshot.encoders.stages import through
from anyshot.errors import EncoderError


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    return f"hf:{tiny.saved('bert', tmp_path_factory.mktemp('bert'))[0]}"


def test_the_vectors_are_the_pooled_states_of_the_first_layers(named):
    student, whole = FirstLayers(load_encoder(named), 1), backbone_of(FirstLayers(load_encoder(named), 1))
    assert isinstance(student, Encoder)
    assert isinstance(student, Digested)
    assert student.backbone().stages == ("embeddings", "layer1", "pooling", "head")
    state = whole.together(whole.prepare(tiny.TEXTS))
    with torch.inference_mode():
        pooled = through({**whole.network}, state).x.numpy()
    expected = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
    np.testing.assert_allclose(student.encode(tiny.TEXTS), expected, atol=0.02)  # bfloat16, where the device has it


def test_the_layers_can_be_split_and_trained_from_scratch(named):
    student = FirstLayers(load_encoder(named), 1)
    assert [name for name, _ in split(student.backbone(), "layer1").rest.named_stages()] == ["layer1", "pooling"]
    assert from_scratch(student.backbone(), random_state=0).stages == student.backbone().stages


def test_the_digest_depends_on_the_number_of_layers(named):
    assert FirstLayers(load_encoder(named), 1).digest != load_encoder(named).digest


def test_clone_returns_the_same_object(named):
    student = FirstLayers(load_encoder(named), 1)
    assert clone(student) is student


@pytest.mark.parametrize("n_layers", [0, 2])
def test_no_layers_and_all_layers_raise_an_error(named, n_layers):
    with pytest.raises(EncoderError, match=f"n_layers={n_layers} .* at least 1 and less than 2"):
        FirstLayers(load_encoder(named), n_layers)


def test_an_image_encoder_raises_an_error():
    with pytest.raises(EncoderError, match="is not a text encoder with layers"):
        FirstLayers(load_encoder("efficientnet-lite0"), 1)
