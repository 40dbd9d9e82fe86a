"""Measure and plot how different two domains are: proxy A-distance, MMD, and the most shifted features."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.linalg import svds
from sklearn.model_selection import PredefinedSplit, cross_val_predict

from anyshot.base.columns import column_names, is_table
from anyshot.base.folds import evenly_spaced
from anyshot.base.protocols import Encoder
from anyshot.base.threads import threads_for
from anyshot.base.validation import RandomState, check_whole, generator
from anyshot.domain_adaptation.base import ScaledLogisticRegression
from anyshot.domain_adaptation.domains import (
    Floats,
    Normalize,
    Table,
    check_columns,
    domain_table,
    is_sparse,
    normalize_domains,
    stack_domains,
    stack_with_folds,
    target_table,
)
from anyshot.encoders.registry import load_encoder
from anyshot.errors import DomainError, InputError

# The proxy A-distance is 2 (1 - 2 e), where e is the balanced error of a classifier of the domains (Ben-David, Blitzer,
# Crammer, Kulesza, Pereira, Vaughan. A theory of learning from different domains. Machine Learning 2010, section 4):
# 0 if it is at chance, 2 if it is perfect. e comes from cross-validated logistic regression, which is sensitive to
# means only; MMD is sensitive to the rest. The permutation test uses one Newton step of logistic regression from zero,
# which is least squares on +-1: its held-out predictions are a fixed matrix times the labels, so that all permutations
# cost one matrix product.
#
# MMD^2 = mean k(s, s') + mean k(t, t') - 2 mean k(s, t), with a Gaussian kernel whose width is the median distance, is
# tested the same way (Gretton, Borgwardt, Rasch, Schoelkopf, Smola. A Kernel Two-Sample Test. JMLR 2012, eq. 3).

GAP_FOLDS: Final = 5  # of the cross-validated classifier of the domains
MAX_ITEMS: Final = 1000
"""Items of each domain used at most, sampled at random: the cost is cubic in them."""
SAME: Final = 1e-6  # largest difference of two tables that count as identical
NORMALIZATIONS: Final[tuple[Normalize, ...]] = (None, "source", "domain")
LEVEL: Final = 0.05
"""A gap is significant if the p-value of either test is at most half of this (Bonferroni)."""
MIN_PERMUTATIONS: Final = 39
"""With fewer permutations, no p-value can be that small."""
SOURCE_COLOR, TARGET_COLOR = "#0072b2", "#d55e00"
MAX_DOTS: Final = 1000
"""Points of each domain plotted at most, evenly spaced over its rows."""


@dataclass(frozen=True)
class DomainGap:
    """The result of `domain_gap`."""

    a_distance: float
    """Proxy A-distance, from 0 (indistinguishable) to 2 (perfectly separable)."""
    a_distance_p: float
    """Its p-value by a permutation test."""
    mmd: float
    """Squared maximum mean discrepancy."""
    mmd_p: float
    """Its p-value by a permutation test."""
    features: pd.DataFrame
    """The most shifted features: both means, and the shift in pooled standard deviations; largest first."""
    normalizations: pd.DataFrame
    """A-distance and MMD after each normalization."""
    identical: bool
    """Whether the two tables hold the same items."""

    @property
    def verdict(self) -> str:
        """A recommendation, in one sentence."""
        if self.identical:
            return "The domains hold the same items: there is no gap, and nothing to adapt."
        if min(self.a_distance_p, self.mmd_p) > LEVEL / 2:
            return "No significant gap between the domains: keep the source model."
        remaining = (self.normalizations / np.maximum([self.a_distance, self.mmd], 1e-12)).max(axis=1)
        best = str(remaining.idxmin())
        if remaining[best] < 1 / 2:
            return f"There is a gap, and normalize={best!r} removes more than half of it: try that first."
        return "There is a gap that no normalization removes: test for label shift, then compare methods."

    def __str__(self) -> str:
        return (
            f"A-distance {self.a_distance:.2f} (p {self.a_distance_p:.3g}), MMD^2 {self.mmd:.3g} (p {self.mmd_p:.3g})\n"
            f"{self.verdict}\n{self.normalizations.to_string(float_format='%.3g')}\n"
            f"{self.features.to_string(float_format='%.3g')}"
        )


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
    """Measure how different two domains are, as they are and after each normalization.

    source (n_s, d), target (n_t, d): vectors; or raw items with an `encoder`, a name or an object; feature_names (d,):
    names of the columns, by default those of a table; n_features: number of shifted features reported; n_permutations:
    permutations behind the p-values, at least 39; random_state: seeds them. Raises DomainError for fewer than two
    items, WidthError for targets of another width, and InputError for items that are no numbers and have no encoder.
    """
    check_whole(0, n_permutations=n_permutations, n_features=n_features)
    if n_permutations < MIN_PERMUTATIONS:
        raise InputError(
            f"n_permutations={n_permutations} cannot give a significant p-value: the smallest is 1 in "
            f"{n_permutations + 1}. Use {MIN_PERMUTATIONS} or more."
        )
    source_table, target_items = _tables(source, target, encoder)
    own = column_names(source) if encoder is None and is_table(source) else range(source_table.shape[1])
    names = list(map(str, own)) if feature_names is None else list(feature_names)
    if len(names) != source_table.shape[1]:
        raise InputError(
            f"feature_names has {len(names)} names, but the vectors have {source_table.shape[1]} features."
        )
    random = generator(random_state)
    samples = _sample(source_table, random), _sample(target_items, random)
    # Which items are of the source (1 + permutations, n): in truth, then after each permutation.
    is_source = np.repeat([True, False], [sample.shape[0] for sample in samples])
    permuted = np.stack([is_source, *(random.permutation(is_source) for _ in range(n_permutations))])
    same_shape = source_table.shape == target_items.shape
    identical = same_shape and bool(abs(source_table - target_items).max() <= SAME)
    rows = {}
    with threads_for(permuted.shape[1] ** 2):
        for by in NORMALIZATIONS:
            pair = normalize_domains(*samples, by)
            rows[str(by)] = (0.0, 0.0) if identical else (a_distance(*pair), _mmd(pair, permuted)[0])
        p = (1.0, 1.0) if identical else (_separability_p(samples, permuted), _mmd(samples, permuted)[1])
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["a_distance", "mmd"]).rename_axis("normalize")
    shifted = shifted_features(source_table, target_items, names).head(n_features)
    return DomainGap(rows["None"][0], p[0], rows["None"][1], p[1], shifted, table, identical)


def a_distance(source: Table, target: Table) -> float:
    """Return the proxy A-distance of two domains (n_s, d), (n_t, d), from 0 (indistinguishable) to 2 (separable)."""
    items, domain, fold = stack_with_folds(source, target, GAP_FOLDS)
    centered = items if is_sparse(items) else items - items.mean(axis=0)
    weights = (len(domain) / 2 / np.bincount(domain))[domain]  # both domains have the same total weight
    predicted = cross_val_predict(
        ScaledLogisticRegression(), centered, domain, cv=PredefinedSplit(fold), params={"sample_weight": weights}
    )
    error = np.mean([np.mean(predicted[domain == k] != k) for k in (0, 1)])
    return float(max(0.0, 2 * (1 - 2 * error)))


def shifted_features(source: Table, target: Table, names: Sequence[str]) -> pd.DataFrame:
    """Return both means of each feature and its shift [pooled standard deviations], largest first."""
    (m_s, v_s), (m_t, v_t) = _moments(source), _moments(target)
    deviation = np.sqrt((v_s + v_t) / 2)
    shift = np.where(m_s == m_t, 0, (m_t - m_s) / np.where(deviation > 0, deviation, 1e-12))
    frame = pd.DataFrame({"source": m_s, "target": m_t, "shift": shift}, index=pd.Index(names, name="feature"))
    return frame.iloc[np.argsort(-np.abs(shift), kind="stable")]


def _tables(source: ArrayLike, target: ArrayLike, encoder: str | Encoder | None) -> tuple[Table, Table]:
    check_columns(source, target)
    items = (item for domain in (source, target) if isinstance(domain, Sequence) for item in domain)
    if encoder is None and any(isinstance(item, str | PathLike) for item in items):
        raise InputError("Texts and images need an encoder: pass encoder='minilm' or another.")
    if encoder is not None:
        if not isinstance(source, Sequence) or not isinstance(target, Sequence):
            raise InputError("With an encoder, source and target must be lists of raw items.")
        loaded = load_encoder(encoder)
        source, target = loaded.encode(source), loaded.encode(target)
    table = domain_table(source, name="source")
    if table.shape[0] < 2:
        raise DomainError(f"source has {table.shape[0]} item(s); at least 2 are needed.")
    return table, target_table(target, table)


def _sample(table: Table, random: np.random.Generator) -> Table:
    n = table.shape[0]
    return table if n <= MAX_ITEMS else table[np.sort(random.choice(n, MAX_ITEMS, replace=False))]


def _separability_p(pair: tuple[Table, Table], permuted: NDArray[np.bool_]) -> float:
    """Return the fraction of permutations (permutations, n) that least squares separates as well as the first."""
    items, _, fold = stack_with_folds(*pair, GAP_FOLDS)
    gram = _gram(items)
    gram += gram.diagonal().mean() * np.eye(len(gram)) * 1e-9
    penalty = gram.diagonal().mean() or 1.0
    correct = np.zeros(permuted.shape)
    for number in range(GAP_FOLDS):
        test = fold == number
        signs = np.where(permuted[:, ~test], 1.0, -1.0)
        signs -= signs.mean(axis=1, keepdims=True)
        inner = gram[np.ix_(~test, ~test)] + penalty * np.eye((~test).sum())
        scores = gram[np.ix_(test, ~test)] @ np.linalg.solve(inner, signs.T)  # (test, permutations)
        correct[:, test] = (scores.T > 0) == permuted[:, test]
    recall = [(correct * domain).sum(axis=1) / domain.sum(axis=1) for domain in (permuted, ~permuted)]
    score = recall[0] + recall[1]
    return float(np.mean(score >= score[0] - 1e-12))


def _mmd(pair: tuple[Table, Table], permuted: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the unbiased MMD^2 of the first permutation, and the fraction of permutations with at least as much."""
    gram = _gram(stack_domains(*pair))
    squares = np.maximum(gram.diagonal()[:, None] + gram.diagonal() - 2 * gram, 0)
    width = np.median(squares[np.triu_indices(len(squares), 1)])
    kernel = np.exp(-squares / (width if width > 0 else 1.0))
    np.fill_diagonal(kernel, 0)
    source = permuted.astype(float)
    n_s, n_t = source[0].sum(), len(kernel) - source[0].sum()
    to_source = source @ kernel  # (permutations, n)
    within_source = (to_source * source).sum(axis=1)
    across = (to_source * (1 - source)).sum(axis=1)
    within_target = kernel.sum() - within_source - 2 * across
    values = within_source / (n_s * (n_s - 1)) + within_target / (n_t * (n_t - 1)) - 2 * across / (n_s * n_t)
    return float(values[0]), float(np.mean(values >= values[0] - 1e-12))


def _gram(items: Table) -> Floats:
    """Return the inner products (n, n) of the items, centered if they are dense."""
    if is_sparse(items):
        return np.asarray((items @ items.T).toarray(), dtype=np.float64)
    centered = np.asarray(items, dtype=np.float64)
    centered = centered - centered.mean(axis=0)
    return np.asarray(centered @ centered.T)


def _moments(table: Table) -> tuple[Floats, Floats]:
    """Return the mean and the variance of each feature (d,)."""
    mean = np.asarray(table.mean(axis=0), dtype=np.float64).ravel()
    if is_sparse(table):
        square = np.asarray(table.multiply(table).mean(axis=0), dtype=np.float64).ravel()
        return mean, np.maximum(square - mean**2, 0)
    return mean, np.asarray(table.var(axis=0, dtype=np.float64))


def plot_domains(source: ArrayLike, target: ArrayLike) -> Figure:
    """Plot both domains (n_s, d), (n_t, d) on their two principal axes, as they are and each standardized.

    The ellipses have radii of two standard deviations: they contain about 86 % of a Gaussian domain. Raises the errors
    of `domain_gap`, and DomainError if there are fewer than two features.
    """
    check_columns(source, target)
    source_table = domain_table(source, name="source")
    target_items = target_table(target, source_table)
    if source_table.shape[1] < 2 or source_table.shape[0] < 2:
        raise DomainError(f"The plot needs at least two features and two items; source has shape {source_table.shape}.")
    figure = Figure(figsize=(9.2, 4.4), layout="constrained", facecolor="white")
    views: tuple[tuple[Normalize, str], ...] = ((None, "as they are"), ("domain", "each standardized"))
    for axes, (by, title) in zip(figure.subplots(1, 2), views, strict=True):
        pair = principal_coordinates(*normalize_domains(source_table, target_items, by))
        for points, color, name in zip(pair, (SOURCE_COLOR, TARGET_COLOR), ("source", "target"), strict=True):
            _plot_domain(axes, points, color, f"{name} ({len(points)})")
        axes.set_title(f"both domains, {title}", loc="left", fontsize=11)
        axes.set(xlabel="first principal axis", ylabel="second principal axis")
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def principal_coordinates(source: Table, target: Table) -> tuple[Floats, Floats]:
    """Return source (n_s, 2) and target (n_t, 2) on the two principal axes of both; sparse tables are not centered."""
    items = stack_domains(source, target).astype(np.float64)
    if is_sparse(items):
        axes = svds(items, k=2, v0=np.ones(min(items.shape)), return_singular_vectors="vh")[2][::-1]  # (2, d)
    else:
        items = items - items.mean(axis=0)
        axes = np.linalg.svd(items, full_matrices=False)[2][:2]
    axes = axes * np.where(axes.sum(axis=1) < 0, -1, 1)[:, None]  # the sign of an axis is arbitrary
    points = items @ axes.T
    return points[: source.shape[0]], points[source.shape[0] :]


def _plot_domain(axes: Axes, points: Floats, color: str, label: str) -> None:
    some = points[evenly_spaced(len(points), MAX_DOTS)]
    axes.scatter(some[:, 0], some[:, 1], s=9, color=color, alpha=0.45, linewidths=0, label=label)
    values, vectors = np.linalg.eigh(np.cov(points.T))  # (2,), (2, 2)
    width, height = 4 * np.sqrt(np.maximum(values, 0))
    angle = float(np.degrees(np.arctan2(vectors[1, 0], vectors[0, 0])))
    axes.add_patch(
        Ellipse(tuple(points.mean(axis=0)), width, height, angle=angle, fill=False, color=color, linewidth=2)
    )
