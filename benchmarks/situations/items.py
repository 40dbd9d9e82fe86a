"""Texts, vectors and other items, as Python code gives them."""

import io
import sqlite3
from array import array
from collections import UserList
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import torch
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from torch.utils.data import DataLoader, TensorDataset

from anyshot import AnyShotClassifier, load
from situations.libraries import TEXTS_OF_LIBRARIES
from situations.situation import (
    HALF,
    NAMES,
    PAIRS,
    SIGNS,
    TABLE,
    TEXTS,
    Subject,
    by_names,
    fitted,
    refuses,
    taken_or_refused,
    written,
)

holds = Subject("items")

# --- texts of any library --------------------------------------------------------------------------------------------

holds.each(
    "texts as {}: learned",
    TEXTS_OF_LIBRARIES,
)(lambda _, X: fitted(X, NAMES).score(X, NAMES) == 1)
holds.warned("a table whose text is NA or nan: warned of by row", "missing", "row 1, row 3")(
    lambda _: by_names().predict(pd.DataFrame({"t": ["refund please", "NA", "late", "nan"]}))
)
holds.warned("short texts in German, most with one common word: warned of by row", "German", "row 0, row 2")(
    lambda _: by_names().predict(["Gerät leider kaputt", "Bildschirm schwarz", "nur Werbung", "kommt zu spät"])
)
holds("texts behind a ColumnTransformer: predicted")(
    lambda _: (
        make_pipeline(ColumnTransformer([("t", "passthrough", ["t"])]), AnyShotClassifier())
        .fit(pd.DataFrame({"t": TEXTS}), NAMES)
        .predict(pd.DataFrame({"t": TEXTS[:1]}))
        .tolist()
        == ["refund"]
    )
)
holds("texts and labels in a UserList: learned")(
    lambda _: fitted(UserList(TEXTS), UserList(NAMES)).score(TEXTS, NAMES) == 1
)


@holds("texts and labels as keys and values of a dict: learned")
def _(_: Path) -> object:
    data = dict(PAIRS[:4])
    return fitted(data.keys(), data.values()).predict(TEXTS[:4]).tolist() == NAMES[:4]


holds("a generator of texts: read, or refused with list(...)")(
    lambda _: taken_or_refused(lambda: fitted(text for text in TEXTS).score(TEXTS, NAMES) == 1, "list")
)
holds.refused("a set of texts: refused, since it has no order", "order")(
    lambda _: AnyShotClassifier().fit(set(TEXTS), NAMES)
)


@holds("nothing to predict: an empty answer, or refused")
def _(_: Path) -> object:
    clf = by_names()
    return taken_or_refused(
        lambda: clf.predict([]).shape == (0,) and clf.predict_proba([]).shape == (0, 2), "item"
    ) and taken_or_refused(lambda: clf.predict(pd.Series([], dtype=str)).shape == (0,), "item")


# --- one item in place of a list -------------------------------------------------------------------------------------

holds.each(
    "{} of one text: refused, with [item]",
    ("predict", "predict_proba", "explain", "suggest", "closeness", "predict_set"),
)(lambda _, verb: refuses(lambda: getattr(by_names(), verb)(np.str_("refund")), "[item]"))
holds.refused("unlabeled= is one text: refused, with a list", "[")(
    lambda _: AnyShotClassifier(["a", "b"]).fit(unlabeled="refund please")
)
holds.refused("the path of a file of texts as an item: refused, with read_data", "read_data")(
    lambda f: by_names().predict([str(written(f, "notes.txt", "x"))])
)
holds.refused("the path of a folder as an item: refused as a folder", "is a folder")(
    lambda folder: by_names().predict([str(folder)])
)
holds.refused("an image in base64 as an item: refused as an image", "an image written as text")(
    lambda _: by_names().predict(["data:image/png;base64,iVBO"])
)

# --- items that are no texts -----------------------------------------------------------------------------------------

holds.refused("a number among texts: refused by row", "row 3", "404")(lambda _: fitted([*TEXTS[:3], 404, *TEXTS[4:]]))
holds.refused("a missing text: refused by row", "row 1", "missing")(lambda _: fitted(["a", None], ["x", "y"]))
holds.refused("a text of invisible characters: refused by row as empty", "row 1", "empty")(
    lambda _: fitted(["a b", "\u200b\ufeff"], ["x", "y"])
)
holds.refused("a masked item: refused by row", "row 1 is missing")(lambda _: by_names().predict(["a", np.ma.masked]))
holds.refused("a missing item in unlabeled=: refused by row", "Unlabeled items", "row 1")(
    lambda _: fitted(unlabeled=["a", None])
)
HOLDERS: dict[str, tuple[Any, str]] = {
    "rows as dicts": ({"text": "a"}, "item['text']"),
    "rows of images with their bytes": ({"bytes": b"\xff\xd8", "path": None}, 'io.BytesIO(item["bytes"])'),
    "bytes of images": (b"\xff\xd8", "io.BytesIO(item)"),
    "bytes of texts": (b"refund", "item.decode()"),
    "open files": (io.BytesIO(b"a"), "PIL.Image.open(item)"),
    "title and body": (("title", "body"), ".join(item)"),
    "rows of a structured array": (np.zeros(1, [("a", "f4"), ("b", "f4")])[0], "pandas.DataFrame(items)"),
}
holds.each("{} as items: refused by row, with the remedy", HOLDERS)(
    lambda _, item, remedy: refuses(lambda: by_names().predict([item]), "row 0", remedy)
)


@holds("texts as rows of a database: refused by row; labels as rows of one value are learned")
def _(_: Path) -> object:
    """Rows are tuples of one value: refused by the first row as texts, and taken as labels since lists of one are."""
    base = sqlite3.connect(":memory:")
    base.execute("create table t (text, label)")
    base.executemany("insert into t values (?, ?)", zip(TEXTS, NAMES, strict=True))
    texts, labels = base.execute("select text from t").fetchall(), base.execute("select label from t").fetchall()
    found = fitted(TEXTS, labels).classes_.tolist()
    return refuses(lambda: fitted(texts, NAMES), "row 0") and bool(found == sorted(set(NAMES)))


ROWS32 = TABLE.to_numpy(np.float32)
DATASET = TensorDataset(torch.tensor(ROWS32), torch.arange(60))
holds.each(
    "{} in place of items: refused, with the remedy",
    {
        "a DataLoader": (DataLoader(DATASET), "loader.dataset"),
        "a nested tensor": (torch.nested.nested_tensor(list(DATASET.tensors[0])), "a dense tensor"),
        "a TensorDataset": (DATASET, "pair[0] for pair in items"),
        "rows of array.array": ([array("d", row) for row in ROWS32], "numpy.array(items)"),
    },
)(lambda _, X, remedy: refuses(lambda: fitted(X, SIGNS), remedy))

# --- tables in place of texts ----------------------------------------------------------------------------------------

holds.refused("a batch of Hugging Face, columns in a dict: refused, since labels are missing", "label")(
    lambda _: AnyShotClassifier().fit({"text": TEXTS, "label": NAMES})
)
holds.refused("columns of a table in a dict, with labels: refused, with pandas.DataFrame(X)", "pandas.DataFrame(X)")(
    lambda _: fitted({"a": ROWS32[:, 0], "b": ROWS32[:, 1]}, SIGNS)
)
holds.refused("texts and labels in one table, fit(table): refused, since labels are missing", "label")(
    lambda _: AnyShotClassifier().fit(pd.DataFrame({"text": TEXTS, "label": NAMES}))
)
TWO_COLUMNS = pd.DataFrame({"subject": TEXTS, "body": TEXTS})
holds.refused("a table of two columns of texts: refused, with the sum of the columns", "table['subject'] + ", "'body'")(
    lambda _: fitted(TWO_COLUMNS)
)
holds.warned("texts and labels exchanged: warned of", "exchanged")(
    lambda _: fitted(NAMES, [f"{text} {row}" for row, text in enumerate(TEXTS)])
)

# --- characters ------------------------------------------------------------------------------------------------------

holds("half an emoji in a text: learned, or refused by row")(
    lambda _: taken_or_refused(
        lambda: fitted([*TEXTS, HALF], [*NAMES, "delivery"]).predict([HALF]).tolist() == ["delivery"], "12"
    )
)


@holds("half an emoji in a text of a saved model: the loaded model answers the same")
def _(folder: Path) -> object:
    def there_and_back() -> bool:
        fitted([*TEXTS, HALF], [*NAMES, "delivery"]).save(folder / "m")
        return bool(load(folder / "m").predict(TEXTS).tolist() == NAMES)

    return taken_or_refused(there_and_back, "12")


holds("a NUL in a text: answered")(lambda _: by_names().predict(["refund\x00 please"]).tolist() == ["refund"])


@holds("texts and labels of a subclass of str: answered as str, also after load")
def _(folder: Path) -> object:
    shown = type("Shown", (str,), {"__str__": lambda self: f"<{self!r}>"})
    clf = fitted([shown(text) for text in TEXTS], [shown(name) for name in NAMES])
    clf.save(folder / "model")
    same = np.allclose(clf.predict_proba(TEXTS), fitted().predict_proba(TEXTS))
    return same and load(folder / "model").predict(TEXTS).tolist() == NAMES


@holds("a text longer than the encoder reads: named in the reasons")
def _(_: Path) -> object:
    clf = fitted(["refund " * 400, "parcel", "refund", "late parcel"], NAMES[1:5])
    return "longer than 256 tokens" in " ".join(clf.reasons_)


holds.warned("texts in Russian for an encoder of English: warned of", "does not know")(
    lambda _: fitted().predict(["\u0433\u0434\u0435 \u043f\u043e\u0441\u044b\u043b\u043a\u0430"])
)

# --- vectors as items ------------------------------------------------------------------------------------------------

holds.each(
    "vectors as {}: answered as rows of an array",
    {
        "arrays in a column of pandas, indexed by one number": pd.Series(list(ROWS32), index=[7] * 60),
        "tensors in a column of pandas": pd.Series([torch.tensor(row) for row in ROWS32]),
        "arrays in a table of one column": pd.DataFrame({"v": list(ROWS32)}),
        "lists in a table of one column of polars": pl.DataFrame({"v": ROWS32.tolist()}),
        "numbers of a big-endian machine": ROWS32.astype(">f8"),
        "a memoryview": ROWS32.data,
    },
)(lambda _, X: np.allclose(fitted(X, SIGNS).predict_proba(X), fitted(ROWS32, SIGNS).predict_proba(ROWS32), atol=1e-6))
holds.refused("complex numbers as vectors: refused, not made real", "complex")(
    lambda _: fitted(ROWS32 + 1j, SIGNS, encoder="vectors")
)
holds("vectors as lists of float32: learned")(
    lambda _: fitted([list(row) for row in ROWS32], SIGNS).classes_.shape == (2,)
)
