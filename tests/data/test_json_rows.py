"""JSON as tools write it: rows, columns, and texts that were cut off within a character."""

import json

import pandas as pd
import pytest

from anyshot.data import read_classes, read_data
from anyshot.data.json_rows import json_rows
from anyshot.errors import DataFileError

FRAME = pd.DataFrame({"text": ["a b", "c d"], "label": ["x", "y"]})
HALF = r"late \ud83d"  # JSON for one half of an emoji


def written(tmp_path, text, name="a.json"):
    (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path / name


@pytest.mark.parametrize(
    "text",
    [
        FRAME.to_json(),  # a dict of columns
        FRAME.to_json(indent=1),
        FRAME.to_json(orient="index"),
        FRAME.to_json(orient="records"),
        FRAME.to_json(orient="records", lines=True),
        json.dumps(FRAME.to_dict("list")),
    ],
)
def test_a_table_is_read_as_pandas_and_hugging_face_write_it(tmp_path, text):
    found = read_data(written(tmp_path, text))
    assert (found.items, found.labels) == (["a b", "c d"], ["x", "y"])


def test_one_row_stays_a_row(tmp_path):
    for row in ({"text": "a", "tags": ["x", "y"]}, {"text": "a", "facts": {"0": 1}}, {"vector": [1, 2], "n": 3}):
        assert json_rows(json.dumps(row), tmp_path)[0] == [row]


def test_columns_of_other_lengths_are_no_table(tmp_path):
    for text in ('{"columns": ["text", "label"], "data": [["a"]]}', '{"text": {"0": "a"}, "label": {"1": "x"}}', "{}"):
        with pytest.raises(DataFileError):
            read_data(written(tmp_path, text))


def test_half_of_a_character_is_replaced_and_logged(tmp_path, caplog):
    rows = (
        f'{{"text": "whole \\ud83d\\ude00", "label": "x"}}\n{{"text": "{HALF}", "label": "{HALF}", "n": ["{HALF}"]}}\n'
    )
    path = written(tmp_path, rows, "a.jsonl")
    with caplog.at_level("INFO"):
        found = read_data(path)
    assert found.items == ["whole \N{GRINNING FACE}", "late \N{REPLACEMENT CHARACTER}"]
    assert found.labels == ["x", "late \N{REPLACEMENT CHARACTER}"]
    assert "in 1 of 2 rows, the first of them line 2" in caplog.text
    caplog.clear()
    with caplog.at_level("INFO"):
        json_rows(rows.split("\n")[0], path)
    assert not caplog.text


def test_a_file_of_classes_that_is_no_json_names_the_line(tmp_path):
    with pytest.raises(DataFileError, match=r"classes.json, line 2: invalid JSON"):
        read_classes(str(written(tmp_path, '{"refund":\n "money back",}', "classes.json")))


def test_lines_that_are_lists_are_no_rows(tmp_path):
    for text in ('["text", "label"]\n["a b", "x"]\n', '["a b"] \n\n["c"]'):
        with pytest.raises(DataFileError, match=r"line 1: an object is needed, like"):
            json_rows(text, tmp_path)
    assert json_rows('[{"text": "a]"},\n{"text": "[b"}]', tmp_path) == ([{"text": "a]"}, {"text": "[b"}], None)


def test_json_that_pandas_writes_with_orient_split_is_a_table(tmp_path):
    frame = pd.DataFrame({"text": ["a", "b"], "label": ["x", None]})
    rows, lines = json_rows(frame.to_json(orient="split"), tmp_path)
    assert (rows, lines) == ([{"text": "a", "label": "x"}, {"text": "b", "label": None}], None)


@pytest.mark.parametrize("end", ['{"text": "I was ch', '{"text": "a"', '{"text": "a", "label":', '{"text": "a",'])
def test_json_that_is_cut_off_is_refused_with_what_to_do(tmp_path, end):
    with pytest.raises(DataFileError, match=r"line 2: invalid JSON: .* cut off there, .*Write the file again"):
        json_rows('{"text": "b"}\n' + end, tmp_path)
    with pytest.raises(DataFileError, match=r"line 1: invalid JSON: .* Correct it, or remove that line"):
        json_rows('{"text": b}\n{"text": "a"}', tmp_path)


def test_objects_with_commas_behind_them_are_refused_with_what_to_do(tmp_path):
    with pytest.raises(DataFileError, match="Write each object in one line, without a comma behind it, or all of"):
        json_rows('{"text": "a"},\n{"text": "b"}\n', tmp_path)
