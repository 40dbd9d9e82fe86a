"""What a request brings: an object in JSON, whole numbers and texts."""

import pytest

from anyshot.app.studio.page.request_bodies import MalformedRequestError, text, whole


def test_a_body_that_is_not_json_is_refused(client, unchanged):
    assert client.post(unchanged + "labels", content=b"[" * 100_000).status_code == 422


@pytest.mark.parametrize("value", [True, 1.5, "1e3", "", None, "1 ", 10**20, [1]])
def test_what_is_no_whole_number_is_refused(value):
    with pytest.raises(MalformedRequestError, match="n must be a whole number"):
        whole({"n": value}, "n")


def test_numbers_and_texts_are_read_as_forms_send_them():
    assert (whole({"n": "-3"}, "n"), text({"t": " a "}, "t"), text({}, "t")) == (-3, "a", "")
    with pytest.raises(MalformedRequestError, match="t must be a text"):
        text({"t": 1}, "t")
