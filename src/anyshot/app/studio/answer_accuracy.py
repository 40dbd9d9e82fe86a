"""The accuracy of answers to items without a label: their confidence, corrected by answers that were tested.

An answer is tested when its item gets a label afterward (Dawid, Statistical Theory: The Prequential Approach, 1984).
The items that a person labels first are hard ones: accuracy on them may be 40 points below that of all, and where a
model knows such labels, held-out ones are more often wrong than its confidence says. The confidence of an answer tells
how hard its item is, and tested answers tell how far confidence can be trusted.
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from anyshot.base.validation import Floats

SHARPENINGS: Final = np.exp(np.linspace(-0.5, 0.9, 15))  # inverse temperatures
SHIFTS: Final = np.linspace(-1.5, 1.5, 21)  # in log odds
_LOG_SHARPENING: Final = (0.2, 0.25)
"""Prior mean and standard deviation of the logarithm: answers are a little less sure than they are right."""
_SHIFT_SD: Final = 0.5  # prior standard deviation of the shift, in log odds
TEST_WEIGHT: Final = 0.5
"""How much a tested answer counts: its item was chosen, and so is not quite like the others of its confidence."""
N_DRAWS: Final = 2_000  # from the posterior, for the interval
_LEAST: Final = 1e-6  # a probability of 0 has no logarithm
_LEAST_OTHERS: Final = 1e-4  # odds of all other classes together


def log_odds(probabilities: ArrayLike) -> Floats:
    """Return the log odds of the most probable class at each of `SHARPENINGS` (n, t), from probabilities (n, c)."""
    logs = np.log(np.maximum(np.asarray(probabilities, dtype=float), _LEAST))
    logs -= logs.max(axis=1, keepdims=True)  # (n, c), 0 for the most probable class
    others = np.stack([np.exp(sharpening * logs).sum(axis=1) - 1 for sharpening in SHARPENINGS], axis=1)  # (n, t)
    return np.asarray(-np.log(np.maximum(others, _LEAST_OTHERS)))


def answer_accuracy(tested: Floats, correct: ArrayLike, asked: Floats, n_asked: int) -> tuple[float, float, float]:
    """Return the expected share of right answers with its 95 % interval: (accuracy, lower, upper).

    tested (n, t): `log_odds` of tested answers; correct (n,): whether they were right; asked (m, t): `log_odds` of the
    answers whose accuracy is asked for, or of some that stand for all `n_asked` of them.

    An answer is right with the log odds  shift + log_odds[:, t], at one sharpening t for all. Their posterior, given
    the tested answers, is computed on a grid, and the accuracy is averaged over it. The interval is that of the share
    among `n_asked` answers, which differs from its expectation by chance.

    Examples
    --------
    >>> sure, unsure = log_odds([[0.9, 0.05, 0.05]] * 40), log_odds([[0.5, 0.4, 0.1], [0.4, 0.3, 0.3]] * 10)
    >>> [round(value, 2) for value in answer_accuracy(unsure, [True, False] * 10, sure, 40)]
    [0.94, 0.78, 1.0]
    """
    odds = SHIFTS + tested[:, :, None]  # (n, t, shifts)
    right = np.asarray(correct, dtype=float)[:, None, None]
    mean, sd = _LOG_SHARPENING
    prior = -(((np.log(SHARPENINGS) - mean) / sd) ** 2)[:, None] / 2 - (SHIFTS / _SHIFT_SD) ** 2 / 2
    posterior = special.softmax(prior + TEST_WEIGHT * (right * odds - np.logaddexp(0, odds)).sum(axis=0))
    accuracy = special.expit(SHIFTS + asked[:, :, None]).mean(axis=0)  # (t, shifts)
    chance = np.random.default_rng(0)
    drawn = chance.binomial(n_asked, chance.choice(accuracy.ravel(), N_DRAWS, p=posterior.ravel())) / n_asked
    lower, upper = np.quantile(drawn, (0.025, 0.975))
    return float((posterior * accuracy).sum()), float(lower), float(upper)
