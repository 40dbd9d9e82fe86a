"""Protocols of encoders: what an object needs for each use."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from anyshot.base.validation import Vectors


@runtime_checkable
class Encoder(Protocol):
    """An object that turns raw items into vectors.

    Vectors that do not have unit length are normalized by the caller; those that do are used unchanged.
    """

    modality: Literal["text", "image"]
    width: int  # d of the vectors

    def encode(self, inputs: Sequence[Any]) -> Vectors:
        """Return vectors (n, width), float32, on the CPU."""
        ...


@runtime_checkable
class Digested(Protocol):
    """An encoder whose vectors can be cached: its digest changes whenever its vectors would."""

    digest: str  # hexadecimal, of weights and preprocessing


@runtime_checkable
class Limited(Protocol):
    """A text encoder that reads only the beginning of a long text."""

    max_tokens: int | None  # that it reads, None for all

    def is_cut(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Return whether each text has more tokens than are read (n,)."""
        ...


@runtime_checkable
class CountsTokens(Protocol):
    """A text encoder that tells how many tokens it reads."""

    def n_tokens(self, texts: Sequence[str]) -> NDArray[np.intp]:
        """Return how many tokens of each text are read (n,)."""
        ...


@runtime_checkable
class WithVocabulary(Protocol):
    """A text encoder that reads only what its vocabulary has, such as one without Thai letters."""

    def is_unread(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Return whether at least half of each text's tokens are unknown (n,)."""
        ...


@runtime_checkable
class OfOneLanguage(Protocol):
    """A text encoder that may have been trained on one language."""

    language: str | None  # its English name, None for several, or an unknown one


@runtime_checkable
class EncodesWords(Protocol):
    """A text encoder whose vectors may end with numbers that say which words a text contains."""

    word_width: int  # how many numbers these are, 0 if none

    def without_words(self) -> Encoder:
        """Return the encoder without these numbers, whose network can be trained; itself if there are none."""
        ...


@runtime_checkable
class TextAligned(Protocol):
    """An image encoder that embeds texts among its image vectors, like CLIP."""

    width: int  # d of the vectors

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Return unit-length vectors (n, width) in the space of the images."""
        ...


@dataclass(frozen=True)
class LinearClassifier:
    """The last layer of a pretrained classifier."""

    weights: Vectors  # (n_classes, width)
    names: tuple[tuple[str, ...], ...]  # synonyms of each class, the best known first


@runtime_checkable
class Classifying(Protocol):
    """An encoder with its pretrained classifier, which `zero_shot.imagenet_bridge` extends to other classes."""

    classifier: LinearClassifier


@runtime_checkable
class Trained(Protocol):
    """An encoder that was fine-tuned, and is saved with the model that uses it."""

    name: str  # of the pretrained encoder
    center: Vectors | None  # (width,), subtracted from the unit-length vectors

    def facts(self) -> dict[str, Any]:
        """Return everything but arrays, as JSON values."""
        ...

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the trained weights."""
        ...
