"""Texts to token ids: the tokenizer of a model, and ids that its network cannot read."""

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from anyshot.encoders.texts import Rows, batches, windows
from anyshot.errors import BadItemError, EncoderError, MissingWeightsError

if TYPE_CHECKING:  # it is loaded with the first tokenizer
    from tokenizers import Encoding, Tokenizer

KINDS: Final = ("BPE", "Unigram", "WordLevel", "WordPiece")
"""The models of tokenizers; old files do not name theirs."""
UNKNOWN_TOKENS: Final = ("[UNK]", "<unk>")
"""What tokenizers put for words that they cannot divide into known pieces."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TextTokenizer:
    """Texts to token ids, as a model reads them."""

    tokenizer: "Tokenizer"  # truncates at `max_tokens`, and does not pad
    max_tokens: int  # the most that the model reads
    padding: int = 0  # fills up the ids in a batch; the model does not see it
    prompt: str = ""  # put before each text

    def ids(self, texts: list[str], first_row: int = 0) -> list[list[int]]:
        """Return the token ids of each text; log how many texts were truncated.

        Raises BadItemError if a text has no token; the message names its row, counted from `first_row`.
        """
        encodings = self._encodings(texts)
        ids = [encoding.ids for encoding in encodings]
        refuse_empty(ids, first_row=first_row)
        n_truncated = sum(1 for encoding in encodings if encoding.overflowing)
        log_truncated(n_truncated, of=len(texts), max_tokens=self.max_tokens)
        return ids

    def batches(self, texts: list[str], *, budget: int) -> Iterator[tuple[Rows, list[list[int]]]]:
        """Yield the rows of each batch of at most `budget` tokens, sorted by length, and the token ids of its texts."""
        for start, ids in self.windows(texts):
            for rows in batches([len(of_text) for of_text in ids], budget=budget):
                yield rows + start, [ids[row] for row in rows]

    def windows(self, texts: list[str]) -> Iterator[tuple[int, list[list[int]]]]:
        """Yield the token ids of some thousand texts at a time, and the row of the first of them."""
        for window in windows(texts):
            yield window.start, self.ids(texts[window], window.start)

    def is_cut(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Return whether each text has more tokens than the model reads (n,)."""
        return np.array([bool(encoding.overflowing) for encoding in self._encodings(texts)], dtype=bool)

    def n_tokens(self, texts: Sequence[str]) -> NDArray[np.intp]:
        """Return how many tokens of each text the model reads, with those around it (n,)."""
        return np.array([len(encoding.ids) for encoding in self._encodings(texts)], dtype=np.intp)

    def is_unread(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Return whether at least half of each text's tokens are unknown, or words spelled letter by letter (n,).

        So are words of another script: a vocabulary has their letters, but none of their words.
        """
        known = (self.tokenizer.token_to_id(token) for token in UNKNOWN_TOKENS)
        unknown = [one for one in known if one is not None]
        found = []
        for own in self.tokenizer.encode_batch(list(texts)):
            spelled = [len(token) == 3 and token[:2] == "##" and not token.isascii() for token in own.tokens]
            is_unknown = np.isin(own.ids, unknown) | spelled
            is_word = is_unknown | (np.array(own.special_tokens_mask) == 0)  # some tokenizers count [UNK] as special
            found.append(2 * is_unknown.sum() >= max(1, is_word.sum()))
        return np.array(found, dtype=bool)

    def _encodings(self, texts: Sequence[str]) -> list["Encoding"]:
        return self.tokenizer.encode_batch_fast([self.prompt + text for text in texts])


def _check_tokenizer(text: str) -> None:
    """Raise ValueError or TypeError if this is no tokenizer; the tokenizer's own errors would be plain Exceptions."""
    model_of_text = dict(json.loads(text)).get("model") or {}
    if not model_of_text or model_of_text.get("type", KINDS[0]) not in KINDS:
        raise ValueError(f"it has no model of type {', '.join(KINDS)}")


def read_tokenizer(file: Path, *, max_tokens: int, is_published: bool = False) -> "Tokenizer":
    """Return the tokenizer of a tokenizer.json, which truncates at `max_tokens` and does not pad.

    is_published: whether the file has the published content, which need not be read twice to see if it is a tokenizer.

    Raises MissingWeightsError if the file is missing, or is not a tokenizer.
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
    from tokenizers import Tokenizer  # here, since models of vectors do without

    tokenizer = Tokenizer.from_str(text)
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return tokenizer


def refuse_empty(tokens: Sequence[Sequence[int]], *, first_row: int = 0) -> None:
    """Raise BadItemError if a text has no token; its row is counted from `first_row`."""
    for row, ids in enumerate(tokens, start=first_row):
        if not len(ids):
            raise BadItemError(f"The tokenizer returned no tokens for the text in row {row}. Remove it or add words.")


def refuse_unknown(highest: int, *, vocabulary: int) -> None:
    """Raise EncoderError if the highest token id is not one of the `vocabulary` ids that the network knows."""
    if highest >= vocabulary:
        raise EncoderError(
            f"The tokenizer has a token with the number {highest}, but the network knows only {vocabulary}. They are "
            "not of the same model: download both again."
        )


def log_truncated(n_truncated: int, *, of: int, max_tokens: int | None) -> None:
    """Log how many of some texts were truncated, if there were any."""
    if n_truncated:
        log.debug("%d of %d texts are longer than %d tokens and were truncated", n_truncated, of, max_tokens)
