"""The answers of a model, with the arrays that they are made from."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anyshot import any_shot
from anyshot import data as datasets
from anyshot.app.learned_items import item_keys, learned_items
from anyshot.app.server.batching import Arrays
from anyshot.app.server.changes import model_input
from anyshot.app.server.readiness import AnswerKind, Snapshot
from anyshot.base.items import Item
from anyshot.base.labels import UNKNOWN, Label
from anyshot.base.messages import collecting
from anyshot.base.protocols import CountsTokens
from anyshot.base.validation import generator
from anyshot.encoders.readability import TextReading
from anyshot.errors import InputError, WidthError

N_NEIGHBORS = 3  # labeled examples in an explanation
_FIELD: Final[dict[AnswerKind, str]] = {"values": "value", "tasks": "tasks"}


class Scores(NamedTuple):
    """What answers are made from.

    predicted: the probabilities of classes (n, c), or of models that predict numbers or several tasks, the predictions
    (n,), an object each; closeness (n,): to the nearest class, NaN of models that have none; remarks (n,): the fields
    of each answer that say how its item was read, None for none.
    """

    predicted: NDArray[Any]
    closeness: NDArray[np.float64]
    remarks: NDArray[np.object_]


def check_any_shot(snapshot: Snapshot, *, what: str) -> None:
    """Raise InputError if a model is of a kind that cannot do this."""
    if not snapshot.is_any_shot:
        kind = type(snapshot.classifier).__name__
        raise InputError(f"{what} need an AnyShotClassifier, which `anyshot fit` writes; the model is a {kind}.")


def vectors_of(snapshot: Snapshot, items: Sequence[Item]) -> Arrays:
    """Return the unit-length vectors of items (n, d), which texts were cut, and how many tokens were read (n,)."""
    embedder, n_tokens = snapshot.model.embedder, np.zeros(len(items), np.intp)
    vectors, reading = embedder.read(items)
    if snapshot.modality == "text" and isinstance(embedder.encoder, CountsTokens):
        n_tokens = embedder.encoder.n_tokens([str(item) for item in items])
    cut = np.zeros(len(items), bool)
    cut[_rows_cut(snapshot, reading)] = True
    return vectors, cut, n_tokens


def score(snapshot: Snapshot, items: Sequence[Item]) -> Scores:
    """Return what the answers for n items are made from."""
    if not snapshot.is_any_shot:
        texts = [str(item) for item in items] if snapshot.modality == "text" else ()
        reading = TextReading(texts, getattr(getattr(snapshot.classifier, "backbone_", None), "encoder", None))
        return Scores(_predicted(snapshot, items), np.full(len(items), np.nan), _remarks(snapshot, items, reading))
    model = snapshot.model
    with model_input(items) as given:
        encoded, reading = model.embedder.read(given)
    vectors = model.data.centered(encoded)
    return Scores(model.probabilities(vectors), model.closeness(vectors), _remarks(snapshot, items, reading))


def _remarks(snapshot: Snapshot, items: Sequence[Item], reading: TextReading) -> NDArray[np.object_]:
    """Return the fields of each answer (n,) that say how its item was read: not to its end, or without some cells."""
    found = np.full(len(items), None, object)
    if (table := snapshot.table) is not None:
        found[:] = [datasets.remarks_on_row(item, table) or None for item in items]
    found[_rows_cut(snapshot, reading)] = {"cut": True}
    found[reading.missing] = {"missing": ["text"]}
    return found


def _rows_cut(snapshot: Snapshot, reading: TextReading) -> list[int]:
    """Return the rows of the texts of which only the beginning was read."""
    return [] if snapshot.is_any_shot and snapshot.model.embedder.long_texts == "mean" else reading.long


def _predicted(snapshot: Snapshot, items: Sequence[Item]) -> NDArray[Any]:
    """Return the probabilities (n, c) or predictions (n,) of a model that is no `AnyShotClassifier`."""
    if snapshot.modality == "vectors":
        width = snapshot.width
        if any(np.shape(item) != (width if width >= 0 else len(items[0]),) for item in items):
            raise WidthError(f"The vectors must have width {width}." if width >= 0 else "The vectors differ in width.")
    with model_input(items) as given, collecting():  # of texts that are hard to read: answers say it of their own
        given = np.stack(given) if snapshot.modality == "vectors" else given
        if snapshot.answer_kind == "classes":
            return np.asarray(snapshot.classifier.predict_proba(given), np.float64)
        predicted, found = snapshot.classifier.predict(given), np.empty(len(items), object)
    if snapshot.answer_kind == "values":
        found[:] = predicted.tolist()
        return found
    by_task = {task: own.tolist() for task, own in predicted.items()}
    found[:] = [dict(zip(by_task, row, strict=True)) for row in zip(*by_task.values(), strict=True)]
    return found


def explanations(snapshot: Snapshot, items: Sequence[Item]) -> Arrays:
    """Return an `Explanation` for each item (n,)."""
    found = np.empty(len(items), object)
    with model_input(items) as given:
        found[:] = any_shot.explain(snapshot.model, given, k=N_NEIGHBORS)
    return (found,)


def suggested(snapshot: Snapshot, items: Sequence[Item], n: int) -> list[tuple[int, Label, float]]:
    """Return the `n` items whose labels would help most, the best first, without those that have one.

    Of each: its row, the most probable class, and the probability.
    """
    clf, model = snapshot.classifier, snapshot.model
    known = {key for key, _ in learned_items(clf)}
    with model_input(items) as given:
        encoded = model.embedder.encode(given)
    rows = np.flatnonzero([key not in known for key in item_keys(clf, items, encoded)])
    if not len(rows):
        return []
    chosen, probabilities = model.suggest(model.data.centered(encoded[rows]), n, generator(clf.random_state))
    labels = model.data.classes[probabilities.argmax(axis=1)]
    return list(zip(rows[chosen].tolist(), labels.tolist(), probabilities.max(axis=1).tolist(), strict=True))


def check_unknown(snapshot: Snapshot, unknown: bool | None) -> None:
    """Raise InputError if items are to be answered "unknown", and the model has no threshold for it."""
    if unknown and snapshot.unknown_threshold is None:
        raise InputError(
            "The model has no threshold for unknown items. Fit it with an unknown rate, or leave out unknown."
        )


def is_unknown(snapshot: Snapshot, closeness: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which items (n,) are close to no class."""
    threshold = snapshot.unknown_threshold
    return np.zeros(len(closeness), bool) if threshold is None else closeness < threshold


def answers(
    snapshot: Snapshot, scores: Scores, *, proba: bool = False, top_k: int | None = None, unknown: bool | None = None
) -> list[dict[str, Any]]:
    """Return the answer for each item; the options are those of `PredictRequest`."""
    predicted, closeness, remarks = scores
    if snapshot.answer_kind != "classes":
        values = [{_FIELD[snapshot.answer_kind]: one} for one in predicted.tolist()]
        return [{**one, **(remark or {})} for one, remark in zip(values, remarks, strict=True)]
    names = snapshot.classes
    far = is_unknown(snapshot, closeness) & (unknown is not False)
    found: list[dict[str, Any]] = []
    for row, best in enumerate(predicted.argmax(axis=1).tolist()):
        answer: dict[str, Any] = {"label": UNKNOWN if far[row] else names[best]}
        if proba or top_k is not None:
            order = np.argsort(-predicted[row], kind="stable")[:top_k].tolist()
            answer["proba"] = {str(names[k]): float(predicted[row, k]) for k in order}
        found.append(answer | (remarks[row] or {}))
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
        "columns": list(one.columns),
        "analogy": None if one.analogy is None else str(one.analogy),
        "neighbors": [{"example": near.example, "label": near.label, "cosine": near.cosine} for near in one.neighbors],
    }
