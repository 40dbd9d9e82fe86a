"""Texts that are longer than an encoder reads: which they are, and the mean over their parts."""

import warnings
from collections.abc import Callable, Sequence
from typing import Final, Literal, TypeAlias

import numpy as np

from anyshot.base.columns import named_rows
from anyshot.base.protocols import Limited
from anyshot.base.validation import Indexes, Vectors, unit

LongTexts: TypeAlias = Literal["cut", "mean"]

_SPECIAL_TOKENS: Final = 2  # at the beginning and the end of a text


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
    warn: bool,
    stacklevel: int,
) -> tuple[Vectors, int]:
    """Return the vectors (n, d) of texts, of long ones the means over parts if so chosen, and how many are long.

    encode: returns the vectors of texts; warn: whether to warn of texts that were cut.
    """
    rows = rows_of_long_texts(encoder, texts)
    if not len(rows) or not isinstance(encoder, Limited):
        return vectors, 0
    if long_texts == "mean":
        return with_means(vectors, texts, rows, encoder, encode), len(rows)
    if warn:
        verb = "is" if len(rows) == 1 else "are"
        warnings.warn(
            f"{len(rows):,} of {len(texts):,} texts {verb} longer than the {encoder.max_tokens} tokens that the "
            f"encoder reads; the rest is ignored ({named_rows(rows)}). To use the mean over parts, choose "
            'long_texts="mean".',
            stacklevel=stacklevel + 1,
        )
    return vectors, len(rows)


def reason_of_long_texts(n_long: int, encoder: object, long_texts: LongTexts) -> str:
    """Return what becomes of the long texts among the items that a model is fitted to, in a sentence."""
    limit = encoder.max_tokens if isinstance(encoder, Limited) else None
    texts, whose = ("1 text is", "its") if n_long == 1 else (f"{n_long:,} texts are", "their")
    effect = "the mean over parts is used" if long_texts == "mean" else f"only {whose} first {limit} tokens count"
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
