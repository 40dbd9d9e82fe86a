"""A machine learning backend as Label Studio calls it: with the requests that its client sends."""

import json
import os
import subprocess

import httpx
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from anyshot import AnyShotClassifier
from anyshot.app.server.label_studio import Choices, _learn_choices, choices_of, label_of
from anyshot.app.server.problem_error import ProblemError
from anyshot.tasks.loading import load
from served import PATIENT, save_support, served

CONFIG = (
    '<View><!-- a note --><Text name="msg" value="$message"/><Choices name="intent" toName="msg" choice="single">'
    '<Choice value="Billing"/><Choice value="delivery"/><Choice value="A refund" alias="refund"/></Choices></View>'
)
PROJECT = "7.1700000000"
CLIENT = """
import sys
from datetime import datetime
from types import SimpleNamespace as Record
import label_studio
sys.path.insert(0, label_studio.__path__[0])
import django
django.setup()
import json
from ml.api_connector import MLApi
url, config, text = sys.argv[1:]
user = Record(auth_token=Record(key="token"))
project = Record(id=7, created_at=datetime.now(), label_config=config, created_by=user)
project.task_data_login = project.task_data_password = None
api = MLApi(url=url, timeout=300)
tasks = [{"id": 1, "data": {"message": text}, "project": 7}]
found = [api.health(), api.setup(project), api.make_predictions(tasks, project), api.get_versions(project)]
found.append(api._request("webhook", {"action": "START_TRAINING", "project": {"id": 7}}))
print(json.dumps([[one.is_error, one.response] for one in found]))
"""


def annotation(*names: str, **more) -> dict:
    value = {"from_name": "intent", "to_name": "msg", "type": "choices", "value": {"choices": list(names)}}
    return {"id": 1, "result": [value], "was_cancelled": False, **more}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("label_studio")
    with (
        served({"support": save_support(folder / "support")}, folder / "log") as running,
        httpx.Client(base_url=f"{running.url}/label-studio/", timeout=PATIENT) as found,
    ):
        yield found


def predict(client: httpx.Client, *texts: str, config: str = CONFIG) -> httpx.Response:
    tasks = [{"id": row, "data": {"message": text, "other": 1}} for row, text in enumerate(texts)]
    params = {"login": None, "password": None, "hostname": "http://localhost:8080", "context": None}
    given = {"tasks": tasks, "project": PROJECT, "label_config": config, "params": params}
    return client.post("predict", json=given)


def test_the_backend_is_up(client):
    assert client.get("health").json()["status"] == "UP"
    assert client.get("versions").json() == {"versions": ["support-1"]}


def test_setup_checks_the_configuration(client):
    given = {"project": PROJECT, "schema": CONFIG, "hostname": "http://x", "access_token": "t", "extra_params": None}
    assert client.post("setup", json=given).json()["model_version"].startswith("support-")
    answer = client.post("setup", json={**given, "schema": "<View/>"})
    assert (answer.status_code, "Choices" in answer.json()["detail"]) == (422, True)


def test_tasks_get_choices_as_the_project_writes_them(client):
    found = predict(client, "I was charged twice", "where is my parcel").json()
    first = found["results"][0]
    assert [one["result"][0]["value"]["choices"] for one in found["results"]] == [["Billing"], ["delivery"]]
    assert (first["result"][0]["from_name"], first["result"][0]["to_name"]) == ("intent", "msg")
    assert (first["result"][0]["type"], first["model_version"]) == ("choices", found["model_version"])
    assert 0 < first["score"] <= 1


@pytest.mark.full  # Django takes seconds to load
def test_label_studios_own_client_takes_the_answers(client, tmp_path):
    """Its package needs other versions of some packages, so it runs in an environment of its own.

    ANYSHOT_LABEL_STUDIO=ENVIRONMENT/bin/python python -m pytest --full tests/app/server/test_label_studio.py
    """
    python = os.environ.get("ANYSHOT_LABEL_STUDIO")
    if python is None:
        pytest.skip("ANYSHOT_LABEL_STUDIO names no Python of an environment that has label-studio")
    settings = {"DJANGO_SETTINGS_MODULE": "label_studio.core.settings.label_studio", "DJANGO_DB": "sqlite"}
    settings |= {"LABEL_STUDIO_BASE_DATA_DIR": str(tmp_path), "SECRET_KEY": "x", "LATEST_VERSION_CHECK": "false"}
    settings |= {"ML_BLOCK_LOCAL_IP": "false", "ML_TIMEOUT_HEALTH": str(PATIENT), "ML_TIMEOUT_SETUP": str(PATIENT)}
    outer = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [python, "-c", CLIENT, str(client.base_url), CONFIG, "where is my parcel"]
    done = subprocess.run(command, capture_output=True, text=True, env=outer | settings, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert [is_error for is_error, _ in found] == [False] * 5
    up, ready, predicted, versions, _ = (answer for _, answer in found)
    assert up["status"] == "UP"
    assert predicted["results"][0]["result"][0]["value"]["choices"] == ["delivery"]
    assert versions == {"versions": [ready["model_version"]]}


@pytest.mark.full  # to load the package takes seconds
def test_label_studios_own_checks_take_predictions_and_learned_annotations(client):
    interface = pytest.importorskip(
        "label_studio_sdk.label_interface", reason="label-studio-sdk is not installed, whose checks this test runs"
    ).LabelInterface(CONFIG)
    (found,) = predict(client, "where is my parcel").json()["results"]
    assert interface.validate_prediction(found, return_errors=True) == []
    assert not interface.validate_prediction({**found, "result": [{**found["result"][0], "from_name": "other"}]})
    assert interface.validate_annotation(annotation("Billing"))  # what `train` is sent
    assert choices_of(CONFIG, "text").names == tuple(
        choice.attr.get("alias", choice.value) for choice in interface.get_control("intent").labels_attrs.values()
    )


def test_no_tasks_get_no_predictions(client):
    assert predict(client).json()["results"] == []


def test_training_learns_labels_and_new_classes(client):
    tasks = [
        {"id": 1, "data": {"message": "I paid two times"}, "annotations": [annotation("Billing")], "predictions": []},
        {"id": 2, "data": {"message": "I want my money back"}, "annotations": [annotation("refund")]},
        {"id": 3, "data": {"message": "skipped"}, "annotations": [annotation("refund", was_cancelled=True)]},
        {"id": 4, "data": {"message": "nothing chosen"}, "annotations": [{"result": []}]},
    ]
    given = {"annotations": tasks, "project": PROJECT, "label_config": CONFIG, "params": {}}
    answer = client.post("train", json=given)
    assert (answer.status_code, answer.json()["learned"]) == (201, 2)
    classes = httpx.get(f"{client.base_url.join('/v1/models/support')}", timeout=PATIENT).json()["classes"]
    assert classes == ["billing", "delivery", "login", "refund"]  # "Billing" is the class of this name
    (found,) = predict(client, "please give me my money back").json()["results"]
    assert found["result"][0]["value"]["choices"] == ["refund"]


def test_a_choice_that_another_annotation_made_a_class_just_now_is_learned(tmp_path):
    clf = load(save_support(tmp_path / "support"), cache=False)
    for text in ("I want my money back", "please return what I paid"):
        _learn_choices([text], ["refund"], clf)
    assert clf.classes_.tolist() == ["billing", "delivery", "login", "refund"]
    assert len(clf.any_shot_model().data.index) == 5 + 2


def test_an_annotation_that_is_sent_again_is_learned_once_and_one_that_is_corrected_replaces_its_label(tmp_path):
    clf = load(save_support(tmp_path / "support"), cache=False)
    for label in ("refund", "refund", "billing", "billing", "exchange"):  # two of them are new classes
        _learn_choices(["I want my money back"], [label], clf)
        texts, labels = clf.training_examples()
        assert (len(texts), labels[-1]) == (5 + 1, label)


@pytest.mark.parametrize(
    "item",
    [{"size": 4.5, "color": "red"}, Image.new("RGB", (32, 32), "purple")],
    ids=["row of features", "image"],
)
def test_an_annotation_of_another_kind_of_item_that_is_sent_again_is_learned_once(item):
    if isinstance(item, dict):
        items = pd.DataFrame({"size": np.arange(8.0), "color": ["red", "blue"] * 4})
    else:
        items = [Image.new("RGB", (32, 32), color) for color in ("red", "blue", "pink", "navy")]
    encoder = "table" if isinstance(item, dict) else "auto"
    clf = AnyShotClassifier(encoder=encoder, cache=False).fit(items, ["a", "b"] * (len(items) // 2))
    for _ in range(2):
        _learn_choices([item], ["a"], clf)
    assert len(clf.any_shot_model().data.index) == len(items) + 1


def test_a_webhook_learns_from_a_new_annotation_and_takes_other_events(client):
    event = {
        "action": "ANNOTATION_CREATED",
        "annotation": annotation("delivery"),
        "task": {"id": 9, "data": {"message": "the courier never came"}},
        "project": {"id": 7, "label_config": CONFIG},
    }
    assert client.post("webhook", json=event).json()["learned"] == 1
    for action in ("START_TRAINING", "PROJECT_UPDATED"):
        assert client.post("webhook", json={"action": action, "project": {"id": 7}}).status_code == 201


@pytest.mark.parametrize(
    "config",
    [
        "",
        "<View",
        '<View><Image name="msg" value="$image"/><Choices name="a" toName="msg"/></View>',
        '<View><Text name="msg" value="fixed"/><Choices name="a" toName="msg"/></View>',
        '<!DOCTYPE a [<!ENTITY b "c">]><View>&b;</View>',
        '<!DOCTYPE a SYSTEM "file:///etc/passwd"><View/>',
    ],
)
def test_other_configurations_are_refused(config):
    with pytest.raises(ProblemError, match="configuration"):
        choices_of(config, "text")


def test_choices_for_images_are_found_where_the_model_reads_images():
    config = (
        '<View><Image name="i" value="$url"/><Text name="t" value="$t"/><Choices name="a" toName="t"/>'
        '<Choices name="b" toName="i"><Choice value="cat"/></Choices></View>'
    )
    assert choices_of(config, "image") == Choices("b", "i", "url", "image", ("cat",))


def test_several_choices_are_no_label():
    choices = choices_of(CONFIG, "text")
    given = [annotation("billing", "delivery"), annotation("billing"), {"result": None}, {"result": ["x"]}]
    for odd in ("x", 7, None, {"x": 1}, [7], [" "]):
        given.append({"result": [{"from_name": "intent", "value": {"choices": odd}}]})
    assert label_of(given, choices) == "billing"


def test_the_last_annotation_of_a_task_counts(client):
    choices = choices_of(CONFIG, "text")
    changed = [
        annotation("billing", updated_at="2026-01-02T00:00:00Z"),
        annotation("delivery", created_at="2026-01-01T00:00:00Z"),
    ]
    assert label_of(changed, choices) == "billing"
    for first, last in (("exchange", "delivery"), ("delivery", "exchange")):
        task = {"data": {"message": "I want my money back"}, "annotations": [annotation(first), annotation(last)]}
        answer = client.post("train", json={"annotations": [task], "label_config": CONFIG})
        classes = httpx.get(f"{client.base_url.join('/v1/models/support')}", timeout=PATIENT).json()["classes"]
        assert (answer.json()["learned"], "exchange" in classes) == (1, last == "exchange")


def test_choices_that_are_no_classes_are_refused(client):
    answer = predict(
        client, "hello", config=CONFIG.replace("Billing", "x").replace("delivery", "y").replace("refund", "z")
    )
    assert (answer.status_code, "classes" in answer.json()["detail"]) == (422, True)


def test_a_task_without_its_text_is_named(client):
    given = {"tasks": [{"id": 1, "data": {"text": "other key"}}], "label_config": CONFIG}
    answer = client.post("predict", json=given)
    assert (answer.status_code, "'message'" in answer.json()["detail"]) == (422, True)
