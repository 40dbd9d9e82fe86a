"""Requests to ASGI applications without a server."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from anyshot.app.server.problem_error import Refusals


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def request(app: Any, *chunks: bytes, **options: Any) -> Answer:
    """Return the answer of an application to a request whose body arrives in chunks."""
    return asyncio.run(answer_to(app, chunks, **options))


async def answer_to(
    app: Any,
    chunks: Sequence[bytes] = (),
    *,
    method: str = "POST",
    path: str = "/v1/models/m/predict",
    endless: bool = False,
    **headers: str | None,
) -> Answer:
    """endless: whether more of the body is announced, and never comes."""
    given = {"host": "localhost", **headers}.items()  # None: without this header
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in given if value is not None]
    scope = {"type": "http", "method": method, "path": path, "headers": pairs}
    waiting = [*chunks, b""] if not chunks else list(chunks)
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        if not waiting:
            await asyncio.sleep(60)
        more = endless or len(waiting) > 1
        return {"type": "http.request", "body": waiting.pop(0), "more_body": more}

    async def send(message: Any) -> None:
        sent.append(message)

    await Refusals(app)(scope, receive, send)
    own = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], own, b"".join(message.get("body", b"") for message in sent[1:]))


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the body."""
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": message["body"]})
