import json
from datetime import time

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sklearn
from scipy.sparse import csr_array

from anyshot.base.validation import unit
from anyshot.data.feature_table import FeatureTable, column_names_of, fit_features, holds_features
from anyshot.errors import InputError

RANDOM = np.random.default_rng(0)
UNLIKE = RANDOM.normal(size=(20, 3)) * [1, 100, 0.01]
ALIKE = RANDOM.normal(size=(20, 3))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (UNLIKE, True),
        (ALIKE, False),
        ((10 * ALIKE).astype(int), True),
        (pd.DataFrame(ALIKE, columns=["a", "b", "c"]), True),
        (pl.DataFrame(ALIKE, schema=["a", "b", "c"]), True),
        (pd.DataFrame(ALIKE), False),  # without names
        (unit(UNLIKE.astype(np.float32)), False),  # rows of equal length, as encoders return them
        (RANDOM.normal(size=(20, 384)) * RANDOM.uniform(0.5, 5, 384), False),
        (pd.DataFrame(RANDOM.normal(size=(20, 384))).add_prefix("e"), False),
        (csr_array(UNLIKE), False),
        (UNLIKE[:1], False),
        (ALIKE[:, :1], True),  # of a unit-length vector with one number, only the sign would remain
    ],
)
def test_features_are_told_from_vectors_of_a_network(rows, expected):
    assert holds_features(rows) is expected


def test_columns_are_standardized_and_a_constant_keeps_the_length():
    table = FeatureTable.fit([UNLIKE], standardize=True)
    rows = table.transform(UNLIKE)
    np.testing.assert_allclose(rows[:, :3], (UNLIKE - UNLIKE.mean(axis=0)) / UNLIKE.std(axis=0))
    np.testing.assert_allclose(rows[:, 3], np.sqrt(3))


def test_rows_beyond_twice_the_longest_are_less_like_all_others_by_as_much():
    table = FeatureTable.fit([UNLIKE], standardize=True)
    seen = table.transform(UNLIKE)
    far = UNLIKE.mean(axis=0) + np.array([[2.0], [100.0]]) * (UNLIKE[:1] - UNLIKE.mean(axis=0))
    rows = table.transform(far)
    longest, lengths = np.linalg.norm(seen, axis=1).max(), np.linalg.norm(rows[:, :4], axis=1)
    assert lengths[0] < 2 * longest < lengths[1]
    np.testing.assert_array_equal([*seen[:, 4], rows[0, 4]], np.zeros(21))
    plain, found = unit(rows[1:, :4]) @ unit(seen[:, :4]).T, unit(rows[1:]) @ unit(seen).T
    np.testing.assert_allclose(found, plain * 2 * longest / lengths[1], atol=1e-6)


def test_a_model_of_an_earlier_version_keeps_its_vectors():
    table = FeatureTable.fit([UNLIKE], standardize=True)
    earlier = FeatureTable.from_facts({name: fact for name, fact in table.facts().items() if name != "reach"})
    np.testing.assert_array_equal(earlier.transform(9 * UNLIKE), table.transform(9 * UNLIKE)[:, :4])


def test_a_constant_column_is_zero():
    rows = FeatureTable.fit([np.column_stack([UNLIKE, np.full(20, 7.0)])], standardize=True)
    assert not rows.transform(np.full((2, 4), 7.0))[:, 3].any()


def test_the_state_is_restored_from_json():
    frame = pd.DataFrame(UNLIKE, columns=["a", "b", "c"]).assign(kind=["u", "v"] * 10)
    table = FeatureTable.fit([frame], standardize=True)
    again = FeatureTable.from_facts(json.loads(json.dumps(table.facts())))
    np.testing.assert_array_equal(again.transform(frame), table.transform(frame))
    assert again.names == ["a", "b", "c", "kind"]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (["b", "a", "c"], "another order"),
        (["a", "b"], "lacks the column 'c'"),
        (["a", "b", "C"], r"lacks the column 'c', .* Did you rename it to 'C'\?"),
        (["a", "b", "c", "d"], "has the column 'd'"),
    ],
)
@pytest.mark.parametrize("standardize", [True, False])
def test_other_columns_are_refused(columns, words, standardize):
    frame = pd.DataFrame(np.column_stack([UNLIKE, UNLIKE[:, 0]]), columns=["a", "b", "c", "d"])
    table = FeatureTable.fit([frame[["a", "b", "c"]]], standardize=standardize)
    with pytest.raises(InputError, match=words):
        table.transform(frame.assign(C=0.0)[columns])


def test_columns_without_numbers_are_refused_by_name_with_the_remedy():
    frame = pd.DataFrame({"n": [1.0, 2.0], "kind": ["u", "v"]})
    with pytest.raises(InputError, match=r"Column 'kind' does not hold numbers.*encoder='table'"):
        FeatureTable.fit([frame], standardize=False).transform(frame)


def test_vectors_need_no_table():
    assert fit_features([ALIKE], encoder="auto", vectors_given=False) == ("vectors", None)
    assert fit_features([UNLIKE], encoder="auto", vectors_given=True) == ("vectors", None)
    name, table = fit_features([UNLIKE], encoder="auto", vectors_given=False)
    assert (name, "standardized" in table.reason) == ("table", True)
    assert column_names_of(UNLIKE) is None


@pytest.mark.parametrize("names", [range(3), [("x", "mean"), ("x", "max"), ("y", "mean")]], ids=["numbers", "levels"])
def test_columns_without_names_in_texts_keep_their_order_also_when_saved(names):
    frame = pd.DataFrame(UNLIKE, columns=names)
    table = FeatureTable.from_facts(json.loads(json.dumps(FeatureTable.fit([frame], standardize=True).facts())))
    assert table.transform(frame).shape == (20, 5)
    assert table.transform(frame.set_axis(["a", "b", "c"], axis=1).to_numpy()).shape == (20, 5)
    with pytest.raises(InputError, match="another order"):
        table.transform(frame.iloc[:, ::-1])


@pytest.mark.parametrize("rows", [UNLIKE[:1], pd.DataFrame(UNLIKE[:1], columns=["a", "b", "c"])])
def test_one_row_is_warned_of_since_it_does_not_show_the_scales_of_its_columns(rows):
    with pytest.warns(UserWarning, match="only one row at first, .*they are not standardized"):
        fit_features([rows], encoder="auto", vectors_given=False)
    fit_features([rows], encoder="vectors", vectors_given=False)  # a warning would be an error
    fit_features([np.ones((1, 64))], encoder="auto", vectors_given=False)
    fit_features([rows], encoder="auto", vectors_given=True)


@pytest.mark.parametrize("make", [np.asarray, lambda rows: rows.tolist(), csr_array])
def test_rows_without_names_beside_a_table_are_taken_in_its_order(make):
    frame = pd.DataFrame(UNLIKE, columns=["a", "b", "c"])
    with pytest.warns(UserWarning, match="no column names.* taken to be a, b, c, in this order"):
        found = FeatureTable.fit([frame[:10], make(UNLIKE[10:])], standardize=True)
    np.testing.assert_allclose(found.transform(frame), FeatureTable.fit([frame], standardize=True).transform(frame))


@pytest.mark.parametrize(
    ("first", "other", "words"),
    [
        (UNLIKE, UNLIKE[:, :2], "they are 3 without names; 2 without names"),
        (pd.DataFrame(UNLIKE, columns=["a", "b", "c"]), pd.DataFrame(UNLIKE), r"\['a', 'b', 'c'\]; \[0, 1, 2\]"),
    ],
)
def test_parts_of_other_columns_are_refused(first, other, words):
    with pytest.raises(InputError, match=f"unlabeled and source must have the same columns; .*{words}"):
        FeatureTable.fit([first, other], standardize=True)


def test_a_table_with_a_year_is_no_vectors_of_equal_length():
    years = pd.DataFrame({"year": 1990 + np.arange(20), "share": ALIKE[:, 0], "rate": ALIKE[:, 1]})
    assert holds_features(years)
    assert holds_features(ALIKE * [1, 1, 100] + 1e9)


@pytest.mark.parametrize(("scale", "offset"), [(1e-300, 0), (1, 1e9), (1e140, 0)])
def test_columns_of_any_size_are_standardized(scale, offset):
    rows = ALIKE * scale + offset
    found = FeatureTable.fit([rows], standardize=True).transform(rows)[:, :3]
    np.testing.assert_allclose(found, (ALIKE - ALIKE.mean(axis=0)) / ALIKE.std(axis=0), atol=1e-5)


def test_numbers_whose_squares_are_infinite_are_refused_by_row():
    with pytest.raises(InputError, match=r"X contains .*e\+300 in rows 0, 1"):
        FeatureTable.fit([np.abs(ALIKE) * 1e300], standardize=True)


def test_vectors_of_different_lengths_are_refused_by_row():
    with pytest.raises(InputError, match="row 2 has length 1, and row 0 has 2"):
        holds_features(pd.Series([[1.0, 2.0], [2.0, 1.0], [3.0]]))


def test_rows_without_names_are_warned_of_where_fit_had_some():
    frame = pd.DataFrame({"height": [1.0, 2.0], "width": [3.0, 5.0]})
    table = FeatureTable.fit([frame], standardize=True)
    with pytest.warns(UserWarning, match="no column names.* taken to be height, width, in this order"):
        found = table.transform(frame.to_numpy())
    np.testing.assert_allclose(found, table.transform(frame))


@pytest.mark.parametrize(
    "column",
    [
        lambda rows: pd.Series(list(rows)),
        lambda rows: pl.Series(rows.tolist()),
        lambda rows: pd.DataFrame({"v": list(rows)}),
        lambda rows: pl.DataFrame({"v": rows.tolist()}),
        lambda rows: pa.table({"v": rows.tolist()}),
    ],
)
def test_a_column_of_vectors_is_encoded_as_their_array(column):
    assert holds_features(column(UNLIKE))
    table = FeatureTable.fit([column(UNLIKE)], standardize=True)
    np.testing.assert_allclose(table.transform(column(UNLIKE)), table.transform(UNLIKE))


@pytest.mark.parametrize(
    "row", [lambda frame: frame.iloc[0], lambda frame: frame.to_numpy()[0]], ids=["frame", "array"]
)
def test_one_row_that_is_no_table_is_refused_with_the_remedy(row):
    frame = pd.DataFrame({"height": [1.0, 2.0], "width": [3.0, 5.0]})
    table = FeatureTable.fit([frame], standardize=True)
    with pytest.raises(
        InputError, match=r"shape is \(2,\)\. X\[None, :\] is a table of one row, as is table\.iloc\[\[0\]\]"
    ):
        table.transform(row(frame))


@pytest.mark.parametrize("kind", ["polars", "pandas"])
def test_the_output_that_users_set_for_their_transformers_changes_nothing(kind):
    frame = pd.DataFrame({"age": [15, 16, 17], "school": ["north", "south", "north"]})
    expected = FeatureTable.fit([frame], standardize=True).transform(frame)
    with sklearn.config_context(transform_output=kind):
        np.testing.assert_array_equal(FeatureTable.fit([frame], standardize=True).transform(frame), expected)


def test_rows_are_found_again_from_vectors_of_unit_length():
    table = pd.DataFrame(
        {
            "age": [31, 40, None, 77],
            "income": [1900.5, 12.25, -3, 250000],
            "city": ["Rome", None, "Oslo", "Rome"],
            "since": pd.to_datetime(["2024-01-05", "2023-12-31", None, "1999-02-03"]),
            "at": [time(8, 30), None, time(12), time(23, 59)],
        }
    )
    made = FeatureTable.fit([table], standardize=True)
    found = made.inverse_transform(unit(made.transform(table)).astype(np.float32))
    assert list(found.columns) == list(table.columns)
    assert found["age"].tolist() == [31, 40, None, 77]
    assert found["income"].tolist() == [1900.5, 12.3, -3, 250000]  # as exact as float32 beside the largest
    assert found["city"].tolist() == ["Rome", None, "Oslo", "Rome"]
    assert [None if day is None else day.date().isoformat() for day in found["since"]] == [
        "2024-01-05",
        "2023-12-31",
        None,
        "1999-02-03",
    ]
    assert made.inverse_transform(unit(made.transform(table))[:0]).shape == (0, 5)
    assert FeatureTable.fit([table[["income"]]], standardize=False).inverse_transform(np.ones((1, 1))) is None


@pytest.mark.filterwarnings("ignore:These rows have no column names")
@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (lambda frame: frame.to_dict("records"), r"it is a list of dict\. Write pandas\.DataFrame\(X\)"),
        (lambda frame: [frame, frame], r"it is a list of DataFrame\. Write pandas\.concat\(X\)"),
        (lambda frame: frame.to_records(), r"it is a recarray\. Write pandas\.DataFrame\(X\)"),
        (lambda frame: frame.to_numpy()[:, :1], r"shape \(2, 1\)\. Give a table with the columns height, width"),
    ],
)
def test_rows_that_are_no_table_are_refused_with_the_remedy(rows, words):
    frame = pd.DataFrame({"height": [1.0, 2.0], "width": [3.0, 5.0]})
    table = FeatureTable.fit([frame], standardize=True)
    with pytest.raises(InputError, match=words):
        table.transform(rows(frame))


def test_a_cell_that_cannot_be_read_is_named_by_its_row_in_the_table():
    rows = pd.DataFrame({"since": ["2024-02-01", "2024-02-30"], "size": ["1", "1e400"]}, index=[2, 3])
    for name in rows.columns:
        with pytest.raises(InputError, match=f"'{name}' .* in row 3"):
            FeatureTable.fit([rows[[name]]], standardize=True)
