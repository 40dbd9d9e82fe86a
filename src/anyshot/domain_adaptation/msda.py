"""Marginalized stacked denoising autoencoders (mSDA): features learned by restoring dropped features."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from sklearn.preprocessing import normalize

from anyshot.base.validation import check_fraction, check_whole
from anyshot.domain_adaptation.base import AdaptedClassifier, fit_base
from anyshot.domain_adaptation.domains import Domains, Normalize, Table, is_sparse, stack_domains

# Features x (d,), with a constant 1 that is never dropped, are dropped with probability p each; the linear map W that
# restores them best, in expectation over what is dropped, is
#
#     W = P Q^-1,  S = X'X,  q = (1 - p, ..., 1 - p, 1),  P_ab = S_ab q_b,  Q_ab = S_ab q_a q_b,  but Q_aa = S_aa q_a
#
# and the layer's output is tanh(x W'). Layers are stacked (eq. 3 to 8 of the paper). Only the most frequent features
# (pivots) are restored, as in section 4.3: they are the width of the output, and the input stays sparse.

RIDGE: Final = 1e-5
"""Added to the diagonal of Q, as a fraction of its mean, so that the system is solvable if a feature never occurs."""


def denoising_layer(table: Table, *, noise: float, pivots: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return W (d + 1, r), which restores the features `pivots` (r,) of a corrupted row; the last row is the bias.

    table (n, d); noise: probability that a feature is dropped.
    """
    d = table.shape[1]
    inner = table.T @ table
    S = np.empty((d + 1, d + 1), dtype=np.float32)  # the second moments
    S[:d, :d] = inner.toarray() if is_sparse(inner) else inner
    S[d, :d] = S[:d, d] = table.sum(axis=0)
    S[d, d] = table.shape[0]
    q = np.full(len(S), 1 - noise, dtype=S.dtype)
    q[-1] = 1
    right = S[:, pivots] * q[:, None]  # (d + 1, r), P' of the pivots
    diagonal = S.diagonal() * q
    Q = S * q[:, None] * q
    Q[np.diag_indices(len(Q))] = diagonal + RIDGE * diagonal.mean()
    return np.asarray(cho_solve(cho_factor(Q, overwrite_a=True, check_finite=False), right, check_finite=False))


def apply_layer(table: Table, layer: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the output (n, r) of a denoising layer (d + 1, r) on a table (n, d)."""
    return np.asarray(np.tanh(table @ layer[:-1] + layer[-1]), dtype=np.float32)


@dataclass(kw_only=True, eq=False, repr=False)
class MSDA(AdaptedClassifier):
    """Marginalized stacked denoising autoencoders: train the base classifier on features learned from both domains.

    Parameters
    ----------
    noise : float, default=0.7
        Probability that a feature is dropped.
    n_layers : int, default=3
        Number of stacked layers.
    n_pivots : int, default=1000
        Number of features, the most frequent ones, that the layers restore; the width of each layer.
    normalize : {"source", "domain", None}, default=None
        Statistics used to standardize the vectors first. Word counts need none.
    base : see `AdaptedClassifier`

    Attributes
    ----------
    layers_ : list of ndarray
        The map of each layer; absent if `fit` had no target.
    classes_, model_ : see `AdaptedClassifier`

    Notes
    -----
    Sparse input stays sparse; the outputs are dense, n_layers * n_pivots wide. Rows are scaled to unit length first.

    References
    ----------
    Chen, Xu, Weinberger, Sha. Marginalized Denoising Autoencoders for Domain Adaptation. ICML 2012.

    Examples
    --------
    >>> X, y, target = [[1.0, 0, 1], [0, 1.0, 0], [1, 0, 0]], ["a", "b", "a"], [[0.0, 1, 0], [0, 0, 2.0]]
    >>> MSDA(n_layers=1).fit(X, y, target=target).predict(target)
    array(['b', 'a'], dtype='<U1')
    """

    noise: float = 0.7
    n_layers: int = 3
    n_pivots: int = 1000
    normalize: Normalize = None

    def _adapt(self, domains: Domains) -> None:
        check_fraction(noise=self.noise)
        check_whole(1, n_layers=self.n_layers, n_pivots=self.n_pivots)
        table = stack_domains(normalize(domains.source), normalize(domains.target))
        self.layers_: list[NDArray[np.float32]] = []
        counts = np.bincount(table.indices, minlength=table.shape[1]) if is_sparse(table) else (table != 0).sum(axis=0)
        pivots = np.sort(np.argsort(-counts, kind="stable")[: self.n_pivots])  # the features nonzero in most rows
        for _ in range(self.n_layers):
            self.layers_.append(denoising_layer(table, noise=self.noise, pivots=pivots))
            table = apply_layer(table, self.layers_[-1])
            pivots = np.arange(table.shape[1])
        self.model_ = fit_base(self.base, self._represent(domains.source), domains.index, domains.weights)

    def _represent(self, table: Table) -> Table:
        hidden, outputs = normalize(table), []
        for layer in self.layers_:
            hidden = apply_layer(hidden, layer)
            outputs.append(hidden)
        return np.hstack(outputs)
