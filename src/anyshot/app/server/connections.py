"""The connections of the server: closed if a request does not arrive, or an answer is not read, in time."""

import asyncio
import math
from typing import Any, ClassVar, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from anyshot.app.server.problem_error import MEDIA_TYPE, ProblemError

MOST_JOINED: Final = 65_536
"""Bytes that are written at once at most; more are written as they come."""


class JoinedWrites:
    """A transport that sends the head and the body of an answer together: each call to send costs as much as both."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._waiting = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send the data after this step of the event loop, or now if there is much of it."""
        if data and not self._waiting:
            self._loop.call_soon(self._send)
        self._waiting += data
        if len(self._waiting) > MOST_JOINED:
            self._send()

    def close(self) -> None:
        """Send what waits, and close the connection."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        if self._waiting:
            waiting, self._waiting = self._waiting, b""
            self._transport.write(waiting)


def timed_protocol(limit: float) -> "type[TimedProtocol]":
    """Return the protocol of a server whose clients have this time to send and to read [s]."""

    class Timed(TimedProtocol):
        seconds = limit

    return Timed


class TimedProtocol(H11Protocol):
    """HTTP/1.1 whose clients cannot hold a connection by sending or reading slowly.

    The headers of a request must be there `seconds` after the connection was made, or after the answer before them,
    as must be what was not read of the body of the request before; and the client must read some of an answer in that
    time. The time for bodies is limited by `LimitedBodies`.
    """

    seconds: ClassVar[float]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(JoinedWrites(transport, self.loop))  # type: ignore[arg-type]
        self._timer = self.loop.call_later(self.seconds, transport.abort)
        self.timeout_keep_alive = math.ceil(self.seconds)  # uvicorn's own limit is shorter than what is stated above

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Stop waiting once a request begins."""
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before and not self.cycle.response_complete:
            self._timer.cancel()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request, which may be there already."""
        before = self.cycle
        self._wait()
        super().on_response_complete()
        if self.cycle is not before:
            self._timer.cancel()

    def pause_writing(self) -> None:
        """Begin to wait until the client reads."""
        super().pause_writing()
        self._wait()

    def resume_writing(self) -> None:
        """Go on."""
        super().resume_writing()
        self._timer.cancel()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP by a problem document, and close the connection."""
        body = ProblemError(400, f"{msg} The server reads HTTP/1.1.").document()
        headers = [("content-type", MEDIA_TYPE), ("content-length", str(len(body))), ("connection", "close")]
        events = (h11.Response(status_code=400, headers=headers), h11.Data(data=body), h11.EndOfMessage())
        for event in events:
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _wait(self) -> None:
        self._timer.cancel()
        self._timer = self.loop.call_later(self.seconds, self.transport.abort)
