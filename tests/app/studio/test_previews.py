"""What a table holds, and what its columns probably are."""

import openpyxl
import pytest

from anyshot.app.studio import add_table, preview
from anyshot.errors import DataFileError


def test_a_table_is_previewed_with_the_likely_columns(written):
    found = preview(written("id;note;Label\n1;I was charged twice;billing\n2;Where is it?;\n"))
    assert (found.columns, found.n_rows) == (["id", "note", "Label"], 2)
    assert (found.text_column, found.label_column) == ("note", "Label")
    assert found.rows == [["1", "I was charged twice", "billing"], ["2", "Where is it?", ""]]


def test_the_first_row_of_a_table_without_names_is_a_text(project, tmp_path):
    file = tmp_path / "pasted.tsv"
    file.write_text("I was charged twice\tbilling\nWhere\nis it?\tdelivery\nWrong fee\tbilling\nLate\tdelivery\n\tx\n")
    file.write_text(file.read_text().replace("Where\nis it?", '"Where\nis it?"'))
    found = preview(file, has_names=None)
    assert (found.has_names, found.columns, found.n_rows) == (False, ["Column 1", "Column 2"], 5)
    assert (found.text_column, found.label_column) == ("Column 1", None)  # three of five labels differ
    added = add_table(project, file, text_column="Column 1", label_column="Column 2", has_names=False)
    assert (added.n_items, added.new_classes, added.faults) == (
        4,
        ["billing", "delivery"],
        [("row 5 (line 6)", "the text is empty")],
    )
    assert [one.content for one in project.items.get([1, 2])] == ["I was charged twice", "Where\nis it?"]
    for names in ("Text\tx", "Answer\tPoints"):
        file.write_text(f"{names}\nhello\t{'y' if names.startswith('Text') else 2}\n")
        assert preview(file, has_names=None).columns == names.split("\t")


def test_labels_that_repeat_are_proposed_where_columns_have_no_names(tmp_path):
    file = tmp_path / "pasted.tsv"
    file.write_text("billing\tI was charged twice\nlogin\tI forgot it\nbilling\tWrong fee\nlogin\tLocked out\n")
    found = preview(file, has_names=False)
    assert (found.text_column, found.label_column) == ("Column 2", "Column 1")


def test_another_sheet_of_a_workbook_is_read(project, tmp_path):
    book = openpyxl.Workbook()
    for name in ("May", "June", "empty"):
        book.create_sheet(name)
    for row in (["text"], ["hello"], ["again"]):
        book["June"].append(row)
    book["May"].append(["text"])
    book["May"].append(["first"])
    book.save(tmp_path / "mail.xlsx")
    assert preview(tmp_path / "mail.xlsx").sheets == ["May", "June"]
    found = preview(tmp_path / "mail.xlsx", sheet="June")
    assert (found.sheets, found.n_rows, found.notes) == (["May", "June"], 2, [])
    assert add_table(project, tmp_path / "mail.xlsx", sheet="June").n_items == 2


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        ("age,city\n31,Rome\n40,Oslo\n31,Rome\n", "rows"),
        ("id,note\n1,late\n2,broken\n3,late again\n", "texts"),  # the number only counts the rows
        ("age,comment\n31,the parcel came late\n40,all was very good\n", "texts"),
        ("text,stars\nlate,1\nbroken,2\n", "texts"),
        ("title,age\nMr,31\nMs,40\nMr,50\nMr,22\nMs,22\n", "rows"),  # few different titles
        ("name,city\nAnn,Rome\nBob,Oslo\n", "texts"),
        ("since\n31.12.2024\n01.02.2024\n", "rows"),
    ],
)
def test_rows_of_features_and_texts_are_told_apart(written, table, kind):
    assert preview(written(table)).kind == kind


def test_a_copy_of_a_file_is_called_by_the_name_of_its_source(tmp_path):
    (tmp_path / "file.csv").write_bytes("text\nÄrger\n".encode("cp1252"))
    (note,) = preview(tmp_path / "file.csv", source="myfile.csv").notes
    assert note.startswith("myfile.csv is not UTF-8")
    (tmp_path / "file.xlsx").write_bytes(b"PK")
    with pytest.raises(DataFileError, match=r"^myfile\.xlsx "):
        preview(tmp_path / "file.xlsx", source="myfile.xlsx")
