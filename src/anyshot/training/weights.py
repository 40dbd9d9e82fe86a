"""A network's weights as arrays, to save them in a model folder and load them."""

from collections.abc import Mapping
from typing import Any, TypeVar

import torch
from numpy.typing import NDArray
from torch import nn

from anyshot.errors import ModelFolderError

T = TypeVar("T")


def weights_of(network: nn.Module, part: str) -> dict[str, NDArray[Any]]:
    """Return a network's weights and statistics by name, prefixed with `part` and a slash."""
    return {f"{part}/{name}": value.detach().cpu().numpy() for name, value in network.state_dict().items()}


def part_of(arrays: Mapping[str, T], part: str) -> dict[str, T]:
    """Return the arrays whose names begin with `part` and a slash, by the rest of their names."""
    return {name.removeprefix(f"{part}/"): array for name, array in arrays.items() if name.startswith(f"{part}/")}


def load_weights(network: nn.Module, arrays: Mapping[str, NDArray[Any]], part: str) -> None:
    """Load the weights that `weights_of` returned into a network with the same layers, in place.

    Raises ModelFolderError if its layers differ from those of the saved network.
    """
    saved = part_of(arrays, part)
    ours = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    theirs = {name: array.shape for name, array in saved.items()}
    if ours != theirs:
        name = next(name for name in [*ours, *sorted(theirs)] if theirs.get(name) != ours.get(name))
        raise ModelFolderError(
            f"The model was saved with {_layer(theirs, name)}; this {part} has {_layer(ours, name)}. Pass one with the "
            "same layers as in fit; its weights are replaced."
        )
    network.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in saved.items()})


def _layer(shapes: Mapping[str, tuple[int, ...]], name: str) -> str:
    return f"{name} of shape {shapes[name]}" if name in shapes else f"no {name}"
