"""Image models cut into stages: put together again at any freeze point, they are the originals."""

import json

import pytest
import torch
import transformers

import tiny_language_models as tiny
from anyshot.encoders.image_model import load_image_model, open_part
from anyshot.encoders.image_text import load_image_text_model
from anyshot.encoders.language_model import quiet
from splits import IMAGE_MODELS, PIXELS, PROCESSOR, ROOM, VISION, composition_gap, precise, saved_image_model

STAGES = {
    "resnet": "stem layer1 layer2 layer3 pooling head",
    "mobilenet v2": "stem " + " ".join(f"block{number}" for number in range(1, 17)) + " features pooling head",
    "vit": "embeddings layer1 layer2 pooling head",
    "clip vision": "embeddings layer1 layer2 pooling head",
    "unknown": "network head",
}


@pytest.mark.parametrize("name", IMAGE_MODELS)
def test_an_image_model_split_anywhere_is_the_original(name, tmp_path):
    folder, model = saved_image_model(name, tmp_path)
    backbone = precise(load_image_model(folder, device="cpu").backbone())
    if name in STAGES:
        assert " ".join(backbone.stages) == STAGES[name]
    state = backbone.together(backbone.prepare(PIXELS))
    with torch.no_grad():
        trunk = model.base_model if "classifier" in name else model
        output = trunk(pixel_values=state.x)
        pooled = getattr(output, "pooler_output", None)
        expected = output.last_hidden_state[:, 0] if pooled is None else pooled.flatten(1)
    assert composition_gap(backbone, state, expected) < 1e-6


def test_the_image_tower_of_clip_split_anywhere_is_the_original(tmp_path):
    config = transformers.CLIPConfig(
        text_config={**ROOM, "vocab_size": 9, "max_position_embeddings": 12}, vision_config=VISION, projection_dim=10
    )
    torch.manual_seed(0)
    model = transformers.CLIPModel(config).eval()
    with quiet():
        model.save_pretrained(tmp_path)
        tiny.tokenizer_for("bert").save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    backbone = precise(load_image_text_model(tmp_path, device="cpu").backbone())
    assert (backbone.width, backbone.stages) == (10, ("embeddings", "layer1", "layer2", "pooling", "head"))
    state = backbone.together(backbone.prepare(PIXELS))
    with torch.no_grad():
        expected = model.get_image_features(pixel_values=state.x)
        expected = expected if isinstance(expected, torch.Tensor) else expected.pooler_output
    assert composition_gap(backbone, state, expected) < 1e-6


@pytest.mark.parametrize("name", ["mobilenet_v1_0.25_128", "mobilenet_v2_1.0_224"])
def test_the_real_mobilenets_split_anywhere_are_the_originals(name, shared):
    folder = shared / "models" / name
    backbone = precise(load_image_model(folder, device="cpu").backbone())
    state = backbone.together(backbone.prepare(PIXELS[:1]))
    model = open_part(transformers.AutoModel, folder).eval()
    with torch.no_grad():
        expected = model(pixel_values=state.x).pooler_output.flatten(1)
    assert composition_gap(backbone, state, expected) < 1e-6
