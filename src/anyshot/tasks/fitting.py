"""Fitting the model of a classifier to its training set, if every class can be predicted, or may wait for a label."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from anyshot import any_shot
from anyshot.any_shot.embedder import Embedder
from anyshot.any_shot.model import Model, Starts
from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.messages import first_of
from anyshot.base.weighted_items import refuse_fractions
from anyshot.errors import ClassesError, NotEnoughClassesError, NotEnoughLabelsError
from anyshot.tasks.class_prior import expected_shares
from anyshot.tasks.parameters import Parameters
from anyshot.zero_shot.class_texts import check_not_named_unknown

MayWait: TypeAlias = bool | NDArray[np.bool_]
"""Whether each class (c,), or all classes, may be without a label and a description, and not be predicted."""


def fit_model(
    clf: Parameters, embedder: Embedder, data: TrainingSet, *, start: Starts | None = None, may_wait: MayWait = False
) -> Model:
    """Return the model of a classifier; start: what labels added to an earlier one, to begin from.

    may_wait: which classes may have neither a label nor a description, and are then not predicted.
    """
    data = checked_classes(clf, embedder, data, may_wait)
    waiting = [repr(name) for name in data.classes[unpredictable(data)].tolist()]
    waits = f"Classes that are not predicted until they have a label: {first_of(waiting, at_most=5)}."
    model: Model = any_shot.fit_model(embedder, data, method=clf.method, unknown_rate=clf.unknown_rate, start=start)
    for reason in (*embedder.reasons, *([waits] if waiting else ())):
        model = model.with_reason(reason)
    return model


def checked_classes(clf: Parameters, embedder: Embedder, data: TrainingSet, may_wait: MayWait = False) -> TrainingSet:
    """Return the training set with the expected shares of its classes; raise an error if no method can predict some."""
    if clf.unknown_rate is not None:
        check_not_named_unknown(data.texts.names)
    if data.attributes.size:
        refuse_fractions(data.weights, "Class vectors of another width than the items")
        if lacking := data.classes[~data.has_description].tolist():
            raise ClassesError(
                f"Class {lacking[0]!r} has no vector. Class vectors of another width than the items are needed for "
                f"every class. Pass {data.attributes.shape[1]} numbers for it, or leave it out until they are known; "
                "or, if it has labels, give each class a number more: 1 for it, 0 for the others."
            )
    check_trainable(data, method=clf.method, encoder=embedder.name, may_wait=may_wait)
    return data.with_class_prior(expected_shares(clf.class_prior, data))


def check_trainable(data: TrainingSet, *, method: str, encoder: str, may_wait: MayWait = False) -> None:
    """Raise NotEnoughLabelsError if no method could predict some class that may not wait for a label, or any class.

    Raise NotEnoughClassesError if logistic regression lacks labels of a second class, and no class may wait.
    """
    if method in ("prototype", "logistic-regression") and not len(data.index):
        raise NotEnoughLabelsError(f"method={method!r} needs labels, and there are none. Use method='auto'.")
    lacking = unpredictable(data)
    refused = data.classes[lacking if lacking.all() else lacking & ~np.asarray(may_wait)].tolist()
    if refused:
        why, remedy = f"the encoder {encoder!r} cannot embed its name", ", or words or a description"
        if encoder in ("vectors", "table"):
            why, remedy = "its name says nothing about numbers", ", or a class vector" if encoder == "vectors" else ""
        raise NotEnoughLabelsError(
            f"Class {refused[0]!r} has no label, and {why}. Give a labeled example of it{remedy}."
        )
    if method == "logistic-regression" and not np.any(may_wait) and np.count_nonzero(data.counts) < 2:
        raise NotEnoughClassesError(
            "method='logistic-regression' needs labels of two classes, and there are labels of one. Use method='auto'."
        )


def unpredictable(data: TrainingSet) -> NDArray[np.bool_]:
    """Return the classes (c,) that no method can predict: they have neither a label nor a description."""
    return np.asarray(~data.has_description & (data.counts == 0))
