"""Normalization of two domains: whose mean and spread a vector is measured by."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse

from anyshot.base.validation import Vectors

Table: TypeAlias = Vectors | csr_array  # (n, d), dense or sparse
Normalize: TypeAlias = Literal["source", "domain"] | None

# On twelve pairs of photo collections, z-scores by each domain's own statistics instead of the source's moved accuracy
# by 6 to 16 points, up or down: it takes a shift of mean and spread away, and with it whatever the classes' shares had
# to do with the mean. So it is a choice that each estimator states.


def is_sparse(table: object) -> TypeGuard[csr_array]:
    """Say whether a table is sparse."""
    return bool(issparse(table))


@dataclass(frozen=True)
class Statistics:
    """What z-scores are made with."""

    mean: NDArray[np.float32]  # (d,), zeros for sparse tables: to center them would fill them
    scale: NDArray[np.float32]  # (d,), 1 where a feature does not vary

    def applied(self, table: Table) -> Table:
        """Return the z-scores of a table (n, d); a sparse one is scaled only, and stays sparse."""
        if is_sparse(table):
            scaled = table.copy()
            scaled.data = table.data / self.scale[table.indices]
            return scaled
        return np.asarray((table - self.mean) / self.scale, dtype=np.float32)


def statistics_of(table: Table) -> Statistics:
    """Return mean and standard deviation of each feature of a table (n, d); of a sparse one, its root mean square."""
    if is_sparse(table):
        mean = np.zeros(table.shape[1])
        square = np.bincount(table.indices, weights=table.data.astype(float) ** 2, minlength=table.shape[1])
        spread = np.sqrt(square / table.shape[0])
    else:
        mean, spread = table.mean(axis=0, dtype=float), table.std(axis=0, dtype=float)
        # What rounding leaves of a constant feature is no spread.
        spread = np.where(spread > 1e-6 * np.abs(mean), spread, 0)
    return Statistics(mean.astype(np.float32), np.where(spread > 0, spread, 1).astype(np.float32))


def normalized(source: Table, target: Table, by: Normalize) -> tuple[Table, Table]:
    """Return both domains' tables (n_s, d), (n_t, d) as z-scores: by the source's statistics, by each domain's own.

    With None they are returned as they are.
    """
    if by is None:
        return source, target
    ours = statistics_of(source)
    theirs = statistics_of(target) if by == "domain" else ours
    return ours.applied(source), theirs.applied(target)
