"""CLIP and SigLIP in Hugging Face layout, run by openvino: images and texts in one vector space, without torch."""

import math
import re
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from anyshot.base.validation import Vectors
from anyshot.encoders.engines.image_text import clip_image, clip_text, siglip_image, siglip_text
from anyshot.encoders.engines.images import Config, OpenvinoModel, image_precision
from anyshot.encoders.engines.layers import linear, model, parameter
from anyshot.encoders.engines.openvino import Precision, shared_engine
from anyshot.encoders.engines.weights import Weights, read_safetensors
from anyshot.encoders.huggingface.files import read_settings, weight_files
from anyshot.encoders.image_processing import fitting, read_image_processing
from anyshot.encoders.texts import read_tokenizer, refuse_empty, refuse_unknown

TYPES: Final = ("clip", "siglip")
"""The types of models that are built here."""
BATCH_TEXTS: Final = 64

LAYERS: Final[Config] = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12}
CLIP_LAYERS: Final[Config] = {**LAYERS, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5}
CLIP_TEXTS: Final[Config] = {"hidden_size": 512, "num_attention_heads": 8, "max_position_embeddings": 77}
SIGLIP_LAYERS: Final[Config] = {**LAYERS, "hidden_act": "gelu_pytorch_tanh", "layer_norm_eps": 1e-6}
"""What config.json may leave out, as in transformers."""

END: Final = 49407  # id of CLIP's end token
NO_END: Final = 2  # stands for it in the config.json of older models, where the end token has the highest id


class OpenvinoImageTextModel(OpenvinoModel):
    """A CLIP or SigLIP that openvino runs.

    Parameters are those of `OpenvinoImageModel`.

    Attributes
    ----------
    logit_scale, logit_bias : float or None
        The factor of cosines in the model's softmax or sigmoid, and the number added after that.
    """

    def __init__(
        self, folder: Path, *, key: str, precision: Precision | None = None, threads: int | None = None
    ) -> None:
        config = read_settings(folder / "config.json")
        self._is_clip = config["model_type"] == "clip"
        defaults = CLIP_LAYERS if self._is_clip else SIGLIP_LAYERS
        images = {**defaults, **(config.get("vision_config") or {})}
        self._texts = {**defaults, **(CLIP_TEXTS if self._is_clip else {}), **(config.get("text_config") or {})}
        self._weights, self._folder = read_safetensors(weight_files(folder), source=folder), folder
        precision = precision or image_precision()
        super().__init__(
            lambda x: self._image_half(x, images),
            folder,
            read_image_processing(folder, model_type=config["model_type"]),
            key=f"{key} images",
            precision=precision,
            threads=threads,
        )
        self._tokens = TextTokens.of(folder, longest=self._longest, is_padded=not self._is_clip)
        self._text_engine = shared_engine(f"{key} texts", self._text_graph, precision=precision, threads=threads)
        self.logit_scale = _number(self._weights, "logit_scale", math.exp)
        self.logit_bias = _number(self._weights, "logit_bias")

    def map_texts(self, texts: Sequence[str]) -> Iterator[tuple[NDArray[np.intp], Vectors]]:
        """Yield the rows of texts of similar length, and their vectors (n, width), float32."""
        ids = self._tokens(texts)
        refuse_empty(ids)
        known = len(self._weights["text_model.embeddings.token_embedding.weight"])
        refuse_unknown(max((max(of_text) for of_text in ids), default=0), vocabulary=known)
        order = np.argsort([len(one) for one in ids], kind="stable")
        rows = [order[first : first + BATCH_TEXTS] for first in range(0, len(order), BATCH_TEXTS)]
        batches = (self._batch([ids[row] for row in batch]) for batch in rows)
        yield from zip(rows, self._text_engine.map(batches), strict=True)

    @cached_property
    def _longest(self) -> int:
        """The number of tokens that the model reads at most."""
        with fitting(self._folder):
            return len(self._weights["text_model.embeddings.position_embedding.weight"])

    def _image_half(self, x: Any, config: Config) -> Any:
        weights = self._weights.under("vision_model")
        if not self._is_clip:
            return siglip_image(x, weights, config)
        return linear(clip_image(x, weights, config), self._weights.under("visual_projection"), bias=False)

    def _text_graph(self) -> Any:
        weights, ids = self._weights.under("text_model"), parameter("ids", -1, -1, dtype=np.int64)
        with fitting(self._folder):
            if not self._is_clip:
                return model(siglip_text(ids, weights, self._texts), [ids])
            ends = parameter("ends", -1, dtype=np.int64)
            tokens = clip_text(ids, ends, weights, self._texts)
            return model(linear(tokens, self._weights.under("text_projection"), bias=False), [ids, ends])

    def _batch(self, ids: list[list[int]]) -> dict[str, NDArray[np.int64]]:
        """Return token ids as the inputs of the graph, filled on the right."""
        length = max(map(len, ids))
        filled = np.array([[*one, *[self._tokens.pad] * (length - len(one))] for one in ids], np.int64)  # (n, t)
        if not self._is_clip:
            return {"ids": filled}
        end = int(self._texts.get("eos_token_id", END))
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
        settings = folder / "tokenizer_config.json"
        stated: Mapping[str, Any] = read_settings(settings) if settings.is_file() else {}
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


def _number(weights: Weights, name: str, function: Callable[[float], float] = float) -> float | None:
    """Return a function of a learned number of the model, or None if it has none of that name."""
    return function(float(weights[name].reshape(()))) if name in weights else None
