"""Rows of features: tables of any library, their columns and their order."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import torch
from scipy.sparse import csr_array, dok_array
from sklearn.datasets import load_wine
from sklearn.model_selection import cross_val_score

from anyshot import AnyShotClassifier, AnyShotRegressor, MultitaskModel, load
from anyshot.base.validation import vectors
from anyshot.data import read_data
from anyshot.domain_adaptation import CORAL
from situations.situation import (
    REORDERED,
    SIGNS,
    TABLE,
    TEXTS,
    Subject,
    command,
    facts_of_fit,
    fitted,
    in_shell,
    mentions,
    refuses,
    taken_or_refused,
    written,
)

holds = Subject("tables")

# --- tables of any library -------------------------------------------------------------------------------------------

MAKERS = {
    "polars": pl.from_pandas,
    "pyarrow": pa.Table.from_pandas,
    "nullable": lambda table: table.convert_dtypes(),
    "Arrow-backed": lambda table: table.convert_dtypes(dtype_backend="pyarrow"),
}
holds.each("a table, {}: learned", MAKERS)(lambda _, make: fitted(make(TABLE), SIGNS).score(make(TABLE), SIGNS) > 0.9)
SPARSE = TABLE.astype(pd.SparseDtype("float64", 0.0))
holds("sparse columns of pandas: learned")(lambda _: fitted(SPARSE, SIGNS).score(SPARSE, SIGNS) > 0.9)
RANDOM = np.random.default_rng(0)
VECTORS = RANDOM.normal(size=(60, 8))
holds("sparse features: learned")(
    lambda _: fitted(csr_array(VECTORS), SIGNS).predict(csr_array(VECTORS)).shape == (60,)
)
holds.refused("sparse features that are too large: refused, with their size", "GiB")(
    lambda _: fitted(csr_array((60, 10**9)), SIGNS)
)
ROWS = TABLE.to_numpy()
ALIKE = ROWS / ROWS.std(axis=0)  # features on one scale, as encoders return them
FIXED = pa.FixedSizeListArray.from_arrays(pa.array(ROWS.ravel()), 3)
DECIMALS: Any = [Decimal(f"{value:.6f}") for value in TABLE["a"]]
COLUMNS = {
    "vectors as lists of polars": pl.Series(ROWS.tolist()),
    "vectors as an array column of polars": pl.DataFrame({"v": pl.Series(ALIKE.tolist(), dtype=pl.Array(float, 3))}),
    "vectors as lists of pyarrow": FIXED,
    "Decimals of polars": pl.DataFrame({"a": DECIMALS, "b": TABLE["b"]}),
    "Decimals of pandas": TABLE.assign(a=DECIMALS),
    "a sparse matrix by keys": dok_array(ALIKE),
}
holds.each("features as {}: learned", COLUMNS)(lambda _, column: fitted(column, SIGNS).score(column, SIGNS) > 0.9)


@holds("vectors and labels in a file of h5py: learned")
def _(folder: Path) -> object:
    with h5py.File(folder / "a.h5", "w") as file:
        file["X"], file["y"] = TABLE.to_numpy(), SIGNS.tolist()
        return fitted(file["X"], file["y"]).score(TABLE.to_numpy(), SIGNS) > 0.9


holds("a tensor with a gradient: learned")(
    lambda _: fitted(torch.tensor(TABLE.to_numpy(), requires_grad=True), SIGNS).score(TABLE.to_numpy(), SIGNS) > 0.9
)
SWAPPED = TABLE.to_numpy().astype(">f8")
SWAPPED.flags.writeable = False
holds("numbers of the other byte order, read-only: learned")(
    lambda _: fitted(SWAPPED, SIGNS).score(TABLE.to_numpy(), SIGNS) > 0.9
)
holds.refused("a lazy table of polars: refused, with collect", "collect")(
    lambda _: fitted(pl.from_pandas(TABLE).lazy(), SIGNS)
)
RECORDS = TABLE.to_records(index=False)
holds.refused("a record array: refused")(lambda _: fitted(RECORDS, SIGNS))
FITS: dict[str, Callable[[Any], object]] = {
    "AnyShotRegressor": lambda X: AnyShotRegressor().fit(X, np.arange(len(X))),
    "MultitaskModel": lambda X: MultitaskModel().fit(X, {"t": [0.5 * row for row in range(len(X))]}),
    "CORAL": lambda X: CORAL().fit(X, np.arange(len(X)) % 2),
}
holds.each("a table as a dict, {}: refused, with pandas.DataFrame", FITS)(
    lambda _, fit: refuses(lambda: fit(TABLE.to_dict("list")), "pandas.DataFrame")
)
holds.refused("complex numbers: refused")(lambda _: fitted(TABLE.to_numpy() + 1j, SIGNS))
HOLE = np.ma.MaskedArray(TABLE.to_numpy(), mask=np.arange(180).reshape(60, 3) == 4)
holds.each(
    "a masked number, {}: refused",
    {
        "AnyShotClassifier": lambda X: AnyShotClassifier(cache=False).fit(X, SIGNS),
        "AnyShotRegressor": lambda X: AnyShotRegressor().fit(X, TABLE["a"]),
        "MultitaskModel": lambda X: MultitaskModel().fit(X, {"t": SIGNS}),
        "CORAL": lambda X: CORAL().fit(X, SIGNS, target=TABLE.to_numpy()),
    },
)(lambda _, fit: refuses(lambda: fit(HOLE)))
holds.each("rows of other lengths, {}: refused by row", FITS)(
    lambda _, fit: refuses(lambda: fit([[1, 2], [3, 4], [5]]), "row 2")
)
holds.each("texts in place of rows, {}: refused, with encode", FITS)(
    lambda _, fit: refuses(lambda: fit(TEXTS), "encode")
)

# --- one row ---------------------------------------------------------------------------------------------------------

holds.refused("one row of a table, predict: refused")(lambda _: fitted(TABLE, SIGNS).predict(TABLE.iloc[0]))

# --- order and names of columns --------------------------------------------------------------------------------------

holds.refused("columns in another order, predict: refused", "another order")(
    lambda _: fitted(TABLE, SIGNS).predict(REORDERED)
)
holds.refused("columns in another order, evaluate: refused", "another order")(
    lambda _: fitted(TABLE, SIGNS).evaluate(REORDERED, SIGNS)
)
holds.refused("columns in another order, partial_fit: refused", "another order")(
    lambda _: fitted(TABLE, SIGNS).partial_fit(REORDERED, SIGNS)
)
holds.refused("columns in another order, unlabeled=: refused", "another order")(
    lambda _: AnyShotClassifier().fit(TABLE, SIGNS, unlabeled=REORDERED)
)


@holds("columns in another order, a loaded model: refused")
def _(folder: Path) -> object:
    fitted(TABLE, SIGNS).save(folder / "model")
    return refuses(lambda: load(folder / "model").predict(REORDERED), "another order")


NUMBERED = pd.DataFrame(TABLE.to_numpy())
holds.refused("numbered columns in another order: refused", "order")(
    lambda _: fitted(NUMBERED, SIGNS).predict(NUMBERED[[2, 1, 0]])
)
holds.refused("a further column at predict: refused by name", "extra")(
    lambda _: fitted(TABLE, SIGNS).predict(TABLE.assign(extra=1.0))
)
holds.warned("an array after a table: warned of, with the names in order", "a, b, c, in this order")(
    lambda _: fitted(TABLE, SIGNS).predict(ROWS)
)
LEVELS = TABLE.set_axis(pd.MultiIndex.from_tuples([("x", "mean"), ("x", "max"), ("y", "mean")]), axis=1)
holds("columns of two levels, as groupby.agg makes: learned")(
    lambda _: fitted(LEVELS, SIGNS).score(LEVELS, SIGNS) > 0.9
)
holds("numbers and texts as names of columns: learned, or refused")(
    lambda _: taken_or_refused(
        lambda: fitted(TABLE.rename(columns={"a": 0}), SIGNS).score(TABLE.rename(columns={"a": 0}), SIGNS) > 0.9,
        "column",
    )
)
holds.refused("two columns of one name: refused by name", "'a'")(
    lambda _: fitted(pd.concat([TABLE, TABLE], axis=1), SIGNS)
)

# --- columns of vectors ----------------------------------------------------------------------------------------------

holds("a column of vectors: learned")(
    lambda _: (
        fitted(pd.DataFrame({"v": list(VECTORS)}), SIGNS).predict(pd.DataFrame({"v": list(VECTORS)})).shape == (60,)
    )
)


@holds("a column of vectors from Parquet: learned")
def _(folder: Path) -> object:
    pd.DataFrame({"v": list(VECTORS)}).to_parquet(folder / "v.parquet")
    return fitted(pd.read_parquet(folder / "v.parquet"), SIGNS).score(pd.DataFrame({"v": list(VECTORS)}), SIGNS) > 0.4


holds.refused("a column of vectors beside others: refused by name", "'v'")(
    lambda _: fitted(pd.DataFrame({"v": list(VECTORS), "id": range(60)}), SIGNS)
)
RAGGED = pd.Series([[1.0, 2.0], [2.0, 1.0], [3.0]])
holds.refused("a column of vectors of other lengths: refused by row", "row 2")(
    lambda _: fitted(RAGGED, ["a", "b", "a"])
)

# --- columns of texts and categories ---------------------------------------------------------------------------------

holds("columns of get_dummies: learned")(
    lambda _: (
        fitted(pd.get_dummies(TABLE.assign(k=["u", "v"] * 30)), SIGNS).score(
            pd.get_dummies(TABLE.assign(k=["u", "v"] * 30)), SIGNS
        )
        > 0.9
    )
)
holds("a column of texts beside numbers: learned, or refused by name")(
    lambda _: taken_or_refused(
        lambda: AnyShotClassifier().fit(TABLE.assign(t=[f"note {i} of it" for i in range(60)]), SIGNS), "'t'"
    )
)
MIXED = TABLE.assign(city=["Oslo", "Rome"] * 30)
holds.refused(
    "a column of categories beside numbers: refused by name, with encoder='table'", "'city'", "encoder='table'"
)(lambda _: fitted(MIXED, SIGNS))
holds("a column of categories, encoder='table': learned")(
    lambda _: bool(fitted(MIXED, SIGNS, encoder="table").score(MIXED, SIGNS) > 0.9)
)
holds.refused("a column of categories in place of vectors: refused by name and row", "'city'", "row 0")(
    lambda _: vectors(MIXED)
)
EVEN = np.arange(60) % 2 == 0
CITIES = TABLE.assign(city=["Bonn" if even else "Trier" for even in EVEN])
ZIP_CODES = TABLE.assign(zip=["01234" if even else "05678" for even in EVEN])
LOST_ZEROS = ZIP_CODES.assign(zip=ZIP_CODES["zip"].astype(int))
holds("codes that lost their zeros at predict: answered as before")(
    lambda _: np.array_equal(
        fitted(ZIP_CODES, EVEN.tolist(), encoder="table").predict_proba(LOST_ZEROS),
        fitted(ZIP_CODES, EVEN.tolist(), encoder="table").predict_proba(ZIP_CODES),
    )
)
holds.warned("categories in capitals at predict: warned of", "no value that it had in `fit`")(
    lambda _: fitted(CITIES, EVEN.tolist(), encoder="table").predict(CITIES.assign(city=CITIES["city"].str.upper()))
)

# --- numbers ---------------------------------------------------------------------------------------------------------

holds("whole numbers as features: learned")(
    lambda _: (
        fitted(np.arange(120).reshape(60, 2), np.arange(60) // 30).score(
            np.arange(120).reshape(60, 2), np.arange(60) // 30
        )
        > 0.9
    )
)
WINE, KINDS = load_wine(return_X_y=True)
holds("the wine data: above 95 % right")(
    lambda _: cross_val_score(AnyShotClassifier(cache=False), WINE, KINDS).mean() > 0.95
)
holds("the wine data as a table: above 95 % right")(
    lambda _: cross_val_score(AnyShotClassifier(cache=False), pd.DataFrame(WINE).add_prefix("x"), KINDS).mean() > 0.95
)
holds("the wine data: the reasons say that columns are standardized")(
    lambda _: "standardized" in fitted(WINE, KINDS).reasons_[-1]
)
holds("the wine data, encoder='vectors': not standardized")(
    lambda _: "standardized" not in fitted(WINE, KINDS, encoder="vectors").reasons_[-1]
)
CONSTANT = TABLE.assign(d=5.0)
holds("a constant column that changes at predict: the answers stay")(
    lambda _: (
        np.isfinite(fitted(CONSTANT, SIGNS).predict_proba(CONSTANT.assign(d=6.0))).all()
        and fitted(CONSTANT, SIGNS).score(CONSTANT.assign(d=6.0), SIGNS) > 0.9
    )
)
holds("numbers of 1e300: learned, or refused by name")(
    lambda _: taken_or_refused(lambda: fitted(TABLE * 1e300, SIGNS).score(TABLE * 1e300, SIGNS) > 0.9, "'a'")
)


def _learned(table: pd.DataFrame) -> bool:
    return bool(fitted(table, SIGNS).score(table, SIGNS) > 0.9)


holds("numbers of 1e-300: learned")(lambda _: _learned(TABLE * 1e-300))
holds("numbers with a large offset: learned")(lambda _: _learned(TABLE + 1e9))
holds("a year beside numbers from 0 to 1: learned")(lambda _: _learned(TABLE.assign(year=range(1960, 2020))))
holds("a column without values: learned, or refused by name")(
    lambda _: taken_or_refused(lambda: _learned(TABLE.assign(d=np.nan)), "'d'")
)
INFINITE = TABLE.assign(b=TABLE["b"].where(TABLE.index != 7, np.inf))
holds.refused("infinity after a division: refused by name and row", "'b'", "7")(lambda _: fitted(INFINITE, SIGNS))
ONLY_GAPS = TABLE.head(2).assign(a=np.nan)
holds.warned("gaps that come at predict only: warned of by name and row", "'a' had no missing value", "rows 0, 1")(
    lambda _: fitted(TABLE, SIGNS).predict(ONLY_GAPS)
)
GAP_IN_A = TABLE.assign(a=TABLE["a"].where(TABLE.index != 3))
MODELS: dict[str, Any] = {
    "MultitaskModel": (lambda: MultitaskModel().fit(TABLE, {"t": SIGNS}), GAP_IN_A),
    "CORAL": (lambda: CORAL().fit(TABLE, SIGNS, target=TABLE), GAP_IN_A),
    "AnyShotRegressor on an array": (lambda: AnyShotRegressor().fit(ROWS, TABLE["a"]), GAP_IN_A.to_numpy()),
}
holds.each("a gap that comes at predict only, {}: refused by row", MODELS)(
    lambda _, model, rows: refuses(lambda: model().predict(rows), "NaN", "row 3")
)

# --- numbers in files ------------------------------------------------------------------------------------------------


def _numbers(folder: Path, content: str) -> tuple[list[float], tuple[int, str, str]]:
    """Return the numbers of the column `sum` of a CSV, and what `anyshot fit` says about it."""
    path = written(folder, "a.csv", content)
    read = read_data(path, feature_columns=["sum"], label_column="label").items
    result = command("fit", path, "--feature-columns", "sum", "--label-column", "label", "--out", folder / "m")
    return list(map(float, pd.DataFrame(read)["sum"])), result


@holds("5,111 between semicolons, beside 1.234,50 in the same column: 5.111")
def _(folder: Path) -> object:
    return _numbers(folder, "sum;label\n5,111;a\n1.234,50;b\n7,5;a\n8,5;b\n")[0] == [5.111, 1234.5, 7.5, 8.5]


@holds("5.111 between semicolons, beside 1,5 in another column: 5111")
def _(folder: Path) -> object:
    rows = "5.111;1,5;a\n3.222;2,5;b\n1.500;3,5;a\n750;4,5;b\n"
    return _numbers(folder, f"sum;price;label\n{rows}")[0] == [5111, 3222, 1500, 750]


@holds.each("{} between semicolons, alone: said with both numbers", ["5,111", "5.111"])
def _(folder: Path, number: str) -> object:
    result = _numbers(folder, f"sum;label\n{number};a\n7{number[1:]};b\n{number};a\n7{number[1:]};b\n")[1]
    return mentions(result, "'sum'", "read as 5.111", "5111")


@holds("amounts between commas as PayPal writes them in German, -10,50: numbers")
def _(folder: Path) -> object:
    rows = 'sum,label\n"-10,50",a\n"1.234,05",b\n"-9,00",a\n"7,00",b\n'
    return _numbers(folder, rows)[0] == [-10.5, 1234.05, -9, 7]


# --- columns that only name the rows ---------------------------------------------------------------------------------

ALL = "--feature-columns all --label-column label"
IDS = {
    "customer_id from 1 on": {"customer_id": range(1, 61)},
    "invoice_no with gaps": {"invoice_no": [7919 * n % 10007 for n in range(60)]},
    "a row number without a usual name": {"line": [(7 * n) % 60 for n in range(60)]},
    "codes such as C-0001": {"code": [f"C-{n:04}" for n in range(60)]},
}


@holds.each("{} among the features: named, with --except", IDS)
def _(folder: Path, column: Any) -> object:
    TABLE.assign(**column, label=SIGNS).to_csv(folder / "a.csv", index=False)
    how = ("--feature-columns", "all", "--label-column", "label", "--out", "m")
    result = in_shell(folder, f"anyshot fit a.csv {' '.join(how)}")
    left_out = in_shell(folder, f"anyshot fit a.csv {' '.join(how)} --except {next(iter(column))}")
    return mentions(result, "Warning", next(iter(column)), "--except") and not mentions(left_out, "Warning")


@holds.each("{} in a column of numbers: counts as missing", ["n.a.", "k. A.", "unknown", "\u2212"])
def _(folder: Path, mark: str) -> object:
    table = TABLE.astype(object)
    table.loc[3, "b"] = mark
    table.assign(label=SIGNS).to_csv(folder / "a.csv", index=False)
    result = command(
        "fit", folder / "a.csv", "--feature-columns", "a,b,c", "--label-column", "label", "--out", folder / "m"
    )
    return facts_of_fit(result).get("labels") == 60


@holds("the minus sign of Unicode in a column of few numbers: read as numbers")
def _(folder: Path) -> object:
    signs = "", "\u2212"
    rows = "".join(f"{signs[n % 2]}{n % 5},5;{'ab'[n % 2]}\n" for n in range(20))
    return min(_numbers(folder, f"sum;label\n{rows}")[0]) == -4.5


@holds.each(
    "numbers in digits of {}: read as numbers", {"Arabic": ("\u0660", "\u066b"), "Japanese": ("\uff10", "\uff0e")}
)
def _(folder: Path, zero: str, point: str) -> object:
    digits = {ord("."): point} | {ord("0") + digit: chr(ord(zero) + digit) for digit in range(10)}
    rows = "".join(f"{f'{n}.5'.translate(digits)},{'ab'[n % 2]}\n" for n in range(20))
    return _numbers(folder, f"sum,label\n{rows}")[0][:2] == [0.5, 1.5]


@holds("-999 for a missing number: said, with what to do")
def _(folder: Path) -> object:
    TABLE.assign(b=TABLE["b"].where(TABLE.index % 10 > 0, -99999), label=SIGNS).to_csv(folder / "a.csv", index=False)
    return mentions(
        in_shell(folder, f"anyshot fit a.csv {ALL} --out m"), "'b' has -99999 in 6 rows", "empty these cells"
    )


@holds("a feature in the first row of each block only: said")
def _(folder: Path) -> object:
    region = TABLE.index.map({0: "north", 30: "south"})
    TABLE.assign(region=region, label=SIGNS).to_csv(folder / "a.csv", index=False)
    return mentions(in_shell(folder, f"anyshot fit a.csv {ALL} --out m"), "'region' stands once", "into each of them")
