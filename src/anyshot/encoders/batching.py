"""Texts in batches: bounded memory for any number of them, little padding for any mixture of lengths."""

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Rows: TypeAlias = NDArray[np.intp]  # places in a list of texts

WINDOW_TEXTS: Final = 8192
WINDOW_LETTERS: Final = 8_000_000
"""What is tokenized together: enough that texts of one length meet, few enough for any memory."""


def windows(texts: Sequence[str], *, at_most: int = WINDOW_TEXTS, letters: int = WINDOW_LETTERS) -> Iterator[slice]:
    """Cut `texts` into slices of `at_most` texts and `letters` letters; one longer text stands alone."""
    start = seen = 0
    for row, text in enumerate(texts):
        seen += len(text)
        if row > start and (row - start == at_most or seen > letters):
            yield slice(start, row)
            start, seen = row, len(text)
    if start < len(texts):
        yield slice(start, len(texts))


def batches(lengths: Sequence[int], *, budget: int) -> Iterator[Rows]:
    """Yield the rows of each batch, the shortest first.

    lengths: tokens of each text; budget: the most tokens in a batch, each text counted as long as the batch's longest.
    One longer text stands alone.
    """
    order = np.argsort(lengths, kind="stable")
    first = 0
    for place, row in enumerate(order):
        if place > first and (place - first + 1) * lengths[row] > budget:
            yield order[first:place]
            first = place
    if first < len(order):
        yield order[first:]
