"""ResNet as a graph, compared with transformers."""

import pytest

from anyshot.encoders.engines.resnet import resnet
from graphs import answer, largest_distance, randomized, saved

SMALL = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [2, 1]}


@pytest.mark.torch
@pytest.mark.parametrize(
    "settings",
    [
        {"layer_type": "basic"},
        {"layer_type": "bottleneck"},
        {"layer_type": "bottleneck", "downsample_in_bottleneck": True},
        {"layer_type": "basic", "downsample_in_first_stage": True},
        {"layer_type": "bottleneck", "hidden_act": "silu"},
    ],
)
def test_features_equal_those_of_transformers(settings, tmp_path):
    import torch
    import transformers

    model = randomized(transformers.ResNetModel(transformers.ResNetConfig(**SMALL, **settings)))
    weights, config = saved(model, tmp_path)
    x = torch.randn(2, 3, 45, 45, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = model(x).pooler_output.flatten(1).numpy()
    assert largest_distance(answer(lambda x: resnet(x, weights, config), x.numpy()), expected) < 1e-6
