"""Test whether only the class frequencies differ between two domains (label shift)."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import chi2, chi2_contingency
from sklearn.base import ClassifierMixin

from anyshot.base.threads import threads_for
from anyshot.base.validation import Indexes, RandomState, generator
from anyshot.domain_adaptation.base import check_domains, check_items_per_class, fit_base, probabilities
from anyshot.domain_adaptation.label_shift import bbse_prior
from anyshot.domain_adaptation.normalization import Floats

# A model fitted on half of the source predicts the other half and the target. Its predictions are counted in cells: the
# predicted class, and the quartile of its confidence among the predictions of that class. P (cells, c) is the frequency
# of each cell given the class, on held-out source items; m (cells,) is the frequency among target items.
#
# 1. Without any shift the counts have the same distribution in both domains: Pearson's chi-squared test (black-box
#    shift detection: Lipton, Wang, Smola, ICML 2018, section 5).
# 2. Under label shift, m = P q for some class frequencies q (c,). The remaining distance at the best q,
#
#        min_q  (m - P q)' S^-1 (m - P q),   S = cov(m) + sum_y q_y^2 cov(P_y),
#
#    is chi-squared with (cells - c) degrees of freedom (the test of overidentifying restrictions: Hansen, Econometrica
#    1982, lemma 4.2). It is large if the classes themselves look different.

Shift: TypeAlias = Literal["no shift detected", "label shift", "other shift"]

LEVEL: Final = 0.05
MIN_ITEMS: Final = 8
"""Source items that each class needs: half of them for training, half for counting."""
BINS: Final = 4
"""Bins of confidence. With 2, three of four shifts of the classes were taken for label shift; with 4, one of twelve."""
GLS_ITERATIONS: Final = 5


@dataclass(frozen=True)
class LabelShiftTest:
    """The result of `label_shift_test`."""

    no_shift_p: float
    """p-value of the hypothesis that nothing changed."""
    label_shift_p: float
    """p-value of the hypothesis that nothing but the class frequencies changed."""
    prior: Floats
    """The target's class frequencies (c,) that fit best; meaningful only if the verdict is label shift."""
    verdict: Shift

    def __str__(self) -> str:
        return f"{self.verdict} (no shift p {self.no_shift_p:.3g}, label shift p {self.label_shift_p:.3g})"


def label_shift_test(
    X: ArrayLike,
    y: ArrayLike,
    *,
    target: ArrayLike,
    base: ClassifierMixin | None = None,
    random_state: RandomState = None,
) -> LabelShiftTest:
    """Test whether only the class frequencies differ between the source and the target.

    X (n_s, d), y (n_s,): the source; target (n_t, d); base: the classifier, None means logistic regression;
    random_state: seed of the split of the source into halves.

    Run it before an alignment method: these match the mixture of classes of one domain to the other's, which is wrong
    if the frequencies differ.

    Raises
    ------
    NotEnoughLabelsError
        A class has fewer than eight source items.
    TargetLabelsError, DomainError, InputError, WidthError, BadItemError
        As `fit` of the estimators.
    """
    classes, domains = check_domains(X, y, target)
    source, index, c = domains.source, domains.index, domains.n_classes
    check_items_per_class(classes, index, minimum=MIN_ITEMS)
    train = _half_of_each_class(index, generator(random_state))
    test = np.setdiff1d(np.arange(len(index)), train)
    with threads_for(source.shape[0] * source.shape[1] * c):
        model = fit_base(base, source[train], index[train])
        on_test, on_target = (probabilities(model, items, c) for items in (source[test], domains.target))
    return compare_predictions(on_test, index[test], on_target)


def compare_predictions(source_predicted: Floats, index: Indexes, target_predicted: Floats) -> LabelShiftTest:
    """Return the result of both tests on a model's predictions.

    source_predicted (n_s, c): probabilities of held-out source items, whose classes are `index` (n_s,);
    target_predicted (n_t, c).
    """
    cells, target_cells, n_cells = _cells(source_predicted, target_predicted)
    c = source_predicted.shape[1]
    counts = np.stack([np.bincount(cells, minlength=n_cells), np.bincount(target_cells, minlength=n_cells)])
    no_shift_p = 1.0
    if np.any(counts[0] != counts[1]):
        no_shift_p = float(chi2_contingency(counts[:, counts.any(axis=0)]).pvalue)
    by_class = np.stack([np.bincount(cells[index == k], minlength=n_cells) for k in range(c)], axis=1)  # (cells, c)
    sizes = by_class.sum(axis=0)
    P = (by_class + 1 / n_cells) / (sizes + 1)  # smoothed, so that an empty cell keeps some variance
    m = (counts[1] + 1 / n_cells) / (len(target_cells) + 1)
    start = bbse_prior(source_predicted, index, target_predicted)
    q, distance = _best_prior(P, sizes, m, len(target_cells), start)
    label_shift_p = float(chi2.sf(distance, n_cells - c)) if n_cells > c else 1.0
    explained: Shift = "no shift detected" if no_shift_p > LEVEL else "label shift"
    return LabelShiftTest(no_shift_p, label_shift_p, q, explained if label_shift_p > LEVEL else "other shift")


def _best_prior(P: Floats, sizes: Indexes, m: Floats, n_target: int, start: Floats) -> tuple[Floats, float]:
    """Return the class frequencies q (c,) that explain m (cells,) best, and the remaining distance."""
    q = start
    for _ in range(GLS_ITERATIONS):
        S = _covariance(m, n_target)
        for k, frequency in enumerate(q):
            S = S + max(frequency, 0) ** 2 * _covariance(P[:, k], int(sizes[k]))
        inverse = np.linalg.pinv(S, hermitian=True)  # frequencies sum to 1, so one direction has no variance
        # Frequencies sum to 1: P q = P_last + D r, where D holds the differences from the last class.
        D = P[:, :-1] - P[:, -1:]
        r = np.linalg.lstsq(D.T @ inverse @ D, D.T @ inverse @ (m - P[:, -1]), rcond=None)[0]
        q = np.append(r, 1 - r.sum())
    residual = m - P @ q
    return q, float(residual @ inverse @ residual)


def _covariance(frequencies: Floats, n: int) -> Floats:
    """Return the covariance (cells, cells) of the cell frequencies observed in a sample of size n."""
    return np.asarray((np.diag(frequencies) - np.outer(frequencies, frequencies)) / max(n, 1))


def _cells(source_predicted: Floats, target_predicted: Floats) -> tuple[Indexes, Indexes, int]:
    """Return the cell of each source and each target prediction, and the number of cells."""
    c = source_predicted.shape[1]
    best, confidence = source_predicted.argmax(axis=1), source_predicted.max(axis=1)
    levels = np.arange(1, BINS) / BINS
    edges = np.stack([np.quantile(confidence[best == k], levels) if (best == k).any() else levels for k in range(c)])

    def cells(predicted: Floats) -> Indexes:
        best = predicted.argmax(axis=1)
        return np.asarray(best + c * (predicted.max(axis=1)[:, None] > edges[best]).sum(axis=1))

    return cells(source_predicted), cells(target_predicted), BINS * c


def _half_of_each_class(index: Indexes, random: np.random.Generator) -> Indexes:
    rows = [random.permutation(np.flatnonzero(index == k)) for k in range(index.max() + 1)]
    return np.sort(np.concatenate([row[: len(row) // 2] for row in rows]))
