"""AnyShotRegressor: scikit-learn's contract, ridge without a source, the source without labels."""

import json
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy.sparse import csr_array
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from anyshot.base.validation import generator
from anyshot.errors import InputError, NotEnoughLabelsError, WidthError
from anyshot.tasks.loading import load
from anyshot.tasks.regression import AnyShotRegressor

EFFECTS = np.array([2.0, -1.0, 0.5, 0.0])
CHANGED = np.array([2.0, -1.0, 0.5, 0.3])


def rows(n, seed, *, effects=EFFECTS, level=0.0, noise=0.5):
    """Return random rows (n, 4), and labels with the linear effects `effects`."""
    random = generator(seed)
    X = random.normal(size=(n, len(effects)))
    return X, level + X @ effects + noise * random.normal(size=n)


def error(model, X, y):
    return float(np.sqrt(np.mean((model.predict(X) - y) ** 2)))


@parametrize_with_checks([AnyShotRegressor(), AnyShotRegressor(alpha=1.0, scale=False)])
def test_scikit_learns_contract(estimator, check):
    check(estimator)


@pytest.mark.parametrize("alpha", [0.1, 3.0, 100.0])
def test_without_a_source_and_with_a_penalty_it_equals_ridge(alpha):
    X, y = rows(30, 0, level=7.0)
    X = X * [1, 10, 100, 0.1] + 3
    ours, plain = AnyShotRegressor(alpha=alpha), make_pipeline(StandardScaler(), Ridge(alpha=alpha))
    np.testing.assert_allclose(ours.fit(X, y).predict(X), plain.fit(X, y).predict(X), rtol=1e-9)
    unscaled = AnyShotRegressor(alpha=alpha, scale=False).fit(X, y)
    np.testing.assert_allclose(unscaled.coef_, Ridge(alpha=alpha).fit(X, y).coef_, rtol=1e-7)


def test_it_equals_ridge_with_more_features_than_rows():
    X, y = rows(6, 0, effects=np.ones(20))
    ours, plain = AnyShotRegressor(alpha=2.0, scale=False), Ridge(alpha=2.0)
    np.testing.assert_allclose(ours.fit(X, y).coef_, plain.fit(X, y).coef_)


def test_the_evidence_is_about_as_good_as_a_cross_validated_penalty():
    ours, cross_validated = [], []
    for seed in range(10):
        X, y = rows(25, seed, effects=np.r_[EFFECTS, np.zeros(20)], noise=1.5)
        X_test, y_test = rows(200, 100 + seed, effects=np.r_[EFFECTS, np.zeros(20)], noise=1.5)
        ours.append(error(AnyShotRegressor().fit(X, y), X_test, y_test))
        cross_validated.append(error(RidgeCV(alphas=np.logspace(-2, 4, 20)).fit(X, y), X_test, y_test))
    assert np.mean(ours) < 1.02 * np.mean(cross_validated)


def test_features_are_standardized_with_unlabeled_rows():
    X, y = rows(10, 0)
    more, _ = rows(50, 1)
    scaler = StandardScaler().fit(np.vstack([X, more]))
    plain = Ridge(alpha=2.0).fit(scaler.transform(X), y)
    ours = AnyShotRegressor(alpha=2.0).fit(X, y, unlabeled=more)
    np.testing.assert_allclose(ours.predict(more), plain.predict(scaler.transform(more)))


def test_the_score_is_that_of_the_rows_with_a_label():
    X, y = rows(30, seed=0)
    model, has = AnyShotRegressor().fit(X, y), np.arange(30) % 3 > 0
    weights = np.arange(30.0)
    assert model.score(X, np.where(has, y, np.nan), weights) == model.score(X[has], y[has], weights[has])


def test_no_rows_have_no_intervals():
    X, y = rows(30, seed=0)
    frame = pd.DataFrame(X, columns=list("abcd"))
    assert AnyShotRegressor().fit(frame, y).predict_interval(frame[:0]).shape == (0, 2)


def test_a_row_without_a_label_is_unlabeled():
    X, y = rows(12, 0)
    y[4:] = np.nan
    split = AnyShotRegressor().fit(X[:4], y[:4], unlabeled=X[4:])
    np.testing.assert_allclose(AnyShotRegressor().fit(X, y).predict(X), split.predict(X))
    listed = [*y[:4].tolist(), *[None] * 8]
    np.testing.assert_allclose(AnyShotRegressor().fit(X, listed).predict(X), split.predict(X))


def test_without_labels_the_source_is_used():
    there, (X, _) = rows(50, 0), rows(5, 1)
    expected = AnyShotRegressor().fit(*there).predict(X)
    np.testing.assert_array_equal(AnyShotRegressor().fit(source=there).predict(X), expected)
    np.testing.assert_array_equal(AnyShotRegressor().fit(source=there, unlabeled=X).predict(X), expected)
    fitted = LinearRegression().fit(*there)
    np.testing.assert_array_equal(AnyShotRegressor().fit(source=fitted).predict(X), fitted.predict(X))


def test_a_source_with_few_labels_is_better_than_either_alone():
    there = rows(200, 0)
    alone, plain, ours = [], [], []
    for seed in range(1, 8):
        X, y = rows(8, seed, effects=CHANGED, level=1.0)
        X_test, y_test = rows(200, 50 + seed, effects=CHANGED, level=1.0)
        alone.append(error(AnyShotRegressor().fit(source=there), X_test, y_test))
        plain.append(error(AnyShotRegressor().fit(X, y), X_test, y_test))
        ours.append(error(AnyShotRegressor().fit(X, y, source=there), X_test, y_test))
    assert np.mean(ours) < 0.95 * min(np.mean(alone), np.mean(plain))


def test_an_uninformative_source_does_not_hurt():
    there, (X, y) = rows(200, 0, effects=np.array([1.0, 2.0, 0.0, 3.0])), rows(25, 1)
    X_test, y_test = rows(200, 2)
    ours = AnyShotRegressor().fit(X, y, source=there)
    assert error(ours, X_test, y_test) < 1.05 * error(AnyShotRegressor().fit(X, y), X_test, y_test)


def test_shifting_all_labels_shifts_the_predictions():
    (X, y), (Xs, ys) = rows(10, 0, level=1.0), rows(50, 1)
    before = AnyShotRegressor().fit(X, y, source=(Xs, ys)).predict(Xs)
    shifted = AnyShotRegressor().fit(X, y + 50, source=(Xs, ys + 50)).predict(Xs)
    np.testing.assert_allclose(shifted, before + 50, atol=1e-6)


@pytest.mark.parametrize("with_source", [False, True])
def test_labels_far_from_zero_are_learned_as_well(with_source):
    (X, y), (Xs, ys) = rows(20, 0), rows(50, 1)
    before, far = (
        AnyShotRegressor().fit(X, y + offset, source=(Xs, ys + offset) if with_source else None).predict(Xs)
        for offset in (0.0, 1e9)
    )
    np.testing.assert_allclose(far - 1e9, before, atol=1e-3)


def test_the_units_of_the_labels_have_no_effect():
    (X, y), there = rows(10, 0, level=1.0), rows(50, 1)
    before = AnyShotRegressor().fit(X, y, source=there).predict(X)
    scaled = AnyShotRegressor().fit(X, 1000 * y, source=(there[0], 1000 * there[1])).predict(X)
    np.testing.assert_allclose(scaled, 1000 * before, rtol=1e-6)


def test_equal_labels_are_predicted():
    X, _ = rows(6, 0)
    np.testing.assert_allclose(AnyShotRegressor().fit(X, np.full(6, 4.0)).predict(X), 4.0)


def test_one_label_is_predicted_or_changes_the_source():
    X, _ = rows(1, 0)
    np.testing.assert_allclose(AnyShotRegressor().fit(X, [3.0]).predict(X), [3.0])
    moved = AnyShotRegressor().fit(X, [3.0], source=DummyRegressor(strategy="constant", constant=0.0).fit(X, [0.0]))
    assert 0 < moved.predict(X)[0] <= 3


def test_intervals_have_the_requested_coverage():
    covered = []
    for seed in range(25):
        X, y = rows(30, seed)
        X_test, y_test = rows(100, 500 + seed)
        lower, upper = AnyShotRegressor().fit(X, y).predict_interval(X_test, coverage=0.8).T
        covered.append(np.mean((lower <= y_test) & (y_test <= upper)))
    assert np.mean(covered) == pytest.approx(0.8, abs=0.05)


def test_with_too_few_labels_the_interval_is_infinite():
    X, y = rows(9, 0)
    assert np.isfinite(AnyShotRegressor().fit(X, y).predict_interval(X)).all()
    assert np.isinf(AnyShotRegressor().fit(X[:8], y[:8]).predict_interval(X)).all()
    assert np.isinf(AnyShotRegressor().fit(source=(X, y)).predict_interval(X)).all()


def test_residuals_are_leave_one_out_with_few_labels():
    X, y = rows(7, 0)
    model = AnyShotRegressor(alpha=1.0, scale=False).fit(X, y)
    left_out = [
        y[row] - Ridge().fit(np.delete(X, row, 0), np.delete(y, row)).predict(X[[row]])[0] for row in range(len(y))
    ]
    np.testing.assert_allclose(model.residuals_, left_out)


def school(n, seed):
    """Return a random table with a category and missing values, and labels."""
    random = generator(seed)
    hours, kind = random.normal(5, 2, n), random.choice(["day", "evening"], n)
    grades = 5 + hours + 3 * (kind == "day") + 0.3 * random.normal(size=n)
    hours[::7] = np.nan
    return pd.DataFrame({"hours": hours, "kind": kind}), grades


def test_a_table_with_categories_and_missing_values_is_fitted_and_saved(tmp_path):
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
def test_a_saved_model_predicts_the_same(tmp_path, labels):
    there, (X, y) = rows(20, 0), rows(12, 1)
    labeled = (X[:labels], y[:labels]) if labels else ()
    model = AnyShotRegressor().fit(*labeled, source=there)
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(load(tmp_path / "model").predict(X), model.predict(X))
    assert "AnyShotRegressor" in json.loads((tmp_path / "model" / "model.json").read_text())["facts"]["kind"]


def test_a_model_with_a_source_of_another_class_cannot_be_saved(tmp_path):
    X, y = rows(12, 0)
    with pytest.raises(InputError, match="The source is a LinearRegression, which cannot be saved"):
        AnyShotRegressor().fit(X, y, source=LinearRegression().fit(X, y)).save(tmp_path / "model")


def test_invalid_input_raises_an_error():
    X, y = rows(5, 0)
    with pytest.raises(NotEnoughLabelsError, match="None of the 5 rows has a label"):
        AnyShotRegressor().fit(X, np.full(5, np.nan))
    with pytest.raises(InputError, match="infinity in row 2"):
        AnyShotRegressor().fit(X, [1, 2, np.inf, 4, 5])
    with pytest.raises(InputError, match="alpha must be 'evidence' or a number above 0; got 0"):
        AnyShotRegressor(alpha=0).fit(X, y)
    with pytest.raises(InputError, match="alpha must be 'evidence' or a number above 0; got True"):
        AnyShotRegressor(alpha=True).fit(X, y)
    with pytest.raises(WidthError, match=r"The rows of unlabeled have 2 features; the first ones have \d"):
        AnyShotRegressor().fit(X, y, unlabeled=np.ones((3, 2)))
    with pytest.raises(WidthError, match=r"The rows of source have 2 features; the first ones have \d"):
        AnyShotRegressor().fit(X, y, source=(np.ones((3, 2)), [1, 2, 3]))
    with pytest.raises(InputError, match="There are 5"):
        AnyShotRegressor().fit(X, y[:3])
    with pytest.raises(InputError, match=r"row 0 is the text 'one'\. Encode texts and images first"):
        AnyShotRegressor().fit(["one", "two"], [1, 2])
    with pytest.raises(InputError, match="a fitted model; got the class AnyShotRegressor"):
        AnyShotRegressor().fit([[1.0], [2.0]], [1.0, 2.0], source=AnyShotRegressor)
    with pytest.raises(InputError, match=r"source must be a pair, \(rows, numbers\), or a fitted model; got ndarray"):
        AnyShotRegressor().fit(X, y, source=np.ones((3, 2)))
    with pytest.raises(InputError, match="must all be tables"):
        AnyShotRegressor().fit(pd.DataFrame({"kind": ["a", "b"]}), [1, 2], unlabeled=[[1.0], [2.0]])
    with pytest.raises(InputError, match="The column 'kind' is missing"):
        AnyShotRegressor().fit(pd.DataFrame({"kind": ["a", "b"]}), [1, 2], unlabeled=pd.DataFrame({"sort": ["a"]}))


def hours_table(n, seed):
    X, y = rows(n, seed)
    return pd.DataFrame(X, columns=["a", "b", "c", "d"]), y


@pytest.mark.parametrize(
    "make", [pl.from_pandas, pa.Table.from_pandas, lambda table: table.convert_dtypes(dtype_backend="pyarrow")]
)
def test_tables_of_any_library_give_the_same_predictions(make):
    X, y = hours_table(20, 0)
    expected = AnyShotRegressor().fit(X, y).predict(X)
    np.testing.assert_allclose(AnyShotRegressor().fit(make(X), pa.array(y)).predict(make(X)), expected)
    np.testing.assert_allclose(AnyShotRegressor().fit(X, pl.Series(y)).predict(make(X)), expected)


def test_columns_in_another_order_are_refused_and_an_array_is_taken_in_theirs(tmp_path):
    X, y = hours_table(20, 0)
    model = AnyShotRegressor().fit(X, y)
    model.save(tmp_path / "model")
    for one in (model, load(tmp_path / "model")):
        with pytest.raises(ValueError, match="Feature names must be in the same order"):
            one.predict(X[["d", "c", "b", "a"]])
        with pytest.warns(UserWarning, match="does not have valid feature names"):
            np.testing.assert_array_equal(one.predict(X.to_numpy()), model.predict(X))


def test_gaps_that_appear_only_in_predict_are_filled_with_the_median():
    X, y = hours_table(20, 0)
    model = AnyShotRegressor().fit(X, y)
    gap, median = X.head(1).assign(a=np.nan), X.head(1).assign(a=X["a"].median())
    with pytest.warns(UserWarning, match="'a' had no missing value in `fit`"):
        found = model.predict(gap)
    np.testing.assert_array_equal(found, model.predict(median))


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (pd.to_datetime(pd.Series(["2020-01-01", None] * 3)), "y holds a Timestamp in row 0, .*days since"),
        (pd.to_timedelta(range(6), "D"), "y holds a Timedelta in row 0"),
        (["1,5"] * 6, "y holds '1,5' in row 0, which is not a number. It has a decimal comma"),
        (["many"] * 6, "y holds 'many' in row 0, which is not a number"),
    ],
)
def test_targets_that_are_no_numbers_are_refused(y, words):
    X, _ = rows(6, 0)
    with pytest.raises(InputError, match=words):
        AnyShotRegressor().fit(X, y)
    with pytest.raises(InputError, match=words):
        AnyShotRegressor().fit(X, np.arange(6)).evaluate(X, y)


def test_targets_may_be_nullable_or_decimal():
    X, y = rows(6, 0)
    expected = AnyShotRegressor().fit(X, [*y[:5], None]).predict(X)
    np.testing.assert_array_equal(AnyShotRegressor().fit(X, pd.array([*y[:5], None], "Float64")).predict(X), expected)
    np.testing.assert_allclose(AnyShotRegressor().fit(X, [*map(Decimal, y[:5]), None]).predict(X), expected)


def test_features_of_any_size_are_learned():
    X, y = rows(40, 0)
    for scaled in (X * 1e-300, X + 1e9):
        assert AnyShotRegressor().fit(scaled, y).score(scaled, y) > 0.9
    with pytest.raises(InputError, match=r"X contains .* numbers up to 1e\+150"):
        AnyShotRegressor().fit(X * 1e300, y)


def test_a_source_that_predicts_names_is_refused():
    X = np.arange(6.0)[:, None]
    source = LogisticRegression().fit(X, list("aaabbb"))
    with pytest.raises(InputError, match="The source must predict one number for each row"):
        AnyShotRegressor().fit(X, X[:, 0], source=source)


def test_a_source_that_predicts_too_few_numbers_is_refused():
    class Short:
        def predict(self, X):
            return np.zeros(len(X) - 1)

    with pytest.raises(InputError, match=r"one finite number for each of 6 rows; got an array of shape \(5,\)"):
        AnyShotRegressor().fit(np.arange(6.0)[:, None], np.arange(6.0), source=Short())


def test_a_truth_value_is_no_penalty():
    with pytest.raises(InputError, match="alpha must be 'evidence' or a number above 0; got True"):
        AnyShotRegressor(alpha=True).fit(*rows(6, 0))


def test_rows_and_numbers_in_another_order_are_warned_of_and_sparse_numbers_refused():
    X, y = hours_table(20, 0)
    X = X.set_axis(range(50, 70))
    with pytest.warns(UserWarning, match="name the same rows in another order"):
        AnyShotRegressor().fit(X, pd.Series(y, index=X.index[::-1]))
    with pytest.raises(InputError, match=r"y is a csr_array\. Pass y\.toarray"):
        AnyShotRegressor().fit(X, csr_array(np.eye(20)[:, :1]))
