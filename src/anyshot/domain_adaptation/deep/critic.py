"""The critic of adversarial domain adaptation, and the gradient reversal by which features learn to confuse it."""

from typing import Any, Final

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

HIDDEN: Final = 128


class _GradientReversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradients[0], None


def reverse_gradient(x: Tensor, strength: float = 1.0) -> Tensor:
    """Return `x` unchanged; in the backward pass, its gradient is multiplied by `-strength`.

    Ganin et al., JMLR 2016, eq. (13) and (14).
    """
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
