"""ViT of transformers as a graph. Dosovitskiy et al. An Image is Worth 16x16 Words. ICLR 2021, equations (1) to (4)."""

from collections.abc import Mapping
from typing import Any, Final

from anyshot.encoders.engines.layers import Node, activate, constant, layer_norm, linear, ops, token_at
from anyshot.encoders.engines.transformer import patches, pre_norm_layer, with_first
from anyshot.encoders.engines.weights import Weights

NAMES: Final = {
    "norm1": "layernorm_before",
    "norm2": "layernorm_after",
    "query": "attention.attention.query",
    "key": "attention.attention.key",
    "value": "attention.attention.value",
    "output": "attention.output.dense",
    "expand": "intermediate.dense",
    "contract": "output.dense",
}


def vit(x: Node, weights: Weights, config: Mapping[str, Any]) -> Node:
    """Return one vector (n, width) of normalized pixels (n, 3, h, w).

    That is the class token, through the pooler if the model has one and the config says that it is pooled.
    """
    x = patches(x, weights.under("embeddings.patch_embeddings.projection"))
    x = with_first(x, weights["embeddings.cls_token"])
    x = ops.add(x, constant(weights["embeddings.position_embeddings"]))  # (n, patches + 1, width)
    for number in range(config["num_hidden_layers"]):
        x = pre_norm_layer(x, weights.under(f"encoder.layer.{number}"), config, names=NAMES, causal=False)
    token = token_at(layer_norm(x, weights.under("layernorm"), epsilon=config["layer_norm_eps"]), 0)
    if not config["pooled"] or "pooler.dense.weight" not in weights:
        return token
    return activate(linear(token, weights.under("pooler.dense")), config["pooler_act"])
