"""Asking: what a report is given, and what asking any model of any kind for its answers took."""

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anyshot.base.items import Items, Labels, item_count, take
from anyshot.base.validation import Indexes, generator
from anyshot.errors import InputError
from anyshot.evaluation.learning_curves import LearningCurve, Predictor
from anyshot.evaluation.metrics import Floats, item_weights
from anyshot.evaluation.regression_curve import NumberCurve
from anyshot.store.disk_cache import EncodingCounts

Train: TypeAlias = tuple[Items, Labels]  # what a model learned from

MOST = 20_000  # items that are answered; of more, as many drawn at random
SAMPLE_SEED = 0  # of that draw, so that the same items give the same report; the page says it

if sys.platform != "win32":
    import resource


@dataclass(frozen=True, eq=False)
class Extras:
    """What a report may be given beside a model and labeled items."""

    train: Train | None = None
    """What the model learned from."""
    curve: LearningCurve | NumberCurve | None = None
    pool: Items | None = None


@dataclass(frozen=True, eq=False)
class Question:
    """The items that a model is asked, n of them after sampling."""

    model: Predictor
    X: Items
    y: Sequence[Any]
    """(n,)"""
    groups: Mapping[str, Sequence[Any]]
    """By column, (n,) each."""
    weight: Floats | None
    """(n,)"""
    n_given: int
    extras: Extras

    def sampled(self, *, most: int) -> Self:
        """Return the same with at most so many items, drawn at random."""
        if self.n_given <= most:
            return self
        rows = np.sort(generator(SAMPLE_SEED).choice(self.n_given, most, replace=False))
        groups = {name: [one[row] for row in rows] for name, one in self.groups.items()}
        weight = None if self.weight is None else self.weight[rows]
        labels = [self.y[row] for row in rows]
        return type(self)(self.model, take(self.X, rows), labels, groups, weight, self.n_given, self.extras)


def question(
    model: Predictor,
    X: Items,
    y: Sequence[Any],
    *,
    groups: Mapping[str, Sequence[Any]],
    sample_weight: ArrayLike | None = None,
    extras: Extras | None = None,
) -> Question:
    """Return what is asked, once it is known to fit together.

    Raises
    ------
    InputError
        There are no items, or the model cannot predict; items, labels, groups and weights differ in number, or the
        weights sum to zero.
    """
    if not hasattr(model, "predict"):
        raise InputError(f"A report asks a fitted model, which has predict; a {type(model).__name__} was given.")
    n = item_count(X)
    if not n:
        raise InputError("There are no items to ask about: the list is empty.")
    if len(y) != n:
        raise InputError(f"There are {n} items and {len(y)} labels. Give one label an item, None for none.")
    columns = {name: list(one) for name, one in groups.items()}
    for name, one in columns.items():
        if len(one) != n:
            raise InputError(f"Group {name!r} has {len(one)} values for {n} items. Give one an item, None for none.")
    return Question(model, X, y, columns, item_weights(sample_weight, n), n, extras or Extras())


@dataclass(frozen=True, eq=False)
class Price:
    """What the answers took."""

    seconds: float
    """For the answers; nothing was asked before."""
    encoding: EncodingCounts
    """What the model encoded for the answers."""
    before: EncodingCounts
    """What it had encoded before."""
    model: Any
    since: float = field(default_factory=time.perf_counter)
    """When the answers were there."""

    @property
    def total(self) -> EncodingCounts:
        """What the model has encoded for the whole report, until now."""
        return encoding_counts(self.model) - self.before

    @property
    def peak_memory(self) -> float | None:
        """The most memory that the whole process has needed so far [MB]; None where the system does not tell."""
        if sys.platform == "win32":
            return None
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1e6 if sys.platform == "darwin" else 1e3)

    @property
    def seconds_in_all(self) -> float:
        """Since the question was asked."""
        return self.seconds + time.perf_counter() - self.since


def encoding_counts(model: object) -> EncodingCounts:
    """Return a copy of a model's counts of encoded items; zeros if it keeps none."""
    counts = getattr(model, "encoding_counts", None)
    return replace(counts) if isinstance(counts, EncodingCounts) else EncodingCounts()


def priced(model: Predictor, X: Items) -> tuple[Any, Price]:
    """Return the model's predictions for items (n,) and what they took."""
    begun, before = time.perf_counter(), encoding_counts(model)
    answers = model.predict(X)
    seconds = time.perf_counter() - begun
    return answers, Price(seconds, encoding_counts(model) - before, before, model)


@dataclass(frozen=True, eq=False, kw_only=True)
class Asked:
    """What every kind of model was asked, and what it took."""

    question: Question
    price: Price

    @property
    def model(self) -> Predictor:
        """The model."""
        return self.question.model

    @property
    def items(self) -> Items:
        """The items (n,)."""
        return self.question.X

    @property
    def extras(self) -> Extras:
        """What the report was given beside model and items."""
        return self.question.extras

    @property
    def weight(self) -> Floats:
        """How much each item counts (n,)."""
        given = self.question.weight
        return np.ones(len(self.question.y)) if given is None else given


def reasons_for(model: Predictor, X: Items, rows: Indexes) -> list[tuple[str, ...]]:
    """Return what the model says of its answers to these rows, in lines; nothing where it explains nothing."""
    explain = getattr(model, "explain", None)
    if explain is None or not len(rows):
        return [()] * len(rows)
    return [tuple(str(line) for line in one.reasons()) for one in explain(take(X, rows))]


def spread_rows(n: int, most: int) -> NDArray[np.intp]:
    """Return at most `most` of n rows, evenly spread."""
    return np.asarray(np.linspace(0, n - 1, min(most, n)).round(), dtype=np.intp)
