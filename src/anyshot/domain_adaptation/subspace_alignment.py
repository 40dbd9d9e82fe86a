"""Subspace alignment and the geodesic flow: both domains are seen in few axes, the source's turned to the target's."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.sparse.linalg import eigsh
from sklearn.base import ClassifierMixin
from sklearn.neighbors import KNeighborsClassifier

from anyshot.base.threads import threads_for
from anyshot.domain_adaptation.base import AdaptedClassifier, Domains, fitted_base
from anyshot.domain_adaptation.normalization import Normalize, Table
from anyshot.errors import InputError

# With the leading principal axes P_s, P_t (d, k) of each domain, the source's coordinates x P_s are turned by
# M = P_s' P_t, which is the nearest map of its axes to the target's; target items are seen as x P_t. Fernando, Habrard,
# Sebban, Tuytelaars. Unsupervised Visual Domain Adaptation Using Subspace Alignment. ICCV 2013, eq. 4.
#
# The geodesic flow goes further: between the two subspaces lies a shortest path of subspaces phi(t), 0 <= t <= 1, and
# vectors are compared by what all of them see, x' (integral of phi(t) phi(t)' dt) y.
# Gong, Shi, Sha, Grauman. Geodesic Flow Kernel for Unsupervised Domain Adaptation. CVPR 2012, eq. 5 to 7.

FEW: Final = 10
"""Wanted axes are few where there are this many times as many: then a Lanczos method finds them sooner."""
LANCZOS_TOL: Final = 1e-6


def principal_axes(vectors: NDArray[np.floating], n_components: int) -> NDArray[np.floating]:
    """Return the leading principal axes (d, k) of vectors (n, d), k at most `n_components` and their rank."""
    centered = vectors - vectors.mean(axis=0)
    n, d = centered.shape
    wide = d > n
    inner = centered @ centered.T if wide else centered.T @ centered  # (m, m), the smaller of the two
    k = min(n_components, n - 1, d)
    along, turn = _leading(inner, k)  # (k,), (m, k)
    if not wide:
        return turn
    kept = along > max(along[0], 0) * n * np.finfo(inner.dtype).eps
    axes = centered.T @ turn[:, kept]  # (d, k)
    return np.asarray(axes / np.linalg.norm(axes, axis=0))


def _leading(inner: NDArray[np.floating], k: int) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return the k largest eigenvalues and their eigenvectors (m, k), the largest first."""
    m = len(inner)
    with threads_for(inner.size):
        if k * FEW < m:
            along, turn = eigsh(inner, k=k, v0=np.ones(m, inner.dtype), tol=LANCZOS_TOL)
            order = np.argsort(-along)
            return along[order], turn[:, order]
        along, turn = eigh(inner, subset_by_index=[m - k, m - 1], check_finite=False)
        return along[::-1], turn[:, ::-1]


def subspace_alignment(
    source: NDArray[np.floating], target: NDArray[np.floating], *, n_components: int
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return the maps (d, k) of source and of target vectors into the target's axes; (n_s, d), (n_t, d) given."""
    ours, theirs = principal_axes(source, n_components), principal_axes(target, n_components)
    return ours @ (ours.T @ theirs), theirs


def geodesic_flow(
    source: NDArray[np.floating], target: NDArray[np.floating], *, n_components: int
) -> NDArray[np.floating]:
    """Return the map (d, 2k) whose inner products are the geodesic flow kernel of source (n_s, d) and target (n_t, d).

    With principal angles theta and vectors A (d, k) in the source's subspace, the path is A cos(t theta) +
    Q sin(t theta), where Q completes A to the target's principal vectors B = A cos(theta) + Q sin(theta).
    """
    ours, theirs = (principal_axes(some.astype(np.float64), n_components) for some in (source, target))
    left, cosines, right = np.linalg.svd(ours.T @ theirs)
    k = len(cosines)
    angle = np.arccos(np.clip(cosines, -1, 1))  # (k,)
    A, B = ours @ left[:, :k], theirs @ right[:k].T  # (d, k) twice
    turned = angle > 1e-6
    Q = np.where(turned, (B - A * np.cos(angle)) / np.where(turned, np.sin(angle), 1), 0)  # (d, k)
    # The integrals of cos^2, sin cos and sin^2 over the path, one 2 x 2 block an angle.
    wide = np.where(turned, 2 * angle, 1)
    swing = np.where(turned, np.sin(wide) / wide, 1)
    mixed = np.where(turned, (1 - np.cos(wide)) / wide, 0) / 2
    blocks = np.stack([np.stack([(1 + swing) / 2, mixed], -1), np.stack([mixed, (1 - swing) / 2], -1)], -2)  # (k, 2, 2)
    along, turn = np.linalg.eigh(blocks)
    half = turn * np.sqrt(np.maximum(along, 0))[:, None, :]  # (k, 2, 2)
    return np.hstack([A * half[:, 0, j] + Q * half[:, 1, j] for j in range(2)])


class SubspaceAlignment(AdaptedClassifier):
    """Learn in the target's principal axes, to which the source's are turned.

    Parameters
    ----------
    n_components : int, default=40
        Axes kept of each domain, at most what its items span.
    base : classifier, default=None
        The nearest neighbor if not given, as in the paper: turned axes keep few variances alike, and a linear model's
        one penalty suits them badly.
    normalize : {"source", "domain", None}, default="domain"
        Whose statistics make the z-scores before all else.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes of the source, sorted.
    axes_ : ndarray of shape (n_features, k)
        The target's axes; there are none without a target.
    model_ : classifier
        The fitted base.

    References
    ----------
    Fernando, Habrard, Sebban, Tuytelaars. Unsupervised Visual Domain Adaptation Using Subspace Alignment. ICCV 2013.

    Examples
    --------
    >>> X, y, target = [[0.0, 0.0], [1.0, 0.2], [4.0, 0.1]], ["a", "a", "b"], [[0.0, 0.0], [0.1, 2.0], [0.2, 8.0]]
    >>> SubspaceAlignment(n_components=1).fit(X, y, target=target).predict(target).shape
    (3,)
    """

    takes_sparse = False

    def __init__(
        self, *, n_components: int = 40, base: ClassifierMixin | None = None, normalize: Normalize = "domain"
    ) -> None:
        self.n_components = n_components
        self.base = base
        self.normalize = normalize

    def _adapt(self, domains: Domains) -> None:
        if self.n_components < 1:
            raise InputError(f"n_components={self.n_components} must be at least 1.")
        turned, self.axes_ = subspace_alignment(domains.source, domains.target, n_components=self.n_components)
        base = KNeighborsClassifier(1) if self.base is None else self.base
        self.model_ = fitted_base(base, domains.source @ turned, domains.index)

    def _represent(self, table: Table) -> Table:
        return table @ self.axes_
