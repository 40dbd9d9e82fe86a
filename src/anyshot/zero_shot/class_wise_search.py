"""Class-wise cross-validation: some seen classes are held out and treated as unseen."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.model_selection import ParameterGrid
from sklearn.utils.validation import check_is_fitted

from anyshot.base.validation import Floats, Indexes, RandomState, Vectors, generator, vectors
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.zero_shot.base import ZeroShotEstimator, candidate_mask, copy_of


class ClassFold(NamedTuple):
    """One split of the seen classes, given as rows of `class_vectors`."""

    train_classes: Indexes  # classes that stay seen
    held_out_classes: Indexes  # classes that are treated as unseen
    train: Indexes  # rows of items of the train classes to fit to
    test: Indexes  # rows of items to score: all of the held-out classes, and a fifth of the train classes


def class_folds(y: Indexes, *, n_classes: int, random_state: RandomState = 0) -> Iterator[ClassFold]:
    """Split the classes in `y` (n,), so that each is held out once, in the proportion of the unseen ones.

    With c_seen of n_classes seen, each fold holds out about c_seen * (1 - c_seen / n_classes) classes, at least one,
    and leaves at least two.

    Raises NotEnoughLabelsError if fewer than three classes have labels.
    """
    seen = np.unique(y[y >= 0])
    if len(seen) < 3:
        raise NotEnoughLabelsError(
            f"Class-wise cross-validation needs labels of three classes or more; y has labels of {len(seen)}. Add "
            "labels of more classes, or set the value yourself."
        )
    random = generator(random_state)
    n_held_out = max(1, min(round(len(seen) * (1 - len(seen) / n_classes)), len(seen) - 2))
    n_folds = max(2, round(len(seen) / n_held_out))
    fold_of = np.empty(len(seen), dtype=np.intp)
    fold_of[random.permutation(len(seen))] = np.arange(len(seen)) % n_folds
    fifth = random.random(len(y)) < 0.2  # (n,), items of train classes to score
    for fold in range(n_folds):
        trained, held_out = seen[fold_of != fold], seen[fold_of == fold]
        if len(trained) < 2:
            continue
        of_trained = np.isin(y, trained)
        first = np.unique(np.where(of_trained, y, -1), return_index=True)[1]  # one item of each class always trains
        trains = of_trained & (~fifth | np.isin(np.arange(len(y)), first))
        tests = np.isin(y, held_out) | (of_trained & ~trains)
        yield ClassFold(trained, held_out, np.flatnonzero(trains), np.flatnonzero(tests))


def held_out_scores(
    model: ZeroShotEstimator, X: Vectors, y: Indexes, S: Floats, fold: ClassFold
) -> tuple[Floats, Indexes]:
    """Fit a clone to the train classes of a fold; return scores (m, c) and classes (m,) of its test items.

    The scores of unseen classes are -inf.
    """
    labels = np.full(len(y), -1, dtype=np.intp)
    labels[fold.train] = y[fold.train]
    rows = np.concatenate([fold.train, fold.test])
    among = np.concatenate([fold.train_classes, fold.held_out_classes])
    position = np.full(len(S), -1, dtype=np.intp)
    position[among] = np.arange(len(among))
    targets = np.where(labels[rows] >= 0, position[labels[rows]], -1)
    fitted = clone(model).fit(X[rows], targets, class_vectors=S[among])
    scores = np.full((len(fold.test), len(S)), -np.inf)
    scores[:, among] = fitted.decision_function(X[fold.test])
    return scores, y[fold.test]


def mean_class_accuracy(y: Indexes, predicted: Indexes) -> float:
    """Return the mean over classes of the fraction of each class's items predicted correctly."""
    return float(np.mean([float((predicted[y == k] == k).mean()) for k in np.unique(y)]))


class ClassWiseSearch(ZeroShotEstimator):
    """Select an estimator and its parameters by class-wise cross-validation, then fit it to all labels.

    Parameters
    ----------
    estimators : a zero-shot estimator, or a sequence of them
        Each is tried with each of its parameter settings.
    grid : mapping, or a sequence of one mapping for each estimator, default=None
        {parameter: values}, as for scikit-learn's GridSearchCV; None tries the estimators as they are.
    random_state : int, generator or None, default=0
        Of the folds.

    Attributes
    ----------
    best_estimator_ : zero-shot estimator
        The selected one, fitted to all labeled items.
    leaderboard_ : DataFrame
        Columns estimator, parameters, accuracy (mean over folds, on the held-out classes only), best first.
    classes_, seen_classes_, unseen_classes_, class_vectors_, n_features_in_ : see `ZeroShotEstimator`

    References
    ----------
    Xian, Lampert, Schiele, Akata. Zero-Shot Learning - A Comprehensive Evaluation. TPAMI 2018, section 4.3.
    """

    _fits_to_unlabeled = True

    def __init__(
        self,
        estimators: ZeroShotEstimator | Sequence[ZeroShotEstimator],
        grid: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Sequence[Any]]] | None = None,
        *,
        random_state: RandomState = 0,
    ) -> None:
        self.estimators, self.grid, self.random_state = estimators, grid, random_state

    def _fit(self, X: Vectors, y: Indexes) -> None:
        S = self.class_vectors_
        folds = list(class_folds(y, n_classes=len(S), random_state=self.random_state))
        accuracies = [
            (float(np.mean([_held_out_accuracy(model, X, y, S, fold) for fold in folds])), model)
            for model in self._settings()
        ]
        accuracies.sort(key=lambda pair: -pair[0])
        rows = [(type(model).__name__, model.get_params(deep=False), accuracy) for accuracy, model in accuracies]
        self.leaderboard_ = pd.DataFrame(rows, columns=["estimator", "parameters", "accuracy"])
        self.best_estimator_ = clone(accuracies[0][1]).fit(X, y, class_vectors=S)

    def decision_function(self, X: ArrayLike, candidates: ArrayLike | None = None) -> Floats:
        """Return the scores of the best estimator (n, c), -inf outside the candidates, on which a gate depends."""
        check_is_fitted(self, "best_estimator_")
        items = vectors(X, width=self.n_features_in_)
        self._check_columns(X, reset=False)
        return np.asarray(self.best_estimator_.decision_function(items, candidates))

    def _scores(self, X: Vectors) -> Floats:
        return np.asarray(self.best_estimator_.decision_function(X))

    def _check_seen(self) -> None:
        """Leave the check to the folds and the best estimator."""

    def _settings(self) -> Iterator[ZeroShotEstimator]:
        """Yield a clone of each estimator for each of its parameter settings."""
        estimators = list(self.estimators) if isinstance(self.estimators, Sequence) else [self.estimators]
        grids = list(self.grid) if isinstance(self.grid, Sequence) else [self.grid or {}] * len(estimators)
        if not estimators or len(grids) != len(estimators):
            raise InputError(
                f"estimators has {len(estimators)} and grid {len(grids)} entries. Give one estimator or more, and None "
                "or a list of one grid for each."
            )
        for model, grid in zip(estimators, grids, strict=True):
            for setting in ParameterGrid(dict(grid)):
                yield copy_of(model, name="Each of estimators").set_params(**setting)


def _held_out_accuracy(model: ZeroShotEstimator, X: Vectors, y: Indexes, S: Floats, fold: ClassFold) -> float:
    scores, truth = held_out_scores(model, X, y, S, fold)
    rows = np.isin(truth, fold.held_out_classes)
    scores[:, ~candidate_mask(fold.held_out_classes, n_classes=len(S))] = -np.inf
    return mean_class_accuracy(truth[rows], scores[rows].argmax(axis=1))
