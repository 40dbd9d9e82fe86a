"""A critic of the domains, and the gradient reversal by which features learn to confuse it."""

from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

# The critic D learns to tell the domains by the features; the network, through a reversed gradient, learns features by
# which it cannot (Ganin et al., Domain-Adversarial Training of Neural Networks, JMLR 2016, eq. 9 to 15):
#
#     D descends L(D(f(x))), f ascends it: one backward pass, the gradient times -w between D and f
#
# CDAN shows the critic features and answers together, as their outer product, so that it sees classes, not the domain
# as a whole (Long, Cao, Wang, Jordan. Conditional Adversarial Domain Adaptation. NeurIPS 2018, eq. 4).

HIDDEN: Final = 128


class _Reversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradients[0], None


def reversed_gradient(x: Tensor, strength: float = 1.0) -> Tensor:
    """Return `x` unchanged; on the way back its gradient is multiplied by `-strength`.

    Ganin et al., JMLR 2016, eq. (13) and (14).
    """
    reversed_: Tensor = _Reversal.apply(x, strength)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return reversed_


class Critic(nn.Module):
    """Tells source features from target features, by two layers that cannot change faster than their input.

    width: d of what it sees. Spectral norms bound it: a critic that is free soon tells every item with certainty, and
    the gradient that it sends back is nothing or noise (Miyato, Kataoka, Koyama, Yoshida. Spectral Normalization for
    Generative Adversarial Networks. ICLR 2018).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            spectral_norm(nn.Linear(width, HIDDEN)), nn.ReLU(), spectral_norm(nn.Linear(HIDDEN, 1))
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return log-odds of being of the source (n,), of features (n, width)."""
        scores: Tensor = self.layers(x)
        return scores[:, 0]


def conditioned(features: Tensor, answers: Tensor) -> Tensor:
    """Return the outer product (n, d * c) of each item's features (n, d) and answer (n, c).

    Long et al., NeurIPS 2018, eq. (4). The answer carries no gradient.
    """
    return (features[:, :, None] * answers.detach()[:, None, :]).flatten(1)


def domain_loss(source: Tensor, target: Tensor, *, weights: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """Return the critic's mean cross-entropy [nats] (a scalar), both domains counting the same.

    source (n_s,), target (n_t,): log-odds of being of the source; weights: what each item of either counts.
    """
    ours, theirs = functional.softplus(-source), functional.softplus(target)
    if weights is not None:
        ours, theirs = ours * weights[0], theirs * weights[1]
    return (ours.mean() + theirs.mean()) / 2


def domain_accuracy(source: Tensor, target: Tensor) -> float:
    """Return the share of items (0 to 1) whose domain the critic tells; log-odds (n_s,) and (n_t,)."""
    with torch.no_grad():
        return float(((source > 0).float().mean() + (target <= 0).float().mean()) / 2)
