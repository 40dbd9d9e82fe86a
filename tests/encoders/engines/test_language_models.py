"""Graphs of language models: what config.json says, distances of MPNet, and a network solved by hand."""

import numpy as np
import pytest

from anyshot.encoders.engines.language_models import (
    FAMILIES,
    architecture,
    check_weights,
    distance_buckets,
    token_states,
    why_unsupported,
)
from anyshot.encoders.engines.layers import model
from anyshot.encoders.engines.openvino import Engine
from anyshot.encoders.engines.texts import row_inputs, token_nodes
from anyshot.encoders.engines.weights import Weights
from anyshot.errors import MissingWeightsError, UnknownEncoderError

CONFIG = {
    "model_type": "bert",
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 12,
    "vocab_size": 9,
    "max_position_embeddings": 6,
    "pad_token_id": 0,
}
IDS = np.array([[1, 4, 2, 0], [1, 4, 5, 2]], np.int32)
MASK = np.array([[1, 1, 1, 0], [1, 1, 1, 1]], np.float32)
NOTHING = np.zeros((0, 4), np.int32), np.zeros((0, 4))


def random_weights(config) -> Weights:
    """Return random weights of a network of the family of BERT."""
    rng, d, wide = np.random.default_rng(0), config["hidden_size"], config["intermediate_size"]
    shapes = {"embeddings.word_embeddings.weight": (9, d), "embeddings.position_embeddings.weight": (6, d)}
    shapes |= {f"embeddings.LayerNorm.{part}": (d,) for part in ("weight", "bias")}
    for number in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{number}"
        names = FAMILIES[config["model_type"]]
        for name in (names.query, names.key, names.value, names.attention_out):
            shapes |= {f"{layer}.{name}.weight": (d, d), f"{layer}.{name}.bias": (d,)}
        for name in (names.attention_norm, names.norm):
            shapes |= {f"{layer}.{name}.weight": (d,), f"{layer}.{name}.bias": (d,)}
        shapes |= {f"{layer}.intermediate.dense.weight": (wide, d), f"{layer}.intermediate.dense.bias": (wide,)}
        shapes |= {f"{layer}.output.dense.weight": (d, wide), f"{layer}.output.dense.bias": (d,)}
    shapes |= {"encoder.relative_attention_bias.weight": (32, config["num_attention_heads"])}  # of MPNet
    return Weights({name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}, "m")


def states(config, ids, mask, weights=None, shared=None):
    weights = weights or random_weights(config)

    def build():
        tokens = token_nodes()
        of_rows = token_states(architecture(config, source="m"), weights, tokens)
        return model(tokens.of_texts(of_rows), list(tokens))

    texts = [row[:length] for row, length in zip(ids, mask.astype(int).sum(axis=1), strict=True)]
    return Engine(build, threads=1)(**row_inputs(shared or [[text] for text in texts], padding=0))


@pytest.mark.parametrize("kind", ["bert", "roberta", "mpnet"])
def test_texts_in_one_row_do_not_change_each_other(kind):
    config = CONFIG | {"model_type": kind, "pad_token_id": 1}
    texts = [[1, 4, 2, 5], [3, 2], [5, 1, 7, 1]]  # two have the padding of RoBERTa within
    weights = random_weights(config)
    apart = [states(config, np.array([text], np.int32), np.ones((1, len(text))), weights)[0] for text in texts]
    together = states(config, *NOTHING, weights, shared=[texts[:2], texts[2:]])
    for text, alone, shared in zip(texts, apart, together, strict=True):
        np.testing.assert_allclose(shared[: len(text)], alone, atol=1e-5)


def test_without_layers_states_are_normalized_embeddings():
    weights = random_weights(CONFIG)
    under = weights.under("embeddings")
    x = under["word_embeddings.weight"][IDS] + under["position_embeddings.weight"][: IDS.shape[1]]
    z = (x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True)
    expected = z * under["LayerNorm.weight"] + under["LayerNorm.bias"]
    none = CONFIG | {"num_hidden_layers": 1}
    silent = {name: np.zeros_like(weights[name]) for name in weights if name.endswith((".dense.weight", ".dense.bias"))}
    silent |= {name: np.ones(8, np.float32) for name in weights if name.endswith("output.LayerNorm.weight")}
    silent |= {name: np.zeros(8, np.float32) for name in weights if name.endswith("output.LayerNorm.bias")}
    made = states(none, IDS, MASK, Weights(dict(weights) | silent, "m"))  # norms of what is left: the embeddings
    again = (expected - expected.mean(-1, keepdims=True)) / expected.std(-1, keepdims=True)
    np.testing.assert_allclose(made[MASK == 1], again[MASK == 1], atol=1e-4)


def test_roberta_counts_positions_from_its_padding():
    bert, roberta = states(CONFIG, IDS[1:], MASK[1:]), CONFIG | {"model_type": "roberta", "pad_token_id": 1}
    weights = random_weights(CONFIG)
    moved = np.roll(weights["embeddings.position_embeddings.weight"], 2, axis=0)  # the first position is 2
    shifted = Weights(dict(weights) | {"embeddings.position_embeddings.weight": moved}, "m")
    ids = np.where(IDS == 1, 3, IDS).astype(np.int32)  # no token is the padding
    np.testing.assert_allclose(
        states(roberta, ids[1:], MASK[1:], shifted), states(CONFIG, ids[1:], MASK[1:]), atol=1e-5
    )
    assert np.abs(states(roberta, ids[1:], MASK[1:]) - bert).max() > 1e-3
    assert architecture(roberta, source="m").most_tokens == 4


def test_distances_by_hand():
    near = distance_buckets(np.arange(-8, 9), n_buckets=32)
    assert near.tolist() == [8, 7, 6, 5, 4, 3, 2, 1, 0, 17, 18, 19, 20, 21, 22, 23, 24]
    assert distance_buckets(np.array([-500, 500, 127, 128]), n_buckets=32).tolist() == [15, 31, 31, 31]


@pytest.mark.torch
def test_distances_are_those_of_transformers():
    torch = pytest.importorskip("torch")
    from transformers.models.mpnet.modeling_mpnet import MPNetEncoder

    distances = np.arange(-600, 601)
    expected = MPNetEncoder.relative_position_bucket(torch.from_numpy(distances), num_buckets=32)
    np.testing.assert_array_equal(distance_buckets(distances, n_buckets=32), expected.numpy())


@pytest.mark.parametrize("kind", FAMILIES)
def test_every_family_is_supported_with_the_defaults_of_its_config(kind):
    assert why_unsupported({"model_type": kind}) is None
    network = architecture({"model_type": kind}, source="m")
    assert (network.n_heads, network.width, network.widened) == (12, 768, 3072)
    assert network.first_position == (0 if kind in ("bert", "distilbert") else 2)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"model_type": "gpt2"}, "models of type 'gpt2' are not among those"),
        ({"model_type": "roberta", "is_decoder": True}, "the model is a decoder"),
        ({"position_embedding_type": "alibi"}, "positions of type 'alibi'"),
        ({"model_type": "distilbert", "activation": "mish"}, "the activation 'mish', which is none of gelu"),
    ],
)
def test_what_is_not_built_has_a_reason(settings, reason):
    assert reason in why_unsupported(CONFIG | settings)


def test_complete_weights_pass_and_others_are_named():
    weights = random_weights(CONFIG)
    check_weights(architecture(CONFIG, source="m"), weights)
    with pytest.raises(MissingWeightsError, match=r"lacks the weights encoder\.layer\.2\."):
        check_weights(architecture(CONFIG | {"num_hidden_layers": 3}, source="m"), weights)
    with pytest.raises(MissingWeightsError, match=r"word_embeddings\.weight in the shape \(9, 8\), .* \(10, 8\)"):
        check_weights(architecture(CONFIG | {"vocab_size": 10}, source="m"), weights)


@pytest.mark.parametrize("value", [0, -1, 2.5, "8", None, True])
def test_a_size_that_is_none_is_refused(value):
    with pytest.raises(
        UnknownEncoderError, match=r"m says hidden_size=.*, but it must be a whole number of at least 1\."
    ):
        architecture(CONFIG | {"hidden_size": value}, source="m")
