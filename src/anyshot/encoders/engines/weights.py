"""The weights of a network in safetensors, read without torch and looked up by name."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from anyshot.errors import MissingWeightsError

DTYPES: Final = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4"}


class Weights(Mapping[str, NDArray[np.float32]]):
    """Arrays by name; a missing one is reported as missing from the file that they come from.

    arrays: by their whole names; source: the file, for messages; prefix: the beginning of names, left out in look-ups.
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

    def check(self, name: str, shape: tuple[int, ...]) -> None:
        """Raise MissingWeightsError if the weights of a name are missing or have another shape."""
        found = self[name].shape
        if found != shape:
            raise MissingWeightsError(
                f"{self.source} has the weights {self.prefix + name} in the shape {found}, but its config.json asks "
                f"for {shape}. They are not of the same model: download both again."
            )

    def under(self, name: str) -> "Weights":
        """Return the weights of the part of the network with a name."""
        return Weights(self._arrays, self.source, prefix=f"{self.prefix}{name}.")

    def without_head(self, trunk: str) -> "Weights":
        """Return the weights of the network without its head; beside a head, their names begin with the `trunk`'s."""
        return self.under(trunk) if any(name.startswith(f"{trunk}.") for name in self) else self


def read_safetensors(
    files: Sequence[Path], *, source: object, renamed: Mapping[str, str] = MappingProxyType({})
) -> Weights:
    """Return the tensors of one or more files as float32 arrays; integers are left out.

    A file is mapped into memory and read as its arrays are used. renamed: new ends of names by the old ones.

    Raises MissingWeightsError if a file is missing, cut short or damaged, or has tensors of a type that is not read.
    """
    arrays: dict[str, NDArray[np.float32]] = {}
    for file in files:
        for name, kind, data in _tensors(file):
            if kind not in DTYPES:
                raise MissingWeightsError(_not_read(file, name, kind))
            old = next((end for end in renamed if name.endswith(end)), "")
            if kind.startswith(("F", "BF")):
                arrays[name.removesuffix(old) + renamed.get(old, "")] = _as_float32(data, kind)
    return Weights(arrays, source)


def check_weights(file: Path, *, is_quantized: bool) -> None:
    """Refuse weights from which an engine would compute wrong vectors without a word.

    A ReLU of openvino makes NaN 0, and torch takes rounded weights for exact ones. is_quantized: whether the model says
    how its weights are rounded. Masks may be infinite, and of any type.

    Raises MissingWeightsError if the file is missing, cut short or damaged, or has weights that are NaN, infinite or
    rounded.
    """
    for name, kind, data in _tensors(file):
        if kind not in DTYPES and name.endswith(".weight") and not is_quantized:
            raise MissingWeightsError(_not_read(file, name, kind))
        if kind in DTYPES and "mask" not in name and not _is_finite(data, kind):
            raise MissingWeightsError(
                f"{file} has NaN or infinity in the weights {name}. Download the model again, or save it in float32."
            )


def _tensors(file: Path) -> Iterator[tuple[str, str, NDArray[Any]]]:
    """Yield the name, type and array of each tensor of a file; of a type that is not read, the array of its bytes.

    The file is: the length of its header (8 bytes, little-endian), the header as JSON, and the tensors.
    """
    damaged = f"The weights {file} are damaged or cut short. Download the model again."
    try:
        mapped = np.asarray(np.memmap(file, np.uint8, "c"))  # writable in memory only, which openvino asks for
        with safe_open(file, framework="np"):  # raises an error unless the header describes the whole file
            start = 8 + int.from_bytes(mapped[:8].tobytes(), "little")
    except OSError as error:
        raise MissingWeightsError(f"The weights {file} cannot be read: {error.strerror}.") from error
    except (SafetensorError, ValueError) as error:  # ValueError: of an empty file
        raise MissingWeightsError(damaged) from error
    header = json.loads(mapped[8:start].tobytes())
    header.pop("__metadata__", None)
    for name, about in header.items():
        kind, (first, last) = about["dtype"], about["data_offsets"]
        data = mapped[start + first : start + last]
        try:
            array = data.view(DTYPES[kind]).reshape(about["shape"]) if kind in DTYPES else data
        except (ValueError, OverflowError) as error:  # more or longer axes than an array of numpy can have
            raise MissingWeightsError(damaged) from error
        yield name, kind, array


def _as_float32(array: NDArray[Any], kind: str) -> NDArray[np.float32]:
    if kind == "BF16":  # the upper half of a float32
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array.astype(np.float32, copy=False)


def _is_finite(array: NDArray[Any], kind: str) -> bool:
    """Return whether no number is NaN or infinite: their sum is then finite, which needs no second array."""
    with np.errstate(invalid="ignore", over="ignore"):
        return bool(np.isfinite(_as_float32(array, kind).sum())) or bool(np.isfinite(_as_float32(array, kind)).all())


def _not_read(file: Path, name: str, kind: str) -> str:
    return f"{file} has {name} as {kind}, which is none of {', '.join(DTYPES)}. Save the model in float32."
