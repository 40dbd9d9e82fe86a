"""Findings: all that a report asks of a model, asked once; whatever a model cannot say is left out, not guessed."""

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anyshot.checks import Indexes, RandomState, generator
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.answers import Evaluation, evaluate_answers
from anyshot.evaluation.label_errors import label_errors, out_of_fold_probabilities
from anyshot.evaluation.metrics import Floats, probability_table
from anyshot.evaluation.protocols import LearningCurve, Predictor, count, learning_curve, take
from anyshot.items import Items
from anyshot.labels import Classes, Label, Labels, class_table, classes_in

MOST = 20_000  # items that are answered; of more, as many drawn at random
CURVE_SHOTS = (0, 1, 2, 5, 10, 20)
CURVE_SEEDS = 3
CURVE_ITEMS = 1_000  # test items that a curve of the report's own is measured on
MISTAKES = 20
SUGGESTED = 10

if sys.platform != "win32":
    import resource


@dataclass(frozen=True, eq=False)
class Findings:
    """What a model answered, and what it says of its answers; n items after sampling."""

    model: Predictor
    X: Items
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
    groups: Mapping[str, Sequence[Any]]
    n_given: int
    seconds: float
    """For the answers; nothing was asked before."""
    seconds_again: float | None
    """For the probabilities of the same items, asked next."""
    peak_memory: float | None
    """[MB], of the whole process until here."""

    @property
    def labelled(self) -> NDArray[np.bool_]:
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
        wrong = np.flatnonzero(self.labelled & ~self.right)
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
    groups: Mapping[str, Sequence[Any]],
    random_state: RandomState,
    most: int = MOST,
) -> Findings:
    """Answer the items and time it.

    Raises
    ------
    InputError
        Items, labels and groups differ in number, or the model's probabilities are none.
    NotEnoughLabelsError
        No item has a label.
    """
    n = count(X)
    truth = plain_labels(y)
    _check_lengths(n, truth, groups)
    if n > most:
        rows = np.sort(generator(random_state).choice(n, most, replace=False))
        X, truth = take(X, rows), [truth[row] for row in rows]
        groups = {name: [list(one)[row] for row in rows] for name, one in groups.items()}
    if all(label is None for label in truth):
        raise NotEnoughLabelsError(f"None of the {len(truth)} items has a label; a report needs some to compare with.")
    begun = time.perf_counter()
    answers = model.predict(X)
    seconds = time.perf_counter() - begun
    predicted = plain_labels(answers)
    known = getattr(model, "classes_", None)
    names = class_table(known if known is not None else classes_in([*predicted, *truth]))
    begun = time.perf_counter()
    probabilities = _probabilities(model, X, n_classes=len(names))
    again = time.perf_counter() - begun if probabilities is not None else None
    closeness = getattr(model, "closeness", None)
    return Findings(
        model=model, X=X, truth=truth, predicted=predicted, classes=names, probabilities=probabilities,
        closeness=None if closeness is None else np.asarray(closeness(X), dtype=np.float64),
        evaluation=evaluate_answers(names, truth, predicted, probabilities),
        groups=groups, n_given=n, seconds=seconds, seconds_again=again, peak_memory=_peak_memory(),
    )  # fmt: skip


def own_curve(found: Findings, train: tuple[Items, Labels]) -> LearningCurve:
    """Measure the model's curve on labels drawn from `train`, on at most 1,000 of the test items."""
    labels = plain_labels(train[1])
    names, sizes = np.unique([str(label) for label in labels if label is not None], return_counts=True)
    shots = [k for k in CURVE_SHOTS if k <= sizes.max(initial=0)]
    rows = np.linspace(0, len(found.truth) - 1, min(CURVE_ITEMS, len(found.truth))).round().astype(np.intp)
    tested = [found.truth[row] for row in rows]
    if len(names) < 2:
        raise NotEnoughLabelsError(f"A learning curve needs labels of two classes; train has {len(names)}.")
    name, X_test = "this model", take(found.X, rows)
    try:
        return learning_curve({name: found.model}, train[0], labels, X_test, tested, shots=shots, seeds=CURVE_SEEDS)
    except NotEnoughLabelsError:  # as with unknown_rate, which needs labels
        shots = [k for k in shots if k > 0]
        return learning_curve({name: found.model}, train[0], labels, X_test, tested, shots=shots, seeds=CURVE_SEEDS)


def training_errors(found: Findings, train: tuple[Items, Labels]) -> pd.DataFrame | None:
    """Return the labels learned from that are likely wrong, by clones that have not learned them; None if untold."""
    if found.probabilities is None:
        return None
    labels = plain_labels(train[1])
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
        chosen = np.asarray(suggest(pool, n=min(n, count(pool))), dtype=np.intp)
        return chosen, "The model is unsure of them, and each stands for others like it."
    table = _probabilities(found.model, pool, n_classes=len(found.classes))
    if table is None:
        return np.zeros(0, dtype=np.intp), "This model can neither suggest items nor say how sure it is."
    best_two = np.sort(table, axis=1)[:, -2:]
    return np.argsort(best_two[:, 1] - best_two[:, 0], kind="stable")[:n], "The model is least sure of them."


def reasons_for(model: Predictor, X: Items, rows: Indexes) -> list[tuple[str, ...]]:
    """Return what the model says of its answers to these rows, in lines; nothing where it explains nothing."""
    explain = getattr(model, "explain", None)
    if explain is None or not len(rows):
        return [()] * len(rows)
    return [tuple(str(line) for line in one.reasons()) for one in explain(take(X, rows))]


def plain_labels(labels: Labels) -> list[Label]:
    """Return labels as Python values, "no label" as None."""
    listed = labels.tolist() if hasattr(labels, "tolist") else list(labels)
    plain = [label.item() if isinstance(label, np.generic) else label for label in listed]
    return [None if label is None or label != label else label for label in plain]


def _probabilities(model: Predictor, X: Items, *, n_classes: int) -> Floats | None:
    given = getattr(model, "predict_proba", None)
    if given is None:
        return None
    table = probability_table(given(X))
    if table.shape != (count(X), n_classes):
        raise InputError(
            f"predict_proba gave a table of {table.shape} for {count(X)} items of {n_classes} classes. It must "
            "hold one row an item and one column a class of classes_."
        )
    return table


def _check_lengths(n: int, truth: list[Label], groups: Mapping[str, Sequence[Any]]) -> None:
    if not n or len(truth) != n:
        raise InputError(f"There are {n} items and {len(truth)} labels. Give one label an item, None for none.")
    for name, one in groups.items():
        if len(one) != n:
            raise InputError(f"Group {name!r} has {len(one)} values for {n} items. Give one an item, None for none.")


def _peak_memory() -> float | None:
    if sys.platform == "win32":
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)
