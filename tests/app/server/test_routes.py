"""Answers over HTTP are those of Python."""

import base64
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from anyshot.tasks.loading import load
from served import TEXTS

ASKED = [*TEXTS, "please refund me", "zebras eat grass"]


def image(seed: int, kind: str = "PNG") -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    file = BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def predict(client, model="support", **body):
    answer = client.post(f"/v1/models/{model}/predict", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_answers_are_those_of_python(client, folders):
    clf, found = load(folders["support"], cache=False), predict(client, items=ASKED, proba=True)
    assert (found["model"], found["version"]) == ("support", 1)
    assert [one["label"] for one in found["answers"]] == clf.predict(ASKED).tolist()
    rows = [[one["proba"][name] for name in clf.classes_] for one in found["answers"]]
    np.testing.assert_allclose(rows, clf.predict_proba(ASKED), atol=1e-4)
    assert all(list(one["proba"].values()) == sorted(one["proba"].values(), reverse=True) for one in found["answers"])


def test_one_item_may_stand_alone(client):
    alone, listed = predict(client, items=ASKED[0], top_k=2), predict(client, items=[ASKED[0]], top_k=2)
    assert alone == listed
    assert len(alone["answers"][0]["proba"]) == 2


def test_items_close_to_no_class_are_unknown_unless_a_class_is_asked_for(client):
    asked = ASKED[-1:]
    assert predict(client, items=asked)["answers"] == [{"label": "unknown"}]
    assert predict(client, items=asked, unknown=True)["answers"] == [{"label": "unknown"}]
    assert predict(client, items=asked, unknown=False)["answers"][0]["label"] in ("billing", "delivery", "login")
    refused = client.post("/v1/models/points/predict", json={"items": [[1, 0, 0]], "unknown": True})
    assert refused.status_code == 422
    assert "no threshold" in refused.json()["detail"]


def test_an_explanation_has_the_nearest_examples_and_words(client, folders):
    (answer,) = predict(client, items="I was charged again", explain=True)["answers"]
    (why,) = load(folders["support"], cache=False).explain(["I was charged again"])
    assert answer["explanation"]["neighbors"][0]["example"] == why.neighbors[0].example == "I was charged twice"
    assert answer["explanation"]["words"] == list(why.words)
    assert answer["explanation"]["runner_up"] == why.runner_up


def test_a_long_text_is_said_to_be_cut(client):
    long, short = predict(client, items=["parcel " * 600, "parcel"], unknown=False)["answers"]
    assert (long["cut"], "cut" in short) == (True, False)


def test_a_text_that_a_program_wrote_for_a_missing_one_is_said_to_be_missing(client):
    none, text = predict(client, items=["NULL", "parcel"], unknown=False)["answers"]
    assert (none["missing"], "missing" in text) == (["text"], False)


def test_vectors_and_images_are_answered(client, folders):
    points = [[0.2, 0.5, 0.1], [-0.7, 0.1, 0.4]]
    clf, found = load(folders["points"]), predict(client, "points", items=points, proba=True)
    np.testing.assert_allclose(found["answers"][0]["proba"]["left"], clf.predict_proba(points)[0, 0], atol=1e-6)
    assert predict(client, "points", items=points[1])["answers"] == [{"label": "left"}]
    contents = [image(seed) for seed in (0, 1)]
    clf = load(folders["images"], cache=False)
    expected = clf.predict_proba([Image.open(BytesIO(content)) for content in contents])
    encoded = [base64.b64encode(content).decode() for content in contents]
    items = [{"image": encoded[0]}, {"image": f"data:image/png;base64,{encoded[1]}"}]
    found = predict(client, "images", items=items, proba=True)["answers"]
    np.testing.assert_allclose([[one["proba"][name] for name in clf.classes_] for one in found], expected, atol=1e-4)
    files = [("items", (f"{row}.png", content)) for row, content in enumerate(contents)]
    form = client.post("/v1/models/images/predict", files=files, data={"proba": "true", "top_k": "2"})
    assert form.json()["answers"] == found


@pytest.mark.parametrize(
    ("model", "body", "status", "words"),
    [
        ("nowhere", {"items": ["a"]}, 404, "The models are: images, points, support."),
        ("support", {"items": []}, 422, "items"),
        ("support", {"items": ["a"], "topk": 3}, 422, "topk"),
        ("support", {"items": [" "]}, 422, "empty"),
        ("support", {"items": [[1.0, 2.0]]}, 422, "item 0 is a list of numbers"),
        ("support", {"items": [None]}, 422, "items is a list of numbers or null"),
        ("support", {"items": ["a"] * 201}, 413, "200"),
        ("points", {"items": [[1.0, 2.0]]}, 422, "width"),
        ("points", {"items": [[True, False, True]]}, 422, "items.0.0"),
        ("points", {"items": [["1", "0", "0"]]}, 422, "items.0.0"),
        ("support", {"items": ["a"], "top_k": True}, 422, "top_k"),
        ("support", {"items": ["a"], "proba": "true"}, 422, "proba"),
        ("images", {"items": [{"image": "AAAA"}]}, 422, "cannot be read"),
        ("images", {"items": [{"image": "?"}]}, 422, "base64"),
        ("images", {"items": ["/etc/passwd"]}, 422, "reads images"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_reason(client, model, body, status, words):
    answer = client.post(f"/v1/models/{model}/predict", json=body)
    assert answer.status_code == status, answer.text
    assert words in answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_image_bomb_is_refused_before_its_pixels_are_read(client):
    file = BytesIO()
    Image.new("1", (20_000, 20_000)).save(file, "PNG")
    answer = client.post("/v1/models/images/predict", files={"items": file.getvalue()})
    assert answer.status_code == 422
    assert "pixels" in answer.json()["detail"]
    drawing = b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>'
    assert client.post("/v1/models/images/predict", files={"items": drawing}).status_code == 422


def test_models_tell_what_they_are(client):
    listed = {one["name"]: one for one in client.get("/v1/models").json()["models"]}
    assert {name: one["items"] for name, one in listed.items()} == {
        **{"support": "text", "points": "vectors"},
        "images": "image",
    }
    assert client.get("/v1/models/support").json() == listed["support"]
    assert listed["support"]["classes"] == ["billing", "delivery", "login"]
