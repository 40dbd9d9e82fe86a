"""A running studio that all tests of the page ask, since opening and closing one takes a third of a second."""

import pytest
from starlette.testclient import TestClient

from anyshot.app.studio.page import Projects, create_studio

HERE = "http://127.0.0.1:8777"


@pytest.fixture(scope="session")
def client(tmp_path_factory):
    projects = Projects(tmp_path_factory.mktemp("projects"))
    with TestClient(create_studio(projects), base_url=HERE) as client:
        client.headers["X-Anyshot-Token"] = client.get("/token").json()["token"]
        client.projects = projects
        yield client


def created(client):
    return client.post("/projects", json={"name": "mail", "kind": "texts"}).json()["address"]


@pytest.fixture
def base(client):
    """A project, which is removed at the end: as long as it is open, it has a thread that looks for changes."""
    base = created(client)
    yield base
    client.post(f"/projects/{base.split('/')[2]}/remove", json={})


@pytest.fixture
def filled(client, base):
    """A project with two classes and two items."""
    client.post(base + "classes", json={"names": "billing, login"})
    client.post(base + "items", json={"texts": ["I was charged twice", "I cannot sign in"]})
    return base


@pytest.fixture(scope="session")
def unchanged(client):
    """A project that no test changes."""
    base = created(client)
    client.post(base + "classes", json={"names": "billing, login"})
    client.post(base + "items", json={"texts": ["I was charged twice", "I cannot sign in"]})
    return base
