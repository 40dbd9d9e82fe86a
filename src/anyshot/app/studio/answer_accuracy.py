"""The accuracy of answers to items without a label, estimated from labels that are held out.

Most labels are given to items whose labels teach most: hard ones. Accuracy on held-out labels is that of hard items,
which may be 30 points below that of all; with labels of the surest items it would be above. The confidence of each
answer tells how hard its item is, and held-out labels tell how far confidence can be trusted.
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from anyshot.base.validation import Floats

SHIFTS: Final = np.linspace(-3.0, 3.0, 41)  # in log odds, prior N(0, 1)
SLOPES: Final = np.linspace(-1.5, 1.0, 31)  # logarithms, prior N(0, 0.5^2)
SLOPE_SD: Final = 0.5
"""Standard deviation of the logarithm of the slope: how far answers may be surer, or less sure, than they are right."""
N_QUANTILES: Final = 200
"""Values that stand for the confidence of all answers; 300,000 would take seconds."""
_CLIP: Final = 1e-4  # a probability of 1 has infinite log odds


def answer_accuracy(held_out: ArrayLike, correct: ArrayLike, confidence: ArrayLike) -> tuple[float, float, float]:
    """Return the expected accuracy of answers with its 95 % interval: (accuracy, lower, upper).

    held_out (n,): the confidence of the answers to held-out labels; correct (n,): whether they were right; confidence
    (m,): that of the answers whose accuracy is asked for.

    An answer of confidence p is right with the log odds  shift + slope * logit(p). The posterior of shift and slope,
    given the held-out labels, is computed on a grid, and the accuracy is averaged over it.

    Examples
    --------
    >>> sure, unsure = [0.95] * 40, [0.6, 0.5, 0.7, 0.4] * 5
    >>> [round(value, 2) for value in answer_accuracy(unsure, [True, False, True, False] * 5, sure)]
    [0.98, 0.89, 1.0]
    """
    shift, slope = SHIFTS[:, None, None], np.exp(SLOPES)[:, None]
    odds = shift + slope * _log_odds(held_out)  # (shifts, slopes, n)
    likelihood = (np.asarray(correct, dtype=float) * odds - np.logaddexp(0, odds)).sum(axis=2)
    posterior = np.exp(likelihood - likelihood.max() - SHIFTS[:, None] ** 2 / 2 - (SLOPES / SLOPE_SD) ** 2 / 2).ravel()
    asked = np.quantile(np.asarray(confidence, dtype=float), (np.arange(N_QUANTILES) + 0.5) / N_QUANTILES)
    accuracy = special.expit(shift + slope * _log_odds(asked)).mean(axis=2).ravel()
    ordered = np.argsort(accuracy)
    below = np.cumsum(posterior[ordered]) / posterior.sum()
    lower, upper = accuracy[ordered][np.searchsorted(below, (0.025, 0.975))]
    return float(posterior @ accuracy / posterior.sum()), float(lower), float(upper)


def _log_odds(probabilities: ArrayLike) -> Floats:
    values: Floats = np.clip(np.asarray(probabilities, dtype=float), _CLIP, 1 - _CLIP)
    return np.log(values / (1 - values))
