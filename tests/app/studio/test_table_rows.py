"""Adding the rows of a table as one change: what a project holds, missing columns, and all rows or none."""

import pytest

from anyshot.app.studio import Project, add_rows, add_table, add_texts, preview
from anyshot.app.studio.table_rows import check_column
from anyshot.errors import DataFileError, InputError

NUMBERS = "age,city,label\n31,Rome,new\n40,Oslo,old\n22,Rome,new\n"


def state(project):
    return project.facts(), project.history.last()


def test_a_project_without_items_becomes_one_of_what_is_added(project, written):
    file = written(NUMBERS)
    add_rows(project, file, label_column="label")
    assert (project.kind, project.facts()["items"]) == ("rows", 3)
    project.undo()
    add_table(project, file, text_column="city", label_column="label")
    assert project.kind == "texts"


@pytest.mark.parametrize(
    ("first", "refused"),
    [
        (lambda project, file: add_rows(project, file), "This project holds numbers and categories. Create a project"),
        (lambda project, file: add_table(project, file, text_column="city"), "This project holds texts. Create one of"),
    ],
    ids=["rows", "texts"],
)
def test_items_of_another_kind_are_refused_and_change_nothing(project, written, first, refused):
    file = written(NUMBERS)
    first(project, file)
    before = state(project)
    others = (lambda: add_texts(project, ["hello"]), lambda: add_rows(project, file))
    with pytest.raises(InputError, match=f"^{refused}"):
        others[project.kind == "texts"]()
    assert state(project) == before


def test_rows_are_not_added_to_a_project_of_images(tmp_path, written):
    with (
        Project.create(tmp_path / "photos", name="Photos", kind="images") as photos,
        pytest.raises(InputError, match=r"^This project holds images\. Create a project of texts"),
    ):
        add_rows(photos, written(NUMBERS))


@pytest.mark.parametrize("add", [add_table, add_rows])
def test_a_column_of_labels_that_is_missing_is_said(project, written, add):
    before = state(project)
    with pytest.raises(DataFileError, match=r"^mail.csv has no column 'class'. Its columns: age, city, label.$"):
        add(project, written(NUMBERS), label_column="class")
    assert state(project) == before


def test_a_column_that_is_there_is_accepted():
    check_column("t.csv", "age", ["city", "age"])
    with pytest.raises(DataFileError, match=r"^t.csv has no column 'Age'. Its columns: city, age.$"):
        check_column("t.csv", "Age", ["city", "age"])


def test_only_confirmed_classes_of_an_exported_table_are_labels_when_it_is_added(project, written):
    rows = "Charged twice,31,billing,,yes\nWhere is it?,40,delivery,0.9,no\n"
    table = written(f"text,age,class,confidence,confirmed\n{rows}")
    found = preview(table)
    assert "is an answer of the studio, and no label" in found.notes[0]
    assert {one.name for one in found.features if one.is_proposed} == {"text", "age"}
    assert add_table(project, table, label_column="class").new_classes == ["billing", "delivery"]
    assert [item.label for item in project.items.get([1, 2])] == [1, None]
    other = written(f"text,age,class,confidence,confirmed\n{rows.replace('no', 'perhaps')}", "other.csv")
    assert preview(other).notes == []  # a table of somebody else


def test_labels_that_were_rejected_in_prodigy_are_no_labels(project, written):
    table = written(
        '{"text": "a", "label": "x", "answer": "accept"}\n{"text": "b", "label": "y", "answer": "reject"}\n', "a.jsonl"
    )
    assert add_table(project, table, label_column="label").new_classes == ["x", "y"]
    assert [item.label for item in project.items.get([1, 2])] == [1, None]
