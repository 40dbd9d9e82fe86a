"""Fixture of the tests of AnyShotClassifier."""

import pytest

from anyshot import AnyShotClassifier
from labeled_items import WORDS


@pytest.fixture
def clf(letters):
    return AnyShotClassifier(list(WORDS), encoder=letters, cache=False)
