"""Collect everything that a report needs from a model and the data; what a model does not offer is left out."""

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from anyshot.base.columns import item_count, take
from anyshot.base.items import Items
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
from anyshot.base.repeated_items import n_repeated
from anyshot.base.validation import Floats, Indexes, generator, probability_table
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.classification import Evaluation, evaluate_answers
from anyshot.evaluation.fairness import accuracy_by_group
from anyshot.evaluation.learning_curves import LearningCurve
from anyshot.evaluation.metrics import item_weights
from anyshot.evaluation.regression import NumberCurve, NumberEvaluation, evaluate_numbers, rmse_by_group
from anyshot.evaluation.splits import Predictor
from anyshot.store.encoding import EncodingCounts

MAX_ITEMS = 20_000  # test items; of more, a random sample of this size is used
SAMPLE_SEED = 0  # of that sample; the page states it
N_MISTAKES = 20  # mistakes shown
COVERAGES = (0.5, 0.8, 0.9, 0.95)  # of the prediction intervals that are compared with the labels
TIMED_ITEMS = 100  # items that are predicted without the cache, to measure the time

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

    @cached_property
    def n_repeated(self) -> int:
        """How many test items equal training items: those that were given, or those that the model keeps."""
        model, X, given = self.model, self.inputs.X, self.inputs.train
        kept = model.training_examples() if hasattr(model, "training_examples") else None
        counts = [n_repeated(X, train[0]) for train in (given, kept) if train is not None]
        if hasattr(model, "encoded") and (kept is None or not isinstance(kept[0], list)):  # it keeps vectors, no texts
            encoded = model.encoded()
            counts.append(n_repeated(encoded.encode(X), encoded.training_examples()[0]))
        return max(counts, default=0)


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


def spread_rows(n: int, most: int) -> Indexes:
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
    some = take(X, spread_rows(n, TIMED_ITEMS))
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
