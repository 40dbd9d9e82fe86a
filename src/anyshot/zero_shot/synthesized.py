"""Synthesized classifiers (SYNC): every class's weights are a combination of those of phantom classes."""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lstsq
from scipy.special import softmax

from anyshot.base.validation import Indexes, Vectors
from anyshot.zero_shot.binary_heads import fit_binary_heads
from anyshot.zero_shot.class_vectors import Floats
from anyshot.zero_shot.standard import ZeroShotEstimator


def phantom_weights(table: Floats, phantoms: Floats, *, width: float) -> Floats:
    """Return s (c, r): softmax over the phantoms of -|a_c - b_r|^2 / width. Changpinyo et al. 2016, eq. (2)."""
    distance = ((table[:, None, :] - phantoms[None, :, :]) ** 2).sum(axis=2)  # (c, r)
    return np.asarray(softmax(-distance / width, axis=1))


class SYNCClassifier(ZeroShotEstimator):
    """Combine base classifiers, one for each phantom class, by nearness of the class vectors.

    Phantoms stand at the seen classes' vectors. Then the seen classes' weights W_seen = s_seen V may take any value, so
    that the best ones are one-against-others classifiers fitted freely, and the bases follow, V = s_seen^-1 W_seen.

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

    def __init__(self, *, width: float = 1.0, C: float = 1.0) -> None:
        self.width = width
        self.C = C

    def _n_seen_needed(self) -> int:
        return 2

    def _fit(self, X: Vectors, y: Indexes) -> None:
        phantoms = self.class_vectors_[self.seen_classes_]  # (c_seen, a)
        targets = np.where(y[:, None] == self.seen_classes_[None, :], 1, -1)  # (n, c_seen)
        known, offset = fit_binary_heads(X, targets, C=self.C, loss="squared-hinge")
        pairs = 2 - 2 * (phantoms @ phantoms.T)[np.triu_indices(len(phantoms), k=1)]  # squared distances
        weights = phantom_weights(self.class_vectors_, phantoms, width=self.width * float(np.median(pairs)))  # (c, r)
        bases = lstsq(weights[self.seen_classes_], np.column_stack([known, offset]))[0]  # (r, d + 1)
        whole = weights @ bases  # (c, d + 1)
        self.coef_, self.intercept_ = whole[:, :-1], whole[:, -1]

    def _scores(self, X: Vectors) -> NDArray[np.floating]:
        return np.asarray(X @ self.coef_.T.astype(np.float32) + self.intercept_.astype(np.float32))
