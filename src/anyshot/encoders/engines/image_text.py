"""CLIP and SigLIP of transformers as graphs: the half that reads images and the half that reads texts.

Radford et al. Learning Transferable Visual Models From Natural Language Supervision. ICML 2021, section 2.4.
Zhai et al. Sigmoid Loss for Language Image Pre-Training. ICCV 2023, section 3.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from anyshot.encoders.engines.layers import (
    Node,
    attention,
    constant,
    dense,
    embedding,
    integer,
    integers,
    layer_norm,
    linear,
    ops,
    token_at,
)
from anyshot.encoders.engines.transformer import mlp, patches, pre_norm_layer, repeated, with_first
from anyshot.encoders.engines.weights import Weights


def clip_image(x: Node, weights: Weights, config: Mapping[str, Any]) -> Node:
    """Return the class token (n, width) of normalized pixels (n, 3, h, w), before the projection."""
    x = patches(x, weights.under("embeddings.patch_embedding"))
    x = with_first(x, weights["embeddings.class_embedding"])
    x = ops.add(x, constant(weights["embeddings.position_embedding.weight"][None]))  # (n, patches + 1, width)
    x = layer_norm(x, weights.under("pre_layrnorm"), epsilon=config["layer_norm_eps"])  # transformers' spelling
    x = _layers(x, weights, config, causal=False)
    return layer_norm(token_at(x, 0), weights.under("post_layernorm"), epsilon=config["layer_norm_eps"])


def clip_text(ids: Node, position: Node, weights: Weights, config: Mapping[str, Any]) -> Node:
    """Return the state (n, width) of each text's end token, before the projection.

    ids (n, t), padded on the right; position (n,): of the end token. No token sees what comes after it, so that
    padding needs no mask.
    """
    x = _layers(_embedded(ids, weights), weights, config, causal=True)
    x = layer_norm(x, weights.under("final_layer_norm"), epsilon=config["layer_norm_eps"])
    token = ops.gather(x, ops.unsqueeze(position, integers(1)), integer(1), 1)  # (n, 1, width)
    return ops.squeeze(token, integers(1))


def siglip_image(x: Node, weights: Weights, config: Mapping[str, Any]) -> Node:
    """Return the vector (n, width) of normalized pixels (n, 3, h, w), pooled by attention."""
    x = patches(x, weights.under("embeddings.patch_embedding"))
    x = ops.add(x, constant(weights["embeddings.position_embedding.weight"][None]))  # (n, patches, width)
    x = _layers(x, weights, config, causal=False)
    x = layer_norm(x, weights.under("post_layernorm"), epsilon=config["layer_norm_eps"])
    return _attention_pooling(x, weights.under("head"), config)


def siglip_text(ids: Node, weights: Weights, config: Mapping[str, Any]) -> Node:
    """Return the projected state (n, width) of the last token of texts, which were padded to full length (n, t)."""
    x = _layers(_embedded(ids, weights), weights, config, causal=False)
    x = layer_norm(x, weights.under("final_layer_norm"), epsilon=config["layer_norm_eps"])
    return linear(token_at(x, -1), weights.under("head"))


def _layers(x: Node, weights: Weights, config: Mapping[str, Any], *, causal: bool) -> Node:
    for number in range(config["num_hidden_layers"]):
        x = pre_norm_layer(x, weights.under(f"encoder.layers.{number}"), config, causal=causal)
    return x


def _embedded(ids: Node, weights: Weights) -> Node:
    """Return the states (n, t, width) of token ids (n, t): token and position embeddings."""
    words = embedding(ids, weights["embeddings.token_embedding.weight"])
    places = constant(weights["embeddings.position_embedding.weight"])  # (longest, width)
    length = ops.gather(ops.shape_of(ids), integers(1), integer(0))  # (1,)
    return ops.add(words, ops.slice(places, integers(0), length, integers(1), integers(0)))


def _attention_pooling(x: Node, weights: Weights, config: Mapping[str, Any]) -> Node:
    """Return the attention (n, width) of one learned query to states (n, t, width), through a last network."""
    projection = weights.under("attention")
    kernels = np.split(projection["in_proj_weight"], 3)  # of query, key and value, as torch stores them
    biases = np.split(projection["in_proj_bias"], 3)
    inputs = [repeated(weights["probe"], like=x), x, x]
    query, key, value = (dense(*parts) for parts in zip(inputs, kernels, biases, strict=True))
    mixed = attention(query, key, value, n_heads=config["num_attention_heads"], width=config["hidden_size"])
    x = linear(mixed, projection.under("out_proj"))  # (n, 1, width)
    y = layer_norm(x, weights.under("layernorm"), epsilon=config["layer_norm_eps"])
    y = mlp(y, weights.under("mlp.fc1"), weights.under("mlp.fc2"), config)
    return token_at(ops.add(x, y), 0)
