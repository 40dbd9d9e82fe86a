"""Rows of features over HTTP: answers, changes and descriptions of a model of a table, by a real server."""

import html
import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pandas as pd
import pytest
import tritonclient.http as triton

from anyshot import AnyShotClassifier, AnyShotRegressor, load
from served import PATIENT, served

NEW = [
    {"age": 24, "city": "Oslo", "since": "2024-01-03"},
    {"city": "Rome", "since": "2024-02-04", "age": 51.5, "id": 17},
    {"age": 30, "city": None, "since": "2024-01-05"},
]


def customers(n=60):
    """Return customers who left or stay: the older ones left, and more of them live in Rome; their notes are empty."""
    random, left = np.random.default_rng(0), np.arange(n) % 2 == 0
    since = pd.to_datetime("2024-01-01") + pd.to_timedelta(random.integers(0, 99, n), "D")
    city = np.where(random.random(n) < 0.3 + 0.4 * left, "Rome", "Oslo")
    table = pd.DataFrame({"age": random.integers(20, 40, n) + 15 * left, "city": city, "since": since})
    return table.assign(since=table["since"].dt.strftime("%d.%m.%Y"), note=None), np.where(left, "left", "stays")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("features")
    table, labels = customers()
    AnyShotClassifier(encoder="table", cache=False).fit(table, labels).save(found / "customers")
    AnyShotRegressor().fit(table[["city", "since"]], table["age"]).save(found / "ages")
    AnyShotRegressor().fit(pd.DataFrame({"a": table["age"] / 40, "b": table["age"] % 7}), table["age"]).save(
        found / "sizes"
    )
    points = np.random.default_rng(0).normal(size=(20, 3))
    AnyShotClassifier(encoder="vectors", cache=False).fit(points, ["a", "b"] * 10).save(found / "points")
    return found


@pytest.fixture(scope="module")
def server(folder):
    names = ("customers", "ages", "sizes", "points")
    with served({name: folder / name for name in names}, folder / "log") as running:
        yield running
        log = running.log()
        assert "Traceback" not in log
        assert "Column" not in log, "warnings show items, which logs must not hold"


@pytest.fixture
def client(server):
    """The service, whose model of customers is again as it was first."""
    with httpx.Client(base_url=server.url, timeout=PATIENT) as found:
        found.post("/v1/models/customers/rollback", json={"to": 1})
        yield found


def predict(client, model="customers", **body):
    answer = client.post(f"/v1/models/{model}/predict", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["answers"]


def change(client, path, method="POST", **body):
    answer = client.request(method, f"/v1/models/customers/{path}", json=body)
    assert answer.status_code == 200, answer.text
    return client.get("/v1/models/customers").json()


def as_table(rows):
    return pd.DataFrame(rows)[["age", "city", "since"]].assign(note=None)


def test_answers_are_those_of_python_for_rows_in_any_order(client, folder):
    clf, found = load(folder / "customers", cache=False), predict(client, items=NEW, proba=True)
    expected = clf.predict_proba(as_table(NEW))
    np.testing.assert_allclose([[one["proba"][name] for name in clf.classes_] for one in found], expected, atol=1e-6)
    assert [one["label"] for one in found] == clf.predict(as_table(NEW)).tolist()
    assert [one.get("missing") for one in found] == [None, None, ["city"]]
    assert predict(client, items={**NEW[0], "city": "Lima"})[0]["unseen"] == ["city"]
    alone = predict(client, items=NEW[0], proba=True)  # the sums of one row and of three are rounded differently
    assert alone[0]["proba"] == pytest.approx(found[0]["proba"])


def test_clients_at_once_get_the_answers_of_one_call(client):
    ages = range(20, 60)
    together = predict(client, items=[{**NEW[0], "age": age} for age in ages], proba=True)
    with ThreadPoolExecutor(8) as pool:
        alone = list(pool.map(lambda age: predict(client, items={**NEW[0], "age": age}, proba=True)[0], ages))
    assert [one["label"] for one in alone] == [one["label"] for one in together]
    shares = [[one["proba"]["left"] for one in several] for several in (alone, together)]
    np.testing.assert_allclose(*shares, atol=1e-6)


@pytest.mark.parametrize(
    ("item", "status", "words"),
    [
        ({**NEW[0], "age": "41"}, 422, "Item 200 has the text '41' in 'age'"),
        ({"age": 41, "city": "Oslo"}, 422, "Item 200 lacks 'since'"),
        ({}, 422, "Item 200 lacks 'age'"),
        ({**NEW[0], "city": ["Oslo"]}, 422, "Item 200 has several values in 'city'"),
        ({**NEW[0], "since": "soon"}, 422, "row 200 has 'soon'. Write a value like those in `fit`, or none."),
        ("age=41", 422, "an object with the columns age, city, since; item 200 is a text"),
        ({"image": "AAAA"}, 422, "Item 200 lacks 'age'"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_position(client, item, status, words):
    answer = client.post("/v1/models/customers/predict", json={"items": [NEW[0]] * 200 + [item]})
    assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.text


def test_a_name_twice_and_a_number_beyond_all_are_refused(client):
    for text in ('{"age": 1, "age": 2, "city": null, "since": null}', '{"age": 1e400, "city": null, "since": null}'):
        content, headers = f'{{"items": [{text}]}}', {"content-type": "application/json"}
        answer = client.post("/v1/models/customers/predict", content=content, headers=headers)
        assert answer.status_code in (400, 422), answer.text


def test_the_model_says_what_to_send(client):
    facts = client.get("/v1/models/customers").json()
    assert facts["items"] == "table"
    assert facts["columns"] == [
        {"name": "age", "kind": "number", "has_gaps": False},
        {"name": "city", "kind": "category", "has_gaps": False, "categories": ["Oslo", "Rome"]},
        {"name": "since", "kind": "date", "has_gaps": False},
    ]
    points = client.get("/v1/models/points").json()
    assert (points["items"], points["columns"]) == ("vectors", None)
    assert predict(client, "points", items=[[1.0, 0.5, 0.0]])[0]["label"] in ("a", "b")


def test_a_class_is_added_by_rows_and_not_by_words(client, folder):
    old = [{**NEW[0], "age": age} for age in (95, 96, 97)]
    for fields in ({}, {"description": "on hold"}, {"words": ["hold"]}, {"examples": old, "description": "on hold"}):
        answer = client.post("/v1/models/customers/classes", json={"name": "paused", **fields})
        assert (answer.status_code, "nothing about numbers" in answer.json()["detail"]) == (422, True), answer.text
    answer = client.patch("/v1/models/customers/classes/left", json={"description": "gone"})
    assert (answer.status_code, "nothing about numbers" in answer.json()["detail"]) == (422, True)
    assert change(client, "classes", name="paused", examples=old)["classes"] == ["left", "paused", "stays"]
    (answer,) = predict(client, items=old[1], explain=True)
    assert answer["label"] == "paused"
    assert answer["explanation"]["neighbors"][0]["example"] == "row age=96, city=Oslo, since=2024-01-03"
    assert load(folder / "customers", cache=False).predict(as_table(old)).tolist() == ["paused"] * 3
    assert change(client, "rollback")["classes"] == ["left", "stays"]
    assert predict(client, items=old[1])[0]["label"] == "left"


def test_labels_and_unlabeled_rows_are_learned_and_suggested(client):
    n = client.get("/v1/models/customers").json()["n_labels"]
    assert change(client, "examples", items=NEW[:2], labels=["stays", "left"])["n_labels"] == n + 2
    pool = [{**NEW[0], "age": age, "note": "x"} for age in (33, 34, 35)]
    known = customers()[0].drop(columns="note").to_dict("records")[0]
    change(client, "unlabeled", items=[*pool, known])
    change(client, "examples", items=pool[:1], labels=["left"])
    found = client.get("/v1/models/customers/suggest?n=9").json()["suggestions"]
    assert sorted(one["item"]["age"] for one in found) == [34, 35]
    bad = {"items": [NEW[0], {**NEW[0], "age": "old"}], "labels": ["left", "left"]}
    refused = client.post("/v1/models/customers/examples", json=bad)
    assert (refused.status_code, "Item 1 has the text 'old'" in refused.json()["detail"]) == (422, True)


def test_a_regression_of_rows_answers_numbers(client, folder):
    rows = [{"since": "2024-01-03", "city": "Oslo"}, {"since": None, "city": "Rome"}]
    found = predict(client, "ages", items=rows)
    table = pd.DataFrame({"city": ["Oslo", "Rome"], "since": ["03.01.2024", None]})
    with pytest.warns(UserWarning, match="'since' had no missing value"):
        expected = load(folder / "ages").predict(table)
    np.testing.assert_allclose([one["value"] for one in found], expected)
    assert [one.get("missing") for one in found] == [None, ["since"]]


def test_each_column_is_a_tensor_for_triton_and_numbers_may_be_one(client, server):
    rows = [*NEW[:2], {**NEW[0], "age": None, "city": None}]
    sent = []
    for name, datatype in (("since", "BYTES"), ("age", "FP64"), ("city", "BYTES")):
        cells = [row[name] for row in rows]
        texts = np.array(["" if cell is None else cell for cell in cells], object)
        values = texts if datatype == "BYTES" else np.array(cells, float)
        tensor = triton.InferInput(name, [3], datatype)
        sent.append(tensor.set_data_from_numpy(values, binary_data=name != "city"))
    with triton.InferenceServerClient(f"{server.host}:{server.port}", network_timeout=PATIENT) as other:
        inputs = other.get_model_metadata("customers")["inputs"]
        found = other.infer("customers", sent).as_numpy("probabilities")
    assert [(one["name"], one["datatype"]) for one in inputs] == [
        ("age", "FP64"),
        ("city", "BYTES"),
        ("since", "BYTES"),
    ]
    expected = predict(client, items=rows, proba=True)
    np.testing.assert_allclose(found[:, 0], [one["proba"]["left"] for one in expected], atol=1e-6)
    vectors = {"inputs": [{"name": "items", "shape": [1, 2], "datatype": "FP32", "data": [0.25, 4.0]}]}
    values = [
        client.post("/v2/models/sizes/infer", json=vectors).json()["outputs"][0]["data"],
        [one["value"] for one in predict(client, "sizes", items=[{"b": 4, "a": 0.25}])],
        [one["value"] for one in predict(client, "sizes", items=[[0.25, 4]])],
    ]
    assert values[0] == values[1] == values[2]
    gaps = [predict(client, "sizes", items=item)[0] for item in ({"a": None, "b": 4}, [[None, 4]], [None, 4])]
    assert gaps[0] == gaps[1] == gaps[2]
    assert gaps[0]["missing"] == ["a"]
    refused = client.post("/v1/models/points/predict", json={"items": [[1.0, 0.5, 0.0], [1.0, None, 0.0]]})
    assert (refused.status_code, "Item 1 has null at place 1." in refused.json()["detail"]) == (422, True)
    lacking = {"inputs": [{"name": "age", "shape": [1], "datatype": "INT8", "data": [4]}]}
    refused = client.post("/v2/models/customers/infer", json=lacking)
    assert (refused.status_code, "'city' must be an input" in refused.json()["detail"]) == (400, True)


def test_label_studio_shows_rows_as_tables_and_embeddings_are_refused(client):
    choices = '<Choices name="c" toName="t"><Choice value="left"/><Choice value="stays"/></Choices>'
    config = f'<View><Table name="t" value="$row"/>{choices}</View>'
    body = {"tasks": [{"id": 1, "data": {"row": NEW[0]}}], "label_config": config}
    (found,) = client.post("/label-studio/predict?model=customers", json=body).json()["results"]
    assert found["result"][0]["value"]["choices"] == [predict(client, items=NEW[0])[0]["label"]]
    body["tasks"][0]["data"]["row"] = "text"
    assert client.post("/label-studio/predict?model=customers", json=body).status_code == 422
    refused = client.post("/label-studio/setup?model=points", json={"project": "1", "schema": config})
    assert "no object for vectors" in refused.json()["detail"]
    refused = client.post("/v1/embeddings", json={"model": "customers", "input": "a"})
    assert (refused.status_code, "reads rows of features" in refused.json()["detail"]) == (422, True)


def test_the_page_shows_rows_that_the_model_reads(client, server):
    commands = [html.unescape(one) for one in re.findall(r"<pre>(curl .*?)</pre>", client.get("/docs").text, re.DOTALL)]
    of_rows = [one for one in commands if '"age"' in one]
    assert {re.search(r"customers/(\w+)", one)[1] for one in of_rows} == {
        *("predict", "examples", "classes", "unlabeled", "infer", "versions")
    }
    for command in of_rows:
        if "/versions/1/" in command:
            continue  # it is not the current version any more
        command = command.replace('"billing"', '"left"').replace("curl ", "curl -s -o /dev/null -w '%{http_code}' ", 1)
        assert subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True).stdout == "200"
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    assert {"age": 41, "city": "Lima", "since": "2024-12-31"} in schemas["PredictRequest"]["examples"][1]["items"]
    assert "null for none" in json.dumps(schemas["PredictRequest"]["properties"]["items"])


@pytest.mark.full
def test_a_change_is_there_after_the_service_was_killed(tmp_path):
    table, labels = customers()
    AnyShotClassifier(encoder="table", cache=False).fit(table, labels).save(tmp_path / "customers")
    old = [{**NEW[0], "age": age} for age in (95, 96, 97)]
    answers, folders = [], {"customers": tmp_path / "customers"}
    for is_first in (True, False):
        with (
            served(folders, tmp_path / "log") as running,
            httpx.Client(base_url=running.url, timeout=PATIENT) as client,
        ):
            if is_first:
                change(client, "classes", name="paused", examples=old)
            answers.append(predict(client, items=[*old, *NEW], proba=True))
            running.process.kill()
    assert answers[0] == answers[1]
    assert answers[0][0]["label"] == "paused"
