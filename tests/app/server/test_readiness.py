"""Saved models of every kind that predicts are served; those that cannot be changed say so."""

import subprocess
import sys

import numpy as np
import pytest
from fastapi.testclient import TestClient
from threadpoolctl import threadpool_info, threadpool_limits

from anyshot import AnyShotRegressor, FineTunedClassifier, load
from anyshot.app.server.app import create_app
from anyshot.app.server.opening import open_models
from anyshot.app.server.readiness import fit_once, ready
from anyshot.app.server.settings import Settings
from anyshot.errors import InputError
from anyshot.store import MemoryCache
from anyshot.tasks import MultitaskModel
from served import LABELS, TEXTS

X = np.random.default_rng(0).normal(size=(20, 3))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    found = tmp_path_factory.mktemp("kinds")
    AnyShotRegressor().fit(X, X @ [1.0, 2.0, 0.5]).save(found / "rent")
    tall = np.where(X[:, 0] > 0, "yes", "no")
    MultitaskModel().fit(X, {"tall": tall, "weight": X[:, 1] * 10 + 0.5}).save(found / "person")
    return found


@pytest.fixture(scope="module")
def client(place):
    folders = {path.name: path for path in place.iterdir()}
    with TestClient(create_app(open_models(folders, Settings()), Settings())) as running:
        yield running


def test_a_regression_answers_numbers(client, place):
    found = client.post("/v1/models/rent/predict", json={"items": X[:2].tolist()}).json()["answers"]
    np.testing.assert_allclose([one["value"] for one in found], load(place / "rent").predict(X[:2]))
    tensor = {"name": "items", "shape": [2, 3], "datatype": "FP64", "data": X[:2].ravel().tolist()}
    (output,) = client.post("/v2/models/rent/infer", json={"inputs": [tensor]}).json()["outputs"]
    assert (output["name"], output["data"]) == ("value", [one["value"] for one in found])


def test_several_tasks_are_answered_by_their_names(client, place):
    (found,) = client.post("/v1/models/person/predict", json={"items": X[0].tolist()}).json()["answers"]
    expected = load(place / "person").predict(X[:1])
    assert found["tasks"] == {name: own.tolist()[0] for name, own in expected.items()}
    outputs = {one["name"]: one["datatype"] for one in client.get("/v2/models/person").json()["outputs"]}
    assert outputs == {"tall": "BYTES", "weight": "FP64"}


@pytest.mark.parametrize("name", ["rent", "person"])
def test_what_a_model_cannot_do_is_refused_with_a_reason(client, name):
    at, item = f"/v1/models/{name}", {"items": [[1, 2, 3]]}
    assert client.get(at).json()["can_change"] is False
    refused = client.post(f"{at}/classes", json={"name": "new"})
    assert (refused.status_code, "Train it again" in refused.json()["detail"]) == (403, True)
    for answer in (
        client.post(f"{at}/predict", json={**item, "explain": True}),
        client.post(f"{at}/predict", json={**item, "unknown": True}),
        client.post(f"{at}/predict", json={"items": [[1, 2]]}),
        client.get(f"{at}/suggest"),
    ):
        assert answer.status_code == 422, answer.text
    assert client.post(f"{at}/predict", json=item).status_code == 200


def test_a_model_that_does_not_predict_is_refused():
    with pytest.raises(InputError, match="These can: AnyShotClassifier"):
        ready(object(), MemoryCache())


def test_preparing_for_changes_loads_what_fitting_texts_needs_and_no_more():
    code = "import sys; from anyshot.app.server.readiness import fit_once; fit_once(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert {"scipy.linalg", "scipy.special"} <= loaded
    assert not {"pandas", "sklearn", "scipy.stats"} & loaded  # a hundred megabytes, and a second of processor time


def test_blas_has_one_thread_once_changes_are_prepared():
    with threadpool_limits(2, "blas"):
        fit_once()
        assert {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"} == {1}


@pytest.mark.full
def test_a_fine_tuned_network_answers_classes(tmp_path):
    FineTunedClassifier("minilm", method="probe").fit(TEXTS, LABELS).save(tmp_path / "tuned")
    folders = {"tuned": tmp_path / "tuned"}
    with TestClient(create_app(open_models(folders, Settings()), Settings())) as client:
        found = client.post("/v1/models/tuned/predict", json={"items": TEXTS, "proba": True}).json()["answers"]
        hard = client.post("/v1/models/tuned/predict", json={"items": ["refund " * 300, "NA"]}).json()["answers"]
        assert [(one.get("cut"), one.get("missing")) for one in hard] == [(True, None), (None, ["text"])]
        assert client.post("/v1/models/tuned/examples", json={"items": ["a"], "labels": ["login"]}).status_code == 403
        assert client.post("/v1/embeddings", json={"model": "tuned", "input": "a"}).status_code == 422
    own = load(tmp_path / "tuned")
    assert [one["label"] for one in found] == own.predict(TEXTS).tolist()
    rows = [[one["proba"][name] for name in own.classes_] for one in found]
    np.testing.assert_allclose(rows, own.predict_proba(TEXTS), atol=1e-4)
