"""Workbooks of Excel, as people make them."""

import gc
import logging
from datetime import datetime
from zipfile import ZipFile

import openpyxl
import pandas as pd
import pytest

from anyshot.data.datasets import read_data
from anyshot.data.table_writing import write_table
from anyshot.data.tables import read_table
from anyshot.data.workbooks import MAX_TEXT, merged_and_without_value, read_workbook
from anyshot.errors import DataFileError, InputError

ROWS = [["text", "label"], ["a", "x"], ["b", None], ["c", "y"]]


@pytest.fixture
def book():
    made = openpyxl.Workbook()
    for row in ROWS:
        made.active.append(row)
    return made


@pytest.fixture
def saved(book, tmp_path):
    def save():
        book.save(tmp_path / "a.xlsx")
        return tmp_path / "a.xlsx"

    return save


def test_cells_merged_over_rows_have_their_value_in_each(book, saved):
    book.active.merge_cells("B2:B3")
    book.active.merge_cells("C1:C9")
    book.active["D2"] = "a comment"
    book.active.merge_cells("D2:D90")  # below the last row there is nothing to fill
    assert read_data(saved()).labels == ["x", "x", "y"]


@pytest.mark.parametrize("above", [["Export, May"], ["Export, May", None], ["Export, May", None, "of all teams", None]])
def test_a_heading_above_the_table_is_left_out_and_logged(book, saved, caplog, above):
    sheet = book.active
    sheet.insert_rows(1, len(above))
    for number, text in enumerate(above, start=1):
        sheet.cell(number, 1, text)
    if above == above[:1]:
        sheet.merge_cells("A1:B1")
    with caplog.at_level(logging.INFO):
        found = read_data(saved())
    assert (list(found.items), found.labels) == (["a", "b", "c"], ["x", None, "y"])
    assert "left out: 'Export, May'" in caplog.text


def test_a_single_name_above_other_columns_is_no_heading(book, saved):
    book.active["B1"] = None
    assert read_workbook(saved()).rows[0] == ["text"]


def test_formulas_without_a_value_are_logged(book, saved, caplog):
    book.active["B3"] = '=IF(1=1,"x","")'
    with caplog.at_level(logging.INFO):
        assert read_data(saved()).labels == ["x", None, "y"]
    assert "1 formula without a value, read as empty: B3" in caplog.text


def test_hidden_rows_are_read_and_logged(book, saved, caplog):
    for number in (3, 4, 90):  # the last one has no values
        book.active.row_dimensions[number].hidden = True
    book.active.column_dimensions["B"].hidden = True
    with caplog.at_level(logging.INFO):
        assert read_data(saved()).labels == ["x", None, "y"]
    assert "sheet 'Sheet': 2 hidden rows, as of a filter, read like the others" in caplog.text


def test_a_formula_whose_value_is_an_empty_text_has_a_value():
    """As Excel stores IF(A2="","","x"), here with a prefix before each name, as other programs write it."""
    cells = '<x:c r="A1" t="str"><x:f>B1</x:f><x:v></x:v></x:c><x:c r="A2"><x:f>B1</x:f></x:c>'
    xml = f'<x:worksheet xmlns:x="urn:s"><x:row>{cells}</x:row><x:mergeCell ref="A1:A2"/></x:worksheet>'
    assert merged_and_without_value(xml.encode()) == (["A1:A2"], ["A2"])


def test_the_first_visible_sheet_is_read_or_the_one_that_is_named(book, saved, caplog):
    book.active.sheet_state = "hidden"
    for name in ("Mails", "More"):
        book.create_sheet(name).append(["text"])
        book[name].append([name])
    book.create_sheet("Notes", 0).append(["as of May"])  # a row alone is no table
    book.active = 2
    with caplog.at_level(logging.INFO):
        assert read_data(saved()).items == ["Mails"]
    assert "has the sheets 'Notes', 'Mails', 'More'; 'Mails' was read" in caplog.text
    assert read_data(saved(), sheet="Sheet").items == ["a", "b", "c"]
    with pytest.raises(InputError, match=r"has no sheet 'mails'\. Its sheets: 'Notes', 'Sheet', 'Mails', 'More'"):
        read_data(saved(), sheet="mails")


def test_a_sheet_of_what_is_no_excel_file_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("text\na\n")
    with pytest.raises(InputError, match="is not an Excel file"):
        read_data(tmp_path / "a.csv", sheet="Mails")
    with pytest.raises(InputError, match="is a folder"):
        read_data(tmp_path, sheet="Mails")


def test_a_damaged_workbook_is_refused(saved):
    path = saved()
    content = path.read_bytes()
    place = content.index(b"xl/worksheets/sheet1.xml") + 60
    path.write_bytes(content[:place] + b"damaged" + content[place + 7 :])
    with pytest.raises(DataFileError, match="is damaged"):
        read_workbook(path)


def test_workbooks_that_openpyxl_cannot_read_are_refused_with_what_to_do(book, saved):
    with ZipFile(saved()) as whole:
        parts = {name: whole.read(name) for name in whole.namelist()}
    strict = parts | {"xl/workbook.xml": b'<workbook xmlns="http://purl.oclc.org/ooxml/spreadsheetml/main"/>'}
    book.create_chartsheet()  # without a drawing
    saved_again = saved()
    with pytest.raises(DataFileError, match=r"Open it in Excel, and save it as \.xlsx again"):
        read_workbook(saved_again)
    with ZipFile(saved_again, "w") as broken:
        for name, content in strict.items():
            broken.writestr(name, content)
    with pytest.raises(DataFileError, match=r"is a Strict Open XML Spreadsheet.*plain type Excel Workbook"):
        read_workbook(saved_again)


def test_an_empty_workbook_is_refused(tmp_path):
    openpyxl.Workbook().save(tmp_path / "a.xlsx")
    with pytest.raises(DataFileError, match="is empty"):
        read_workbook(tmp_path / "a.xlsx")


def test_formatted_cells_far_from_the_data_do_not_count(book, saved):
    for cell in (book.active.cell(5_000, 1), book.active.cell(1, 16_384)):
        cell.font = openpyxl.styles.Font(bold=True)
    assert read_workbook(saved()).rows == [["text", "label"], ["a", "x"], ["b"], ["c", "y"]]


def test_a_table_may_stand_anywhere_in_the_sheet(tmp_path):
    book = openpyxl.Workbook()
    for row, cells in enumerate(ROWS):
        for column, value in enumerate(cells):
            book.active.cell(4 + row, 3 + column).value = value
    book.save(tmp_path / "a.xlsx")
    table = read_table(tmp_path / "a.xlsx")
    assert (list(table.frame.columns), table.place(0)) == (["text", "label"], "row 5")


def test_escaped_characters_are_read_and_written(book, saved, tmp_path):
    book.active["A2"] = "one_x000D_\ntwo"
    assert read_data(saved()).items[0] == "one\ntwo"
    write_table([{"text": "_x000D_ and \x07"}], tmp_path / "b.xlsx")
    assert read_data(tmp_path / "b.xlsx").items == ["_x000D_ and "]


def test_dates_numbers_and_texts_keep_their_type(tmp_path):
    when = datetime(2026, 1, 2)
    rows = pd.DataFrame({"text": ["=1+1", "007"], "when": [when, None], "n": [1, 2.5], "is": [True, False]})
    write_table(rows, tmp_path / "a.xlsx")
    table = read_table(tmp_path / "a.xlsx")
    assert (table.values("text"), table.values("n")) == (["=1+1", "007"], [1, 2.5])
    assert (table.values("when"), table.values("is")) == ([when, None], [True, False])
    cell = openpyxl.load_workbook(tmp_path / "a.xlsx").active["A2"]
    assert (cell.value, cell.data_type) == ("=1+1", "s")


def test_times_with_a_zone_are_texts_and_long_texts_are_cut_with_a_note(tmp_path, caplog):
    rows = {"when": [pd.Timestamp("2026-01-02", tz="UTC")], "text": ["a" * (MAX_TEXT + 1)]}
    write_table(pd.DataFrame(rows), tmp_path / "a.xlsx")
    table = read_table(tmp_path / "a.xlsx")
    assert table.values("when") == ["2026-01-02 00:00:00+00:00"]
    assert len(table.values("text")[0]) == MAX_TEXT
    assert f"{tmp_path / 'a.xlsx'}: 1 text cut to 32,767 characters" in caplog.text


def test_control_characters_that_a_cell_cannot_hold_are_left_out_with_a_note(tmp_path, caplog):
    write_table(pd.DataFrame({"text": ["a\x01b\x0bc", "tab\there"], "b\x02": [1, 2]}), tmp_path / "a.xlsx")
    table = read_table(tmp_path / "a.xlsx")
    assert (list(table.frame.columns), table.values("text")) == (["text", "b"], ["abc", "tab\there"])
    (said,) = caplog.messages
    assert said == f"{tmp_path / 'a.xlsx'}: control characters left out of 2 texts, which Excel cannot hold"


def test_numbers_and_dates_among_texts_are_read_as_they_are_shown(book, tmp_path):
    for value in (5, 2.5, datetime(2024, 5, 3), True, None):
        book.active.append([value, "x"])
    book.save(tmp_path / "a.xlsx")
    data = read_data(tmp_path / "a.xlsx", on_error="skip")
    assert list(data.items) == ["a", "b", "c", "5", "2.5", "2024-05-03", "TRUE"]


@pytest.mark.parametrize("most", [4096, 100_000])
def test_a_full_disk_is_the_error_alone(tmp_path, most):
    resource = pytest.importorskip("resource", reason="this system limits no size of files")
    table, before = pd.DataFrame({"n": range(3000)}), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        with pytest.raises(DataFileError, match="xlsx cannot be written"):
            write_table(table, tmp_path / "a.xlsx")
        gc.collect()  # an archive that was left open would say that it cannot be closed
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_lists_and_objects_are_written_as_json(tmp_path):
    write_table([{"a": [1, 2], "b": {"c": None}}], tmp_path / "a.xlsx")
    assert read_workbook(tmp_path / "a.xlsx").rows[1] == ["[1, 2]", '{"c": null}']


def test_the_file_that_excel_keeps_of_an_open_workbook_is_refused_with_its_name(tmp_path):
    (tmp_path / "~$May.xlsx").write_bytes(b"\x05Ann")
    with pytest.raises(DataFileError, match=r"while a workbook is open\. Give 'May\.xlsx' instead"):
        read_table(tmp_path / "~$May.xlsx")
