"""CORAL: the source is moved until both domains' covariances agree."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from sklearn.base import ClassifierMixin

from anyshot.base.threads import threads_for
from anyshot.domain_adaptation.base import AdaptedClassifier, Domains, fitted_base
from anyshot.domain_adaptation.normalization import Normalize

# Whiten the source with its own covariance C_s, color it with the target's C_t:
#
#     x  ->  x C_s^(-1/2) C_t^(1/2)
#
# Sun, Feng, Saenko. Return of Frustratingly Easy Domain Adaptation. AAAI 2016, algorithm 1, adds the identity to both
# covariances, which presumes z-scores; here a share of the mean variance is added, the same on z-scores (1 for a ridge
# of 1) and meaningful on any other scale.

FAR: Final = 100.0
"""Ratio of squared mean to variance above which vectors are centered first, to keep the covariance precise."""


def coral_map(
    source: NDArray[np.floating], target: NDArray[np.floating], *, ridge: float = 1.0
) -> NDArray[np.floating]:
    """Return the map (d, d) that gives centered source vectors (n_s, d) the covariance of the target's (n_t, d).

    ridge: what is added to both covariances, in units of their mean variance; 0 needs more items than features.
    """
    theirs, ours = _covariance(target), _covariance(source)  # (d, d) twice
    variance = [np.trace(C) * (1 - 1 / len(X)) / len(C) for C, X in ((ours, source), (theirs, target))]
    added = ridge * (float(np.mean(variance)) or 1.0)
    return _power(ours, -0.5, added) @ _power(theirs, 0.5, added)


def _covariance(vectors: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the covariance (d, d) of vectors (n, d), by way of no centered copy where they lie about 0."""
    n, mean = len(vectors), vectors.mean(axis=0)
    covariance: NDArray[np.floating] = vectors.T @ vectors / n - np.outer(mean, mean)
    if (mean**2 > FAR * covariance.diagonal()).any():
        centered = vectors - mean
        covariance = centered.T @ centered / n
    return covariance * (n / max(n - 1, 1))


def _power(covariance: NDArray[np.floating], exponent: float, added: float) -> NDArray[np.floating]:
    """Return (covariance + added I)^exponent (d, d); what is flat stays out of a negative power."""
    with threads_for(covariance.size):
        along, turn = eigh(covariance, driver="evd", check_finite=False)  # (d,), (d, d)
    along = np.maximum(along, 0) + added
    flat = along <= along.max() * len(along) * np.finfo(along.dtype).eps
    power = np.where(flat, 0, np.where(flat, 1, along) ** exponent)
    powered: NDArray[np.floating] = (turn * power) @ turn.T
    return powered


class CORAL(AdaptedClassifier):
    """Give the source the covariance of the target, then learn from it (CORAL).

    Parameters
    ----------
    ridge : float, default=1.0
        Added to both covariances, in units of their mean variance; more is less adaptation.
    base : classifier, default=None
        Learns from the moved source. Logistic regression if not given.
    normalize : {"source", "domain", None}, default="domain"
        Whose statistics make the z-scores before all else. CORAL moves no mean: the source's is moved to the target's.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes of the source, sorted.
    map_ : ndarray of shape (n_features, n_features)
        Moves the centered source vectors; there is none without a target.
    model_ : classifier
        The fitted base.

    References
    ----------
    Sun, Feng, Saenko. Return of Frustratingly Easy Domain Adaptation. AAAI 2016, algorithm 1.

    Examples
    --------
    >>> X, y, target = [[0.0, 0.0], [1.0, 0.2], [4.0, 0.1]], ["a", "a", "b"], [[0.0, 0.0], [0.1, 2.0], [0.2, 8.0]]
    >>> CORAL().fit(X, y, target=target).predict(target).shape
    (3,)
    """

    takes_sparse = False

    def __init__(
        self, *, ridge: float = 1.0, base: ClassifierMixin | None = None, normalize: Normalize = "domain"
    ) -> None:
        self.ridge = ridge
        self.base = base
        self.normalize = normalize

    def _adapt(self, domains: Domains) -> None:
        source, target = domains.source, domains.target
        self.map_ = coral_map(source, target, ridge=self.ridge).astype(np.float32)
        moved = (source - source.mean(axis=0)) @ self.map_ + target.mean(axis=0)  # (n_s, d)
        self.model_ = fitted_base(self.base, moved, domains.index)
