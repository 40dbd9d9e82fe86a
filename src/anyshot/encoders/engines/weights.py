"""The weights of a network in safetensors, read without torch and looked up by name."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, deserialize

from anyshot.errors import MissingWeightsError

DTYPES: Final = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4"}


class Weights(Mapping[str, NDArray[np.float32]]):
    """Arrays by name; a missing one is reported as missing from the file that they come from.

    Parameters
    ----------
    arrays : mapping
        The arrays by their whole names.
    source : Path or str
        Where they come from, for messages.
    prefix : str
        Beginning of the names, which is left out in look-ups.
    """

    def __init__(self, arrays: Mapping[str, NDArray[Any]], source: object, *, prefix: str = "") -> None:
        self._arrays, self.source, self.prefix = arrays, source, prefix

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        try:
            return self._arrays[self.prefix + name]
        except KeyError:
            raise MissingWeightsError(
                f"{self.source} lacks the weights {self.prefix + name}, which its config.json asks for. Download the "
                "model again, or use one that was saved completely."
            ) from None

    def __contains__(self, name: object) -> bool:
        return f"{self.prefix}{name}" in self._arrays

    def __iter__(self) -> Iterator[str]:
        return (name.removeprefix(self.prefix) for name in self._arrays if name.startswith(self.prefix))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def optional(self, name: str) -> NDArray[np.float32] | None:
        """Return the weights of a name, or None if the network has none of that name."""
        return self._arrays.get(self.prefix + name)

    def under(self, name: str) -> "Weights":
        """Return the weights of the part of the network with a name."""
        return Weights(self._arrays, self.source, prefix=f"{self.prefix}{name}.")


def read_safetensors(files: list[Path], *, source: object) -> Weights:
    """Return the tensors of one or more files as float32 arrays; integers are left out.

    Raises
    ------
    MissingWeightsError
        A file is missing, cut short or damaged, or has tensors of a type that is not read.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for file in files:
        try:
            tensors = deserialize(file.read_bytes())  # type: ignore[no-untyped-call]  # safetensors is partly typed
        except (OSError, SafetensorError) as error:
            raise MissingWeightsError(
                f"The weights {file} cannot be read: {error}. Download the model again."
            ) from error
        arrays |= {name: _array(tensor, name, file) for name, tensor in tensors}
    return Weights({name: array for name, array in arrays.items() if array.dtype == np.float32}, source)


def _array(tensor: Mapping[str, Any], name: str, file: Path) -> NDArray[Any]:
    """Return a tensor as an array: float32 if it is of a floating type, else of its own."""
    kind = tensor["dtype"]
    if kind not in DTYPES:
        raise MissingWeightsError(
            f"{file} has {name} as {kind}, which is none of {', '.join(DTYPES)}. Save the model in float32."
        )
    array = np.frombuffer(tensor["data"], DTYPES[kind]).reshape(tensor["shape"])
    if kind == "BF16":  # the upper half of a float32
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array.astype(np.float32, copy=False) if kind.startswith("F") else array
