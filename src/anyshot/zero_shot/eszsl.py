"""ESZSL: a bilinear map between items and class vectors, in closed form."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from anyshot.base.validation import Indexes, Vectors
from anyshot.zero_shot.base import ZeroShotEstimator
from anyshot.zero_shot.class_vectors import gram, ridge_solve, sums_and_counts


class ESZSL(ZeroShotEstimator):
    """Bilinear scores x'Vs with two ridge penalties, in closed form.

    V = (X'X + feature_penalty I)^-1 X'Y S (S'S + semantic_penalty I)^-1, where S are the seen classes' vectors and
    Y (n, n_seen) the targets.

    Parameters
    ----------
    feature_penalty : float, default=1.0
        On the scale of X'X: for n items of unit length, that has trace n.
    semantic_penalty : float, default=1.0
        On the scale of S'S, whose trace is the number of seen classes.
    target_coding : {"zero-one", "plus-minus"}, default="zero-one"
        An item's targets for the other classes: 0, or -1 as in the paper. The first does better with few classes.

    Attributes
    ----------
    bilinear_ : ndarray of shape (n_features, n_attributes)
        V.

    References
    ----------
    Romera-Paredes, Torr. An embarrassingly simple approach to zero-shot learning. ICML 2015, section 3.2 (the closed
    form after the objective; their X and S are transposed).
    """

    def __init__(
        self,
        *,
        feature_penalty: float = 1.0,
        semantic_penalty: float = 1.0,
        target_coding: Literal["zero-one", "plus-minus"] = "zero-one",
    ) -> None:
        self.feature_penalty, self.semantic_penalty = feature_penalty, semantic_penalty
        self.target_coding = target_coding

    def _fit(self, X: Vectors, y: Indexes) -> None:
        S = self.class_vectors_[self.seen_classes_]  # (c_seen, a)
        products = sums_and_counts(X, y, self.seen_classes_)[0].T  # (d, c_seen), X'Y
        if self.target_coding == "plus-minus":
            products = 2 * products - products.sum(axis=1, keepdims=True)
        left = ridge_solve(gram(X), products @ S, penalty=self.feature_penalty)  # (d, a)
        self.bilinear_ = ridge_solve(S.T @ S, left.T, penalty=self.semantic_penalty).T  # (d, a)

    def _scores(self, X: Vectors) -> NDArray[np.floating]:
        return X @ (self.bilinear_ @ self.class_vectors_.T).astype(np.float32)
