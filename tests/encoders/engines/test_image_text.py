"""CLIP and SigLIP as graphs, compared with transformers."""

import numpy as np
import pytest

from anyshot.encoders.engines.image_text import clip_image, clip_text, siglip_image, siglip_text
from anyshot.encoders.engines.layers import ops
from graphs import answer, largest_distance, randomized, saved

LAYERS = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
TEXTS = LAYERS | {"vocab_size": 99, "max_position_embeddings": 12, "bos_token_id": 97, "eos_token_id": 98}
IMAGES = LAYERS | {"image_size": 32, "patch_size": 8}


def check_halves(model, folder, x, ids, image_graph, text_graph):
    """Compare the graphs of images and texts with the two halves of a model of transformers."""
    import torch

    weights, config = saved(model, folder)
    with torch.inference_mode():
        of_images = model.vision_model(pixel_values=x).pooler_output.numpy()
        of_texts = model.text_model(input_ids=ids).pooler_output.numpy()
    ours = answer(lambda x: image_graph(x, weights.under("vision_model"), config["vision_config"]), x.numpy())
    assert largest_distance(ours, of_images) < 1e-6
    ours = answer(lambda ids: text_graph(ids, weights.under("text_model"), config["text_config"]), ids.numpy())
    assert largest_distance(ours, of_texts) < 1e-6


@pytest.mark.torch
@pytest.mark.parametrize("act", ["quick_gelu", "gelu", "gelu_pytorch_tanh"])
def test_both_halves_of_clip_equal_those_of_transformers(act, tmp_path):
    import torch
    import transformers

    texts, images = TEXTS | {"hidden_act": act}, IMAGES | {"hidden_act": act}
    config = transformers.CLIPConfig(text_config=texts, vision_config=images, projection_dim=10)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, 3, 32, 32, generator=generator)
    ids = torch.randint(0, 97, (3, 9), generator=generator)
    ends = np.array([8, 4, 6])
    ids[torch.arange(3), torch.from_numpy(ends)] = 98

    def text_graph(ids, *settings):
        return clip_text(ids, ops.constant(ends), *settings)

    check_halves(randomized(transformers.CLIPModel(config)), tmp_path, x, ids, clip_image, text_graph)


@pytest.mark.torch
def test_both_halves_of_siglip_equal_those_of_transformers(tmp_path):
    import torch
    import transformers

    config = transformers.SiglipConfig(text_config=TEXTS | {"projection_size": 16}, vision_config=IMAGES)
    generator = torch.Generator().manual_seed(0)
    x, ids = torch.randn(3, 3, 32, 32, generator=generator), torch.randint(0, 97, (3, 12), generator=generator)
    check_halves(randomized(transformers.SiglipModel(config)), tmp_path, x, ids, siglip_image, siglip_text)
