"""Label shift: test for it, estimate the target's class frequencies, and correct the predictions for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize, nnls
from scipy.special import log_softmax, softmax
from scipy.stats import chi2, chi2_contingency
from sklearn.base import ClassifierMixin

from anyshot.base.folds import ranks_in_class
from anyshot.base.scored_classifier import ScoredClassifier
from anyshot.base.threads import threads_for
from anyshot.base.validation import Indexes, RandomState, check_indexes, check_whole, generator, probability_table
from anyshot.domain_adaptation.base import AdaptedClassifier, check_domains, fit_base, probabilities
from anyshot.domain_adaptation.domains import Domains, Floats, Normalize, Table, check_items_per_class
from anyshot.errors import InputError, NotEnoughLabelsError, WidthError
from anyshot.evaluation.metrics import item_weights
from anyshot.zero_shot.class_shares import likely_shares

# If p(x | y) is the same in both domains, a source model's probabilities P (n_t, c) become the target's by reweighting,
#
#     P_t(y | x)  ~  P(y | x) q_y / p_y
#
# where p (c,) is the source's class prior and q the target's. There are two estimates of q:
#
# - EM (Saerens et al., eq. 2.9): q <- mean of P_t, from q = p. It maximizes the likelihood if P is calibrated, so P is
#   calibrated first, by a temperature and a bias for each class on cross-validated predictions (Alexandari, Kundaje,
#   Shrikumar. ICML 2020, section 3).
# - BBSE (Lipton et al., section 4): mean target prediction = sum_y q_y * mean source prediction for class y; needs no
#   calibration.

# The test: a model fitted on half of the source predicts the other half and the target. Its predictions are counted in
# cells: the predicted class, and the quartile of its confidence among the predictions of that class. P (cells, c) is
# the frequency of each cell given the class, on held-out source items; m (cells,) is the frequency in the target.
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

LEVEL: Final = 0.05  # of both tests
MIN_ITEMS: Final = 8
"""Source items that each class needs: half of them for training, half for counting."""
BINS: Final = 4
"""Bins of confidence. With 2, three of four shifts of the classes were taken for label shift; with 4, one of twelve."""
GLS_ITERATIONS: Final = 5  # of generalized least squares, whose weights depend on the solution
N_FOLDS: Final = 5  # of the source model's cross-validated probabilities
MAX_ITERATIONS: Final = 1000  # of EM


@dataclass(frozen=True)
class PriorEstimate:
    """The target's class prior with 95 % intervals."""

    prior: Floats  # (c,)
    low: Floats  # (c,)
    high: Floats  # (c,)


def em_prior(predicted: Floats, source_prior: Floats, *, weights: Floats | None = None, tol: float = 1e-6) -> Floats:
    """Return the maximum-likelihood class prior (c,) of the target.

    predicted (n_t, c): calibrated probabilities by a model of the source, whose class prior is source_prior (c,);
    weights (n_t,): multiplicity of each item; tol: stop when no element changes by more than this. Raises InputError
    for rows that are no probabilities, shares that do not fit them, and weights that are negative or sum to zero.
    """
    listed: ArrayLike = [] if isinstance(source_prior, Mapping) else source_prior  # names of classes are not known
    table, start = probability_table(predicted), np.asarray(listed, dtype=np.float64)
    if not len(table):
        raise InputError("predicted has no rows; the predictions of one item or more are needed.")
    if start.shape != (table.shape[1],) or not ((start >= 0) & np.isfinite(start)).all() or not start.any():
        n_classes = table.shape[1]
        raise InputError(f"source_prior must hold a share for each of {n_classes} classes; it is {source_prior!r:.60}.")
    return _em_prior(table, start, weights=item_weights(weights, len(table)), tol=tol)


def _em_prior(predicted: Floats, source_prior: Floats, *, weights: Floats | None, tol: float) -> Floats:
    """Return the prior of `em_prior` from arguments that were checked."""
    scores = np.log(np.maximum(predicted, 1e-300)) - np.log(np.maximum(source_prior, 1e-12))  # (n_t, c)
    return likely_shares(scores, source_prior, weights=weights, rounds=MAX_ITERATIONS, tol=tol)


def bbse_prior(source_predicted: Floats, index: Indexes, target_predicted: Floats) -> Floats:
    """Return the class prior (c,) of the target that explains its mean prediction best (BBSE), without negatives.

    source_predicted (n_s, c): predictions on held-out source items, whose classes are `index` (n_s,);
    target_predicted (n_t, c). Probabilities, or one-hot predicted classes. Raises InputError for rows that are no
    probabilities, WidthError for different numbers of classes, and NotEnoughLabelsError for a class without an item.
    """
    source, target = probability_table(source_predicted), probability_table(target_predicted)
    n_classes = source.shape[1]
    if target.shape[1] != n_classes:
        raise WidthError(f"target_predicted has {target.shape[1]} classes; source_predicted has {n_classes}.")
    if not len(target):
        raise InputError("target_predicted has no rows; the predictions of one item or more are needed.")
    rows = check_indexes(index, n_items=len(source), n_classes=n_classes)
    empty = np.setdiff1d(np.arange(n_classes), rows)
    if empty.size:
        raise NotEnoughLabelsError(f"Class {empty[0]} has no source item; predictions of each class are needed.")
    return prior_of_mean(source[rows >= 0], rows[rows >= 0], target)


def prior_of_mean(source_predicted: Floats, index: Indexes, target_predicted: Floats) -> Floats:
    """Return the prior of `bbse_prior` from arguments that were checked; a class without a source item has none."""
    members = np.eye(target_predicted.shape[1])[index]
    by_class = source_predicted.T @ members / np.maximum(members.sum(axis=0), 1)  # (c, c), mean prediction per column
    prior = nnls(by_class, target_predicted.mean(axis=0))[0]
    return np.asarray(prior / max(prior.sum(), 1e-12))


def calibrate(predicted: Floats, parameters: Floats) -> Floats:
    """Return calibrated probabilities (n, c); parameters (1 + c,): an inverse temperature, and a bias of each class."""
    return np.asarray(softmax(parameters[0] * _logs(predicted) + parameters[1:], axis=1))


def fit_calibration(predicted: Floats, index: Indexes) -> Floats:
    """Return the parameters (1 + c,) of `calibrate` with the lowest cross-entropy on predicted (n, c), `index` (n,).

    A weak penalty keeps them near 1 and 0, where few items determine them.
    """
    logs, rows, c = _logs(predicted), np.arange(len(index)), predicted.shape[1]

    def loss(parameters: Floats) -> tuple[float, Floats]:
        scores = log_softmax(parameters[0] * logs + parameters[1:], axis=1)
        residual = np.exp(scores)
        residual[rows, index] -= 1
        penalty = parameters - start
        gradient = np.r_[(residual * logs).sum(), residual.sum(axis=0)] / len(rows) + 1e-3 * penalty
        return float(-scores[rows, index].mean() + 5e-4 * np.square(penalty).sum()), gradient

    start = np.r_[1.0, np.zeros(c)]
    bounds = [(0.01, 100)] + [(-20, 20)] * c
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x)


def _logs(predicted: Floats) -> Floats:
    return np.asarray(np.log(np.maximum(predicted, 1e-6)))


def cross_validated_probabilities(base: ClassifierMixin | None, domains: Domains) -> Floats:
    """Return probabilities (n_s, c) of each source item by a model not trained on it, with `N_FOLDS` folds."""
    table, index, weights = domains.source, domains.index, domains.weights
    fold = ranks_in_class(index, np.arange(len(index))) % N_FOLDS
    predicted = np.zeros((len(index), domains.n_classes))
    for number in np.unique(fold):
        test = fold == number
        model = fit_base(base, table[~test], index[~test], None if weights is None else weights[~test])
        predicted[test] = probabilities(model, table[test], domains.n_classes)
    return predicted


def prior_interval(
    source_predicted: Floats,
    index: Indexes,
    target_predicted: Floats,
    *,
    method: Literal["em", "bbse"],
    n_bootstrap: int = 200,
    random_state: RandomState = None,
) -> PriorEstimate:
    """Estimate the target's class prior with 95 % bootstrap intervals.

    source_predicted (n_s, c): held-out source predictions, whose classes are `index` (n_s,); target_predicted (n_t, c);
    calibrated for "em". The model and its calibration are not refitted, so the intervals are a little narrow: with 300
    labels, those of "em" contained 84 % of the true values, those of "bbse" 89 %.
    """
    random = generator(random_state)
    n_s, n_t = len(index), len(target_predicted)

    def estimate(rows: Indexes, target_rows: Indexes) -> Floats:
        if method == "bbse":
            return prior_of_mean(source_predicted[rows], index[rows], target_predicted[target_rows])
        prior = np.bincount(index[rows], minlength=target_predicted.shape[1]) / n_s
        count = np.bincount(target_rows, minlength=n_t).astype(float)
        return _em_prior(target_predicted, prior, weights=count, tol=1e-4)

    # Source items are resampled within their class, so that no class becomes empty.
    by_class = [np.flatnonzero(index == k) for k in range(target_predicted.shape[1])]

    def resampled() -> Floats:
        rows = np.concatenate([random.choice(members, len(members)) for members in by_class])
        return estimate(rows, random.integers(n_t, size=n_t))

    low, high = np.quantile(np.stack([resampled() for _ in range(n_bootstrap)]), [0.025, 0.975], axis=0)
    return PriorEstimate(estimate(np.arange(n_s), np.arange(n_t)), low, high)


@dataclass(frozen=True)
class CorrectedClassifier(ScoredClassifier):
    """A fitted classifier on class indexes whose calibrated probabilities are multiplied by a ratio for each class."""

    classes_: Indexes  # (c,), class indexes
    model: ClassifierMixin
    calibration: Floats  # (1 + c,), parameters of `calibrate`
    ratio: Floats  # (c,)

    def _scores(self, X: Table) -> Floats:
        joint = calibrate(probabilities(self.model, X, len(self.ratio)), self.calibration) * self.ratio
        return np.asarray(np.log(np.maximum(joint / joint.sum(axis=1, keepdims=True), 1e-300)))


@dataclass(kw_only=True, eq=False, repr=False)
class LabelShiftCorrection(AdaptedClassifier):
    """Predict with the target's class prior, which is estimated from the unlabeled target items.

    Parameters
    ----------
    method : {"em", "bbse"}, default="em"
        Estimate of the prior: expectation maximization, or black-box shift estimation from the mean prediction.
    n_bootstrap : int, default=200
        Bootstrap samples behind the intervals of the prior.
    normalize : {"source", "domain", None}, default="source"
        Statistics used to standardize the vectors. "domain" would remove part of the shift.
    random_state : int, generator or None, default=None
        Seed of the bootstrap; the predictions do not depend on it.
    base : see `AdaptedClassifier`

    Attributes
    ----------
    prior_ : PriorEstimate
        The target's class prior and its intervals; absent if `fit` had no target.
    model_ : CorrectedClassifier
        The fitted base classifier, corrected for this prior.
    classes_ : see `AdaptedClassifier`

    References
    ----------
    Saerens, Latinne, Decaestecker. Adjusting the Outputs of a Classifier to New a Priori Probabilities. Neural
    Computation 2002.
    Lipton, Wang, Smola. Detecting and Correcting for Label Shift with Black Box Predictors. ICML 2018.

    Examples
    --------
    >>> X, y = [[0.0], [1.0], [2.0], [1.5], [3.0], [4.0]], ["a", "a", "a", "b", "b", "b"]
    >>> model = LabelShiftCorrection(random_state=0).fit(X, y, target=[[3.0], [3.5], [1.7], [4.0], [2.8], [3.6]])
    >>> bool(model.prior_.prior[1] > 0.5)
    True
    """

    method: Literal["em", "bbse"] = "em"
    n_bootstrap: int = 200
    normalize: Normalize = "source"
    random_state: RandomState = None

    def _adapt(self, domains: Domains) -> None:
        if self.method not in ("em", "bbse"):
            raise InputError(f"Unknown method={self.method!r}. Choose 'em' or 'bbse'.")
        check_whole(1, n_bootstrap=self.n_bootstrap)
        c = domains.n_classes
        check_items_per_class(self.classes_, domains.index, minimum=2)
        held_out = cross_validated_probabilities(self.base, domains)
        calibration = fit_calibration(held_out, domains.index)
        model = fit_base(self.base, domains.source, domains.index, domains.weights)
        predicted = calibrate(probabilities(model, domains.target, c), calibration)
        self.prior_ = prior_interval(
            calibrate(held_out, calibration), domains.index, predicted, method=self.method,
            n_bootstrap=self.n_bootstrap, random_state=self.random_state,
        )  # fmt: skip
        source_prior = np.bincount(domains.index, minlength=c) / len(domains.index)
        ratio = np.maximum(self.prior_.prior, 1e-6) / source_prior
        self.model_ = CorrectedClassifier(np.arange(c), model, calibration, ratio)


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
    X: ArrayLike, y: ArrayLike, *, target: ArrayLike, base: ClassifierMixin | None = None, random_state: RandomState = 0
) -> LabelShiftTest:
    """Test whether only the class frequencies differ between the source and the target.

    X (n_s, d), y (n_s,): the source; target (n_t, d); base: the classifier, None means logistic regression;
    random_state: seed of the split of the source into halves.

    Run it before an alignment method: these match the mixture of classes of one domain to the other's, which is wrong
    if the frequencies differ. Raises the errors of `fit` of the estimators, and NotEnoughLabelsError if a class has
    fewer than eight source items.
    """
    classes, domains = check_domains(X, y, target)
    source, index, c = domains.source, domains.index, domains.n_classes
    check_items_per_class(classes, index, minimum=MIN_ITEMS)
    random = generator(random_state)
    rows = [random.permutation(np.flatnonzero(index == k)) for k in range(c)]
    train = np.sort(np.concatenate([row[: len(row) // 2] for row in rows]))
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
    start = prior_of_mean(source_predicted, index, target_predicted)
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
    return np.maximum(q, 0) / np.maximum(q, 0).sum(), float(residual @ inverse @ residual)  # no share is below 0


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
