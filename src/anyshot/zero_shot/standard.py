"""Zero-shot classification of vectors: the shell that the methods share, and the plain method, cosine."""

import warnings
from abc import ABC, abstractmethod
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from anyshot.base.items import check_indexes
from anyshot.base.validation import Indexes, Vectors, unit, vectors
from anyshot.errors import ClassesError, NotEnoughLabelsError, UnknownClassError, WidthError
from anyshot.zero_shot.class_vectors import Floats, checked_class_vectors


class ZeroShotEstimator(ClassifierMixin, BaseEstimator, ABC):
    """What every zero-shot method does alike: check, learn from the labeled rows, score all classes, answer.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        0, 1, ..., n_classes - 1: rows of the class table.
    seen_classes_, unseen_classes_ : ndarrays
        The classes with and without a label in `fit`.
    class_vectors_ : ndarray of shape (n_classes, n_attributes)
        The class vectors, each of unit length.
    n_features_in_ : int
        Width of the vectors.
    """

    def fit(self, X: ArrayLike, y: ArrayLike, *, class_vectors: ArrayLike) -> Self:
        """Learn from `X` (n, d), `y` (n,), rows of `class_vectors` (c, a), -1 where there is no label.

        Where every class has a label the method still works, but the task is not zero-shot: a warning says so.

        Raises
        ------
        ClassesError
            `class_vectors` has too few rows for `y`, a zero row, or equal rows.
        NotEnoughLabelsError
            Fewer classes have a label than the method needs.
        InputError
            `X`, `y` or `class_vectors` is not of the form needed.
        """
        items, table = vectors(X), checked_class_vectors(class_vectors)
        index = _rows_of(y, n_items=len(items), n_classes=len(table))
        self.n_features_in_, self.class_vectors_ = items.shape[1], table
        self.classes_ = np.arange(len(table))
        self.seen_classes_ = np.unique(index[index >= 0])
        self.unseen_classes_ = np.setdiff1d(self.classes_, self.seen_classes_)
        if len(self.seen_classes_) < self._n_seen_needed():
            raise NotEnoughLabelsError(
                f"{type(self).__name__} learns from classes with labels: it needs {self._n_seen_needed()} or more, y "
                f"names {len(self.seen_classes_)}. Give labels, or use ZeroShotClassifier, which needs none."
            )
        self._warn_if_all_are_seen(stacklevel=3)
        self._fit(items[index >= 0], index[index >= 0])
        return self

    def decision_function(self, X: ArrayLike, candidates: ArrayLike | None = None) -> Floats:
        """Return the score of every class for each of `X` (n, d): (n, c), -inf outside the candidates.

        candidates: the classes that may be the answer, as rows (k,) or a mask (c,); None for all.
        """
        check_is_fitted(self, "classes_")
        scores = np.array(self._scores(vectors(X, width=self.n_features_in_)), dtype=np.float64)  # (n, c)
        scores[:, ~candidate_mask(candidates, n_classes=len(self.classes_))] = -np.inf
        return scores

    def predict(self, X: ArrayLike, candidates: ArrayLike | None = None) -> Indexes:
        """Return the class of each of `X` (n, d), as a row of the class table (n,)."""
        return np.asarray(self.decision_function(X, candidates).argmax(axis=1), dtype=np.intp)

    def _n_seen_needed(self) -> int:
        return 1

    def _warn_if_all_are_seen(self, *, stacklevel: int) -> None:
        if not len(self.unseen_classes_):
            warnings.warn(
                f"All {len(self.classes_)} classes have labels, so this is not zero-shot learning. An ordinary "
                "classifier will do better; or add the classes without a label to class_vectors.",
                UserWarning,
                stacklevel=stacklevel,
            )

    @abstractmethod
    def _fit(self, X: Vectors, y: Indexes) -> None:
        """Learn from the labeled rows: `X` (n, d), `y` (n,)."""

    @abstractmethod
    def _scores(self, X: Vectors) -> NDArray[np.floating]:
        """Return the scores of all classes (n, c)."""


class ZeroShotClassifier(ZeroShotEstimator):
    """Answer the class whose vector is nearest in angle; class vectors live in the space of the items.

    Nothing is learned: labels only tell which classes are seen.

    Parameters
    ----------
    temperature : float, default=0.1
        Divides the cosine before softmax in `predict_proba`; smaller is more confident.

    Examples
    --------
    >>> model = ZeroShotClassifier().fit([[1.0, 0.2]], [-1], class_vectors=[[1.0, 0.0], [0.0, 1.0]])
    >>> model.predict([[0.1, 3.0], [2.0, 0.0]])
    array([1, 0])
    """

    def __init__(self, *, temperature: float = 0.1) -> None:
        self.temperature = temperature

    def predict_proba(self, X: ArrayLike, candidates: ArrayLike | None = None) -> Floats:
        """Return softmax of cosine / temperature (n, c); 0 outside the candidates."""
        return np.asarray(softmax(self.decision_function(X, candidates) / self.temperature, axis=1))

    def _n_seen_needed(self) -> int:
        return 0

    def _fit(self, X: Vectors, y: Indexes) -> None:
        width = self.class_vectors_.shape[1]
        if width != self.n_features_in_:
            raise WidthError(
                f"Cosine needs class vectors in the space of the items; the items are {self.n_features_in_} wide, the "
                f"class vectors {width}. Use a method that learns the way between the two, such as ESZSLClassifier."
            )

    def _scores(self, X: Vectors) -> NDArray[np.floating]:
        return unit(X) @ self.class_vectors_.T.astype(np.float32)


def candidate_mask(candidates: ArrayLike | None, *, n_classes: int) -> NDArray[np.bool_]:
    """Return which classes may be the answer (c,), from rows of the class table, a mask, or None for all."""
    if candidates is None:
        return np.ones(n_classes, dtype=bool)
    given = np.asarray(candidates)
    mask = np.zeros(n_classes, dtype=bool)
    if given.dtype == bool and given.shape == (n_classes,):
        mask |= given
    elif given.ndim == 1 and np.issubdtype(given.dtype, np.integer):
        outside = given[(given < 0) | (given >= n_classes)]
        if outside.size:
            raise UnknownClassError(f"Candidate {outside[0]} is not in the table of {n_classes} classes.")
        mask[given] = True
    if not mask.any():
        raise ClassesError(
            f"candidates must name one class or more, as rows of the class table (k,) or a mask ({n_classes},); given "
            f"was an array of {given.dtype} with shape {given.shape}."
        )
    return mask


def _rows_of(y: ArrayLike, *, n_items: int, n_classes: int) -> Indexes:
    given = np.asarray(y)
    if given.ndim == 1 and given.size and np.issubdtype(given.dtype, np.integer) and given.max() >= n_classes:
        raise ClassesError(
            f"class_vectors has {n_classes} rows and y names class {given.max()}. Give one row for each class, in the "
            "order that y counts them."
        )
    return check_indexes(given, n_items=n_items, n_classes=n_classes)
