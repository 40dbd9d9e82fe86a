"""Requests that are encoded together."""

import asyncio
import threading
import time

import numpy as np
import pytest

from anyshot.app.server.batching import MAX_ITEMS, MAX_LETTERS, Batcher
from anyshot.errors import BadItemError

SNAPSHOT = object()


class Lengths:
    """Encodes texts as their lengths, one batch every 20 ms."""

    def __init__(self):
        self.batches = []

    def __call__(self, snapshot, items):
        assert snapshot is SNAPSHOT
        self.batches.append(len(items))
        time.sleep(0.02)
        if "bad" in items:
            raise BadItemError(f"Row {items.index('bad')} is bad.")
        if "fault" in items:
            raise ZeroDivisionError
        return np.array([len(item) for item in items]), np.array(items)


def test_requests_that_wait_are_encoded_together_and_get_their_own_rows():
    async def main():
        encode, batcher = Lengths(), Batcher(threads=1)
        asked = [["a" * n, "b" * (n + 1)] for n in range(1, 21)]
        found = await asyncio.gather(*(batcher.run(encode, SNAPSHOT, items) for items in asked))
        await batcher.close()
        assert [array.tolist() for array, _ in found] == [[n, n + 1] for n in range(1, 21)]
        assert [texts.tolist() for _, texts in found] == asked
        return encode.batches

    batches = asyncio.run(main())
    assert sum(batches) == 40
    assert len(batches) <= 3


def test_an_error_names_the_row_of_the_whole_request():
    async def main():
        batcher = Batcher(threads=2)
        with pytest.raises(BadItemError, match=f"Row {MAX_ITEMS + 5} is bad"):
            await batcher.run(Lengths(), SNAPSHOT, ["a"] * (MAX_ITEMS + 5) + ["bad", *["a"] * MAX_ITEMS])
        await batcher.close()

    asyncio.run(main())


def test_a_batch_waits_for_as_many_requests_as_the_last_one_had_while_they_come():
    async def main():
        encode, batcher = Lengths(), Batcher(threads=1)
        await asyncio.gather(*(batcher.run(encode, SNAPSHOT, ["together"]) for _ in range(3)))
        asked = []
        for _ in range(3):
            asked.append(asyncio.ensure_future(batcher.run(encode, SNAPSHOT, ["one after another"])))
            await asyncio.sleep(0)
        await asyncio.gather(*asked)
        await batcher.run(encode, SNAPSHOT, ["alone"])
        await batcher.close()
        return encode.batches

    assert asyncio.run(main()) == [3, 3, 1]


def test_threads_share_the_requests_that_wait():
    async def main():
        encode, batcher = Lengths(), Batcher(threads=2)
        await asyncio.gather(*(batcher.run(encode, SNAPSHOT, ["a" * n]) for n in range(1, 13)))
        await batcher.close()
        return encode.batches

    assert asyncio.run(main()) == [6, 6]


def test_an_item_that_cannot_be_used_fails_its_request_alone():
    async def main():
        encode, batcher = Lengths(), Batcher(threads=1)
        requests = [["fine"], ["bad"], ["fault"], ["good"]]
        asked = (batcher.run(encode, SNAPSHOT, items) for items in requests[:2] + requests[3:])
        found = await asyncio.gather(*asked, return_exceptions=True)
        with pytest.raises(ZeroDivisionError):
            await batcher.run(encode, SNAPSHOT, ["fault"])
        again = await batcher.run(encode, SNAPSHOT, ["again"])  # a fault in the program does not stop the service
        await batcher.close()
        assert [type(one).__name__ for one in found] == ["tuple", "BadItemError", "tuple"]
        assert again[0].tolist() == [5]

    asyncio.run(main())


def test_a_request_with_many_items_is_encoded_in_parts():
    async def main():
        encode, batcher = Lengths(), Batcher(threads=1)
        items = ["a" * (n % 7) for n in range(2 * MAX_ITEMS + 3)]
        lengths, _ = await batcher.run(encode, SNAPSHOT, items)
        await batcher.close()
        assert lengths.tolist() == [len(item) for item in items]
        assert encode.batches == [MAX_ITEMS, MAX_ITEMS, 3]

    asyncio.run(main())


def test_a_request_with_long_texts_is_encoded_in_parts():
    async def main():
        encode, batcher = Lengths(), Batcher(threads=1)
        half = "a" * (MAX_LETTERS // 2)
        lengths, _ = await batcher.run(encode, SNAPSHOT, [half, half, "b", half * 5, "c"])
        await batcher.close()
        assert lengths.tolist() == [len(half), len(half), 1, 5 * len(half), 1]
        assert encode.batches == [2, 1, 1, 1]

    asyncio.run(main())


def test_parts_of_a_large_request_and_small_requests_take_turns():
    order, both_wait = [], threading.Event()

    def encode(snapshot, items):
        order.append(items[0])
        assert both_wait.wait(60)
        return Lengths()(snapshot, items)

    async def main():
        batcher = Batcher(threads=1)

        async def client():
            for _ in range(6):
                await batcher.run(encode, SNAPSHOT, ["small"] * MAX_ITEMS)

        large = asyncio.ensure_future(batcher.run(encode, SNAPSHOT, ["large"] * MAX_ITEMS * 4))
        while not order:
            await asyncio.sleep(0)
        small = asyncio.ensure_future(client())
        await asyncio.sleep(0)
        both_wait.set()
        await asyncio.gather(large, small)
        await batcher.close()

    asyncio.run(main())
    assert order == ["large", *["small", "large"] * 3, *["small"] * 3]


def test_a_client_that_is_gone_costs_nothing():
    began, over = threading.Event(), threading.Event()

    class Held(Lengths):
        def __call__(self, snapshot, items):
            began.set()
            assert over.wait(60)
            return super().__call__(snapshot, items)

    async def main():
        encode, batcher = Held(), Batcher(threads=1)
        first = asyncio.ensure_future(batcher.run(encode, SNAPSHOT, ["first"]))
        while not began.is_set():
            await asyncio.sleep(0.001)
        gone = asyncio.ensure_future(batcher.run(encode, SNAPSHOT, ["gone"] * 50))
        await asyncio.sleep(0)  # it waits
        gone.cancel()
        over.set()
        await first
        await batcher.close()
        assert sum(encode.batches) == 1

    asyncio.run(main())


def test_what_was_accepted_is_finished_when_it_closes():
    async def main():
        told = []
        encode, batcher = Lengths(), Batcher(lambda *facts: told.append(facts[:2]), threads=1)
        asked = asyncio.ensure_future(batcher.run(encode, SNAPSHOT, ["one", "two"]))
        await asyncio.sleep(0)
        await batcher.close()
        assert (await asked)[0].tolist() == [3, 3]
        assert told == [(1, 2)]

    asyncio.run(main())
