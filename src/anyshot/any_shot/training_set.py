"""What a classifier is made from: its classes, what is said of them, labeled examples, and the unlabeled pool."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from anyshot.any_shot.prior import Known
from anyshot.base.items import Classes, Label, class_table, row_of
from anyshot.base.validation import Indexes, Vectors, unit
from anyshot.errors import ClassesError, NotEnoughClassesError, NotEnoughLabelsError, WidthError
from anyshot.zero_shot.class_embeddings import ClassTexts
from anyshot.zero_shot.pool_refinement import Pool, make_pool, wiener_filter
from anyshot.zero_shot.semantic_map import SemanticMapClassifier

CENTER_ITEMS = 10
"""Items that zero is worth as the center: the mean of one or two photographs says little of photographs."""


@dataclass(frozen=True)
class Evidence:
    """All that is known; every change makes a new one, and the same evidence makes the same model.

    Attributes
    ----------
    classes : ndarray of shape (c,)
        The class table.
    texts : ClassTexts
        What is said of each class, in the same order.
    said : ndarray of shape (c, d)
        The same as vectors, the longer the surer; zeros where nothing is said that the encoder understands.
    attributes : ndarray of shape (c, a)
        What is known of the classes in another space than the items', such as attributes; a = 0 where nothing is. The
        labeled items then tell the way between the two.
    vectors, index, examples : (n, d), (n,), n strings
        The labeled items, their classes, and what to show of them.
    unlabeled : ndarray of shape (m, d)
        Items without a label.
    centering : bool
        Whether the items' mean is taken off every vector, as for networks whose vectors share a large mean.
    learned : bool
        Whether what is said of the classes are weights taught by another domain's labels, which know where items vary.
    pool : Pool or None
        The unlabeled items, centered, and their neighbors.
    """

    classes: Classes
    texts: ClassTexts
    said: Vectors
    vectors: Vectors
    index: Indexes
    examples: tuple[str, ...]
    unlabeled: Vectors
    centering: bool = False
    learned: bool = False
    pool: Pool | None = None
    attributes: Vectors = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    @property
    def described(self) -> NDArray[np.bool_]:
        """Whether anything but labels is known of each class (c,)."""
        return np.asarray(self.attributes.any(axis=1) if self.attributes.size else self.said.any(axis=1))

    @cached_property
    def center(self) -> NDArray[np.float32]:
        """What is taken off every vector (d,): the items' mean, drawn to zero as by `CENTER_ITEMS` more of them."""
        items = self.unlabeled if len(self.unlabeled) else self.vectors
        if not self.centering:
            return np.zeros(self.said.shape[1], np.float32)
        return np.asarray(items.sum(axis=0) / (len(items) + CENTER_ITEMS), dtype=np.float32)

    def centered(self, vectors: Vectors) -> Vectors:
        """Return vectors (n, d) as they are compared."""
        if len(vectors) and vectors.shape[1] != len(self.center):
            raise WidthError(f"The items are {vectors.shape[1]} wide; the model was made for {len(self.center)}.")
        return unit(vectors - self.center) if self.center.any() else vectors

    def known(self, shares: NDArray[np.floating] | None) -> Known:
        """Return the same as the methods take it; shares (c,) of the work to come."""
        vectors = self.centered(self.vectors)
        if not self.attributes.size:
            return Known(self._among_items(vectors), vectors, self.index, self.pool, shares, named=self.said)
        return Known(self._carried(vectors), vectors, self.index, self.pool, shares, attributes=self.attributes)

    def _among_items(self, vectors: Vectors) -> Vectors:
        """Return what is said of the classes (c, d) as the items, labeled (n, d) or not, let it be believed.

        Without a pool it stays: labeled items vary as their own classes do, and what tells others apart would be lost.
        On banking77, where a third of the classes had no label, these were told apart 1.4 points worse.
        """
        if self.pool is None or self.learned or self.centering:
            return self.said
        return wiener_filter(self.said, np.concatenate([self.pool.vectors, vectors]))

    def _carried(self, vectors: Vectors) -> Vectors:
        """Return weights for all classes (c, d), carried from the labeled ones by likeness of attributes."""
        if len(np.unique(self.index)) < 2:
            raise NotEnoughLabelsError(
                f"The class vectors are {self.attributes.shape[1]} wide and the items {self.said.shape[1]}: the way "
                "from one space to the other is learned from labels of two classes or more. Give labels."
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that every class has labels is no reason for alarm here
            learned = SemanticMapClassifier().fit(vectors, self.index, class_vectors=self.attributes)
        return np.asarray(learned.coef_, dtype=np.float32)

    def with_labels(self, vectors: Vectors, index: Indexes, examples: Sequence[str]) -> Self:
        """Add items (n, d) with classes (n,); -1 puts an item among the unlabeled."""
        has = index >= 0
        kept = tuple(example for example, labeled in zip(examples, has, strict=True) if labeled)
        told = replace(
            self,
            vectors=np.concatenate([self.vectors, vectors[has]]),
            index=np.concatenate([self.index, index[has]]),
            examples=self.examples + kept,
        )
        return told if has.all() else told.with_unlabeled(vectors[~has])

    def with_unlabeled(self, vectors: Vectors) -> Self:
        """Add unlabeled items (m, d)."""
        if not len(vectors):
            return self
        more = replace(self, unlabeled=np.concatenate([self.unlabeled, vectors]))
        return replace(more, pool=_pool(more))

    def with_class(self, texts: ClassTexts, said: Vectors) -> Self:
        """Add one class, last, by what is said of it (1, d), or by its attributes (1, a)."""
        table = class_table([*self.classes.tolist(), *texts.names])
        both = ClassTexts(self.texts.names + texts.names, self.texts.texts + texts.texts)
        if not self.attributes.size:
            return replace(self, classes=table, texts=both, said=np.concatenate([self.said, said]))
        nothing = np.zeros((1, self.said.shape[1]), np.float32)
        attributes = np.concatenate([self.attributes, said])
        return replace(self, classes=table, texts=both, said=np.vstack([self.said, nothing]), attributes=attributes)

    def without_class(self, name: Label) -> Self:
        """Drop one class and its labeled items."""
        row = row_of(name, self.classes)
        if len(self.classes) == 2:
            raise NotEnoughClassesError(f"{name!r} is one of the last two classes; a classifier needs two.")
        kept = self.index != row
        index = self.index[kept]
        return replace(
            self,
            classes=np.delete(self.classes, row),
            texts=ClassTexts(_without(self.texts.names, row), _without(self.texts.texts, row)),
            said=np.delete(self.said, row, axis=0),
            attributes=np.delete(self.attributes, row, axis=0) if self.attributes.size else self.attributes,
            vectors=self.vectors[kept],
            index=index - (index > row),
            examples=tuple(example for example, stays in zip(self.examples, kept, strict=True) if stays),
        )

    def facts(self) -> dict[str, Any]:
        """Return what is no array, for a saved model."""
        texts = [list(own) for own in self.texts.texts]
        examples = list(self.examples)
        return {
            "classes": self.classes.tolist(),
            "texts": texts,
            "examples": examples,
            "centering": self.centering,
            "learned": self.learned,
        }

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays, for a saved model."""
        return {
            "said": self.said,
            "vectors": self.vectors,
            "index": self.index.astype(np.int64),
            "unlabeled": self.unlabeled,
            "attributes": self.attributes,
        }


def evidence_from_saved(facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Evidence:
    """Return the evidence that `facts` and `arrays` were taken from."""
    classes = class_table(facts["classes"])
    texts = ClassTexts(tuple(classes.tolist()), _tuples(facts["texts"]))
    bare = first_evidence(classes, texts, arrays["said"], centering=facts["centering"])
    labeled = replace(
        bare,
        vectors=arrays["vectors"],
        index=arrays["index"].astype(np.intp),
        examples=tuple(facts["examples"]),
        unlabeled=arrays["unlabeled"],
        attributes=arrays["attributes"],
        learned=facts.get("learned", False),
    )
    return replace(labeled, pool=_pool(labeled) if len(labeled.unlabeled) else None)


def first_evidence(classes: Classes, texts: ClassTexts, said: Vectors, *, centering: bool = False) -> Evidence:
    """Return the evidence of classes (c,) and what is said of them (c, d), without any item."""
    if len(said) != len(classes):
        raise ClassesError(f"There are {len(classes)} classes and {len(said)} class vectors. Give one a class.")
    none = np.zeros((0, said.shape[1]), np.float32)
    return Evidence(classes, texts, said, none, np.zeros(0, np.intp), (), none, centering)


def _pool(evidence: Evidence) -> Pool:
    """Return the unlabeled items as the methods take them.

    Where vectors must be centered, as an image network's are, clusters are looser and the names farther off: they were
    found best at half the sharpness, and with the classes held to their shares.
    """
    vectors = evidence.centered(evidence.unlabeled)
    return make_pool(vectors, temperature=1 / 30, balance=1.0) if evidence.centering else make_pool(vectors)


def _without(values: tuple[Any, ...], row: int) -> tuple[Any, ...]:
    return values[:row] + values[row + 1 :]


def _tuples(rows: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(row) for row in rows)
