"""Inputs as people have them: each is answered rightly, or refused with the reason.

    python benchmarks/real_inputs.py

Each situation runs through the public surface, in Python or on the command line, and holds if the value is the right
one, or the error is one of anyshot's and names the row, the column or the way out. Expected: all hold.
"""

import gzip
import json
import sys
import tempfile
import warnings
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import real_answers
import real_api
import real_arguments
import real_calls
import real_commands
import real_doors
import real_estimators
import real_exports
import real_first_week
import real_methods
import real_neighbors
import real_python
import real_reports
import real_requests
import real_week
import torch
from PIL import Image
from scipy.sparse import csr_array
from situations import INDEX, NAMES, TEXTS, Situation, command, written
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_wine
from sklearn.ensemble import BaggingClassifier, StackingClassifier
from sklearn.model_selection import cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline

from anyshot import AnyShotClassifier, AnyShotRegressor, MultitaskModel, few_per_class, load, load_encoder
from anyshot.base.pixels import read_pixels
from anyshot.data import read_classes, read_data
from anyshot.domain_adaptation import CORAL
from anyshot.errors import AnyshotError
from anyshot.zero_shot import ESZSL

RANDOM = np.random.default_rng(0)
TABLE = pd.DataFrame(RANDOM.normal(size=(60, 3)) * [1, 300, 0.01], columns=["a", "b", "c"])
SIGNS = np.where(TABLE["a"] > 0, "yes", "no")
DAYS = pd.date_range("2020-01-01", periods=101)

SITUATIONS: dict[str, list[tuple[str, Situation]]] = {}


def holds(item: str, what: str) -> Callable[[Situation], Situation]:
    """Add a situation, which returns whether the value is the right one."""

    def add(situation: Situation) -> Situation:
        SITUATIONS.setdefault(item, []).append((what, situation))
        return situation

    return add


def refused(item: str, what: str, *words: str) -> Callable[[Situation], Situation]:
    """Add a situation that must end in an error of anyshot, or of scikit-learn's checks, with these words."""

    def add(situation: Situation) -> Situation:
        def tried(folder: Path) -> bool:
            try:
                situation(folder)
            except (AnyshotError, ValueError) as error:
                return all(word in str(error) for word in words)
            return False

        return holds(item, what)(tried)

    return add


def photo(folder: Path, name: str, color: str = "red") -> Path:
    """Write an image and return its path."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 64), color).save(path)
    return path


def fitted(X: Any = TABLE, y: Any = SIGNS, **parameters: Any) -> AnyShotClassifier:
    """Return a classifier of a table."""
    return AnyShotClassifier(cache=False, **parameters).fit(X, y)


# --- 1. labels of any library ----------------------------------------------------------------------------------------

for _name, _labels in {
    "a tensor": torch.tensor(INDEX),
    "tensors in a list": list(torch.tensor(INDEX)),
    "a polars column": pl.Series(INDEX),
    "a pyarrow array": pa.array(INDEX),
    "a chunked array": pa.chunked_array([INDEX]),
    "pyarrow scalars": [pa.scalar(one) for one in INDEX],
    "a nullable column": pd.array(INDEX, "Int64"),
}.items():
    holds("1", f"labels are {_name}")(lambda _, y=_labels: fitted(TEXTS, y).classes_.tolist() == [0, 1])
    holds("1", f"evaluate: {_name}")(lambda _, y=_labels: fitted(TEXTS, INDEX).evaluate(TEXTS, y).n == 12)
    holds("1", f"few_per_class: {_name}")(lambda _, y=_labels: len(few_per_class(y, 1)) == 2)
    holds("1", f"multitask: {_name}")(
        lambda _, y=_labels: MultitaskModel().fit(TABLE[:12], {"t": y}).predict(TABLE[:12])["t"].dtype.kind == "i"
    )
holds("1", "source=")(
    lambda _: fitted(TEXTS, NAMES, classes=["refund", "delivery"]).fit(source=(TEXTS, NAMES)).score(TEXTS, NAMES) == 1
)
holds("1", "calibration=")(
    lambda _: len(fitted(TEXTS, INDEX).predict_set(TEXTS[:2], calibration=(TEXTS, torch.tensor(INDEX)))) == 2
)

# --- 2. columns in another order -------------------------------------------------------------------------------------

OTHER = TABLE[["c", "b", "a"]]
refused("2", "AnyShotClassifier", "another order")(lambda _: fitted().predict(OTHER))
refused("2", "AnyShotClassifier.evaluate", "another order")(lambda _: fitted().evaluate(OTHER, SIGNS))
refused("2", "AnyShotClassifier.partial_fit", "another order")(lambda _: fitted().partial_fit(OTHER, SIGNS))
refused("2", "unlabeled=", "another order")(lambda _: AnyShotClassifier().fit(TABLE, SIGNS, unlabeled=OTHER))
refused("2", "AnyShotRegressor", "same order")(lambda _: AnyShotRegressor().fit(TABLE, TABLE["a"]).predict(OTHER))
refused("2", "MultitaskModel", "same order")(lambda _: MultitaskModel().fit(TABLE, {"s": SIGNS}).predict(OTHER))
refused("2", "CORAL", "same order")(lambda _: CORAL().fit(TABLE, SIGNS, target=TABLE).predict(OTHER))


@refused("2", "a loaded model", "another order")
def _(folder: Path) -> None:
    fitted().save(folder / "model")
    load(folder / "model").predict(OTHER)


@refused("2", "a zero-shot estimator", "same order")
def _(_: Path) -> None:
    index, vectors = (SIGNS == "yes").astype(int), np.eye(3)
    ESZSL().fit(TABLE, index, class_vectors=vectors).predict(OTHER)


# --- 3. classes given unsorted ---------------------------------------------------------------------------------------

UNSORTED = AnyShotClassifier(["yes", "no"], cache=False)
for _scorer in ("roc_auc", "neg_log_loss"):
    holds("3", _scorer)(lambda _, s=_scorer: cross_val_score(UNSORTED, TABLE, SIGNS, scoring=s, cv=3).min() > -0.5)
holds("3", "add_class")(lambda _: fitted().add_class("maybe", examples=TABLE[:2]).classes_.tolist() == sorted(
    ["maybe", "no", "yes"]
))  # fmt: skip
holds("3", "cross_val_predict with names")(
    lambda _: cross_val_predict(UNSORTED, TABLE, SIGNS, method="predict_proba", cv=3).shape == (60, 2)
)
holds("3", "StackingClassifier with names")(
    lambda _: StackingClassifier([("a", UNSORTED)], cv=3).fit(TABLE, SIGNS).score(TABLE, SIGNS) > 0.9
)

# --- 5, 25. quotes ---------------------------------------------------------------------------------------------------


def texts_of(folder: Path, name: str, content: str | bytes) -> list[str]:
    """Return the texts that are read from a file."""
    return [str(item) for item in read_data(written(folder, name, content)).items]


holds("5", "a TSV with open quotes")(
    lambda f: texts_of(f, "a.tsv", 'text\tlabel\n"open\tx\nb\ty\n5" pipe\tx\nclosed"\ty\n') == [
        '"open', "b", '5" pipe', 'closed"',
    ]
)  # fmt: skip
holds("5", 'a TSV with "Wow" he said')(
    lambda f: texts_of(f, "a.tsv", 'text\tlabel\n"Wow" he said\tx\n') == ['"Wow" he said']
)
refused("5", 'a CSV with "Wow" he said', "line 3", "closing quote")(
    lambda f: texts_of(f, "a.csv", 'text,label\nfine,x\n"Wow" he said,y\n')
)
holds("5", "a space before the quote")(
    lambda f: read_data(written(f, "a.csv", 'text, label\n"one, two", "a"\nthree, "b"\n')).labels == ["a", "b"]
)
holds("25", "quotes escaped by backslashes")(
    lambda f: texts_of(f, "a.csv", 'text,label\n"she said \\"hi\\"",x\n') == ['she said "hi"']
)
holds("25", "a text that ends in a backslash")(
    lambda f: texts_of(f, "a.csv", 'text,label\n"ends in \\",x\nC:\\new\\,y\n') == ["ends in \\", "C:\\new\\"]
)

# --- 6, 7. images ----------------------------------------------------------------------------------------------------

for _suffix in ("jfif", "jpe", "avif", "jp2", "tif"):
    holds("6", f".{_suffix} in a folder")(lambda f, s=_suffix: photo(f, f"cat/1.{s}") and len(read_data(f).items) == 1)
    holds("22", f"the path of a .{_suffix}")(
        lambda f, s=_suffix: load_encoder("efficientnet-lite0").encode([str(photo(f, f"1.{s}"))]).shape == (1, 1280)
    )


@holds("6", "a linked subfolder")
def _(folder: Path) -> bool:
    photo(folder, "elsewhere/1.png")
    (folder / "set").mkdir()
    (folder / "set" / "cat").symlink_to(folder / "elsewhere")
    return read_data(folder / "set").labels == ["cat"]


holds("6", "other files are listed")(
    lambda f: photo(f, "cat/1.png") and written(f, "cat/2.heic", "x") and len(read_data(f).skipped) == 1
)
for _bits, _kind, _suffix in (
    (12, np.uint16, "png"),
    (12, np.uint16, "tif"),
    (20, np.int32, "tif"),
    (9, np.int32, "tif"),
):

    @holds("7", f"{_bits} bits as .{_suffix}")
    def _(folder: Path, bits: int = _bits, kind: Any = _kind, suffix: str = _suffix) -> bool:
        values = np.linspace(0, 2**bits - 1, 240).astype(kind).reshape(12, 20)
        Image.fromarray(values).save(folder / f"a.{suffix}")
        return len(np.unique(read_pixels(folder / f"a.{suffix}"))) > 230


# --- 8. integers beside gaps -----------------------------------------------------------------------------------------

for _kind in ("Int64", "int64[pyarrow]"):
    holds("8", f"large labels of type {_kind}")(
        lambda _, kind=_kind: (
            fitted(TEXTS[:3], pd.Series([2**53, None, 2**53 + 1], dtype=kind)).classes_.tolist() == [2**53, 2**53 + 1]
        )
    )
    holds("8", f"multitask, {_kind}")(
        lambda _, kind=_kind: MultitaskModel()
        .fit(TABLE[:4], {"t": pd.Series([0, None, 1, 0], dtype=kind)}).tasks_[0].classes.tolist() == [0, 1]
    )  # fmt: skip
refused("8", "labels that floats have merged", "dtype")(lambda _: fitted(TEXTS[:2], pd.Series([2**53 + 1, None])))

# --- 9. tables and columns of any library ----------------------------------------------------------------------------

MAKERS = {
    "polars": pl.from_pandas,
    "pyarrow": pa.Table.from_pandas,
    "nullable": lambda table: table.convert_dtypes(),
    "Arrow-backed": lambda table: table.convert_dtypes(dtype_backend="pyarrow"),
}
for _name, _make in MAKERS.items():
    holds("9", f"a table, {_name}")(lambda _, make=_make: fitted(make(TABLE)).score(make(TABLE), SIGNS) > 0.9)
    holds("9", f"a regression, {_name}")(
        lambda _, make=_make: AnyShotRegressor().fit(make(TABLE), TABLE["a"]).score(make(TABLE), TABLE["a"]) > 0.9
    )
for _name, _column in {
    "polars": pl.Series(TEXTS),
    "pyarrow": pa.array(TEXTS),
    "chunked": pa.chunked_array([TEXTS]),
    "scalars": [pa.scalar(text) for text in TEXTS],
    "a table of one column": pd.DataFrame({"text": TEXTS}),
    "an array (n, 1)": np.array(TEXTS)[:, None],
}.items():
    holds("9", f"texts, {_name}")(lambda _, X=_column: fitted(X, NAMES).score(X, NAMES) == 1)
    holds("9", f"encode, {_name}")(lambda _, X=_column: load_encoder("minilm").encode(X).shape == (12, 384))

# --- 10. what columns hold -------------------------------------------------------------------------------------------

for _name, _values in {
    "numbers as objects": np.array(range(101), dtype=object),
    "Decimals": [Decimal(day) for day in range(101)],
    "numbers as text": [str(day) for day in range(101)],
    "dates": DAYS,
    "dates as objects": list(DAYS.date),
    "dates as text": DAYS.strftime("%Y-%m-%d"),
    "dates with the day first": DAYS.strftime("%d.%m.%Y"),
    "periods": DAYS.to_period("D"),
    "timedeltas": pd.to_timedelta(range(101), "D"),
}.items():

    @holds("10", _name)
    def _(_: Path, values: Any = _values) -> bool:
        table = pd.DataFrame({"day": values})
        model = AnyShotRegressor().fit(table[:60], np.arange(60.0))
        return abs(model.predict(table[100:])[0] - 100) < 1


refused("10", "NaT in the targets", "row 0")(
    lambda _: AnyShotRegressor().fit(TABLE[:2], pd.to_datetime(pd.Series(["2020-01-01", None])))
)
refused("10", "dates as targets of a task", "row 0")(
    lambda _: MultitaskModel(tasks={"d": "regression"}).fit(TABLE[:2], {"d": DAYS[:2]})
)
refused("10", "a decimal comma in the targets", "'1,5'", "decimal comma")(
    lambda _: AnyShotRegressor().fit(TABLE[:2], ["1,5", "2,5"])
)
refused("10", "a decimal comma in a column", "'a'", "decimal")(
    lambda _: AnyShotRegressor().fit(pd.DataFrame({"a": ["1,5", "2,5"]}), [1, 2])
)

# --- 15, 16. what was taken ------------------------------------------------------------------------------------------

GRADES = np.clip((TABLE["a"] * 4 + 10).round(), 0, 20).astype(int)
holds("15", "grades")(lambda _: MultitaskModel().fit(TABLE, {"grade": GRADES}).tasks_[0].kind == "regression")
holds("15", "it is said")(lambda _: "regression" in MultitaskModel().fit(TABLE, {"grade": GRADES}).reasons_[0])
refused("15", "stars, which may be either", "'stars'", "regression")(
    lambda _: MultitaskModel().fit(TABLE, {"stars": 1 + np.arange(60) % 5})
)
WINE, KINDS = load_wine(return_X_y=True)
holds("16", "wine")(lambda _: cross_val_score(AnyShotClassifier(cache=False), WINE, KINDS).mean() > 0.95)
holds("16", "wine as a table")(
    lambda _: cross_val_score(AnyShotClassifier(cache=False), pd.DataFrame(WINE).add_prefix("x"), KINDS).mean() > 0.95
)
holds("16", "it is said")(lambda _: "standardized" in fitted(WINE, KINDS).reasons_[-1])
holds("16", "encoder='vectors' overrides")(
    lambda _: "standardized" not in fitted(WINE, KINDS, encoder="vectors").reasons_[-1]
)

# --- 22. one item ----------------------------------------------------------------------------------------------------

refused("22", "encode one text", "[item]")(lambda _: load_encoder("minilm").encode("refund"))
refused("22", "encode a table of two columns", "'text'")(
    lambda _: load_encoder("minilm").encode(pd.DataFrame({"id": [1], "text": ["refund"]}))
)
refused("22", "encode one image", "[image]")(
    lambda _: load_encoder("efficientnet-lite0").encode(np.zeros((64, 64, 3), np.uint8))
)
refused("22", "encode one path", "[item]")(lambda f: load_encoder("efficientnet-lite0").encode(photo(f, "a.png")))
refused("22", "the path of a file of texts", "read_data")(
    lambda f: AnyShotClassifier(["refund", "delivery"]).fit().predict([str(written(f, "notes.txt", "x"))])
)
refused("22", "a set", "order")(lambda _: AnyShotClassifier().fit(set(TEXTS), NAMES))

# --- 23. columns of vectors, booleans, repeated names ----------------------------------------------------------------

VECTORS = RANDOM.normal(size=(60, 8))
holds("23", "a column of vectors")(
    lambda _: (
        fitted(pd.DataFrame({"v": list(VECTORS)}), SIGNS).predict(pd.DataFrame({"v": list(VECTORS)})).shape == (60,)
    )
)


@holds("23", "a column of vectors from Parquet")
def _(folder: Path) -> bool:
    pd.DataFrame({"v": list(VECTORS)}).to_parquet(folder / "v.parquet")
    return fitted(pd.read_parquet(folder / "v.parquet"), SIGNS).score(pd.DataFrame({"v": list(VECTORS)}), SIGNS) > 0.4


refused("23", "a column of vectors beside others", "'v'")(
    lambda _: fitted(pd.DataFrame({"v": list(VECTORS), "id": range(60)}))
)
refused("23", "the same in a regression", "'v'", "numpy.stack")(
    lambda _: AnyShotRegressor().fit(pd.DataFrame({"v": list(VECTORS), "id": range(60)}), TABLE["a"])
)
holds("23", "get_dummies")(
    lambda _: fitted(pd.get_dummies(TABLE.assign(k=["u", "v"] * 30))).score(
        pd.get_dummies(TABLE.assign(k=["u", "v"] * 30)), SIGNS
    ) > 0.9
)  # fmt: skip
refused("23", "two columns of one name", "'a'")(lambda _: fitted(pd.concat([TABLE, TABLE], axis=1)))
refused("23", "the same in a regression", "'a'")(
    lambda _: AnyShotRegressor().fit(pd.concat([TABLE, TABLE], axis=1), TABLE["a"])
)

# --- 24. names that look alike ---------------------------------------------------------------------------------------

for _written in ("caf\u00e9 ", "caf\u00e9\u00a0", "caf\u00e9\u200b", "\ufeffcaf\u00e9", "cafe\u0301"):
    holds("24", f"labels {_written!a}")(
        lambda _, name=_written: (
            fitted(["a b", "c d"], [name, "bar"], classes=["caf\u00e9", "bar"]).classes_.tolist()
            == ["bar", "caf\u00e9"]
        )
    )
    holds("24", f"classes {_written!a}")(
        lambda _, name=_written: (
            fitted(["a b", "c d"], ["caf\u00e9", "bar"], classes=[name, "bar"]).classes_.tolist()
            == ["bar", "caf\u00e9"]
        )
    )
    holds("24", f"evaluate {_written!a}")(
        lambda _, name=_written: fitted(["a b", "c d"], ["caf\u00e9", "bar"]).evaluate(["a b"], [name]).accuracy == 1
    )
    holds("24", f"a file {_written!a}")(
        lambda f, name=_written: (
            read_data(written(f, "a.csv", f"text,label\na,{name}\nb,x\n")).labels == ["caf\u00e9", "x"]
        )
    )
refused("24", "an invisible text", "row 1", "empty")(lambda _: fitted(["a b", "\u200b\ufeff"], ["x", "y"]))

# --- part 2 ----------------------------------------------------------------------------------------------------------

holds("part 2", "ColumnTransformer")(
    lambda _: make_pipeline(ColumnTransformer([("t", "passthrough", ["t"])]), AnyShotClassifier())
    .fit(pd.DataFrame({"t": TEXTS}), NAMES).predict(pd.DataFrame({"t": TEXTS[:1]})).tolist() == ["refund"]
)  # fmt: skip
holds("part 2", "BaggingClassifier")(
    lambda _: BaggingClassifier(AnyShotClassifier(), n_estimators=2).fit(pd.DataFrame({"t": TEXTS}), NAMES).score(
        pd.DataFrame({"t": TEXTS}), NAMES
    ) == 1
)  # fmt: skip
holds("part 2", "integers")(lambda _: fitted(np.arange(120).reshape(60, 2), np.arange(60) // 30).score(
    np.arange(120).reshape(60, 2), np.arange(60) // 30
) > 0.9)  # fmt: skip
holds("part 2", "sparse features")(lambda _: fitted(csr_array(VECTORS)).predict(csr_array(VECTORS)).shape == (60,))
refused("part 2", "too large sparse features", "GiB")(lambda _: fitted(csr_array((60, 10**9))))
holds("part 2", "lists of float32")(
    lambda _: fitted([list(row) for row in VECTORS.astype("f4")]).classes_.shape == (2,)
)
holds("part 2", "labels of bytes")(lambda _: fitted(TEXTS, [name.encode() for name in NAMES]).score(TEXTS, NAMES) == 1)
refused("part 2", "a missing text", "row 1", "missing")(lambda _: fitted(["a", None], ["x", "y"]))
holds("part 2", "sep=;")(lambda f: texts_of(f, "a.csv", "sep=;\ntext;label\na,b;x\n") == ["a,b"])
for _encoding, _text in {
    "gb18030": "我的包裹什么时候到",
    "shift_jis": "荷物はいつ届きますか",
    "cp1251": "где мой заказ",
}.items():
    holds("part 2", _encoding)(lambda f, e=_encoding, t=_text: texts_of(f, "a.txt", t.encode(e)) == [t])
holds("part 2", ".csv.gz")(lambda f: texts_of(f, "a.csv.gz", gzip.compress(b"text\nhello\n")) == ["hello"])
holds("part 2", "a comma in a class name")(lambda _: read_classes('"sports, games",news') == ["sports, games", "news"])
holds("part 2", "a gap only at predict")(
    lambda _: np.isfinite(AnyShotRegressor().fit(TABLE, TABLE["a"]).predict(TABLE[:1].assign(b=np.nan))).all()
)


@holds("part 2", ".xlsx")
def _(folder: Path) -> bool:
    pd.DataFrame({"text": ["a"], "label": [1]}).to_excel(folder / "a.xlsx", index=False)
    return read_data(folder / "a.xlsx").labels == [1]


@holds("part 2", "metadata.csv")
def _(folder: Path) -> bool:
    photo(folder, "a.png")
    written(folder, "metadata.csv", "file_name,label\na.png,x\n")
    return read_data(folder).labels == ["x"]


@holds("part 2", "backslashes in paths")
def _(folder: Path) -> bool:
    photo(folder, "in/a.png")
    return len(read_data(written(folder, "l.csv", "image,label\nin\\a.png,x\n")).items) == 1


@holds("part 2", "names alone, saved before an answer")
def _(folder: Path) -> bool:
    AnyShotClassifier(["refund", "delivery"]).fit().save(folder / "model")
    return load(folder / "model").predict(TEXTS[2:3]).tolist() == ["delivery"]


refused("part 2", "a sign among thousands of names", "'!!'")(
    lambda _: AnyShotClassifier([f"thing {number}" for number in range(5000)] + ["!!"], cache=False).fit()
)


@holds("part 2", "sample_weight")
def _(_: Path) -> bool:
    weight = np.array([1.0] * 12 + [0.0] * 12)
    wrong = ["delivery" if name == "refund" else "refund" for name in NAMES]
    return fitted([*TEXTS, *TEXTS], [*NAMES, *wrong]) and AnyShotClassifier(cache=False).fit(
        [*TEXTS, *TEXTS], [*NAMES, *wrong], sample_weight=weight
    ).score(TEXTS, NAMES) == 1  # fmt: skip


# --- the command line ------------------------------------------------------------------------------------------------

CLASSES = ("--classes", "refund,delivery")


def predicted(folder: Path, name: str, content: str | bytes, *options: str) -> list[str]:
    """Return the classes that `anyshot predict` prints for a file."""
    code, out, err = command("predict", written(folder, name, content), *CLASSES, *options)
    return [json.loads(line)["label"] for line in out.splitlines()] if code == 0 else [err]


holds("command line", "a TSV with quotes")(
    lambda f: predicted(f, "a.tsv", 'text\n"refund" now\nmy parcel is late\n') == ["refund", "delivery"]
)
holds("command line", "an open quote is refused by line")(
    lambda f: "line 2" in predicted(f, "a.csv", 'text\n"refund" now\n')[0]
)
holds("command line", "--encoding")(
    lambda f: predicted(f, "a.txt", "refund zw\u0142oka\n".encode("cp1250"), "--encoding", "cp1250") == ["refund"]
)
holds("command line", "a blank row")(
    lambda f: predicted(f, "a.csv", "text,id\nrefund,1\n ,2\n", "--on-error", "skip") == ["refund"]
)
holds("command line", "a class with a comma")(
    lambda _: command("predict", "refund", "--class", "refund, money", "--class", "delivery")[0] == 0
)
holds("command line", "--out is tested first")(
    lambda f: command("predict", "refund", *CLASSES, "--out", f / "nowhere" / "a.csv")[0] == 1
)


real_answers.add(holds)
real_neighbors.add(holds)
real_week.add(holds)
real_reports.add(holds)
real_estimators.add(holds)
real_doors.add(holds)
real_requests.add(holds)
real_commands.add(holds)
real_api.add(holds)
real_methods.add(holds)
real_first_week.add(holds)
real_exports.add(holds)
real_calls.add(holds)
real_python.add(holds)
real_arguments.add(holds)


def main() -> int:
    """Run all situations, and return the number of those that do not hold."""
    held = total = 0
    for item, situations in SITUATIONS.items():
        failed = []
        for what, situation in situations:
            with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    right, shown = bool(situation(Path(folder))), "another value"
                except (AnyshotError, ArithmeticError, AssertionError, AttributeError, LookupError, OSError,
                        RuntimeError, TypeError, ValueError) as error:  # fmt: skip
                    right, shown = False, f"{type(error).__name__}: {str(error)[:100]}"
            failed += [] if right else [f"    {what}: {shown}"]
        held, total = held + len(situations) - len(failed), total + len(situations)
        print(f"{item:14} {len(situations) - len(failed)} / {len(situations)}", *failed, sep="\n" if failed else "")
    print(f"{'held / total':14} {held} / {total}")
    return total - held


if __name__ == "__main__":
    sys.exit(min(main(), 1))
