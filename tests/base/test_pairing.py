"""Items and their labels: a warning of pandas indexes that name the same rows in another order."""

import warnings

import numpy as np
import pandas as pd
import pytest

from anyshot import AnyShotRegressor, FineTunedClassifier, MultitaskModel
from anyshot.base.pairing import warn_of_order
from anyshot.domain_adaptation import CORAL
from anyshot.errors import InputError
from anyshot.zero_shot import ESZSL

TABLE = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 1.0, 0.5]})
SHUFFLED = pd.Series([0, 1, 0, 1], index=[2, 0, 3, 1])


@pytest.mark.parametrize("first", [[2, 0, 1], range(3), [0, 1, 2]])
def test_another_order_of_the_same_rows_is_said(first):
    texts = pd.Series(["a", "b", "c"], index=first)
    with pytest.warns(UserWarning, match=r"name the same rows in another order.*labels.loc\[items.index\]") as found:
        warn_of_order(texts, texts.iloc[[1, 2, 0]])
    assert found[0].filename == __file__


def test_the_same_order_other_rows_and_columns_without_an_index_are_taken():
    texts = pd.Series(["a", "b", "c"], index=[2, 0, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for labels in (texts, texts.set_axis([5, 6, 7]), list(texts), texts.to_numpy(), texts[:2]):
            warn_of_order(texts, labels)


@pytest.mark.parametrize(
    "fit",
    [
        lambda y: AnyShotRegressor().fit(TABLE, y),
        lambda y: AnyShotRegressor().fit(TABLE, [1.0, 2.0, 3.0, 4.0]).evaluate(TABLE, y),
        lambda y: AnyShotRegressor().fit(TABLE[:1], [1.0], source=(TABLE, y)),
        lambda y: MultitaskModel(tasks={"t": "classification"}).fit(TABLE, {"t": y}),
        lambda y: CORAL().fit(TABLE, y, target=TABLE),
        lambda y: ESZSL().fit(TABLE, y, class_vectors=np.eye(3)),
    ],
    ids=["regression", "evaluate", "source", "tasks", "adaptation", "zero-shot"],
)
def test_every_estimator_of_tables_warns_once(fit):
    with pytest.warns(UserWarning, match="in another order") as found:
        fit(SHUFFLED)
    assert sum("in another order" in str(one.message) for one in found) == 1


def test_an_estimator_with_a_network_warns():
    with pytest.warns(UserWarning, match="in another order"), pytest.raises(InputError, match="epochs"):
        FineTunedClassifier("minilm", epochs=0).fit(pd.Series(["one", "two", "three", "four"]), SHUFFLED)
