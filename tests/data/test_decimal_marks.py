"""A comma or a point before three digits: the other numbers of the file show what it separates, or it is logged."""

import logging

import pytest

from anyshot.data.decimal_marks import unclear_number
from anyshot.data.feature_columns import feature_rows
from anyshot.data.tables import read_table


@pytest.mark.parametrize(
    ("rows", "numbers"),
    [
        ("5,111;1,5", ["5.111"]),  # the other column has decimal commas
        ("5.111;1,5", ["5111"]),
        ("5,111;1.5", ["5111"]),
        ("5.111;1.5", ["5.111"]),
        ("5.111;x\n1.250,50;x", ["5111", "1250.50"]),  # the column itself has one
        ("5,111;x\n2500;x", ["5.111", "2500"]),  # nothing separates thousands
        ("1,23E+05;x", ["1.23E+05"]),
    ],
)
def test_other_numbers_of_a_file_show_the_decimal_mark(tmp_path, caplog, rows, numbers):
    caplog.set_level(logging.INFO)
    (tmp_path / "t.csv").write_text(f"sum;other\n{rows}\n")
    assert feature_rows(read_table(tmp_path / "t.csv"), ["sum"])["sum"].tolist() == numbers
    assert not caplog.text


@pytest.mark.parametrize("number", ["5,111", "5.111"])
def test_a_number_that_may_be_in_thousands_is_logged_with_its_column(tmp_path, caplog, number):
    caplog.set_level(logging.INFO)
    (tmp_path / "t.csv").write_text(f"sum;other\n{number};007\n?;n/a\n")
    assert feature_rows(read_table(tmp_path / "t.csv"), ["sum"])["sum"].tolist() == ["5.111", None]
    assert f"Column 'sum': '{number}' and other numbers there are read as 5.111. If it stands for 5111" in caplog.text
    feature_rows(read_table(tmp_path / "t.csv"), ["sum"], {"sum": "category"})  # a code
    assert caplog.text.count("read as") == 1


def test_measurements_are_not_unclear():
    assert unclear_number(["1.001", "0.998"]) is None
    assert unclear_number(["1.001", "997.12"]) is None
    assert unclear_number(["A 1.001"] * 3) is None
