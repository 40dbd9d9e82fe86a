"""Group texts into windows that are tokenized together, and tokenized texts into batches of about equal length."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anyshot.base import progress
from anyshot.base.validation import Vectors

WINDOW_TEXTS: Final = 8192
WINDOW_CHARACTERS: Final = 8_000_000
"""Texts tokenized together: enough that many have equal length, few enough for little memory."""
WASTE: Final = 0.1
"""The most padding in a batch, as a share of its tokens."""
NEGLIGIBLE: Final = 64
"""Tokens of padding that cost less than another batch."""

BAR_TEXTS: Final = 64
"""Texts from which there may be a progress bar; fewer are encoded before it would appear."""

Rows: TypeAlias = NDArray[np.intp]  # indexes in a list of items


def windows(
    texts: Sequence[str], *, at_most: int = WINDOW_TEXTS, characters: int = WINDOW_CHARACTERS
) -> Iterator[slice]:
    """Yield slices of at most `at_most` texts and `characters` characters; a longer text has a slice of its own."""
    start = seen = 0
    for row, text in enumerate(texts):
        seen += len(text)
        if row > start and (row - start == at_most or seen > characters):
            yield slice(start, row)
            start, seen = row, len(text)
    if start < len(texts):
        yield slice(start, len(texts))


def chunks(texts: Iterable[str]) -> Iterator[list[str]]:
    """Yield lists of as many texts as `windows` allows, from an iterable of any length, which is read as needed."""
    chunk: list[str] = []
    seen = 0
    for text in texts:
        seen += len(text) if isinstance(text, str) else 0  # what is not a text is reported by the encoder
        if chunk and (len(chunk) == WINDOW_TEXTS or seen > WINDOW_CHARACTERS):
            yield chunk
            chunk, seen = [], len(text)
        chunk.append(text)
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
