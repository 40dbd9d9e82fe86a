"""Situations of `real_inputs.py`: an audit of everything beside `AnyShotClassifier`.

Regression, multitask learning, domain adaptation, zero-shot methods, evaluation, encoders, files of attributes and the
cache, each with its right behavior written down before the first run. Only the kinds that failed are kept.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.sparse import coo_matrix, csc_array
from situations import NAMES, TABLE, TEXTS, Holds, Situation, refuses, says, written
from sklearn.linear_model import LogisticRegression

from anyshot import AnyShotRegressor, FineTunedClassifier, MultitaskModel, VectorCache, encode_once, load_encoder
from anyshot.data import few_per_class, load_attributes, read_classes, write_table
from anyshot.data.attributes import attribute_table
from anyshot.domain_adaptation import CORAL, SourceModel, bbse_prior, em_prior, plot_domains
from anyshot.evaluation import (
    accuracy,
    cross_validate,
    effective_size,
    evaluate_answers,
    learning_curve,
    rates_by_group,
    wilson_interval,
)
from anyshot.zero_shot import ESZSL

NUMBER = 3 * TABLE["a"] - TABLE["b"]
SIGNS = pd.Series(np.where(TABLE["a"] > 0, "yes", "no"))
ROWS = pd.Series([0, 1] * 30)
SHUFFLED = np.random.default_rng(0).permutation(60)
OTHER = TABLE[["c", "b", "a"]]
PROBABILITIES = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])
CANDIDATES = np.array([[1.0, 0.0, 0.2], [0.0, 1.0, 0.1], [1.0, 1.0, 0.0]])


def add(holds: Holds) -> None:
    """Add the situations of this file."""
    for what, situation in [*_orders(), *_tables(), *_figures(), *_others()]:
        holds("ninth audit, other estimators", what)(situation)


def _orders() -> Iterator[tuple[str, Situation]]:
    """Rows of pandas in another order than those that they belong to."""
    order = "another order"
    for what, call in {
        "regression": lambda: AnyShotRegressor().fit(TABLE, NUMBER.iloc[SHUFFLED]),
        "multitask": lambda: MultitaskModel().fit(TABLE, {"n": NUMBER.iloc[SHUFFLED]}),
        "adaptation": lambda: CORAL().fit(TABLE, SIGNS.iloc[SHUFFLED], target=TABLE),
        "zero-shot": lambda: ESZSL().fit(TABLE, ROWS.iloc[SHUFFLED], class_vectors=CANDIDATES),
        "fine-tuning": lambda: FineTunedClassifier("minilm", method="probe").fit(
            pd.Series(TEXTS), pd.Series(NAMES).iloc[::-1]
        ),
        "evaluate_answers": lambda: evaluate_answers(np.array(["no", "yes"]), SIGNS, SIGNS.iloc[SHUFFLED]),
        "cross_validate": lambda: cross_validate(LogisticRegression(), TABLE, SIGNS.iloc[SHUFFLED]),
        "rates_by_group": lambda: rates_by_group(SIGNS, SIGNS, SIGNS.iloc[SHUFFLED]),
    }.items():
        yield f"labels in another order: {what}", lambda _, call=call: says(call, order)
    fit = "model.feature_names_in_"
    yield (
        "regression: columns in another order",
        lambda _: refuses(lambda: AnyShotRegressor().fit(TABLE, NUMBER).predict(OTHER), fit),
    )
    yield (
        "multitask: columns in another order",
        lambda _: refuses(lambda: MultitaskModel().fit(TABLE, {"n": NUMBER}).predict(OTHER), fit),
    )


def _tables() -> Iterator[tuple[str, Situation]]:
    X = TABLE.to_numpy()
    expected = AnyShotRegressor().fit(X, NUMBER).predict(X)
    for what, given in {
        "with gradients": torch.tensor(X, requires_grad=True),
        "sparse, csc": csc_array(X),
        "sparse, by coordinates": coo_matrix(X),
    }.items():
        yield (
            f"regression: a table {what}",
            lambda _, given=given: np.allclose(AnyShotRegressor().fit(given, NUMBER).predict(given), expected),
        )
    half = torch.tensor(X).bfloat16()
    yield "adaptation: tensors of half precision", lambda _: len(CORAL().fit(half, SIGNS, target=half).predict(half))
    yield (
        "regression: one feature as a column",
        lambda _: refuses(lambda: AnyShotRegressor().fit(TABLE["a"], NUMBER), "to_frame"),
    )
    yield (
        "multitask: one feature as an array",
        lambda _: refuses(lambda: MultitaskModel().fit(X[:, 0], {"n": NUMBER}), "x[:, None]"),
    )
    yield (
        "adaptation: numbers of 1e200",
        lambda _: refuses(lambda: SourceModel().fit(X * 1e200, SIGNS, target=X), "3.4e38", "row"),
    )
    yield (
        "zero-shot: names in place of rows",
        lambda _: refuses(lambda: ESZSL().fit(TABLE, SIGNS, class_vectors=CANDIDATES), "row 0", "names.index"),
    )
    yield (
        "zero-shot: a missing label",
        lambda _: (
            ESZSL().fit(TABLE, [None, *ROWS[1:]], class_vectors=CANDIDATES).seen_classes_.tolist() == [0, 1]
            and ESZSL().fit(TABLE, [np.nan, *ROWS[1:]], class_vectors=CANDIDATES).seen_classes_.tolist() == [0, 1]
        ),
    )
    yield (
        "zero-shot: a fraction as label",
        lambda _: refuses(lambda: ESZSL().fit(TABLE, [0.5, *ROWS[1:]], class_vectors=CANDIDATES), "row 0", "0.5"),
    )


def _figures() -> Iterator[tuple[str, Situation]]:
    yield "em_prior: percent", lambda _: refuses(lambda: em_prior(PROBABILITIES * 100, np.ones(3)), "row 0")
    yield (
        "em_prior: negative weights",
        lambda _: refuses(lambda: em_prior(PROBABILITIES, np.ones(3), weights=np.array([1.0, -1.0, 1.0])), "row 1"),
    )
    yield (
        "bbse_prior: a class that is not there",
        lambda _: refuses(lambda: bbse_prior(PROBABILITIES, [0, 1, 5], PROBABILITIES), "class 5"),
    )
    yield (
        "bbse_prior: a class without items",
        lambda _: refuses(lambda: bbse_prior(PROBABILITIES[:2], [0, 1], PROBABILITIES), "class 2"),
    )
    yield "wilson_interval: more right than items", lambda _: refuses(lambda: wilson_interval(5, 3), "5 of 3")
    yield "effective_size: negative weights", lambda _: refuses(lambda: effective_size(np.array([-1.0, 2.0])), "row 0")
    yield "accuracy: a missing label", lambda _: refuses(lambda: accuracy(["a", None], ["a", "b"]), "row 1")
    yield (
        "accuracy: a weight that is a text",
        lambda _: refuses(lambda: accuracy(["a", "b"], ["a", "b"], sample_weight=["1", "x"]), "numbers"),
    )
    yield (
        "cross_validate: two and a half folds",
        lambda _: refuses(lambda: cross_validate(LogisticRegression(), TABLE, SIGNS, n_folds=2.5), "n_folds"),
    )
    yield (
        "learning_curve: one seed twice",
        lambda _: refuses(lambda: learning_curve(LogisticRegression(), TABLE, SIGNS, shots=[2], seeds=[0, 0]), "seeds"),
    )


def _others() -> Iterator[tuple[str, Situation]]:
    yield "plot_domains: columns in another order", lambda _: refuses(lambda: plot_domains(TABLE, OTHER), "columns")
    yield (
        "attributes: decimal commas",
        lambda folder: np.allclose(
            load_attributes(
                written(folder, "a.csv", "class;size;coat\nhorse;1.000,5;TRUE\nzebra;1,25;FALSE\n")
            ).vectors,
            [[1000.5, 1], [1.25, 0]],
        ),
    )
    yield (
        "attributes: the classes in the last column",
        lambda folder: refuses(
            lambda: load_attributes(written(folder, "a.csv", "size,class\n1,horse\n2,zebra\n")), "class_column='class'"
        ),
    )
    yield (
        "attributes: yes and no",
        lambda _: refuses(
            lambda: attribute_table({"horse": {"coat": "yes"}, "zebra": {"coat": "no"}}), "'horse'", "'yes'"
        ),
    )
    yield "class names: a gap between commas", lambda _: refuses(lambda: read_classes("a,,b"), "empty name")
    yield "class names: a list", lambda _: refuses(lambda: read_classes(["a", "b"]), "list")  # type: ignore[arg-type]
    yield "few_per_class: one text", lambda _: refuses(lambda: few_per_class("aba", 1), "got one str")
    yield "stream: one text", lambda _: refuses(lambda: load_encoder("minilm").stream("hello"), "[text]")
    yield (
        "images: channels first",
        lambda _: refuses(
            lambda: load_encoder("efficientnet-lite0").encode([np.zeros((3, 32, 32), np.uint8)]), "row 0", "transpose"
        ),
    )
    yield (
        "images: truth values",
        lambda _: refuses(
            lambda: load_encoder("efficientnet-lite0").encode([np.zeros((32, 32), bool)]), "row 0", "255"
        ),
    )
    yield (
        "an encoder that returns texts",
        lambda _: refuses(lambda: _encoded(lambda n: np.array([["a", "b"]] * n)), "numbers"),
    )
    yield (
        "an encoder that returns tensors with gradients",
        lambda _: np.allclose(_encoded(lambda n: torch.ones(n, 2, requires_grad=True)), 0.5**0.5),
    )
    yield (
        "cache: fewer vectors than keys",
        lambda folder: refuses(
            lambda: VectorCache(folder).put_many([b"a" * 32, b"b" * 32], np.ones((1, 2), np.float32)), "2 keys"
        ),
    )
    yield (
        "cache: short keys",
        lambda folder: refuses(lambda: VectorCache(folder).put_many([b"a"], np.ones((1, 2), np.float32)), "32 bytes"),
    )
    yield "cache: in the home folder", lambda _: VectorCache("~/x").folder == Path.home() / "x"
    yield (
        "two columns of one name in a file",
        lambda folder: refuses(
            lambda: write_table(pd.DataFrame([[1, 2]], columns=["a", "a"]), folder / "a.csv"), "'a'"
        ),
    )


class _Encoder:
    modality, width = "text", 2

    def __init__(self, answer: Callable[[int], object]) -> None:
        self.answer = answer

    def encode(self, texts: list[str]) -> object:
        return self.answer(len(texts))


def _encoded(answer: Callable[[int], object]) -> object:
    return encode_once(_Encoder(answer), ["a", "b"], cache=None)  # type: ignore[arg-type]
