"""Subspace alignment and the geodesic flow: few axes for each domain, and a map between them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

from anyshot.base.validation import check_whole
from anyshot.domain_adaptation.base import AdaptedClassifier, fit_base
from anyshot.domain_adaptation.domains import Domains, Floats, Table
from anyshot.domain_adaptation.eigenvectors import leading_eigenvectors
from anyshot.errors import DomainError

# With the leading principal axes P_s, P_t (d, k) of each domain, the source coordinates x P_s are multiplied by
# M = P_s' P_t, the map that brings its axes closest to the target's; the target coordinates are x P_t (paper, eq. 4).
#
# Geodesic flow: between the two subspaces there is a shortest path of subspaces phi(t), 0 <= t <= 1, and vectors are
# compared by x' (integral of phi(t) phi(t)' dt) y. Gong, Shi, Sha, Grauman. Geodesic Flow Kernel for Unsupervised
# Domain Adaptation. CVPR 2012, eq. 5 to 7.

LANCZOS_TOL: Final = 1e-6


def principal_axes(vectors: Floats, n_components: int) -> Floats:
    """Return the leading principal axes (d, k) of vectors (n, d); k is at most `n_components` and their rank.

    Raises DomainError if all vectors are the same, so that there is no axis.
    """
    centered = vectors - vectors.mean(axis=0)
    n, d = centered.shape
    wide = d > n
    inner = centered @ centered.T if wide else centered.T @ centered  # (m, m), the smaller of the two
    k = min(n_components, n - 1, d)
    values, eigenvectors = leading_eigenvectors(inner, k, tol=LANCZOS_TOL)  # (k,), (m, k)
    positive = values > max(values[0], 0) * len(inner) * np.finfo(inner.dtype).eps
    if not positive.any():
        raise DomainError(f"The {n} vectors of a domain are all the same, so it has no principal axes. Give others.")
    axes = eigenvectors[:, positive]  # (m, k)
    if wide:
        axes = centered.T @ axes  # (d, k)
        axes /= np.linalg.norm(axes, axis=0)
    return np.asarray(axes)


def subspace_alignment(source: Floats, target: Floats, *, n_components: int) -> tuple[Floats, Floats]:
    """Return the maps (d, k) of source vectors (n_s, d) and target vectors (n_t, d) into the target's subspace."""
    source_axes, target_axes = principal_axes(source, n_components), principal_axes(target, n_components)
    return source_axes @ (source_axes.T @ target_axes), target_axes


def geodesic_flow(source: Floats, target: Floats, *, n_components: int) -> Floats:
    """Return a map (d, 2k) whose inner products are the geodesic flow kernel of source (n_s, d) and target (n_t, d).

    With principal angles theta and vectors A (d, k) in the source's subspace, the path is A cos(t theta) +
    Q sin(t theta), where Q completes A to the target's principal vectors B = A cos(theta) + Q sin(theta).
    """
    source_axes, target_axes = (principal_axes(X.astype(np.float64), n_components) for X in (source, target))
    left, cosines, right = np.linalg.svd(source_axes.T @ target_axes)
    k = len(cosines)
    angle = np.arccos(np.clip(cosines, -1, 1))  # (k,)
    A, B = source_axes @ left[:, :k], target_axes @ right[:k].T  # (d, k) twice
    nonzero = angle > 1e-6
    Q = np.where(nonzero, (B - A * np.cos(angle)) / np.where(nonzero, np.sin(angle), 1), 0)  # (d, k)
    # The integrals of cos^2, sin cos and sin^2 over the path, one 2 x 2 block for each angle.
    double = np.where(nonzero, 2 * angle, 1)
    sine = np.where(nonzero, np.sin(double) / double, 1)
    mixed = np.where(nonzero, (1 - np.cos(double)) / double, 0) / 2
    blocks = np.stack([np.stack([(1 + sine) / 2, mixed], -1), np.stack([mixed, (1 - sine) / 2], -1)], -2)  # (k, 2, 2)
    values, vectors = np.linalg.eigh(blocks)
    root = vectors * np.sqrt(np.maximum(values, 0))[:, None, :]  # (k, 2, 2)
    return np.hstack([A * root[:, 0, j] + Q * root[:, 1, j] for j in range(2)])


@dataclass(kw_only=True, eq=False, repr=False)
class SubspaceAlignment(AdaptedClassifier):
    """Train the base classifier in the target's principal subspace, to which the source's is aligned.

    Parameters
    ----------
    n_components : int, default=40
        Number of principal axes of each domain, at most its rank.
    base : classifier, default=None
        None means the nearest neighbor, as in the paper: aligned coordinates have very different variances, which
        suits a linear model with a single penalty badly.
    normalize : see `AdaptedClassifier`

    Attributes
    ----------
    axes_ : ndarray of shape (n_features, k)
        The target's principal axes; absent if `fit` had no target.
    classes_, model_ : see `AdaptedClassifier`

    References
    ----------
    Fernando, Habrard, Sebban, Tuytelaars. Unsupervised Visual Domain Adaptation Using Subspace Alignment. ICCV 2013.
    """

    supports_sparse = False
    n_components: int = 40

    def _adapt(self, domains: Domains) -> None:
        check_whole(1, n_components=self.n_components)
        aligned, self.axes_ = subspace_alignment(domains.source, domains.target, n_components=self.n_components)
        base = KNeighborsClassifier(1) if self.base is None else self.base
        self.model_ = fit_base(base, domains.source @ aligned, domains.index, domains.weights)

    def _represent(self, table: Table) -> Table:
        return table @ self.axes_
