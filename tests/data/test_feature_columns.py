"""Columns of features in a table."""

import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine

from anyshot.data.column_kinds import likely_kind
from anyshot.data.feature_columns import (
    as_rows,
    cell_faults,
    feature_rows,
    find_features,
    likely_class_column,
    named_class_column,
)
from anyshot.data.tables import read_table
from anyshot.errors import DataFileError, InputError

ROWS = "age;income;city;status\n40;1.748,5;Oslo;left\n;n/a;Kyiv;stays\n31;-2;?;stays\n"


@pytest.fixture
def table(tmp_path):
    (tmp_path / "t.csv").write_text(ROWS, encoding="utf-8")
    return read_table(tmp_path / "t.csv")


def test_all_columns_but_the_labels_are_features(table):
    assert find_features(table, "all", labels="status") == ["age", "income", "city"]
    assert find_features(table, ["city", "age"], labels="status") == ["city", "age"]


def test_columns_that_cannot_be_features_are_named(table):
    with pytest.raises(DataFileError, match=r"t.csv has no column 'Citi'. Its columns: .*Did you mean 'city'\?"):
        find_features(table, ["age", "Citi"], labels=None)
    with pytest.raises(DataFileError, match=r"no column 'Postleitzahl'.* Add it, with empty cells"):
        find_features(table, ["Postleitzahl"], labels=None)
    with pytest.raises(DataFileError, match=r"none of the columns 'Message', 'tag'\. Its columns: .* Give a file"):
        find_features(table, ["Message", "tag"], labels=None)
    with pytest.raises(DataFileError, match=r"no column 'incom' that --except could .* Did you mean 'income'\?"):
        find_features(table, "all", labels=None, left_out=["incom"])
    with pytest.raises(InputError, match="'status' was given for the labels and as a feature"):
        find_features(table, ["age", "status"], labels="status")


def test_a_table_of_labels_alone_has_no_features(tmp_path):
    (tmp_path / "t.csv").write_text("status\nleft\n", encoding="utf-8")
    with pytest.raises(DataFileError, match=r"has no column of features\. Its columns: 'status'"):
        find_features(read_table(tmp_path / "t.csv"), "all", labels="status")


def test_rows_have_numbers_with_points_and_the_names_of_a_spreadsheet(table):
    rows = feature_rows(table, ["age", "income", "city"])
    assert rows.index.tolist() == [2, 3, 4]
    assert rows["age"].tolist() == ["40", None, "31"]
    assert rows["income"].tolist() == ["1748.5", None, "-2"]
    assert rows["city"].tolist() == ["Oslo", "Kyiv", "?"]  # a category may be written so


@pytest.mark.parametrize("mark", ["n.a.", "k. A.", "Unknown", "unbekannt", "\u2013", "\u2212", ".b"])
def test_what_people_write_for_a_missing_number_is_none(tmp_path, mark):
    (tmp_path / "t.csv").write_text(f"age,city\n31,{mark}\n{mark},Oslo\n", encoding="utf-8")
    rows = feature_rows(read_table(tmp_path / "t.csv"), ["age", "city"])
    assert (rows["age"].tolist(), rows["city"].tolist()) == (["31", None], [mark, "Oslo"])


@pytest.mark.parametrize(("day", "zero"), [("20240503", "00000000"), ("2024-05-03", "0000-00-00")])
def test_dates_of_zeros_are_missing_ones(tmp_path, day, zero):
    days = [day[:-1] + str(n) for n in range(1, 4)]
    (tmp_path / "t.csv").write_text("\n".join(["since,code", *(f"{one},{zero}" for one in days), f"{zero},007\n"]))
    rows = feature_rows(read_table(tmp_path / "t.csv"), ["since", "code"])
    assert (rows["since"].tolist(), rows["code"].tolist()) == ([*days, None], [zero, zero, zero, "007"])


def test_a_minus_sign_is_read_as_a_hyphen_before_numbers_alone(tmp_path):
    (tmp_path / "t.csv").write_text("n;name\n\u22123,5;\u2212a\n2;b\n", encoding="utf-8")
    rows = feature_rows(read_table(tmp_path / "t.csv"), ["n", "name"])
    assert (rows["n"].tolist(), rows["name"].tolist()) == (["-3.5", "2"], ["\u2212a", "b"])


def test_a_comma_between_cells_is_no_decimal_mark(tmp_path):
    (tmp_path / "t.csv").write_text('size,n\n"1,5",2\n', encoding="utf-8")
    assert feature_rows(read_table(tmp_path / "t.csv"), ["size", "n"]).iloc[0].tolist() == ["1,5", "2"]


def test_amounts_have_a_decimal_comma_also_where_commas_are_between_cells(tmp_path):
    (tmp_path / "t.csv").write_text('gross,list\n"-10,50","1,5"\n"1.234,05","10,50"\n3,2\n')
    rows = feature_rows(read_table(tmp_path / "t.csv"), ["gross", "list"])
    assert (rows["gross"].tolist(), rows["list"].tolist()) == (["-10.50", "1234.05", "3"], ["1,5", "10,50", "2"])


def test_percentages_have_decimal_commas(tmp_path):
    (tmp_path / "t.csv").write_text("rate;n\n1,4%;1\nn/a;2\n-12 %;3\n", encoding="utf-8")
    assert feature_rows(read_table(tmp_path / "t.csv"), ["rate"])["rate"].tolist() == ["1.4%", None, "-12 %"]


def test_percentages_beside_numbers_with_decimal_commas_are_refused(tmp_path):
    (tmp_path / "t.csv").write_text("rate;n\n5 %;1\n0,05;2\n12,5 %;3\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"'rate' holds numbers with a percent sign and without"):
        likely_kind(feature_rows(read_table(tmp_path / "t.csv"), ["rate"])["rate"])


def test_rows_are_shown_by_their_values():
    assert as_rows(pd.DataFrame({"n": [1.0, 2.5], "city": [None, "Oslo"]})) == ["n=1", "n=2.5, city=Oslo"]


def test_a_mark_beside_codes_is_a_code(tmp_path):
    (tmp_path / "t.csv").write_text("code,n\n007,1\nNA,NA\n", encoding="utf-8")
    rows = feature_rows(read_table(tmp_path / "t.csv"), ["code", "n"])
    assert (rows["code"].tolist(), rows["n"].tolist()) == (["007", "NA"], ["1", None])


def test_columns_pasted_from_a_spreadsheet_may_have_a_decimal_comma(tmp_path):
    (tmp_path / "t.tsv").write_text("income\tcity\n1.748,5\tOslo\n-2\tRome\n", encoding="utf-8")
    assert feature_rows(read_table(tmp_path / "t.tsv"), ["income"])["income"].tolist() == ["1748.5", "-2"]


def test_a_column_of_another_name_is_not_offered_if_the_model_needs_it_too(tmp_path):
    (tmp_path / "t.csv").write_text("income,notes\n1,a\n", encoding="utf-8")
    with pytest.raises(DataFileError, match=r"no column 'note'.*Did you mean 'notes'\?"):
        find_features(read_table(tmp_path / "t.csv"), ["income", "note"], labels=None)
    with pytest.raises(DataFileError, match=r"no column 'note'.*Add it, with empty cells"):
        find_features(read_table(tmp_path / "t.csv"), ["income", "notes", "note"], labels=None)


def test_true_and_false_are_the_same_in_every_file(tmp_path):
    (tmp_path / "t.csv").write_text("is,no\nTRUE,true\n,y\nFalse,x\n", encoding="utf-8")
    rows = feature_rows(read_table(tmp_path / "t.csv"), ["is", "no"])
    assert rows["is"].tolist() == [True, None, False]
    assert rows["no"].tolist() == ["true", "y", "x"]


def test_true_and_false_in_other_languages_are_truth_values(tmp_path):
    (tmp_path / "t.csv").write_text("is,one,both\nWAHR,SAND,VRAI\nFalsch,,falsch\n", encoding="utf-8")
    table = read_table(tmp_path / "t.csv")
    assert feature_rows(table, ["is", "one", "both"]).to_numpy().tolist() == [
        [True, "SAND", "VRAI"],
        [False, None, "falsch"],
    ]
    assert feature_rows(table, ["one"], {"one": "number"})["one"].tolist() == [True, None]


def test_a_cell_that_is_no_truth_value_is_the_fault_of_its_row(tmp_path):
    (tmp_path / "t.csv").write_text("is,age\nTRUE,31\nmaybe,40\n,true\nfalse,50\n")
    kinds = {"is": "number", "age": "number"}
    rows = feature_rows(read_table(tmp_path / "t.csv"), ["is", "age"], kinds)
    assert rows["is"].tolist() == [True, "maybe", None, False]
    assert cell_faults(rows, kinds) == {1: "is: 'maybe' is no number", 2: "age: 'true' is no number"}


def test_a_few_cells_that_are_no_numbers_are_faults_of_their_rows(tmp_path):
    cells = [[f"{row},5", f"{row % 28 + 1}.01.2024", "a"] for row in range(30)]
    cells[3][0], cells[4][1], cells[5][0], cells[6][1] = "many", "soon", "n/a", "?"
    pd.DataFrame(cells, columns=["size", "since", "kind"]).to_csv(tmp_path / "t.csv", sep=";", index=False)
    rows = feature_rows(read_table(tmp_path / "t.csv"), ["size", "since", "kind"])
    assert rows.iloc[[2, 3, 5], 0].tolist() == ["2.5", "many", None]
    assert cell_faults(rows) == {3: "size: 'many' is no number", 4: "since: 'soon' is no date"}
    assert cell_faults(rows, {"size": "category", "since": "category"}) == {}


def test_cells_of_known_columns_are_judged_by_what_these_hold(tmp_path):
    (tmp_path / "t.csv").write_text("size;since\n1,5;31.01.2024\nx;12/31/2024\n")
    table, kinds = read_table(tmp_path / "t.csv"), {"size": "number", "since": "day first"}
    rows = feature_rows(table, ["size", "since"], kinds)
    assert rows["size"].tolist() == ["1.5", "x"]
    assert cell_faults(rows, kinds) == {1: "size: 'x' is no number"}  # the dates are refused as a column
    assert cell_faults(rows[1:], kinds) == {}


def test_a_date_among_numbers_and_a_day_that_no_month_has_are_faults_of_their_rows():
    rows = pd.DataFrame({"size": [*range(30), "05/01/2024"], "since": ["31.04.2024", *["30.04.2024"] * 30]})
    assert cell_faults(rows) == {0: "since: '31.04.2024' is no date", 30: "size: '05/01/2024' is no number"}
    assert cell_faults(rows[:2], {"since": "date"}) == {0: "since: '31.04.2024' is no date"}
    many = pd.DataFrame({"since": ["31.04.2024"] * 8 + ["30.04.2024"] * 12})
    assert cell_faults(many) == {}  # `fit` refuses the column
    assert len(cell_faults(many, {"since": "day first"})) == 8
    assert cell_faults(pd.DataFrame({"since": ["2024-04-30", "3/4/2024"]}), {"since": "date"}) == {}


@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer, load_digits])
def test_the_classes_of_real_tables_are_found_by_their_values_and_no_measurement_is_taken_for_them(load):
    table = load(as_frame=True).frame
    assert likely_class_column(table) == "target"
    assert likely_class_column(table[["target", *table.columns[:-1]]]) == "target"
    assert likely_class_column(table.reset_index()[["index", "target", *table.columns[:-1]]]) == "target"
    assert likely_class_column(table.drop(columns="target")) is None


def test_the_column_of_the_classes_is_found_by_its_name():
    assert named_class_column(["age", " Species ", "status"]) == " Species "
    assert named_class_column(["age", "city"]) is None
    assert likely_class_column(pd.DataFrame({"status": ["a", "b"], "n": [1, 2]})) == "status"


def test_years_and_numbers_that_count_something_are_not_taken_for_classes():
    table = pd.DataFrame({"price": range(12), "year": [2021, 2022, 2023] * 4})
    assert likely_class_column(table) is None
    assert likely_class_column(table.astype(str)) is None
    assert likely_class_column(table.assign(year=table["year"] - 2021)) == "year"
    rooms = pd.DataFrame({"rooms": [*range(2, 7)] * 3, "price": range(15)})
    assert likely_class_column(rooms) is None
    assert likely_class_column(rooms.assign(rooms=rooms["rooms"] - 2)) == "rooms"
