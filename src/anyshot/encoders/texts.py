"""Text encoders: their base class, tokenizer, and batches of about equal length."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anyshot.base import progress
from anyshot.base.immutable import Immutable
from anyshot.base.items import Items, check_texts
from anyshot.base.validation import Vectors
from anyshot.errors import BadItemError, EncoderError, InputError

if TYPE_CHECKING:  # it is loaded with the first tokenizer
    from tokenizers import Encoding, Tokenizer

WINDOW_TEXTS: Final = 8192
WINDOW_CHARACTERS: Final = 8_000_000
"""Texts tokenized together: enough that many have equal length, few enough for little memory."""
WASTE: Final = 0.1
"""The most padding in a batch, as a share of its tokens."""
NEGLIGIBLE: Final = 64
"""Tokens of padding that cost less than another batch."""
BAR_TEXTS: Final = 64
"""Texts from which there may be a progress bar; fewer are encoded before it would appear."""
LETTERS: Final = 16
"""Letters that are looked at first for each token that is read: most have five, and 9 MB of text would take 4 GB."""
MOST_LETTERS: Final = 256
"""Letters that are looked at for each token at most: a word of a million may be one token, and takes seconds."""
UNKNOWN_TOKENS: Final = ("[UNK]", "<unk>")
"""What tokenizers put for words that they cannot divide into known pieces."""

Rows: TypeAlias = NDArray[np.intp]  # indexes in a list of items


class TextEncoder(Immutable, ABC):
    """Base class of text encoders; subclasses set the width, and encode texts that were checked."""

    modality: Literal["text"] = "text"
    width: int

    def encode(self, inputs: Items) -> Vectors:
        """Return unit-length vectors (n, width), float32, of texts.

        Raises
        ------
        BadItemError
            An item is not a text, is empty, or has no token; the message names its row.
        """
        return self._encode(check_texts(inputs))

    def stream(self, inputs: Iterable[str]) -> Iterator[Vectors]:
        """Yield the vectors (n, width) of some thousand texts at a time, in order, reading the texts as needed."""
        if isinstance(inputs, str | bytes):
            raise InputError(f"Texts are needed; got one {type(inputs).__name__}. Write [text].")
        return (self.encode(chunk) for chunk in chunks(inputs))

    @abstractmethod
    def _encode(self, texts: list[str]) -> Vectors:
        """Return unit-length vectors (n, width), float32, on the CPU, of texts that have something to read."""


# --- batches --------------------------------------------------------------------------------------------------------


def windows(texts: Sequence[str], *, at_most: int = WINDOW_TEXTS) -> Iterator[slice]:
    """Yield the slices of the texts that `chunks` yields."""
    start = 0
    for chunk in chunks(texts, at_most=at_most):
        yield slice(start, start + len(chunk))
        start += len(chunk)


def chunks(
    texts: Iterable[str], *, at_most: int = WINDOW_TEXTS, characters: int = WINDOW_CHARACTERS
) -> Iterator[list[str]]:
    """Yield lists of at most `at_most` texts and `characters` characters, or of one longer text, read as needed."""
    chunk: list[str] = []
    seen = 0
    for text in texts:
        length = len(text) if isinstance(text, str) else 0  # what is not a text is reported by the encoder
        if chunk and (len(chunk) == at_most or seen + length > characters):
            yield chunk
            chunk, seen = [], 0
        chunk.append(text)
        seen += length
    if chunk:
        yield chunk


def batches(lengths: Sequence[int], *, budget: int) -> Iterator[Rows]:
    """Yield the rows of each batch of texts, the shortest first.

    lengths (n,): tokens of each text; budget: the most tokens in a batch, padding included. A longer text has a batch
    of its own. A batch is filled to the budget, or until more than a tenth of it would be padding.
    """
    order = np.argsort(lengths, kind="stable")
    first = tokens = 0
    for position, row in enumerate(order):
        length, size = lengths[row], (position - first + 1) * lengths[row]
        padding = size - tokens - length
        if position > first and (size > budget or padding > max(WASTE * size, NEGLIGIBLE)):
            yield order[first:position]
            first, tokens = position, 0
        tokens += length
    if first < len(order):
        yield order[first:]


def collect(parts: Iterable[tuple[Rows | slice, Vectors]], *, n_texts: int, width: int) -> Vectors:
    """Return vectors (n_texts, width) from parts, each the rows of some texts and their vectors."""
    vectors = np.empty((n_texts, width), dtype=np.float32)
    if n_texts >= BAR_TEXTS:
        steps = ((len(part), (rows, part)) for rows, part in parts)
        parts = progress.track(steps, total=n_texts, description="Encoding texts")
    for rows, part in parts:
        vectors[rows] = part
    return vectors


# --- tokens ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TextTokenizer:
    """Texts to token ids, as a model reads them."""

    tokenizer: "Tokenizer"  # truncates at `max_tokens`, and does not pad
    max_tokens: int  # the most that the model reads
    padding: int = 0  # fills up the ids in a batch; the model does not see it
    prompt: str = ""  # put before each text

    def ids(self, texts: list[str], first_row: int = 0) -> list[list[int]]:
        """Return the token ids of each text; raise BadItemError for one without, by row, counted from `first_row`."""
        ids = [encoding.ids for encoding in self._encodings(texts)[0]]
        refuse_empty(ids, first_row=first_row)
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
        """Return whether each text is longer than what the model reads of it (n,)."""
        return self._encodings(texts)[1]

    def n_tokens(self, texts: Sequence[str]) -> NDArray[np.intp]:
        """Return how many tokens of each text the model reads, with those around it (n,)."""
        return np.array([len(encoding.ids) for encoding in self._encodings(texts)[0]], dtype=np.intp)

    def is_unread(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Return whether at least half of each text's tokens are unknown, or words spelled letter by letter (n,).

        So are words of another script: a vocabulary has their letters, but none of their words.
        """
        unknown = [one for one in map(self.tokenizer.token_to_id, UNKNOWN_TOKENS) if one is not None]
        found = []
        for own in self.tokenizer.encode_batch([beginning(text, LETTERS * self.max_tokens) for text in texts]):
            spelled = [len(token) == 3 and token[:2] == "##" and not token.isascii() for token in own.tokens]
            is_unknown = np.isin(own.ids, unknown) | spelled
            is_word = is_unknown | (np.array(own.special_tokens_mask) == 0)  # some tokenizers count [UNK] as special
            found.append(2 * is_unknown.sum() >= max(1, is_word.sum()))
        return np.array(found, dtype=bool)

    def _encodings(self, texts: Sequence[str]) -> "tuple[list[Encoding], NDArray[np.bool_]]":
        """Return the tokens of each text that are read, and whether it is longer than them (n,).

        Longer and longer beginnings are looked at until there are enough tokens, up to `MOST_LETTERS` for each.
        """
        read = [self.prompt + text for text in texts]
        found: dict[int, Encoding] = {}
        rows, letters = list(range(len(read))), LETTERS
        while rows and letters <= MOST_LETTERS:
            length = letters * self.max_tokens
            starts = [beginning(read[row], length) for row in rows]
            found |= zip(rows, self.tokenizer.encode_batch_fast(starts), strict=True)
            rows = [row for row in rows if len(read[row]) > length and not found[row].overflowing]
            letters *= 4
        encodings = [found[row] for row in range(len(read))]
        cut = np.array([bool(encoding.overflowing) for encoding in encodings], dtype=bool)
        cut[rows] = True
        return encodings, cut


def beginning(text: str, length: int) -> str:
    """Return the beginning of a text, which ends between words if its second half has some; a shorter one whole."""
    if len(text) <= length:
        return text
    whole_words = (text[:length].rsplit(None, 1) or [""])[0]
    return whole_words if 2 * len(whole_words) >= length else text[:length]


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
