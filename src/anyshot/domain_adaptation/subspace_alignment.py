"""Subspace alignment: few axes for each domain, and a map between them."""

from dataclasses import dataclass

from sklearn.neighbors import KNeighborsClassifier

from anyshot.base.validation import check_whole
from anyshot.domain_adaptation.base import AdaptedClassifier, fit_base
from anyshot.domain_adaptation.domains import Domains, Floats, Table
from anyshot.domain_adaptation.principal_axes import principal_axes

# With the leading principal axes P_s, P_t (d, k) of each domain, the source coordinates x P_s are multiplied by
# M = P_s' P_t, the map that brings its axes closest to the target's; the target coordinates are x P_t (paper, eq. 4).


def subspace_alignment(source: Floats, target: Floats, *, n_components: int) -> tuple[Floats, Floats]:
    """Return the maps (d, k) of source vectors (n_s, d) and target vectors (n_t, d) into the target's subspace."""
    source_axes, target_axes = principal_axes(source, n_components), principal_axes(target, n_components)
    return source_axes @ (source_axes.T @ target_axes), target_axes


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
