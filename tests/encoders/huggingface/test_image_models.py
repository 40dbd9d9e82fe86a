"""Tiny random image and image-text models of transformers, and the real MobileNets if they are available."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from anyshot.base.protocols import Classifying, Digested, Encoder, TextAligned
from anyshot.base.validation import unit
from anyshot.encoders.huggingface.image_models import BATCH_TEXTS, ImageTextEncoder, TransformersImageEncoder
from anyshot.encoders.images import imagenet_class_names
from anyshot.errors import BadItemError, EncoderError, MissingWeightsError
from tiny_image_models import (
    CLASSIFIERS,
    PROCESSOR,
    RESNET,
    SENTENCES,
    VIT,
    clip,
    joint_output,
    make,
    make_image_text,
    siglip,
    theirs,
)

pytestmark = pytest.mark.torch


@pytest.fixture
def images() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, size=(*shape, 3), dtype=np.uint8) for shape in ((40, 50), (32, 32), (70, 30))]


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_classifiers_vectors_are_the_inputs_of_its_last_layer(name, images, tmp_path):
    model_class, config_class, settings = CLASSIFIERS[name]
    folder = make(tmp_path, model_class, config_class(**settings, num_labels=1000))
    encoder = TransformersImageEncoder(folder, device="cpu")
    vectors = encoder.encode(images)
    assert vectors.shape == (3, encoder.width)
    # Without a bias, the logits are proportional to the vectors times the weights.
    logits = theirs(folder, transformers.AutoModelForImageClassification, images).logits.float().numpy()
    scores = vectors @ encoder.classifier.weights.T
    for row in range(3):
        assert np.corrcoef(scores[row], logits[row])[0, 1] > 0.995
    assert isinstance(encoder, Encoder)
    assert isinstance(encoder, Digested)
    assert encoder.classifier.names == imagenet_class_names()


@pytest.mark.parametrize("name", ["ResNet", "DINOv2"])
def test_a_model_without_a_classifier_has_its_pooled_output_as_vectors(name, images, tmp_path):
    config_class, settings = CLASSIFIERS[name][1:]
    folder = make(
        tmp_path, transformers.AutoModel.from_config(config_class(**settings)).__class__, config_class(**settings)
    )
    encoder = TransformersImageEncoder(folder, device="cpu")
    pooled = theirs(folder, transformers.AutoModel, images).pooler_output.flatten(1).float().numpy()
    np.testing.assert_allclose(encoder.encode(images), unit(pooled), atol=1e-2)
    assert not isinstance(encoder, Classifying)


def test_without_pooler_weights_the_vector_is_the_class_token(images, tmp_path):
    config = transformers.ViTConfig(**VIT, patch_size=8)
    torch.manual_seed(0)
    transformers.ViTModel(config, add_pooling_layer=False).save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    encoder = TransformersImageEncoder(tmp_path, device="cpu")
    states = theirs(tmp_path, transformers.AutoModel, images).last_hidden_state.float().numpy()
    np.testing.assert_allclose(encoder.encode(images), unit(states[:, 0]), atol=1e-2)


def test_a_classifier_with_few_classes_is_not_offered(tmp_path):
    config = transformers.ResNetConfig(**RESNET, id2label={0: "cat", 1: "dog"}, label2id={"cat": 0, "dog": 1})
    encoder = TransformersImageEncoder(make(tmp_path, transformers.ResNetForImageClassification, config), device="cpu")
    assert encoder.width == 16
    assert not isinstance(encoder, Classifying)


def test_missing_weights_are_refused_not_initialized_at_random(tmp_path):
    config = transformers.ResNetConfig(**RESNET)
    make(tmp_path, transformers.ResNetModel, config)
    settings = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(settings | {"architectures": ["ResNetForImageClassification"]}))
    with pytest.raises(MissingWeightsError, match=r"lacks 2 of the weights that ResNetForImageClassification needs"):
        TransformersImageEncoder(tmp_path, device="cpu")


def test_a_model_without_an_image_processor_is_refused(tmp_path):
    folder = make(tmp_path, transformers.ResNetModel, transformers.ResNetConfig(**RESNET))
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(EncoderError, match=r"has no preprocessor_config\.json"):
        TransformersImageEncoder(folder, device="cpu")


def test_the_digest_changes_with_the_weights_and_the_preprocessing(tmp_path):
    folder = make(tmp_path, transformers.ResNetModel, transformers.ResNetConfig(**RESNET))
    first = TransformersImageEncoder(folder, device="cpu").digest
    assert TransformersImageEncoder(folder, device="cpu").digest == first
    (folder / "preprocessor_config.json").write_text(json.dumps(PROCESSOR | {"image_std": [0.25, 0.25, 0.25]}))
    assert TransformersImageEncoder(folder, device="cpu").digest != first


def test_loading_prints_nothing(tmp_path, capfd):
    folder = make(tmp_path, transformers.ResNetModel, transformers.ResNetConfig(**RESNET))
    capfd.readouterr()
    TransformersImageEncoder(folder, device="cpu")
    assert capfd.readouterr() == ("", "")


def test_mobilenet_v2_vectors_are_the_pooled_features_of_transformers(shared, images):
    folder = shared / "models" / "mobilenet_v2_1.0_224"
    if not folder.is_dir():
        pytest.skip("needs the MobileNetV2 folder of the real models")
    encoder = TransformersImageEncoder(folder, device="cpu")
    pooled = theirs(folder, transformers.AutoModel, images).pooler_output.float().numpy()
    assert encoder.width == 1280
    assert np.sum(encoder.encode(images) * unit(pooled), axis=1) == pytest.approx(1, abs=1e-3)
    assert encoder.classifier.weights.shape == (1000, 1280)
    assert encoder.classifier.names[0] == ("tench", "Tinca tinca")


@pytest.fixture(params=[clip, siglip], ids=["CLIP", "SigLIP"])
def folder(request, tmp_path) -> Path:
    return request.param(tmp_path)


@pytest.fixture
def encoder(folder) -> ImageTextEncoder:
    return ImageTextEncoder(folder, device="cpu")


def test_an_image_text_encoder_also_encodes_texts(encoder):
    assert isinstance(encoder, Encoder)
    assert isinstance(encoder, Digested)
    assert isinstance(encoder, TextAligned)
    assert not isinstance(encoder, Classifying)
    assert encoder.modality == "image"


def test_image_and_text_vectors_are_those_of_transformers(encoder, folder, images):
    output = joint_output(folder, images)
    np.testing.assert_allclose(encoder.encode(images), unit(output.image_embeds.float().numpy()), atol=1e-2)
    np.testing.assert_allclose(encoder.encode_texts(SENTENCES), unit(output.text_embeds.float().numpy()), atol=1e-2)


def test_scale_and_bias_map_cosines_to_the_models_logits(encoder, folder, images):
    logits = joint_output(folder, images).logits_per_image.float().numpy()
    cosines = encoder.encode(images) @ encoder.encode_texts(SENTENCES).T
    assert encoder.logit_scale is not None
    made = encoder.logit_scale * cosines + (encoder.logit_bias or 0)
    np.testing.assert_allclose(made, logits, atol=0.02 * encoder.logit_scale)


def test_a_texts_vector_does_not_depend_on_the_rest_of_the_batch(encoder):
    together = encoder.encode_texts(SENTENCES)
    alone = np.concatenate([encoder.encode_texts([sentence]) for sentence in SENTENCES])
    np.testing.assert_allclose(together, alone, atol=1e-2)


def test_vectors_are_float32_with_unit_length(encoder, images):
    for vectors in (encoder.encode(images), encoder.encode_texts(["cat"] * (BATCH_TEXTS + 3))):
        assert vectors.dtype == np.float32
        assert vectors.shape[1] == encoder.width
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)


def test_an_empty_list_returns_an_empty_array(encoder):
    assert encoder.encode([]).shape == (0, encoder.width)
    assert encoder.encode_texts([]).shape == (0, encoder.width)


def test_an_empty_text_is_reported_with_its_row(encoder):
    with pytest.raises(BadItemError, match="row 1 is empty"):
        encoder.encode_texts(["cat", " "])


def test_a_model_of_images_only_is_refused(tmp_path):
    config = transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8], depths=[1], layer_type="basic")
    folder = make_image_text(tmp_path, transformers.ResNetModel(config), "ViTImageProcessor")
    with pytest.raises(EncoderError, match="contains a ResNetModel, which has no shared vectors of images and texts"):
        ImageTextEncoder(folder, device="cpu")


def test_names_are_never_read_without_a_tokenizer(tmp_path):
    folder = clip(tmp_path)
    for file in folder.glob("*token*"):
        file.unlink()
    with pytest.raises(MissingWeightsError, match="has no tokenizer"):
        ImageTextEncoder(folder)


def test_images_of_another_size_than_the_networks_are_refused_when_it_is_opened(folder):
    file = folder / "preprocessor_config.json"
    file.write_text(file.read_text().replace("32", "48"))
    with pytest.raises(EncoderError, match=r"do not fit its config\.json and preprocessor_config\.json: "):
        ImageTextEncoder(folder)
