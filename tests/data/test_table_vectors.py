import json
import warnings
from datetime import date

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder

from anyshot.base.validation import generator
from anyshot.data.table_vectors import MISSING, TableVectors, is_plain
from anyshot.errors import InputError, ItemWarning


@pytest.fixture
def table():
    random = generator(0)
    frame = pd.DataFrame(
        {
            "hours": random.normal(size=20),
            "kind": random.choice(["day", "evening", "distance"], 20),
            "late": random.random(20) < 0.5,
        }
    )
    frame.loc[3, "hours"] = np.nan
    return frame


def test_vectors_are_those_of_scikit_learns_encoders(table):
    peer = make_column_transformer(
        (SimpleImputer(strategy="median", add_indicator=True), ["hours"]),
        ("passthrough", ["late"]),
        (OneHotEncoder(sparse_output=False), ["kind"]),
    )
    np.testing.assert_allclose(TableVectors().fit_transform(table), peer.fit_transform(table).astype(float))


def test_every_element_has_a_name(table):
    vectors = TableVectors().fit(table)
    assert vectors.transform(table).shape[1] == len(vectors.names_) == len(vectors.get_feature_names_out())
    assert vectors.names_[:3] == ["hours", "hours is missing", "late"]


def test_an_unseen_category_is_zero_everywhere_and_a_column_without_any_other_is_named(table):
    vectors = TableVectors().fit(table)
    with pytest.warns(UserWarning, match="Column 'kind' has no value that it had in `fit`: by post"):
        strange = vectors.transform(table.assign(kind="by post"))
    assert not strange[:, 3:].any()
    mixed = vectors.transform(pd.concat([table, table.assign(kind="by post")], ignore_index=True))
    assert not mixed[len(table) :, 3:].any()


def test_some_unseen_categories_are_logged_with_their_rows(caplog):
    fitted = TableVectors().fit(pd.DataFrame({"city": ["Rome", "Oslo", None]}))
    with caplog.at_level("INFO", logger="anyshot"):
        fitted.transform(pd.DataFrame({"city": ["Rome", "Paris", None, "oslo"]}, index=[2, 3, 4, 5]))
    assert "Column 'city' has values that it did not have in `fit`, such as 'Paris', in rows 3, 5" in caplog.text


def test_sentences_are_no_categories():
    texts = [f"my order {number} did not arrive" for number in range(12)]
    with pytest.warns(UserWarning, match=r"'Message' holds texts that are nearly all different.*--except"):
        TableVectors().fit(pd.DataFrame({"Message": texts}))
    TableVectors().fit(pd.DataFrame({"city": texts[:4] * 3, "name": list("abcdefghijkl")}))


def test_a_warning_points_past_the_wrapper_of_scikit_learn():
    fitted = TableVectors().fit(pd.DataFrame({"since": pd.to_datetime(["2020-01-01", "2021-01-01"])}))
    with pytest.warns(UserWarning, match="Check the date: answers") as found:
        fitted.transform(pd.DataFrame({"since": pd.to_datetime(["2099-01-01"])}))
    assert found[0].filename == __file__


def test_a_missing_value_is_its_own_category():
    vectors = TableVectors().fit(pd.DataFrame({"kind": ["a", None, "a", np.nan]}))
    assert vectors.names_ == [f"kind = {MISSING}", "kind = a"]
    assert vectors.transform(pd.DataFrame({"kind": [None, "a"]})).tolist() == [[1, 0], [0, 1]]


def test_only_the_most_frequent_categories_are_encoded():
    vectors = TableVectors(max_categories=2).fit(pd.DataFrame({"kind": ["c", "c", "b", "b", "b", "a"]}))
    assert vectors.names_ == ["kind = b", "kind = c"]


@pytest.mark.parametrize(("fitted", "given"), [([1, 2], [1.0, 2.0, np.nan]), ([1.0, 2.0], [1, 2, None])])
def test_whole_numbers_are_the_same_categories_with_and_without_a_point(fitted, given):
    vectors = TableVectors().fit(pd.DataFrame({"code": pd.Categorical(fitted)}))
    table = pd.DataFrame({"code": pd.Categorical(given)})
    assert vectors.transform(table).tolist() == [[1, 0], [0, 1], [0, 0]]


def test_dates_are_days():
    dates = pd.DataFrame({"day": pd.to_datetime(["1970-01-02", "1970-01-04"])})
    assert TableVectors().fit_transform(dates).tolist() == [[1], [3]]


@pytest.mark.parametrize("later", [5.0, "text", pd.Timestamp("2020-01-01"), None])
def test_a_column_without_a_value_in_fit_says_nothing_later(later):
    table = pd.DataFrame({"age": [15.0, 16.0], "note": [np.nan, np.nan]})
    vectors = TableVectors().fit(table)
    assert vectors.names_ == ["age"]
    assert not is_plain(vectors)
    again = TableVectors.from_facts(json.loads(json.dumps(vectors.facts())))
    assert again.transform(table.assign(note=later)).tolist() == [[15.0], [16.0]]
    assert again.inverse_transform([[15.0]]).values.tolist() == [[15.0, None]]
    with pytest.raises(InputError, match="No column of the table has a value"):
        TableVectors().fit(table[["note"]])


def test_column_order_and_extra_columns_do_not_matter(table):
    vectors = TableVectors().fit(table)
    shuffled = table.assign(more=1)[["more", "late", "kind", "hours"]]
    np.testing.assert_array_equal(vectors.transform(shuffled), vectors.transform(table))


def test_the_fitted_state_is_restored_from_json(table):
    vectors = TableVectors().fit(table)
    again = TableVectors.from_facts(json.loads(json.dumps(vectors.facts())))
    np.testing.assert_array_equal(again.transform(table), vectors.transform(table))
    assert again.names_ == vectors.names_


def test_the_encoders_of_skrub_can_be_used(table):
    pytest.importorskip("skrub", reason="needs the extra [tables]")
    vectors = TableVectors(encoder="skrub").fit(table)
    assert vectors.transform(table).shape == (20, len(vectors.names_))
    assert np.isfinite(vectors.transform(table)).all()
    with pytest.raises(InputError, match="encoders of skrub cannot be saved"):
        vectors.facts()


def test_only_a_numeric_table_without_missing_values_is_plain(table):
    assert is_plain(TableVectors().fit(table[["late"]]))
    assert not is_plain(TableVectors().fit(table[["hours"]]))
    assert not is_plain(TableVectors().fit(table[["kind"]]))


@pytest.mark.parametrize("make", [pl.from_pandas, pa.Table.from_pandas], ids=["polars", "pyarrow"])
def test_tables_of_other_libraries_are_read(table, make):
    vectors = TableVectors().fit(table)
    np.testing.assert_array_equal(vectors.transform(make(table)), vectors.transform(table))
    again = TableVectors().fit(make(table))
    np.testing.assert_array_equal(again.transform(table), vectors.transform(table))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (lambda table: table.rename(columns={"hours": "hour"}), "lacks the column 'hours'.*rename it to 'hour'"),
        (lambda table: table.assign(hours="many"), "'hours' was numeric in `fit` and is not now: row 0 has 'many'"),
        (lambda table: table.assign(hours=np.inf), "Column 'hours' contains infinity in rows 0, 1"),
        (lambda table: table.to_numpy(), "A table with named columns .* is needed; this is a ndarray"),
        (lambda table: table.set_axis(["hours", "kind", "kind"], axis=1), "several columns named 'kind'"),
    ],
)
def test_a_table_that_does_not_match_is_refused(table, given, words):
    vectors = TableVectors().fit(table)
    with pytest.raises(InputError, match=words):
        vectors.transform(given(table))


def test_an_empty_table_and_an_unknown_encoder_are_refused(table):
    with pytest.raises(InputError, match="has no rows"):
        TableVectors().fit(table[:0])
    with pytest.raises(InputError, match="encoder must be 'scikit-learn' or 'skrub'; it is 'best'"):
        TableVectors(encoder="best").fit(table)


def test_a_polars_column_of_objects_is_read_by_its_values():
    days = np.array([date(2020, 1, 1), date(2020, 1, 3)], dtype=object)
    table = pl.DataFrame({"day": pl.Series("day", days, dtype=pl.Object)})
    assert np.diff(TableVectors().fit(table).transform(table), axis=0).tolist() == [[2.0]]


def test_a_gap_in_a_column_that_had_none_is_warned_of():
    vectors = TableVectors().fit(pd.DataFrame({"age": [15.0, 16.0, 17.0]}))
    with pytest.warns(UserWarning, match="'age' had no missing value in `fit` and has some in row 1"):
        found = vectors.transform(pd.DataFrame({"age": [15.0, None]}))
    assert found.tolist() == [[15.0], [16.0]]


def test_a_fit_that_fails_leaves_the_earlier_columns():
    frame = pd.DataFrame({"age": [15.0, 16.0]})
    vectors = TableVectors().fit(frame)
    with pytest.raises(InputError, match="encoder must be"):
        vectors.set_params(encoder="other").fit(pd.DataFrame({"size": [1.0, 2.0]}))
    vectors.set_params(encoder="scikit-learn")
    assert vectors.transform(frame).tolist() == [[15.0], [16.0]]


def test_numbers_and_dates_of_another_scale_are_warned_of_also_by_a_saved_table():
    days = pd.date_range("2023-01-01", periods=40)
    table = pd.DataFrame({"income": np.linspace(18_000, 77_000, 40), "since": days.astype(str)})
    vectors = TableVectors.from_facts(json.loads(json.dumps(TableVectors().fit(table).facts())))
    with warnings.catch_warnings(action="error"):
        vectors.transform(table[:1])
    late = pd.DataFrame({"income": [18.5, 30_000.0], "since": ["2023-01-05", "2099-12-31"]})
    with pytest.warns(ItemWarning) as caught:
        vectors.transform(late)
    assert [str(one.message).split(". ")[0] for one in caught] == [
        "Column 'income' is 18.5 in row 0, but 18000 to 77000 in `fit`",
        "Column 'since' is 2099-12-31 in row 1, but 2023-01-01 to 2023-02-09 in `fit`",
    ]
    assert [one.message.rows for one in caught] == [(0,), (1,)]
    before = {name: value for name, value in vectors.facts().items() if name != "ranges"}
    with warnings.catch_warnings(action="error"):  # of an earlier version
        TableVectors.from_facts(before).transform(late)


def test_categories_that_differ_in_spaces_at_their_ends_are_the_same(caplog):
    caplog.set_level("INFO")
    table = pd.DataFrame({"city": ["Rome", "Rome ", "Oslo", None], "n": [1, 2, 3, 4]})
    vectors = TableVectors().fit(table)
    assert vectors.names_ == ["n", "city = (none)", "city = Oslo", "city = Rome"]
    np.testing.assert_array_equal(vectors.transform(table.assign(city=" Rome"))[:, 1:], [[0, 0, 1]] * 4)
    assert "Column 'city' has 'Rome ' and 'Rome', which count as the same category" in caplog.text
    assert "two categories" not in caplog.text
    TableVectors().fit(table.assign(city=["yes", "no", "Yes", "No "]))
    assert "Column 'city' has 'No' and 'no', which count as two categories. If they are one, write" in caplog.text


def test_numbers_that_are_read_as_dates_are_named(caplog):
    with caplog.at_level("INFO"):
        TableVectors().fit(pd.DataFrame({"since": ["20240503", "20240504", "20240505"], "n": [1, 2, 3]}))
    assert [record.message for record in caplog.records] == [
        "Column 'since': 20240503 and other numbers there are read as dates. If they are none, leave the column out"
    ]
