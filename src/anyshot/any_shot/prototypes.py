"""Few-shot learning by prototypes: a vector belongs to the nearest class mean."""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from anyshot.base import validation
from anyshot.base.items import check_indexes, class_sums, decision_scores
from anyshot.base.validation import Indexes, Vectors, unit
from anyshot.errors import NotEnoughClassesError, WidthError


def prototypes(vectors: Vectors, index: Indexes, class_vectors: Vectors, *, name_weight: float) -> Vectors:
    """Return the unit mean of each class (c, d); its class vector counts as `name_weight` examples.

    vectors (n, d), index (n,) rows of class_vectors (c, d). A class without example or class vector stays zero.
    """
    return unit(name_weight * class_vectors + class_sums(vectors, index, len(class_vectors)))


class PrototypeClassifier(ClassifierMixin, BaseEstimator):
    """Classify a vector by the class mean it has the largest cosine with.

    Parameters
    ----------
    sharpness : float, default=20.0
        Multiplies the cosines before the softmax of `predict_proba`; larger is more confident.
    name_weight : float, default=1.0
        What a class vector counts as an example of its class [labels].

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels seen in `fit`, or the rows of `class_vectors`.
    prototypes_ : ndarray of shape (n_classes, n_features)
        Unit mean vector of each class.

    References
    ----------
    Snell, Swersky, Zemel. Prototypical Networks for Few-shot Learning. NeurIPS 2017.

    Examples
    --------
    >>> X, y = [[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]], ["cat", "cat", "dog"]
    >>> PrototypeClassifier().fit(X, y).predict([[0.2, 0.9]])
    array(['dog'], dtype='<U3')
    """

    def __init__(self, *, sharpness: float = 20.0, name_weight: float = 1.0) -> None:
        self.sharpness = sharpness
        self.name_weight = name_weight

    def fit(self, X: ArrayLike, y: ArrayLike, *, class_vectors: ArrayLike | None = None) -> Self:
        """Take the mean of each class of `X` (n, d), `y` (n,).

        class_vectors (c, d): what is known of each class; then y indexes its rows, -1 being "no label".

        Raises
        ------
        WidthError
            The class vectors have another width than X.
        NotEnoughClassesError
            Fewer than two classes have a label or a class vector.
        """
        if class_vectors is None:
            vectors, labels = validate_data(self, X, y, dtype=np.float32)
            check_classification_targets(labels)
            self.classes_, index = np.unique(labels, return_inverse=True)
            S = np.zeros((len(self.classes_), vectors.shape[1]), np.float32)
        else:
            vectors = validate_data(self, X, dtype=np.float32, ensure_min_samples=0)
            S = validation.vectors(class_vectors, name="class_vectors")
            if S.shape[1] != vectors.shape[1]:
                raise WidthError(f"class_vectors are {S.shape[1]} wide and X is {vectors.shape[1]}: one space needed.")
            index = check_indexes(y, n_items=len(vectors), n_classes=len(S))
            self.classes_ = np.arange(len(S))
        self.prototypes_ = prototypes(vectors[index >= 0], index[index >= 0], S, name_weight=self.name_weight)
        if len(S) < 2 or np.count_nonzero(self.prototypes_.any(axis=1)) < 2:
            raise NotEnoughClassesError(f"At least two classes need a label or a class vector; {len(S)} classes given.")
        return self

    def decision_function(self, X: ArrayLike) -> NDArray[np.floating]:
        """Return the scores of `X` (n, c): a class each, or (n,) for the second of two classes."""
        return decision_scores(self._scores(X))

    def predict_proba(self, X: ArrayLike) -> NDArray[np.floating]:
        """Return the probability of each class (n, c)."""
        return np.asarray(softmax(self._scores(X), axis=1))

    def predict(self, X: ArrayLike) -> NDArray[np.generic]:
        """Return the class with the nearest mean (n,)."""
        best = self._scores(X).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def _scores(self, X: ArrayLike) -> NDArray[np.float64]:
        check_is_fitted(self)
        vectors = unit(validate_data(self, X, dtype=np.float32, reset=False))
        # In float64, so that a vector's scores are the same alone and in a batch.
        scores = self.sharpness * vectors.astype(np.float64) @ self.prototypes_.T
        # A prototype of zeros is of a class that nothing is known of: it is not the answer, though cosines be negative.
        return np.where(self.prototypes_.any(axis=1), scores, -np.inf)
