"""Optimal transport: the source is carried to the target, each item to where its mass goes at least cost."""

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin

from anyshot.base import validation
from anyshot.base.validation import Indexes
from anyshot.domain_adaptation.base import AdaptedClassifier, Domains, fitted_base
from anyshot.domain_adaptation.normalization import Normalize
from anyshot.errors import InputError

# The plan G (n_s, n_t) spreads each source item's mass 1 / n_s over the target items so that
#
#     min_G  <G, cost> - entropy * H(G) + class_penalty * sum over targets j and classes c  |G[of c, j]|_1 ^ (1/2)
#
# with both domains' masses kept. The last term makes a target item draw from one class only; it is minimized by
# linearising it and solving the entropic problem anew (Courty, Flamary, Tuia, Rakotomamonjy. Optimal Transport for
# Domain Adaptation. IEEE TPAMI 2017, eq. 16 and algorithm 1). A source item goes to the mean of where its mass went.

PURPOSE: Final = "Optimal transport"
SINKHORN_ROUNDS: Final = 200


def transport_plan(
    source: NDArray[np.floating],
    target: NDArray[np.floating],
    *,
    entropy: float,
    index: Indexes | None = None,
    class_penalty: float = 1.0,
) -> NDArray[np.floating]:
    """Return the plan (n_s, n_t) of source vectors (n_s, d) to target vectors (n_t, d), whose sum is 1.

    entropy: weight of the plan's entropy, in units of the mean cost; index (n_s,): the source's classes, for the class
    regularization of `class_penalty` in the same units; without them there is none.

    Raises
    ------
    MissingExtraError
        POT is not installed.
    """
    ot = validation.extra("ot", "transport", purpose=PURPOSE)
    cost = ot.dist(source.astype(np.float64), target.astype(np.float64))  # (n_s, n_t), squared lengths
    cost /= cost.mean() or 1.0
    masses = np.full(len(source), 1 / len(source)), np.full(len(target), 1 / len(target))
    # The log domain is slower and only needed where exp(-cost / entropy) vanishes.
    method = "sinkhorn" if cost.max() < 500 * entropy else "sinkhorn_log"
    plan = np.zeros_like(cost)
    members = None if index is None else np.eye(index.max() + 1)[index]  # (n_s, c)
    for _ in range(1 if members is None else LINEARISATIONS):
        slope = 0.0
        if members is not None and plan.any():
            drawn = members.T @ plan  # (c, n_t)
            slope = class_penalty * (members @ (0.5 / np.sqrt(drawn + SMALLEST / len(target)))) / np.sqrt(len(target))
        plan = ot.sinkhorn(
            *masses, cost + slope, entropy, method=method, numItermax=SINKHORN_ROUNDS, stopThr=1e-6, warn=False
        )
    return np.asarray(plan)


LINEARISATIONS: Final = 10
SMALLEST: Final = 1e-3
"""Added to a target item's share drawn from a class, so that the root's slope stays finite."""


def carried(plan: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return where the source's items go (n_s, d): the target's (n_t, d) averaged by the plan (n_s, n_t)."""
    mass = plan.sum(axis=1, keepdims=True)
    return np.asarray(plan @ target / np.where(mass > 0, mass, 1), dtype=np.float32)


class OptimalTransport(AdaptedClassifier):
    """Carry the source to the target by optimal transport, then learn from it.

    Parameters
    ----------
    regularize : {"classes", None}, default="classes"
        "classes": a target item draws from one class of the source, besides the entropy that there is always.
    entropy : float, default=0.05
        Weight of the plan's entropy, in units of the mean cost; more blurs.
    class_penalty : float, default=1.0
        Weight of the class regularization, in the same units.
    base : classifier, default=None
        Learns from the carried source. Logistic regression if not given.
    normalize : {"source", "domain", None}, default="domain"
        Whose statistics make the z-scores before all else.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes of the source, sorted.
    plan_ : ndarray of shape (n_source, n_target)
        Mass carried; there is none without a target.
    model_ : classifier
        The fitted base.

    Notes
    -----
    Transport presumes that the classes are as frequent in the target as in the source: test that first
    (`shift_kind.label_shift_test`). Needs POT: pip install 'anyshot[transport]'.

    References
    ----------
    Courty, Flamary, Tuia, Rakotomamonjy. Optimal Transport for Domain Adaptation. IEEE TPAMI 2017.

    Examples
    --------
    >>> X, y, target = [[0.0], [1.0], [4.0], [5.0]], ["a", "a", "b", "b"], [[10.0], [11.0], [14.0], [15.0]]
    >>> OptimalTransport(normalize=None).fit(X, y, target=target).predict(target)
    array(['a', 'a', 'b', 'b'], dtype='<U1')
    """

    takes_sparse = False

    def __init__(
        self,
        *,
        regularize: Literal["classes"] | None = "classes",
        entropy: float = 0.05,
        class_penalty: float = 1.0,
        base: ClassifierMixin | None = None,
        normalize: Normalize = "domain",
    ) -> None:
        self.regularize = regularize
        self.entropy = entropy
        self.class_penalty = class_penalty
        self.base = base
        self.normalize = normalize

    def _adapt(self, domains: Domains) -> None:
        if self.regularize not in ("classes", None):
            raise InputError(f"regularize={self.regularize!r} is no choice. Take 'classes' or None.")
        if self.entropy <= 0:
            raise InputError(f"entropy={self.entropy} must be above 0. Smaller blurs less and takes longer.")
        index = domains.index if self.regularize == "classes" else None
        self.plan_ = transport_plan(
            domains.source, domains.target, entropy=self.entropy, index=index, class_penalty=self.class_penalty
        )
        self.model_ = fitted_base(self.base, carried(self.plan_, domains.target), domains.index)
