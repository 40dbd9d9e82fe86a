"""Abuse of a real server: nobody else notices, nothing is lost, and no answer tells what it must not."""

import json
import re
import resource
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import pytest

from anyshot import load
from served import PATIENT, TEXTS, Served, read_all, save_support, served

PREDICT, EXAMPLES, CLASSES = (f"/v1/models/support/{what}" for what in ("predict", "examples", "classes"))
HEAD = b"POST /v1/models/support/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
WRITE, READ = "w" * 32, "r" * 32
QUICK = 1.5  # how long the clients of a strict server have [s]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("edge")


@pytest.fixture(scope="module")
def server(folder):
    yield from without_faults(folder / "support", max_body=100_000, max_queue=8)


@pytest.fixture(scope="module")
def roomy(folder):
    """A server of another model that takes many requests at once."""
    yield from without_faults(folder / "roomy")


@pytest.fixture(scope="module")
def strict(folder):
    """A server whose clients have little time."""
    yield from without_faults(folder / "strict", max_queue=8, client_limit=QUICK)


def without_faults(folder, **settings):
    log = folder.with_suffix(".log")
    with served({"support": save_support(folder)}, log, **settings) as running:
        yield running
        assert "Traceback" not in running.log()
        assert "charged" not in running.log(), "items are not logged unless asked for"


@pytest.fixture
def client(server: Served, folder):
    yield from checked_client(server, folder)


@pytest.fixture
def roomy_client(roomy: Served, folder):
    yield from checked_client(roomy, folder)


@pytest.fixture
def strict_client(strict: Served, folder):
    yield from checked_client(strict, folder, max_keepalive_connections=0)  # it would close one that is used again


def checked_client(server: Served, folder, **limits):
    """Yield a client, and check that no answer told what it must not."""
    seen: list[httpx.Response] = []

    def note(response: httpx.Response) -> None:
        response.read()
        seen.append(response)

    # As many as there are threads: with fewer, one closes another's at times.
    most = httpx.Limits(**limits)
    with httpx.Client(base_url=server.url, timeout=PATIENT, limits=most, event_hooks={"response": [note]}) as found:
        yield found
    for response in seen:
        assert str(folder) not in response.text
        assert "Traceback" not in response.text
        if response.status_code >= 400:
            assert response.headers["content-type"] == "application/problem+json"
            assert response.json()["status"] == response.status_code


def works(client: httpx.Client) -> bool:
    return client.post(PREDICT, json={"items": TEXTS}).status_code == 200


# --- bodies ---


def test_a_large_body_is_refused_and_its_connection_goes_on(server, client):
    body = b'{"items": ["' + b"a" * 3_000_000 + b'"]}'
    with server.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body))
        assert b" 413 " in connection.recv(65536), "before the body is sent"
    answer = client.post(PREDICT, content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["max_body"]) == (413, 100_000)
    assert works(client)


def test_a_chunked_body_without_end_is_refused_and_its_connection_closed(server):
    with server.connect() as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        with pytest.raises(OSError, match=r"reset|pipe"):
            connection.sendall(10_000 * (b"1000\r\n" + b"a" * 4096 + b"\r\n"))


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
        HEAD + b"Content-Length: -5\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_not_http_is_refused(strict, strict_client, request_):
    found = strict.raw(request_, seconds=20)
    assert b"200 OK" not in found
    assert not found or found.startswith(b"HTTP/1.1 4")
    assert works(strict_client)


def test_a_zip_bomb_a_form_and_a_wrong_type_are_refused(client):
    small = b"\x1f\x8b\x08\x00" + b"\x00" * 50
    json_type = {"content-type": "application/json"}
    assert client.post(PREDICT, content=small, headers={**json_type, "content-encoding": "gzip"}).status_code == 415
    assert client.post(PREDICT, data={"items": "hello"}).status_code == 415
    assert client.post(PREDICT, content=b"<a/>", headers={"content-type": "application/xml"}).status_code == 415
    assert client.post(PREDICT, content=b"[" * 90_000, headers=json_type).status_code == 400


@pytest.mark.parametrize("items", [[], [[]], "", [""], None, {}, [None], 5, [1, "a"], [["a"]], [{"image": ""}]])
def test_items_that_are_none_are_refused(client, items):
    assert client.post(PREDICT, json={"items": items}).status_code == 422
    assert client.post(EXAMPLES, json={"items": items, "labels": []}).status_code == 422


@pytest.mark.parametrize(
    "name", ["..%2f..%2fetc%2fpasswd", "..", "%2e%2e", "support%00", "support/../../x", "a" * 5_000, "%ff", "'; --"]
)
def test_a_name_that_is_a_path_is_no_model(client, name):
    for address in (f"/v1/models/{name}", f"/v1/models/{name}/predict", f"/v2/models/{name}/infer"):
        answer = client.post(address, json={"items": ["a"]})
        assert answer.status_code in (404, 405), address


def test_a_text_that_is_the_path_of_a_file_is_a_text(client, tmp_path):
    path = tmp_path / "secret.png"
    path.write_bytes(b"")
    for text in (str(path), "/etc/passwd", "missing.png", "~/x.jpg"):
        assert client.post(PREDICT, json={"items": [text]}).status_code == 200


# --- slow and rude clients ---


def test_slow_clients_are_given_up_and_hold_nobody_up(strict, strict_client):
    """Headers byte by byte, a body byte by byte, and connections that send nothing, more of them than the queue."""
    idle = [strict.connect() for _ in range(20)]
    slow_headers, slow_body = strict.connect(), strict.connect()
    slow_headers.sendall(HEAD + b"X: ")
    slow_body.sendall(HEAD + b"Content-Length: 50\r\n\r\n")
    for _ in range(int(2 * QUICK / 0.1)):
        for connection, piece in ((slow_headers, b"a"), (slow_body, b"[")):
            with suppress(OSError):  # once the server has closed it, as it must
                connection.sendall(piece)
        assert works(strict_client)
        time.sleep(0.1)
    assert b" 408 " in read_all(slow_body)
    for connection in (slow_headers, *idle):
        connection.settimeout(20)
        assert read_all(connection) == b""
        connection.close()
    slow_body.close()


def test_clients_that_hang_up_leave_nothing_behind(server, client):
    whole = json.dumps({"items": TEXTS * 20}).encode()
    for sent in (HEAD, HEAD + b"Content-Length: %d\r\n\r\n" % len(whole), HEAD + b"Content-Length: 999\r\n\r\n{"):
        for more in (b"", whole[:50], whole):
            with server.connect() as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")  # reset
                connection.sendall(sent + more)
    assert works(client)
    end = time.monotonic() + PATIENT
    while "anyshot_queue 0.0" not in client.get("/metrics").text:
        assert time.monotonic() < end


def test_a_flood_is_answered_or_refused_and_then_over(client):
    def ask(k: int) -> tuple[int, str | None]:
        answer = client.post(PREDICT, json={"items": [f"text {k} {n}" for n in range(60)]})
        return answer.status_code, answer.headers.get("retry-after")

    with ThreadPoolExecutor(32) as pool:
        found = list(pool.map(ask, range(96)))
    assert {status for status, _ in found} == {200, 503}
    assert all(after == "1" for status, after in found if status == 503)
    assert works(client)


def test_a_bad_item_fails_its_own_request_only(roomy_client):
    """Requests are encoded together; the words of an error must not reach another client."""

    def ask(k: int) -> httpx.Response:
        return roomy_client.post(PREDICT, json={"items": [f"mine {k}"] if k % 2 else [f"mine {k}", " "]})

    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(ask, range(36)))
    assert [answer.status_code for answer in found] == [200 if k % 2 else 422 for k in range(36)]
    assert all("mine" not in answer.text for answer in found)


# --- who may do what ---


def test_pages_of_other_sites_and_rebound_names_are_refused(client):
    item = {"items": ["a"]}
    assert client.post(PREDICT, json=item, headers={"origin": "https://evil.example"}).status_code == 403
    assert client.post(PREDICT, json=item, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert client.post(PREDICT, json=item, headers={"host": "rebound.example"}).status_code == 421
    preflight = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    assert "access-control-allow-origin" not in client.options(PREDICT, headers=preflight).headers


def test_tokens_scopes_and_allowed_origins_hold_on_a_real_server(tmp_path):
    (tmp_path / "tokens").write_text(f"read {READ}\nwrite {WRITE}\n")
    settings = {"token_file": tmp_path / "tokens", "cors_origins": ["https://app.example"], "host": "127.0.0.1"}
    one = {"name": "refund", "description": "money back"}
    folder = save_support(tmp_path / "support")
    with (
        served({"support": folder}, tmp_path / "log", **settings, read_only=True) as running,
        httpx.Client(base_url=running.url, timeout=PATIENT) as client,
    ):
        found = [
            client.post(address, json=body, headers={"authorization": token}).status_code
            for address, body in ((PREDICT, {"items": ["a"]}), (CLASSES, one))
            for token in (f"Bearer {READ}", f"Bearer {WRITE}", "", "Bearer wrong")
        ]
        expected = [200, 200, 401, 401, 403, 403, 401, 401]  # an answer that is remembered needs a token, too
        assert found == expected, "a token with the scope write changes nothing, as the service is read-only"
        headers = {"origin": "https://app.example", "authorization": f"Bearer {READ}"}
        allowed = client.post(PREDICT, json={"items": ["a"]}, headers=headers)
        assert allowed.headers["access-control-allow-origin"] == "https://app.example"
        assert "models/support" not in client.get("/docs").text
        log = running.log()
        assert READ not in log
        assert WRITE not in log


# --- changes ---


def n_labels(folder) -> int:
    return len(load(folder / "roomy").any_shot_model().data.index)


def test_two_hundred_writers_at_once_lose_nothing(roomy_client, folder):
    before = n_labels(folder)

    def write(k: int) -> int:
        given = {"items": [f"where is parcel number {k}"], "labels": ["delivery"]}
        return roomy_client.post(EXAMPLES, json=given).status_code

    with ThreadPoolExecutor(200) as pool:
        assert set(pool.map(write, range(200))) == {200}
    assert n_labels(folder) == before + 200


def test_a_disk_that_is_full_changes_nothing(roomy, roomy_client, folder):
    given, unlimited = {"items": ["a van"], "labels": ["delivery"]}, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    before = roomy_client.get("/v1/models/support").json()
    resource.prlimit(roomy.process.pid, resource.RLIMIT_FSIZE, (2_000, resource.RLIM_INFINITY))
    try:
        answer = roomy_client.post(EXAMPLES, json=given)
    finally:
        resource.prlimit(roomy.process.pid, resource.RLIMIT_FSIZE, unlimited)
    assert answer.status_code == 507
    assert roomy_client.get("/v1/models/support").json() == before
    assert n_labels(folder) == before["n_labels"]
    assert roomy_client.post(EXAMPLES, json=given).status_code == 200


def test_a_folder_that_is_gone_is_told_and_its_model_still_answers(roomy_client, folder):
    given = {"items": ["a ship"], "labels": ["delivery"]}
    (folder / "roomy").rename(folder / "elsewhere")
    try:
        assert roomy_client.post(EXAMPLES, json=given).status_code == 503
        assert works(roomy_client)
    finally:
        (folder / "elsewhere").rename(folder / "roomy")
    assert roomy_client.post(EXAMPLES, json=given).status_code == 200


def test_a_server_that_is_told_to_end_finishes_what_it_accepted(folder):
    def ask(k: int) -> int:
        return client.post(PREDICT, json={"items": [f"text {k} {n}" for n in range(100)]}).status_code

    def accepted() -> float:
        """Return how many requests wait or were answered."""
        figures = re.findall(
            r"^anyshot_(?:queue|requests_total\{.*predict.*\}) (\S+)", client.get("/metrics").text, re.M
        )
        return sum(map(float, figures))

    with (
        served({"support": save_support(folder / "ending")}, folder / "ending.log", read_only=True) as server,
        httpx.Client(base_url=server.url, timeout=PATIENT, limits=httpx.Limits()) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        waiting = [pool.submit(ask, k) for k in range(8)]
        while accepted() < len(waiting):
            pass
        server.process.send_signal(signal.SIGTERM)
        assert {one.result() for one in waiting} == {200}
        assert server.process.wait(PATIENT) in (0, -signal.SIGTERM)
