"""The history: sentences, and undoing what is meant once."""

import pytest

from anyshot.app.studio import Project, add_texts
from anyshot.app.studio.history import SENTENCES
from anyshot.errors import InputError


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    with Project.create(tmp_path_factory.mktemp("history") / "mail", name="Mail") as project:
        add_texts(project, ["I was charged twice", "Where is it?"])
        yield project


def test_each_action_has_a_sentence_of_its_facts(project):
    number = project.classes.add("billing")
    project.label([1, 2], number)
    project.label([2], "unknown")
    assert [str(entry) for entry in project.history.entries()][:3] == [
        "Labeled 1 item as unknown",
        "Labeled 2 items as billing",
        "Added the class billing",
    ]
    assert {entry.action for entry in project.history.entries()} <= set(SENTENCES)


def test_the_change_that_is_meant_is_undone_once(project):
    number = project.classes.add("delivery")
    project.label([1], number)
    last = project.history.last()
    project.label([2], number)
    with pytest.raises(InputError, match="Other changes came after this one"):
        project.undo(last.id)
    project.undo()
    assert [entry.id for entry in project.undo(last.id)] == [last.id]
    assert project.undo(last.id) == []
    assert project.history.entry(last.id).undone
    with pytest.raises(InputError, match="no entry 99"):
        project.history.entry(99)


def test_entries_are_read_in_parts(project):
    every = project.history.entries()
    assert project.history.entries(offset=1, limit=2) == every[1:3]
