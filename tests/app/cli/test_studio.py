"""The commands history, undo and redo of projects."""

import pytest

from anyshot.app.studio import Project


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "mail", name="Mail") as made:
        made.classes.edit(made.classes.add("billing"), name="invoices")
    return tmp_path / "mail"


def names(folder):
    with Project.open(folder) as project:
        return [one.name for one in project.classes.all()]


def test_history_lists_changes_and_undo_takes_back_the_last(call, project):
    assert [row["change"] for row in call("history", project).rows] == [
        "Renamed billing to invoices",
        "Added the class billing",
    ]
    assert "Undone: Renamed billing to invoices." in call("undo", project).err
    assert names(project) == ["billing"]
    assert [row["undone"] for row in call("history", project, "-n", "1").rows] == [True]
    assert "Done again: Renamed billing to invoices." in call("redo", project).err
    assert names(project) == ["invoices"]
    assert "There is nothing to make again." in call("redo", project).err


def test_undo_goes_back_to_a_change_and_says_where_nothing_is_left(call, project):
    done = call("undo", project, "--to", "0")
    assert (done.code, done.err.count("Undone: ")) == (0, 2)
    assert names(project) == []
    assert "There is nothing to undo." in call("undo", project).err


def test_a_folder_without_a_project_is_refused(call, tmp_path):
    done = call("history", tmp_path)
    assert (done.code, "project" in done.err) == (1, True), done.err
