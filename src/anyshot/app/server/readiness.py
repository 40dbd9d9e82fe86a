"""A loaded model made ready to answer: its encoder is loaded, and vectors are kept in memory; and a version of it."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from threadpoolctl import threadpool_limits

from anyshot import store, tasks
from anyshot.base.items import Modality
from anyshot.errors import InputError

_FIRST: Final[dict[Modality, list[Any]]] = {
    "text": ["A first text."],
    "image": [np.zeros((64, 64, 3), np.uint8)],
}


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A version of a model. Nothing changes it."""

    classifier: Any  # a fitted classifier
    version: int
    modality: Modality  # of the items that it reads


def ready(classifier: Any, cache: store.MemoryCache) -> Any:
    """Return a classifier that has answered one item, so that its encoder is loaded, and keeps vectors in memory.

    Raises
    ------
    InputError
        The model is of a kind that cannot be served.
    """
    if not isinstance(classifier, tasks.AnyShotClassifier):
        raise InputError(
            f"The model, of type {type(classifier).__name__}, cannot be served. Give one that `anyshot fit` wrote, an "
            "AnyShotClassifier."
        )
    try:
        classifier.any_shot_model()
    except AttributeError:  # scikit-learn's NotFittedError is one; loading it takes half a second
        classifier.predict(_FIRST["text"])  # only names of classes are known: they are those of texts
    modality = modality_of_model(classifier)
    if modality == "vectors":
        return classifier
    classifier = classifier.with_cache(cache)
    classifier.predict(_FIRST[modality])
    return classifier


def fit_once() -> None:
    """Fit a small model, which loads what fitting needs, and let BLAS use one thread from then on.

    In a process with several threads, those of BLAS would wait for each other at every small product: on two busy cores
    a change then takes more than ten times the CPU time.
    """
    labels = ["a", "b"] * 3
    tasks.AnyShotClassifier(cache=False).fit(np.eye(6, 3, dtype=np.float32) + 1, labels)
    threadpool_limits(1, "blas")


def modality_of_model(classifier: Any) -> Modality:
    """Return which items a model reads."""
    encoder = classifier.any_shot_model().embedder.encoder
    if encoder is None:
        return "vectors"
    return "text" if encoder.modality == "text" else "image"
