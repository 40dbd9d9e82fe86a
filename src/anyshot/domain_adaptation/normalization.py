"""Standardize the features of two domains by the source's statistics or by each domain's own."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse

from anyshot.base.validation import Vectors

Floats: TypeAlias = NDArray[np.floating]
Table: TypeAlias = Vectors | csr_array  # (n, d), dense or sparse
Normalize: TypeAlias = Literal["source", "domain"] | None

# On 12 pairs of photo collections, standardizing each domain by its own statistics instead of the source's changed the
# accuracy by 6 to 16 points, up or down: it removes a shift of mean and variance, and with it any information that the
# class shares put into the mean. So every estimator has the choice as a parameter.


def is_sparse(table: object) -> TypeGuard[csr_array]:
    """Return whether a table is sparse."""
    return bool(issparse(table))


@dataclass(frozen=True)
class Statistics:
    """Mean and standard deviation of each feature of a domain."""

    mean: NDArray[np.float32]  # (d,), zeros for sparse tables, which are not centered
    scale: NDArray[np.float32]  # (d,), 1 for constant features

    def standardize(self, table: Table) -> Table:
        """Return the z-scores of a table (n, d); a sparse table is only scaled, and stays sparse."""
        if is_sparse(table):
            scaled = table.copy()
            scaled.data = table.data / self.scale[table.indices]
            return scaled
        return np.asarray((table - self.mean) / self.scale, dtype=np.float32)


def statistics_of(table: Table) -> Statistics:
    """Return the mean and standard deviation of each feature of a table (n, d); 0 and root mean square if sparse."""
    if is_sparse(table):
        mean = np.zeros(table.shape[1])
        square = np.bincount(table.indices, weights=table.data.astype(float) ** 2, minlength=table.shape[1])
        scale = np.sqrt(square / table.shape[0])
    else:
        mean, scale = table.mean(axis=0, dtype=float), table.std(axis=0, dtype=float)
        scale = np.where(scale > 1e-6 * np.abs(mean), scale, 0)  # rounding errors of a constant feature
    return Statistics(mean.astype(np.float32), np.where(scale > 0, scale, 1).astype(np.float32))


def normalize_domains(source: Table, target: Table, by: Normalize) -> tuple[Table, Table]:
    """Return the source (n_s, d) and the target (n_t, d), standardized.

    by: "source" uses the source's statistics for both, "domain" each domain's own; None returns the tables unchanged.
    """
    if by is None:
        return source, target
    statistics = statistics_of(source)
    target_statistics = statistics_of(target) if by == "domain" else statistics
    return statistics.standardize(source), target_statistics.standardize(target)
