"""The cache of the Hugging Face hub, read as its own library reads it."""

import os
import subprocess
import sys

import pytest

from anyshot.encoders.hub.cache import hub_cache_folder, is_in_cache, snapshots

SETTINGS = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME")


@pytest.mark.parametrize("given", [{}, *({name: "given"} for name in SETTINGS), {"HF_HOME": "a", "HF_HUB_CACHE": "b"}])
def test_the_folder_is_that_of_the_hubs_library(monkeypatch, tmp_path, given):
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    for name, folder in given.items():
        monkeypatch.setenv(name, str(tmp_path / folder))
    code = "from huggingface_hub import constants; print(constants.HF_HUB_CACHE)"
    theirs = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
    assert str(hub_cache_folder()) == theirs


@pytest.fixture
def model(monkeypatch, tmp_path):
    """Return the folder of the model owner/name in an empty cache."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    return tmp_path / "models--owner--name"


def test_the_snapshot_of_the_main_branch_is_the_first(model):
    for commit in ("0", "1", "2"):
        (model / "snapshots" / commit).mkdir(parents=True)
    assert [folder.name for folder in snapshots("owner/name")] == ["0", "1", "2"]
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text("1\n")
    assert [folder.name for folder in snapshots("owner/name")] == ["1", "0", "2"]


@pytest.mark.parametrize("source", ["owner/name", "", "..", "a/../../b", "two words", os.sep])
def test_what_is_not_in_the_cache_has_no_snapshots(model, source):
    assert snapshots(source) == []


def test_a_model_is_in_the_cache_if_its_settings_are(model):
    (model / "snapshots" / "0").mkdir(parents=True)
    assert not is_in_cache("owner/name")
    (model / "snapshots" / "0" / "config.json").touch()
    assert is_in_cache("owner/name")
