"""CORAL: transform the source so that both domains have the same covariance."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.linalg import eigh

from anyshot.base.threads import threads_for
from anyshot.base.validation import check_not_negative
from anyshot.domain_adaptation.base import AdaptedClassifier, fit_base
from anyshot.domain_adaptation.domains import Domains, Floats

# Whiten the source with its own covariance C_s, color it with the target's C_t:
#
#     x  ->  x C_s^(-1/2) C_t^(1/2)
#
# The paper adds the identity to both covariances, which assumes z-scores. Here a multiple of the mean variance is
# added: the same on z-scores, and independent of the scale otherwise.

FAR: Final = 100.0
"""Ratio of squared mean to variance above which vectors are centered first, to keep the covariance precise."""


def coral_map(source: Floats, target: Floats, *, ridge: float = 1.0) -> Floats:
    """Return the map (d, d) that gives centered source vectors (n_s, d) the covariance of the target (n_t, d).

    ridge: added to both covariances, in units of their mean variance; 0 needs more items than features.
    """
    target_covariance, source_covariance = _covariance(target), _covariance(source)  # (d, d) twice
    pairs = (source_covariance, source), (target_covariance, target)
    variance = [np.trace(C) * (1 - 1 / len(X)) / len(C) for C, X in pairs]
    added = ridge * (float(np.mean(variance)) or 1.0)
    return _power(source_covariance, -0.5, added) @ _power(target_covariance, 0.5, added)


def _covariance(vectors: Floats) -> Floats:
    """Return the covariance (d, d) of vectors (n, d); they are copied only if their mean is large."""
    n, mean = len(vectors), vectors.mean(axis=0)
    covariance: Floats = vectors.T @ vectors / n - np.outer(mean, mean)
    if (mean**2 > FAR * covariance.diagonal()).any():
        centered = vectors - mean
        covariance = centered.T @ centered / n
    return covariance * (n / max(n - 1, 1))


def _power(covariance: Floats, exponent: float, added: float) -> Floats:
    """Return (covariance + added I)^exponent (d, d), a pseudo-inverse where the exponent is negative."""
    with threads_for(covariance.size):
        values, vectors = eigh(covariance, driver="evd", check_finite=False)  # (d,), (d, d)
    values = np.maximum(values, 0) + added
    zero = values <= values.max() * len(values) * np.finfo(values.dtype).eps
    power = np.where(zero, 0, np.where(zero, 1, values) ** exponent)
    return np.asarray((vectors * power) @ vectors.T)


@dataclass(kw_only=True, eq=False, repr=False)
class CORAL(AdaptedClassifier):
    """Correlation alignment: train the base classifier on the source with the covariance of the target.

    Parameters
    ----------
    ridge : float, default=1.0
        Added to both covariances, in units of their mean variance; a larger value adapts less.
    normalize : {"source", "domain", None}, default="domain"
        Statistics used to standardize the vectors first. CORAL also moves the source's mean to the target's.
    base : see `AdaptedClassifier`

    Attributes
    ----------
    map_ : ndarray of shape (n_features, n_features)
        The map of the centered source vectors; absent if `fit` had no target.
    classes_, model_ : see `AdaptedClassifier`

    References
    ----------
    Sun, Feng, Saenko. Return of Frustratingly Easy Domain Adaptation. AAAI 2016, algorithm 1.
    """

    supports_sparse = False
    ridge: float = 1.0

    def _adapt(self, domains: Domains) -> None:
        check_not_negative(ridge=self.ridge)
        source, target = domains.source, domains.target
        self.map_ = coral_map(source, target, ridge=self.ridge).astype(np.float32)
        transformed = (source - source.mean(axis=0)) @ self.map_ + target.mean(axis=0)  # (n_s, d)
        self.model_ = fit_base(self.base, transformed, domains.index, domains.weights)
