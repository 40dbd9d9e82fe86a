"""When a batch does not fit into memory: how large a one would."""

from collections.abc import Callable
from typing import Any, NoReturn

import torch

from anyshot.errors import BatchMemoryError


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that memory ran out: torch has one for GPUs, and only words for CPUs."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    words = ("DefaultCPUAllocator", "not enough memory", "out of memory")
    return isinstance(error, RuntimeError) and any(word in str(error) for word in words)


def largest_that_fits(batch: Any, attempt: Callable[[Any], object]) -> int | None:
    """Return how many items of `batch` go through `attempt`, tried by halves; None where not one does.

    batch: anything with a length and slices.
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


def refuse(batch: Any, attempt: Callable[[Any], object], error: BaseException) -> NoReturn:
    """Raise BatchMemoryError with the size that would fit, where the batch can be cut to try."""
    if not (hasattr(batch, "__len__") and hasattr(batch, "__getitem__")):
        raise BatchMemoryError("A batch does not fit into memory. Make it smaller, and accumulate more.") from error
    fits = largest_that_fits(batch, attempt)
    if fits is None:
        remedy = "Not even one item does: freeze more layers, or take a smaller encoder or shorter items."
    else:
        times = -(-len(batch) // fits)
        remedy = f"{fits} would: set batch_size={fits} and accumulate={times}, which takes the same steps."
    raise BatchMemoryError(f"A batch of {len(batch)} items does not fit into memory. {remedy}") from error
