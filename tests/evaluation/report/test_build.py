"""The report, for any estimator that predicts, and what may be wrong with what it is given."""

import html

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from anyshot import AnyShotClassifier
from anyshot.errors import InputError, MissingPartError, NotEnoughLabelsError
from anyshot.evaluation.learning_curves import learning_curve
from anyshot.evaluation.report import collect as asking
from anyshot.evaluation.report import findings
from anyshot.evaluation.report.build import report

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)> $\\alpha$ {{ 7 * 7 }}'


def blobs(n=60, *, seed=0):
    random = np.random.default_rng(seed)
    y = np.array(["low", "middle", "high"])[np.arange(n) % 3]
    x = np.array([{"low": 0.0, "middle": 2.0, "high": 4.0}[name] for name in y])
    return np.stack([x, np.ones(n)], axis=1) + random.normal(size=(n, 2)), y.tolist()


@pytest.fixture(scope="module")
def model():
    return LogisticRegression().fit(*blobs())


def headings(found):
    return [section.anchor for section in found.page.sections]


def test_the_figures_agree_with_the_answers(model):
    X, y = blobs(seed=1)
    found = report(model, X, y)
    wrong = int((model.predict(X) != np.array(y)).sum())
    assert found.evaluation.accuracy == pytest.approx(1 - wrong / 60)
    assert found.tables["confusions"]["n"].sum() == wrong
    assert len(found.tables["mistakes"]) == min(wrong, 20)
    sure = found.tables["mistakes"]["p_answer"]
    assert (sure.diff().dropna() <= 0).all()


def test_a_report_of_the_front_door_shows_its_reasons_and_its_suggestions(letters):
    clf = AnyShotClassifier(["aaa", "bbb"], encoder=letters, cache=False)
    clf.fit(["aa", "ab a", "bb", "b ba", "aac", "bbc"], ["aaa", "aaa", "bbb", "bbb", "aaa", "bbb"])
    found = report(clf, ["a", "b", "ba b", "baa"], ["aaa", "bbb", "aaa", "bbb"], pool=["abab", "aaaa", "cb"])
    assert headings(found) == [
        "asked", "curve", "method", "confusions", "trust", "unknowns", "classes", "groups", "mistakes", "labels",
        "next", "cost", "reproduce",
    ]  # fmt: skip
    page = html.unescape(found.to_html())
    assert all(reason in page for reason in clf.reasons_)
    assert "like aaa: " in page  # the neighbors of a mistake
    assert len(found.tables["next"]) == 3


def test_a_model_without_probabilities_has_a_report_without_them():
    X, y = blobs()
    found = report(LinearSVC().fit(X, y), X, y)
    assert "reliability" not in found.figures
    assert "need a classifier with predict_proba" in found.to_html()


def test_with_training_data_there_are_label_counts_a_curve_and_wrong_labels(model, monkeypatch):
    monkeypatch.setattr(findings, "CURVE_SEEDS", 1)
    X, y = blobs()
    y[0] = "high"
    found = report(model, *blobs(seed=1), train=(X, y))
    assert {"curve", "reliability"} <= set(found.figures)
    assert 0 in found.tables["label_errors_train"]["row"].tolist()
    assert found.tables["classes"]["labels"].sum() == 60
    assert "What more labels would bring" in found.to_html()


def test_a_curve_that_is_given_is_shown(model):
    X, y = blobs()
    curve = learning_curve({"peer <b>": model}, X, y, *blobs(seed=1), shots=(2, 5, 10), seeds=2)
    page = report(model, X, y, curve=curve).to_html()
    assert "peer &lt;b&gt;" in page
    assert "peer <b>" not in page


def test_nothing_hostile_becomes_markup(letters):
    clf = AnyShotClassifier({HOSTILE: "a", "b": "b"}, encoder=letters, cache=False).fit([HOSTILE], [HOSTILE])
    texts = [HOSTILE, "bb", "half \ud800".encode("utf-8", "replace").decode()]
    found = report(clf, texts, ["b", HOSTILE, "b"], groups={HOSTILE: [HOSTILE, "x", "x"]}, pool=texts)
    page = found.to_html(title=HOSTILE)
    assert page.count("<script>") == 1
    assert "<img src=x" not in page
    assert "{{ 7 * 7 }}" in page


def test_a_class_never_seen_is_shown_as_such(model):
    X, y = blobs()
    found = report(model, X, ["new", *y[1:]])
    assert "never seen" in found.to_html()
    rows = found.tables["groups"]
    assert rows.loc[rows["group"] == "class never seen", "n"].tolist() == [1]
    assert rows.loc[rows["group"] == "class never seen", "accuracy"].tolist() == [0.0]


def test_one_class_only_is_said(model):
    X, y = blobs()
    only = [row for row, name in enumerate(y) if name == "low"]
    assert "All items are of one class" in str(report(model, X[only], ["low"] * len(only)))


def test_a_group_of_one_is_shown_and_said(model):
    X, y = blobs()
    found = report(model, X, y, groups=["alone", *["crowd"] * 59])
    assert found.tables["groups"]["n"].tolist() == [1, 59]
    assert "Fewer than 5 items, so that their figures say little: alone." in found.to_html()


def test_of_very_many_items_a_sample_is_drawn_and_it_is_said(model):
    X, y = blobs(100_000)
    found = report(model, X, y)
    assert found.evaluation.n == asking.MOST
    assert "A sample: 20,000 of the 100,000 items given, drawn at random." in found.to_html()
    assert "100,000 items, with seed 0" in found.to_html()
    again = report(model, X, y)
    assert again.evaluation.accuracy == found.evaluation.accuracy


def test_probabilities_that_are_none_are_refused(model):
    class Wrong(LogisticRegression):
        def predict_proba(self, X):
            return super().predict_proba(X) * 2

    X, y = blobs()
    with pytest.raises(InputError, match="Row 0 holds no probabilities"):
        report(Wrong().fit(X, y), X, y)


def test_labels_and_groups_must_be_as_many_as_the_items(model):
    X, y = blobs()
    with pytest.raises(InputError, match="60 items and 59 labels"):
        report(model, X, y[1:])
    with pytest.raises(InputError, match="Group 'site' has 2 values for 60 items"):
        report(model, X, y, groups={"site": ["a", "b"]})
    with pytest.raises(NotEnoughLabelsError, match="None of the 60 items has a label"):
        report(model, X, [None] * 60)


def test_items_without_a_label_are_left_out_of_the_figures(model):
    X, y = blobs()
    found = report(model, X, [None, *y[1:]])
    assert found.evaluation.n == 59
    assert 0 not in found.tables["mistakes"]["row"].tolist()


def test_rows_of_a_table_are_shown_by_their_columns():
    X, y = blobs()
    frame = pd.DataFrame(X, columns=["height", "weight"])
    page = report(LogisticRegression().fit(frame, y), frame, y).to_html()
    assert "height: " in page


def test_the_model_and_the_items_stay_as_they_were(model):
    X, y = blobs()
    before = X.copy(), model.coef_.copy()
    report(model, X, y, train=None)
    assert (before[0] == X).all()
    assert (before[1] == model.coef_).all()


def test_it_is_saved_as_one_file_and_shown_in_a_notebook(model, tmp_path):
    found = report(model, *blobs())
    file = found.save(tmp_path / "report.html", title="Heights")
    assert "<title>Heights</title>" in file.read_text(encoding="utf-8")
    assert found._repr_html_().startswith("<iframe srcdoc=")


def test_texts_of_any_pipeline_are_shown():
    texts, y = ["good film", "bad film", "good play", "bad play"], ["up", "down", "up", "down"]
    model = make_pipeline(CountVectorizer(), LogisticRegression()).fit(texts, y)
    page = report(model, ["good good", "bad 日本"], ["down", "down"]).to_html()
    assert "good good" in page


def test_what_cannot_be_shown_is_named_with_the_way_to_get_it(model):
    found = report(model, *blobs())
    assert set(found.missing) == {"curve", "leaderboard", "unknowns", "groups", "label_errors_train", "next"}
    page = html.unescape(found.to_html())
    shown = [found.missing[name] for name in ("curve", "unknowns", "groups", "label_errors_train", "next")]
    assert all(line in page for line in shown)
    assert "AnyShotClassifier" in page  # who explains its mistakes
    with pytest.raises(MissingPartError, match="--train DATA"):
        found.tables["curve"]
    with pytest.raises(KeyError, match="There is no 'nonsense' among"):
        found.figures["nonsense"]
    assert found.tables.get("curve") is None


def test_weights_count_in_every_share(model):
    X, y = blobs(seed=1)
    weight = np.arange(60) % 3
    rows = np.arange(60).repeat(weight)
    sites = np.array(["north", "south"] * 30)
    weighed = report(model, X, y, sample_weight=weight, groups=sites)
    copied = report(model, X[rows], [y[row] for row in rows], groups=sites[rows])
    assert weighed.evaluation.accuracy == pytest.approx(copied.evaluation.accuracy)
    assert weighed.evaluation.ece == pytest.approx(copied.evaluation.ece)
    both = [one.tables["groups"].set_index("group")["accuracy"].to_dict() for one in (weighed, copied)]
    assert both[0] == pytest.approx(both[1])
    shares = [one.tables["reliability"]["accuracy"].tolist() for one in (weighed, copied)]
    assert shares[0] == pytest.approx(shares[1])
    assert "Weighted: the items say as much as 36 equal ones." in weighed.to_html()


def test_weights_that_sum_to_zero_are_refused(model):
    X, y = blobs()
    with pytest.raises(InputError, match="weights of the 60 items sum to zero"):
        report(model, X, y, sample_weight=np.zeros(60))
    with pytest.raises(InputError, match="weights of the items with a label sum to zero"):
        report(model, X, [None, *y[1:]], sample_weight=[1.0] + [0.0] * 59)


def test_a_group_in_which_nothing_weighs_has_no_share(model):
    X, y = blobs()
    found = report(model, X, y, sample_weight=[0.0] * 5 + [1.0] * 55, groups=["none"] * 5 + ["some"] * 55)
    assert np.isnan(found.tables["groups"].set_index("group").loc["none", "accuracy"])
    assert "Fewer than two groups" in found.to_html()


def test_a_page_that_cannot_be_written_leaves_the_old_one_whole(model, tmp_path):
    found = report(model, *blobs())
    found.save(tmp_path / "report.html")
    before = (tmp_path / "report.html").read_bytes()
    with pytest.raises(UnicodeEncodeError):
        found.save(tmp_path / "report.html", title="\ud800")
    assert (tmp_path / "report.html").read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
