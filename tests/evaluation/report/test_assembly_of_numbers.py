"""The report on a regressor."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.svm import SVR

from anyshot import AnyShotClassifier
from anyshot.errors import MissingPartError
from anyshot.evaluation.regression import NumberCurve
from anyshot.evaluation.report.assembly import report
from anyshot.tasks.regression import AnyShotRegressor


def numbers(n, *, seed=0):
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, 3))
    return X, 10 + X @ [1.0, 2.0, -1.0] + 0.5 * random.normal(size=n)


@pytest.fixture(scope="module")
def regression():
    X, y = numbers(120, seed=1)
    model = AnyShotRegressor().fit(*numbers(40), source=numbers(100, seed=2))
    sites = np.where(X[:, 0] > 0, "north", "south")
    return report(model, X, y, groups={"site": sites}, train=numbers(40), pool=numbers(15, seed=3)[0])


def test_a_regressor_has_sections_of_its_own(regression):
    assert list(regression.sections) == [
        "task", "curve", "method", "fit", "residuals", "coverage", "groups", "mistakes", "next", "cost", "reproduce",
    ]  # fmt: skip
    assert set(regression.figures) == {"curve", "fit", "residuals", "coverage", "groups"}
    assert regression.missing == {}
    assert regression.verdict.startswith("Its predictions are typically off by 0.")


def test_the_figures_of_a_regressor_agree_with_its_predictions(regression):
    table = regression.tables["answers"]
    error = table["answer"] - table["truth"]
    assert regression.evaluation.rmse == pytest.approx(np.sqrt((error**2).mean()))
    assert regression.tables["mistakes"]["error"].abs().tolist() == sorted(error.abs(), reverse=True)[:20]


def test_intervals_contain_the_truth_about_as_often_as_stated(regression):
    table = regression.tables["coverage"]
    assert ((table["lower"] <= table["stated"] + 0.05) & (table["stated"] - 0.05 <= table["upper"])).all()
    assert "The 90 % intervals contain the true value" in regression.sections["coverage"].lead


def test_groups_of_a_regressor_have_sizes_errors_and_intervals(regression):
    table = regression.tables["groups"]
    assert table["n"].sum() == 120
    assert ((table["lower"] < table["rmse"]) & (table["rmse"] < table["upper"])).all()


def test_the_curve_of_a_regressor_starts_from_its_source(regression):
    assert regression.tables["curve"]["labels"].tolist() == [0, 5, 10, 20, 40]


def test_the_items_with_the_widest_intervals_are_labeled_next(regression):
    table = regression.tables["next"]
    assert table["width"].is_monotonic_decreasing
    assert len(table) == 10


def test_a_scikit_learn_regressor_has_a_report():
    X, y = numbers(60)
    found = report(SVR().fit(X, y), X, y)
    assert set(found.missing) == {"curve", "coverage", "groups", "next"}
    assert "need a model with predict_interval" in found.to_html()
    with pytest.raises(MissingPartError, match="predict_interval"):
        found.figures["coverage"]


def test_a_given_curve_of_a_regressor_is_shown():
    X, y = numbers(80)
    scores = pd.DataFrame({"labels": [5, 10], "seed": [0, 0], "rmse": [2.0, 1.0]})
    found = report(LinearRegression().fit(X, y), X, y, curve=NumberCurve(scores, 80))
    assert found.sections["curve"].lead == "With 10 labels its predictions are off by 1, with 5 labels by 2."


def test_weights_count_in_every_figure_of_a_regressor():
    X, y = numbers(60)
    model, weight = LinearRegression().fit(X, y), np.repeat([1.0, 0.0], 30)
    half = report(model, X[:30], y[:30]).evaluation
    weighed = report(model, X, y, sample_weight=weight, groups=["a"] * 30 + ["b"] * 30)
    assert weighed.evaluation.rmse == pytest.approx(half.rmse)
    table = weighed.tables["groups"].set_index("group")
    assert table.loc["a", "rmse"] == pytest.approx(half.rmse)
    assert np.isnan(table.loc["b", "rmse"])
    assert weighed.tables["residuals"]["n"].sum() == 30


def test_equal_numbers_and_a_single_item_have_a_report():
    X = numbers(40)[0]
    model = LinearRegression().fit(X, X[:, 0])
    assert "All true values are equal" in report(model, X, np.full(40, 2.0)).sections["fit"].lead
    assert "too few items for an interval" in report(model, X[:1], [1.0]).to_html()


def test_where_the_test_shows_less_than_cross_validation_promised_the_page_says_so():
    """The class embeddings and labels fit the first cloud; the test items are of another one."""
    random = np.random.default_rng(0)
    y = np.repeat(["a", "b"], 30)
    X = np.where(y == "a", 1.0, -1.0)[:, None] * np.array([1.0, 0.2]) + 0.3 * random.normal(size=(60, 2))
    clf = AnyShotClassifier(cache=False, encoder="vectors").fit(X, y)
    same = np.where(y == "a", 1.0, -1.0)[:, None] * np.array([1.0, 0.2]) + 0.3 * random.normal(size=(60, 2))
    assert not any("Cross-validation" in line for line in report(clf, same, y).warnings)
    page = report(clf, 1.5 * random.normal(size=(60, 2)) + 0.3 * same, y)
    first = page.warnings[0]
    assert first.startswith("Cross-validation on the training labels gave ")
    assert "a larger difference than chance explains. Expect the accuracy of the test on items like these." in first
