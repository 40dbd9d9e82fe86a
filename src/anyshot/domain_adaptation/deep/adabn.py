"""AdaBN: batch norms measure the target instead of what they were trained on."""

from collections.abc import Iterable

import torch
from torch import nn

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)

# A batch norm's mean and variance are the domain's, its gain and offset the task's. Replacing the first by the target's
# own takes away a shift that is no more than one of mean and spread at some layer (Li, Wang, Shi, Hou, Liu. Adaptive
# Batch Normalization for practical domain adaptation. Pattern Recognition 2018, algorithm 1).


def adapt_norms(network: nn.Module, batches: Iterable[object]) -> int:
    """Measure the batch norms of `network` anew on batches of the target, in place; return how many there are.

    Each statistic becomes the mean over all batches; everything else stays as it is, and so does each module's mode.
    Norms that `network.train()` leaves in evaluation are meant to stay as they are, and do.
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
