"""Servers in processes of their own, for tests that need a real one."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from anyshot import AnyShotClassifier

CODE = """
import json, sys
from pathlib import Path
from anyshot.app.server.serving import serve
from anyshot.app.server.settings import Settings
folders, settings = json.loads(sys.argv[1])
settings = {name: Path(value) if name == "token_file" else value for name, value in settings.items()}
serve({name: Path(folder) for name, folder in folders.items()}, Settings(port=0, **settings))
"""
TEXTS = ["it is too dear", "I was charged twice", "the van never came", "where is my parcel", "I forgot my password"]
PATIENT = 300  # [s], for requests that must not fail on a busy machine
LABELS = ["billing", "billing", "delivery", "delivery", "login"]


class Served:
    """A server that runs: its address, its process, and what it writes to its log."""

    def __init__(self, process: subprocess.Popen, log: Path) -> None:
        self.process, self._log = process, log
        found = re.search(r"http://([\d.]+):(\d+)", process.stdout.readline())
        assert found, log.read_text()
        self.host, self.port = found[1], int(found[2])
        self.url = f"http://{self.host}:{self.port}"

    def log(self) -> str:
        return self._log.read_text()

    def connect(self, seconds: float = 30) -> socket.socket:
        return socket.create_connection((self.host, self.port), timeout=seconds)

    def raw(self, request: bytes, seconds: float = 30) -> bytes:
        """Send bytes, and return all that comes back until the server closes the connection."""
        with self.connect(seconds) as connection:
            with suppress(ConnectionError):  # the server may refuse it before all of it is sent
                connection.sendall(request)
            return read_all(connection)


def read_all(connection: socket.socket) -> bytes:
    found = b""
    try:
        while chunk := connection.recv(65536):
            found += chunk
    except (ConnectionResetError, TimeoutError):
        pass
    return found


def save_support(folder: Path, **options: object) -> Path:
    """Save a model of three classes of messages."""
    AnyShotClassifier(["billing", "delivery", "login"], **options).fit(TEXTS, LABELS).save(folder)
    return folder


@contextmanager
def served(folders: dict[str, Path], log: Path, **settings: object) -> Iterator[Served]:
    """Run a server of the models in these folders; unless told otherwise, it waits as long as a busy machine takes."""
    settings = {"time_limit": PATIENT, "client_limit": PATIENT, **settings}
    given = json.dumps([{name: str(path) for name, path in folders.items()}, settings], default=str)
    with (
        log.open("w") as stderr,
        subprocess.Popen(
            [sys.executable, "-c", CODE, given], stdout=subprocess.PIPE, stderr=stderr, text=True, env=os.environ
        ) as process,
    ):
        try:
            yield Served(process, log)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
