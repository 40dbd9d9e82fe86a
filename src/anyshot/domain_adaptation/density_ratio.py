"""Density-ratio weighting: source items that look like the target's count more."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit, cross_val_predict

from anyshot.base.threads import threads_for
from anyshot.domain_adaptation.base import (
    AdaptedClassifier,
    Domains,
    ScaledLogisticRegression,
    domains_stacked,
    fitted_base,
)
from anyshot.domain_adaptation.normalization import Normalize, Table
from anyshot.errors import EffectiveSampleError, InputError

# Where the domains differ in how often vectors occur but not in what a vector means, the target's risk is the source's,
# each item weighted by p_target(x) / p_source(x) (Shimodaira, Journal of Statistical Planning and Inference 2000). That
# ratio is (n_s / n_t) times the odds that a classifier of the domains gives to "target" (Bickel, Brueckner, Scheffer.
# Discriminative Learning Under Covariate Shift. JMLR 2009, eq. 5). Odds of items that the classifier was fitted on are
# too extreme: each item's come from a classifier that has not seen it. Its penalty makes them too mild where the
# domains hardly overlap, which would hide just that: so these odds are calibrated, by logistic regression on themselves
# (Platt).

LOOSE: Final = 1000.0
"""C of the calibration: hardly a penalty."""


def density_ratio(source: Table, target: Table, *, folds: int = 3, flatten: float = 1.0) -> NDArray[np.floating]:
    """Return the weight of each source item (n_s,), 1 on average; source (n_s, d), target (n_t, d).

    flatten: power of the ratio, from 1, the ratio itself, to 0, all alike (Shimodaira's compromise).
    """
    both = domains_stacked(source, target)
    n_s, n_t = source.shape[0], target.shape[0]
    domain = np.repeat([0, 1], [n_s, n_t])
    # Every folds-th item of each domain, so that items sorted by class are spread over the folds.
    fold = np.concatenate([np.arange(n_s) % folds, np.arange(n_t) % folds])
    with threads_for(both.shape[0] * both.shape[1]):
        odds = cross_val_predict(
            ScaledLogisticRegression(tol=1e-2), both, domain, cv=PredefinedSplit(fold), method="decision_function"
        )[:, None]  # (n, 1)
        log_odds = LogisticRegression(C=LOOSE, tol=1e-3, max_iter=1000).fit(odds, domain).decision_function(odds)[:n_s]
    logs = flatten * log_odds
    weights: NDArray[np.floating] = np.exp(logs - logs.max())
    return np.asarray(weights / weights.mean())


def effective_sample_size(weights: NDArray[np.floating]) -> float:
    """Return (sum w)^2 / sum w^2 of weights (n,): how many items of weight 1 tell as much (Kish) [items]."""
    return float(weights.sum() ** 2 / np.square(weights).sum())


class DensityRatioWeighting(AdaptedClassifier):
    """Learn from the source with each item weighted by how much more often the target has its like.

    Parameters
    ----------
    flatten : float, default=1.0
        Power of the ratio: 1 is the ratio itself, 0 weights all alike.
    least_share : float, default=0.05
        Share of the source's items that the effective sample size must reach.
    base : classifier, default=None
        Must take `sample_weight`. Logistic regression if not given.
    normalize : {"source", "domain", None}, default="source"
        Whose statistics make the z-scores. By "domain" they would take away the shift that the weights answer to.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes of the source, sorted.
    weights_ : ndarray of shape (n_source,)
        1 on average; there are none without a target.
    effective_sample_size_ : float
        How many source items of equal weight tell as much [items]; there is none without a target.
    model_ : classifier
        The fitted base.

    References
    ----------
    Shimodaira. Improving predictive inference under covariate shift. J. Statistical Planning and Inference 2000.
    Bickel, Brueckner, Scheffer. Discriminative Learning Under Covariate Shift. JMLR 2009.

    Examples
    --------
    >>> X, y = [[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]], [0, 0, 1, 1, 0, 0]
    >>> model = DensityRatioWeighting().fit(X, y, target=[[0.5], [1.5], [2.5], [3.0], [2.0]])
    >>> model.effective_sample_size_ < 6
    True
    """

    def __init__(
        self,
        *,
        flatten: float = 1.0,
        least_share: float = 0.05,
        base: ClassifierMixin | None = None,
        normalize: Normalize = "source",
    ) -> None:
        self.flatten = flatten
        self.least_share = least_share
        self.base = base
        self.normalize = normalize

    def _adapt(self, domains: Domains) -> None:
        if not 0 <= self.flatten <= 1:
            raise InputError(f"flatten={self.flatten} must lie between 0 (all alike) and 1 (the ratio itself).")
        self.weights_ = density_ratio(domains.source, domains.target, flatten=self.flatten)
        self.effective_sample_size_ = effective_sample_size(self.weights_)
        n, size = len(self.weights_), self.effective_sample_size_
        if size < self.least_share * n:
            raise EffectiveSampleError(
                f"The weights leave an effective sample of {size:.1f} of {n} source items ({size / n:.1%}); "
                f"{self.least_share:.1%} are needed. The domains hardly overlap: keep the source model, use a method "
                "that moves vectors, describe the items by fewer features, or lower flatten."
            )
        self.model_ = fitted_base(self.base, domains.source, domains.index, self.weights_)
