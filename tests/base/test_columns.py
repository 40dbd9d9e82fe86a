import enum
import io
from datetime import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from scipy.sparse import coo_array, csr_array

from anyshot.base.columns import (
    column_values,
    is_blank,
    is_column,
    is_column_of_vectors,
    is_missing,
    is_tensor,
    numeric_array,
    only_column,
    python_value,
    take,
    text_columns,
    unmasked,
)

TEXTS = {"text": ["a", None]}


@pytest.mark.parametrize(
    "column",
    [
        ["a", None],
        np.array([["a"], [None]], dtype=object),
        pd.Series(["a", None], dtype="string"),
        pd.Series(["a", None], dtype="string[pyarrow]", index=[7, 3]),
        pd.DataFrame(TEXTS),
        pl.Series(["a", None]),
        pl.DataFrame(TEXTS),
        pa.array(["a", None]),
        pa.table(TEXTS),
        [pa.scalar("a"), pa.scalar(None)],
    ],
    ids=lambda column: f"{type(column).__module__}.{type(column).__name__}",
)
def test_texts_of_every_library_are_a_list(column):
    found = [None if value != value else value for value in column_values(column)]
    assert found == ["a", None]


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.int64(3), 3),
        (np.str_("a"), "a"),
        (np.array(1), 1),
        (pa.scalar(4), 4),
        (pd.NaT, None),
        (pd.NA, None),
        (np.datetime64("NaT"), None),
        (b"caf\xc3\xa9", "café"),
        (b"\xff", b"\xff"),
        (np.datetime64("2026-11-28T00:00"), datetime(2026, 11, 28)),
    ],
    ids=repr,
)
def test_scalars_become_python_values(value, plain):
    found = python_value(value)
    assert found == plain
    assert type(found) is type(plain)


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"a": pd.array([1, None], "Int64"), "b": [True, False]}),
        pd.DataFrame({"a": pd.array([1, None], "int64[pyarrow]"), "b": [1.0, 0.0]}),
        pl.DataFrame({"a": [1, None], "b": [True, False]}),
        pa.table({"a": [1, None], "b": [1.0, 0.0]}),
    ],
    ids=lambda table: type(table).__module__,
)
def test_gaps_in_a_table_of_numbers_are_nan(table):
    np.testing.assert_array_equal(numeric_array(table, dtype=np.float32), [[1, 1], [np.nan, 0]])
    assert text_columns(table) == []


@pytest.mark.torch
def test_a_scalar_tensor_becomes_a_python_value():
    import torch

    assert python_value(torch.tensor(2.5)) == 2.5


@pytest.mark.torch
@pytest.mark.parametrize("options", [{"requires_grad": True}, {"dtype": "bfloat16"}])
def test_tensors_that_numpy_does_not_read_are_converted(options):
    import torch

    options = {name: getattr(torch, value) if name == "dtype" else value for name, value in options.items()}
    tensor = torch.ones(2, 2, **options)
    np.testing.assert_array_equal(numeric_array(tensor), np.ones((2, 2)))
    np.testing.assert_array_equal(numeric_array([*tensor]), np.ones((2, 2)))


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_columns_without_numbers_are_named(make):
    assert text_columns(make({"n": [1.5], "t": ["12"], "v": [[1.0, 2.0]], "b": [True]})) == ["t", "v"]


def test_anything_but_one_column_stays_as_it_is():
    table = np.ones((2, 2))
    assert only_column(table) is table
    assert only_column(["a"]) == ["a"]


def test_what_is_masked_is_missing():
    masked = np.ma.MaskedArray([[1, 2], [3, 4]], mask=[[False, True], [False, False]])
    np.testing.assert_array_equal(numeric_array(masked), [[1, np.nan], [3, 4]])
    assert column_values(masked[0]) == [1, None]
    named = np.ma.MaskedArray(["a", "b"], mask=[True, False])
    assert [str(value) for value in unmasked(named)] == ["nan", "b"]


def test_a_member_of_an_enum_of_texts_or_numbers_is_its_value():
    kinds, numbers = enum.Enum("Kind", {"REFUND": "refund"}, type=str), enum.IntEnum("Number", ["one"])
    found = column_values([*kinds, *numbers])
    assert found == ["refund", 1]
    assert [type(value) for value in found] == [str, int]


def test_texts_of_a_file_of_h5py_are_read(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["labels"], file["numbers"] = ["é", "b"], [1, 2]
        assert (column_values(file["labels"]), column_values(file["numbers"])) == (["é", "b"], [1, 2])


def test_an_open_file_is_no_tensor():
    assert not is_tensor(io.BytesIO(b"a"))
    assert column_values([io.BytesIO(b"a")])[0].read() == b"a"


@pytest.mark.parametrize(
    "column",
    [
        pl.Series([[1.0, 2.0], [3.0, 4.0]]),
        pl.Series([[1.0, 2.0], [3.0, 4.0]], dtype=pl.Array(pl.Float32, 2)),
        pa.FixedSizeListArray.from_arrays(pa.array([1.0, 2.0, 3.0, 4.0]), 2),
    ],
    ids=["list", "array", "arrow"],
)
def test_a_column_of_vectors_is_a_table_of_numbers(column):
    np.testing.assert_array_equal(numeric_array(column), [[1, 2], [3, 4]])


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_decimals_are_numbers(make):
    table = make({"price": [Decimal("1.5"), None], "n": [1, 2]})
    assert text_columns(table) == []
    np.testing.assert_array_equal(
        numeric_array(table if make is not pa.table else table.to_pandas()), [[1.5, 1], [np.nan, 2]]
    )


def test_vectors_of_an_array_column_are_no_numbers():
    assert text_columns(pl.DataFrame({"v": pl.Series([[1.0, 2.0]], dtype=pl.Array(pl.Float32, 2))})) == ["v"]


@pytest.mark.torch
def test_a_sparse_tensor_is_a_table_of_numbers():
    import torch

    np.testing.assert_array_equal(numeric_array(torch.eye(2).to_sparse()), np.eye(2))


def test_a_masked_value_of_a_list_is_missing():
    assert column_values(["a", np.ma.masked]) == ["a", None]


@pytest.mark.parametrize("none", [None, float("nan"), pd.NA, pd.NaT, np.float64("nan")], ids=repr)
def test_none_and_nan_like_values_are_missing(none):
    assert is_missing(none)


@pytest.mark.parametrize("value", ["", 0, False, "nan", np.int64(0)], ids=repr)
def test_falsy_values_are_not_missing(value):
    assert not is_missing(value)


@pytest.mark.parametrize("text", ["", " \n", "\u200b", "\u3164 \u2800", "\ufeff\u00a0", "\x00\x07"], ids=ascii)
def test_texts_that_show_nothing_are_blank(text):
    assert is_blank(text)


@pytest.mark.parametrize("text", ["a", ".", "\u200ba", "1", "\U0001f642", "\u0e01"], ids=ascii)
def test_texts_that_show_something_are_not_blank(text):
    assert not is_blank(text)


def test_long_doubles_and_nan_of_decimals_are_floats():
    assert column_values(np.array([1.5, 2.0], dtype=np.longdouble)) == [1.5, 2.0]
    values = column_values([np.longdouble("nan"), Decimal("NaN"), Decimal("sNaN")])
    assert [type(value) for value in values] == [float] * 3
    assert all(is_missing(value) for value in values)


@pytest.mark.parametrize("make", [lambda X: X, list, torch.tensor, csr_array])
def test_complex_numbers_are_refused_and_not_made_real(make):
    with pytest.raises(TypeError, match="complex numbers are not supported"):
        numeric_array(make(np.eye(2) + 1j), dtype=np.float32)


def test_a_column_of_arrays_or_tensors_is_an_array():
    rows = np.arange(6, dtype=np.float32).reshape(3, 2)
    for column in (pd.Series(list(rows), index=[7, 7, 7]), pd.Series([torch.tensor(row) for row in rows])):
        assert is_column_of_vectors(column)
        np.testing.assert_array_equal(numeric_array(column), rows)
    np.testing.assert_array_equal(numeric_array(memoryview(rows)), rows)


def test_columns_of_all_libraries_are_columns_and_scalars_and_tables_are_none():
    for column in (np.ones(2), pd.Series([1]), pl.Series([1]), pa.array([1]), torch.ones(2)):
        assert is_column(column)
    assert not any(map(is_column, (np.float32(1), np.str_("a"), np.eye(2), pd.DataFrame({"a": [1]}), "a", [1])))


def test_rows_are_taken_from_every_kind_of_sparse_matrix():
    assert take(coo_array(np.eye(3)), [2]).toarray().tolist() == [[0, 0, 1]]
