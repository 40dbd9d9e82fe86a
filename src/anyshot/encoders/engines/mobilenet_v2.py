"""MobileNetV2 of transformers as a graph. Sandler et al. MobileNetV2: Inverted Residuals. CVPR 2018, table 2."""

from collections.abc import Mapping
from typing import Any, Final

from anyshot.encoders.engines.convolution import (
    convolution,
    folded,
    mean_over_space,
    residual,
    same_padding,
    side,
    tensorflow_padding,
)
from anyshot.encoders.engines.layers import Node, activate
from anyshot.encoders.engines.weights import Weights

STRIDES: Final = (2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1)  # of the blocks after the stem
STEM_STRIDE: Final = 2  # of the first convolution


def mobilenet_v2(x: Node, weights: Weights, config: Mapping[str, Any]) -> Node:
    """Return the pooled features (n, width) of normalized pixels (n, 3, h, w)."""
    act = config["hidden_act"]

    def layer(x: Node, name: str, *, stride: int = 1, dilation: int = 1, linear: bool = False) -> Node:
        kernel, bias = folded(weights, f"{name}.convolution", f"{name}.normalization", epsilon=config["layer_norm_eps"])
        padding = same_padding(kernel.shape[-1], dilation=dilation)
        if config["tf_padding"]:
            padding = tensorflow_padding(kernel.shape[-1], stride=stride, size=side(x), dilation=dilation)
        y = convolution(x, kernel, bias, stride=stride, padding=padding, dilation=dilation)
        return y if linear else activate(y, act)

    x = layer(x, "conv_stem.first_conv", stride=STEM_STRIDE)
    if not config["first_layer_is_expansion"]:
        x = layer(x, "conv_stem.expand_1x1")
    x = layer(layer(x, "conv_stem.conv_3x3"), "conv_stem.reduce_1x1", linear=True)
    for number, (stride, dilation) in enumerate(_steps(config["output_stride"])):
        y = layer(x, f"layer.{number}.expand_1x1")
        y = layer(y, f"layer.{number}.conv_3x3", stride=stride, dilation=dilation)
        y = layer(y, f"layer.{number}.reduce_1x1", linear=True)
        x = residual(x, y)
    return mean_over_space(layer(x, "conv_1x1"))


def _steps(output_stride: int) -> list[tuple[int, int]]:
    """Return stride and dilation of each block: after `output_stride` in all, kernels are dilated instead."""
    steps, total, dilation = [], STEM_STRIDE, 1
    for stride in STRIDES:
        if total == output_stride:
            steps.append((1, dilation))
            dilation *= stride
        else:
            steps.append((stride, 1))
            total *= stride
    return steps
