"""Titles above the names of the columns, and rows of survey tools below them."""

import logging
from pathlib import Path

import pytest

from anyshot.data.header_rows import rows_above_names, rows_of_surveys
from anyshot.data.tables import read_table, write_table

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


@pytest.mark.parametrize(
    "rows",
    [
        [["text"], [], ["a", "b"], ["c", "d"]],  # the first row has a usual name
        [["x", "y"], [], ["a", "question"], ["c", "d"]],  # one usual name may be a class
        [["x", "y"], ["1", "a", "b"], ["2", "c", "d"]],  # R writes no name above the names of rows
        [["Betreff", "Art"], ["a", "b"], [], ["c", "d"]],
        [["Title"], [], ["x", "y"]],  # nothing would be left
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
    assert "2 rows of the survey tool below the names left out, such as 'Start Date'" in caplog.text


def test_the_second_row_of_surveymonkey_is_left_out_and_answers_are_not():
    names = ["Respondent ID", "Why?", "Topic", ""]
    assert rows_of_surveys([names, ["", "Open-Ended Response", "Response", "Other"], ["1", "a", "b", ""]]) == 1
    assert rows_of_surveys([names, ["", "Response", "Response", ""], ["1", "a", "b", ""]]) == 1
    assert rows_of_surveys([names, ["1", "Response", "late", ""]]) == 0
    assert rows_of_surveys([["Billing", "Login"], ["billing", "login"]]) == 0
    assert rows_of_surveys([names]) == 0
