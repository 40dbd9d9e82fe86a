"""Splits: folds, held-out rows, domains, episodes and paired differences."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import LeaveOneGroupOut, cross_val_score
from sklearn.neighbors import NearestCentroid

from anyshot.base.validation import generator
from anyshot.errors import InputError, NotEnoughClassesError, NotEnoughLabelsError
from anyshot.evaluation.splits import (
    HeldOutScores,
    cross_validate,
    few_shot_episodes,
    holdout_rows,
    leave_one_domain_out,
    paired_difference,
)


def test_held_out_rows_are_stratified_and_repeatable():
    labels = ["a"] * 10 + ["b"] * 2 + [None] * 5
    rows = holdout_rows(labels, seed=3)
    assert [labels[row] for row in rows] == ["a", "a", "a", "b"]
    assert rows.tolist() == holdout_rows(labels, seed=3).tolist()
    with pytest.raises(NotEnoughLabelsError, match="Class 'c' has one item"):
        holdout_rows([*labels, "c"], seed=3)


def test_the_paired_interval_agrees_with_scipy():
    random = generator(0)
    a, b = random.random(8), random.random(8)
    found = paired_difference(a, b)
    oracle = stats.ttest_rel(a, b).confidence_interval(0.95)
    assert (found.lower, found.upper) == pytest.approx((oracle.low, oracle.high))
    assert found.mean == pytest.approx(a.mean() - b.mean())
    assert found.sd == pytest.approx((a - b).std(ddof=1))


def test_one_draw_has_no_interval():
    found = paired_difference([0.8], [0.7])
    assert found.mean == pytest.approx(0.1)
    assert np.isnan(found.lower)
    assert str(found) == "+10.0 points (one draw)"


def test_series_of_different_lengths_are_refused():
    with pytest.raises(InputError, match="Two series of the same draws"):
        paired_difference([0.1, 0.2], [0.1])


@pytest.fixture
def clouds():
    """Return vectors (60, 3) in three clouds that overlap, and their labels."""
    random = generator(0)
    y = np.tile(["x", "y", "z"], 20)
    return (np.tile(np.eye(3), (20, 1)) + 0.5 * random.normal(size=(60, 3))).astype(np.float32), y


class Remembers(ClassifierMixin, BaseEstimator):
    """A classifier that is right on its training items only."""

    def fit(self, X, y):
        self.seen_ = {bytes(row): label for row, label in zip(X, y, strict=True)}
        return self

    def predict(self, X):
        return np.array([self.seen_.get(bytes(row), "not trained on") for row in X])


def test_no_model_is_tested_on_its_training_items(clouds):
    X, y = clouds
    assert cross_validate(Remembers(), X, y).mean == 0
    assert leave_one_domain_out(Remembers(), X, y, np.arange(60) // 20).mean == 0
    assert few_shot_episodes(Remembers(), X, y, n_classes=2, n_episodes=5).mean == 0


def test_every_item_is_tested_once(clouds):
    X, y = clouds
    found = cross_validate(NearestCentroid(), X, y, n_folds=4)
    assert found.parts["n"].sum() == 60
    assert (found.parts["n"] + found.parts["n_train"] == 60).all()


def test_domains_left_out_agree_with_scikit_learn(clouds):
    X, y = clouds
    domains = np.array(["north", "south", "west"])[np.arange(60) // 20]
    peer = cross_val_score(NearestCentroid(), X, y, groups=domains, cv=LeaveOneGroupOut())
    found = leave_one_domain_out(NearestCentroid(), X, y, domains)
    np.testing.assert_allclose(found.parts["accuracy"], peer)
    assert found.parts["part"].tolist() == ["north", "south", "west"]


def test_episodes_have_the_requested_size_and_are_repeatable(clouds):
    X, y = clouds
    found = few_shot_episodes(NearestCentroid(), X, y, n_classes=2, n_shots=3, n_episodes=20)
    assert (found.parts["n_train"] == 6).all()
    assert (found.parts["n"] == 30).all()
    again = few_shot_episodes(NearestCentroid(), X, y, n_classes=2, n_shots=3, n_episodes=20)
    assert again.parts.equals(found.parts)


def test_the_interval_is_that_of_students_t(clouds):
    found = few_shot_episodes(NearestCentroid(), *clouds, n_classes=2, n_shots=2, n_episodes=20)
    shares = found.parts["accuracy"]
    peer = stats.t.interval(0.95, 19, loc=shares.mean(), scale=stats.sem(shares))
    np.testing.assert_allclose(found.interval, peer)


def test_items_without_a_label_are_left_out(clouds):
    X, y = clouds
    some = [None if row % 2 else label for row, label in enumerate(y)]
    assert cross_validate(NearestCentroid(), X, some).parts["n"].sum() == 30


def test_the_mean_is_printed_below_the_table(clouds):
    X, y = clouds
    found = leave_one_domain_out(NearestCentroid(), X, y, np.arange(60) // 20)
    assert "mean of 3 domains" in str(found)
    assert "domain" in found._repr_html_()


def test_too_few_labels_domains_or_classes_are_refused(clouds):
    X, y = clouds
    with pytest.raises(NotEnoughLabelsError, match="5 folds need at least 5 labels; there are 3"):
        cross_validate(NearestCentroid(), X[:3], y[:3])
    with pytest.raises(InputError, match="All labeled items are of one domain"):
        leave_one_domain_out(NearestCentroid(), X, y, ["here"] * 60)
    with pytest.raises(InputError, match="60 items and 2 domains"):
        leave_one_domain_out(NearestCentroid(), X, y, [1, 2])
    with pytest.raises(NotEnoughClassesError, match="of 2 items or more; there are 3"):
        few_shot_episodes(NearestCentroid(), X, y)


def test_a_number_of_folds_is_whole():
    with pytest.raises(InputError, match=r"n_folds must be an integer; it is 2.5"):
        cross_validate(LogisticRegression(), [[0.0], [1.0], [2.0]], ["a", "b", "a"], n_folds=2.5)


def test_the_interval_of_a_mean_share_stays_within_0_and_1():
    scores = HeldOutScores(pd.DataFrame({"accuracy": [0.85, 1.0]}), "domain")
    assert scores.interval[1] == 1.0
    assert 0 <= scores.interval[0] < 0.85


def test_another_order_of_items_labels_and_domains_is_said():
    X, y = pd.DataFrame({"a": [0.0, 1.0, 0.1, 0.9]}), pd.Series(["n", "y", "n", "y"])
    with pytest.warns(UserWarning, match=r"indexes of X and y"):
        cross_validate(LogisticRegression(), X, y.iloc[[2, 3, 0, 1]], n_folds=2)
    with pytest.warns(UserWarning, match=r"indexes of X and domains"):
        leave_one_domain_out(LogisticRegression(), X, y, pd.Series(["s", "s", "t", "t"]).iloc[[1, 0, 3, 2]])


def test_a_model_that_predicts_numbers_is_refused():
    with pytest.raises(InputError, match=r"Ridge predicts numbers\. Use evaluate_numbers"):
        cross_validate(Ridge(), [[0.0], [1.0]], [0.5, 1.5], n_folds=2)


def test_labels_and_domains_may_be_tables_of_one_column():
    X, y, domains = np.arange(12.0)[:, None], ["a", "b"] * 6, ["s", "s", "t", "t"] * 3
    model = NearestCentroid()
    found = leave_one_domain_out(model, X, pd.DataFrame({"y": y}), pd.DataFrame({"d": domains}))
    pd.testing.assert_frame_equal(found.parts, leave_one_domain_out(model, X, y, domains).parts)


def test_labels_of_several_tasks_are_refused():
    with pytest.raises(InputError, match=r"got a dict.*of several tasks the labels of one, values\[name\]"):
        cross_validate(NearestCentroid(), [[0.0], [1.0]], {"color": ["red", "blue"]}, n_folds=2)
