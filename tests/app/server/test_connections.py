"""A connection is closed if its client sends or reads too slowly, and kept if it does not."""

import asyncio
import socket
import threading
import time
from contextlib import contextmanager

import pytest
import uvicorn

from anyshot.app.server.connections import JoinedWrites, timed_protocol
from served import read_all

LIMIT = 0.4  # [s]
LARGE = 40_000_000  # bytes of an answer, more than the buffers of a connection hold


async def app(scope, receive, send):
    size = int(scope["path"].strip("/") or 2)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % size)]})
    for _ in range(0, size, 100_000):
        await send({"type": "http.response.body", "body": b"a" * min(size, 100_000), "more_body": size > 100_000})
    if size > 100_000:
        await send({"type": "http.response.body", "body": b""})


@pytest.fixture(scope="module")
def address():
    config = uvicorn.Config(
        app, http=timed_protocol(LIMIT), ws="none", lifespan="off", log_config=None, log_level="critical"
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield listening.getsockname()
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def connected(address, sent: bytes = b""):
    with socket.create_connection(address, timeout=30) as connection:
        connection.sendall(sent)
        yield connection


def get(size: int = 2) -> bytes:
    return b"GET /%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % size


@pytest.mark.parametrize("sent", [b"", b"GET / HT", get()[:-2], b"POST / HTTP/1.1\r\nX: "])
def test_a_request_that_does_not_come_closes_the_connection(address, sent):
    with connected(address, sent) as connection:
        assert read_all(connection) == b""


def test_a_connection_waits_for_the_next_request_and_not_for_ever(address):
    with connected(address) as connection:
        for _ in range(4):
            time.sleep(LIMIT / 3)
            connection.sendall(get())
            answer = b""
            while not answer.endswith(b"\r\n\r\naa"):
                answer += connection.recv(65536)
        connection.sendall(b"GET / H")
        assert read_all(connection) == b""


def test_requests_sent_at_once_are_all_answered(address):
    with connected(address, 5 * get()) as connection:
        assert read_all(connection).count(b"200 OK") == 5


def test_a_client_that_does_not_read_is_given_up(address):
    with connected(address, get(LARGE)) as connection:
        time.sleep(4 * LIMIT)
        assert len(read_all(connection)) < LARGE


def test_a_client_that_reads_slowly_gets_all(address):
    with connected(address, get(LARGE)) as connection:
        found = 0
        while found < LARGE:
            chunk = connection.recv(2_000_000)
            assert chunk
            found += len(chunk)
            time.sleep(LIMIT / 20)
    assert found >= LARGE


def test_what_is_not_http_is_a_problem(address):
    with connected(address, b"\x00\x01\x02\r\n\r\n") as connection:
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
