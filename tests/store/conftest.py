"""Fixture of the tests of the disk cache."""

from pathlib import Path

import pytest

from anyshot.store.disk_cache import VectorCache


@pytest.fixture
def cache(tmp_path: Path) -> VectorCache:
    return VectorCache(tmp_path / "cache")
