"""Weights of the rows of AnyShotRegressor."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_validate

from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.tasks.regression import AnyShotRegressor

COUNTS = np.array([2, 0, 1, 3, 1, 0, 2, 1])


def weighable(*, seed=0):
    """Return a table (8, 3) with gaps and categories, and its labels (8,), one of them missing."""
    random = np.random.default_rng(seed)
    table = pd.DataFrame({"a": random.normal(size=8), "b": random.normal(size=8), "kind": list("xyxyxzzx")})
    y = (table["a"] + 0.3 * random.normal(size=8)).to_numpy(copy=True)
    table.loc[[2, 3], "b"], y[4] = np.nan, np.nan
    return table, y


class OfColumnA:
    """A source that reads the column a of a table."""

    def predict(self, X):
        return 2 * X["a"].to_numpy() - 1


@pytest.mark.parametrize("with_source", [False, True], ids=["alone", "source"])
@pytest.mark.parametrize("alpha", ["evidence", 2.0])
def test_a_whole_weight_is_as_many_copies_of_a_row_and_0_none(alpha, with_source):
    X, y = weighable()
    given = {"unlabeled": weighable(seed=1)[0], "source": OfColumnA() if with_source else None}
    rows = np.repeat(np.arange(8), COUNTS)
    weighed = AnyShotRegressor(alpha=alpha).fit(X, y, sample_weight=COUNTS, **given)
    copied = AnyShotRegressor(alpha=alpha).fit(X.iloc[rows], y[rows], **given)
    for name in ("coef_", "intercept_", "source_weight_", "alpha_"):
        np.testing.assert_allclose(getattr(weighed, name), getattr(copied, name), rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(weighed.predict(X), copied.predict(X), rtol=1e-8)
    assert len(weighed.residuals_) == 5  # one of each labeled row that counts


def test_weights_that_are_no_whole_numbers_are_those_of_ridge():
    X, y = np.random.default_rng(0).normal(size=(9, 3)), np.arange(9.0)
    weight = np.linspace(0.2, 2.7, 9)
    expected = Ridge(alpha=1.5).fit(X, y, sample_weight=weight)
    found = AnyShotRegressor(alpha=1.5, scale=False).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(found.predict(X), expected.predict(X))


def test_equal_weights_of_1_change_nothing():
    X, y = weighable()
    one, other = AnyShotRegressor().fit(X, y), AnyShotRegressor().fit(X, y, sample_weight=np.ones(8))
    np.testing.assert_array_equal(one.predict_interval(X, coverage=0.5), other.predict_interval(X, coverage=0.5))


@pytest.mark.parametrize(
    ("X", "weight", "words"),
    [
        (np.eye(3), [1, -1, 1], "sample_weight is -1 in row 1"),
        (np.eye(3), [1, 1], "one weight for each of 3 items"),
        (None, [1, 1, 1], "there is no X"),
        (np.eye(3), [0, 0, 0], "All 3 weights are zero"),
    ],
)
def test_weights_that_cannot_be_used_are_refused(X, weight, words):
    with pytest.raises((InputError, NotEnoughLabelsError), match=words):
        AnyShotRegressor().fit(X, [1.0, 2.0, 3.0], sample_weight=weight)


def test_a_search_passes_weights_on_to_a_regressor():
    X, y = np.random.default_rng(0).normal(size=(9, 3)), np.arange(9.0)
    weight = np.linspace(0.2, 2.7, 9)
    with sklearn.config_context(enable_metadata_routing=True):
        model = AnyShotRegressor().set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        found = cross_validate(model, X, y, cv=3, params={"sample_weight": weight}, return_estimator=True)
    expected = AnyShotRegressor().fit(X[3:], y[3:], sample_weight=weight[3:])
    np.testing.assert_array_equal(found["estimator"][0].predict(X), expected.predict(X))
