"""Classes as Gaussians whose parameters follow from their attributes, and features drawn from them."""

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from anyshot.base.items import class_sums
from anyshot.base.validation import Indexes, RandomState, Vectors, generator
from anyshot.zero_shot.class_vectors import Floats, class_kernel, smoother, standardized
from anyshot.zero_shot.ridge import gram
from anyshot.zero_shot.standard import ZeroShotEstimator

Covariance: TypeAlias = Literal["shared", "diagonal"]


def within_covariance(X: Vectors, sums: Floats, counts: NDArray[np.integer], *, shrinkage: float) -> Floats:
    """Return the items' covariance (d, d) about their class means, drawn to a sphere by `shrinkage` (0 to 1).

    sums (c, d), counts (c,): of the classes' rows of `X` (n, d).
    """
    means = sums / counts[:, None]
    within = (gram(X) - sums.T @ means) / len(X)  # (d, d)
    sphere = np.trace(within) / len(within) * np.eye(len(within))
    return np.asarray((1 - shrinkage) * within + shrinkage * sphere)


def class_variances(X: Vectors, y: Indexes, classes: Indexes, *, shrinkage: float) -> Floats:
    """Return the variance of each feature in each class (c_seen, d), drawn to the mean over features."""
    variance = np.stack([X[y == k].var(axis=0, dtype=np.float64) for k in classes])  # (c_seen, d)
    middle = max(float(variance.mean()), 1e-12)
    return (1 - shrinkage) * variance + shrinkage * middle + 1e-6 * middle


class GaussianZeroShotClassifier(ZeroShotEstimator):
    """Each class is a Gaussian; those of unseen classes are predicted from their attributes.

    Means, and logarithms of variances, are carried from seen to unseen classes by kernel ridge on the class vectors.

    Parameters
    ----------
    covariance : {"shared", "diagonal"}, default="shared"
        One full covariance for all classes, or variances of its own for each class, as in the paper.
    shrinkage : float, default=0.3
        How far the covariance is drawn to a sphere, 0 to 1.
    penalty : float, default=0.1
        Ridge of the kernel over classes, whose diagonal is 1.

    Attributes
    ----------
    means_ : ndarray of shape (n_classes, n_features)
        Measured for seen classes, predicted for unseen ones.
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
        self.covariance: Covariance = covariance
        self.shrinkage = shrinkage
        self.penalty = penalty

    def predict_proba(self, X: ArrayLike, candidates: ArrayLike | None = None) -> Floats:
        """Return the posterior (n, c) under equally frequent classes; 0 outside the candidates."""
        return np.asarray(softmax(self.decision_function(X, candidates), axis=1))

    def sample(
        self, classes: ArrayLike, *, n_samples: int, random_state: RandomState = None
    ) -> tuple[Vectors, Indexes]:
        """Draw `n_samples` features of each of `classes`: (k * n_samples, d) and their classes (k * n_samples,)."""
        index = np.repeat(np.asarray(classes, dtype=np.intp), n_samples)
        noise = generator(random_state).standard_normal((len(index), self.n_features_in_), dtype=np.float32)
        if self.covariance == "shared":
            noise = noise @ self.factor_.T.astype(np.float32)
        else:
            noise *= np.sqrt(self.variances_[index]).astype(np.float32)
        return self.means_[index].astype(np.float32) + noise, index

    def _fit(self, X: Vectors, y: Indexes) -> None:
        seen = self.seen_classes_
        counts, sums = np.bincount(y, minlength=len(self.classes_))[seen], class_sums(X, y, len(self.classes_))[seen]
        table = standardized(self.class_vectors_, seen)
        carry = smoother(class_kernel(table, seen, kernel="rbf"), seen, penalty=self.penalty)  # (c, c_seen)
        self.means_ = _carried(carry, sums / counts[:, None], seen)
        if self.covariance == "shared":
            self.factor_ = cholesky(within_covariance(X, sums, counts, shrinkage=self.shrinkage), lower=True)
        else:
            variances = class_variances(X, y, seen, shrinkage=self.shrinkage)
            self.variances_ = np.exp(_carried(carry, np.log(variances), seen))

    def _scores(self, X: Vectors) -> NDArray[np.floating]:
        if self.covariance == "shared":
            # log N up to what all classes share: m' C^-1 x - m' C^-1 m / 2.
            whitened = solve_triangular(self.factor_, self.means_.T, lower=True)  # (d, c)
            weights = solve_triangular(self.factor_.T, whitened, lower=False)  # (d, c)
            return np.asarray(X @ weights.astype(np.float32) - (whitened**2).sum(axis=0) / 2)
        precise = 1 / self.variances_  # (c, d)
        items = X.astype(np.float64)
        squares = items**2 @ precise.T - 2 * items @ (self.means_ * precise).T + (self.means_**2 * precise).sum(axis=1)
        return np.asarray(-(squares + np.log(self.variances_).sum(axis=1)) / 2)


class FeatureGeneratingClassifier(ZeroShotEstimator):
    """Draw features of the unseen classes, then train an ordinary classifier on all.

    Parameters
    ----------
    n_samples : int or "match", default="match"
        Features drawn for each unseen class; "match" draws as many as a seen class has in the mean.
    C : float, default=10.0
        Inverse penalty of the logistic regression.
    shrinkage, penalty : floats, defaults 0.3 and 0.1
        Of the Gaussian model they are drawn from; see `GaussianZeroShotClassifier`.
    random_state : int, generator or None, default=None
        Of the draws.

    Attributes
    ----------
    source_ : GaussianZeroShotClassifier
        Where features are drawn from.
    head_ : LogisticRegression
        Over all classes.

    References
    ----------
    Xian, Lorenz, Schiele, Akata. Feature Generating Networks for Zero-Shot Learning. CVPR 2018: the protocol, with
    Gaussians in the place of the adversarial network.
    """

    def __init__(
        self,
        *,
        n_samples: int | Literal["match"] = "match",
        C: float = 10.0,
        shrinkage: float = 0.3,
        penalty: float = 0.1,
        random_state: RandomState = None,
    ) -> None:
        self.n_samples: int | Literal["match"] = n_samples
        self.C = C
        self.shrinkage = shrinkage
        self.penalty = penalty
        self.random_state = random_state

    def predict_proba(self, X: ArrayLike, candidates: ArrayLike | None = None) -> Floats:
        """Return the head's probabilities (n, c), made to sum to 1 over the candidates."""
        return np.asarray(softmax(self.decision_function(X, candidates), axis=1))

    def _n_seen_needed(self) -> int:
        return 2

    def _fit(self, X: Vectors, y: Indexes) -> None:
        self.source_ = GaussianZeroShotClassifier(shrinkage=self.shrinkage, penalty=self.penalty)
        self.source_.fit(X, y, class_vectors=self.class_vectors_)
        n = round(len(y) / len(self.seen_classes_)) if self.n_samples == "match" else self.n_samples
        drawn, index = self.source_.sample(self.unseen_classes_, n_samples=n, random_state=self.random_state)
        head = LogisticRegression(C=self.C, max_iter=1000)
        self.head_ = head.fit(np.concatenate([X, drawn]), np.concatenate([y, index]))

    def _scores(self, X: Vectors) -> NDArray[np.floating]:
        return np.asarray(self.head_.predict_log_proba(X))


def _carried(carry: Floats, known: Floats, seen: Indexes) -> Floats:
    """Return what is known of seen classes, and what follows from it for the others (c, t)."""
    whole = carry @ known
    whole[seen] = known
    return whole
