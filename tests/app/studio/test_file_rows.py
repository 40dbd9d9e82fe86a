"""Other columns of the rows of files: they are shown beside an item, and an item is found by them."""

import json

import pytest

from anyshot.app.studio import Answers, Project, add_rows, add_table
from anyshot.app.studio.file_rows import other_cells
from anyshot.app.studio.views import Query, order


@pytest.fixture
def mail(project, written):
    """Three tickets, two of which have the same text, and a letter."""
    table = "ticket,text,queue\nT-17,Charged twice,a\nT-8,Where is it?,\nT-9,Where is it?,b\\c\n"
    add_table(project, written(table), text_column="text")
    add_table(project, written("Dear Sir", "Ann.txt"), whole=True)
    return project


@pytest.fixture
def patients(tmp_path, written):
    """Three patients, with a number and a date beside their age."""
    rows = [(117, 31.5, "2024-12-31"), (17, 40, "2025-01-01"), (8, 17, "2025-01-02")]
    lines = [json.dumps(dict(zip(("patient", "age", "seen"), row, strict=True))) for row in rows]
    with Project.create(tmp_path / "patients", name="Patients", kind="rows") as project:
        add_rows(project, written("\n".join(lines), "p.jsonl"), feature_columns=["age"])
        yield project


def ids(project, text):
    return order(project, Answers(project, start=False), Query("added", text=text)).tolist()


def test_items_are_found_by_other_columns_of_their_rows_numbers_as_a_whole(mail, patients):
    assert [ids(mail, text) for text in ("t-17", "T-9 where", "T-17 where", "ann", "tick")] == [[1], [2], [], [3], []]
    assert ids(mail, "b\\C") == [2]
    assert [ids(patients, text) for text in ("17", "117", "7", "date")] == [[2, 3], [1], [], []]


def test_other_cells_are_those_of_the_first_row_that_are_not_empty(mail, patients):
    assert other_cells(mail, [3, 2]) == {2: [("ticket", "T-8")], 3: [("name", "Ann.txt")]}
    assert other_cells(patients, [1], "de") == {1: [("patient", "117"), ("seen", "31.12.2024")]}
    mail.undo(to=0)
    assert other_cells(mail, [1, 2, 3]) == {}
