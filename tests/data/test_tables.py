import csv
import gzip
import logging
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from anyshot.data.datasets import read_data
from anyshot.data.json_rows import parse_json
from anyshot.data.table_writing import with_columns_of
from anyshot.data.tables import read_table
from anyshot.data.text_files import read_text
from anyshot.errors import BadItemError, DataFileError
from data.written import columns, file


def test_every_format_gives_the_same_rows(tmp_path):
    rows = {"text": ["one, two", 'say "hi"', "a\nb"], "label": ["x", "y", "NA"]}
    frame = pd.DataFrame(rows)
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_csv(tmp_path / "a.tsv", index=False, sep="\t")
    frame.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    frame.to_json(tmp_path / "a.json", orient="records")
    frame.to_parquet(tmp_path / "a.parquet")
    for name in ("a.csv", "a.tsv", "a.jsonl", "a.json", "a.parquet"):
        assert columns(tmp_path / name) == rows, name


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_of_a_csv_is_found_in_its_first_line(tmp_path, separator):
    path = file(tmp_path, "a.csv", f'text{separator}label\n"a,b;c|d"{separator}x\n')
    assert columns(path) == {"text": ["a,b;c|d"], "label": ["x"]}


def test_a_csv_agrees_with_the_csv_module_on_quotes_and_line_ends(tmp_path):
    content = 'text,label\r\n"a ""b"", c",x\r\n\r\nhe said "no",y\r\n"two\r\nlines",z'
    path = file(tmp_path, "a.csv", content)
    _, *expected = [row for row in csv.reader(content.replace("\r\n", "\n").splitlines(keepends=True)) if row]
    read = columns(path)
    assert [list(row) for row in zip(read["text"], read["label"], strict=True)] == expected


def test_rows_are_located_by_their_line_in_an_editor(tmp_path):
    path = file(tmp_path, "a.csv", '\ntext,label\n"two\nlines",x\n\nlast,y\n')
    assert read_table(path).lines == [3, 6]
    assert read_table(path).location(1) == f"{path}, row 5 (line 6)"


def test_names_of_columns_that_have_line_breaks_are_read_in_one_line(tmp_path):
    path = file(tmp_path, "a.csv", '"What \n happened?",label\na,x\n')
    assert columns(path) == {"What happened?": ["a"], "label": ["x"]}


def test_cells_are_read_unchanged(tmp_path):
    path = file(tmp_path, "a.csv", "text,label\nNA,007\nnull,1.0\n")
    assert columns(path) == {"text": ["NA", "null"], "label": ["007", "1.0"]}


def test_parquet_keeps_integers_and_bools_beside_missing_values(tmp_path):
    frame = pd.DataFrame({"n": pd.array([1, None], dtype="Int64"), "b": pd.array([True, None], dtype="boolean")})
    frame.to_parquet(tmp_path / "a.parquet")
    read = columns(tmp_path / "a.parquet")
    assert read == {"n": [1, None], "b": [True, None]}
    assert type(read["n"][0]) is int


def test_json_lines_may_lack_a_name_and_contain_other_line_separators(tmp_path):
    path = file(tmp_path, "a.jsonl", '{"text": "a\u2028b", "label": 1}\n\n{"text": "c"}\n')
    assert columns(path) == {"text": ["a\u2028b", "c"], "label": [1, None]}
    assert read_table(path).lines == [1, 3]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "windows-1252"])
def test_every_encoding_gives_the_same_text_and_is_returned(tmp_path, encoding):
    path = file(tmp_path, "a.csv", "text,label\r\ncafé,naïve\r\n".encode(encoding))
    assert columns(path) == {"text": ["café"], "label": ["naïve"]}
    assert read_table(path).encoding == encoding


def test_big_endian_utf_16_is_read_by_its_mark(tmp_path):
    path = file(tmp_path, "a.txt", b"\xfe\xff" + "café".encode("utf-16-be"))
    assert read_text(path) == ("café", "utf-16")


def fault_of(path: Path) -> str:
    with pytest.raises(DataFileError) as caught:
        read_table(path)
    return str(caught.value)


def test_mixed_encodings_are_refused(tmp_path):
    path = file(tmp_path, "a.csv", b"text\nplain\n" + "café\n".encode() + "olé\n".encode("cp1252"))
    assert "mixes encodings: line 3 is UTF-8, line 4 is not" in fault_of(path)


def test_bytes_that_are_neither_encoding_are_refused(tmp_path):
    assert "line 2: neither UTF-8 nor Windows-1252" in fault_of(file(tmp_path, "a.csv", b"text\n\x81\x8d\n"))


def test_text_that_contradicts_its_byte_order_mark_is_refused(tmp_path):
    path = file(tmp_path, "a.txt", b"\xef\xbb\xbfgood\nbad \xe9\n")
    assert "line 2: not utf-8-sig, which the BOM indicates" in fault_of(path)


def test_zero_bytes_are_refused(tmp_path):
    path = file(tmp_path, "a.csv", "text\nhello\n".encode("utf-16-le"))
    assert "UTF-16 without a BOM" in fault_of(path)


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.txt"])
def test_an_empty_file_is_refused(tmp_path, name):
    assert fault_of(file(tmp_path, name, "")) == f"{tmp_path / name} is empty."
    assert fault_of(file(tmp_path, name, " \n")) == f"{tmp_path / name} is empty."
    assert fault_of(file(tmp_path, name, b"\xef\xbb\xbf")) == f"{tmp_path / name} is empty."


def test_a_file_with_only_a_header_has_no_rows(tmp_path):
    assert "has no rows" in fault_of(file(tmp_path, "a.csv", "text,label\n"))


def test_a_line_with_too_many_fields_is_named(tmp_path):
    path = file(tmp_path, "a.csv", 'text,label\n"a\n\nx",b\nhello, world,c\n')
    assert "line 5: 3 fields, but the first line, 'text,label', has 2" in fault_of(path)


@pytest.mark.parametrize("rest", ["c,d\n", "c,d\n" * 50_000])
def test_an_unclosed_quote_is_found(tmp_path, rest):
    path = file(tmp_path, "a.csv", 'text,label\na,b\n"open,x\n' + rest)
    assert "line 3: a double quote is not closed" in fault_of(path)


def test_columns_of_one_name_are_numbered_from_the_second_on(tmp_path, caplog):
    caplog.set_level("INFO", "anyshot")
    table = read_table(file(tmp_path, "a.csv", "text,C,,C,C (2),C,\na,b,c,d,e,f,g\n"))
    assert list(table.frame) == ["text", "C", "", "C (3)", "C (2)", "C (4)", ""]
    assert (table.values("C"), table.values("C (4)"), table.repeated) == (["b"], ["f"], ["C"])
    assert "several columns named 'C': from the second on they are numbered, as 'C (3)'" in caplog.text


def test_invalid_json_is_named_by_its_line(tmp_path):
    assert "line 2: invalid JSON" in fault_of(file(tmp_path, "a.jsonl", '{"text": "a"}\n{"text": \n'))
    assert "line 2: an object is needed" in fault_of(file(tmp_path, "a.jsonl", '{"text": "a"}\n["a"]\n'))
    assert "data row 2: an object is needed" in fault_of(file(tmp_path, "a.json", '[{"text": "a"}, 3]'))
    with pytest.raises(DataFileError, match="an object has the name 'a' twice"):
        parse_json('{"a": 1, "a": 2}', tmp_path)


@pytest.mark.parametrize("kind", [pa.string_view(), pa.binary(), pa.large_binary(), pa.large_string()], ids=str)
def test_texts_of_every_type_of_parquet_are_read(tmp_path, kind):
    table = pa.table({"text": pa.array(["a", None, "\u00fc"]).cast(kind)})
    pq.write_table(table.append_column("image", pa.array([b"\xff\xd8", None, b"\x89"])), tmp_path / "a.parquet")
    read = columns(tmp_path / "a.parquet")
    assert read == {"text": ["a", None, "\u00fc"], "image": [b"\xff\xd8", None, b"\x89"]}


@pytest.mark.parametrize("suffix", [".xlsx", ".parquet", ".csv"])
def test_a_page_of_the_web_is_named_whatever_its_name_ends_in(tmp_path, suffix):
    assert "page of the web" in fault_of(file(tmp_path, f"a{suffix}", b"\xef\xbb\xbf\n<!DOCTYPE html><html>"))


def test_several_columns_without_a_name_are_no_error(tmp_path):
    table = read_table(file(tmp_path, "a.csv", b"id,,\n1,x,y\n"))
    assert table.values("") == ["x"]


def test_a_damaged_parquet_file_is_refused(tmp_path):
    assert "cannot be read as Parquet" in fault_of(file(tmp_path, "a.parquet", b"PAR1 and no more"))


def test_the_error_for_an_unsupported_file_lists_the_supported_types(tmp_path):
    assert ".csv, .tsv, .jsonl, .json, .txt, .parquet, .xlsx" in fault_of(file(tmp_path, "a.docx", b"PK"))


def test_an_excel_file_is_read(tmp_path, caplog):
    path = tmp_path / "a.xlsx"
    with pd.ExcelWriter(path) as book:
        pd.DataFrame({"text ": ["a", "b", None], "label": [1, 2, None]}).astype(object).to_excel(book, index=False)
        pd.DataFrame({"more": ["c"]}).to_excel(book, sheet_name="notes", index=False)
    with caplog.at_level(logging.INFO):
        assert columns(path) == {"text": ["a", "b"], "label": [1, 2]}
    assert "has the sheets 'Sheet1', 'notes'; 'Sheet1' was read" in caplog.text
    assert read_table(path).location(1) == f"{path}, row 3"
    assert "cannot be read as Excel" in fault_of(file(tmp_path, "b.xlsx", b"PK"))


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.xlsx"])
def test_blank_rows_between_others_are_kept_where_rows_are_numbered(tmp_path, name):
    rows = pd.DataFrame({"text": ["a", None, "b", None], "label": ["x", None, "y", None]}, dtype=object)
    if name == "a.xlsx":
        rows.to_excel(tmp_path / name, index=False)
    else:
        rows.to_csv(tmp_path / name, index=False, sep="," if name == "a.csv" else "\t")
    assert columns(tmp_path / name) == {"text": ["a", "b"], "label": ["x", "y"]}
    assert read_table(tmp_path / name).numbers == [2, 4]
    whole = with_columns_of(read_table(tmp_path / name, blank_rows=True), [{"n": n} for n in range(3)], prefix="")
    assert whole["text"].fillna("").tolist() == ["a", "", "b"]
    with pytest.raises(BadItemError, match=r"row 3: the text is empty"):
        read_data(tmp_path / name)
    assert read_data(tmp_path / name, on_error="skip").rows == [0, 2]


def test_a_compressed_table_is_read(tmp_path):
    path = file(tmp_path, "a.tsv.gz", gzip.compress(b'text\tlabel\n"Wow" he said\t\\N\n'))
    assert columns(path) == {"text": ['"Wow" he said'], "label": [None]}


def test_the_error_for_a_missing_file_suggests_the_closest_name(tmp_path):
    file(tmp_path, "reviews.csv", "text\na\n")
    assert "Did you mean 'reviews.csv'?" in fault_of(tmp_path / "review.csv")


def test_a_spreadsheet_of_another_type_is_to_be_saved_as_xlsx(tmp_path):
    (tmp_path / "a.xls").write_bytes(b"1")
    with pytest.raises(DataFileError, match=r"a\.xls is not of a supported type\. .* Save it as \.xlsx or \.csv"):
        read_table(tmp_path / "a.xls")


def test_json_rows_inside_an_object_are_refused(tmp_path):
    for content in ('{"data": [{"text": "a"}, {"text": "b"}]}', '{\n  "data": [\n    {"text": "a"}\n  ]\n}'):
        fault = fault_of(file(tmp_path, "a.json", content))
        assert "is one object with a list of rows as 'data'. Write that list alone" in fault
    of_pages = '{"next_page": "https://a.example/2", "tickets": [{"text": "a"}]}'
    assert "a list of rows as 'tickets'" in fault_of(file(tmp_path, "a.json", of_pages))
    row = '{"text": "a", "entities": [{"start": 0}]}'
    assert read_table(file(tmp_path, "b.jsonl", row)).values("text") == ["a"]


def test_errors_of_spreadsheets_are_no_values(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    rows = [["text", "label"], ["a", "#N/A"], ["b", "NA"]]
    localized = file(tmp_path, "de.csv", "text,label\na,#BEZUG!\nb,Err:502\nc,#great\n")
    assert read_table(localized).values("label") == [None, None, "#great"]
    pd.DataFrame(rows[1:], columns=rows[0]).to_excel(tmp_path / "a.xlsx", index=False)
    table = file(tmp_path, "a.csv", "\n".join(",".join(row) for row in rows))
    assert read_table(table).values("label") == read_table(tmp_path / "a.xlsx").values("label") == [None, "NA"]
    assert caplog.text.count("1 cell with an error of the spreadsheet, read as empty, such as #N/A in row 2") == 2


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r\n"])
def test_rows_that_repeat_the_names_of_columns_are_left_out(tmp_path, caplog, end):
    path = file(tmp_path, "a.csv", end.join(["\ufefftext,label", "a,x", "\ufefftext,label", "b,label", "Text,LABEL "]))
    with caplog.at_level(logging.INFO):
        assert columns(path) == {"text": ["a", "b"], "label": ["x", "label"]}
    assert "repeats the names of the columns" in caplog.text
    assert columns(file(tmp_path, "b.csv", "text\ntext\n")) == {"text": ["text"]}


def test_columns_between_tabs_in_a_text_file_are_refused(tmp_path):
    assert "has 2 columns between tabs" in fault_of(file(tmp_path, "a.txt", "text\tlabel\na\tx\nb\ty\n"))
    report = "5 May\t\tList\n\n\tText\tKind\t\n\ta\tx\t\n\tb\ty\t\n"
    assert "has 4 columns between tabs" in fault_of(file(tmp_path, "sap.txt", report))
    assert len(read_table(file(tmp_path, "b.txt", "Dear Ann,\n\tI am late.\n\tSo is Bob.\n")).frame) == 3
    assert columns(file(tmp_path, "b.txt", "a\tb\nc\nd\n")) == {"text": ["a\tb", "c", "d"]}


def test_texts_with_their_labels_in_a_text_file_are_refused(tmp_path):
    labeled = "__label__refund money back\n__label__late where is it\n"
    assert "has labels within its lines, as fastText writes them" in fault_of(file(tmp_path, "a.txt", labeled))
    objects = '{"text": "a"}\n{"text": "b"}\n'
    assert "an object of JSON in most lines" in fault_of(file(tmp_path, "j.txt", objects))
    assert "begins with names of columns, 'text;label'" in fault_of(file(tmp_path, "b.txt", "text;label\na;x\n"))
    assert columns(file(tmp_path, "c.txt", "text, as sent\na;x\n")) == {"text": ["text, as sent", "a;x"]}


def test_columns_between_bars_in_a_text_file_are_warned_of(tmp_path, caplog):
    """As psql and lists of SAP have them."""
    columns(file(tmp_path, "a.txt", " id | text | x\n----+------+---\n  1 | a    | b\n  2 | c    | d\n(2 rows)\n"))
    assert "has 2 bars (|) in most lines, as between columns; each line is read as one text" in caplog.text
    caplog.clear()
    columns(file(tmp_path, "b.txt", "a | b | c\nd\ne\nf\n"))
    assert not caplog.text


@pytest.mark.parametrize("start", ["[01.05.24, 10:01:12] Ann: ", "5/1/24, 10:01 AM - Bob: ", "2024-05-01 10:01:12 - "])
def test_the_times_of_a_chat_are_warned_of(start, tmp_path, caplog):
    columns(file(tmp_path, "a.txt", f"{start}it is late\nwhere is it?\n{start}hello\n{start}bye\n"))
    assert "has a date and a time before most lines, as a chat has" in caplog.text
    caplog.clear()
    columns(file(tmp_path, "b.txt", f"{start}it is late\nwhere is it?\nhello\n24/7, 365 - really\n"))
    assert not caplog.text


@pytest.mark.parametrize("suffix", [".csv", ".txt", ".tsv"])
def test_a_table_that_is_printed_with_lines_is_refused(tmp_path, suffix):
    line = "+----+-------+\n"
    printed = f"{line}| id | text  |\n{line}|  1 | a b   |\n{line}1 row in set (0.00 sec)\n"
    sap = f"01.05.2024   List   1\n{'-' * 20}\n|Menge |Status |\n{'-' * 20}\n|  3   |OK     |\n"
    for content in (printed, f"mysql> select * from t;\n{printed}", "┌──┬──┐\n| a | b |\n", sap):
        with pytest.raises(DataFileError, match="printed with lines, as clients of databases print it"):
            read_table(file(tmp_path, f"a{suffix}", content))
    psql = file(tmp_path, "p.csv", " id | text \n----+------\n  1 | a b\n(1 row)\n")
    assert read_table(psql).frame.shape == (1, 2)


def test_rows_are_counted_as_people_count_them(tmp_path):
    listed = read_table(file(tmp_path, "a.json", '[{"text": "a"}, {"text": "b"}]'))
    lines = read_table(file(tmp_path, "a.jsonl", '\n{"text": "a"}\n{"text": "b"}\n'))
    assert [listed.place(1), lines.place(1)] == ["data row 2", "line 3"]
    assert [listed.number(1), lines.number(1)] == [2, 3]


def test_integers_in_a_struct_of_parquet_stay_integers(tmp_path):
    pd.DataFrame({"s": [{"a": 1}, {"a": None}, None]}).to_parquet(tmp_path / "a.parquet")
    assert str(read_table(tmp_path / "a.parquet").values("s")) == "[{'a': 1}, {'a': None}, None]"


def test_a_last_row_that_is_cut_off_is_logged(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    (path := tmp_path / "a.csv").write_text("id,text,label\n1,a,x\n2,b,y\n3,the par")
    assert read_table(path).values("text") == ["a", "b", "the par"]
    assert "the last row has 2 of 3 fields and no line end" in caplog.text
    caplog.clear()
    for content in ("id,text,label\n1,a,x\n2,b\n3,c", "id,text,label\n1,a,x\n2,b\n", "id,text,label\n1,a,x\n2,b,y"):
        path.write_text(content)
        read_table(path)
    assert not caplog.text
