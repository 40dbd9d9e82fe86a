"""The linear probe: logistic regression on frozen features, its penalty chosen by cross-validation."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.model_selection import StratifiedKFold

from anyshot.any_shot.solver import Deviation, fit_deviation, labeled
from anyshot.base.validation import Indexes, Vectors

STRENGTHS: Final = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
"""How far one label may move the probe, C; features have unit length."""
USUAL: Final = 10.0
FOLDS: Final = 5
AT_MOST: Final = 4_000
"""Labeled items that cross-validation looks at."""


class Probe(NamedTuple):
    """A fitted probe, scores(x) = V x + b, and what cross-validation saw."""

    model: Deviation
    strength: float
    scores: NDArray[np.float64]  # (m, c), of items by probes that have not seen their labels; m is 0 without folds
    rows: Indexes  # (m,), which items these are


def probe(X: Vectors, index: Indexes, n_classes: int, *, generator: np.random.Generator) -> Probe:
    """Learn from X (n, d), unit length, and index (n,), rows of the class table.

    Of `STRENGTHS` the one is taken that `simplest` finds; the usual one where some class has too few labels for folds.
    """
    rows = generator.permutation(len(index))[:AT_MOST]
    counts = np.bincount(index[rows], minlength=n_classes)
    if counts[counts > 0].min() < FOLDS:
        nothing = np.zeros((0, n_classes)), np.zeros(0, dtype=np.intp)
        return Probe(fitted(X, index, n_classes, C=USUAL), USUAL, *nothing)
    parts = list(StratifiedKFold(FOLDS).split(rows, index[rows]))
    scores = {C: _held_out(X[rows], index[rows], n_classes, parts, C=C) for C in STRENGTHS}
    strength = simplest(scores, index[rows])
    return Probe(fitted(X, index, n_classes, C=strength), strength, scores[strength], rows)


def simplest(scores: dict[float, NDArray[np.float64]], index: Indexes) -> float:
    """Return the least strength whose held-out labels are as likely as the best's, within one standard error.

    scores: of each strength, (n, c). The rule of Breiman et al., Classification and Regression Trees, 1984, section
    3.4.3: a difference that the labels cannot tell is no reason to move further from what is known.
    """
    likely = {
        C: log_softmax(table, axis=1)[np.arange(len(index)), index] for C, table in scores.items()
    }  # each (n,) [nats]
    best = max(likely.values(), key=lambda each: float(each.mean()))
    enough = best.mean() - best.std() / np.sqrt(len(index))
    return min(C for C, each in likely.items() if each.mean() >= enough)


def fitted(X: Vectors, index: Indexes, n_classes: int, *, C: float) -> Deviation:
    """Return logistic regression whose answers are those of a balanced sample."""
    return fit_deviation(labeled(X, index, n_classes), np.zeros((len(X), n_classes), np.float32), C=C)


def _held_out(
    X: Vectors, index: Indexes, n_classes: int, parts: list[tuple[NDArray[np.intp], NDArray[np.intp]]], *, C: float
) -> NDArray[np.float64]:
    """Return the scores (n, c) of each item by a probe that has not seen its label."""
    scores = np.zeros((len(index), n_classes))
    for seen, out in parts:
        model = fitted(X[seen], index[seen], n_classes, C=C)
        scores[out] = X[out] @ model.V.T + model.b
    return scores
