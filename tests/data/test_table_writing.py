import json

import numpy as np
import pandas as pd
import pytest

from anyshot.data.table_writing import with_columns_of, write_table
from anyshot.data.tables import read_table
from anyshot.errors import DataFileError, InputError
from data.written import columns, file


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet", "OUT.CSV"])
def test_written_tables_can_be_read(tmp_path, name):
    rows = [{"text": 'a "b", /c\n', "label": "é"}, {"text": "d", "label": "unknown"}]
    write_table(rows, tmp_path / name)
    assert columns(tmp_path / name) == {key: [row[key] for row in rows] for key in rows[0]}
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_numbers_and_missing_values_are_preserved(tmp_path):
    frame = pd.DataFrame({"p": np.array([1 / 3, np.nan])})
    write_table(frame, tmp_path / "a.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert lines[0]["p"] == 1 / 3
    assert lines[1]["p"] is None


def test_numbers_and_text_in_one_column_are_written_to_parquet_as_text(tmp_path):
    write_table([{"label": 1}, {"label": "unknown"}, {"label": None}], tmp_path / "a.parquet")
    assert columns(tmp_path / "a.parquet") == {"label": ["1", "unknown", None]}


def test_added_columns_come_last_and_do_not_replace_others(tmp_path):
    path = file(tmp_path, "a.csv", ",text,,label,best_label\n0,a,x,,1\n\n1,b,,007,2\n")
    both = with_columns_of(read_table(path), [{"label": 7, "sure": 0.5}, {"label": 8, "sure": None}], prefix="best_")
    assert both.to_dict("list") == {
        "": ["0", "1"],
        "text": ["a", "b"],
        "column 3": ["x", ""],
        "label": ["", "007"],
        "best_label": ["1", "2"],
        "best_label_2": [7, 8],
        "sure": [0.5, None],
    }


def test_a_different_number_of_rows_is_refused(tmp_path):
    path = file(tmp_path, "a.csv", "text\na\nb\n")
    with pytest.raises(InputError, match=r"a\.csv has 2 rows; 1 are needed"):
        with_columns_of(read_table(path), [{"label": "x"}], prefix="")


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_columns_of_every_type_are_preserved(tmp_path, suffix):
    frame = pd.DataFrame(
        {
            "text": ["a", "b"],
            "when": pd.to_datetime(["2024-01-31", None]),
            "kind": pd.Categorical(["u", None]),
            "parts": [[1, 2], [3]],
            "more": [{"é": 1}, {"é": 2}],
            "raw": [b"\xff", b"b"],
            "whole": pd.array([2**62, None], dtype="Int64"),
        },
        index=pd.Index([5, 7], name="ident"),
    )
    frame.to_parquet(tmp_path / "a.parquet")
    both = with_columns_of(read_table(tmp_path / "a.parquet"), [{"label": "x"}, {"label": "y"}], prefix="")
    write_table(both, tmp_path / f"b{suffix}")
    back = columns(tmp_path / f"b{suffix}")
    assert list(back) == ["ident", *frame.columns, "label"]
    first, second = ({name: values[row] for name, values in back.items()} for row in (0, 1))
    number = str if suffix == ".csv" else int
    assert (first["ident"], first["whole"]) == (number(5), number(2**62))
    assert str(first["when"]).startswith("2024-01-31")
    nothing = "" if suffix == ".csv" else None
    assert second["when"] == second["kind"] == second["whole"] == nothing
    if suffix == ".csv":
        assert (first["parts"], first["more"]) == ("[1, 2]", '{"é": 1}')
    else:
        assert (list(first["parts"]), first["more"]) == ([1, 2], {"é": 1})


def test_values_that_parquet_cannot_store_are_written_as_text(tmp_path):
    write_table([{"n": 2**70, "parts": [1, "a"]}, {"n": None, "parts": [2]}], tmp_path / "a.parquet")
    assert columns(tmp_path / "a.parquet") == {"n": [str(2**70), None], "parts": ["[1, 'a']", "[2]"]}


def test_the_error_for_an_unknown_suffix_lists_the_supported_ones(tmp_path):
    with pytest.raises(DataFileError, match=r"must end in one of \.csv, \.xlsx, \.jsonl, \.parquet"):
        write_table([{"a": 1}], tmp_path / "a.xls")


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(DataFileError, match="cannot be written"):
        write_table([{"a": 1}], tmp_path / "nowhere" / "a.csv")


class Unwritable:
    def __str__(self) -> str:
        raise RuntimeError("the power is gone")


def test_the_old_file_is_kept_if_writing_fails(tmp_path):
    target = file(tmp_path, "a.csv", "old\n")
    with pytest.raises(RuntimeError, match="the power is gone"):
        write_table([{"a": "first"}, {"a": Unwritable()}], target)
    assert target.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_names_of_files_that_are_not_utf_8_are_written(tmp_path, suffix):
    rows = [{"item": "caf\udce9.png", "label": None}, {"item": "b.png", "label": "x"}]
    for number, table in enumerate((rows, pd.DataFrame(rows, dtype=object))):
        write_table(table, tmp_path / f"{number}{suffix}")
        found = read_table(tmp_path / f"{number}{suffix}").values("item")
        assert found == ["caf\N{REPLACEMENT CHARACTER}.png", "b.png"]


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("\ufefftext;price\na;1,5\n", "\ufefftext;price;p\na;1,5;0,25\n"),
        ("text;price\na;1.5\n", "text;price;p\na;1.5;0.25\n"),
        ("text,price\na,2\n", "text,price,p\na,2,0.25\n"),
        ("text;größe\na;2\n".encode("cp1252"), "\ufefftext;größe;p\na;2;0,25\n"),
        ("text\tprice\na\t2\n".encode("utf-16"), "text,price,p\na,2,0.25\n"),
    ],
)
def test_a_csv_is_written_as_a_given_one(tmp_path, given, written):
    name = "a.tsv" if isinstance(given, bytes) and b"\t" in given else "a.csv"
    table = read_table(file(tmp_path, name, given))
    write_table(with_columns_of(table, [{"p": 0.25}], prefix=""), tmp_path / "b.csv", like=table)
    assert (tmp_path / "b.csv").read_text(encoding="utf-8") == written


def test_two_columns_of_one_name_are_not_written(tmp_path):
    with pytest.raises(DataFileError, match="several columns named 'a'"):
        write_table(pd.DataFrame([[1, 2]], columns=["a", "a"]), tmp_path / "a.csv")
