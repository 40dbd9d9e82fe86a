"""AdaBN and SHOT: adapt a trained network to the target without the source data."""

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from anyshot.base.validation import Indexes, RandomState
from anyshot.domain_adaptation.deep.items import sequential_batches, shuffled_batches
from anyshot.domain_adaptation.deep.losses import entropy
from anyshot.training.loop import train
from anyshot.training.recipe import Recipe, cross_entropy
from anyshot.training.run import History

# SHOT: the head is frozen; the features are trained until the predictions for target items are confident and all
# classes occur:
#
#     L = mean entropy(p_t) - entropy(mean p_t) + beta cross_entropy(p_t, nearest center)
#
# The centers are the means of the features, weighted by the predictions, and are updated every epoch (Liang, Hu, Feng.
# Do We Really Need to Access the Source Data? Source Hypothesis Transfer for Unsupervised Domain Adaptation. ICML 2020,
# eq. 3 to 7).

BETA: Final = 0.3  # weight of the loss on pseudo-labels
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)

# The mean and variance of a batch norm describe the domain, its weight and bias the task. Replacing the former by the
# target's removes any shift that is one of mean and variance at some layer (Li, Wang, Shi, Hou, Liu. Adaptive Batch
# Normalization for practical domain adaptation. Pattern Recognition 2018, algorithm 1).


def adabn(network: nn.Module, batches: Iterable[object]) -> int:
    """Re-estimate the batch norms of `network` on batches of the target, in place; return how many there are.

    Each statistic becomes the mean over all batches. Nothing else changes, including the mode of each module. Frozen
    norms, which `network.train()` leaves in evaluation mode, stay as they are.
    """
    modes = {module: module.training for module in network.modules()}
    network.train()
    norms = [one for one in network.modules() if isinstance(one, NORMS) and one.training and one.track_running_stats]
    network.eval()
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over the batches
        norm.train()
    if norms:
        with torch.no_grad():
            for batch in batches:
                network(batch)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    for module, mode in modes.items():
        module.training = mode
    return len(norms)


def information_loss(logits: Tensor) -> Tensor:
    """Return mean entropy of the predictions minus entropy of their mean (a scalar) [nats], eq. 3; logits (n, c)."""
    probabilities = logits.softmax(dim=1)  # (n, c)
    return entropy(probabilities).mean() - entropy(probabilities.mean(dim=0, keepdim=True))[0]


def nearest_centers(features: Tensor, probabilities: Tensor) -> Tensor:
    """Return the class (n,) whose center is nearest to each item by angle, among the classes that are predicted.

    features (n, d); probabilities (n, c). Two rounds: centers by the probabilities, then by the classes found.
    Liang, Hu, Feng, ICML 2020, eq. (4) to (6).
    """
    rows = functional.normalize(functional.pad(features, (0, 1), value=1.0), dim=1)  # (n, d + 1)
    n_classes = probabilities.shape[1]
    present = torch.bincount(probabilities.argmax(dim=1), minlength=n_classes) > 0
    weights = probabilities
    for _ in range(2):
        centers = functional.normalize(weights.T @ rows / (weights.sum(dim=0)[:, None] + 1e-8), dim=1)  # (c, d + 1)
        nearest = (rows @ centers.T).masked_fill(~present, -2.0).argmax(dim=1)
        weights = functional.one_hot(nearest, n_classes).to(probabilities)
    return nearest


def shot(
    network: nn.Module,
    head: nn.Module,
    read: Callable[[Indexes], object],
    n_items: int,
    *,
    recipe: Recipe,
    batch_size: int = 64,
    random_state: RandomState = None,
) -> History:
    """Train `network` in place on target items alone; `head`, which classifies its features, is frozen.

    read: returns the items of given rows (b,) as inputs of `network`; n_items: number of target items. Raises
    TrainingDivergedError as `train` does.
    """
    head.requires_grad_(False)

    def batches(random: np.random.Generator) -> list[tuple[Indexes, Tensor]]:
        network.eval()
        with torch.no_grad():
            parts = [network(read(rows)) for rows in sequential_batches(n_items, 4 * batch_size)]
            features = torch.cat(parts)  # (n, d)
            nearest = nearest_centers(features, head(features).softmax(dim=1))  # (n,)
        return [(rows, nearest[torch.from_numpy(rows)]) for rows in shuffled_batches(n_items, batch_size, random)]

    def loss_of(batch: tuple[Indexes, Tensor], progress: float) -> Tensor:
        rows, nearest = batch
        logits = head(network(read(rows)))  # (b, c)
        return information_loss(logits) + BETA * cross_entropy(logits, nearest)

    try:
        return train(network, batches, loss_of, recipe=recipe, random_state=random_state)
    finally:
        head.requires_grad_(True)
