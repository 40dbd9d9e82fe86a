"""Logs are lines of JSON, one for each request, without what it sent."""

import json
import logging
import subprocess
import sys
import warnings

import pytest

from anyshot.app.server.limits import LimitedBodies
from anyshot.app.server.logs import JsonLines, LoggedRequests, log_warnings
from asgi import echo, request


def logged(caplog, *, items: bool = False, **options):
    app = LoggedRequests(LimitedBodies(echo, max_body=100, seconds=5), items=items)
    with caplog.at_level(logging.INFO, logger="anyshot"):
        answer = request(app, b'["my secret"]', content_type="application/json", **options)
    return answer, json.loads(JsonLines().format(caplog.records[-1]))


def test_a_request_is_logged_without_its_items(caplog):
    answer, line = logged(caplog)
    assert (line["message"], line["method"], line["status"]) == ("request", "POST", 200)
    assert line["request_id"] == answer.headers["x-request-id"]
    assert "secret" not in json.dumps(line)


def test_items_are_logged_if_asked(caplog):
    _, line = logged(caplog, items=True)
    assert line["body"] == '["my secret"]'


def test_a_request_that_is_over_holds_its_body_no_longer():
    kept = []

    async def keeping(scope, receive, send):
        kept.append(scope)
        await LoggedRequests(LimitedBodies(echo, max_body=100, seconds=5))(scope, receive, send)

    assert request(keeping, b'["a"]', content_type="application/json").body == b'["a"]'
    assert "body" not in kept[0]["state"]


@pytest.mark.parametrize("given", ["abc-1.2_3", "x" * 64])
def test_a_well_formed_request_id_is_kept(caplog, given):
    assert logged(caplog, x_request_id=given)[0].headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["a b", "x" * 65, 'a"}', "", "a\r\nb"])
def test_another_request_id_is_replaced(caplog, given):
    found = logged(caplog, x_request_id=given)[0].headers["x-request-id"]
    assert found != given
    assert len(found) == 32


def test_answers_have_headers_that_keep_browsers_careful(caplog):
    headers = logged(caplog)[0].headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "access-control-allow-origin" not in headers


def test_an_exception_is_one_line():
    try:
        raise ValueError("broken\nin two")
    except ValueError:
        record = logging.LogRecord("anyshot", logging.ERROR, "", 1, "it %s", ("failed",), sys.exc_info())
    line = JsonLines().format(record)
    assert "\n" not in line
    assert json.loads(line)["message"] == "it failed"
    assert "broken" in json.loads(line)["error"]


def test_what_other_libraries_say_is_a_line_of_json_too():
    code = "import logging, logging.config; from anyshot.app.server.logs import log_config\n"
    code += "logging.config.dictConfig(log_config()); logging.getLogger('asyncio').error('No more files.')"
    said = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, check=True).stderr
    assert json.loads(said)["message"] == "No more files."


def test_a_fault_has_the_id_of_its_request():
    async def broken(scope, receive, send):
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken") as caught:
        request(LoggedRequests(broken), x_request_id="mine")
    assert caught.value.__notes__ == ["The id of the request: mine"]


def test_a_warning_is_a_line_of_the_log_in_its_own_words(caplog):
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        log_warnings()
        warnings.warn("100 % of it is long", stacklevel=1)
    assert [(one.name, one.getMessage()) for one in caplog.records] == [("py.warnings", "100 % of it is long")]
