"""Labels that are likely wrong."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression

from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.label_errors import (
    confident_thresholds,
    label_errors,
    out_of_fold_probabilities,
)

P = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.4, 0.6], [0.05, 0.95]])
Y = np.array([0, 0, 1, 1, 0])  # the last label is wrong


@pytest.fixture
def blobs():
    random = np.random.default_rng(0)
    y = np.repeat(["a", "b", "c"], 40)
    centers = {"a": (0, 0), "b": (6, 0), "c": (0, 6)}
    return np.array([centers[name] for name in y]) + random.normal(size=(120, 2)), y


def test_a_threshold_is_the_mean_probability_of_the_class_over_its_own_items():
    assert confident_thresholds(P, Y) == pytest.approx([(0.9 + 0.7 + 0.05) / 3, (0.8 + 0.6) / 2])


def test_a_class_without_labels_is_never_likely():
    assert confident_thresholds(P, [0, 0, 0, 0, 0])[1] == np.inf
    assert len(label_errors(P, [0, 0, 0, 0, 0])) == 0


def test_the_listed_labels_are_those_of_the_rule():
    random = np.random.default_rng(1)
    p, y = random.dirichlet(np.ones(4), size=200), random.integers(-1, 4, size=200)
    t = [p[y == j, j].mean() for j in range(4)]
    wrong = [
        row
        for row, (own, label) in enumerate(zip(p, y, strict=True))
        if label >= 0 and own.argmax() != label and own.max() >= t[own.argmax()]
    ]
    listed = label_errors(p, y)
    assert sorted(listed["row"]) == wrong
    assert (np.diff(listed["p_likely"] - listed["p_given"]) <= 0).all()
    assert listed["given"].tolist() == y[listed["row"]].tolist()


def test_a_class_with_one_item_does_not_make_other_labels_look_wrong():
    """Its threshold is its own probability, near zero, which nearly all items reach."""
    random = np.random.default_rng(0)
    y = np.array([0] * 50 + [1] * 50 + [2])
    p = np.full((101, 3), 0.03)
    p[np.arange(101), y] = 0.94
    p[100] = [0.6, 0.39, 0.01]  # the only item of class 2, predicted without it
    unsure = random.choice(100, 20, replace=False)
    p[unsure] = [[0.5, 0.4, 0.1] if y[row] == 0 else [0.4, 0.5, 0.1] for row in unsure]
    p[7], p[61] = [0.04, 0.95, 0.01], [0.96, 0.03, 0.01]  # two labels that are wrong
    assert label_errors(p, y)["row"].tolist() == [61, 7]


def test_only_labels_less_likely_than_another_class_are_listed():
    random = np.random.default_rng(3)
    p, y = random.dirichlet(np.ones(5) / 2, size=300), random.integers(-1, 5, size=300)
    found = label_errors(p, y)
    assert len(found) > 50
    assert (found["p_likely"] > found["p_given"]).all()
    assert found["p_likely"].tolist() == pytest.approx(p[found["row"]].max(axis=1))


def test_likely_errors_are_sorted_by_confidence():
    found = label_errors(P, Y, classes=np.array(["ham", "spam"]))
    assert found.to_dict("records") == [
        {"row": 4, "given": "ham", "likely": "spam", "p_given": pytest.approx(0.05), "p_likely": pytest.approx(0.95)}
    ]


def test_injected_errors_are_found_and_few_others(blobs):
    X, y = blobs
    wrong = np.random.default_rng(2).choice(len(y), 12, replace=False)
    given = y.copy()
    given[wrong] = [{"a": "b", "b": "c", "c": "a"}[name] for name in y[wrong]]
    table, classes = out_of_fold_probabilities(LogisticRegression(), X, given)
    index = np.searchsorted(classes, given)
    found = set(label_errors(table, index, classes=classes)["row"])
    assert len(found & set(wrong)) >= 10
    assert len(found - set(wrong)) <= 2


class Memorizer(ClassifierMixin, BaseEstimator):
    """A classifier that is certain about its training items, and about nothing else."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.learned_ = dict(zip((float(x[0]) for x in X), y, strict=True))
        return self

    def predict_proba(self, X):
        known = [self.learned_.get(float(x[0])) for x in X]
        even = np.full(len(self.classes_), 1 / len(self.classes_))
        return np.array([even if name is None else (self.classes_ == name).astype(float) for name in known])


def test_no_item_is_predicted_by_a_clone_trained_on_it():
    X, y = np.arange(20.0)[:, None], ["a", "b"] * 10
    table, classes = out_of_fold_probabilities(Memorizer(), X, y)
    assert classes.tolist() == ["a", "b"]
    assert (table == 0.5).all()


def test_one_label_per_class_is_too_few():
    with pytest.raises(NotEnoughLabelsError, match="no class has two"):
        out_of_fold_probabilities(LogisticRegression(), [[0.0], [1.0]], ["a", "b"])


def test_invalid_probabilities_are_refused():
    with pytest.raises(InputError, match="Row 1 does not contain probabilities"):
        label_errors([[0.5, 0.5], [0.9, 0.9]], [0, 1])


def test_items_without_any_label_are_refused():
    with pytest.raises(NotEnoughLabelsError, match="No item has a label"):
        label_errors(P, [-1] * 5)
