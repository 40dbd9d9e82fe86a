"""Transfer component analysis (TCA): project both domains onto axes along which their means agree."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.sparse.linalg import LinearOperator, eigsh
from sklearn.base import ClassifierMixin
from sklearn.preprocessing import normalize

from anyshot.base.threads import threads_for
from anyshot.base.validation import Indexes
from anyshot.domain_adaptation.base import AdaptedClassifier, Domains, domains_stacked, fitted_base
from anyshot.domain_adaptation.normalization import Normalize, Table, is_sparse
from anyshot.errors import InputError

# Wanted are axes W (d, k) that keep the variance of both domains' vectors X (n, d) and bring their means together:
#
#     min_W  trace(W' (X' M X + penalty I) W)   with   W' X' H X W = I
#
# H centers; M = e e' with e_i = 1 / n_s on the source and -1 / n_t on the target (TCA: Pan, Tsang, Kwok, Yang. Domain
# Adaptation via Transfer Component Analysis. IEEE TNN 2011, eq. 13). JDA adds an e for each class, on the source's
# labels and the target's answers so far, and repeats (Long, Wang, Ding, Sun, Yu. Transfer Feature Learning with Joint
# Distribution Adaptation. ICCV 2013, eq. 8). As there, M is scaled to Frobenius norm 1, vectors to length 1, and the
# kernel is linear; so X' M X = G' G where G (1 + c, d) holds gaps between means, and all is of size d, not n. With more
# features than items, the algebra is done in the items' span, where W lies.

FEW: Final = 10
"""Wanted axes are few where there are this many times as many: then a Lanczos method finds them sooner."""


@dataclass(frozen=True)
class Pooled:
    """Both domains' vectors, and what of them does not change from round to round."""

    vectors: Table  # (n, d), the source's first
    n_source: int
    basis: NDArray[np.floating] | None  # (d, r), spans the vectors; None is the identity
    scatter: NDArray[np.floating]  # (r, r), of the centered vectors along the basis


def pooled(source: Table, target: Table) -> Pooled:
    """Put source vectors (n_s, d) and target vectors (n_t, d) together."""
    both = domains_stacked(source, target).astype(np.float64)
    basis = _span(both)
    seen = both if basis is None else both @ basis
    centered = seen - seen.mean(axis=0)
    return Pooled(both, source.shape[0], basis, centered.T @ centered)


def transfer_components(
    domains: Pooled, *, n_components: int, penalty: float = 1.0, classes: tuple[Indexes, Indexes] | None = None
) -> NDArray[np.floating]:
    """Return axes (d, k) that solve the problem above, best first.

    classes: the class of each source item and each target item, for JDA; without them, TCA.
    """
    gaps = _mean_gaps(domains, classes)  # (g, d)
    seen = gaps if domains.basis is None else gaps @ domains.basis
    with threads_for(domains.scatter.size):
        axes = _leading(domains.scatter, seen, penalty, n_components)  # (r, k)
    return axes if domains.basis is None else domains.basis @ axes


def _leading(
    scatter: NDArray[np.floating], gaps: NDArray[np.floating], penalty: float, n_components: int
) -> NDArray[np.floating]:
    """Return the k leading solutions w (r, k) of scatter w = value (gaps' gaps + penalty I) w."""
    # The gaps have rank g, far below r. With their right singular vectors V and values s, the right side to the power
    # -1/2 is (I - V diag(1 - sqrt(penalty / (penalty + s^2))) V') / sqrt(penalty). Few axes need no dense solver.
    r = len(scatter)
    k = min(n_components, r)
    _, lengths, V = np.linalg.svd(gaps, full_matrices=False)  # (g,), (g, r)
    taken = V.T * (1 - np.sqrt(penalty / (penalty + lengths**2)))  # (r, g)

    def root(vectors: NDArray[np.floating]) -> NDArray[np.floating]:
        return np.asarray((vectors - taken @ (V @ vectors)) / np.sqrt(penalty))

    if k * FEW < r:
        whitened = LinearOperator((r, r), matvec=lambda vector: root(scatter @ root(vector)), dtype=np.float64)
        along, turn = eigsh(whitened, k=k, which="LA", v0=np.ones(r))
        turn = turn[:, np.argsort(along)]
    else:
        turn = eigh(root(root(scatter).T), subset_by_index=[r - k, r - 1], check_finite=False)[1]
    return root(turn[:, ::-1])


def _span(both: Table) -> NDArray[np.floating] | None:
    """Return orthonormal axes (d, r) that span the items (n, d), or None where features are no more than items."""
    n, d = both.shape
    if d <= n and not is_sparse(both):
        return None
    gram = both @ both.T
    with threads_for(n * n):
        along, turn = eigh(gram.toarray() if is_sparse(gram) else gram, check_finite=False)
    kept = along > along[-1] * n * np.finfo(np.float64).eps
    return np.asarray(both.T @ (turn[:, kept] / np.sqrt(along[kept])))


def _mean_gaps(domains: Pooled, classes: tuple[Indexes, Indexes] | None) -> NDArray[np.floating]:
    """Return E X (g, d), a row for each e, E being scaled so that the Frobenius norm of E'E is 1."""
    n, n_source = domains.vectors.shape[0], domains.n_source
    of_source = np.arange(n) < n_source
    rows = [of_source / n_source - ~of_source / (n - n_source)]
    if classes is not None:
        index = np.concatenate(classes)
        for k in np.unique(classes[0]):
            ours, theirs = of_source & (index == k), ~of_source & (index == k)
            if theirs.any():
                rows.append(ours / ours.sum() - theirs / theirs.sum())
    E = np.stack(rows)  # (g, n)
    return np.asarray((E @ domains.vectors) / np.sqrt(np.linalg.norm(E @ E.T)))


class TCA(AdaptedClassifier):
    """Transfer component analysis: train the base classifier on axes along which the domains have the same mean.

    Parameters
    ----------
    n_components : int, default=20
        Number of axes.
    penalty : float, default=1.0
        Weight of the length of the axes against the distance between the domain means.
    base : classifier, default=None
        The classifier trained on the projected vectors. None means logistic regression.
    normalize : {"source", "domain", None}, default="domain"
        Statistics used to standardize the vectors, which are then scaled to unit length.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Source classes, sorted.
    axes_ : ndarray of shape (n_features, k)
        The transfer components; absent if `fit` had no target.
    model_ : classifier
        The fitted base classifier.

    References
    ----------
    Pan, Tsang, Kwok, Yang. Domain Adaptation via Transfer Component Analysis. IEEE TNN 2011.

    Examples
    --------
    >>> X, y, target = [[0.0, 0.0], [1.0, 0.2], [4.0, 0.1]], ["a", "a", "b"], [[0.0, 0.0], [0.1, 2.0], [0.2, 8.0]]
    >>> TCA(n_components=1).fit(X, y, target=target).predict(target).shape
    (3,)
    """

    rounds: int = 0  # times that predicted target classes align the class means too; see JDA

    def __init__(
        self,
        *,
        n_components: int = 20,
        penalty: float = 1.0,
        base: ClassifierMixin | None = None,
        normalize: Normalize = "domain",
    ) -> None:
        self.n_components = n_components
        self.penalty = penalty
        self.base = base
        self.normalize = normalize

    def _adapt(self, domains: Domains) -> None:
        if self.n_components < 1 or self.rounds < 0:
            raise InputError(f"n_components={self.n_components} and rounds={self.rounds} must be at least 1 and 0.")
        if self.penalty <= 0:
            raise InputError(f"penalty={self.penalty} must be above 0: it keeps the axes finite.")
        source, target = normalize(domains.source), normalize(domains.target)
        domains_together, classes = pooled(source, target), None
        for _ in range(self.rounds + 1):
            self.axes_ = transfer_components(
                domains_together, n_components=self.n_components, penalty=self.penalty, classes=classes
            )
            self.model_ = fitted_base(self.base, normalize(source @ self.axes_), domains.index)
            classes = domains.index, self.model_.predict(normalize(target @ self.axes_))

    def _represent(self, table: Table) -> Table:
        return normalize(normalize(table) @ self.axes_)
