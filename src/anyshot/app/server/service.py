"""What all routes share: the models, the batcher, the settings, and what observes the service."""

import asyncio
import json
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from fastapi import Request, Response

from anyshot.app.server.batching import Batcher
from anyshot.app.server.live_model import LiveModel
from anyshot.app.server.observer import Observer
from anyshot.app.server.service_errors import ClientGoneError, UnknownModelError
from anyshot.app.server.settings import Settings

T = TypeVar("T")
PATIENCE: Final = 0.05
"""How long an answer may take until it is watched whether its client is still there [s]."""


@dataclass
class Service:
    """The state of the application, `app.state.service`."""

    models: dict[str, LiveModel]
    settings: Settings
    observer: Observer = field(default_factory=Observer)
    closing: bool = False  # whether the service is shutting down

    def __post_init__(self) -> None:
        self.batcher = Batcher(lambda *facts: self.observer.on_batch(*facts))

    def model(self, name: str) -> LiveModel:
        """Return the model of this name, or raise UnknownModelError."""
        if name not in self.models:
            known = ", ".join(sorted(self.models))
            raise UnknownModelError(f"There is no model of this name. The models are: {known}.")
        return self.models[name]

    async def close(self) -> None:
        """Finish what was accepted."""
        self.closing = True
        await self.batcher.close()
        for live in self.models.values():
            live.close()


def service_of(request: Request) -> Service:
    """Return the state of the service that got a request."""
    service: Service = request.app.state.service
    return service


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Return the result of the work, or cancel it if the client hangs up. The body must have been read.

    Raises
    ------
    ClientGoneError
        The client has hung up.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=PATIENCE)
        if not task.done():
            gone = asyncio.ensure_future(request.receive())  # after the body, only the end of the connection comes
            await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
            gone.cancel()
        if not task.done():
            raise ClientGoneError("The client has hung up.")
        return task.result()
    finally:
        task.cancel()


def json_answer(content: Any, *, status: int = 200) -> Response:
    """Return an answer without checking it against its schema, which would take longer than the answer."""
    return Response(json.dumps(content, separators=(",", ":")), status, media_type="application/json")
