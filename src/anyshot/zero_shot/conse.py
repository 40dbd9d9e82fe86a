"""ConSE: the convex combination of the class vectors of the most probable seen classes."""

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from anyshot.base.validation import Floats, Indexes, Vectors, unit
from anyshot.zero_shot.base import ZeroShotEstimator


def convex_combination(probabilities: Floats, S: Floats, *, n_nearest: int) -> Floats:
    """Return the mean class vector (n, a) of each item's most probable seen classes, weighted by their probability.

    probabilities (n, c_seen), S (c_seen, a). Norouzi et al. 2014, eq. (3).
    """
    n_used = min(n_nearest, probabilities.shape[1])
    least = np.partition(probabilities, -n_used, axis=1)[:, -n_used][:, None]  # (n, 1)
    weights = np.where(probabilities >= least, probabilities, 0)
    return np.asarray((weights / weights.sum(axis=1, keepdims=True)) @ S)


class ConSE(ZeroShotEstimator):
    """Convex combination of the vectors of probable seen classes; predicts the class with the largest cosine.

    Parameters
    ----------
    n_nearest : int, default=10
        How many of the most probable seen classes are combined.
    C : float, default=10.0
        Inverse penalty of the logistic regression over the seen classes.

    Attributes
    ----------
    head_ : LogisticRegression
        Over the seen classes.

    References
    ----------
    Norouzi et al. Zero-Shot Learning by Convex Combination of Semantic Embeddings. ICLR 2014, eq. (3) and (4).
    """

    _min_seen = 2

    def __init__(self, *, n_nearest: int = 10, C: float = 10.0) -> None:
        self.n_nearest, self.C = n_nearest, C

    def _fit(self, X: Vectors, y: Indexes) -> None:
        self.head_ = LogisticRegression(C=self.C, max_iter=1000).fit(X, y)

    def _scores(self, X: Vectors) -> NDArray[np.floating]:
        S = self.class_vectors_[self.seen_classes_]
        embedded = convex_combination(self.head_.predict_proba(X), S, n_nearest=self.n_nearest)  # (n, a)
        return unit(embedded) @ self.class_vectors_.T.astype(np.float32)
