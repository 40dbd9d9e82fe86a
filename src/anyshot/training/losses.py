"""Losses of a batch: cross-entropy, and the weights that let each class count the same."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from anyshot.base.validation import Indexes
from anyshot.errors import NotEnoughLabelsError


def cross_entropy(
    scores: Tensor,
    index: Tensor,
    *,
    weights: Tensor | None = None,
    smoothing: float = 0.0,
    spread_over: Tensor | None = None,
) -> Tensor:
    """Return the mean cross-entropy [nats], a scalar.

    scores (n, c), logits; index (n,), rows of the class table; weights (c,), what an item of each class counts;
    smoothing: share of each target that is spread over all classes (Szegedy et al., CVPR 2016, section 7), or over
    those of `spread_over` (c,), bool. The weighted sum is divided by n, not by the sum of the weights: what an item
    counts does not depend on whom it meets in a batch.
    """
    log_shares = functional.log_softmax(scores.float(), dim=1)  # (n, c)
    losses = -log_shares.gather(1, index[:, None])[:, 0]  # (n,)
    if smoothing:
        among = log_shares if spread_over is None else log_shares[:, spread_over]
        losses = (1 - smoothing) * losses - smoothing * among.mean(dim=1)
    return (losses if weights is None else losses * weights[index]).mean()


def balanced_weights(index: Indexes, n_classes: int) -> Tensor:
    """Return weights (c,) by which every class counts the same, 1 on average over the items; 0 for a class without any.

    Raises
    ------
    NotEnoughLabelsError
        There is no label at all.
    """
    counts = np.bincount(index, minlength=n_classes)
    if not counts.any():
        raise NotEnoughLabelsError("Classes cannot be balanced without a label. Give labels, or class_weight=None.")
    present = np.count_nonzero(counts)
    weights = np.where(counts > 0, len(index) / (present * np.maximum(counts, 1)), 0.0)
    return torch.from_numpy(weights.astype(np.float32))
