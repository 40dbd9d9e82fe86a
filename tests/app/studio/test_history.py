"""The history: sentences, and undoing what is meant once."""

import pytest

from anyshot.app.studio import Project, add_texts
from anyshot.app.studio.entries import SENTENCES
from anyshot.errors import InputError


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "mail", name="Mail") as project:
        add_texts(project, ["I was charged twice", "Where is it?"])
        yield project


def test_each_action_has_a_sentence_of_its_facts(project):
    number = project.classes.add("billing")
    project.label([1, 2], number)
    project.label([2], "unknown")
    assert [str(entry) for entry in project.history.entries()][:3] == [
        "Labeled “Where is it?” as unknown",
        "Labeled 2 items as billing",
        "Added the class billing",
    ]
    assert {entry.action for entry in project.history.entries()} <= set(SENTENCES)


def test_the_change_that_is_meant_is_undone_once(project):
    number = project.classes.add("delivery")
    meant, after = project.label([1], number), project.label([2], number)
    with pytest.raises(InputError, match="Other changes came after this one"):
        project.undo(meant.id)
    project.undo(after.id)
    assert [entry.id for entry in project.undo(meant.id)] == [meant.id]
    assert project.undo(meant.id) == []
    assert project.history.entry(meant.id).undone
    with pytest.raises(InputError, match="no entry 99"):
        project.history.entry(99)


def test_only_what_was_undone_last_is_made_again(project):
    project.classes.add("billing")
    project.undo()
    project.label([1], project.classes.add("delivery"))
    project.undo(to=1)
    assert str(project.redo()) == "Added the class delivery"
    assert str(project.redo()) == "Labeled “I was charged twice” as delivery"
    assert project.redo() is None
    assert [(one.name, one.n_labels) for one in project.classes.all()] == [("delivery", 1)]


def test_a_change_returns_its_entry(project):
    classes, number = project.classes, project.classes.add("login")
    changes = [
        classes.add_several(["refund", "Refund", "parcel"]),
        classes.edit(number, description="cannot sign in"),
        classes.edit(number, color="#123456"),
        classes.add_words({number: "password"}),
        classes.strike_word(number, "log"),
        classes.edit(number, name="sign in", description="cannot", color="#654321"),
        classes.add_words({number: "code", 2: "money back"}),
        project.label([1, 2], number),
        project.rename("Post"),
        classes.merge(classes.named("refund").id, number),
        classes.remove(number),
        add_texts(project, ["One more"]).entry,
    ]
    assert changes == list(reversed(project.history.entries(limit=len(changes))))
    assert str(changes[0]) == "Added the classes refund, parcel"
    assert [entry.id for entry in project.undo(to=changes[0].id - 1)] == [entry.id for entry in reversed(changes)]


def test_an_edited_class_has_one_entry_and_its_words_too(project):
    other, number = project.classes.add("billing"), project.classes.add("sign-in")
    edited = project.classes.edit(number, name="sign  in", description="cannot", color="#3B6FD4")
    assert str(edited) == "Edited the class sign-in"
    assert str(project.classes.edit(number, name="entry", description=" cannot ")) == "Renamed sign in to entry"
    assert str(project.classes.add_words({number: "code, key", other: "fee"})) == "Changed the words of entry, billing"
    for _ in range(3):
        project.undo()
    one = project.classes.get(number)
    assert (one.name, one.description, one.added) == ("sign-in", "", ())


def test_a_label_of_one_item_names_it(project):
    add_texts(project, ["My  parcel\nhas not come, and nobody in the shop can tell me where it is now"])
    item = int(project.items.labels().ids[-1])
    project.label([item], "unknown")
    project.label([item], None)
    said = "“My parcel has not come, and nobody in the shop can tell me…”"
    entries = [str(entry) for entry in project.history.entries(limit=2)]
    assert entries == [f"Removed the label of {said}", f"Labeled {said} as unknown"]


def test_labels_are_kept_where_there_are_some(project):
    project.label([1, 2], None)
    assert project.keep_labels([1, 2]) is None
    project.label([1], "unknown")
    kept = project.keep_labels([1, 2, 99])
    assert (kept.facts["count"], project.items.kept_labels()) == (1, {1: -1})
    project.undo(kept.id)
    assert project.items.kept_labels() == {}


def test_a_change_that_changes_nothing_has_no_entry(project):
    number = project.classes.add("billing again")
    before = project.history.last()
    project.label([1], number)
    assert project.label([1], number) is None
    assert project.classes.edit(number, name="billing again") is None
    assert project.rename(project.name) is None
    assert project.undo()
    assert project.history.last() == before


def test_the_newest_entries_are_read(project):
    for name in ("billing", "delivery", "login"):
        project.classes.add(name)
    every = project.history.entries()
    assert len(every) == 4
    assert project.history.entries(limit=2) == every[:2]


def test_undo_to_an_entry_that_is_not_there_is_refused(project):
    project.classes.add("refund")
    with pytest.raises(InputError, match=r"no change 999\. Give the id of one that is listed, or 0 for all"):
        project.undo(to=999)
