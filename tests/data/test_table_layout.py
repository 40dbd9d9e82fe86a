"""A last row of sums without a word, subtotals, and tables whose items stand in columns."""

import logging

import pytest

from anyshot.data.table_layout import is_row_of_sums, is_transposed, other_table, rows_of_subtotals
from anyshot.data.tables import read_table
from data.written import file

NAMES = ["key", "n", "price"]
ITEMS = [["a", "4", "1,5"], ["b", "5", ""], ["c", "7", "2,5"], ["d", "1", "1.000"]]


@pytest.mark.parametrize("last", [["", "17", "1004,0"], ["", "17", "1.004"], ["", "17", ""], ["", "", "1004,00"]])
def test_sums_in_a_last_row_without_a_key_are_found_as_spreadsheets_write_them(last):
    assert is_row_of_sums([NAMES, *ITEMS, ["", "", ""], last])


@pytest.mark.parametrize(
    "last", [["e", "17", "1004"], ["", "18", "1004"], ["", "17", "cheap"], ["", "", ""], ["", "17", "3"]]
)
def test_other_last_rows_are_items(last):
    assert not is_row_of_sums([NAMES, *ITEMS, last])


def test_subtotals_between_items_are_warned_of_and_texts_that_begin_like_them_are_not(tmp_path, caplog):
    content = "shop;area;n\na;A;3\nb;A;4\nSummer;B;7\nZwischensumme;;14\nc;B;5\nSumme Region B;;5\nd;C;1\ne;C;2\n"
    assert len(read_table(file(tmp_path, "shops.csv", content)).frame) == 8
    assert "rows such as row 5, 'Zwischensumme', seem to be subtotals. They are read like the others" in caplog.text
    grouped = [["area", "n"], ["A", 31], ["A", 4], ["A Total", 35], ["B", 5], ["B", 9.5], ["Sum of B", 14.5], ["C", 2]]
    assert rows_of_subtotals(grouped) == [2, 5]
    texts = ["total loss", "give me the total", "Total war is bad", "my sum", "Total"]
    assert rows_of_subtotals([["text", "stars"], *([text, n] for n, text in enumerate(texts, start=1))]) == [4]
    assert rows_of_subtotals([["text", "label"], *([text, "angry"] for text in texts)]) == []


@pytest.mark.parametrize("place", [0, 1])
def test_subtotals_without_an_empty_cell_are_found_by_their_sums(place):
    total = ["N Total", "All"] if place == 0 else ["N", "Total"]
    shops = [
        ["area", "shop", "n", "mean"],
        ["N", "a", 30, 3.0],
        ["N", "b", 4, 5.0],
        [*total, 34, 4.0],
        ["S", "c", 7, 2.0],
    ]
    assert rows_of_subtotals(shops) == [2]
    nested = [
        ["area", "n"],
        ["A", 31],
        ["A", 4],
        ["A Total", 35],
        ["B", 15],
        ["B", 9],
        ["B Total", 24],
        ["N Total", 59],
    ]
    assert rows_of_subtotals(nested) == [2, 5, 6]
    texts = [["id", "text", "label"], ["1", "it is late", ""], ["2", "give me the total", ""], ["3", "Total loss", ""]]
    assert rows_of_subtotals(texts) == []


def test_words_for_sums_that_are_values_of_a_column_are_items():
    cars = [["good", 12, 1], ["average", 30, 0], ["bad", 4, 0], ["average", 31, 1], ["good", 9, 1], ["average", 35, 0]]
    assert rows_of_subtotals([["quality", "price", "sold"], *cars]) == []


def test_numbers_that_are_sums_by_chance_are_items():
    assert not is_row_of_sums([["key", "n"], ["a", 0], ["b", 1], ["c", 0], ["d", 0], [None, 1]])
    assert not is_row_of_sums([["key", "n"], ["a", 1], [None, 1], ["c", 1], ["d", 1], [None, 4]])
    assert not is_row_of_sums([["n"], [1], [1], [1], [3]])
    assert not is_row_of_sums([["key", "n"]])


def test_two_sums_beside_a_word_are_found():
    items = [["a", 1, 2, "x"], ["b", 1, 3, "y"], ["c", 2, 4, "x"]]
    assert is_row_of_sums([["key", "n", "m", "label"], *items, ["All 3 rows", 4, 9, None]])
    assert not is_row_of_sums([["key", "n", "m", "label"], *items, ["d", 4, 8, None]])
    assert not is_row_of_sums([["key", "n", "m", "label"], *items, ["d", 4, None, None]])


def test_a_footer_that_is_left_out_is_no_remark(tmp_path, caplog):
    read_table(file(tmp_path, "a.csv", "text,label\na,x\nb,y\n\nMean,2\nTotal,4\n"))
    read_table(file(tmp_path, "b.csv", "key,n\na,1\nb,1\nc,2\n\n,4\n"))
    assert "a remark" not in caplog.text


def test_a_row_of_sums_is_left_out_of_a_file_and_said(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    path = file(tmp_path, "a.csv", "text,label,n\na,x,1\nb,y,1\nc,x,2\n,,4\n")
    assert read_table(path).frame["text"].tolist() == ["a", "b", "c"]
    assert "row 5 holds sums of the columns and is left out" in caplog.text


FEATURES = [["id", "a", "b", "c"], ["age", "31", "40", "25"], ["city", "Rome", "Oslo", "Bern"]]


@pytest.mark.parametrize("rows", [FEATURES, [["text", "a", "b", "c"], ["label", "x", "y", "x"]]])
def test_items_in_columns_are_warned_of(rows, tmp_path, caplog):
    read_table(file(tmp_path, "a.csv", "".join(",".join(row) + "\n" for row in rows)))
    assert f"such as {rows[1][0]!r}, and the columns the items" in caplog.text


@pytest.mark.parametrize(
    "rows",
    [
        list(zip(*FEATURES, strict=True)),
        [["text", "label", "n", "m"], ["message", "x", "1", "2"]],
        [["id", "a", "b", "c"], ["1", "2", "3", "4"], ["2", "5", "6", "7"]],
        [
            ["word", "in", "n", "kind"],
            *([word, "en", n, "x"] for n, word in enumerate(["text", "sun", "label", "sea"])),
        ],
        [["id", "a", "b", "c"], ["x", "u", "v", "w"], ["x", "5", "6", "7"]],
    ],
)
def test_items_in_rows_are_not(rows):
    assert not is_transposed(rows)


@pytest.mark.parametrize("first", ["Why?,How good?,", "text,EUR,month"])
def test_a_row_that_describes_the_columns_is_warned_of(first, tmp_path, caplog):
    read_table(file(tmp_path, "a.csv", f"q1,q2,q3\n{first}\na,1,May\nb,2.5,\nc,-3,July\n"))
    assert f"row 2 seems to describe the columns: '{first.split(',')[0]}'. It is read like the others" in caplog.text


@pytest.mark.parametrize("first", ["a,1,x", "a,NA,x", "a,?,x", "a,,x", ",kg,", "a,1E3,x"])
def test_other_first_rows_describe_no_columns(first, tmp_path, caplog):
    read_table(file(tmp_path, "a.csv", f"q1,q2,q3\n{first}\na,1,May\nb,2.5,\nc,-3,July\n"))
    assert not caplog.text


@pytest.mark.parametrize("below", ["Summary,\nlabel,count\nx,2\n", "label,count\nx,2\n"])
@pytest.mark.parametrize("blank", ["\n", ",\n"])
def test_another_table_below_a_blank_row_is_warned_of(below, blank, tmp_path, caplog):
    read_table(file(tmp_path, "a.csv", f"text,label\na,x\nb,y\n{blank}{below}"))
    assert (
        f"from row 5 on, below a blank row, seem to be a remark or another table: '{below.split(',')[0]}'"
        in caplog.text
    )


@pytest.mark.parametrize("below", ["3,c,,\n4,d,,\n", "3,c,,\n\n4,d,,\n", "3,c,,\n"])
def test_rows_below_a_blank_row_that_lack_only_labels_are_unlabeled(below, tmp_path, caplog):
    caplog.set_level("INFO")
    read_table(file(tmp_path, "a.csv", f"id,text,label,by\n1,a,x,\n2,b,y,Ann\n\n{below}"))
    assert "the rows from row 5 on, below a blank row, have no label, and are read as unlabeled" in caplog.text
    assert "another table" not in caplog.text


@pytest.mark.parametrize("below", [",c,,\n", ",c,,\n,d,,\n", "Sum,2,,\nx,,,\n"])
def test_other_rows_below_a_blank_row_are_no_unlabeled_items(below, tmp_path, caplog):
    read_table(file(tmp_path, "a.csv", f"id,text,label,by\n1,a,x,z\n2,b,y,Ann\n\n{below}"))
    assert "seem to be a remark or another table" in caplog.text


def test_rows_that_all_have_fewer_values_than_those_above_the_blank_row_are_warned_of():
    items, footer = [["n", "text", "label"], [1, "a", "x"], [2, "b", "y"]], [["Acme", "", ""], ["By: Ann", "", ""]]
    assert other_table([*items, *footer], [2, 3, 5, 6]) == 2
    assert other_table([*items, *footer], [2, 3, 4, 5]) is None
    assert other_table([*items, *footer, [3, "c", "x"]], [2, 3, 5, 6, 7]) is None


def test_items_below_a_blank_row_are_no_other_table():
    rows = [["text", "label"], ["a", "x"], ["b", "y"], [None, None], ["c", ""], ["d", ""], ["", ""], ["e", "x"]]
    assert other_table(rows, range(2, 9)) is None
    assert other_table([["text", "n"], *[["a", 1]] * 30, ["b", None]], range(2, 64, 2)) is None  # all rows are apart
