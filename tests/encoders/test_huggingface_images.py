"""Tiny random image and image-text models of transformers, and the real MobileNets if they are available."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor

from anyshot.base.protocols import Classifying, Digested, Encoder, TextAligned
from anyshot.base.validation import unit
from anyshot.encoders.huggingface_images import BATCH_TEXTS, ImageTextEncoder, TransformersImageEncoder
from anyshot.encoders.images import imagenet_class_names
from anyshot.encoders.stages import choose
from anyshot.errors import BadItemError, EncoderError, MissingWeightsError

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
    """Return the output of transformers' own model, in the encoder's precision."""
    processor = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")
    x: Tensor = processor(images=[Image.fromarray(image) for image in images], return_tensors="pt")["pixel_values"]
    compute = choose("cpu")
    model = auto.from_pretrained(folder).eval().to(compute.dtype)
    with torch.inference_mode():
        return model(x.to(compute.dtype))


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
    with pytest.raises(EncoderError, match="cannot be opened by transformers"):
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


WORDS = ["<pad>", "<unk>", "<end>", "a", "photo", "of", "cat", "dog", "house"]
TEXT_CONFIG = {
    "vocab_size": len(WORDS),
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 12,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
VISION_CONFIG = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 32,
    "patch_size": 8,
}
JOINT_PROCESSOR = {
    "do_resize": True,
    "size": {"height": 32, "width": 32},
    "do_center_crop": False,
    "do_rescale": True,
    "do_normalize": True,
}
SENTENCES = [
    "a photo of a cat <end>",
    "dog <end>",
    "a house of a house of a house of a house of a house of a dog <end>",
]


def make_image_text(folder: Path, model: transformers.PreTrainedModel, processor: str) -> Path:
    torch.manual_seed(0)
    model.save_pretrained(folder)
    words = Tokenizer(models.WordLevel({word: row for row, word in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", unk_token="<unk>", eos_token="<end>"
    )
    tokenizer.save_pretrained(folder)
    settings = JOINT_PROCESSOR | {"image_processor_type": processor, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return folder


def clip(folder: Path) -> Path:
    torch.manual_seed(0)
    config = transformers.CLIPConfig(text_config=TEXT_CONFIG, vision_config=VISION_CONFIG, projection_dim=10)
    return make_image_text(folder, transformers.CLIPModel(config), "CLIPImageProcessor")


def siglip(folder: Path) -> Path:
    torch.manual_seed(0)
    config = transformers.SiglipConfig(text_config=TEXT_CONFIG | {"projection_size": 16}, vision_config=VISION_CONFIG)
    return make_image_text(folder, transformers.SiglipModel(config), "SiglipImageProcessor")


@pytest.fixture(params=[clip, siglip], ids=["CLIP", "SigLIP"])
def folder(request, tmp_path) -> Path:
    return request.param(tmp_path)


@pytest.fixture
def encoder(folder) -> ImageTextEncoder:
    return ImageTextEncoder(folder, device="cpu")


def joint_output(folder: Path, images: list[np.ndarray]) -> object:
    """Return the output of transformers' own model for images and sentences, in the encoder's precision."""
    processor = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")
    pixels = processor(images=[Image.fromarray(image) for image in images], return_tensors="pt")["pixel_values"]
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval().to(choose("cpu").dtype)
    is_siglip = model.config.model_type == "siglip"
    padding = "max_length" if is_siglip else True
    tokens = tokenizer(SENTENCES, padding=padding, max_length=12, truncation=True, return_tensors="pt")
    mask = None if is_siglip else tokens["attention_mask"]
    with torch.inference_mode():
        return model(input_ids=tokens["input_ids"], attention_mask=mask, pixel_values=pixels.to(model.dtype))


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
