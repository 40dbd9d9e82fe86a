"""How far two domains are apart: can a classifier tell them, do their distributions differ, in which features."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import PredefinedSplit, cross_val_predict

from anyshot.base.protocols import Encoder
from anyshot.base.threads import threads_for
from anyshot.base.validation import Indexes, RandomState, generator
from anyshot.domain_adaptation.base import (
    ScaledLogisticRegression,
    check_columns,
    domain_table,
    domains_stacked,
    target_table,
)
from anyshot.domain_adaptation.normalization import Normalize, Table, is_sparse, normalized
from anyshot.encoders.registry import load_encoder
from anyshot.errors import DomainError, InputError

# The proxy A-distance is 2 (1 - 2 e) with e the balanced error of a classifier that tells the domains (Ben-David,
# Blitzer, Crammer, Kulesza, Pereira, Vaughan. A theory of learning from different domains. Machine Learning 2010,
# section 4): 0 is chance, 2 is apart. e comes from cross-validated logistic regression, which sees means only: MMD sees
# the rest. Its null, what comes out where there is no gap, needs the classifier fitted anew on domains dealt out at
# random; one Newton step of logistic regression from zero is least squares on +-1, whose held-out answers are a fixed
# matrix times those labels, so all deals cost one matrix product.
#
# MMD^2 = mean k(s, s') + mean k(t, t') - 2 mean k(s, t), a Gaussian kernel as wide as the median distance, is tested
# the same way (Gretton, Borgwardt, Rasch, Schoelkopf, Smola. A Kernel Two-Sample Test. JMLR 2012, eq. 3).

FOLDS: Final = 5
ITEMS: Final = 1000
"""Items of each domain used at most, drawn at random: the work is cubic in them."""
SAME: Final = 1e-6
NORMALIZATIONS: Final[tuple[Normalize, ...]] = (None, "source", "domain")


@dataclass(frozen=True)
class DomainGap:
    """What `domain_gap` found."""

    a_distance: float
    """Proxy A-distance, 0 (cannot be told apart) to 2 (always told)."""
    a_distance_p: float
    """Share of random deals of the domains that are told apart as well."""
    mmd: float
    """Squared maximum mean discrepancy."""
    mmd_p: float
    """Share of random deals with as large a discrepancy."""
    features: pd.DataFrame
    """The most shifted features: their means, and the move in pooled standard deviations; the largest first."""
    normalizations: pd.DataFrame
    """A row for each normalization: what A-distance and MMD it leaves."""
    identical: bool
    """The two tables hold the same items."""

    @property
    def verdict(self) -> str:
        """What to make of it, in a sentence."""
        if self.identical:
            return "The domains hold the same items: there is no gap, and nothing to adapt."
        if min(self.a_distance_p, self.mmd_p) > LEVEL / 2:
            return "No gap can be shown on these items: keep the source model."
        left = (self.normalizations / np.maximum([self.a_distance, self.mmd], 1e-12)).max(axis=1)
        best = str(left.idxmin())
        if left[best] < 1 / 2:
            return f"There is a gap, and normalize={best!r} takes more than half of it: try that first."
        return "There is a gap that no normalization takes: test for label shift, then compare methods."

    def __str__(self) -> str:
        return (
            f"A-distance {self.a_distance:.2f} (p {self.a_distance_p:.3g}), MMD^2 {self.mmd:.3g} (p {self.mmd_p:.3g})\n"
            f"{self.verdict}\n{self.normalizations.to_string(float_format='%.3g')}\n"
            f"{self.features.to_string(float_format='%.3g')}"
        )


LEVEL: Final = 0.05
"""A p-value of either test of at most half of it shows a gap (Bonferroni)."""
FEWEST_DEALS: Final = 39
"""With fewer no p-value is so small."""


def domain_gap(
    source: ArrayLike,
    target: ArrayLike,
    *,
    encoder: str | Encoder | None = None,
    feature_names: Sequence[str] | None = None,
    n_features: int = 10,
    n_permutations: int = 199,
    random_state: RandomState = None,
) -> DomainGap:
    """Measure how far two domains are apart, and what each normalization does to it.

    source (n_s, d), target (n_t, d): vectors, or raw items where an `encoder` is given, by name or as one;
    feature_names (d,): of the vectors' columns; n_features: how many shifted ones to name; n_permutations: deals behind
    the p-values, at least 39, with which the smallest is 1 in 40.

    Raises
    ------
    DomainError
        A domain has fewer than two items, or one is sparse and the other dense.
    TargetLabelsError
        `target` is a pair (items, labels).
    InputError, WidthError, BadItemError
        The tables are no tables, differ in width, or hold NaN.
    """
    if n_permutations < FEWEST_DEALS:
        raise InputError(
            f"n_permutations={n_permutations} can show no gap: the smallest p-value is 1 in {n_permutations + 1}. Take "
            f"{FEWEST_DEALS} or more."
        )
    ours, theirs = _tables(source, target, encoder)
    names = _names(feature_names, ours.shape[1])
    random = generator(random_state)
    near = _drawn(ours, random), _drawn(theirs, random)
    deals = _deals(near[0].shape[0], near[1].shape[0], n_permutations, random)  # (deals, n)
    identical = _identical(ours, theirs)
    rows = {}
    with threads_for(deals.shape[1] ** 2):
        for by in NORMALIZATIONS:
            pair = normalized(*near, by)
            rows[by] = (0.0, 0.0) if identical else (a_distance(*pair), _mmd(pair, deals)[0])
        p = (1.0, 1.0) if identical else (_told_p(near, deals), _mmd(near, deals)[1])
    table = pd.DataFrame.from_dict(
        {str(by): row for by, row in rows.items()}, orient="index", columns=["a_distance", "mmd"]
    ).rename_axis("normalize")
    shifted = shifted_features(ours, theirs, names).head(n_features)
    return DomainGap(rows[None][0], p[0], rows[None][1], p[1], shifted, table, identical)


def a_distance(source: Table, target: Table) -> float:
    """Return the proxy A-distance of two domains (n_s, d), (n_t, d): 0 is not to be told apart, 2 always."""
    both, domain, fold = _told(source, target)
    seen = both if is_sparse(both) else both - both.mean(axis=0)
    weights = (len(domain) / 2 / np.bincount(domain))[domain]  # both domains weigh the same
    answers = cross_val_predict(
        ScaledLogisticRegression(), seen, domain, cv=PredefinedSplit(fold), params={"sample_weight": weights}
    )
    error = np.mean([np.mean(answers[domain == k] != k) for k in (0, 1)])
    return float(max(0.0, 2 * (1 - 2 * error)))


def mmd(source: Table, target: Table) -> float:
    """Return the squared maximum mean discrepancy of two domains (n_s, d), (n_t, d); a little below 0 by chance."""
    deal = np.arange(source.shape[0] + target.shape[0])[None] < source.shape[0]
    return _mmd((source, target), deal)[0]


def shifted_features(source: Table, target: Table, names: Sequence[str]) -> pd.DataFrame:
    """Return each feature's means and how far it moved [pooled standard deviations], the farthest first."""
    (m_s, v_s), (m_t, v_t) = _moments(source), _moments(target)
    spread = np.sqrt((v_s + v_t) / 2)
    moved = np.where(m_s == m_t, 0, (m_t - m_s) / np.where(spread > 0, spread, 1e-12))
    frame = pd.DataFrame({"source": m_s, "target": m_t, "moved": moved}, index=pd.Index(names, name="feature"))
    return frame.iloc[np.argsort(-np.abs(moved), kind="stable")]


def _tables(source: ArrayLike, target: ArrayLike, encoder: str | Encoder | None) -> tuple[Table, Table]:
    check_columns(source, target)
    if encoder is None and (_is_raw(source) or _is_raw(target)):
        raise InputError("Texts and images are compared through an encoder: give encoder='minilm' or another.")
    if encoder is not None:
        if not isinstance(source, Sequence) or not isinstance(target, Sequence):
            raise InputError("With an encoder, source and target must be lists of raw items.")
        reader = load_encoder(encoder)
        source, target = reader.encode(source), reader.encode(target)
    ours = domain_table(source, name="source")
    if ours.shape[0] < 2:
        raise DomainError(f"source has {ours.shape[0]} item(s); a domain needs at least 2 to be told by.")
    return ours, target_table(target, ours)


def _is_raw(domain: ArrayLike) -> bool:
    return isinstance(domain, Sequence) and any(isinstance(item, str | PathLike) for item in domain)


def _names(given: Sequence[str] | None, width: int) -> list[str]:
    if given is None:
        return [str(column) for column in range(width)]
    if len(given) != width:
        raise InputError(f"feature_names holds {len(given)} names; the vectors are {width} wide.")
    return list(given)


def _drawn(table: Table, random: np.random.Generator) -> Table:
    n = table.shape[0]
    return table if n <= ITEMS else table[np.sort(random.choice(n, ITEMS, replace=False))]


def _deals(n_s: int, n_t: int, n_deals: int, random: np.random.Generator) -> NDArray[np.bool_]:
    """Return who is of the source (1 + n_deals, n): as it is, then dealt out at random."""
    truth = np.arange(n_s + n_t) < n_s
    return np.stack([truth, *(random.permutation(truth) for _ in range(n_deals))])


def _told(source: Table, target: Table) -> tuple[Table, Indexes, Indexes]:
    """Return both domains' items (n, d), the domain of each (n,), and its fold (n,)."""
    n_s, n_t = source.shape[0], target.shape[0]
    fold = np.concatenate([np.arange(n_s) % FOLDS, np.arange(n_t) % FOLDS])
    return domains_stacked(source, target), np.repeat([0, 1], [n_s, n_t]), fold


def _told_p(pair: tuple[Table, Table], deals: NDArray[np.bool_]) -> float:
    """Return the share of the deals (deals, n), the true one first, that least squares tells apart as well."""
    both, _, fold = _told(*pair)
    gram = _gram(both)
    gram += gram.diagonal().mean() * np.eye(len(gram)) * 1e-9
    penalty = gram.diagonal().mean() or 1.0
    right = np.zeros(deals.shape)
    for number in range(FOLDS):
        held = fold == number
        if not held.any():
            continue
        signs = np.where(deals[:, ~held], 1.0, -1.0)
        signs -= signs.mean(axis=1, keepdims=True)
        inner = gram[np.ix_(~held, ~held)] + penalty * np.eye((~held).sum())
        scores = gram[np.ix_(held, ~held)] @ np.linalg.solve(inner, signs.T)  # (held, deals)
        right[:, held] = (scores.T > 0) == deals[:, held]
    told = [(right * side).sum(axis=1) / side.sum(axis=1) for side in (deals, ~deals)]
    score = told[0] + told[1]
    return float(np.mean(score >= score[0] - 1e-12))


def _mmd(pair: tuple[Table, Table], deals: NDArray[np.bool_]) -> tuple[float, float]:
    """Return MMD^2 of the first deal and the share of deals (deals, n) with as much; unbiased."""
    gram = _gram(domains_stacked(*pair))
    squares = np.maximum(gram.diagonal()[:, None] + gram.diagonal() - 2 * gram, 0)
    width = np.median(squares[np.triu_indices(len(squares), 1)])
    kernel = np.exp(-squares / (width if width > 0 else 1.0))
    np.fill_diagonal(kernel, 0)
    ours = deals.astype(float)
    n_s, n_t = ours[0].sum(), len(kernel) - ours[0].sum()
    to_ours = ours @ kernel  # (deals, n)
    within = (to_ours * ours).sum(axis=1)
    across = (to_ours * (1 - ours)).sum(axis=1)
    rest = kernel.sum() - within - 2 * across
    values = within / (n_s * (n_s - 1)) + rest / (n_t * (n_t - 1)) - 2 * across / (n_s * n_t)
    return float(values[0]), float(np.mean(values >= values[0] - 1e-12))


def _gram(both: Table) -> NDArray[np.floating]:
    """Return the inner products (n, n) of the items, about their mean where they are dense."""
    if is_sparse(both):
        return np.asarray((both @ both.T).toarray(), dtype=np.float64)
    centered = np.asarray(both, dtype=np.float64)
    centered = centered - centered.mean(axis=0)
    return np.asarray(centered @ centered.T)


def _moments(table: Table) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return mean and variance of each feature (d,)."""
    mean = np.asarray(table.mean(axis=0), dtype=np.float64).ravel()
    if is_sparse(table):
        square = np.asarray(table.multiply(table).mean(axis=0), dtype=np.float64).ravel()
        return mean, np.maximum(square - mean**2, 0)
    return mean, np.asarray(table.var(axis=0, dtype=np.float64))


def _identical(source: Table, target: Table) -> bool:
    if source.shape != target.shape:
        return False
    gap = abs(source - target)
    return bool(gap.max() <= SAME)
