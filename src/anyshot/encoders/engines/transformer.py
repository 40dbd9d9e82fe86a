"""The parts of transformers that read images, or texts beside images, as graphs: layers, patches, learned tokens."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anyshot.encoders.engines.layers import (
    Node,
    activate,
    attention,
    constant,
    integer,
    integers,
    layer_norm,
    linear,
    ops,
)
from anyshot.encoders.engines.weights import Weights

PRE_NORM_NAMES: Final = {  # of CLIP and SigLIP; those of other models are given by what they use instead
    "norm1": "layer_norm1",
    "norm2": "layer_norm2",
    "query": "self_attn.q_proj",
    "key": "self_attn.k_proj",
    "value": "self_attn.v_proj",
    "output": "self_attn.out_proj",
    "expand": "mlp.fc1",
    "contract": "mlp.fc2",
}


def pre_norm_layer(
    x: Node, weights: Weights, config: Mapping[str, Any], *, names: Mapping[str, str] = PRE_NORM_NAMES, causal: bool
) -> Node:
    """Return states (n, t, width) after attention and a network of two layers, each after a norm and added."""
    part = {role: weights.under(name) for role, name in names.items()}
    epsilon = config["layer_norm_eps"]
    y = layer_norm(x, part["norm1"], epsilon=epsilon)
    query, key, value = (
        linear(y, part[role], bias="bias" in part[role])
        for role in ("query", "key", "value")  # ViT can have none
    )
    mixed = attention(
        query, key, value, n_heads=config["num_attention_heads"], width=config["hidden_size"], causal=causal
    )
    x = ops.add(x, linear(mixed, part["output"]))
    return ops.add(x, mlp(layer_norm(x, part["norm2"], epsilon=epsilon), part["expand"], part["contract"], config))


def mlp(x: Node, expand: Weights, contract: Weights, config: Mapping[str, Any]) -> Node:
    """Return the output of two linear layers with the activation between them."""
    return linear(activate(linear(x, expand), config["hidden_act"]), contract)


def patches(pixels: Node, weights: Weights) -> Node:
    """Return the states (n, patches, width) of pixels (n, 3, h, w), by a convolution as wide as its steps."""
    kernel = weights["weight"]  # (width, 3, p, p)
    maps = ops.convolution(pixels, constant(kernel), [*kernel.shape[2:]], [0, 0], [0, 0], [1, 1])
    if "bias" in weights:
        maps = ops.add(maps, constant(weights["bias"].reshape(1, -1, 1, 1)))
    rows = ops.reshape(maps, integers(0, 0, -1), True)  # (n, width, patches)
    return ops.transpose(rows, integers(0, 2, 1))


def with_first(x: Node, token: NDArray[np.float32]) -> Node:
    """Return states (n, t + 1, width) with a learned token before those of `x` (n, t, width)."""
    return ops.concat([repeated(token, like=x), x], 1)


def repeated(token: NDArray[np.float32], *, like: Node) -> Node:
    """Return a learned token as states (n, 1, width) of each item of `like` (n, t, width)."""
    n = ops.gather(ops.shape_of(like), integers(0), integer(0))  # (1,)
    shape = ops.concat([n, integers(1, token.size)], 0)
    return ops.broadcast(constant(token.reshape(1, 1, -1)), shape)
