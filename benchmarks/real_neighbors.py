"""Situations of `real_inputs.py`: inputs that an audit tried, neighbors of those that were known to fail."""

import enum
import io
import json
import pickle
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from PIL import Image
from situations import INDEX, NAMES, SIGNS, TABLE, TEXTS, Holds, Situation, command, fails, fitted, written
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier

from anyshot import AnyShotClassifier, AnyShotRegressor, MultitaskModel, load, load_encoder, report
from anyshot.base.model_folder import read_model, write_model
from anyshot.base.pixels import read_pixels
from anyshot.data import read_data
from anyshot.domain_adaptation import CORAL
from anyshot.errors import AnyshotError

RANDOM = np.random.default_rng(1)
DAYS = pd.date_range("2020-01-01", periods=101)
HOSTILE = "\x1b]0;owned\x07\x9b2J\u202e"


Kind = enum.Enum("Kind", {"REFUND": "refund", "DELIVERY": "delivery"}, type=str)


def add(holds: Holds) -> None:
    """Add the situations of this file."""
    by_command = (*_files_of_the_command(), *_images(), *_doors())
    for what, situation in [*_labels(), *_tables(), *_columns(), *_files(), *_items(), *by_command]:
        holds("audit", what)(situation)


# --- labels ----------------------------------------------------------------------------------------------------------


def _labels() -> Iterator[tuple[str, Situation]]:
    yield (
        "labels of an Enum of texts",
        lambda _: fitted(TEXTS, [Kind(name) for name in NAMES]).predict(TEXTS[:1]).tolist() == ["refund"],
    )
    categories = pd.Series(pd.Categorical([*NAMES[:-1], None], categories=["other", "refund", "delivery"]))
    yield (
        "a categorical with a missing value and an unused category",
        lambda _: fitted(TEXTS, categories).classes_.tolist() == ["delivery", "refund"],
    )
    masked = np.ma.MaskedArray([*INDEX[:-1], 99], mask=[False] * 11 + [True])
    yield "masked labels are none", lambda _: fitted(TEXTS, masked).classes_.tolist() == [0, 1]
    yield "masked labels in evaluate", lambda _: fitted(TEXTS, INDEX).evaluate(TEXTS, masked).n == 11
    large = [2**63 + 1, 2**63 + 3, -1]
    yield (
        "integers beyond 64 bits beside negative ones",
        lambda _: fitted(TEXTS[1:4], large).classes_.tolist() == sorted(large),
    )
    yield (
        "an Arrow dictionary column with a gap",
        lambda _: (
            fitted(TEXTS, pa.array([*NAMES[:-1], None]).dictionary_encode()).classes_.tolist() == ["delivery", "refund"]
        ),
    )
    yield (
        "a polars Enum",
        lambda _: (
            fitted(pl.Series(TEXTS), pl.Series(NAMES, dtype=pl.Enum(["refund", "delivery"]))).score(TEXTS, NAMES) == 1
        ),
    )
    shuffled = pd.Series(TEXTS, index=range(11, -1, -1))
    yield (
        "indexes of another order pair by position",
        lambda _: fitted(shuffled, pd.Series(NAMES)).score(TEXTS, NAMES) == 1,
    )


# --- tables ----------------------------------------------------------------------------------------------------------


def _tables() -> Iterator[tuple[str, Situation]]:
    hole = np.ma.MaskedArray(TABLE.to_numpy(), mask=np.arange(180).reshape(60, 3) == 4)
    for name, fit in {
        "AnyShotClassifier": lambda X: AnyShotClassifier(cache=False).fit(X, SIGNS),
        "AnyShotRegressor": lambda X: AnyShotRegressor().fit(X, TABLE["a"]),
        "MultitaskModel": lambda X: MultitaskModel().fit(X, {"t": SIGNS}),
        "CORAL": lambda X: CORAL().fit(X, SIGNS, target=TABLE.to_numpy()),
    }.items():
        yield f"a masked number, {name}", lambda _, fit=fit: fails(lambda: fit(hole))
    sparse = TABLE.astype(pd.SparseDtype("float64", 0.0))
    yield "sparse columns of pandas", lambda _: fitted(sparse, SIGNS).score(sparse, SIGNS) > 0.9
    records = TABLE.to_records(index=False)
    yield "a record array is refused", lambda _: fails(lambda: fitted(records, SIGNS))
    yield "one row of a table is refused", lambda _: fails(lambda: fitted(TABLE, SIGNS).predict(TABLE.iloc[0]))
    yield (
        "one row of a table, regression",
        lambda _: fails(lambda: AnyShotRegressor().fit(TABLE, TABLE["a"]).predict(TABLE.iloc[0])),
    )
    yield (
        "a further column at predict",
        lambda _: fails(lambda: fitted(TABLE, SIGNS).predict(TABLE.assign(extra=1.0)), "extra"),
    )
    yield (
        "a polars table in another order",
        lambda _: fails(
            lambda: (
                AnyShotRegressor()
                .fit(pl.from_pandas(TABLE), TABLE["a"])
                .predict(pl.from_pandas(TABLE[["c", "b", "a"]]))
            )
        ),
    )
    yield "complex numbers", lambda _: fails(lambda: fitted(TABLE.to_numpy() + 1j, SIGNS))
    swapped = TABLE.to_numpy().astype(">f8")
    swapped.flags.writeable = False
    yield "numbers of the other byte order", lambda _: fitted(swapped, SIGNS).score(TABLE.to_numpy(), SIGNS) > 0.9


def _columns() -> Iterator[tuple[str, Situation]]:
    for name, values in {
        "times of day": [f"{day // 6:02}:{day % 6 * 10:02}:00" for day in range(101)],
        "dates with slashes, year first": DAYS.strftime("%Y/%m/%d"),
        "dates with names of months": DAYS.strftime("%d-%b-%Y"),
        "percentages": [f"{day}%" for day in range(101)],
        "thousands with commas": [f"{day * 1000:,}" for day in range(101)],
        "dates of polars": pl.Series(DAYS.date),
        "Decimals of Arrow": pa.array([Decimal(day) for day in range(101)]),
    }.items():
        yield f"a column of {name}", lambda _, values=values: _goes_on(values)


def _goes_on(values: Any) -> bool:
    """Return whether a regression on the first 60 of 101 even steps goes on, or is refused with the column's name."""
    table = pd.DataFrame({"day": values}) if isinstance(values, (list, pd.Index)) else _table_of(values)
    try:
        model = AnyShotRegressor().fit(table[:60], np.arange(60.0))
    except AnyshotError as error:
        return "'day'" in str(error)
    return abs(float(model.predict(table[100:])[0]) - 100) < 1


def _table_of(column: Any) -> Any:
    return pl.DataFrame({"day": column}) if isinstance(column, pl.Series) else pa.table({"day": column})


# --- files -----------------------------------------------------------------------------------------------------------


def _files() -> Iterator[tuple[str, Situation]]:
    yield (
        "a TSV in UTF-16 with quotes",
        lambda f: (
            [*read_data(written(f, "a.tsv", 'text\tlabel\n5" pipe\tx\nb\ty\n'.encode("utf-16"))).items]
            == ['5" pipe', "b"]
        ),
    )
    yield (
        "a quote that never closes",
        lambda f: fails(lambda: read_data(written(f, "a.csv", 'text,label\na,x\n"b,y\nc,x\n')), "line 3"),
    )
    yield (
        "line ends of old Macs",
        lambda f: read_data(written(f, "a.csv", "text,label\ra,x\rb,y\r")).labels == ["x", "y"],
    )
    yield (
        "fields between pipes",
        lambda f: read_data(written(f, "a.csv", "text|label\na, b|x\nc|y\n")).labels == ["x", "y"],
    )
    yield "a .csv that is an Excel file", _excel_as_csv
    yield (
        "an .xlsx that is a CSV",
        lambda f: fails(lambda: read_data(written(f, "a.xlsx", "text,label\na,x\n")), "Excel"),
    )
    yield "an error of Excel is no label", _excel_error
    yield (
        "NaN in JSON lines is no label",
        lambda f: (
            read_data(written(f, "a.jsonl", '{"text": "a", "label": NaN}\n{"text": "b", "label": "y"}\n')).labels
            == [None, "y"]
        ),
    )
    for encoding, text in {
        "cp1253": "πού είναι η παραγγελία μου",
        "cp1255": "איפה ההזמנה שלי בבקשה",
        "euc_kr": "내 소포는 언제 도착하나요",
        "cp874": "พัสดุของฉันอยู่ที่ไหน",
    }.items():
        yield f"{encoding} is read or refused", lambda f, encoding=encoding, text=text: _decoded(f, text, encoding)
    yield (
        "an invisible label is none",
        lambda f: read_data(written(f, "a.csv", "text,label\na,\u200b\nb,y\n")).labels == [None, "y"],
    )


def _files_of_the_command() -> Iterator[tuple[str, Situation]]:
    yield "standard input with a mark and CRLF", lambda _: _from_stdin("\ufeffrefund\r\nmy parcel is late")
    yield (
        "--out that is the input",
        lambda f: (
            command(
                "predict", written(f, "a.csv", "text\nrefund\n"), "--classes", "refund,delivery", "--out", f / "a.csv"
            )[0]
            == 1
        ),
    )
    yield (
        "a file whose name begins with a hyphen",
        lambda f: (
            command("predict", "--classes", "refund,delivery", "--", written(f, "-a.csv", "text\nrefund\n"))[0] == 0
        ),
    )
    yield "a label that differs in accents, learn", lambda f: _learns(f)


def _excel_as_csv(folder: Path) -> bool:
    pd.DataFrame({"text": ["a"], "label": ["x"]}).to_excel(folder / "a.xlsx", index=False)
    (folder / "a.xlsx").rename(folder / "a.csv")
    return fails(lambda: read_data(folder / "a.csv"), "Excel")


def _excel_error(folder: Path) -> bool:
    import openpyxl

    book = openpyxl.Workbook()
    for row in (["text", "label"], ["a", "#N/A"], ["b", "y"]):
        book.active.append(row)
    book.active["B2"].data_type = "e"
    book.save(folder / "a.xlsx")
    return read_data(folder / "a.xlsx").labels == [None, "y"]


def _decoded(folder: Path, text: str, encoding: str) -> bool:
    path = written(folder, "a.txt", f"{text}\n".encode(encoding))
    try:
        return [str(item) for item in read_data(path).items] == [text]
    except AnyshotError as error:
        return "--encoding" in str(error)


def _from_stdin(content: str) -> bool:
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(content.encode()), encoding="utf-8")
    try:
        code, out, _ = command("predict", "-", "--classes", "refund,delivery")
    finally:
        sys.stdin = before
    return code == 0 and [json.loads(line)["item"] for line in out.splitlines()] == ["refund", "my parcel is late"]


def _learns(folder: Path) -> bool:
    names = ["caf\u00e9" if name == "refund" else "bar" for name in NAMES]
    fitted(TEXTS, names).save(folder / "m")
    code = command("learn", folder / "m", "espresso", "--label", "cafe\u0301")[0]
    return code == 0 and load(folder / "m").classes_.tolist() == ["bar", "caf\u00e9"]


# --- images ----------------------------------------------------------------------------------------------------------


def _images() -> Iterator[tuple[str, Situation]]:
    yield "12 bits in a big-endian TIFF", _big_endian
    yield "gray with transparency", lambda f: _pixel(f, Image.new("LA", (9, 9), (0, 0)), "a.png") == [255, 255, 255]
    yield "one bit in a TIFF", lambda f: _pixel(f, Image.new("1", (9, 9), 1), "a.tif") == [255, 255, 255]
    yield "a PNG that is called .JPG", _png_as_jpg
    yield "a broken link in a folder of images", lambda f: _broken_link(f)


def _big_endian(folder: Path) -> bool:
    values = np.linspace(0, 2**12 - 1, 240).astype(np.uint16).reshape(12, 20)
    image = Image.frombytes("I;16B", (20, 12), values.astype(">u2").tobytes())
    image.save(folder / "a.tif")
    return len(np.unique(read_pixels(folder / "a.tif"))) > 230


def _pixel(folder: Path, image: Image.Image, name: str) -> list[int]:
    image.save(folder / name)
    return list(read_pixels(folder / name)[0, 0])


def _png_as_jpg(folder: Path) -> bool:
    Image.new("RGB", (64, 64), "red").save(folder / "a.png")
    (folder / "a.png").rename(folder / "a.JPG")
    return load_encoder("efficientnet-lite0").encode([str(folder / "a.JPG")]).shape == (1, 1280)


def _broken_link(folder: Path) -> bool:
    for name in ("cat", "dog"):
        (folder / "set" / name).mkdir(parents=True)
        Image.new("RGB", (64, 64), "red").save(folder / "set" / name / "1.png")
    (folder / "set" / "cat" / "2.png").symlink_to(folder / "nowhere.png")
    code, _, err = command("fit", folder / "set", "--out", folder / "m")
    return code == 0 and "2.png" in err and "Skipped" in err


# --- one item, names -------------------------------------------------------------------------------------------------


def _items() -> Iterator[tuple[str, Situation]]:
    clf = AnyShotClassifier(["refund", "delivery"], cache=False).fit()
    for verb in ("predict", "predict_proba", "explain", "suggest", "closeness", "predict_set"):
        yield (
            f"{verb} of one text",
            lambda _, verb=verb: fails(lambda: getattr(clf, verb)(np.str_("refund")), "[item]"),
        )
    yield (
        "class_prior that differs in accents",
        lambda _: (
            AnyShotClassifier(["caf\u00e9", "bar"], class_prior={"cafe\u0301": 0.9, "bar": 0.1}, cache=False)
            .fit(["espresso", "beer", "coffee"], ["caf\u00e9", "bar", "caf\u00e9"])
            .predict(["coffee"])
            .tolist()
            == ["caf\u00e9"]
        ),
    )
    yield (
        "remove_class with a no-break space",
        lambda _: (
            fitted(TEXTS, NAMES).add_class("pay back").remove_class("pay\u00a0back").classes_.tolist()
            == ["delivery", "refund"]
        ),
    )
    unsorted = AnyShotClassifier(["yes", "no"], cache=False)
    yield (
        "CalibratedClassifierCV",
        lambda _: CalibratedClassifierCV(unsorted, cv=3).fit(TABLE, SIGNS).score(TABLE, SIGNS) > 0.9,
    )
    yield (
        "VotingClassifier with names",
        lambda _: (
            VotingClassifier([("a", unsorted), ("b", AnyShotClassifier(cache=False))], voting="soft")
            .fit(TABLE, SIGNS)
            .score(TABLE, SIGNS)
            > 0.9
        ),
    )


# --- doors -----------------------------------------------------------------------------------------------------------


def _doors() -> Iterator[tuple[str, Situation]]:
    yield "a forked pool after images were encoded", _forked
    yield (
        "a pickled model answers the same",
        lambda _: pickle.loads(pickle.dumps(fitted(TEXTS, NAMES))).predict(TEXTS).tolist() == NAMES,
    )
    yield "two threads add classes", _two_threads
    yield (
        "escapes in the name of a column",
        lambda f: (
            "\x1b"
            not in "".join(
                map(str, command("fit", written(f, "a.csv", f"text,{HOSTILE}\na,x\nb,y\n"), "--out", f / "m"))
            )
        ),
    )
    yield "escapes in the name of a skipped file", lambda f: _escaped_file(f)
    yield "markup in a class name, report", lambda f: _markup(f)
    for name in ("hf:../outside", "hf:\\\\server\\share", "hf:file:///etc"):
        yield f"load with encoder {name}", lambda f, name=name: _refused_encoder(f, name)
    yield "a formula as the name of a column", lambda f: _formula_column(f)


def _encoded(path: str) -> tuple[int, ...]:
    return tuple(load_encoder("efficientnet-lite0").encode([path]).shape)


def _forked(folder: Path) -> bool:
    Image.new("RGB", (64, 64), "red").save(folder / "a.png")
    _encoded(str(folder / "a.png"))
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        return pool.submit(_encoded, str(folder / "a.png")).result(timeout=60) == (1, 1280)


def _two_threads(_: Path) -> bool:
    clf = fitted(np.eye(4, dtype=np.float32), ["a", "b", "c", "d"], encoder="vectors")
    names = [f"new {number}" for number in range(8)]
    threads = [
        threading.Thread(target=clf.add_class, args=(name,), kwargs={"examples": [RANDOM.normal(size=4)]})
        for name in names
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return clf.classes_.tolist() == sorted(["a", "b", "c", "d", *names])


def _escaped_file(folder: Path) -> bool:
    for name in ("cat", "dog"):
        (folder / "set" / name).mkdir(parents=True)
        Image.new("RGB", (64, 64), "red").save(folder / "set" / name / "1.png")
    (folder / "set" / "cat" / "\x1b]0;owned\x07.png").write_bytes(b"no image")
    code, out, err = command("fit", folder / "set", "--out", folder / "m")
    return code == 0 and "Skipped" in err and "\x1b" not in out + err


def _markup(folder: Path) -> bool:
    names = ["<script>alert(1)</script>" if name == "refund" else name for name in NAMES]
    report(fitted(TEXTS, names), TEXTS, names).save(folder / "r.html")
    return "<script>alert(1)" not in (folder / "r.html").read_text()


def _refused_encoder(folder: Path, name: str) -> bool:
    fitted(TEXTS, NAMES).save(folder / "m")
    saved = read_model(folder / "m")
    encoder: Any = saved.facts["encoder"]
    parameters: Any = saved.facts["parameters"]
    changed = {"encoder": {**encoder, "name": name}, "parameters": {**parameters, "encoder": name}}
    write_model(folder / "m", facts={**saved.facts, **changed}, arrays=saved.arrays, card="")
    return fails(lambda: load(folder / "m").predict(TEXTS[:1]))


def _formula_column(folder: Path) -> bool:
    data = written(folder, "a.csv", "text,=1+1\nrefund,2\n")
    command("predict", data, "--classes", "refund,delivery", "--out", folder / "o.csv")
    return all(not line.startswith("=") for cell in pd.read_csv(folder / "o.csv").columns for line in [cell])
