"""Ridge regression from items to class vectors, and from class vectors to class means."""

import numpy as np
from numpy.typing import NDArray

from anyshot.base.validation import Indexes, Vectors, class_sums, unit
from anyshot.zero_shot.base import ZeroShotEstimator
from anyshot.zero_shot.class_vectors import Kernel, gram, kernel_ridge_weights, ridge_solve, sums_and_counts, unit_rows


class SemanticRidge(ZeroShotEstimator):
    """Ridge regression from features to attributes; predicts the class whose vector has the largest cosine.

    Parameters
    ----------
    penalty : float, default=1.0
        On the scale of X'X.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features, n_attributes)
        (X'X + penalty I)^-1 X'S, where S (n, a) are the class vectors of the items.

    References
    ----------
    Palatucci, Pomerleau, Hinton, Mitchell. Zero-shot Learning with Semantic Output Codes. NIPS 2009, section 4.
    """

    def __init__(self, *, penalty: float = 1.0) -> None:
        self.penalty = penalty

    def _fit(self, X: Vectors, y: Indexes) -> None:
        targets = class_sums(X, y, len(self.classes_)).T @ self.class_vectors_  # (d, a)
        self.coef_ = ridge_solve(gram(X), targets, penalty=self.penalty)

    def _scores(self, X: Vectors) -> NDArray[np.floating]:
        return unit(X @ self.coef_.astype(np.float32)) @ self.class_vectors_.T.astype(np.float32)


class PrototypeRidge(ZeroShotEstimator):
    """Kernel ridge regression from attributes to class means; predicts the class whose mean has the largest cosine.

    The kernel matrix is over classes, (c, c): its cost does not depend on the number of items.

    Parameters
    ----------
    kernel : {"linear", "rbf"}, default="rbf"
        Between two class vectors; see `kernel_ridge_weights`.
    penalty : float, default=0.1
        On the scale of the kernel, whose diagonal is 1.

    Attributes
    ----------
    prototypes_ : ndarray of shape (n_classes, n_features)
        Predicted means of all classes, scaled to unit length.

    References
    ----------
    Changpinyo, Chao, Sha. Predicting Visual Exemplars of Unseen Classes for Zero-Shot Learning. ICCV 2017, section 3
    (EXEM).
    """

    def __init__(self, *, kernel: Kernel = "rbf", penalty: float = 0.1) -> None:
        self.kernel, self.penalty = kernel, penalty

    def _fit(self, X: Vectors, y: Indexes) -> None:
        S, seen = self.class_vectors_, self.seen_classes_
        sums, counts = sums_and_counts(X, y, seen)
        weights = kernel_ridge_weights(S, S[seen], penalty=self.penalty, kernel=self.kernel)
        self.prototypes_ = unit_rows(weights @ (sums / counts[:, None]))

    def _scores(self, X: Vectors) -> NDArray[np.floating]:
        return unit(X) @ self.prototypes_.T.astype(np.float32)
