"""A connection is closed if its client sends or reads too slowly, and kept if it does not."""

import asyncio
import socket
import threading
from contextlib import contextmanager

import pytest
import uvicorn

from anyshot.app.server.connections import JoinedWrites, timed_protocol
from served import read_all

LIMIT = 20.0  # [s], of the clock of the server
LARGE = 40_000_000  # bytes of an answer, more than the buffers of a connection hold


async def app(scope, receive, send):
    size = int(scope["path"].strip("/") or 2)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % size)]})
    for _ in range(0, size, 100_000):
        await send({"type": "http.response.body", "body": b"a" * min(size, 100_000), "more_body": size > 100_000})
    if size > 100_000:
        await send({"type": "http.response.body", "body": b""})


class Clocked(asyncio.SelectorEventLoop):
    """An event loop whose clock goes when the test says so, since a busy machine stops for any time."""

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


class Running:
    """A server with its clock, and what happened to the last connection that it got."""

    def __init__(self) -> None:
        self.loop = Clocked()
        self.made, self.paused, self.lost = threading.Event(), threading.Event(), threading.Event()
        running = self

        class Told(timed_protocol(LIMIT)):
            def connection_made(self, transport):
                super().connection_made(transport)
                running.made.set()

            def pause_writing(self):
                super().pause_writing()
                running.paused.set()

            def connection_lost(self, exc):
                super().connection_lost(exc)
                running.lost.set()

        self.server = uvicorn.Server(
            uvicorn.Config(app, http=Told, ws="none", lifespan="off", log_config=None, log_level="critical")
        )

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


@pytest.fixture(scope="module")
def running():
    found = Running()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        found.address = listening.getsockname()
        thread = threading.Thread(target=found.run, args=(listening,))
        thread.start()
        try:
            yield found
        finally:
            found.server.should_exit = True
            while thread.is_alive():
                found.loop.call_soon_threadsafe(setattr, found.loop, "now", found.loop.now + 1)
                thread.join(0.05)


def get(size: int = 2) -> bytes:
    return b"GET /%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % size


def answer_of(connection: socket.socket) -> bytes:
    answer = b""
    while not answer.endswith(b"\r\n\r\naa"):
        part = connection.recv(65536)
        assert part, "the connection was closed"
        answer += part
    return answer


@pytest.mark.parametrize("sent", [b"", b"GET / HT", get()[:-2], b"POST / HTTP/1.1\r\nX: "])
def test_a_request_that_does_not_come_closes_the_connection(running, sent):
    with running.connected(sent) as connection:
        running.loop.pass_time(1.01 * LIMIT)
        assert running.lost.wait(60)
        assert read_all(connection) == b""


def test_a_connection_waits_for_the_next_request_and_not_for_ever(running):
    with running.connected() as connection:
        for _ in range(4):
            running.loop.pass_time(0.9 * LIMIT)
            connection.sendall(get())
            assert b"200 OK" in answer_of(connection)
        connection.sendall(b"GET / H")
        running.loop.pass_time(1.01 * LIMIT)
        assert running.lost.wait(60)
        assert read_all(connection) == b""


def test_requests_sent_at_once_are_all_answered(running):
    with running.connected(5 * get()) as connection:
        found = b""
        while found.count(b"200 OK") < 5 or not found.endswith(b"aa"):
            found += connection.recv(65536)
    assert found.count(b"200 OK") == 5


def test_a_client_that_does_not_read_is_given_up(running):
    with running.connected(get(LARGE)) as connection:
        assert running.paused.wait(60)
        while not running.lost.is_set():
            running.loop.pass_time(LIMIT / 2)
        assert len(read_all(connection)) < LARGE


def test_a_client_that_reads_slowly_gets_all(running):
    with running.connected(get(LARGE)) as connection:
        found, began = 0, running.loop.now
        while found < LARGE:
            chunk = connection.recv(1_000_000)
            assert chunk
            found += len(chunk)
            running.loop.pass_time(LIMIT / 20)
    assert found >= LARGE
    assert running.loop.now > began + LIMIT


def test_what_is_not_http_is_a_problem(running):
    with running.connected(b"\x00\x01\x02\r\n\r\n") as connection:
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"application/problem+json" in answer


class Recorded(asyncio.Transport):
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def close(self) -> None:
        self.written.append(b"closed")


def test_the_head_and_the_body_of_an_answer_are_sent_together():
    async def written() -> list[bytes]:
        transport = Recorded()
        joined = JoinedWrites(transport, asyncio.get_running_loop())
        for part in (b"head ", b"body", b""):
            joined.write(part)
        await asyncio.sleep(0)
        joined.write(b"next ")
        joined.write(b"a" * 70_000)
        joined.write(b"last")
        joined.close()
        return transport.written

    assert asyncio.run(written()) == [b"head body", b"next " + b"a" * 70_000, b"last", b"closed"]
