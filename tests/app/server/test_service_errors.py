"""Errors of the service have the status of their answer, and a full disk is known by its number."""

import errno

import pytest

from anyshot.app.server import service_errors
from anyshot.app.server.problems import problem_of
from anyshot.app.server.service_errors import ServiceError, is_disk_full

ERRORS = [one for one in vars(service_errors).values() if isinstance(one, type) and issubclass(one, ServiceError)]


@pytest.mark.parametrize("error", ERRORS)
def test_a_problem_has_the_status_and_the_words_of_its_error(error):
    found = problem_of(error("The words."))
    assert (found.status, found.detail) == (error.status, "The words.")
    assert ("retry-after" in found.headers) == (error.status == 503)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_disk_is_full_by_the_number_of_the_error(number):
    assert is_disk_full(OSError(number, "full"))
    assert not is_disk_full(OSError(errno.EACCES, "denied"))
    assert not is_disk_full(ValueError(number))
    assert not is_disk_full(None)
