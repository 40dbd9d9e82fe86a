"""The predictions of classifiers that give each class a score."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anyshot.base.validation import decision_scores, softmax


class ScoredClassifier(ABC):
    """Base class of classifiers that predict by scores of the classes; a subclass has `classes_` and `_scores`."""

    classes_: NDArray[Any]  # (c,)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the class with the highest score for each item (n,)."""
        best = self._scores(X).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def predict_proba(self, X: Any) -> NDArray[np.floating]:
        """Return the probability of each class (n, c), the softmax of the scores."""
        return np.asarray(softmax(self._scores(X)))

    def decision_function(self, X: Any) -> NDArray[np.floating]:
        """Return the scores (n, c); with two classes that of the second minus that of the first (n,)."""
        return decision_scores(self._scores(X))

    @abstractmethod
    def _scores(self, X: Any) -> NDArray[Any]:
        """Return the scores (n, c), whose softmax are the probabilities."""
