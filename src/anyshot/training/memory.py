"""Out of memory: find a batch size that fits."""

from collections.abc import Callable
from typing import Any, NoReturn

import torch

from anyshot.errors import BatchMemoryError


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means that memory ran out; for CPUs torch has only a message."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    words = ("DefaultCPUAllocator", "not enough memory", "out of memory")
    return isinstance(error, RuntimeError) and any(word in str(error) for word in words)


def largest_that_fits(batch: Any, attempt: Callable[[Any], object]) -> int | None:
    """Return how many items of `batch` can be passed to `attempt`, found by halving; None if not even one.

    batch: any sequence.
    """
    size = len(batch) // 2
    while size:
        try:
            attempt(batch[:size])
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            size //= 2
        else:
            return int(size)
    return None


def raise_out_of_memory(batch: Any, attempt: Callable[[Any], object], error: BaseException) -> NoReturn:
    """Raise BatchMemoryError with a size that fits, if the batch can be sliced to find it."""
    if not (hasattr(batch, "__len__") and hasattr(batch, "__getitem__")):
        raise BatchMemoryError("A batch does not fit into memory. Make it smaller, and increase accumulate.") from error
    fits = largest_that_fits(batch, attempt)
    if fits is None:
        remedy = "Not even one item does: freeze more layers, or use a smaller encoder or shorter items."
    else:
        times = -(-len(batch) // fits)
        remedy = f"{fits} do: set batch_size={fits} and accumulate={times}, which gives the same steps."
    raise BatchMemoryError(f"A batch of {len(batch)} items does not fit into memory. {remedy}") from error
