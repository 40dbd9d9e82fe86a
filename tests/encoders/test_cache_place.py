"""Where caches lie and how large they grow, by the environment."""

from pathlib import Path

import pytest

from anyshot.encoders.cache_place import LIMIT_MB, default_folder, default_limit
from anyshot.errors import InputError


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


@pytest.mark.parametrize("given", ["much", "-1", "nan"])
def test_a_limit_that_is_none_is_refused(given, monkeypatch):
    monkeypatch.setenv("ANYSHOT_CACHE_LIMIT", given)
    with pytest.raises(InputError, match=rf"ANYSHOT_CACHE_LIMIT is '{given}'; a number of megabytes is needed"):
        default_limit()
