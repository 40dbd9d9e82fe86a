"""Text encoders: their base class, tokenizer, batches of about equal length, long texts, and unknown scripts.

A text that is longer than an encoder reads is cut, or gets the mean over its parts. A text in a script that is not in
the encoder's vocabulary cannot be read.
"""

import logging
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anyshot.base import progress
from anyshot.base.columns import is_missing_mark
from anyshot.base.immutable import Immutable
from anyshot.base.items import Items, check_texts
from anyshot.base.messages import count, first_of, shortened, warn_of_items
from anyshot.base.protocols import Limited, OfOneLanguage, WithVocabulary
from anyshot.base.validation import Indexes, Vectors, unit
from anyshot.encoders.languages import language_of
from anyshot.errors import BadItemError, EncoderError, InputError, ItemWarning

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
MULTILINGUAL: Final = "'hf:sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2'"
UNKNOWN_TOKENS: Final = ("[UNK]", "<unk>")
"""What tokenizers put for words that they cannot divide into known pieces."""
_SPECIAL_TOKENS: Final = 2  # at the beginning and the end of a text

Rows: TypeAlias = NDArray[np.intp]  # indexes in a list of items
LongTexts: TypeAlias = Literal["cut", "mean"]

log = logging.getLogger(__name__)


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


def windows(
    texts: Sequence[str], *, at_most: int = WINDOW_TEXTS, characters: int = WINDOW_CHARACTERS
) -> Iterator[slice]:
    """Yield slices of at most `at_most` texts and `characters` characters; a longer text has a slice of its own."""
    start = 0
    for chunk in chunks(texts, at_most=at_most, characters=characters):
        yield slice(start, start + len(chunk))
        start += len(chunk)


def chunks(
    texts: Iterable[str], *, at_most: int = WINDOW_TEXTS, characters: int = WINDOW_CHARACTERS
) -> Iterator[list[str]]:
    """Yield the lists of texts that `windows` yields slices of, from an iterable of any length, read as needed."""
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
        """Return the token ids of each text; log how many texts were truncated.

        Raises BadItemError if a text has no token; the message names its row, counted from `first_row`.
        """
        encodings, cut = self._encodings(texts)
        ids = [encoding.ids for encoding in encodings]
        refuse_empty(ids, first_row=first_row)
        log_truncated(int(cut.sum()), of=len(texts), max_tokens=self.max_tokens)
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


def log_truncated(n_truncated: int, *, of: int, max_tokens: int | None) -> None:
    """Log how many of some texts were truncated, if there were any."""
    if n_truncated:
        log.debug("%d of %d texts are longer than %d tokens and were truncated", n_truncated, of, max_tokens)


# --- long texts -----------------------------------------------------------------------------------------------------


def rows_of_long_texts(encoder: object, texts: Sequence[object]) -> Indexes:
    """Return the rows of the texts of which an encoder reads the beginning only (m,)."""
    if not isinstance(encoder, Limited) or encoder.max_tokens is None:
        return np.zeros(0, np.intp)
    # A token is one byte or more, so that only texts of more bytes than that need to be tokenized.
    least = encoder.max_tokens - _SPECIAL_TOKENS
    sizes = (len(text.encode("utf-8", "replace")) if isinstance(text, str) else 0 for text in texts)
    rows = [row for row, size in enumerate(sizes) if size > least]
    if not rows:
        return np.zeros(0, np.intp)
    return np.array(rows, dtype=np.intp)[encoder.is_cut([str(texts[row]) for row in rows])]


def with_long_texts(
    vectors: Vectors,
    texts: Sequence[str],
    encoder: object,
    long_texts: LongTexts,
    *,
    encode: Callable[[list[str]], Vectors],
    warned: bool,
) -> tuple[Vectors, int]:
    """Return the vectors (n, d) of texts, of long ones the means over parts if so chosen, and how many are long.

    encode: returns the vectors of texts; warned: whether texts that are cut were warned of.
    """
    rows = rows_of_long_texts(encoder, texts)
    if not len(rows) or not isinstance(encoder, Limited):
        return vectors, 0
    if long_texts == "mean":
        return with_means(vectors, texts, rows, encoder, encode), len(rows)
    if not warned:
        _warn(
            f"longer than the {encoder.max_tokens} tokens that the encoder reads; it ignores the rest",
            'In Python: long_texts="mean" uses the mean over parts.',
            rows,
            texts,
        )
    return vectors, len(rows)


def reason_of_long_texts(n_long: int, encoder: object, long_texts: LongTexts) -> str | None:
    """Return what becomes of the long texts among the items that a model is fitted to, in a sentence; None if none."""
    if not n_long:
        return None
    limit = encoder.max_tokens if isinstance(encoder, Limited) else None
    texts, whose = count(n_long, "text is", "texts are"), "its" if n_long == 1 else "their"
    cut = f"the encoder reads only {whose} first {limit} tokens"
    effect = "the mean over parts is used" if long_texts == "mean" else cut
    return f"{texts} longer than {limit} tokens; {effect}."


def parts_of(text: str, encoder: Limited) -> list[str]:
    """Return the parts of a text, in order, of which an encoder reads every token: halves of halves, between words."""
    if not encoder.is_cut([text])[0]:
        return [text]
    words = text.split()
    if len(words) > 1:
        halves = " ".join(words[: len(words) // 2]), " ".join(words[len(words) // 2 :])
    else:
        halves = text[: len(text) // 2], text[len(text) // 2 :]
    return [part for half in halves for part in parts_of(half, encoder)]


def with_means(
    vectors: Vectors, texts: Sequence[str], rows: Indexes, encoder: Limited, encode: Callable[[list[str]], Vectors]
) -> Vectors:
    """Return the vectors (n, d) of texts, with the mean over its parts for each of the long texts in `rows` (m,).

    encode: returns the vectors of texts. The parts of a text have about the same length, and count the same.
    """
    parts = [parts_of(texts[row], encoder) for row in rows]
    found = encode([part for own in parts for part in own])
    means, start = vectors.copy(), 0
    for row, own in zip(rows, parts, strict=True):
        means[row] = unit(found[start : start + len(own)].mean(axis=0, keepdims=True))[0]
        start += len(own)
    return means


# --- missing texts ---------------------------------------------------------------------------------------------------


def warn_of_missing_texts(texts: Sequence[str]) -> None:
    """Warn of the texts that programs write for a missing one."""
    rows = np.array([row for row, text in enumerate(texts) if is_missing_mark(text)], dtype=np.intp)
    if len(rows):
        shown = texts[rows[0]].strip()
        fault = f"written as programs write a missing one ({shown}), so that predictions for them are guesses"
        _warn(fault, "Leave them out.", rows, texts)


# --- unread and foreign texts -----------------------------------------------------------------------------------------


def rows_of_unread_texts(encoder: object, texts: Sequence[str]) -> Indexes:
    """Return the rows of the texts of which an encoder does not know at least half of the tokens (m,).

    Every encoder reads ASCII, so only the others are looked at.
    """
    rows = [row for row, text in enumerate(texts) if not text.isascii()]
    if not rows or not isinstance(encoder, WithVocabulary):
        return np.zeros(0, np.intp)
    return np.array(rows, dtype=np.intp)[encoder.is_unread([texts[row] for row in rows])]


def rows_of_foreign_texts(encoder: object, texts: Sequence[str]) -> tuple[Indexes, list[str]]:
    """Return the rows of the texts in other languages than an encoder for English was trained on (m,), and these."""
    if not isinstance(encoder, OfOneLanguage) or encoder.language != "English":
        return np.zeros(0, np.intp), []
    found = {row: language for row, text in enumerate(texts) if (language := language_of(text)) is not None}
    return np.array(list(found), dtype=np.intp), [language for language, _ in Counter(found.values()).most_common()]


def warn_of_unread_texts(encoder: object, texts: Sequence[str], name: str) -> bool:
    """Warn of the texts that an encoder of this name cannot read, and return whether there are any."""
    rows = rows_of_unread_texts(encoder, texts)
    if len(rows):
        fault = f"mostly in letters that the encoder {name!r} does not know, so that predictions for them are guesses"
        _warn(fault, f"Use an encoder for this language, such as {MULTILINGUAL}, or leave them out.", rows, texts)
    return len(rows) > 0


def warn_of_foreign_texts(encoder: object, texts: Sequence[str], name: str) -> bool:
    """Warn of the texts in other languages than an encoder of this name knows, and return whether there are any."""
    rows, found = rows_of_foreign_texts(encoder, texts)
    if len(rows):
        fault = f"in another language ({first_of(found, at_most=3)}) than English, the one that {name!r} was trained on"
        remedy = f"Such texts need more labels, or an encoder for many languages, such as {MULTILINGUAL}."
        _warn(fault, remedy, rows, texts)
    return len(rows) > 0


WARN_OF: Final = {"letters": warn_of_unread_texts, "language": warn_of_foreign_texts}
"""Of each kind of texts that an encoder understands badly, what warns of them."""


def _warn(fault: str, remedy: str, rows: Indexes, texts: Sequence[str]) -> None:
    """Warn of what the texts in some rows are."""

    def warning_of(places: list[str], texts: list[str], rows: Sequence[int]) -> ItemWarning:
        names = places or [repr(shortened(text)) for text in texts]
        found = f"{count(len(names), 'text is', 'texts are')} {fault}: {first_of(names, at_most=5)}"
        return ItemWarning(f"{found}. {remedy}", rows)

    warn_of_items(fault, warning_of, [texts[row] for row in rows], rows=rows.tolist())
