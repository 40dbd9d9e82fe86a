"""SAE, the semantic autoencoder: one map to class vectors and, transposed, back."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from anyshot.base.validation import Floats, Indexes, Vectors, unit
from anyshot.zero_shot.base import ZeroShotEstimator
from anyshot.zero_shot.class_vectors import gram, sums_and_counts


class SAE(ZeroShotEstimator):
    """Semantic autoencoder: one matrix encodes features into attributes, its transpose decodes them.

    W (a, d) minimizes |X' - W'S'|^2 + penalty |W X' - S'|^2, where S (n, a) are the class vectors of the items: a
    Sylvester equation, A W + W B = C with A = S'S, B = penalty X'X, C = (1 + penalty) S'X.

    Parameters
    ----------
    penalty : float, default=1.0
        Weight of the encoder against the decoder.
    scoring : {"to-features", "to-semantics"}, default="to-features"
        Scores are cosines between an item and the decoded class vectors, or between the encoded item and the class
        vectors.

    Attributes
    ----------
    encoder_ : ndarray of shape (n_attributes, n_features)
        W.

    References
    ----------
    Kodirov, Xiang, Gong. Semantic Autoencoder for Zero-Shot Learning. CVPR 2017, section 3.
    """

    def __init__(
        self, *, penalty: float = 1.0, scoring: Literal["to-features", "to-semantics"] = "to-features"
    ) -> None:
        self.penalty, self.scoring = penalty, scoring

    def _fit(self, X: Vectors, y: Indexes) -> None:
        S = self.class_vectors_[self.seen_classes_]  # (c_seen, a)
        sums, counts = sums_and_counts(X, y, self.seen_classes_)
        A, B, C = (S.T * counts) @ S, self.penalty * gram(X), (1 + self.penalty) * (S.T @ sums)
        self.encoder_ = solve_symmetric_sylvester(A, B, C)

    def _scores(self, X: Vectors) -> NDArray[np.floating]:
        if self.scoring == "to-features":
            return unit(X) @ unit(self.class_vectors_ @ self.encoder_).T
        return unit(X @ self.encoder_.T.astype(np.float32)) @ self.class_vectors_.T.astype(np.float32)


def solve_symmetric_sylvester(A: Floats, B: Floats, C: Floats) -> Floats:
    """Solve A W + W B = C for W (a, d), with `A` (a, a) and `B` (d, d) symmetric and positive semi-definite.

    With A = P diag(p) P' and B = Q diag(q) Q' the equation reads (p_i + q_j) (P'W Q)_ij = (P'C Q)_ij. Where both
    eigenvalues are zero, any value solves it; 0 gives the solution of least norm.
    """
    p, P = eigh(A)
    q, Q = eigh(B)
    sums = np.maximum(p, 0)[:, None] + np.maximum(q, 0)[None, :]  # (a, d)
    solvable = sums > 1e-7 * sums.max()  # the precision of float32 Gram matrices
    inner = np.where(solvable, P.T @ C @ Q, 0) / np.where(solvable, sums, 1)
    return np.asarray(P @ inner @ Q.T)
