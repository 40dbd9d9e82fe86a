"""GFZSL and feature generation: classes as Gaussian distributions, predicted from attributes for unseen classes."""

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cholesky, solve_triangular
from sklearn.linear_model import LogisticRegression

from anyshot.base.validation import Floats, Indexes, RandomState, Vectors, generator
from anyshot.errors import InputError
from anyshot.zero_shot.base import ProbabilisticZeroShotEstimator
from anyshot.zero_shot.class_vectors import gram, kernel_ridge_weights, standardized, sums_and_counts

Covariance: TypeAlias = Literal["shared", "diagonal"]


def within_covariance(X: Vectors, means: Floats, *, shrinkage: float) -> Floats:
    """Return the covariance (d, d) of items about their class means, shrunk to a multiple of I by `shrinkage` (0 to 1).

    X (n, d); means (n, d): that of the class of each item.
    """
    within = gram((X - means).astype(np.float32)) / len(X)  # (d, d)
    float32 = np.finfo(np.float32)  # the variance is at least a rounding error: all items of a class may be the same
    rounding = max(float32.eps**2 * np.square(X, dtype=np.float64).mean(), float32.tiny)
    isotropic = max(shrinkage * np.trace(within) / len(within), rounding)
    return np.asarray((1 - shrinkage) * within + isotropic * np.eye(len(within)))


def class_variances(X: Vectors, y: Indexes, classes: Indexes, *, shrinkage: float) -> Floats:
    """Return the variance of each feature in each class (c_seen, d), shrunk to the mean over features."""
    variance = np.stack([X[y == k].var(axis=0, dtype=np.float64) for k in classes])  # (c_seen, d)
    mean = max(float(variance.mean()), 1e-12)
    return (1 - shrinkage) * variance + shrinkage * mean + 1e-6 * mean


class GFZSL(ProbabilisticZeroShotEstimator):
    """Generative model with a Gaussian distribution for each class.

    The means and log-variances of unseen classes are predicted from those of seen classes by kernel ridge regression on
    the class vectors.

    Parameters
    ----------
    covariance : {"shared", "diagonal"}, default="shared"
        One full covariance for all classes, or variances for each class as in the paper.
    shrinkage : float, default=0.3
        How far the covariance is shrunk to a multiple of the identity, 0 to 1.
    penalty : float, default=0.1
        Of kernel ridge regression; the diagonal of the kernel is 1.

    Attributes
    ----------
    means_ : ndarray of shape (n_classes, n_features)
        Means of the items of seen classes, predictions for unseen ones.
    factor_ : ndarray of shape (n_features, n_features), "shared" only
        Lower Cholesky factor of the covariance.
    variances_ : ndarray of shape (n_classes, n_features), "diagonal" only
        Variances of each class.

    References
    ----------
    Verma, Rai. A Simple Exponential Family Framework for Zero-Shot Learning. ECML-PKDD 2017, section 3 (GFZSL, the
    non-linear variant).
    """

    def __init__(self, *, covariance: Covariance = "shared", shrinkage: float = 0.3, penalty: float = 0.1) -> None:
        self.covariance, self.shrinkage, self.penalty = covariance, shrinkage, penalty

    def sample(
        self, classes: ArrayLike, *, n_samples: int, random_state: RandomState = None
    ) -> tuple[Vectors, Indexes]:
        """Draw `n_samples` features from each of `classes`: (k * n_samples, d) and their classes (k * n_samples,)."""
        index = np.repeat(np.asarray(classes, dtype=np.intp), n_samples)
        noise = generator(random_state).standard_normal((len(index), self.n_features_in_), dtype=np.float32)
        if self.covariance == "shared":
            noise = noise @ self.factor_.T.astype(np.float32)
        else:
            noise *= np.sqrt(self.variances_[index]).astype(np.float32)
        return self.means_[index].astype(np.float32) + noise, index

    def _fit(self, X: Vectors, y: Indexes) -> None:
        if self.shrinkage > 1:
            raise InputError(f"shrinkage must be from 0 to 1; it is {self.shrinkage!r}.")
        seen = self.seen_classes_
        sums, counts = sums_and_counts(X, y, seen)
        table = standardized(self.class_vectors_, seen)
        weights = kernel_ridge_weights(table, table[seen], penalty=self.penalty)  # (c, c_seen)
        self.means_ = _predicted_for_unseen(weights, sums / counts[:, None], seen)
        if self.covariance == "shared":
            self.factor_ = cholesky(within_covariance(X, self.means_[y], shrinkage=self.shrinkage), lower=True)
        else:
            variances = class_variances(X, y, seen, shrinkage=self.shrinkage)
            self.variances_ = np.exp(_predicted_for_unseen(weights, np.log(variances), seen))

    def _scores(self, X: Vectors) -> NDArray[np.floating]:
        if self.covariance == "shared":
            # log N up to a constant of the item: m' C^-1 x - m' C^-1 m / 2, with m and x about the mean of the means.
            center = self.means_.mean(axis=0)  # (d,)
            whitened = solve_triangular(self.factor_, (self.means_ - center).T, lower=True)  # (d, c)
            weights = solve_triangular(self.factor_.T, whitened, lower=False)  # (d, c)
            return np.asarray((X - center) @ weights - (whitened**2).sum(axis=0) / 2)
        precision = 1 / self.variances_  # (c, d)
        items = X.astype(np.float64)
        squares = items**2 @ precision.T - 2 * items @ (self.means_ * precision).T
        squares += (self.means_**2 * precision).sum(axis=1)
        return np.asarray(-(squares + np.log(self.variances_).sum(axis=1)) / 2)


def _predicted_for_unseen(weights: Floats, values: Floats, seen: Indexes) -> Floats:
    """Return the `values` of seen classes and their predictions for the other classes (c, t)."""
    predicted = weights @ values
    predicted[seen] = values
    return predicted


class FeatureGeneration(ProbabilisticZeroShotEstimator):
    """Sample features of the unseen classes from `GFZSL`, then train logistic regression on all classes.

    Parameters
    ----------
    n_samples : int or "match", default="match"
        Features generated for each unseen class; "match" uses the mean number of items of a seen class.
    C : float, default=10.0
        Inverse penalty of the logistic regression.
    shrinkage, penalty : floats, defaults 0.3 and 0.1
        Of the Gaussian model; see `GFZSL`.
    random_state : int, generator or None, default=None
        Of the generated features.

    Attributes
    ----------
    generator_ : GFZSL
        The model that generates features.
    head_ : LogisticRegression
        Over all classes.

    References
    ----------
    Xian, Lorenz, Schiele, Akata. Feature Generating Networks for Zero-Shot Learning. CVPR 2018: the protocol, with
    Gaussian distributions instead of the adversarial network.
    """

    _min_seen = 2

    def __init__(
        self,
        *,
        n_samples: int | Literal["match"] = "match",
        C: float = 10.0,
        shrinkage: float = 0.3,
        penalty: float = 0.1,
        random_state: RandomState = None,
    ) -> None:
        self.n_samples, self.C, self.shrinkage, self.penalty = n_samples, C, shrinkage, penalty
        self.random_state = random_state

    def _fit(self, X: Vectors, y: Indexes) -> None:
        self.generator_ = GFZSL(shrinkage=self.shrinkage, penalty=self.penalty)
        self.generator_.fit(X, y, class_vectors=self.class_vectors_)
        n = round(len(y) / len(self.seen_classes_)) if self.n_samples == "match" else self.n_samples
        features, index = self.generator_.sample(self.unseen_classes_, n_samples=n, random_state=self.random_state)
        head = LogisticRegression(C=self.C, max_iter=1000)
        self.head_ = head.fit(np.concatenate([X, features]), np.concatenate([y, index]))

    def _scores(self, X: Vectors) -> NDArray[np.floating]:
        scores = self.head_.decision_function(X)  # (n, c), or (n,) with two classes
        return scores if scores.ndim == 2 else np.stack([np.zeros_like(scores), scores], axis=1)
