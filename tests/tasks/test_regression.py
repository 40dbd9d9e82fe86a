"""The regressor: scikit-learn's contract, ridge where there is no prior, the source where there are no labels."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, Ridge, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from anyshot.base.validation import generator
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.tasks.loading import load
from anyshot.tasks.regression import AnyShotRegressor

EFFECTS = np.array([2.0, -1.0, 0.5, 0.0])
CHANGED = np.array([2.0, -1.0, 0.5, 0.3])


def rows(n, seed, *, effects=EFFECTS, level=0.0, noise=0.5):
    """Draw rows (n, 4) and numbers that follow `effects`."""
    random = generator(seed)
    X = random.normal(size=(n, len(effects)))
    return X, level + X @ effects + noise * random.normal(size=n)


def error(model, X, y):
    return float(np.sqrt(np.mean((model.predict(X) - y) ** 2)))


@parametrize_with_checks([AnyShotRegressor(), AnyShotRegressor(alpha=1.0, scale=False)])
def test_scikit_learns_contract(estimator, check):
    check(estimator)


@pytest.mark.parametrize("alpha", [0.1, 3.0, 100.0])
def test_without_a_source_and_with_a_penalty_given_it_is_ridge(alpha):
    X, y = rows(30, 0, level=7.0)
    X = X * [1, 10, 100, 0.1] + 3
    ours, plain = AnyShotRegressor(alpha=alpha), make_pipeline(StandardScaler(), Ridge(alpha=alpha))
    np.testing.assert_allclose(ours.fit(X, y).predict(X), plain.fit(X, y).predict(X), rtol=1e-9)
    unscaled = AnyShotRegressor(alpha=alpha, scale=False).fit(X, y)
    np.testing.assert_allclose(unscaled.coef_, Ridge(alpha=alpha).fit(X, y).coef_, rtol=1e-7)


def test_ridge_with_more_features_than_rows_agrees_too():
    X, y = rows(6, 0, effects=np.ones(20))
    ours, plain = AnyShotRegressor(alpha=2.0, scale=False), Ridge(alpha=2.0)
    np.testing.assert_allclose(ours.fit(X, y).coef_, plain.fit(X, y).coef_)


def test_by_evidence_it_is_about_as_good_as_ridge_with_the_penalty_cross_validated():
    ours, peer = [], []
    for seed in range(10):
        X, y = rows(25, seed, effects=np.r_[EFFECTS, np.zeros(20)], noise=1.5)
        X_test, y_test = rows(200, 100 + seed, effects=np.r_[EFFECTS, np.zeros(20)], noise=1.5)
        ours.append(error(AnyShotRegressor().fit(X, y), X_test, y_test))
        peer.append(error(RidgeCV(alphas=np.logspace(-2, 4, 20)).fit(X, y), X_test, y_test))
    assert np.mean(ours) < 1.02 * np.mean(peer)


def test_unlabeled_rows_are_what_features_are_scaled_by():
    X, y = rows(10, 0)
    more, _ = rows(50, 1)
    scaler = StandardScaler().fit(np.vstack([X, more]))
    plain = Ridge(alpha=2.0).fit(scaler.transform(X), y)
    ours = AnyShotRegressor(alpha=2.0).fit(X, y, unlabeled=more)
    np.testing.assert_allclose(ours.predict(more), plain.predict(scaler.transform(more)))


def test_a_row_without_a_number_is_an_unlabeled_row():
    X, y = rows(12, 0)
    y[4:] = np.nan
    split = AnyShotRegressor().fit(X[:4], y[:4], unlabeled=X[4:])
    np.testing.assert_allclose(AnyShotRegressor().fit(X, y).predict(X), split.predict(X))
    listed = [*y[:4].tolist(), *[None] * 8]
    np.testing.assert_allclose(AnyShotRegressor().fit(X, listed).predict(X), split.predict(X))


def test_without_labels_the_answers_are_the_sources():
    there, (X, _) = rows(50, 0), rows(5, 1)
    expected = AnyShotRegressor().fit(*there).predict(X)
    np.testing.assert_array_equal(AnyShotRegressor().fit(source=there).predict(X), expected)
    np.testing.assert_array_equal(AnyShotRegressor().fit(source=there, unlabeled=X).predict(X), expected)
    fitted = LinearRegression().fit(*there)
    np.testing.assert_array_equal(AnyShotRegressor().fit(source=fitted).predict(X), fitted.predict(X))


def test_a_source_and_few_labels_are_better_than_either_alone():
    there = rows(200, 0)
    alone, plain, ours = [], [], []
    for seed in range(1, 8):
        X, y = rows(8, seed, effects=CHANGED, level=1.0)
        X_test, y_test = rows(200, 50 + seed, effects=CHANGED, level=1.0)
        alone.append(error(AnyShotRegressor().fit(source=there), X_test, y_test))
        plain.append(error(AnyShotRegressor().fit(X, y), X_test, y_test))
        ours.append(error(AnyShotRegressor().fit(X, y, source=there), X_test, y_test))
    assert np.mean(ours) < 0.95 * min(np.mean(alone), np.mean(plain))


def test_a_source_that_misleads_is_given_up():
    there, (X, y) = rows(200, 0, effects=np.array([1.0, 2.0, 0.0, 3.0])), rows(25, 1)
    X_test, y_test = rows(200, 2)
    ours = AnyShotRegressor().fit(X, y, source=there)
    assert error(ours, X_test, y_test) < 1.05 * error(AnyShotRegressor().fit(X, y), X_test, y_test)


def test_shifting_source_and_target_alike_shifts_the_answers():
    (X, y), (Xs, ys) = rows(10, 0, level=1.0), rows(50, 1)
    before = AnyShotRegressor().fit(X, y, source=(Xs, ys)).predict(Xs)
    shifted = AnyShotRegressor().fit(X, y + 50, source=(Xs, ys + 50)).predict(Xs)
    np.testing.assert_allclose(shifted, before + 50, atol=1e-6)


def test_the_unit_of_the_numbers_does_not_matter():
    (X, y), there = rows(10, 0, level=1.0), rows(50, 1)
    before = AnyShotRegressor().fit(X, y, source=there).predict(X)
    scaled = AnyShotRegressor().fit(X, 1000 * y, source=(there[0], 1000 * there[1])).predict(X)
    np.testing.assert_allclose(scaled, 1000 * before, rtol=1e-6)


def test_equal_numbers_are_answered_with_that_number():
    X, _ = rows(6, 0)
    np.testing.assert_allclose(AnyShotRegressor().fit(X, np.full(6, 4.0)).predict(X), 4.0)


def test_one_label_moves_the_source_and_alone_is_the_answer():
    X, _ = rows(1, 0)
    np.testing.assert_allclose(AnyShotRegressor().fit(X, [3.0]).predict(X), [3.0])
    moved = AnyShotRegressor().fit(X, [3.0], source=DummyRegressor(strategy="constant", constant=0.0).fit(X, [0.0]))
    assert 0 < moved.predict(X)[0] <= 3


def test_intervals_cover_about_as_often_as_stated():
    held = []
    for seed in range(25):
        X, y = rows(30, seed)
        X_test, y_test = rows(100, 500 + seed)
        lower, upper = AnyShotRegressor().fit(X, y).predict_interval(X_test, coverage=0.8).T
        held.append(np.mean((lower <= y_test) & (y_test <= upper)))
    assert np.mean(held) == pytest.approx(0.8, abs=0.05)


def test_with_too_few_labels_the_interval_is_infinite():
    X, y = rows(9, 0)
    assert np.isfinite(AnyShotRegressor().fit(X, y).predict_interval(X)).all()
    assert np.isinf(AnyShotRegressor().fit(X[:8], y[:8]).predict_interval(X)).all()
    assert np.isinf(AnyShotRegressor().fit(source=(X, y)).predict_interval(X)).all()


def test_with_fewer_labels_than_folds_each_residual_is_of_a_model_without_that_label():
    X, y = rows(7, 0)
    model = AnyShotRegressor(alpha=1.0, scale=False).fit(X, y)
    left_out = [
        y[row] - Ridge().fit(np.delete(X, row, 0), np.delete(y, row)).predict(X[[row]])[0] for row in range(len(y))
    ]
    np.testing.assert_allclose(model.residuals_, left_out)


def school(n, seed):
    """Draw a table of pupils with a category and gaps, and their grades."""
    random = generator(seed)
    hours, kind = random.normal(5, 2, n), random.choice(["day", "evening"], n)
    grades = 5 + hours + 3 * (kind == "day") + 0.3 * random.normal(size=n)
    hours[::7] = np.nan
    return pd.DataFrame({"hours": hours, "kind": kind}), grades


def test_a_table_with_categories_and_gaps_is_read_and_saved(tmp_path):
    (X, y), there = school(15, 0), school(80, 1)
    model = AnyShotRegressor().fit(X, y, source=there, unlabeled=there[0])
    X_test, y_test = school(60, 2)
    assert error(model, X_test, y_test) < 0.6 * y_test.std()
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    np.testing.assert_array_equal(again.predict(X_test), model.predict(X_test))
    np.testing.assert_array_equal(again.predict_interval(X_test), model.predict_interval(X_test))
    assert again.get_params() == model.get_params()


@pytest.mark.parametrize("labels", [0, 1, 12])
def test_a_saved_model_answers_as_before_and_holds_no_row(tmp_path, labels):
    there, (X, y) = rows(20, 0), rows(12, 1)
    given = (X[:labels], y[:labels]) if labels else ()
    model = AnyShotRegressor().fit(*given, source=there)
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(load(tmp_path / "model").predict(X), model.predict(X))
    assert "AnyShotRegressor" in json.loads((tmp_path / "model" / "model.json").read_text())["facts"]["kind"]


def test_a_foreign_source_is_refused(tmp_path):
    X, y = rows(12, 0)
    with pytest.raises(InputError, match="The source is a LinearRegression, which cannot be saved"):
        AnyShotRegressor().fit(X, y, source=LinearRegression().fit(X, y)).save(tmp_path / "model")


def test_what_cannot_be_learned_from_is_refused_by_name():
    X, y = rows(5, 0)
    with pytest.raises(NotEnoughLabelsError, match="None of the 5 rows has a number"):
        AnyShotRegressor().fit(X, np.full(5, np.nan))
    with pytest.raises(InputError, match="infinity, in row 2"):
        AnyShotRegressor().fit(X, [1, 2, np.inf, 4, 5])
    with pytest.raises(InputError, match="alpha must be 'evidence' or a number above 0; it is 0"):
        AnyShotRegressor(alpha=0).fit(X, y)
    with pytest.raises(InputError, match=r"must be vectors \(n, d\) or a table\. Texts and images are encoded first"):
        AnyShotRegressor().fit(["one", "two"], [1, 2])
    with pytest.raises(InputError, match=r"source must be a pair, \(rows, numbers\), or a fitted model; a ndarray was"):
        AnyShotRegressor().fit(X, y, source=np.ones((3, 2)))
    with pytest.raises(InputError, match="must all be tables"):
        AnyShotRegressor().fit(pd.DataFrame({"kind": ["a", "b"]}), [1, 2], unlabeled=[[1.0], [2.0]])
    with pytest.raises(InputError, match="lacks the column 'kind'"):
        AnyShotRegressor().fit(pd.DataFrame({"kind": ["a", "b"]}), [1, 2], unlabeled=pd.DataFrame({"sort": ["a"]}))
