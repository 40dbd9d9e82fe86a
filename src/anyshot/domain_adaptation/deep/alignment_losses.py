"""What draws two domains together without a critic: class confusion, mean discrepancy, covariance."""

from typing import Final

import torch
from torch import Tensor

WIDTHS: Final = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Of the kernels in the mean discrepancy, in units of the mean squared distance."""


def mcc_loss(scores: Tensor, *, temperature: float = 2.5) -> Tensor:
    """Return how much the classes are taken for each other on target items (a scalar, 0 to 1).

    scores (n, c), logits of target items; temperature: softens them first, since a network is too sure of what it has
    not learned. Jin, Wang, Long, Wang. Minimum Class Confusion for Versatile Domain Adaptation. ECCV 2020,
    eq. (2) to (6).
    """
    answers = (scores / temperature).softmax(dim=1)  # (n, c)
    sureness = entropy_weights(answers)  # (n,)
    confusion = (answers * sureness[:, None]).T @ answers  # (c, c), whom each class is believed together with
    shares = confusion / confusion.sum(dim=1, keepdim=True)
    return 1 - shares.diagonal().mean()


def entropy_weights(answers: Tensor) -> Tensor:
    """Return what each item counts (n,), 1 on average and more where it is sure; answers (n, c), probabilities.

    No gradient passes. Long, Cao, Wang, Jordan. Conditional Adversarial Domain Adaptation. NeurIPS 2018, section 3.2.
    """
    certain = 1 + torch.exp(-entropy(answers.detach()))
    return certain / certain.mean()


def entropy(answers: Tensor) -> Tensor:
    """Return the entropy (n,) of probabilities (n, c) [nats]."""
    return -(answers * answers.clamp_min(1e-12).log()).sum(dim=1)


def coral_loss(source: Tensor, target: Tensor) -> Tensor:
    """Return the distance between the two covariances (a scalar).

    source (n_s, d), target (n_t, d): features, not logits. Sun, Saenko. Deep CORAL. ECCV-W 2016, eq. (1).
    """
    gap = torch.cov(source.T) - torch.cov(target.T)  # (d, d)
    return (gap**2).sum() / (4 * source.shape[1] ** 2)


def mmd_loss(source: Tensor, target: Tensor) -> Tensor:
    """Return the squared maximum mean discrepancy of two batches (a scalar, never negative).

    source (n_s, d), target (n_t, d): features. The mean of Gaussian kernels, `WIDTHS` times the mean squared distance
    wide. Long, Cao, Wang, Jordan. Learning Transferable Features with Deep Adaptation Networks. ICML 2015, eq. (1).
    """
    both = torch.cat([source, target])  # (n, d)
    squares = torch.cdist(both, both, compute_mode="donot_use_mm_for_euclid_dist").square()  # (n, n)
    width = squares.detach().mean().clamp_min(1e-12)
    kernel = torch.stack([torch.exp(-squares / (factor * width)) for factor in WIDTHS]).mean(dim=0)
    side = torch.cat([torch.full((len(one),), sign / len(one)) for one, sign in ((source, 1.0), (target, -1.0))])
    side = side.to(both)
    return side @ kernel @ side
