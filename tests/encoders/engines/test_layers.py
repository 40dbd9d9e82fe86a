"""Layers of graphs, compared with their formulas in numpy."""

import numpy as np
import pytest
from scipy.special import erf, softmax

from anyshot.encoders.engines import layers
from anyshot.encoders.engines.openvino import Engine
from anyshot.encoders.engines.weights import Weights
from anyshot.errors import EncoderError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 5, 8)).astype(np.float32)
MASK = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], np.float32)
ARRAYS = {
    "one.weight": RNG.normal(size=(6, 8)).astype(np.float32),
    "one.bias": RNG.normal(size=6).astype(np.float32),
    "norm.weight": RNG.normal(size=8).astype(np.float32),
    "norm.bias": RNG.normal(size=8).astype(np.float32),
}
WEIGHTS = Weights(ARRAYS, "model.safetensors")


def computed(graph, x=X, mask=None):
    """Return the output of the graph that `graph` makes of the node x, and of the node of the mask if there is one."""

    def build():
        nodes = [layers.parameter("x", *(-1 for _ in x.shape[:-1]), x.shape[-1])]
        nodes += [] if mask is None else [layers.parameter("mask", -1, -1)]
        return layers.model(graph(*nodes), nodes)

    return Engine(build, threads=1)(x=x, **({} if mask is None else {"mask": mask}))


def test_linear_is_a_product_and_a_sum():
    expected = X @ ARRAYS["one.weight"].T + ARRAYS["one.bias"]
    np.testing.assert_allclose(computed(lambda x: layers.linear(x, WEIGHTS.under("one"))), expected, atol=1e-5)
    expected -= ARRAYS["one.bias"]
    without = computed(lambda x: layers.linear(x, WEIGHTS.under("one"), bias=False))
    np.testing.assert_allclose(without, expected, atol=1e-5)


def test_layer_norm_has_mean_0_and_variance_1_before_its_weights():
    z = (X - X.mean(-1, keepdims=True)) / np.sqrt(X.var(-1, keepdims=True) + 1e-5)
    expected = z * ARRAYS["norm.weight"] + ARRAYS["norm.bias"]
    actual = computed(lambda x: layers.layer_norm(x, WEIGHTS.under("norm"), epsilon=1e-5))
    np.testing.assert_allclose(actual, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "formula"),
    [
        ("gelu", lambda x: x * (1 + erf(x / np.sqrt(2))) / 2),
        ("gelu_new", lambda x: x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2),
        ("quick_gelu", lambda x: x / (1 + np.exp(-1.702 * x))),
        ("silu", lambda x: x / (1 + np.exp(-x))),
        ("relu", lambda x: np.maximum(x, 0)),
        ("tanh", np.tanh),
    ],
)
def test_activations_are_their_formulas(kind, formula):
    np.testing.assert_allclose(computed(lambda x: layers.activate(x, kind)), formula(X), atol=1e-5)


def attended(x, bias, n_heads=2):
    q = x.reshape(2, 5, n_heads, -1).transpose(0, 2, 1, 3)  # (n, heads, t, width)
    weights = softmax(q @ q.transpose(0, 1, 3, 2) / np.sqrt(q.shape[-1]) + bias, axis=-1)
    return (weights @ q).transpose(0, 2, 1, 3).reshape(x.shape)


def test_attention_adds_its_bias_to_the_logits():
    bias = RNG.normal(size=(2, 5)).astype(np.float32)
    actual = computed(
        lambda x, added: layers.attention(
            x, x, x, n_heads=2, width=8, bias=layers.ops.unsqueeze(added, layers.integers(1, 2))
        ),
        mask=bias,
    )
    np.testing.assert_allclose(actual, attended(X, bias[:, None, None, :]), atol=1e-5)


def test_causal_attention_sees_no_later_token():
    bias = np.where(np.tri(5), 0, -np.inf)
    actual = computed(lambda x: layers.attention(x, x, x, n_heads=2, width=8, causal=True))
    np.testing.assert_allclose(actual, attended(X, bias), atol=1e-5)


def test_the_mean_is_over_tokens():
    expected = np.stack([X[0, :3].mean(axis=0), X[1].mean(axis=0)])
    np.testing.assert_allclose(computed(layers.mean_over, mask=MASK), expected, atol=1e-6)


@pytest.mark.parametrize("position", [0, -1])
def test_a_token_at_a_position(position):
    np.testing.assert_array_equal(computed(lambda x: layers.token_at(x, position)), X[:, position])


def test_an_embedding_is_a_row_of_the_table():
    ids = np.array([[3.0, 0.0, 5.0]], np.float32)
    table = ARRAYS["one.weight"]
    actual = computed(lambda x: layers.embedding(layers.ops.convert(x, "i32"), table), x=ids)
    np.testing.assert_array_equal(actual, table[ids.astype(int)])


def test_an_unknown_activation_is_refused_with_the_engine_that_has_it():
    with pytest.raises(EncoderError, match=r"activation 'mish' is none of gelu.*Use engine='torch'"):
        layers.activate(None, "mish")


def test_relu6_by_hand():
    np.testing.assert_array_equal(computed(lambda x: layers.activate(x, "relu6")), X.clip(0, 6))
