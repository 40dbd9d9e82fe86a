"""Collect everything that a report needs from a model and the data; what a model does not offer is left out."""

import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from anyshot.base.items import Items, item_count, take
from anyshot.base.labels import (
    UNKNOWN,
    Classes,
    Label,
    Labels,
    class_table,
    classes_in,
    label_list,
    wrong_number_of_labels,
)
from anyshot.base.number_columns import target_numbers
from anyshot.base.validation import Floats, Indexes, generator, probability_table
from anyshot.errors import InputError, NotEnoughClassesError, NotEnoughLabelsError
from anyshot.evaluation.classification import Evaluation, evaluate_answers
from anyshot.evaluation.fairness import accuracy_by_group
from anyshot.evaluation.label_errors import label_errors, out_of_fold_probabilities
from anyshot.evaluation.learning_curves import LearningCurve, learning_curve
from anyshot.evaluation.metrics import item_weights
from anyshot.evaluation.regression import NumberCurve, NumberEvaluation, evaluate_numbers, number_curve, rmse_by_group
from anyshot.evaluation.splits import Predictor
from anyshot.store.disk_cache import EncodingCounts

MAX_ITEMS = 20_000  # test items; of more, a random sample of this size is used
SAMPLE_SEED = 0  # of that sample; the page states it
N_MISTAKES = 20  # mistakes shown
COVERAGES = (0.5, 0.8, 0.9, 0.95)
CURVE_SHOTS = (0, 1, 2, 5, 10, 20)
CURVE_SEEDS = 3
CURVE_ITEMS = 1_000  # test items that a curve is measured on
TIMED_ITEMS = 100  # items that are predicted without the cache, to measure the time
N_SUGGESTED = 10  # items suggested for labeling

NEEDS_SURE = "What to label next needs a classifier with suggest(X, n=...) or predict_proba."
NEEDS_INTERVALS = "Prediction intervals need a model with predict_interval(X, coverage=...), such as AnyShotRegressor."


@dataclass(frozen=True, eq=False, kw_only=True)
class Inputs:
    """The inputs of a report: a fitted model, labeled test items, and optional data for more sections."""

    model: Predictor
    X: Items
    y: Any  # (n,), None or NaN for no label
    groups: Mapping[str, Sequence[Any]] = field(default_factory=dict)  # columns by name, (n,) each
    sample_weight: ArrayLike | None = None  # (n,)
    train: tuple[Items, Labels] | None = None
    curve: LearningCurve | NumberCurve | None = None
    pool: Items | None = None  # unlabeled items, from which to suggest the next to label
    n_given: int = 0  # test items before sampling

    def checked(self) -> "Inputs":
        """Return the same with weights as an array, or raise InputError for what does not fit together."""
        if isinstance(self.model, type) or not hasattr(self.model, "predict"):
            raise InputError(f"A report needs a fitted model with predict, not {self.model!r:.60}.")
        n = item_count(self.X)
        if not n:
            raise InputError("A report needs test items, but the list is empty.")
        if len(self.y) != n:
            raise wrong_number_of_labels(n, len(self.y))
        for name, values in self.groups.items():
            if len(values) != n:
                raise InputError(f"Group column {name!r} has {len(values)} values for {n} items. Give one per item.")
        weight = None if self.sample_weight is None else item_weights(self.sample_weight, n)
        return replace(self, sample_weight=weight, n_given=n)

    def sampled(self, max_items: int) -> "Inputs":
        """Return the same with a random sample of at most `max_items` items."""
        if self.n_given <= max_items:
            return self
        rows = np.sort(generator(SAMPLE_SEED).choice(self.n_given, max_items, replace=False))
        return replace(
            self,
            X=take(self.X, rows),
            y=[self.y[row] for row in rows],
            groups={name: [values[row] for row in rows] for name, values in self.groups.items()},
            sample_weight=None if self.sample_weight is None else np.asarray(self.sample_weight)[rows],
        )


class Cost(NamedTuple):
    """The time of the predictions [s], and the items encoded before and after."""

    started: float
    finished: float
    before: EncodingCounts
    after: EncodingCounts
    each: float  # seconds of one prediction without the cache
    n_timed: int  # predictions that this was measured on


@dataclass(frozen=True, eq=False, kw_only=True)
class Results:
    """The predictions of a model for the test items, and their evaluation; n items after sampling."""

    inputs: Inputs
    cost: Cost

    @property
    def model(self) -> Predictor:
        """The model."""
        return self.inputs.model

    @property
    def weight(self) -> Floats:
        """Weight of each item (n,)."""
        return item_weights(self.inputs.sample_weight, len(self.inputs.y))


@dataclass(frozen=True, eq=False, kw_only=True)
class ClassResults(Results):
    """The predictions of a classifier."""

    truth: list[Label]  # (n,), None for no label
    predicted: list[Label]  # (n,)
    classes: Classes  # (c,), those that the model knows
    probabilities: Floats | None  # (n, c), None if the model has no `predict_proba`
    closeness: Floats | None  # (n,), cosine to the nearest class, None if the model has no `closeness`
    evaluation: Evaluation

    @property
    def train_labels(self) -> list[Label] | None:
        """The training labels, None if they are not given."""
        return None if self.inputs.train is None else label_list(self.inputs.train[1])

    @cached_property
    def labeled(self) -> NDArray[np.bool_]:
        """Which items have a label (n,)."""
        return np.array([label is not None for label in self.truth])

    @cached_property
    def correct(self) -> NDArray[np.bool_]:
        """Which predictions are correct (n,); `UNKNOWN` is, for a class that the model does not know."""
        known, pairs = set(self.classes.tolist()), zip(self.truth, self.predicted, strict=True)
        return np.array([predicted == (label if label in known else UNKNOWN) for label, predicted in pairs])

    @cached_property
    def index(self) -> Indexes:
        """The class of each item as a column of the probabilities (n,), -1 for no class of the model."""
        columns = {name: column for column, name in enumerate(self.classes.tolist())}
        return np.array([columns.get(label, -1) for label in self.truth], dtype=np.intp)

    def by_group(self, groups: Sequence[Any]) -> pd.DataFrame:
        """Return the accuracy of each group of the labeled items."""
        keep = self.labeled
        return accuracy_by_group(self.correct[keep], groups, sample_weight=self.weight[keep])

    def probability(self, row: int, label: Label) -> float | None:
        """Return the probability of a class for one item, None if the model gives none."""
        names = self.classes.tolist()
        if self.probabilities is None or label not in names:
            return None
        return float(self.probabilities[row, names.index(label)])

    def mistakes(self) -> Indexes:
        """Return the rows of the wrong predictions, the most confident first, at most 20."""
        wrong = np.flatnonzero(self.labeled & ~self.correct)
        confidence = np.array([self.probability(int(row), self.predicted[row]) or 0.0 for row in wrong])
        return wrong[np.argsort(-confidence, kind="stable")][:N_MISTAKES]


@dataclass(frozen=True, eq=False, kw_only=True)
class NumberResults(Results):
    """The predictions of a regressor."""

    truth: Floats  # (n,), NaN for no number
    predicted: Floats  # (n,)
    intervals: Mapping[float, Floats]  # (n, 2) by coverage, empty if the model has no `predict_interval`
    evaluation: NumberEvaluation

    @property
    def train_labels(self) -> Floats | None:
        """The training labels, NaN for none; None if they are not given."""
        return None if self.inputs.train is None else target_numbers(self.inputs.train[1], name="training labels")

    @property
    def labeled(self) -> NDArray[np.bool_]:
        """Which items have a number (n,)."""
        return np.isfinite(self.truth)

    @property
    def errors(self) -> Floats:
        """Predicted minus true values (n,), NaN without a number."""
        return self.predicted - self.truth

    def by_group(self, groups: Sequence[Any]) -> pd.DataFrame:
        """Return the root mean squared error of each group of the labeled items."""
        rows = np.flatnonzero(self.labeled)
        return rmse_by_group(self.truth[rows], self.predicted[rows], groups, sample_weight=self.weight[rows])

    def mistakes(self) -> Indexes:
        """Return the rows of the largest errors, the largest first, at most 20."""
        rows = np.flatnonzero(self.labeled)
        return rows[np.argsort(-np.abs(self.errors[rows]), kind="stable")][:N_MISTAKES]


class Suggestion(NamedTuple):
    """Rows (m,) of the pool to label next, the reason, and for numbers their 80 % intervals (m, 2).

    Without rows, the reason says what is needed to suggest some.
    """

    rows: Indexes
    reason: str
    intervals: Floats = np.zeros((0, 2))


def collect_classes(inputs: Inputs) -> ClassResults:
    """Collect the predictions, probabilities and closeness of a classifier, and evaluate them."""
    used = replace(inputs, y=label_list(inputs.y)).checked().sampled(MAX_ITEMS)
    truth, model = list(used.y), used.model
    if all(label is None for label in truth):
        raise NotEnoughLabelsError(f"A report needs labeled test items, but none of the {len(truth)} has a label.")
    answers, cost = timed_predict(model, used.X)
    predicted = label_list(answers)
    known = getattr(model, "classes_", None)
    classes = class_table(known if known is not None else classes_in([*predicted, *truth]))
    probabilities = probabilities_of(model, used.X)
    closeness = getattr(model, "closeness", None)
    return ClassResults(
        inputs=used, cost=cost, truth=truth, predicted=predicted, classes=classes, probabilities=probabilities,
        closeness=None if closeness is None else np.asarray(closeness(used.X), dtype=np.float64),
        evaluation=evaluate_answers(classes, truth, predicted, probabilities, sample_weight=used.sample_weight),
    )  # fmt: skip


def collect_numbers(inputs: Inputs) -> NumberResults:
    """Collect the predictions and intervals of a regressor, and evaluate them."""
    used = replace(inputs, y=target_numbers(inputs.y, name="y").tolist()).checked().sampled(MAX_ITEMS)
    truth = np.asarray(used.y, dtype=np.float64)
    if not np.isfinite(truth).any():
        raise NotEnoughLabelsError(f"A report needs labeled test items, but none of the {len(truth)} has a number.")
    answers, cost = timed_predict(used.model, used.X)
    predicted = target_numbers(answers, name="predictions")
    if predicted.shape != truth.shape:
        raise InputError(f"One number per item is needed; {len(truth)} predictions have shape {predicted.shape}.")
    interval = getattr(used.model, "predict_interval", None)
    intervals = {c: np.asarray(interval(used.X, coverage=c), dtype=np.float64) for c in COVERAGES} if interval else {}
    evaluation = evaluate_numbers(truth, predicted, sample_weight=used.sample_weight)
    return NumberResults(
        inputs=used, cost=cost, truth=truth, predicted=predicted, intervals=intervals, evaluation=evaluation
    )


def probabilities_of(model: Predictor, X: Items) -> Floats | None:
    """Return the probabilities (n, c) of the items, None if the model has no `predict_proba`."""
    predict_proba = getattr(model, "predict_proba", None)
    return None if predict_proba is None else probability_table(predict_proba(X))


def reasons_for(model: Predictor, X: Items, rows: Indexes) -> list[tuple[str, ...]]:
    """Return the model's reasons for its predictions for these rows, empty if it has no `explain`."""
    explain = getattr(model, "explain", None)
    if explain is None or not len(rows):
        return [()] * len(rows)
    return [tuple(str(line) for line in explanation.reasons()) for explanation in explain(take(X, rows))]


def measure_curve(
    results: ClassResults | NumberResults, train: tuple[Items, Labels] | None
) -> LearningCurve | NumberCurve:
    """Measure the model's learning curve on labels sampled from `train`, on at most 1,000 of the test items.

    A model that can be fitted to vectors, which it keeps, is: so it has its unlabeled items at each number of labels.

    Test items of classes that are neither in the model nor in `train` are left out: no number of training labels would
    make their predictions correct, and the curve could not be extrapolated.
    """
    model, train = _refitted(results.model, train)
    if isinstance(results, NumberResults):
        rows = _spread_rows(len(results.truth), CURVE_ITEMS)
        X_test, y_test = take(results.inputs.X, rows), results.truth[rows]
        return number_curve(model, train[0], list(train[1]), X_test, y_test, seeds=CURVE_SEEDS)
    labels = label_list(train[1])
    names, sizes = np.unique([str(label) for label in labels if label is not None], return_counts=True)
    known = {str(name) for name in [*names, *results.classes]}
    tested = np.flatnonzero([str(label) in known for label in results.truth])
    if len(names) < 2:
        found = f'all are of "{names[0]}"' if len(names) else "there are none"
        raise NotEnoughLabelsError(f"A learning curve needs training labels of two classes; {found}.")
    if not len(tested):
        raise NotEnoughLabelsError("A learning curve needs test items of the training classes; there are none.")
    most = int(sizes.max())
    shots = [k for k in CURVE_SHOTS if k < most]
    rows = tested[_spread_rows(len(tested), CURVE_ITEMS)]
    name, X_test = "this model", take(results.inputs.X, rows)
    X_test = X_test if model is results.model else model.encode(X_test)
    curve = learning_curve(
        {name: model}, train[0], labels, X_test, [results.truth[row] for row in rows], shots=shots, seeds=CURVE_SEEDS
    )
    # The last point is the model itself, on the same items, and not one that was fitted again.
    at_hand = [name, "all", 0, int(sizes.sum()), float(results.correct[rows].mean())]
    end = pd.DataFrame([at_hand], columns=["model", "shots", "seed", "n_labels", "accuracy"])
    scores = pd.concat([curve.scores[list(end)], end.astype({"shots": object})], ignore_index=True)
    return LearningCurve(scores, n_test=curve.n_test)


def _refitted(model: Any, train: tuple[Items, Labels] | None) -> tuple[Any, tuple[Items, Labels]]:
    """Return the model to fit to some of the labels, and the labeled items that it takes.

    An encoder that was trained on the labels contains them, and a clone may learn other classes than the model has.
    """
    encoded: Any = model.encoded() if hasattr(model, "encoded") else None
    if train is None:
        return encoded, encoded.training_examples()
    if encoded is None or encoded.is_fine_tuned or not set(model.classes_).issuperset(classes_in(train[1])):
        return model, train
    return encoded, (encoded.encode(train[0]), train[1])


def training_errors(results: ClassResults, train: tuple[Items, Labels]) -> pd.DataFrame | None:
    """Return the training labels that are likely wrong, by cross-validation; None if that is not possible."""
    if results.probabilities is None:
        return None
    labels = label_list(train[1])
    try:
        table, names = out_of_fold_probabilities(results.model, train[0], labels)  # type: ignore[arg-type]  # it has them
    except (NotEnoughClassesError, NotEnoughLabelsError):
        return None
    columns, counts = {name: column for column, name in enumerate(names.tolist())}, Counter(labels)
    # The only item of a class is held out by models that do not know the class, and so cannot agree with its label.
    index = [-1 if label is None or counts[label] == 1 else columns[label] for label in labels]
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


def _spread_rows(n: int, most: int) -> Indexes:
    """Return at most `most` of n rows, evenly spaced."""
    return np.asarray(np.linspace(0, n - 1, min(most, n)).round(), dtype=np.intp)


def timed_predict(model: Predictor, X: Items) -> tuple[Any, Cost]:
    """Return the predictions for items (n,), and what they cost."""
    started, before = time.perf_counter(), encoding_counts(model)
    predicted = model.predict(X)
    finished, after = time.perf_counter(), encoding_counts(model)
    n, counts = item_count(X), after - before
    if not counts.cached + counts.duplicates or not hasattr(model, "with_cache"):
        return predicted, Cost(started, finished, before, after, (finished - started) / n, n)
    some = take(X, _spread_rows(n, TIMED_ITEMS))
    cold = model.with_cache(None)
    cold.predict(take(X, np.zeros(1, dtype=np.intp)))  # the first prediction sets up the encoder
    began = time.perf_counter()
    cold.predict(some)
    each = (time.perf_counter() - began) / item_count(some)
    return predicted, Cost(started, finished, before, after, each, item_count(some))


def encoding_counts(model: object) -> EncodingCounts:
    """Return a copy of a model's counts of encoded items; zeros if it has none."""
    counts = getattr(model, "encoding_counts", None)
    return replace(counts) if isinstance(counts, EncodingCounts) else EncodingCounts()


def peak_memory() -> float | None:
    """Return the peak memory of this process so far [MB], None on Windows."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)
