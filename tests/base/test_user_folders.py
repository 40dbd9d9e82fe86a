"""The user's folders, with and without environment variables and a home folder."""

import os
import tempfile
from pathlib import Path

import pytest

from anyshot.base import user_folders
from anyshot.base.user_folders import cache_folder, weights_folders
from anyshot.errors import CacheError, InputError
from module_copies import with_changes


def test_without_environment_variables_the_users_cache_folder_is_used(monkeypatch):
    monkeypatch.delenv("ANYSHOT_CACHE", raising=False)
    assert cache_folder().name == "anyshot"
    assert cache_folder() != Path("anyshot")


def test_a_tilde_is_expanded_to_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("ANYSHOT_CACHE", "~/c")
    assert cache_folder() == tmp_path / "c"
    monkeypatch.setenv("ANYSHOT_CACHE", "~nobody-of-that-name/c")
    with pytest.raises(InputError, match=r"ANYSHOT_CACHE is '~nobody.*no such home folder\. Give an absolute path"):
        cache_folder()


@pytest.fixture
def homeless(monkeypatch, tmp_path):
    """Remove the home folder from the environment and the list of users, as in a container."""
    pwd = pytest.importorskip("pwd")

    def nobody(user):
        raise KeyError(f"getpwuid(): uid not found: {user}")

    for name in ("HOME", "XDG_CACHE_HOME", "ANYSHOT_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.setattr(user_folders, "tempfile", with_changes(tempfile, gettempdir=lambda: str(tmp_path)))
    return tmp_path / f"anyshot-{os.getuid()}"


def test_without_a_home_folder_the_cache_is_among_the_temporary_files(homeless):
    assert cache_folder() == homeless
    homeless.mkdir()
    assert cache_folder() == homeless


def test_a_temporary_folder_of_another_user_raises_an_error(homeless, monkeypatch):
    homeless.mkdir()
    user = os.getuid()
    monkeypatch.setattr(user_folders, "os", with_changes(os, getuid=lambda: user + 1))
    homeless.rename(homeless.with_name(f"anyshot-{user + 1}"))
    with pytest.raises(CacheError, match=rf"belongs to user {user}, not to {user + 1}\. Set ANYSHOT_CACHE"):
        cache_folder()


def test_weights_are_in_the_named_folder_first_and_then_in_the_users(monkeypatch, tmp_path):
    monkeypatch.delenv("ANYSHOT_WEIGHTS", raising=False)
    (users,) = weights_folders()
    assert users.parts[-2:] == ("anyshot", "weights")
    monkeypatch.setenv("ANYSHOT_WEIGHTS", str(tmp_path))
    assert weights_folders() == [tmp_path, users]


def test_a_user_without_a_home_folder_has_only_the_named_folder(homeless, monkeypatch):
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("ANYSHOT_WEIGHTS", raising=False)
    assert weights_folders() == []
    monkeypatch.setenv("ANYSHOT_WEIGHTS", str(homeless))
    assert weights_folders() == [homeless]
