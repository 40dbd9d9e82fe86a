"""The base of the encoders of models in Hugging Face layout, and how transformers opens their parts."""

import logging
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging as transformers_log

from anyshot.base.validation import Vectors
from anyshot.encoders.huggingface.files import VOCABULARIES, digest_of_folder, language_of_model, read_settings
from anyshot.encoders.stages import Backbone, ImagePreparation, Network, TextPreparation, choose_compute
from anyshot.encoders.texts import (
    MOST_LETTERS,
    Rows,
    TextEncoder,
    TextTokenizer,
    beginning,
    collect,
    refuse_empty,
)
from anyshot.errors import EncoderError, MissingWeightsError, first_line

TOKENIZER: Final = "tokenizer.json"


class HuggingFaceEncoder(ABC):
    """Base of the encoders of models in Hugging Face layout.

    Parameters
    ----------
    folder : Path
        A model in Hugging Face layout, with weights in safetensors.
    device : str, default="auto"
        Device to run on: "auto", "cpu", "cuda", "mps".

    Attributes
    ----------
    width : int
        Number of dimensions of a vector.
    digest : str
        Hash of the model's files, the pooling and the precision; it changes whenever the vectors would.
    """

    width: int
    digest: str
    _preparation: TextPreparation | ImagePreparation
    _settings: tuple[str, ...]  # hashed with the files: the pooling, and the version of the preprocessing

    def __init__(self, folder: Path, *, device: str = "auto") -> None:
        self._folder = folder
        self._compute = choose_compute(device)
        self._open()
        self.digest = self._compute.with_precision(digest_of_folder(folder, *self._settings))

    def backbone(self) -> Backbone:
        """Return the network in stages, with the weights read again in float32.

        Raises
        ------
        EncoderError
            The model has no stages.
        """
        return Backbone(
            name=f"hf:{self._folder}",
            width=self.width,
            digest=self.digest,
            compute=self._compute,
            network=self._stages(),
            preparation=self._preparation,
            fresh=self._random_stages,
        )

    @abstractmethod
    def _open(self) -> None:
        """Open the model; set `width`, `_preparation` and `_settings`."""

    @abstractmethod
    def _stages(self) -> Network:
        """Return the stages in float32."""

    @abstractmethod
    def _random_stages(self) -> Network:
        """Return the same stages with random weights."""


class HuggingFaceTextEncoder(TextEncoder, HuggingFaceEncoder):
    """Base of the encoders of text models; `_open` sets the tokenizer and the most tokens, too.

    A longer text is truncated.
    """

    max_tokens: int | None
    """The most tokens that the model reads, None for all."""
    _tokenizer: Any

    @cached_property
    def language(self) -> str | None:
        """English, if the model's README.md says that it is for this language alone; else None."""
        return language_of_model(self._folder)

    def _encode(self, texts: list[str]) -> Vectors:
        return collect(self._encoded(texts), n_texts=len(texts), width=self.width)

    def is_cut(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Return whether each text is longer than what the model reads of it, with the model's prompt (n,)."""
        limit = np.inf if self.max_tokens is None else self.max_tokens
        facts = zip(self._ids(texts), self._read(texts), self._prompted(texts), strict=True)
        return np.array([len(ids) > limit or len(read) < len(text) for ids, read, text in facts], dtype=bool)

    def n_tokens(self, texts: Sequence[str]) -> NDArray[np.intp]:
        """Return how many tokens of each text the model reads (n,)."""
        return np.array([len(ids) for ids in self._tokenize(list(texts), 0)], dtype=np.intp)

    def is_unread(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Return whether at least half of each text's tokens are unknown to the model (n,), as far as it tells."""
        tokenizer = getattr(self._tokenizer, "backend_tokenizer", None)
        if tokenizer is None:
            return np.zeros(len(texts), dtype=bool)
        return TextTokenizer(tokenizer, self.max_tokens or MOST_LETTERS).is_unread(texts)

    def _tokenize(self, texts: list[str], first_row: int) -> list[list[int]]:
        """Return the token ids of each text that the model reads."""
        tokens = self._ids(texts, truncation=self.max_tokens is not None, max_length=self.max_tokens)
        refuse_empty(tokens, first_row=first_row)
        return tokens

    def _ids(self, texts: Sequence[str], **options: Any) -> list[list[int]]:
        """Return the token ids of each text after the model's prompt."""
        found = self._tokenizer(self._read(texts), return_attention_mask=False, verbose=False, **options)
        ids: list[list[int]] = found["input_ids"]
        return ids

    def _read(self, texts: Sequence[str]) -> list[str]:
        """Return what is tokenized of each text: very long ones take seconds and gigabytes, and have enough tokens."""
        whole = self._prompted(texts)
        if self.max_tokens is None or self._tokenizer.truncation_side != "right":
            return whole
        return [beginning(text, MOST_LETTERS * self.max_tokens) for text in whole]

    def _prompted(self, texts: Sequence[str]) -> list[str]:
        """Return texts after the model's prompt; most models have none."""
        return list(texts)

    def _preparation_of_texts(self, pad: int) -> TextPreparation:
        """Return how texts become token ids, which are filled up with `pad`."""
        return TextPreparation(
            self._tokenize,
            pad=pad,
            tokenizer=getattr(getattr(self._tokenizer, "backend_tokenizer", None), "to_str", None),
            about={"at_most": self.max_tokens, "filled_up": f"on the right with {pad}"},
        )

    @abstractmethod
    def _encoded(self, texts: list[str]) -> Iterator[tuple[Rows | slice, Vectors]]:
        """Yield the rows of some texts, and their vectors (m, width), until all are encoded."""


@contextmanager
def opening(folder: Path, *, library: str = "transformers") -> Iterator[None]:
    """Silence a library while it opens `folder`, and raise EncoderError if it cannot."""
    try:
        with quiet():
            yield
    except (OSError, ValueError, TypeError, AttributeError, LookupError, ImportError, RuntimeError) as error:
        raise EncoderError(f"{folder} cannot be opened by {library}: {first_line(error)}") from error


def open_part(auto: Any, folder: Path, **options: Any) -> Any:
    """Return what one of transformers' Auto classes reads from `folder`, offline and without running code from it."""
    with opening(folder):
        return auto.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False, **options)


def open_weights(auto: Any, folder: Path) -> tuple[Any, bool]:
    """Return a model in evaluation mode, and whether the weights of its pooler are there.

    Raises MissingWeightsError if other weights are missing, or have other shapes; transformers would initialize them at
    random.
    """
    model, loaded = open_part(
        auto, folder, use_safetensors=True, output_loading_info=True, ignore_mismatched_sizes=True
    )
    for name, found, asked in sorted(loaded["mismatched_keys"]):
        raise MissingWeightsError(
            f"{folder} has the weights {name} in the shape {tuple(found)}, but its config.json asks for "
            f"{tuple(asked)}. They are not of the same model: download both again."
        )
    missing = set(loaded["missing_keys"])
    pooler = {name for name in missing if "pooler" in name.split(".")}
    if missing - pooler:
        some = ", ".join(sorted(missing - pooler)[:3])
        raise MissingWeightsError(
            f"{folder} lacks {len(missing - pooler)} of the weights that {type(model).__name__} needs ({some}). "
            "Download the model again, or use one that was saved completely."
        )
    return model.eval().requires_grad_(False), not pooler


def open_tokenizer(folder: Path) -> Any:
    """Return the tokenizer of a model.

    Raises MissingWeightsError if the tokenizer's files are missing: transformers then makes one without a vocabulary,
    or fails.
    """
    missing = MissingWeightsError(
        f"{folder} has no tokenizer (tokenizer.json, vocab.txt or the like). Download the model again, or save its "
        "tokenizer with it: tokenizer.save_pretrained(folder)."
    )
    try:
        tokenizer = open_part(AutoTokenizer, folder)
    except EncoderError as error:
        if (folder / TOKENIZER).is_file():
            read_settings(folder / TOKENIZER)  # names the file, where it is no JSON
        if any(file for pattern in (TOKENIZER, "vocab*", "*.model", *VOCABULARIES) for file in folder.glob(pattern)):
            raise
        raise missing from error
    if len(tokenizer) <= len(set(tokenizer.all_special_ids)):
        raise missing
    return tokenizer


def random_model(config: Any) -> Any:
    """Return a model of transformers with random weights from torch's generator."""
    auto: Any = AutoModel
    with quiet():
        return auto.from_config(config)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers' progress bars, log messages and warnings, and restore the settings afterward."""
    level, bar = transformers_log.get_verbosity(), transformers_log.is_progress_bar_enabled()
    transformers_log.set_verbosity(logging.ERROR)
    transformers_log.disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers is partly typed
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        transformers_log.set_verbosity(level)
        if bar:
            transformers_log.enable_progress_bar()  # type: ignore[no-untyped-call]
