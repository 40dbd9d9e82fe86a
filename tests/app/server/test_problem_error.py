"""Problem documents, and the answers that hold them."""

import json

from anyshot.app.server.problem_error import MEDIA_TYPE, ProblemError


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


def test_a_response_has_the_headers_of_its_problem():
    response = ProblemError(503, "Try again.", retry_after=5, close=True, headers={"allow": "GET"}).response()
    assert response.status_code == 503
    expected = {"retry-after": "5", "connection": "close", "allow": "GET", "cache-control": "no-store"}
    assert dict(response.headers).items() >= {**expected, "content-type": MEDIA_TYPE}.items()
