"""A project: classes, labels and history, saved at once and undone exactly."""

import shutil
import sqlite3
import threading

import pytest

from anyshot.app.studio import Project, add_texts
from anyshot.app.studio.project import folder_for, list_projects
from anyshot.errors import ClassesError, DuplicateClassError, InputError, ProjectError

TEXTS = ["I was charged twice", "Where is my parcel?", "The app crashes", "My card was declined"]


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "mail", name="Mail") as project:
        add_texts(project, TEXTS)
        yield project


def state(project):
    labels = project.items.labels()
    return project.classes.all(), labels.ids.tolist(), labels.labels.tolist(), project.name


def test_every_change_is_undone_and_redone_exactly(project):
    classes, ids = project.classes, project.items.labels().ids.tolist()
    steps = [
        lambda: classes.add("billing", "money"),
        lambda: classes.set_words(1, "invoice, charge"),
        lambda: classes.add("delivery"),
        lambda: project.label(ids[:1], 1),
        lambda: project.label(ids[:3], "unknown"),
        lambda: project.label(ids[1:], 2),
        lambda: project.label(ids[3:], None),
        lambda: classes.edit(1, name="money"),
        lambda: classes.edit(2, description="where a parcel is"),
        lambda: classes.edit(1, color="#123456"),
        lambda: classes.edit(1, name="invoices", description="money", color="#654321"),
        lambda: classes.add_words({1: "refund"}),
        lambda: classes.add_words({1: "fee, charge", 2: "parcel"}),
        lambda: classes.strike_word(1, "invoice"),
        lambda: classes.reorder([2, 1]),
        lambda: classes.merge(2, 1),
        lambda: classes.remove(1),
        lambda: project.rename("Post"),
        lambda: add_texts(project, ["One more"]),
    ]
    states = [state(project)]
    for step in steps:
        step()
        states.append(state(project))
        assert states[-1] != states[-2]
    for earlier in reversed(states[:-1]):
        project.undo()
        assert state(project) == earlier
    for later in states[1:]:
        project.redo()
        assert state(project) == later
    assert project.redo() is None
    assert len(project.undo(to=project.history.entries()[-1].id)) == len(steps)
    assert state(project) == states[0]


def test_a_project_is_the_same_after_it_was_opened_again(project):
    project.label(project.items.labels().ids[:2].tolist(), project.classes.add("billing"))
    with Project.open(project.folder) as again:
        assert state(again) == state(project)
        assert str(again.history.last()) == "Labeled 2 items as billing"


def test_a_change_in_another_process_wakes_those_who_wait(project):
    before = project.version
    with Project.open(project.folder) as other:
        thread = threading.Timer(0.1, other.classes.add, ["billing"])
        thread.start()
        project.database.wait(before, 10)
        thread.join()
    changes = project.changes_since(before)
    assert changes.subjects == {"classes"}
    assert project.changes_since(changes.version).subjects == frozenset()


def test_threads_lose_no_label(project):
    ids, number = project.items.labels().ids.tolist(), project.classes.add("billing")
    threads = [threading.Thread(target=project.label, args=([one], number)) for one in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert project.items.labels().labels.tolist() == [number] * len(ids)


def test_classes_that_cannot_be_are_refused(project):
    one, two = project.classes.add("billing"), project.classes.add("delivery")
    with pytest.raises(DuplicateClassError, match="Merge the two"):
        project.classes.edit(two, name=" Billing")
    with pytest.raises(ClassesError, match="needs a name"):
        project.classes.add("\u200b ")
    with pytest.raises(ClassesError, match="'unknown'"):
        project.classes.edit(one, name="Unknown")
    with pytest.raises(ClassesError, match="itself"):
        project.classes.merge(one, one)
    assert [row.name for row in project.classes.all()] == ["billing", "delivery"]


def test_the_last_class_may_be_removed_and_comes_back(project):
    number = project.classes.add("billing")
    project.label(project.items.labels().ids.tolist(), number)
    project.classes.remove(number)
    assert project.classes.all() == []
    assert project.facts()["labels"] == 0
    project.undo()
    assert project.classes.all()[0].n_labels == len(TEXTS)


def test_a_failed_change_leaves_nothing(project):
    project.label([1], project.classes.add("billing"))
    before = state(project), project.version
    with pytest.raises(ClassesError, match="There is no class 7"):
        project.classes.merge(project.classes.named("billing").id, 7)
    assert (state(project), project.version) == before


def test_reading_does_not_wait_for_a_transaction(project):
    with project.database.transaction() as transaction:
        transaction.label([1], 1)
        done = []
        thread = threading.Thread(target=lambda: done.append(project.items.count()))
        thread.start()
        thread.join(timeout=20)
        assert done == [len(TEXTS)]


def test_a_full_disk_is_said_and_nothing_is_half_written(project):
    before = state(project)
    with project.database.transaction() as transaction:
        transaction.read(f"pragma max_page_count = {transaction.read('pragma page_count')[0]['page_count'] + 2}")
    with pytest.raises(ProjectError, match="disk is full"):
        add_texts(project, [f"text {number} {'x' * 500}" for number in range(500)])
    assert state(project) == before


@pytest.mark.parametrize("change", ["moved", "removed", "replaced"])
def test_a_project_that_is_not_there_any_more_saves_nothing(project, tmp_path, change):
    if change == "moved":
        project.folder.rename(tmp_path / "elsewhere")
    else:
        shutil.rmtree(project.folder)
    if change == "replaced":
        Project.create(project.folder, name="another").close()
    for use in (lambda: project.label([1], "unknown"), project.undo, project.items.count):
        with pytest.raises(ProjectError, match="not there any more"):
            use()
    if change == "moved":
        (tmp_path / "elsewhere").rename(project.folder)
        assert project.label([1], "unknown")


def test_a_file_that_another_program_locks_is_said(project):
    other = sqlite3.connect(project.folder / "project.sqlite")
    other.execute("begin immediate")
    project.database._writer.execute("pragma busy_timeout = 1")
    with pytest.raises(ProjectError, match="Another program uses its file"):
        project.label([1], "unknown")
    other.close()
    assert project.label([1], "unknown")


@pytest.mark.parametrize("label", ["billing", 1.5, [1]])
def test_what_is_no_label_is_refused(project, label):
    with pytest.raises(InputError, match="is the id of a class"):
        project.label([1], label)
    with pytest.raises(InputError, match="larger than any id"):
        project.label([10**30], "unknown")
    assert not project.items.labels().labels.any()


def test_names_lead_to_no_other_folder(tmp_path):
    assert folder_for(tmp_path, "../../up").parent == tmp_path
    assert folder_for(tmp_path, "...").name == "project"
    Project.create(tmp_path / "up", name="up").close()
    assert folder_for(tmp_path, "../up").name == "up 2"
    assert list_projects(tmp_path) == [tmp_path / "up"]


def test_what_is_no_project_is_not_opened(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ProjectError, match="is not empty"):
        Project.create(tmp_path, name="x")
    with pytest.raises(ProjectError, match="is not a project"):
        Project.open(tmp_path)
    (tmp_path / "project.sqlite").write_bytes(b"something else" * 100)
    with pytest.raises(ProjectError, match="cannot be read"):
        Project.open(tmp_path)
    (tmp_path / "project.sqlite").write_bytes(b"")
    with pytest.raises(ProjectError, match="creation was interrupted"):
        Project.open(tmp_path)
    with pytest.raises(InputError, match="kind must be"):
        Project.create(tmp_path / "new", name="x", kind="sounds")
