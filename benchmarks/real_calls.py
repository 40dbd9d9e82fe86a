"""Situations of `real_inputs.py`: an audit of fifty calls on models in Python, by someone who had not written it.

The right value of each was written down before the first run; here are those that failed, and their neighbors.
"""

import enum
import io
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from scipy.sparse import csr_array, dok_array
from situations import INDEX, NAMES, SIGNS, TABLE, TEXTS, Holds, Situation, refuses, says

from anyshot import AnyShotClassifier, AnyShotRegressor, learning_curve, load, report

ROWS = TABLE.to_numpy()
SHUFFLED = range(100, 112)


def add(holds: Holds) -> None:
    """Add the situations of this file."""
    for what, situation in [*_items(), *_columns(), *_labels(), *_classes(), *_weights(), *_calls()]:
        holds("Python calls", what)(situation)


def _fitted(X: Any = TEXTS, y: Any = NAMES, **given: Any) -> AnyShotClassifier:
    return AnyShotClassifier(cache=False).fit(X, y, **given)


def _by_names(classes: Any = ("refund", "delivery"), **parameters: Any) -> AnyShotClassifier:
    return AnyShotClassifier(classes, cache=False, **parameters).fit()


def _items() -> Iterator[tuple[str, Situation]]:
    holders: dict[str, tuple[Any, str]] = {
        "rows as dicts": ({"text": "a"}, "item['text']"),
        "rows of images with their bytes": ({"bytes": b"\xff\xd8", "path": None}, 'io.BytesIO(item["bytes"])'),
        "bytes of images": (b"\xff\xd8", "io.BytesIO(item)"),
        "bytes of texts": (b"refund", "item.decode()"),
        "open files": (io.BytesIO(b"a"), "PIL.Image.open(item)"),
        "title and body": (("title", "body"), ".join(item)"),
        "rows of a structured array": (np.zeros(1, [("a", "f4"), ("b", "f4")])[0], "pandas.DataFrame(items)"),
    }
    for what, (item, remedy) in holders.items():
        yield what, lambda _, item=item, remedy=remedy: refuses(lambda: _by_names().predict([item]), "row 0", remedy)
    yield "a folder as a text", lambda folder: refuses(lambda: _by_names().predict([str(folder)]), "is a folder")
    yield (
        "an image as base64",
        lambda _: refuses(lambda: _by_names().predict(["data:image/png;base64,iVBO"]), "an image written as text"),
    )
    yield "a masked item", lambda _: refuses(lambda: _by_names().predict(["a", np.ma.masked]), "row 1 is missing")
    yield (
        "a gap among unlabeled items",
        lambda _: refuses(lambda: _fitted(unlabeled=["a", None]), "Unlabeled items", "row 1"),
    )

    def subclass(folder: Path) -> bool:
        shown = type("Shown", (str,), {"__str__": lambda self: f"<{self!r}>"})
        clf = _fitted([shown(text) for text in TEXTS], [shown(name) for name in NAMES])
        clf.save(folder / "model")
        same = np.allclose(clf.predict_proba(TEXTS), _fitted().predict_proba(TEXTS))
        return same and load(folder / "model").predict(TEXTS).tolist() == NAMES

    yield "texts and labels of a subclass of str", subclass


def _columns() -> Iterator[tuple[str, Situation]]:
    fixed = pa.FixedSizeListArray.from_arrays(pa.array(ROWS.ravel()), 3)
    columns = {
        "vectors as lists of polars": pl.Series(ROWS.tolist()),
        "vectors as an array column of polars": pl.DataFrame({"v": pl.Series(ROWS.tolist(), dtype=pl.Array(float, 3))}),
        "vectors as lists of pyarrow": fixed,
        "Decimals of polars": pl.DataFrame({"a": [Decimal(f"{value:.6f}") for value in TABLE["a"]], "b": TABLE["b"]}),
        "Decimals of pandas": TABLE.assign(a=[Decimal(f"{value:.6f}") for value in TABLE["a"]]),
        "a sparse matrix by keys": dok_array(ROWS),
    }
    for what, column in columns.items():
        yield what, lambda _, column=column: _fitted(column, SIGNS).score(column, SIGNS) > 0.9
    gap = TABLE.head(2).assign(a=np.nan)
    yield (
        "a gap that comes at predict only",
        lambda _: says(lambda: _fitted(TABLE, SIGNS).predict(gap), "'a' had no missing value", "rows 0, 1"),
    )
    yield (
        "a gap that comes at predict only, regressor",
        lambda _: says(lambda: AnyShotRegressor().fit(TABLE, TABLE["b"]).predict(gap), "'a' had no missing value"),
    )
    yield (
        "an array after a table",
        lambda _: says(lambda: _fitted(TABLE, SIGNS).predict(ROWS), "a, b, c, in this order"),
    )


def _labels() -> Iterator[tuple[str, Situation]]:
    kind = enum.Enum("Kind", ["refund", "delivery"])
    yield "members of an Enum", lambda _: refuses(lambda: _fitted(y=[*kind] * 6), "Row 0", "label.value")
    yield "sparse labels", lambda _: refuses(lambda: _fitted(y=csr_array(np.eye(12)[:, :1])), "y.toarray()")
    yield "labels as columns of 0 and 1", lambda _: refuses(lambda: _fitted(y=pd.get_dummies(NAMES)), "idxmax(axis=1)")
    masked = [*NAMES[:-1], np.ma.masked]
    yield "a masked label of a list", lambda _: _fitted(y=masked).classes_.tolist() == ["delivery", "refund"]
    one = AnyShotClassifier(cache=False)
    texts = [str(row) for row in INDEX]
    yield (
        "numbers for classes named as texts",
        lambda _: says(lambda: one.fit(TEXTS, texts).score(TEXTS, INDEX), "'0', '1'"),
    )


def _classes() -> Iterator[tuple[str, Situation]]:
    yield "a generator of classes", lambda _: refuses(lambda: _by_names(name for name in "ab"), "read only once")
    yield (
        "a class vector of zeros",
        lambda _: refuses(lambda: _by_names({"a": [0.0, 0.0], "b": [1.0, 0.0]}), "class 'a'", "only zeros"),
    )
    yield (
        "a share in percent",
        lambda _: refuses(lambda: _by_names(class_prior={"refund": "20%", "delivery": 1}), "'20%'"),
    )
    yield (
        "a new class that looks like another",
        lambda _: says(lambda: _by_names().add_class("Refund"), "look alike"),
    )
    other = AnyShotClassifier(["refund", "delivery"], cache=False)
    yield (
        "other classes in the first partial_fit",
        lambda _: refuses(lambda: other.partial_fit(TEXTS, NAMES, classes=["refund", "login"]), "'login'"),
    )


def _weights() -> Iterator[tuple[str, Situation]]:
    texts = pd.Series(TEXTS, index=SHUFFLED)
    reversed_ = pd.Series(np.arange(1.0, 13), index=SHUFFLED[::-1])
    for what, weights in {"by class": {"refund": 2.0, "delivery": 1.0}, "as 'balanced'": "balanced"}.items():
        yield (
            f"weights {what}",
            lambda _, weights=weights: refuses(lambda: _fitted(sample_weight=weights), "weights[label]"),
        )
        yield (
            f"weights {what}, score",
            lambda _, weights=weights: refuses(lambda: _fitted().score(TEXTS, NAMES, weights), "weights[label]"),
        )
    words = "weights name the same rows in another order"
    yield "weights in another order", lambda _: says(lambda: _fitted(texts, sample_weight=reversed_), words)
    yield (
        "groups in another order",
        lambda _: says(
            lambda: report(_fitted(), texts, NAMES, groups=reversed_ > 6), "items and groups", "another order"
        ),
    )
    yield (
        "numbers in another order, regressor",
        lambda _: says(
            lambda: AnyShotRegressor().fit(TABLE.set_axis(range(9, 69)), TABLE["a"].set_axis(range(68, 8, -1))),
            "another order",
        ),
    )


def _calls() -> Iterator[tuple[str, Situation]]:
    yield "a generator, report", lambda _: refuses(lambda: report(_fitted(), iter(TEXTS), NAMES), "Write list(...)")
    yield (
        "shots that are read once",
        lambda _: learning_curve(_by_names(), TEXTS, NAMES, shots=iter([0, 1]), seeds=1).scores["shots"].nunique() == 2,
    )
    for what, folder in {"None": None, "bytes": b"model", "a model": AnyShotClassifier()}.items():
        yield f"load({what})", lambda _, folder=folder: refuses(lambda: load(folder), "The path of a folder is needed")
