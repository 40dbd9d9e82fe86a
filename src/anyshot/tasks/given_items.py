"""The items that are given to `fit`: read, checked, and encoded into a training set."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anyshot import any_shot, data
from anyshot.any_shot.embedder import Embedder
from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.columns import is_table, item_count, take
from anyshot.base.items import Items, by_position, check_list, items_and_labels
from anyshot.base.labels import Label, Labels
from anyshot.base.protocols import Encoder
from anyshot.base.validation import pair
from anyshot.base.weighted_items import weighted_items
from anyshot.encoders.registry import encoder_for
from anyshot.errors import NotEnoughLabelsError
from anyshot.store.disk_cache import VectorCache
from anyshot.tasks.parameters import Parameters


class Given(NamedTuple):
    """The items that `fit` was given: with labels, without, and with labels of another domain."""

    items: Items
    labels: list[Label]
    names: Sequence[Label] = ()  # every label, and those of classes that have no example yet
    unlabeled: Items | None = None
    source: tuple[Items, list[Label]] | None = None
    weights: NDArray[np.float32] | None = None  # (n,), of the items with labels

    @classmethod
    def read(
        cls,
        X: Items | Mapping[Label, Items] | None,
        y: Labels | None,
        *,
        unlabeled: Items | None,
        source: tuple[Items, Labels] | None,
        sample_weight: ArrayLike | None,
    ) -> Self:
        """Return the items and labels that a user gave, checked."""
        items, labels, weights = *items_and_labels(X, y), None
        if sample_weight is not None:
            items, labels, weights = weighted_items(items, labels, sample_weight)
        check_list([] if unlabeled is None else unlabeled, what="A list of items without labels")
        other = None if source is None else items_and_labels(*pair(source, name="source"))
        keys = X if isinstance(X, Mapping) and not hasattr(X, "toarray") else ()  # a sparse matrix may be a mapping
        names = [*keys, *labels, *(other[1] if other else ())]
        return cls(items, labels, names, unlabeled, other, weights)

    @property
    def parts(self) -> list[Items]:
        """The lists of items that are not empty."""
        several = (self.items, self.unlabeled, self.source[0] if self.source else None)
        return [some for some in several if some is not None and item_count(some)]

    @property
    def labeled(self) -> Items:
        """The items that have a label."""
        items: Items = self.items if is_table(self.items) else by_position(self.items)
        labeled: Items = take(items, [row for row, label in enumerate(self.labels) if label is not None])
        return labeled

    def training_set(self, classes: TrainingSet, embedder: Embedder) -> TrainingSet:
        """Return the training set of these classes with all items, encoded.

        A model of the source replaces the embeddings of the classes of which the source has labels.
        """
        found = embedder.with_embeddings(classes, self.parts[0] if self.parts else [])
        if self.source is not None:
            source = embedder.with_items(found, *self.source)
            if np.count_nonzero(source.counts) < 2:
                n_labeled = np.count_nonzero(source.counts)
                raise NotEnoughLabelsError(
                    f"The source has labels of {n_labeled} of the classes; two are needed. Leave it out, or add labels."
                )
            found = found.with_source_weights(any_shot.fit_model(embedder, source).coef, source.counts > 0)
        return self.added_to(found, embedder)

    def added_to(self, data: TrainingSet, embedder: Embedder) -> TrainingSet:
        """Return a training set with the items besides those of the source, encoded."""
        labeled = embedder.with_items(data, self.items, self.labels, self.weights)
        return embedder.with_unlabeled(labeled, self.unlabeled)


def embedder_for(parts: Sequence[Items], clf: Parameters, *, vectors_given: bool = False) -> Embedder:
    """Return a new embedder of a classifier; the encoder "auto" is the default one for the items.

    parts: the labeled, unlabeled and source items, as far as there are any; vectors_given: whether the classes are
    given by vectors.
    """
    encoder: str | Encoder = clf.encoder
    kind, table = encoder, None
    if isinstance(encoder, str) and encoder == "auto":
        kind = encoder_for(parts[0]) if parts else "vectors"
    if isinstance(kind, str) and kind in ("vectors", "table"):
        choice = "auto" if encoder == "auto" else kind
        kind, table = data.fit_features(parts, encoder=choice, vectors_given=vectors_given or not parts)
    cache = VectorCache() if clf.cache else None
    return Embedder(kind, cache=cache, table=table, long_texts=clf.long_texts, words=clf.words)
