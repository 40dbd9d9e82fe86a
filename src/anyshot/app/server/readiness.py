"""A loaded model made ready to answer: its encoder is loaded, and vectors are kept in memory; and a version of it."""

import time
from dataclasses import dataclass, field
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np
from threadpoolctl import threadpool_limits

from anyshot import data as datasets
from anyshot import store, tasks
from anyshot.base.items import Items, Modality
from anyshot.base.validation import Vectors, unit
from anyshot.errors import InputError

if TYPE_CHECKING:  # it loads pandas, which a model of texts does not need
    from anyshot.data.table_vectors import TableVectors

Reads: TypeAlias = Modality | Literal["table"]
"""Which items a model reads; those of a table are rows of features, with names for the columns."""
AnswerKind: TypeAlias = Literal["classes", "values", "tasks"]
"""What a model predicts: a class, a number, or a class or number in each of several tasks."""
_ARRAYS: Final = ("class_embeddings", "vectors", "index", "weights", "unlabeled", "attributes")
"""What a model learns from, beside texts."""
_FIRST: Final[dict[Reads, list[Any]]] = {
    "text": ["A first text."],
    "image": [np.zeros((64, 64, 3), np.uint8)],
}
_FIXED: Final[dict[str, AnswerKind]] = {
    "FineTunedClassifier": "classes",
    "ContrastiveClassifier": "classes",
    "DomainConfusionClassifier": "classes",
    "AnyShotRegressor": "values",
    "MultitaskModel": "tasks",
}
"""Models that answer, and cannot be changed while they do, by the name of their type: most of them load torch."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A version of a model. Nothing changes it."""

    classifier: Any  # a fitted model
    version: int
    modality: Reads
    since: float = field(default_factory=time.monotonic)

    @property
    def table(self) -> "TableVectors | None":
        """How the model reads rows of features by the names of their columns; None if it reads other items."""
        return table_of(self.classifier) if self.modality == "table" else None

    @property
    def answer_kind(self) -> AnswerKind:
        """What the model predicts."""
        return _FIXED.get(type(self.classifier).__name__, "classes")

    @property
    def is_any_shot(self) -> bool:
        """Whether it is an `AnyShotClassifier`, which explains, suggests, and learns while it answers."""
        return isinstance(self.classifier, tasks.AnyShotClassifier)

    @property
    def model(self) -> Any:
        """The fitted model of an `AnyShotClassifier`."""
        return self.classifier.any_shot_model()

    @property
    def classes(self) -> list[Any]:
        """The names of the classes; none if it predicts numbers, or several tasks."""
        return self.classifier.classes_.tolist() if self.answer_kind == "classes" else []

    @property
    def width(self) -> int:
        """The width of the vectors that it reads, -1 if it states none."""
        return int(
            self.model.class_means.shape[1] if self.is_any_shot else getattr(self.classifier, "n_features_in_", -1)
        )

    @property
    def unknown_threshold(self) -> float | None:
        """The closeness below which items are unknown, None if none is."""
        return self.model.unknown_threshold if self.is_any_shot else None

    @property
    def is_provisional(self) -> bool:
        """Whether a class was added without fitting the others again."""
        return self.is_any_shot and bool(self.model.provisional)

    def is_fit_of(self, earlier: "Snapshot") -> bool:
        """Return whether an earlier version became this one by a fit of its classes, without learning anything else."""
        if not (self.is_any_shot and earlier.is_provisional):
            return False
        own, other = self.model.data, earlier.model.data
        same = own.texts == other.texts and own.examples == other.examples
        return same and all(np.array_equal(getattr(own, name), getattr(other, name)) for name in _ARRAYS)


def snapshot_of(classifier: Any, version: int) -> Snapshot:
    """Return a version of a model that is ready."""
    return Snapshot(classifier, version, modality_of_model(classifier))


def ready(classifier: Any, cache: store.MemoryCache) -> Any:
    """Return a model that has answered one item, so that its encoder is loaded, and keeps vectors in memory.

    Raises InputError if the model is of a kind that cannot be served.
    """
    if not isinstance(classifier, tasks.AnyShotClassifier):
        return _ready_fixed(classifier)
    try:
        classifier.any_shot_model()
    except AttributeError:  # scikit-learn's NotFittedError is one; loading it takes half a second
        classifier.predict(_FIRST["text"])  # only names of classes are known: they are those of texts
    if modality_of_model(classifier) not in ("vectors", "table"):
        classifier = classifier.with_cache(cache)
    _answer_one(classifier)
    return classifier


def _ready_fixed(model: Any) -> Any:
    """Return a model of another kind, ready; raise InputError if it cannot be served."""
    kind = type(model).__name__
    if kind not in _FIXED:
        raise InputError(
            f"The model, of type {kind}, does not predict, so that it cannot be served. These can: AnyShotClassifier, "
            f"which `anyshot fit` writes, {', '.join(_FIXED)}."
        )
    _answer_one(model)
    return model


def _answer_one(model: Any) -> None:
    """Answer one item, which loads what answers need; vectors need nothing."""
    if (table := table_of(model)) is not None:
        rows = datasets.cells_of_rows([datasets.example_row(table)], table)
        model.predict(datasets.table_of_rows(rows))
    elif (first := _FIRST.get(modality_of_model(model))) is not None:
        model.predict(first)


class _Letters:
    """An encoder that counts letters in place of running a network."""

    modality: Literal["text"] = "text"
    width = len(ascii_lowercase)

    def encode(self, inputs: Items) -> Vectors:
        """Return how often each letter occurs, as unit-length vectors (n, 26)."""
        return unit(np.array([[str(text).count(letter) for letter in ascii_lowercase] for text in inputs], np.float32))


def fit_once() -> None:
    """Fit a small model of texts, which loads what fitting needs: less than rows of numbers, which may be tables."""
    tasks.AnyShotClassifier(encoder=_Letters(), cache=False).fit(["aac", "aad", "bbc", "bbd"], ["a", "a", "b", "b"])
    use_one_blas_thread()  # of the libraries that were loaded just now


def use_one_blas_thread() -> None:
    """Let BLAS use one thread from now on.

    In a process with several threads, those of BLAS would wait for each other at every small product: on two busy cores
    a change then takes more than ten times the CPU time.
    """
    threadpool_limits(1, "blas")


def table_of(model: Any) -> "TableVectors | None":
    """Return how a model reads rows of features by the names of their columns; None if it reads other items."""
    if not isinstance(model, tasks.AnyShotClassifier):
        found: TableVectors | None = getattr(model, "table_", None)  # of a regressor
        return found
    features = model.any_shot_model().embedder.table
    return None if features is None else features.columns


def modality_of_model(classifier: Any) -> Reads:
    """Return which items a model reads."""
    if table_of(classifier) is not None:
        return "table"
    if isinstance(classifier, tasks.AnyShotClassifier):
        reads = classifier.any_shot_model().embedder.encoder
    else:
        reads = getattr(classifier, "backbone_", None)  # of a fine-tuned network
    if reads is None:
        return "vectors"
    return "text" if reads.modality == "text" else "image"
