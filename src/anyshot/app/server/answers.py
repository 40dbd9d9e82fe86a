"""The answers of a model, with the arrays that they are made from."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anyshot import any_shot
from anyshot.app.server.batching import Arrays
from anyshot.app.server.readiness import Snapshot
from anyshot.base.items import Item
from anyshot.base.labels import UNKNOWN
from anyshot.encoders.texts import rows_of_long_texts
from anyshot.errors import InputError

N_NEIGHBORS = 3


def model_of(snapshot: Snapshot) -> Any:
    """Return the fitted any-shot model of a snapshot."""
    return snapshot.classifier.any_shot_model()


def vectors_of(snapshot: Snapshot, items: Sequence[Item]) -> Arrays:
    """Return the unit-length vectors of items (n, d), and which texts were cut (n,)."""
    return model_of(snapshot).embedder.encode(items), cut_texts(snapshot, items)


def score(snapshot: Snapshot, items: Sequence[Item]) -> Arrays:
    """Return the probabilities of classes (n, c), the closeness (n,), and which texts were cut (n,)."""
    model = model_of(snapshot)
    vectors = model.encode(items)
    return model.probabilities(vectors), model.closeness(vectors), cut_texts(snapshot, items)


def cut_texts(snapshot: Snapshot, items: Sequence[Item]) -> NDArray[np.bool_]:
    """Return of which items (n,) only the beginning was read."""
    embedder, cut = model_of(snapshot).embedder, np.zeros(len(items), bool)
    if snapshot.modality == "text" and embedder.long_texts == "cut":
        cut[rows_of_long_texts(embedder.encoder, items)] = True
    return cut


def explanations(snapshot: Snapshot, items: Sequence[Item]) -> Arrays:
    """Return an `Explanation` for each item (n,)."""
    found = np.empty(len(items), object)
    found[:] = any_shot.explain(model_of(snapshot), items, k=N_NEIGHBORS)
    return (found,)


def check_unknown(snapshot: Snapshot, unknown: bool | None) -> None:
    """Raise InputError if items are to be answered "unknown", and the model has no threshold for it."""
    if unknown and model_of(snapshot).unknown_threshold is None:
        raise InputError(
            "The model has no threshold for unknown items. Fit it with an unknown rate, or leave out unknown."
        )


def is_unknown(snapshot: Snapshot, closeness: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which items (n,) are close to no class."""
    threshold = model_of(snapshot).unknown_threshold
    return np.zeros(len(closeness), bool) if threshold is None else closeness < threshold


def answers(
    snapshot: Snapshot, scores: Arrays, *, proba: bool = False, top_k: int | None = None, unknown: bool | None = None
) -> list[dict[str, Any]]:
    """Return the answer for each item, of what `score` returned; the options are those of `PredictRequest`."""
    probabilities, closeness, cut = scores
    names = model_of(snapshot).data.classes.tolist()
    far = is_unknown(snapshot, closeness) & (unknown is not False)
    found: list[dict[str, Any]] = []
    for row, best in enumerate(probabilities.argmax(axis=1).tolist()):
        answer: dict[str, Any] = {"label": UNKNOWN if far[row] else names[best]}
        if proba or top_k is not None:
            order = np.argsort(-probabilities[row], kind="stable")[:top_k].tolist()
            answer["proba"] = {str(names[k]): float(probabilities[row, k]) for k in order}
        if cut[row]:
            answer["cut"] = True
        found.append(answer)
    return found


def with_explanations(found: list[dict[str, Any]], why: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the answers, each with its explanation."""
    return [{**answer, "explanation": _facts(one)} for answer, one in zip(found, why, strict=True)]


def _facts(one: Any) -> dict[str, Any]:
    return {
        "runner_up": one.runner_up,
        "margin": one.margin,
        "matched": one.matched,
        "words": list(one.words),
        "analogy": None if one.analogy is None else str(one.analogy),
        "neighbors": [{"example": near.example, "label": near.label, "cosine": near.cosine} for near in one.neighbors],
    }
