"""Losses that align a source and a target: class confusion, mean discrepancy, covariance, and a critic's."""

from math import exp
from statistics import fmean
from typing import Any, Final, Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

# The critic D learns to tell the domains apart by the features; through a reversed gradient, the network f learns
# features with which it cannot (Ganin et al., Domain-Adversarial Training of Neural Networks, JMLR 2016, eq. 9 to 15):
#
#     D descends L(D(f(x))), f ascends it: one backward pass, with the gradient times -w between D and f
#
# CDAN passes the outer product of features and predictions to the critic, so that it compares the domains class by
# class (Long, Cao, Wang, Jordan. Conditional Adversarial Domain Adaptation. NeurIPS 2018, eq. 4).

Outputs: TypeAlias = tuple[Tensor, Tensor]
"""The features (n, d) and the logits (n, c) of a batch of one domain."""
Align: TypeAlias = Literal["mcc", "mmd", "deep-coral", "cdan", "dann"]

DEFAULT_WEIGHTS: Final = {"mcc": 1.0, "mmd": 1.0, "deep-coral": 100.0, "cdan": 1.0, "dann": 0.3}
MCC_TEMPERATURE: Final = 2.5
"""Divides the logits, since a network is overconfident on the target; the paper's value."""
KERNEL_WIDTHS: Final = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Widths of the kernels of the mean discrepancy, in units of the mean squared distance."""
STEEPNESS: Final = 10.0  # of the weight of the critic's gradient over training (Ganin et al., JMLR 2016, section 5.2.2)
HIDDEN: Final = 128  # units of the critic


def mcc_loss(logits: Tensor) -> Tensor:
    """Return the minimum class confusion loss of target items (a scalar, 0 to 1).

    logits (n, c). Jin, Wang, Long, Wang. Minimum Class Confusion for Versatile Domain Adaptation. ECCV 2020, eq. (2) to
    (6).
    """
    probabilities = (logits / MCC_TEMPERATURE).softmax(dim=1)  # (n, c)
    weights = entropy_weights(probabilities)  # (n,)
    confusion = (probabilities * weights[:, None]).T @ probabilities  # (c, c), classes predicted together
    normalized = confusion / confusion.sum(dim=1, keepdim=True)
    return 1 - normalized.diagonal().mean()


def entropy_weights(probabilities: Tensor) -> Tensor:
    """Return item weights (n,) with mean 1, larger for confident predictions; probabilities (n, c).

    They carry no gradient. Long et al., NeurIPS 2018, section 3.2.
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


class _GradientReversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradients[0], None


def reverse_gradient(x: Tensor, strength: float = 1.0) -> Tensor:
    """Return `x`; in the backward pass, its gradient is multiplied by `-strength` (Ganin et al., eq. 13 and 14)."""
    reversed_: Tensor = _GradientReversal.apply(x, strength)  # type: ignore[no-untyped-call]  # untyped in torch
    return reversed_


class Critic(nn.Module):
    """A two-layer classifier of source and target features (n, width), with spectral norms.

    An unbounded critic soon separates all items with certainty, and the gradient it returns is zero or noise (Miyato,
    Kataoka, Koyama, Yoshida. Spectral Normalization for Generative Adversarial Networks. ICLR 2018).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            spectral_norm(nn.Linear(width, HIDDEN)), nn.ReLU(), spectral_norm(nn.Linear(HIDDEN, 1))
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the log-odds of the source domain (n,) of features (n, width)."""
        scores: Tensor = self.layers(x)
        return scores[:, 0]


def outer_product(features: Tensor, probabilities: Tensor) -> Tensor:
    """Return the outer product (n, d * c) of features (n, d) and class probabilities (n, c), item by item.

    Long et al., NeurIPS 2018, eq. (4). The probabilities carry no gradient.
    """
    return (features[:, :, None] * probabilities.detach()[:, None, :]).flatten(1)


def critic_loss(source: Tensor, target: Tensor, *, weights: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """Return the mean cross-entropy [nats] of the critic (a scalar); both domains have the same weight.

    source (n_s,), target (n_t,): log-odds of the source domain; weights: of the items of each domain.
    """
    source_losses, target_losses = functional.softplus(-source), functional.softplus(target)
    if weights is not None:
        source_losses, target_losses = source_losses * weights[0], target_losses * weights[1]
    return (source_losses.mean() + target_losses.mean()) / 2


def critic_accuracy(source: Tensor, target: Tensor) -> float:
    """Return the balanced accuracy (0 to 1) of the critic; log-odds (n_s,) and (n_t,)."""
    with torch.no_grad():
        return float(((source > 0).float().mean() + (target <= 0).float().mean()) / 2)


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
            return weight * mcc_loss(target[1])
        distance = mmd_loss if self.align == "mmd" else coral_loss
        return weight * distance(source[0], target[0])

    def _adversarial(self, critic: Critic, source: Outputs, target: Outputs, weight: float) -> Tensor:
        scores, weights = [], []
        for inputs, logits in (source, target):
            if self.align == "cdan":
                probabilities = logits.softmax(dim=1)
                inputs = outer_product(inputs, probabilities)
                weights.append(entropy_weights(probabilities))
            scores.append(critic(reverse_gradient(inputs, weight)))
        self.epochs[-1].append(critic_accuracy(scores[0], scores[1]))
        return critic_loss(scores[0], scores[1], weights=(weights[0], weights[1]) if weights else None)


def ramp(progress: float) -> float:
    """Return the fraction of the weight at a progress of 0 to 1. Ganin et al., JMLR 2016, section 5.2.2."""
    return 2 / (1 + exp(-STEEPNESS * progress)) - 1
