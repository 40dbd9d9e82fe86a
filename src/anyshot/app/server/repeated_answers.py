"""Answers to requests that are repeated: the same body gets the same bytes, as long as the model has the same version.

A request that is found here is not parsed, does not wait in the queue, and reads no model. It is logged and counted as
any other one.
"""

from collections import OrderedDict
from collections.abc import Mapping
from hashlib import blake2b
from typing import Final, TypeAlias

from starlette.types import ASGIApp, Receive, Scope, Send

from anyshot.app.server.limits import headers_of, media_type_of
from anyshot.app.server.live_model import LiveModel
from anyshot.app.server.metrics import Metrics
from anyshot.app.server.service import Answered

START: Final = "/v1/models/"
END: Final = "/predict"
OVERHEAD: Final = 1_000
"""Bytes that an answer takes beside its own: the key and the objects of Python."""
LARGEST: Final = 0.01
"""Share of the limit that one answer may take."""

Key: TypeAlias = tuple[str, bytes]


class RepeatedAnswers:
    """Answer what was answered before, and let other requests pass.

    models : by name
    metrics : what counts answers
    limit : bytes of the answers that are kept; those that were asked for longest ago are forgotten first
    """

    def __init__(self, app: ASGIApp, models: Mapping[str, LiveModel], metrics: Metrics, *, limit: int) -> None:
        self.app, self.models, self.metrics, self.limit = app, models, metrics, limit
        self.size = 0
        self._kept: OrderedDict[Key, Answered] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        key = self._key_of(scope)
        if key is None:
            return await self.app(scope, receive, send)
        found = self._kept.get(key)
        if found is not None and found.snapshot() is self.models[key[0]].snapshot:
            self._kept.move_to_end(key)
            return await self._repeat(key[0], found, scope, send)
        await self.app(scope, receive, send)
        answered = scope["state"].pop("answered", None)  # the route leaves it there
        if answered is not None:
            self._keep(key, answered)

    def _key_of(self, scope: Scope) -> Key | None:
        """Return the model and the digest of the body of a request for answers; None for another request."""
        path = scope["path"]
        if scope["method"] != "POST" or not path.startswith(START) or not path.endswith(END):
            return None
        name = path[len(START) : -len(END)]
        if name not in self.models or media_type_of(headers_of(scope)) not in ("application/json", ""):
            return None
        return name, blake2b(scope["state"]["body"], digest_size=32).digest()

    async def _repeat(self, model: str, found: Answered, scope: Scope, send: Send) -> None:
        scope["route"] = found.route
        self.metrics.on_answers(model, found.summary, repeated=True)
        headers = [(b"content-length", b"%d" % len(found.body)), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": found.body})

    def _keep(self, key: Key, answered: Answered) -> None:
        if _bytes_of(answered) > LARGEST * self.limit:
            return
        earlier = self._kept.pop(key, None)
        self._kept[key] = answered
        self.size += _bytes_of(answered) - (0 if earlier is None else _bytes_of(earlier))
        while self.size > self.limit:
            self.size -= _bytes_of(self._kept.popitem(last=False)[1])


def _bytes_of(answered: Answered) -> int:
    return len(answered.body) + OVERHEAD
