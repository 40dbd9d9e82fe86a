"""The embedder: turns items and class texts into vectors that can be compared, with one encoder."""

import copy
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from anyshot import data as datasets
from anyshot import encoders
from anyshot.any_shot.training_set import TrainingSet, Weights, without_items
from anyshot.base.columns import item_count
from anyshot.base.items import Items, by_position, check_list, check_texts, item_names, modality_of
from anyshot.base.labels import Labels, to_indexes
from anyshot.base.model_folder import SavedModel
from anyshot.base.protocols import Classifying, Digested, Encoder, EncodesWords, TextAligned, Trained
from anyshot.base.validation import Vectors, unit
from anyshot.base.validation import vectors as check_vectors
from anyshot.encoders.readability import FAULTS, LongTexts, TextReading, reason_of_long_texts
from anyshot.encoders.registry import absolute_name, load_encoder, same_weights
from anyshot.errors import BadItemError, MixedInputError, ModelFolderError, WidthError
from anyshot.store.encoding import EncodingCounts, cached_texts, encode_once, encode_texts_once
from anyshot.store.memory_cache import KeepsVectors
from anyshot.zero_shot.class_readings import ClassReader
from anyshot.zero_shot.imagenet_bridge import ImageNetBridge
from anyshot.zero_shot.latent_semantics import NO_WORDS, LatentSemantics

if TYPE_CHECKING:  # it loads pandas, which a saved model of texts or vectors does not need
    from anyshot.data.feature_table import FeatureTable


class Embedder:
    """Items and class texts as vectors of one space.

    Parameters
    ----------
    encoder : str or Encoder
        The name of an encoder, an encoder, or "vectors" or "table" where the items are numbers already.
    cache : VectorCache, MemoryCache or None
        Where vectors are stored.
    digest : str, optional
        Digest of the encoder's weights when the model was saved; another encoder is refused.
    text_width : int, optional
        Width of the vectors of a saved text model: while the cache has all texts, the encoder is not loaded.
    download : {"allow", "never"}, optional
        Whether the encoder may be downloaded, as for `load_encoder`.
    table : FeatureTable, optional
        How rows of numbers become vectors.
    long_texts : {"cut", "mean"}, default="cut"
        Whether a text that is longer than the encoder reads is cut, or gets the mean over its parts.
    words : bool, default=False
        Whether names of classes of texts are also read by the words of the bundled thesaurus, and names that say
        nothing to the encoder are left out. Models of the first edition were fitted without.
    semantics : LatentSemantics, optional
        The words that the texts of the task share; their vectors are joined to those of the encoder.
    """

    def __init__(
        self,
        encoder: str | Encoder,
        *,
        cache: KeepsVectors | None,
        digest: str | None = None,
        text_width: int | None = None,
        download: str | None = None,
        table: "FeatureTable | None" = None,
        long_texts: LongTexts = "cut",
        words: bool = False,
        semantics: LatentSemantics = NO_WORDS,
    ) -> None:
        self.requested, self.cache, self._expected_digest, self._text_width = encoder, cache, digest, text_width
        self._download, self.table, self.words, self.semantics = download, table, words, semantics
        self.long_texts: LongTexts = long_texts
        self.n_long = 0  # of the items that the model is fitted to
        self.counts = EncodingCounts()
        self._known_faults = frozenset({"cut"} if long_texts == "mean" else ())  # of texts, not to warn of again

    @classmethod
    def from_saved(cls, saved: SavedModel, *, cache: KeepsVectors | None) -> Self:
        """Return the embedder of a saved model."""
        facts: Any = saved.facts["encoder"]
        name, trained, arrays = facts["name"], facts["tuned"], saved.arrays
        options: dict[str, Any] = {"long_texts": facts.get("long_texts", "cut"), "words": facts.get("words", False)}
        if trained:
            encoder = encoders.tuned_from_saved(name, trained, arrays, download=saved.download)
            return cls(encoder, cache=cache, **options)
        is_text = facts.get("modality") == "text"  # not stated in format 1
        own = facts.get("semantics")
        if own and not is_text:
            raise ValueError("it has words that its texts share, but its items are no texts")
        semantics = LatentSemantics.from_saved(own, arrays) if own else NO_WORDS
        width = arrays["class_embeddings"].shape[1] - semantics.width if is_text else None
        table = datasets.FeatureTable.from_facts(facts["table"]) if facts.get("table") else None
        options |= {"download": saved.download, "table": table, "semantics": semantics}
        embedder = cls(name, cache=cache, digest=facts["digest"], text_width=width, **options)
        embedder.n_long = facts.get("n_long", 0)
        return embedder

    def facts(self) -> dict[str, Any]:
        """Return the parts of a saved embedder that are not arrays."""
        modality, tuned = self.encoder.modality if self.encoder else None, self.trained
        digest = self.encoder.digest if isinstance(self.encoder, Digested) else None
        facts: dict[str, Any] = {"name": self.name, "digest": digest, "modality": modality, "words": self.words}
        facts |= {"long_texts": self.long_texts, "n_long": self.n_long, "tuned": tuned.facts() if tuned else None}
        return facts | {"semantics": self.semantics.facts(), "table": self.table and self.table.facts()}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of a saved embedder."""
        return {name: array for own in (self.trained, self.semantics) if own for name, array in own.arrays().items()}

    @property
    def reasons(self) -> tuple[str, ...]:
        """What was done to the items that the model is fitted to, in sentences."""
        of_table = None if self.table is None else self.table.reason
        of_long = reason_of_long_texts(self.n_long, self.encoder, self.long_texts)
        of_words = self.semantics.reason if self.semantics.words else None
        return tuple(reason for reason in (of_table, of_long, of_words) if reason)

    @cached_property
    def encoder(self) -> Encoder | None:
        """The encoder, loaded on first use; None where items are vectors.

        Raises ModelFolderError if its weights differ from those of the encoder that the model was saved with.
        """
        if self.requested in ("vectors", "table"):
            return None
        found = load_encoder(self.requested, download=self._download)
        expected = self._expected_digest
        if expected and not (isinstance(found, Digested) and same_weights(found.digest, expected)):
            own = f"digest {found.digest[:12]}" if isinstance(found, Digested) else "no digest"
            raise ModelFolderError(
                f"The encoder {self.name!r} on this machine has other weights ({own}, width {found.width}) than the "
                f"one that the model was fitted with (digest {expected[:12]}). Use that one, or fit the model again."
            )
        return found

    @cached_property
    def name(self) -> str:
        """Name of the encoder."""
        if self.trained is not None:
            return self.trained.name
        return absolute_name(self.requested) if isinstance(self.requested, str) else type(self.requested).__name__

    @property
    def trained(self) -> Trained | None:
        """The encoder, if it was trained for the task and is saved with the model."""
        return self.requested if isinstance(self.requested, Trained) else None

    @cached_property
    def reader(self) -> ClassReader:
        """What embeds classes by their texts, in the space of the items."""
        encoder, bridge = self.encoder, None
        if encoder is None:
            return ClassReader()
        of_texts = encoder.modality == "text"
        reads_texts = of_texts or isinstance(encoder, TextAligned)
        if not reads_texts and isinstance(encoder, Classifying):
            embed = Embedder("minilm", cache=self.cache).encode_texts  # `bridge_scale` is for its vectors
            bridge = ImageNetBridge(encoder.classifier, embed)
        encode = self._encode_texts if reads_texts else None
        word_width = encoder.word_width if isinstance(encoder, EncodesWords) else 0
        return ClassReader(encode, encoder.width, of_texts, self.words, bridge, word_width, self.semantics)

    def encode(self, items: Items) -> Vectors:
        """Return the unit-length vectors of items (n, d)."""
        return self.read(items)[0]

    def read(self, items: Items) -> tuple[Vectors, TextReading]:
        """Return the unit-length vectors of items (n, d), and how the encoder reads them, if they are texts."""
        check_list(items)
        vectors, reading = self._cached(items) or self._encoded(items)
        return self.joined(vectors, items), reading

    def joined(self, vectors: Vectors, items: Items) -> Vectors:
        """Return the encoder's vectors of items (n, d), with the words that they share joined, if these are known."""
        own = self.semantics
        return own.joined(vectors, own.vectors(check_texts(items))) if own.words else vectors

    def with_semantics(self, semantics: LatentSemantics) -> Self:
        """Return the same embedder with other words, or none, that the texts share."""
        changed, reader = copy.copy(self), replace(self.reader, semantics=semantics)
        vars(changed).update(encoder=self.encoder, reader=reader, semantics=semantics)
        return changed

    def _encoded(self, items: Items) -> tuple[Vectors, TextReading]:
        """Return the encoder's vectors of items (n, d), and how it reads them; warn of texts that it reads badly."""
        if item_count(items) == 0:
            return np.zeros((0, self.encoder.width if self.encoder else 1), np.float32), TextReading()
        if self.encoder is None:
            return unit(self._numbers(items)), TextReading()
        given, readable = modality_of(items), self.encoder.modality
        # Paths of files that do not exist are texts to `modality_of`; the image encoder's error names each file.
        if given != readable and (given, readable) != ("text", "image"):
            items_are = f"The encoder {self.name} encodes {readable}s, but the items are {given.removesuffix('s')}s."
            raise MixedInputError(f"{items_are} Give {readable}s, or choose another encoder.")
        encode = partial(encode_once, self.encoder, cache=self.cache, counts=self.counts)
        vectors: Vectors = encode(items)
        if given != "text":
            return vectors, TextReading()
        reading = TextReading(check_texts(items), self.encoder)
        self._known_faults = reading.warn(self.name, self._known_faults)
        if self.long_texts == "mean":
            return reading.with_means(vectors, encode), reading
        self.counts.cut += len(reading.long)
        return vectors, reading

    def with_cache(self, cache: KeepsVectors | None) -> Self:
        """Return the same embedder with the encoder loaded and another cache, or none; it warns of no text."""
        changed = copy.copy(self)
        vars(changed).update(encoder=self.encoder, cache=cache, counts=EncodingCounts(), _known_faults=FAULTS)
        return changed

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for copies and pickles, without what is loaded on first use."""
        return {name: own for name, own in vars(self).items() if name not in ("encoder", "reader")}

    def encode_known(self, items: Items) -> Vectors:
        """Return the vectors of items (n, d) that the model is fitted to, and count the long texts among them."""
        vectors, reading = self._encoded(items)
        self.n_long += len(reading.long)
        return self.joined(vectors, items)

    def _numbers(self, items: Items) -> Vectors:
        """Return rows of numbers (n, d), as the table says."""
        rows = items if self.table is None else self.table.transform(items)
        return check_vectors(by_position(rows), name="items")

    def _cached(self, items: Items) -> tuple[Vectors, TextReading] | None:
        """Return the vectors of texts without loading the encoder of a saved model, if the cache has all of them."""
        digest, width = self._expected_digest, self._text_width
        if "encoder" in vars(self) or digest is None or width is None or self.cache is None:
            return None
        if self.long_texts == "mean" or not item_count(items) or modality_of(items) != "text":
            return None  # of a mean, only the encoder tells which texts are long
        texts = check_texts(items)
        found = cached_texts(texts, digest=digest, width=width, cache=self.cache, counts=self.counts)
        if found is None:
            return None
        reading = TextReading(texts)
        reading.warn(self.name, self._known_faults)
        return found, reading

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of texts (n, d), in the space of the items."""
        return self.joined(self._encode_texts(texts), texts)

    def _encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Return the encoder's vectors of texts (n, d)."""
        if isinstance(self.encoder, TextAligned):
            return encode_texts_once(self.encoder, texts, cache=self.cache, counts=self.counts)
        if self.encoder is None or self.encoder.modality != "text":
            raise MixedInputError(f"The encoder {self.name} cannot read texts. Choose one that can, such as 'minilm'.")
        return encode_once(self.encoder, texts, cache=self.cache, counts=self.counts)

    def with_embeddings(self, classes: TrainingSet, items: Items) -> TrainingSet:
        """Return the classes with embeddings; class vectors of another width than the `items` are attributes."""
        texts, given, shares = classes.texts, classes.class_embeddings, classes.class_prior
        width = self.encoder.width if self.encoder else 0
        if self.encoder is None and item_count(items):
            width = self._numbers(items).shape[1]
        if not given.any():
            texts, centering = self.reader.without_codes(texts), self.reader.bridge is not None
            found = self.reader.embed(texts) if self.encoder else np.zeros((len(given), width), np.float32)
            return without_items(texts, found, centering=centering).with_class_prior(shares)
        if width in (0, given.shape[1]):
            return without_items(texts, unit(given)).with_class_prior(shares)
        none = np.zeros((len(given), width), np.float32)
        return replace(without_items(texts, none, centering=True), attributes=given, class_prior=shares)

    def with_items(self, data: TrainingSet, items: Items, labels: Labels, weights: Weights = None) -> TrainingSet:
        """Add items with labels, None for "no label", and weights to a training set."""
        n_items = item_count(items)
        index = to_indexes(labels, data.classes, n_items=n_items)
        return data.with_labels(self.encode_known(items), index, item_names(items), weights) if n_items else data

    def with_unlabeled(self, data: TrainingSet, items: Items | None) -> TrainingSet:
        """Add unlabeled items, if there are any, to a training set; errors name them as unlabeled."""
        if items is None or not item_count(items):
            return data
        try:
            return data.with_unlabeled(self.encode_known(items))
        except (BadItemError, MixedInputError, WidthError) as error:
            raise type(error)(f"Unlabeled items: {error}") from error
