"""Networks that are made or given to be trained: random weights that can be repeated, and the features of a network."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from anyshot.errors import InputError


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch's global generator in this block, from which layers draw their weights; restore its state after it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def features_width(network: nn.Module, items: object, *, n_items: int, name: str) -> int:
    """Return the width of the features (n_items, width) that a user's network returns for a batch of items.

    name: of the parameter, for messages. Raises InputError if the network cannot read the items, or returns something
    else.
    """
    shape = tuple(items.shape) if isinstance(items, Tensor) else type(items).__name__
    network.eval()
    try:
        with torch.no_grad():  # with inference_mode, lazy layers would get inference tensors as weights
            features = network(items)
    except RuntimeError as error:
        raise InputError(f"{name} cannot read items of shape {shape}: {error}. Change its first layer.") from error
    if not isinstance(features, Tensor) or features.ndim != 2 or len(features) != n_items:
        returned = tuple(features.shape) if isinstance(features, Tensor) else type(features).__name__
        raise InputError(
            f"{name} must return features (n, width); for items of shape {shape} it returns {returned}. End it with "
            "nn.Flatten()."
        )
    return int(features.shape[1])
