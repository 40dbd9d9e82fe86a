"""Findings from training data and unlabeled items: learning curve, wrong training labels, what to label next."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from anyshot.base.items import Items, Labels, item_count, label_list, take
from anyshot.base.validation import Indexes
from anyshot.errors import NotEnoughClassesError, NotEnoughLabelsError
from anyshot.evaluation.label_errors import label_errors, out_of_fold_probabilities
from anyshot.evaluation.learning_curves import LearningCurve, learning_curve
from anyshot.evaluation.metrics import Floats
from anyshot.evaluation.regression import NumberCurve, number_curve
from anyshot.evaluation.report.collect import ClassResults, NumberResults, probabilities_of

CURVE_SHOTS = (0, 1, 2, 5, 10, 20)
CURVE_SEEDS = 3
CURVE_ITEMS = 1_000  # test items that a curve is measured on
N_SUGGESTED = 10  # items suggested for labeling

NEEDS_SURE = "What to label next needs a classifier with suggest(X, n=...) or predict_proba."
NEEDS_INTERVALS = "Prediction intervals need a model with predict_interval(X, coverage=...), such as AnyShotRegressor."


class Suggestion(NamedTuple):
    """Rows (m,) of the pool to label next, the reason, and for numbers their 80 % intervals (m, 2).

    Without rows, the reason says what is needed to suggest some.
    """

    rows: Indexes
    reason: str
    intervals: Floats = np.zeros((0, 2))


def measure_curve(results: ClassResults | NumberResults, train: tuple[Items, Labels]) -> LearningCurve | NumberCurve:
    """Measure the model's learning curve on labels sampled from `train`, on at most 1,000 of the test items.

    Test items of classes that are neither in the model nor in `train` are left out: no number of training labels would
    make their predictions correct, and the curve could not be extrapolated.
    """
    if isinstance(results, NumberResults):
        rows = spread_rows(len(results.truth), CURVE_ITEMS)
        X_test, y_test = take(results.inputs.X, rows), results.truth[rows]
        return number_curve(results.model, train[0], list(train[1]), X_test, y_test, seeds=CURVE_SEEDS)
    labels = label_list(train[1])
    names, sizes = np.unique([str(label) for label in labels if label is not None], return_counts=True)
    known = {str(name) for name in [*names, *results.classes]}
    tested = np.flatnonzero([str(label) in known for label in results.truth])
    if len(names) < 2:
        raise NotEnoughLabelsError(f"A learning curve needs training labels of two classes; there is {len(names)}.")
    if not len(tested):
        raise NotEnoughLabelsError("A learning curve needs test items of the training classes; there are none.")
    most = int(sizes.max())
    shots = sorted({*(k for k in CURVE_SHOTS if k <= most), min(most, CURVE_SHOTS[-1])})
    rows = tested[spread_rows(len(tested), CURVE_ITEMS)]
    return learning_curve(
        {"this model": results.model}, train[0], labels, take(results.inputs.X, rows),
        [results.truth[row] for row in rows], shots=shots, seeds=CURVE_SEEDS,
    )  # fmt: skip


def training_errors(results: ClassResults, train: tuple[Items, Labels]) -> pd.DataFrame | None:
    """Return the training labels that are likely wrong, by cross-validation; None if that is not possible."""
    if results.probabilities is None:
        return None
    labels = label_list(train[1])
    try:
        table, names = out_of_fold_probabilities(results.model, train[0], labels)  # type: ignore[arg-type]  # it has them
    except (NotEnoughClassesError, NotEnoughLabelsError):
        return None
    columns = {name: column for column, name in enumerate(names.tolist())}
    index = [-1 if label is None else columns[label] for label in labels]
    return label_errors(table, index, classes=names)


def next_to_label(results: ClassResults | NumberResults, pool: Items, n: int = N_SUGGESTED) -> Suggestion:
    """Return the items of the pool about which the model is least certain, and why they were chosen."""
    none = np.zeros(0, dtype=np.intp)
    if isinstance(results, NumberResults):
        predict_interval = getattr(results.model, "predict_interval", None)
        if predict_interval is None:
            return Suggestion(none, NEEDS_INTERVALS)
        spans = np.asarray(predict_interval(pool, coverage=0.8), dtype=np.float64)
        width = spans[:, 1] - spans[:, 0]
        if not np.isfinite(width).all():
            return Suggestion(none, "The model has too few training labels to say what to label next. Label some more.")
        rows = np.argsort(-width, kind="stable")[:n]
        return Suggestion(rows, "Their prediction intervals are the widest.", spans[rows])
    suggest = getattr(results.model, "suggest", None)
    if suggest is not None:
        rows = np.asarray(suggest(pool, n=min(n, item_count(pool))), dtype=np.intp)
        return Suggestion(rows, "The model is uncertain about them, and each is similar to many others.")
    table = probabilities_of(results.model, pool)
    if table is None:
        return Suggestion(none, NEEDS_SURE)
    best_two = np.sort(table, axis=1)[:, -2:]
    rows = np.argsort(best_two[:, 1] - best_two[:, 0], kind="stable")[:n]
    return Suggestion(rows, "The model is least certain about them.")


def spread_rows(n: int, most: int) -> Indexes:
    """Return at most `most` of n rows, evenly spaced."""
    return np.asarray(np.linspace(0, n - 1, min(most, n)).round(), dtype=np.intp)
