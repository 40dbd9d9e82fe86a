"""The versions of a model on disk: which is in the folder, which are kept, and what a kill leaves."""

import errno
import os
import shutil
from functools import partial

import numpy as np
import pytest

from anyshot import AnyShotClassifier
from anyshot.app.server.versions import Versions
from anyshot.base import files
from anyshot.base.files import replace_by_copy
from anyshot.errors import ModelFolderError
from module_copies import with_changes


@pytest.fixture
def versions(tmp_path):
    with_classes("ant", "bee")(tmp_path / "insects")
    found = Versions(tmp_path / "insects", keep=2)
    found.keep_current(1)
    return found


def with_classes(*names):
    """Return what saves a model of these classes, whose items are vectors."""
    return AnyShotClassifier(encoder="vectors", cache=False).fit(np.eye(len(names)), list(names)).save


def test_a_version_is_in_the_folder_and_kept(versions):
    before = versions.identity()
    versions.write(2, with_classes("ant", "cat"))
    assert (versions.numbers(), versions.current()) == ([1, 2], 2)
    assert versions.identity() != before
    assert '"cat"' in (versions.folder / "model.json").read_text()


def test_an_earlier_version_comes_back_under_a_new_number(versions):
    first = (versions.folder / "model.json").read_bytes()
    versions.write(2, with_classes("ant", "cat"))
    versions.write(3, partial(replace_by_copy, source=versions.kept_folder(1)))
    assert (versions.folder / "model.json").read_bytes() == first
    assert (versions.current(), list(versions.others_before(3))) == (3, [2])


def test_an_equal_version_is_none_to_go_back_to_also_on_a_disk_without_hard_links(versions, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(files, "os", with_changes(os, link=refuse))
    versions.write(2, with_classes("ant", "cat"))
    versions.keep_current(1)
    assert not (versions.kept_folder(1) / "model.json").samefile(versions.folder / "model.json")
    assert (versions.current(), list(versions.others_before(2))) == (2, [])


def test_only_the_last_versions_are_kept_and_those_after_the_latest_deleted(versions):
    shutil.copytree(versions.place / "1", versions.place / "9")  # begun by a process that was killed
    for number, name in ((2, "cat"), (3, "dog")):
        versions.write(number, with_classes("ant", name))
    assert versions.numbers() == [2, 3]


def test_a_version_that_cannot_be_written_changes_nothing(versions):
    before = versions.identity()

    def fail(folder):
        raise OSError(28, "No space left on device")

    with pytest.raises(ModelFolderError, match="cannot be written"):
        versions.write(2, fail)
    assert (versions.identity(), versions.current()) == (before, 1)


def test_a_folder_that_another_program_wrote_has_no_version(versions):
    with_classes("elk", "fox")(versions.folder)
    assert versions.current() is None
    shutil.rmtree(versions.folder)
    assert versions.identity() is None
