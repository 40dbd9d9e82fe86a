"""Evaluation of a classifier's predictions: accuracy, per-class figures, calibration and confusions in one result."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import precision_recall_fscore_support

from anyshot.base.columns import column_names, column_values, is_table, numeric_array
from anyshot.base.items import check_list
from anyshot.base.labels import (
    UNKNOWN,
    Classes,
    Label,
    Labels,
    class_table,
    classes_in,
    look_of,
    to_indexes,
    warn_of_look_alikes,
)
from anyshot.base.messages import count, first_of, warn, warn_of_order
from anyshot.base.validation import Floats, Indexes, probability_table
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.intervals import effective_size, share_interval
from anyshot.evaluation.metrics import (
    MIN_RELIABLE,
    expected_calibration_error,
    item_weights,
    log_loss,
    percent,
    percents,
)
from anyshot.evaluation.printing import Printable

WIDE_INTERVAL = 0.10  # a wider interval of the accuracy gets a note
MAX_ROWS = 10  # rows of a printed table; the data frame has all


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation(Printable):
    """How well a classifier's predictions match the labels. It prints in a terminal and in a notebook."""

    n: int
    """Number of labeled items, which all figures are computed on."""
    n_without_label: int
    accuracy: float
    """Share of correct predictions. For an item of a class that the model does not know, `UNKNOWN` is correct."""
    accuracy_interval: tuple[float, float]
    """Wilson's 95 % interval of the accuracy; for weighted items, that of the effective number of items."""
    per_class_accuracy: float
    macro_f1: float
    """Mean F1 of the classes that occur among the labels or the predictions."""
    log_loss: float | None
    """[nats], over the items of classes that the model knows; None without probabilities."""
    ece: float | None
    """Expected calibration error with 15 bins, over the same items."""
    unknown_rate: float
    """Share of the items of known classes that were predicted as `UNKNOWN`."""
    unknown_found: float | None
    """Share of the items of other classes that were predicted as `UNKNOWN`; None if there are no such items."""
    per_class: pd.DataFrame
    """Columns class, n, precision, recall, f1, seen (whether the model knows the class); NaN where undefined."""
    confusions: pd.DataFrame
    """Columns truth, answer (the predicted class), n, share (of the true class); most frequent first."""
    notes: tuple[str, ...]

    @property
    def headline(self) -> str:
        """The accuracy with its interval, in one line."""
        return f"accuracy {percent(self.accuracy)} % ({percents(*self.accuracy_interval)}) on {self.n} items"

    def _heading(self) -> tuple[str, ...]:
        figures = [f"mean over classes {percent(self.per_class_accuracy)} %", f"macro-F1 {percent(self.macro_f1)} %"]
        if self.log_loss is not None and self.ece is not None:
            figures += [f"log-loss {self.log_loss:.3f}", f"calibration error {percent(self.ece)} points"]
        if self.unknown_rate > 0:
            figures.append(f"predicted {UNKNOWN} {percent(self.unknown_rate)} %")
        if self.unknown_found is not None:
            figures.append(f"unknown items found {percent(self.unknown_found)} %")
        return (self.headline, " · ".join(figures), *self.notes)

    def _tables(self) -> list[tuple[str, pd.DataFrame]]:
        rows = self.per_class.sort_values("f1", kind="stable", na_position="last").head(MAX_ROWS)
        names = [
            f"{name}{'' if seen else ' (unknown)'}" for name, seen in zip(rows["class"], rows["seen"], strict=True)
        ]
        shares = {column: [percent(share) for share in rows[column]] for column in ("precision", "recall", "f1")}
        more = len(self.per_class) - len(rows)
        others = f" ({more} more in .per_class; in a pipe, the command lists all)" if more else ""
        title = f"Classes, lowest F1 first{others}"
        tables = [(title, pd.DataFrame({"class": names, "items": rows["n"].to_numpy(), **shares}))]
        if len(self.confusions):
            largest = self.confusions.head(MAX_ROWS)
            shown = largest.assign(share=[f"{percent(share)} %" for share in largest["share"]])
            columns = {"truth": "true class", "answer": "predicted", "n": "items", "share": "of the true class"}
            tables.append(("Most frequent confusions", shown.rename(columns=columns)))
        return tables


class EvaluatedClassifier(ABC):
    """A classifier whose score is the accuracy that `evaluate_answers` states, whatever the type of the labels."""

    classes_: Classes

    @abstractmethod
    def predict(self, X: Any) -> NDArray[Any]:
        """Return the class of each item (n,)."""

    def score(self, X: Any, y: Labels, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy on n items with classes `y` (n,); those without a label are left out."""
        predicted = self.predict(X)  # first, since it says if the classifier is not fitted
        return evaluate_answers(self.classes_, y, predicted, sample_weight=sample_weight).accuracy


def evaluate_answers(
    classes: Classes,
    y_true: Labels,
    predicted: Labels,
    probabilities: ArrayLike | None = None,
    *,
    sample_weight: ArrayLike | None = None,
) -> Evaluation:
    """Compare the predictions of a classifier with the labels.

    Parameters
    ----------
    classes : (c,) the classes that the model knows
    y_true : (n,) labels; None for no label (left out and counted). For an item of a class outside of `classes`,
        whatever its name, `UNKNOWN` is the correct prediction
    predicted : (n,) predictions, each one of `classes` or `UNKNOWN`
    probabilities : (n, c), a table with a column for each class, or an array in the order of `classes`; or None
    sample_weight : (n,) weight of each item in every share; counts of items stay unweighted

    Raises
    ------
    NotEnoughLabelsError
        No item has a label.
    UnknownClassError
        A prediction is not one of the classes.
    InputError
        The lengths differ, the probabilities are invalid, or the weights of the labeled items sum to zero.

    Examples
    --------
    >>> found = evaluate_answers(np.array(["cat", "dog"]), ["cat", "dog", "dog", None], ["cat", "dog", "cat", "cat"])
    >>> found.n, round(found.accuracy, 2)
    (3, 0.67)
    """
    check_list(y_true, what="A list of labels")
    classes = classes if isinstance(classes, np.ndarray) else class_table(classes)
    names: list[Label] = classes.tolist()
    warn_of_order(y_true, predicted, names=("y_true", "predicted"))
    warn_of_order(y_true, sample_weight, names=("y_true", "sample_weight"))
    all_classes, truth, answers = _indexed(classes, y_true, predicted)
    table = None if probabilities is None else _checked(probabilities, n_items=len(truth), classes=names)
    labeled = truth >= 0
    weight = _weights(sample_weight, labeled)  # (n,), 0 for items without a label
    known = labeled & (truth < len(names))
    unknown = labeled & ~known
    _warn_of_other_names(all_classes.tolist(), n_known=len(names), none_known=not known.any())
    data = (truth[labeled], answers[labeled], weight[labeled])
    per_class = _per_class(all_classes, *data, n_known=len(names))
    rejected = (answers < 0) | (answers >= len(names))
    share = float(np.average(truth == answers, weights=weight))
    interval = share_interval(share, weight)
    nats, ece = _calibration(table, truth, known, weight)
    return Evaluation(
        n=int(labeled.sum()),
        n_without_label=int((~labeled).sum()),
        accuracy=share,
        accuracy_interval=interval,
        per_class_accuracy=float(np.nanmean(per_class["recall"])),
        macro_f1=float(np.nanmean(per_class["f1"])),
        log_loss=nats,
        ece=ece,
        unknown_rate=_share(rejected, known, weight) or 0.0,
        unknown_found=_share(rejected, unknown, weight),
        per_class=per_class,
        confusions=_confusions(all_classes, *data, n_known=len(names)),
        notes=_notes(per_class, interval, n_without_label=int((~labeled).sum()))
        + (() if sample_weight is None else (weight_note(effective_size(weight)),)),
    )


def _warn_of_other_names(classes: list[Label], *, n_known: int, none_known: bool) -> None:
    """Warn of labels outside the first `n_known` classes that look like one of them, or that are all there are."""
    known, others = classes[:n_known], [name for name in classes[n_known:] if name != UNKNOWN]
    if none_known and others:
        listed = first_of([repr(name) for name in known], at_most=5)
        warn(
            f"None of the labels, such as {others[0]!r}, is one of the classes ({listed}), so the "
            "accuracy says nothing about them. Write the labels as in fit."
        )
    elif not {look_of(name) for name in known}.isdisjoint(map(look_of, others)):
        warn_of_look_alikes(classes, new=others)


def weight_note(size: float) -> str:
    """Return the note on weighted items of this effective size."""
    return f"items are weighted: as precise as {size:,.0f} items of equal weight"


def _weights(sample_weight: ArrayLike | None, labeled: NDArray[np.bool_]) -> Floats:
    """Return the weight of each item (n,), 0 without a label. Raise an error if no item with a label has a weight."""
    if not labeled.any():
        raise NotEnoughLabelsError(
            f"None of the {len(labeled)} items has a label to compare the predictions with. Label some."
        )
    weight = item_weights(sample_weight, len(labeled)) * labeled
    if weight.sum() <= 0:
        raise InputError("The weights of the items with a label sum to zero. Give at least one a weight above 0.")
    return weight


def _calibration(
    table: Floats | None, truth: Indexes, known: NDArray[np.bool_], weight: Floats
) -> tuple[float | None, float | None]:
    """Return log-loss and calibration error on the items of known classes; None without probabilities or weight."""
    if table is None or not weight[known].any():
        return None, None
    compared = table[known], truth[known]
    return (
        log_loss(*compared, sample_weight=weight[known]),
        expected_calibration_error(*compared, sample_weight=weight[known]),
    )


def _share(which: NDArray[np.bool_], of: NDArray[np.bool_], weight: Floats) -> float | None:
    """Return the weighted share of `which` (n,) among the items `of` (n,); None if these have no weight."""
    return float(np.average(which[of], weights=weight[of])) if weight[of].any() else None


def _indexed(classes: Classes, y_true: Labels, predicted: Labels) -> tuple[Classes, Indexes, Indexes]:
    """Return the known and then the other classes (c,), and labels and predictions as rows of them (n,), (n,)."""
    names: list[Label] = classes.tolist()
    every = class_table([*names, *(label for label in classes_in(y_true) if label not in names)])
    answers = to_indexes(_without_unknown(predicted, names), classes, n_items=len(predicted))
    truth = to_indexes(y_true, every, n_items=len(answers))
    return every, truth, _with_unknown(answers, truth, n_known=len(names), n_classes=len(every))


def _without_unknown(predicted: Labels, names: list[Label]) -> list[Label]:
    """Return the predictions with None for `UNKNOWN`, unless a class of the model has that name."""
    listed: list[Label] = column_values(predicted)
    return listed if UNKNOWN in names else [None if label == UNKNOWN else label for label in listed]


def _with_unknown(answers: Indexes, truth: Indexes, *, n_known: int, n_classes: int) -> Indexes:
    """Return the predictions with `UNKNOWN` (-1) as the item's own class where the model does not know that class.

    If there is one such class, it is the one that `UNKNOWN` stands for at all items, so that it has a precision.
    """
    rejected = answers < 0
    if n_classes == n_known + 1:
        return np.where(rejected, n_known, answers)
    return np.where(rejected & (truth >= n_known), truth, answers)


def _per_class(classes: Classes, truth: Indexes, answers: Indexes, weight: Floats, *, n_known: int) -> pd.DataFrame:
    precision, recall, f1, _ = precision_recall_fscore_support(
        truth, answers, labels=np.arange(len(classes)), zero_division=np.nan, sample_weight=weight
    )
    n = np.bincount(truth, minlength=len(classes))
    seen = np.arange(len(classes)) < n_known
    return pd.DataFrame(
        {"class": classes.tolist(), "n": n, "precision": precision, "recall": recall, "f1": f1, "seen": seen}
    )


def _confusions(classes: Classes, truth: Indexes, answers: Indexes, weight: Floats, *, n_known: int) -> pd.DataFrame:
    """Return the pairs (true class, another known class), most frequent first."""
    wrong = (truth != answers) & (answers >= 0) & (answers < n_known)
    pairs, inverse, counts = np.unique(
        np.stack([truth[wrong], answers[wrong]], axis=1), axis=0, return_inverse=True, return_counts=True
    )
    weight_of_pair = np.bincount(inverse, weights=weight[wrong], minlength=len(pairs))
    weight_of_class = np.bincount(truth, weights=weight, minlength=len(classes))[pairs[:, 0]]
    share = np.divide(weight_of_pair, weight_of_class, out=np.zeros(len(pairs)), where=weight_of_class > 0)
    order = np.argsort(-counts, kind="stable")
    (true, predicted), names = pairs[order].T, classes.tolist()
    return pd.DataFrame(
        {
            "truth": [names[row] for row in true],
            "answer": [names[row] for row in predicted],
            "n": counts[order],
            "share": share[order],
        }
    )


def _notes(per_class: pd.DataFrame, interval: tuple[float, float], *, n_without_label: int) -> tuple[str, ...]:
    n, width = int(per_class["n"].sum()), interval[1] - interval[0]
    tested = per_class[per_class["n"] > 0]
    scarce, unknown = tested[tested["n"] < MIN_RELIABLE], tested[~tested["seen"]]
    notes = []
    if width > WIDE_INTERVAL:
        notes.append(
            f"only {count(n, 'item')}: the interval of the accuracy is {100 * width:.0f} percentage points wide"
        )
    if len(scarce):
        notes.append(
            f"{len(scarce)} of {len(tested)} classes have fewer than {MIN_RELIABLE} test items; their figures are "
            "unreliable"
        )
    if len(tested) == 1:
        notes.append(f"all items are of class {tested['class'].iloc[0]}, so confusion with other classes is not tested")
    if len(unknown):
        names = first_of(unknown["class"].tolist(), at_most=3)
        notes.append(
            f"classes that the model does not know: {names} ({unknown['n'].sum()} of the {n} items); the correct "
            f"prediction for them is {UNKNOWN}"
        )
    if n_without_label:
        notes.append(f"left out because they have no label: {n_without_label} of {n + n_without_label} items")
    return tuple(notes)


def _checked(probabilities: Any, *, n_items: int, classes: list[Label]) -> Floats:
    """Return probabilities (n, c) in the order of the classes, as the columns of a table name them."""
    if (shape := np.shape(probabilities)) != (n_items, len(classes)):
        raise InputError(
            f"Probabilities are needed for {n_items} items and {len(classes)} classes; their shape is {shape}."
        )
    table = probability_table(numeric_array(probabilities))
    if not is_table(probabilities):
        return table
    columns = column_names(probabilities)
    named = [str(name) for name in columns]
    if sorted(set(named)) == sorted(map(str, classes)):
        return table[:, [named.index(str(name)) for name in classes]]
    if columns != list(range(len(classes))):
        raise InputError(f"The columns of the probabilities are {columns}; the classes are {classes}.")
    return table
