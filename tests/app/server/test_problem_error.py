"""Problem documents, and the answers that hold them."""

import asyncio
import json

from anyshot.app.server.problem_error import MEDIA_TYPE, ProblemError, Refusals


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


def test_clients_of_other_protocols_find_the_words_where_they_read_them():
    bodies = [
        ProblemError(401, "Send a token.").response(path).body for path in ("/v1/models", "/v2/models/m", "/docs")
    ]
    found = [json.loads(body).get("error") for body in bodies]
    assert found == [{"message": "Send a token."}, "Send a token.", None]


def test_what_is_refused_before_the_routes_has_the_words_there_too():
    async def refuse(scope, receive, send):
        raise ProblemError(421, "Not under this name.")

    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(Refusals(refuse)({"type": "http", "path": "/v2/models/m/infer"}, None, send))
    assert json.loads(sent[1]["body"])["error"] == "Not under this name."


def test_a_request_that_is_canceled_as_the_service_ends_is_told_so():
    async def canceled(scope, receive, send):
        raise asyncio.CancelledError

    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(Refusals(canceled)({"type": "http", "path": "/v1/models"}, None, send))
    assert (sent[0]["status"], "may have been made" in sent[1]["body"].decode()) == (503, True)


def test_a_response_has_the_headers_of_its_problem():
    response = ProblemError(503, "Try again.", retry_after=5, close=True, headers={"allow": "GET"}).response()
    assert response.status_code == 503
    expected = {"retry-after": "5", "connection": "close", "allow": "GET", "cache-control": "no-store"}
    assert dict(response.headers).items() >= {**expected, "content-type": MEDIA_TYPE}.items()
