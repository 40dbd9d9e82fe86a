"""Encode texts with an engine: check, tokenize, fill batches by tokens, run, and put the vectors in order."""

import json
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from anyshot.base.items import Items, check_texts
from anyshot.base.validation import Vectors, unit
from anyshot.encoders.engines.layers import Node, model
from anyshot.encoders.engines.openvino import Inputs, Precision, shared_engine
from anyshot.encoders.engines.text_rows import (
    TokenNodes,
    halves_of_rows,
    row_inputs,
    row_length,
    share_rows,
    token_nodes,
)
from anyshot.encoders.texts import Rows, batches, chunks, collect, refuse_empty, refuse_unknown, windows
from anyshot.errors import InputError, MissingWeightsError

BATCH_TOKENS: Final = 1024
"""Tokens in a batch: few enough that the hidden states stay in the cache of a processor."""
KINDS: Final = ("BPE", "Unigram", "WordLevel", "WordPiece")
"""The models of tokenizers; old files do not name theirs."""

UNKNOWN_TOKENS: Final = ("[UNK]", "<unk>")
"""What tokenizers put for words that they cannot divide into known pieces."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TextTokenizer:
    """Texts to token ids, as a model reads them.

    Parameters
    ----------
    tokenizer : Tokenizer
        Truncates at `max_tokens`, and does not pad.
    max_tokens : int
        The most tokens that the model reads.
    padding : int, default=0
        Fills up the ids in a batch; the model does not see it.
    prompt : str, default=""
        Put before each text.
    """

    tokenizer: Tokenizer
    max_tokens: int
    padding: int = 0
    prompt: str = ""

    def ids(self, texts: list[str], first_row: int = 0) -> tuple[list[list[int]], int]:
        """Return the token ids of each text, and how many texts were truncated.

        Raises
        ------
        BadItemError
            A text has no token; the message names its row, counted from `first_row`.
        """
        encodings = self._encodings(texts)
        ids = [encoding.ids for encoding in encodings]
        refuse_empty(ids, first_row=first_row)
        return ids, sum(1 for encoding in encodings if encoding.overflowing)

    def batches(self, texts: list[str], *, budget: int) -> Iterator[tuple[Rows, list[list[int]]]]:
        """Yield the rows of each batch of at most `budget` tokens, sorted by length, and the token ids of its texts.

        Logs how many texts were truncated, when all were read.
        """
        for start, ids in self.windows(texts):
            for rows in batches([len(of_text) for of_text in ids], budget=budget):
                yield rows + start, [ids[row] for row in rows]

    def windows(self, texts: list[str]) -> Iterator[tuple[int, list[list[int]]]]:
        """Yield the token ids of some thousand texts at a time, and the row of the first of them.

        Logs how many texts were truncated, when all were read.
        """
        n_truncated = 0
        for window in windows(texts):
            ids, truncated = self.ids(texts[window], window.start)
            n_truncated += truncated
            yield window.start, ids
        self._log_truncated(n_truncated, of=len(texts))

    def is_cut(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Return whether each text has more tokens than the model reads (n,)."""
        return np.array([bool(encoding.overflowing) for encoding in self._encodings(texts)], dtype=bool)

    def n_tokens(self, texts: Sequence[str]) -> NDArray[np.intp]:
        """Return how many tokens of each text the model reads, with those around it (n,)."""
        return np.array([len(encoding.ids) for encoding in self._encodings(texts)], dtype=np.intp)

    def is_unread(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Return whether at least half of each text's tokens are unknown (n,)."""
        known = (self.tokenizer.token_to_id(token) for token in UNKNOWN_TOKENS)
        unknown = [one for one in known if one is not None]
        found = []
        for own in self.tokenizer.encode_batch(list(texts)):
            is_unknown = np.isin(own.ids, unknown)
            is_word = is_unknown | (np.array(own.special_tokens_mask) == 0)  # some tokenizers count [UNK] as special
            found.append(2 * is_unknown.sum() >= max(1, is_word.sum()))
        return np.array(found, dtype=bool)

    def _encodings(self, texts: Sequence[str]) -> list[Encoding]:
        return self.tokenizer.encode_batch_fast([self.prompt + text for text in texts])

    def ids_and_log(self, texts: list[str], first_row: int = 0) -> list[list[int]]:
        """Return the token ids of each text; log how many texts were truncated."""
        ids, n_truncated = self.ids(texts, first_row)
        self._log_truncated(n_truncated, of=len(texts))
        return ids

    def _log_truncated(self, n_truncated: int, *, of: int) -> None:
        if n_truncated:
            log.debug("%d of %d texts are longer than %d tokens and were truncated", n_truncated, of, self.max_tokens)


class TextEngine:
    """Texts to unit-length vectors, by a tokenizer and a compiled network.

    Parameters
    ----------
    tokenizer : TextTokenizer
        Texts to token ids.
    network : callable
        Maps the nodes of m texts to the node of their vectors (m, width).
    width : int
        Number of dimensions of a vector.
    vocabulary : int
        Number of token ids that the network knows.
    key : str
        Hash of what the network is made from; engines of the same key are one.
    precision : {"float32", "bfloat16"}
        The precision of the products.
    threads : int, optional
        Number of threads. Default: the processors that the process may use.
    """

    def __init__(
        self,
        tokenizer: TextTokenizer,
        network: Callable[[TokenNodes], Node],
        *,
        width: int,
        vocabulary: int,
        key: str,
        precision: Precision,
        threads: int | None = None,
    ) -> None:
        self.tokenizer, self.width, self._vocabulary = tokenizer, width, vocabulary

        def build() -> Any:
            tokens = token_nodes()
            return model(network(tokens), list(tokens))

        self._engine = shared_engine(key, build, precision=precision, threads=threads, halve=halves_of_rows)

    def encode(self, texts: list[str]) -> Vectors:
        """Return unit-length vectors (n, width), float32, of texts."""
        return collect(self._encoded(texts), n_texts=len(texts), width=self.width)

    def _encoded(self, texts: list[str]) -> Iterator[tuple[Rows, Vectors]]:
        """Yield the texts of each batch, by their row in `texts`, and their vectors."""
        running: deque[Rows] = deque()
        for output in self._engine.map(self._batches(texts, running)):
            yield running.popleft(), unit(output)

    def _batches(self, texts: list[str], running: deque[Rows]) -> Iterator[Inputs]:
        """Yield the inputs of each batch, after its texts were appended to `running`."""
        for start, ids in self.tokenizer.windows(texts):
            rows = share_rows([len(of_text) for of_text in ids])
            lengths = [row_length(sum(len(ids[text]) for text in row)) for row in rows]
            for batch in batches(lengths, budget=BATCH_TOKENS):
                chosen = [rows[number] for number in batch]
                running.append(np.concatenate(chosen) + start)
                inputs = row_inputs([[ids[text] for text in row] for row in chosen], padding=self.tokenizer.padding)
                refuse_unknown(int(inputs["ids"].max()), vocabulary=self._vocabulary)
                yield inputs


class TextRunner(Protocol):
    """What computes the vectors of texts that were checked, as `TextEngine` does."""

    def encode(self, texts: list[str]) -> Vectors:
        """Return unit-length vectors (n, width), float32, of texts."""
        ...


class TextEncoder:
    """Base class of text encoders with a `TextTokenizer`; subclasses set the tokenizer, the runner and the width."""

    modality: Literal["text"] = "text"
    width: int
    _tokenizer: TextTokenizer
    _runner: TextRunner

    @property
    def max_tokens(self) -> int:
        """The most tokens that the model reads."""
        return self._tokenizer.max_tokens

    def encode(self, inputs: Items) -> Vectors:
        """Return unit-length vectors (n, width), float32, of texts.

        Raises
        ------
        BadItemError
            An item is not a text, is empty, or has no token; the message names its row.
        """
        return self._runner.encode(check_texts(inputs))

    def is_cut(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Return whether each text has more tokens than the model reads (n,)."""
        return self._tokenizer.is_cut(texts)

    def n_tokens(self, texts: Sequence[str]) -> NDArray[np.intp]:
        """Return how many tokens of each text the model reads (n,)."""
        return self._tokenizer.n_tokens(texts)

    def is_unread(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Return whether at least half of each text's tokens are unknown to the model (n,)."""
        return self._tokenizer.is_unread(texts)

    def stream(self, inputs: Iterable[str]) -> Iterator[Vectors]:
        """Yield the vectors (n, width) of some thousand texts at a time, in order, reading the texts as needed."""
        if isinstance(inputs, str | bytes):
            raise InputError(f"Texts are needed; got one {type(inputs).__name__}. Write [text].")
        return (self.encode(chunk) for chunk in chunks(inputs))

    def __sklearn_clone__(self) -> Self:
        return self  # never changed after construction, so that a clone need not copy the weights


def _check_tokenizer(text: str) -> None:
    """Raise ValueError or TypeError if this is no tokenizer; the tokenizer's own errors would be plain Exceptions."""
    model_of_text = dict(json.loads(text)).get("model") or {}
    if not model_of_text or model_of_text.get("type", KINDS[0]) not in KINDS:
        raise ValueError(f"it has no model of type {', '.join(KINDS)}")


def read_tokenizer(file: Path, *, max_tokens: int, is_published: bool = False) -> Tokenizer:
    """Return the tokenizer of a tokenizer.json, which truncates at `max_tokens` and does not pad.

    is_published: whether the file has the published content, which need not be read twice to see if it is a tokenizer.

    Raises
    ------
    MissingWeightsError
        The file is missing, or is not a tokenizer.
    """
    try:
        text = file.read_text(encoding="utf-8")
        if not is_published:
            _check_tokenizer(text)
    except FileNotFoundError as error:
        raise MissingWeightsError(
            f"{file.parent} has no tokenizer.json. Download the model again, or save its tokenizer with it: "
            "tokenizer.save_pretrained(folder)."
        ) from error
    except OSError as error:
        raise MissingWeightsError(f"{file} cannot be read: {error.strerror}. Check who may read it.") from error
    except (ValueError, TypeError) as error:
        raise MissingWeightsError(f"{file} is not a tokenizer: {error}. Download the model again.") from error
    tokenizer = Tokenizer.from_str(text)
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return tokenizer
