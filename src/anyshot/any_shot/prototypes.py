"""Prototypical classification: a vector belongs to the class with the nearest mean."""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted, validate_data

from anyshot.any_shot.head import VectorClassifier
from anyshot.any_shot.solver import class_means
from anyshot.base.validation import unit
from anyshot.errors import InputError, NotEnoughClassesError


class PrototypeClassifier(VectorClassifier):
    """Classify a vector by the class mean with the largest cosine.

    Parameters
    ----------
    temperature : float, default=0.05
        Divides the cosines before the softmax of `predict_proba`; smaller is more confident.
    name_weight : float, default=1.0
        Number of labeled examples that a class vector counts as.

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

    def __init__(self, *, temperature: float = 0.05, name_weight: float = 1.0) -> None:
        self.temperature = temperature
        self.name_weight = name_weight

    def fit(self, X: ArrayLike, y: ArrayLike, *, class_vectors: ArrayLike | None = None) -> Self:
        """Take the mean of each class of `X` (n, d), `y` (n,).

        class_vectors (c, d): unit-length class embeddings; then y contains row numbers, -1 for "no label".

        Raises
        ------
        InputError
            temperature is not above 0.
        WidthError
            The class vectors and X have different widths.
        NotEnoughClassesError
            Fewer than two classes have a label or a class vector.
        """
        if not self.temperature > 0:
            raise InputError(f"temperature must be above 0; got {self.temperature!r}.")
        vectors, index, S = self._checked(X, y, class_vectors)
        self.prototypes_ = class_means(vectors, index, S, name_weight=self.name_weight)
        if np.count_nonzero(self.prototypes_.any(axis=1)) < 2:
            raise NotEnoughClassesError(f"At least two of the {len(S)} classes need a label or a class vector.")
        return self

    def _scores(self, X: ArrayLike) -> NDArray[np.float64]:
        check_is_fitted(self)
        vectors = unit(validate_data(self, X, dtype=np.float32, reset=False))
        scores = 1 / self.temperature * vectors.astype(np.float64) @ self.prototypes_.T
        # A prototype of zeros is a class without labels and class vector; it is never predicted, even where all cosines
        # are negative.
        return np.where(self.prototypes_.any(axis=1), scores, -np.inf)
