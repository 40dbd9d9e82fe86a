"""Labels of any library, and labels that are missing, doubtful or of a wrong shape."""

import enum
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression

from anyshot import AnyShotRegressor, FineTunedClassifier, MultitaskModel, few_per_class, load
from anyshot.domain_adaptation import CORAL
from anyshot.errors import AnyshotError
from anyshot.evaluation import cross_validate, evaluate_answers, rates_by_group
from anyshot.zero_shot import ESZSL
from situations.libraries import INDEX_OF_LIBRARIES
from situations.situation import CAFES, INDEX, NAMES, SIGNS, TABLE, TEXTS, Subject, fitted, refuses, says

holds = Subject("labels")

# --- labels of any library -------------------------------------------------------------------------------------------

holds.each("labels as {}: the classes are 0 and 1", INDEX_OF_LIBRARIES)(
    lambda _, y: fitted(TEXTS, y).classes_.tolist() == [0, 1]
)
holds.each("labels as {}, evaluate: all are counted", INDEX_OF_LIBRARIES)(
    lambda _, y: fitted(TEXTS, INDEX).evaluate(TEXTS, y).n == 12
)
holds.each("labels as {}, few_per_class: one item of each class", INDEX_OF_LIBRARIES)(
    lambda _, y: len(few_per_class(y, 1)) == 2
)
holds("labels of bytes: the classes are texts")(
    lambda _: fitted(TEXTS, [name.encode() for name in NAMES]).score(TEXTS, NAMES) == 1
)
holds.each("large labels beside a gap, of type {}: not rounded", ("Int64", "int64[pyarrow]"))(
    lambda _, kind: (
        fitted(TEXTS[:3], pd.Series([2**53, None, 2**53 + 1], dtype=kind)).classes_.tolist() == [2**53, 2**53 + 1]
    )
)
holds.refused("large labels beside a gap, as floats: refused, with dtype", "dtype")(
    lambda _: fitted(TEXTS[:2], pd.Series([2**53 + 1, None]))
)
Kind = enum.Enum("Kind", {"REFUND": "refund", "DELIVERY": "delivery"}, type=str)
holds("labels of an Enum of texts: the texts are the classes")(
    lambda _: fitted(TEXTS, [Kind(name) for name in NAMES]).predict(TEXTS[:1]).tolist() == ["refund"]
)
PlainKind = enum.Enum("PlainKind", ["refund", "delivery"])
holds.refused("members of an Enum as labels: refused by row, with label.value", "Row 0", "label.value")(
    lambda _: fitted(y=[*PlainKind] * 6)
)
CATEGORIES = pd.Series(pd.Categorical([*NAMES[:-1], None], categories=["other", "refund", "delivery"]))
holds("a categorical with a missing value and an unused category: the classes are those in use")(
    lambda _: fitted(TEXTS, CATEGORIES).classes_.tolist() == ["delivery", "refund"]
)
UNUSED = pd.Categorical(NAMES, ["refund", "delivery", "login"])
holds("a categorical with an unused category: the classes are those in use")(
    lambda _: fitted(y=UNUSED).classes_.tolist() == ["delivery", "refund"]
)
holds("a dictionary column of Arrow with a gap: the gap is no class")(
    lambda _: (
        fitted(TEXTS, pa.array([*NAMES[:-1], None]).dictionary_encode()).classes_.tolist() == ["delivery", "refund"]
    )
)
holds("an Enum of polars: learned")(
    lambda _: fitted(pl.Series(TEXTS), pl.Series(NAMES, dtype=pl.Enum(["refund", "delivery"]))).score(TEXTS, NAMES) == 1
)
LARGE = [2**63 + 1, 2**63 + 3, -1]
holds("integers beyond 64 bits beside negative ones: kept")(
    lambda _: fitted(TEXTS[1:4], LARGE).classes_.tolist() == sorted(LARGE)
)
NUMBERS = [Decimal(i + 1) for i in INDEX]
holds("Decimals as labels: the classes are whole numbers")(
    lambda _: fitted(y=NUMBERS).predict(TEXTS).tolist() == [i + 1 for i in INDEX]
)
SCORES = pd.Series([1.0 if i else 0.0 for i in INDEX])
SCORES[3] = np.nan
holds("floats of a column with a gap: the classes are 0 and 1")(
    lambda _: fitted(TEXTS, SCORES).classes_.tolist() == [0, 1]
)


@holds("intervals of pandas.cut as labels: the classes are their texts, or refused")
def _(_: Path) -> object:
    bins = pd.cut(TABLE["a"], [-9, 0, 9])
    with suppress(AnyshotError):
        return {str(one) for one in fitted(TABLE, bins).predict(TABLE)} == {"(-9, 0]", "(0, 9]"}
    return True


@holds("booleans as labels: answered as booleans, also after load")
def _(folder: Path) -> object:
    clf = fitted(y=[bool(one) for one in INDEX])
    clf.save(folder / "m")
    return clf.predict(TEXTS).dtype == bool and load(folder / "m").predict(TEXTS).tolist() == [bool(i) for i in INDEX]


# --- labels of another shape -----------------------------------------------------------------------------------------

holds("labels as a table of one column: learned")(
    lambda _: fitted(y=pd.DataFrame({"label": NAMES})).predict(TEXTS).tolist() == NAMES
)
holds("labels of shape (n, 1): learned")(lambda _: fitted(y=np.array(INDEX).reshape(-1, 1)).score(TEXTS, INDEX) == 1)
holds.refused("labels as a table of two columns: refused, with both names", "One column", "s, t")(
    lambda _: fitted(TABLE, pd.DataFrame({"s": SIGNS, "t": SIGNS}))
)
holds.refused("one-hot labels as an array: refused", "label")(lambda _: fitted(TEXTS, np.eye(2, dtype=int)[INDEX]))
holds.refused("one-hot labels as a table: refused, with idxmax(axis=1)", "idxmax(axis=1)")(
    lambda _: fitted(y=pd.get_dummies(pd.Series(NAMES)))
)
holds.refused("sparse labels: refused, with y.toarray()", "y.toarray()")(
    lambda _: fitted(y=csr_array(np.eye(12)[:, :1]))
)
TAGS = [["refund", "angry"], ["refund"], ["delivery"], ["delivery", "late"]] * 3
holds.refused("lists of tags as labels: refused", "label")(lambda _: fitted(TEXTS, TAGS))
SEVERAL = [*NAMES[:2], '{"choices": ["refund", "delivery"]}', *NAMES[3:]]
holds.refused("several labels in one text of JSON: refused by row", "row 2", "one label")(lambda _: fitted(y=SEVERAL))
JOINED = ["refund;delivery", *NAMES[1:]]
holds.warned("two labels in one, with a semicolon: warned of", "'refund;delivery'", "other labels")(
    lambda _: fitted(y=JOINED)
)
SHARED = [*NAMES, "refund, urgent", "delivery, urgent"]
holds.warned("two labels in one, one of them no class alone: warned of", "'delivery, urgent' and", "other labels")(
    lambda _: fitted([*TEXTS, "quick", "now"], SHARED)
)
holds.refused("one label more than items: refused, with both numbers", "12", "13")(
    lambda _: fitted(y=[*NAMES, "refund"])
)

# --- missing labels --------------------------------------------------------------------------------------------------

MASKED = np.ma.MaskedArray([*INDEX[:-1], 99], mask=[False] * 11 + [True])
holds("a masked array of labels: masked ones are no labels")(
    lambda _: fitted(TEXTS, MASKED).classes_.tolist() == [0, 1]
)
holds("a masked array of labels, evaluate: masked ones are not counted")(
    lambda _: fitted(TEXTS, INDEX).evaluate(TEXTS, MASKED).n == 11
)
MASKED_IN_LIST = [*NAMES[:-1], np.ma.masked]
holds("a masked label in a list: no label")(
    lambda _: fitted(y=MASKED_IN_LIST).classes_.tolist() == ["delivery", "refund"]
)
holds.each("a label that is {}: no label", (np.longdouble("nan"), Decimal("sNaN")))(
    lambda _, gap: len(fitted(y=[gap, *NAMES[1:]]).training_examples()[1]) == 11
)
holds.refused("an empty label: refused by row, with None", "row 2", "None")(
    lambda _: fitted(y=[*NAMES[:2], "", *NAMES[3:]])
)
holds.warned('a label "nan", as astype(str) writes it: warned of, with None', "'nan'", "None")(
    lambda _: fitted(y=["nan", *NAMES[1:]])
)
holds.warned('a label "NA", as R writes it: warned of as a class', "'NA' counts as a class")(
    lambda _: fitted(y=["NA", *NAMES[1:]])
)
holds.each("a label written as {}: warned of, with None", ("N/A", "#N/A", "null", "-", "?"))(
    lambda _, missing: says(lambda: fitted(y=[missing, *NAMES[1:]]), repr(missing), "None")
)
holds.each("a label written as {}: named as maybe missing", [".", "--", "k.A.", "(blank)"])(
    lambda _, mark: says(lambda: fitted([*TEXTS, "hello", "bye"], [*NAMES, mark, mark]), f"'{mark}' counts as a class")
)

# --- labels that look alike, or contradict each other ----------------------------------------------------------------

LATIN = ["credit" if name == "refund" else name for name in NAMES]
holds.each(
    "classes that differ in {}: warned of",
    {"case": "Credit", "a Cyrillic letter": "\u0441redit", "wide letters": "\uff43redit"},
)(lambda _, other: says(lambda: fitted(y=[other, *LATIN[1:]]), "look alike", repr(other)))
holds.each('a label {} for the class "café": taken for it', CAFES)(
    lambda _, name: (
        fitted(["a b", "c d"], [name, "bar"], classes=["caf\u00e9", "bar"]).classes_.tolist() == ["bar", "caf\u00e9"]
    )
)
holds.warned('labels 1 and "1": warned of', "look alike", "whole number")(lambda _: fitted(y=[1, "1", 2, "2"] * 3))
holds.warned("truth values and numbers as labels: warned of", "truth values")(
    lambda _: fitted(y=[True, False, 1, 0] * 3)
)
holds.warned("one text with two labels: warned of", TEXTS[0], "another label")(
    lambda _: fitted([*TEXTS, TEXTS[0]], [*NAMES, "delivery"])
)

# --- rows of pandas in another order ---------------------------------------------------------------------------------

SHUFFLED_TEXTS = pd.Series(TEXTS).sample(frac=1, random_state=0)
IN_ORDER = pd.Series(NAMES).sample(frac=1, random_state=0).sort_index()
holds.warned("items and labels whose indexes have another order: warned of, with .loc", "another order", ".loc")(
    lambda _: fitted(SHUFFLED_TEXTS, IN_ORDER)
)
SHUFFLED = pd.Series(TEXTS, index=range(11, -1, -1))
holds("items and labels whose indexes have another order: paired by position")(
    lambda _: fitted(SHUFFLED, pd.Series(NAMES)).score(TEXTS, NAMES) == 1
)
PERMUTATION = np.random.default_rng(0).permutation(60)
ANSWERS = pd.Series(SIGNS)
NUMBER = TABLE["a"].iloc[PERMUTATION]
ANSWERS_IN_ANOTHER_ORDER = ANSWERS.iloc[PERMUTATION]
ROWS_OF_CLASSES = pd.Series([0, 1] * 30).iloc[PERMUTATION]
holds.each(
    "labels in another order of rows, {}: warned of",
    {
        "regression": lambda: AnyShotRegressor().fit(TABLE, NUMBER),
        "multitask": lambda: MultitaskModel().fit(TABLE, {"n": NUMBER}),
        "adaptation": lambda: CORAL().fit(TABLE, ANSWERS_IN_ANOTHER_ORDER, target=TABLE),
        "zero-shot": lambda: ESZSL().fit(TABLE, ROWS_OF_CLASSES, class_vectors=np.eye(3)),
        "fine-tuning": lambda: FineTunedClassifier("minilm", method="probe").fit(
            pd.Series(TEXTS), pd.Series(NAMES).iloc[::-1]
        ),
        "evaluate_answers": lambda: evaluate_answers(np.array(["no", "yes"]), ANSWERS, ANSWERS_IN_ANOTHER_ORDER),
        "cross_validate": lambda: cross_validate(LogisticRegression(), TABLE, ANSWERS_IN_ANOTHER_ORDER),
        "rates_by_group": lambda: rates_by_group(ANSWERS, ANSWERS, ANSWERS_IN_ANOTHER_ORDER),
    },
)(lambda _, call: says(call, "another order"))

# --- few_per_class ---------------------------------------------------------------------------------------------------

holds.refused("few_per_class of one text: refused", "got one str")(lambda _: few_per_class("aba", 1))
holds("few_per_class with k=2.5 or k=-1: refused")(
    lambda _: refuses(lambda: few_per_class(NAMES, 2.5), "k") and refuses(lambda: few_per_class(NAMES, -1), "k")
)

# --- numbers as labels -----------------------------------------------------------------------------------------------

holds.refused("numbers with fractions as labels: refused, with AnyShotRegressor", "AnyShotRegressor")(
    lambda _: fitted(TABLE, TABLE["a"])
)
