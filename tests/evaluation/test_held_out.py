"""Held-out protocols: no model sees what it is asked, every item is encoded once, and intervals are what they say."""

import numpy as np
import pytest
from scipy import stats
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import LeaveOneGroupOut, cross_val_score
from sklearn.neighbors import NearestCentroid

from anyshot.base.validation import generator
from anyshot.errors import InputError, NotEnoughClassesError, NotEnoughLabelsError
from anyshot.evaluation.held_out import cross_validate, few_shot_episodes, leave_one_domain_out


@pytest.fixture
def clouds():
    """Return vectors (60, 3) in three clouds that overlap, and their labels."""
    random = generator(0)
    y = np.tile(["x", "y", "z"], 20)
    return (np.tile(np.eye(3), (20, 1)) + 0.5 * random.normal(size=(60, 3))).astype(np.float32), y


class Remembers(ClassifierMixin, BaseEstimator):
    """Answers right only what it was shown."""

    def fit(self, X, y):
        self.seen_ = {bytes(row): label for row, label in zip(X, y, strict=True)}
        return self

    def predict(self, X):
        return np.array([self.seen_.get(bytes(row), "never seen") for row in X])


def test_no_model_has_seen_what_it_is_asked(clouds):
    X, y = clouds
    assert cross_validate(Remembers(), X, y).mean == 0
    assert leave_one_domain_out(Remembers(), X, y, np.arange(60) // 20).mean == 0
    assert few_shot_episodes(Remembers(), X, y, n_classes=2, n_episodes=5).mean == 0


def test_every_item_is_asked_once_in_the_folds(clouds):
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


def test_episodes_hold_the_classes_and_labels_asked_for_and_repeat(clouds):
    X, y = clouds
    found = few_shot_episodes(NearestCentroid(), X, y, n_classes=2, n_shots=3, n_episodes=20)
    assert (found.parts["n_train"] == 6).all()
    assert (found.parts["n"] == 30).all()
    again = few_shot_episodes(NearestCentroid(), X, y, n_classes=2, n_shots=3, n_episodes=20)
    assert again.parts.equals(found.parts)


def test_the_interval_is_students(clouds):
    found = few_shot_episodes(NearestCentroid(), *clouds, n_classes=2, n_shots=2, n_episodes=20)
    shares = found.parts["accuracy"]
    peer = stats.t.interval(0.95, 19, loc=shares.mean(), scale=stats.sem(shares))
    np.testing.assert_allclose(found.interval, peer)


def test_an_encoder_sees_every_item_once(letters):
    texts = [letter * size for letter in "abc" for size in range(1, 7)]
    y = [text[0] for text in texts]
    found = cross_validate(NearestCentroid(), texts, y, n_folds=3, encoder=letters)
    assert sorted(letters.encoded) == sorted(texts)
    assert found.mean == 1


def test_items_without_a_label_are_left_out(clouds):
    X, y = clouds
    some = [None if row % 2 else label for row, label in enumerate(y)]
    assert cross_validate(NearestCentroid(), X, some).parts["n"].sum() == 30


def test_the_table_prints_the_lowest_first_with_the_mean_below(clouds):
    X, y = clouds
    found = leave_one_domain_out(NearestCentroid(), X, y, np.arange(60) // 20)
    assert "mean of 3 domains" in str(found)
    assert "domain" in found._repr_html_()


def test_too_little_is_refused_by_name(clouds):
    X, y = clouds
    with pytest.raises(NotEnoughLabelsError, match="5 folds need as many labels; there are 3"):
        cross_validate(NearestCentroid(), X[:3], y[:3])
    with pytest.raises(InputError, match="All labeled items are of one domain"):
        leave_one_domain_out(NearestCentroid(), X, y, ["here"] * 60)
    with pytest.raises(InputError, match="60 items and 2 domains"):
        leave_one_domain_out(NearestCentroid(), X, y, [1, 2])
    with pytest.raises(NotEnoughClassesError, match="of 2 items; there are 3"):
        few_shot_episodes(NearestCentroid(), X, y)
