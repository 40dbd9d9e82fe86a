"""Mapping methods: move the source to the target, by its covariance (CORAL) or by optimal transport."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from anyshot.base import validation
from anyshot.base.threads import threads_for
from anyshot.base.validation import Indexes
from anyshot.domain_adaptation.base import AdaptedClassifier, Domains, Floats, fit_base
from anyshot.errors import InputError

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
        source, target = domains.source, domains.target
        self.map_ = coral_map(source, target, ridge=self.ridge).astype(np.float32)
        transformed = (source - source.mean(axis=0)) @ self.map_ + target.mean(axis=0)  # (n_s, d)
        self.model_ = fit_base(self.base, transformed, domains.index)


# The plan G (n_s, n_t) distributes each source item's mass 1 / n_s over the target items so that
#
#     min_G  <G, cost> - entropy * H(G) + class_penalty * sum over targets j and classes c  |G[of c, j]|_1 ^ (1/2)
#
# with both domains' masses preserved. The last term makes a target item receive mass from one class only. It is
# minimized by linearizing it and solving the entropic problem anew (eq. 16 and algorithm 1 of the paper). A source item
# moves to the mean of the target items, weighted by its mass.

SINKHORN_ITERATIONS: Final = 200
LINEARIZATIONS: Final = 10
SMALLEST: Final = 1e-3
"""Added to a target item's mass from a class, so that the slope of the root stays finite."""


def transport_plan(
    source: Floats, target: Floats, *, entropy: float, index: Indexes | None = None, class_penalty: float = 1.0
) -> Floats:
    """Return the plan (n_s, n_t) from source vectors (n_s, d) to target vectors (n_t, d); its sum is 1.

    entropy: weight of the plan's entropy, in units of the mean cost; index (n_s,): class of each source item, for the
    class regularization with weight `class_penalty` in the same units; None for no class regularization. Raises
    MissingExtraError if POT is not installed.
    """
    ot = validation.extra("ot", "transport", purpose="Optimal transport")
    cost = ot.dist(source.astype(np.float64), target.astype(np.float64))  # (n_s, n_t), squared distances
    cost /= cost.mean() or 1.0
    masses = np.full(len(source), 1 / len(source)), np.full(len(target), 1 / len(target))
    # The log domain is slower and only needed where exp(-cost / entropy) underflows.
    method = "sinkhorn" if cost.max() < 500 * entropy else "sinkhorn_log"
    plan = np.zeros_like(cost)
    members = None if index is None else np.eye(index.max() + 1)[index]  # (n_s, c)
    for _ in range(1 if members is None else LINEARIZATIONS):
        slope = 0.0
        if members is not None and plan.any():
            mass = members.T @ plan  # (c, n_t)
            slope = class_penalty * (members @ (0.5 / np.sqrt(mass + SMALLEST / len(target)))) / np.sqrt(len(target))
        plan = ot.sinkhorn(
            *masses, cost + slope, entropy, method=method, numItermax=SINKHORN_ITERATIONS, stopThr=1e-6, warn=False
        )
    return np.asarray(plan)


def barycentric_map(plan: Floats, target: Floats) -> NDArray[np.float32]:
    """Return the transported source items (n_s, d): means of the target (n_t, d), weighted by the plan (n_s, n_t)."""
    mass = plan.sum(axis=1, keepdims=True)
    return np.asarray(plan @ target / np.where(mass > 0, mass, 1), dtype=np.float32)


@dataclass(kw_only=True, eq=False, repr=False)
class OptimalTransport(AdaptedClassifier):
    """Train the base classifier on the source items transported to the target.

    Parameters
    ----------
    regularize : {"classes", None}, default="classes"
        "classes": each target item receives mass from one source class. The plan's entropy is always regularized.
    entropy : float, default=0.05
        Weight of the plan's entropy, in units of the mean cost; larger is smoother.
    class_penalty : float, default=1.0
        Weight of the class regularization, in the same units.
    base, normalize : see `AdaptedClassifier`

    Attributes
    ----------
    plan_ : ndarray of shape (n_source, n_target)
        The transported mass; absent if `fit` had no target.
    classes_, model_ : see `AdaptedClassifier`

    Notes
    -----
    Assumes that the classes are as frequent in the target as in the source; `label_shift_test` tests that.
    Needs POT: pip install 'anyshot[transport]'.

    References
    ----------
    Courty, Flamary, Tuia, Rakotomamonjy. Optimal Transport for Domain Adaptation. IEEE TPAMI 2017.

    Examples
    --------
    >>> X, y, target = [[0.0], [1.0], [4.0], [5.0]], ["a", "a", "b", "b"], [[10.0], [11.0], [14.0], [15.0]]
    >>> OptimalTransport(normalize=None).fit(X, y, target=target).predict(target)
    array(['a', 'a', 'b', 'b'], dtype='<U1')
    """

    supports_sparse = False
    regularize: Literal["classes"] | None = "classes"
    entropy: float = 0.05
    class_penalty: float = 1.0

    def _adapt(self, domains: Domains) -> None:
        if self.regularize not in ("classes", None):
            raise InputError(f"Unknown regularize={self.regularize!r}. Choose 'classes' or None.")
        if self.entropy <= 0:
            raise InputError(f"entropy={self.entropy} must be positive. Smaller values are sharper and slower.")
        index = domains.index if self.regularize == "classes" else None
        self.plan_ = transport_plan(
            domains.source, domains.target, entropy=self.entropy, index=index, class_penalty=self.class_penalty
        )
        self.model_ = fit_base(self.base, barycentric_map(self.plan_, domains.target), domains.index)
