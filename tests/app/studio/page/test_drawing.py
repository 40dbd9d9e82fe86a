"""Problems and the language of an answer."""

import pytest

from anyshot.app.studio.page.drawing import problem
from anyshot.app.studio.page.texts import texts_in
from anyshot.errors import DataFileError, ProjectError, UnknownClassError


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (DataFileError("a.csv is empty."), 422),
        (UnknownClassError("There is no class 7."), 404),
        (ProjectError("There is no project 'x'."), 409),
        (OSError(13, "Permission denied"), 500),
        (OSError(28, "No space left on device"), 507),
    ],
)
def test_each_kind_of_error_has_its_status(error, status):
    assert problem(error, texts_in("en")).status == status


def test_the_language_is_that_of_the_cookie_or_else_of_the_browser(client, unchanged):
    german = client.get(unchanged + "history", headers={"Accept-Language": "de-AT"})
    chosen = client.get(unchanged + "history", headers={"Accept-Language": "de", "Cookie": "anyshot_language=en"})
    assert ("Verlauf" in german.text, "History" in chosen.text) == (True, True)
    assert german.headers["cache-control"] == "no-store"
