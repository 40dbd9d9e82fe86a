"""Rows of features: how they are stored, shown and searched."""

from datetime import datetime

import pandas as pd

from anyshot.app.studio.feature_items import (
    frame_of,
    read_columns,
    search_in_rows,
    shown_cells,
    stored_columns,
    typed_cells,
)

COLUMNS = {"age": "number", "since": "date", "at": "duration", "city": "category"}


def test_a_row_becomes_a_table_with_types():
    found = frame_of(COLUMNS, ['[31, "2024-12-31 08:30:00", "08:30:00", "007"]', "[null, null, null, null]"], [4, 7])
    assert found.index.tolist() == [4, 7]
    assert found.loc[4].tolist() == [31, pd.Timestamp("2024-12-31 08:30"), pd.Timedelta(hours=8.5), "007"]
    assert isinstance(found["city"].dtype, pd.CategoricalDtype)  # 007 is no number
    assert found.loc[7].isna().all()


def test_what_is_not_of_its_kind_is_missing():
    found = frame_of(COLUMNS, ['["x", "x", "x", 5]', "[1]", "no JSON", '{"age": 1}', '["1", 7, 7, []]'], range(5))
    assert found["age"].fillna(-1).tolist() == [-1, 1, -1, -1, 1]
    assert found[["since", "at", "city"]].isna().all(axis=None)


def test_columns_are_read_again_and_others_are_none():
    assert read_columns(stored_columns(COLUMNS)) == COLUMNS
    assert read_columns('{"age": "sound"}') == read_columns("text") == read_columns("[1]") == {}


def test_values_are_shown_in_the_language_and_written_with_types():
    row = '[1900.5, "2024-12-31 08:30:00", "08:30:00", null]'
    assert shown_cells(COLUMNS, row, "de") == [("age", "1900,5"), ("since", "31.12.2024 08:30:00"), ("at", "08:30:00")]
    assert shown_cells(COLUMNS, row)[0] == ("age", "1900.5")
    assert typed_cells(COLUMNS, row)[1] == ("since", datetime(2024, 12, 31, 8, 30))
    assert typed_cells(COLUMNS, '[1, "2024-99-99"]')[1] == ("since", "2024-99-99")


def test_a_search_finds_values_and_passes_over_what_is_not_of_its_kind():
    has = search_in_rows(["007", "31"], COLUMNS)
    assert [
        has(row) for row in ('[31, null, null, "A007"]', '[310, null, null, "007"]', "no JSON", "[31, [], {}, 7]")
    ] == [
        True,
        False,
        False,
        True,
    ]
    assert not search_in_rows(["city"], COLUMNS)("[31, null, null, null]")  # it has none
