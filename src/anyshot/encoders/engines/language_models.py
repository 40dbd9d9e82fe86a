"""Graphs of BERT, RoBERTa, XLM-R, CamemBERT, DistilBERT and MPNet: token ids to token states.

All are the encoder of Vaswani et al., NeurIPS 2017, with the norm after each residual. They differ in the names of the
weights, in the numbers of the positions, and MPNet in its attention, which knows how far apart two tokens are.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anyshot.encoders.engines.layers import (
    ACTIVATIONS,
    Node,
    activate,
    attention,
    embedding,
    integer,
    integers,
    layer_norm,
    linear,
    ops,
)
from anyshot.encoders.engines.texts import TokenNodes, bias_between_texts
from anyshot.encoders.engines.weights import Weights
from anyshot.errors import UnknownEncoderError

MPNET_PADDING: Final = 1  # id of the token that fills rows
MPNET_LONGEST: Final = 128
"""Tokens from which on MPNet does not tell distances apart."""


@dataclass(frozen=True)
class Family:
    """The names of the weights of a family of models."""

    prefix: str  # with a dot, it stands before all names in models with a head
    layer: str
    query: str
    key: str
    value: str
    attention_out: str
    attention_norm: str
    widen: str
    narrow: str
    norm: str


_BERT: Final = Family(
    "bert", "encoder.layer", "attention.self.query", "attention.self.key", "attention.self.value",
    "attention.output.dense", "attention.output.LayerNorm", "intermediate.dense", "output.dense", "output.LayerNorm",
)  # fmt: skip
_ROBERTA: Final = replace(_BERT, prefix="roberta")
_DISTILBERT: Final = Family(
    "distilbert", "transformer.layer", "attention.q_lin", "attention.k_lin", "attention.v_lin",
    "attention.out_lin", "sa_layer_norm", "ffn.lin1", "ffn.lin2", "output_layer_norm",
)  # fmt: skip
_MPNET: Final = Family(
    "mpnet", "encoder.layer", "attention.attn.q", "attention.attn.k", "attention.attn.v",
    "attention.attn.o", "attention.LayerNorm", "intermediate.dense", "output.dense", "output.LayerNorm",
)  # fmt: skip

FAMILIES: Final = {
    "bert": _BERT,
    "roberta": _ROBERTA,
    "xlm-roberta": _ROBERTA,
    "camembert": _ROBERTA,
    "distilbert": _DISTILBERT,
    "mpnet": _MPNET,
}
"""The families by the `model_type` of their config.json."""


@dataclass(frozen=True)
class Architecture:
    """What config.json says of a network."""

    model_type: str
    n_layers: int
    n_heads: int
    width: int
    vocabulary: int
    n_positions: int  # rows of the table of positions
    padding: int  # the token that fills up, from whose number RoBERTa and MPNet count positions
    widened: int  # width between the two dense layers
    activation: str
    epsilon: float  # of the norms

    @property
    def most_tokens(self) -> int:
        """The number of tokens for which there are positions."""
        return self.n_positions - self.first_position

    @property
    def first_position(self) -> int:
        """The position of the first token."""
        return 0 if self.model_type in ("bert", "distilbert") else self.padding + 1


MINILM: Final = Architecture(
    model_type="bert",
    n_layers=6,
    n_heads=12,
    width=384,
    widened=1536,
    vocabulary=30522,
    n_positions=512,
    padding=0,
    activation="gelu",
    epsilon=1e-12,
)
"""The network of all-MiniLM-L6-v2."""


def why_unsupported(config: Mapping[str, Any]) -> str | None:
    """Return why the network of a config.json cannot be built here, as a clause; None if it can."""
    kind = config.get("model_type")
    if kind not in FAMILIES:
        return f"models of type {kind!r} are not among those that openvino runs here ({', '.join(FAMILIES)})"
    if config.get("is_decoder"):
        return f"the model is a decoder, a {kind} that sees no later tokens"
    if config.get("position_embedding_type", "absolute") != "absolute":
        return f"the model has positions of type {config['position_embedding_type']!r}"
    activation = config.get("activation" if kind == "distilbert" else "hidden_act", "gelu")
    if activation not in ACTIVATIONS:
        return f"the model has the activation {activation!r}, which is none of {', '.join(ACTIVATIONS)}"
    return None


def architecture(config: Mapping[str, Any], *, source: object) -> Architecture:
    """Return what a config.json says of the network; transformers' defaults hold for what it leaves out.

    Raises UnknownEncoderError if a number is missing that transformers would not know either, or is none.
    """
    kind = str(config["model_type"])
    names = _OF_DISTILBERT if kind == "distilbert" else _USUAL
    n_layers, n_heads, width, widened = (_whole(config, name, default, source) for name, default in names.items())
    if width % n_heads:
        raise UnknownEncoderError(f"{source} has a width of {width} for {n_heads} heads. Download the model again.")
    return Architecture(
        model_type=kind,
        n_layers=n_layers,
        n_heads=n_heads,
        width=width,
        vocabulary=_whole(config, "vocab_size", 30522, source),
        n_positions=_whole(config, "max_position_embeddings", 512, source),
        padding=MPNET_PADDING if kind == "mpnet" else _padding(config, kind, source),
        widened=widened,
        activation=str(config.get("activation" if kind == "distilbert" else "hidden_act", "gelu")),
        epsilon=1e-12 if kind == "distilbert" else float(config.get("layer_norm_eps", 1e-12)),
    )


_USUAL: Final = {
    "num_hidden_layers": 12, "num_attention_heads": 12, "hidden_size": 768, "intermediate_size": 3072,
}  # fmt: skip
_OF_DISTILBERT: Final = {"n_layers": 6, "n_heads": 12, "dim": 768, "hidden_dim": 3072}


def check_weights(network: Architecture, weights: Weights) -> None:
    """Check that all weights are there and have the shapes that follow from config.json.

    Raises MissingWeightsError if one is missing or has another shape.
    """
    names, d = FAMILIES[network.model_type], network.width
    embeddings = weights.under("embeddings")
    embeddings.check("word_embeddings.weight", (network.vocabulary, d))
    embeddings.check("position_embeddings.weight", (network.n_positions, d))
    norms, squares = [names.attention_norm, names.norm], [names.query, names.key, names.value, names.attention_out]
    shapes = {f"{name}.weight": (d,) for name in norms} | {f"{name}.bias": (d,) for name in (*norms, *squares)}
    matrices = {f"{name}.weight": (d, d) for name in squares}
    matrices |= {f"{names.widen}.weight": (network.widened, d), f"{names.narrow}.weight": (d, network.widened)}
    shapes |= {f"{names.widen}.bias": (network.widened,), f"{names.narrow}.bias": (d,)}
    for number in range(network.n_layers):
        for name, shape in (shapes | matrices).items():
            weights.under(f"{names.layer}.{number}").check(name, shape)


def token_states(network: Architecture, weights: Weights, tokens: TokenNodes) -> Node:
    """Return the last states (n, t, width) of rows of tokens (n, t)."""
    return states_of_layers(network, weights, tokens)[-1]


def states_of_layers(network: Architecture, weights: Weights, tokens: TokenNodes) -> list[Node]:
    """Return the embeddings (n, t, width) of rows of tokens (n, t), and the states after each layer."""
    names = FAMILIES[network.model_type]
    x = _embeddings(network, weights.under("embeddings"), tokens)
    bias = bias_between_texts(tokens.texts)  # (n, 1, t, t)
    if network.model_type == "mpnet":
        table = weights.under("encoder.relative_attention_bias")["weight"]
        bias = ops.add(bias, _distance_bias(network, table, tokens.ids))
    states = [x]
    for number in range(network.n_layers):
        states.append(_layer(network, names, weights.under(f"{names.layer}.{number}"), states[-1], bias))
    return states


def _embeddings(network: Architecture, weights: Weights, tokens: TokenNodes) -> Node:
    """Return the sum of the embeddings of tokens, positions and the single segment, normalized."""
    positions = weights["position_embeddings.weight"]
    if "token_type_embeddings.weight" in weights:
        positions = positions + weights["token_type_embeddings.weight"][0]
    words = embedding(tokens.ids, weights["word_embeddings.weight"])  # (n, t, width)
    places = embedding(_positions(network, tokens), positions)
    return layer_norm(ops.add(words, places), weights.under("LayerNorm"), epsilon=network.epsilon)


def _positions(network: Architecture, tokens: TokenNodes) -> Node:
    """Return the positions of the tokens (n, t): 0, 1, ... in each text; RoBERTa and MPNet leave out padding.

    There a token that is the padding itself, even within a text, has the padding's number for its position.
    """
    if network.first_position == 0:
        return tokens.positions
    padding = ops.constant(np.array(network.padding, np.int32))
    is_token = ops.convert(ops.not_equal(tokens.ids, padding), "i32")
    so_far = ops.cum_sum(is_token, integer(1))  # of the row
    begins = ops.subtract(ops.range(integer(0), _length(tokens.ids), integer(1), "i32"), tokens.positions)
    earlier = ops.gather(ops.subtract(so_far, is_token), begins, integer(1), 1)  # in the row, before the text
    counted = ops.multiply(ops.subtract(so_far, earlier), is_token)  # 1, 2, ... at tokens, 0 at padding
    return ops.add(counted, padding)


def _length(ids: Node) -> Node:
    """Return t of the token ids (n, t)."""
    return ops.gather(ops.shape_of(ids), integer(1), integer(0))


def _layer(network: Architecture, names: Family, weights: Weights, x: Node, bias: Node) -> Node:
    """Map states (n, t, width) to (n, t, width): attention and two dense layers, each with a residual and a norm."""
    query, key, value = (linear(x, weights.under(name)) for name in (names.query, names.key, names.value))
    attended = attention(query, key, value, n_heads=network.n_heads, width=network.width, bias=bias)
    x = ops.add(x, linear(attended, weights.under(names.attention_out)))
    x = layer_norm(x, weights.under(names.attention_norm), epsilon=network.epsilon)
    wide = activate(linear(x, weights.under(names.widen)), network.activation)
    x = ops.add(x, linear(wide, weights.under(names.narrow)))
    return layer_norm(x, weights.under(names.norm), epsilon=network.epsilon)


def _distance_bias(network: Architecture, table: NDArray[np.float32], ids: Node) -> Node:
    """Return what MPNet adds to the logits of attention (1, heads, t, t), by the distance from query to key.

    table (buckets, heads).
    """
    longest = network.most_tokens
    distances = np.arange(-longest, longest + 1)
    by_distance = table[distance_buckets(distances, n_buckets=len(table))]  # (2 longest + 1, heads)
    places = ops.range(integer(0), _length(ids), integer(1), "i32")
    apart = ops.subtract(ops.unsqueeze(places, integers(0)), ops.unsqueeze(places, integers(1)))  # key - query
    apart = ops.clamp(apart, -longest, longest)  # in a row there are farther tokens, of other texts
    bias = embedding(ops.add(apart, ops.constant(np.array(longest, np.int32))), by_distance)  # (t, t, heads)
    return ops.unsqueeze(ops.transpose(bias, integers(2, 0, 1)), integers(0))


def distance_buckets(distances: NDArray[np.integer], *, n_buckets: int) -> NDArray[np.int64]:
    """Return the bucket of each distance from query to key, as T5 and MPNet count it (Raffel et al., JMLR 2020).

    One half of the buckets is for tokens after the query. In each half, one half is a bucket for each small distance;
    the others grow with the logarithm of the distance, up to `MPNET_LONGEST`.
    """
    half = n_buckets // 2
    exact = half // 2
    apart = np.abs(distances)
    ratio = np.log(np.maximum(apart, 1).astype(np.float32) / np.float32(exact))
    grown = ratio / np.float32(math.log(MPNET_LONGEST / exact)) * np.float32(half - exact)
    far = np.minimum(exact + grown.astype(np.int64), half - 1)
    buckets: NDArray[np.int64] = np.where(distances > 0, half, 0) + np.where(apart < exact, apart, far)
    return buckets


def _padding(config: Mapping[str, Any], kind: str, source: object) -> int:
    default = 0 if kind in ("bert", "distilbert") else 1
    return default if config.get("pad_token_id") is None else _whole(config, "pad_token_id", default, source, least=0)


def _whole(config: Mapping[str, Any], name: str, default: int, source: object, *, least: int = 1) -> int:
    value = config.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise UnknownEncoderError(
            f"{source} says {name}={value!r}, but it must be a whole number of at least {least}. Download the model "
            "again."
        )
    return value
