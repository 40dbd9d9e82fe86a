"""Situations of `real_inputs.py`: a third audit, tables and other estimators, from bug reports of other tools.

The situations "a year beside numbers from 0 to 1", "numbers with a large offset" and "numbers of 1e-300" are neighbors
that were found while a failure was mended.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from real_reports import HALF, taken_or_refused
from situations import NAMES, SIGNS, TABLE, TEXTS, Holds, Situation, fitted, refuses
from sklearn.inspection import permutation_importance
from sklearn.model_selection import cross_validate

from anyshot import AnyShotClassifier, AnyShotRegressor, FineTunedClassifier, MultitaskModel, domain_gap
from anyshot.domain_adaptation import CORAL, adapt_or_not
from anyshot.zero_shot import ESZSL

RANDOM = np.random.default_rng(3)


def add(holds: Holds) -> None:
    """Add the situations of this file."""
    for what, situation in [*_tables(), *_others()]:
        holds("third audit, tables", what)(situation)


# --- tables ----------------------------------------------------------------------------------------------------------


def _tables() -> Iterator[tuple[str, Situation]]:
    constant = TABLE.assign(d=5.0)
    yield (
        "a constant column that changes at predict",
        lambda _: (
            np.isfinite(fitted(constant, SIGNS).predict_proba(constant.assign(d=6.0))).all()
            and fitted(constant, SIGNS).score(constant.assign(d=6.0), SIGNS) > 0.9
        ),
    )
    yield (
        "numbers of 1e300",
        lambda _: taken_or_refused(lambda: fitted(TABLE * 1e300, SIGNS).score(TABLE * 1e300, SIGNS) > 0.9, "'a'"),
    )
    yield "a question mark for a missing number", lambda _: _question_mark()
    yield "dates with a time zone", _zones
    yield (
        "a text column beside numbers",
        lambda _: taken_or_refused(
            lambda: AnyShotClassifier().fit(TABLE.assign(t=[f"note {i} of it" for i in range(60)]), SIGNS), "'t'"
        ),
    )
    yield "a year beside numbers from 0 to 1", lambda _: _learned(TABLE.assign(year=range(1960, 2020)))
    yield "numbers with a large offset", lambda _: _learned(TABLE + 1e9)
    yield "numbers of 1e-300", lambda _: _learned(TABLE * 1e-300)
    yield "permutation_importance", lambda _: permutation_importance(
        fitted(TABLE, SIGNS), TABLE, SIGNS, n_repeats=2, random_state=0
    ).importances_mean.argmax() == 0  # fmt: skip
    yield (
        "cross_validate with several scorers",
        lambda _: (
            cross_validate(AnyShotClassifier(), TABLE, SIGNS, scoring=["accuracy", "f1_macro"], cv=3)[
                "test_f1_macro"
            ].min()
            > 0.7
        ),
    )
    yield (
        "numbers and texts as names of columns",
        lambda _: taken_or_refused(
            lambda: fitted(TABLE.rename(columns={"a": 0}), SIGNS).score(TABLE.rename(columns={"a": 0}), SIGNS) > 0.9,
            "column",
        ),
    )


def _learned(table: pd.DataFrame) -> bool:
    return bool(fitted(table, SIGNS).score(table, SIGNS) > 0.9)


def _question_mark() -> bool:
    """As files of the UCI repository have it: a gap, or refused by the column's name."""
    days = pd.Series([str(value) for value in range(101)], dtype=object)
    target, column = np.arange(101.0), days.where(days != "50", "?")
    x, last = pd.DataFrame({"x": column}), pd.DataFrame({"x": ["100"]})
    return taken_or_refused(lambda: abs(AnyShotRegressor().fit(x, target).predict(last)[0] - 100) < 5, "'x'")


def _zones(_: Path) -> bool:
    days = pd.DataFrame({"x": pd.date_range("2020-01-01", periods=101, tz="Europe/Berlin")})
    return bool(abs(AnyShotRegressor().fit(days, np.arange(101.0)).predict(days)[100] - 100) < 5)


# --- other estimators ------------------------------------------------------------------------------------------------


def _others() -> Iterator[tuple[str, Situation]]:
    number = TABLE["a"].to_numpy()
    yield (
        "regression: numbers as texts in the targets",
        lambda _: taken_or_refused(
            lambda: AnyShotRegressor().fit(TABLE, [str(one) for one in number]).score(TABLE, number) > 0.9, "0"
        ),
    )
    yield (
        "regression: infinity in the targets",
        lambda _: refuses(lambda: AnyShotRegressor().fit(TABLE, [np.inf, *number[1:]]), "row 0"),
    )
    yield (
        "regression: two columns of targets",
        lambda _: taken_or_refused(
            lambda: AnyShotRegressor().fit(TABLE, TABLE[["a", "b"]]).predict(TABLE).shape == (60, 2), "MultitaskModel"
        ),
    )
    yield "multitask: targets in a table with gaps", lambda _: MultitaskModel().fit(
        TABLE, pd.DataFrame({"s": [None, *SIGNS[1:]], "n": [np.nan, *number[1:]]})
    ).predict(TABLE)["s"].tolist()[1:] == SIGNS[1:].tolist()  # fmt: skip
    yield (
        "multitask: a task without any label",
        lambda _: refuses(lambda: MultitaskModel().fit(TABLE, {"s": SIGNS, "empty": [None] * 60}), "'empty'"),
    )
    yield "multitask: one list in place of tasks", lambda _: refuses(lambda: MultitaskModel().fit(TABLE, SIGNS), "{")
    yield (
        "multitask: tasks= names another task",
        lambda _: refuses(lambda: MultitaskModel(tasks={"size": "regression"}).fit(TABLE, {"s": SIGNS}), "size"),
    )
    yield (
        "fine-tuning: one class only",
        lambda _: refuses(lambda: FineTunedClassifier("minilm", epochs=1).fit(TEXTS, ["refund"] * 12), "class"),
    )
    yield (
        "fine-tuning: a missing text",
        lambda _: refuses(lambda: FineTunedClassifier("minilm", epochs=1).fit([None, *TEXTS[1:]], NAMES), "row 0"),
    )
    yield (
        "fine-tuning: half an emoji",
        lambda _: taken_or_refused(
            lambda: len(FineTunedClassifier("minilm", epochs=1).fit([HALF, *TEXTS[1:]], NAMES).predict([HALF])) == 1,
            "0",
        ),
    )
    vectors = RANDOM.normal(size=(3, 5))
    yield (
        "zero-shot: a gap in the class vectors",
        lambda _: refuses(
            lambda: ESZSL().fit(TABLE, RANDOM.integers(0, 2, 60), class_vectors=np.where(vectors > 1, np.nan, vectors)),
            "class_vectors",
        ),
    )
    yield (
        "zero-shot: a label without a class vector",
        lambda _: refuses(lambda: ESZSL().fit(TABLE, np.arange(60) % 4, class_vectors=vectors), "3"),
    )
    other = TABLE[["b", "a", "c"]]
    yield (
        "adaptation: a target of other columns",
        lambda _: refuses(lambda: CORAL().fit(TABLE, SIGNS, target=TABLE[["a", "b"]]), "columns"),
    )
    yield "domain_gap: columns in another order", lambda _: refuses(lambda: domain_gap(TABLE, other), "order")
    yield (
        "adapt_or_not: columns in another order",
        lambda _: refuses(lambda: adapt_or_not({"CORAL": CORAL()}, TABLE, SIGNS, target=other), "order"),
    )
    yield (
        "adaptation: a gap in the target, by row",
        lambda _: refuses(
            lambda: CORAL().fit(TABLE, SIGNS, target=TABLE.assign(a=[np.nan, *TABLE["a"][1:]])), "target", "0"
        ),
    )
