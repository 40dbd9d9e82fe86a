"""CLIP and SigLIP in Hugging Face layout, run by openvino: images and texts in one vector space, without torch."""

import re
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from anyshot.base.validation import Vectors
from anyshot.encoders.engines.image_text import clip_image, clip_text, siglip_image, siglip_text
from anyshot.encoders.engines.images import Config
from anyshot.encoders.engines.layers import Node, linear, model, parameter
from anyshot.encoders.engines.openvino import Precision, shared_engine
from anyshot.encoders.engines.weights import Weights
from anyshot.encoders.huggingface.files import optional_settings
from anyshot.encoders.image_processing import fitting
from anyshot.encoders.texts import refuse_empty, refuse_unknown
from anyshot.encoders.tokenizer_files import read_tokenizer

TYPES: Final = ("clip", "siglip")
"""The types of models that are built here."""
BATCH_TEXTS: Final = 64  # texts encoded together

LAYERS: Final = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12}
CLIP_LAYERS: Final = {**LAYERS, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5}
CLIP_TEXTS: Final[dict[str, Any]] = {"hidden_size": 512, "num_attention_heads": 8, "max_position_embeddings": 77}
SIGLIP_LAYERS: Final = {**LAYERS, "hidden_act": "gelu_pytorch_tanh", "layer_norm_eps": 1e-6}
"""What config.json may leave out, as in transformers."""

END: Final = 49407  # id of CLIP's end token
NO_END: Final = 2  # stands for it in the config.json of older models, where the end token has the highest id


def image_half(config: Config, weights: Weights) -> Callable[[Node], Node]:
    """Return the half that reads images: maps normalized pixels (n, 3, side, side) to vectors (n, width)."""
    is_clip, part = config["model_type"] == "clip", weights.under("vision_model")
    settings = {**(CLIP_LAYERS if is_clip else SIGLIP_LAYERS), **(config.get("vision_config") or {})}
    if not is_clip:
        return lambda x: siglip_image(x, part, settings)
    return lambda x: linear(clip_image(x, part, settings), weights.under("visual_projection"), bias=False)


class TextHalf:
    """The half that reads texts, with its tokenizer.

    folder: of the model; key: hash of what the half is made from, models of the same key are compiled once.
    """

    def __init__(
        self, folder: Path, config: Config, weights: Weights, *, key: str, precision: Precision, threads: int | None
    ) -> None:
        self._is_clip = config["model_type"] == "clip"
        defaults = CLIP_LAYERS | CLIP_TEXTS if self._is_clip else SIGLIP_LAYERS
        self._config = {**defaults, **(config.get("text_config") or {})}
        self._weights, self._folder = weights, folder
        with fitting(folder):
            longest = len(weights["text_model.embeddings.position_embedding.weight"])
        self._tokens = TextTokens.of(folder, longest=longest, is_padded=not self._is_clip)
        self._engine = shared_engine(key, self._graph, precision=precision, threads=threads)

    def map(self, texts: Sequence[str]) -> Iterator[tuple[NDArray[np.intp], Vectors]]:
        """Yield the rows of texts of similar length, and their vectors (n, width), float32."""
        ids = self._tokens(texts)
        refuse_empty(ids)
        known = len(self._weights["text_model.embeddings.token_embedding.weight"])
        refuse_unknown(max((max(of_text) for of_text in ids), default=0), vocabulary=known)
        order = np.argsort([len(one) for one in ids], kind="stable")
        rows = [order[first : first + BATCH_TEXTS] for first in range(0, len(order), BATCH_TEXTS)]
        batches = (self._batch([ids[row] for row in batch]) for batch in rows)
        yield from zip(rows, self._engine.map(batches), strict=True)

    def _graph(self) -> Any:
        weights, ids = self._weights.under("text_model"), parameter("ids", -1, -1, dtype=np.int64)
        with fitting(self._folder):
            if not self._is_clip:
                return model(siglip_text(ids, weights, self._config), [ids])
            ends = parameter("ends", -1, dtype=np.int64)
            tokens = clip_text(ids, ends, weights, self._config)
            return model(linear(tokens, self._weights.under("text_projection"), bias=False), [ids, ends])

    def _batch(self, ids: list[list[int]]) -> dict[str, NDArray[np.int64]]:
        """Return token ids as the inputs of the graph, filled on the right."""
        length = max(map(len, ids))
        filled = np.array([[*one, *[self._tokens.pad] * (length - len(one))] for one in ids], np.int64)  # (n, t)
        if not self._is_clip:
            return {"ids": filled}
        end = int(self._config.get("eos_token_id", END))
        # as transformers: the first end token, or for the old id the first of those with the highest id
        found = filled.argmax(axis=1) if end == NO_END else (filled == end).argmax(axis=1)
        return {"ids": filled, "ends": found.astype(np.int64)}


@dataclass(frozen=True)
class TextTokens:
    """The tokenizer of an image-text model, by its tokenizer.json."""

    tokenizer: Tokenizer
    pad: int
    length: int | None  # to which each text is filled, as SigLIP was trained
    is_canonical: bool  # whether texts lose their case and punctuation first, as SigLIP's own tokenizer does it

    @classmethod
    def of(cls, folder: Path, *, longest: int, is_padded: bool) -> "TextTokens":
        """Return the tokenizer of a model that reads `longest` tokens at most."""
        tokenizer = read_tokenizer(folder / "tokenizer.json", max_tokens=longest)
        stated = optional_settings(folder / "tokenizer_config.json")
        is_canonical = str(stated.get("tokenizer_class", "")).startswith("SiglipTokenizer")
        return cls(tokenizer, _pad(tokenizer, stated), longest if is_padded else None, is_canonical)

    def __call__(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of each text."""
        read = [canonical(text) for text in texts] if self.is_canonical else list(texts)
        ids: list[list[int]] = [encoding.ids for encoding in self.tokenizer.encode_batch(read)]
        return [one + [self.pad] * ((self.length or 0) - len(one)) for one in ids]


def canonical(text: str) -> str:
    """Return a text in lower case, without punctuation, with single spaces."""
    return re.sub(r"\s+", " ", text.lower().translate(str.maketrans("", "", string.punctuation))).strip()


def _pad(tokenizer: Tokenizer, stated: Mapping[str, Any]) -> int:
    """Return the id of the token with which texts are filled."""
    token = stated.get("pad_token")
    named = token.get("content") if isinstance(token, Mapping) else token
    found = None if named is None else tokenizer.token_to_id(str(named))
    return 0 if found is None else int(found)


def learned_number(weights: Weights, name: str, function: Callable[[float], float] = float) -> float | None:
    """Return a function of a learned number of the model, or None if it has none of that name."""
    return function(float(weights[name].reshape(()))) if name in weights else None
