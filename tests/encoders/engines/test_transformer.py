"""The layers of transformers as graphs, by hand."""

import numpy as np

from anyshot.encoders.engines.transformer import patches, repeated, with_first
from anyshot.encoders.engines.weights import Weights
from graphs import answer

RNG = np.random.default_rng(0)


def states(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape, dtype=np.float32)


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
