"""The training set: classes with their texts and vectors, labeled examples, and unlabeled vectors."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anyshot import zero_shot
from anyshot.any_shot.defaults import DEFAULTS, Defaults
from anyshot.base.folds import evenly_spaced, first_copies, row_digests
from anyshot.base.labels import Classes, class_table, sorted_rows
from anyshot.base.validation import Floats, Indexes, Vectors, group_means, unit
from anyshot.errors import ClassesError, WidthError
from anyshot.zero_shot.class_texts import ClassTexts

Weights: TypeAlias = NDArray[np.float32] | None  # (n,), 1 each if None


@dataclass(frozen=True)
class TrainingSet:
    """The data that an any-shot model is fitted to; every change returns a new one."""

    class_embeddings: Vectors  # (c, d), before any label is used; zeros for none
    vectors: Vectors  # (n, d), the labeled examples as the encoder returns them
    index: Indexes  # (n,), the row of each labeled example's class
    class_prior: NDArray[np.floating] | None = None  # (c,), expected shares among the items to predict; equal if None
    texts: ClassTexts = field(default_factory=lambda: ClassTexts((), ()))  # name and descriptions of each class
    examples: tuple[str, ...] = ()  # text of each labeled example, for explanations
    weights: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))  # (n,), 1 each if not given
    unlabeled: Vectors = field(default_factory=lambda: np.zeros((0, 0), np.float32))  # (m, d), as encoded
    # Class vectors (c, a) of another width than the examples; a map from them is learned from labels. a = 0: none.
    attributes: Vectors = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    centering: bool = False  # whether the mean is subtracted, as for image networks, whose vectors share a large mean
    from_source: bool = False  # whether the class embeddings are weights learned in another domain
    offsets: Floats | float = 0.0  # (c,), what is added to cosines to class embeddings; found by each fit, not saved
    defaults: Defaults = DEFAULTS

    def __post_init__(self) -> None:
        if not len(self.weights):
            object.__setattr__(self, "weights", np.ones(len(self.index), np.float32))  # the class is frozen

    @cached_property
    def classes(self) -> Classes:
        """The names or numbers of the classes (c,)."""
        return class_table(self.texts.names)

    # --- examples ---

    @cached_property
    def center(self) -> NDArray[np.float32]:
        """Mean that is subtracted from all vectors (d,), shrunk to zero as by `center_items` zero vectors."""
        if not self.centering:
            return np.zeros(self.class_embeddings.shape[1], np.float32)
        items = self.unlabeled if len(self.unlabeled) else self.vectors * self.weights[:, None]
        n_items = len(self.unlabeled) or float(self.weights.sum())
        return np.asarray(items.sum(axis=0) / (n_items + self.defaults.center_items), dtype=np.float32)

    def centered(self, vectors: Vectors) -> Vectors:
        """Return vectors (n, d) minus the center, at unit length."""
        self._check_width(vectors)
        return unit(vectors - self.center) if self.center.any() else vectors

    @cached_property
    def labeled(self) -> Vectors:
        """The labeled examples, centered (n, d)."""
        return self.centered(self.vectors)

    @cached_property
    def pool(self) -> Vectors | None:
        """The unlabeled examples, centered (m, d), evenly spaced if there are too many.

        None if there are none, all of them have labels too, or they are of another domain.
        """
        labeled = set(row_digests(self.vectors)) if len(self.unlabeled) else set()
        if all(row_digests(row[None])[0] in labeled for row in self.unlabeled) or self.is_other_domain:
            return None
        return self.centered(self.some_unlabeled)

    @property
    def some_unlabeled(self) -> Vectors:
        """The unlabeled examples as encoded (m, d), evenly spaced if there are too many."""
        return self.unlabeled[evenly_spaced(len(self.unlabeled), self.defaults.max_pool)]

    @cached_property
    def is_other_domain(self) -> bool:
        """Whether the unlabeled examples are of another domain than the labeled ones, if every class has labels."""
        if not len(self.unlabeled) or not self.counts.all():
            return False
        rows = np.flatnonzero(self.weights > 0)
        rows = rows[np.unique(first_copies(self.vectors[rows]))]
        if len(np.unique(self.index[rows])) < len(self.class_embeddings):
            return False
        some = self.some_unlabeled
        different = some[np.unique(first_copies(some))]
        distance, chance = zero_shot.distance_from_mixtures(different, self.vectors[rows], self.index[rows])
        return bool(distance > max(self.defaults.domain_distance, chance))

    @cached_property
    def pool_size(self) -> int:
        """Number of different vectors in the pool."""
        return 0 if self.pool is None else len(np.unique(first_copies(self.pool)))

    @property
    def shares_error(self) -> float:
        """Divergence of class shares that are found in the pool from the true ones [nats]."""
        doublings = float(np.log2(len(self.class_embeddings)))
        return self.defaults.shares_noise * (1 + self.defaults.shares_items / self.pool_size) * doublings

    @cached_property
    def pool_digests(self) -> frozenset[bytes]:
        """Digests of the unlabeled examples, centered, by which they are found among vectors to predict.

        Those of a pool that is not used are among them, so that a saved model need not compare the domains again.
        """
        return frozenset(row_digests(self.centered(self.some_unlabeled))) if len(self.unlabeled) else frozenset()

    @cached_property
    def pool_components(self) -> Floats:
        """The principal components of the pool (m, r), by which clusters are compared."""
        pool = self.unlabeled if self.pool is None else self.pool
        return np.asarray(zero_shot.whiten(pool, n_different=self.pool_size))

    @property
    def weighted(self) -> Vectors:
        """The labeled examples, centered, times their weights (n, d)."""
        return self.labeled * self.weights[:, None]

    @property
    def counts(self) -> Floats:
        """Number of labels of each class, or their total weight (c,)."""
        return np.asarray(np.bincount(self.index, self.weights, minlength=len(self.class_embeddings)), dtype=np.float64)

    @cached_property
    def first_copies(self) -> Indexes:
        """Row of the first copy of each labeled vector (n,)."""
        return first_copies(self.labeled)

    @property
    def distinct_counts(self) -> NDArray[np.intp]:
        """Number of different labeled vectors of each class (c,); copies are held out together."""
        first = self.first_copies == np.arange(len(self.index))
        return np.bincount(self.index[first], minlength=len(self.class_embeddings))

    @property
    def has_description(self) -> NDArray[np.bool_]:
        """Whether each class has an embedding or attributes (c,)."""
        return np.asarray((self.attributes if self.attributes.size else self.class_embeddings).any(axis=1))

    # --- changes ---

    def subset(self, rows: Indexes | NDArray[np.bool_]) -> Self:
        """Return the training set with some of the labeled examples, and the center and the domain of all."""
        changed = self._changed(vectors=self.vectors[rows], index=self.index[rows], weights=self.weights[rows])
        vars(changed).update(center=self.center, is_other_domain=self.is_other_domain)
        return changed

    def with_labels(self, vectors: Vectors, index: Indexes, examples: Sequence[str], weights: Weights = None) -> Self:
        """Add examples (n, d) of classes `index` (n,); those with index -1 become unlabeled ones, without a weight."""
        self._check_width(vectors)
        has, added_weights = index >= 0, np.ones(len(index), np.float32) if weights is None else weights
        added = tuple(example for example, labeled in zip(examples, has, strict=True) if labeled)
        changed = self._changed(
            vectors=np.concatenate([self.vectors, vectors[has]]),
            index=np.concatenate([self.index, index[has]]),
            examples=self.examples + added,
            weights=np.concatenate([self.weights, added_weights[has]]),
        )
        vars(changed).pop("pool", None)  # all of it may be labeled now
        return changed.with_unlabeled(vectors[~has])

    def with_unlabeled(self, vectors: Vectors) -> Self:
        """Add unlabeled examples (m, d)."""
        if not len(vectors):
            return self
        self._check_width(vectors)
        return replace(self, unlabeled=np.concatenate([self.unlabeled, vectors]))

    def with_class_prior(self, shares: NDArray[np.floating] | None) -> Self:
        """Set the expected class shares (c,), None for equal ones."""
        return self._changed(class_prior=shares)

    def with_defaults(self, defaults: Defaults) -> Self:
        """Return the training set for other constants of the model."""
        return self if defaults == self.defaults else replace(self, defaults=defaults)

    def with_class_embeddings(self, texts: ClassTexts, embeddings: Vectors) -> Self:
        """Replace the texts and the embeddings (c, d) of the same classes."""
        return self._changed(texts=texts, class_embeddings=embeddings)

    def with_class_vector(self, row: int, vector: Vectors) -> Self:
        """Replace the embedding (1, d) of one class, or its attributes (1, a)."""
        name = "attributes" if self.attributes.size else "class_embeddings"
        vectors = getattr(self, name).copy()
        vectors[row] = vector
        return self._changed(**{name: vectors})

    def regrouped(self, texts: ClassTexts, groups: Sequence[Sequence[int]]) -> Self:
        """Return the training set of other classes, with the examples of some of these.

        texts: of the new classes; groups: the rows of the classes that each of them contains. Its class vector is the
        mean of theirs, or zero if it contains none.
        """
        class_table(texts.names)  # refuses a name that appears twice
        group_of = np.full(len(self.texts.names), -1)
        for number, rows in enumerate(groups):
            group_of[list(rows)] = number
        index = group_of[self.index]
        stays = index >= 0
        return self._changed(
            texts=texts,
            class_embeddings=group_means(self.class_embeddings, groups),
            attributes=group_means(self.attributes, groups) if self.attributes.size else self.attributes,
            class_prior=None,
            vectors=self.vectors[stays],
            index=index[stays],
            examples=tuple(example for example, kept in zip(self.examples, stays, strict=True) if kept),
            weights=self.weights[stays],
        )

    def sorted(self) -> Self:
        """Return the training set with its classes sorted by name."""
        order = sorted_rows(self.texts.names)
        return self.regrouped(self.texts.of(order), [[row] for row in order])

    def with_source_weights(self, coef: Vectors, labeled: NDArray[np.bool_]) -> Self:
        """Replace the embeddings of the classes that are `labeled` (c,) in a source domain by its weights (c, d)."""
        own = coef[labeled] - coef[labeled].mean(axis=0)  # what all classes share does not tell them apart
        embeddings = unit(self.class_embeddings)
        embeddings[labeled] = unit(own)
        return self._changed(class_embeddings=embeddings, from_source=True)

    def _check_width(self, vectors: Vectors) -> None:
        width = self.class_embeddings.shape[1]
        if len(vectors) and vectors.shape[1] != width:
            raise WidthError(f"The items have width {vectors.shape[1]}; the model has width {width}. Encode as in fit.")

    def _changed(self, **fields: Any) -> Self:
        """Return a changed training set with the same pool."""
        changed = replace(self, **fields)
        vars(changed).update({name: vars(self)[name] for name in ("pool", "pool_components") if name in vars(self)})
        return changed


# --- classes --------------------------------------------------------------------------------------------------------


def without_items(texts: ClassTexts, embeddings: Vectors, *, centering: bool = False) -> TrainingSet:
    """Return a training set of classes with embeddings (c, d) and without any example."""
    if len(embeddings) != len(texts.names):
        raise ClassesError(
            f"There are {len(texts.names)} classes and {len(embeddings)} class vectors. Give one per class."
        )
    none = np.zeros((0, embeddings.shape[1]), np.float32)
    return TrainingSet(embeddings, none, np.zeros(0, np.intp), texts=texts, unlabeled=none, centering=centering)
