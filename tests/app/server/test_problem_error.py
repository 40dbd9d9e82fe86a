"""A problem document is the same, whether a route or a middleware answers by it."""

import asyncio
import json

from anyshot.app.server.problem_error import MEDIA_TYPE, ProblemError


def sent(problem):
    """Return the status, the headers and the body that middleware sends."""
    messages = []

    async def send(message):
        messages.append(message)

    asyncio.run(problem.send(send))
    start, body = messages
    return start["status"], dict(start["headers"]), body["body"]


def test_a_document_has_the_words_of_its_kind_and_what_else_it_is_given():
    problem = ProblemError(409, "Class 'x' is there already.", kind="DuplicateClassError", model="support")
    assert json.loads(problem.document()) == {
        "type": "urn:anyshot:duplicate-class",
        "title": "Duplicate class",
        "status": 409,
        "detail": "Class 'x' is there already.",
        "model": "support",
    }
    assert json.loads(ProblemError(413, "Too large.").document())["title"] == "Request Entity Too Large"


def test_any_text_fits_into_a_document():
    found = ProblemError(422, "\ud800 \x00 é").document()
    assert found.isascii()
    assert json.loads(found)["detail"] == "\ud800 \x00 é"


def test_middleware_sends_what_a_route_returns():
    problem = ProblemError(503, "Try again.", retry_after=5, close=True, headers={"allow": "GET"})
    status, headers, body = sent(problem)
    response = problem.response()
    assert (status, body) == (response.status_code, response.body)
    assert headers.items() >= set(response.raw_headers) - {(b"content-type", MEDIA_TYPE.encode())}
    assert (headers[b"retry-after"], headers[b"connection"], headers[b"allow"]) == (b"5", b"close", b"GET")
    assert (headers[b"cache-control"], headers[b"content-type"]) == (b"no-store", MEDIA_TYPE.encode())
