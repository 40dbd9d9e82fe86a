"""Situations of `real_inputs.py`: an audit of sixty situations in Python, by someone who had not written the library.

The right value of each was written down before the first run; here are the kinds that failed, and their neighbors.
"""

from array import array
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import torch
from situations import NAMES, SIGNS, TABLE, TEXTS, Holds, Situation, refuses, says
from torch.utils.data import DataLoader, TensorDataset

from anyshot import AnyShotClassifier, report

ROWS = TABLE.to_numpy(np.float32)
WISHES = ["the customer wants money back", "the payment shall be returned"]
ASKED = ["please give me my money back", "my parcel has not arrived"]


def add(holds: Holds) -> None:
    """Add the situations of this file."""
    for what, situation in [*_names(), *_columns(), *_labels(), *_items(), *_weights()]:
        holds("sixty in Python", what)(situation)


def _by_names(classes: Any, X: Any = ASKED) -> Any:
    return AnyShotClassifier(classes, cache=False).fit().predict_proba(X)


def _fitted(X: Any = TEXTS, y: Any = NAMES, **given: Any) -> AnyShotClassifier:
    return AnyShotClassifier(cache=False).fit(X, y, **given)


def _names() -> Iterator[tuple[str, Situation]]:
    for what, names in {
        "only one letter": ["A", "B"],
        "only in numbers": ["complaint number 1", "complaint number 2"],
        "letters that the encoder": ["\u0434\u043e\u0441\u0442\u0430\u0432\u043a\u0430", "\u0446\u0435\u043d\u0430"],
    }.items():
        yield f"names with {what}", lambda _, what=what, names=names: says(lambda: _by_names(names), what)
    yield (
        "texts in Russian",
        lambda _: says(
            lambda: _fitted().predict(["\u0433\u0434\u0435 \u043f\u043e\u0441\u044b\u043b\u043a\u0430"]),
            "does not know",
        ),
    )


def _columns() -> Iterator[tuple[str, Situation]]:
    for kind, make in {"pandas": pd.Series, "numpy": np.array, "polars": pl.Series, "pyarrow": pa.array}.items():
        yield (
            f"descriptions in a column of {kind}",
            lambda _, make=make: np.array_equal(
                _by_names({"refund": make(WISHES), "delivery": None}), _by_names({"refund": WISHES, "delivery": None})
            ),
        )
        yield (
            f"a class vector in a column of {kind}",
            lambda _, make=make: np.array_equal(
                _by_names({"a": make(ROWS[0]), "b": tuple(ROWS[1])}, ROWS),
                _by_names({"a": ROWS[0], "b": ROWS[1]}, ROWS),
            ),
        )


def _labels() -> Iterator[tuple[str, Situation]]:
    yield "truth values and numbers", lambda _: says(lambda: _fitted(y=[True, False, 1, 0] * 3), "truth values")
    for gap in (np.longdouble("nan"), Decimal("sNaN")):
        yield (
            f"no label as {gap!r}",
            lambda _, gap=gap: len(_fitted(y=[gap, *NAMES[1:]]).training_examples()[1]) == 11,
        )


def _items() -> Iterator[tuple[str, Situation]]:
    as_rows = _fitted(ROWS, SIGNS).predict_proba(ROWS)
    for what, X in {
        "arrays in a column of pandas": pd.Series(list(ROWS), index=[7] * 60),
        "tensors in a column of pandas": pd.Series([torch.tensor(row) for row in ROWS]),
        "a memoryview": memoryview(ROWS),
    }.items():
        yield what, lambda _, X=X: np.allclose(_fitted(X, SIGNS).predict_proba(X), as_rows)
    pairs = TensorDataset(torch.tensor(ROWS), torch.arange(60))
    for what, X, remedy in (
        ("a DataLoader", DataLoader(pairs), "loader.dataset"),
        ("a TensorDataset", pairs, "pair[0] for pair in items"),
        ("rows of array.array", [array("d", row) for row in ROWS], "numpy.array(items)"),
    ):
        yield what, lambda _, X=X, remedy=remedy: refuses(lambda: _fitted(X, SIGNS), remedy)
    yield "a report on a table", _reported


def _reported(_: Path) -> bool:
    return len(report(_fitted(TABLE[:40], SIGNS[:40]), TABLE[40:], SIGNS[40:]).tables["curve"]) > 1


def _weights() -> Iterator[tuple[str, Situation]]:
    yield "weights that are read once", lambda _: refuses(lambda: _fitted(sample_weight=iter([1.0] * 12)), "list(...)")
    even = np.arange(60.0) % 2
    yield (
        "weights in a table of one column",
        lambda _: np.array_equal(
            _fitted(ROWS, SIGNS, sample_weight=pd.DataFrame({"w": even})).predict_proba(ROWS),
            _fitted(ROWS, SIGNS, sample_weight=even).predict_proba(ROWS),
        ),
    )
