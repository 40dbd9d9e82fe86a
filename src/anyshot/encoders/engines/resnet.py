"""ResNet of transformers as a graph. He et al. Deep Residual Learning for Image Recognition. CVPR 2016, table 1."""

from collections.abc import Mapping
from typing import Any, Final

from anyshot.encoders.engines.convolution import convolution, folded, mean_over_space
from anyshot.encoders.engines.layers import Node, activate, ops
from anyshot.encoders.engines.weights import Weights

EPSILON: Final = 1e-5  # of every batch norm


def resnet(x: Node, weights: Weights, config: Mapping[str, Any]) -> Node:
    """Return the pooled features (n, width) of normalized pixels (n, 3, h, w)."""
    act = config["hidden_act"]
    x = activate(_layer(x, weights.under("embedder.embedder"), stride=2), act)
    x = ops.max_pool(x, [2, 2], [1, 1], [1, 1], [1, 1], [3, 3]).output(0)  # output 1 is the positions
    for stage, depth in enumerate(config["depths"]):
        for block in range(depth):
            halves = block == 0 and (stage > 0 or config["downsample_in_first_stage"])
            x = _block(x, weights.under(f"encoder.stages.{stage}.layers.{block}"), config, stride=2 if halves else 1)
    return mean_over_space(x)


def _block(x: Node, weights: Weights, config: Mapping[str, Any], *, stride: int) -> Node:
    """Return the residual block of two 3 x 3 convolutions, or of one between two 1 x 1 convolutions."""
    act = config["hidden_act"]
    shortcut = _layer(x, weights.under("shortcut"), stride=stride) if "shortcut.convolution.weight" in weights else x
    if config["layer_type"] != "bottleneck":
        strides = [stride, 1]
    elif config["downsample_in_bottleneck"]:
        strides = [stride, 1, 1]
    else:
        strides = [1, stride, 1]
    for number, step in enumerate(strides):
        x = _layer(x, weights.under(f"layer.{number}"), stride=step)
        if number < len(strides) - 1:
            # transformers always uses ReLU between the convolutions of a block
            x = ops.relu(x)
    return activate(ops.add(x, shortcut), act)


def _layer(x: Node, weights: Weights, *, stride: int) -> Node:
    """Return a convolution with its batch norm, without activation."""
    return convolution(x, *folded(weights, "convolution", "normalization", epsilon=EPSILON), stride=stride)
