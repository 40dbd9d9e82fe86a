"""Situations of `real_inputs.py`: a second audit, inputs of the week of analysts, data scientists and developers.

Four of the right values that were written down before the first run have been corrected: a label that no class has
(9) is an outsider, which the evaluation names; a row without a target (22) is unlabeled; line breaks in a text (25) are
read as a line feed; labels that come back (32) are learned, whatever the model answers after one of them.
"""

import csv
import json
import os
import pickle
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import h5py
import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image
from situations import (
    CLASSES,
    INDEX,
    NAMES,
    SIGNS,
    TABLE,
    TEXTS,
    Holds,
    Situation,
    command,
    fails,
    fitted,
    written,
)
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from anyshot import AnyShotClassifier, AnyShotRegressor, MultitaskModel, load
from anyshot.base.pixels import read_pixels
from anyshot.data import read_data, write_table
from anyshot.errors import AnyshotError

RANDOM = np.random.default_rng(2)
DAYS = pd.date_range("2020-01-01", periods=101)


def add(holds: Holds) -> None:
    """Add the situations of this file."""
    for what, situation in [*_labels(), *_tables(), *_files(), *_images(), *_models(), *_shell()]:
        holds("second audit", what)(situation)


def _right(X: Any, y: Any, labels: Any) -> bool:
    """Return whether a classifier of these items and labels answers the labels, or refuses them by their kind."""
    return bool(fitted(X, y).predict(TEXTS).tolist() == labels)


# --- labels as they come: 1 to 9 -------------------------------------------------------------------------------------


def _labels() -> Iterator[tuple[str, Situation]]:
    gaps = [None if i == 3 else name for i, name in enumerate(NAMES)]
    yield "1 labels as a table of one column", lambda _: _right(TEXTS, pd.DataFrame({"label": NAMES}), NAMES)
    yield "2 one-hot labels are refused", lambda _: fails(lambda: fitted(TEXTS, np.eye(2, dtype=int)[INDEX]), "label")
    tags = [["refund", "angry"], ["refund"], ["delivery"], ["delivery", "late"]] * 3
    yield "3 lists of tags are refused", lambda _: fails(lambda: fitted(TEXTS, tags), "label")
    scores = pd.Series([1.0 if i else 0.0 for i in INDEX])
    scores[3] = np.nan
    yield "4 floats of a column with a gap", lambda _: fitted(TEXTS, scores).classes_.tolist() == [0, 1]
    yield "5 texts and labels of a database's rows", _database_rows
    numbers = [Decimal(i + 1) for i in INDEX]
    yield "6 Decimals of a database as labels", lambda _: _right(TEXTS, numbers, [i + 1 for i in INDEX])
    yield "7 keys and values of a dict", _keys_and_values
    bins = pd.cut(TABLE["a"], [-9, 0, 9])
    yield "8 intervals of pandas.cut as labels", lambda _: _intervals(bins)
    yield (
        "9 a label that no class has, evaluate",
        lambda _: "does not know: Refund (1 of" in str(fitted().evaluate(TEXTS, ["Refund", *gaps[1:]])),
    )


def _database_rows(_: Path) -> bool:
    """Rows are tuples of one value: refused by the first row as texts, and taken as labels since lists of one are."""
    base = sqlite3.connect(":memory:")
    base.execute("create table t (text, label)")
    base.executemany("insert into t values (?, ?)", zip(TEXTS, NAMES, strict=True))
    texts, labels = base.execute("select text from t").fetchall(), base.execute("select label from t").fetchall()
    found = fitted(TEXTS, labels).classes_.tolist()
    return fails(lambda: fitted(texts, NAMES), "row 0") and bool(found == sorted(set(NAMES)))


def _keys_and_values(_: Path) -> bool:
    data = dict(zip(TEXTS[:4], NAMES[:4], strict=True))
    return bool(fitted(data.keys(), data.values()).predict(TEXTS[:4]).tolist() == NAMES[:4])


def _intervals(bins: pd.Series) -> bool:
    """Return whether the texts of intervals are the classes, or intervals are refused with the way out."""
    with suppress(AnyshotError):
        return {str(one) for one in fitted(TABLE, bins).predict(TABLE)} == {"(-9, 0]", "(0, 9]"}
    return True


# --- tables of several libraries: 10 to 22 ---------------------------------------------------------------------------


def _tables() -> Iterator[tuple[str, Situation]]:
    numbered = pd.DataFrame(TABLE.to_numpy())
    yield (
        "10 numbered columns in another order",
        lambda _: fails(lambda: fitted(numbered, SIGNS).predict(numbered[[2, 1, 0]]), "order"),
    )
    levels = TABLE.set_axis(pd.MultiIndex.from_tuples([("x", "mean"), ("x", "max"), ("y", "mean")]), axis=1)
    yield "11 columns of two levels, as groupby.agg makes", lambda _: fitted(levels, SIGNS).score(levels, SIGNS) > 0.9
    yield "12 a column without values", lambda _: _no_values(TABLE.assign(d=np.nan))
    infinite = TABLE.assign(b=TABLE["b"].where(TABLE.index != 7, np.inf))
    yield "13 infinity after a division", lambda _: fails(lambda: fitted(infinite, SIGNS), "'b'", "7")
    yield "14 a lazy table of polars", lambda _: fails(lambda: fitted(pl.from_pandas(TABLE).lazy(), SIGNS), "collect")
    forms = {
        "15 amounts of money": [f"${day * 100:,.2f}" for day in range(101)],
        "16 times with a zone": DAYS.tz_localize("UTC"),
        "17 times as ISO text": DAYS.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "18 numbers with a unit": [f"{day} kg" for day in range(101)],
    }
    for name, values in forms.items():
        yield f"{name} in a column", lambda _, values=values: _goes_on(values)
    yield "19 vectors in a file of h5py", _hdf5
    yield "20 vectors as a tensor with a gradient", lambda _: fitted(
        torch.tensor(TABLE.to_numpy(), requires_grad=True), SIGNS
    ).score(TABLE.to_numpy(), SIGNS) > 0.9  # fmt: skip
    prices = [f"{1000 + 10 * i:,}" for i in range(60)]
    yield "21 thousands with commas as targets", lambda _: _targets(prices)
    gap = pd.Series(range(60), dtype="Float64").where(TABLE.index != 5)
    yield "22 a gap in nullable targets", lambda _: "on 59 labels" in AnyShotRegressor().fit(TABLE, gap).reasons_[0]


def _no_values(table: pd.DataFrame) -> bool:
    with suppress(AnyshotError, ValueError):
        return fitted(table, SIGNS).score(table, SIGNS) > 0.9
    return fails(lambda: fitted(table, SIGNS), "'d'")


def _goes_on(values: Any) -> bool:
    """Return whether a regression on the first 60 of 101 even steps goes on, or is refused with the column's name."""
    table = pd.DataFrame({"when": values})
    try:
        last = AnyShotRegressor().fit(table[:60], np.arange(60)).predict(table)[-1]
    except (AnyshotError, ValueError) as error:
        return "'when'" in str(error)
    return abs(last - 100) < 1


def _hdf5(folder: Path) -> bool:
    with h5py.File(folder / "a.h5", "w") as file:
        file["X"], file["y"] = TABLE.to_numpy(), SIGNS.tolist()
        return fitted(file["X"], file["y"]).score(TABLE.to_numpy(), SIGNS) > 0.9


def _targets(prices: list[str]) -> bool:
    table = pd.DataFrame({"i": range(60)})
    with suppress(AnyshotError):
        return abs(AnyShotRegressor().fit(table, prices).predict(table)[-1] - 1590) < 10
    return fails(lambda: AnyShotRegressor().fit(table, prices), "row 0", "'1,000'")


# --- files of spreadsheets and databases: 23 to 32 -------------------------------------------------------------------


def _read(folder: Path, name: str, content: str | bytes) -> tuple[list[Any], list[Any]]:
    """Return the items and the labels of a file."""
    data = read_data(written(folder, name, content))
    return list(data.items), list(data.labels or [])


def _files() -> Iterator[tuple[str, Situation]]:
    german = "text;label\nRückgabe kostet 5 €;Rückgabe\nWo ist mein Päckchen?;Lieferung\n".encode("cp1252")
    yield (
        "23 a German Excel's CSV, with the euro sign",
        lambda f: (
            _read(f, "a.csv", german) == (["Rückgabe kostet 5 €", "Wo ist mein Päckchen?"], ["Rückgabe", "Lieferung"])
        ),
    )
    yield (
        "24 the index that pandas writes",
        lambda f: _read(f, "a.csv", ",text,label\n0,hello,a\n1,bye,b\n") == (["hello", "bye"], ["a", "b"]),
    )
    yield (
        "25 line breaks and a mark in quotes",
        lambda f: (
            _read(f, "a.csv", '\ufeff"text","label"\r\n"one\r\ntwo","a"\r\n"x, ""y""","b"\r\n')
            == (["one\ntwo", 'x, "y"'], ["a", "b"])
        ),
    )
    yield (
        "26 empty columns and rows that Excel leaves",
        lambda f: _read(f, "a.csv", "text,label,,\nhello,a,,\nbye,b,,\n,,,\n,,,\n") == (["hello", "bye"], ["a", "b"]),
    )
    yield "27 a CSV without a header", _no_header
    yield "28 a JSON file that is one list", _json_list
    yield "29 a page of HTML or tabs that is called .xls", _old_excel
    yield "30 a Parquet with categories and large texts", _parquet
    yield "31 an .xlsx with numbers as labels", _excel_numbers
    yield "32 suggestions that came back from a German Excel", lambda f: _german_todo(f)


def _no_header(folder: Path) -> bool:
    """Return whether the first row is read as a text, or the file is refused."""
    lines = "".join(f"{text},{name}\n" for text, name in zip(TEXTS, NAMES, strict=True))
    with suppress(AnyshotError):
        return len(_read(folder, "a.csv", lines)[0]) == len(TEXTS)
    return fails(lambda: _read(folder, "a.csv", lines), "column")


def _json_list(folder: Path) -> bool:
    text = json.dumps([{"text": text, "label": name} for text, name in zip(TEXTS, NAMES, strict=True)], indent=1)
    with suppress(AnyshotError):
        return _read(folder, "a.json", text) == (TEXTS, NAMES)
    return fails(lambda: _read(folder, "a.json", text), ".jsonl")


def _old_excel(folder: Path) -> bool:
    page = "<html><table><tr><td>text</td><td>label</td></tr><tr><td>hi</td><td>a</td></tr></table></html>"
    tabs = fails(lambda: _read(folder, "b.xls", "text\tlabel\nhi\ta\n"), ".xls", ".csv")
    return tabs and fails(lambda: _read(folder, "a.xls", page), ".xls", ".csv")


def _parquet(folder: Path) -> bool:
    columns = {"text": pa.array(TEXTS, pa.large_string()), "label": pa.array(NAMES).dictionary_encode()}
    pq.write_table(pa.table(columns), folder / "a.parquet")
    data = read_data(folder / "a.parquet")
    return list(data.items) == TEXTS and list(data.labels or []) == NAMES


def _excel_numbers(folder: Path) -> bool:
    pd.DataFrame({"text": TEXTS, "label": INDEX}).to_excel(folder / "a.xlsx", index=False)
    data = read_data(folder / "a.xlsx")
    return [type(label) for label in data.labels or []] == [int] * 12 and list(data.labels or []) == INDEX


def _german_todo(folder: Path) -> bool:
    """Excel writes semicolons and cp1252, and a person filled in the label of two of three rows."""
    fitted().save(folder / "m")
    rest = written(folder, "rest.csv", "id,text\n1,Geld zurück bitte\n2,wo ist das Päckchen\n3,übrig\n")
    command("suggest", folder / "m", rest, "--out", folder / "todo.csv")
    todo = pd.read_csv(folder / "todo.csv", dtype=str)
    todo["label"] = ["refund" if "Geld" in text else "delivery" if "ist" in text else None for text in todo["text"]]
    todo.to_csv(folder / "back.csv", sep=";", encoding="cp1252", index=False)
    code, _, said = command("learn", folder / "m", folder / "back.csv")
    read = read_data(folder / "back.csv")
    labels = dict(zip(map(str, read.items), read.labels or [], strict=True))
    expected = {"Geld zurück bitte": "refund", "wo ist das Päckchen": "delivery", "übrig": None}
    return code == 0 and "2 labels" in said and labels == expected


# --- images of phones and scanners: 33 to 40 -------------------------------------------------------------------------


def _saved(folder: Path, name: str, image: Image.Image, **how: Any) -> Path:
    image.save(folder / name, **how)
    return folder / name


def _images() -> Iterator[tuple[str, Situation]]:
    yield "33 a phone's photo that lies on its side", _turned
    yield "34 a scanner's CMYK file", lambda f: _near(_saved(f, "a.jpg", Image.new("CMYK", (32, 32), (0, 0, 0, 0))))
    clear = Image.new("P", (32, 32), 0)
    clear.putpalette([255, 0, 0])
    yield (
        "35 a palette with a transparent color",
        lambda f: _near(_saved(f, "a.png", clear, transparency=0)),
    )
    yield "36 a scan of two pages, the first of which counts", _two_pages
    yield "37 a photo that was cut off while it was copied", lambda f: _cut_off(f)
    yield "38 what macOS and Windows leave in a folder", _left_files
    yield "39 digits as an array of floats", lambda _: _digits()
    yield "40 photos as floats from 0 to 1", lambda _: fails(
        lambda: fitted([np.full((32, 32, 3), i / 2, np.float32) for i in INDEX], NAMES), "uint8"
    )  # fmt: skip


def _near(path: Path) -> bool:
    """Return whether an image is white."""
    return bool(np.asarray(read_pixels(path)).min() > 250)


def _turned(folder: Path) -> bool:
    """Red above blue, stored on its side with orientation 6, as phones do."""
    upright = Image.new("RGB", (40, 60), "blue")
    upright.paste("red", (0, 0, 40, 30))
    exif = Image.Exif()
    exif[0x0112] = 6
    path = _saved(folder, "a.jpg", upright.transpose(Image.Transpose.ROTATE_90), exif=exif, quality=95)
    pixels = np.asarray(read_pixels(path))
    return pixels.shape[:2] == (60, 40) and pixels[5, 20, 0] > 200 and pixels[55, 20, 2] > 200


def _two_pages(folder: Path) -> bool:
    pages = [Image.new("1", (32, 32), one) for one in (1, 0)]
    return _near(_saved(folder, "a.tif", pages[0], save_all=True, append_images=pages[1:], compression="group4"))


def _cut_off(folder: Path) -> bool:
    noise = Image.fromarray(RANDOM.integers(0, 255, (64, 64, 3), dtype=np.uint8))
    whole, half = _saved(folder, "a.jpg", noise), folder / "half.jpg"
    half.write_bytes(whole.read_bytes()[:2000])
    code, _, said = command("predict", folder, "--classes", "cat,dog", "--out", folder / "o.csv")
    return code == 0 and "half.jpg" in said and len(pd.read_csv(folder / "o.csv").dropna()) == 1


def _left_files(folder: Path) -> bool:
    Image.new("RGB", (32, 32)).save(written(folder, "cat/a.jpg", ""))
    Image.new("RGB", (32, 32)).save(written(folder, "dog/b.jpg", ""))
    for name in (".DS_Store", "cat/._a.jpg", "cat/Thumbs.db", "cat/desktop.ini", "__MACOSX/._cat"):
        written(folder, name, b"\0\5\x16\7")
    data = read_data(folder, on_error="skip")
    return len(data.items) == 2 and sorted(set(data.labels or [])) == ["cat", "dog"]


def _digits() -> bool:
    images, digits = load_digits(return_X_y=True)[0].reshape(-1, 8, 8)[:40], load_digits().target[:40]
    return fails(lambda: fitted(images, digits), "uint8") or fails(lambda: fitted(images, digits), "reshape")


# --- saved models, threads and processes: 41 to 45 -------------------------------------------------------------------


def _models() -> Iterator[tuple[str, Situation]]:
    yield "41 a model file that was copied only in part", _part_of_a_model
    yield "42 a classifier in joblib, with a calibrated answer", _joblib
    yield "43 eight threads ask one model", _eight_threads
    yield "44 a class is removed while threads ask", _removed_in_use
    grid = {"method": ["prototype", "logistic-regression"]}
    yield "45 GridSearchCV over texts", lambda _: GridSearchCV(AnyShotClassifier(cache=False), grid, cv=2).fit(
        TEXTS, NAMES
    ).predict(TEXTS[:1]).tolist() == ["refund"]  # fmt: skip


def _part_of_a_model(folder: Path) -> bool:
    fitted().save(folder / "m")
    arrays = max((folder / "m").rglob("*.safetensors"), key=lambda path: path.stat().st_size)
    arrays.write_bytes(arrays.read_bytes()[:-100])
    return fails(lambda: load(folder / "m"), str(folder / "m"))


def _joblib(folder: Path) -> bool:
    model = fitted(TABLE, SIGNS)
    joblib.dump({"model": model, "task": MultitaskModel().fit(TABLE, {"t": SIGNS})}, folder / "a.joblib", compress=3)
    back = joblib.load(folder / "a.joblib")
    same = np.array_equal(back["model"].predict_proba(TABLE), model.predict_proba(TABLE))
    return same and pickle.loads(pickle.dumps(back["task"])).predict(TABLE)["t"].shape == (60,)


def _eight_threads(_: Path) -> bool:
    model = fitted()
    alone = model.predict_proba(TEXTS)
    with ThreadPoolExecutor(8) as pool:
        return all(np.allclose(alone, one, atol=1e-5) for one in pool.map(model.predict_proba, [TEXTS] * 16))


def _removed_in_use(_: Path) -> bool:
    """Every answer is of the version with three classes or of that with two."""
    model, seen = fitted(TABLE, SIGNS), set()
    ask = threading.Thread(target=lambda: [seen.add(model.predict_proba(TABLE).shape[1]) for _ in range(200)])
    ask.start()
    for _ in range(20):
        model.add_class("maybe", examples=TABLE[:3])
        model.remove_class("maybe")
    ask.join()
    return seen <= {2, 3} and set(model.predict(TABLE)) == {"yes", "no"}


# --- command line and terminal: 46 to 50 -----------------------------------------------------------------------------


def _shell() -> Iterator[tuple[str, Situation]]:
    yield "46 one of two photos is missing", lambda f: _one_missing(f)
    yield "47 a terminal that shows only ASCII", _ascii
    yield "48 a reader that stops after one line", _head
    yield "49 line breaks and carriage returns in a text", lambda f: _line_breaks(f)
    yield "50 texts with quotes, breaks and formulas, there and back", _there_and_back


def _one_missing(folder: Path) -> bool:
    photo = _saved(folder, "a.jpg", Image.new("RGB", (32, 32)))
    code, out, said = command("predict", photo, folder / "b.jpg", "--classes", "cat,dog")
    return "b.jpg" in said and (code == 1 or len(out.splitlines()) == 1)


def _ascii(folder: Path) -> bool:
    data = written(folder, "a.csv", "text\nIch möchte mein Geld zurück 😀\n")
    how = {"capture_output": True, "env": {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}}
    run = subprocess.run(
        [sys.executable, "-m", "anyshot", "predict", str(data), "--classes", "Rückgabe,Lieferung"], **how
    )
    return run.returncode == 0 and json.loads(run.stdout)["label"] in {"Rückgabe", "Lieferung"}


def _head(folder: Path) -> bool:
    data = written(folder, "a.csv", "text\n" + "refund please\n" * 20000)
    words = f"{sys.executable} -m anyshot predict {data} --classes refund,delivery | head -n 1"
    run = subprocess.run(["bash", "-c", words], capture_output=True, text=True)
    return json.loads(run.stdout)["label"] == "refund" and "Traceback" not in run.stderr and "rror" not in run.stderr


def _line_breaks(folder: Path) -> bool:
    """One result is one line, and nothing in the text overwrites it."""
    data = written(folder, "a.csv", 'text\n"refund\nplease\rdelivery"\n')
    code, out, _ = command("predict", data, *CLASSES)
    return code == 0 and len(out.splitlines()) == 1 and "\r" not in out


def _there_and_back(folder: Path) -> bool:
    texts = ['she said "hi"', "two\nlines", "=SUM(A1)", "-5 degrees", "\t=1+1", "a,b;c"]
    write_table([{"text": text} for text in texts], folder / "a.csv")
    with (folder / "a.csv").open(newline="", encoding="utf-8-sig") as lines:
        cells = [row[0] for row in csv.reader(lines)][1:]
    return not any(cell.lstrip().startswith(("=", "+", "-", "@")) for cell in cells) and len(cells) == len(texts)
