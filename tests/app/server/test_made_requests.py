"""A request that is sent again with its key changes a model once, whichever process answers and whatever was killed."""

from functools import partial

import pytest

from anyshot import AnyShotClassifier
from anyshot.app.server.changes import AddExamples
from anyshot.app.server.live_model import LiveModel, RollBack
from anyshot.app.server.made_requests import MOST, ChangeRequest, MadeRequests
from anyshot.app.server.service_errors import KeyUsedError
from anyshot.base.labels import Label
from anyshot.errors import DataFileError
from anyshot.tasks.loading import load

REQUEST = ChangeRequest("a", "digest")
MORE = AddExamples([[0.9, 0.3, 0.0]], ["right"])


@pytest.fixture
def live(tmp_path):
    classes: dict[Label, list[float]] = {"left": [-1.0, 0.0, 0.1], "right": [1.0, 0.0, 0.1]}
    AnyShotClassifier(classes, cache=False).fit([[-0.8, 0.5, 0.2]], ["left"]).save(tmp_path / "points")
    served = LiveModel("points", tmp_path / "points", partial(load, cache=False))
    yield served
    served.close()


def n_labels(live):
    return len(live.snapshot.model.data.index)


def test_a_request_is_made_once_also_by_another_process_and_after_it_was_rolled_back(live, tmp_path):
    assert [live.change(MORE, REQUEST).result() for _ in range(2)] == [2, 2]
    assert n_labels(live) == 2
    live.change(RollBack()).result()
    other = LiveModel("points", tmp_path / "points", partial(load, cache=False))
    assert other.change(MORE, REQUEST).result() == 2
    assert (other.snapshot.version, n_labels(other)) == (3, 1)
    other.close()


def test_requests_that_wait_together_are_one_if_their_key_is(live):
    with live._changing():  # as another process would
        done = [live.change(MORE, REQUEST) for _ in range(3)] + [live.change(MORE, REQUEST._replace(digest="other"))]
        last = live.change(MORE)
    assert [one.result() for one in done[:3]] == [2, 2, 2]
    with pytest.raises(KeyUsedError, match="a key of its own"):
        done[3].result()
    last.result()
    assert n_labels(live) == 3


def test_the_key_of_another_request_is_refused(live):
    live.change(MORE, REQUEST).result()
    with pytest.raises(KeyUsedError, match="a key of its own"):
        live.change(MORE, REQUEST._replace(digest="other")).result()
    assert n_labels(live) == 2


def test_a_request_whose_version_was_never_in_place_is_made(live):
    live.versions.requests.note([REQUEST], 2)  # and then the process is killed
    live.change(MORE).result()
    assert live.change(MORE, REQUEST).result() == 3
    assert n_labels(live) == 3


@pytest.mark.parametrize("content", [b"", b"[]", b'{"a": 1}', b'{"a": [1, "b"', b"\xff"])
def test_no_change_is_made_while_the_keys_cannot_be_read_and_no_service_starts(live, tmp_path, content):
    live.change(MORE, REQUEST).result()
    file = live.versions.place / "requests.json"
    kept = file.read_bytes()
    file.write_bytes(content)
    for request in (REQUEST, None):
        with pytest.raises(DataFileError, match=r"requests\.json holds the Idempotency-Keys .* Restore the file"):
            live.change(MORE, request).result()
    with pytest.raises(DataFileError, match="Restore the file"):
        LiveModel("points", tmp_path / "points", partial(load, cache=False))
    assert LiveModel("points", tmp_path / "points", partial(load, cache=False), read_only=True).snapshot.version == 2
    file.write_bytes(kept)
    assert live.change(MORE, REQUEST).result() == 2


def test_the_last_requests_are_known(tmp_path):
    found = MadeRequests(tmp_path / "requests.json")
    found.note([ChangeRequest(str(number), "") for number in range(MOST + 1)], 2)
    known = [found.version_of(ChangeRequest(key, ""), current=2) for key in ("0", "1", str(MOST))]
    assert known == [None, 2, 2]
