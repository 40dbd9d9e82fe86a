"""MobileNetV2 as a graph, compared with transformers."""

import pytest

from anyshot.encoders.engines.mobilenet_v2 import _steps, mobilenet_v2
from graphs import answer, largest_distance, randomized, saved


def test_after_the_output_stride_kernels_are_dilated():
    assert [stride for stride, _ in _steps(32)].count(2) == 4
    strides, dilations = zip(*_steps(8), strict=True)
    assert strides.count(2) == 2
    assert sorted(set(dilations)) == [1, 2, 4]


@pytest.mark.torch
@pytest.mark.parametrize(
    "settings",
    [{}, {"tf_padding": False, "first_layer_is_expansion": False}, {"output_stride": 8}, {"hidden_act": "relu"}],
)
def test_features_equal_those_of_transformers(settings, tmp_path):
    import torch
    import transformers

    config = transformers.MobileNetV2Config(depth_multiplier=0.35, **settings)
    model = randomized(transformers.MobileNetV2Model(config))
    weights, config = saved(model, tmp_path)
    x = torch.randn(2, 3, 61, 61, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = model(x).pooler_output.flatten(1).numpy()
    assert largest_distance(answer(lambda x: mobilenet_v2(x, weights, config), x.numpy()), expected) < 1e-6
