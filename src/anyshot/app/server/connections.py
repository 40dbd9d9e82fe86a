"""The connections of the server: closed if a request does not arrive, or an answer is not read, in time."""

import asyncio
import math
from http import HTTPStatus
from typing import ClassVar, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from anyshot.app.server import heads
from anyshot.app.server.joined_writes import JoinedWrites
from anyshot.app.server.problem_error import MEDIA_TYPE, ProblemError

MOST_PIPELINED: Final = 16
"""Requests that a client may send before the one that is being answered is answered: each takes memory."""


def timed_protocol(limit: float) -> "type[TimedProtocol]":
    """Return the protocol of a server whose clients have this time to send and to read [s]."""

    class Timed(TimedProtocol):
        seconds = limit

    return Timed


class TimedProtocol(HttpToolsProtocol):
    """HTTP/1.1 whose clients cannot hold a connection by sending or reading slowly, nor fill the memory.

    The headers of a request must be there `seconds` after the connection was made, or after the answer before them,
    as must be what was not read of the body of the request before; and the client must read some of an answer in that
    time. The time and the size of bodies are limited by `LimitedBodies`.
    """

    seconds: ClassVar[float]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        self._joined = JoinedWrites(transport, self.loop, self._start_timer)
        super().connection_made(self._joined)  # type: ignore[arg-type]
        self.timeout_keep_alive = math.ceil(self.seconds)  # uvicorn's own limit is shorter than what is stated above
        self._unparsed = 0  # bytes that may belong to a head that is not complete
        self._unread = 0  # bytes of answers that the client had not read when the timer was started
        self._answering: RequestResponseCycle | None = None
        self._refusal: ProblemError | None = None  # the last answer of this connection
        self._timer = self.loop.call_later(self.seconds, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if self._answering is not None:  # uvicorn tells only the request that came last
            self._answering.disconnected = True
            self._answering.message_event.set()
        super().connection_lost(exc)
        self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Read requests."""
        self._unset_keepalive_if_required()
        if self._refusal is not None:
            return
        self._unparsed += len(data)
        try:
            while data:
                data = self._parse(data)
            if self._unparsed > heads.MOST_BYTES:
                raise heads.head_too_large()
        except ProblemError as problem:
            self._refuse(problem)
        except httptools.HttpParserError as error:
            cause = error.__context__  # of a method below
            self._refuse(cause if isinstance(cause, ProblemError) else heads.not_http())

    def on_headers_complete(self) -> None:
        """Begin to answer, or let the request wait."""
        self._unparsed = 0
        self._head = (self.parser.get_method(), self.url, self.parser.get_http_version(), self.headers)
        heads.check_head(*self._head)
        if self.parser.should_upgrade():
            return
        if len(self.pipeline) >= MOST_PIPELINED:
            detail = f"{MOST_PIPELINED} requests of this connection wait for their answers. Read these first."
            raise ProblemError(503, detail, retry_after=1, close=True)
        super().on_headers_complete()
        self.headers = []  # those that follow the body are not the request's
        if self._answering is None:
            self._answering = self.cycle
            if not self.flow.write_paused:
                self._timer.cancel()

    def on_body(self, body: bytes) -> None:
        """Keep a part of a body."""
        self._unparsed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that a body is complete."""
        self._unparsed = 0
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Begin to answer the next request, or to wait for it."""
        self._joined.flush()  # before what is left to do, such as the log
        if self._answering is not None and self._answering.more_body and _expects_word(self._answering):
            self.transport.close()  # whether the body comes or the next request is not known
        following = self.pipeline[-1][0] if self.pipeline else None
        super().on_response_complete()
        self._answering = None if self.transport.is_closing() else following
        if self._answering is None:
            self._start_timer()
            if self._refusal is not None:
                self._send_refusal(self._refusal)

    def pause_writing(self) -> None:
        """Begin to wait until the client reads."""
        super().pause_writing()
        self._start_timer()

    def resume_writing(self) -> None:
        """Go on to answer, or wait for the next request."""
        super().resume_writing()
        if self._answering is None:
            self._start_timer()
        else:
            self._timer.cancel()

    def _parse(self, data: bytes) -> bytes:
        """Read requests; return what is to be read again: one to change the protocol, without its header Upgrade."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:  # the parser has not read the body
            self.parser = httptools.HttpRequestParser(self)
            return heads.without_upgrade(*self._head) + data[upgrade.args[0] :]
        return b""

    def _refuse(self, problem: ProblemError) -> None:
        """Answer what cannot be read, after the requests before it, and close the connection."""
        self._refusal = problem
        if self.pipeline and self.pipeline[0][0].more_body:
            self.pipeline.popleft()
        if self._answering is None or self._answering.more_body:
            self._send_refusal(problem)

    def _send_refusal(self, problem: ProblemError) -> None:
        self.logger.warning(problem.detail)
        if self._answering is None or not self._answering.response_started:
            body = problem.document()
            headers = {"content-type": MEDIA_TYPE, "content-length": str(len(body)), **problem.headers}
            lines = [f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}"]
            lines += [f"{name}: {value}" for name, value in headers.items()]
            self.transport.write("\r\n".join([*lines, "", ""]).encode("ascii") + body)
        self.transport.close()

    def _start_timer(self) -> None:
        """Give the client its time, from now."""
        self._timer.cancel()
        if self in self.connections:  # otherwise it is gone
            self._unread = self.transport.get_write_buffer_size()
            self._timer = self.loop.call_later(self.seconds, self._give_up)

    def _give_up(self) -> None:
        """Close the connection, unless the client has read some of an answer."""
        if self.transport.get_write_buffer_size() < self._unread:
            self._start_timer()
        else:
            self.transport.abort()


def _expects_word(cycle: RequestResponseCycle) -> bool:
    """Return whether the client sends the body only once it is told to."""
    return any(name == b"expect" for name, _ in cycle.scope["headers"])
