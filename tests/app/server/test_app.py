"""The application: its health, what it tells of itself, and which addresses and methods it has."""

import asyncio

import pytest
from fastapi.testclient import TestClient

from anyshot.app.server.app import create_app
from anyshot.app.server.edge import Edge
from anyshot.app.server.live_model import LiveModel
from anyshot.app.server.opening import open_models
from anyshot.app.server.settings import Settings
from anyshot.tasks.loading import load


def test_it_is_live_and_ready_until_it_closes(saved):
    settings = Settings(read_only=True)
    app = create_app(open_models({"points": saved / "points"}, settings), settings)
    with TestClient(app) as running:
        assert running.get("/health/live").json() == {"status": "live"}
        assert running.get("/health/ready").json() == {"status": "ready", "models": ["points"]}
        app.state.service.closing = True
        assert running.get("/health/ready").status_code == 503
        assert running.get("/health/live").status_code == 200
        app.state.service.closing = False
    assert app.state.service.closing  # since the application ended


class Noting(LiveModel):
    """A model that notes when it is prepared for changes."""

    is_prepared = False

    def prepare(self) -> None:
        self.is_prepared = True
        super().prepare()


def test_it_prepares_for_changes_once_it_accepts_requests(saved):
    live = Noting("points", saved / "points", load, read_only=True)
    app = create_app([live], Settings(read_only=True))

    async def run() -> bool:
        async with app.router.lifespan_context(app):
            at_first = live.is_prepared
            while not live.is_prepared:
                await asyncio.sleep(0.01)
            return at_first

    assert not asyncio.run(run())


def test_other_addresses_and_methods_are_refused_in_words(client):
    asked = (("GET", "/v1/nothing", 404, "nothing at"), ("GET", "/v1/models/support/predict", 405, "address: POST."))
    for method, path, status, words in asked:
        answer = client.request(method, path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert words in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/v1/models/points/classes/left", "PATCH, DELETE"), ("/metrics", "GET, HEAD"), ("/v1/embeddings", "POST")],
)
def test_all_methods_of_an_address_are_told(client, path, allowed):
    assert client.put(path).headers["allow"] == allowed


def test_head_is_answered_as_get(client):
    edge = TestClient(Edge(client.app, client.app.state.service), base_url="http://localhost")
    assert edge.head("/health/live").status_code == edge.head("/v1/models").status_code == 200


def test_a_request_that_is_refused_early_is_counted_by_its_route(client):
    edge = TestClient(Edge(client.app, client.app.state.service), base_url="http://rebound.example")
    for path in ("/v1/models/support", "/metrics", "/v1/models/support/predict/nothing"):
        assert edge.get(path).status_code == 421
    found = client.get("/metrics").text
    for route in ("/v1/models/{model}", "/metrics", "unknown"):
        assert f'anyshot_requests_total{{method="GET",route="{route}",status="421"}} 1.0' in found


def test_an_address_that_ends_in_a_slash_is_answered(client):
    edge = TestClient(Edge(client.app, client.app.state.service), base_url="http://localhost", follow_redirects=False)
    assert edge.get("/v1/models/points/").json()["name"] == "points"
    body = {"name": "up/", "description": [0.0, 0.1, 1.0]}
    assert edge.post("/v1/models/points/classes/", json=body).status_code == 200
    assert edge.delete("/v1/models/points/classes/up%2F").status_code == 200


def test_the_description_has_working_examples(client):
    found = client.get("/openapi.json").json()
    content = found["paths"]["/v1/models/{model}/predict"]["post"]["requestBody"]["content"]
    name = content["application/json"]["schema"]["$ref"].rsplit("/", 1)[-1]
    example, of_rows = found["components"]["schemas"][name]["examples"]
    answer = client.post("/v1/models/support/predict", json=example)
    assert answer.json()["answers"][0]["label"] == "billing"
    assert "reads texts" in client.post("/v1/models/support/predict", json=of_rows).json()["detail"]
