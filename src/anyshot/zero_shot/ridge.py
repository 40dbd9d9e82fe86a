"""Ridge regression from features to attributes, and kernel ridge regression from attributes to class means.

The estimators of closed form use Gram matrices of features or attributes, never of items, so that their memory is
proportional to the data. Products over items are computed in float32, the small systems are solved in float64.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from anyshot.base.items import class_sums
from anyshot.base.validation import Indexes, Vectors, unit
from anyshot.zero_shot.base import ZeroShotEstimator
from anyshot.zero_shot.class_vectors import Floats, Kernel, kernel_ridge_weights, unit_rows


def gram(X: Vectors) -> Floats:
    """Return X'X (d, d) of `X` (n, d)."""
    return np.asarray(X.T @ X, dtype=np.float64)


def ridge_solve(square: Floats, right: Floats, *, penalty: float) -> Floats:
    """Return (square + penalty I)^-1 right, for a symmetric `square` (d, d) and `right` (d, m)."""
    factor = cho_factor(square + penalty * np.eye(len(square)), overwrite_a=True)
    return np.asarray(cho_solve(factor, right))


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
        self.kernel: Kernel = kernel
        self.penalty = penalty

    def _fit(self, X: Vectors, y: Indexes) -> None:
        S, seen = self.class_vectors_, self.seen_classes_
        counts = np.bincount(y, minlength=len(S))[seen]
        means = class_sums(X, y, len(S))[seen] / counts[:, None]  # (c_seen, d)
        weights = kernel_ridge_weights(S, S[seen], penalty=self.penalty, kernel=self.kernel)
        self.prototypes_ = unit_rows(weights @ means)

    def _scores(self, X: Vectors) -> NDArray[np.floating]:
        return unit(X) @ self.prototypes_.T.astype(np.float32)
