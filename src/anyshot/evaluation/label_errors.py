"""Label errors found by confident learning: labels that a model not trained on them contradicts."""

from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from anyshot.base.columns import item_count, take
from anyshot.base.estimator import fresh_copy
from anyshot.base.folds import folds_by_arrival
from anyshot.base.items import Items
from anyshot.base.labels import Classes, Labels, class_table, classes_in, to_indexes
from anyshot.base.messages import one_call
from anyshot.base.validation import Floats, Indexes, check_indexes, probability_table
from anyshot.errors import InputError, NotEnoughLabelsError


class ProbabilisticClassifier(Protocol):
    """A scikit-learn classifier with probabilities; it is cloned before each fit."""

    classes_: Any
    fit: Any

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class (n, c)."""
        ...


@one_call(fits_parts=True)
def out_of_fold_probabilities(
    model: ProbabilisticClassifier, X: Items, y: Labels, *, n_folds: int = 5
) -> tuple[Floats, Classes]:
    """Return cross-validated probabilities (n, c) and the classes (c,).

    Each item gets its probabilities from a clone of the model that was not trained on it. `y` (n,), None for no label:
    items without a label are predicted by the first clone. A class without training labels in a fold has probability 0.

    Raises NotEnoughLabelsError if no class has two labels.
    """
    classes = class_table(classes_in(y))
    index = to_indexes(y, classes, n_items=item_count(X))
    if np.bincount(index[index >= 0]).max(initial=0) < 2:
        raise NotEnoughLabelsError("Cross-validation needs a class with two labels or more, but no class has two.")
    folds = folds_by_arrival(index, n_folds)
    columns_of = {name: column for column, name in enumerate(classes.tolist())}
    table = np.zeros((len(index), len(classes)))
    for fold in range(n_folds):
        test = np.flatnonzero((folds == fold) | ((folds < 0) & (fold == 0)))
        train = np.flatnonzero((folds >= 0) & (folds != fold))
        if len(test):
            fitted = fresh_copy(model).fit(take(X, train), classes[index[train]])
            names = np.asarray(fitted.classes_).tolist()
            known = [column for column, name in enumerate(names) if name in columns_of]
            columns = [columns_of[names[column]] for column in known]
            table[test[:, None], columns] = np.asarray(fitted.predict_proba(take(X, test)))[:, known]
    return table / np.maximum(table.sum(axis=1, keepdims=True), np.finfo(float).tiny), classes


def confident_thresholds(probabilities: ArrayLike, y: ArrayLike) -> Floats:
    """Return the mean probability of each class over the items with that label (c,); infinity if there are none.

    Northcutt, Jiang, Chuang, Confident Learning: Estimating Uncertainty in Dataset Labels, JAIR 2021, eq. (2).
    """
    table, index = _checked(probabilities, y)
    thresholds = np.full(table.shape[1], np.inf)
    for k in np.unique(index[index >= 0]):
        thresholds[k] = table[index == k, k].mean()
    return thresholds


def label_errors(probabilities: ArrayLike, y: ArrayLike, *, classes: Classes | None = None) -> pd.DataFrame:
    """Return the labels that are likely wrong, the clearest first.

    Parameters
    ----------
    probabilities : (n, c) of a model that was not trained on these items, as from `out_of_fold_probabilities`
    y : (n,) class indexes, -1 for no label
    classes : (c,) names of the classes; numbers if not given

    Returns
    -------
    Columns row, given (the label), likely (the most probable class), p_given, p_likely: one row for each item whose
    most probable class is not its label and reaches the threshold of that class, by the difference of the two
    probabilities. An item whose own class is the most probable one is never listed.

    Examples
    --------
    >>> sure = [[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.05, 0.95]]
    >>> label_errors(sure, [0, 0, 1, 1, 0])["row"].tolist()
    [4]
    """
    table, index = _checked(probabilities, y)
    if classes is not None and len(classes) != table.shape[1]:
        raise InputError(f"There are {len(classes)} classes, but the probabilities have {table.shape[1]} columns.")
    names = np.arange(table.shape[1]) if classes is None else classes
    rows = np.flatnonzero(index >= 0)  # (m,)
    likely = table[rows].argmax(axis=1)  # (m,)
    found = pd.DataFrame(
        {
            "row": rows,
            "given": names[index[rows]],
            "likely": names[likely],
            "p_given": table[rows, index[rows]],
            "p_likely": table[rows, likely],
        }
    )
    reached = found["p_likely"] >= confident_thresholds(table, index)[likely]
    wrong = found[reached & (found["p_likely"] > found["p_given"])]
    order = np.argsort(wrong["p_given"].to_numpy() - wrong["p_likely"].to_numpy(), kind="stable")
    return pd.DataFrame(wrong.iloc[order].reset_index(drop=True))


def _checked(probabilities: ArrayLike, y: ArrayLike) -> tuple[Floats, Indexes]:
    table = probability_table(probabilities)
    index = check_indexes(y, n_items=table.shape[0], n_classes=table.shape[1])
    if not (index >= 0).any():
        raise NotEnoughLabelsError("No item has a label, so no label can be wrong.")
    return table, index
