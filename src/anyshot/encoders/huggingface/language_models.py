"""Encoder of text models of transformers, which pools the states of a text's tokens into one vector."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import torch
from torch.nn.functional import normalize
from transformers import AutoModel

from anyshot.base.validation import Vectors
from anyshot.encoders.huggingface.base import HuggingFaceTextEncoder, open_tokenizer, open_weights, random_model
from anyshot.encoders.huggingface.kinds import is_causal_type
from anyshot.encoders.huggingface.stages import text_stages
from anyshot.encoders.stages import Network, State, last_token, mean_of_tokens
from anyshot.encoders.texts import Rows, batches, windows

BATCH_TOKENS: Final = {"cpu": 2048, "cuda": 32768}


class LanguageModelEncoder(HuggingFaceTextEncoder):
    """Encoder of a text model of transformers: BERT, RoBERTa, DistilBERT, GPT-2, T5 and others.

    The vector is the mean of the token states, or for a causal model the state of the last token. A text with more
    tokens than the model has positions is truncated. Parameters and attributes are those of `HuggingFaceEncoder`.
    """

    def _open(self) -> None:
        self._tokenizer = open_tokenizer(self._folder)
        model = _open_encoder(self._folder)
        config = model.config
        self.max_tokens = _max_tokens(model, self._tokenizer)
        pads = (config.pad_token_id, self._tokenizer.pad_token_id, 0)
        self._preparation = self._preparation_of_texts(next(pad for pad in pads if pad is not None))
        is_causal = is_causal_type(config.model_type) or bool(getattr(config, "is_decoder", False))
        self._pool = last_token if is_causal else mean_of_tokens
        self._settings = ("last_token" if is_causal else "mean_of_tokens", "1")
        self._model = model.to(self._compute.device, self._compute.dtype)
        self.width = config.get_text_config().hidden_size

    def _stages(self) -> Network:
        return text_stages(_open_encoder(self._folder).float(), pool=self._pool)

    def _random_stages(self) -> Network:
        return text_stages(_encoder_half(random_model(self._model.config)), pool=self._pool)

    def _encoded(self, texts: list[str]) -> Iterator[tuple[Rows, Vectors]]:
        budget = self._compute.batch_size(BATCH_TOKENS)
        for window in windows(texts):
            tokens = [torch.tensor(ids) for ids in self._tokenize(texts[window], window.start)]
            for rows in batches([len(ids) for ids in tokens], budget=budget):
                yield rows + window.start, self._vectors([tokens[row] for row in rows])

    def _vectors(self, tokens: list[torch.Tensor]) -> Vectors:
        """Return the vectors (n, width) of tokenized texts."""
        state = self._preparation.together(tokens).to(self._compute.device)
        assert state.mask is not None
        with torch.inference_mode():
            output = self._model(input_ids=state.x, attention_mask=state.mask.long())
            pooled = self._pool(State(output.last_hidden_state, state.mask))
            vectors: Vectors = normalize(pooled).cpu().numpy()
        return vectors


def _open_encoder(folder: Path) -> Any:
    """Return the model, or of an encoder-decoder model its encoder."""
    return _encoder_half(open_weights(AutoModel, folder)[0])


def _encoder_half(model: Any) -> Any:
    return model.get_encoder() if getattr(model.config, "is_encoder_decoder", False) else model


def _max_tokens(model: Any, tokenizer: Any) -> int | None:
    """Return the number of tokens that the model can read, or None if there is no limit.

    RoBERTa and similar models number positions from the padding index on, which leaves fewer for tokens.
    """
    config = model.config.get_text_config()
    limit: int | None = getattr(config, "max_position_embeddings", None)
    for name, part in model.named_modules():
        if limit and name.endswith("position_embeddings") and getattr(part, "padding_idx", None) is not None:
            limit -= part.padding_idx + 1
    known = [number for number in (limit, tokenizer.model_max_length) if number is not None and number < 10**9]
    return min(known) if known else None
