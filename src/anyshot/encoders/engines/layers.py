"""The layers that graphs are built from: functions of openvino nodes and numpy weights.

Weights are in the layout of torch and Hugging Face, so that arrays from safetensors can be passed unchanged. They are
not copied: an array must live as long as the graph. A `Node` is an output of the graph that is not computed yet.
"""

import importlib
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anyshot.encoders.engines.openvino import without_telemetry
from anyshot.encoders.engines.weights import Weights
from anyshot.errors import EncoderError

Node: TypeAlias = Any  # openvino ships no types

MASKED: Final = -1e9
"""Added to the attention logits of tokens that are not seen, which makes their weights zero."""


class _Operations:
    """The functions of openvino that make nodes; openvino is imported when the first of them is used."""

    def __getattr__(self, name: str) -> Any:
        without_telemetry()
        return getattr(importlib.import_module("openvino.opset13"), name)


ops: Any = _Operations()


def constant(value: NDArray[Any] | float) -> Node:
    """Return an array or a number (float32) as a node."""
    array = value if isinstance(value, np.ndarray) else np.array(value, np.float32)
    return ops.constant(array, shared_memory=True)


def integers(*values: int) -> Node:
    """Return whole numbers, such as axes or a shape, as a node (n,)."""
    return ops.constant(np.array(values, np.int64))


def integer(value: int) -> Node:
    """Return a whole number as a node without axes."""
    return ops.constant(np.array(value, np.int64))


def parameter(name: str, *shape: int, dtype: type[np.generic] = np.float32) -> Node:
    """Return an input of the graph; -1 in its shape is an axis of any length."""
    return ops.parameter(list(shape), dtype, name=name)


def model(output: Node, parameters: Sequence[Node]) -> Any:
    """Return the graph with one output as an `openvino.Model`, whose inputs have the names of their parameters."""
    for node in parameters:
        node.output(0).get_tensor().set_names({node.get_friendly_name()})
    return without_telemetry().Model([output], list(parameters))


def linear(x: Node, weights: Weights, *, bias: bool = True) -> Node:
    """Map (..., width_in) to (..., width_out) by `weight` (width_out, width_in) and `bias` (width_out,)."""
    return dense(x, weights["weight"], weights["bias"] if bias else None)


def dense(x: Node, weight: NDArray[np.float32], bias: NDArray[np.float32] | None = None) -> Node:
    """Return x W^T + b (..., width_out) for a weight (width_out, width_in), as torch stores it."""
    product = ops.matmul(x, constant(weight), False, True)
    return product if bias is None else ops.add(product, constant(bias))


def layer_norm(x: Node, weights: Weights, *, epsilon: float) -> Node:
    """Normalize the last axis of x (..., width), then scale and shift it by `weight` and `bias` (width,)."""
    normalized = ops.mvn(x, integers(-1), True, epsilon, "inside_sqrt")
    return ops.add(ops.multiply(normalized, constant(weights["weight"])), constant(weights["bias"]))


def embedding(ids: Node, table: NDArray[Any]) -> Node:
    """Return the rows of a table (rows, width) by their numbers (...), as (..., width)."""
    return ops.gather(constant(table), ids, integer(0))


def activate(x: Node, kind: str) -> Node:
    """Apply an activation by the name that it has in transformers' configurations: see `ACTIVATIONS`.

    Raises EncoderError if there is no activation of this name.
    """
    if kind not in ACTIVATIONS:
        raise EncoderError(
            f"The activation {kind!r} is none of {', '.join(ACTIVATIONS)}. Use engine='torch', after pip install "
            '"anyshot[torch]".'
        )
    return ACTIVATIONS[kind](x)


ACTIVATIONS: Final = {
    "gelu": lambda x: ops.gelu(x, "erf"),
    "gelu_new": lambda x: ops.gelu(x, "tanh"),
    "gelu_pytorch_tanh": lambda x: ops.gelu(x, "tanh"),
    "quick_gelu": lambda x: ops.multiply(x, ops.sigmoid(ops.multiply(x, constant(1.702)))),
    "linear": lambda x: x,
    "relu": lambda x: ops.relu(x),
    "relu6": lambda x: ops.clamp(x, 0.0, 6.0),
    "silu": lambda x: ops.swish(x),
    "swish": lambda x: ops.swish(x),
    "tanh": lambda x: ops.tanh(x),
}
"""Activations by the names that they have in transformers' configurations."""


def attention(
    query: Node, key: Node, value: Node, *, n_heads: int, width: int, bias: Node | None = None, causal: bool = False
) -> Node:
    """Return multi-head attention (n, t, width) from queries, keys and values (n, t, width).

    bias: added to the logits (n, heads, t, t); axes of length 1 are repeated. causal: a token sees none after it.
    """
    depth = width // n_heads
    q, k, v = (_heads(part, n_heads, depth) for part in (query, key, value))
    if causal:
        attended = ops.scaled_dot_product_attention(q, k, v, *([] if bias is None else [bias]), causal=True)
    else:  # the same written out, which openvino runs with fewer copies: a text takes one twentieth less time
        logits = ops.multiply(ops.matmul(q, k, False, True), constant(depth**-0.5))  # (n, heads, t, t)
        shares = ops.softmax(logits if bias is None else ops.add(logits, bias), 3)
        attended = ops.matmul(shares, v, False, False)
    return ops.reshape(ops.transpose(attended, integers(0, 2, 1, 3)), integers(0, 0, width), True)


def _heads(x: Node, n_heads: int, depth: int) -> Node:
    """Map (n, t, heads * depth) to (n, heads, t, depth)."""
    return ops.transpose(ops.reshape(x, integers(0, 0, n_heads, depth), True), integers(0, 2, 1, 3))


def mean_over(x: Node, mask: Node) -> Node:
    """Return the mean (n, width) of states (n, t, width) where the mask (n, t) is 1."""
    weight = ops.unsqueeze(mask, integers(2))  # (n, t, 1)
    total = ops.reduce_sum(ops.multiply(x, weight), integers(1))
    return ops.divide(total, ops.reduce_sum(weight, integers(1)))


def unit_length(x: Node) -> Node:
    """Return vectors (n, width) at unit length."""
    return ops.normalize_l2(x, integers(1), 1e-24, "max")


def token_at(x: Node, position: int) -> Node:
    """Return the states (n, width) of the tokens or patches at one position of `x` (n, t, width)."""
    return ops.gather(x, integer(position), integer(1))
