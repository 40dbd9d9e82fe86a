"""The base class of zero-shot estimators, and the simplest one, which compares items with class vectors by cosine."""

from abc import ABC, abstractmethod
from typing import ClassVar, Final, Literal, Self, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from anyshot.base.estimator import all_or_nothing, validate_data
from anyshot.base.messages import warn, warn_of_order
from anyshot.base.number_columns import LARGEST_FLOAT32, check_size
from anyshot.base.validation import (
    Floats,
    Indexes,
    Vectors,
    check_indexes,
    check_not_negative,
    check_positive,
    class_rows,
    is_number,
    unit,
    vectors,
)
from anyshot.errors import ClassesError, InputError, NotEnoughLabelsError, UnknownClassError, WidthError
from anyshot.zero_shot.class_vectors import checked_class_vectors

POSITIVE: Final = ("C", "batch_size", "epochs", "learning_rate", "n_nearest", "n_samples", "temperature", "width")
"""Parameters of the estimators that must be above 0."""
NOT_NEGATIVE: Final = ("feature_penalty", "label_noise", "margin", "penalty", "semantic_penalty", "shrinkage")


class ZeroShotEstimator(ClassifierMixin, BaseEstimator, ABC):
    """Base class of the zero-shot estimators: it checks the input and selects the best-scoring candidate class.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        0, 1, ..., n_classes - 1: rows of `class_vectors`.
    seen_classes_, unseen_classes_ : ndarrays
        The classes with and without a label in `fit`.
    class_vectors_ : ndarray of shape (n_classes, n_attributes)
        The class vectors, scaled to unit length.
    n_features_in_ : int
        Width of the vectors.
    """

    _min_seen: ClassVar[int] = 1  # number of classes that need a label
    _fits_to_unlabeled: ClassVar[bool] = False  # whether `_fit` gets the items without a label too, with index -1

    @all_or_nothing
    def fit(self, X: ArrayLike, y: ArrayLike, *, class_vectors: ArrayLike) -> Self:
        """Fit to `X` (n, d) and `y` (n,): rows of `class_vectors` (c, a), -1 for items without a label.

        Warns if every class has a label.

        Raises
        ------
        ClassesError
            `class_vectors` has too few rows for `y`, a row of zeros, or equal rows.
        NotEnoughLabelsError
            Fewer classes have a label than the method needs.
        InputError
            `X`, `y` or `class_vectors` has a wrong type or shape, or a parameter of the estimator is out of range.
        """
        check_parameters(self)
        items, table = vectors(X), checked_class_vectors(class_vectors)
        check_size(items, "X", largest=LARGEST_FLOAT32)
        index = _checked_index(y, n_items=len(items), n_classes=len(table))
        warn_of_order(X, y, names=("X", "y"))
        self._check_columns(X, reset=True)
        self.n_features_in_, self.class_vectors_ = items.shape[1], table
        self.classes_ = np.arange(len(table))
        self.seen_classes_ = np.unique(index[index >= 0])
        self.unseen_classes_ = np.setdiff1d(self.classes_, self.seen_classes_)
        self._check_seen()
        rows = slice(None) if self._fits_to_unlabeled else index >= 0
        self._fit(items[rows], index[rows])
        return self

    def decision_function(self, X: ArrayLike, candidates: ArrayLike | None = None) -> Floats:
        """Return the score of each class for each of `X` (n, d): (n, c), -inf outside the candidates.

        candidates: the classes that may be predicted, as rows (k,) or a mask (c,); None for all.
        """
        check_is_fitted(self, "classes_")
        items = vectors(X, width=self.n_features_in_)
        check_size(items, "X", largest=LARGEST_FLOAT32)
        self._check_columns(X, reset=False)
        none = np.zeros((0, len(self.classes_)))  # scikit-learn's classifiers, which some methods use, refuse no rows
        scores = np.array(self._scores(items) if len(items) else none, dtype=np.float64)  # (n, c)
        scores[:, ~candidate_mask(candidates, n_classes=len(self.classes_))] = -np.inf
        return scores

    def predict(self, X: ArrayLike, candidates: ArrayLike | None = None) -> Indexes:
        """Return the predicted class of each of `X` (n, d), as a row of `class_vectors` (n,)."""
        return np.asarray(self.decision_function(X, candidates).argmax(axis=1), dtype=np.intp)

    def _check_columns(self, X: ArrayLike, *, reset: bool) -> None:
        """Remember the names of a table's columns, or raise ValueError if they are others, or in another order."""
        validate_data(self, X, skip_check_array=True, reset=reset)

    def _check_seen(self) -> None:
        """Raise an error if too few classes have a label, and warn if all have."""
        if len(self.seen_classes_) < self._min_seen:
            raise NotEnoughLabelsError(
                f"{type(self).__name__} needs labels of {self._min_seen} or more classes; y has labels of "
                f"{len(self.seen_classes_)}. Add labels, or use ZeroShotClassifier, which needs none."
            )
        if not len(self.unseen_classes_):
            warn(
                f"All {len(self.classes_)} classes have labels, so this is not zero-shot learning. An ordinary "
                "classifier will do better; or add the classes without a label to class_vectors."
            )

    @abstractmethod
    def _fit(self, X: Vectors, y: Indexes) -> None:
        """Fit to the labeled items: `X` (n, d), `y` (n,)."""

    @abstractmethod
    def _scores(self, X: Vectors) -> NDArray[np.floating]:
        """Return the scores of all classes (n, c)."""


class ProbabilisticZeroShotEstimator(ZeroShotEstimator):
    """Base class of the estimators whose scores are log-probabilities up to a factor, and a constant for each item."""

    temperature: float = 1.0

    def predict_proba(self, X: ArrayLike, candidates: ArrayLike | None = None) -> Floats:
        """Return the class probabilities (n, c), softmax of the scores / temperature; 0 outside the candidates."""
        return np.asarray(softmax(self.decision_function(X, candidates) / self.temperature, axis=1))


class ZeroShotClassifier(ProbabilisticZeroShotEstimator):
    """Predict the class whose vector has the largest cosine with the item; both come from the same encoder.

    Nothing is learned: labels only determine which classes are seen.

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

    _min_seen = 0

    def __init__(self, *, temperature: float = 0.1) -> None:
        self.temperature = temperature

    def _fit(self, X: Vectors, y: Indexes) -> None:
        width = self.class_vectors_.shape[1]
        if width != self.n_features_in_:
            raise WidthError(
                f"Cosine needs class vectors as wide as the items; the items are {self.n_features_in_} wide, the class "
                f"vectors {width}. Use an estimator that learns a map between the two, such as ESZSL."
            )

    def _scores(self, X: Vectors) -> NDArray[np.floating]:
        return unit(X) @ self.class_vectors_.T.astype(np.float32)


def copy_of(estimator: ZeroShotEstimator, *, name: str = "base") -> ZeroShotEstimator:
    """Return a copy of an estimator that is not fitted; raise InputError if it has no fit(X, y, class_vectors=...)."""
    fits = not isinstance(estimator, type) and hasattr(estimator, "fit")
    if not fits or not has_fit_parameter(estimator, "class_vectors"):
        raise InputError(
            f"{name} must be an estimator with fit(X, y, class_vectors=...), such as ESZSL(); it is {estimator!r:.60}."
        )
    copy: ZeroShotEstimator = clone(estimator)
    return copy


def check_parameters(model: ZeroShotEstimator) -> None:
    """Raise InputError if a parameter is none of the choices that `__init__` states, or a number out of range."""
    for name, hint in get_type_hints(type(model).__init__).items():
        value = getattr(model, name, None)
        choices = [choice for own in (hint, *get_args(hint)) if get_origin(own) is Literal for choice in get_args(own)]
        if choices and not is_number(value) and value not in choices:
            raise InputError(f"Unknown {name} {value!r}. Choose one of: {', '.join(choices)}.")
        if name in POSITIVE and value not in choices:
            check_positive(**{name: value})
        if name in NOT_NEGATIVE:
            check_not_negative(**{name: value})


def candidate_mask(candidates: ArrayLike | None, *, n_classes: int) -> NDArray[np.bool_]:
    """Return which classes may be predicted (c,), from rows of `class_vectors`, a mask, or None for all."""
    if candidates is None:
        return np.ones(n_classes, dtype=bool)
    rows = np.asarray(candidates)
    mask = np.zeros(n_classes, dtype=bool)
    if rows.dtype == bool and rows.shape == (n_classes,):
        mask |= rows
    elif rows.ndim == 1 and np.issubdtype(rows.dtype, np.integer):
        outside = rows[(rows < 0) | (rows >= n_classes)]
        if outside.size:
            raise UnknownClassError(f"Candidate {outside[0]} is outside the {n_classes} rows of class_vectors.")
        mask[rows] = True
    if not mask.any():
        raise ClassesError(
            f"candidates must select one class or more, by rows of class_vectors (k,) or a mask ({n_classes},); got an "
            f"array of {rows.dtype} with shape {rows.shape}."
        )
    return mask


def _checked_index(y: ArrayLike, *, n_items: int, n_classes: int) -> Indexes:
    index = class_rows(y)
    if index.ndim == 1 and index.size and index.max() >= n_classes:
        raise ClassesError(
            f"class_vectors has {n_classes} rows and y contains class {index.max()}. Pass one row for each class, in "
            "the order that y numbers them."
        )
    return check_indexes(index, n_items=n_items, n_classes=n_classes)
