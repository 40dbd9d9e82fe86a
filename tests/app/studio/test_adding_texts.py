"""Adding texts: pasted lines and tables as people have them."""

import json

import openpyxl
import pytest

from anyshot.app.studio import Answers, Project, add_table, add_texts, preview
from anyshot.app.studio.exported_rows import exported_rows
from anyshot.errors import DataFileError, InputError


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "project", name="Mail") as project:
        yield project


def written(tmp_path, text, name="mail.csv"):
    (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path / name


def test_a_table_is_previewed_with_the_likely_columns(tmp_path):
    found = preview(written(tmp_path, "id;note;Label\n1;I was charged twice;billing\n2;Where is it?;\n"))
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


def test_a_label_column_brings_classes_and_labels(project, tmp_path):
    file = written(tmp_path, "text,label\nCharged twice,Billing\nWhere is it?,delivery\nHello,unknown\nNo idea,\n")
    added = add_table(project, file, label_column="label")
    assert (added.n_items, added.new_classes) == (4, ["Billing", "delivery"])
    assert [item.label for item in project.items.get([1, 2, 3, 4])] == [1, 2, "unknown", None]
    project.undo()
    assert project.facts()["items"] == project.facts()["classes"] == project.facts()["labels"] == 0


def test_duplicates_contradictions_and_bad_rows_are_said(project, tmp_path):
    file = written(tmp_path, "text,label\nCharged twice,billing\nCharged twice,delivery\n ,billing\nCharged twice,\n")
    added = add_table(project, file, label_column="label")
    assert (added.n_items, added.n_duplicates) == (1, 2)
    assert added.contradictions == [("row 3", "Charged twice")]
    assert added.faults == [("row 4", "the text is empty")]
    assert project.items.one(1).label == 1


def test_a_text_that_was_taken_back_can_be_added_again(project):
    add_texts(project, ["one", "two"])
    project.undo()
    assert add_texts(project, ["two", "three"]).n_items == 2
    assert [item.content for item in project.items.get([1, 2, 3])] == ["two", "three"]
    project.undo()
    project.redo()
    assert project.items.count() == 2


@pytest.mark.parametrize(("text", "n_items"), [("text\nonly one\n", 1), (",".join(["text", *map(str, range(499))]), 0)])
def test_tables_of_one_row_or_none(project, tmp_path, text, n_items):
    file = written(tmp_path, text)
    if n_items:
        assert add_table(project, file).n_items == n_items
    else:
        with pytest.raises(DataFileError, match="has no rows"):
            add_table(project, file)


def test_five_hundred_columns_are_kept(project, tmp_path):
    names = ["text", *(f"c{number}" for number in range(499))]
    add_table(project, written(tmp_path, ",".join(names) + "\n" + ",".join(["a text"] * 500) + "\n"))
    (row,) = project.database.read("select columns, cells from rows join batches on batches.id = rows.batch")
    assert (json.loads(row["columns"]), json.loads(row["cells"])) == (names, ["a text"] * 500)


def test_a_column_of_ids_is_no_label_column(project, tmp_path):
    rows = "\n".join(f"text {number},{number}" for number in range(300))
    with pytest.raises(InputError, match="300 different values"):
        add_table(project, written(tmp_path, f"text,id\n{rows}\n"), label_column="id")
    assert project.facts()["items"] == project.facts()["classes"] == 0
    assert project.history.last() is None


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


def test_whole_numbers_beside_an_empty_label_are_no_decimals(project, tmp_path):
    file = written(tmp_path, "text,label\na b,1.0\nb c,2.0\nc d,\n")
    assert add_table(project, file, label_column="label").new_classes == ["1", "2"]
    versions = written(tmp_path, "text,label\na,3.0\nb,4.0\n", "versions.csv")
    assert add_table(project, versions, label_column="label").new_classes == ["3.0", "4.0"]
    with pytest.raises(InputError, match="Give two columns"):
        add_table(project, versions, text_column="text", label_column="text")


def test_a_file_whose_name_is_not_utf_8_and_half_of_a_character_in_a_description(project, tmp_path):
    added = add_table(project, written(tmp_path, "text\nCharged twice\n"), source="caf\udce9.csv")
    assert added.n_items == 1
    number = project.classes.add("late \ud83d")
    project.classes.describe(number, "a parcel \ud83d")
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


def test_new_classes_that_may_not_be_meant_are_said(project, tmp_path):
    project.classes.add("n/a")
    file = written(tmp_path, 'text,label\na,bill\nb,bug\nc,bill;bug\nd,N/A\ne,null\nf," bill "\ng,-\n')
    joined, missing = sorted(add_table(project, file, label_column="label").doubts, key=len, reverse=True)
    assert joined.startswith("The label 'bill;bug' consists of names of other classes.")
    assert missing.startswith("No label was read from: 'null', '-'.")
    assert [one.name for one in project.classes.all()] == ["n/a", "bill", "bug", "bill;bug"]
    assert [item.label for item in project.items.get([4, 5])] == [1, None]
    assert add_table(project, file, label_column="label").doubts == [missing]


def test_a_column_of_prices_is_no_column_of_classes(project, tmp_path):
    file = written(tmp_path, "text,price\n" + "".join(f"text {n},{n}.5\n" for n in range(11)))
    with pytest.raises(InputError, match=r"11 different numbers with fractions, such as '0.5', which are hardly"):
        add_table(project, file, label_column="price")
    assert project.facts()["classes"] == 0


def test_each_of_several_columns_without_a_name_can_be_chosen_and_is_kept(project, tmp_path):
    file = written(tmp_path, "id,,\n1,ann,I was charged twice\n2,bob,Where is my parcel?\n")
    found = preview(file)
    assert (found.columns, found.text_column) == (["id", "Column 2", "Column 3"], "Column 3")
    add_table(project, file, text_column="Column 3")
    assert [item.content for item in project.items.get([1, 2])] == ["I was charged twice", "Where is my parcel?"]
    table = exported_rows(project, Answers(project, start=False))
    assert table[["Column 2", "Column 3"]].to_numpy().tolist() == [
        ["ann", "I was charged twice"],
        ["bob", "Where is my parcel?"],
    ]
