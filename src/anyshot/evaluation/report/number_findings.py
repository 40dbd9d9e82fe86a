"""Findings on a model that answers with numbers: all that a report asks of it, asked once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from anyshot.base.items import Items, Labels, take
from anyshot.base.validation import Indexes
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.learning_curves import Predictor
from anyshot.evaluation.regression import Floats, NumberEvaluation, evaluate_numbers, finite_or_none
from anyshot.evaluation.regression_curve import NumberCurve, number_curve
from anyshot.evaluation.report.collect import MOST, Asked, Extras, priced, question, spread_rows

COVERAGES = (0.5, 0.8, 0.9, 0.95)
CURVE_SEEDS = 3
CURVE_ITEMS = 1_000  # test items that a curve of the report's own is measured on
MISTAKES = 20


@dataclass(frozen=True, eq=False, kw_only=True)
class NumberFindings(Asked):
    """What a regressor answered, and the intervals it gives; n items after sampling."""

    truth: Floats
    """(n,), NaN for no number."""
    predicted: Floats
    """(n,)"""
    intervals: Mapping[float, Floats]
    """(n, 2) by the stated coverage; none where the model gives none."""
    evaluation: NumberEvaluation

    @property
    def known(self) -> Indexes:
        """Rows of the items with a number (m,)."""
        return np.flatnonzero(np.isfinite(self.truth))

    @property
    def errors(self) -> Floats:
        """Answers less truth (n,), NaN without a number."""
        return self.predicted - self.truth

    @property
    def learned(self) -> Floats | None:
        """The numbers that the model learned from; None where they are not given."""
        return None if self.extras.train is None else finite_or_none(self.extras.train[1], "labels learned from")

    def mistakes(self) -> Indexes:
        """Return the rows of the worst mistakes, the largest first."""
        sizes = np.abs(self.errors[self.known])
        return self.known[np.argsort(-sizes, kind="stable")][:MISTAKES]


def ask_for_numbers(
    model: Predictor,
    X: Items,
    y: ArrayLike,
    *,
    groups: Mapping[str, Sequence[Any]] | None = None,
    sample_weight: ArrayLike | None = None,
    extras: Extras | None = None,
    most: int = MOST,
) -> NumberFindings:
    """Have a regressor answer the items, of more than `most` as many, and time it.

    Raises
    ------
    InputError
        Items, numbers, groups and weights differ in number, or something is no finite number.
    NotEnoughLabelsError
        No item has a number.
    """
    numbers = finite_or_none(y, "labels")
    wanted = question(model, X, numbers.tolist(), groups=groups or {}, sample_weight=sample_weight, extras=extras)
    asked = wanted.sampled(most=most)
    truth = np.asarray(asked.y, dtype=np.float64)
    if not np.isfinite(truth).any():
        raise NotEnoughLabelsError(f"None of the {len(truth)} items has a number; a report needs some to compare with.")
    answers, price = priced(model, asked.X)
    predicted = finite_or_none(answers, "answers")
    if predicted.shape != truth.shape:
        raise InputError(
            f"A report needs one number an item; the answers to {len(truth)} items have the shape {predicted.shape}."
        )
    return NumberFindings(
        question=asked, price=price, truth=truth, predicted=predicted, intervals=_intervals(model, asked.X),
        evaluation=evaluate_numbers(truth, predicted, sample_weight=asked.weight),
    )  # fmt: skip


def own_number_curve(found: NumberFindings, train: tuple[Items, Labels]) -> NumberCurve:
    """Measure the model's curve on labels drawn from `train`, on at most 1,000 of the test items."""
    rows = spread_rows(len(found.truth), CURVE_ITEMS)
    X_test = take(found.items, rows)
    return number_curve(found.model, train[0], list(train[1]), X_test, found.truth[rows], seeds=CURVE_SEEDS)


def _intervals(model: Predictor, X: Items) -> dict[float, Floats]:
    given = getattr(model, "predict_interval", None)
    if given is None:
        return {}
    return {share: np.asarray(given(X, coverage=share), dtype=np.float64) for share in COVERAGES}
