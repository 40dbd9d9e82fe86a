"""Image models of transformers: tiny random ones made here, and the real MobileNets where they are."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from torch import Tensor

from anyshot.base.protocols import Classifying, Digested, Encoder
from anyshot.base.validation import unit
from anyshot.encoders.image_model import load_image_model
from anyshot.encoders.images import imagenet_class_names
from anyshot.encoders.stages import choose
from anyshot.errors import EncoderError, MissingWeightsError

PROCESSOR = {
    "image_processor_type": "ViTImageProcessor",
    "do_resize": True,
    "size": {"height": 32, "width": 32},
    "do_rescale": True,
    "do_normalize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
}
VIT = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, "image_size": 32}
DINO = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 32, "patch_size": 8}
RESNET = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"}
CONVNEXT = {"hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2}
SWIN = {"embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2], "image_size": 32, "window_size": 4}

CLASSIFIERS = {
    "ViT": (transformers.ViTForImageClassification, transformers.ViTConfig, {**VIT, "patch_size": 8}),
    "DINOv2": (transformers.Dinov2ForImageClassification, transformers.Dinov2Config, DINO),
    "ResNet": (transformers.ResNetForImageClassification, transformers.ResNetConfig, RESNET),
    "ConvNeXt": (transformers.ConvNextForImageClassification, transformers.ConvNextConfig, CONVNEXT),
    "Swin": (transformers.SwinForImageClassification, transformers.SwinConfig, SWIN),
}


@pytest.fixture
def images() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, size=(*shape, 3), dtype=np.uint8) for shape in ((40, 50), (32, 32), (70, 30))]


def make(folder: Path, model_class: type, config: transformers.PretrainedConfig) -> Path:
    torch.manual_seed(0)
    model = model_class(config)
    for layer in model.modules():
        if isinstance(layer, torch.nn.Linear) and layer.bias is not None:
            torch.nn.init.zeros_(layer.bias)
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    return folder


def theirs(folder: Path, auto: type, images: list[np.ndarray]) -> object:
    """Return what transformers' own model makes of the images, in the precision that the encoder runs in."""
    processor = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")
    x: Tensor = processor(images=[Image.fromarray(image) for image in images], return_tensors="pt")["pixel_values"]
    compute = choose("cpu")
    model = auto.from_pretrained(folder).eval().to(compute.dtype)
    with torch.inference_mode():
        return model(x.to(compute.dtype))


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_the_vectors_of_a_classifier_are_what_its_last_layer_reads(name, images, tmp_path):
    model_class, config_class, settings = CLASSIFIERS[name]
    folder = make(tmp_path, model_class, config_class(**settings, num_labels=1000))
    encoder = load_image_model(folder, device="cpu")
    vectors = encoder.encode(images)
    assert vectors.shape == (3, encoder.width)
    # Without a bias, the logits are the vectors times the weights, but for the length that was scaled away.
    logits = theirs(folder, transformers.AutoModelForImageClassification, images).logits.float().numpy()
    scores = vectors @ encoder.classifier.weights.T
    for row in range(3):
        assert np.corrcoef(scores[row], logits[row])[0, 1] > 0.995
    assert isinstance(encoder, Encoder)
    assert isinstance(encoder, Digested)
    assert encoder.classifier.names == imagenet_class_names()


@pytest.mark.parametrize("name", ["ResNet", "DINOv2"])
def test_the_vectors_of_a_trunk_are_its_pooled_output(name, images, tmp_path):
    config_class, settings = CLASSIFIERS[name][1:]
    folder = make(
        tmp_path, transformers.AutoModel.from_config(config_class(**settings)).__class__, config_class(**settings)
    )
    encoder = load_image_model(folder, device="cpu")
    pooled = theirs(folder, transformers.AutoModel, images).pooler_output.flatten(1).float().numpy()
    np.testing.assert_allclose(encoder.encode(images), unit(pooled), atol=1e-2)
    assert not isinstance(encoder, Classifying)


def test_a_pooler_without_weights_gives_way_to_the_class_token(images, tmp_path):
    config = transformers.ViTConfig(**VIT, patch_size=8)
    torch.manual_seed(0)
    transformers.ViTModel(config, add_pooling_layer=False).save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    encoder = load_image_model(tmp_path, device="cpu")
    states = theirs(tmp_path, transformers.AutoModel, images).last_hidden_state.float().numpy()
    np.testing.assert_allclose(encoder.encode(images), unit(states[:, 0]), atol=1e-2)


def test_a_classifier_of_few_classes_brings_no_names_to_build_on(tmp_path):
    config = transformers.ResNetConfig(**RESNET, id2label={0: "cat", 1: "dog"}, label2id={"cat": 0, "dog": 1})
    encoder = load_image_model(make(tmp_path, transformers.ResNetForImageClassification, config), device="cpu")
    assert encoder.width == 16
    assert not isinstance(encoder, Classifying)


def test_a_model_that_lacks_weights_is_refused_and_not_filled_at_random(tmp_path):
    config = transformers.ResNetConfig(**RESNET)
    make(tmp_path, transformers.ResNetModel, config)
    settings = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(settings | {"architectures": ["ResNetForImageClassification"]}))
    with pytest.raises(MissingWeightsError, match=r"lacks 2 of the weights that ResNetForImageClassification needs"):
        load_image_model(tmp_path, device="cpu")


def test_a_model_without_an_image_processor_is_refused(tmp_path):
    folder = make(tmp_path, transformers.ResNetModel, transformers.ResNetConfig(**RESNET))
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(EncoderError, match="cannot be opened as an image model of transformers"):
        load_image_model(folder, device="cpu")


def test_the_digest_changes_with_the_weights_and_the_preprocessing(tmp_path):
    folder = make(tmp_path, transformers.ResNetModel, transformers.ResNetConfig(**RESNET))
    first = load_image_model(folder, device="cpu").digest
    assert load_image_model(folder, device="cpu").digest == first
    (folder / "preprocessor_config.json").write_text(json.dumps(PROCESSOR | {"image_std": [0.25, 0.25, 0.25]}))
    assert load_image_model(folder, device="cpu").digest != first


def test_loading_prints_nothing(tmp_path, capfd):
    folder = make(tmp_path, transformers.ResNetModel, transformers.ResNetConfig(**RESNET))
    capfd.readouterr()
    load_image_model(folder, device="cpu")
    assert capfd.readouterr() == ("", "")


def test_mobilenet_v2_gives_transformers_own_pooled_features(shared, images):
    folder = shared / "models" / "mobilenet_v2_1.0_224"
    if not folder.is_dir():
        pytest.skip("needs the MobileNetV2 folder of the real models")
    encoder = load_image_model(folder, device="cpu")
    pooled = theirs(folder, transformers.AutoModel, images).pooler_output.float().numpy()
    assert encoder.width == 1280
    assert np.sum(encoder.encode(images) * unit(pooled), axis=1) == pytest.approx(1, abs=1e-3)
    assert encoder.classifier.weights.shape == (1000, 1280)
    assert encoder.classifier.names[0] == ("tench", "Tinca tinca")
