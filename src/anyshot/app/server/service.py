"""What all routes share: the models, the batcher, the settings, and the metrics."""

import asyncio
import weakref
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar

from fastapi import Request, Response

from anyshot.app.server.answers import Scores, is_unknown, score
from anyshot.app.server.batching import Batcher
from anyshot.app.server.changes import Change
from anyshot.app.server.live_model import LiveModel, RollBack
from anyshot.app.server.made_requests import ChangeRequest
from anyshot.app.server.metrics import Metrics, Summary
from anyshot.app.server.readiness import Snapshot
from anyshot.app.server.service_errors import ClientGoneError, UnknownModelError
from anyshot.app.server.settings import Settings
from anyshot.base.items import Item
from anyshot.base.json_values import json_in_parts
from anyshot.errors import InputError

T = TypeVar("T")
PATIENCE: Final = 0.05
"""How long an answer may take until it is watched whether its client is still there [s]."""

LARGE: Final = 5_000
"""Numbers of an answer from which it is written beside the event loop, where others would wait for it."""


class Answered(NamedTuple):
    """An answer that can be given again to the same request."""

    body: bytes
    snapshot: "weakref.ref[Snapshot]"  # weak, so that an old version can be freed
    summary: Summary
    route: Any  # for logs and metrics


@dataclass
class Service:
    """The state of the application, `app.state.service`."""

    models: dict[str, LiveModel]
    settings: Settings
    closing: bool = False  # whether the service is shutting down

    def __post_init__(self) -> None:
        self.metrics = Metrics(lambda: {name: live.snapshot for name, live in self.models.items()})
        self.batcher = Batcher(self.metrics.on_batch)
        self.reading = asyncio.Semaphore(1)  # held while a large body is read

    def model(self, name: str) -> LiveModel:
        """Return the model of this name, or raise UnknownModelError."""
        if name not in self.models:
            known = ", ".join(sorted(self.models))
            raise UnknownModelError(f"There is no model of this name. The models are: {known}.")
        return self.models[name]

    async def score(self, model: str, snapshot: Snapshot, items: Sequence[Item]) -> Scores:
        """Return what `answers.score` does, encoded together with the items of other requests, and note the answers."""
        if not items:
            raise InputError("There are no items: the list is empty.")
        scores = Scores(*await self.batcher.run(score, snapshot, items))
        asyncio.get_running_loop().call_soon(self._note, model, snapshot, scores)  # after the answer
        return scores

    def _note(self, model: str, snapshot: Snapshot, scores: Scores) -> None:
        self.metrics.on_answers(model, summary_of(snapshot, scores))

    async def change(self, live: LiveModel, change: Change | RollBack, request: ChangeRequest | None = None) -> int:
        """Change a model, and return the version that has the change, once it is on disk.

        request: what asks for it, if that is not to be made twice. It is made also if the client does not wait for it.
        """
        before = live.snapshot.version
        version = await asyncio.shield(asyncio.wrap_future(live.change(change, request)))
        if version > before:  # an earlier one has the change of a request that was sent again
            self.metrics.on_change(live.name)
        return version

    async def close(self) -> None:
        """Finish what was accepted."""
        self.closing = True
        await self.batcher.close()
        for live in self.models.values():
            live.close()


def summary_of(snapshot: Snapshot, scores: Scores) -> Summary:
    """Return what metrics count of answers."""
    closeness = scores.closeness
    return Summary(len(closeness), int(is_unknown(snapshot, closeness).sum()), float(closeness.mean()))


def service_of(request: Request) -> Service:
    """Return the state of the service that got a request."""
    service: Service = request.app.state.service
    return service


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Return the result of the work, or cancel it if the client hangs up. The body must have been read.

    Raises ClientGoneError if the client has hung up.
    """
    try:
        async with asyncio.timeout(None) as limit:
            watch = asyncio.ensure_future(_end_if_gone(request, limit))
            try:
                return await work
            finally:
                watch.cancel()
    except TimeoutError:
        if limit.expired():
            raise ClientGoneError("The client has hung up.") from None
        raise


async def _end_if_gone(request: Request, limit: asyncio.Timeout) -> None:
    """End what has this limit of time if the client hangs up before the answer, and not at once."""
    await asyncio.sleep(PATIENCE)
    await request.receive()  # after the body, only the end of the connection comes
    limit.reschedule(0)  # it is over


async def written(write: Callable[[], T], *, n_numbers: int) -> T:
    """Return what a function writes, by a thread beside the event loop if it has many numbers."""
    return write() if n_numbers < LARGE else await asyncio.to_thread(write)


def json_answer(content: Any, *, status: int = 200) -> Response:
    """Return an answer without checking it against its schema, which would take longer than the answer."""
    return Response(json_in_parts(content), status, media_type="application/json")
