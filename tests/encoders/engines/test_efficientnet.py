"""EfficientNet as a graph, compared with torch's network and with transformers."""

import numpy as np
import pytest

from anyshot.encoders.engines.efficientnet import LITE0_STAGES, efficientnet, efficientnet_lite0
from anyshot.encoders.engines.weights import Weights
from graphs import answer, largest_distance, randomized, saved

SMALL = {"width_coefficient": 0.25, "depth_coefficient": 1.1, "hidden_dim": 320}


def small_lite0(rng: np.random.Generator) -> Weights:
    """Return random weights of Lite0 with two channels everywhere."""
    arrays = {}

    def add(conv: str, norm: str, shape: tuple[int, ...]) -> None:
        arrays[f"{conv}.weight"] = rng.standard_normal(shape, dtype=np.float32)
        for name in ("weight", "bias", "running_mean", "running_var"):
            arrays[f"{norm}.{name}"] = rng.random(shape[0], dtype=np.float32) + 0.1

    add("_conv_stem", "_bn0", (2, 3, 3, 3))
    blocks = [(kernel, expansion) for kernel, _, expansion, _, n in LITE0_STAGES for _ in range(n)]
    for number, (kernel, expansion) in enumerate(blocks):
        name = f"_blocks.{number}."
        if expansion > 1:
            add(f"{name}_expand_conv", f"{name}_bn0", (2, 2, 1, 1))
        add(f"{name}_depthwise_conv", f"{name}_bn1", (2, 1, kernel, kernel))
        add(f"{name}_project_conv", f"{name}_bn2", (2, 2, 1, 1))
    add("_conv_head", "_bn1", (4, 2, 1, 1))
    return Weights(arrays, "test")


def test_features_of_lite0_are_means_of_relu6():
    rng = np.random.default_rng(0)
    weights, x = small_lite0(rng), rng.standard_normal((2, 3, 64, 64), dtype=np.float32)
    y = answer(lambda x: efficientnet_lite0(x, weights), x)
    assert y.shape == (2, 4)
    assert y.min() >= 0
    assert y.max() <= 6
    assert y.std() > 0


@pytest.mark.torch
@pytest.mark.parametrize("settings", [{}, {"depthwise_padding": [2, 5]}, {"hidden_act": "relu6"}])
def test_features_equal_those_of_transformers(settings, tmp_path):
    import torch
    import transformers

    model = randomized(transformers.EfficientNetModel(transformers.EfficientNetConfig(**SMALL, **settings)))
    weights, config = saved(model, tmp_path)
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = model(x).pooler_output.numpy()
    assert largest_distance(answer(lambda x: efficientnet(x, weights, config), x.numpy()), expected) < 1e-6
