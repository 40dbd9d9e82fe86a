"""The space in which items and classes meet: an encoder, and the way from class texts into its vectors."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from anyshot.base.items import Items, Modality, check_list, modality_of, refuse_missing_images
from anyshot.base.protocols import Classifying, Digested, Encoder, TextAligned, Trained
from anyshot.base.validation import Vectors, unit, vectors
from anyshot.encoders.registry import default_for, load_encoder, placed
from anyshot.errors import MixedInputError, ModelFolderError
from anyshot.store.disk_cache import EncodingCounts, VectorCache, encode_once, encode_texts_once
from anyshot.zero_shot.class_embeddings import (
    IMAGE_TEMPLATES,
    TEXT_TEMPLATES,
    ClassTexts,
    embed_classes,
    with_hypernyms,
)
from anyshot.zero_shot.imagenet_bridge import (
    NAME_TEMPLATES,
    KnownClasses,
    known_classes,
    largest_shares,
    transfer_weights,
)


class Space:
    """Where items and classes become vectors that can be compared.

    Parameters
    ----------
    encoder : str or Encoder
        A name of the table of encoders, an encoder, or "vectors" where the items are vectors already.
    cache : VectorCache or None
        Where vectors are kept.
    digest : str, optional
        What stood for the encoder's weights when the model that needs it was saved.
    """

    def __init__(self, encoder: str | Encoder, *, cache: VectorCache | None, digest: str | None = None) -> None:
        self.asked, self.cache, self._expected = encoder, cache, digest
        self.counts = EncodingCounts()

    @cached_property
    def encoder(self) -> Encoder | None:
        """The encoder, loaded when it is first needed; None where items are vectors.

        Raises
        ------
        ModelFolderError
            It has other weights than the one that the model was saved with.
        """
        if self.asked == "vectors":
            return None
        found = load_encoder(self.asked)
        if self._expected and isinstance(found, Digested) and not same_weights(found.digest, self._expected):
            raise ModelFolderError(
                f"The encoder {self.name!r} on this machine has other weights than the one that the model was made on. "
                "Bring that one back, or fit the model anew."
            )
        return found

    @property
    def name(self) -> str:
        """What the encoder is called."""
        if isinstance(self.asked, Trained):
            return self.asked.name
        return placed(self.asked) if isinstance(self.asked, str) else type(self.asked).__name__

    @property
    def trained(self) -> Trained | None:
        """The encoder, where it was trained for the task and belongs to the model."""
        return self.asked if isinstance(self.asked, Trained) else None

    @property
    def is_saveable(self) -> bool:
        """Whether a saved model can find its encoder again: by its name, or among its own weights."""
        return isinstance(self.asked, str) or self.trained is not None

    @property
    def digest(self) -> str | None:
        """What stands for the encoder's weights; None where they cannot be told."""
        return self.encoder.digest if isinstance(self.encoder, Digested) else None

    @property
    def is_bridged(self) -> bool:
        """Whether class names come in through a classifier's own classes, as for images without a text tower."""
        return isinstance(self.encoder, Classifying) and not isinstance(self.encoder, TextAligned)

    @property
    def places_texts(self) -> bool:
        """Whether texts, such as descriptions of classes, get vectors among the items."""
        return self.encoder is not None and (self.encoder.modality == "text" or isinstance(self.encoder, TextAligned))

    def place(self, items: Items) -> Vectors:
        """Return the unit-length vectors (n, d) of items; a list without items has none."""
        check_list(items)
        if len(items) == 0:
            return np.zeros((0, self.encoder.width if self.encoder else 1), np.float32)
        if self.encoder is None:
            return unit(vectors(np.asarray(items), name="items"))
        self._check_modality(items)
        return encode_once(self.encoder, items, cache=self.cache, counts=self.counts)

    def place_classes(self, texts: ClassTexts) -> Vectors | None:
        """Return what the classes' texts say as vectors (c, d), None where texts say nothing to the encoder.

        Vectors that come over the bridge are the longer, the better the name is known there.
        """
        if self.encoder is None:
            return None
        if self.encoder.modality == "text":
            return embed_classes(texts, self.place_texts)
        if isinstance(self.encoder, TextAligned):
            return embed_classes(texts, self.place_texts, templates=IMAGE_TEMPLATES)
        if not isinstance(self.encoder, Classifying):
            return None
        known, read = self._known_classes, self._read(texts)
        weights = known.members @ self.encoder.classifier.weights  # (p, width)
        said, told = np.zeros((len(read), weights.shape[1]), np.float32), read.any(axis=1)
        if told.any():
            said[told] = transfer_weights(read[told], known.vectors, weights)
        return said

    @property
    def templates(self) -> tuple[str, ...]:
        """The sentences in which class names are read, each once; none where items are vectors."""
        if self.encoder is None:
            return ()
        if self.encoder.modality == "text":
            return tuple(dict.fromkeys(TEXT_TEMPLATES))
        if isinstance(self.encoder, TextAligned):
            return IMAGE_TEMPLATES
        return NAME_TEMPLATES if isinstance(self.encoder, Classifying) else ()

    def place_texts(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors (n, d) of texts among the items."""
        if isinstance(self.encoder, TextAligned):
            width = self.encoder.width
            return encode_texts_once(self.encoder, texts, width=width, cache=self.cache, counts=self.counts)
        if self.encoder is None or self.encoder.modality != "text":
            raise MixedInputError(f"The encoder {self.name} places no texts.")
        return encode_once(self.encoder, texts, cache=self.cache, counts=self.counts)

    def rests_on(self, texts: ClassTexts) -> list[list[tuple[str, float]]]:
        """List the known classes that names which came over the bridge rest on most, each with its share."""
        known = self._known_classes
        return largest_shares(self._read(texts), known.vectors, known.names, n=3)

    def _read(self, texts: ClassTexts) -> Vectors:
        """Return class texts as vectors among the known classes' names; a rare noun is told by its kind."""
        assert isinstance(self.encoder, Classifying)  # as in `_known_classes`
        known = {name.lower() for own in self.encoder.classifier.names for name in own}
        told = with_hypernyms(texts, known=known)
        return embed_classes(told, self._reader.place_texts, templates=NAME_TEMPLATES)

    @cached_property
    def _reader(self) -> "Space":
        """The text encoder by which an image classifier's classes are matched to the names given."""
        return Space(default_for("text"), cache=self.cache)

    @cached_property
    def _known_classes(self) -> KnownClasses:
        """The classes that the image encoder was trained on, and kinds of them, among texts."""
        assert isinstance(self.encoder, Classifying)  # asked for only where `place_classes` saw so
        return known_classes(self.encoder.classifier.names, self._reader.place_texts)

    def _check_modality(self, items: Items) -> None:
        assert self.encoder is not None  # vectors were dealt with before
        given: Modality = modality_of(items)
        if given == self.encoder.modality:
            return
        if self.encoder.modality == "image" and given == "text":
            return  # names of files that do not exist: the encoder says so, file by file
        raise MixedInputError(
            f"The encoder {self.name} takes {_PLURAL[self.encoder.modality]}; the items are {_PLURAL[given]}."
        )


_PLURAL = {"text": "texts", "image": "images", "vectors": "vectors"}


def encoder_for(items: Items) -> str:
    """Return the name of the encoder that suits the items: "minilm", "efficientnet-lite0", or "vectors"."""
    modality = modality_of(items)
    if modality == "text":
        refuse_missing_images(items)
    return "vectors" if modality == "vectors" else default_for(modality)


def same_weights(one: str, other: str) -> bool:
    """Return whether two digests differ in the numeric precision at most, so that one's model works with the other."""
    return one.split()[0] == other.split()[0]
