"""The files of built-in encoders: where they are found, and what is said of those that are missing or wrong."""

import hashlib
import importlib.util
import os
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from anyshot.encoders import published_files
from anyshot.encoders.published_files import PUBLISHED, PublishedFile, PublishedModel, is_here, published_file
from anyshot.errors import MissingWeightsError
from module_copies import with_changes

CONTENT = b"the weights"
FILE = PublishedFile("weights.bin", len(CONTENT), sha256(CONTENT).hexdigest())


@pytest.fixture
def places(tmp_path, monkeypatch) -> dict[str, Path]:
    """Add a model "tiny", which is nowhere; return the folder that each place would have it in, in their order."""
    monkeypatch.setitem(
        PUBLISHED, "tiny", PublishedModel((FILE,), (("anyshot_tiny", ""), ("their_tiny", "model")), "x", "owner/tiny")
    )
    monkeypatch.setenv("ANYSHOT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ANYSHOT_WEIGHTS", str(tmp_path / "named"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    (tmp_path / "named").mkdir()
    monkeypatch.setattr(published_files, "weights_folders", lambda: [tmp_path / "named", tmp_path / "home"])
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return {
        "ANYSHOT_WEIGHTS": tmp_path / "named" / "tiny",
        "data folder": tmp_path / "home" / "tiny",
        "own package": tmp_path / "site" / "anyshot_tiny",
        "other package": tmp_path / "site" / "their_tiny" / "model",
        "hub": tmp_path / "hub" / "models--owner--tiny" / "snapshots" / "0",
    }


def put(folder: Path, content: bytes = CONTENT) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE.name).write_bytes(content)
    importlib.invalidate_caches()
    return folder / FILE.name


def test_the_places_are_looked_at_in_the_order_of_the_documentation(places):
    for folder in reversed(places.values()):
        expected = put(folder)
        assert published_file("tiny", FILE.name) == expected


def test_a_package_is_found_without_running_its_code(places):
    put(places["other package"])
    (places["other package"].parent / "__init__.py").write_text("raise SystemExit")
    assert published_file("tiny", FILE.name).is_file()
    assert "their_tiny" not in sys.modules


def test_a_missing_file_is_reported_with_the_command_that_gets_it(places):
    with pytest.raises(MissingWeightsError, match=r"of tiny are not on this machine.*Get it: anyshot fetch tiny"):
        published_file("tiny", FILE.name)
    assert not is_here("tiny")


@pytest.mark.parametrize("place", ["ANYSHOT_WEIGHTS", "data folder", "own package", "other package"])
@pytest.mark.parametrize(
    ("content", "words"), [(b"the w", "size is 5 bytes, not 11"), (b"THE WEIGHTS", "its sha256 is")]
)
def test_a_file_with_another_content_is_named(places, place, content, words):
    file = put(places[place], content)
    put(places["hub"])
    with pytest.raises(MissingWeightsError, match=words) as caught:
        published_file("tiny", FILE.name)
    assert str(file) in str(caught.value)
    assert not is_here("tiny")


def test_another_version_in_the_cache_of_the_hub_is_passed_over(places):
    other = put(places["hub"], b"THE WEIGHTS")
    file = put(places["hub"].with_name("1"))
    assert published_file("tiny", FILE.name) == file
    file.unlink()
    with pytest.raises(MissingWeightsError, match="not on this machine"):
        published_file("tiny", FILE.name)
    assert other.is_file()


def test_a_folder_in_place_of_the_file_is_refused(places):
    (places["data folder"] / FILE.name).mkdir(parents=True)
    with pytest.raises(MissingWeightsError, match="is not the published file of tiny"):
        published_file("tiny", FILE.name)


def test_a_folder_that_does_not_exist_is_refused(places):
    places["ANYSHOT_WEIGHTS"].parent.rmdir()
    with pytest.raises(
        MissingWeightsError, match=r"which is not a folder\. Unset it, or get the weights: anyshot fetch tiny"
    ):
        published_file("tiny", FILE.name)


def test_the_content_is_read_again_only_after_a_change(places, monkeypatch):
    file = put(places["data folder"])
    published_file("tiny", FILE.name)
    read = []
    noted = with_changes(hashlib, file_digest=lambda *given: read.append(1) or hashlib.file_digest(*given))
    monkeypatch.setattr(published_files, "hashlib", noted)
    published_file("tiny", FILE.name)
    assert not read
    os.utime(file, ns=(1, 1))
    published_file("tiny", FILE.name)
    assert read


def test_without_a_cache_folder_the_content_is_read_each_time(places, monkeypatch):
    file = put(places["data folder"])
    monkeypatch.setenv("ANYSHOT_CACHE", str(file))
    assert published_file("tiny", FILE.name) == file


def test_the_published_files_are_here():
    assert is_here("minilm")
    assert is_here("efficientnet-lite0")


def test_what_pip_downloads_has_the_version_that_the_project_is_tested_with():
    lines = (Path(__file__).parents[2] / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert {model.requirement for name, model in PUBLISHED.items() if name != "tiny"} <= set(lines)
