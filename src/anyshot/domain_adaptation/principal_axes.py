"""The principal axes of a domain, and the geodesic flow between those of two domains."""

from typing import Final

import numpy as np
from scipy.linalg import eigh
from scipy.sparse.linalg import eigsh

from anyshot.base.threads import threads_for
from anyshot.domain_adaptation.domains import Floats
from anyshot.errors import DomainError

FEW: Final = 10
"""With this many times more dimensions than eigenvectors, a Lanczos method is faster than a dense eigensolver."""
LANCZOS_TOL: Final = 1e-6  # relative tolerance of the eigenvalues


def leading_eigenvectors(matrix: Floats, k: int, *, tol: float = 0.0) -> tuple[Floats, Floats]:
    """Return the k largest eigenvalues of a symmetric matrix (m, m) and their eigenvectors (m, k), largest first.

    tol: relative error of the eigenvalues at which the Lanczos method may stop; 0 is that of the machine.
    """
    m = len(matrix)
    with threads_for(matrix.size):
        if k * FEW < m:
            values, vectors = eigsh(matrix, k=k, which="LA", v0=np.ones(m, matrix.dtype), tol=tol)
            order = np.argsort(-values)
            return values[order], vectors[:, order]
        values, vectors = eigh(matrix, subset_by_index=[m - k, m - 1], check_finite=False)
        return values[::-1], vectors[:, ::-1]


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


# Geodesic flow: between the two subspaces there is a shortest path of subspaces phi(t), 0 <= t <= 1, and vectors are
# compared by x' (integral of phi(t) phi(t)' dt) y. Gong, Shi, Sha, Grauman. Geodesic Flow Kernel for Unsupervised
# Domain Adaptation. CVPR 2012, eq. 5 to 7.


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
