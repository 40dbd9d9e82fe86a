"""Rows of features as objects are read as the same rows of a table; what cannot be read is named by row and column."""

import numpy as np
import pandas as pd
import pytest

from anyshot.data import cells_of_rows, columns_read, example_row, remarks_on_row, table_of_rows
from anyshot.data.table_vectors import TableVectors
from anyshot.errors import AnyshotError

TABLE = pd.DataFrame(
    {
        "age": [20, 30, 40],
        "city": ["Lima", "Oslo", None],
        "since": ["31.01.2024", "01.02.2024", "02.02.2024"],
        "Größe": [1.5, None, 2.5],
        "shift": ["8:00", "9:30", "10:00"],
        "paid": ["true", "false", "no"],
        "unused": [None, None, None],
    }
)
ROW = {"age": 41, "city": "Lima", "since": "2024-02-01", "Größe": 1.0, "shift": "8:30", "paid": True}


@pytest.fixture(scope="module")
def table():
    return TableVectors().fit(TABLE)


def vectors(table, *rows):
    return table.transform(table_of_rows(cells_of_rows(rows, table)))


def test_a_row_is_read_in_any_order_beside_other_keys_as_in_a_table(table):
    given = {**dict(reversed(ROW.items())), "id": 17, "": [1, 2]}
    same = pd.DataFrame([{**ROW, "since": "01.02.2024", "paid": "true", "unused": None}])
    np.testing.assert_array_equal(vectors(table, given), table.transform(same))
    in_parts = {name.replace("ö", "o\u0308"): cell for name, cell in ROW.items()}
    np.testing.assert_array_equal(vectors(table, in_parts), table.transform(same))


def test_the_rows_of_one_call_do_not_depend_on_each_other(table):
    rows = [ROW, {**ROW, "city": 5, "Größe": None}, {**ROW, "age": 3, "city": ""}]
    with pytest.warns(UserWarning, match="no value that it had"):
        alone = np.concatenate([vectors(table, row) for row in rows])
    np.testing.assert_array_equal(vectors(table, *rows), alone)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ({"age": "41"}, "Item 1 has the text '41' in 'age', a column of numbers"),
        ({"age": "NaN"}, "Item 1 has the text 'NaN' in 'age'"),
        ({"age": [1]}, "Item 1 has several values in 'age'"),
        ({"city": {"name": "Lima"}}, "Item 1 has several values in 'city'"),
        ({"age": float("inf")}, "'age' contains infinity in row 1"),
        ({"age": 10**400}, "'age' contains infinity in row 1"),
        ({"age": 1e200}, r"'age' contains 1e\+200 in row 1"),
        ({"since": "now"}, "'since' held dates in `fit` and is not now: row 1 has 'now'"),
        ({"since": 20240201}, "row 1 has '20240201'"),
        ({"since": "NULL"}, "Item 1 has the text 'NULL' in 'since', a column of dates"),
        ({"shift": 8}, "'shift' held durations in `fit` and is not now: row 1 has '8'"),
        (dict.fromkeys(ROW), "Item 1 is empty"),
    ],
)
def test_a_cell_that_cannot_be_read_is_named(table, cell, words):
    with pytest.raises(AnyshotError, match=words):
        cells_of_rows([ROW, {**ROW, **cell}], table)


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({}, "Item 0 lacks 'age'.*Write null"),
        ({"age": 1, "City": "Lima"}, "Item 0 lacks 'city'.*Did you mean 'City'"),
        ([1.0, 2.0], "Item 0 has 2 numbers"),
    ],
)
def test_a_row_without_a_column_is_refused(table, item, words):
    with pytest.raises(AnyshotError, match=words):
        cells_of_rows([item], table)


def test_numbers_without_names_are_those_of_the_columns_in_order():
    table = TableVectors().fit(pd.DataFrame({"b": [1.0, 2.0], "a": [3.0, 5.0]}))
    assert cells_of_rows([[1.0, 4.0]], table) == [{"b": 1.0, "a": 4.0}]


def test_missing_and_unknown_values_are_told_where_fit_had_none(table):
    row = {**ROW, "age": None, "city": None, "Größe": None, "since": "", "paid": "perhaps"}
    assert remarks_on_row(cells_of_rows([row], table)[0], table) == {"missing": ["age", "since"], "unseen": ["paid"]}
    assert remarks_on_row(cells_of_rows([ROW], table)[0], table) == {}


def test_numbers_and_dates_of_another_scale_are_told(table):
    row = {**ROW, "age": 30_000, "since": "2099-12-31"}
    assert remarks_on_row(cells_of_rows([row], table)[0], table) == {"outside": ["age", "since"]}


def test_the_columns_are_described_and_their_example_can_be_read(table):
    assert columns_read(table)[:4] == [
        {"name": "age", "kind": "number", "has_gaps": False},
        {"name": "city", "kind": "category", "has_gaps": True, "categories": ["Lima", "Oslo"]},
        {"name": "since", "kind": "date", "has_gaps": False},
        {"name": "Größe", "kind": "number", "has_gaps": True},
    ]
    example = example_row(table)
    assert (example["age"], example["city"], example["since"]) == (30, "Lima", "2024-02-01")
    assert vectors(table, example).shape == (1, len(table.names_))
    assert remarks_on_row(cells_of_rows([example], table)[0], table) == {}


def test_rows_of_a_table_are_named_by_their_values(table):
    assert table_of_rows([{"age": 41.0, "city": None}, {"age": None, "city": "Oslo"}]).index.tolist() == [
        "age=41",
        "city=Oslo",
    ]


def test_numbers_and_truth_values_are_the_categories_that_fit_wrote():
    table = TableVectors().fit(pd.DataFrame({"floor": ["1", "2.0", "E"], "paid": ["TRUE", "FALSE", "?"]}))
    found = cells_of_rows([{"floor": 1.0, "paid": True}, {"floor": 2, "paid": False}, {"floor": 3, "paid": 0}], table)
    assert [(one["floor"], one["paid"]) for one in found] == [("1", "TRUE"), ("2.0", "FALSE"), ("3", "0")]
