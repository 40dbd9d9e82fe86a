"""Weights of items, and other arguments beside the items."""

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl

from anyshot import AnyShotClassifier
from situations.situation import NAMES, PAIRS, SIGNS, TABLE, TEXTS, Subject, by_names, fitted, refuses

holds = Subject("weights")


# --- weights ---------------------------------------------------------------------------------------------------------


@holds("weights of 0 for wrong labels: the right ones are learned")
def _(_: Path) -> object:
    weight = np.array([1.0] * 12 + [0.0] * 12)
    wrong = ["delivery" if name == "refund" else "refund" for name in NAMES]
    return fitted([*TEXTS, *TEXTS], [*NAMES, *wrong], sample_weight=weight).score(TEXTS, NAMES) == 1


holds.refused("a negative weight: refused by row", "sample_weight", "11")(
    lambda _: fitted(sample_weight=[1.0] * 11 + [-1.0])
)
holds.refused("a missing weight: refused by row", "sample_weight", "11")(
    lambda _: fitted(sample_weight=[1.0] * 11 + [np.nan])
)
BY_CLASS = {"by class": {"refund": 2.0, "delivery": 1.0}, "as 'balanced'": "balanced"}
holds.each("weights {}: refused, with weights[label]", BY_CLASS)(
    lambda _, weights: refuses(lambda: fitted(sample_weight=weights), "weights[label]")
)
holds.each("weights {}, score: refused, with weights[label]", BY_CLASS)(
    lambda _, weights: refuses(lambda: fitted().score(TEXTS, NAMES, weights), "weights[label]")
)
INDEXED = pd.Series(TEXTS, index=range(100, 112))
REVERSED = pd.Series(1.0, index=range(111, 99, -1))
holds.warned("weights in another order of rows: warned of", "sample_weight name the same rows in another order")(
    lambda _: fitted(INDEXED, sample_weight=REVERSED)
)
holds.refused("weights that are read once: refused, with list(...)", "list(...)")(
    lambda _: fitted(sample_weight=iter([1.0] * 12))
)
holds.warned("unlabeled= is an array beside a table: taken in its order, and warned of", "no column names")(
    lambda _: fitted(TABLE, SIGNS, unlabeled=TABLE.to_numpy())
)
holds.refused("unlabeled= has a column fewer than X, both arrays: refused, with both widths", "3 without", "2 without")(
    lambda _: fitted(TABLE.to_numpy(), SIGNS, unlabeled=TABLE.to_numpy()[:, :2])
)
holds.refused("weights in a lazy table: refused, with table.collect()", "table.collect()")(
    lambda _: fitted(sample_weight=pl.LazyFrame({"w": [1.0] * 12}))
)
ROWS32 = TABLE.to_numpy(np.float32)
EVEN = np.arange(60.0) % 2
holds("weights in a table of one column: taken as an array")(
    lambda _: np.array_equal(
        fitted(ROWS32, SIGNS, sample_weight=pd.DataFrame({"w": EVEN})).predict_proba(ROWS32),
        fitted(ROWS32, SIGNS, sample_weight=EVEN).predict_proba(ROWS32),
    )
)

# --- other arguments -------------------------------------------------------------------------------------------------

holds("source= with texts and labels: learned")(
    lambda _: fitted(TEXTS, NAMES, classes=["refund", "delivery"]).fit(source=(TEXTS, NAMES)).score(TEXTS, NAMES) == 1
)
holds.refused("source= of pairs: refused", "source")(lambda _: AnyShotClassifier().fit(TEXTS, NAMES, source=PAIRS))
holds.refused("random_state= is a text: refused", "random_state")(lambda _: fitted(random_state="42"))
holds("suggest more items than there are: all of them")(lambda _: len(by_names().suggest(TEXTS[:3], n=10)) == 3)
