"""The layers of transformers as graphs, by hand."""

import numpy as np
import pytest

from anyshot.encoders.engines.transformer import dense, patches, repeated, token_at, with_first
from anyshot.encoders.engines.weights import Weights
from graphs import answer

RNG = np.random.default_rng(0)


def states(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape, dtype=np.float32)


def test_a_product_with_and_without_a_bias():
    x, weight, bias = states(2, 3, 4), states(5, 4), states(5)
    np.testing.assert_allclose(answer(lambda x: dense(x, weight), x), x @ weight.T, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(answer(lambda x: dense(x, weight, bias), x), x @ weight.T + bias, rtol=1e-5, atol=1e-6)


def test_patches_are_read_row_by_row():
    x = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
    weights = Weights({"weight": np.ones((1, 1, 2, 2), np.float32), "bias": np.float32([100])}, "test")
    np.testing.assert_allclose(answer(lambda x: patches(x, weights), x), [[[110], [118], [142], [150]]])


def test_a_learned_token_comes_before_the_states_of_each_item():
    x, token = states(2, 3, 4), states(4)
    ours = answer(lambda x: with_first(x, token), x)
    np.testing.assert_array_equal(ours[:, 1:], x)
    np.testing.assert_array_equal(ours[:, 0], [token, token])
    np.testing.assert_array_equal(answer(lambda x: repeated(token, like=x), x), ours[:, :1])


@pytest.mark.parametrize("position", [0, -1])
def test_a_token_at_a_position(position):
    x = states(2, 3, 4)
    np.testing.assert_array_equal(answer(lambda x: token_at(x, position), x), x[:, position])
