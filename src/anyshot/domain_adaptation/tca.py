"""TCA and JDA: project both domains onto axes along which their means, or those of each class, agree."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh
from sklearn.preprocessing import normalize

from anyshot.base.threads import threads_for
from anyshot.base.validation import Indexes, check_positive, check_whole
from anyshot.domain_adaptation.base import AdaptedClassifier, fit_base
from anyshot.domain_adaptation.domains import Domains, Floats, Table, is_sparse, mean_differences, stack_domains
from anyshot.domain_adaptation.principal_axes import leading_eigenvectors

# Find axes W (d, k) that keep the variance of both domains' vectors X (n, d) and bring their means together:
#
#     min_W  trace(W' (X' M X + penalty I) W)   with   W' X' H X W = I
#
# H centers; M = e e' with e_i = 1 / n_s on the source and -1 / n_t on the target (TCA: Pan et al., eq. 13). JDA adds an
# e for each class, from the source labels and the predicted target classes, and iterates (Long et al., eq. 8). As
# there, M is scaled to Frobenius norm 1, vectors to length 1, and the kernel is linear; so X' M X = G' G where the rows
# of G (1 + c, d) are differences between means, and all matrices have size d, not n. With more features than items, the
# algebra is done in the span of the items, which contains W.


@dataclass(frozen=True)
class PooledDomains:
    """The vectors of both domains, and what the rounds of JDA have in common."""

    vectors: Table  # (n, d), the source first
    n_source: int
    basis: Floats | None  # (d, r), spans the vectors; None is the identity
    scatter: Floats  # (r, r), of the centered vectors in this basis


def pool_domains(source: Table, target: Table) -> PooledDomains:
    """Return source vectors (n_s, d) and target vectors (n_t, d) with their common scatter matrix."""
    vectors = stack_domains(source, target).astype(np.float64)
    basis = _span(vectors)
    coordinates = vectors if basis is None else vectors @ basis
    centered = coordinates - coordinates.mean(axis=0)
    return PooledDomains(vectors, source.shape[0], basis, centered.T @ centered)


def transfer_components(
    domains: PooledDomains, *, n_components: int, penalty: float = 1.0, classes: tuple[Indexes, Indexes] | None = None
) -> Floats:
    """Return the axes (d, k) that solve the problem above, best first.

    classes: class index of each source item and each target item, for JDA; None for TCA.
    """
    n_source = domains.n_source
    E = mean_differences(n_source, domains.vectors.shape[0] - n_source, classes)  # (g, n)
    differences = np.asarray((E @ domains.vectors) / np.sqrt(np.linalg.norm(E @ E.T)))  # (g, d)
    if domains.basis is not None:
        differences = differences @ domains.basis
    with threads_for(domains.scatter.size):
        axes = _leading_axes(domains.scatter, differences, penalty, n_components)  # (r, k)
    return axes if domains.basis is None else domains.basis @ axes


def _leading_axes(scatter: Floats, differences: Floats, penalty: float, n_components: int) -> Floats:
    """Return the k leading solutions w (r, k) of scatter w = value (G'G + penalty I) w, G being `differences`."""
    # G has rank g, far below r. With its right singular vectors V and values s, the right-hand matrix to the power
    # -1/2 is (I - V diag(1 - sqrt(penalty / (penalty + s^2))) V') / sqrt(penalty).
    r = len(scatter)
    k = min(n_components, r)
    _, singular, V = np.linalg.svd(differences, full_matrices=False)  # (g,), (g, r)
    shrunk = V.T * (1 - np.sqrt(penalty / (penalty + singular**2)))  # (r, g)

    def inverse_root(vectors: Floats) -> Floats:
        return np.asarray((vectors - shrunk @ (V @ vectors)) / np.sqrt(penalty))

    whitened = inverse_root(inverse_root(scatter).T)
    return inverse_root(leading_eigenvectors(whitened, k)[1])


def _span(vectors: Table) -> Floats | None:
    """Return an orthonormal basis (d, r) of the span of vectors (n, d); None if they are dense and d <= n."""
    n, d = vectors.shape
    if d <= n and not is_sparse(vectors):
        return None
    gram = vectors @ vectors.T
    with threads_for(n * n):
        values, axes = eigh(gram.toarray() if is_sparse(gram) else gram, check_finite=False)
    positive = values > values[-1] * n * np.finfo(np.float64).eps
    return np.asarray(vectors.T @ (axes[:, positive] / np.sqrt(values[positive])))


@dataclass(kw_only=True, eq=False, repr=False)
class TCA(AdaptedClassifier):
    """Transfer component analysis: train the base classifier on axes along which the domains have the same mean.

    Parameters
    ----------
    n_components : int, default=20
        Number of axes.
    penalty : float, default=1.0
        Weight of the length of the axes against the distance between the domain means.
    normalize : {"source", "domain", None}, default="domain"
        Statistics used to standardize the vectors, which are then scaled to unit length.
    base : see `AdaptedClassifier`

    Attributes
    ----------
    axes_ : ndarray of shape (n_features, k)
        The transfer components; absent if `fit` had no target.
    classes_, model_ : see `AdaptedClassifier`

    References
    ----------
    Pan, Tsang, Kwok, Yang. Domain Adaptation via Transfer Component Analysis. IEEE TNN 2011.
    """

    n_components: int = 20
    penalty: float = 1.0

    def _adapt(self, domains: Domains) -> None:
        self._align(domains, rounds=0)

    def _align(self, domains: Domains, *, rounds: int) -> None:
        """Fit the axes and the model; `rounds` times again with the means of the predicted target classes."""
        check_whole(1, n_components=self.n_components)
        check_whole(0, rounds=rounds)
        check_positive(penalty=self.penalty)
        source, target = normalize(domains.source), normalize(domains.target)
        pooled, classes = pool_domains(source, target), None
        for _ in range(rounds + 1):
            self.axes_ = transfer_components(
                pooled, n_components=self.n_components, penalty=self.penalty, classes=classes
            )
            self.model_ = fit_base(self.base, normalize(source @ self.axes_), domains.index, domains.weights)
            classes = domains.index, self.model_.predict(normalize(target @ self.axes_))

    def _represent(self, table: Table) -> Table:
        return normalize(normalize(table) @ self.axes_)


@dataclass(kw_only=True, eq=False, repr=False)
class JDA(TCA):
    """Joint distribution adaptation: TCA that also aligns the means of each class.

    The target classes are predicted with the axes found so far; each round aligns the class means by these
    predictions and predicts anew.

    Parameters
    ----------
    rounds : int, default=10
        Number of times the class means are aligned by the predicted target classes. 0 is TCA.
    n_components, penalty, base, normalize
        As in `TCA`, which has the same attributes.

    References
    ----------
    Long, Wang, Ding, Sun, Yu. Transfer Feature Learning with Joint Distribution Adaptation. ICCV 2013.
    """

    rounds: int = 10

    def _adapt(self, domains: Domains) -> None:
        self._align(domains, rounds=self.rounds)
