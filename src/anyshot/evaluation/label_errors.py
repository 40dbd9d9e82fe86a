"""Label errors: labels that the probabilities of a model which never learned them contradict."""

from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone

from anyshot.base.items import (
    Classes,
    Items,
    Labels,
    check_indexes,
    class_table,
    classes_in,
    item_count,
    take,
    to_indexes,
)
from anyshot.base.validation import Indexes
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.metrics import Floats, probability_table
from anyshot.evaluation.splits import folds_by_arrival


class Probable(Protocol):
    """A scikit-learn classifier with probabilities; it is cloned before each fit."""

    classes_: Any
    fit: Any

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class (n, c)."""
        ...


def out_of_fold_probabilities(model: Probable, X: Items, y: Labels, *, n_folds: int = 5) -> tuple[Floats, Classes]:
    """Return probabilities (n, c) by clones that have not learned the item itself, and the classes (c,).

    `y` (n,), None for no label: items without one get the answer of the first clone, which cannot have learned them. A
    class that no clone of a fold has seen has probability 0 there.

    Raises
    ------
    NotEnoughLabelsError
        No class has two labels, so that none is left to learn from when one is held out.
    """
    classes = class_table(classes_in(y))
    index = to_indexes(y, classes, n_items=item_count(X))
    if np.bincount(index[index >= 0]).max(initial=0) < 2:
        raise NotEnoughLabelsError(
            "No class has two labels: with one held out none is left to learn from. Give two of some class."
        )
    folds = folds_by_arrival(index, n_folds)
    row_of = {name: row for row, name in enumerate(classes.tolist())}
    table = np.zeros((len(index), len(classes)))
    for fold in range(n_folds):
        asked = np.flatnonzero((folds == fold) | ((folds < 0) & (fold == 0)))
        learned = np.flatnonzero((folds >= 0) & (folds != fold))
        if not len(asked):
            continue
        fresh = clone(model).fit(take(X, learned), classes[index[learned]])
        columns = [row_of[name] for name in np.asarray(fresh.classes_).tolist() if name in row_of]
        kept = [place for place, name in enumerate(np.asarray(fresh.classes_).tolist()) if name in row_of]
        table[asked[:, None], columns] = np.asarray(fresh.predict_proba(take(X, asked)))[:, kept]
    return table / np.maximum(table.sum(axis=1, keepdims=True), np.finfo(float).tiny), classes


def confident_thresholds(probabilities: ArrayLike, y: ArrayLike) -> Floats:
    """Return how sure the model is of a class, on average, where it is the label (c,); infinity for a class without.

    Northcutt, Jiang, Chuang, Confident Learning: Estimating Uncertainty in Dataset Labels, JAIR 2021, eq. (2).
    """
    table, index = _checked(probabilities, y)
    thresholds = np.full(table.shape[1], np.inf)
    for k in np.unique(index[index >= 0]):
        thresholds[k] = table[index == k, k].mean()
    return thresholds


def confident_joint(probabilities: ArrayLike, y: ArrayLike) -> NDArray[np.intp]:
    """Return how many items labeled i (rows) are confidently of class j (columns), (c, c).

    An item is confidently of the likeliest class among those that reach their own threshold; of none, if none does.
    Northcutt, Jiang, Chuang, JAIR 2021, eq. (1).
    """
    table, index = _checked(probabilities, y)
    confident = _confident_class(table, index)
    counted = (index >= 0) & (confident >= 0)
    joint = np.zeros((table.shape[1], table.shape[1]), dtype=np.intp)
    np.add.at(joint, (index[counted], confident[counted]), 1)
    return joint


def label_errors(probabilities: ArrayLike, y: ArrayLike, *, classes: Classes | None = None) -> pd.DataFrame:
    """List the labels that are likely wrong, the surest first.

    Parameters
    ----------
    probabilities : (n, c) of a model that has not learned these items: `out_of_fold_probabilities`, or of a test set
    y : (n,) rows of the class table, -1 for no label
    classes : (c,) the names to show; numbers without

    Returns
    -------
    Columns row, given, likely, p_given, p_likely; one row for each item that is confidently of another class than
    its label (off the diagonal of `confident_joint`), by how much likelier that class is.

    Examples
    --------
    >>> sure = [[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.05, 0.95]]
    >>> label_errors(sure, [0, 0, 1, 1, 0])["row"].tolist()
    [4]
    """
    table, index = _checked(probabilities, y)
    if classes is not None and len(classes) != table.shape[1]:
        raise InputError(
            f"There are {len(classes)} classes and probabilities of {table.shape[1]}. Give a name a column."
        )
    names = np.arange(table.shape[1]) if classes is None else classes
    likely = _confident_class(table, index)
    rows = np.flatnonzero((index >= 0) & (likely >= 0) & (likely != index))
    given = table[rows, index[rows]]
    other = table[rows, likely[rows]]
    order = np.argsort(given - other, kind="stable")
    rows = rows[order]
    return pd.DataFrame(
        {
            "row": rows,
            "given": names[index[rows]],
            "likely": names[likely[rows]],
            "p_given": given[order],
            "p_likely": other[order],
        }
    )


def _confident_class(table: Floats, index: Indexes) -> Indexes:
    """Return the class that each item is confidently of (n,), -1 where none reaches its threshold."""
    reached = table >= confident_thresholds(table, index)  # (n, c)
    best = np.where(reached, table, -1.0).argmax(axis=1)
    return np.where(reached.any(axis=1), best, -1)


def _checked(probabilities: ArrayLike, y: ArrayLike) -> tuple[Floats, Indexes]:
    table = probability_table(probabilities)
    index = check_indexes(y, n_items=table.shape[0], n_classes=table.shape[1])
    if not (index >= 0).any():
        raise NotEnoughLabelsError("No item has a label; there is nothing that could be wrong.")
    return table, index
