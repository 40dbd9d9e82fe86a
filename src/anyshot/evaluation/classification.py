"""What answers to items with known classes are worth: one result, from classes, truth, answers and probabilities."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from rich.console import Group
from rich.text import Text
from sklearn.metrics import precision_recall_fscore_support

from anyshot.base.items import UNKNOWN, Classes, Label, Labels, class_table, classes_in, to_indexes
from anyshot.base.validation import Indexes
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.metrics import (
    Floats,
    effective_size,
    expected_calibration_error,
    item_weights,
    log_loss,
    probability_table,
    wilson_interval,
)
from anyshot.evaluation.printing import as_text, html_lines, html_table, percent, rich_table

WIDE = 0.10  # an accuracy's interval wider than this is spoken of
SCARCE = 5  # a class with fewer items than this has a row that says little
SHOWN = 10  # rows of a table that are printed; the table itself holds all


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """What answers to items with known classes are worth; it prints in a terminal and in a notebook."""

    n: int
    """Items with a label; all figures are about these."""
    n_without_label: int
    accuracy: float
    """Share of right answers. `UNKNOWN` is right only where the truth itself is `UNKNOWN`."""
    accuracy_interval: tuple[float, float]
    """Wilson's interval of the accuracy, 95 %; of weighted items, as for as many equal ones as they are worth."""
    per_class_accuracy: float
    macro_f1: float
    """Mean F1 of the classes that occur in the truth or among the answers."""
    log_loss: float | None
    """[nats], over the items of classes that the model knows; None without probabilities."""
    ece: float | None
    """Expected calibration error, 15 bins, over the same items."""
    unknown_rate: float
    """Share of items of classes that the model knows which were answered `UNKNOWN`."""
    unknown_found: float | None
    """Share of items of no known class which were answered `UNKNOWN`; None where there are no such items."""
    per_class: pd.DataFrame
    """Columns class, n, precision, recall, f1, seen (whether the model knows the class); NaN where undefined."""
    confusions: pd.DataFrame
    """Columns truth, answer, n, share (of the true class's items), the largest first."""
    notes: tuple[str, ...]

    @property
    def headline(self) -> str:
        """The accuracy with its interval, in one line."""
        lower, upper = self.accuracy_interval
        return f"accuracy {percent(self.accuracy)} % ({percent(lower)} to {percent(upper)}) on {self.n} items"

    def __str__(self) -> str:
        return as_text(self.__rich__())

    __repr__ = __str__

    def __rich__(self) -> Group:
        tables = [rich_table(frame, title=title) for title, frame in self._tables()]
        return Group(Text(self.headline, style="bold"), *map(Text, self._lines()), Text(""), *tables)

    def _repr_html_(self) -> str:
        tables = [html_table(frame, title=title) for title, frame in self._tables()]
        return html_lines((self.headline, *self._lines())) + "".join(tables)

    def _lines(self) -> tuple[str, ...]:
        figures = [f"mean over classes {percent(self.per_class_accuracy)} %", f"macro-F1 {percent(self.macro_f1)} %"]
        if self.log_loss is not None and self.ece is not None:
            figures += [f"log-loss {self.log_loss:.3f}", f"calibration error {percent(self.ece)} points"]
        if self.unknown_rate > 0:
            figures.append(f"answered {UNKNOWN} {percent(self.unknown_rate)} %")
        if self.unknown_found is not None:
            figures.append(f"unknowns found {percent(self.unknown_found)} %")
        return (" · ".join(figures), *self.notes)

    def _tables(self) -> list[tuple[str, pd.DataFrame]]:
        rows = self.per_class.sort_values("f1", kind="stable", na_position="last").head(SHOWN)
        named = [
            f"{name}{'' if seen else ' (never seen)'}" for name, seen in zip(rows["class"], rows["seen"], strict=True)
        ]
        shares = {column: [percent(share) for share in rows[column]] for column in ("precision", "recall", "f1")}
        left = len(self.per_class) - len(rows)
        titled = [
            (
                "Classes, the hardest first" + (f" ({left} more in .per_class)" if left else ""),
                pd.DataFrame({"class": named, "items": rows["n"].to_numpy(), **shares}),
            )
        ]
        if len(self.confusions):
            largest = self.confusions.head(SHOWN)
            largest = largest.assign(share=[f"{percent(share)} %" for share in largest["share"]])
            titled.append(("Largest confusions", largest.rename(columns={"n": "items", "share": "of its class"})))
        return titled


def evaluate_answers(
    classes: Classes,
    y_true: Labels,
    predicted: Labels,
    probabilities: ArrayLike | None = None,
    *,
    sample_weight: ArrayLike | None = None,
) -> Evaluation:
    """Say what the answers are worth.

    Parameters
    ----------
    classes : (c,) the classes that the model knows
    y_true : (n,) the truth; None for no label (left out and counted); classes outside `classes` are shown as never seen
    predicted : (n,) the answers, each one of `classes` or `UNKNOWN`
    probabilities : (n, c) in the order of `classes`, or None
    sample_weight : (n,) how much each item counts, in every share; numbers of items stay numbers of items

    Raises
    ------
    NotEnoughLabelsError
        No item has a label.
    UnknownClassError
        An answer is none of the classes.
    InputError
        The lengths differ, the probabilities are none, or the weights of the labeled items sum to zero.

    Examples
    --------
    >>> found = evaluate_answers(np.array(["cat", "dog"]), ["cat", "dog", "dog", None], ["cat", "dog", "cat", "cat"])
    >>> found.n, round(found.accuracy, 2)
    (3, 0.67)
    """
    names: list[Label] = classes.tolist()
    everything = class_table([*names, *(label for label in classes_in(y_true) if label not in names)])
    answers = to_indexes(_without_unknown(predicted, names), classes, n_items=len(predicted))
    truth = to_indexes(y_true, everything, n_items=len(answers))
    if UNKNOWN in everything.tolist()[len(names) :]:
        answers[answers < 0] = everything.tolist().index(UNKNOWN)
    table = None if probabilities is None else _table(probabilities, n_items=len(truth), n_classes=len(names))
    labeled = truth >= 0
    if not labeled.any():
        raise NotEnoughLabelsError(f"None of the {len(truth)} items has a label; there is nothing to compare with.")
    weight = _weights(sample_weight, labeled)  # (n,), of items without a label 0
    known = labeled & (truth < len(names))
    strange = labeled & ~known
    given = (truth[labeled], answers[labeled], weight[labeled])
    per_class = _per_class(everything, *given, n_known=len(names))
    refused = (answers < 0) | (answers >= len(names))
    size, share = effective_size(weight), _share(truth == answers, weight)
    interval = wilson_interval(share * size, size)
    compared = (table[known], truth[known]) if table is not None and weight[known].any() else None
    return Evaluation(
        n=int(labeled.sum()),
        n_without_label=int((~labeled).sum()),
        accuracy=share,
        accuracy_interval=interval,
        per_class_accuracy=float(np.nanmean(per_class["recall"])),
        macro_f1=float(np.nanmean(per_class["f1"])),
        log_loss=None if compared is None else log_loss(*compared, sample_weight=weight[known]),
        ece=None if compared is None else expected_calibration_error(*compared, sample_weight=weight[known]),
        unknown_rate=_share(refused[known], weight[known]) if weight[known].any() else 0.0,
        unknown_found=_share(refused[strange], weight[strange]) if weight[strange].any() else None,
        per_class=per_class,
        confusions=_confusions(everything, *given, n_known=len(names)),
        notes=_notes(per_class, interval, n_without_label=int((~labeled).sum()))
        + (() if sample_weight is None else (f"weighted: the items say as much as {size:,.0f} equal ones",)),
    )


def _weights(sample_weight: ArrayLike | None, labeled: NDArray[np.bool_]) -> Floats:
    """Return the weight of each item (n,), 0 without a label."""
    if sample_weight is None:
        return labeled.astype(np.float64)
    weight = np.asarray(item_weights(sample_weight, len(labeled))) * labeled
    if weight.sum() <= 0:
        raise InputError("The weights of the items with a label sum to zero: none counts. Weigh one above 0.")
    return weight


def _share(which: NDArray[np.bool_], weight: Floats) -> float:
    return float(np.average(which, weights=weight))


def _without_unknown(predicted: Labels, names: list[Label]) -> list[Label]:
    """Return the answers with `UNKNOWN` as None, unless a class of the model bears that very name."""
    listed: list[Label] = predicted.tolist() if isinstance(predicted, np.ndarray) else list(predicted)
    return listed if UNKNOWN in names else [None if label == UNKNOWN else label for label in listed]


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
    """List the pairs (truth, another known class), the largest first."""
    wrong = (truth != answers) & (answers >= 0) & (answers < n_known)
    pairs, place, counts = np.unique(
        np.stack([truth[wrong], answers[wrong]], axis=1), axis=0, return_inverse=True, return_counts=True
    )
    weighed = np.bincount(place, weights=weight[wrong], minlength=len(pairs))
    whole = np.bincount(truth, weights=weight, minlength=len(classes))[pairs[:, 0]]
    share = np.divide(weighed, whole, out=np.zeros(len(pairs)), where=whole > 0)
    order = np.argsort(-counts, kind="stable")
    pairs, counts, share, names = pairs[order], counts[order], share[order], classes.tolist()
    return pd.DataFrame(
        {
            "truth": [names[row] for row in pairs[:, 0]],
            "answer": [names[row] for row in pairs[:, 1]],
            "n": counts,
            "share": share,
        }
    )


def _notes(per_class: pd.DataFrame, interval: tuple[float, float], *, n_without_label: int) -> tuple[str, ...]:
    n, width = int(per_class["n"].sum()), interval[1] - interval[0]
    tested = per_class[per_class["n"] > 0]
    scarce, strange = tested[tested["n"] < SCARCE], tested[~tested["seen"]]
    notes = []
    if width > WIDE:
        notes.append(f"only {n} {'item' if n == 1 else 'items'}: the interval spans {100 * width:.0f} points")
    if len(scarce):
        notes.append(
            f"{len(scarce)} of {len(tested)} classes tested have fewer than {SCARCE} items: their rows say little"
        )
    if len(tested) == 1:
        notes.append(
            f"all items are of one class, {tested['class'].iloc[0]}: how it is told from the others is not tested"
        )
    if len(strange):
        named = ", ".join(str(name) for name in strange["class"].head(3)) + (", ..." if len(strange) > 3 else "")
        notes.append(f"never seen by the model: {named} ({strange['n'].sum()} of the {n} items)")
    if n_without_label:
        notes.append(f"left out, for they have no label: {n_without_label} of {n + n_without_label} items")
    return tuple(notes)


def _table(probabilities: ArrayLike, *, n_items: int, n_classes: int) -> NDArray[np.float64]:
    table = probability_table(probabilities)
    if table.shape != (n_items, n_classes):
        raise InputError(
            f"Probabilities are needed for {n_items} items and {n_classes} classes; their shape is {table.shape}."
        )
    return table
