"""The leading eigenvectors of a symmetric matrix, which several methods of domain adaptation need."""

from typing import Final

import numpy as np
from scipy.linalg import eigh
from scipy.sparse.linalg import eigsh

from anyshot.base.threads import threads_for
from anyshot.domain_adaptation.domains import Floats

FEW: Final = 10
"""With this many times more dimensions than eigenvectors, a Lanczos method is faster than a dense eigensolver."""


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
