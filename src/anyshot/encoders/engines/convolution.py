"""The layers of convolutional networks as graphs of openvino: convolutions with their batch norm, padding, pooling."""

import numpy as np
from numpy.typing import NDArray

from anyshot.base.validation import Vectors
from anyshot.encoders.engines.layers import Node, constant, integers, ops
from anyshot.encoders.engines.weights import Weights


def convolution(
    x: Node,
    kernel: NDArray[np.float32],
    bias: Vectors | None = None,
    *,
    stride: int = 1,
    padding: tuple[int, int] | None = None,
    dilation: int = 1,
) -> Node:
    """Return the convolution of maps (n, n_in, h, w) with a kernel (n_out, n_in, k, k) or (n_out, 1, k, k).

    A kernel with one input channel convolves each channel on its own. padding: rows and columns of zeros before and
    after; by default those that preserve height and width at stride 1.
    """
    before, after = same_padding(kernel.shape[-1], dilation=dilation) if padding is None else padding
    steps, dilations = [stride] * 2, [dilation] * 2
    n_groups = len(kernel) if kernel.shape[1] == 1 and x.get_output_partial_shape(0)[1] != 1 else 1
    if n_groups > 1:
        y = ops.group_convolution(x, constant(kernel[:, None]), steps, [before] * 2, [after] * 2, dilations)
    else:
        y = ops.convolution(x, constant(kernel), steps, [before] * 2, [after] * 2, dilations)
    return y if bias is None else ops.add(y, constant(bias.reshape(1, -1, 1, 1)))


def folded(weights: Weights, conv: str, norm: str, *, epsilon: float) -> tuple[NDArray[np.float32], Vectors]:
    """Return kernel and bias of a convolution with the batch norm after it folded in.

    gamma (w * x - mean) / sqrt(var + eps) + beta  =  (s w) * x + (beta - s mean)  with  s = gamma / sqrt(var + eps).
    """
    normed = weights.under(norm)
    scale = normed["weight"] / np.sqrt(normed["running_var"] + np.float32(epsilon))  # (n_out,)
    kernel = weights[f"{conv}.weight"] * scale[:, None, None, None]
    return np.ascontiguousarray(kernel), normed["bias"] - scale * normed["running_mean"]


def same_padding(kernel: int, *, dilation: int = 1) -> tuple[int, int]:
    """Return the padding of torch, kernel // 2 on both sides."""
    return (kernel // 2 * dilation,) * 2


def tensorflow_padding(kernel: int, *, stride: int, size: int, dilation: int = 1) -> tuple[int, int]:
    """Return the padding with which TensorFlow maps `size` to ceil(size / stride), the odd one at the end."""
    total = max(kernel - (size % stride or stride), 0)
    before = total // 2
    return before * dilation, (total - before) * dilation


def residual(x: Node, y: Node) -> Node:
    """Return `y` with `x` added, if both are maps (n, c, h, w) of the same shape."""
    return ops.add(x, y) if x.get_output_partial_shape(0) == y.get_output_partial_shape(0) else y


def mean_over_space(x: Node) -> Node:
    """Return the mean (n, c) of maps (n, c, h, w)."""
    return ops.reduce_mean(x, integers(2, 3), False)


def side(x: Node) -> int:
    """Return the height of maps (n, c, h, w)."""
    height: int = x.get_output_partial_shape(0)[2].get_length()
    return height
