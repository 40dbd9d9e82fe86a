"""The stages of all-MiniLM-L6-v2: a BERT of six layers (Devlin et al., NAACL 2019), its published weights by name."""

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention

from anyshot.encoders.stages import Network, PooledTokens, State, mean_of_real

LAYERS: Final = 6
HEADS: Final = 12
WIDTH: Final = 384
INNER: Final = 1536
WORDS: Final = 30522
PLACES: Final = 512
EPSILON: Final = 1e-12
SPREAD: Final = 0.02  # BERT's initializer_range


class Embeddings(nn.Module):
    """Words and places; the one segment's embedding is added to the places."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, WIDTH)
        self.places = nn.Embedding(PLACES, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, EPSILON)

    def forward(self, state: State) -> State:
        """Map ids (n, t) to (n, t, width)."""
        places = torch.arange(state.x.shape[1], device=state.x.device)
        return State(self.norm(self.words(state.x) + self.places(places)), state.mask)


class Layer(nn.Module):
    """Attention among a text's own tokens, then two dense layers; norms come after the sums."""

    def __init__(self) -> None:
        super().__init__()
        self.attention_in = nn.Linear(WIDTH, 3 * WIDTH)  # queries, keys and values in one product
        self.attention_out = nn.Linear(WIDTH, WIDTH)
        self.attention_norm = nn.LayerNorm(WIDTH, EPSILON)
        self.widen = nn.Linear(WIDTH, INNER)
        self.narrow = nn.Linear(INNER, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, EPSILON)

    def forward(self, state: State) -> State:
        """Map (n, t, width) to (n, t, width)."""
        x = self.attention_norm(state.x + self.attention_out(self._attended(state)))
        return State(self.norm(x + self.narrow(gelu(self.widen(x)))), state.mask)

    def _attended(self, state: State) -> Tensor:
        n, t, _ = state.x.shape
        parts = self.attention_in(state.x).view(n, t, 3, HEADS, WIDTH // HEADS)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)  # (n, heads, t, width / heads) each
        seen = None if state.mask is None else state.mask[:, None, None, :]
        made = scaled_dot_product_attention(query, key, value, attn_mask=seen)
        return made.transpose(1, 2).reshape(n, t, WIDTH)


def fresh() -> Network:
    """Return the stages with first weights, as BERT draws them."""
    network = _empty()
    for stage in network.values():
        for module in stage.modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, std=SPREAD)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)
    return network


def published(weights: Mapping[str, Tensor]) -> Network:
    """Return the stages with the published weights, by their names: `encoder.layer.0.attention.self.query.weight`."""
    with torch.device("meta"):  # no first weights are drawn, only to be thrown away
        network = _empty()
    network["embeddings"].load_state_dict(_embeddings(weights), assign=True)
    for number in range(LAYERS):
        state = _layer(weights, f"encoder.layer.{number}")
        network[f"layer{number + 1}"].load_state_dict(state, assign=True)
    return {name: stage.eval().requires_grad_(False) for name, stage in network.items()}


def _empty() -> dict[str, nn.Module]:
    layers: dict[str, nn.Module] = {f"layer{number}": Layer() for number in range(1, LAYERS + 1)}
    return {"embeddings": Embeddings(), **layers, "pooling": PooledTokens(mean_of_real)}


def _embeddings(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    segment = weights["embeddings.token_type_embeddings.weight"][0]
    return {
        "words.weight": weights["embeddings.word_embeddings.weight"],
        "places.weight": weights["embeddings.position_embeddings.weight"] + segment,
        "norm.weight": weights["embeddings.LayerNorm.weight"],
        "norm.bias": weights["embeddings.LayerNorm.bias"],
    }


def _layer(weights: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    theirs = {
        "attention_out": f"{name}.attention.output.dense",
        "attention_norm": f"{name}.attention.output.LayerNorm",
        "widen": f"{name}.intermediate.dense",
        "narrow": f"{name}.output.dense",
        "norm": f"{name}.output.LayerNorm",
    }
    state = {f"{ours}.{part}": weights[f"{place}.{part}"] for ours, place in theirs.items() for part in _PARTS}
    for part in _PARTS:
        mixed = [weights[f"{name}.attention.self.{role}.{part}"] for role in ("query", "key", "value")]
        state[f"attention_in.{part}"] = torch.cat(mixed)
    return state


_PARTS: Final = ("weight", "bias")
