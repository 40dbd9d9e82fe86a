"""The report, and what its figures say."""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from anyshot import report
from situations.situation import NAMES, SIGNS, TABLE, TEXTS, Subject, fitted

holds = Subject("reports")

holds("accuracy on held-out labels in the reasons: with an interval")(
    lambda _: (
        " to " in fitted([*TEXTS[:8], "please refund", "late parcel"], [*NAMES[:8], "refund", "delivery"]).reasons_[0]
    )
)
holds("the learning curve of a report: ends at the labels at hand")(
    lambda _: report(fitted(), TEXTS, NAMES).tables["curve"].iloc[-1]["n_labels"] == len(TEXTS)
)


@holds("groups of two attributes: a sentence for each")
def _(_: Path) -> object:
    groups = {"age": ["old", "young"] * 6, "sex": ["f"] * 6 + ["m"] * 6}
    lead = report(fitted(), TEXTS, NAMES, groups=groups).sections["groups"].lead
    return lead.count("By ") >= 2


@holds("a report on a table: has a curve")
def _(_: Path) -> object:
    return len(report(fitted(TABLE[:40], SIGNS[:40]), TABLE[40:], SIGNS[40:]).tables["curve"]) > 1


LOGISTIC = LogisticRegression().fit(TABLE, SIGNS)
holds("a report on the training items: said")(
    lambda _: "60 of the 60" in report(LOGISTIC, TABLE, SIGNS, train=(TABLE, SIGNS)).warnings[0]
)
NEW_TEXTS = [f"{text} now" for text in TEXTS]
holds.warned("a report with labels in capitals: warned of", "None of the labels")(
    lambda _: report(fitted(), NEW_TEXTS, [name.title() for name in NAMES])
)
holds.refused("a report on a generator: refused, with list(...)", "Write list(...)")(
    lambda _: report(fitted(), iter(TEXTS), NAMES)
)
holds.refused("groups of another length: refused, with both numbers", "11", "12")(
    lambda _: report(fitted(), TEXTS, NAMES, groups={"land": ["x"] * 11})
)
RANDOM = np.random.default_rng(0)
holds.refused("groups that are ages: refused, with pandas.cut", "pandas.cut")(
    lambda _: report(LOGISTIC, TABLE, SIGNS, groups={"age": RANDOM.uniform(18, 90, 60)})
)
INDEXED = pd.Series(TEXTS, index=range(100, 112))
REVERSED = pd.Series([True, False] * 6, index=range(111, 99, -1))
holds.warned("groups in another order of rows: warned of", "items and groups", "another order")(
    lambda _: report(fitted(), INDEXED, NAMES, groups=REVERSED)
)
holds.refused("a report saved as PDF: refused, with HTML", "HTML")(
    lambda folder: report(fitted(), NEW_TEXTS, NAMES).save(folder / "r.pdf")
)


@holds("markup in a class name: escaped in the report")
def _(folder: Path) -> object:
    names = ["<script>alert(1)</script>" if name == "refund" else name for name in NAMES]
    report(fitted(TEXTS, names), TEXTS, names).save(folder / "r.html")
    return "<script>alert(1)" not in (folder / "r.html").read_text()
