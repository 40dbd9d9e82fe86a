"""A server in this process whose clock goes when the test says so, since a busy machine stops for any time."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn

from anyshot.app.server.connections import timed_protocol
from served import read_all

LIMIT = 20.0  # [s], of the clock of the server
PART = 100_000


async def app(scope, receive, send):
    """Answer GET /SIZE in parts, GET /whole/SIZE at once, POST by what came, and POST /early before the body came."""
    body, path = b"", scope["path"]
    while scope["method"] == "POST" and path != "/early":
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message["body"]
        if not message["more_body"]:
            names = [name.decode() for name, _ in scope["headers"]]
            return await answer(send, [json.dumps({"body": body.decode(), "headers": names}).encode()])
    size = int(path.rpartition("/")[2]) if path[-1].isdecimal() else 2
    one = size if path.startswith("/whole/") else min(size, PART)
    await answer(send, [b"a" * one] * (size // one))


async def answer(send, parts: list[bytes]) -> None:
    size = b"%d" % sum(map(len, parts))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", size)]})
    for row, part in enumerate(parts, start=1):
        await send({"type": "http.response.body", "body": part, "more_body": row < len(parts)})


class Clocked(asyncio.SelectorEventLoop):
    """An event loop with a clock of its own."""

    now = 0.0

    def time(self) -> float:
        return self.now

    def pass_time(self, seconds: float) -> None:
        """Advance the clock, from another thread, once all that was there before is done."""
        done = threading.Event()

        def advance() -> None:
            self.now += seconds
            done.set()

        self.call_soon_threadsafe(advance)
        assert done.wait(60)


class ClockedServer:
    """A server with its clock, and what happened to the last connection that it got."""

    def __init__(self, application=app) -> None:
        self.loop = Clocked()
        self.made, self.paused, self.lost = threading.Event(), threading.Event(), threading.Event()
        running = self

        class Told(timed_protocol(LIMIT)):
            def connection_made(self, transport):
                super().connection_made(transport)
                running.protocol, running.received = self, 0
                running.made.set()

            def data_received(self, data):
                super().data_received(data)
                running.received += len(data)

            def pause_writing(self):
                super().pause_writing()
                running.paused.set()

            def connection_lost(self, exc):
                super().connection_lost(exc)
                running.lost.set()

        quiet = {"lifespan": "off", "log_config": None, "log_level": "critical", "timeout_graceful_shutdown": 5}
        self.server = uvicorn.Server(uvicorn.Config(application, http=Told, ws="none", **quiet))

    def run(self, listening: socket.socket) -> None:
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            runner.run(self.server.serve(sockets=[listening]))

    @contextmanager
    def connected(self, sent: bytes = b""):
        """Connect and send; in the block, the server has the connection."""
        for event in (self.made, self.paused, self.lost):
            event.clear()
        with socket.create_connection(self.address, timeout=60) as connection:
            connection.sendall(sent)
            assert self.made.wait(60)
            yield connection
        assert self.lost.wait(60)

    def pass_time_until_lost(self) -> None:
        """Advance the clock until the connection is closed, but not for ever."""
        for _ in range(1_000):
            if self.lost.is_set():
                return
            self.loop.pass_time(LIMIT / 2)
        raise AssertionError("The connection is still there.")

    def answers(self, sent: bytes) -> bytes:
        """Return all that comes back until the connection is closed, at the latest after the time for more requests."""
        with self.connected(sent) as connection:
            for _ in range(20_000):
                if self.lost.is_set() or (self.received >= len(sent) and self.protocol._answering is None):
                    break
                self.loop.pass_time(0)
            self.loop.pass_time(1.01 * LIMIT)
            return read_all(connection)


@contextmanager
def clocked_server(application=app) -> Iterator[ClockedServer]:
    """Run a server, and check that nothing of its connections is left."""
    found = ClockedServer(application)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        found.address = listening.getsockname()
        thread = threading.Thread(target=found.run, args=(listening,))
        thread.start()
        try:
            yield found
        finally:
            left = len(found.server.server_state.connections), len(found.server.server_state.tasks)
            found.server.should_exit = True
            while thread.is_alive():
                found.loop.call_soon_threadsafe(setattr, found.loop, "now", found.loop.now + 1)
                thread.join(0.05)
    assert left == (0, 0)


def send_without_end(connection: socket.socket, piece: bytes) -> None:
    """Send a piece again and again until the server closes the connection, as it must."""
    with suppress(ConnectionError):
        for _ in range(1_000_000):
            connection.sendall(piece)
        raise AssertionError("The server reads on.")
