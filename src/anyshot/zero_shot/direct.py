"""Zero-shot by two steps: what is seen is predicted first, attributes (DAP) or seen classes (ConSE), then the class."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_expit, softmax
from sklearn.linear_model import LogisticRegression

from anyshot.base.validation import Indexes, Vectors, unit
from anyshot.errors import ClassesError
from anyshot.zero_shot.binary_heads import fit_binary_heads
from anyshot.zero_shot.class_vectors import Floats
from anyshot.zero_shot.standard import ZeroShotEstimator


def seen_mixture(probabilities: Floats, S: Floats, *, n_nearest: int) -> Floats:
    """Return the mean class vector (n, a) of each item's most probable seen classes, weighted by their probability.

    probabilities (n, c_seen), S (c_seen, a). Norouzi et al. 2014, eq. (3).
    """
    keep = min(n_nearest, probabilities.shape[1])
    least = np.partition(probabilities, -keep, axis=1)[:, -keep][:, None]  # (n, 1)
    weights = np.where(probabilities >= least, probabilities, 0)
    return np.asarray((weights / weights.sum(axis=1, keepdims=True)) @ S)


class ConSEClassifier(ZeroShotEstimator):
    """Place an item at the convex combination of the seen classes it may be, and answer the nearest class.

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

    def __init__(self, *, n_nearest: int = 10, C: float = 10.0) -> None:
        self.n_nearest = n_nearest
        self.C = C

    def _n_seen_needed(self) -> int:
        return 2

    def _fit(self, X: Vectors, y: Indexes) -> None:
        self.head_ = LogisticRegression(C=self.C, max_iter=1000).fit(X, y)

    def _scores(self, X: Vectors) -> NDArray[np.floating]:
        S = self.class_vectors_[self.seen_classes_]
        place = seen_mixture(self.head_.predict_proba(X), S, n_nearest=self.n_nearest)  # (n, a)
        return unit(place) @ self.class_vectors_.T.astype(np.float32)


class DAPClassifier(ZeroShotEstimator):
    """Direct attribute prediction: one two-way classifier an attribute, and the class whose attributes fit best.

    An attribute holds for a class if its value is above the mean over all classes. One on which the seen classes agree
    cannot be learned and is left out.

    Parameters
    ----------
    C : float, default=10.0
        Inverse penalty of the logistic regressions, one an attribute.

    Attributes
    ----------
    has_attribute_ : ndarray of bool, shape (n_classes, n_attributes)
        Which attributes hold for which class.
    learned_attributes_ : ndarray
        Columns of `has_attribute_` that tell seen classes apart.
    attribute_prior_ : ndarray of shape (n_learned,)
        Share of the seen classes that have the attribute.
    coef_, intercept_ : ndarrays of shape (n_learned, n_features) and (n_learned,)
        The attribute classifiers.

    References
    ----------
    Lampert, Nickisch, Harmeling. Attribute-Based Classification for Zero-Shot Visual Object Categorization. TPAMI 2014,
    section 2.2: the class's posterior is prod_m p(a_m = a_m(class) | x) / p(a_m = a_m(class)), the prior of an
    attribute being its share among the seen classes.
    """

    def __init__(self, *, C: float = 10.0) -> None:
        self.C = C

    def predict_proba(self, X: ArrayLike, candidates: ArrayLike | None = None) -> Floats:
        """Return the posterior (n, c) under equally frequent classes; 0 outside the candidates."""
        return np.asarray(softmax(self.decision_function(X, candidates), axis=1))

    def _n_seen_needed(self) -> int:
        return 2

    def _fit(self, X: Vectors, y: Indexes) -> None:
        self.has_attribute_ = self.class_vectors_ > self.class_vectors_.mean(axis=0)  # (c, a)
        share = self.has_attribute_[self.seen_classes_].mean(axis=0)  # (a,)
        self.learned_attributes_ = np.flatnonzero((share > 0) & (share < 1))
        if not len(self.learned_attributes_):
            raise ClassesError("The seen classes agree in every attribute; nothing can be learned. Give others.")
        targets = np.where(self.has_attribute_[:, self.learned_attributes_], 1, -1)[y]  # (n, m)
        self.coef_, self.intercept_ = fit_binary_heads(X, targets, C=self.C, loss="logistic")
        self.attribute_prior_ = share[self.learned_attributes_]  # (m,)

    def _scores(self, X: Vectors) -> NDArray[np.floating]:
        return attribute_log_odds(
            X @ self.coef_.T.astype(np.float32) + self.intercept_,
            self.has_attribute_[:, self.learned_attributes_],
            self.attribute_prior_,
        )


def attribute_log_odds(lead: Floats, has_attribute: NDArray[np.bool_], prior: Floats) -> Floats:
    """Return sum_m log p(a_m = a_m(k) | x) - log p(a_m = a_m(k)) for every class k (n, c).

    lead (n, m): log odds of each attribute; has_attribute (c, m); prior (m,): share of the classes that have it.
    """
    yes, no = log_expit(lead) - np.log(prior), log_expit(-lead) - np.log1p(-prior)  # (n, m) twice
    return np.asarray(yes @ has_attribute.T + no @ ~has_attribute.T)
