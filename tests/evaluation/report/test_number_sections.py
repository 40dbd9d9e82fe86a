"""What the sections of a report on answers with numbers say."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.svm import SVR

from anyshot.errors import MissingPartError
from anyshot.evaluation.regression_curve import NumberCurve
from anyshot.evaluation.report.build import report
from anyshot.tasks.regression import AnyShotRegressor


def rows(n, *, seed=0):
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, 3))
    return X, 10 + X @ [1.0, 2.0, -1.0] + 0.5 * random.normal(size=n)


@pytest.fixture(scope="module")
def found():
    X, y = rows(120, seed=1)
    model = AnyShotRegressor().fit(*rows(40), source=rows(100, seed=2))
    sites = np.where(X[:, 0] > 0, "north", "south")
    return report(model, X, y, groups={"site": sites}, train=rows(40), pool=rows(15, seed=3)[0])


def section(found, anchor):
    return next(section for section in found.page.sections if section.anchor == anchor)


def test_a_regressor_has_a_page_of_its_own(found):
    assert [section.anchor for section in found.page.sections] == [
        "asked", "curve", "method", "agreement", "residuals", "coverage", "groups", "mistakes", "next", "cost",
        "reproduce",
    ]  # fmt: skip
    assert set(found.figures) == {"curve", "agreement", "residuals", "coverage", "groups"}
    assert found.missing == {}
    assert found.page.verdict.startswith("Its answers are typically 0.")


def test_the_figures_agree_with_the_answers(found):
    answers = found.tables["answers"]
    error = answers["answer"] - answers["truth"]
    assert found.evaluation.rmse == pytest.approx(np.sqrt((error**2).mean()))
    assert found.tables["mistakes"]["error"].abs().tolist() == sorted(error.abs(), reverse=True)[:20]


def test_intervals_hold_the_truth_about_as_often_as_stated(found):
    table = found.tables["coverage"]
    assert ((table["lower"] <= table["stated"] + 0.05) & (table["stated"] - 0.05 <= table["upper"])).all()
    assert "Intervals that should hold the truth 90.0 % of the time" in section(found, "coverage").lead


def test_groups_have_sizes_errors_and_intervals(found):
    table = found.tables["groups"]
    assert table["n"].sum() == 120
    assert ((table["lower"] < table["rmse"]) & (table["rmse"] < table["upper"])).all()


def test_the_curve_starts_from_the_source_alone(found):
    assert found.tables["curve"]["labels"].tolist() == [0, 5, 10, 20, 40]


def test_a_mistake_says_how_far_off_it_is(found):
    card = section(found, "mistakes").cards[0]
    assert card.sure.endswith(("too high", "too low"))


def test_what_to_label_next_is_what_it_is_least_sure_of(found):
    table = found.tables["next"]
    assert table["width"].is_monotonic_decreasing
    assert len(table) == 10


def test_any_of_scikit_learns_regressors_is_reported_on_and_what_it_lacks_is_said():
    X, y = rows(60)
    found = report(SVR().fit(X, y), X, y)
    assert set(found.missing) == {"curve", "coverage", "groups", "next"}
    page = found.to_html()
    assert "need a model with predict_interval" in page
    assert "--train DATA" in page
    with pytest.raises(MissingPartError, match="predict_interval"):
        found.figures["coverage"]
    with pytest.raises(KeyError, match="There is no 'nonsense' among"):
        found.tables["nonsense"]


def test_answers_off_to_one_side_and_a_curve_that_is_given_are_shown():
    X, y = rows(80)
    scores = pd.DataFrame({"labels": [5, 10], "seed": [0, 0], "rmse": [2.0, 1.0]})
    found = report(LinearRegression().fit(X, y - 1), X, y, curve=NumberCurve(scores, 80))
    assert "1 too low, more than chance explains" in section(found, "residuals").lead
    assert section(found, "curve").lead == "With 10 labels its answers are 1 off, with 5 they were 2 off."


def test_weights_count_in_every_figure():
    X, y = rows(60)
    model, weight = LinearRegression().fit(X, y), np.repeat([1.0, 0.0], 30)
    half = report(model, X[:30], y[:30]).evaluation
    weighed = report(model, X, y, sample_weight=weight, groups=["a"] * 30 + ["b"] * 30)
    assert weighed.evaluation.rmse == pytest.approx(half.rmse)
    table = weighed.tables["groups"].set_index("group")
    assert table.loc["a", "rmse"] == pytest.approx(half.rmse)
    assert np.isnan(table.loc["b", "rmse"])
    assert weighed.tables["residuals"]["n"].sum() == 30


def test_numbers_all_alike_one_item_and_a_perfect_model_have_a_report():
    X = rows(40)[0]
    model = LinearRegression().fit(X, X[:, 0])
    assert "All numbers are alike" in section(report(model, X, np.full(40, 2.0)), "agreement").lead
    assert "too few items for an interval" in report(model, X[:1], [1.0]).to_html()
    assert report(model, X, X[:, 0]).evaluation.r2 == pytest.approx(1.0)
