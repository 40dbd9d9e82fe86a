"""Signs of a failed adaptation that can be seen without target labels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import entropy

from anyshot.base.messages import in_percent
from anyshot.domain_adaptation.domains import Floats

MIN_CRITIC_ACCURACY: Final = 0.55
"""A critic that never exceeded this learned nothing. Falling back to it at the end is the aim."""
MAX_CRITIC_ACCURACY: Final = 0.97
"""A critic that ends above this was not confused: the features of the domains still differ."""
MIN_CLASSES: Final = 0.6
"""Lowest effective number of predicted target classes, as a fraction of the source's."""
MAX_DISAGREEMENT: Final = 0.4
"""Fraction of predictions that differ from the source model's, above which one of the two models must be bad."""


@dataclass(frozen=True)
class Diagnostics:
    """Measures of an adaptation without target labels, and warnings about them.

    Attributes
    ----------
    domain_accuracy : float or None
        Accuracy (0 to 1) of the critic in the last epoch; None without a critic.
    effective_classes : float
        exp(entropy) of the class frequencies among the predictions on the target [classes].
    disagreement : float
        Fraction (0 to 1) of the target predictions that differ from the source model's.
    messages : tuple of str
        The warnings; empty if nothing looks wrong.
    """

    domain_accuracy: float | None
    effective_classes: float
    disagreement: float
    messages: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.messages) if self.messages else "No warnings."


def diagnose(
    predicted: Floats, source_predicted: Floats, source_priors: Floats, *, domain_accuracies: Sequence[float] = ()
) -> Diagnostics:
    """Return diagnostics of an adapted model's predictions on the target.

    predicted (n, c): its probabilities; source_predicted (n, c): those of the source model on the same items;
    source_priors (c,): class frequencies of the source; domain_accuracies: accuracy of the critic (0 to 1), by epoch.
    """
    best = predicted.argmax(axis=1)
    effective = effective_number(np.bincount(best, minlength=predicted.shape[1]) / len(best))
    disagreement = float(np.mean(best != source_predicted.argmax(axis=1)))
    messages = (
        *_critic_messages(domain_accuracies),
        *_prediction_messages(effective, effective_number(source_priors), disagreement),
    )
    last = domain_accuracies[-1] if domain_accuracies else None
    return Diagnostics(last, effective, disagreement, messages)


def effective_number(frequencies: Floats) -> float:
    """Return exp(entropy) of class frequencies (c,): c if all are equal, 1 if only one class occurs."""
    return float(np.exp(entropy(frequencies)))


def _critic_messages(accuracies: Sequence[float]) -> Iterator[str]:
    if accuracies and max(accuracies) < MIN_CRITIC_ACCURACY:
        yield (
            f"The accuracy of the critic never exceeded {in_percent(max(accuracies))}, about chance: it had no effect. "
            "Either the domains are alike, or the features changed too fast for it; try a lower weight."
        )
    elif accuracies and accuracies[-1] > MAX_CRITIC_ACCURACY:
        yield (
            f"The critic still tells the domains apart with {in_percent(accuracies[-1])} accuracy: the features are "
            "not aligned. Try a higher weight, more epochs, or align='mcc', which has no critic."
        )


def _prediction_messages(effective: float, expected: float, disagreement: float) -> Iterator[str]:
    if effective < MIN_CLASSES * expected:
        yield (
            f"The effective number of classes predicted on the target is {effective:.1f}; the source has "
            f"{expected:.1f}. Either the predictions have collapsed, or the target has few of the classes. Compare "
            "with the source model."
        )
    if disagreement > MAX_DISAGREEMENT:
        yield (
            f"{in_percent(disagreement)} of the target predictions differ from the source model's: one of the two "
            "models must be bad. Inspect some of these items, or run adapt_or_not."
        )
