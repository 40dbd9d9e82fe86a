"""The bodies of requests: what they read, how a wrong one is told, and that every one is described."""

import json

import pytest
from pydantic import ValidationError

from anyshot.app.server.app import create_app
from anyshot.app.server.problems import problem_of
from anyshot.app.server.schemas import (
    LONGEST_NAME,
    Body,
    ClassEdit,
    ClassRequest,
    ImageItem,
    MergeRequest,
    PredictRequest,
    Problem,
    Schema,
    UnlabeledRequest,
)
from anyshot.app.server.settings import MAX_ENTRIES, Settings


def test_an_image_is_base64_or_a_data_url():
    assert ImageItem(image="AAAA").image == ImageItem(image="data:image/png;base64,AAAA").image == b"\0\0\0"
    assert ImageItem(image="AA\nAA\n").image == b"\0\0\0", "as programs write it, in lines"
    with pytest.raises(ValidationError, match="it is not base64"):
        ImageItem(image="?")


def test_items_are_texts_vectors_images_or_rows_one_or_many():
    body = '{"items": ["a", [1, 2.5], {"image": "AAAA"}]}'
    assert PredictRequest.model_validate_json(body).items == ["a", [1.0, 2.5], {"image": "AAAA"}]
    assert PredictRequest.model_validate_json('{"items": [1, 2.5]}').items == [1.0, 2.5]
    assert PredictRequest.model_validate_json('{"items": "a"}').items == "a"
    assert PredictRequest.model_validate_json('{"items": {"age": 41, "city": null}}').items == {"age": 41, "city": None}


@pytest.mark.parametrize("wrong", [None, 1, True, [None] * 20])
def test_a_body_with_any_number_of_wrong_entries_has_a_bounded_number_of_errors(client, wrong):
    paths = client.get("/openapi.json").json()["paths"].values()
    read = {str(one["requestBody"]["content"]) for methods in paths for one in methods.values() if "requestBody" in one}
    schemas = [one for one in (*Schema.__subclasses__(), *Body.__subclasses__()) if f"/{one.__name__}'" in str(read)]
    assert len(schemas) > 10
    for schema in schemas:
        for name, field in schema.model_fields.items():
            for value in ([wrong] * 2 * MAX_ENTRIES, [[wrong] * 2 * MAX_ENTRIES]):
                with pytest.raises(ValidationError) as caught:
                    schema.model_validate({field.alias or name: value, "unknown": 1, "label_config": 1}, strict=True)
                assert caught.value.error_count() <= 3 * MAX_ENTRIES + 5, (schema, name)


def test_of_too_many_entries_only_the_number_is_told():
    with pytest.raises(ValidationError) as caught:
        UnlabeledRequest.model_validate({"items": ["", None] * MAX_ENTRIES})
    assert "(items: it may have 10,000 entries at most)" in problem_of(caught.value).detail


@pytest.mark.parametrize(
    "body",
    [
        '{"name": ""}',
        '{"name": " "}',
        '{"name": null}',
        '{"name": "a", "label": 1}',
        "{}",
        f'{{"name": "{LONGEST_NAME * "a"}b"}}',
        '{"name": 1e400}',
    ],
)
def test_a_class_needs_a_name_and_has_no_unknown_fields(body):
    with pytest.raises(ValidationError):
        ClassRequest.model_validate_json(body)


def test_a_field_of_several_types_has_one_place_without_the_names_of_the_types():
    with pytest.raises(ValidationError) as caught:
        PredictRequest.model_validate({"items": ["a", None], "str": 1})
    found = {one["at"]: one["problem"] for one in problem_of(caught.value).fields["errors"]}
    assert list(found) == ["items.1", "items.0", "str"]
    assert found["items.1"] == 'it must be a text or an object or a list, such as ["a", "b"]'


@pytest.mark.parametrize(
    ("schema", "body", "words"),
    [
        (PredictRequest, {"items": []}, "(items: it is empty)"),
        (
            PredictRequest,
            {"items": [[41, "Rome"]]},
            "(items.0.1: it must be a number; a row with other values must be an",
        ),
        (ClassRequest, {"name": "a", "words": "fee, cost"}, '(words: it must be a list, such as ["a", "b"])'),
        (
            ClassEdit,
            {"new_name": "b"},
            "(new_name: there is no field of this name; there are name, description, words)",
        ),
        (MergeRequest, {"names": ["a"], "into": "c"}, "(names: it must have 2 entries or more, not 1)"),
        (PredictRequest, {"items": "a", "top_k": 0}, "(top_k: it must be greater than or equal to 1)"),
        (MergeRequest, {"names": "ab", "into": "c"}, '(names: it must be a list, such as ["a", "b"])'),
    ],
)
def test_a_wrong_field_is_told_in_words_of_json(schema, body, words):
    with pytest.raises(ValidationError) as caught:
        schema.model_validate_json(json.dumps(body), strict=True)
    assert words in problem_of(caught.value).detail


def test_every_body_and_answer_is_described(client):
    found = client.get("/openapi.json").json()
    for path, methods in found["paths"].items():
        for method, one in methods.items():
            content = one.get("requestBody", {}).get("content", {}).get("application/json", {})
            if content:
                name = content["schema"]["$ref"].rpartition("/")[2]
                assert found["components"]["schemas"][name].get("examples"), (method, path)


def test_what_is_wrong_with_a_request_is_described(client):
    found = client.get("/openapi.json").json()
    for methods in found["paths"].values():
        for one in methods.values():
            assert list(one["responses"]["default"]["content"]) == ["application/problem+json"]
            assert "422" not in one["responses"]
    assert "HTTPValidationError" not in found["components"]["schemas"]
    for body in ({}, {"items": ["a"], "explain": 1}, {"items": [" "]}):
        told = client.post("/v1/models/support/predict", json=body).json()
        Problem.model_validate(told, strict=True, extra="forbid")


@pytest.mark.parametrize("tokens", [True, False])
def test_addresses_that_need_a_token_are_described_as_such(tmp_path, tokens):
    app = create_app([], Settings(token_file=tmp_path / "tokens" if tokens else None))
    found = {path: one.get("security") for path, methods in app.openapi()["paths"].items() for one in methods.values()}
    assert found["/v1/embeddings"] == found["/metrics"] == ([{"token": []}] if tokens else None)
    assert found["/health/live"] == ([] if tokens else None)
