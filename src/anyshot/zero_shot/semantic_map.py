"""Linear classifiers for all classes from those of the seen classes, by kernel ridge regression on class vectors.

`SemanticMapClassifier` is for class vectors in another space than the items, such as attributes or word vectors. The
weights of the seen classes are those of the regularized linear discriminant: with class means M (c_seen, d), their mean
mu and the covariance T of the items about mu,

    W_seen = (M - mu) (T + shrinkage * tr(T) / d * I)^-1

which is, up to scale, ridge regression from centered features to classes. The weights of all classes are predicted from
them by kernel ridge regression on the class vectors' z-scores over the seen classes: W = K[:, seen] (K[seen, seen] +
penalty I)^-1 W_seen. Every part is invariant to scale, so that the defaults need no tuning. W may serve as the prior of
a head.

`CorrectedVectorClassifier` is for class vectors in the space of the items, such as an encoder's vectors of the names.
It keeps them and learns their error only: with unit rows S and M, R = M - S[seen], W = S + K[:, seen] (K[seen, seen] +
penalty I)^-1 R. This is Gaussian process regression with the prior mean S.
"""

import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anyshot.base.validation import Floats, Indexes, Vectors, unit
from anyshot.errors import WidthError
from anyshot.zero_shot.base import ProbabilisticZeroShotEstimator
from anyshot.zero_shot.class_vectors import (
    gram,
    kernel_ridge_weights,
    ridge_solve,
    standardized,
    sums_and_counts,
    unit_rows,
)


def discriminant_weights(X: Vectors, y: Indexes, classes: Indexes, *, shrinkage: float) -> tuple[Floats, Floats]:
    """Return the weights (c_seen, d) of regularized linear discriminants, of mean length 1, and the center (d,).

    X (n, d), y (n,): every class of `classes` has a row. The center is the mean of the class means, so that the scores
    of an item x are weights @ (x - center), whatever the sizes of the classes.
    """
    sums, counts = sums_and_counts(X, y, classes)
    means = sums / counts[:, None]  # (c_seen, d)
    center = means.mean(axis=0)  # (d,)
    about = np.outer(sums.sum(axis=0), center)  # (d, d)
    covariance = (gram(X) - about - about.T) / len(X) + np.outer(center, center)  # (d, d)
    # Where all items are copies of one, the covariance is only the rounding error of X'X, which may be negative.
    rounding = 10 * np.finfo(np.float32).eps * float(np.square(X).sum(axis=1).mean())
    penalty = max(shrinkage * np.trace(covariance) / len(covariance), rounding, 1e-12)
    weights = ridge_solve(covariance, (means - center).T, penalty=float(penalty)).T  # (c_seen, d)
    length = np.sqrt((weights**2).sum(axis=1).mean())
    return weights / max(length, 1e-12), center


def corrected_vectors(
    S: ArrayLike,
    X: Vectors,
    y: Indexes,
    seen: Indexes,
    *,
    penalty: float = 0.1,
    noise: float = 3.0,
    counts: Floats | None = None,
) -> tuple[Floats, Floats]:
    """Return class vectors (c, d) corrected by labels, and the weights (c, c_seen) of the seen classes' corrections.

    S (c, d) and X (n, d) of unit length in one space; y (n,) rows of S; seen (c_seen,) the classes in y; penalty: of
    kernel ridge regression; noise: added to it, divided by the number of labels of a class; counts (c_seen,): these
    numbers, by default those of rows. If rows have weights, X is multiplied by them, and counts are their sums.
    """
    table = np.asarray(S, dtype=np.float64)
    means = unit_rows(sums_and_counts(X, y, seen)[0])  # (c_seen, d)
    n_labels = np.bincount(y)[seen] if counts is None else counts
    weights = kernel_ridge_weights(table, table[seen], penalty=penalty + noise / n_labels)
    return unit_rows(table + weights @ (means - table[seen])), weights


class SemanticMapClassifier(ProbabilisticZeroShotEstimator):
    """Linear classifiers for all classes, predicted from those of seen classes with similar attributes.

    Parameters
    ----------
    shrinkage : float, default=1.0
        Added to the diagonal of the covariance, in units of its mean eigenvalue.
    penalty : float, default=0.1
        Of kernel ridge regression over classes; the diagonal of the kernel is 1.
    label_noise : float, default=3.0
        Added to the penalty of a class, divided by its number of labels: the weights of a class with few labels then
        depend more on similar classes.
    temperature : float, default=0.1
        Divides the scores before softmax in `predict_proba`.

    Attributes
    ----------
    coef_ : ndarray of shape (n_classes, n_features)
        Weights of all classes; those of the seen classes have mean length 1.
    intercept_ : ndarray of shape (n_classes,)
        Added to the scores: -coef_ @ center_.
    center_ : ndarray of shape (n_features,)
        Mean of the seen classes' means.
    kernel_weights_ : ndarray of shape (n_classes, n_seen)
        Weight of each seen class in the classifier of each class.

    References
    ----------
    Close to Changpinyo, Chao, Gong, Sha. Synthesized Classifiers for Zero-Shot Learning. CVPR 2016, with the seen
    classes as phantoms, kernel ridge regression for the softmax weights and a discriminant for the hinge loss.
    """

    _min_seen = 2

    def __init__(
        self, *, shrinkage: float = 1.0, penalty: float = 0.1, label_noise: float = 3.0, temperature: float = 0.1
    ) -> None:
        self.shrinkage, self.penalty, self.label_noise = shrinkage, penalty, label_noise
        self.temperature = temperature

    def _fit(self, X: Vectors, y: Indexes) -> None:
        seen = self.seen_classes_
        of_seen, self.center_ = discriminant_weights(X, y, seen, shrinkage=self.shrinkage)
        table = standardized(self.class_vectors_, seen)
        penalties = self.penalty + self.label_noise / np.bincount(y)[seen]  # (c_seen,)
        self.kernel_weights_ = kernel_ridge_weights(table, table[seen], penalty=penalties)  # (c, c_seen)
        self.coef_ = self.kernel_weights_ @ of_seen  # (c, d)
        self.intercept_ = -self.coef_ @ self.center_  # (c,)

    def _scores(self, X: Vectors) -> NDArray[np.floating]:
        return X @ self.coef_.T.astype(np.float32) + self.intercept_.astype(np.float32)


def mapped_weights(X: Vectors, y: Indexes, class_vectors: Vectors) -> Floats:
    """Return the weights (c, d) of a `SemanticMapClassifier`, where every class may have labels.

    X (n, d), y (n,): labeled items; class_vectors (c, a).
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it warns that there is no class without labels
        return SemanticMapClassifier().fit(X, y, class_vectors=class_vectors).coef_


class CorrectedVectorClassifier(ProbabilisticZeroShotEstimator):
    """Cosine with class vectors that the seen classes correct; class vectors are in the space of the items.

    Parameters
    ----------
    penalty, label_noise, temperature : floats, defaults 0.1, 3.0 and 0.1
        As in `SemanticMapClassifier`; a large penalty leaves the class vectors as they are.

    Attributes
    ----------
    coef_ : ndarray of shape (n_classes, n_features)
        The corrected class vectors, of unit length.
    kernel_weights_ : ndarray of shape (n_classes, n_seen)
        Weight of each seen class's correction in that of each class.
    """

    def __init__(self, *, penalty: float = 0.1, label_noise: float = 3.0, temperature: float = 0.1) -> None:
        self.penalty, self.label_noise, self.temperature = penalty, label_noise, temperature

    def _fit(self, X: Vectors, y: Indexes) -> None:
        S, seen = self.class_vectors_, self.seen_classes_
        if S.shape[1] != X.shape[1]:
            raise WidthError(
                f"Corrected class vectors must be as wide as the items; the items are {X.shape[1]} wide, the class "
                f"vectors {S.shape[1]}. Use SemanticMapClassifier, which learns a map between the two."
            )
        self.coef_, self.kernel_weights_ = corrected_vectors(
            S, unit(X), y, seen, penalty=self.penalty, noise=self.label_noise
        )

    def _scores(self, X: Vectors) -> NDArray[np.floating]:
        return unit(X) @ self.coef_.T.astype(np.float32)
