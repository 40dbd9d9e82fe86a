"""EfficientNet as a graph: the Lite0 variant from its published weights, and the models of transformers.

Tan, Le. EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks. ICML 2019, table 1.
"""

import math
from collections.abc import Mapping
from typing import Any, Final

from anyshot.encoders.engines.convolution import (
    convolution,
    folded,
    mean_over_space,
    residual,
    side,
    tensorflow_padding,
)
from anyshot.encoders.engines.layers import Node, activate, integers, ops
from anyshot.encoders.engines.weights import Weights

EPSILON: Final = 1e-3  # of every batch norm of Lite0
LITE0_WIDTH: Final = 1280  # of its features

# Stages 2 to 8 of table 1: kernel, stride of the first block, expansion, output channels, number of blocks.
LITE0_STAGES: Final = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)


def efficientnet_lite0(x: Node, weights: Weights) -> Node:
    """Return the features (n, 1280) of pixels (n, 3, h, w), scaled to [-1, 1]."""

    def layer(x: Node, conv: str, norm: str, *, stride: int = 1, linear: bool = False) -> Node:
        kernel, bias = folded(weights, conv, norm, epsilon=EPSILON)
        y = convolution(x, kernel, bias, stride=stride, padding=_padding(kernel.shape[-1], stride, side(x)))
        return y if linear else ops.clamp(y, 0.0, 6.0)

    x = layer(x, "_conv_stem", "_bn0", stride=2)  # (n, 32, h / 2, w / 2)
    strides = [stride if block == 0 else 1 for _, stride, *_, n in LITE0_STAGES for block in range(n)]
    for number, stride in enumerate(strides):
        name, y = f"_blocks.{number}.", x
        if f"{name}_expand_conv.weight" in weights:
            y = layer(y, f"{name}_expand_conv", f"{name}_bn0")
        y = layer(y, f"{name}_depthwise_conv", f"{name}_bn1", stride=stride)
        y = layer(y, f"{name}_project_conv", f"{name}_bn2", linear=True)
        x = residual(x, y)
    return mean_over_space(layer(x, "_conv_head", "_bn1"))


def efficientnet(x: Node, weights: Weights, config: Mapping[str, Any]) -> Node:
    """Return the pooled features (n, hidden_dim) of normalized pixels (n, 3, h, w) by a model of transformers."""
    epsilon, act = config["batch_norm_eps"], config["hidden_act"]

    def layer(x: Node, conv: str, norm: str, *, stride: int = 1, adjust: bool = True, linear: bool = False) -> Node:
        kernel, bias = folded(weights, conv, norm, epsilon=epsilon)
        half = kernel.shape[-1] // 2
        y = convolution(x, kernel, bias, stride=stride, padding=(half - (stride == 2 and adjust), half))
        return y if linear else activate(y, act)

    x = layer(x, "embeddings.convolution", "embeddings.batchnorm", stride=2)
    for number, stride in enumerate(_strides(config)):
        name = f"encoder.blocks.{number}"
        y, adjust = x, number not in config["depthwise_padding"]
        if f"{name}.expansion.expand_conv.weight" in weights:
            y = layer(y, f"{name}.expansion.expand_conv", f"{name}.expansion.expand_bn")
        deep = f"{name}.depthwise_conv.depthwise"
        y = layer(y, f"{deep}_conv", f"{deep}_norm", stride=stride, adjust=adjust)
        y = _squeeze_excite(y, weights.under(f"{name}.squeeze_excite"), config)
        y = layer(y, f"{name}.projection.project_conv", f"{name}.projection.project_bn", linear=True)
        # transformers adds the input of each block of stride 1 but the first of its stage
        x = ops.add(y, x) if _repeats(config)[number] and stride == 1 else y
    x = layer(x, "encoder.top_conv", "encoder.top_bn")
    return ops.reduce_max(x, integers(2, 3), False) if config["pooling_type"] == "max" else mean_over_space(x)


def _squeeze_excite(x: Node, weights: Weights, config: Mapping[str, Any]) -> Node:
    """Return maps (n, c, h, w) times a factor for each channel, made from their means (Hu et al., CVPR 2018)."""
    means = ops.reduce_mean(x, integers(2, 3), True)  # (n, c, 1, 1)
    few = activate(convolution(means, weights["reduce.weight"], weights["reduce.bias"]), config["hidden_act"])
    return ops.multiply(x, ops.sigmoid(convolution(few, weights["expand.weight"], weights["expand.bias"])))


def _strides(config: Mapping[str, Any]) -> list[int]:
    """Return the stride of each block; only the first block of a stage has that of the stage."""
    strides = [stride for stride, n in zip(config["strides"], _blocks_of_stages(config), strict=True) for _ in range(n)]
    return [1 if repeated else stride for stride, repeated in zip(strides, _repeats(config), strict=True)]


def _repeats(config: Mapping[str, Any]) -> list[bool]:
    """Return whether each block repeats the one before it."""
    return [block > 0 for n in _blocks_of_stages(config) for block in range(n)]


def _blocks_of_stages(config: Mapping[str, Any]) -> list[int]:
    return [math.ceil(config["depth_coefficient"] * n) for n in config["num_block_repeats"]]


def _padding(kernel: int, stride: int, size: int) -> tuple[int, int]:
    return (kernel // 2,) * 2 if stride == 1 else tensorflow_padding(kernel, stride=stride, size=size)
