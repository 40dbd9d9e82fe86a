"""SYNC: classifiers of all classes as combinations of those of phantom classes."""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lstsq
from scipy.special import softmax

from anyshot.base.validation import Floats, Indexes, Vectors
from anyshot.zero_shot.base import ZeroShotEstimator
from anyshot.zero_shot.binary_classifiers import fit_binary_classifiers
from anyshot.zero_shot.class_vectors import median_squared_distance, squared_distances


def phantom_weights(table: Floats, phantoms: Floats, *, width: float) -> Floats:
    """Return s (c, r): softmax over the phantoms of -|a_c - b_r|^2 / width. Changpinyo et al. 2016, eq. (2)."""
    return np.asarray(softmax(-squared_distances(table, phantoms) / width, axis=1))


class SYNC(ZeroShotEstimator):
    """Combine base classifiers, one for each phantom class, with weights by the distance of the class vectors.

    The phantom classes have the vectors of the seen classes. Then the seen classes' weights W_seen = s_seen V may take
    any value, so that they are fitted as one-vs-rest classifiers, and the bases follow, V = s_seen^-1 W_seen.

    Parameters
    ----------
    width : float, default=1.0
        Of the softmax over phantoms, in units of the median squared distance between seen classes.
    C : float, default=1.0
        Inverse penalty of the squared hinge loss.

    Attributes
    ----------
    coef_, intercept_ : ndarrays of shape (n_classes, n_features) and (n_classes,)
        Classifiers of all classes.

    References
    ----------
    Changpinyo, Chao, Gong, Sha. Synthesized Classifiers for Zero-Shot Learning. CVPR 2016, eq. (2) to (5), SYNC o-vs-o.
    """

    _min_seen = 2

    def __init__(self, *, width: float = 1.0, C: float = 1.0) -> None:
        self.width, self.C = width, C

    def _fit(self, X: Vectors, y: Indexes) -> None:
        phantoms = self.class_vectors_[self.seen_classes_]  # (c_seen, a)
        targets = np.where(y[:, None] == self.seen_classes_[None, :], 1, -1)  # (n, c_seen)
        coef, intercept = fit_binary_classifiers(X, targets, C=self.C, loss="squared-hinge")
        width = self.width * median_squared_distance(phantoms)
        weights = phantom_weights(self.class_vectors_, phantoms, width=width)  # (c, r)
        bases = lstsq(weights[self.seen_classes_], np.column_stack([coef, intercept]))[0]  # (r, d + 1)
        synthesized = weights @ bases  # (c, d + 1)
        self.coef_, self.intercept_ = synthesized[:, :-1], synthesized[:, -1]

    def _scores(self, X: Vectors) -> NDArray[np.floating]:
        return np.asarray(X @ self.coef_.T.astype(np.float32) + self.intercept_.astype(np.float32))
