"""Class-wise validation: seen classes are held out to play the unseen ones. No label of an unseen class is used."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.model_selection import ParameterGrid
from sklearn.utils.validation import check_is_fitted

from anyshot.base.items import check_indexes
from anyshot.base.validation import Indexes, RandomState, Vectors, generator, vectors
from anyshot.errors import NotEnoughLabelsError
from anyshot.zero_shot.class_vectors import Floats, checked_class_vectors
from anyshot.zero_shot.standard import ZeroShotEstimator, candidate_mask


@dataclass(frozen=True)
class ClassFold:
    """One division of the seen classes; classes stand by their rows of the class table."""

    kept: Indexes
    """Classes that stay seen."""
    held_out: Indexes
    """Classes that play the unseen ones."""
    train: Indexes
    """Rows of kept classes to fit on."""
    test: Indexes
    """Rows to measure on: all of the held-out classes, and a fifth of the kept ones'."""


def class_folds(y: Indexes, *, n_classes: int, random_state: RandomState = 0) -> Iterator[ClassFold]:
    """Divide the classes that `y` (n,) names, so that each is held out once, in the proportion of the unseen ones.

    With c_seen of n_classes seen, each fold holds out about c_seen * (1 - c_seen / n_classes) classes, one or more, and
    keeps two or more.

    Raises
    ------
    NotEnoughLabelsError
        Fewer than three classes have labels.
    """
    seen = np.unique(y[y >= 0])
    if len(seen) < 3:
        raise NotEnoughLabelsError(
            f"Holding classes out needs labels of three classes or more; y names {len(seen)}. Give labels of more "
            "classes, or choose the value yourself."
        )
    random = generator(random_state)
    n_held = max(1, min(round(len(seen) * (1 - len(seen) / n_classes)), len(seen) - 2))
    n_folds = max(2, round(len(seen) / n_held))
    place = np.empty(len(seen), dtype=np.intp)
    place[random.permutation(len(seen))] = np.arange(len(seen)) % n_folds
    fifth = random.random(len(y)) < 0.2  # (n,), rows of kept classes that measure
    for fold in range(n_folds):
        kept, held_out = seen[place != fold], seen[place == fold]
        if len(kept) < 2:
            continue
        of_kept, of_held_out = np.isin(y, kept), np.isin(y, held_out)
        first = np.unique(np.where(of_kept, y, -1), return_index=True)[1]  # one row of each class always trains
        trains = of_kept & (~fifth | np.isin(np.arange(len(y)), first))
        yield ClassFold(kept, held_out, np.flatnonzero(trains), np.flatnonzero(of_held_out | (of_kept & ~trains)))


def held_out_scores(
    model: ZeroShotEstimator, X: Vectors, y: Indexes, S: Floats, fold: ClassFold
) -> tuple[Floats, Indexes]:
    """Fit a clone on the kept classes and return the scores (m, c) and the truth (m,) of the fold's test rows.

    The truly unseen classes are no candidates: their scores are -inf.
    """
    labels = np.full(len(y), -1, dtype=np.intp)
    labels[fold.train] = y[fold.train]
    rows = np.concatenate([fold.train, fold.test])
    among = np.concatenate([fold.kept, fold.held_out])
    position = np.full(len(S), -1, dtype=np.intp)
    position[among] = np.arange(len(among))
    targets = np.where(labels[rows] >= 0, position[labels[rows]], -1)
    fitted = clone(model).fit(X[rows], targets, class_vectors=S[among])
    scores = np.full((len(fold.test), len(S)), -np.inf)
    scores[:, among] = fitted.decision_function(X[fold.test])
    return scores, y[fold.test]


def mean_class_accuracy(y: Indexes, answers: Indexes) -> float:
    """Return the mean over classes of the share of each class's items answered right."""
    right = [float((answers[y == k] == k).mean()) for k in np.unique(y)]
    return float(np.mean(right))


class ClassWiseSearch(ClassifierMixin, BaseEstimator):
    """Choose parameters by accuracy on held-out seen classes, then fit on all.

    Parameters
    ----------
    estimators : a zero-shot estimator, or a sequence of them
        Each is tried with each of its parameter settings.
    grid : mapping, or a sequence of one mapping an estimator, default=None
        {parameter: values}, as for scikit-learn's GridSearchCV; None tries the estimators as they are.
    random_state : int, generator or None, default=0
        How classes are divided.

    Attributes
    ----------
    best_estimator_ : the winner, fitted on all labeled rows
    leaderboard_ : DataFrame
        Columns estimator, parameters, accuracy (mean over folds, of held-out classes among themselves), best first.

    References
    ----------
    Xian, Lampert, Schiele, Akata. Zero-Shot Learning - A Comprehensive Evaluation. TPAMI 2018, section 4.3.
    """

    def __init__(
        self,
        estimators: ZeroShotEstimator | Sequence[ZeroShotEstimator],
        grid: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Sequence[Any]]] | None = None,
        *,
        random_state: RandomState = 0,
    ) -> None:
        self.estimators = estimators
        self.grid = grid
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike, *, class_vectors: ArrayLike) -> Self:
        """Choose, and fit the winner, on `X` (n, d), `y` (n,) rows of `class_vectors` (c, a), -1 for no label."""
        items, table = vectors(X), checked_class_vectors(class_vectors)
        index = check_indexes(y, n_items=len(items), n_classes=len(table))
        folds = list(class_folds(index, n_classes=len(table), random_state=self.random_state))
        rows = []
        for model in self._settings():
            accuracy = np.mean([_accuracy_on(model, items, index, table, fold) for fold in folds])
            rows.append((model, type(model).__name__, model.get_params(deep=False), float(accuracy)))
        rows.sort(key=lambda row: -row[3])
        self.leaderboard_ = pd.DataFrame([row[1:] for row in rows], columns=["estimator", "parameters", "accuracy"])
        self.best_estimator_ = clone(rows[0][0]).fit(items, index, class_vectors=table)
        self.classes_ = self.best_estimator_.classes_
        return self

    def decision_function(self, X: ArrayLike, candidates: ArrayLike | None = None) -> Floats:
        """Return the winner's scores (n, c), -inf outside the candidates."""
        check_is_fitted(self, "best_estimator_")
        return np.asarray(self.best_estimator_.decision_function(X, candidates))

    def predict(self, X: ArrayLike, candidates: ArrayLike | None = None) -> Indexes:
        """Return the winner's answers (n,)."""
        check_is_fitted(self, "best_estimator_")
        return np.asarray(self.best_estimator_.predict(X, candidates), dtype=np.intp)

    def _settings(self) -> Iterator[ZeroShotEstimator]:
        listed = list(self.estimators) if isinstance(self.estimators, Sequence) else [self.estimators]
        grids = list(self.grid) if isinstance(self.grid, Sequence) else [self.grid or {}] * len(listed)
        for model, grid in zip(listed, grids, strict=True):
            for setting in ParameterGrid(dict(grid)):
                yield clone(model).set_params(**setting)


def _accuracy_on(model: ZeroShotEstimator, X: Vectors, y: Indexes, S: Floats, fold: ClassFold) -> float:
    scores, truth = held_out_scores(model, X, y, S, fold)
    of_held_out = np.isin(truth, fold.held_out)
    scores[:, ~candidate_mask(fold.held_out, n_classes=len(S))] = -np.inf
    return mean_class_accuracy(truth[of_held_out], scores[of_held_out].argmax(axis=1))
