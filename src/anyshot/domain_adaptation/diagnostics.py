"""Alarms: what can be seen, without a label of the target, of an adaptation that went wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

BLIND: Final = 0.55
"""A critic that was never right as often as this told nothing, so that it taught nothing. To end there is the aim."""
CERTAIN: Final = 0.97
"""One that is right more often cannot be confused any more: the features did not come together."""
COLLAPSED: Final = 0.6
"""Least share of the source's effective number of classes that the target's answers should have."""
DISAGREEING: Final = 0.4
"""Share of the target that the source model answers otherwise, above which one of both must be badly wrong."""

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Alarms:
    """What was looked at, and what is alarming in it.

    Attributes
    ----------
    domain_accuracy : float or None
        Share of the last epoch's items whose domain the critic told, 0 to 1; None where there was no critic.
    effective_classes : float
        exp(entropy) of the shares of the classes among the answers on the target [classes].
    disagreement : float
        Share of the target's items (0 to 1) that the source model answers otherwise.
    messages : tuple of str
        What is alarming; empty if nothing is.
    """

    domain_accuracy: float | None
    effective_classes: float
    disagreement: float
    messages: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.messages) if self.messages else "No alarm."


def alarms_of(
    answers: Floats, source_answers: Floats, source_shares: Floats, *, domain_accuracies: Sequence[float] = ()
) -> Alarms:
    """Look at an adapted model's answers on the target.

    answers (n, c): its probabilities; source_answers (n, c): those of the source model on the same items;
    source_shares (c,): how frequent the classes are in the source; domain_accuracies: the critic's,
    0 to 1, epoch by epoch.
    """
    best = answers.argmax(axis=1)
    effective = effective_number(np.bincount(best, minlength=answers.shape[1]) / len(best))
    disagreement = float(np.mean(best != source_answers.argmax(axis=1)))
    messages = [
        _domain_message(domain_accuracies),
        _collapse_message(effective, effective_number(source_shares)),
        _disagreement_message(disagreement),
    ]
    last = domain_accuracies[-1] if domain_accuracies else None
    return Alarms(last, effective, disagreement, tuple(filter(None, messages)))


def effective_number(shares: Floats) -> float:
    """Return exp(entropy) of shares (c,): c where all are alike, 1 where one has all."""
    present = shares[shares > 0]
    return float(np.exp(-(present * np.log(present)).sum()))


def _domain_message(accuracies: Sequence[float]) -> str:
    if not accuracies:
        return ""
    if max(accuracies) < BLIND:
        return (
            f"The critic never told the domain of more than {max(accuracies):.0%} of the items, as guessing would: it "
            "taught nothing. Either the domains are alike, or the features overran it; take a lower weight."
        )
    if accuracies[-1] > CERTAIN:
        return (
            f"The critic tells the domain of {accuracies[-1]:.0%} of the items: the features did not come together. "
            "Take a higher weight, more epochs, or align='mcc', which has no critic."
        )
    return ""


def _collapse_message(effective: float, expected: float) -> str:
    if effective >= COLLAPSED * expected:
        return ""
    return (
        f"The answers on the target name {effective:.1f} classes in effect, the source has {expected:.1f}: they have "
        "collapsed, or the target has few of the classes. Compare with the source model before believing them."
    )


def _disagreement_message(disagreement: float) -> str:
    if disagreement <= DISAGREEING:
        return ""
    return (
        f"{disagreement:.0%} of the target's items are answered otherwise than by the source model: one of both is "
        "badly wrong. Look at some of them, or ask adapt_or_not."
    )
