"""A connection is closed if its client sends or reads too slowly, and kept if it does not."""

import asyncio
import socket
import threading

import pytest

from anyshot.app.server.connections import MOST_PIPELINED
from clocked_server import LIMIT, PART, answer, clocked_server, send_without_end
from served import read_all

LARGE = 40_000_000  # bytes of an answer, more than the buffers of a connection hold
CHUNKED = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"


def get(path: object = 2) -> bytes:
    return b"GET /%b HTTP/1.1\r\nHost: localhost\r\n\r\n" % str(path).encode()


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
        running.pass_time_until_lost()
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


def test_a_whole_answer_that_is_read_slowly_comes_to_its_end(running):
    """It is complete for the server at once, long before it is for the client."""
    with running.connected(get(f"whole/{LARGE}")) as connection:
        found, began = 0, running.loop.now
        while found < LARGE:
            chunk = connection.recv(1_000_000)
            assert chunk, "the connection was closed"
            found += len(chunk)
            running.loop.pass_time(LIMIT / 20)
    assert running.loop.now > began + LIMIT


def test_after_an_answer_that_was_read_late_the_next_request_has_its_time_too(running):
    with running.connected(get(f"whole/{LARGE}")) as connection:
        assert running.paused.wait(60)
        found = 0
        while found < LARGE:
            found += len(connection.recv(1_000_000))
        connection.sendall(b"GET / H")
        running.pass_time_until_lost()


def test_a_client_that_does_not_read_and_asks_on_is_given_up(running):
    with running.connected(get(f"whole/{LARGE}")) as connection:
        assert running.paused.wait(60)
        connection.sendall(3 * get())
        running.pass_time_until_lost()


def test_a_client_that_does_not_read_a_last_answer_is_given_up(running):
    with running.connected(get(f"whole/{LARGE}").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")):
        assert running.paused.wait(60)
        running.pass_time_until_lost()


def test_what_cannot_be_read_is_refused_after_the_requests_before_it(running):
    for wrong in (b"\x00\r\n\r\n", CHUNKED + b"zz\r\n"):
        found = running.answers(2 * get() + wrong + get())
        assert [part[:3] for part in found.split(b"HTTP/1.1 ")[1:]] == [b"200", b"200", b"400"]


def test_more_requests_at_once_than_can_wait_are_refused_in_their_turn(running):
    found = running.answers(2_000 * get())
    assert found.count(b"200 OK") == 1 + MOST_PIPELINED
    last = found.rpartition(b"HTTP/1.1 ")[2]
    assert last.startswith(b"503")
    assert b"16 requests of this connection wait" in last


def test_a_body_that_is_not_chunks_is_refused_at_once(running):
    assert running.answers(CHUNKED + b"2\r\nab\r\nzz\r\n").startswith(b"HTTP/1.1 400")


def test_headers_after_a_body_are_not_those_of_the_request(running):
    found = running.answers(CHUNKED + b"2\r\nab\r\n0\r\nAuthorization: Bearer x\r\n\r\n" + get())
    assert b'{"body": "ab", "headers": ["host", "transfer-encoding"]}' in found
    assert found.count(b"200 OK") == 2


@pytest.mark.parametrize("end", [b"0\r\nX: ", b"2;x="])
def test_what_stands_between_the_parts_of_a_body_is_limited(running, end):
    with running.connected(CHUNKED + b"2\r\nab\r\n" + end) as connection:
        send_without_end(connection, 10_000 * b"a")
        assert running.lost.wait(60)


def test_after_an_early_answer_the_body_is_not_read_as_a_request(running):
    early = b"POST /early HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n" % len(get())
    with running.connected(early + b"\r\n") as connection:
        answer_of(connection)
        connection.sendall(get() + get())
        answer_of(connection)
        running.loop.pass_time(1.01 * LIMIT)
        assert read_all(connection) == b""
    # A client that waits to be told to send the body sends none, once it has the answer.
    with running.connected(early + b"Expect: 100-continue\r\n\r\n") as connection:
        assert read_all(connection).endswith(b"\r\n\r\naa")


def test_a_client_that_waits_to_be_told_sends_its_body(running):
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    with running.connected(head) as connection:
        assert connection.recv(1_000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"ab")
        assert b'"body": "ab"' in connection.recv(1_000)


@pytest.mark.parametrize("version", [b"1.0", b"1.1\r\nHost: localhost\r\nConnection: close"])
def test_a_connection_for_one_request_is_closed_after_it(running, version):
    with running.connected(b"GET /2 HTTP/" + version + b"\r\n\r\n" + get()) as connection:
        found = read_all(connection)
    assert found.count(b"200 OK") == 1
    assert b"connection: close" in found


@pytest.mark.parametrize("sent", [b"", get(PART), get()[:-2], CHUNKED + b"2\r\na"])
def test_a_client_that_ends_its_half_of_the_connection_leaves_nothing_behind(running, sent):
    with running.connected(sent) as connection:
        connection.shutdown(socket.SHUT_WR)
        assert running.lost.wait(60)


def test_a_request_is_told_that_its_client_is_gone_also_if_others_wait():
    begun, gone = threading.Event(), threading.Event()

    async def app(scope, receive, send):
        await receive()
        begun.set()
        assert (await receive())["type"] == "http.disconnect"
        gone.set()
        await answer(send, [b"too late"])

    with clocked_server(app) as running, running.connected(2 * get()) as connection:
        assert begun.wait(60)
        connection.close()
        assert gone.wait(60)
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), running.loop).result(60)
