"""A database from elsewhere: what was changed by hand is refused, and leaves nothing behind."""

import json
import sqlite3
import zipfile

import pytest

from anyshot.app.studio import Project, add_texts, import_project, save_project
from anyshot.app.studio.database import FILE_NAME
from anyshot.errors import ProjectError


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("imported")
    with Project.create(folder / "mail", name="Mail") as project:
        add_texts(project, ["I was charged twice", "Where is it?"])
        project.classes.set_words(project.classes.add("billing"), "charge")
        project.label([1], 1)
        project.label([2], "unknown")
        save_project(project, folder / "mail.zip")
    with zipfile.ZipFile(folder / "mail.zip") as archive:
        return archive.read(FILE_NAME)


def packed(stored, folder, statement):
    """Return a zip of a project whose database was changed."""
    (folder / FILE_NAME).write_bytes(stored)
    connection = sqlite3.connect(folder / FILE_NAME)
    connection.executescript(statement)
    connection.close()
    with zipfile.ZipFile(folder / "changed.zip", "w") as archive:
        archive.write(folder / FILE_NAME, FILE_NAME)
    (folder / FILE_NAME).unlink()
    return folder / "changed.zip"


ROWS = json.dumps({"rows": [["history", 1, None, {"id": 1}]], "labels": []})
COLUMNS = json.dumps({"rows": [["classes", 1, None, {"id) values (1) --": 1}]], "labels": []})
LABELS = json.dumps({"rows": [], "labels": [[None, "1", [1]]]})


@pytest.mark.parametrize(
    "statement",
    [
        "delete from project",
        "update project set kind = 'sounds'",
        "update classes set words = 'charge'",
        "update classes set name = ' '",
        "update items set label = 77",
        "update items set label = 'billing'",
        "update items set name = '../../mail.png'",
        "update project set kind = 'images'; update items set name = 'a.png', content = '../../mail.png'",
        "update project set kind = 'rows'",
        "update rows set cells = '{}'",
        "update history set action = 'run'",
        "update history set time = 'yesterday'",
        "update history set changes = '{}'",
        f"update history set changes = '{ROWS}'",
        f"update history set changes = '{COLUMNS}'",
        f"update history set changes = '{LABELS}'",
        "insert into curve values (1, 'x', 0, 1)",
    ],
)
def test_what_no_project_holds_is_refused(stored, tmp_path, statement):
    with pytest.raises(ProjectError, match="not the file of a project that this version reads"):
        import_project(packed(stored, tmp_path, statement), tmp_path / "here")
    assert [file.name for file in tmp_path.iterdir()] == ["changed.zip"]


def test_a_later_version_is_refused_before_anything_is_written(stored, tmp_path):
    with pytest.raises(ProjectError, match="later version"):
        import_project(packed(stored, tmp_path, "pragma user_version = 99"), tmp_path / "here")
    assert [file.name for file in tmp_path.iterdir()] == ["changed.zip"]


def test_a_project_is_imported_without_the_answers_of_the_other_computer(stored, tmp_path):
    file = packed(stored, tmp_path, "insert into answers values (1, 1, x'00ff')")
    with import_project(file, tmp_path / "here") as project:
        assert project.database.read("select * from answers") == []
        assert len(project.undo(to=0)) == 5
