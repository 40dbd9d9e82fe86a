"""Who may do what: tokens and scopes, hosts, other sites' pages."""

import base64
import os

import pytest

from anyshot.app.server.tokens import (
    Guarded,
    Tokens,
    is_cross_site,
    tokens_for,
)
from anyshot.errors import InputError
from asgi import echo, request

READ, WRITE = "r" * 20, "w" * 20
CHANGE = "/v1/models/m/classes"


def status(tokens: Tokens | None, **options) -> int:
    return request(Guarded(echo, tokens=tokens), **options).status


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "tokens"
    path.write_text(f"\ufeff# who\nread {READ}  # a dashboard\n\nwrite   {WRITE}\n")
    return path


@pytest.mark.parametrize(
    ("path", "authorization", "expected"),
    [
        ("/v1/models/m/predict", "", 401),
        ("/v1/models/m/predict", f"Bearer {READ}", 200),
        ("/v1/models/m/predict", f"bearer {WRITE}", 200),
        ("/v1/models/m/predict", "Bearer wrong", 401),
        ("/v1/models/m/predict", f"Bearer {READ}x", 401),
        ("/v1/models/m/predict", "Basic !", 401),
        ("/v1/models/m/predict", "Basic " + base64.b64encode(f"label-studio:{READ}".encode()).decode(), 200),
        (CHANGE, "", 401),
        (CHANGE, f"Bearer {READ}", 403),
        (CHANGE, f"Bearer {WRITE}", 200),
        ("/metrics", "", 401),
        ("/health/ready", "", 200),
        ("/docs", "", 200),
    ],
)
def test_a_request_needs_a_token_with_its_scope(file, path, authorization, expected):
    assert status(Tokens(file), path=path, authorization=authorization) == expected


def test_a_refusal_says_how_to_send_a_token(file):
    answer = request(Guarded(echo, tokens=Tokens(file)))
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "needs a token. Send it in the header `Authorization: Bearer TOKEN`" in answer.json()["detail"]
    assert (
        "not valid" in request(Guarded(echo, tokens=Tokens(file)), authorization=f"Bearer {READ[1:]}").json()["detail"]
    )


def test_without_tokens_this_machine_may_do_everything_under_its_own_names_only(file):
    assert status(None, path=CHANGE) == 200
    assert status(None, path=CHANGE, host="127.0.0.1:8000") == 200
    assert status(None, path=CHANGE, host="[::1]:8000") == 200
    assert status(None, path=CHANGE, host="127.0.0.2:8000") == 200
    assert status(None, path=CHANGE, host="rebound.example:8000") == 421
    assert status(None, path=CHANGE, host="") == 421
    assert status(None, path=CHANGE, host=None) == 200, "a client of HTTP/1.0, as no browser is"
    assert status(Tokens(file), path=CHANGE, host="anyshot.example", authorization=f"Bearer {WRITE}") == 200


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, False),
        ({"origin": "http://localhost:8000"}, False),
        ({"origin": "https://evil.example"}, True),
        ({"origin": "http://localhost:9000"}, True),
        ({"origin": "null"}, True),
        ({"origin": "https://trusted.example"}, False),
        ({"sec-fetch-site": "same-origin"}, False),
        ({"sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "same-site"}, True),
    ],
)
def test_pages_of_other_sites_are_refused(headers, expected):
    origins = frozenset({"https://trusted.example"})
    assert is_cross_site("POST", {"host": "localhost:8000", **headers}, origins) == expected


def test_a_link_from_another_page_may_be_followed():
    headers = {"host": "localhost", "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert not is_cross_site("GET", headers, frozenset())
    assert is_cross_site("POST", headers, frozenset())


def test_a_file_of_tokens_has_a_scope_and_a_token_on_each_line(file):
    tokens = Tokens(file)
    assert [tokens.scope_of(one) for one in (READ, WRITE, "", "é\udcff")] == ["read", "write", None, None]


def test_a_pipe_whose_tokens_can_be_read_once_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="is a folder, a pipe or a device"):
        Tokens(tmp_path / "pipe")


@pytest.mark.parametrize(
    "content", ["", "# none\n", "admin " + READ, "read short", READ, "read two words of text", None]
)
def test_other_files_are_refused_without_showing_a_token(tmp_path, content):
    path = tmp_path / "tokens"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match="tokens") as caught:
        Tokens(path)
    assert READ not in str(caught.value)


def test_tokens_are_read_again_once_their_file_was_changed(file, caplog):
    tokens, new = Tokens(file), "n" * 20
    file.write_text(f"read {READ}\nread {new}\n")
    assert [tokens.scope_of(one) for one in (READ, new, WRITE)] == ["read", "read", None]
    file.write_text(f"read {new}")
    assert [tokens.scope_of(one) for one in (READ, new)] == [None, "read"]
    file.write_text("read short")
    assert [tokens.scope_of(one) for one in (READ, new)] == [None, "read"]
    file.unlink()
    assert tokens.scope_of(new) == "read"
    file.write_text("# all are revoked\n")
    assert tokens.scope_of(new) is None
    file.unlink()
    assert tokens.scope_of(new) is None
    words = ["Line 1 of", "cannot be read", "every request that needs one is refused", "cannot be read"]
    assert all(map(str.__contains__, caplog.messages, words))
    assert len(caplog.messages) == len(words)


def test_other_machines_are_let_in_only_with_tokens(file):
    for host in ("127.0.0.1", "localhost", "::1", "127.0.0.2"):
        assert tokens_for(host, None) is None
    for host in ("0.0.0.0", "::", "192.168.1.5", "example.com", ""):
        assert tokens_for(host, file).scope_of(READ) == "read"
        with pytest.raises(InputError, match="--token-file"):
            tokens_for(host, None)
