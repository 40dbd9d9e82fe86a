"""Any text model of transformers, its tokens' states pooled into one vector."""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, Self

import numpy as np
import torch
from torch.nn.functional import normalize
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging as transformers_log

from anyshot.base import progress
from anyshot.base.items import Items, check_texts
from anyshot.base.validation import Vectors
from anyshot.encoders import hub
from anyshot.encoders.stages import (
    Backbone,
    Network,
    State,
    TextPreparation,
    batches,
    choose,
    last_token,
    mean_of_tokens,
    windows,
)
from anyshot.encoders.stages_text import text_stages
from anyshot.errors import BadItemError, EncoderError, MissingWeightsError

BATCH_TOKENS: Final = {"cpu": 2048, "cuda": 32768}

log = logging.getLogger(__name__)


class LanguageModelEncoder:
    """A text model of transformers: the mean over a text's tokens, or, where each sees only those before it, the last.

    A text longer than the model's positions is cut there; how many were is logged at level INFO.

    Parameters
    ----------
    folder : Path
        A model in Hugging Face layout, its weights in safetensors.
    device : str, default="auto"
        Where it runs: "auto", "cpu", "cuda", "mps".

    Attributes
    ----------
    width : int
        d of the vectors.
    digest : str
        Changes whenever the vectors would.
    """

    modality: Literal["text"] = "text"

    def __init__(self, folder: Path, *, device: str = "auto") -> None:
        self._folder = folder
        self._compute = choose(device)
        with quiet():
            self._tokenizer = _opened(AutoTokenizer, folder)
        model = _open_model(folder)
        _check_words(folder, self._tokenizer)
        config = model.config
        self._pooled = last_token if _is_causal(config) else mean_of_tokens
        self._max_tokens = _positions(model, self._tokenizer)
        self._pad = next((pad for pad in (config.pad_token_id, self._tokenizer.pad_token_id) if pad is not None), 0)
        self._model = model.eval().requires_grad_(False).to(self._compute.device, self._compute.dtype)
        self.width: int = config.get_text_config().hidden_size
        self.digest: str = self._compute.marked(hub.digest_of_folder(folder, self._pooled.__name__, "1"))

    def encode(self, inputs: Items) -> Vectors:
        """Return unit-length vectors (n, width), float32, of texts.

        Raises
        ------
        BadItemError
            An item is no text, an empty one, or one in which the model sees no token; its row is named.
        """
        texts = check_texts(inputs)
        vectors = np.empty((len(texts), self.width), dtype=np.float32)
        for rows, part in progress.track(self._steps(texts), total=len(texts), description="Encoding texts"):
            vectors[rows] = part
        return vectors

    def backbone(self) -> Backbone:
        """Return the network in stages, its weights read again in float32."""
        pooled = self._pooled
        model = _open_model(self._folder)

        def fresh() -> Network:
            return text_stages(_reading_half(fresh_model(model.config)), pooled=pooled)

        return Backbone(
            name=f"hf:{self._folder}",
            width=self.width,
            digest=self.digest,
            compute=self._compute,
            network=text_stages(model.eval().requires_grad_(False).float(), pooled=pooled),
            preparation=TextPreparation(
                self._counted_tokens,
                pad=self._pad,
                tokenizer=self._tokenizer.backend_tokenizer.to_str if self._tokenizer.is_fast else None,
                about={"at_most": self._max_tokens, "filled_up": f"on the right with {self._pad}"},
            ),
            fresh=fresh,
        )

    def __sklearn_clone__(self) -> Self:
        return self  # frozen: scikit-learn's clone would copy the weights for nothing

    def _counted_tokens(self, texts: list[str], first_row: int) -> list[list[int]]:
        """Return the token ids of each text, and say how many were cut."""
        tokens = self._tokens(texts, first_row=first_row)
        self._say_cut(sum(self._is_cut(ids, text) for ids, text in zip(tokens, texts, strict=True)), of=len(texts))
        return tokens

    def _say_cut(self, n_cut: int, *, of: int) -> None:
        if n_cut:
            log.info("%d of %d texts are longer than %d tokens and were cut there", n_cut, of, self._max_tokens)

    def _steps(self, texts: list[str]) -> Iterator[tuple[int, tuple[Any, Vectors]]]:
        """Yield batches done: how many texts, which, and their vectors."""
        n_cut = 0
        budget = BATCH_TOKENS.get(self._compute.device.type, BATCH_TOKENS["cpu"])
        for window in windows(texts):
            tokens = self._tokens(texts[window], first_row=window.start)
            n_cut += sum(self._is_cut(ids, text) for ids, text in zip(tokens, texts[window], strict=True))
            for rows in batches([len(ids) for ids in tokens], budget=budget):
                yield len(rows), (rows + window.start, self._vectors([tokens[row] for row in rows]))
        self._say_cut(n_cut, of=len(texts))

    def _tokens(self, texts: list[str], *, first_row: int) -> list[list[int]]:
        limit = {} if self._max_tokens is None else {"truncation": True, "max_length": self._max_tokens}
        tokens: list[list[int]] = self._tokenizer(texts, return_attention_mask=False, **limit)["input_ids"]
        for row, ids in enumerate(tokens, start=first_row):
            if not ids:
                raise BadItemError(f"The model sees no token in the text of row {row}. Drop it, or give it words.")
        return tokens

    def _is_cut(self, ids: list[int], text: str) -> bool:
        if self._max_tokens is None or len(ids) < self._max_tokens:
            return False
        return len(self._tokenizer(text, verbose=False)["input_ids"]) > self._max_tokens

    def _vectors(self, tokens: Sequence[list[int]]) -> Vectors:
        """Return the vectors (n, width) of tokenized texts, filled up on the right to the longest."""
        longest = max(len(ids) for ids in tokens)
        filled = torch.tensor([ids + [self._pad] * (longest - len(ids)) for ids in tokens])  # (n, longest)
        lengths = torch.tensor([len(ids) for ids in tokens])
        mask = (torch.arange(longest) < lengths[:, None]).long()
        with torch.inference_mode():
            on = {"input_ids": filled.to(self._compute.device), "attention_mask": mask.to(self._compute.device)}
            states = self._model(**on).last_hidden_state.float()  # (n, longest, width)
            made: Vectors = normalize(self._pooled(State(states, on["attention_mask"].bool()))).cpu().numpy()
        return made


def load_language_model(folder: Path, *, device: str = "auto") -> LanguageModelEncoder:
    """Return the encoder of a text model of transformers: BERT, RoBERTa, DistilBERT, GPT-2, T5 and others."""
    return LanguageModelEncoder(folder, device=device)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers' loading bars, notes and warnings from the terminal, and put everything back."""
    level, bar = transformers_log.get_verbosity(), transformers_log.is_progress_bar_enabled()
    transformers_log.set_verbosity(logging.ERROR)
    transformers_log.disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers types some only
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        transformers_log.set_verbosity(level)
        if bar:
            transformers_log.enable_progress_bar()  # type: ignore[no-untyped-call]


def _opened(auto: Any, folder: Path, **options: Any) -> Any:
    """Return what one of transformers' Auto classes reads from `folder`, offline and running no code from it."""
    try:
        return auto.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False, **options)
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise EncoderError(f"{folder} cannot be opened as a text model of transformers: {why}") from error


def fresh_model(config: Any) -> Any:
    """Return a model of transformers with first weights, drawn from torch's generator."""
    auto: Any = AutoModel
    with quiet():
        return auto.from_config(config)


def _open_model(folder: Path) -> Any:
    """Return the part of a model that reads texts, all its weights there."""
    with quiet():
        model, loaded = _opened(AutoModel, folder, use_safetensors=True, output_loading_info=True)
    _check_complete(folder, loaded)
    return _reading_half(model)


def _reading_half(model: Any) -> Any:
    return model.get_encoder() if getattr(model.config, "is_encoder_decoder", False) else model


def _check_words(folder: Path, tokenizer: Any) -> None:
    """Raise where the tokenizer's files are missing: transformers makes one up that knows no word."""
    if len(tokenizer) <= len(set(tokenizer.all_special_ids)):
        raise MissingWeightsError(
            f"{folder} has no tokenizer (tokenizer.json, vocab.txt or the like). Fetch the model again, or save its "
            "tokenizer beside it: tokenizer.save_pretrained(folder)."
        )


def _check_complete(folder: Path, loaded: Any) -> None:
    """Raise where weights are missing, which transformers fills at random; the pooler's are not used."""
    missing = set(loaded["missing_keys"]) | {name for name, *_ in loaded["mismatched_keys"]}
    missing = {name for name in missing if "pooler" not in name.split(".")}
    if missing:
        raise MissingWeightsError(
            f"{folder} lacks {len(missing)} of the weights that its config.json asks for ({min(missing)}). "
            "Fetch the model again, or take one saved whole."
        )


def _is_causal(config: Any) -> bool:
    return config.model_type in hub.CAUSAL - hub.MASKED or bool(getattr(config, "is_decoder", False))


def _positions(model: Any, tokenizer: Any) -> int | None:
    """Return how many tokens the model has places for, or None where it sets no bound.

    RoBERTa and its kin count places from the padding's number on, so that many fewer are left for tokens.
    """
    config = model.config.get_text_config()
    bound: int | None = getattr(config, "max_position_embeddings", None)
    for name, part in model.named_modules():
        if bound and name.endswith("position_embeddings") and getattr(part, "padding_idx", None) is not None:
            bound -= part.padding_idx + 1
    stated = tokenizer.model_max_length
    known = [limit for limit in (bound, stated) if limit is not None and limit < 10**9]
    return min(known) if known else None
