"""Models of transformers in stages: split anywhere, they compute the same vectors."""

import json

import pytest
import torch
import transformers
from sentence_transformers import SentenceTransformer

import tiny_language_models as tiny
from anyshot.encoders.backbones import split
from anyshot.encoders.freeze import from_scratch
from anyshot.encoders.huggingface.base import open_part, quiet
from anyshot.encoders.huggingface.image_models import ImageTextEncoder, TransformersImageEncoder
from anyshot.encoders.huggingface.language_models import LanguageModelEncoder
from anyshot.encoders.registry import load_encoder
from splits import IMAGE_MODELS, PIXELS, PROCESSOR, ROOM, VISION, composition_gap, precise, saved_image_model

STAGES = {
    "resnet": "stem layer1 layer2 layer3 pooling head",
    "mobilenet v2": "stem " + " ".join(f"block{number}" for number in range(1, 17)) + " features pooling head",
    "vit": "embeddings layer1 layer2 pooling head",
    "clip vision": "embeddings layer1 layer2 pooling head",
    "unknown": "network head",
}


@pytest.mark.parametrize("name", IMAGE_MODELS)
def test_an_image_model_split_anywhere_computes_the_same_vectors(name, tmp_path):
    folder, model = saved_image_model(name, tmp_path)
    backbone = precise(TransformersImageEncoder(folder, device="cpu").backbone())
    if name in STAGES:
        assert " ".join(backbone.stages) == STAGES[name]
    state = backbone.together(backbone.prepare(PIXELS))
    with torch.no_grad():
        trunk = model.base_model if "classifier" in name else model
        output = trunk(pixel_values=state.x)
        pooled = getattr(output, "pooler_output", None)
        expected = output.last_hidden_state[:, 0] if pooled is None else pooled.flatten(1)
    assert composition_gap(backbone, state, expected) < 1e-6


def test_clips_image_model_split_anywhere_computes_the_same_vectors(tmp_path):
    config = transformers.CLIPConfig(
        text_config={**ROOM, "vocab_size": 9, "max_position_embeddings": 12}, vision_config=VISION, projection_dim=10
    )
    torch.manual_seed(0)
    model = transformers.CLIPModel(config).eval()
    with quiet():
        model.save_pretrained(tmp_path)
        tiny.tokenizer_for("bert").save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    backbone = precise(ImageTextEncoder(tmp_path, device="cpu").backbone())
    assert (backbone.width, backbone.stages) == (10, ("embeddings", "layer1", "layer2", "pooling", "head"))
    state = backbone.together(backbone.prepare(PIXELS))
    with torch.no_grad():
        expected = model.get_image_features(pixel_values=state.x)
        expected = expected if isinstance(expected, torch.Tensor) else expected.pooler_output
    assert composition_gap(backbone, state, expected) < 1e-6


@pytest.mark.parametrize(
    "name", ["mobilenet_v1_0.25_128", pytest.param("mobilenet_v2_1.0_224", marks=pytest.mark.full)]
)
def test_the_real_mobilenets_split_anywhere_compute_the_same_vectors(name, shared):
    folder = shared / "models" / name
    backbone = precise(TransformersImageEncoder(folder, device="cpu").backbone())
    state = backbone.together(backbone.prepare(PIXELS[:1]))
    model = open_part(transformers.AutoModel, folder).eval()
    with torch.no_grad():
        expected = model(pixel_values=state.x).pooler_output.flatten(1)
    assert composition_gap(backbone, state, expected) < 1e-6


@pytest.mark.parametrize("kind", tiny.MODELS)
def test_a_text_model_split_anywhere_computes_the_same_vectors(kind, tmp_path):
    folder, model = tiny.saved(kind, tmp_path)
    backbone = precise(LanguageModelEncoder(folder, device="cpu").backbone())
    whole = kind in ("t5", "mpnet")  # whose layers share what they know of distances
    expected_stages = ("network", "head") if whole else ("embeddings", "layer1", "layer2", "pooling", "head")
    assert backbone.stages == expected_stages
    state = backbone.together(backbone.prepare(tiny.TEXTS))
    assert not state.mask.all()  # texts of several lengths, so that some are padded
    expected = torch.from_numpy(tiny.expected_vectors(kind, model))
    for n_frozen in range(len(backbone.stages)):
        trunk, rest = split(backbone, n_frozen)
        with torch.no_grad():
            made = torch.nn.functional.normalize(rest.eval()(trunk(state)))
        assert torch.allclose(made, expected, atol=1e-6)


@pytest.mark.parametrize("narrowed", [False, True])
def test_a_sentence_model_split_anywhere_computes_the_same_vectors(narrowed, tmp_path):
    folder, _ = tiny.saved_sentences(tmp_path, narrowed=narrowed)
    backbone = precise(load_encoder(f"hf:{folder}", device="cpu").backbone())
    assert backbone.stages == ("embeddings", "layer1", "layer2", "pooling", "head")
    with quiet():
        library = SentenceTransformer(str(folder), device="cpu")
        expected = torch.from_numpy(library.encode(tiny.TEXTS, show_progress_bar=False))
    assert composition_gap(backbone, backbone.together(backbone.prepare(tiny.TEXTS)), expected) < 1e-6
    fresh = from_scratch(backbone, random_state=0)
    assert split(fresh, 0).rest(fresh.together(fresh.prepare(tiny.TEXTS))).shape == expected.shape
