"""DAP, direct attribute prediction: predict each attribute, then the class whose attributes fit."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_expit

from anyshot.base.validation import Floats, Indexes, Vectors
from anyshot.errors import ClassesError
from anyshot.zero_shot.base import ProbabilisticZeroShotEstimator
from anyshot.zero_shot.binary_classifiers import fit_binary_classifiers


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
