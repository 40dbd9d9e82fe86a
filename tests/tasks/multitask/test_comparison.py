"""Comparison of multitask learning with learning each task alone."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator

from anyshot.base.validation import generator
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.tasks.multitask.comparison import compare_with_single_tasks, task_score
from anyshot.tasks.multitask.model import MultitaskModel


class HurtByOtherTasks(BaseEstimator):
    """Predicts correctly after learning one task, and incorrectly after learning two."""

    def __init__(self, *, tasks=None):
        self.tasks = tasks

    def fit(self, X, y):
        self.alone_, self.names_ = len(y) == 1, list(y)
        return self

    def predict(self, X):
        right = np.asarray(X)[:, 0] > 0
        return dict.fromkeys(self.names_, right if self.alone_ else ~right)


def two_tasks(n=60, *, seed=0):
    X = generator(seed).normal(size=(n, 3))
    return X, {"one": (X[:, 0] > 0).tolist(), "two": (X[:, 0] > 0).tolist()}


def test_negative_transfer_is_reported_for_each_task():
    report = compare_with_single_tasks(HurtByOtherTasks(), *two_tasks())
    assert report.losers == ("one", "two")
    assert report.mean_gain == -1
    assert "Negative transfer: one, two. Train these alone." in str(report)


def test_a_task_with_equal_scores_is_level():
    X, y = two_tasks()
    report = compare_with_single_tasks(MultitaskModel(shared=False), X, y)
    assert report.losers == ()
    assert set(report.table["verdict"]) == {"level"}
    assert "There is no negative transfer" in str(report)


def test_related_regressions_gain():
    random = generator(3)
    X = random.normal(size=(150, 40))
    truth = X @ random.normal(size=40)
    y = {f"year {k}": (truth + 6 * random.normal(size=150)).tolist() for k in range(4)}
    for k, labels in enumerate(y.values()):
        labels[k % 2 :: 2] = [None] * len(labels[k % 2 :: 2])
    report = compare_with_single_tasks(MultitaskModel(), X, y)
    assert report.mean_gain > 0.02
    assert len(report.folds) == 5 * 4


def test_the_same_random_state_gives_the_same_table():
    one, two = (
        compare_with_single_tasks(MultitaskModel(), *two_tasks(), n_folds=2, repeats=2, random_state=4).table
        for _ in range(2)
    )
    assert one.equals(two)


def test_scores_are_accuracy_and_r2_on_the_labeled_items():
    assert task_score(["a", None, "b"], np.array(["a", "a", "a"]), kind="classification") == 0.5
    assert task_score([1.0, 3.0, np.nan], np.array([1.0, 3.0, 9.0]), kind="regression") == 1.0
    assert task_score([1.0, 3.0], np.array([2.0, 2.0]), kind="regression") == 0.0
    assert np.isnan(task_score([None], np.array(["a"]), kind="classification"))


def test_weights_count_in_the_scores():
    predicted, weights = np.array(["a", "a", "b"]), np.array([1.0, 3.0, 0.0])
    assert task_score(["a", "b", "b"], predicted, kind="classification", weights=weights) == 0.25
    assert task_score([1, 3, 9], np.array([2.0, 3, 0]), kind="regression", weights=weights) == pytest.approx(2 / 3)


def test_weights_count_in_fit_and_items_of_weight_0_are_absent():
    X, y = two_tasks()
    y = {task: [not label if row % 3 == 0 else label for row, label in enumerate(labels)] for task, labels in y.items()}
    weights = np.arange(60) % 3 > 0  # the wrong labels do not count
    report = compare_with_single_tasks(MultitaskModel(), X, y, sample_weight=weights.astype(float))
    assert report.table["labels"].tolist() == [40, 40]
    assert (report.table["together"] > 0.9).all()
    assert (compare_with_single_tasks(MultitaskModel(), X, y).table["together"] < 0.8).all()


def test_weights_that_cannot_be_used_are_refused():
    X, y = two_tasks()
    with pytest.raises(InputError, match=r"must take sample_weight in fit, .* it is HurtByOtherTasks\(\)"):
        compare_with_single_tasks(HurtByOtherTasks(), X, y, sample_weight=np.ones(60))
    with pytest.raises(InputError, match="one weight for each of 60 items"):
        compare_with_single_tasks(MultitaskModel(), X, y, sample_weight=np.ones(6))


def test_a_task_with_too_few_labels_for_the_folds_raises_an_error():
    X, y = two_tasks()
    with pytest.raises(NotEnoughLabelsError, match="Task 'two' has 3 labels; 5 folds need 10"):
        compare_with_single_tasks(MultitaskModel(), X, {**y, "two": [True, False, True, *[None] * 57]})


def test_too_few_folds_raise_an_error():
    with pytest.raises(InputError, match="n_folds must be at least 2"):
        compare_with_single_tasks(MultitaskModel(), *two_tasks(), n_folds=1)


@pytest.mark.parametrize(("model", "kind"), [(MultitaskModel, "the class MultitaskModel"), (BaseEstimator(), "a Base")])
def test_a_model_without_tasks_is_refused(model, kind):
    with pytest.raises(InputError, match=f"estimator of several tasks, such as .*; it is {kind}"):
        compare_with_single_tasks(model, *two_tasks())
