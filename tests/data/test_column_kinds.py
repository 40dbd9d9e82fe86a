import re
from datetime import date, time, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from anyshot.data.column_kinds import as_numbers, kind_of
from anyshot.data.table_vectors import TableVectors
from anyshot.errors import InputError

DAYS = ["2020-01-31", "2020-02-29", None]
DATES = pd.to_datetime(pd.Series(DAYS))
EXPECTED = [18292.0, 18321.0, np.nan]


@pytest.mark.parametrize(
    ("column", "kind", "expected"),
    [
        (pd.Series([1, 2.5, None], dtype=object), "number", [1, 2.5, np.nan]),
        (pd.Series([Decimal("1.5"), None, 2], dtype=object), "number", [1.5, np.nan, 2]),
        (pd.Series(["1", "-2.5e1", None]), "number", [1, -25, np.nan]),
        (pd.Series([True, None, False], dtype="boolean"), "number", [1, np.nan, 0]),
        (pd.Series([1, None, 2], dtype="int64[pyarrow]"), "number", [1, np.nan, 2]),
        (DATES, "date", EXPECTED),
        (DATES.dt.tz_localize("UTC"), "date", EXPECTED),
        (pd.Series(DAYS), "date", EXPECTED),
        (pd.Series([date(2020, 1, 31), date(2020, 2, 29), None], dtype=object), "date", EXPECTED),
        (DATES.dt.to_period("D"), "date", EXPECTED),
        (DATES.astype("timestamp[ns][pyarrow]"), "date", EXPECTED),
        (pd.Series(["31.01.2020", "29.02.2020", None]), "day first", EXPECTED),
        (pd.Series(["2020/1/31", "2020/02/29", None]), "date", EXPECTED),
        (pd.Series(["31-Jan-2020", "29 February 2020", None]), "date", EXPECTED),
        (pd.Series(["Jan 31, 2020", "Feb 29, 2020", None]), "date", EXPECTED),
        (pd.Series(["31 jan. 2020", "29-FEB-2020", None]), "date", EXPECTED),
        (pd.Series(["Fri, 31 Jan 2020", "29 février 2020", None]), "date", EXPECTED),
        (pd.Series(["6:00", "18:30", None]), "duration", [0.25, 18.5 / 24, np.nan]),
        (pd.Series(["6:00 AM", "6:30:00 pm", "12:00am"]), "duration", [0.25, 18.5 / 24, 0]),
        (pd.Series([time(6), time(18, 30), None], dtype=object), "duration", [0.25, 18.5 / 24, np.nan]),
        (pd.Series(["12%", "3.5 %", None]), "number", [0.12, 0.035, np.nan]),
        (pd.Series(["01/31/2020", "02/29/2020", None]), "month first", EXPECTED),
        (pd.Series([timedelta(hours=12), None], dtype=object), "duration", [0.5, np.nan]),
        (pd.Series([1, "2.5", None] * 9, dtype=object), "number", [1, 2.5, np.nan] * 9),
        (pd.Series([date(2020, 1, 31), "29.02.2020", None], dtype=object), "day first", EXPECTED),
        (pd.Series([date(2020, 1, 31), "2020-02-29", None], dtype=object), "date", EXPECTED),
        (pd.Series(pd.to_timedelta([12, None], "h")), "duration", [0.5, np.nan]),
    ],
    ids=str,
)
def test_columns_are_numbers_whatever_their_type(column, kind, expected):
    assert kind_of(column) == kind
    np.testing.assert_allclose(as_numbers(column, kind), expected)


@pytest.mark.parametrize(
    "values",
    [
        *(["007", "12"], ["a", "1"], ["1", 2, "b"], [None, None], ["2020", "soon"]),
        *(["marathon 10 2020", "may 10 2020"], ["2020/13/45", "2020/01/31"], ["10:72", "3:05"]),
    ],
    ids=str,
)
def test_codes_words_and_mixtures_are_categories(values):
    assert kind_of(pd.Series(values, dtype=object)) == "category"
    assert kind_of(pd.Series([1, 2]).astype("category")) == "category"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["1,5", "2"], r"Column 'x' holds numbers with a decimal comma.*decimal=\",\""),
        (["01/02/2020", "03/04/2020"], "the order of day and month is not clear.*dayfirst=True"),
        ([[1.0, 2.0], [3.0, 4.0]], r"Column 'x' holds a list in each row.*numpy\.stack\(table\['x'\]\)"),
        ([np.ones(2), np.ones(2)], "holds a ndarray in each row"),
    ],
)
def test_columns_that_cannot_be_read_are_refused_with_the_remedy(values, words):
    with pytest.raises(InputError, match=words):
        kind_of(pd.Series(values, dtype=object, name="x"))


def test_complex_numbers_are_refused_with_the_remedy():
    with pytest.raises(InputError, match=r"Column 'x' holds complex numbers\. Give numpy\.real\(table\['x'\]\)"):
        kind_of(pd.Series([1j, 2.0], name="x"))


@pytest.mark.parametrize(("column", "kind"), [(["many"], "number"), ([3], "date"), (["soon"], "duration")])
def test_another_kind_than_in_fit_is_refused(column, kind):
    with pytest.raises(InputError, match=r"Column 'x' .* in `fit` and is not now"):
        as_numbers(pd.Series(column, name="x"), kind)


@pytest.mark.parametrize(
    "days",
    [
        lambda n: np.array(range(n), dtype=object),
        lambda n: pd.to_timedelta(range(n), "D"),
        lambda n: pd.period_range("2020-01-01", periods=n, freq="D"),
        lambda n: pd.date_range("2020-01-01", periods=n).strftime("%Y-%m-%d"),
        lambda n: pd.date_range("2020-01-01", periods=n).strftime("%d.%m.%Y"),
        lambda n: [str(day) for day in range(n)],
    ],
)
def test_what_lies_beyond_the_rows_of_fit_is_extrapolated(days):
    table = pd.DataFrame({"day": days(101)})
    vectors = TableVectors().fit(pd.concat([table[:60]] * 2)).transform(table)  # once, they would be row numbers
    np.testing.assert_allclose(vectors[100] - vectors[0], 100)


@pytest.mark.parametrize(
    ("cells", "kind", "hours"),
    [
        (["13.02.2024 14:30", "14.02.2024"], "day first", [14.5, 24]),
        (["2/13/2024 2:30 PM", "2/14/2024 12:00 am"], "month first", [14.5, 24]),
        (["13/02/2024, 14:30:00", "14/02/2024T00:00"], "day first", [14.5, 24]),
        (["13. Februar 2024 14:30", "Feb 14, 2024 12:00 am"], "date", [14.5, 24]),
    ],
)
def test_dates_may_have_a_time(cells, kind, hours):
    column = pd.Series(cells, name="since")
    assert kind_of(column) == kind
    start = (pd.Timestamp("2024-02-13") - pd.Timestamp(0)).days
    np.testing.assert_allclose((as_numbers(column, kind) - start) * 24, hours)


def test_dates_whose_years_have_two_digits_are_refused():
    with pytest.raises(InputError, match=r"'since' holds dates such as '01\.02\.24', whose years have two digits"):
        kind_of(pd.Series([f"{day:02}.02.24" for day in range(1, 13)], name="since"))
    months = pd.Series([f"Mar-{year}" for year in range(13, 25)], name="since")
    with pytest.raises(InputError, match="'Mar-13', whose years have two digits"):
        kind_of(months)
    assert kind_of(months[:10]) == "category"


@pytest.mark.parametrize("form", ["{} kg", "{}kg", "${},000.50", "€ {}", "-{} €"])
def test_many_numbers_with_one_unit_are_no_categories(form):
    column = pd.Series([form.format(n) for n in range(11)], name="size")
    with pytest.raises(InputError, match=r"'size' holds numbers with a unit.*numbers alone, with a decimal point"):
        kind_of(column)
    assert kind_of(column.astype("category")) == kind_of(column[:10]) == "category"
    assert kind_of(pd.concat([column, pd.Series(["3 lb"])])) == "category"


@pytest.mark.parametrize(
    "form", ["{},500.01", "{},500", "{}.500,01", "{}'500.5", "{}\u202f500", "{} 500,5", "({}.5)", "{}.5-", "\u2212{}"]
)
def test_many_numbers_as_programs_show_them_are_no_categories(form):
    shown = [form.format(n) for n in range(1, 13)]
    for column in (shown, [*shown, "412"], [*shown, "n/a"]):
        with pytest.raises(InputError, match=r"'sum' holds numbers with (separators of thousands|a unit)"):
            kind_of(pd.Series(column, name="sum"))


@pytest.mark.parametrize("form", ["0{}'500", "{}10 001", "{}A.500"])
def test_codes_that_look_like_such_numbers_are_categories(form):
    assert kind_of(pd.Series([form.format(n) for n in range(1, 13)])) == "category"


@pytest.mark.parametrize("other", ["?", "n/a", "12 kg"])
def test_many_numbers_beside_a_few_texts_are_no_categories(other):
    for column in ([*map(str, range(30)), other], [*range(30), other]):  # of a CSV, and of a sheet
        with pytest.raises(InputError, match=f"'size' holds numbers, but also '{re.escape(other)}'.*pandas.to_numeric"):
            kind_of(pd.Series(column, name="size"))
        assert kind_of(pd.Series(column, name="size").astype("category")) == "category"
    assert kind_of(pd.Series(["1", "2", "3", other])) == "category"
    assert kind_of(pd.Series([f"{n}{'A' * (n % 3 == 0)}" for n in range(30)])) == "category"  # codes


def test_many_dates_and_times_beside_a_few_texts_are_no_categories():
    days, times = pd.date_range("2020-01-01", periods=30), [f"{hour:02}:15" for hour in range(24)]
    for column in ([*days.strftime("%Y-%m-%d"), "?"], [*days, "?"], [*days.strftime("%d.%m.%Y"), "0000-00-00"]):
        with pytest.raises(InputError, match="'day' holds dates, but also"):
            kind_of(pd.Series(column, name="day", dtype=object))
    with pytest.raises(InputError, match="'at' holds durations, but also"):
        kind_of(pd.Series([*times, "closed"], name="at"))


@pytest.mark.parametrize("empty", ["", " ", "NaN", "<NA>", None])
def test_an_empty_cell_beside_numbers_as_text_is_missing(empty):
    column = pd.Series(["1", "2.5", empty], dtype=object)
    assert kind_of(column) == "number"
    np.testing.assert_array_equal(as_numbers(column, "number"), [1, 2.5, np.nan])


def test_a_number_that_stands_for_a_missing_one_is_refused():
    with pytest.raises(InputError, match=r"Column 'x' contains 1.79769e\+308 in row 1; numbers up to 1e\+150"):
        as_numbers(pd.Series([1.0, 1.7976931348623157e308], name="x"), "number")


def test_a_date_as_text_in_a_column_that_had_real_dates_is_read_only_in_a_clear_order():
    read = as_numbers(pd.Series(["05.01.2024", "2024-01-05", "1/31/2024"], dtype=object, name="day"), "date")
    np.testing.assert_allclose(read, [19727, 19727, 19753])
    with pytest.raises(InputError, match=r"'05/01/2024' in row 0, of which the order of day and month is not clear"):
        as_numbers(pd.Series(["05/01/2024"], name="day"), "date")


@pytest.mark.parametrize(
    ("cell", "kind"),
    [("9999-12-31", "date"), ("30 Feb 2024", "date"), ("31.02.2024", "day first"), ("2024-03-01 25:00", "date")],
)
def test_a_date_that_does_not_exist_is_refused_as_such(cell, kind):
    with pytest.raises(InputError, match=f"'day' has '{cell}' in row 0, a date or time that does not exist, or one"):
        as_numbers(pd.Series([cell], name="day"), kind)


@pytest.mark.parametrize("kind", ["date", "day first", "month first"])
def test_a_date_whose_order_is_clear_is_read_whatever_the_order_in_fit(kind):
    clear = ["2020-01-31", "2020/01/31", "31 Jan 2020", "January 31, 2020", date(2020, 1, 31), None]
    np.testing.assert_array_equal(as_numbers(pd.Series(clear, dtype=object), kind), [18292.0] * 5 + [np.nan])


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (["now"], "date"),
        (["5"], "date"),
        ([5], "duration"),
        (["5"], "duration"),
    ],
)
def test_dates_and_durations_are_not_guessed(column, kind):
    """pandas takes numbers for nanoseconds or years."""
    with pytest.raises(InputError, match="and is not now"):
        as_numbers(pd.Series(column, name="x", dtype=object), kind)


def test_years_of_schools_are_categories_and_months_are_dates():
    kinds = [kind_of(pd.Series(cells)) for cells in (["2009/10", "2010/11", "2011/12"], ["2011/10", "2011/12"])]
    assert kinds == ["category", "date"]


@pytest.mark.parametrize("others", [["7"], [7.0], ["0", "7"]])
def test_numbers_of_which_some_have_a_percent_sign_are_refused(others):
    with pytest.raises(InputError, match=r"with a percent sign and without, such as '5 %' and '7"):
        kind_of(pd.Series(["5 %", *others], name="rate", dtype=object))
    assert kind_of(pd.Series(["5 %", "0"])) == "number"


@pytest.mark.parametrize("kind", ["str", "float64", "Int64", "int64[pyarrow]", "object"])
def test_numbers_that_are_all_dates_are_dates_whatever_their_type(kind):
    column = pd.Series([20200131, 20200229, 20201231]).astype(kind)
    assert kind_of(column) == "date"
    np.testing.assert_allclose(as_numbers(column, "date"), [18292, 18321, 18627])
    assert kind_of(pd.Series([20200131, 20200229, 20200230]).astype(kind)) == "number"
    assert kind_of(pd.Series([20200131, 20200229, 20200229]).astype(kind)) == "number"
