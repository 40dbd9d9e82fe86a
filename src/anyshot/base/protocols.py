"""What an encoder is: raw items in, unit-length float32 vectors out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from numpy.typing import NDArray

from anyshot.base.validation import Vectors


@runtime_checkable
class Encoder(Protocol):
    """Turns raw items into vectors; anything with these three members is one.

    Its vectors are brought to unit length where they come in; those that have it stay as they are, bit for bit.
    """

    modality: Literal["text", "image"]
    width: int  # d of the vectors it makes

    def encode(self, inputs: Sequence[Any]) -> Vectors:
        """Return vectors (n, width), float32, on the CPU."""
        ...


@runtime_checkable
class Digested(Protocol):
    """An encoder whose vectors may be kept: the digest changes whenever its vectors would."""

    digest: str  # hex, of weights and preprocessing


@runtime_checkable
class TextAligned(Protocol):
    """An image encoder that can place texts among its image vectors, as CLIP does."""

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Return unit-length vectors (n, width) in the space of the images."""
        ...


@dataclass(frozen=True)
class LinearClassifier:
    """A pretrained network's last layer: what it knows about classes of its own."""

    weights: Vectors  # (classes, width), one row a class
    names: tuple[tuple[str, ...], ...]  # each class's synonyms, best known first


@runtime_checkable
class Classifying(Protocol):
    """An encoder with the classifier it was trained with, which `zero_shot.imagenet_bridge` transfers to new names."""

    classifier: LinearClassifier


@runtime_checkable
class Trained(Protocol):
    """An encoder that was trained for a task, and is saved with the model that it serves."""

    name: str  # of the encoder that it was
    center: Vectors | None  # (width,), what is taken off its unit-length vectors

    def facts(self) -> dict[str, Any]:
        """Return what is no array."""
        ...

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the trained weights."""
        ...
