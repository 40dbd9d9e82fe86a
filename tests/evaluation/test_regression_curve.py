"""The error by how many labels a model has learned from."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.regression_curve import number_curve
from anyshot.tasks.regression import AnyShotRegressor


def rows(n, *, seed=0):
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, 4))
    return X, X @ [1.0, 2.0, 0.0, -1.0] + 0.3 * random.normal(size=n)


def test_sizes_end_with_all_labels_and_that_fit_is_made_once():
    X, y = rows(30)
    curve = number_curve(LinearRegression(), X, y, *rows(50, seed=1), sizes=(5, 10, 100), seeds=3)
    assert curve.scores.groupby("labels").size().to_dict() == {5: 3, 10: 3, 30: 1}
    table = curve.summary()
    assert table["mean"].is_monotonic_decreasing
    assert np.isnan(table["sd"].iloc[-1])


def test_a_model_that_has_a_source_is_measured_without_a_label_too():
    model = AnyShotRegressor().fit(*rows(5), source=rows(60, seed=2))
    curve = number_curve(model, *rows(20), *rows(50, seed=1), sizes=(0, 5), seeds=2)
    assert curve.scores.groupby("labels").size().to_dict() == {0: 1, 5: 2, 20: 1}
    assert curve.summary()["mean"].iloc[0] < 1.0
    alone = number_curve(AnyShotRegressor().fit(*rows(5)), *rows(20), *rows(9, seed=1), sizes=(0, 5), seeds=1)
    assert alone.scores["labels"].min() == 5


def test_items_without_a_number_are_neither_learned_from_nor_tested_on():
    X, y = rows(12)
    y[:4] = np.nan
    curve = number_curve(LinearRegression(), X, y, X, y, sizes=(5,), seeds=1)
    assert curve.scores["labels"].max() == 8
    assert curve.n_test == 8


def test_too_few_numbers_are_refused():
    X, y = rows(3)
    with pytest.raises(NotEnoughLabelsError, match="there are 1 and 3"):
        number_curve(LinearRegression(), X, [1.0, None, None], X, y)
    with pytest.raises(InputError, match="One number an item"):
        number_curve(LinearRegression(), X, y[:2], X, y)
