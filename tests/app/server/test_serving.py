"""The service as a developer runs it: started by the command, killed, started again; and in several processes."""

import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import httpx
import pytest
import uvicorn
from uvicorn.supervisors import multiprocess

from anyshot.app.server.listening import listening
from anyshot.app.server.metrics import counted_together
from anyshot.app.server.serving import _Processes, load_app, serve
from anyshot.app.server.settings import Settings
from anyshot.errors import InputError
from served import PATIENT, Served, save_support, served


@pytest.fixture
def folder(tmp_path):
    return save_support(tmp_path / "support", cache=False)


@contextmanager
def commanded(log, *arguments):
    """Run the command `anyshot serve` on a free port."""
    command = [sys.executable, "-m", "anyshot", "serve", *map(str, arguments), "--port", "0"]
    with (
        log.open("w") as stderr,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True) as process,
    ):
        try:
            yield Served(process, log)
        finally:
            process.kill()


@pytest.mark.full  # test_kills.py kills writers by default
def test_a_killed_service_goes_on_with_what_it_acknowledged(folder, tmp_path):
    with commanded(tmp_path / "log", folder) as first:
        at = f"{first.url}/v1/models/support"
        body = {"name": "refund", "description": "money back", "examples": ["I want my money back"]}
        assert httpx.post(f"{at}/classes", json=body, timeout=PATIENT).json() == {"version": 2}
        first.process.send_signal(signal.SIGKILL)
    with commanded(tmp_path / "log", f"help={folder}") as again:
        at = f"{again.url}/v1/models/help"
        found = httpx.post(f"{at}/predict", json={"items": "give me my money back"}, timeout=PATIENT).json()
        assert (found["version"], found["answers"][0]["label"]) == (2, "refund")
        assert httpx.post(f"{at}/rollback", json={}, timeout=PATIENT).json() == {"version": 3}
        again.process.send_signal(signal.SIGTERM)
        assert again.process.wait(PATIENT) == 0


@pytest.mark.parametrize(
    ("settings", "words"), [({"token_file": Path("none")}, "file of tokens"), ({"host": "0.0.0.0"}, "needs tokens")]
)
def test_tokens_are_checked_before_models_are_loaded(settings, words):
    with pytest.raises(InputError, match=words):
        serve({"support": Path("no folder")}, Settings(port=0, **settings))


def test_an_address_in_use_is_told_in_one_sentence():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(
            InputError, match=f"Port {port} of 127.0.0.1 cannot be used: Address already in use. Choose"
        ):
            serve({"support": Path("no folder")}, Settings(port=port))


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="the machine has IPv4 only")
def test_a_socket_on_all_addresses_takes_ipv4_and_ipv6():
    with listening("::", 0, remedy="") as bound:
        for host in ("127.0.0.1", "::1"):
            socket.create_connection((host, bound.getsockname()[1]), timeout=PATIENT).close()


@pytest.fixture
def signals():
    """Undo what a supervisor sets."""
    before = {number: signal.getsignal(number) for number in multiprocess.SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_process_that_ends_while_it_is_asked_whether_it_lives_is_replaced(signals):
    config = uvicorn.Config(load_app, factory=True, timeout_worker_healthcheck=PATIENT)
    processes = _Processes(config, [], "")
    ends = multiprocess.Process(config, [])
    ends.process = get_context("spawn").Process(target=Connection.recv, args=(ends.child_conn,))  # ends when asked
    ends.start()
    processes.processes = [ends]
    replacing = threading.Thread(target=processes.keep_subprocess_alive, daemon=True)
    with counted_together():
        replacing.start()
        replacing.join(PATIENT / 3)
    assert not replacing.is_alive()
    (replacement,) = processes.processes
    assert replacement is not ends
    replacement.kill()
    replacement.join()


@pytest.mark.full
def test_processes_that_cannot_start_end_the_service(signals, tmp_path):
    with pytest.raises(InputError, match="did not start"):
        serve({"support": tmp_path / "nothing"}, Settings(port=0, workers=2))


@pytest.mark.full
def test_processes_that_share_an_address_see_each_change_count_together_and_end_together(folder, tmp_path):
    with served({"support": folder}, tmp_path / "log", workers=2) as server:
        at = f"{server.url}/v1/models/support"
        with httpx.Client(timeout=PATIENT) as client:
            done = client.post(f"{at}/examples", json={"items": ["no sign of my order"], "labels": ["delivery"]})
        version = done.json()["version"]
        asked = 0
        for _ in range(100):
            seen = [httpx.get(at, timeout=PATIENT).json()["version"] for _ in range(8)]  # new connections, any process
            asked += len(seen)
            if set(seen) == {version}:
                break
            time.sleep(0.05)
        assert set(seen) == {version}
        line = 'anyshot_requests_total{method="GET",route="/v1/models/{model}",status="200"}'
        counted = [
            [own for own in httpx.get(f"{server.url}/metrics", timeout=PATIENT).text.splitlines() if line in own]
            for _ in range(8)
        ]
        assert counted == [[f"{line} {asked}.0"]] * 8
        server.process.kill()
        with suppress(httpx.TransportError):
            while True:  # until nothing listens
                httpx.get(f"{server.url}/health/live", timeout=PATIENT)
