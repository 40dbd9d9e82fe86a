"""Marginalized denoising (mSDA): words of one domain are read as the words of the other that they occur with."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_array, vstack
from sklearn.base import ClassifierMixin
from sklearn.preprocessing import normalize

from anyshot.domain_adaptation.base import AdaptedClassifier, Domains, fitted_base
from anyshot.domain_adaptation.normalization import Normalize, Table, is_sparse
from anyshot.errors import InputError

# Features x (d,), with a constant 1 that is never lost, are dropped with probability p each; a linear map W gives back
# what was lost, best over all ways to lose it:
#
#     W = P Q^-1,  S = X'X,  q = (1 - p, ..., 1 - p, 1),  P_ab = S_ab q_b,  Q_ab = S_ab q_a q_b,  but Q_aa = S_aa q_a
#
# and the layer's output is tanh(x W'). Layers are stacked. Chen, Xu, Weinberger, Sha. Marginalized Denoising
# Autoencoders for Domain Adaptation. ICML 2012, eq. 3 to 8. Only the most frequent features (pivots) are given back, as
# in its section 4.3: the output has that width, the input stays sparse.

ADDED: Final = 1e-5
"""Added to Q's diagonal, as a share of its mean, so that features which never occur can be solved for."""


def denoising_layer(table: Table, *, loss: float, pivots: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return W (d + 1, r), which gives the features `pivots` (r,) back from what is left of a row; the last is for 1.

    table (n, d); loss: the probability that a feature is lost.
    """
    S = _second_moments(table)  # (d + 1, d + 1)
    kept = np.full(len(S), 1 - loss, dtype=S.dtype)
    kept[-1] = 1
    right = S[:, pivots] * kept[:, None]  # (d + 1, r), P' of the pivots
    diagonal = S.diagonal() * kept
    Q = S * kept[:, None] * kept
    Q[np.diag_indices(len(Q))] = diagonal + ADDED * diagonal.mean()
    return np.asarray(cho_solve(cho_factor(Q, overwrite_a=True, check_finite=False), right, check_finite=False))


def _second_moments(table: Table) -> NDArray[np.float32]:
    d = table.shape[1]
    S = np.empty((d + 1, d + 1), dtype=np.float32)
    inner = table.T @ table
    S[:d, :d] = inner.toarray() if is_sparse(inner) else inner
    S[d, :d] = S[:d, d] = table.sum(axis=0)
    S[d, d] = table.shape[0]
    return S


def denoised(table: Table, layer: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return tanh of the rows (n, d) given back by a layer (d + 1, r)."""
    return np.asarray(np.tanh(table @ layer[:-1] + layer[-1]), dtype=np.float32)


class MSDA(AdaptedClassifier):
    """Learn from what stacked denoising layers, trained on both domains, make of a vector (mSDA).

    Parameters
    ----------
    loss : float, default=0.7
        Probability that a feature is lost.
    n_layers : int, default=3
        Layers on top of each other.
    n_pivots : int, default=1000
        The most frequent features, which the layers give back; the width of each layer.
    base : classifier, default=None
        Learns from all layers' outputs side by side. Logistic regression if not given.
    normalize : {"source", "domain", None}, default=None
        Whose statistics make the z-scores before all else. Counts of words need none.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes of the source, sorted.
    layers_ : list of ndarray
        The maps, one a layer; there are none without a target.
    model_ : classifier
        The fitted base.

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

    def __init__(
        self,
        *,
        loss: float = 0.7,
        n_layers: int = 3,
        n_pivots: int = 1000,
        base: ClassifierMixin | None = None,
        normalize: Normalize = None,
    ) -> None:
        self.loss = loss
        self.n_layers = n_layers
        self.n_pivots = n_pivots
        self.base = base
        self.normalize = normalize

    def _adapt(self, domains: Domains) -> None:
        if not 0 < self.loss < 1:
            raise InputError(f"loss={self.loss} must lie between 0 and 1: it is a probability.")
        if self.n_layers < 1 or self.n_pivots < 1:
            raise InputError(f"n_layers={self.n_layers} and n_pivots={self.n_pivots} must be at least 1.")
        source = normalize(domains.source)
        stack = vstack if is_sparse(source) else np.vstack
        table = stack([source, normalize(domains.target)])
        table = csr_array(table) if is_sparse(table) else table
        self.layers_: list[NDArray[np.float32]] = []
        for depth in range(self.n_layers):
            pivots = _most_frequent(table, self.n_pivots) if depth == 0 else np.arange(table.shape[1])
            self.layers_.append(denoising_layer(table, loss=self.loss, pivots=pivots))
            table = denoised(table, self.layers_[-1])
        self.model_ = fitted_base(self.base, self._represent(domains.source), domains.index)

    def _represent(self, table: Table) -> Table:
        seen, outputs = normalize(table), []
        for layer in self.layers_:
            seen = denoised(seen, layer)
            outputs.append(seen)
        return np.hstack(outputs)


def _most_frequent(table: Table, n_pivots: int) -> NDArray[np.intp]:
    """Return the features (r,) that are not 0 in most rows of a table (n, d), in their order."""
    often = np.bincount(table.indices, minlength=table.shape[1]) if is_sparse(table) else (table != 0).sum(axis=0)
    return np.sort(np.argsort(-often, kind="stable")[:n_pivots])
