"""A served model: snapshots, one writer, versions on disk, and what happens to its folder."""

import errno
import math
import os
import time
from functools import partial
from operator import methodcaller

import numpy as np
import pytest
from fastapi.testclient import TestClient

from anyshot import AnyShotClassifier
from anyshot.app.server import live_model
from anyshot.app.server.app import create_app
from anyshot.app.server.changes import AddExamples, AddUnlabeled, adding_class, fit_classes, fits_slowly
from anyshot.app.server.live_model import LiveModel, RollBack
from anyshot.app.server.service_errors import (
    FolderGoneError,
    NotChangeableError,
    NotSavedError,
    UnknownVersionError,
)
from anyshot.app.server.settings import Settings
from anyshot.base import files
from anyshot.base.files import folder_lock
from anyshot.errors import InputError, ModelFolderError, UnknownClassError
from anyshot.tasks.loading import load

CLASSES = {"left": [-1.0, 0.0, 0.1], "right": [1.0, 0.0, 0.1]}
POINTS = [[0.9, 0.3, 0.0], [-0.8, 0.5, 0.2]]
LABELS = ["right", "left"]
reading = partial(load, cache=False)


@pytest.fixture
def folder(tmp_path):
    AnyShotClassifier(CLASSES, cache=False).fit(POINTS, LABELS).save(tmp_path / "points")
    return tmp_path / "points"


@pytest.fixture
def live(folder):
    served = LiveModel("points", folder, reading, keep=3)
    yield served
    served.close()


def n_labels(live):
    return len(live.snapshot.classifier.any_shot_model().data.index)


def test_a_change_is_a_new_version_and_leaves_the_old_snapshot_alone(live, folder):
    before = live.snapshot
    answers = before.classifier.predict_proba(POINTS)
    assert live.change(adding_class("up", [0.0, 1.0, 0.1], [[0.1, 0.9, 0.0]])).result() == before.version + 1 == 2
    np.testing.assert_array_equal(before.classifier.predict_proba(POINTS), answers)
    assert live.snapshot.classifier.classes_.tolist() == ["left", "right", "up"]
    np.testing.assert_array_equal(reading(folder).predict_proba(POINTS), live.snapshot.classifier.predict_proba(POINTS))
    assert live.change(methodcaller("remove_class", "up")).result() == 3
    assert live.change(AddUnlabeled(POINTS)).result() == 4


@pytest.fixture
def large(tmp_path):
    """Return the folder of a model of 60 classes, whose fit takes long."""
    random = np.random.default_rng(0)
    centers = random.normal(size=(60, 160))
    items, names = np.repeat(centers, 4, axis=0) + 0.5 * random.normal(size=(240, 160)), [f"c{k}" for k in range(60)]
    clf = AnyShotClassifier(dict(zip(names, centers, strict=True)), cache=False).fit(items, np.repeat(names, 4))
    assert fits_slowly(clf)
    clf.save(tmp_path / "large")
    return tmp_path / "large"


def test_a_class_of_a_large_model_is_answered_before_all_classes_are_fitted_again(large, monkeypatch):
    monkeypatch.setattr(live_model, "REST", math.inf)  # a busy machine takes long between two changes
    live, new = LiveModel("large", large, reading), np.random.default_rng(1).normal(size=160)
    assert live.change(adding_class("new", new)).result() == 2
    assert (live.snapshot.is_provisional, live.awaits_fit()) == (True, False), "other changes may follow at once"
    assert live.change(adding_class("newer", -new)).result() == 3
    assert live.snapshot.classifier.predict([new, -new]).tolist() == ["new", "newer"]
    live.close()
    assert (live.snapshot.version, live.snapshot.is_provisional) == (4, False)
    assert live.snapshot.classifier.predict([new, -new]).tolist() == ["new", "newer"]


def test_one_goes_back_to_the_version_before_a_class_was_added(large):
    live, new = LiveModel("large", large, reading), np.random.default_rng(1).normal(size=160)
    for name, item in (("new", new), ("newer", -new)):
        live.change(adding_class(name, item)).result()
    assert live.change(fit_classes).result() == live.change(fit_classes).result(), "nothing is left to fit"
    live.close()
    live = LiveModel("large", large, reading)  # also after a start, when only files tell what each version is
    proba, (first, *_, fitted) = live.snapshot.classifier.predict_proba([new, -new]), live.versions.numbers()
    live.change(RollBack()).result()
    assert "newer" not in live.snapshot.classifier.classes_
    live.change(RollBack(fitted - 1)).result()  # the version of the change that was answered
    assert live.snapshot.is_provisional
    live.change(fit_classes).result()
    np.testing.assert_allclose(live.snapshot.classifier.predict_proba([new, -new]), proba, atol=1e-3)
    live.change(RollBack(first)).result()
    assert len(live.snapshot.classifier.classes_) == 60
    live.close()


def test_what_a_killed_process_had_not_fitted_is_fitted_after_the_next_start(folder):
    read = reading(folder)
    read.add_class("up", [0.0, 1.0, 0.1], refit=False)
    assert read.any_shot_model().provisional
    read.save(folder)
    live = LiveModel("points", folder, reading)
    with TestClient(create_app([live], Settings())):
        assert (live.snapshot.version, live.snapshot.is_provisional) == (1, True)
        while live.snapshot.is_provisional:
            time.sleep(0.01)
    assert live.snapshot.version == 2


def test_changes_that_wait_are_saved_together_and_each_is_there(live):
    with folder_lock(live.versions.folder):
        done = [live.change(AddExamples([[1.0, row / 100, 0.0]], ["right"])) for row in range(60)]
    assert max(future.result() for future in done) == live.snapshot.version <= 3
    assert n_labels(live) == 62


def test_a_change_that_cannot_be_made_fails_alone(live):
    good = [live.change(AddExamples([POINTS[0]], ["right"])) for _ in range(3)]
    bad = [live.change(AddExamples([POINTS[0]], ["rihgt"])), live.change(AddExamples([[np.nan] * 3], ["left"]))]
    last = live.change(AddExamples([POINTS[1]], ["left"]))
    with pytest.raises(UnknownClassError, match="Did you mean 'right'"):
        bad[0].result()
    with pytest.raises(InputError, match="NaN"):
        bad[1].result()
    assert last.result() >= max(future.result() for future in good)
    assert n_labels(live) == 6


def test_a_version_that_was_never_in_place_is_written_anew(live, folder):
    AnyShotClassifier(CLASSES, cache=False).fit().save(live.versions.place / "2")
    again = LiveModel("points", folder, reading)
    assert again.snapshot.version == 1
    assert again.change(AddExamples([POINTS[0]], ["right"])).result() == 2
    assert n_labels(again) == 3
    again.close()


@pytest.mark.filterwarnings("ignore:Waiting for")  # on a busy machine
def test_processes_that_serve_one_folder_lose_no_change(live, folder):
    other = LiveModel("points", folder, reading, keep=3)
    done = [one.change(AddExamples([[1.0, row / 9, 0.0]], ["right"])) for row in range(9) for one in (live, other)]
    assert len({future.result() for future in done}) >= 2
    for one in (live, other):
        one.refresh().result()
        assert n_labels(one) == 20
    assert live.snapshot.version == other.snapshot.version
    assert not live.is_outdated()
    other.close()


def test_rolling_back_gives_an_earlier_version_a_new_number(live, folder):
    for _ in range(4):
        live.change(AddExamples([POINTS[0]], ["right"])).result()
    assert (live.snapshot.version, live.kept_versions()) == (5, [3, 4])
    assert live.change(RollBack()).result() == 6
    assert n_labels(live) == 5
    assert live.change(RollBack(5)).result() == 7
    assert n_labels(live) == 6
    with pytest.raises(UnknownVersionError, match=r"Version 3 is not kept. Kept before the current one: 5, 6\."):
        live.change(RollBack(3)).result()
    assert len(reading(folder).any_shot_model().data.index) == 6
    (live.versions.kept_folder(5) / "arrays.safetensors").unlink()
    with pytest.raises(ModelFolderError):
        live.change(RollBack(5)).result()
    assert (live.snapshot.version, live.is_outdated(), n_labels(live)) == (7, False, 6)
    reading(folder)


def test_a_deleted_folder_does_not_stop_answers_but_refuses_changes(live, folder):
    folder.rename(folder.with_name("away"))
    live.refresh().result()
    assert live.problem is not None
    with pytest.raises(FolderGoneError, match="is gone") as refused:
        live.change(AddExamples([POINTS[0]], ["right"])).result()
    assert str(folder) not in str(refused.value)
    assert live.snapshot.classifier.predict(POINTS).tolist() == LABELS
    assert not folder.exists()
    folder.with_name("away").rename(folder)
    assert live.is_outdated()
    live.refresh().result()
    assert live.problem is None
    assert live.change(AddExamples([POINTS[0]], ["right"])).result() == 2


def test_a_folder_that_is_replaced_is_read_again(live, folder):
    live.change(AddExamples([POINTS[0]], ["right"])).result()
    AnyShotClassifier({"up": [0.0, 1.0, 0.1], "down": [0.0, -1.0, 0.1]}, cache=False).fit().save(folder)
    assert live.is_outdated()
    live.refresh().result()
    assert (live.snapshot.version, live.snapshot.classifier.classes_.tolist()) == (3, ["down", "up"])
    (folder / "model.json").write_text("{")
    live.refresh().result()
    assert live.problem is not None
    with pytest.raises(FolderGoneError, match="holds something else"):
        live.change(AddExamples([POINTS[0]], ["up"])).result()
    assert live.snapshot.version == 3


def test_a_link_is_followed_to_another_folder_and_changes_are_saved_there(folder):
    other, link = folder.with_name("other"), folder.with_name("current")
    AnyShotClassifier({"up": [0.0, 1.0, 0.1], "down": [0.0, -1.0, 0.1]}, cache=False).fit().save(other)
    link.symlink_to(folder.name)
    live = LiveModel("points", link, reading)
    live.change(AddExamples([POINTS[0]], ["right"])).result()
    link.unlink()
    link.symlink_to(other.name)
    assert live.is_outdated()
    with pytest.raises(UnknownClassError):
        live.change(AddExamples([POINTS[0]], ["right"])).result()
    assert (live.is_outdated(), live.snapshot.classifier.classes_.tolist()) == (False, ["down", "up"])
    live.change(AddExamples([[0.1, 0.9, 0.0]], ["up"])).result()
    live.unlabeled.add([[0.0, 1.0, 0.0]])
    live.close()
    assert [len(reading(one).any_shot_model().data.index) for one in (folder, other)] == [3, 1]
    assert link.is_symlink()
    assert {path.name for path in folder.parent.iterdir() if "unlabeled" in path.name} == {
        ".other.anyshot-unlabeled.jsonl"
    }


@pytest.mark.parametrize("failing", ["write_synced", "rename"])
@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "saved: No space left on device. The model was not changed. Free some space"),
        (errno.EACCES, "saved: Permission denied. The model was not changed. Let the user of the service write to"),
        (errno.EMFILE, "saved: Too many open files. The model was not changed. Raise the number of files"),
    ],
)
def test_a_change_that_cannot_be_saved_changes_nothing(live, folder, monkeypatch, failing, number, words):
    def refused(*_):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(files, failing, refused)
        with pytest.raises(NotSavedError, match=words):
            live.change(AddExamples([POINTS[0]], ["right"])).result()
    assert (live.snapshot.version, n_labels(live)) == (1, 2)
    assert len(reading(folder).any_shot_model().data.index) == 2
    assert live.change(AddExamples([POINTS[0]], ["right"])).result() == 2


def test_a_folder_that_must_not_be_replaced_is_named_in_the_log_only(live, folder, monkeypatch):
    monkeypatch.chdir(folder)
    with pytest.raises(NotSavedError, match=r"not changed\. The log of the service says why\.$") as caught:
        live.change(AddExamples([POINTS[0]], ["right"])).result()
    assert "is the working directory" in str(caught.value.__cause__)


def test_a_model_that_is_only_read_leaves_no_trace(folder):
    live = LiveModel("points", folder, reading, read_only=True)
    with pytest.raises(NotChangeableError, match="--read-only"):
        live.change(AddExamples([POINTS[0]], ["right"]))
    assert [path.name for path in folder.parent.iterdir()] == ["points"]
    live.close()


def test_changes_that_were_begun_are_finished_when_it_closes(folder):
    live = LiveModel("points", folder, reading)
    done = live.change(AddExamples([POINTS[0]], ["right"]))
    live.close()
    assert done.result() == 2
