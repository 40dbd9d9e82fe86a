"""What an early layer of a sentence encoder says of the words of a text, beside the sentence vector.

The last layer was trained to give sentences of one meaning one vector, so it says less of the words themselves: of
sentiment, tone and style. The early layers still do. Let s (d,) be the sentence vector of a text, h (d,) the mean of
its token states after layer `LAYER`, m the mean of unit(h) over texts, and P (k, d) the directions in which unit(h)
varies most, without the first three, in which texts of all kinds vary (Mu, Viswanath, All-but-the-Top, ICLR 2018). The
vector of the text is

    unit([s, WEIGHT u]),   u = unit(P (unit(h) - m))

m and P are those of random lists of words from the bundled thesaurus; benchmarks/word_layer.py writes them to
data/word_layer.npy. Layer, weight and k were chosen on train rows of eleven sets of texts, the three
directions on eight of them and three other sets (benchmarks/RESULTS.md).
"""

import hashlib
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anyshot import data

LAYER: Final = 2
"""Layers after which the states are read."""
WEIGHT: Final = 0.5
"""Length of the part of the words, where that of the sentence vector is 1."""


class WordLayer(NamedTuple):
    """The mean and the directions of an early layer's vectors."""

    mean: NDArray[np.float32]  # (d,)
    directions: NDArray[np.float32]  # (k, d)

    @property
    def digest(self) -> str:
        """Hash of all that changes vectors."""
        content = f"layer {LAYER}, weight {WEIGHT}\n".encode() + self.mean.tobytes() + self.directions.tobytes()
        return hashlib.sha256(content).hexdigest()


@cache
def bundled_word_layer() -> WordLayer:
    """Return the mean and the directions for all-MiniLM-L6-v2, which come with the package in 16 bits."""
    rows: NDArray[np.float16] = np.load(Path(data.__file__).with_name("word_layer.npy"))
    return WordLayer(rows[0].astype(np.float32), rows[1:].astype(np.float32))
