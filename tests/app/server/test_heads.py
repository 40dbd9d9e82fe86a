"""Heads that are too large, or are not of HTTP/1.1, are refused; all others are read."""

import json

import pytest

from anyshot.app.server.heads import MOST_BYTES, OF_A_HEADER, check_head, without_upgrade
from anyshot.app.server.problem_error import ProblemError
from clocked_server import send_without_end

GET, HOST = b"GET / HTTP/1.1\r\nHost: localhost\r\n", (b"host", b"localhost")
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
LENGTH, CHUNKED = b"Content-Length: 2\r\n", b"Transfer-Encoding: chunked\r\n"
H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"


def first_line(sent: bytes, to: bytes = GET) -> bytes:
    """Return a request with another first line."""
    return sent + b"\r\n" + to.partition(b"\r\n")[2] + b"\r\n"


def test_the_size_of_a_head_is_that_of_its_address_and_headers():
    room = MOST_BYTES - sum(map(len, HOST)) - OF_A_HEADER
    check_head(b"GET", b"/" * room, "1.1", [HOST])
    with pytest.raises(ProblemError, match="at most 65,536 bytes") as caught:
        check_head(b"GET", b"/" * (room + 1), "1.1", [HOST])
    assert caught.value.status == 431


def test_a_head_without_its_wish_to_upgrade_is_otherwise_the_same():
    head = without_upgrade(b"GET", b"/a?b", "1.1", [HOST, (b"upgrade", b"h2c"), (b"x", b"\xe4")])
    assert head == b"GET /a?b HTTP/1.1\r\nhost: localhost\r\nx: \xe4\r\n\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        GET + b"X: " + b"a" * MOST_BYTES + b"\r\n\r\n",
        GET + b"a" * MOST_BYTES + b": x\r\n\r\n",
        GET + 11_000 * b"a: b\r\n" + b"\r\n",
        first_line(b"GET /" + b"a" * MOST_BYTES + b" HTTP/1.1"),
        GET + b"X: " + b"a" * 2 * MOST_BYTES,
        b"GET /" + b"a" * 2 * MOST_BYTES,
        b"\r\n" * MOST_BYTES,
    ],
)
def test_a_head_that_is_too_large_is_refused(running, sent):
    found = running.answers(sent)
    assert found.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert b"application/problem+json" in found
    assert b"connection: close" in found


@pytest.mark.parametrize("piece", [1, 1_000, 100_000])
def test_a_head_that_never_ends_is_refused(running, piece):
    with running.connected(GET + b"X: ") as connection:
        send_without_end(connection, piece * b"a")
        assert running.lost.wait(60)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n\r\n",  # without Host
        GET + b"Host: other\r\n\r\n",
        first_line(b"GET / HTTP/2.0"),
        first_line(b"GET / HTTP/1.2"),
        first_line(b"GET / HTTP/11"),
        b"GET /\r\n\r\n",  # HTTP/0.9
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        first_line(b"CONNECT localhost:80 HTTP/1.1"),
        first_line(b"CONNECT / HTTP/1.1"),
        first_line(b"GET x HTTP/1.1"),
        first_line(b"GET http://localhost:999999/ HTTP/1.1"),
        first_line("GET /ä HTTP/1.1".encode()),
        first_line(b"GET /\xff HTTP/1.1"),
        first_line(b"GET /\x00 HTTP/1.1"),
        first_line(b"GET / x HTTP/1.1"),
        first_line(b"A(B / HTTP/1.1"),
        GET + b"X Y: a\r\n\r\n",
        GET + b"X : a\r\n\r\n",
        GET + b": a\r\n\r\n",
        GET + b"no colon\r\n\r\n",
        GET + b"X\x00: a\r\n\r\n",
        GET + b"X: a\x00b\r\n\r\n",
        GET + "ä: a\r\n\r\n".encode(),
        GET + b"X: a\r\n b\r\n\r\n",  # a folded header
        b"GET / HTTP/1.1\r\n Host: localhost\r\n\r\n",
        GET.replace(b"\r\n", b"\n") + b"\n",
        GET + b"X: a\nY: b\r\n\r\n",
        GET + b"X: a\rY: b\r\n\r\n",
        POST + LENGTH + b"Content-Length: 3\r\n\r\nabc",
        POST + b"Content-Length: 2, 3\r\n\r\nabc",
        POST + b"Content-Length: -2\r\n\r\nab",
        POST + b"Content-Length: +2\r\n\r\nab",
        POST + b"Content-Length: 0x2\r\n\r\nab",
        POST + b"Content-Length: " + b"9" * 40 + b"\r\n\r\nab",
        POST + LENGTH + CHUNKED + b"\r\n0\r\n\r\n",
        POST + CHUNKED + LENGTH + b"\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: gzip\r\n\r\nab",
        POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        POST + CHUNKED + b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.0\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    ],
)
def test_what_is_not_http_1_1_is_refused_and_nothing_after_it_is_read(running, sent):
    found = running.answers(sent + GET + b"\r\n")
    assert found.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"application/problem+json" in found
    assert found.count(b"content-length: ") == 1


@pytest.mark.parametrize(
    "sent",
    [
        b"\r\n\r\n" + GET + b"\r\n",
        GET + "X: ä\r\n\r\n".encode(),
        GET + b"X:\r\n\r\n",
        first_line(b"GET http://localhost/ HTTP/1.1"),
        first_line(b"GET /%ff%00 HTTP/1.1"),
        first_line(b"OPTIONS * HTTP/1.1"),
        GET + b"X: " + b"a" * 60_000 + b"\r\n\r\n",
    ],
)
def test_heads_of_http_1_1_are_read(running, sent):
    assert running.answers(sent + GET + b"\r\n").count(b"200 OK") == 2


@pytest.mark.parametrize("wish", [H2C, b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"])
@pytest.mark.parametrize("body", [LENGTH + b"\r\nab", CHUNKED + b"\r\n2\r\nab\r\n0\r\n\r\n"])
def test_a_wish_for_another_protocol_is_passed_over_and_the_body_read(running, wish, body):
    """Clients in Java wish for HTTP/2 with their first request."""
    found = running.answers(POST + wish + body + 2 * (GET + wish + b"\r\n") + GET + b"\r\n")
    assert found.count(b"200 OK") == 4
    echoed = found.partition(b"\r\n\r\n")[2].partition(b"HTTP/1.1")[0]
    assert json.loads(echoed)["body"] == "ab"


def test_wishes_for_another_protocol_without_end_are_refused(running):
    found = running.answers(1_000 * (GET + H2C + b"\r\n"))
    assert found.rpartition(b"HTTP/1.1 ")[2].startswith(b"503")
    assert running.answers(GET + H2C + b"X: " + b"a" * MOST_BYTES + b"\r\n\r\n").startswith(b"HTTP/1.1 431")
