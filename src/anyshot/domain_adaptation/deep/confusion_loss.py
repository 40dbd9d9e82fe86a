"""What domain confusion adds to the loss: one of five measures of how far a batch's domains are apart."""

from dataclasses import dataclass
from math import exp
from statistics import fmean
from typing import Final, Literal, TypeAlias

from torch import Tensor

from anyshot.domain_adaptation.deep.alignment_losses import coral_loss, entropy_weights, mcc_loss, mmd_loss
from anyshot.domain_adaptation.deep.gradient_reversal import (
    Critic,
    conditioned,
    domain_accuracy,
    domain_loss,
    reversed_gradient,
)

Align: TypeAlias = Literal["mcc", "mmd", "deep-coral", "cdan", "dann"]

WEIGHTS: Final = {"mcc": 1.0, "mmd": 1.0, "deep-coral": 100.0, "cdan": 1.0, "dann": 0.3}
"""The usual weight of each."""
STEEPNESS: Final = 10.0


@dataclass(frozen=True)
class Side:
    """One domain's batch after the network and the head."""

    features: Tensor  # (n, d)
    scores: Tensor  # (n, c)


class Alignment:
    """How far apart a batch's domains are, by one of the five measures; its critic, where it has one.

    align: which; width: d of the features; n_classes: c.
    """

    def __init__(self, align: Align, width: int, n_classes: int) -> None:
        self.align = align
        seen = {"dann": width, "cdan": width * n_classes}.get(align)
        self.critic = None if seen is None else Critic(seen)
        self.epochs: list[list[float]] = []

    @property
    def accuracies(self) -> list[float]:
        """The critic's accuracy (0 to 1), epoch by epoch; empty without one."""
        return [fmean(told) for told in self.epochs if told]

    def begin_epoch(self) -> None:
        """Count what the critic tells from now on as another epoch's."""
        self.epochs.append([])

    def loss(self, source: Side, target: Side, weight: float) -> Tensor:
        """Return the weighted loss; a critic's has the weight on the reversed gradient, so that it learns at once."""
        if self.critic is not None:
            return self._told(self.critic, source, target, weight)
        if self.align == "mcc":
            return weight * mcc_loss(target.scores)
        measure = mmd_loss if self.align == "mmd" else coral_loss
        return weight * measure(source.features, target.features)

    def _told(self, critic: Critic, source: Side, target: Side, weight: float) -> Tensor:
        told, weights = [], None
        answers = [side.scores.softmax(dim=1) for side in (source, target)]
        for side, answer in zip((source, target), answers, strict=True):
            seen = conditioned(side.features, answer) if self.align == "cdan" else side.features
            told.append(critic(reversed_gradient(seen, weight)))
        if self.align == "cdan":
            weights = entropy_weights(answers[0]), entropy_weights(answers[1])
        self.epochs[-1].append(domain_accuracy(told[0], told[1]))
        return domain_loss(told[0], told[1], weights=weights)


def ramp(progress: float) -> float:
    """Return the share of the weight at a progress of 0 to 1. Ganin et al., JMLR 2016, section 5.2.2."""
    return 2 / (1 + exp(-STEEPNESS * progress)) - 1
