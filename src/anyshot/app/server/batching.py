"""Requests that arrive together are encoded together, in threads beside the event loop.

    batcher = Batcher()
    arrays = await batcher.run(score, snapshot, items)     # score(snapshot, items) returns arrays, a row for each item
    await batcher.close()                                  # finishes what was accepted

Each thread encodes one batch at a time, and the encoder runs each on a core of its own. The requests that wait are
shared among the threads, so that none encodes all of them while the others have nothing to do. A request with many
items is encoded in parts: the first part of a request that comes later is before the second one. A batch waits for more
requests only if the one before it held several, and only while they come, so that a lone request does not wait.
"""

import asyncio
import bisect
import math
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate, pairwise
from operator import attrgetter
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anyshot.base.items import Item
from anyshot.encoders.engines import usable_processors
from anyshot.errors import AnyshotError

MAX_ITEMS: Final = 128
"""Items of a batch; a request with more is encoded in parts, and others need not wait for all of them."""
MAX_LETTERS: Final = 100_000
"""Letters of the texts of a batch, unless one text has more."""
PIXELS_OF_A_LETTER: Final = 500
"""Pixels of images that count as a letter, so that a batch has at most 50 million."""
MOST_THREADS: Final = 4
"""Batches that are encoded at a time at most: more of them are smaller, and take more time for each item."""
MAX_WAIT: Final = 5
"""How long a batch waits at most for as many requests as the last one had, while some come every millisecond [ms]."""

Arrays: TypeAlias = tuple[NDArray[Any], ...]  # each has a row for each item
Encode: TypeAlias = Callable[[Any, Sequence[Item]], Arrays]
OnBatch: TypeAlias = Callable[[int, int, float], None]


@dataclass(frozen=True, eq=False)
class _Part:
    """Some items of a request that waits."""

    task: tuple[Encode, Hashable]  # requests with the same function and snapshot are encoded together
    items: Sequence[Item]
    done: asyncio.Future[Arrays] = field(repr=False)
    turn: int  # those with a lower number are encoded before it

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
        self._encoding: set[_Part] = set()
        self._turn = 0  # that of the part that was taken last
        self.threads = min(usable_processors(), MOST_THREADS) if threads is None else threads
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="encoder")
        self._n_idle = self.threads
        self._expected = 1
        self._timer: asyncio.TimerHandle | None = None

    async def run(self, encode: Encode, snapshot: Hashable, items: Sequence[Item]) -> Arrays:
        """Return `encode(snapshot, items)`, of all items; or raise its error.

        If the caller is canceled, what was not encoded yet is dropped. Of a request that is encoded in parts, an error
        names a row of its part. All items at once fail with the row of the request, and before any is encoded, since
        encoders check all of them first.
        """
        cut = list(_cut(items))
        try:
            return await self._run(encode, snapshot, cut)
        except AnyshotError:
            if len(cut) == 1:
                raise
            return await self._run(encode, snapshot, [items])

    async def _run(self, encode: Encode, snapshot: Hashable, cut: Sequence[Sequence[Item]]) -> Arrays:
        loop = asyncio.get_running_loop()
        # The first part of a request comes before the next parts of others; those that come after it was taken, behind.
        parts = [
            _Part((encode, snapshot), items, loop.create_future(), self._turn + 1 + 2 * position)
            for position, items in enumerate(cut)
        ]
        for part in parts:
            bisect.insort(self._waiting, part, key=attrgetter("turn"))
        loop.call_soon(self._begin)  # after the other requests that were read in this step of the loop
        try:
            found = await asyncio.gather(*(part.done for part in parts)) if len(parts) > 1 else [await parts[0].done]
        except BaseException:
            for part in parts:
                part.done.cancel()
            raise
        return found[0] if len(found) == 1 else tuple(np.concatenate(arrays) for arrays in zip(*found, strict=True))

    async def close(self) -> None:
        """Finish what waits, and end the threads."""
        if accepted := [part.done for part in (*self._encoding, *self._waiting)]:
            await asyncio.wait(accepted)
        self._pool.shutdown()

    def _begin(self, seen: int = 0, waited: int = 0) -> None:
        """Give batches to the threads that have nothing to do, unless more requests are about to come.

        seen: requests that waited a millisecond ago; waited: how long more of them were waited for [ms].
        """
        loop = asyncio.get_running_loop()
        if waited:
            self._timer = None
        while self._waiting and self._n_idle:
            if seen < len(self._waiting) < self._expected and waited < MAX_WAIT:
                self._timer = self._timer or loop.call_later(0.001, self._begin, len(self._waiting), waited + 1)
                return
            batch = self._next_batch()
            self._expected = max(1, len(batch))
            if batch:
                self._n_idle -= 1
                self._encoding.update(batch)
                work = loop.run_in_executor(self._pool, self._encode, batch)
                work.add_done_callback(partial(self._end, batch))

    def _end(self, batch: Sequence[_Part], work: "asyncio.Future[tuple[list[Arrays | BaseException], float]]") -> None:
        """Give the parts of a batch their results, and let its thread begin another one."""
        self._n_idle += 1
        self._encoding.difference_update(batch)
        if (error := work.exception()) is not None:  # a fault fails this batch only
            _set_results(batch, [error] * len(batch))
        else:
            results, seconds = work.result()
            _set_results(batch, results)
            if self._on_batch is not None:  # after the answers
                n_items = sum(len(part.items) for part in batch)
                asyncio.get_running_loop().call_soon(self._on_batch, len(batch), n_items, seconds)
        self._begin()

    def _next_batch(self) -> list[_Part]:
        """Return the parts that have waited longest and fit into one batch; parts whose caller is gone are dropped."""
        batch: list[_Part] = []
        n_items, letters = 0, 0
        share = math.ceil((len(self._waiting) + len(self._encoding)) / self.threads)
        while self._waiting and len(batch) < share:
            part = self._waiting[0]
            if part.done.done():
                self._waiting.popleft()
                continue
            n_items, letters = n_items + len(part.items), letters + part.letters
            if batch and (n_items > MAX_ITEMS or letters > MAX_LETTERS):
                break
            batch.append(self._waiting.popleft())
            self._turn = part.turn
        return batch

    def _encode(self, batch: Sequence[_Part]) -> tuple[list[Arrays | BaseException], float]:
        """Return the arrays or the error of each part and the time [s], in a thread of the pool."""
        began = time.perf_counter()
        results: dict[int, Arrays | BaseException] = {}
        for task in dict.fromkeys(part.task for part in batch):
            rows = [row for row, part in enumerate(batch) if part.task == task]
            results |= dict(zip(rows, _encode_together(task, [batch[row].items for row in rows]), strict=True))
        return [results[row] for row in range(len(batch))], time.perf_counter() - began


def _cut(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Yield the items of a request in parts that fit into a batch, in order."""
    start = letters = 0
    for position, item in enumerate(items):
        letters += _letters(item)
        if position > start and (position - start == MAX_ITEMS or letters > MAX_LETTERS):
            yield items[start:position]
            start, letters = position, _letters(item)
    yield items[start:]


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
    ends = accumulate((len(items) for items in requests), initial=0)
    return [tuple(array[start:end] for array in arrays) for start, end in pairwise(ends)]


def _set_results(batch: Sequence[_Part], found: Sequence[Arrays | BaseException]) -> None:
    for part, result in zip(batch, found, strict=True):
        if part.done.done():
            continue  # its caller is gone
        if isinstance(result, BaseException):
            part.done.set_exception(result)
        else:
            part.done.set_result(result)
