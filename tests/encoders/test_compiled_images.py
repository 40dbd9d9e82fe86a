"""Image and image-text models that openvino runs: the vectors of transformers, and what is wrong with a folder."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from sklearn.base import clone

from anyshot.base.protocols import Classifying, Digested, Encoder, TextAligned
from anyshot.base.validation import unit
from anyshot.encoders.compiled_images import CompiledImageEncoder, CompiledImageTextEncoder, read_supported
from anyshot.encoders.engines.choice import UnsupportedModelError
from anyshot.encoders.engines.weights import Weights
from anyshot.encoders.images import imagenet_class_names
from anyshot.errors import BadItemError, EncoderError, MissingWeightsError, UnknownEncoderError
from graphs import largest_distance, randomized

pytestmark = pytest.mark.torch  # transformers writes the models

IMAGES = [
    np.random.default_rng(0).integers(0, 256, size=(*shape, 3), dtype=np.uint8)
    for shape in ((40, 50), (32, 32), (70, 30))
]
EFFICIENTNET = {"width_coefficient": 0.25, "depth_coefficient": 0.3, "hidden_dim": 320, "image_size": 32}
FAMILIES = {
    "ViT": {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 32, "patch_size": 8},
    "ResNet": {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"},
    "MobileNetV2": {"depth_multiplier": 0.35, "image_size": 32},
    "EfficientNet": EFFICIENTNET,
}


def tiny(name: str, folder: Path, *, classes: int = 0) -> Path:
    """Save a tiny model of a family, a classifier of that many classes or no classifier."""
    import torch
    import transformers

    from tiny_image_models import PROCESSOR

    config = getattr(transformers, f"{name}Config")(**FAMILIES[name], **({"num_labels": classes} if classes else {}))
    model = randomized(getattr(transformers, f"{name}{'ForImageClassification' if classes else 'Model'}")(config))
    for layer in model.modules():
        if classes and isinstance(layer, torch.nn.Linear) and layer.out_features == classes:
            torch.nn.init.zeros_(layer.bias)
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    return folder


def changed(folder: Path, **settings: object) -> Path:
    """Change settings in config.json; None removes one."""
    config = json.loads((folder / "config.json").read_text()) | settings
    (folder / "config.json").write_text(json.dumps({key: value for key, value in config.items() if value is not None}))
    return folder


@pytest.fixture(params=["CLIP", "CLIP with its own end token", "SigLIP"])
def joint(request, tmp_path) -> Path:
    from tiny_image_models import clip, siglip

    made = {"CLIP": clip, "CLIP with its own end token": lambda folder: clip(folder, end=6), "SigLIP": siglip}
    return made[request.param](tmp_path)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_vectors_are_the_pooled_outputs_of_transformers(name, tmp_path):
    import torch
    import transformers

    from tiny_image_models import theirs

    folder = tiny(name, tmp_path)
    encoder = CompiledImageEncoder(folder, precision="float32")
    pooled = theirs(folder, transformers.AutoModel, IMAGES, torch.float32).pooler_output.flatten(1).numpy()
    assert largest_distance(encoder.encode(IMAGES), unit(pooled)) < 1e-4
    assert encoder.width == pooled.shape[1]
    assert isinstance(encoder, Encoder)
    assert isinstance(encoder, Digested)
    assert not isinstance(encoder, Classifying)
    assert clone(encoder) is encoder
    assert encoder.encode([]).shape == (0, encoder.width)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_classifiers_vectors_are_the_inputs_of_its_last_layer(name, tmp_path):
    import torch
    import transformers

    from tiny_image_models import theirs

    folder = tiny(name, tmp_path, classes=1000)
    encoder = CompiledImageEncoder(folder, precision="float32")
    logits = theirs(folder, transformers.AutoModelForImageClassification, IMAGES, torch.float32).logits.numpy()
    # Without a bias, the logits are proportional to the vectors times the weights.
    scores = encoder.encode(IMAGES) @ encoder.classifier.weights.T
    assert largest_distance(scores, logits) < 1e-4
    assert encoder.classifier.names == imagenet_class_names()


def test_a_classifier_with_few_classes_is_not_offered(tmp_path):
    assert not isinstance(CompiledImageEncoder(tiny("ResNet", tmp_path, classes=2)), Classifying)


def test_without_pooler_weights_the_vector_is_the_class_token(tmp_path):
    import torch
    import transformers

    from tiny_image_models import theirs

    folder = tiny("ViT", tmp_path)
    weights = load_file(folder / "model.safetensors")
    kept = {name: array for name, array in weights.items() if "pooler" not in name}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    states = theirs(folder, transformers.AutoModel, IMAGES, torch.float32).last_hidden_state.numpy()
    vectors = CompiledImageEncoder(folder, precision="float32").encode(IMAGES)
    assert largest_distance(vectors, unit(states[:, 0])) < 1e-4


def test_bfloat16_changes_a_vector_little_and_the_digest(tmp_path):
    folder = tiny("ResNet", tmp_path)
    exact, fast = (CompiledImageEncoder(folder, precision=one) for one in ("float32", "bfloat16"))
    assert largest_distance(exact.encode(IMAGES), fast.encode(IMAGES)) < 1e-2
    assert exact.digest.split()[0] == fast.digest.split()[0]
    assert exact.digest.split()[1:] == ["float32"]
    assert fast.digest.split()[1:] == ["bfloat16", "openvino"]  # torch rounds at other places


def test_encoders_of_the_same_files_share_one_graph(tmp_path):
    folder = tiny("ResNet", tmp_path)
    one, other = CompiledImageEncoder(folder), CompiledImageEncoder(folder)
    assert one._graph._engine is other._graph._engine
    assert CompiledImageEncoder(folder, threads=7)._graph._engine is not one._graph._engine


def test_it_can_be_trained_by_torch(tmp_path):
    folder = tiny("ResNet", tmp_path)
    backbone = CompiledImageEncoder(folder).backbone()
    assert backbone.stages == ("stem", "layer1", "layer2", "pooling", "head")


def test_images_and_texts_have_the_vectors_of_transformers(joint):
    import torch

    from tiny_image_models import SENTENCES, joint_output

    encoder = CompiledImageTextEncoder(joint, precision="float32")
    output = joint_output(joint, IMAGES, torch.float32)
    assert largest_distance(encoder.encode(IMAGES), output.image_embeds.numpy()) < 1e-4
    assert largest_distance(encoder.encode_texts(SENTENCES), output.text_embeds.numpy()) < 1e-4
    made = encoder.logit_scale * encoder.encode(IMAGES) @ encoder.encode_texts(SENTENCES).T + (encoder.logit_bias or 0)
    np.testing.assert_allclose(made, output.logits_per_image.numpy(), atol=1e-3)
    assert isinstance(encoder, TextAligned)
    assert isinstance(encoder, Digested)


def test_many_texts_are_answered_in_order_and_an_empty_one_is_named(joint):
    encoder = CompiledImageTextEncoder(joint, precision="float32")
    texts = [" ".join(["cat", "dog", "a", "of"][: 1 + row % 4]) + " <end>" for row in range(150)]
    together = encoder.encode_texts(texts)
    np.testing.assert_allclose(
        together[:4], np.concatenate([encoder.encode_texts([one]) for one in texts[:4]]), atol=1e-5
    )
    np.testing.assert_allclose(together[4:8], together[:4], atol=1e-5)
    assert encoder.encode_texts([]).shape == (0, encoder.width)
    with pytest.raises(BadItemError, match="row 1 is empty"):
        encoder.encode_texts(["cat", " "])


def test_the_half_that_reads_images_can_be_trained_by_torch(joint):
    backbone = CompiledImageTextEncoder(joint).backbone()
    assert backbone.modality == "image"


def test_neither_torch_nor_transformers_is_imported(joint, tmp_path_factory):
    folder = tiny("MobileNetV2", tmp_path_factory.mktemp("mobilenet"))
    code = (
        "import sys, numpy, anyshot\n"
        "for folder in sys.argv[1:]:\n"
        "    encoder = anyshot.load_encoder(f'hf:{folder}', device='cpu')\n"
        "    encoder.encode([numpy.zeros((9, 9, 3), 'uint8')])\n"
        "encoder.encode_texts(['cat'])\n"
        "print(type(encoder).__name__, sorted({'torch', 'transformers'} & set(sys.modules)))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, folder, joint], check=True, capture_output=True, text=True
    ).stdout
    assert told == "CompiledImageTextEncoder []\n"


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"model_type": "convnext"}, "models of type 'convnext' are not among those"),
        ({"hidden_act": "mish"}, "it has the activation 'mish'"),
    ],
)
def test_what_openvino_cannot_run_is_named(settings, reason, tmp_path):
    folder = changed(tiny("ResNet", tmp_path), **settings)
    with pytest.raises(UnsupportedModelError, match=reason):
        CompiledImageEncoder(folder)


def test_without_a_tokenizer_json_openvino_cannot_run_it(joint):
    CompiledImageTextEncoder.check(joint)
    (joint / "tokenizer.json").unlink()
    with pytest.raises(UnsupportedModelError, match=r"it has no tokenizer\.json"):
        CompiledImageTextEncoder.check(joint)


def test_a_processor_of_transformers_only_is_named(tmp_path):
    folder = tiny("ResNet", tmp_path)
    (folder / "preprocessor_config.json").write_text(json.dumps({"image_processor_type": "FlavaImageProcessor"}))
    with pytest.raises(UnsupportedModelError, match=r"its preprocessor_config\.json asks for FlavaImageProcessor"):
        read_supported(folder)


def test_a_folder_without_an_image_processor_is_refused(tmp_path):
    folder = tiny("ResNet", tmp_path)
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(EncoderError, match=r"has no preprocessor_config\.json.*Download the model again"):
        read_supported(folder)


def test_a_folder_without_a_config_is_refused(tmp_path):
    with pytest.raises(UnknownEncoderError, match=r"is not a model: it has no config\.json"):
        read_supported(tmp_path)


def test_missing_weights_are_named(tmp_path):
    folder = changed(tiny("ResNet", tmp_path), architectures=["ResNetForImageClassification"])
    with pytest.raises(MissingWeightsError, match=r"lacks the weights classifier\.weight"):
        CompiledImageEncoder(folder)


def test_a_folder_that_asks_for_its_own_code_is_refused(tmp_path):
    folder = changed(tiny("ResNet", tmp_path), auto_map={"AutoModel": "owner/code--modeling.Model"})
    with pytest.raises(UnknownEncoderError, match=r"needs its own code \(owner/code--modeling.Model\), which is never"):
        read_supported(folder)


def test_a_tokenizer_of_another_model_is_refused(joint):
    encoder = CompiledImageTextEncoder(joint)
    weights = encoder._texts._weights
    name = "text_model.embeddings.token_embedding.weight"
    encoder._texts._weights = Weights({name: weights[name][:4]}, "test")
    with pytest.raises(EncoderError, match="has a token with the number 6, but the network knows only 4"):
        encoder.encode_texts(["cat"])


def test_weights_cut_short_are_refused(tmp_path):
    folder = tiny("ResNet", tmp_path)
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(MissingWeightsError, match=r"model\.safetensors.*Download the model again"):
        CompiledImageEncoder(folder)


def test_weights_of_another_family_are_refused(tmp_path):
    folder = changed(tiny("ResNet", tmp_path), **FAMILIES["ViT"], model_type="vit")
    with pytest.raises(MissingWeightsError, match=r"lacks the weights embeddings\.patch_embeddings"):
        CompiledImageEncoder(folder)


def test_weights_of_another_size_are_refused(tmp_path):
    folder = tiny("ViT", tmp_path)
    stated = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").write_text(json.dumps(stated | {"size": {"height": 48, "width": 48}}))
    with pytest.raises(EncoderError, match=r"do not fit its config\.json and preprocessor_config\.json.*Download"):
        CompiledImageEncoder(folder)
