"""The page /docs shows every address with a command that works, and loads nothing."""

import html
import re
import subprocess

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from anyshot.app.server.docs_page import CSP, STYLE
from served import PATIENT, save_support, served

N_REQUESTS = {"few": 4, "full": 130}
"""Requests that are made for each address, of which there are about 25."""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    yield from without_faults(tmp_path_factory.mktemp("docs"))


@pytest.fixture
def other_server(tmp_path):
    """A server whose model the commands of the page do not change."""
    yield from without_faults(tmp_path)


def without_faults(folder):
    with served({"support": save_support(folder / "support")}, folder / "log") as running:
        yield running
        assert "Traceback" not in running.log()


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_page_loads_nothing_and_runs_no_code(server):
    answer = run("curl", "-si", f"{server.url}/docs")
    assert f"content-security-policy: {CSP}" in answer
    assert STYLE in answer
    assert 'href="openapi.json"' in answer, "also where a proxy adds the beginning of the address"
    assert "location: docs\n" in run("curl", "-si", server.url)
    assert not re.findall(r"<(?:script|link|img|iframe|form)\b|\bsrc=|@import|url\(", answer)


def test_every_command_on_the_page_works(server):
    """As they stand there, in their order; what renames, merges or removes classes is taken back."""
    page = run("curl", "-s", f"{server.url}/docs")
    commands = [html.unescape(one) for one in re.findall(r"<pre>(curl .*?)</pre>", page, re.DOTALL)]
    assert len(commands) > 15
    for command in commands:
        found = run("bash", "-c", command.replace("curl ", "curl -s -o /dev/null -w '%{http_code}' ", 1))
        expected = {"200", "201"}
        if "/versions/1" in command:
            expected |= {"404"}  # the page names version 1, which is no longer the current one
        assert found in expected, (command, found)
        if any(word in command for word in ("PATCH", "DELETE", "/merge", "/rollback")):
            httpx.post(f"{server.url}/v1/models/support/rollback", json={}, timeout=PATIENT).raise_for_status()


def test_no_request_of_the_described_kinds_is_a_fault(other_server, pytestconfig):
    """Requests made at random from the description, in and out of its bounds, never get a 500."""
    n = N_REQUESTS["full" if pytestconfig.getoption("full") else "few"]
    schema = schemathesis.openapi.from_url(f"{other_server.url}/openapi.json")
    statuses: list[int] = []

    for operation in schema.get_all_operations():
        api = operation.ok()
        if api.method.upper() == "DELETE":
            continue  # the model has to keep its classes

        @settings(
            max_examples=n,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def ask(case) -> None:
            if "{model}" in case.path and "model" in case.path_parameters and len(statuses) % 4:
                case.path_parameters["model"] = "support"  # most of the time, so that bodies are read
            status = case.call(timeout=PATIENT).status_code
            statuses.append(status)
            assert status != 500, case.as_curl_command()

        given(case=api.as_strategy())(ask)()

    assert len(statuses) >= 80
    assert {200, 422} <= set(statuses)
