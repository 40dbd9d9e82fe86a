"""Situations of `real_inputs.py`: a sixth audit, inputs of the Python interface, by someone who had not written it.

The right value of each was written down before the first run; here are those that failed, and their neighbors.
"""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from situations import NAMES, SIGNS, TABLE, TEXTS, Holds, Situation, fitted, refuses, says
from sklearn.linear_model import LogisticRegression

from anyshot import (
    AnyShotClassifier,
    AnyShotRegressor,
    FineTunedClassifier,
    MultitaskModel,
    VectorCache,
    evaluate_answers,
    learning_curve,
    report,
)
from anyshot.data.attributes import attribute_table
from anyshot.domain_adaptation import CORAL
from anyshot.evaluation.class_splits import zero_shot_figures
from anyshot.evaluation.fairness import accuracy_by_group

RANDOM = np.random.default_rng(5)
EVEN = np.arange(60) % 2 == 0


def add(holds: Holds) -> None:
    """Add the situations of this file."""
    for what, situation in [*_labels(), *_tables(), *_figures(), *_arguments()]:
        holds("sixth audit", what)(situation)


def _labels() -> Iterator[tuple[str, Situation]]:
    latin = ["credit" if name == "refund" else name for name in NAMES]
    for what, other in {"case": "Credit", "a Cyrillic letter": "\u0441redit", "wide letters": "\uff43redit"}.items():
        yield (
            f"classes that differ in {what}",
            lambda _, other=other: says(lambda: fitted(y=[other, *latin[1:]]), "look alike", repr(other)),
        )
    yield "labels 1 and '1'", lambda _: says(lambda: fitted(y=[1, "1", 2, "2"] * 3), "look alike", "whole number")
    yield (
        "tasks whose classes look alike",
        lambda _: says(lambda: MultitaskModel().fit(TABLE[:3], {"t": ["a", "A", "b"]}), "look alike"),
    )
    yield "missing labels by astype(str)", lambda _: says(lambda: fitted(y=["nan", *NAMES[1:]]), "'nan'", "None")
    yield "numbers with fractions", lambda _: refuses(lambda: fitted(TABLE, TABLE["a"]), "AnyShotRegressor")
    yield (
        "numbers with fractions, fine-tuning",
        lambda _: refuses(lambda: FineTunedClassifier("minilm").fit(TEXTS, np.arange(12) / 8), "AnyShotRegressor"),
    )
    yield (
        "two columns of labels",
        lambda _: refuses(lambda: fitted(TABLE, pd.DataFrame({"s": SIGNS, "t": SIGNS})), "One column", "s, t"),
    )
    yield "texts and labels exchanged", lambda _: says(lambda: fitted(NAMES, _distinct()), "exchanged")
    yield (
        "one text with two labels",
        lambda _: says(lambda: fitted([*TEXTS, TEXTS[0]], [*NAMES, "delivery"]), TEXTS[0], "another label"),
    )
    yield (
        "one text with another label in a later call, which replaces the earlier one",
        lambda _: fitted().partial_fit(TEXTS[:1], ["delivery"]).training_examples()[1].count("refund") == 3,
    )
    yield (
        "labels True, answers 'True'",
        lambda _: refuses(
            lambda: evaluate_answers(np.array([False, True]), [True, False], ["True", "False"]), "truth value", "text"
        ),
    )
    yield (
        "a label of a task that is a list",
        lambda _: refuses(lambda: MultitaskModel().fit(TABLE, {"mood": [["a", "b"]] * 60}), "'mood'", "row 0"),
    )


def _distinct() -> list[str]:
    return [f"{text} {row}" for row, text in enumerate(TEXTS)]


def _tables() -> Iterator[tuple[str, Situation]]:
    numbered = TABLE.assign(zip=["01234" if even else "05678" for even in EVEN])
    cities = TABLE.assign(city=["Bonn" if even else "Trier" for even in EVEN])
    target = np.where(EVEN, 10.0, 0.0)
    for what, table, other in (
        ("codes that become numbers", numbered, numbered.assign(zip=numbered["zip"].astype(int))),
        ("categories in capitals", cities, cities.assign(city=cities["city"].str.upper())),
    ):
        yield (
            what,
            lambda _, table=table, other=other: says(
                lambda: AnyShotRegressor().fit(table, target).predict(other), "no value that it had in `fit`"
            ),
        )
        yield (
            f"{what}, classifier",
            lambda _, table=table, other=other: says(
                lambda: fitted(table, EVEN.tolist(), encoder="table").predict(other), "no value that it had in `fit`"
            ),
        )
    fits: dict[str, Callable[[Any], object]] = {
        "AnyShotRegressor": lambda X: AnyShotRegressor().fit(X, np.arange(len(X))),
        "MultitaskModel": lambda X: MultitaskModel().fit(X, {"t": [0.5 * row for row in range(len(X))]}),
        "CORAL": lambda X: CORAL().fit(X, np.arange(len(X)) % 2),
    }
    for name, fit in fits.items():
        yield f"rows of other lengths, {name}", lambda _, fit=fit: refuses(lambda: fit([[1, 2], [3, 4], [5]]), "row 2")
        yield f"a dict, {name}", lambda _, fit=fit: refuses(lambda: fit(TABLE.to_dict("list")), "pandas.DataFrame")
        yield f"texts, {name}", lambda _, fit=fit: refuses(lambda: fit(TEXTS), "encode")

    gap = TABLE.assign(a=TABLE["a"].where(TABLE.index != 3))
    for name, model in {
        "MultitaskModel": MultitaskModel().fit(TABLE, {"t": SIGNS}),
        "CORAL": CORAL().fit(TABLE, SIGNS, target=TABLE),
        "AnyShotRegressor": AnyShotRegressor().fit(TABLE.to_numpy(), TABLE["a"]),
    }.items():
        rows = gap.to_numpy() if name == "AnyShotRegressor" else gap
        yield (
            f"a gap only at predict, {name}",
            lambda _, model=model, rows=rows: refuses(lambda: model.predict(rows), "NaN", "row 3"),
        )
    ragged = pd.Series([[1.0, 2.0], [2.0, 1.0], [3.0]])
    yield "a column of vectors of other lengths", lambda _: refuses(lambda: fitted(ragged, ["a", "b", "a"]), "row 2")
    yield (
        "attributes in words",
        lambda _: refuses(lambda: attribute_table({"cat": {"hooves": "no"}, "cow": {"hooves": "yes"}}), "hooves"),
    )
    yield (
        "a source that predicts names",
        lambda _: refuses(
            lambda: AnyShotRegressor().fit(TABLE, TABLE["a"], source=LogisticRegression().fit(TABLE, SIGNS)), "source"
        ),
    )


def _figures() -> Iterator[tuple[str, Situation]]:
    model = LogisticRegression().fit(TABLE, SIGNS)
    sure = pd.DataFrame(model.predict_proba(TABLE), columns=model.classes_)
    yield (
        "evaluated on the training items",
        lambda _: "12 of the 12 test items equal training items" in str(fitted().evaluate(TEXTS, NAMES)),
    )
    yield (
        "the same, a table",
        lambda _: "training items" in str(fitted(TABLE, SIGNS).evaluate(TABLE[:9], SIGNS[:9])),
    )
    yield (
        "a report on the training items",
        lambda _: "60 of the 60" in report(model, TABLE, SIGNS, train=(TABLE, SIGNS)).warnings[0],
    )
    yield (
        "a learning curve on the training items",
        lambda _: "60 of the 60" in str(learning_curve(model, TABLE, SIGNS, TABLE, SIGNS, shots=[5], seeds=1)),
    )
    yield (
        "probabilities with columns in another order",
        lambda _: (
            evaluate_answers(model.classes_, SIGNS, model.predict(TABLE), sure[["yes", "no"]]).log_loss
            == evaluate_answers(model.classes_, SIGNS, model.predict(TABLE), sure).log_loss
        ),
    )
    yield (
        "classes of evaluate_answers in a list",
        lambda _: evaluate_answers(["a", "b"], ["a", "b"], ["a", "a"]).accuracy == 0.5,
    )
    yield (
        "correct answers as texts",
        lambda _: refuses(lambda: accuracy_by_group(["True", "False"], ["a", "b"]), "True or False"),
    )
    yield (
        "seen classes, labels as names",
        lambda _: refuses(lambda: zero_shot_figures(np.eye(2), ["a", "b"], [True, False]), "whole numbers"),
    )
    yield (
        "groups that are ages",
        lambda _: refuses(
            lambda: report(model, TABLE, SIGNS, groups={"age": RANDOM.uniform(18, 90, 60)}), "pandas.cut"
        ),
    )
    yield (
        "seen classes as numbers",
        lambda _: refuses(lambda: zero_shot_figures(RANDOM.normal(size=(8, 4)), np.arange(8) % 4, [0, 1]), "np.isin"),
    )


def _arguments() -> Iterator[tuple[str, Situation]]:
    yield (
        "classes= is a table",
        lambda _: refuses(
            lambda: AnyShotClassifier(pd.DataFrame(np.eye(3), ["x", "y", "z"], ["a", "b", "c"])).fit(), "One column"
        ),
    )
    described = pd.Series({"billing": "charges", "delivery": "parcels"})
    yield (
        "classes= is a Series of descriptions",
        lambda _: refuses(lambda: AnyShotClassifier(described).fit(), "to_dict"),
    )
    yield "photos in memory", _in_memory
    yield (
        "a list of models",
        lambda _: refuses(lambda: learning_curve([AnyShotClassifier()], TABLE, SIGNS, TABLE, SIGNS), "{name"),
    )
    yield (
        "another word than 'rest'",
        lambda _: refuses(lambda: learning_curve(AnyShotClassifier(), TABLE, SIGNS, unlabeled="all"), "'rest'"),
    )
    yield "the limit of a cache as text", lambda f: refuses(lambda: VectorCache(f, limit="2GB"), "MB")
    yield "a seed that is a text", lambda _: refuses(lambda: fitted(random_state="42"), "random_state")
    yield (
        "fine-tuning on {class: texts}",
        lambda _: (
            FineTunedClassifier("minilm", epochs=1, freeze_at=-1)
            .fit({"refund": TEXTS[:2], "delivery": TEXTS[2:4]})
            .classes_.tolist()
            == ["delivery", "refund"]
        ),
    )


def _in_memory(_: Path) -> bool:
    file = io.BytesIO()
    Image.new("RGB", (9, 9)).save(file, "PNG")
    return refuses(lambda: fitted([file] * 2, ["a", "b"]), "BytesIO", "row 0")
