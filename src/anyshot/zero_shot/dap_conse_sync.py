"""DAP, ConSE and SYNC: zero-shot learning from classifiers of attributes or of seen classes."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lstsq
from scipy.optimize import minimize
from scipy.special import expit, log_expit, softmax
from sklearn.linear_model import LogisticRegression

from anyshot.base.validation import Floats, Indexes, Vectors, unit
from anyshot.errors import ClassesError
from anyshot.zero_shot.base import ProbabilisticZeroShotEstimator, ZeroShotEstimator
from anyshot.zero_shot.class_vectors import median_squared_distance, squared_distances


def fit_binary_classifiers(
    X: Vectors,
    targets: NDArray[np.floating],
    *,
    C: float,
    loss: Literal["logistic", "squared-hinge"],
    max_steps: int = 100,
) -> tuple[Floats, Floats]:
    """Return the weights (m, d) and intercepts (m,) of m linear classifiers with the same penalty.

    X (n, d); targets (n, m) of -1 and 1. Each minimizes |w|^2 / 2 + C sum_i loss(t_i (w x_i + b)), where loss(z) is
    log(1 + e^-z) or max(0, 1 - z)^2; the intercept is not penalized. Solved together by L-BFGS with at most `max_steps`
    steps: the predictions converge long before the weights do.
    """
    d, m = X.shape[1], targets.shape[1]
    signs = targets.astype(np.float32)

    def objective(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(d + 1, m)
        margins = signs * (X @ weights[:d].astype(np.float32) + weights[d].astype(np.float32))  # (n, m)
        if loss == "logistic":
            values, slope = np.logaddexp(0, -margins), -expit(-margins)
        else:
            short = np.maximum(1 - margins, 0)
            values, slope = short**2, -2 * short
        slope *= C * signs  # (n, m)
        gradient = np.vstack([weights[:d] + X.T @ slope, slope.sum(axis=0, dtype=np.float64)])
        return 0.5 * float((weights[:d] ** 2).sum()) + C * float(values.sum(dtype=np.float64)), gradient.ravel()

    found = minimize(objective, np.zeros((d + 1) * m), jac=True, method="L-BFGS-B", options={"maxiter": max_steps})
    weights = found.x.reshape(d + 1, m)
    return weights[:d].T, weights[d]


class DAP(ProbabilisticZeroShotEstimator):
    """Direct attribute prediction: one binary classifier for each attribute; predicts the class that fits them best.

    A class has an attribute if its value is above the mean over all classes. Attributes that all seen classes or none
    of them have cannot be learned and are left out.

    Parameters
    ----------
    C : float, default=10.0
        Inverse penalty of the logistic regressions.

    Attributes
    ----------
    has_attribute_ : ndarray of bool, shape (n_classes, n_attributes)
        Which class has which attribute.
    learned_attributes_ : ndarray
        Columns of `has_attribute_` with a classifier.
    attribute_prior_ : ndarray of shape (n_learned,)
        Fraction of the seen classes that have the attribute.
    coef_, intercept_ : ndarrays of shape (n_learned, n_features) and (n_learned,)
        The attribute classifiers.

    References
    ----------
    Lampert, Nickisch, Harmeling. Attribute-Based Classification for Zero-Shot Visual Object Categorization. TPAMI 2014,
    section 2.2: the posterior of a class is prod_m p(a_m = a_m(class) | x) / p(a_m = a_m(class)), for classes of equal
    prior probability.
    """

    _min_seen = 2

    def __init__(self, *, C: float = 10.0) -> None:
        self.C = C

    def _fit(self, X: Vectors, y: Indexes) -> None:
        self.has_attribute_ = self.class_vectors_ > self.class_vectors_.mean(axis=0)  # (c, a)
        share = self.has_attribute_[self.seen_classes_].mean(axis=0)  # (a,)
        self.learned_attributes_ = np.flatnonzero((share > 0) & (share < 1))
        if not len(self.learned_attributes_):
            raise ClassesError("The seen classes agree in every attribute, so none can be learned. Add attributes.")
        targets = np.where(self.has_attribute_[:, self.learned_attributes_], 1, -1)[y]  # (n, m)
        self.coef_, self.intercept_ = fit_binary_classifiers(X, targets, C=self.C, loss="logistic")
        self.attribute_prior_ = share[self.learned_attributes_]  # (m,)

    def _scores(self, X: Vectors) -> NDArray[np.floating]:
        log_odds = X @ self.coef_.T.astype(np.float32) + self.intercept_  # (n, m)
        return class_log_posterior(log_odds, self.has_attribute_[:, self.learned_attributes_], self.attribute_prior_)


def class_log_posterior(log_odds: Floats, has_attribute: NDArray[np.bool_], prior: Floats) -> Floats:
    """Return sum_m log p(a_m = a_m(k) | x) - log p(a_m = a_m(k)) for every class k (n, c).

    log_odds (n, m): of each attribute; has_attribute (c, m); prior (m,): fraction of the classes that have it.
    """
    yes, no = log_expit(log_odds) - np.log(prior), log_expit(-log_odds) - np.log1p(-prior)  # (n, m) twice
    return np.asarray(yes @ has_attribute.T + no @ ~has_attribute.T)


def convex_combination(probabilities: Floats, S: Floats, *, n_nearest: int) -> Floats:
    """Return the mean class vector (n, a) of each item's most probable seen classes, weighted by their probability.

    probabilities (n, c_seen), S (c_seen, a). Norouzi et al. 2014, eq. (3).
    """
    n_used = min(n_nearest, probabilities.shape[1])
    least = np.partition(probabilities, -n_used, axis=1)[:, -n_used][:, None]  # (n, 1)
    weights = np.where(probabilities >= least, probabilities, 0)
    return np.asarray((weights / weights.sum(axis=1, keepdims=True)) @ S)


class ConSE(ZeroShotEstimator):
    """Convex combination of the vectors of probable seen classes; predicts the class with the largest cosine.

    Parameters
    ----------
    n_nearest : int, default=10
        How many of the most probable seen classes are combined.
    C : float, default=10.0
        Inverse penalty of the logistic regression over the seen classes.

    Attributes
    ----------
    head_ : LogisticRegression
        Over the seen classes.

    References
    ----------
    Norouzi et al. Zero-Shot Learning by Convex Combination of Semantic Embeddings. ICLR 2014, eq. (3) and (4).
    """

    _min_seen = 2

    def __init__(self, *, n_nearest: int = 10, C: float = 10.0) -> None:
        self.n_nearest, self.C = n_nearest, C

    def _fit(self, X: Vectors, y: Indexes) -> None:
        self.head_ = LogisticRegression(C=self.C, max_iter=1000).fit(X, y)

    def _scores(self, X: Vectors) -> NDArray[np.floating]:
        S = self.class_vectors_[self.seen_classes_]
        embedded = convex_combination(self.head_.predict_proba(X), S, n_nearest=self.n_nearest)  # (n, a)
        return unit(embedded) @ self.class_vectors_.T.astype(np.float32)


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
