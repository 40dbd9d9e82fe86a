"""A test for label shift: did only the classes' shares change between two domains, or what the classes look like."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2, chi2_contingency
from sklearn.base import ClassifierMixin

from anyshot.base.threads import threads_for
from anyshot.base.validation import Indexes, RandomState, generator
from anyshot.domain_adaptation.base import (
    check_all_labeled,
    check_columns,
    class_index,
    domain_table,
    fitted_base,
    probabilities,
    target_table,
)
from anyshot.domain_adaptation.label_shift import bbse_prior
from anyshot.errors import NotEnoughLabelsError

# A model fitted on one half of the source answers the other half and the target. Its answers fall into cells: the class
# answered, and the quarter that it is in by how sure it is. P (cells, c) is how often an item of class y falls into
# each, on the held-out source; m (cells,) is how often target items do.
#
# 1. Where nothing changed, answers are as frequent in both domains: Pearson's chi-squared on the two rows of counts
#    (black-box shift detection: Lipton, Wang, Smola, ICML 2018, section 5).
# 2. Where only the shares changed, m = P q for some shares q (c,). The distance left at the best q,
#
#        min_q  (m - P q)' S^-1 (m - P q),   S = cov(m) + sum_y q_y^2 cov(P_y),
#
#    is chi-squared with (cells - c) degrees of freedom (the test of overidentifying restrictions: Hansen, Econometrica
#    1982, lemma 4.2). It is large where the classes themselves look different.

LEVEL: Final = 0.05
FEWEST: Final = 8
"""Source items of a class at least: half of them are learned from, half are counted."""
BINS: Final = 4
"""Of sureness; with 2, three of four moved classes were taken for label shift, with 4 one of twelve."""
GLS_ROUNDS: Final = 5

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class LabelShiftTest:
    """What `label_shift_test` found."""

    same_answers_p: float
    """How likely answers as different are, where nothing changed."""
    label_shift_p: float
    """How likely such a misfit is, where nothing but the classes' shares changed."""
    prior: Floats
    """The target's shares (c,) that fit best; to be believed only where the verdict is label shift."""
    verdict: Literal["no shift seen", "label shift", "other shift"]

    def __str__(self) -> str:
        return f"{self.verdict} (same answers p {self.same_answers_p:.3g}, label shift p {self.label_shift_p:.3g})"


def label_shift_test(
    X: ArrayLike,
    y: ArrayLike,
    *,
    target: ArrayLike,
    base: ClassifierMixin | None = None,
    random_state: RandomState = None,
) -> LabelShiftTest:
    """Test whether only the classes' shares differ between the source `X` (n_s, d), `y` (n_s,) and the target (n_t, d).

    To be run before any alignment: an alignment moves one domain's mixture of classes onto the other's, which is wrong
    where the shares differ. random_state deals the source into halves; base: logistic regression if not given.

    Raises
    ------
    NotEnoughLabelsError
        A class has fewer than eight source items.
    TargetLabelsError, DomainError, InputError, WidthError, BadItemError
        As the estimators' `fit`.
    """
    check_columns(X, target)
    source = domain_table(X, name="X")
    theirs = target_table(target, source)
    check_all_labeled(y)
    classes, index = class_index(y, source.shape[0])
    counts = np.bincount(index)
    if counts.min() < FEWEST:
        raise NotEnoughLabelsError(
            f"Class {str(classes[counts.argmin()])!r} has {counts.min()} source items; the test needs {FEWEST} of each."
        )
    learned = _half_of_each(index, generator(random_state))
    held = np.setdiff1d(np.arange(len(index)), learned)
    c = len(classes)
    with threads_for(source.shape[0] * source.shape[1] * c):
        model = fitted_base(base, source[learned], index[learned])
        return shift_of_answers(probabilities(model, source[held], c), index[held], probabilities(model, theirs, c))


def shift_of_answers(source_answers: Floats, index: Indexes, target_answers: Floats) -> LabelShiftTest:
    """Run both tests on a model's answers.

    source_answers (n_s, c): on items that the model has not learned from, whose classes are `index` (n_s,);
    target_answers (n_t, c).
    """
    ours, theirs, n_cells = _cells(source_answers, target_answers)
    c = source_answers.shape[1]
    counts = np.stack([np.bincount(ours, minlength=n_cells), np.bincount(theirs, minlength=n_cells)])
    same_p = float(chi2_contingency(counts[:, counts.any(axis=0)]).pvalue) if np.any(counts[0] != counts[1]) else 1.0
    given = np.stack([np.bincount(ours[index == k], minlength=n_cells) for k in range(c)], axis=1)  # (cells, c)
    sizes = given.sum(axis=0)
    P = (given + 1 / n_cells) / (sizes + 1)  # so that a cell which a class never fell into keeps some variance
    m = (counts[1] + 1 / n_cells) / (len(theirs) + 1)
    start = bbse_prior(source_answers, index, target_answers)
    q, misfit = _best_shares(P, sizes, m, len(theirs), start)
    shift_p = float(chi2.sf(misfit, n_cells - c)) if n_cells > c else 1.0
    if same_p > LEVEL:
        return LabelShiftTest(same_p, shift_p, q, "no shift seen" if shift_p > LEVEL else "other shift")
    return LabelShiftTest(same_p, shift_p, q, "label shift" if shift_p > LEVEL else "other shift")


def _best_shares(P: Floats, sizes: Indexes, m: Floats, n_target: int, start: Floats) -> tuple[Floats, float]:
    """Return the shares q (c,) that explain m (cells,) best, and the distance left."""
    q = start
    for _ in range(GLS_ROUNDS):
        S = _covariance(m, n_target)
        for k, share in enumerate(q):
            S = S + max(share, 0) ** 2 * _covariance(P[:, k], int(sizes[k]))
        inverse = np.linalg.pinv(S, hermitian=True)  # the cells' shares sum to 1: one direction has no variance
        # Shares sum to 1: q = last + D r, with D the differences to the last class.
        D = P[:, :-1] - P[:, -1:]
        r = np.linalg.lstsq(D.T @ inverse @ D, D.T @ inverse @ (m - P[:, -1]), rcond=None)[0]
        q = np.append(r, 1 - r.sum())
    left = m - P @ q
    return q, float(left @ inverse @ left)


def _covariance(shares: Floats, n: int) -> Floats:
    """Return the covariance (cells, cells) of the shares observed in n draws."""
    return np.asarray((np.diag(shares) - np.outer(shares, shares)) / max(n, 1))


def _cells(source_answers: Floats, target_answers: Floats) -> tuple[Indexes, Indexes, int]:
    """Return the cell of each source and each target answer, and how many cells there are."""
    c = source_answers.shape[1]
    ours, theirs = source_answers.argmax(axis=1), target_answers.argmax(axis=1)
    sure = source_answers.max(axis=1), target_answers.max(axis=1)
    levels = np.arange(1, BINS) / BINS
    edges = np.stack([np.quantile(sure[0][ours == k], levels) if (ours == k).any() else levels for k in range(c)])
    steps = [(some[:, None] > edges[said]).sum(axis=1) for some, said in zip(sure, (ours, theirs), strict=True)]
    return ours + c * steps[0], theirs + c * steps[1], BINS * c


def _half_of_each(index: Indexes, random: np.random.Generator) -> Indexes:
    rows = [random.permutation(np.flatnonzero(index == k)) for k in range(index.max() + 1)]
    return np.sort(np.concatenate([row[: len(row) // 2] for row in rows]))
