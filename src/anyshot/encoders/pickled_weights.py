"""Read the tensors of a torch file in its format before 1.6, without torch and without running what a pickle asks for.

The file is five pickles, one after another: a magic number, the version, facts about the machine, the named tensors
as views of storages, and the keys of the storages. The bytes of each storage follow, in the order of the keys.
"""

import io
import pickle
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anyshot.errors import MissingWeightsError

MAGIC: Final = 0x1950A86A20F9469CFC6C  # first object of a file of torch.save before version 1.6
VERSION: Final = 1001  # second object: of that format
DTYPES: Final = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "?",
}
# What the pickle module raises on bytes that are damaged, cut short, or no pickle of this format.
DAMAGED: Final = (pickle.UnpicklingError, EOFError, ValueError, TypeError, LookupError, AttributeError, OverflowError)


class Storage(NamedTuple):
    """The memory that tensors are views of, by its key."""

    dtype: str
    key: str
    length: int


class View(NamedTuple):
    """A tensor as a view of a storage."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]  # in elements


def read_pickled_weights(content: bytes, *, name: object, remedy: str) -> dict[str, NDArray[Any]]:
    """Return the tensors of a torch file, which share its memory.

    name, remedy: the file and what to do, for the message of an error.

    Raises MissingWeightsError if the file is damaged, cut short or of another format, or its pickle asks for anything
    but tensors; nothing that it asks for is imported or run.
    """
    file = io.BytesIO(content)
    try:
        magic, version, _machine, state, keys = (_Unpickler(file).load() for _ in range(5))
        if (magic, version) != (MAGIC, VERSION):
            raise ValueError(f"its magic number is {magic!r} and its version {version!r}")
        views = {str(key): value for key, value in state.items() if isinstance(value, View)}
        storages = _storages(content[file.tell() :], keys, views)
        return {key: _array(view, storages) for key, view in views.items()}
    except _ForbiddenError as error:
        raise MissingWeightsError(
            f"The weights {name} ask for {error}, which is no part of a tensor. Nothing of the file was run. {remedy}"
        ) from error
    except DAMAGED as error:
        raise MissingWeightsError(f"The weights {name} cannot be read as a torch file: {error}. {remedy}") from error


class _ForbiddenError(Exception):
    """A pickle asks for a name that is not needed to make tensors; the message is the name."""


class _Entries(dict[str, Any]):
    """The dictionary of tensors; the attributes that a pickle sets on it (the versions of modules) are ignored."""

    def __setstate__(self, state: object) -> None:
        pass


class _MakeEntries:
    """What a pickle gets for `OrderedDict`: makes an empty dictionary."""

    __slots__ = ()

    def __call__(self) -> _Entries:
        return _Entries()


class _MakeView:
    """What a pickle gets for torch's function that makes a tensor: makes the description of a view."""

    __slots__ = ()

    def __call__(self, storage: Storage, offset: int, shape: Any, strides: Any, *_gradient_and_hooks: object) -> View:
        if not isinstance(storage, Storage):
            raise ValueError("a tensor has no storage")
        return View(storage, int(offset), tuple(map(int, shape)), tuple(map(int, strides)))


class _Unpickler(pickle.Unpickler):
    """An unpickler that can name two makers and the types of storages. They have no attributes that could be set."""

    def find_class(self, module: str, name: str) -> object:
        """Return what stands for a name of a module, which is never imported."""
        if (module, name) == ("collections", "OrderedDict"):
            return _MakeEntries()
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _MakeView()
        if module == "torch" and name in DTYPES:
            return DTYPES[name]
        raise _ForbiddenError(f"{module}.{name}")

    def persistent_load(self, pid: Any) -> Storage:
        """Return the storage that a pickle refers to."""
        kind, dtype, key, _device, length, _view = pid
        if kind != "storage" or dtype not in DTYPES.values():
            raise ValueError(f"it refers to {kind!r}")
        return Storage(dtype, str(key), int(length))


def _storages(content: bytes, keys: list[str], views: Mapping[str, View]) -> dict[str, NDArray[Any]]:
    """Return the arrays of the storages, each an eight-byte length followed by that many numbers."""
    known = {view.storage.key: view.storage for view in views.values()}
    arrays: dict[str, NDArray[Any]] = {}
    start = 0
    for key in keys:
        storage = known[key]
        length = int.from_bytes(content[start : start + 8], "little")
        end = start + 8 + length * np.dtype(storage.dtype).itemsize
        if length != storage.length or end > len(content):
            raise ValueError(f"it ends after {len(content)} of at least {end} bytes of tensors")
        arrays[key] = np.frombuffer(content, storage.dtype, length, start + 8)
        start = end
    return arrays


def _array(view: View, storages: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """Return a view of a storage as an array, after checking that it lies inside."""
    storage = storages[view.storage.key]
    if len(view.shape) != len(view.strides) or min((view.offset, *view.shape, *view.strides)) < 0:
        raise ValueError(f"a tensor has shape {view.shape}, strides {view.strides} and offset {view.offset}")
    last = view.offset + sum((n - 1) * stride for n, stride in zip(view.shape, view.strides, strict=True))
    if 0 not in view.shape and last >= len(storage):
        raise ValueError("a tensor is larger than its storage")
    steps = tuple(stride * storage.itemsize for stride in view.strides)
    return np.lib.stride_tricks.as_strided(storage[view.offset :], view.shape, steps, writeable=False)
