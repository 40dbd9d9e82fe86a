"""Losses that align a source and a target: class confusion, mean discrepancy, covariance, and a critic's."""

from dataclasses import dataclass
from math import exp
from statistics import fmean
from typing import Final, Literal, TypeAlias

import torch
from torch import Tensor

from anyshot.domain_adaptation.deep.critic import (
    Critic,
    critic_accuracy,
    critic_loss,
    outer_product,
    reverse_gradient,
)

Align: TypeAlias = Literal["mcc", "mmd", "deep-coral", "cdan", "dann"]

DEFAULT_WEIGHTS: Final = {"mcc": 1.0, "mmd": 1.0, "deep-coral": 100.0, "cdan": 1.0, "dann": 0.3}
KERNEL_WIDTHS: Final = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Widths of the kernels of the mean discrepancy, in units of the mean squared distance."""
STEEPNESS: Final = 10.0


def mcc_loss(logits: Tensor, *, temperature: float = 2.5) -> Tensor:
    """Return the minimum class confusion loss of target items (a scalar, 0 to 1).

    logits (n, c); temperature: divides the logits, since a network is overconfident on the target. Jin, Wang, Long,
    Wang. Minimum Class Confusion for Versatile Domain Adaptation. ECCV 2020, eq. (2) to (6).
    """
    probabilities = (logits / temperature).softmax(dim=1)  # (n, c)
    weights = entropy_weights(probabilities)  # (n,)
    confusion = (probabilities * weights[:, None]).T @ probabilities  # (c, c), classes predicted together
    normalized = confusion / confusion.sum(dim=1, keepdim=True)
    return 1 - normalized.diagonal().mean()


def entropy_weights(probabilities: Tensor) -> Tensor:
    """Return item weights (n,) with mean 1, larger for confident predictions; probabilities (n, c).

    They carry no gradient. Long, Cao, Wang, Jordan. Conditional Adversarial Domain Adaptation. NeurIPS 2018, section
    3.2.
    """
    weights = 1 + torch.exp(-entropy(probabilities.detach()))
    return weights / weights.mean()


def entropy(probabilities: Tensor) -> Tensor:
    """Return the entropy (n,) of probabilities (n, c) [nats]."""
    return -(probabilities * probabilities.clamp_min(1e-12).log()).sum(dim=1)


def coral_loss(source: Tensor, target: Tensor) -> Tensor:
    """Return the distance between the two covariances (a scalar).

    source (n_s, d), target (n_t, d): features, not logits. Sun, Saenko. Deep CORAL. ECCV-W 2016, eq. (1).
    """
    difference = torch.cov(source.T) - torch.cov(target.T)  # (d, d)
    return (difference**2).sum() / (4 * source.shape[1] ** 2)


def mmd_loss(source: Tensor, target: Tensor) -> Tensor:
    """Return the squared maximum mean discrepancy of two batches (a scalar, never negative).

    source (n_s, d), target (n_t, d): features. The kernel is the mean of Gaussian ones, whose widths are
    `KERNEL_WIDTHS` times the mean squared distance. Long, Cao, Wang, Jordan. Learning Transferable Features with Deep
    Adaptation Networks. ICML 2015, eq. (1).
    """
    both = torch.cat([source, target])  # (n, d)
    squares = torch.cdist(both, both, compute_mode="donot_use_mm_for_euclid_dist").square()  # (n, n)
    width = squares.detach().mean().clamp_min(1e-12)
    kernel = torch.stack([torch.exp(-squares / (factor * width)) for factor in KERNEL_WIDTHS]).mean(dim=0)
    side = torch.cat([torch.full((len(one),), sign / len(one)) for one, sign in ((source, 1.0), (target, -1.0))])
    side = side.to(both)
    return side @ kernel @ side


@dataclass(frozen=True)
class Outputs:
    """The outputs of the network and the head for a batch of one domain."""

    features: Tensor  # (n, d)
    logits: Tensor  # (n, c)


class AlignmentLoss:
    """One of the five alignment losses, with its critic if it has one.

    align: the loss; width: d of the features; n_classes: c.
    """

    def __init__(self, align: Align, width: int, n_classes: int) -> None:
        self.align = align
        critic_width = {"dann": width, "cdan": width * n_classes}.get(align)
        self.critic = None if critic_width is None else Critic(critic_width)
        self.epochs: list[list[float]] = []

    @property
    def accuracies(self) -> list[float]:
        """Accuracy of the critic (0 to 1) in each epoch; empty without a critic."""
        return [fmean(batches) for batches in self.epochs if batches]

    def begin_epoch(self) -> None:
        """Start another epoch of the critic's accuracy."""
        self.epochs.append([])

    def __call__(self, source: Outputs, target: Outputs, weight: float) -> Tensor:
        """Return the weighted loss; with a critic, the weight applies to the reversed gradient only."""
        if self.critic is not None:
            return self._adversarial(self.critic, source, target, weight)
        if self.align == "mcc":
            return weight * mcc_loss(target.logits)
        distance = mmd_loss if self.align == "mmd" else coral_loss
        return weight * distance(source.features, target.features)

    def _adversarial(self, critic: Critic, source: Outputs, target: Outputs, weight: float) -> Tensor:
        scores, weights = [], []
        for outputs in (source, target):
            inputs = outputs.features
            if self.align == "cdan":
                probabilities = outputs.logits.softmax(dim=1)
                inputs = outer_product(inputs, probabilities)
                weights.append(entropy_weights(probabilities))
            scores.append(critic(reverse_gradient(inputs, weight)))
        self.epochs[-1].append(critic_accuracy(scores[0], scores[1]))
        return critic_loss(scores[0], scores[1], weights=(weights[0], weights[1]) if weights else None)


def ramp(progress: float) -> float:
    """Return the fraction of the weight at a progress of 0 to 1. Ganin et al., JMLR 2016, section 5.2.2."""
    return 2 / (1 + exp(-STEEPNESS * progress)) - 1
