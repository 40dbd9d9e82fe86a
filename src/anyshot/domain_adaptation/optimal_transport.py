"""Optimal transport: move each source item to the target items that receive its mass at the least cost."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from anyshot.base.lazy import extra
from anyshot.base.validation import Indexes, check_not_negative, check_positive
from anyshot.domain_adaptation.base import AdaptedClassifier, fit_base
from anyshot.domain_adaptation.domains import Domains, Floats
from anyshot.errors import InputError

# The plan G (n_s, n_t) distributes each source item's mass 1 / n_s over the target items so that
#
#     min_G  <G, cost> - entropy H(G) + class_penalty / sqrt(n_t) sum over targets j, classes c  |G[of c, j]|_1 ^ (1/2)
#
# with both domains' masses preserved; sqrt(n_t) keeps the slope of the last term independent of the number of items. It
# makes a target item receive mass from one class only, and is minimized by linearizing it and solving the entropic
# problem anew (eq. 16 and algorithm 1 of the paper). A source item moves to the mean of the target items, weighted by
# its mass.

SINKHORN_ITERATIONS: Final = 200  # at most, of one problem
LINEARIZATIONS: Final = 10  # of the class penalty
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
    ot = extra("ot", "transport", purpose="Optimal transport")
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
    Needs POT: pip install "anyshot[transport]".

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
        check_positive(entropy=self.entropy)
        check_not_negative(class_penalty=self.class_penalty)
        index = domains.index if self.regularize == "classes" else None
        self.plan_ = transport_plan(
            domains.source, domains.target, entropy=self.entropy, index=index, class_penalty=self.class_penalty
        )
        moved = barycentric_map(self.plan_, domains.target)
        self.model_ = fit_base(self.base, moved, domains.index, domains.weights)
