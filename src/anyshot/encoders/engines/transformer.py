"""The layers of transformers that read images or texts beside images, as graphs: attention, layers, pooling."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from openvino import Node
from openvino import opset15 as op

from anyshot.base.validation import Vectors
from anyshot.encoders.engines.weights import Weights
from anyshot.errors import EncoderError

ACTIVATIONS: Final[Mapping[str, Callable[[Node], Node]]] = {
    "gelu": lambda x: op.gelu(x, "erf"),
    "gelu_new": lambda x: op.gelu(x, "tanh"),
    "gelu_pytorch_tanh": lambda x: op.gelu(x, "tanh"),
    "quick_gelu": lambda x: op.multiply(x, op.sigmoid(op.multiply(x, op.constant(np.float32(1.702))))),
    "relu": op.relu,
    "silu": op.swish,
    "tanh": op.tanh,
}
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


def activation(name: object) -> Callable[[Node], Node]:
    """Return the activation with a name of transformers."""
    if name not in ACTIVATIONS:
        raise EncoderError(f"The activation {name!r} is not one of {', '.join(ACTIVATIONS)}.")
    return ACTIVATIONS[str(name)]


def dense(x: Node, weight: NDArray[np.float32], bias: Vectors | None = None) -> Node:
    """Return x W^T + b for a weight (n_out, n_in), as torch stores it."""
    y = op.matmul(x, op.constant(weight), False, True)
    return y if bias is None else op.add(y, op.constant(bias))


def linear(x: Node, weights: Weights) -> Node:
    """Return the output of a linear layer with or without a bias."""
    return dense(x, weights["weight"], weights.optional("bias"))


def layer_norm(x: Node, weights: Weights, *, epsilon: float) -> Node:
    """Return states (n, t, width) or vectors (n, width) normalized over the last dimension, scaled and shifted."""
    normed = op.mvn(x, op.constant([-1]), True, epsilon, "inside_sqrt")
    return op.add(op.multiply(normed, op.constant(weights["weight"])), op.constant(weights["bias"]))


def attention(query: Node, key: Node, value: Node, *, n_heads: int, causal: bool = False) -> Node:
    """Return the attention of queries (n, q, width) to keys and values (n, t, width), before the output layer."""

    def heads(x: Node) -> Node:
        split = op.reshape(x, op.constant([0, 0, n_heads, -1]), True)  # (n, t, heads, width / heads)
        return op.transpose(split, op.constant([0, 2, 1, 3]))

    mixed = op.scaled_dot_product_attention(heads(query), heads(key), heads(value), causal=causal)
    joined = op.transpose(mixed, op.constant([0, 2, 1, 3]))  # (n, q, heads, width / heads)
    return op.reshape(joined, op.constant([0, 0, -1]), True)


def pre_norm_layer(
    x: Node, weights: Weights, config: Mapping[str, Any], *, names: Mapping[str, str] = PRE_NORM_NAMES, causal: bool
) -> Node:
    """Return states (n, t, width) after attention and a network of two layers, each after a norm and added."""
    part = {role: weights.under(name) for role, name in names.items()}
    epsilon = config["layer_norm_eps"]
    y = layer_norm(x, part["norm1"], epsilon=epsilon)
    query, key, value = (linear(y, part[role]) for role in ("query", "key", "value"))
    mixed = attention(query, key, value, n_heads=config["num_attention_heads"], causal=causal)
    x = op.add(x, linear(mixed, part["output"]))
    return op.add(x, mlp(layer_norm(x, part["norm2"], epsilon=epsilon), part["expand"], part["contract"], config))


def mlp(x: Node, expand: Weights, contract: Weights, config: Mapping[str, Any]) -> Node:
    """Return the output of two linear layers with the activation between them."""
    return linear(activation(config["hidden_act"])(linear(x, expand)), contract)


def patches(pixels: Node, weights: Weights) -> Node:
    """Return the states (n, patches, width) of pixels (n, 3, h, w), by a convolution as wide as its steps."""
    kernel = weights["weight"]  # (width, 3, p, p)
    maps = op.convolution(pixels, op.constant(kernel), [*kernel.shape[2:]], [0, 0], [0, 0], [1, 1])
    bias = weights.optional("bias")
    if bias is not None:
        maps = op.add(maps, op.constant(bias.reshape(1, -1, 1, 1)))
    rows = op.reshape(maps, op.constant([0, 0, -1]), True)  # (n, width, patches)
    return op.transpose(rows, op.constant([0, 2, 1]))


def with_first(x: Node, token: NDArray[np.float32]) -> Node:
    """Return states (n, t + 1, width) with a learned token before those of `x` (n, t, width)."""
    return op.concat([repeated(token, like=x), x], 1)


def repeated(token: NDArray[np.float32], *, like: Node) -> Node:
    """Return a learned token as states (n, 1, width) of each item of `like` (n, t, width)."""
    n = op.gather(op.shape_of(like), op.constant([0]), op.constant(0))  # (1,)
    shape = op.concat([n, op.constant([1, token.size])], 0)
    return op.broadcast(op.constant(token.reshape(1, 1, -1)), shape)


def token_at(x: Node, position: int) -> Node:
    """Return the states (n, width) at one position of `x` (n, t, width)."""
    return op.gather(x, op.constant(position), op.constant(1))
