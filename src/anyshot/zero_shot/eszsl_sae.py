"""ESZSL, SAE and ridge regression: linear maps between features and attributes in closed form."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from anyshot.base.items import class_sums
from anyshot.base.validation import Floats, Indexes, Vectors, unit
from anyshot.zero_shot.base import ZeroShotEstimator
from anyshot.zero_shot.class_vectors import Kernel, gram, kernel_ridge_weights, ridge_solve, sums_and_counts, unit_rows


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
