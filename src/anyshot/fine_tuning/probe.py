"""The linear probe: logistic regression on frozen features, its strength chosen by cross-validation."""

from functools import partial
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.model_selection import StratifiedKFold

from anyshot.any_shot.model import LinearModel
from anyshot.base.validation import Indexes, Vectors
from anyshot.fine_tuning.partial import LinearHead
from anyshot.training.softmax_regression import fit_softmax, fit_temperature, labeled_examples

PROBE_STRENGTHS: Final = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
"""Candidates for C, the inverse of the penalty; features have unit length."""
DEFAULT_STRENGTH: Final = 10.0  # where some class has too few labels to cross-validate
N_FOLDS: Final = 5  # of cross-validation
MAX_ITEMS: Final = 4_000
"""Largest number of labeled items to cross-validate on."""


class Probe(NamedTuple):
    """A fitted probe, scores(x) = V x + b, and its out-of-fold scores."""

    model: LinearModel
    strength: float
    scores: NDArray[np.float64]  # (m, c), each item by a probe that was not trained on it; m is 0 without folds
    rows: Indexes  # (m,), which items these are


def probe(
    X: Vectors,
    index: Indexes,
    n_classes: int,
    *,
    weights: NDArray[np.floating] | None = None,
    generator: np.random.Generator,
) -> Probe:
    """Fit a probe on X (n, d), unit length, and index (n,), rows of the class table; weights (n,): 1 by default.

    The strength is the one that `simplest` chooses, or the default where some class has fewer labels than folds.
    """
    counted = np.ones(len(index)) if weights is None else weights
    fit = partial(logistic_regression, n_classes=n_classes)
    rows = generator.permutation(len(index))[:MAX_ITEMS]
    counts = np.bincount(index[rows], minlength=n_classes)
    if counts[counts > 0].min() < N_FOLDS:
        nothing = np.zeros((0, n_classes)), np.zeros(0, dtype=np.intp)
        return Probe(fit(X, index, C=DEFAULT_STRENGTH, weights=counted), DEFAULT_STRENGTH, *nothing)
    folds = list(StratifiedKFold(N_FOLDS).split(rows, index[rows]))
    some = X[rows], index[rows], counted[rows]
    scores = {C: _out_of_fold(*some, n_classes, folds, C=C) for C in PROBE_STRENGTHS}
    strength = simplest(scores, index[rows], counted[rows])
    return Probe(fit(X, index, C=strength, weights=counted), strength, scores[strength], rows)


def probe_head(
    z: Vectors,
    index: Indexes,
    n_classes: int,
    *,
    weights: NDArray[np.floating] | None = None,
    shares: NDArray[np.floating] | None,
    generator: np.random.Generator,
) -> tuple[LinearHead, str]:
    """Return a probe as a calibrated head, and how its strength was chosen; shares (c,): expected class frequencies."""
    found = probe(z, index, n_classes, weights=weights, generator=generator)
    tested = None if weights is None else weights[found.rows]
    scale = 1 / fit_temperature(found.scores, index[found.rows], weights=tested)
    intercept = scale * found.model.intercept + (0 if shares is None else np.log(shares))
    how = f"Logistic regression, C={found.strength:g} by cross-validation."
    return LinearHead(scale * found.model.coef, intercept), how


def simplest(
    scores: dict[float, NDArray[np.float64]], index: Indexes, weights: NDArray[np.floating] | None = None
) -> float:
    """Return the smallest strength whose log-likelihood is within one standard error of the best.

    scores: (n, c) of each strength; index (n,); weights (n,): 1 by default. The one-standard-error rule of Breiman et
    al., Classification and Regression Trees, 1984, section 3.4.3.
    """
    rows = np.arange(len(index))
    likelihoods = {C: log_softmax(table, axis=1)[rows, index] for C, table in scores.items()}  # each (n,) [nats]
    means = {C: float(np.average(each, weights=weights)) for C, each in likelihoods.items()}
    best = max(means, key=lambda C: means[C])
    variance = np.average((likelihoods[best] - means[best]) ** 2, weights=weights)
    threshold = means[best] - np.sqrt(variance / len(index))
    return min(C for C, mean in means.items() if mean >= threshold)


def logistic_regression(
    X: Vectors, index: Indexes, n_classes: int, *, C: float, weights: NDArray[np.floating] | None = None
) -> LinearModel:
    """Return logistic regression with logit adjustment: its scores are those of a balanced sample."""
    examples = labeled_examples(X, index, n_classes, weight=1.0 if weights is None else weights.astype(np.float32))
    return LinearModel(*fit_softmax(examples, np.zeros((len(X), n_classes), np.float32), C=C))


def _out_of_fold(
    X: Vectors,
    index: Indexes,
    weights: NDArray[np.floating],
    n_classes: int,
    folds: list[tuple[NDArray[np.intp], NDArray[np.intp]]],
    *,
    C: float,
) -> NDArray[np.float64]:
    """Return the scores (n, c) of each item by a probe that was not trained on it."""
    scores = np.zeros((len(index), n_classes))
    for train, test in folds:
        model = logistic_regression(X[train], index[train], n_classes, C=C, weights=weights[train])
        scores[test] = X[test] @ model.coef.T + model.intercept
    return scores
