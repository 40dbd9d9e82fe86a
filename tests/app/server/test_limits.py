"""Bodies, JSON and the number of requests have limits, each told by its status and by what to do."""

import asyncio
import json

import pytest

from anyshot.app.server import limits
from anyshot.app.server.limits import (
    LimitedBodies,
    LimitedQueue,
    LimitedTime,
    check_json,
    may_change,
)
from anyshot.app.server.problem_error import ProblemError
from asgi import answer_to, echo, request

JSON = {"content_type": "application/json"}


def bodies(**options: float) -> LimitedBodies:
    return LimitedBodies(echo, **{"max_body": 100, "seconds": 5, **options})


def test_a_body_within_the_limit_arrives_whole():
    assert request(bodies(), b"[1,", b" 2]", **JSON).body == b"[1, 2]"


def test_a_byte_order_mark_before_a_body_is_left_out():
    assert request(bodies(), b"\xef\xbb\xbf", b"{}", **JSON).body == b"{}"


def test_a_body_that_states_too_much_is_refused_before_it_is_read():
    answer = request(bodies(), b"x", content_length="101", **JSON)
    assert (answer.status, answer.json()["max_body"]) == (413, 100)


def test_a_body_in_chunks_without_end_is_refused_at_the_limit():
    answer = request(bodies(), *[b"x" * 30] * 10, endless=True, **JSON)
    assert (answer.status, answer.headers["connection"]) == (413, "close")


def test_a_body_that_does_not_come_is_given_up():
    assert request(bodies(seconds=0.05), b"[", endless=True, **JSON).status == 408


def test_many_large_bodies_at_once_are_refused_and_their_bytes_forgotten():
    app = bodies()

    async def at_once() -> list[int]:
        slow = [answer_to(app, [b"[", b"1" * 98, b"]"], endless=True, **JSON) for _ in range(20)]
        tasks = [asyncio.create_task(one) for one in slow]
        await asyncio.sleep(0.01)
        refused = [task.result().status for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return refused

    assert set(asyncio.run(at_once())) == {503}
    assert request(bodies(), b"[1]", **JSON).status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content_type": "text/plain"}, 415),
        ({"content_type": "application/x-www-form-urlencoded"}, 415),
        ({**JSON, "content_encoding": "gzip"}, 415),
        ({"content_type": "application/json; charset=utf-8"}, 200),
        ({}, 200),
        ({"content_type": "application/octet-stream", "inference_header_content_length": "2"}, 200),
    ],
)
def test_bodies_are_of_the_kinds_that_routes_read(headers, status):
    assert request(bodies(), b"[]", **headers).status == status


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"[" * 10_000, "nested"),
        (b'{"a":' * 10_000, "nested"),
        (b"[1", "not JSON"),
        (b'["\x01"]', "not JSON: Invalid control character at character 2"),
        (b"[" * 32 + b'"' + b'\\"' * 200_000, "not JSON"),  # the texts of a body are found in one pass
        (b"[" + b"]" * 1_000_000, "not JSON"),
        (b"\xff[]", "UTF-8"),
        (b"[NaN]", "NaN"),
        (b"[-Infinity]", "Infinity"),
        (b"[" + b"9" * 5_000 + b"]", "digits"),
        (b'["\\ud800"]', "surrogate"),
        (b'{"a": 1, "a": 2}', "twice"),
    ],
)
def test_json_that_cannot_be_used_is_refused(body, words):
    with pytest.raises(ProblemError, match=words) as caught:
        check_json(body)
    assert caught.value.status == 400


@pytest.mark.parametrize("value", [{"a": ["[" * 100, "\\" + '"', {"b": [1e300]}]}, ["😀", "\x00", "x" * 50], [[]] * 40])
def test_other_json_is_read(value):
    assert check_json(json.dumps(value).encode()) == value


def test_json_is_refused_before_it_is_parsed_if_it_has_more_values_than_a_request_may_have(monkeypatch):
    monkeypatch.setattr(limits, "MAX_PARTS", 100)
    monkeypatch.setattr(limits, "MAX_NUMBERS", 1_000)
    for parts in (b"[" + b"[]," * 200, b"[" + b'{"a":1},' * 60, b"[" + b'"a",' * 200):  # no JSON: it does not end
        with pytest.raises(ProblemError, match="100 texts, names, lists and objects at most") as caught:
            check_json(parts)
        assert caught.value.status == 413
    with pytest.raises(ProblemError, match="1,000 numbers and other values at most"):
        check_json(b"[[1]," + b"null," * 1_000)
    assert len(check_json(b"[" + b"[]," * 98 + b"[]]")) == 99
    assert len(check_json(b"[" + b"1," * 999 + b"0.5]")) == 1_000
    assert check_json(json.dumps(["[,{" * 1_000] * 99).encode())[0][:3] == "[,{"  # signs within texts are none of JSON


def test_depth_counts_brackets_outside_texts():
    body = b'{"t": "' + b"[" * 200 + b'", "u": [[1]]}'
    assert check_json(body)["u"] == [[1]]
    assert check_json(b"[" * 32 + b"]" * 32)
    with pytest.raises(ProblemError, match="nested deeper than 32 levels"):
        check_json(b"[" * 33 + b"]" * 33)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/v1/models/m/classes", False),
        ("POST", "/v1/models/m/predict", False),
        ("POST", "/v1/models/m/predict/", False),
        ("POST", "/v1/embeddings", False),
        ("POST", "/v2/models/m/infer", False),
        ("POST", "/v1/models/m/examples", True),
        ("POST", "/label-studio/train", True),
        ("POST", "/an/address/of/tomorrow", True),
        ("DELETE", "/v1/models/m/classes/predict", True),
        ("PATCH", "/v1/models/m/predict", True),
    ],
)
def test_every_request_may_change_something_but_those_that_are_known_to_read(method, path, expected):
    assert may_change(method, path) == expected


def test_requests_beyond_the_queue_are_refused_at_once_but_for_the_health():
    async def run() -> tuple[list[int], int, str]:
        release = asyncio.Event()

        async def slow(scope, receive, send):
            if scope["path"] != "/health/live":
                await release.wait()
            await echo(scope, receive, send)

        app = LimitedQueue(slow, max_queue=2)
        tasks = [asyncio.create_task(answer_to(app)) for _ in range(5)]
        await asyncio.sleep(0)
        health = await answer_to(app, method="GET", path="/health/live")
        release.set()
        answers = await asyncio.gather(*tasks)
        return [one.status for one in answers], health.status, answers[-1].headers["retry-after"]

    statuses, health, retry_after = asyncio.run(run())
    assert (statuses, health, retry_after) == ([200, 200, 503, 503, 503], 200, "1")


def test_an_answer_that_takes_too_long_is_given_up():
    async def stuck(scope, receive, send):
        await asyncio.sleep(60)

    for path, words in (
        ("/v1/models/m/predict", "or try again later."),
        ("/v1/models/m/rollback", "may still be made"),
    ):
        answer = request(LimitedTime(stuck, seconds=0.01), path=path)
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        assert words in answer.json()["detail"]
