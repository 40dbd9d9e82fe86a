"""Downloads from the Hugging Face hub that its server refuses, or that do not reach it."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from huggingface_hub import constants
from huggingface_hub.utils import are_progress_bars_disabled

from anyshot.encoders.hub.download import download_model
from anyshot.errors import MissingWeightsError, UnknownEncoderError


class Refusal(BaseHTTPRequestHandler):
    """A hub that answers every request with one status and error code."""

    def do_GET(self) -> None:
        status, code = self.server.answer
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def hub(tmp_path, monkeypatch):
    own = ThreadingHTTPServer(("127.0.0.1", 0), Refusal)
    threading.Thread(target=own.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{own.server_port}")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    yield own
    own.shutdown()
    own.server_close()


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        ((403, "GatedRepo"), MissingWeightsError, r"requires you to accept its terms.*hf auth login"),
        ((404, "RepoNotFound"), UnknownEncoderError, r"The hub has no model 'owner/name' that you can read"),
    ],
)
def test_a_refusal_says_what_to_do(hub, answer, error, words):
    hub.answer = answer
    with pytest.raises(error, match=words):
        download_model("owner/name", ["*.json"], ignored=[])


@pytest.mark.usefixtures("hub")
def test_a_source_that_is_not_an_id_is_refused():
    with pytest.raises(UnknownEncoderError, match="neither a folder nor the id of a model"):
        download_model("two words", ["*.json"], ignored=[])


@pytest.mark.usefixtures("hub")
def test_without_a_network_the_command_that_downloads_is_named(monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(MissingWeightsError, match=r"the hub cannot be reached.*`hf download owner/name"):
        download_model("owner/name", ["*.json"], ignored=[])
    assert not are_progress_bars_disabled()
