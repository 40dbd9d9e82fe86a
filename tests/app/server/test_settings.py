"""Settings of the service."""

import pytest

from anyshot.app.server.settings import Settings
from anyshot.errors import InputError


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("max_items", 10_001, "max_items=10,001 is more than a request may have. Choose at most 10,000"),
        ("max_items", 0, "max_items must be above 0, not 0"),
        ("kept_versions", 0, "kept_versions must be above 0, not 0"),
        ("time_limit", float("nan"), "time_limit must be above 0, not nan"),
        ("answers_mb", -1, "answers_mb must be 0 or more, not -1"),
    ],
)
def test_numbers_that_the_service_cannot_run_by_are_refused(name, value, words):
    with pytest.raises(InputError, match=words):
        Settings(**{name: value})


def test_the_largest_and_the_smallest_numbers_are_taken():
    assert Settings(max_items=10_000, port=0, cache_mb=0, answers_mb=0).max_items == 10_000
