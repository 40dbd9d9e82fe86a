"""The linear probe: logistic regression on frozen features, its penalty chosen by cross-validation."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.model_selection import StratifiedKFold

from anyshot.checks import Indexes, Vectors
from anyshot.deviation import Deviation, fit_deviation, labelled

STRENGTHS: Final = (1.0, 10.0, 100.0, 1000.0)
"""How far one label may move the probe, C; features have unit length."""
USUAL: Final = 10.0
FOLDS: Final = 5
AT_MOST: Final = 4_000
"""Labelled items that cross-validation looks at."""


def probe(X: Vectors, index: Indexes, n_classes: int, *, generator: np.random.Generator) -> tuple[Deviation, float]:
    """Return the probe, scores(x) = V x + b, and the C it was fitted with.

    X (n, d), unit length; index (n,), rows of the class table. Of `STRENGTHS` the one that makes labels held out
    likeliest is taken; the usual one where some class has too few labels for that.
    """
    strength = chosen_strength(X, index, n_classes, generator=generator)
    return fitted(X, index, n_classes, C=strength), strength


def chosen_strength(X: Vectors, index: Indexes, n_classes: int, *, generator: np.random.Generator) -> float:
    """Return the C under which held-out labels are likeliest."""
    rows = generator.permutation(len(index))[:AT_MOST]
    counts = np.bincount(index[rows], minlength=n_classes)
    if counts[counts > 0].min() < FOLDS:
        return USUAL
    parts = list(StratifiedKFold(FOLDS).split(rows, index[rows]))
    return max(STRENGTHS, key=lambda C: _likelihood(X[rows], index[rows], n_classes, parts, C=C))


def fitted(X: Vectors, index: Indexes, n_classes: int, *, C: float) -> Deviation:
    """Return logistic regression whose answers are those of a balanced sample."""
    return fit_deviation(labelled(X, index, n_classes), np.zeros((len(X), n_classes), np.float32), C=C)


def _likelihood(
    X: Vectors, index: Indexes, n_classes: int, parts: list[tuple[NDArray[np.intp], NDArray[np.intp]]], *, C: float
) -> float:
    """Return the log-likelihood of each label by a probe that has not seen it, summed [nats]."""
    total = 0.0
    for seen, out in parts:
        model = fitted(X[seen], index[seen], n_classes, C=C)
        scores = log_softmax(X[out] @ model.V.T + model.b, axis=1)  # (out, c)
        total += float(scores[np.arange(len(out)), index[out]].sum())
    return total
