"""The layers of transformers as graphs, by hand."""

import numpy as np
import pytest

from anyshot.encoders.engines.transformer import (
    activation,
    attention,
    layer_norm,
    linear,
    patches,
    repeated,
    token_at,
    with_first,
)
from anyshot.encoders.engines.weights import Weights
from anyshot.errors import EncoderError
from graphs import answer

RNG = np.random.default_rng(0)


def states(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape, dtype=np.float32)


def test_a_linear_layer_by_hand():
    weights = Weights({"weight": states(5, 4), "bias": states(5)}, "test")
    x = states(2, 3, 4)
    np.testing.assert_allclose(
        answer(lambda x: linear(x, weights), x), x @ weights["weight"].T + weights["bias"], rtol=1e-5, atol=1e-6
    )


def test_a_layer_norm_by_hand():
    weights, x = Weights({"weight": states(4), "bias": states(4)}, "test"), states(2, 3, 4)
    normed = (x - x.mean(axis=-1, keepdims=True)) / np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
    ours = answer(lambda x: layer_norm(x, weights, epsilon=1e-5), x)
    np.testing.assert_allclose(ours, normed * weights["weight"] + weights["bias"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("causal", [False, True])
def test_attention_by_hand(causal):
    query, key, value = states(2, 3, 4), states(2, 3, 4), states(2, 3, 4)
    ours = answer(lambda *x: attention(*x, n_heads=2, causal=causal), query, key, value)
    for item in range(2):
        for head in (slice(0, 2), slice(2, 4)):
            scores = query[item, :, head] @ key[item, :, head].T / np.sqrt(2)
            if causal:
                scores[np.triu_indices(3, 1)] = -np.inf
            shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
            np.testing.assert_allclose(ours[item, :, head], shares @ value[item, :, head], rtol=1e-4, atol=1e-5)


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


def test_quick_gelu_by_hand():
    x = states(1, 9)
    np.testing.assert_allclose(answer(activation("quick_gelu"), x), x / (1 + np.exp(-1.702 * x)), rtol=1e-4, atol=1e-6)


def test_an_unknown_activation_is_refused():
    with pytest.raises(EncoderError, match="activation 'mish' is not one of gelu"):
        activation("mish")
