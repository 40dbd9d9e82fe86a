"""The network of all-MiniLM-L6-v2 in torch: in stages that can be trained, and run on any device.

The network is BERT (Devlin et al., NAACL 2019) with six layers. A text's vector is the mean of its token states, scaled
to unit length (Reimers, Gurevych, Sentence-BERT, EMNLP 2019).

The runner concatenates the texts of a batch without padding, sorted by length, and runs attention over all texts of
one length at a time. Padding and masks cost nothing, and a text's vector does not depend on the rest of the batch.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import gelu, normalize, scaled_dot_product_attention

from anyshot.base.validation import Vectors
from anyshot.encoders.engines.language_models import MINILM
from anyshot.encoders.stages import (
    Backbone,
    Compute,
    Network,
    State,
    TextPreparation,
    TokenPooling,
    choose_compute,
    mean_of_tokens,
)
from anyshot.encoders.texts import Rows, TextTokenizer, collect
from anyshot.encoders.word_layer import LAYER, WEIGHT, WordLayer

WIDTH: Final = MINILM.width
INITIAL_STD: Final = 0.02  # BERT's initializer_range

BATCH_TOKENS: Final = {"cpu": 2048, "cuda": 65536}
"""Tokens per batch; on the CPU few enough that the hidden states stay in the cache."""

Run: TypeAlias = tuple[int, int]  # number of texts, tokens of each


class Embeddings(nn.Module):
    """Token and position embeddings, summed and normalized; the positions include the single segment's embedding."""

    # The names of the submodules here and in `Layer` are the keys of saved models.
    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(MINILM.vocabulary, WIDTH)
        self.places = nn.Embedding(MINILM.n_positions, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, MINILM.epsilon)

    def forward(self, state: State) -> State:
        """Map token ids (n, t) to (n, t, width)."""
        return State(self.embed(state.x, torch.arange(state.x.shape[1], device=state.x.device)), state.mask)

    def embed(self, ids: Tensor, positions: Tensor) -> Tensor:
        """Return the states (..., width) of token ids (...) at their positions."""
        states: Tensor = self.norm(self.words(ids) + self.places(positions))
        return states


class Layer(nn.Module):
    """A transformer layer: self-attention and two dense layers, each with a residual and a layer norm."""

    def __init__(self) -> None:
        super().__init__()
        self.attention_in = nn.Linear(WIDTH, 3 * WIDTH)  # queries, keys and values
        self.attention_out = nn.Linear(WIDTH, WIDTH)
        self.attention_norm = nn.LayerNorm(WIDTH, MINILM.epsilon)
        self.widen = nn.Linear(WIDTH, MINILM.widened)
        self.narrow = nn.Linear(MINILM.widened, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, MINILM.epsilon)

    def forward(self, state: State) -> State:
        """Map (n, t, width) to (n, t, width)."""
        return State(self.transform(state.x, partial(_attend_padded, mask=state.mask)), state.mask)

    def transform(self, x: Tensor, attend: Callable[[Tensor], Tensor]) -> Tensor:
        """Map states (..., width) to (..., width).

        attend: maps queries, keys and values (..., 3 width) to the result of attention (..., width).
        """
        x = self.attention_norm(x + self.attention_out(attend(self.attention_in(x))))
        transformed: Tensor = self.norm(x + self.narrow(gelu(self.widen(x))))
        return transformed


class WithWords(nn.Module):
    """Joins sentence vectors and what an early layer says of the words; see `encoders.word_layer`."""

    mean: Tensor
    directions: Tensor

    def __init__(self, words: WordLayer) -> None:
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(words.mean.copy()))
        self.register_buffer("directions", torch.from_numpy(words.directions.copy()))

    def forward(self, sentence: Tensor, early: Tensor) -> Tensor:
        """Join the means (n, d) of the last states and of those after layer `LAYER`, as (n, d + k)."""
        of_words = normalize((normalize(early) - self.mean) @ self.directions.T)
        return torch.cat([normalize(sentence), WEIGHT * of_words], dim=1)


class TextToVector(nn.Module):
    """All stages as one, with what an early layer says of the words."""

    def __init__(self, network: Network, words: WordLayer) -> None:
        super().__init__()
        self.stages = nn.ModuleDict(dict(network))
        self.join = WithWords(words)

    def forward(self, state: State) -> State:
        """Map token ids (n, t) to (n, d + k)."""
        early = None
        for name, stage in self.stages.items():
            state = stage(state)
            early = mean_of_tokens(state) if name == f"layer{LAYER}" else early
        assert early is not None  # the network has this layer
        return State(self.join(state.x, early))


def minilm_with_words(network: Network, words: WordLayer) -> dict[str, nn.Module]:
    """Return the network in one stage that gives the vectors of texts with their words."""
    return {"text to vector": TextToVector(network, words)}


def fresh() -> dict[str, nn.Module]:
    """Return the stages with random weights, initialized as BERT is."""
    network = _uninitialized()
    for stage in network.values():
        for module in stage.modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, std=INITIAL_STD)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)
    return network


def published(weights: Mapping[str, Tensor]) -> dict[str, nn.Module]:
    """Return the stages with the published weights, whose names are like `encoder.layer.0.output.dense.weight`."""
    with torch.device("meta"):  # allocate nothing: every weight is assigned below
        network = _uninitialized()
    network["embeddings"].load_state_dict(_embeddings_state(weights), assign=True)
    for number in range(MINILM.n_layers):
        state = _layer_state(weights, f"encoder.layer.{number}")
        network[f"layer{number + 1}"].load_state_dict(state, assign=True)
    return {name: stage.eval().requires_grad_(False) for name, stage in network.items()}


def embed(ids: Tensor, runs: Sequence[Run], network: Mapping[str, nn.Module], join: WithWords | None = None) -> Tensor:
    """Return unit-length vectors (n, width), float32, of texts concatenated without padding.

    ids (t,): token ids of all texts; runs: how many consecutive texts have which length; join: adds their words.
    """
    embeddings, *layers, _pooling = network.values()
    assert isinstance(embeddings, Embeddings)
    positions = torch.cat([torch.arange(length, device=ids.device).repeat(count) for count, length in runs])
    x = embeddings.embed(ids, positions)  # (t, width), float32
    attend = partial(_attend_runs, runs=runs)
    x = x.to(next(layers[0].parameters()).dtype)
    early = x
    for number, layer in enumerate(layers, start=1):
        assert isinstance(layer, Layer)
        x = layer.transform(x, attend)
        early = x if number == LAYER else early
    sentence = _means(x, runs)
    return normalize(sentence if join is None else join(sentence, _means(early, runs)))


def _means(x: Tensor, runs: Sequence[Run]) -> Tensor:
    """Return the mean state (n, width), float32, of each text from those of all tokens (t, width)."""
    parts = torch.split(x, [count * length for count, length in runs])
    return torch.cat(
        [part.view(*run, WIDTH).mean(1, dtype=torch.float32) for part, run in zip(parts, runs, strict=True)]
    )


class MiniLMRunner:
    """Runs the network in torch, on any device.

    tokenizer: texts to token ids; weights: the file of the published weights; words: what an early layer says of them.
    """

    def __init__(
        self, tokenizer: TextTokenizer, weights: Path, compute: Compute, words: WordLayer | None = None
    ) -> None:
        self.tokenizer, self._compute = tokenizer, compute
        self._network = _on_device(published(load_file(weights)), compute)
        self._join = WithWords(words).to(compute.device) if words else None
        self._width = WIDTH + (len(words.directions) if words else 0)

    def encode(self, texts: list[str]) -> Vectors:
        """Return unit-length vectors (n, width), float32, of texts."""
        return collect(self._encode_batches(texts), n_texts=len(texts), width=self._width)

    def _encode_batches(self, texts: list[str]) -> Iterator[tuple[Rows, Vectors]]:
        """Yield the rows of each batch and their vectors."""
        for rows, ids in self.tokenizer.batches(texts, budget=self._compute.batch_size(BATCH_TOKENS)):
            yield rows, self._vectors([np.array(of_text) for of_text in ids])

    def _vectors(self, tokens: Sequence[NDArray[np.int64]]) -> Vectors:
        """Return the vectors (n, width) of tokenized texts, which are sorted by length."""
        lengths, counts = np.unique([len(ids) for ids in tokens], return_counts=True)
        runs = list(zip(counts.tolist(), lengths.tolist(), strict=True))
        with torch.inference_mode():
            ids = torch.from_numpy(np.concatenate(tokens)).to(self._compute.device)
            vectors: Vectors = embed(ids, runs, self._network, self._join).cpu().numpy()
        return vectors


def minilm_backbone(tokenizer: TextTokenizer, weights: Path, *, digest: str, device: str = "auto") -> Backbone:
    """Return the network in stages, in float32.

    weights: the file of the published weights; digest: their hash, without the precision.
    """
    compute = choose_compute(device)
    return Backbone(
        name="minilm",
        width=WIDTH,
        digest=compute.with_precision(digest),
        compute=compute,
        network=published(load_file(weights)),
        preparation=TextPreparation(
            tokenizer.ids,
            tokenizer=tokenizer.tokenizer.to_str,
            about={
                "tokens": "WordPiece, lower case",
                "at_most": tokenizer.max_tokens,
                "filled_up": "on the right with 0",
            },
        ),
        fresh=fresh,
    )


def _attend_padded(mixed: Tensor, *, mask: Tensor | None) -> Tensor:
    """Return the result of attention (n, t, width) among each text's own tokens, where `mask` (n, t) is True."""
    return _attention(mixed, None if mask is None else mask[:, None, None, :]).flatten(2)


def _attend_runs(mixed: Tensor, *, runs: Sequence[Run]) -> Tensor:
    """Return the result of attention (t, width) for concatenated texts, one length at a time."""
    if len(runs) == 1:
        return _attention(mixed.view(*runs[0], 3 * WIDTH)).reshape(-1, WIDTH)
    gathered = mixed.new_empty((len(mixed), WIDTH))
    first = 0
    for count, length in runs:
        last = first + count * length
        attended = _attention(mixed[first:last].view(count, length, 3 * WIDTH))
        gathered[first:last].view(attended.shape).copy_(attended)
        first = last
    return gathered


def _attention(mixed: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return multi-head attention (n, t, heads, width / heads) from queries, keys and values (n, t, 3 width)."""
    n, t, _ = mixed.shape
    parts = mixed.view(n, t, 3, MINILM.n_heads, WIDTH // MINILM.n_heads)
    query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)  # (n, heads, t, width / heads) each
    return scaled_dot_product_attention(query, key, value, attn_mask=mask).transpose(1, 2)


def _on_device(network: Mapping[str, nn.Module], compute: Compute) -> dict[str, nn.Module]:
    """Move a network to a device; the layers get the fast precision, the embeddings stay in float32."""
    dtype_of = {"embeddings": torch.float32}
    return {name: stage.to(compute.device, dtype_of.get(name, compute.dtype)) for name, stage in network.items()}


def _uninitialized() -> dict[str, nn.Module]:
    layers: dict[str, nn.Module] = {f"layer{number}": Layer() for number in range(1, MINILM.n_layers + 1)}
    return {"embeddings": Embeddings(), **layers, "pooling": TokenPooling(mean_of_tokens)}


def _embeddings_state(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    segment = weights["embeddings.token_type_embeddings.weight"][0]
    return {
        "words.weight": weights["embeddings.word_embeddings.weight"],
        "places.weight": weights["embeddings.position_embeddings.weight"] + segment,
        "norm.weight": weights["embeddings.LayerNorm.weight"],
        "norm.bias": weights["embeddings.LayerNorm.bias"],
    }


def _layer_state(weights: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    published_names = {
        "attention_out": f"{name}.attention.output.dense",
        "attention_norm": f"{name}.attention.output.LayerNorm",
        "widen": f"{name}.intermediate.dense",
        "narrow": f"{name}.output.dense",
        "norm": f"{name}.output.LayerNorm",
    }
    state: dict[str, Tensor] = {}
    for part in ("weight", "bias"):
        state |= {f"{ours}.{part}": weights[f"{theirs}.{part}"] for ours, theirs in published_names.items()}
        mixed = [weights[f"{name}.attention.self.{role}.{part}"] for role in ("query", "key", "value")]
        state[f"attention_in.{part}"] = torch.cat(mixed)
    return state
