"""Where caches lie and how large they grow, by the environment."""

import os
import tempfile
from pathlib import Path

import pytest

from anyshot.errors import CacheError, InputError
from anyshot.store.location import LIMIT_MB, default_folder, default_limit


def test_the_environment_says_where_and_how_large(monkeypatch, tmp_path):
    monkeypatch.setenv("ANYSHOT_CACHE", str(tmp_path))
    monkeypatch.setenv("ANYSHOT_CACHE_LIMIT", "12.5")
    assert (default_folder(), default_limit()) == (tmp_path, 12.5)


def test_without_a_word_from_the_environment_it_is_the_users_cache_folder(monkeypatch):
    monkeypatch.delenv("ANYSHOT_CACHE", raising=False)
    monkeypatch.setenv("ANYSHOT_CACHE_LIMIT", "")
    assert default_folder().name == "anyshot"
    assert default_folder() != Path("anyshot")
    assert default_limit() == LIMIT_MB


def test_a_tilde_that_no_shell_has_read_is_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("ANYSHOT_CACHE", "~/c")
    assert default_folder() == tmp_path / "c"
    monkeypatch.setenv("ANYSHOT_CACHE", "~nobody-of-that-name/c")
    with pytest.raises(InputError, match=r"ANYSHOT_CACHE is '~nobody.*no such home folder\. Give a whole path"):
        default_folder()


@pytest.fixture
def homeless(monkeypatch, tmp_path):
    """Take the home from the environment, and the user from the list of users, as in a container."""
    pwd = pytest.importorskip("pwd")

    def nobody(user):
        raise KeyError(f"getpwuid(): uid not found: {user}")

    for name in ("HOME", "XDG_CACHE_HOME", "ANYSHOT_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"anyshot-{os.getuid()}"


def test_without_a_home_it_lies_among_the_temporary_folders(homeless):
    assert default_folder() == homeless
    homeless.mkdir()
    assert default_folder() == homeless


def test_a_temporary_folder_of_somebody_else_is_not_trusted(homeless, monkeypatch):
    homeless.mkdir()
    user = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: user + 1)
    homeless.rename(homeless.with_name(f"anyshot-{user + 1}"))
    with pytest.raises(CacheError, match=rf"belongs to user {user}, not to {user + 1}\. Set ANYSHOT_CACHE"):
        default_folder()


@pytest.mark.parametrize("given", ["much", "-1", "nan"])
def test_a_limit_that_is_none_is_refused(given, monkeypatch):
    monkeypatch.setenv("ANYSHOT_CACHE_LIMIT", given)
    with pytest.raises(InputError, match=rf"ANYSHOT_CACHE_LIMIT is '{given}'; a number of megabytes is needed"):
        default_limit()
