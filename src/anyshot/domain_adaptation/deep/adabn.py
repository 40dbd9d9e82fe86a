"""AdaBN: re-estimate the batch norm statistics of a network on the target."""

from collections.abc import Iterable

import torch
from torch import nn

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
