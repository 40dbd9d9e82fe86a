"""Work for a client that hangs up is canceled; metrics are told of answers after they are given."""

import asyncio
import threading

import pytest
from starlette.requests import Request

from anyshot.app.server import service
from anyshot.app.server.readiness import Snapshot
from anyshot.app.server.service import Service, unless_gone
from anyshot.app.server.service_errors import ClientGoneError
from anyshot.app.server.settings import Settings


def request_of(client_leaves: asyncio.Event) -> Request:
    async def receive():
        await client_leaves.wait()
        return {"type": "http.disconnect"}

    return Request({"type": "http"}, receive)


def test_work_for_a_client_that_hangs_up_is_canceled(monkeypatch):
    monkeypatch.setattr(service, "PATIENCE", 0)

    async def main():
        leaves, canceled = asyncio.Event(), []

        async def work():
            leaves.set()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                canceled.append(True)
                raise

        with pytest.raises(ClientGoneError):
            await unless_gone(request_of(leaves), work())
        assert canceled

    asyncio.run(main())


def test_large_answers_are_written_beside_the_event_loop():
    async def main():
        return [await service.written(threading.get_ident, n_numbers=n) for n in (1, service.LARGE)]

    small, large = asyncio.run(main())
    assert (small == threading.get_ident(), large == threading.get_ident()) == (True, False)


@pytest.mark.parametrize("patience", [0, 60])
def test_work_for_a_client_that_waits_ends_as_it_does_alone(monkeypatch, patience):
    monkeypatch.setattr(service, "PATIENCE", patience)

    async def main():
        request = request_of(asyncio.Event())

        async def fails(error):
            await asyncio.sleep(0)
            raise error

        assert await unless_gone(request, asyncio.sleep(0.001, "done")) == "done"
        for error in (ValueError, TimeoutError):
            with pytest.raises(error):
                await unless_gone(request, fails(error))
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}, "nothing is watched any longer"

    asyncio.run(main())


def test_answers_are_noted_after_they_are_given():
    class Three:
        def predict_proba(self, items):
            return [[0.2, 0.8]] * 3

    async def main():
        own = Service({}, Settings())
        known = {"model": "support", "answer": "known"}
        scores = await own.score("support", Snapshot(Three(), 1, "text"), ["a", "b", "c"])
        assert scores.predicted.shape == (3, 2)
        assert own.metrics.registry.get_sample_value("anyshot_answers_total", known) is None
        await asyncio.sleep(0)
        assert own.metrics.registry.get_sample_value("anyshot_answers_total", known) == 3
        await own.close()

    asyncio.run(main())
