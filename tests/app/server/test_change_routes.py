"""Changes over HTTP: each is answered by the version that has it, and is there for Python."""

import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest
from PIL import Image

from anyshot.tasks.loading import load


@pytest.fixture
def unchanged(client):
    """The service, whose model of texts is again as it was first."""
    client.post("/v1/models/support/rollback", json={"to": 1})
    return client


def change(client, path, method="POST", model="support", **body):
    before = client.get(f"/v1/models/{model}").json()["version"]
    answer = client.request(method, f"/v1/models/{model}/{path}", json=body or None)
    assert answer.status_code == 200, answer.text
    assert answer.json()["version"] == before + 1
    return client.get(f"/v1/models/{model}").json()


def label_of(client, text):
    body = {"items": text, "unknown": False}
    return client.post("/v1/models/support/predict", json=body).json()["answers"][0]["label"]


def test_a_class_comes_changes_and_goes(unchanged, folders):
    made = change(
        unchanged, "classes", name="refund", description="money back", words=["refund"], examples=["money back"]
    )
    assert made["classes"] == ["billing", "delivery", "login", "refund"]
    assert label_of(unchanged, "I want my money back") == "refund"
    assert load(folders["support"], cache=False).predict(["I want my money back"]).tolist() == ["refund"]
    renamed = change(unchanged, "classes/refund", "PATCH", name="money/back", words=["refund", "return"])
    assert renamed["classes"] == ["billing", "delivery", "login", "money/back"]
    described = load(folders["support"], cache=False).any_shot_model().data.texts
    assert described.words[3].words == ("refund", "return")
    merged = change(unchanged, "classes/merge", names=["billing", "money/back"], into="billing")
    assert merged["classes"] == ["billing", "delivery", "login"]
    assert merged["n_labels"] == 6
    change(unchanged, "classes", name="lost", description="nobody knows where it is")
    gone = change(unchanged, "classes/lost", "DELETE")
    assert gone["classes"] == ["billing", "delivery", "login"]
    assert change(unchanged, "rollback")["classes"] == ["billing", "delivery", "login", "lost"]
    assert change(unchanged, "rollback", to=1)["n_labels"] == 5


def test_suggestions_come_from_the_unlabeled_items_that_were_given(unchanged):
    found = unchanged.get("/v1/models/support/suggest").json()
    assert (found["suggestions"], "to /unlabeled" in found["note"]) == ([], True)
    pool = ["the van is late", "reset my password", "twice on my card", "hello", "a.png"]
    change(unchanged, "unlabeled", items=pool)
    found = unchanged.get("/v1/models/support/suggest?n=3").json()
    assert {one["item"] for one in found["suggestions"]} <= set(pool)
    assert len(found["suggestions"]) == 3
    assert all(one["label"] and 0 < one["proba"] <= 1 for one in found["suggestions"])
    change(unchanged, "examples", items=["hello", "twice on my card"], labels=["login", "billing"])
    found = unchanged.get("/v1/models/support/suggest?n=9").json()
    assert {one["item"] for one in found["suggestions"]} == {"the van is late", "reset my password", "a.png"}
    assert unchanged.get("/v1/models/support/suggest?n=0").status_code == 422


@pytest.mark.filterwarnings("ignore:The classes")
def test_a_class_that_looks_like_another_is_made_and_the_answer_says_so(unchanged):
    answer = unchanged.post("/v1/models/support/classes", json={"name": "Billing", "examples": ["a bill"]}).json()
    assert any("'Billing' and 'billing' look alike" in one for one in answer["warnings"]), answer
    assert "warnings" not in unchanged.delete("/v1/models/support/classes/Billing").json()


def test_vectors_are_learned_and_suggested_too(client):
    change(client, "examples", model="points", items=[[-0.9, 0.1, 0.0]], labels=["left"])
    change(client, "unlabeled", model="points", items=[[0.1, 1.0, 0.0], [0.9, 0.0, 0.0]])
    change(client, "classes", model="points", name="up", description=[0.0, 1.0, 0.0])
    found = client.get("/v1/models/points/suggest?n=1").json()["suggestions"]
    assert found[0]["item"] in ([0.1, 1.0, 0.0], [0.9, 0.0, 0.0])


@pytest.mark.parametrize("name", ["up\nand away", "up/", "50% up", " up?", "merge"])
def test_a_class_of_any_name_has_an_address(client, name):
    before = client.get("/v1/models/points").json()["classes"]
    change(client, "classes", model="points", name=name.strip(), description=[0.0, 0.1, 1.0])
    address = f"classes/{quote(name, safe='')}"
    change(client, address, "PATCH", model="points", description=[0.0, 0.2, 1.0])
    assert change(client, address, "DELETE", model="points")["classes"] == before


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        (
            "POST",
            "examples",
            {"items": ["a", "b"], "labels": ["billing"]},
            422,
            "the number of items is 2, that of labels that are not empty 1",
        ),
        ("POST", "examples", {"items": ["a"], "labels": [" "]}, 422, "empty 0. Send items without a label to /"),
        ("POST", "examples", {"items": ["a"], "labels": ["biling"]}, 422, "Did you mean 'billing'?"),
        ("POST", "classes", {"name": "billing"}, 409, "billing"),
        ("POST", "classes", {"name": " "}, 422, "name: it is empty"),
        ("POST", "classes", {"name": ".."}, 422, "name: it is . or .., which is no part of an address"),
        ("DELETE", "classes/nothing", None, 404, "has no class 'nothing'"),
        ("DELETE", "classes/BILLING", None, 404, "Did you mean 'billing'?"),
        ("PATCH", "classes/billing", {"name": "login"}, 409, "login"),
        ("POST", "rollback", {"to": 99}, 404, "Version 99 is not kept"),
    ],
)
def test_a_change_that_cannot_be_made_changes_nothing(unchanged, method, path, body, status, words):
    before = unchanged.get("/v1/models/support").json()
    answer = unchanged.request(method, f"/v1/models/support/{path}", json=body)
    assert (answer.status_code, words in answer.text) == (status, True), answer.text
    assert unchanged.get("/v1/models/support").json() == before


def test_a_change_for_one_version_only_is_refused(unchanged):
    before = unchanged.get("/v1/models/support").json()
    answer = unchanged.delete("/v1/models/support/classes/login", headers={"if-match": '"1"'})
    assert (answer.status_code, "Leave it out" in answer.json()["detail"]) == (412, True)
    assert unchanged.get("/v1/models/support").json() == before


def test_a_request_that_is_sent_again_with_its_key_changes_nothing(unchanged):
    before = unchanged.get("/v1/models/support").json()
    registry, counter = unchanged.app.state.service.metrics.registry, ("anyshot_changes_total", {"model": "support"})
    n_before = registry.get_sample_value(*counter) or 0
    body, key = {"items": ["the fee came twice"], "labels": ["billing"]}, {"Idempotency-Key": '"8e03978e"'}
    both = [unchanged.post("/v1/models/support/examples", json=body, headers=key).json() for _ in range(2)]
    assert both == [{"version": before["version"] + 1}] * 2
    assert registry.get_sample_value(*counter) == n_before + 1
    assert unchanged.get("/v1/models/support").json()["n_labels"] == before["n_labels"] + 1
    other = unchanged.post("/v1/models/support/examples", json={**body, "labels": ["login"]}, headers=key)
    assert (other.status_code, "a key of its own" in other.json()["detail"]) == (422, True)
    other = unchanged.delete("/v1/models/support/classes/login", headers={"Idempotency-Key": "a b"})
    assert (other.status_code, "such as a UUID" in other.json()["detail"]) == (400, True)


def test_a_form_that_is_sent_again_with_its_key_changes_nothing_though_its_boundary_is_another(client):
    before, content = client.get("/v1/models/images").json(), io.BytesIO()
    Image.new("RGB", (4, 4)).save(content, "PNG")
    form: dict[str, Any] = {"data": {"labels": "snow"}, "files": {"items": content.getvalue()}}
    both = [client.post("/v1/models/images/examples", headers={"Idempotency-Key": "f"}, **form) for _ in range(2)]
    assert both[0].request.headers["content-type"] != both[1].request.headers["content-type"]
    assert [one.json() for one in both] == [{"version": before["version"] + 1}] * 2


def test_of_two_clients_that_remove_a_class_one_is_told_that_there_is_none(unchanged):
    """Both are accepted before either is made, as the writer is busy."""
    unchanged.post("/v1/models/support/classes", json={"name": "lost", "examples": ["nobody knows where it is"]})
    live, began, release = unchanged.app.state.service.models["support"], threading.Event(), threading.Event()

    def hold(_: object) -> None:
        began.set()
        release.wait()

    live.change(hold)
    began.wait()  # else the three may be taken together, and none waits
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(unchanged.delete, "/v1/models/support/classes/lost") for _ in range(2)]
        while len(live._waiting) < 2:
            time.sleep(0.001)
        release.set()
        assert sorted(one.result().status_code for one in both) == [200, 404]


def test_an_error_says_that_items_were_learned_but_cannot_be_kept(unchanged, folders):
    before = unchanged.get("/v1/models/support").json()["version"]
    file = folders["support"].with_name(".support.anyshot-unlabeled.jsonl")
    file.unlink(missing_ok=True)
    file.mkdir()
    answer = unchanged.post("/v1/models/support/unlabeled", json={"items": ["the van is late"]})
    file.rmdir()
    assert answer.status_code == 507
    assert f"by version {before + 1}, but they cannot be kept for suggestions. Let the" in answer.json()["detail"]
    assert str(file.parent) not in answer.text
