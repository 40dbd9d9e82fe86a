"""Cells that hold nothing, and formulas in the cells of a CSV file."""

import csv
import logging

import pandas as pd
import pytest

from anyshot.data.cells import as_text, as_written, is_empty, is_filled, is_no_text
from anyshot.data.table_writing import write_table
from anyshot.data.tables import read_table


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        (None, (False, True, True)),
        ("", (False, True, True)),
        (" \u200b", (True, True, True)),
        (" NaN ", (True, False, True)),
        ("none", (True, False, False)),
        (0, (True, False, False)),
    ],
)
def test_a_cell_has_a_value_is_visible_or_says_that_there_is_none(cell, found):
    assert (is_filled(cell), is_empty(cell), is_no_text(cell)) == found


FORMULAS = ['=cmd|"/C calc"!A1', "+1+cmd", "-2+3+cmd", "@SUM(1)", "\t=1", "\r=1", "\uff1d1+1"]


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_is_written_as_text(tmp_path, formula):
    write_table([{"text": formula, "label": formula}], tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        _, row = csv.reader(file)
    assert row == [f"'{formula}"] * 2


def test_a_formula_in_a_column_name_is_written_as_text(tmp_path):
    write_table(pd.DataFrame({"=1+1": ["a"], "b": ["=2"]}), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text(encoding="utf-8") == "'=1+1,b\na,'=2\n"


@pytest.mark.parametrize(
    "value", ["-5", "+4.2", "-1,000.5", "1e-3", "-1e5", -3, 0.5, None, True, "a=b", "", "'a'", "'-1"]
)
def test_numbers_and_other_texts_stay_as_they_are(value):
    assert as_text(value) is value


def test_verbatim_writes_formulas_as_they_are(tmp_path):
    write_table([{"text": "=1+1"}], tmp_path / "a.csv", verbatim=True)
    assert (tmp_path / "a.csv").read_text(encoding="utf-8") == "text\n=1+1\n"


def test_other_formats_hold_the_text_itself(tmp_path):
    for name in ("a.jsonl", "a.parquet"):
        write_table([{"text": "=1+1"}], tmp_path / name)
    assert pd.read_json(tmp_path / "a.jsonl", lines=True)["text"].tolist() == ["=1+1"]
    assert pd.read_parquet(tmp_path / "a.parquet")["text"].tolist() == ["=1+1"]


@pytest.mark.parametrize("text", ["=1+1", "'=1+1", "''- late", "'quoted'", "-5", "@me", "", "'"])
def test_a_text_is_read_as_it_was_before_it_was_made_safe(tmp_path, text):
    assert as_written(as_text(text)) == text
    write_table([{"=a": text, "b": "x"}], tmp_path / "a.csv")
    table = read_table(tmp_path / "a.csv")
    assert (list(table.frame.columns), table.values("=a")) == (["=a", "b"], [text])


def test_how_many_cells_got_an_apostrophe_is_logged(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        write_table([{"a": "+49 170 1"}, {"a": "- late"}, {"a": "-5,2"}], tmp_path / "a.csv")
    assert "put before 2 texts that a spreadsheet would run" in caplog.text
