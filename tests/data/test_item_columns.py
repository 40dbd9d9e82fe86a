"""The columns of items and labels in a table, found or given, and the types of labels."""

import logging
from datetime import date, datetime, time
from decimal import Decimal

import pandas as pd
import pytest

from anyshot.base.columns import IMAGE_COLUMNS
from anyshot.data.datasets import read_data
from anyshot.data.item_columns import as_shown, find_column
from anyshot.data.table_writing import write_table
from anyshot.data.tables import read_table
from anyshot.errors import DataFileError
from data.written import file


@pytest.mark.parametrize(
    "header", ["text,label", "Message,CATEGORY", " sentence , class ", "Nachricht,Kategorie", "Texte,Cat\u00e9gorie"]
)
def test_columns_are_found_by_their_usual_names(tmp_path, header):
    data = read_data(file(tmp_path, "a.csv", f"{header}\nhello,x\nbye,\n"))
    assert (data.items, data.labels, data.modality) == (["hello", "bye"], ["x", None], "text")
    assert (data.source, data.encoding, data.skipped, len(data)) == (tmp_path / "a.csv", "utf-8", [], 2)


def test_a_usual_name_may_be_of_two_words(tmp_path):
    path = file(tmp_path, "a.csv", "File Name,Klasse\na.png,x\n")
    assert find_column(read_table(path), IMAGE_COLUMNS, None, option="image_column") == "File Name"


def test_the_first_usual_name_has_priority(tmp_path):
    data = read_data(file(tmp_path, "a.csv", "title,text,label,category\nt,a,x,y\n"))
    assert (data.items, data.labels) == (["a"], ["x"])


def test_given_columns_are_used(tmp_path):
    path = file(tmp_path, "a.csv", "text,label,note,kind\na,b,c,d\n")
    data = read_data(path, text_column="note", label_column="kind")
    assert (data.items, data.labels) == (["c"], ["d"])


def test_texts_of_several_columns_are_joined_without_empty_ones(tmp_path):
    data = read_data(file(tmp_path, "a.csv", "subject,body\nhi,there\nhi,\nNULL,x\n"), text_column="subject,body")
    assert data.items == ["hi\nthere", "hi", "x"]
    path = file(tmp_path, "b.csv", 'a,"Why, if so?"\nhi,there\n')
    assert read_data(path, text_column='"Why, if so?",a').items == ["there\nhi"]
    assert read_data(path, text_column="Why, if so?").items == ["there"]
    with pytest.raises(DataFileError, match='double quotes around names with commas: "Why, if so\\?"'):
        read_data(path, text_column="a,Why, if so?")


def test_labels_are_found_by_the_names_of_the_classes(tmp_path):
    path = file(tmp_path, "a.csv", "text,team,predicted\nhello,x,x\nbye,,y\n")
    assert read_data(path, classes=["x", "y"]).labels == ["x", None]
    assert read_data(path, classes=["z"]).labels is None
    path = file(tmp_path, "b.csv", "text,team,second\nhello,x,y\nbye,,y\n")
    with pytest.raises(DataFileError, match="several columns that hold nothing but names of classes: 'team', 'second'"):
        read_data(path, classes=["x", "y"])


def test_the_text_column_is_not_used_for_labels(tmp_path):
    data = read_data(file(tmp_path, "a.csv", "topic,n\na b,1\n"), text_column="topic")
    assert (data.items, data.labels) == (["a b"], None)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (["1", "2", ""], [1, 2, None]),
        (["True", "false"], [True, False]),
        (["0.5", "2.0"], [0.5, 2.0]),
        (["007", "1"], ["007", "1"]),
        (["1", "none"], ["1", "none"]),
        (["nan", "inf"], [None, "inf"]),
        (["1", "1.0", "2.5"], [1.0, 1.0, 2.5]),
        (["NA", "null"], ["NA", "null"]),
    ],
)
def test_labels_are_numbers_only_if_all_are_written_as_such(tmp_path, written, read):
    rows = "".join(f"t{i},{label}\n" for i, label in enumerate(written))
    labels = read_data(file(tmp_path, "a.csv", "text,label\n" + rows)).labels
    assert labels == read
    assert [type(label) for label in labels] == [type(label) for label in read]


def test_labels_keep_their_type_in_json_and_parquet_unless_numbers_are_also_written_as_texts(tmp_path):
    json = file(tmp_path, "a.jsonl", '{"text": "a", "label": 1}\n{"text": "b", "label": "1"}\n{"text": "c"}\n')
    assert read_data(json).labels == [1, 1, None]
    json = file(tmp_path, "b.jsonl", '{"text": "a", "label": "1"}\n{"text": "b", "label": "2"}\n')
    assert read_data(json).labels == ["1", "2"]
    frame = pd.DataFrame({"text": ["a", "b"], "label": pd.array([True, None], dtype="boolean")})
    frame.to_parquet(tmp_path / "a.parquet")
    assert read_data(tmp_path / "a.parquet").labels == [True, None]


def test_labels_that_look_alike_are_one_class_and_it_is_said(tmp_path):
    path = file(tmp_path, "a.csv", "text,label\na,caf\u00e9\nb,cafe\u0301\u200b\nc, caf\u00e9 \nd,\u00a0\n")
    with pytest.warns(UserWarning, match=r"2 of 3 labels in a\.csv"):
        assert read_data(path).labels == ["caf\u00e9"] * 3 + [None]


def test_labels_with_spaces_at_their_ends_are_one_class_and_it_is_said(tmp_path):
    with pytest.warns(UserWarning, match=r"1 of 2 labels in a\.csv have spaces at their ends.* such as 'a '"):
        assert read_data(file(tmp_path, "a.csv", "text,label\nt,a \nu,a\n")).labels == ["a", "a"]


def test_several_usual_columns_are_ambiguous(tmp_path):
    path = file(tmp_path, "a.csv", "title,description\na,b\n")
    said = r"'title', 'description'\. Choose one with text_column \(--text-column\), or join several, as in title,desc"
    with pytest.raises(DataFileError, match=said):
        read_data(path)


def test_one_of_several_columns_of_one_name_is_used_only_if_it_is_named(tmp_path):
    path = file(tmp_path, "a.csv", "text,label,label\na,b,c\nd,e,f\n")
    with pytest.raises(DataFileError, match=r"several columns named 'label'\. Choose one with label_column \("):
        read_data(path)
    assert read_data(path, label_column="label (2)").labels == ["c", "f"]
    assert read_data(path, with_labels=False).items == ["a", "d"]


def test_the_error_for_a_missing_column_suggests_the_closest_name(tmp_path):
    path = file(tmp_path, "a.csv", "text,label\na,b\n")
    with pytest.raises(
        DataFileError, match=r"no column 'labels'\. Its columns: 'text', 'label'\. Did you mean 'label'"
    ):
        read_data(path, label_column="labels")
    with pytest.raises(DataFileError, match=r"Give one of them as text_column \(--text-column\)"):
        read_data(path, text_column="zzz")


def test_several_labels_per_item_are_refused(tmp_path):
    path = file(tmp_path, "a.jsonl", '{"text": "a", "label": ["x", "y"]}\n')
    with pytest.raises(DataFileError, match=r"line 1: .*of type list.*Only one label per item"):
        read_data(path)
    path = file(tmp_path, "a.tsv", 'text\tlabel\na\tx\nb\t{"choices":["x","y"]}\n')  # as Label Studio writes several
    with pytest.raises(DataFileError, match=r"row 3: .*Only one label per item"):
        read_data(path)


def test_a_list_of_one_label_is_that_label_as_tools_for_labeling_write_it(tmp_path):
    rows = '{"text": "a", "label": ["x"]}\n{"text": "b", "label": []}\n{"text": "c", "label": ["y"]}\n'
    assert list(read_data(file(tmp_path, "a.jsonl", rows)).labels) == ["x", None, "y"]
    rows = 'text,label\na,[\'x\']\nb,[]\nc,"[""y""]"\n'
    assert list(read_data(file(tmp_path, "a.csv", rows)).labels) == ["x", None, "y"]
    pd.DataFrame({"text": ["a", "b"], "label": [["x"], ["y"]]}).to_parquet(tmp_path / "a.parquet")
    assert list(read_data(tmp_path / "a.parquet").labels) == ["x", "y"]


def test_a_column_of_texts_is_not_used_as_labels(tmp_path):
    rows = "".join(f"t{n},a long remark on item number {n}\n" for n in range(60))
    path = file(tmp_path, "a.csv", "text,category\n" + rows)
    with pytest.raises(DataFileError, match="'category' does not look like labels: 60 different values in 60 rows"):
        read_data(path)
    assert len(set(read_data(path, label_column="category").labels)) == 60


def test_measurements_are_not_used_as_labels(tmp_path):
    rows = "".join(f"t{n},{n}.5\n" for n in range(60))
    with pytest.raises(DataFileError, match="does not look like labels"):
        read_data(file(tmp_path, "a.csv", "text,target\n" + rows))


def test_many_classes_with_one_text_each_are_labels(tmp_path):
    rows = "".join(f"t{n},class number {n}\n" for n in range(60))
    assert len(read_data(file(tmp_path, "a.csv", "text,label\n" + rows)).labels) == 60


def test_labels_that_stand_for_a_missing_one_are_logged(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        read_data(path := file(tmp_path, "a.csv", "text,label\na,x\nb,nan\nc,<NA>\n"))
    assert "2 labels in 'label' written as nan (first in row 3), counted as no label" in caplog.text
    assert read_data(path, classes=["x", "nan"]).labels == ["x", "nan", None]


def test_a_number_that_may_be_rounded_is_named_by_its_line(tmp_path):
    lines = ['{"text": "a", "label": 1}', '{"text": "", "label": 1}', '{"text": "b", "label": 12345678901234567890.0}']
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    with pytest.raises(
        DataFileError, match=r"a.jsonl, line 3: the label is the number 1.2345678901234567e\+19, which may"
    ):
        read_data(tmp_path / "a.jsonl", on_error="skip")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("SUBJECT", r"no column 'SUBJECT'.*Did you mean 'Subject'\?"),
        ("Subject,body1", r"no column 'body1'.*Did you mean 'body'\?"),
        ("Subject;body", r"Did you mean 'Subject,body'\?"),
        ("2", r"no column '2'.*Give one of them"),
    ],
)
def test_a_column_that_is_not_there_is_named_with_the_one_that_was_meant(tmp_path, given, says):
    path = file(tmp_path, "a.csv", "Subject,body\nhi,there\n")
    with pytest.raises(DataFileError, match=says):
        read_data(path, text_column=given)


def test_a_message_shows_some_of_many_columns_and_the_start_of_a_long_name(tmp_path):
    path = file(tmp_path, "a.csv", ",".join(["x" * 5000, *map(str, range(100))]) + "\n" + "a," * 100 + "b\n")
    with pytest.raises(DataFileError, match="and 81 more") as found:
        read_data(path)
    assert len(str(found.value)) < 1000


def test_an_infinite_label_is_refused_by_row(tmp_path):
    path = file(tmp_path, "a.jsonl", '{"text": "a", "label": 1.5}\n{"text": "b", "label": Infinity}\n')
    with pytest.raises(DataFileError, match="line 2: the label is inf"):
        read_data(path)


@pytest.mark.parametrize("column", ["label_column", "image_column"])
def test_only_columns_of_texts_are_joined(tmp_path, column):
    path = file(tmp_path, "a.csv", "text,ann,ben\nlate,delivery,billing\n")
    with pytest.raises(DataFileError, match=rf"has no column 'ann,ben'\. .* Give one of them as {column}"):
        read_data(path, **{column: "ann,ben"})


def test_a_date_as_the_label_is_refused_with_what_to_do(tmp_path):
    write_table(pd.DataFrame({"text": ["a", "b"], "label": [None, pd.Timestamp("2024-01-01")]}), tmp_path / "a.xlsx")
    with pytest.raises(DataFileError, match=r"row 3: the label is the date or time 2024-01-01, .*an apostrophe"):
        read_data(tmp_path / "a.xlsx")


def test_cells_among_texts_are_texts():
    cells = [date(2024, 5, 3), datetime(2024, 5, 3, 8, 30), time(8, 30), Decimal("2.50"), 2.5, ["a"]]
    assert list(map(as_shown, cells)) == ["2024-05-03", "2024-05-03 08:30:00", "08:30:00", "2.50", "2.5", ["a"]]


def test_labels_that_head_blocks_of_rows_are_logged(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    said = "each label in 'label' stands once, above rows without one, which count as unlabeled"
    assert read_data(file(tmp_path, "a.csv", "label,text\nx,a\n,b\ny,c\n,d\n")).labels == ["x", None, "y", None]
    assert said in caplog.text
    caplog.clear()
    for rows in (
        "x,a\n,b\ny,c\n",
        "x,a\ny,b\n,c\n",
        ",a\nx,b\n,c\ny,d\n,e\n",
        "x,a\n,b\nx,c\n,d\n",
        "x,a\n,b\n",
        ",a\n,b\n",
    ):
        read_data(file(tmp_path, "a.csv", f"label,text\n{rows}"))
    assert said not in caplog.text


def test_a_tsv_of_one_column_may_be_a_csv(tmp_path):
    with pytest.raises(DataFileError, match=r"'text;label'.*let its name end in \.csv"):
        read_data(file(tmp_path, "a.tsv", "text;label\na;x\n"))


def test_a_column_among_names_between_spaces_is_refused_with_what_separates_columns(tmp_path):
    path = file(tmp_path, "a.csv", "no.  subject   class\n1    it is late   x\n")
    with pytest.raises(DataFileError, match=r"has no column 'subject'.* Columns are separated by , ; tab or \|"):
        read_data(path, text_column="subject")
    with pytest.raises(DataFileError, match=r"has no column 'no'.* Did you mean 'no.  subject"):
        read_data(path, text_column="no")
