"""Latent semantic analysis: which words the texts of a task share, as numbers beside the vectors of an encoder.

An encoder knows what words mean in general; the texts of a task show which of them occur together in it. Let X (n, v)
be the counts of v words in n texts, as 1 + log count, times the inverse document frequency, with rows of length 1, and
V (v, r) the first right singular vectors of X. The vector of a text with the row x (v,) of X is (Deerwester et al.,
Indexing by Latent Semantic Analysis, JASIS 1990)

    z = unit(u - m),   u = unit(x V),   m the mean of u over the n texts

and it is joined to the encoder's vector s (d,) of the text as unit([s, w z]). A text with none of the words has z = 0.

Words help where the classes are topics, and would harm where they are not (moods). So the weight w depends on how
clearly the classes are clusters of the vectors z (`class_shares.cluster_evidence`), with the probabilities that names
and labels give without these vectors. With few texts, V is a rough estimate, and w is smaller.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from anyshot.base.folds import evenly_spaced
from anyshot.base.messages import in_percent
from anyshot.base.validation import Floats, Indexes, Vectors, unit
from anyshot.zero_shot.class_shares import cluster_evidence, whiten

WORD: Final = re.compile(r"\w\w+")
MAX_DIRECTIONS: Final = 100  # singular vectors that are kept
TEXTS_PER_DIRECTION: Final = 10
"""Different texts that are needed for each direction."""
MAX_TEXTS: Final = 20_000
"""Different texts that are counted at most, evenly spaced in the order of the alphabet."""
MAX_WORDS: Final = 20_000
"""Words at most, those of the most texts: a saved model contains them."""
LEAST_TEXTS: Final = 2
"""Texts that a word must be in; one text shares it with none."""
MAX_SHARE: Final = 0.3
"""A word in a larger share of the texts is left out."""
SHUFFLES: Final = 3
"""Random orders of the probabilities, whose mean evidence is that of chance."""


@dataclass(frozen=True)
class LatentSemantics:
    """The words that the texts of a task share, and the directions in which their counts vary."""

    words: tuple[str, ...]  # (v,)
    directions: NDArray[np.float16]  # (v, r), V times the inverse document frequency of each word
    mean: NDArray[np.float32]  # (r,), of the vectors before they are centered
    weight: float = 1.0  # length of the vectors beside those of the encoder, which have the length 1

    @property
    def width(self) -> int:
        """How many numbers a vector has."""
        return int(self.directions.shape[1])

    @property
    def reason(self) -> str:
        """What is done with the words, in a sentence; "" if there are none."""
        if not self.words:
            return ""
        share = self.weight**2 / (1 + self.weight**2)  # of the cosine of two joined vectors
        return (
            f"{len(self.words):,} words that several texts share also count, by latent semantic analysis: "
            f"{in_percent(share)} of the similarity of two texts is that of these words, the rest that of the "
            "encoder's vectors."
        )

    @cached_property
    def _row_of(self) -> dict[str, int]:
        return {word: row for row, word in enumerate(self.words)}

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of texts (n, r), of length 1, or 0 for a text with none of the words."""
        summed = np.zeros((len(texts), self.width), np.float32)
        for row, text in enumerate(texts):
            rows, values = _counts(Counter(words_of(text)), self._row_of)
            summed[row] = (values[:, None] * self.directions[rows].astype(np.float32)).sum(axis=0)
        found = unit(summed)
        return unit(np.where(found.any(axis=1, keepdims=True), found - self.mean, 0))

    def joined(self, vectors: Vectors, of_words: Vectors) -> Vectors:
        """Return the encoder's vectors (n, d) with those of the words (n, r) beside them (n, d + r), of length 1."""
        return unit(np.hstack([vectors, np.float32(self.weight) * of_words]))

    def separated(self, joined: Vectors) -> Vectors:
        """Return the encoder's vectors (n, d), of length 1, of joined ones (n, d + r)."""
        return unit(joined[:, : joined.shape[1] - self.width])

    def facts(self) -> dict[str, Any] | None:
        """Return what is saved with a model, as JSON values; None if there are no words."""
        return {"words": list(self.words), "weight": self.weight} if self.words else None

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays that are saved with a model."""
        return {"semantics.directions": self.directions, "semantics.mean": self.mean} if self.words else {}

    @classmethod
    def from_saved(cls, facts: dict[str, Any], arrays: Any) -> Self:
        """Return what was saved as facts and arrays; raise ValueError if they do not belong together."""
        words, weight = facts["words"], facts["weight"]
        directions, mean = arrays["semantics.directions"], arrays["semantics.mean"]
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise ValueError("the words that its texts share are no list of texts")
        if len(set(words)) < len(words):
            raise ValueError("one of the words that its texts share is listed twice")
        if mean.ndim != 1 or directions.shape != (len(words), len(mean)):
            raise ValueError(
                f"semantics.directions has the shape {directions.shape} and semantics.mean {mean.shape}; needed are "
                f"({len(words)}, r) and (r,), for {len(words)} words that its texts share"
            )
        if not np.isfinite(directions).all() or not np.isfinite(mean).all():
            raise ValueError("semantics.directions or semantics.mean has a number that is not finite")
        if not isinstance(weight, int | float) or not 0 < weight <= float(np.finfo(np.float32).max):
            raise ValueError(f"the weight of the words that its texts share is {weight!r}; a positive number is needed")
        return cls(tuple(words), directions, mean, float(weight))

    def weighted(self, of_words: Vectors, probabilities: Floats, *, most: float, evidence: float) -> Self:
        """Return the same with the weight that the evidence for classes supports.

        of_words (n, r): vectors of texts; probabilities (n, c): of their classes; most: the weight where classes are
        clear clusters; evidence: that at which the weight is half as large [nats per text and direction].
        """
        found = max(0.0, evidence_of(of_words, probabilities))
        return replace(self, weight=most * found / (found + evidence))


NO_WORDS: Final = LatentSemantics((), np.zeros((0, 0), np.float16), np.zeros(0, np.float32))
"""The semantics of texts that share no words, or whose words do not count."""


def learn_semantics(texts: Sequence[str]) -> LatentSemantics:
    """Return the latent semantics of texts, each counted once; of no words if they share too few.

    Copies of a text say nothing about which words occur together. Of more than `MAX_TEXTS`, so many are enough.
    """
    different = sorted(set(texts))  # so that the order of the texts changes nothing
    distinct = [different[row] for row in evenly_spaced(len(different), MAX_TEXTS)]
    counted = [Counter(words_of(text)) for text in distinct]
    in_texts = Counter(word for own in counted for word in own)
    shared = {word: n for word, n in in_texts.items() if LEAST_TEXTS <= n <= MAX_SHARE * len(distinct)}
    words = sorted(sorted(shared, key=lambda word: (-shared[word], word))[:MAX_WORDS])
    n_directions = min(MAX_DIRECTIONS, len(distinct) // TEXTS_PER_DIRECTION, len(words) - 1)
    if n_directions < 1:
        return NO_WORDS
    from sklearn.utils.extmath import randomized_svd  # here, so that a prediction does not import it

    frequency = np.array([shared[word] for word in words])  # (v,)
    weight = np.log((1 + len(distinct)) / (1 + frequency)) + 1  # (v,), as scikit-learn has it
    table = _table_of_counts(counted, {word: row for row, word in enumerate(words)})  # (n, v)
    counts = table.multiply(weight).tocsr()
    lengths = np.sqrt(np.asarray(counts.multiply(counts).sum(axis=1))).ravel()
    rows = counts.multiply(1 / np.maximum(lengths, 1e-12)[:, None]).tocsr()
    V = randomized_svd(rows, n_directions, random_state=0)[2].T  # (v, r)
    directions = (weight[:, None] * V).astype(np.float16)
    mean = unit(table @ directions.astype(np.float32)).mean(axis=0)
    return LatentSemantics(tuple(words), directions, mean)


def evidence_of(of_words: Vectors, probabilities: Floats) -> float:
    """Return how clearly classes are clusters of vectors (n, r), by their probabilities (n, c), per direction [nats].

    What the same probabilities in another order have by chance is subtracted.
    """
    whitened, random = whiten(of_words), np.random.default_rng(0)
    by_chance = [
        cluster_evidence(whitened, probabilities[random.permutation(len(probabilities))])[0] for _ in range(SHUFFLES)
    ]
    gain = cluster_evidence(whitened, probabilities)[0] - float(np.mean(by_chance))
    return float(gain / min(probabilities.shape[1] - 1, whitened.shape[1]))


def words_of(text: str) -> list[str]:
    """Return the words of two letters or more, in lower case.

    >>> words_of("A new phone: 5G, isn't it?")
    ['new', 'phone', '5g', 'isn', 'it']
    """
    return WORD.findall(text.casefold())


def _counts(counted: Counter[str], row_of: dict[str, int]) -> tuple[Indexes, NDArray[np.float32]]:
    """Return the rows of the words that are in a text (k,), and 1 + log count of each (k,)."""
    known = {row_of[word]: n for word, n in counted.items() if word in row_of}
    return np.fromiter(known, np.intp, len(known)), 1 + np.log(np.fromiter(known.values(), np.float32, len(known)))


def _table_of_counts(counted: Sequence[Counter[str]], row_of: dict[str, int]) -> Any:
    """Return 1 + log count of each word in each text, 0 for none, as a sparse matrix (n, v)."""
    from scipy import sparse  # here, so that a prediction does not import it

    parts = [_counts(own, row_of) for own in counted]
    ends = np.cumsum([0, *(len(rows) for rows, _ in parts)])
    columns, values = map(np.concatenate, zip(*parts, strict=True))
    return sparse.csr_array((values, columns, ends), shape=(len(counted), len(row_of)), dtype=np.float32)
