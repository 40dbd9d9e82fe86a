"""Requests that arrive together are encoded together, in threads beside the event loop.

    batcher = Batcher()
    arrays = await batcher.run(score, snapshot, items)     # score(snapshot, items) returns arrays, a row for each item
    await batcher.close()                                  # finishes what was accepted

Each thread encodes one batch at a time, and the encoder runs each on a core of its own. The requests that wait are
shared among the threads, so that none encodes all of them while the others have nothing to do. A batch waits for more
requests only if the one before it held several, so that a lone request does not wait.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anyshot.base.items import Item
from anyshot.encoders.engines import usable_processors
from anyshot.errors import AnyshotError

MAX_ITEMS: Final = 128
"""Items of a batch; a request with more is encoded in parts, and others need not wait for all of them."""
MAX_LETTERS: Final = 100_000
"""Letters of the texts of a batch."""
PIXELS_OF_A_LETTER: Final = 500
"""Pixels of images that count as a letter, so that a batch has at most 50 million, unless one request has more."""
MOST_THREADS: Final = 4
"""Batches that are encoded at a time at most: more of them are smaller, and take more time for each item."""
MAX_WAIT: Final = 5
"""How long a batch waits for the requests that arrived with the last one [ms]."""

Arrays: TypeAlias = tuple[NDArray[Any], ...]  # each has a row for each item
Encode: TypeAlias = Callable[[Any, Sequence[Item]], Arrays]
OnBatch: TypeAlias = Callable[[int, int, float], None]


@dataclass(frozen=True, eq=False)
class _Part:
    """Some items of a request that waits."""

    task: tuple[Encode, Hashable]  # requests with the same function and snapshot are encoded together
    items: Sequence[Item]
    done: asyncio.Future[Arrays] = field(repr=False)

    @property
    def letters(self) -> int:
        return sum(_letters(item) for item in self.items)


class Batcher:
    """Encodes the items of requests that wait, several requests at once.

    Parameters
    ----------
    on_batch : callable, optional
        Called after each batch in its thread with its number of requests and items, and its time [s].
    threads : int, optional
        Batches that are encoded at a time; default: the processors that the process may use, at most 4.
    """

    def __init__(self, on_batch: OnBatch | None = None, *, threads: int | None = None) -> None:
        self._on_batch = on_batch
        self._waiting: deque[_Part] = deque()
        self.threads = min(usable_processors(), MOST_THREADS) if threads is None else threads
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="encoder")
        self._serving: list[asyncio.Task[None]] = []
        self._expected = 1
        self._encoding = 0  # parts of requests

    async def run(self, encode: Encode, snapshot: Hashable, items: Sequence[Item]) -> Arrays:
        """Return `encode(snapshot, items)`, of all items; or raise its error.

        If the caller is canceled, what was not encoded yet is dropped.
        """
        loop = asyncio.get_running_loop()
        parts = [
            _Part((encode, snapshot), items[start : start + MAX_ITEMS], loop.create_future())
            for start in range(0, len(items), MAX_ITEMS)
        ]
        self._waiting.extend(parts)
        self._serving = [task for task in self._serving if not task.done()]
        if len(self._serving) < self.threads:
            self._serving.append(loop.create_task(self._serve()))
        try:
            found = await asyncio.gather(*(part.done for part in parts)) if len(parts) > 1 else [await parts[0].done]
        except BaseException:
            for part in parts:
                part.done.cancel()
            raise
        return found[0] if len(found) == 1 else tuple(np.concatenate(arrays) for arrays in zip(*found, strict=True))

    async def close(self) -> None:
        """Finish what waits, and end the threads."""
        await asyncio.gather(*self._serving)
        self._pool.shutdown()

    async def _serve(self) -> None:
        """Encode batches until nothing waits."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            for _ in range(MAX_WAIT):
                if len(self._waiting) >= self._expected:
                    break
                await asyncio.sleep(0.001)
            batch = self._next_batch()
            self._expected = max(1, len(batch))
            if not batch:
                continue
            self._encoding += len(batch)
            work = loop.run_in_executor(self._pool, self._encode, batch)
            (found,) = await asyncio.gather(work, return_exceptions=True)  # a fault fails this batch only
            self._encoding -= len(batch)
            _set_results(batch, [found] * len(batch) if isinstance(found, BaseException) else found)

    def _next_batch(self) -> list[_Part]:
        """Return the parts that have waited longest and fit into one batch; parts whose caller is gone are dropped."""
        batch: list[_Part] = []
        n_items, letters = 0, 0
        share = math.ceil((len(self._waiting) + self._encoding) / self.threads)
        while self._waiting and len(batch) < share:
            part = self._waiting[0]
            if part.done.done():
                self._waiting.popleft()
                continue
            n_items, letters = n_items + len(part.items), letters + part.letters
            if batch and (n_items > MAX_ITEMS or letters > MAX_LETTERS):
                break
            batch.append(self._waiting.popleft())
        return batch

    def _encode(self, batch: Sequence[_Part]) -> list[Arrays | BaseException]:
        """Return the arrays or the error of each part, in a thread of the pool."""
        began = time.perf_counter()
        results: dict[int, Arrays | BaseException] = {}
        for task in dict.fromkeys(part.task for part in batch):
            rows = [row for row, part in enumerate(batch) if part.task == task]
            results |= dict(zip(rows, _encode_together(task, [batch[row].items for row in rows]), strict=True))
        if self._on_batch is not None:
            self._on_batch(len(batch), sum(len(part.items) for part in batch), time.perf_counter() - began)
        return [results[row] for row in range(len(batch))]


def _letters(item: Item) -> int:
    """Return how much an item adds to a batch: the letters of a text, or as many for the pixels of an image."""
    if isinstance(item, str):
        return len(item)
    return int(np.prod(getattr(item, "size", 0))) // PIXELS_OF_A_LETTER


def _encode_together(task: tuple[Encode, Hashable], requests: Sequence[Sequence[Item]]) -> list[Arrays | BaseException]:
    """Return the arrays of each request; if one has an item that cannot be used, each is encoded alone."""
    encode, snapshot = task
    try:
        arrays = encode(snapshot, [item for items in requests for item in items])
    except AnyshotError as error:
        if len(requests) == 1:
            return [error]
        return [result for items in requests for result in _encode_together(task, [items])]
    ends = np.cumsum([len(items) for items in requests])[:-1]
    split = [np.split(array, ends) for array in arrays]
    return [tuple(parts) for parts in zip(*split, strict=True)]


def _set_results(batch: Sequence[_Part], found: Sequence[Arrays | BaseException]) -> None:
    for part, result in zip(batch, found, strict=True):
        if part.done.done():
            continue  # its caller is gone
        if isinstance(result, BaseException):
            part.done.set_exception(result)
        else:
            part.done.set_result(result)
