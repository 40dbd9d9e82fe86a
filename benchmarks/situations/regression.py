"""AnyShotRegressor: its targets, and the kinds of columns whose numbers must be seen."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import torch
from scipy.sparse import coo_matrix, csc_array
from sklearn.linear_model import LogisticRegression

from anyshot import AnyShotRegressor
from situations.situation import REORDERED, SIGNS, TABLE, Subject, refuses, taken_or_refused

holds = Subject("regression")

# --- columns of numbers in other forms -------------------------------------------------------------------------------

DAYS = pd.date_range("2020-01-01", periods=101)
COLUMNS = {
    "numbers as objects": np.array(range(101), dtype=object),
    "Decimals": [Decimal(day) for day in range(101)],
    "Decimals of Arrow": pa.array([Decimal(day) for day in range(101)]),
    "numbers as text": [str(day) for day in range(101)],
    "percentages": [f"{day}%" for day in range(101)],
    "dates": DAYS,
    "dates as objects": list(DAYS.date),
    "dates of polars": pl.Series(DAYS.date),
    "dates as text": DAYS.strftime("%Y-%m-%d"),
    "dates with the day first": DAYS.strftime("%d.%m.%Y"),
    "dates with slashes, year first": DAYS.strftime("%Y/%m/%d"),
    "dates with names of months": DAYS.strftime("%d-%b-%Y"),
    "times of day": [f"{day // 6:02}:{day % 6 * 10:02}:00" for day in range(101)],
    "times with a zone": DAYS.tz_localize("UTC"),
    "times as ISO text": DAYS.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "periods": DAYS.to_period("D"),
    "timedeltas": pd.to_timedelta(range(101), "D"),
}


@holds.each("a column of {}: the regression on 60 of 101 even steps goes on", COLUMNS)
def _(_: Path, values: Any) -> object:
    make = {pl.Series: pl.DataFrame, pa.Array: pa.table}
    table = next((made({"day": values}) for kind, made in make.items() if isinstance(values, kind)), None)
    table = pd.DataFrame({"day": values}) if table is None else table
    model = AnyShotRegressor().fit(table[:60], np.arange(60.0))
    return abs(model.predict(table[100:])[0] - 100) < 1


WRITTEN = {
    "numbers with a unit": [f"{day} kg" for day in range(101)],
    "thousands with commas": [f"{day * 1000:,}" for day in range(101)],
    "thousands with points": [f"{day}.000,50" for day in range(1, 102)],
    "amounts in brackets": [f"({day},500.00)" for day in range(1, 102)],
    "amounts with a minus behind them": [f"{day}.5-" for day in range(101)],
    "amounts of money": [f"${day * 100:,.2f}" for day in range(101)],
}
holds.each("a column of {}: refused by name", WRITTEN)(
    lambda _, values: refuses(lambda: AnyShotRegressor().fit(pd.DataFrame({"day": values}), range(101)), "'day'")
)


@holds("dates with a time zone: the regression goes on")
def _(_: Path) -> object:
    days = pd.DataFrame({"x": pd.date_range("2020-01-01", periods=101, tz="Europe/Berlin")})
    return abs(AnyShotRegressor().fit(days, np.arange(101.0)).predict(days)[100] - 100) < 5


@holds("a question mark for a missing number: a gap, or refused by name")
def _(_: Path) -> object:
    """As files of the UCI repository have it: a gap, or refused by the column's name."""
    days = pd.Series([str(value) for value in range(101)], dtype=object)
    target, column = np.arange(101.0), days.where(days != "50", "?")
    x, last = pd.DataFrame({"x": column}), pd.DataFrame({"x": ["100"]})
    return taken_or_refused(lambda: abs(AnyShotRegressor().fit(x, target).predict(last)[0] - 100) < 5, "'x'")


holds.refused("a decimal comma in a column: refused by name", "'a'", "decimal")(
    lambda _: AnyShotRegressor().fit(pd.DataFrame({"a": ["1,5", "2,5"]}), [1, 2])
)

# --- targets ---------------------------------------------------------------------------------------------------------

holds.refused("a missing date among targets: refused by row", "row 0")(
    lambda _: AnyShotRegressor().fit(TABLE[:2], pd.to_datetime(pd.Series(["2020-01-01", None])))
)
holds.refused("a decimal comma in targets: refused by value", "'1,5'", "decimal comma")(
    lambda _: AnyShotRegressor().fit(TABLE[:2], ["1,5", "2,5"])
)
PRICES = [f"{1000 + 10 * i:,}" for i in range(60)]
STEPS = pd.DataFrame({"i": range(60)})
holds("thousands with commas in targets: read, or refused by row")(
    lambda _: taken_or_refused(
        lambda: abs(AnyShotRegressor().fit(STEPS, PRICES).predict(STEPS)[-1] - 1590) < 10, "row 0", "'1,000'"
    )
)
NULLABLE = pd.Series(range(60), dtype="Float64").where(TABLE.index != 5)
holds("a gap in nullable targets: the row is not learned")(
    lambda _: "on 59 labels" in AnyShotRegressor().fit(TABLE, NULLABLE).reasons_[0]
)
NUMBERS = TABLE["a"].to_numpy()
holds("numbers as texts in targets: read, or refused by row")(
    lambda _: taken_or_refused(
        lambda: AnyShotRegressor().fit(TABLE, [str(one) for one in NUMBERS]).score(TABLE, NUMBERS) > 0.9, "0"
    )
)
holds.refused("infinity in targets: refused by row", "row 0")(
    lambda _: AnyShotRegressor().fit(TABLE, [np.inf, *NUMBERS[1:]])
)
holds("two columns of targets: learned, or refused with MultitaskModel")(
    lambda _: taken_or_refused(
        lambda: AnyShotRegressor().fit(TABLE, TABLE[["a", "b"]]).predict(TABLE).shape == (60, 2), "MultitaskModel"
    )
)

# --- tables ----------------------------------------------------------------------------------------------------------

MAKERS = {
    "polars": pl.from_pandas,
    "pyarrow": pa.Table.from_pandas,
    "nullable": lambda table: table.convert_dtypes(),
    "Arrow-backed": lambda table: table.convert_dtypes(dtype_backend="pyarrow"),
}
holds.each("a table, {}: learned", MAKERS)(
    lambda _, make: AnyShotRegressor().fit(make(TABLE), TABLE["a"]).score(make(TABLE), TABLE["a"]) > 0.9
)
NUMBER = 3 * TABLE["a"] - TABLE["b"]
ARRAY = TABLE.to_numpy()
holds.each(
    "a table {}: answered as an array",
    {
        "with gradients": torch.tensor(ARRAY, requires_grad=True),
        "sparse, csc": csc_array(ARRAY),
        "sparse, by coordinates": coo_matrix(ARRAY),
    },
)(
    lambda _, given: np.allclose(
        AnyShotRegressor().fit(given, NUMBER).predict(given), AnyShotRegressor().fit(ARRAY, NUMBER).predict(ARRAY)
    )
)
holds.refused(
    "columns in another order: refused, with model.feature_names_in_", "same order", "model.feature_names_in_"
)(lambda _: AnyShotRegressor().fit(TABLE, NUMBER).predict(REORDERED))
holds.refused("columns of polars in another order: refused")(
    lambda _: AnyShotRegressor().fit(pl.from_pandas(TABLE), TABLE["a"]).predict(pl.from_pandas(REORDERED))
)
holds.refused("one row of a table, predict: refused")(
    lambda _: AnyShotRegressor().fit(TABLE, TABLE["a"]).predict(TABLE.iloc[0])
)
holds.refused("one feature as a column: refused, with to_frame", "to_frame")(
    lambda _: AnyShotRegressor().fit(TABLE["a"], NUMBER)
)
holds.refused("a column of vectors beside others: refused by name, with numpy.stack", "'v'", "numpy.stack")(
    lambda _: AnyShotRegressor().fit(pd.DataFrame({"v": list(ARRAY), "id": range(60)}), TABLE["a"])
)
holds.refused("two columns of one name: refused by name", "'a'")(
    lambda _: AnyShotRegressor().fit(pd.concat([TABLE, TABLE], axis=1), TABLE["a"])
)
EVEN = np.arange(60) % 2 == 0
CITIES = TABLE.assign(city=["Bonn" if even else "Trier" for even in EVEN])
ZIP_CODES = TABLE.assign(zip=["01234" if even else "05678" for even in EVEN])
EVEN_TARGET = np.where(EVEN, 10.0, 0.0)
LOST_ZEROS = ZIP_CODES.assign(zip=ZIP_CODES["zip"].astype(int))
holds("codes that lost their zeros at predict: answered as before")(
    lambda _: np.array_equal(
        AnyShotRegressor().fit(ZIP_CODES, EVEN_TARGET).predict(LOST_ZEROS),
        AnyShotRegressor().fit(ZIP_CODES, EVEN_TARGET).predict(ZIP_CODES),
    )
)
holds.warned("categories in capitals at predict: warned of", "no value that it had in `fit`")(
    lambda _: AnyShotRegressor().fit(CITIES, EVEN_TARGET).predict(CITIES.assign(city=CITIES["city"].str.upper()))
)
holds("a gap that comes at predict only: a finite answer")(
    lambda _: np.isfinite(AnyShotRegressor().fit(TABLE, TABLE["a"]).predict(TABLE[:1].assign(b=np.nan))).all()
)
ONLY_GAPS = TABLE.head(2).assign(a=np.nan)
holds.warned("gaps that come at predict only: warned of by name", "'a' had no missing value")(
    lambda _: AnyShotRegressor().fit(TABLE, TABLE["b"]).predict(ONLY_GAPS)
)
holds.refused("source= predicts names: refused", "source")(
    lambda _: AnyShotRegressor().fit(TABLE, TABLE["a"], source=LogisticRegression().fit(TABLE, SIGNS))
)
