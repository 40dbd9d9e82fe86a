"""Adding texts: pasted lines and tables as people have them."""

import json

import openpyxl
import pytest

from anyshot.app.studio import Answers, Project, add_table, add_texts, preview
from anyshot.app.studio.exported_rows import exported_rows
from anyshot.app.studio.page.messages import translated
from anyshot.errors import DataFileError, InputError


def test_duplicates_contradictions_and_bad_rows_are_said(project, written):
    file = written("text,label\nCharged twice,billing\nCharged twice,delivery\n ,billing\nCharged twice,\nNA,\n")
    added = add_table(project, file, label_column="label")
    assert (added.n_items, added.n_duplicates) == (1, 2)
    assert added.contradictions == [("row 3", "Charged twice")]
    assert added.faults == [("row 4", "the text is empty"), ("row 6", "the text is missing, written as NA")]
    assert project.items.one(1).label == 1


def test_texts_that_were_damaged_before_are_said(project, written):
    file = written("text,label\n<p>Charged twice</p>,billing\n\u00c3\u00bcber,late\n")
    added = add_table(project, file, label_column="label")
    assert "1 text with tags or codes of HTML, such as '<p>Charged twice</p>'" in added.doubts[0]
    assert "letters of 1 text were garbled before the file was saved" in added.doubts[1]
    assert add_texts(project, ["plain", "\u00fcber"]).doubts == []
    assert "codes of HTML, such as 'R&amp;D'" in add_texts(project, ["R&amp;D"]).doubts[0]


def test_objects_are_no_texts(project, written):
    file = written('{"body": {"html": "<p>late</p>"}, "label": "delivery"}\n', "export.jsonl")
    with pytest.raises(DataFileError, match=r"mail\.jsonl: the column 'body' holds objects, with 'html'\.") as error:
        add_table(project, file, source="mail.jsonl")
    assert translated(str(error.value), "de").startswith("mail.jsonl: In der Spalte „body“ stehen Objekte, mit 'html'.")


def test_a_text_that_was_taken_back_can_be_added_again(project):
    add_texts(project, ["one", "two"])
    project.undo()
    assert add_texts(project, ["two", "three"]).n_items == 2
    assert [item.content for item in project.items.get([1, 2, 3])] == ["two", "three"]
    project.undo()
    project.redo()
    assert project.items.count() == 2


@pytest.mark.parametrize(("text", "n_items"), [("text\nonly one\n", 1), (",".join(["text", *map(str, range(499))]), 0)])
def test_tables_of_one_row_or_none(project, written, text, n_items):
    file = written(text)
    if n_items:
        assert add_table(project, file).n_items == n_items
    else:
        with pytest.raises(DataFileError, match="has no rows"):
            add_table(project, file)


def test_five_hundred_columns_are_kept(project, written):
    names = ["text", *(f"c{number}" for number in range(499))]
    add_table(project, written(",".join(names) + "\n" + ",".join(["a text"] * 500) + "\n"))
    (row,) = project.database.read("select columns, cells from rows join batches on batches.id = rows.batch")
    assert (json.loads(row["columns"]), json.loads(row["cells"])) == (names, ["a text"] * 500)


def test_excel_with_formulas_and_merged_cells_is_read(project, tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["text", "amount"], ["Charged twice", "=1+1"], ["Where is it?", 2], ["Merged", None]):
        sheet.append(row)
    sheet.merge_cells("A4:B4")
    book.save(tmp_path / "mail.xlsx")
    assert add_table(project, tmp_path / "mail.xlsx").n_items == 3


def test_excel_with_a_password_is_refused(project, tmp_path):
    (tmp_path / "locked.xlsx").write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600)  # an encrypted container
    with pytest.raises(DataFileError, match="it has a password"):
        add_table(project, tmp_path / "locked.xlsx")


def test_texts_are_not_added_to_a_project_of_images(tmp_path):
    with (
        Project.create(tmp_path / "images", name="x", kind="images") as project,
        pytest.raises(InputError, match="holds images"),
    ):
        add_texts(project, ["a text"])


def test_one_text_and_texts_that_are_cut_off_or_missing(project):
    with pytest.raises(InputError, match=r"Write \[text\]"):
        add_texts(project, "refund please")
    added = add_texts(project, ["refund please", "late \ud83d", None, b"refund please"])
    assert (added.n_items, added.n_duplicates) == (1, 1)
    assert [place for place, _ in added.faults] == ["text 2", "text 3"]
    assert "half of a character" in added.faults[0][1]


def test_a_file_whose_name_is_not_utf_8_and_half_of_a_character_in_a_description(project, written):
    added = add_table(project, written("text\nCharged twice\n"), source="caf\udce9.csv")
    assert added.n_items == 1
    number = project.classes.add("late \ud83d")
    project.classes.edit(number, description="a parcel \ud83d")
    assert project.classes.get(number).name == "late \N{REPLACEMENT CHARACTER}"
    assert project.database.column("select source from batches") == ["caf\N{REPLACEMENT CHARACTER}.csv"]


def test_how_a_file_was_read_is_said(project, tmp_path):
    file = tmp_path / "mail.csv"
    file.write_bytes("text\nDie Tür fehlt\nFalsche Größe\n".encode("cp1252"))
    (note,) = preview(file).notes
    assert note.startswith(f"{file} is not UTF-8; it was read as ")
    added = add_table(project, file)
    assert (added.read, added.doubts) == ([note], [])
    assert project.items.one(1).content == "Die Tür fehlt"


def test_each_of_several_columns_without_a_name_can_be_chosen_and_is_kept(project, written):
    file = written("id,,\n1,ann,I was charged twice\n2,bob,Where is my parcel?\n")
    found = preview(file)
    assert (found.columns, found.text_column) == (["id", "Column 2", "Column 3"], "Column 3")
    add_table(project, file, text_column="Column 3")
    assert [item.content for item in project.items.get([1, 2])] == ["I was charged twice", "Where is my parcel?"]
    table = exported_rows(project, Answers(project, start=False))
    assert table[["Column 2", "Column 3"]].to_numpy().tolist() == [
        ["ann", "I was charged twice"],
        ["bob", "Where is my parcel?"],
    ]
