"""ViT as a graph, compared with transformers."""

import pytest

from anyshot.encoders.engines.vit import vit
from graphs import answer, largest_distance, randomized, saved

SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}


@pytest.mark.torch
@pytest.mark.parametrize("settings", [{}, {"qkv_bias": False}, {"hidden_act": "relu", "pooler_act": "relu"}])
@pytest.mark.parametrize("pooled", [True, False])
def test_features_equal_those_of_transformers(settings, pooled, tmp_path):
    import torch
    import transformers

    settings = SMALL | {"image_size": 32, "patch_size": 8} | settings
    model = randomized(transformers.ViTModel(transformers.ViTConfig(**settings), add_pooling_layer=pooled))
    weights, config = saved(model, tmp_path)
    config |= {"pooled": pooled}
    x = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        output = model(x)
    expected = (output.pooler_output if pooled else output.last_hidden_state[:, 0]).numpy()
    assert largest_distance(answer(lambda x: vit(x, weights, config), x.numpy()), expected) < 1e-6
