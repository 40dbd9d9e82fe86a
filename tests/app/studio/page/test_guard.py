"""Other sites cannot read or change what the studio has."""

import pytest
from starlette.testclient import TestClient

from anyshot.app.studio.page import Projects, create_studio

HERE = "http://127.0.0.1:8777"


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with TestClient(create_studio(Projects(tmp_path_factory.mktemp("projects"))), base_url=HERE) as client:
        yield client


def made(client, **headers):
    token = client.get("/token").json()["token"]
    return client.post("/projects", json={"name": "mail"}, headers={"X-Anyshot-Token": token, **headers})


def test_the_page_itself_creates_a_project(client):
    assert made(client, Origin=HERE).json() == {"address": "/p/mail/"}


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Anyshot-Token": ""},
        {"X-Anyshot-Token": "é".encode()},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
    ],
)
def test_a_request_of_another_site_is_refused(client, headers):
    answer = made(client, **headers)
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")


def test_a_foreign_name_of_this_computer_reads_nothing(client):
    assert client.get("/token", headers={"Host": "rebound.example"}).status_code == 403


def test_the_content_policy_allows_nothing_from_elsewhere(client):
    policy = client.get("/").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize("name", ["..", "%2e%2e", "..%2f..%2fetc", "%5c..%5c", "missing", "%00"])
def test_no_name_of_a_project_leads_to_another_folder(client, name):
    assert client.get(f"/p/{name}/quality").status_code in (404, 409)


@pytest.mark.parametrize("name", ["..%2ftexts.json", "%2e%2e/texts.json", "..%5ctexts.json"])
def test_static_files_are_those_of_their_folder(client, name):
    assert client.get(f"/static/{name}").status_code == 404
