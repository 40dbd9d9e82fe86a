"""Adding rows of features, as people have them in spreadsheets."""

import pandas as pd
import pytest

from anyshot.app.studio import add_rows, add_texts, preview
from anyshot.errors import DataFileError, InputError
from shop_customers import customers


@pytest.fixture
def table(tmp_path):
    customers(12).to_csv(tmp_path / "customers.csv", sep=";", index=False)
    return tmp_path / "customers.csv"


def test_the_first_rows_decide_what_a_project_holds_and_undo_takes_that_back(project, table):
    added = add_rows(project, table, label_column="status")
    assert (added.n_items, added.new_classes, project.kind) == (12, ["left", "stays"], "rows")
    assert project.items.columns() == {"age": "number", "income": "number", "city": "category", "since": "date"}
    first = project.items.contents([1]).iloc[0]
    assert (first["income"], first["since"]) == (
        float(customers()["income"][0].replace(",", ".")),
        pd.Timestamp(2024, 1, 1),
    )
    assert [item.label for item in project.items.get([1, 2])] == [1, 2]
    project.undo()
    assert (project.kind, project.items.count(), project.items.columns()) == ("texts", 0, {})
    project.redo()
    assert (project.kind, project.items.count()) == ("rows", 12)
    project.undo()
    assert add_texts(project, ["late"]).n_items == 1
    with pytest.raises(InputError, match=r"This project holds texts\. Create one of numbers"):
        add_rows(project, table)


def test_later_tables_have_the_columns_in_any_order_and_with_types_of_their_own(project, table, tmp_path):
    add_rows(project, table)
    other = customers(14)[["status", "since", "city", "income", "age"]]
    other["since"] = pd.to_datetime(other["since"], dayfirst=True)
    other["income"] = other["income"].str.replace(",", ".").astype(float)
    other.to_excel(tmp_path / "more.xlsx", index=False)
    added = add_rows(project, tmp_path / "more.xlsx", label_column="status")
    assert (added.n_items, added.n_duplicates) == (2, 12)
    assert project.items.labels().labels.tolist() == [1, 2] * 7
    other.drop(columns="city").assign(Citi="Rome").to_json(
        tmp_path / "less.jsonl", orient="records", lines=True, date_format="iso"
    )
    with pytest.raises(DataFileError, match=r"less.jsonl has no column 'city', which .* Did you mean 'Citi'\?"):
        add_rows(project, tmp_path / "less.jsonl")


@pytest.mark.parametrize(
    ("name", "content"), [("a.png", b"\x89PNG"), ("a.txt", b"late"), ("a.csv", b"text,label\nlate,a")]
)
def test_a_file_of_other_items_is_told_what_the_project_takes(project, table, tmp_path, name, content):
    add_rows(project, table)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(
        DataFileError, match=r"a\.\w+ has no rows of this .* with the columns age, income, city, since\."
    ):
        add_rows(project, tmp_path / name)


def test_lines_of_text_are_no_first_rows_of_a_project(project, tmp_path):
    (tmp_path / "a.txt").write_text("one line\nanother line\n")
    with pytest.raises(DataFileError, match=r"a\.txt has no rows .* with columns of numbers, dates or categories\."):
        add_rows(project, tmp_path / "a.txt")
    assert (project.items.columns(), project.items.count()) == ({}, 0)


def test_rows_that_cannot_be_used_are_listed_with_their_number_and_reason(project, tmp_path):
    table = customers(30).astype(object)
    table.loc[2, "age"], table.loc[3, "income"], table.loc[4, "since"] = "old", "n/a", "soon"
    table.loc[5, ["age", "income", "city", "since"]] = ""
    table.loc[30] = ["C1", "31", "900,5", "Rome", "", "left"]
    table.to_csv(tmp_path / "bad.csv", sep=";", index=False)
    added = add_rows(project, tmp_path / "bad.csv", feature_columns=["age", "income", "city", "since"])
    assert added.faults == [
        ("row 4", "age: 'old' is no number"),
        ("row 6", "since: 'soon' is no date"),
        ("row 7", "the row is empty"),
    ]
    assert added.n_items == 28
    assert project.items.contents([3])["income"].isna().all()


def test_columns_pasted_from_a_spreadsheet_and_times_are_read(project, tmp_path):
    (tmp_path / "pasted.tsv").write_text("at\tincome\n8:30\t1.748,5\n17:05:09\t-2\n", encoding="utf-8")
    added = add_rows(project, tmp_path / "pasted.tsv")
    assert [item.content for item in project.items.get([1, 2])] == ['["08:30:00", 1748.5]', '["17:05:09", -2]']
    assert added.faults == []


def test_long_durations_are_kept(project, tmp_path):
    table = pd.DataFrame({"stay": pd.to_timedelta([1, 30, 2400.5, -3], "h"), "age": [31, 40, 31, 40]})
    table.to_parquet(tmp_path / "stays.parquet")
    add_rows(project, tmp_path / "stays.parquet")
    assert project.items.contents([1, 2, 3, 4])["stay"].tolist() == table["stay"].tolist()
    assert project.items.one(2).content == '["30:00:00", 40]'


def test_columns_that_cannot_be_read_or_are_not_there_are_said(project, table, tmp_path):
    (tmp_path / "kg.csv").write_text("weight,age\n" + "".join(f"{n} kg,{n % 7}\n" for n in range(12)))
    with pytest.raises(DataFileError, match=r"kg\.csv cannot be used: Column 'weight' holds numbers with a unit"):
        add_rows(project, tmp_path / "kg.csv", feature_columns=["weight", "age"])
    with pytest.raises(DataFileError, match="has no column 'size'"):
        add_rows(project, table, feature_columns=["age", "size"])
    with pytest.raises(InputError, match="'status' was given for the labels and as a feature"):
        add_rows(project, table, feature_columns=["status"], label_column="status")
    with pytest.raises(InputError, match="No column is chosen"):
        add_rows(project, table, feature_columns=[])
    assert add_rows(project, tmp_path / "kg.csv").n_items == 12  # by default without it
    assert list(project.items.columns()) == ["age"]


def test_equal_rows_of_one_table_are_several_items(project, tmp_path):
    (tmp_path / "a.csv").write_text("age,y\n31,left\n31,stays\n40,left\n")
    added = add_rows(project, tmp_path / "a.csv", feature_columns=["age"], label_column="y")
    assert (added.n_items, added.n_duplicates, added.contradictions) == (3, 0, [])
    assert add_rows(project, tmp_path / "a.csv", label_column="y").n_duplicates == 3
    assert [item.label for item in project.items.get([1, 2, 3])] == [1, 2, 1]


def test_the_history_names_a_row_by_its_values(project, table):
    add_rows(project, table)
    number = project.classes.add("left")
    assert str(project.label([1], number)).startswith("Labeled “age: 52, income: ")


def test_a_number_that_may_be_in_thousands_is_said_before_and_after_a_table_is_added(project, written):
    table = written("sum;city\n5,111;Rome\n7,250;Oslo\n")
    said = "Column 'sum': '5,111' and other numbers there are read as 5.111."
    assert [note.startswith(said) for note in preview(table).notes] == [True]
    assert [note.startswith(said) for note in add_rows(project, table).read] == [True]
