"""Changes that are recorded, undone and made again."""

import pytest

from anyshot.app.studio import Project, add_texts
from anyshot.app.studio.transactions import LabelChange, recorded_changes


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "mail", name="Mail") as project:
        add_texts(project, ["I was charged twice", "Where is it?", "Wrong bill"])
        yield project


def test_labels_are_recorded_by_what_they_were_before(project):
    number = project.classes.add("billing")
    project.label([2], "unknown")
    with project.database.transaction() as transaction:
        assert transaction.label([3, 1, 2, 2], number) == 3
        by_items = sorted(transaction.labels, key=lambda change: change.items)
        assert by_items == [LabelChange(None, number, [1, 3]), LabelChange(-1, number, [2])]
        assert transaction.label([1], number) == 0
        assert transaction.subjects() == {"labels"}


def test_what_is_reverted_and_repeated_is_as_it_was(project):
    database, number = project.database, project.classes.add("billing")
    tables = ("classes", "items", "batches")
    with database.transaction() as first:
        before = [first.read(f"select * from {name}") for name in tables]
        first.update("classes", number, name="invoices")
        first.label([1, 2], number)
        after = [first.read(f"select * from {name}") for name in tables]
    assert after != before
    assert first.subjects() == {"classes", "labels"}
    rows, labels = recorded_changes(first.recorded())
    assert (rows, labels) == (first.rows, first.labels)
    with database.transaction() as undone:
        undone.revert(first.recorded())
        assert [undone.read(f"select * from {name}") for name in tables] == before
        undone.repeat(first.recorded())
        assert [undone.read(f"select * from {name}") for name in tables] == after


def test_what_fails_changes_nothing_and_what_is_unrecorded_cannot_be_undone(project):
    database, version = project.database, project.version

    def fails():
        with database.transaction() as transaction:
            transaction.mark_changed("answers")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert project.version == version
    with database.transaction() as transaction:
        transaction.mark_changed("items", "answers")
        assert transaction.rows == []
    assert project.changes_since(version).subjects == {"answers", "items"}


def test_more_items_are_labeled_at_once_than_a_statement_has_values(project):
    assert project.label([*range(1, 40_000)], "unknown").facts["count"] == 3
    assert [one.label for one in project.items.get(range(1, 40_000))] == ["unknown"] * 3
