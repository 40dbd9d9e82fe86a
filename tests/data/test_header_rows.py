"""Titles above the names of the columns, and rows without data below them."""

import logging
from pathlib import Path

import pytest

from anyshot.data.header_rows import rows_above_names, rows_without_data
from anyshot.data.table_writing import write_table
from anyshot.data.tables import read_table
from anyshot.errors import DataFileError

QUALTRICS = [
    ["StartDate", "ResponseId", "Q1", "Q2"],
    ["Start Date", "Response ID", "What happened?", "Topic"],
    [
        '{"ImportId":"startDate","timeZone":"Z"}',
        '{"ImportId":"_recordId"}',
        '{"ImportId":"QID1"}',
        '{"ImportId":"QID2"}',
    ],
    ["2026-05-01", "R_1", "I was charged twice", "billing"],
]


def table_of(tmp_path: Path, text: str) -> tuple[list[list[object]], list[object]]:
    path = tmp_path / "a.csv"
    path.write_text(text, encoding="utf-8")
    table = read_table(path)
    return [list(table.frame.columns), *table.frame.values.tolist()], [
        table.number(row) for row in range(len(table.frame))
    ]


@pytest.mark.parametrize("separator", [";", ",", "|"])
@pytest.mark.parametrize(
    "above", ["Tickets, all\n\n", "Tickets\nFrom: 1 May, 8:00\nBy: Ana\n\n", "Tickets;;\n;;\n", "1;x\n\n"]
)
def test_what_stands_above_the_names_of_a_csv_is_left_out(tmp_path, separator, above):
    names, row = separator.join(["Betreff", "Text", "Art"]), separator.join(["a", '"b ""c"" d"', "e"])
    rows, numbers = table_of(tmp_path, f"{above.replace(';;', 2 * separator)}{names}\n{row}\n{row}\n")
    assert rows == [["Betreff", "Text", "Art"], *[["a", 'b "c" d', "e"]] * 2]
    assert numbers == [above.count("\n") + 2, above.count("\n") + 3]


def test_usual_names_need_no_blank_row_above_them(tmp_path):
    assert table_of(tmp_path, "Tickets of May\ntext;label\na;b\n") == ([["text", "label"], ["a", "b"]], [3])


def test_merged_names_of_groups_stand_above_names_of_which_more_are_usual():
    rows = [["Message", None, "Answer"], ["Text", "Channel", "Label"], ["a", "mail", "x"]]
    assert rows_above_names(rows, is_title=True) == 1
    assert rows_above_names(rows) == 0
    assert rows_above_names([["Text", None, "Label"], ["text", "label", ""], ["a", "x", ""]], is_title=True) == 0


def test_titles_of_one_cell_stand_above_names_that_have_numbers_below_them(tmp_path):
    table = "Keyword,Kind,Cost\ntea,a,2.10\ncoffee,b,0\n"
    assert table_of(tmp_path, f'Report\n"May 1, 2024 - May 31, 2024"\n{table}')[0] == [
        ["Keyword", "Kind", "Cost"],
        ["tea", "a", "2.10"],
        ["coffee", "b", "0"],
    ]


@pytest.mark.parametrize(
    "rows",
    [
        [["text"], [], ["a", "b"], ["c", "d"]],  # the first row has a usual name
        [["x", "y"], [], ["a", "question"], ["c", "d"]],  # one usual name may be a class
        [["x", "y"], ["1", "a", "b"], ["2", "c", "d"]],  # R writes no name above the names of rows
        [["Betreff", "Art"], ["a", "b"], [], ["c", "d"]],
        [["Title"], [], ["x", "y"]],  # nothing would be left
        [["name"], ["Smith", " John", " Dr"], ["Lee", " Ann", " Ms"], ["Roe", " Jo", " Dr"]],  # commas of texts
        [*[["a"]] * 6, ["Keyword", "Kind", "Cost"], ["tea", "a", "2"], ["cup", "b", "3"]],
        [["Title"], ["a", "2", "c"], ["a", "3", "c"], ["a", "4", "c"]],
    ],
)
def test_names_in_the_first_row_stay(rows):
    assert rows_above_names(rows) == 0


def test_rows_that_survey_tools_write_below_the_names_are_left_out(tmp_path, caplog):
    for n, rows in enumerate([QUALTRICS, QUALTRICS[:2] + QUALTRICS[3:], QUALTRICS[:1] + QUALTRICS[2:]]):
        path = tmp_path / f"{n}.xlsx"
        write_table([dict(zip(rows[0], row, strict=True)) for row in rows[1:]], path)
        with caplog.at_level(logging.INFO):
            table = read_table(path)
        assert table.frame.values.tolist() == [QUALTRICS[3]]
        assert table.number(0) == len(rows)
    assert "2 rows without data below the names left out, such as 'Start Date'" in caplog.text
    table_of(tmp_path, "Id,Why?,n\n,Open-Ended Response,Response\n1,a,3\n2,b,4\n3,c,5\n")
    assert "seems to describe" not in caplog.text


def test_the_second_row_of_surveymonkey_is_left_out_and_answers_are_not():
    names, answer = ["Respondent ID", "Why?", "Topic", ""], ["1", "a", "b", ""]
    assert rows_without_data([names, ["", "Open-Ended Response", "Response", "Other"], answer]) == [0]
    assert rows_without_data([names, ["", "Response", "Response", ""], answer]) == [0]
    assert rows_without_data([names, [None, "Response", "Response", None], answer]) == [0]
    assert rows_without_data([names, ["1", "Response", "late", ""], answer]) == []
    assert rows_without_data([["Billing", "Login"], ["billing", "login"], ["", ""]]) == []
    assert rows_without_data([names]) == []
    assert rows_without_data([names, answer]) == []


def test_answers_that_surveymonkey_writes_below_a_question_name_their_columns(tmp_path):
    rows, _ = table_of(tmp_path, "Id,Topic,,Why?\n,Refund,Response,Open-Ended Response\n1,Refund,,late\n")
    assert rows == [["Id", "Topic", "Response", "Why?"], ["1", "Refund", "", "late"]]
    assert table_of(tmp_path, "Id,Topic,\n,Refund,Response\n1,Refund,a\n")[0][0] == ["Id", "Topic", "Response"]
    assert table_of(tmp_path, "Id,\n--,----\n1,late\n")[0] == [["Id", ""], ["1", "late"]]


def test_dashes_below_the_names_and_the_number_of_rows_that_databases_write_are_left_out(tmp_path):
    rows, numbers = table_of(tmp_path, "text,label\n----,-----\na,b\n-- x,--\n\n(12 rows affected)\n")
    assert rows == [["text", "label"], ["a", "b"], ["-- x", "--"]]
    assert numbers == [3, 4]
    assert table_of(tmp_path, "text,label\na,b\n(1 row(s) affected)\n")[0] == [["text", "label"], ["a", "b"]]
    assert table_of(tmp_path, "text|label\na|b\n(1 row)\n") == ([["text", "label"], ["a", "b"]], [2])


@pytest.mark.parametrize(
    "footer",
    [
        "Total,9",
        "Gesamt:,",
        "Ergebnis,9",
        ",Grand Total",
        'Summe,"1.234,50 €"',
        "TOTAL,75 %",
        "Summe,9 Einträge",
        "Total,EUR 9",
        "Total: Account,9",
    ],
)
def test_a_row_of_totals_at_the_end_is_left_out(tmp_path, footer):
    assert table_of(tmp_path, f"text,label\ntotal,1\na,b\n{footer}\n")[0] == [
        ["text", "label"],
        ["total", "1"],
        ["a", "b"],
    ]


def test_several_rows_of_totals_at_the_end_are_left_out(tmp_path):
    assert table_of(tmp_path, "text,label\na,b\nc,d\nMittelwert,4\nSumme,9\n")[0][1:] == [["a", "b"], ["c", "d"]]


@pytest.mark.parametrize("last", ["Total,billing", "Total,not ok", "total cost,9", "summed up,"])
def test_a_last_row_of_words_stays(tmp_path, last):
    assert table_of(tmp_path, f"text,label\na,b\n{last}\n")[0][-1] == last.split(",")


def test_empty_cells_of_a_sheet_are_not_taken_for_words(tmp_path):
    import_ids = {"id": None, "text": '{"ImportId":"QID1"}', "label": '{"ImportId":"QID2"}'}
    for n, row in enumerate([import_ids, {"id": None, "text": "---", "label": "-----"}]):
        path = tmp_path / f"{n}.xlsx"
        write_table([row, {"id": "1", "text": "a", "label": "b"}, {"id": "(1 row)"}], path)
        assert read_table(path).frame.values.tolist() == [["1", "a", "b"]]


def test_numbers_of_rows_that_r_writes_without_a_name_are_a_column_without_one(tmp_path):
    rows, _ = table_of(tmp_path, '"text","label"\n"1","a","b"\n"12","c","d"\n')
    assert rows == [["", "text", "label"], ["1", "a", "b"], ["12", "c", "d"]]
    with pytest.raises(DataFileError, match="3 fields, but the first line, 'text,label', has 2"):
        table_of(tmp_path, "text,label\nHello, world,b\n")


def test_a_last_row_whose_word_stands_above_too_is_an_item(tmp_path):
    assert len(table_of(tmp_path, "quality,price\naverage,30\ngood,12\naverage,35\n")[0]) == 4
