"""Every error is a problem document, with the library's words or with none of this machine's."""

import errno
import json
import re

import pytest
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from anyshot import AnyShotClassifier
from anyshot.app.server.problem_error import ProblemError
from anyshot.app.server.problems import problem_of
from anyshot.app.server.schemas import PredictRequest
from anyshot.app.server.service_errors import NotSavedError, UnknownModelError
from anyshot.base.class_words import Words
from anyshot.errors import (
    AnyshotError,
    CacheError,
    DuplicateClassError,
    InputError,
    ModelFolderError,
    UnknownClassError,
)


def document(error: Exception) -> dict:
    return json.loads(problem_of(error).document())


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (InputError("There are no items."), 422, "urn:anyshot:input"),
        (UnknownClassError("No class is named 'x'."), 422, "urn:anyshot:unknown-class"),
        (DuplicateClassError("Class 'x' is named 2 times."), 409, "urn:anyshot:duplicate-class"),
        (UnknownModelError("There is no model of this name."), 404, "urn:anyshot:unknown-model"),
        (NotSavedError("There is no space left."), 507, "urn:anyshot:not-saved"),
        (ProblemError(413, "The body is too large."), 413, "about:blank"),
    ],
)
def test_an_error_that_a_client_can_correct_is_told_in_full(error, status, kind):
    found = document(error)
    assert (found["status"], found["type"], found["detail"]) == (status, kind, str(error))


@pytest.mark.parametrize(
    "error",
    [
        ModelFolderError("/srv/models/support holds no model."),
        CacheError("/home/me/.cache cannot be read."),
        PermissionError(errno.EACCES, "denied", "/srv/models/support"),
        RuntimeError("/srv/models/support"),
    ],
)
def test_an_error_of_the_machine_keeps_its_words_to_the_log(error):
    found = document(error)
    assert found["status"] in (500, 503)
    assert "/" not in found["detail"]


def test_a_full_disk_is_told_also_below_another_error():
    error = ModelFolderError("/srv/x cannot be written.")
    error.__cause__ = OSError(errno.ENOSPC, "No space left")
    assert document(error)["status"] == 507


def test_wrong_fields_are_named_without_what_was_in_them():
    class Body(BaseModel):
        items: list[int]

    with pytest.raises(ValidationError) as caught:
        Body.model_validate({"items": ["my secret", "other secret"]})
    found = document(caught.value)
    assert [one["at"] for one in found["errors"]] == ["items.0", "items.1"]
    assert "secret" not in json.dumps(found)


def test_of_very_many_wrong_fields_the_number_is_told():
    with pytest.raises(ValidationError) as caught:
        PredictRequest.model_validate({"items": "a"} | {f"k{number}": 1 for number in range(10_001)})
    assert "(10,001 places are wrong)" in document(caught.value)["detail"]


def test_a_field_of_another_name_is_told():
    with pytest.raises(ValidationError) as caught:
        PredictRequest.model_validate({"texts": ["my secret"]})
    detail = document(caught.value)["detail"]
    assert "(items: it is missing; texts: there is no field of this name; there are items, proba, top_k," in detail


def test_headers_and_words_of_the_framework_are_kept_where_they_say_something():
    problem = problem_of(HTTPException(405, headers={"allow": "GET"}))
    assert problem.headers["allow"] == "GET"
    assert "method" in problem.detail
    assert problem_of(HTTPException(400, "There was an error parsing the body")).detail.startswith("There was")


def test_the_words_of_the_library_are_right_in_requests():
    classifier = AnyShotClassifier({"up": [0.0, 1.0], "down": [0.0, -1.0]}, cache=False).fit()
    faults = [
        (lambda: classifier.partial_fit([[0.0, 1.0]], ["left"]), "or add it to the classes"),
        (lambda: classifier.add_class("left"), "Give a labeled example of it, or a class vector"),
        (lambda: classifier.add_class("left", Words([])), 'Give some that its texts contain, such as "good, great'),
    ]
    for fault, words in faults:
        with pytest.raises(AnyshotError) as caught:
            fault()
        detail = problem_of(caught.value).detail
        assert words in detail
        assert not re.search(r"fit\(|add_class|Words|set_params", detail)
