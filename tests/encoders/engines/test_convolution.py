"""Convolutions, padding and pooling as graphs, by hand."""

import numpy as np
import pytest

from anyshot.encoders.engines.convolution import (
    convolution,
    folded,
    mean_over_space,
    same_padding,
    side,
    tensorflow_padding,
)
from anyshot.encoders.engines.weights import Weights
from graphs import answer

RAMP = np.arange(64, dtype=np.float32).reshape(1, 1, 8, 8)


def windows(x: np.ndarray, kernel: int) -> np.ndarray:
    """Return the sums (h - kernel + 1, w - kernel + 1) of all windows of maps (1, 1, h, w)."""
    return np.lib.stride_tricks.sliding_window_view(x[0, 0], (kernel, kernel)).sum(axis=(2, 3))


@pytest.mark.parametrize(("kernel", "before"), [(3, 0), (5, 1)])
def test_stride_two_pads_as_tensorflow_does(kernel, before):
    padding = tensorflow_padding(kernel, stride=2, size=8)
    assert padding == (before, kernel - 2 - before)
    ones = np.ones((1, 1, kernel, kernel), np.float32)
    y = answer(lambda x: convolution(x, ones, stride=2, padding=padding), RAMP)
    padded = np.pad(RAMP, ((0, 0), (0, 0), padding, padding))
    np.testing.assert_allclose(y[0, 0], windows(padded, kernel)[::2, ::2])


@pytest.mark.parametrize(("size", "padding"), [(8, (0, 1)), (7, (1, 1))])
def test_tensorflow_pads_an_odd_side_on_both_sides(size, padding):
    assert tensorflow_padding(3, stride=2, size=size) == padding


def test_by_default_a_convolution_preserves_height_and_width():
    ones = np.ones((1, 1, 3, 3), np.float32)
    np.testing.assert_allclose(
        answer(lambda x: convolution(x, ones, np.float32([2])), RAMP)[0, 0],
        windows(np.pad(RAMP, ((0, 0), (0, 0), (1, 1), (1, 1))), 3) + 2,
    )
    assert same_padding(5, dilation=2) == (4, 4)


def test_a_kernel_with_one_input_channel_convolves_each_channel_on_its_own():
    x = np.concatenate([RAMP, 10 * RAMP], axis=1)
    kernel = np.float32([1, 2]).reshape(2, 1, 1, 1)
    np.testing.assert_allclose(answer(lambda x: convolution(x, kernel), x), np.concatenate([RAMP, 20 * RAMP], axis=1))


def test_a_folded_convolution_equals_the_convolution_and_its_batch_norm():
    rng = np.random.default_rng(0)
    names = ("weight", "bias", "running_mean", "running_var")
    arrays = {f"norm.{name}": rng.random(5, dtype=np.float32) + 0.5 for name in names}
    arrays["conv.weight"] = rng.random((5, 3, 3, 3), dtype=np.float32)
    weights = Weights(arrays, "test")
    x = rng.random((2, 3, 8, 8), dtype=np.float32)
    gamma, beta, mean, var = (arrays[f"norm.{name}"][:, None, None] for name in names)
    y = answer(lambda x: convolution(x, arrays["conv.weight"]), x)
    expected = (y - mean) / np.sqrt(var + 1e-3) * gamma + beta
    ours = answer(lambda x: convolution(x, *folded(weights, "conv", "norm", epsilon=1e-3)), x)
    np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5)


def test_the_mean_over_space_and_the_side():
    def build(x):
        assert side(x) == 8
        return mean_over_space(x)

    np.testing.assert_allclose(answer(build, RAMP), [[31.5]])
