"""Findings: all that a report asks of a model, asked once; whatever a model cannot say is left out, not guessed."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from anyshot.base.items import Classes, Items, Label, Labels, class_table, classes_in, item_count, label_list, take
from anyshot.base.validation import Indexes
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.classification import Evaluation, evaluate_answers
from anyshot.evaluation.label_errors import label_errors, out_of_fold_probabilities
from anyshot.evaluation.learning_curves import LearningCurve, Predictor, learning_curve
from anyshot.evaluation.metrics import Floats, probability_table
from anyshot.evaluation.report.collect import MOST, Asked, Extras, priced, question, spread_rows

CURVE_SHOTS = (0, 1, 2, 5, 10, 20)
CURVE_SEEDS = 3
CURVE_ITEMS = 1_000  # test items that a curve of the report's own is measured on
MISTAKES = 20
SUGGESTED = 10


@dataclass(frozen=True, eq=False, kw_only=True)
class Findings(Asked):
    """What a classifier answered, and what it says of its answers; n items after sampling."""

    truth: list[Label]
    """(n,), None for no label."""
    predicted: list[Label]
    classes: Classes
    """(c,), those that the model knows."""
    probabilities: Floats | None
    """(n, c)"""
    closeness: Floats | None
    """(n,), cosines to the nearest class."""
    evaluation: Evaluation
    seconds_again: float | None
    """For the probabilities of the same items, asked next."""

    @property
    def learned(self) -> list[Label] | None:
        """The labels that the model learned from; None where they are not given."""
        return None if self.extras.train is None else label_list(self.extras.train[1])

    @property
    def labeled(self) -> NDArray[np.bool_]:
        """Which items have a label (n,)."""
        return np.array([label is not None for label in self.truth])

    @property
    def right(self) -> NDArray[np.bool_]:
        """Which items have the answer that is their label (n,)."""
        return np.array([one == other for one, other in zip(self.truth, self.predicted, strict=True)])

    def sureness(self, row: int, label: Label) -> float | None:
        """Return the probability of a class for one item; None where the model gives none."""
        names = self.classes.tolist()
        return (
            None
            if self.probabilities is None or label not in names
            else float(self.probabilities[row, names.index(label)])
        )

    def mistakes(self) -> Indexes:
        """Return the rows of the worst mistakes: wrong answers, the surest first."""
        wrong = np.flatnonzero(self.labeled & ~self.right)
        sure = np.array([self.sureness(int(row), self.predicted[row]) or 0.0 for row in wrong])
        return wrong[np.argsort(-sure, kind="stable")][:MISTAKES]

    def label_errors(self) -> pd.DataFrame:
        """Return the test labels that are likely wrong; the model has not learned from them."""
        if self.probabilities is None:
            return pd.DataFrame(columns=["row", "given", "likely", "p_given", "p_likely"])
        row_of = {name: row for row, name in enumerate(self.classes.tolist())}
        index = np.array([row_of.get(label, -1) for label in self.truth], dtype=np.intp)
        if not (index >= 0).any():
            return pd.DataFrame(columns=["row", "given", "likely", "p_given", "p_likely"])
        return label_errors(self.probabilities, index, classes=self.classes)


def ask(
    model: Predictor,
    X: Items,
    y: Labels,
    *,
    groups: Mapping[str, Sequence[Any]] | None = None,
    sample_weight: ArrayLike | None = None,
    extras: Extras | None = None,
    most: int = MOST,
) -> Findings:
    """Have a classifier answer the items, of more than `most` as many, and time it.

    Raises
    ------
    InputError
        Items, labels, groups and weights differ in number, weights sum to zero, or the model's probabilities are none.
    NotEnoughLabelsError
        No item has a label.
    """
    wanted = question(model, X, label_list(y), groups=groups or {}, sample_weight=sample_weight, extras=extras)
    asked = wanted.sampled(most=most)
    truth = list(asked.y)
    if all(label is None for label in truth):
        raise NotEnoughLabelsError(f"None of the {len(truth)} items has a label; a report needs some to compare with.")
    answers, price = priced(model, asked.X)
    predicted = label_list(answers)
    known = getattr(model, "classes_", None)
    names = class_table(known if known is not None else classes_in([*predicted, *truth]))
    begun = time.perf_counter()
    probabilities = _probabilities(model, asked.X, n_classes=len(names))
    again = time.perf_counter() - begun if probabilities is not None else None
    closeness = getattr(model, "closeness", None)
    return Findings(
        question=asked, price=price, truth=truth, predicted=predicted, classes=names, probabilities=probabilities,
        closeness=None if closeness is None else np.asarray(closeness(asked.X), dtype=np.float64),
        evaluation=evaluate_answers(names, truth, predicted, probabilities, sample_weight=asked.weight),
        seconds_again=again,
    )  # fmt: skip


def own_curve(found: Findings, train: tuple[Items, Labels]) -> LearningCurve:
    """Measure the model's curve on labels drawn from `train`, on at most 1,000 of the test items.

    Items of classes that neither the model nor `train` knows are left out: no number of labels would bring them right,
    and what is to come from more labels could not be told.
    """
    labels = label_list(train[1])
    names, sizes = np.unique([str(label) for label in labels if label is not None], return_counts=True)
    most = int(sizes.max(initial=0))
    shots = sorted({*(k for k in CURVE_SHOTS if k <= most), min(most, CURVE_SHOTS[-1])})
    known = {str(name) for name in [*names, *found.classes]}
    asked = np.flatnonzero([str(label) in known for label in found.truth])
    rows = asked[spread_rows(len(asked), CURVE_ITEMS)]
    tested = [found.truth[row] for row in rows]
    if len(names) < 2:
        raise NotEnoughLabelsError(f"A learning curve needs labels of two classes; train has {len(names)}.")
    if not len(asked):
        raise NotEnoughLabelsError("A learning curve needs test items of the classes learned from; there is none.")
    name, X_test = "this model", take(found.items, rows)
    return learning_curve({name: found.model}, train[0], labels, X_test, tested, shots=shots, seeds=CURVE_SEEDS)


def training_errors(found: Findings, train: tuple[Items, Labels]) -> pd.DataFrame | None:
    """Return the labels learned from that are likely wrong, by clones that have not learned them; None if untold."""
    if found.probabilities is None:
        return None
    labels = label_list(train[1])
    try:
        table, names = out_of_fold_probabilities(found.model, train[0], labels)  # type: ignore[arg-type]  # it has them
        row_of = {name: row for row, name in enumerate(names.tolist())}
        index = [-1 if label is None else row_of[label] for label in labels]
        return label_errors(table, index, classes=names)
    except NotEnoughLabelsError:
        return None


def next_to_label(found: Findings, pool: Items, n: int = SUGGESTED) -> tuple[Indexes, str]:
    """Return the rows of the pool to label next, and how they were chosen."""
    suggest = getattr(found.model, "suggest", None)
    if suggest is not None:
        chosen = np.asarray(suggest(pool, n=min(n, item_count(pool))), dtype=np.intp)
        return chosen, "The model is unsure of them, and each stands for others like it."
    table = _probabilities(found.model, pool, n_classes=len(found.classes))
    if table is None:
        return np.zeros(
            0, dtype=np.intp
        ), "What to label next needs a classifier with suggest(X, n=...) or predict_proba; give such a one."
    best_two = np.sort(table, axis=1)[:, -2:]
    return np.argsort(best_two[:, 1] - best_two[:, 0], kind="stable")[:n], "The model is least sure of them."


def _probabilities(model: Predictor, X: Items, *, n_classes: int) -> Floats | None:
    given = getattr(model, "predict_proba", None)
    if given is None:
        return None
    table = probability_table(given(X))
    if table.shape != (item_count(X), n_classes):
        raise InputError(
            f"predict_proba gave a table of {table.shape} for {item_count(X)} items of {n_classes} classes. It must "
            "hold one row an item and one column a class of classes_."
        )
    return table
